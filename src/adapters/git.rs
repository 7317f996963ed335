//! A branch of a git repository, by the `git` program: so the user's own keys, agents and helpers for passwords work. All
//! that is fetched stays in a bare repository of our own; it has no hooks, and nothing of it is ever executed.

mod export;
mod inspect;
mod revisions;
mod run;

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::model::commit::{Commit, CommitId};
use crate::ports::repository::{Repository, RepositoryError};
pub use revisions::Revisions;
use run::Git;

/// A branch of a repository.
#[derive(Debug)]
pub struct GitRepository {
    git: Git,
    directory: PathBuf,
    url: String,
    branch: String,
    signers: Signers,
}

/// Whose signatures count. Nobody's where both are left out: then none is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signers {
    /// A file of allowed signers (ssh-keygen(1), "ALLOWED SIGNERS").
    pub ssh: Option<PathBuf>,
    /// A file of OpenPGP public keys, as `gpg --export` writes it.
    pub pgp: Option<PathBuf>,
}

impl Signers {
    /// Whether anybody's signature is asked for.
    pub fn are_named(&self) -> bool {
        self.ssh.is_some() || self.pgp.is_some()
    }
}

/// The bare repository in a directory of ours.
fn objects_in(directory: &Path) -> PathBuf {
    directory.join("objects.git")
}

impl GitRepository {
    /// The branch of the repository at `url`; what is fetched is kept in `directory`.
    pub fn new(directory: &Path, url: &str, branch: &str, signers: Signers) -> Self {
        // Some commands of git run in another directory.
        let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
        GitRepository {
            git: Git::new(objects_in(&directory)),
            directory,
            url: url.to_owned(),
            branch: branch.to_owned(),
            signers,
        }
    }
}

#[async_trait]
impl Repository for GitRepository {
    async fn fetch(&self) -> Result<CommitId, RepositoryError> {
        self.git.make().await?;
        // Here it has the name that people know it by.
        let followed = format!("refs/heads/{}", self.branch);
        let spec = format!("+{followed}:{followed}");
        let fetched = self.git.fetch(&self.url, &spec).await;
        fetched.map_err(RepositoryError::Unreachable)?;
        let head = self.git.said(&["rev-parse", "--verify", &followed]).await;
        let head = head.map_err(RepositoryError::Unusable)?;
        let id = head.trim().parse::<CommitId>();
        id.map_err(|error| RepositoryError::Unusable(error.to_string()))
    }

    async fn about(&self, id: &CommitId) -> Result<Commit, RepositoryError> {
        inspect::about(&self.git, &self.directory, &self.signers, id).await
    }

    async fn descends(&self, late: &CommitId, early: &CommitId) -> Result<bool, RepositoryError> {
        inspect::descends(&self.git, late, early).await
    }

    async fn files(&self, id: &CommitId) -> Result<PathBuf, RepositoryError> {
        export::files(&self.git, &self.directory, id).await
    }

    fn tidy(&self, keep: &[CommitId]) {
        export::tidy(&self.directory, keep);
    }
}

#[cfg(test)]
mod tests;
