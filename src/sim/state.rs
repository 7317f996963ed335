//! One host with its domains, as plain state.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::claim::Claimed;
use super::guard::Guard;
use super::vm::Guest;
use crate::model::desired::Revision;
use crate::model::facts::HostFile;
use crate::model::mark::Mark;
use crate::model::scenario::{Libvirt, Machine, Node};
use crate::model::time::Timestamp;
use crate::model::unit::Bytes;

/// How a host can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It answers.
    Up,
    /// Its sshd does not answer; its guests do.
    Unreachable,
    /// Another host key answers.
    KeyChanged,
}

/// One host.
pub struct HostState {
    /// How it can be reached.
    pub link: Link,
    /// Whether it has power: without, its guests are silent too.
    pub power: bool,
    /// When it has booted.
    pub up_at: Timestamp,
    /// How its libvirt is.
    pub libvirt: Libvirt,
    /// Its hardware, where somebody said it.
    pub machine: Option<Machine>,
    /// Whether its disk is full, whatever is on it.
    pub disk_full: bool,
    /// How many answers to acts are still lost.
    pub drops: u32,
    /// The guard on it, where one was armed.
    pub guard: Option<Guard>,
    /// The claim of a controller on it.
    pub claimed: Option<Claimed>,
    /// What the controllers call it.
    pub address: String,
    /// The others that its guard was told of, by their addresses.
    pub peers: Vec<String>,
    /// Since when it sees no majority of the hosts.
    pub alone_since: Option<Timestamp>,
    /// The controllers whose last look failed: from then on, they must leave the host alone.
    pub known_unseen: BTreeSet<Node>,
    /// The domains on it that are none of ours.
    pub neighbours: BTreeSet<String>,
    /// Every domain that its libvirt knows, by name.
    pub domains: BTreeMap<String, DomainState>,
    /// Base images and kernels by path.
    pub files: BTreeMap<String, HostFile>,
    /// Disks by path.
    pub volumes: BTreeSet<String>,
    /// Of these, the disks that outlived their guests, and since when.
    pub kept: BTreeMap<String, Timestamp>,
    /// How often each file was copied to it.
    pub copies: BTreeMap<String, usize>,
}

/// One domain.
pub struct DomainState {
    /// Its UUID.
    pub uuid: String,
    /// Our mark in its definition; none: it is foreign.
    pub mark: Option<Mark>,
    /// The number of its present run; none: it does not run.
    pub run: Option<u32>,
    /// The machine in it.
    pub guest: Guest,
}

/// What the disk of a guest takes, once it was written to for a while.
pub const OVERLAY: Bytes = Bytes(256 << 20);

impl HostState {
    /// The state of the file that the files in the guest of a domain are from.
    pub fn state_of(&self, name: &str) -> Option<&Revision> {
        let enabled = self.domains.get(name)?.guest.enabled.as_ref();
        enabled.map(|enabled| &enabled.state)
    }

    /// Free space where disks are stored.
    pub fn free(&self) -> Option<Bytes> {
        let machine = self.machine.as_ref()?;
        let images: u64 = self.files.values().map(|f| f.size.0).sum();
        let guests = OVERLAY.0 * self.volumes.len() as u64;
        let left = machine.disk.0.saturating_sub(images + guests);
        Some(Bytes(if self.disk_full { 0 } else { left }))
    }

    /// A disk outlives its guest, under another name.
    pub fn keep(&mut self, disk: &str, now: Timestamp) {
        if self.volumes.remove(disk) {
            let kept = format!("{disk}.kept");
            self.volumes.insert(kept.clone());
            self.kept.insert(kept, now);
        }
    }

    /// A new guest has it again.
    pub fn take_back(&mut self, disk: &str) {
        let kept = format!("{disk}.kept");
        self.volumes.remove(&kept);
        self.kept.remove(&kept);
    }

    /// How long a span of its own clock really is: a clock that is fast ends it early.
    pub fn by_its_clock(&self, span: Duration) -> Duration {
        let percent = self.machine.as_ref().map_or(100, |m| m.clock.max(1));
        span * 100 / percent
    }

    /// What ends with the power of a host.
    pub fn lose_power(&mut self, now: Timestamp) {
        self.domains.values_mut().for_each(DomainState::end);
        if let Some(claimed) = &mut self.claimed {
            claimed.run_out(now);
        }
    }

    /// A host that runs, with nothing on it.
    pub(super) fn new() -> Self {
        HostState {
            link: Link::Up,
            guard: None,
            claimed: None,
            address: String::new(),
            peers: Vec::new(),
            alone_since: None,
            power: true,
            up_at: Timestamp::default(),
            libvirt: Libvirt::Works,
            machine: None,
            disk_full: false,
            drops: 0,
            known_unseen: BTreeSet::new(),
            neighbours: BTreeSet::new(),
            domains: BTreeMap::new(),
            files: BTreeMap::new(),
            volumes: BTreeSet::new(),
            kept: BTreeMap::new(),
            copies: BTreeMap::new(),
        }
    }
}

impl DomainState {
    /// Ends it, as `virsh destroy` and `kill -9` do.
    pub fn end(&mut self) {
        self.run = None;
        self.guest.addresses.clear();
        self.guest.process = None;
        self.guest.fallback = None;
        self.guest.frozen = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_fast_ends_a_span_early_and_a_slow_one_late() {
        let mut host = HostState::new();
        let mut lasts = |clock| {
            host.machine = Some(Machine {
                clock,
                ..Machine::default()
            });
            host.by_its_clock(Duration::from_secs(15)).as_secs_f64()
        };
        assert_eq!([lasts(100), lasts(200), lasts(50)], [15.0, 7.5, 30.0]);
    }
}

/// An action that fails.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The step of the action: `build.start`.
    pub step: String,
    /// The instance or host that it is about.
    pub subject: String,
    /// How often still.
    pub times: usize,
}

/// A machine on the wire that is none of ours.
#[derive(Debug, Clone)]
pub struct Stranger {
    /// Its hardware address.
    pub mac: String,
    /// Since when it answers.
    pub since: Timestamp,
}
