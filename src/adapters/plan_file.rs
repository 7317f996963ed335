//! A saved plan as a file. It is for its owner alone: a plan says much of a cluster.

use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::model::saved::SavedPlan;

/// Writes `text` to `path`, all or nothing.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let mut fresh = NamedTempFile::new_in(dir.unwrap_or(Path::new(".")))?;
    fresh.write_all(text.as_bytes())?;
    fresh.as_file().sync_all()?;
    fresh.persist(path)?;
    Ok(())
}

/// Reads a saved plan.
pub fn read(path: &Path) -> io::Result<SavedPlan> {
    let text = std::fs::read(path)?;
    serde_json::from_slice(&text).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_plan_is_for_its_owner_alone_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.json");
        write(&path, "{}").unwrap();
        write(&path, "{ }").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{ }");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
        assert!(write(&dir.path().join("none/plan.json"), "{}").is_err());
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("missing field"), "{error}");
    }
}
