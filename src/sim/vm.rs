//! The machine in a domain: its disk, its present boot, its process. What a boot and a start do to it, and what it says
//! of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::model::desired::Revision;
use crate::model::facts::GuestAddress;
use crate::model::time::Timestamp;

/// From the start of a domain to its sshd.
pub const BOOT: Duration = Duration::from_secs(8);
/// From the start of a process to its first answer.
pub const START: Duration = Duration::from_millis(700);

/// How the start of a process goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It answers after this time.
    After(Duration),
    /// It ends at once, and nothing starts it again.
    Fails,
}

/// The machine in a domain: its disk, and its present boot.
#[derive(Default)]
pub struct Guest {
    /// Its hardware address.
    pub mac: String,
    /// The address that a fresh disk boots with.
    pub first_address: Option<Ipv4Addr>,
    /// Its image starts its service, we don't.
    pub by_itself: bool,
    /// Its files by path.
    pub files: BTreeMap<String, FileState>,
    /// What init starts at boot.
    pub enabled: Option<Enabled>,
    /// Its disk can't be booted.
    pub broken: bool,
    /// When its present boot is done.
    pub up_at: Timestamp,
    /// It runs, and answers nothing.
    pub frozen: bool,
    /// The addresses on its interface.
    pub addresses: Vec<GuestAddress>,
    /// Its managed process.
    pub process: Option<Process>,
    /// An address that it drops at that moment, unless it is told to keep it.
    pub fallback: Option<(Ipv4Addr, Timestamp)>,
}

/// A file in a guest.
#[derive(Debug, Clone)]
pub struct FileState {
    /// Its content.
    pub content: String,
    /// The digest of that: it is asked for again and again.
    pub sha256: String,
    /// Its permission bits.
    pub mode: u32,
    /// `user:group`.
    pub owner: String,
}

/// What init starts at boot.
#[derive(Debug, Clone)]
pub struct Enabled {
    /// The name of its unit.
    pub name: String,
    /// What it is started with.
    pub revision: String,
    /// The script that becomes the process.
    pub script: String,
    /// The files that it reads again at a reload.
    pub reloads: Vec<String>,
    /// The state of the file that its files are from.
    pub state: Revision,
    /// The port that the file wanted it to serve at then.
    pub port: Option<u16>,
}

/// A process that runs, or hangs.
#[derive(Debug, Clone)]
pub struct Process {
    /// From when on it answers.
    pub answers_at: Timestamp,
    /// The revision it was started with.
    pub started: String,
    /// The digest of the files that it last loaded.
    pub loaded: String,
    /// It was killed, and nothing starts it again.
    pub dead: bool,
    /// What its program and its configuration say, as they were loaded.
    pub program: Program,
}

/// What the program and the configuration of a process say: read once, for it is asked for with every change.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// The port that they were told; none: it knows its port by itself.
    pub port: Option<u16>,
    /// Every server that nginx may ask: also those that are asked only when all others have failed.
    pub servers: BTreeSet<(Ipv4Addr, u16)>,
    /// Where nginx sends requests: the servers that are not `down`.
    pub upstreams: BTreeSet<(Ipv4Addr, u16)>,
}

impl FileState {
    /// A file with this content.
    pub fn new(content: &str, mode: u32, owner: &str) -> Self {
        FileState {
            sha256: sha256(content),
            content: content.to_owned(),
            mode,
            owner: owner.to_owned(),
        }
    }

    /// Its content becomes this.
    pub fn write(&mut self, content: &str) {
        *self = FileState::new(content, self.mode, &self.owner);
    }
}

impl Guest {
    /// A new boot of the same disk.
    pub fn boot(&mut self, up_at: Timestamp, start: Start) {
        self.up_at = up_at;
        self.frozen = false;
        self.fallback = None;
        let written = self.files.get("/etc/network/interfaces");
        let own = written.and_then(|f| word_after(&f.content, "address ").parse().ok());
        self.addresses.clear();
        self.addresses.extend(
            own.or(self.first_address)
                .map(|address| address_of(address, false)),
        );
        self.process = self
            .enabled
            .clone()
            .map(|enabled| self.run(&enabled, up_at, start));
    }

    /// A process of this program, with the files as they are now.
    pub fn run(&self, enabled: &Enabled, since: Timestamp, start: Start) -> Process {
        let (answers_at, dead) = match start {
            Start::After(span) => (since.plus(span), false),
            Start::Fails => (since, true),
        };
        Process {
            answers_at,
            started: enabled.revision.clone(),
            loaded: self.loads(&enabled.reloads),
            dead,
            program: self.program(enabled),
        }
    }

    /// What a process knows of its program and its files.
    pub fn program(&self, enabled: &Enabled) -> Program {
        let files = self.files.values().map(|f| f.content.as_str());
        let text: String = files.chain([enabled.script.as_str()]).collect();
        Program::of(&text, enabled.port)
    }

    /// The digest that the run script writes when it loads its files.
    pub fn loads(&self, paths: &[String]) -> String {
        let sums = paths
            .iter()
            .filter_map(|p| self.files.get(p))
            .map(|f| format!("{}  -\n", f.sha256));
        sha256(&sums.collect::<String>())
    }

    /// The moments at which something changes in it by itself.
    pub fn moments(&self) -> impl Iterator<Item = Timestamp> {
        let process = self.process.as_ref().map(|p| p.answers_at);
        let fallback = self.fallback.map(|(_, at)| at);
        [Some(self.up_at), process, fallback].into_iter().flatten()
    }

    /// Whether it has booted, and answers on the network.
    pub fn is_up(&self, run: Option<u32>, now: Timestamp) -> bool {
        run.is_some() && !self.frozen && !self.broken && now >= self.up_at
    }

    /// Whether it has an address.
    pub fn holds(&self, address: Ipv4Addr) -> bool {
        self.addresses.iter().any(|a| a.address == address)
    }

    /// Whether something answers at the port. An image that starts its service by itself answers at any.
    pub fn listens(&self, port: u16, now: Timestamp) -> bool {
        match &self.process {
            Some(process) => {
                !process.dead && now >= process.answers_at && process.program.serves_at(port)
            }
            None => self.by_itself,
        }
    }
}

impl Process {
    /// Where nginx sends requests.
    pub fn upstreams(&self) -> &BTreeSet<(Ipv4Addr, u16)> {
        &self.program.upstreams
    }
}

impl Program {
    /// Whether it listens at a port. That a command says nothing of the port is no sign that it listens elsewhere: a
    /// service comes up unless the scenario says that it fails.
    fn serves_at(&self, port: u16) -> bool {
        self.port.is_none_or(|told| told == port)
    }

    /// With the port that is wanted: one that is told so serves there until it starts again, also when the file changes.
    fn of(text: &str, wanted: Option<u16>) -> Self {
        let said: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with('#'))
            .collect();
        let servers = said
            .iter()
            .filter(|l| l.starts_with("server ") && !l.contains(" down"));
        let asked_first = servers.clone().filter(|l| l.contains("max_fails=1"));
        Program {
            port: wanted.filter(|port| said.iter().any(|line| names(line, *port))),
            servers: servers.clone().filter_map(|l| server(l)).collect(),
            upstreams: asked_first.filter_map(|l| server(l)).collect(),
        }
    }
}

/// Whether a command line, its environment or what nginx listens at names a port.
fn names(line: &str, port: u16) -> bool {
    let starts = ["exec ", "export ", "listen "];
    let mut numbers = line.split(|c: char| !c.is_ascii_digit());
    starts.iter().any(|start| line.starts_with(start))
        && numbers.any(|number| number.parse() == Ok(port))
}

/// `server ADDRESS:PORT`.
fn server(line: &str) -> Option<(Ipv4Addr, u16)> {
    let (address, port) = word_after(line, "server ").split_once(':')?;
    let port = port.trim_end_matches(';').parse().ok()?;
    Some((address.parse().ok()?, port))
}

/// The word that follows `key`; empty where there is none.
pub fn word_after<'a>(text: &'a str, key: &str) -> &'a str {
    let rest = text.split_once(key).map_or("", |(_, rest)| rest);
    rest.split_whitespace().next().unwrap_or_default()
}

/// An address as `ip` shows it.
pub fn address_of(address: Ipv4Addr, vip: bool) -> GuestAddress {
    GuestAddress {
        address,
        prefix: 24,
        vip,
    }
}

/// The digest of a text, in hex.
pub fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_says_nothing_of_its_port_knows_it_by_itself() {
        let commands = [
            "app --workers 4",
            "java -Xmx512m -jar /app.jar",
            "/srv/a-2.1",
        ];
        for command in commands {
            let program = Program::of(&format!("exec {command}"), Some(80));
            assert!(program.serves_at(80) && program.serves_at(81), "{command}");
        }
    }

    #[test]
    fn a_command_that_was_told_its_port_serves_at_no_other_one() {
        for line in ["exec app --port 80 -v 2", "export PORT='80'", "listen 80;"] {
            let program = Program::of(line, Some(80));
            assert!(program.serves_at(80) && !program.serves_at(81), "{line}");
        }
    }
}
