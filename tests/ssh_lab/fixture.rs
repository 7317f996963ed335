//! The tests' lab, and its hosts as the ports see them.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use reconcile::adapters::ssh_reader::SshReader;
use reconcile::adapters::ssh_writer::SshWriter;
use reconcile::model::action::{Build, GuestRef, RenderedFile};
use reconcile::model::desired::{Host, SshAccess};
use reconcile::model::facts::{Domain, GuestFacts, HostFacts, Seen};
use reconcile::model::id::DomainName;
use reconcile::ports::guest::{GuestControl, GuestQuery, Guests};
use reconcile::ports::hypervisor::{Hypervisor, HypervisorControl};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::machine::{guest, host, query};
use super::script::{output, script, sit_down, state};

/// The name of this program's lab.
const NAME: &str = "ssh";

/// The lab. Whoever has it is alone with it, and its thread is on the operator's machine.
pub struct Lab {
    pub reader: Arc<SshReader>,
    pub writer: SshWriter,
    pub state: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Lab {
    pub fn new() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        raise();
        move_in();
        let state = tempfile::tempdir().unwrap();
        let reader = Arc::new(SshReader::new(&Self::access(), state.path()).unwrap());
        let writer = SshWriter::new(Arc::clone(&reader), BTreeMap::new());
        Self {
            reader,
            writer,
            state,
            _turn: turn,
        }
    }

    /// How the operator reaches the hosts.
    pub fn access() -> SshAccess {
        SshAccess {
            config: Some(Self::ssh("config")),
            ..SshAccess::default()
        }
    }

    /// A file of the operator's ssh.
    pub fn ssh(file: &str) -> PathBuf {
        state(NAME).join("ssh").join(file)
    }

    /// A host's own file.
    pub fn file(&self, host: &str, path: &str) -> PathBuf {
        let fs = state(NAME).join("hosts").join(host).join("fs");
        fs.join(path.trim_start_matches('/'))
    }

    /// Runs a command of `tests/lab/lab`.
    #[track_caller]
    pub fn lab(&self, arguments: &[&str]) {
        run(arguments);
    }

    /// Runs a command on a host as root, beside ssh.
    #[track_caller]
    pub fn on(&self, host: &str, command: &[&str]) {
        run(&[&["on", host], command].concat());
    }

    /// The same, where it may fail.
    pub fn try_on(&self, host: &str, command: &[&str]) {
        let _ = output(script(NAME).args(["on", host]).args(command));
    }

    /// What a shell script in a guest says, by an ssh that is not the product's.
    #[track_caller]
    pub fn in_guest(&self, guest: &GuestRef, script: &str) -> String {
        let mut ssh = std::process::Command::new("ssh");
        ssh.arg("-F").arg(Self::ssh("config"));
        output(ssh.arg(guest.address.to_string()).arg(script)).unwrap()
    }

    pub async fn facts(&self, host: &Host) -> HostFacts {
        match Hypervisor::observe(&*self.reader, host, &query()).await {
            Seen::Yes(facts) => facts,
            Seen::No(unseen) => panic!("{unseen:?}"),
        }
    }

    pub async fn domain(&self, host: &Host, name: &DomainName) -> Option<Domain> {
        let mut domains = self.facts(host).await.domains.into_iter();
        domains.find(|domain| domain.name == name.as_str())
    }

    /// A look into a guest, at its files and at the process `web`.
    pub async fn look(&self, guest: &GuestRef, files: &[&RenderedFile]) -> GuestFacts {
        let files = files.iter().map(|f| (f.path.clone(), f.sha256.clone()));
        let query = GuestQuery {
            files: files.collect(),
            daemon: Some("web".parse().unwrap()),
        };
        match Guests::observe(&*self.reader, guest, &query).await {
            Seen::Yes(facts) => facts,
            Seen::No(unseen) => panic!("{unseen:?}"),
        }
    }

    /// The addresses of a guest, and whether each is a VIP.
    pub async fn addresses(&self, guest: &GuestRef) -> Vec<(String, bool)> {
        let facts = self.look(guest, &[]).await;
        let outside = facts.addresses.iter().filter(|a| !a.address.is_loopback());
        outside.map(|a| (a.address.to_string(), a.vip)).collect()
    }

    /// Builds a guest on host a, if it is not there, and waits until it lets us in.
    pub async fn boot(&self, build: &Build) -> GuestRef {
        self.writer.build(&host("a"), build).await.unwrap();
        let guest = guest(build);
        self.wait_for(&guest).await;
        guest
    }

    pub async fn wait_for(&self, guest: &GuestRef) {
        let begin = Instant::now();
        while let Err(error) = self.writer.reach(guest).await {
            assert!(begin.elapsed() < Duration::from_secs(60), "{error}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Once: an empty lab.
fn raise() {
    static RAISED: OnceLock<()> = OnceLock::new();
    RAISED.get_or_init(|| {
        sit_down(NAME);
        run(&["down"]);
        run(&["up", "--hosts", "a,b"]);
    });
}

/// Moves this thread, and with it whatever it starts, to the operator's machine.
fn move_in() {
    let lan = File::open(format!("/run/netns/rec-{NAME}-lan")).unwrap();
    move_into_link_name_space(lan.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
}

#[track_caller]
fn run(arguments: &[&str]) {
    if let Err(error) = output(script(NAME).args(arguments)) {
        panic!("lab {arguments:?}: {error}");
    }
}
