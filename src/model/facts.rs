//! What is observed: plain facts with no judgement in them. What could not be seen is there too, with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::claim::{Claim, ControllerId};
use super::desired::Init;
use super::id::{ClusterName, HostId, InstanceId};
use super::mark::Mark;
use super::orders::Orders;
use super::policy::Witness;
use super::time::Timestamp;
use super::unit::Bytes;

/// The world as one round saw it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Observed {
    /// When.
    pub now: Timestamp,
    /// By how much the calendar is ahead of that, in milliseconds: the clock was set since the controller began.
    #[serde(skip)]
    pub clock_ahead: i64,
    /// Each desired host.
    pub hosts: BTreeMap<HostId, Seen<HostFacts>>,
    /// Guests that were looked into. One that is missing here was not asked.
    pub guests: BTreeMap<InstanceId, Seen<GuestFacts>>,
    /// Heartbeats of guests that were asked for one.
    pub beats: BTreeMap<InstanceId, Beat>,
    /// Addresses that were probed on the wire before use, and who answered.
    pub probed: BTreeMap<Ipv4Addr, Answer>,
    /// What operators ordered, as far as it is in force now.
    pub orders: Orders,
    /// Witnesses that were asked, and whether they answered.
    #[serde(with = "pairs")]
    pub witnesses: BTreeMap<Witness, bool>,
    /// Hosts whose guard we keep, and from when on the lease that it was told last is over for certain.
    pub leases: BTreeMap<HostId, Timestamp>,
    /// What the guards that we keep were told of the hosts.
    pub guards_know: BTreeMap<HostId, GuardKnows>,
    /// Whether another controller was at work since this one was: it was the last one on each host that was reached.
    pub succeeds: bool,
    /// Whether another controller was the last one on some host that we reach.
    pub after_others: bool,
    /// Hosts on which another controller has the claim.
    pub rivals: BTreeMap<HostId, Claim>,
    /// Hosts that other controllers work with, or did when they had a claim last, and who says so.
    pub theirs: BTreeMap<HostId, Theirs>,
    /// Programs of fencing devices that are not on this machine, with the hosts that they are for.
    pub missing_agents: BTreeMap<String, BTreeSet<HostId>>,
    /// Why the orders could not be read: then they are those of an earlier look.
    pub orders_unread: Option<String>,
}

/// A map whose keys are no strings, as a list of pairs: JSON has no other way.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Vec::deserialize(deserializer).map(BTreeMap::from_iter)
    }
}

/// What a guard was told of the hosts whose majority it looks for. What it was told last may not have arrived.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GuardKnows {
    /// The hosts that it knew for certain; none: nothing arrived since this process began.
    pub surely: Option<BTreeSet<HostId>>,
    /// What it was told since then.
    pub perhaps: BTreeSet<BTreeSet<HostId>>,
}

/// That others work with a host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Theirs {
    /// Which controllers do.
    pub whose: BTreeSet<ControllerId>,
    /// Who says so, for people.
    pub who: String,
}

/// An observation that may have failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen<T> {
    /// It was seen, completely.
    Yes(T),
    /// It could not be seen. That says nothing about what is there.
    No(Unseen),
}

impl<T> Seen<T> {
    /// What was seen.
    pub fn facts(&self) -> Option<&T> {
        match self {
            Seen::Yes(facts) => Some(facts),
            Seen::No(_) => None,
        }
    }
}

impl Observed {
    /// Every domain of a cluster on hosts that were seen. Another cluster may have an instance of the same name.
    pub fn domains_of<'a>(
        &'a self,
        cluster: &'a ClusterName,
    ) -> impl Iterator<Item = (&'a Domain, &'a Mark)> {
        let facts = self.hosts.values().filter_map(Seen::facts);
        let marked = facts.flat_map(|facts| &facts.domains);
        let marked = marked.filter_map(|domain| Some((domain, domain.mark.as_ref()?)));
        marked.filter(move |(_, mark)| mark.cluster == *cluster)
    }

    /// The heartbeat of a guest in this life, where it was this life that was asked.
    pub fn beat_of(&self, mark: &Mark) -> Option<&Beat> {
        let beat = self.beats.get(&mark.instance)?;
        let asked = beat.life.as_ref();
        asked
            .is_none_or(|life| *life == mark.generation)
            .then_some(beat)
    }
}

impl Seen<HostFacts> {
    /// Whether the host answers: one whose sshd does is reached, whatever else is the matter with it.
    pub fn answers(&self) -> bool {
        match self {
            Seen::Yes(_) => true,
            Seen::No(unseen) => unseen.kind != UnseenKind::Unreachable,
        }
    }

    /// Which hosts that are out of sight this one sees; none where the host itself does not answer.
    pub fn sees(&self) -> Option<&BTreeMap<HostId, bool>> {
        match self {
            Seen::Yes(facts) => Some(&facts.sees),
            Seen::No(unseen) => Some(&unseen.sees).filter(|sees| !sees.is_empty()),
        }
    }
}

/// Why something could not be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// The kind, for programs.
    pub kind: UnseenKind,
    /// The message, for people: what failed, and what to do where that is known.
    pub message: String,
    /// Of a host that answers, and whose hypervisor does not: which hosts that are out of sight it sees.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sees: BTreeMap<HostId, bool>,
}

impl Unseen {
    /// Of this kind, with this message.
    pub fn new(kind: UnseenKind, message: impl Into<String>) -> Self {
        Unseen {
            kind,
            message: message.into(),
            sees: BTreeMap::new(),
        }
    }
}

/// The kinds of failing to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnseenKind {
    /// No connection, or none in time.
    Unreachable,
    /// The host key is not the known one: somebody else may be answering.
    HostKeyChanged,
    /// Connected, and not let in.
    Refused,
    /// Let in, and the answer made no sense, or the hypervisor did not answer.
    Broken,
}

/// One host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HostFacts {
    /// Every domain that libvirt knows on it, ours and foreign.
    pub domains: Vec<Domain>,
    /// Whether KVM really works there; none when it was not probed.
    pub kvm: Option<bool>,
    /// Files asked about: base images.
    pub files: BTreeMap<String, HostFile>,
    /// Disks in our directory on it, by file name, with a domain or without; and what each takes of the file system now, which
    /// is less than its full size.
    pub volumes: BTreeMap<String, Bytes>,
    /// Of these, disks that outlived their guests, and when each was last written, by the clock of the host.
    #[serde(default)]
    pub kept: BTreeMap<String, Timestamp>,
    /// Memory of the machine.
    pub memory: Option<Bytes>,
    /// Processors of the machine.
    pub cpus: Option<u32>,
    /// Free space where disks are stored.
    pub free: Option<Bytes>,
    /// Hosts that it was asked about, and whether it sees them on the network.
    #[serde(default)]
    pub sees: BTreeMap<HostId, bool>,
    /// The claim of the controller that worked on it last.
    #[serde(default)]
    pub claim: Option<Claim>,
}

/// How the name of a disk ends that outlived its guest.
const KEPT_DISK: &str = ".qcow2.kept";

impl HostFacts {
    /// When the disk of an instance that outlived its guest here was last written.
    pub fn kept_disk(&self, instance: &InstanceId) -> Option<Timestamp> {
        self.kept.get(&format!("{instance}{KEPT_DISK}")).copied()
    }

    /// Whose disks outlived their guests here, and when each was last written.
    pub fn kept_disks(&self) -> impl Iterator<Item = (InstanceId, Timestamp)> + '_ {
        let kept = self.kept.iter();
        kept.filter_map(|(name, written)| {
            let owner = name.strip_suffix(KEPT_DISK)?;
            Some((owner.parse().ok()?, *written))
        })
    }
}

/// A domain, as libvirt tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// Its UUID.
    pub uuid: String,
    /// What it does.
    pub state: DomainState,
    /// The number of its present run: another one after every start. None when it does not run.
    pub run: Option<u32>,
    /// Our mark, where it has a readable one (of any cluster).
    pub mark: Option<Mark>,
}

/// What a domain does (<https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainState>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DomainState {
    /// Its processors run (also: blocked, shutting down).
    Running,
    /// It exists in memory, and its processors stand still.
    Paused,
    /// It does not run: shut off, or crashed.
    Off,
}

/// A file on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFile {
    /// Its size.
    pub size: Bytes,
    /// Its digest, where we copied and checked it.
    pub sha256: Option<String>,
}

/// One guest, seen from the inside.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GuestFacts {
    /// What starts its daemons.
    pub init: Option<Init>,
    /// Its addresses, with the label of each.
    pub addresses: Vec<GuestAddress>,
    /// Managed files that exist.
    pub files: BTreeMap<String, GuestFile>,
    /// The managed process, where it was ever started.
    pub daemon: Option<DaemonFacts>,
}

/// An address on a guest's interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestAddress {
    /// The address.
    pub address: Ipv4Addr,
    /// Length of the prefix.
    pub prefix: u8,
    /// Whether we added it as a VIP.
    pub vip: bool,
}

/// A managed file in a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestFile {
    /// SHA-256 of its content, in hex.
    pub sha256: String,
    /// Permission bits.
    pub mode: u32,
    /// `user:group`.
    pub owner: String,
    /// When its content was last written, by the clock of the guest.
    #[serde(default)]
    pub changed: Option<Timestamp>,
    /// Its content, only where it differs from what is desired and is not too long. It may hold secrets: it is never written
    /// down.
    #[serde(default, skip_serializing)]
    pub content: Option<String>,
}

/// The managed process of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DaemonFacts {
    /// Whether it runs.
    pub running: bool,
    /// The revision it was started with.
    pub started: Option<String>,
    /// The revision it last loaded.
    pub loaded: Option<String>,
}

/// What is known of an instance's heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Beat {
    /// The life that was asked. Of two copies of an instance, only one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<String>,
    /// Failures in a row, up to now.
    pub failures: u32,
    /// The last good one.
    pub last_ok: Option<Timestamp>,
    /// What went wrong at the last bad one.
    pub error: Option<String>,
}

/// Who answered for an address on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Nobody.
    Silence,
    /// The holder of this hardware address.
    Taken {
        /// As `aa:bb:cc:dd:ee:ff`.
        mac: String,
    },
}
