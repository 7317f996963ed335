//! A repository that a branch is followed of.

use std::path::PathBuf;

use async_trait::async_trait;

use crate::model::commit::{Commit, CommitId};

/// Why a repository did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryError {
    /// It could not be reached, or has no such branch, or what is new can't be written down here: what was there before
    /// stays as it is, and it is tried again.
    #[error("{0}")]
    Unreachable(String),
    /// A commit can't be used.
    #[error("{0}")]
    Unusable(String),
}

/// A repository.
#[async_trait]
pub trait Repository: Send + Sync {
    /// Asks where the branch ends now, and gets all that is new there.
    async fn fetch(&self) -> Result<CommitId, RepositoryError>;

    /// What a commit says of itself, and what its signature proves.
    async fn about(&self, id: &CommitId) -> Result<Commit, RepositoryError>;

    /// Whether `late` is `early`, or was made on top of it. An `early` that is not there any more is not below anything.
    async fn descends(&self, late: &CommitId, early: &CommitId) -> Result<bool, RepositoryError>;

    /// A directory with all files of a commit, and nothing else.
    async fn files(&self, id: &CommitId) -> Result<PathBuf, RepositoryError>;

    /// Removes the files of all commits but these.
    fn tidy(&self, keep: &[CommitId]);
}
