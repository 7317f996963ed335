//! Runs `git` on a bare repository of our own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

use crate::model::unit::span;
use crate::ports::repository::RepositoryError;

/// How long a repository may take to send what is new.
const FETCH: Duration = Duration::from_secs(120);
/// How long anything may take that needs no network.
const LOCAL: Duration = Duration::from_secs(60);
/// How much of what git complains of is shown.
const SHOWN: usize = 300;
/// What would make git work on something else than it is told to (git(1), "ENVIRONMENT VARIABLES").
const MISLEADING: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
];

/// A bare repository.
#[derive(Debug, Clone)]
pub struct Git {
    directory: PathBuf,
}

impl Git {
    /// The one in `directory`.
    pub fn new(directory: PathBuf) -> Self {
        Git { directory }
    }

    /// Makes it, where it is not there yet.
    pub async fn make(&self) -> Result<(), RepositoryError> {
        let unusable = |what: String| RepositoryError::Unusable(what);
        if self.directory.join("HEAD").is_file() {
            return Ok(());
        }
        std::fs::create_dir_all(&self.directory).map_err(|error| {
            unusable(format!("can't make {}: {error}", self.directory.display()))
        })?;
        // Without a template it has no hooks.
        let made = self
            .said(&["init", "--quiet", "--bare", "--template="])
            .await;
        made.map(drop).map_err(unusable)
    }

    /// Gets what is new. Nobody is asked for anything: there may be nobody.
    pub async fn fetch(&self, url: &str, spec: &str) -> Result<(), String> {
        let mut command = self.command(&[
            "fetch",
            "--quiet",
            "--force",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--",
            url,
            spec,
        ]);
        if !self.has_own_ssh().await {
            command.env(
                "GIT_SSH_COMMAND",
                "ssh -o BatchMode=yes -o ConnectTimeout=15",
            );
        }
        succeeded(command, FETCH).await.map(drop)
    }

    /// Whether the user said how ssh is to be run.
    async fn has_own_ssh(&self) -> bool {
        let said = |name| std::env::var_os(name).is_some();
        said("GIT_SSH_COMMAND")
            || said("GIT_SSH")
            || self.said(&["config", "core.sshCommand"]).await.is_ok()
    }

    /// What git prints, where it succeeds; else what it complains of.
    pub async fn said<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<String, String> {
        let output = succeeded(self.command(args), LOCAL).await?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What git prints of the repository that `directory` is in.
    pub async fn said_in(directory: &Path, args: &[&str]) -> Result<String, String> {
        let mut command = Command::new("git");
        command.arg("-C").arg(directory).args(args);
        let output = succeeded(alone(command), LOCAL).await?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// How a question that is answered by the exit status is answered: 0 is yes, 1 is no.
    pub async fn answered(&self, args: &[&str]) -> Result<bool, String> {
        let output = ended(self.command(args), LOCAL).await?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(complaint(&output)),
        }
    }

    /// A command on this repository.
    pub fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(&self.directory);
        command.args(["-c", "gc.auto=0", "-c", "core.fsmonitor=false"]);
        command.args(args);
        alone(command)
    }
}

/// A command that works on what it is told to, asks nobody, and ends with us.
fn alone(mut command: Command) -> Command {
    MISLEADING.iter().for_each(|name| {
        command.env_remove(name);
    });
    command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs a command that must succeed.
pub async fn succeeded(command: Command, at_most: Duration) -> Result<Output, String> {
    let output = ended(command, at_most).await?;
    match output.status.success() {
        true => Ok(output),
        false => Err(complaint(&output)),
    }
}

/// Runs a command to its end.
async fn ended(mut command: Command, at_most: Duration) -> Result<Output, String> {
    let output = tokio::time::timeout(at_most, command.output()).await;
    let output = output.map_err(|_| format!("git did not end within {}", span(at_most)))?;
    output.map_err(|error| format!("git can't be run on this machine: {error}"))
}

/// The end of what it wrote before it gave up: what comes first are hints about other things.
fn complaint(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    let told = lines.iter().find(|line| line.starts_with("fatal: "));
    let told = told
        .or(lines.last())
        .copied()
        .unwrap_or("git said nothing of why");
    told.trim_start_matches("fatal: ")
        .chars()
        .take(SHOWN)
        .collect()
}
