//! Looking at hosts and into guests over ssh. It can send reading scripts only: whoever has nothing but this has no
//! way to change anything.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;

use super::script::Script;
use super::ssh::{Answer as Said, Endpoint, ReadAccess};
use super::{endpoints, scripts};
use crate::model::action::GuestRef;
use crate::model::desired::{Host, SshAccess};
use crate::model::facts::{Answer, GuestFacts, HostFacts, Seen, Unseen, UnseenKind};
use crate::model::id::HostId;
use crate::observe::parse_event::ended_domain;
use crate::observe::parse_guest::parse_guest;
use crate::observe::parse_host::parse_host;
use crate::observe::parse_neighbours::parse_neighbours;
use crate::ports::guest::{GuestQuery, Guests};
use crate::ports::hypervisor::{Ended, HostQuery, Hypervisor};

/// virsh ends after eight seconds, and the probe of KVM after three.
const LOOK_AT_HOST: Duration = Duration::from_secs(15);
/// A guest under emulation on a busy machine takes a second.
const LOOK_INTO_GUEST: Duration = Duration::from_secs(5);
/// Two questions on the wire, a second apart.
const ASK_ON_THE_WIRE: Duration = Duration::from_secs(10);

/// The reading ports over ssh.
pub struct SshReader {
    pub(super) access: ReadAccess,
    pub(super) state: PathBuf,
}

impl SshReader {
    /// `state` is the directory where the host keys of guests are kept. Connects to nothing yet.
    pub fn new(access: &SshAccess, state: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(endpoints::directory(state))?;
        Ok(Self {
            access: ReadAccess::new(access.clone())?,
            state: state.to_owned(),
        })
    }

    pub(super) fn guest_endpoint(&self, guest: &GuestRef) -> Result<Endpoint, Unseen> {
        endpoints::guest(&self.state, guest)
    }

    async fn look_at(&self, host: &Host, query: &HostQuery) -> Result<HostFacts, Unseen> {
        let files: Vec<&str> = query.files.iter().map(String::as_str).collect();
        let names: Vec<&HostId> = query.peers.keys().collect();
        let peers: Vec<String> = query
            .peers
            .values()
            .enumerate()
            .map(|(number, address)| format!("{number}={address}"))
            .collect();
        let script = Script::new(&scripts::OBSERVE_HOST)
            .var("VOLUMES", &query.volumes)
            .var("PROBE_KVM", if query.probe_kvm { "yes" } else { "no" })
            .var("PEERS", peers.join(" "))
            .var(
                "CLAIM",
                query
                    .cluster
                    .as_ref()
                    .map_or_else(String::new, endpoints::claim),
            )
            .args(&files);
        let endpoint = endpoints::host(host);
        let said = self.access.run(&endpoint, &script, LOOK_AT_HOST).await?;
        parse_host(&text(&said), &files, &names).map_err(|error| Unseen {
            sees: error.sees(),
            ..broken(&endpoint, &error, &said)
        })
    }

    async fn look_into(&self, guest: &GuestRef, query: &GuestQuery) -> Result<GuestFacts, Unseen> {
        let files: Vec<&str> = query.files.keys().map(String::as_str).collect();
        let pairs = query.files.iter().flat_map(|(path, digest)| [path, digest]);
        let daemon = query.daemon.as_ref().map_or("", |name| name.as_str());
        let script = Script::new(&scripts::OBSERVE_GUEST)
            .var("RUN", RUN)
            .var("DAEMON", daemon)
            .args(pairs);
        let endpoint = self.guest_endpoint(guest)?;
        let said = self.access.run(&endpoint, &script, LOOK_INTO_GUEST).await?;
        parse_guest(&text(&said), &files).map_err(|error| broken(&endpoint, &error, &said))
    }
}

/// Where a guest keeps what we know of its present boot.
pub(super) const RUN: &str = "/run/reconcile";

#[async_trait]
impl Hypervisor for SshReader {
    async fn observe(&self, host: &Host, query: &HostQuery) -> Seen<HostFacts> {
        seen(self.look_at(host, query).await)
    }

    async fn who_answers(
        &self,
        host: &Host,
        bridge: &str,
        addresses: &[Ipv4Addr],
    ) -> Result<BTreeMap<Ipv4Addr, Answer>, Unseen> {
        let asked = addresses.iter().map(Ipv4Addr::to_string);
        let script = Script::new(&scripts::WHO_ANSWERS)
            .var("BRIDGE", bridge)
            .args(asked);
        let endpoint = endpoints::host(host);
        let said = self.access.run(&endpoint, &script, ASK_ON_THE_WIRE).await?;
        parse_neighbours(&text(&said), addresses).map_err(|error| broken(&endpoint, &error, &said))
    }

    async fn listen(&self, host: &Host, ended: Ended<'_>) -> Unseen {
        let endpoint = endpoints::host(host);
        let hear = |line: &str| {
            if let Some(domain) = ended_domain(line) {
                ended(domain);
            }
        };
        self.access.listen(&endpoint, scripts::EVENTS, &hear).await
    }
}

#[async_trait]
impl Guests for SshReader {
    async fn observe(&self, guest: &GuestRef, query: &GuestQuery) -> Seen<GuestFacts> {
        seen(self.look_into(guest, query).await)
    }
}

fn seen<T>(result: Result<T, Unseen>) -> Seen<T> {
    match result {
        Ok(facts) => Seen::Yes(facts),
        Err(unseen) => Seen::No(unseen),
    }
}

pub(super) fn text(said: &Said) -> String {
    String::from_utf8_lossy(&said.stdout).into_owned()
}

/// What made no sense, with what the machine itself said about it.
pub(super) fn broken(endpoint: &Endpoint, what: impl std::fmt::Display, said: &Said) -> Unseen {
    let mut message = format!("{}: {what}", endpoint.name);
    // Where a script ran it said something, and what sudo said beside it was a warning.
    if said.stdout.is_empty() && said.stderr.contains("sudo: ") {
        let user = endpoint.user.as_deref().unwrap_or("the user that logs in");
        let message = format!(
            "{}: {user} is not root and may not run `sudo -n sh -s`: {}. Let them by a line in \
             /etc/sudoers.d: {user} ALL=(root) NOPASSWD: /bin/sh",
            endpoint.name, said.stderr
        );
        return Unseen::new(UnseenKind::Refused, message);
    }
    if !said.stderr.is_empty() {
        message = format!("{message}: {}", said.stderr);
    } else if said.status != 0 {
        message = format!("{message} (exit status {})", said.status);
    }
    Unseen::new(UnseenKind::Broken, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::ssh::HostKeys;

    fn unseen(stdout: &str, stderr: &str) -> Unseen {
        let endpoint = Endpoint {
            name: "a".into(),
            destination: "a".into(),
            port: None,
            user: Some("ops".into()),
            keys: HostKeys::Known,
            connect_seconds: 5,
        };
        let said = Said {
            status: 1,
            stdout: stdout.into(),
            stderr: stderr.into(),
        };
        broken(&endpoint, "an answer without sense", &said)
    }

    #[test]
    fn who_may_not_use_sudo_is_told_the_line_that_is_missing() {
        let refused = unseen("", "sudo: a password is required");
        assert_eq!(refused.kind, UnseenKind::Refused);
        assert!(
            refused
                .message
                .ends_with("/etc/sudoers.d: ops ALL=(root) NOPASSWD: /bin/sh")
        );
    }

    #[test]
    fn a_warning_of_sudo_is_not_taken_for_a_refusal() {
        let warning = "sudo: unable to resolve host a\nerror: failed to connect";
        let broken = unseen("reconcile-answer\nbroken 1\n", warning);
        assert_eq!(broken.kind, UnseenKind::Broken);
    }
}
