//! The files of a commit in a directory of their own, which appears as a whole or not at all.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::run::{Git, succeeded};
use crate::model::commit::CommitId;
use crate::ports::repository::RepositoryError;

/// More files than the description of any cluster has.
const MOST_FILES: usize = 20_000;
/// More bytes than it has, disk images included.
const MOST_BYTES: u64 = 4 << 30;
/// How long writing them may take.
const WRITING: Duration = Duration::from_secs(120);

/// See [`crate::ports::repository::Repository::files`].
pub async fn files(git: &Git, directory: &Path, id: &CommitId) -> Result<PathBuf, RepositoryError> {
    let all = directory.join("commits");
    let there = all.join(id.as_str());
    if !there.is_dir() {
        let unusable = |why| RepositoryError::Unusable(format!("commit {id}: {why}"));
        measure(git, id).await.map_err(unusable)?;
        let written = write(git, &all, &there, id).await;
        written.map_err(|why| match is_for_want_of_room(&why) {
            true => RepositoryError::Unreachable(format!("commit {id}: {why}")),
            false => unusable(why),
        })?;
    }
    Ok(there)
}

/// Whether it is this machine that could not take it, by the words of its libc: that may be over the next time.
fn is_for_want_of_room(why: &str) -> bool {
    let words = [
        "No space left on device",
        "Disk quota exceeded",
        "File too large",
        "Read-only file system",
    ];
    words.iter().any(|word| why.contains(word))
}

/// Refuses what would fill the disk. A tree that holds itself many times over costs nothing to make.
async fn measure(git: &Git, id: &CommitId) -> Result<(), String> {
    let mut command = git.command(&["ls-tree", "-r", "-z", "--long", id.as_str()]);
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::null());
    let child = command.spawn();
    let mut child = child.map_err(|error| format!("git can't be run on this machine: {error}"))?;
    let output = child.stdout.take().ok_or("git says nothing")?;
    let mut lines = BufReader::new(output).split(b'\0');
    let (mut files, mut bytes) = (0, 0_u64);
    while let Some(line) = lines
        .next_segment()
        .await
        .map_err(|error| error.to_string())?
    {
        files += 1;
        bytes = bytes.saturating_add(size_of(&line));
        if files > MOST_FILES || bytes > MOST_BYTES {
            let (gib, most) = (MOST_BYTES >> 30, MOST_FILES);
            return Err(format!(
                "it has more than {most} files, or more than {gib} GiB in them"
            ));
        }
    }
    let ended = child.wait().await.map_err(|error| error.to_string())?;
    ended
        .success()
        .then_some(())
        .ok_or_else(|| "it is not there".to_owned())
}

/// The size in a line of `git ls-tree --long`; links to other repositories have none.
fn size_of(line: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(line);
    let before_name = text.split('\t').next().unwrap_or_default();
    let size = before_name.split_whitespace().nth(3);
    size.and_then(|size| size.parse().ok()).unwrap_or(0)
}

async fn write(git: &Git, all: &Path, there: &Path, id: &CommitId) -> Result<(), String> {
    let failed = |error: io::Error| format!("can't write its files to {}: {error}", all.display());
    fs::create_dir_all(all).map_err(failed)?;
    let fresh = tempfile::Builder::new()
        .prefix("new-")
        .tempdir_in(all)
        .map_err(failed)?;
    let (index, tree) = (fresh.path().join("index"), fresh.path().join("tree"));
    fs::create_dir(&tree).map_err(failed)?;
    let mut work_tree = OsString::from("--work-tree=");
    work_tree.push(&tree);
    let read: [OsString; 2] = ["read-tree".into(), id.as_str().into()];
    let out: [OsString; 4] = [
        work_tree,
        "checkout-index".into(),
        "--all".into(),
        "--force".into(),
    ];
    for step in [read.as_slice(), out.as_slice()] {
        let mut command = git.command(step);
        command.env("GIT_INDEX_FILE", &index).current_dir(&tree);
        succeeded(command, WRITING).await?;
    }
    match fs::rename(&tree, there) {
        // Another process of ours was faster: the files of a commit are the same, whoever writes them.
        Err(_) if there.is_dir() => Ok(()),
        renamed => renamed.map_err(failed),
    }
}

/// See [`crate::ports::repository::Repository::tidy`].
pub fn tidy(directory: &Path, keep: &[CommitId]) {
    let entries = fs::read_dir(directory.join("commits"))
        .into_iter()
        .flatten();
    let old = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let id: CommitId = entry.file_name().to_str()?.parse().ok()?;
        (!keep.contains(&id)).then(|| entry.path())
    });
    for dir in old {
        if let Err(error) = fs::remove_dir_all(&dir) {
            tracing::debug!(dir = %dir.display(), %error, "files of an older commit stay");
        }
    }
}
