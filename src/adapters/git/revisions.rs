//! Commits of a repository that somebody else keeps, to be read and nothing else: the one that a file lies in, or one that was
//! fetched before. Its objects are borrowed by a bare repository of our own, so that neither its hooks nor its filters run.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::run::Git;
use super::{GitRepository, Signers};
use crate::model::commit::{Commit, CommitId};
use crate::ports::repository::{Repository as _, RepositoryError};

/// The commits of a repository. The files of those that were asked for are gone with this.
#[derive(Debug)]
pub struct Revisions {
    /// Where names are looked up.
    theirs: Git,
    ours: GitRepository,
    _scratch: TempDir,
}

impl Revisions {
    /// Those of the repository that `file` lies in, whether the file is there now or not; and its path in them.
    pub async fn around(file: &Path) -> Result<(Revisions, PathBuf), RepositoryError> {
        let beside = file.parent().filter(|dir| !dir.as_os_str().is_empty());
        let args = ["rev-parse", "--absolute-git-dir", "--show-prefix"];
        let said = Git::said_in(beside.unwrap_or(Path::new(".")), &args).await;
        let said = said.map_err(RepositoryError::Unusable)?;
        let mut lines = said.lines();
        let (directory, prefix) = (lines.next(), lines.next().unwrap_or_default());
        let path = Path::new(prefix).join(file.file_name().unwrap_or(OsStr::new("")));
        let theirs = Git::new(PathBuf::from(directory.unwrap_or_default()));
        Ok((Revisions::of(theirs).await?, path))
    }

    /// Those that were fetched to `directory`, as [`GitRepository`] keeps them.
    pub async fn fetched(directory: &Path) -> Result<Revisions, RepositoryError> {
        Revisions::of(Git::new(super::objects_in(directory))).await
    }

    async fn of(theirs: Git) -> Result<Revisions, RepositoryError> {
        let failed = |error| RepositoryError::Unusable(format!("can't keep commits: {error}"));
        let objects = theirs.said(&["rev-parse", "--git-path", "objects"]).await;
        let objects = objects.map_err(RepositoryError::Unusable)?;
        let scratch = tempfile::tempdir().map_err(failed)?;
        let ours = GitRepository::new(scratch.path(), "", "", Signers::default());
        ours.git.make().await?;
        let info = super::objects_in(scratch.path()).join("objects/info");
        let lend = || {
            let objects = fs::canonicalize(objects.trim_end_matches('\n'))?;
            fs::create_dir_all(&info)?;
            fs::write(
                info.join("alternates"),
                objects.as_os_str().as_encoded_bytes(),
            )
        };
        lend().map_err(failed)?;
        Ok(Revisions {
            theirs,
            ours,
            _scratch: scratch,
        })
    }

    /// The commit that a name stands for: a branch, a tag, digits, `main~2`. And a directory with all its files.
    pub async fn commit(&self, name: &str) -> Result<(Commit, PathBuf), RepositoryError> {
        let unusable = RepositoryError::Unusable;
        let asked = format!("{name}^{{commit}}");
        let id = self
            .theirs
            .said(&["rev-parse", "--verify", "--quiet", &asked])
            .await;
        let id = id.map_err(|_| unusable("the repository has none of that name".to_owned()))?;
        let id = id.trim().parse::<CommitId>();
        let id = id.map_err(|error| unusable(error.to_string()))?;
        Ok((self.ours.about(&id).await?, self.ours.files(&id).await?))
    }
}
