//! What the user wants of failures, of placement and of motion: the policies of a cluster, its hosts and its groups.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::gate::Class;
use super::id::{GroupId, HostId};
use super::secret::Secret;

/// How careful the controller is with what it can't undo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Safety {
    /// How long a host must be out of sight before its guests are made elsewhere.
    pub recover_after: Duration,
    /// How long a host that came back must stay before it gets guests again; it doubles with every return in a row.
    pub rejoin_after: Duration,
    /// When more than this part of anything fails by silence within the window, nothing is destroyed any more.
    pub brake: Percent,
    /// The window of the brake.
    pub brake_window: Duration,
    /// Who is asked whether we, or the others, are cut off.
    pub witnesses: Vec<Witness>,
    /// Room is kept for the guests of this many hosts.
    pub spare: u32,
    /// How many guests one change may remove for good.
    pub max_destroy: MaxDestroy,
    /// The dead-man guard of hosts that are fenced by lease.
    pub lease: LeasePolicy,
}

/// How many guests one change may remove for good without a person: the larger of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxDestroy {
    /// So many.
    pub count: u32,
    /// This part of those that there are.
    pub percent: Percent,
}

impl MaxDestroy {
    /// How many of `all`.
    pub fn of(self, all: usize) -> usize {
        let part = all.saturating_mul(self.percent.0 as usize) / 100;
        part.max(self.count as usize)
    }
}

/// How changes of the file come into force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The farthest-reaching ones that are applied without a person; none: not any.
    pub automatic: Option<Class>,
    /// What is done with a change with which an instance does not come up.
    pub on_failure: OnFailure,
    /// When they may: at any time, where none is named.
    pub allow: Vec<Window>,
    /// When they may not, whatever is allowed.
    pub deny: Vec<Window>,
}

impl Default for Changes {
    fn default() -> Self {
        Changes {
            automatic: Some(Class::Destroy),
            on_failure: OnFailure::Halt,
            allow: Vec::new(),
            deny: Vec::new(),
        }
    }
}

/// What is done with a change with which an instance does not come up. It halts in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// A person is waited for.
    Halt,
    /// The last good state of the file comes back.
    Rollback,
}

/// A time that comes again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// When it begins: minute, hour, day of the month, month, day of the week, as cron has it.
    pub at: String,
    /// How long it lasts.
    pub lasts: Duration,
    /// The time zone that is meant, by its name in the database of IANA.
    pub zone: String,
}

impl Window {
    /// As cron libraries read it, with the zone behind.
    pub fn crontab(&self) -> String {
        format!("{} {}", self.at, self.zone)
    }
}

impl Default for Safety {
    fn default() -> Self {
        Safety {
            recover_after: Duration::from_secs(30),
            rejoin_after: Duration::from_secs(30),
            brake: Percent(50),
            brake_window: Duration::from_secs(300),
            witnesses: Vec::new(),
            spare: 0,
            max_destroy: MaxDestroy {
                count: 3,
                percent: Percent(50),
            },
            lease: LeasePolicy::default(),
        }
    }
}

/// A part of a whole, in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Percent(pub u32);

/// Somebody outside of the cluster whose answer shows that our network works.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Witness {
    /// A machine that answers pings: a gateway.
    Address(Ipv4Addr),
    /// An address that answers HTTP requests, with whatever status.
    Url(String),
}

impl Witness {
    /// The machine that is asked: an address, or a name.
    pub fn machine(&self) -> String {
        match self {
            Witness::Address(address) => address.to_string(),
            Witness::Url(url) => {
                let server = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
                let end = server.find([':', '/', '?']).unwrap_or(server.len());
                server[..end].to_owned()
            }
        }
    }

    /// Its address, where it is not named.
    pub fn ipv4(&self) -> Option<Ipv4Addr> {
        self.machine().parse().ok()
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Witness::Address(address) => address.fmt(f),
            Witness::Url(url) => f.pad(url),
        }
    }
}

/// The lease that the controller renews on a host; when it lapses, the host's guard stops our guests there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasePolicy {
    /// How long it is valid without being renewed.
    pub ttl: Duration,
    /// How long the guard may take to stop everything after that.
    pub margin: Duration,
    /// A hardware watchdog that the guard feeds, so that a host whose guard died resets itself.
    pub watchdog: Option<String>,
}

impl Default for LeasePolicy {
    fn default() -> Self {
        LeasePolicy {
            ttl: Duration::from_secs(15),
            margin: Duration::from_secs(10),
            watchdog: None,
        }
    }
}

/// What makes sure that nothing runs on a host any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fencing {
    /// A program of the fence-agents family.
    Agent(FenceAgent),
    /// The host's own libvirt, while it can be reached: the guest's domain is destroyed.
    Libvirt,
    /// The dead-man guard on the host.
    Lease,
    /// A person who looked: `reconcile fence confirm HOST`.
    Manual,
}

/// A program that switches a host off:
/// <https://github.com/ClusterLabs/fence-agents/blob/main/doc/FenceAgentAPI.md>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceAgent {
    /// Its name, as `fence_ipmilan`, or its path.
    pub program: String,
    /// Its parameters, given on standard input.
    pub parameters: BTreeMap<String, Parameter>,
    /// How long it may take.
    pub timeout: Duration,
}

/// A value for a fence agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameter {
    /// It may be shown.
    Plain(String),
    /// It may not.
    Secret(Secret),
}

/// How much of a group may be away for something that we do of our own will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// How many instances must serve.
    pub min_available: u32,
    /// How many more than `replicas` there may be while they are replaced.
    pub surge: u32,
    /// How long an instance must be well before the next one is worked on.
    pub settle: Duration,
    /// Whether the user said how many; else those that can't be there do not count, as long as one serves.
    pub given: bool,
}

impl Budget {
    /// One may be away, where there are several.
    pub fn of(replicas: u32) -> Self {
        Budget {
            min_available: replicas.saturating_sub(1),
            surge: 0,
            settle: Duration::ZERO,
            given: false,
        }
    }
}

/// What is done with an instance that does not come up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restarts {
    /// How often it is built in vain on one host before another one is tried.
    pub max_restarts: u32,
    /// How many other hosts are tried, each as often, before it counts as failed.
    pub max_relocations: u32,
    /// The pause after the first failure; it doubles with each further one.
    pub pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for Restarts {
    fn default() -> Self {
        Restarts {
            max_restarts: 3,
            max_relocations: 2,
            pause: Duration::from_secs(10),
            longest_pause: Duration::from_secs(600),
        }
    }
}

/// Where the instances of a group may be, and would best be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlacementRules {
    /// Host labels over whose values the instances are spread, the most important first; over hosts they always are.
    pub spread: Vec<String>,
    /// Groups whose hosts must have one of these, or would best have.
    pub affinity: Wishes<GroupId>,
    /// Groups that these must not share a host with, or would best not: a group's own name keeps its instances apart.
    pub anti_affinity: Wishes<GroupId>,
    /// The hosts that may be taken, or would best be.
    pub hosts: Wishes<HostChoice>,
    /// The host of an instance, by its number.
    pub pin: BTreeMap<u32, HostId>,
    /// Whether instances go back to better hosts when these return.
    pub failback: bool,
}

/// What must be so, and what would best be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wishes<T> {
    /// It must.
    pub required: BTreeSet<T>,
    /// It would best.
    pub preferred: BTreeSet<T>,
}

impl<T> Default for Wishes<T> {
    fn default() -> Self {
        Wishes {
            required: BTreeSet::new(),
            preferred: BTreeSet::new(),
        }
    }
}

/// A host, or every host with a label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostChoice {
    /// This one.
    Host(HostId),
    /// Those whose label has this value: `rack=r1`.
    Label(String, String),
}

/// When guests are moved only to even out the load of hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebalance {
    /// How far the fullest host may be above the mean.
    pub threshold: Percent,
    /// For how long that must last.
    pub hold: Duration,
    /// How much better it must be afterwards.
    pub margin: Percent,
    /// The pause after a move.
    pub cooldown: Duration,
}
