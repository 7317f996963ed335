//! States of the file as they were applied, with all that they include, so that one can go back to them: one JSON file
//! for each in the state directory. Secrets are not kept: they are read where they are.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::file_store::replace;
use super::spec_files::DiskFiles;
use crate::model::commit::Commit;
use crate::model::desired::{Desired, Revision};
use crate::spec::{self, Pattern, Sources, SpecErrors, SpecFiles};

/// How many are kept.
const KEPT: usize = 20;

/// The kept states of a cluster's file.
#[derive(Debug)]
pub struct Snapshots {
    directory: PathBuf,
}

/// One of them. Everything in it was valid when it was kept, so it is text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    source: String,
    includes: BTreeMap<PathBuf, String>,
    /// The commit that it was from, where it was from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<Commit>,
}

impl Snapshot {
    /// What was read.
    pub fn of(source: &[u8], includes: Sources, commit: Option<Commit>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let includes = includes.into_iter();
        Snapshot {
            source: text(source),
            includes: includes.map(|(path, it)| (path, text(&it))).collect(),
            commit,
        }
    }
}

impl Snapshot {
    /// The text of the file.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl Snapshots {
    /// Those in the state directory of a cluster.
    pub fn new(state: &Path) -> Self {
        Snapshots {
            directory: state.join("revisions"),
        }
    }

    fn path(&self, revision: &Revision) -> PathBuf {
        self.directory.join(format!("{revision}.json"))
    }

    /// Whether it is kept.
    pub fn has(&self, revision: &Revision) -> bool {
        self.path(revision).is_file()
    }

    /// Keeps it; the oldest ones go, but for those that are `needed`.
    pub fn keep(
        &self,
        revision: &Revision,
        snapshot: &Snapshot,
        needed: &[Revision],
    ) -> io::Result<()> {
        let mut private = DirBuilder::new();
        private
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)?;
        // Written anew, it is the youngest.
        replace(&self.path(revision), &serde_json::to_vec(snapshot)?)?;
        self.prune(needed)
    }

    /// Those that are kept, with the commits that they are from, the youngest first.
    pub fn all(&self) -> io::Result<Vec<(Revision, Option<Commit>)>> {
        let mut all = self.by_age()?;
        all.reverse();
        let known = all.into_iter().filter_map(|(_, path)| {
            let name = path.file_stem()?.to_str()?.to_owned();
            let snapshot: Snapshot = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            Some((Revision(name), snapshot.commit))
        });
        Ok(known.collect())
    }

    fn prune(&self, needed: &[Revision]) -> io::Result<()> {
        let needed: Vec<PathBuf> = needed.iter().map(|it| self.path(it)).collect();
        let mut all = self.by_age()?;
        all.retain(|(_, path)| !needed.contains(path));
        let old = all.len().saturating_sub(KEPT);
        let old = all.iter().take(old);
        old.map(|(_, path)| path).try_for_each(fs::remove_file)
    }

    fn by_age(&self) -> io::Result<Vec<(SystemTime, PathBuf)>> {
        let mut all: Vec<_> = fs::read_dir(&self.directory)?
            .filter_map(|entry| {
                let entry = entry.ok()?;
                Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
            })
            .collect();
        all.sort();
        Ok(all)
    }

    /// Reads a kept state again; `file` is what messages call it. Secrets, keys and images are read from `disk`.
    pub fn read(
        &self,
        revision: &Revision,
        file: &str,
        disk: &DiskFiles,
    ) -> io::Result<Result<Desired, SpecErrors>> {
        let snapshot: Snapshot = serde_json::from_slice(&fs::read(self.path(revision))?)?;
        let (source, commit) = (snapshot.source.clone(), snapshot.commit.clone());
        let files = Replayed { snapshot, disk };
        let read = spec::parse(file, source.as_bytes(), &files);
        Ok(read.map(|desired| Desired { commit, ..desired }))
    }
}

struct Replayed<'a> {
    snapshot: Snapshot,
    disk: &'a DiskFiles,
}

impl SpecFiles for Replayed<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.snapshot.includes.get(path) {
            Some(text) => Ok(text.clone().into_bytes()),
            None => self.disk.read(path),
        }
    }

    fn find(&self, pattern: &Pattern) -> io::Result<Vec<PathBuf>> {
        let kept = self.snapshot.includes.keys();
        let named = kept.filter(|path| pattern.matches(path));
        Ok(named.cloned().collect())
    }

    fn digest(&self, path: &Path) -> io::Result<(String, u64)> {
        self.disk.digest(path)
    }

    fn env(&self, name: &str) -> Option<String> {
        self.disk.env(name)
    }

    fn resolve(&self, path: &Path) -> PathBuf {
        self.disk.resolve(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "cluster: demo
networks: { lan: { cidr: 10.0.0.0/24, gateway: 10.0.0.1, bridge: br0 } }
hosts: { a: { address: 10.0.0.2, pool: 10.0.0.10-10.0.0.19 } }
images: { micro: { path: /disk.qcow2, provision: cloud-init } }
secrets: { token: { file: token } }
services:
  one:
    replicas: 1
    image: micro
    memory: 64MiB
    port: 80
    run: /bin/one
    heartbeat: { path: / }
    files: [{ path: /etc/one, template: one.hbs }]
";

    #[test]
    fn a_kept_state_is_read_again_as_it_was_without_its_secrets() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cluster.yaml");
        fs::write(dir.path().join("one.hbs"), "hello {{secret.token}}").unwrap();
        fs::write(dir.path().join("token"), "hush").unwrap();
        let disk = DiskFiles::beside(&file);
        let (old, sources) =
            spec::parse_with_sources("cluster.yaml", SPEC.as_bytes(), &disk).unwrap();
        let snapshots = Snapshots::new(dir.path());
        let snapshot = Snapshot::of(SPEC.as_bytes(), sources, None);
        snapshots.keep(&old.revision, &snapshot, &[]).unwrap();
        let kept = fs::read_to_string(snapshots.path(&old.revision)).unwrap();
        assert!(kept.contains("hello") && !kept.contains("hush"), "{kept}");

        fs::write(dir.path().join("one.hbs"), "something else").unwrap();
        let again = snapshots.read(&old.revision, "cluster.yaml", &disk);
        assert_eq!(again.unwrap().unwrap(), old);
    }

    #[test]
    fn a_kept_state_has_the_files_that_it_included_whatever_there_is_now() {
        let dir = tempfile::tempdir().unwrap();
        let (services, main) = (dir.path().join("services"), SPEC.find("services:").unwrap());
        let (text, service) = SPEC.split_at(main);
        let text = format!("include: 'services/*.yaml'\n{text}");
        fs::create_dir(&services).unwrap();
        fs::write(services.join("one.yaml"), service).unwrap();
        fs::write(services.join("one.hbs"), "hello {{secret.token}}").unwrap();
        fs::write(dir.path().join("token"), "hush").unwrap();
        let disk = DiskFiles::beside(&dir.path().join("cluster.yaml"));
        let read = || spec::parse_with_sources("cluster.yaml", text.as_bytes(), &disk).unwrap();
        let (old, sources) = read();
        let snapshots = Snapshots::new(dir.path());
        let snapshot = Snapshot::of(text.as_bytes(), sources, None);
        snapshots.keep(&old.revision, &snapshot, &[]).unwrap();

        fs::write(
            services.join("one.yaml"),
            service.replace("port: 80", "port: 81"),
        )
        .unwrap();
        let more = service.replace("one:", "two:");
        fs::write(services.join("two.yaml"), more).unwrap();
        assert_eq!(read().0.groups.len(), 2);
        let again = snapshots.read(&old.revision, "cluster.yaml", &disk);
        assert_eq!(again.unwrap().unwrap(), old);
    }

    #[test]
    fn the_oldest_states_go_but_for_those_that_are_needed() {
        let dir = tempfile::tempdir().unwrap();
        let (snapshots, snapshot) = (
            Snapshots::new(dir.path()),
            Snapshot::of(b"", Vec::new(), None),
        );
        let revision = |n: usize| Revision(format!("{n:04}"));
        for n in 0..KEPT + 3 {
            snapshots
                .keep(&revision(n), &snapshot, &[revision(0)])
                .unwrap();
        }
        let left: Vec<usize> = (0..KEPT + 3)
            .filter(|n| snapshots.has(&revision(*n)))
            .collect();
        assert_eq!(left[0], 0);
        assert_eq!(left[1..], (3..KEPT + 3).collect::<Vec<_>>());
        assert_eq!(snapshots.all().unwrap().len(), KEPT + 1);
    }
}
