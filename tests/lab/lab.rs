//! The lab in a test's hands: raising it, breaking it, and looking at hosts and guests without the product. It calls
//! `tests/lab/lab` and knows nothing of `reconcile` but its mark.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use super::script::{kept, sit_down, state};
pub use super::script::{output, root};

/// The name of the tests' lab: beside a user's `demo`, never in its place. `LAB` names another one.
static NAME: LazyLock<String> =
    LazyLock::new(|| std::env::var("LAB").unwrap_or_else(|_| "test".to_owned()));

/// The hosts of a lab.
pub const HOSTS: [&str; 3] = ["a", "b", "c"];

/// The lab. Whoever has it is alone with it.
pub struct Lab {
    _turn: MutexGuard<'static, ()>,
}

/// A domain on a host, as libvirt tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Domain {
    pub host: String,
    pub name: String,
    pub uuid: String,
    /// libvirt's number of its present run; none: it does not run.
    pub run: Option<u32>,
    pub mac: String,
    pub memory_kib: u64,
    /// Of the mark: empty for a foreign domain.
    pub instance: String,
    pub address: String,
    pub generation: String,
}

impl Lab {
    /// The lab as the last test left it, or a fresh one.
    pub fn any() -> Lab {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        sit_down(&NAME);
        let lab = Lab { _turn: turn };
        lab.run(&["up"]);
        for host in HOSTS {
            lab.run(&["mend", host]);
            // A controller that was killed at the end of the last test would keep this one waiting; a libvirt that a test
            // stopped, for ever.
            let settle =
                "rm -f /run/reconcile/claim-*; kill -CONT $(pidof libvirtd) 2>/dev/null || true";
            lab.on(host, settle);
        }
        lab
    }

    /// Lets every libvirt go on that a test has stopped: whoever asks it would wait for ever.
    pub fn wake(&self) {
        for host in HOSTS {
            let wake = "kill -CONT $(pidof libvirtd) 2>/dev/null || true";
            let woken = script().args(["on", host, "sh", "-c", wake]).status();
            // One that is off has none.
            drop(woken);
        }
    }

    /// A lab without anything in it.
    pub fn fresh() -> Lab {
        let lab = Lab::any();
        lab.run(&["down"]);
        lab.run(&["up"]);
        lab
    }

    /// Runs a command of `tests/lab/lab`.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        let mut command = script();
        command.args(arguments);
        output(&mut command).unwrap_or_else(|error| panic!("lab {arguments:?}: {error}"))
    }

    /// A command on the operator's machine.
    pub fn inside(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = script();
        command.arg("exec").arg(program);
        command
    }

    /// Runs a shell script on a host, as root.
    #[track_caller]
    pub fn on(&self, host: &str, script: &str) -> String {
        self.run(&["on", host, "sh", "-c", script])
    }

    /// Runs a shell script in a guest, over ssh.
    pub fn try_in_guest(&self, address: &str, script: &str) -> Result<String, String> {
        let mut command = self.inside("ssh");
        command
            .arg("-F")
            .arg(self.ssh("config"))
            .args(["-o", "ConnectTimeout=5", address, script]);
        output(&mut command)
    }

    /// The same, where it must succeed.
    #[track_caller]
    pub fn in_guest(&self, address: &str, script: &str) -> String {
        self.try_in_guest(address, script)
            .unwrap_or_else(|error| panic!("guest {address}: {error}"))
    }

    /// Sends a signal to the QEMU of a domain.
    #[track_caller]
    pub fn kill_guest(&self, domain: &Domain, signal: &str) {
        self.run(&["kill-guest", &domain.host, &domain.name, signal]);
    }

    /// Every domain of every host, in order.
    #[track_caller]
    pub fn domains(&self) -> Vec<Domain> {
        self.domains_on(&HOSTS)
    }

    /// Every domain of these hosts, in order.
    #[track_caller]
    pub fn domains_on(&self, hosts: &[&'static str]) -> Vec<Domain> {
        // A domain may go between its listing and its description.
        let script = "all=$(virsh -q list --all --uuid) || exit; \
            for d in $all; do xml=$(virsh dumpxml \"$d\" 2>/dev/null) && printf '%s\\0' \"$xml\"; done; true";
        let mut domains: Vec<Domain> = hosts
            .iter()
            .flat_map(|host| {
                let text = self.on(host, script);
                text.split('\0')
                    .filter(|xml| !xml.trim().is_empty())
                    .map(|xml| domain(host, xml))
                    .collect::<Vec<_>>()
            })
            .collect();
        domains.sort();
        domains
    }

    /// The domain of an instance; it must be there once.
    #[track_caller]
    pub fn domain_of(&self, instance: &str) -> Domain {
        let mut found: Vec<Domain> = self
            .domains()
            .into_iter()
            .filter(|d| d.instance == instance)
            .collect();
        assert_eq!(found.len(), 1, "{instance} must exist once: {found:#?}");
        found.remove(0)
    }

    /// The end of a guest's console.
    pub fn console(&self, host: &str, domain: &str) -> String {
        let log = self
            .host_files(host)
            .join(format!("var/log/libvirt/qemu/{domain}.console.log"));
        let text = std::fs::read(log).unwrap_or_default();
        tail(&String::from_utf8_lossy(&text), 15)
    }

    /// A host's own files.
    pub fn host_files(&self, host: &str) -> PathBuf {
        state(&NAME).join("hosts").join(host).join("fs")
    }

    /// A file of the operator's ssh.
    pub fn ssh(&self, file: &str) -> PathBuf {
        state(&NAME).join("ssh").join(file)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // What a failed test left may be anything: the next one gets a lab that knows nothing of it.
        if std::thread::panicking() && !kept() {
            let _ = output(script().arg("down"));
        }
    }
}

/// The last lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn script() -> Command {
    super::script::script(&NAME)
}

fn domain(host: &str, xml: &str) -> Domain {
    let document = roxmltree::Document::parse(xml.trim()).expect("libvirt writes XML");
    let find = |name: &str| document.descendants().find(|n| n.has_tag_name(name));
    let text = |name: &str| {
        find(name)
            .and_then(|n| n.text())
            .unwrap_or_default()
            .to_owned()
    };
    let mark = document
        .descendants()
        .find(|n| n.tag_name().namespace() == Some("urn:reconcile:mark:1"));
    let marked = |name: &str| {
        mark.and_then(|n| n.attribute(name))
            .unwrap_or_default()
            .to_owned()
    };
    let mac = find("mac")
        .and_then(|n| n.attribute("address"))
        .unwrap_or_default();
    Domain {
        host: host.to_owned(),
        name: text("name"),
        uuid: text("uuid"),
        run: document
            .root_element()
            .attribute("id")
            .and_then(|id| id.parse().ok()),
        mac: mac.to_owned(),
        memory_kib: text("memory").parse().unwrap_or_default(),
        instance: marked("instance"),
        address: marked("address"),
        generation: marked("generation"),
    }
}
