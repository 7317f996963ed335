//! Where the desired state is read from: a file of this machine, or the commit of a branch that is in force.

use std::path::{Path, PathBuf};

use super::Failure;
use super::load::state_base;
use crate::adapters::followed_store::FollowedStore;
use crate::adapters::spec_files::DiskFiles;
use crate::cli::args::Args;
use crate::model::commit::Commit;
use crate::model::id::ClusterName;

/// Where the file is.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// Its place on this machine.
    pub file: PathBuf,
    /// What messages call it.
    pub name: String,
    /// The commit that it is from, with the directory of all files of that.
    pub commit: Option<(Commit, PathBuf)>,
}

impl Origin {
    /// The one that the user's arguments say.
    pub fn of(args: &Args) -> Result<Origin, Failure> {
        let file = &args.global.file;
        let Some(store) = followed_store(args)? else {
            return Ok(Origin {
                file: file.clone(),
                name: file.display().to_string(),
                commit: None,
            });
        };
        let followed = store.load().map_err(|error| unreadable(&store, &error))?;
        let applied = followed.and_then(|followed| followed.applied);
        match applied.map(|commit| Origin::of_commit(file, &store.files_of(&commit.id), commit)) {
            Some(origin) if origin.file.is_file() => Ok(origin),
            Some(_) | None => Err(nothing_applied(args)),
        }
    }

    /// The file at this path in a commit, whose files are all in `directory`.
    pub fn of_commit(path: &Path, directory: &Path, commit: Commit) -> Origin {
        Origin {
            file: directory.join(path),
            name: path.display().to_string(),
            commit: Some((commit, directory.to_owned())),
        }
    }

    /// The files beside it. Relative paths in a commit stay in that commit.
    pub fn files(&self) -> DiskFiles {
        let files = DiskFiles::beside(&self.file);
        match &self.commit {
            Some((_, directory)) => files.within(directory),
            None => files,
        }
    }

    /// Its text.
    pub fn source(&self) -> Result<Vec<u8>, Failure> {
        let name = Path::new(self.file.file_name().unwrap_or_default());
        let read = match &self.commit {
            // It may be a link to anywhere.
            Some(_) => crate::spec::SpecFiles::read(&self.files(), name),
            None => std::fs::read(&self.file),
        };
        read.map_err(|error| {
            let help = match &self.commit {
                Some(_) => "name its path in the repository with -f",
                None => "name the cluster's file with -f FILE; specs/ has some to start from",
            };
            Failure::Other(format!("can't read {}: {error}\n  help: {help}", self.name))
        })
    }
}

/// What is known of the branch that the arguments name; none: they name a file of this machine.
pub(super) fn followed_store(args: &Args) -> Result<Option<FollowedStore>, Failure> {
    let Some(url) = &args.global.repo else {
        return Ok(None);
    };
    let state = state_base(args)?;
    let path = args.global.file.display().to_string();
    Ok(Some(FollowedStore::of(
        &state,
        url,
        &args.global.branch,
        &path,
    )))
}

/// The cluster of the branch that the arguments name, as it was when something of it was last applied.
pub(super) fn followed_cluster(args: &Args) -> Result<Option<ClusterName>, Failure> {
    let Some(store) = followed_store(args)? else {
        return Ok(None);
    };
    let followed = store.load().map_err(|error| unreadable(&store, &error))?;
    Ok(followed.and_then(|followed| followed.cluster))
}

pub(super) fn unreadable(store: &FollowedStore, error: &std::io::Error) -> Failure {
    let directory = store.directory.display();
    Failure::Other(format!(
        "can't read what is known of the repository in {directory}: {error}"
    ))
}

fn nothing_applied(args: &Args) -> Failure {
    let (branch, file) = (&args.global.branch, args.global.file.display());
    Failure::Other(format!(
        "nothing of {file} on branch {branch} of that repository is in force on this machine\n  \
         help: `reconcile watch --repo …` with the same repository, branch and file applies it"
    ))
}
