//! What is known of branches that are followed, in the state directory: a directory for each, with what was fetched of it
//! and one JSON file that is replaced as a whole.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::file_store::replace;
use crate::model::commit::CommitId;
use crate::model::followed::Followed;
use crate::model::id::ClusterName;
use crate::render::sha256;

/// How many digits a directory is called by.
const DIGITS: usize = 12;
const FILE: &str = "followed.json";

/// One branch that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowedStore {
    /// Where everything of it is kept.
    pub directory: PathBuf,
}

impl FollowedStore {
    /// That of this file on this branch, below the state directory.
    pub fn of(state: &Path, url: &str, branch: &str, path: &str) -> Self {
        let mut name = sha256(&format!("{url}\n{branch}\n{path}"));
        name.truncate(DIGITS);
        let directory = all(state).join(name);
        FollowedStore { directory }
    }

    /// The branches that a cluster follows, or followed.
    pub fn of_cluster(state: &Path, cluster: &ClusterName) -> Vec<Followed> {
        let directories = fs::read_dir(all(state)).into_iter().flatten();
        let stores = directories.filter_map(|entry| {
            let directory = entry.ok()?.path();
            FollowedStore { directory }.load().ok()?
        });
        let mut followed: Vec<Followed> = stores
            .filter(|f| f.cluster.as_ref() == Some(cluster))
            .collect();
        followed.sort_by_key(|followed| followed.reached_at);
        followed
    }

    /// What is known of it; none: nothing yet. What can't be read begins anew: all of it can be fetched again.
    pub fn load(&self) -> io::Result<Option<Followed>> {
        match fs::read(self.directory.join(FILE)) {
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(absent) if absent.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps what is known of it.
    pub fn save(&self, followed: &Followed) -> io::Result<()> {
        self.make()?;
        replace(
            &self.directory.join(FILE),
            &serde_json::to_vec_pretty(followed)?,
        )
    }

    /// Makes the directory, for its owner alone.
    pub fn make(&self) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
    }

    /// Where the files of a commit are.
    pub fn files_of(&self, commit: &CommitId) -> PathBuf {
        self.directory.join("commits").join(commit.as_str())
    }
}

fn all(state: &Path) -> PathBuf {
    state.join("repositories")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_of_each_branch_has_a_place_of_its_own_that_is_found_by_its_cluster() {
        let dir = tempfile::tempdir().unwrap();
        let store = FollowedStore::of(dir.path(), "/r.git", "main", "cluster.yaml");
        assert_ne!(
            store,
            FollowedStore::of(dir.path(), "/r.git", "next", "cluster.yaml")
        );
        assert_eq!(store.load().unwrap(), None);
        let mut followed = Followed::new("/r.git", "main", "cluster.yaml");
        followed.cluster = Some("demo".parse().unwrap());
        store.save(&followed).unwrap();
        assert_eq!(store.load().unwrap().as_ref(), Some(&followed));
        assert_eq!(
            FollowedStore::of_cluster(dir.path(), &"demo".parse().unwrap()),
            [followed]
        );
        assert_eq!(
            FollowedStore::of_cluster(dir.path(), &"other".parse().unwrap()),
            []
        );
        fs::write(store.directory.join(FILE), "{").unwrap();
        assert_eq!(store.load().unwrap(), None);
    }
}
