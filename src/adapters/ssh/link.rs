//! One open connection to one machine: how it is opened, and one exchange over it.

use std::path::Path;
use std::process::Stdio as ProcessStdio;
use std::time::Duration;

use openssh::{Session, Stdio};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

pub(super) use super::error::CallError;
use super::error::{classify, unreachable};
use super::{Answer, Endpoint, HostKeys};
use crate::adapters::script::quote;
use crate::model::desired::SshAccess;
use crate::model::facts::Unseen;

/// sshd allows ten sessions on a connection (`MaxSessions`), unless told otherwise.
const SESSIONS: usize = 8;
/// An unused connection ends by itself: so ends what a killed process left, and what nobody needs any more.
const IDLE_SECONDS: u32 = 60;
/// More than any honest answer: a host with a thousand domains describes them in 8 MiB.
const LONGEST_ANSWER: u64 = 64 << 20;
/// Enough of a message for people.
const LONGEST_MESSAGE: u64 = 16 << 10;
/// Of what is listened to: what is longer comes in pieces.
const LONGEST_LINE: u64 = 4 << 10;

/// The shell of a user that is root already.
const ROOT_SHELL: &str = "sh -s";
/// The shell of any other user. Root owns `/`: `-O` asks that without starting a process.
const ANY_SHELL: &str = "sh -c 'if [ -O / ]; then exec sh -s; else exec sudo -n sh -s; fi'";

/// The same for a program that comes as the next word.
const ANY_PROGRAM: &str =
    r#"sh -c 'if [ -O / ]; then exec sh -c "$0"; else exec sudo -n sh -c "$0"; fi'"#;

/// What lines are handed to.
pub(super) type Hear<'a> = &'a (dyn Fn(&str) + Send + Sync);

pub(super) struct Link {
    // Dropping it ends the connection.
    session: Session,
    sessions: Semaphore,
}

/// The fixed remote command that reads a script from its standard input.
pub(super) fn shell(endpoint: &Endpoint) -> &'static str {
    if is_root(endpoint) {
        ROOT_SHELL
    } else {
        ANY_SHELL
    }
}

/// A remote command that is the constant `body`.
pub(super) fn fixed_command(endpoint: &Endpoint, body: &'static str) -> String {
    let body = quote(body);
    if is_root(endpoint) {
        format!("sh -c {body}")
    } else {
        format!("{ANY_PROGRAM} {body}")
    }
}

fn is_root(endpoint: &Endpoint) -> bool {
    endpoint.user.as_deref() == Some("root")
}

impl Link {
    /// Starts ssh, which returns when it is logged in and stays in the background.
    pub(super) async fn open(
        endpoint: &Endpoint,
        access: &SshAccess,
        control: &Path,
    ) -> Result<Self, Unseen> {
        let local = |error: std::io::Error| {
            unreachable(format!("{}: can't start ssh: {error}", endpoint.name))
        };
        let dir = tempfile::Builder::new().prefix("c-").tempdir_in(control);
        let dir = dir.map_err(local)?;
        let mut ssh = master(endpoint, access, dir.path());
        // ssh ends connecting by itself; this is for the login, where it would wait for ever.
        let limit = Duration::from_secs(endpoint.connect_seconds + 1);
        match timeout(limit, ssh.status()).await {
            Ok(Ok(status)) if status.success() => Ok(Self::over(dir)),
            Ok(Ok(_)) => Err(classify(endpoint, access, &log(dir.path()))),
            Ok(Err(error)) => Err(local(error)),
            Err(_) => Err(unreachable(format!(
                "{} ({}) did not let us in within {} s",
                endpoint.name,
                endpoint.destination,
                limit.as_secs()
            ))),
        }
    }

    fn over(dir: TempDir) -> Self {
        Self {
            session: Session::new_native_mux(dir),
            sessions: Semaphore::new(SESSIONS),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.session.control_socket().exists()
    }

    /// Runs `command`, sends it `input`, and returns what it said.
    pub(super) async fn exchange(
        &self,
        command: &str,
        input: impl AsyncRead + Unpin,
        limit: Duration,
    ) -> Result<Answer, CallError> {
        let talk = async {
            // The semaphore is never closed.
            let _permit = self.sessions.acquire().await;
            self.talk(command, input).await
        };
        let answer = timeout(limit, talk).await;
        answer.unwrap_or(Err(CallError::Silent(limit)))
    }

    /// Runs `command` with its standard input open, and hands over its lines until it ends. It takes none of the
    /// sessions that exchanges wait for: sshd allows two more than those.
    pub(super) async fn listen(&self, command: &str, hear: Hear<'_>) -> Result<(), CallError> {
        let mut command = self.session.raw_command(command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        let mut child = command.spawn().await.map_err(CallError::NotBegun)?;
        let mut said = BufReader::new(child.stdout().take().ok_or(CallError::Lost)?);
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut rest = (&mut said).take(LONGEST_LINE);
            let read = rest.read_until(b'\n', &mut line).await;
            if read.map_err(|_| CallError::Lost)? == 0 {
                return Ok(());
            }
            hear(String::from_utf8_lossy(&line).trim_end());
        }
    }

    async fn talk(
        &self,
        command: &str,
        input: impl AsyncRead + Unpin,
    ) -> Result<Answer, CallError> {
        let mut command = self.session.raw_command(command);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().await.map_err(CallError::NotBegun)?;
        let (stdin, stdout, stderr) = (
            child.stdin().take(),
            child.stdout().take(),
            child.stderr().take(),
        );
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(CallError::Lost);
        };
        let ((), stdout, stderr) =
            tokio::try_join!(send(input, stdin), whole(stdout), beginning(stderr))?;
        let status = match child.wait().await {
            Ok(status) => status.code().unwrap_or(-1),
            // This is how the crate reports 127: no such command.
            Err(openssh::Error::Remote(_)) => 127,
            Err(_) => return Err(CallError::Lost),
        };
        Ok(Answer {
            status,
            stdout,
            stderr: String::from_utf8_lossy(&stderr).trim().to_owned(),
        })
    }
}

async fn send(
    mut input: impl AsyncRead + Unpin,
    mut stdin: openssh::ChildStdin,
) -> Result<(), CallError> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = input.read(&mut buffer).await.map_err(CallError::Input)?;
        // A program that ends without reading everything is no error: its status says what it was.
        if read == 0 || stdin.write_all(&buffer[..read]).await.is_err() {
            return Ok(());
        }
    }
}

async fn whole(stdout: openssh::ChildStdout) -> Result<Vec<u8>, CallError> {
    let mut answer = Vec::new();
    let mut limited = stdout.take(LONGEST_ANSWER + 1);
    let read = limited.read_to_end(&mut answer).await;
    match read {
        Ok(_) if answer.len() as u64 > LONGEST_ANSWER => Err(CallError::TooLong),
        Ok(_) => Ok(answer),
        Err(_) => Err(CallError::Lost),
    }
}

async fn beginning(mut stderr: openssh::ChildStderr) -> Result<Vec<u8>, CallError> {
    let mut message = Vec::new();
    let mut limited = (&mut stderr).take(LONGEST_MESSAGE);
    let read = limited.read_to_end(&mut message).await;
    read.map_err(|_| CallError::Lost)?;
    let rest = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    rest.map(|_| message).map_err(|_| CallError::Lost)
}

fn log(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("log")).unwrap_or_default()
}

/// `ssh` as the keeper of a connection. What is not said here is as the user's configuration says.
fn master(endpoint: &Endpoint, access: &SshAccess, dir: &Path) -> Command {
    let mut ssh = Command::new("ssh");
    ssh.stdin(ProcessStdio::null())
        .stdout(ProcessStdio::null())
        .stderr(ProcessStdio::null())
        // Whoever gives up waiting for the login ends it. Afterwards ssh is in the background and stays.
        .kill_on_drop(true);
    ssh.args(["-M", "-N", "-f", "-S"]).arg(dir.join("master"));
    ssh.arg("-E").arg(dir.join("log"));
    if let Some(config) = &access.config {
        ssh.arg("-F").arg(config);
    }
    if let Some(identity) = &access.identity {
        ssh.args(["-o", "IdentitiesOnly=yes", "-i"]).arg(identity);
    }
    if let Some(port) = endpoint.port {
        ssh.args(["-p", &port.to_string()]);
    }
    if let Some(user) = &endpoint.user {
        ssh.args(["-l", user]);
    }
    for option in options(endpoint, access) {
        ssh.args(["-o", &option]);
    }
    ssh.arg("--").arg(&endpoint.destination);
    ssh
}

fn options(endpoint: &Endpoint, access: &SshAccess) -> Vec<String> {
    let mut options = vec![
        "BatchMode=yes".to_owned(),
        "LogLevel=ERROR".to_owned(),
        format!("ControlPersist={IDLE_SECONDS}"),
        format!("ConnectTimeout={}", endpoint.connect_seconds),
        // A peer that died is noticed after two questions without an answer: six seconds.
        "ServerAliveInterval=2".to_owned(),
        "ServerAliveCountMax=2".to_owned(),
        // Nothing of the user's own habits for this machine.
        "ClearAllForwardings=yes".to_owned(),
        "ForwardAgent=no".to_owned(),
        "ForwardX11=no".to_owned(),
        "PermitLocalCommand=no".to_owned(),
        "RemoteCommand=none".to_owned(),
        "RequestTTY=no".to_owned(),
        "UpdateHostKeys=no".to_owned(),
    ];
    options.extend(key_options(&endpoint.keys, access));
    options
}

fn key_options(keys: &HostKeys, access: &SshAccess) -> Vec<String> {
    match keys {
        HostKeys::Known => {
            let file = access.known_hosts.as_ref();
            let file = file.map(|file| format!("UserKnownHostsFile={}", config_word(file)));
            let strict = Some("StrictHostKeyChecking=yes".to_owned());
            strict.into_iter().chain(file).collect()
        }
        HostKeys::Pinned { alias, file } => vec![
            "StrictHostKeyChecking=accept-new".to_owned(),
            format!("UserKnownHostsFile={}", config_word(file)),
            "GlobalKnownHostsFile=/dev/null".to_owned(),
            // The key belongs to the guest, whatever address it has.
            format!("HostKeyAlias={alias}"),
            "CheckHostIP=no".to_owned(),
        ],
        HostKeys::Any => vec![
            "StrictHostKeyChecking=no".to_owned(),
            "UserKnownHostsFile=/dev/null".to_owned(),
            "GlobalKnownHostsFile=/dev/null".to_owned(),
        ],
    }
}

/// A path as ssh's configuration reads it: several files can stand in one option, and `%` and `\` mean something.
fn config_word(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = text.replace('\\', r"\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_blanks_and_percent_signs_stays_one_path() {
        let path = Path::new("/home/a b/100%/\"x\"");
        assert_eq!(config_word(path), r#""/home/a b/100%%/\"x\"""#);
    }

    #[test]
    fn a_constant_program_is_one_word() {
        let mut endpoint = Endpoint {
            name: "a".into(),
            destination: "a".into(),
            port: None,
            user: Some("root".into()),
            keys: HostKeys::Known,
            connect_seconds: 5,
        };
        assert_eq!(fixed_command(&endpoint, "it's"), r"sh -c 'it'\''s'");
        endpoint.user = None;
        let any = fixed_command(&endpoint, "it's");
        assert!(any.ends_with(r"; fi' 'it'\''s'"), "{any}");
    }
}
