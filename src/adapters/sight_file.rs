//! What a controller last saw, as a file of its state directory, or a copy of that on another machine.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::model::sight::{FORMAT_VERSION, Sight};

/// Where it is in the state directory of a cluster.
pub fn of_state(directory: &Path) -> PathBuf {
    directory.join("observed.json")
}

/// As much of it as every version has.
#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

/// Reads it.
pub fn read(path: &Path) -> io::Result<Sight<'static>> {
    let text = std::fs::read(path)?;
    let Version { format_version } = serde_json::from_slice(&text)?;
    if format_version != FORMAT_VERSION {
        return Err(io::Error::other(format!(
            "it has format version {format_version}, and this reconcile reads {FORMAT_VERSION}"
        )));
    }
    Ok(serde_json::from_slice(&text)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::adapters::file_store::FileStore;
    use crate::model::facts::{GuestFacts, GuestFile, Observed, Seen};
    use crate::model::memory::Memory;
    use crate::model::policy::Witness;
    use crate::model::time::Timestamp;
    use crate::ports::store::Store as _;

    fn observed(content: Option<&str>) -> Observed {
        let file = GuestFile {
            sha256: "ab".into(),
            mode: 0o600,
            owner: "root:root".into(),
            changed: None,
            content: content.map(str::to_owned),
        };
        let facts = GuestFacts {
            files: BTreeMap::from([("/etc/x".to_owned(), file)]),
            ..GuestFacts::default()
        };
        Observed {
            now: Timestamp(5_000),
            guests: BTreeMap::from([("web-1".parse().unwrap(), Seen::Yes(facts))]),
            witnesses: BTreeMap::from([(Witness::Address([10, 0, 0, 1].into()), true)]),
            ..Observed::default()
        }
    }

    #[test]
    fn what_was_seen_reads_back_but_for_what_files_hold() {
        let dir = tempfile::tempdir().unwrap();
        let (seen, memory) = (observed(Some("password: hunter2")), Memory::default());
        let sight = Sight::of(&"demo".parse().unwrap(), &seen, &memory);
        FileStore::new(dir.path()).keep_sight(&sight).unwrap();
        let path = of_state(dir.path());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        assert_eq!(*read(&path).unwrap().observed, observed(None));
    }

    #[test]
    fn what_another_version_wrote_is_refused_by_its_version() {
        let dir = tempfile::tempdir().unwrap();
        let path = of_state(dir.path());
        std::fs::write(&path, "{\"format_version\": 9, \"other\": 1}").unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("format version 9"), "{error}");
        std::fs::write(&path, "no JSON").unwrap();
        assert!(read(&path).is_err());
    }
}
