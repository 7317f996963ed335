//! What went wrong with a connection, in words for people, with the command that mends it where there is one.

use std::path::Path;
use std::time::Duration;

use super::{Endpoint, HostKeys, Repeat};
use crate::model::desired::SshAccess;
use crate::model::facts::{Unseen, UnseenKind};

/// Why an exchange gave no answer.
#[derive(Debug)]
pub(super) enum CallError {
    /// The connection was not there any more: nothing was sent.
    NotBegun(openssh::Error),
    /// It broke in the middle.
    Lost,
    /// No answer in time.
    Silent(Duration),
    /// An answer without end.
    TooLong,
    /// What was to be sent could not be read here.
    Input(std::io::Error),
}

impl CallError {
    /// Whether a second try over a new connection makes sense, and can do no harm.
    pub(super) fn may_repeat(&self, repeat: Repeat) -> bool {
        match self {
            CallError::NotBegun(_) => true,
            CallError::Lost => repeat == Repeat::Harmless,
            CallError::Silent(_) | CallError::TooLong | CallError::Input(_) => false,
        }
    }

    pub(super) fn unseen(&self, name: &str) -> Unseen {
        match self {
            CallError::NotBegun(error) => unreachable(format!("{name}: {}", with_causes(error))),
            CallError::Lost => unreachable(format!("{name}: the connection broke")),
            CallError::Silent(limit) => unreachable(format!(
                "{name} did not answer within {}",
                crate::model::unit::span(*limit)
            )),
            CallError::TooLong => {
                unseen(UnseenKind::Broken, format!("{name}: the answer has no end"))
            }
            CallError::Input(error) => unseen(
                UnseenKind::Broken,
                format!("{name}: can't read what is to be sent: {error}"),
            ),
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

pub(super) fn unreachable(message: String) -> Unseen {
    unseen(UnseenKind::Unreachable, message)
}

fn unseen(kind: UnseenKind, message: String) -> Unseen {
    Unseen::new(kind, message)
}

/// What ssh wrote while it failed to connect → what that means.
pub(super) fn classify(endpoint: &Endpoint, access: &SshAccess, log: &str) -> Unseen {
    let who = who(endpoint);
    if log.contains("REMOTE HOST IDENTIFICATION HAS CHANGED")
        || log.contains("host key for") && log.contains("has changed")
    {
        return unseen(
            UnseenKind::HostKeyChanged,
            key_changed(endpoint, access, log),
        );
    }
    if log.contains("host key is known for") || log.contains("Host key verification failed") {
        return unseen(UnseenKind::Refused, key_unknown(endpoint, access, log));
    }
    if log.contains("Permission denied (") || log.contains("Too many authentication failures") {
        let user = endpoint
            .user
            .as_deref()
            .unwrap_or("the user of your ssh configuration");
        return unseen(
            UnseenKind::Refused,
            format!(
                "{who} does not let {user} in: {}; try: {}",
                last_line(log),
                ssh_command(endpoint, access)
            ),
        );
    }
    let more = match log.trim() {
        "" => format!("; try: {}", ssh_command(endpoint, access)),
        _ => String::new(),
    };
    unreachable(format!("{who}: {}{more}", last_line(log)))
}

fn who(endpoint: &Endpoint) -> String {
    if endpoint.name == endpoint.destination {
        return endpoint.name.clone();
    }
    format!("{} ({})", endpoint.name, endpoint.destination)
}

/// ssh's last word. Before it there may be a banner, or a list of what was tried.
fn last_line(log: &str) -> String {
    let mut lines = log.lines().map(str::trim).rev();
    let line = lines
        .find(|line| !line.is_empty())
        .unwrap_or("ssh failed without a word");
    let line = line.strip_prefix("ssh: ").unwrap_or(line);
    let line = line.trim_end_matches('.');
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}

fn key_changed(endpoint: &Endpoint, access: &SshAccess, log: &str) -> String {
    let who = who(endpoint);
    match &endpoint.keys {
        HostKeys::Known => {
            let file = offending_file(log).unwrap_or_else(|| known_hosts(access));
            let name = key_name(endpoint, log);
            format!(
                "the host key of {who} has changed: it was installed anew, or somebody else answers there. \
                 Nothing was done. If you know that the new key is right: {}; then: {}",
                ssh_keygen_remove(&name, &file),
                keyscan(&name, &file)
            )
        }
        HostKeys::Pinned { file, .. } => format!(
            "the host key of {who} is not the one that this guest had: another machine answers at its address. \
             If you know that it is right: rm {}",
            shell_word(&file.display().to_string())
        ),
        HostKeys::Any => format!("the host key of {who} was refused"),
    }
}

fn key_unknown(endpoint: &Endpoint, access: &SshAccess, log: &str) -> String {
    format!(
        "the host key of {} is not known yet. If you trust the network between: {}",
        who(endpoint),
        keyscan(&key_name(endpoint, log), &known_hosts(access))
    )
}

/// `Offending ED25519 key in /root/.ssh/known_hosts:3`.
fn offending_file(log: &str) -> Option<String> {
    let mut lines = log.lines().rev();
    let line = lines.find(|line| line.contains("Offending "))?;
    let place = line.split_once(" key in ")?.1.trim();
    let (file, line) = place.rsplit_once(':')?;
    line.parse::<u32>().ok()?;
    Some(file.to_owned())
}

fn known_hosts(access: &SshAccess) -> String {
    let file = access.known_hosts.as_deref();
    let file = file.unwrap_or(Path::new("~/.ssh/known_hosts"));
    file.display().to_string()
}

/// The name under which ssh keeps the key: the destination may be an alias that only ssh's configuration knows.
/// `No … host key is known for NAME and you have …`, `Host key for NAME has changed and you have …`.
fn key_name(endpoint: &Endpoint, log: &str) -> String {
    let between =
        |before: &str, after: &str| Some(log.split_once(before)?.1.split_once(after)?.0.to_owned());
    let named = between("host key is known for ", " and ")
        .or_else(|| between("ost key for ", " has changed"));
    let named = named.filter(|name| !name.contains(char::is_whitespace));
    named.unwrap_or_else(|| match endpoint.port {
        Some(port) if port != 22 => format!("[{}]:{port}", endpoint.destination),
        Some(_) | None => endpoint.destination.clone(),
    })
}

fn ssh_keygen_remove(name: &str, file: &str) -> String {
    format!("ssh-keygen -R {} -f {}", shell_word(name), shell_word(file))
}

/// `name` is as in a file of known hosts: `HOST` or `[HOST]:PORT`.
fn keyscan(name: &str, file: &str) -> String {
    let parts = name
        .strip_prefix('[')
        .and_then(|name| name.split_once("]:"));
    let (port, host) = match parts {
        Some((host, port)) => (format!("-p {} ", shell_word(port)), host),
        None => (String::new(), name),
    };
    format!(
        "ssh-keyscan {port}{} >> {}",
        shell_word(host),
        shell_word(file)
    )
}

/// What a person would type to see the same.
fn ssh_command(endpoint: &Endpoint, access: &SshAccess) -> String {
    let config = access
        .config
        .as_ref()
        .map(|file| format!(" -F {}", shell_word(&file.display().to_string())));
    let identity = access
        .identity
        .as_ref()
        .map(|file| format!(" -i {}", shell_word(&file.display().to_string())));
    let port = endpoint.port.map(|port| format!(" -p {port}"));
    let user = endpoint
        .user
        .as_ref()
        .map(|user| format!("{}@", shell_word(user)));
    let [config, identity, port, user] =
        [config, identity, port, user].map(Option::unwrap_or_default);
    format!(
        "ssh{config}{identity}{port} {user}{}",
        shell_word(&endpoint.destination)
    )
}

/// A word of a command that people copy into their shell.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:@~[]".contains(c);
    if text.chars().all(plain) && !text.contains('[') {
        return text.to_owned();
    }
    crate::adapters::script::quote(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint {
            name: "a".into(),
            destination: "192.168.10.2".into(),
            port: None,
            user: Some("root".into()),
            keys: HostKeys::Known,
            connect_seconds: 5,
        }
    }

    fn seen(log: &str) -> (UnseenKind, String) {
        let unseen = classify(&endpoint(), &SshAccess::default(), log);
        (unseen.kind, unseen.message)
    }

    #[test]
    fn a_changed_host_key_names_the_file_and_the_command_that_mends_it() {
        let log = "@@@@@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@@@@@@@@\n\
                   Add correct host key in /root/.ssh/known_hosts to get rid of this message.\n\
                   Offending ED25519 key in /root/.ssh/known_hosts:3\n\
                   Host key for 192.168.10.2 has changed and you have requested strict checking.\n\
                   Host key verification failed.\n";
        let (kind, message) = seen(log);
        assert_eq!(kind, UnseenKind::HostKeyChanged);
        insta::assert_snapshot!(message, @"the host key of a (192.168.10.2) has changed: it was installed anew, or somebody else answers there. Nothing was done. If you know that the new key is right: ssh-keygen -R 192.168.10.2 -f /root/.ssh/known_hosts; then: ssh-keyscan 192.168.10.2 >> /root/.ssh/known_hosts");
    }

    #[test]
    fn an_unknown_host_key_is_a_refusal_with_the_command_that_adds_it() {
        let log = "No ED25519 host key is known for 192.168.10.2 and you have requested strict checking.\n\
                   Host key verification failed.\n";
        let (kind, message) = seen(log);
        assert_eq!(kind, UnseenKind::Refused);
        insta::assert_snapshot!(message, @"the host key of a (192.168.10.2) is not known yet. If you trust the network between: ssh-keyscan 192.168.10.2 >> ~/.ssh/known_hosts");
    }

    #[test]
    fn the_commands_have_the_name_that_ssh_knows_not_the_alias() {
        let alias = Endpoint {
            destination: "alias".into(),
            ..endpoint()
        };
        let log = "No ED25519 host key is known for [h.example]:2222 and you have requested strict checking.\n";
        let message = classify(&alias, &SshAccess::default(), log).message;
        assert!(
            message.ends_with("ssh-keyscan -p 2222 h.example >> ~/.ssh/known_hosts"),
            "{message}"
        );
    }

    #[test]
    fn a_key_that_the_host_does_not_take_is_a_refusal() {
        let (kind, message) =
            seen("Load key \"/x\": bad\r\nroot@192.168.10.2: Permission denied (publickey).\r\n");
        assert_eq!(kind, UnseenKind::Refused);
        insta::assert_snapshot!(message, @"a (192.168.10.2) does not let root in: root@192.168.10.2: Permission denied (publickey); try: ssh root@192.168.10.2");
    }

    #[test]
    fn whatever_else_goes_wrong_is_unreachable_in_the_last_words_of_ssh() {
        for (log, words) in [
            (
                "ssh: connect to host 192.168.10.2 port 22: Connection refused\r\n",
                "Connection refused",
            ),
            (
                "ssh: Could not resolve hostname x: Name or service not known",
                "Could not resolve",
            ),
            ("", "ssh failed without a word; try: ssh "),
            ("\u{1b}[31mred", "[31mred"),
        ] {
            let (kind, message) = seen(log);
            assert_eq!(kind, UnseenKind::Unreachable);
            assert!(
                message.contains(words) && !message.contains('\u{1b}'),
                "{message}"
            );
        }
    }

    #[test]
    fn only_what_was_not_begun_or_does_no_harm_is_repeated() {
        let gone = || CallError::NotBegun(openssh::Error::Disconnected);
        assert!(gone().may_repeat(Repeat::Never));
        assert!(CallError::Lost.may_repeat(Repeat::Harmless));
        assert!(!CallError::Lost.may_repeat(Repeat::Never));
        assert!(!CallError::Silent(Duration::ZERO).may_repeat(Repeat::Harmless));
    }
}
