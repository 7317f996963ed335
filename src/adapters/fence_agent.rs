//! Fencing devices by the programs of the fence-agents family: parameters on standard input, a line each, so that no
//! list of processes shows a password; the answer is the exit status
//! (<https://github.com/ClusterLabs/fence-agents/blob/main/doc/FenceAgentAPI.md>).

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use async_trait::async_trait;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::model::id::HostId;
use crate::model::policy::{FenceAgent, Parameter};
use crate::model::unit::span;
use crate::ports::fencer::{Fencer, FencerView, Power};
use crate::ports::{ActError, Effect};

/// What `action=status` says of a machine that is off.
const OFF: i32 = 2;
/// How much of what a program complains of is shown.
const SHOWN: usize = 300;

/// Runs fence agents on this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct FenceAgents;

#[async_trait]
impl Fencer for FenceAgents {
    async fn switch_off(&self, host: &HostId, agent: &FenceAgent) -> Result<Effect, ActError> {
        if status(agent).await? == OFF {
            return Ok(Effect::AlreadyDone);
        }
        let (code, said) = run(agent, "off").await?;
        if code != 0 {
            return Err(failed(
                agent,
                &format!("could not switch {host} off"),
                code,
                &said,
            ));
        }
        match status(agent).await? {
            OFF => Ok(Effect::Changed),
            code => Err(ActError::Failed(format!(
                "{} says that it switched {host} off, and then that it is not off (exit status {code})",
                agent.program
            ))),
        }
    }
}

#[async_trait]
impl FencerView for FenceAgents {
    fn is_installed(&self, agent: &FenceAgent) -> bool {
        is_installed(&agent.program)
    }

    async fn power(&self, agent: &FenceAgent) -> Result<Power, ActError> {
        Ok(match status(agent).await? {
            OFF => Power::Off,
            _ => Power::On,
        })
    }
}

/// Whether a program is on this machine.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // A name with a slash in it is not looked for, as when it is run.
    match program.contains('/') {
        true => runs(Path::new(program)),
        false => std::env::split_paths(&path).any(|dir| runs(&dir.join(program))),
    }
}

fn runs(program: &Path) -> bool {
    let known = std::fs::metadata(program);
    known.is_ok_and(|known| known.is_file() && known.permissions().mode() & 0o111 != 0)
}

async fn status(agent: &FenceAgent) -> Result<i32, ActError> {
    let (code, said) = run(agent, "status").await?;
    match code {
        0 | OFF => Ok(code),
        code => Err(failed(
            agent,
            "can't tell whether the host is on or off",
            code,
            &said,
        )),
    }
}

fn failed(agent: &FenceAgent, what: &str, code: i32, said: &str) -> ActError {
    let why = match said {
        "" => format!("it ended with exit status {code}, and wrote no word about why"),
        said => format!("exit status {code}: {said}"),
    };
    ActError::Failed(format!("{}: {what}: {why}", agent.program))
}

/// The exit status, and the end of what it complained of.
async fn run(agent: &FenceAgent, action: &str) -> Result<(i32, String), ActError> {
    let wrong = |what: &str| ActError::Failed(format!("{} {what}", agent.program));
    let mut child = Command::new(&agent.program)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| wrong(&format!("can't be run on this machine: {error}")))?;
    let mut input = child.stdin.take();
    let text = input_of(agent, action);
    let talk = async {
        if let Some(input) = &mut input {
            // A program that does not read says by its exit status what it thinks of it.
            let _ = input.write_all(text.as_bytes()).await;
        }
        drop(input);
        child.wait_with_output().await
    };
    let output = tokio::time::timeout(agent.timeout, talk).await;
    let output = output.map_err(|_| {
        wrong(&format!(
            "did not end within {} ({action})",
            span(agent.timeout)
        ))
    })?;
    let output = output.map_err(|error| wrong(&format!("can't be waited for: {error}")))?;
    let code = output.status.code();
    let code = code.ok_or_else(|| wrong(&format!("was killed ({action})")))?;
    Ok((code, complaint(agent, &output.stderr)))
}

fn input_of(agent: &FenceAgent, action: &str) -> String {
    let parameters = agent.parameters.iter().map(|(name, value)| match value {
        Parameter::Plain(value) => format!("{name}={value}\n"),
        Parameter::Secret(value) => format!("{name}={}\n", value.reveal()),
    });
    std::iter::once(format!("action={action}\n"))
        .chain(parameters)
        .collect()
}

/// The last line with something in it, without secrets and control characters.
fn complaint(agent: &FenceAgent, said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let line = said.lines().rev().find(|line| !line.trim().is_empty());
    let mut line = line.unwrap_or_default().trim().to_owned();
    for value in agent.parameters.values() {
        if let Parameter::Secret(secret) = value
            && !secret.reveal().is_empty()
        {
            line = line.replace(secret.reveal(), "(secret)");
        }
    }
    line.chars()
        .filter(|c| !c.is_control())
        .take(SHOWN)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::model::secret::Secret;

    /// An agent whose device is a file with the word `on` or `off`.
    fn agent(dir: &std::path::Path, off: &str) -> FenceAgent {
        let (program, state) = (dir.join("fence_test"), dir.join("state"));
        std::fs::write(&state, "on").unwrap();
        let text = format!(
            "#!/bin/sh\nwhile read -r line; do case $line in action=*) action=${{line#*=}} ;; \
             passwd=s3cret) let_in=1 ;; esac; done\n[ \"$let_in\" ] || exit 1\n\
             case $action in status) grep -q off {0} && exit 2; exit 0 ;; off) {off} ;; esac\n",
            state.display()
        );
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        FenceAgent {
            program: program.display().to_string(),
            parameters: BTreeMap::from([(
                "passwd".to_owned(),
                Parameter::Secret(Secret::new("s3cret")),
            )]),
            timeout: Duration::from_secs(20),
        }
    }

    fn host() -> HostId {
        "b".parse().unwrap()
    }

    #[tokio::test]
    async fn a_host_is_off_when_the_device_says_so_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let agent = agent(
            dir.path(),
            &format!("echo off > {}/state", dir.path().display()),
        );
        let off = FenceAgents.switch_off(&host(), &agent).await;
        assert_eq!(off, Ok(Effect::Changed));
        let again = FenceAgents.switch_off(&host(), &agent).await;
        assert_eq!(again, Ok(Effect::AlreadyDone));
    }

    #[tokio::test]
    async fn a_device_that_lies_is_no_evidence() {
        let dir = tempfile::tempdir().unwrap();
        let lied = FenceAgents
            .switch_off(&host(), &agent(dir.path(), "true"))
            .await;
        assert!(
            lied.unwrap_err()
                .to_string()
                .contains("and then that it is not off")
        );
    }

    #[tokio::test]
    async fn what_a_device_complains_of_shows_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let agent = agent(dir.path(), "echo login with s3cret refused >&2; exit 1");
        let error = FenceAgents.switch_off(&host(), &agent).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.ends_with("could not switch b off: exit status 1: login with (secret) refused"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_device_that_is_asked_for_the_power_switches_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let agent = agent(
            dir.path(),
            &format!("echo off > {}/state", dir.path().display()),
        );
        assert!(FenceAgents.is_installed(&agent));
        assert_eq!(FenceAgents.power(&agent).await, Ok(Power::On));
        assert_eq!(FenceAgents.power(&agent).await, Ok(Power::On));
        FenceAgents.switch_off(&host(), &agent).await.unwrap();
        assert_eq!(FenceAgents.power(&agent).await, Ok(Power::Off));
    }

    #[test]
    fn only_a_program_that_can_be_run_is_installed() {
        let dir = tempfile::tempdir().unwrap();
        let mut agent = agent(dir.path(), "true");
        std::fs::set_permissions(&agent.program, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(!FenceAgents.is_installed(&agent));
        agent.program = dir.path().display().to_string();
        assert!(!FenceAgents.is_installed(&agent));
        agent.program = "fence_nowhere".to_owned();
        assert!(!FenceAgents.is_installed(&agent));
        agent.program = "sh".to_owned();
        assert!(FenceAgents.is_installed(&agent));
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let agent = FenceAgent {
            program: "fence_nowhere".to_owned(),
            parameters: BTreeMap::new(),
            timeout: Duration::from_secs(1),
        };
        let error = FenceAgents.switch_off(&host(), &agent).await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("fence_nowhere can't be run on this machine")
        );
    }
}
