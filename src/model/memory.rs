//! What observation can't tell: since when, how often, and where things were that can't be seen now. Losing it loses
//! no guest: it makes the next rounds more careful, not wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::claim::ControllerId;
use super::desired::{AskedAt, Heartbeat, Host, Revision};
use super::gate::Pending;
use super::id::{GroupId, HostId, InstanceId};
use super::mark::Mark;
use super::time::Timestamp;

/// The controller's memory of one cluster.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// What each host last showed.
    pub hosts: BTreeMap<HostId, HostMemory>,
    /// What is remembered of each instance.
    pub guests: BTreeMap<InstanceId, GuestMemory>,
    /// Who held each load balancer's VIP when that was last seen, and since when.
    pub holders: BTreeMap<GroupId, Holder>,
    /// Who held what is no VIP of its load balancer any more, and may hold it still.
    #[serde(default)]
    pub former_holders: BTreeMap<Ipv4Addr, Holder>,
    /// VIPs that were taken from their holders for others to get them, until those have them.
    #[serde(default)]
    pub handing_over: BTreeMap<GroupId, Ipv4Addr>,
    /// Addresses of our pools that somebody foreign answered for.
    #[serde(default)]
    pub foreign: BTreeMap<Ipv4Addr, Foreign>,
    /// States of the file with which all was as desired, the last one first.
    #[serde(default)]
    pub good: Vec<Revision>,
    /// The state of the file that is in force: it passed the guards.
    #[serde(default)]
    pub in_force: Option<Revision>,
    /// The one before it, where that was given up because an instance did not come up with it.
    #[serde(default)]
    pub rolled_back: Option<Revision>,
    /// The newest one, where a guard holds that.
    #[serde(default)]
    pub pending: Option<Pending>,
    /// Since when one host is much fuller than the others, where the file asks for that to be evened out.
    #[serde(default)]
    pub uneven_since: Option<Timestamp>,
    /// When a guest was last moved for that.
    #[serde(default)]
    pub evened_out: Option<Timestamp>,
    /// Whether the brake holds.
    #[serde(default)]
    pub brake: Option<Brake>,
    /// When we last reached neither a majority of the hosts nor of the witnesses.
    #[serde(default)]
    pub in_minority: Option<Timestamp>,
    /// Since when that is so; none while we reach a majority.
    #[serde(default)]
    pub minority_since: Option<Timestamp>,
    /// When this controller last went on after another one.
    #[serde(default)]
    pub took_over: Option<Timestamp>,
    /// Hosts that other controllers worked with, and that we did not see since.
    #[serde(default)]
    pub inherited: BTreeMap<HostId, Inherited>,
    /// Instances that an action is at work on now: no other action may touch them.
    #[serde(default)]
    pub busy: BTreeMap<InstanceId, Busy>,
    /// How long things took lately, by service or load balancer: in milliseconds, the newest last.
    #[serde(default)]
    pub took: BTreeMap<GroupId, BTreeMap<Doing, Vec<u64>>>,
}

/// What is measured when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// A guest is made and started.
    Build,
    /// A guest boots and gets its own address, where its image has one to begin with.
    Bootstrap,
    /// A guest boots, gets its files, and its process starts, up to its first heartbeat.
    SetUp,
    /// Files are written and the process starts anew, up to its heartbeat.
    Restart,
    /// A guest gets another address.
    Rebind,
    /// A guest gets a VIP.
    AddVip,
}

/// A host that another controller worked with, and that we did not see since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inherited {
    /// Which controllers did, by what claims said.
    #[serde(default)]
    pub whose: BTreeSet<ControllerId>,
    /// Who that was, for people.
    pub from: String,
    /// When its claim first said so.
    pub since: Timestamp,
    /// The evidence that nothing of ours runs on it.
    #[serde(default)]
    pub fenced: Option<Evidence>,
}

/// The last complete look at a host.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HostMemory {
    /// When it was last seen; none: never.
    pub seen: Option<Timestamp>,
    /// Since when it is as it is: seen, or not seen.
    pub since: Timestamp,
    /// When a guest on it last gave a heartbeat while it can't be seen.
    #[serde(default)]
    pub alive: Option<Timestamp>,
    /// The marked guests on it.
    pub guests: BTreeMap<InstanceId, Mark>,
    /// Disks of stateful instances whose guests were removed, and when they were last written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub disks: BTreeMap<InstanceId, Timestamp>,
    /// What the file last said of it, for when it leaves the file; none in memories of earlier versions.
    #[serde(default)]
    pub definition: Option<Host>,
    /// The evidence that nothing of ours runs on it, until it is seen again.
    #[serde(default)]
    pub fenced: Option<Evidence>,
    /// Whether a guard of ours is on it.
    #[serde(default)]
    pub armed: bool,
    /// Whether another controller may have renewed the lease of that guard since we saw the host.
    #[serde(default)]
    pub doubted: bool,
    /// The hosts whose majority its guard looks for: all that it may have been told. The file may say something else by now.
    #[serde(default)]
    pub guard_knows: BTreeSet<BTreeSet<HostId>>,
    /// Since when it is certain that it is alone: all hosts that we reach say that they don't see it, and those that we
    /// don't reach are too few to make a majority with it.
    #[serde(default)]
    pub alone_since: Option<Timestamp>,
    /// How often each of its fencing devices failed since it was last seen, by its place in the list.
    #[serde(default)]
    pub fence_failures: BTreeMap<usize, u32>,
    /// When fencing last failed.
    #[serde(default)]
    pub fence_failed: Option<Timestamp>,
    /// Whether a device is being asked now.
    #[serde(default)]
    pub switching_off: bool,
    /// When it came back from being out of sight for long.
    #[serde(default)]
    pub back: Option<Timestamp>,
    /// Whether it has been out of sight for long while we reached a majority: then its return counts.
    #[serde(default)]
    pub missed: bool,
    /// How often in a row it came back and went again.
    #[serde(default)]
    pub returns: u32,
}

impl HostMemory {
    /// Whether a person says that it is off, since it was last seen.
    pub fn is_confirmed_off(&self) -> bool {
        let evidence = self.fenced.as_ref();
        evidence.is_some_and(|evidence| evidence.kind == EvidenceKind::Manual)
    }
}

/// Why it is certain that nothing of ours runs on a host any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What it rests on.
    pub kind: EvidenceKind,
    /// Since when it holds.
    pub at: Timestamp,
    /// In words: `fence_ipmilan switched it off`.
    pub text: String,
}

/// What evidence rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// A fencing device switched it off, and said that it is off.
    Agent,
    /// The lease of its guard is over, and it was alone long enough for the guard to stop everything.
    Lease,
    /// A person looked.
    Manual,
}

/// The brake holds: too much failed at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brake {
    /// Since when.
    pub since: Timestamp,
    /// What failed, in words.
    pub text: String,
}

/// What is remembered of an instance.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GuestMemory {
    /// Its present run: generation and libvirt's number. Another run starts all counts anew.
    pub run: String,
    /// When that run was first seen.
    pub since: Timestamp,
    /// When it was first healthy in that run.
    pub healthy_since: Option<Timestamp>,
    /// When it last was back in service after work on it.
    #[serde(default)]
    pub worked_on: Option<Timestamp>,
    /// Where it gave its last good heartbeat, in that run.
    #[serde(default)]
    pub answered: Option<AskedAt>,
    /// When its present row of failures began.
    pub failing_since: Option<Timestamp>,
    /// How often it was built on each host in vain: it did not come up, or died soon.
    #[serde(default)]
    pub trials: BTreeMap<HostId, u32>,
    /// How often in a row it died soon after it had come up.
    #[serde(default)]
    pub crashes: u32,
    /// When it was last built.
    pub last_attempt: Option<Timestamp>,
    /// When setting it up last failed.
    #[serde(default)]
    pub failed: Option<Timestamp>,
    /// The state of the file that it was set up for then, until it gives a heartbeat.
    #[serde(default)]
    pub failed_with: Option<Revision>,
    /// How often in a row what differed on it was put right, while nobody had asked for anything else.
    #[serde(default)]
    pub mended: Option<Mended>,
    /// When its process, which did not run, was last started without waiting for its heartbeat.
    #[serde(default)]
    pub started: Option<Timestamp>,
    /// Why it could not even be built, where the last try to build it failed.
    #[serde(default)]
    pub not_built: Option<NotBuilt>,
    /// The state of the file that was last applied to it, or that it was seen to have.
    #[serde(default)]
    pub revision: Option<Revision>,
    /// The life that we began to build last: of that one we remember everything.
    #[serde(default)]
    pub built: Option<String>,
    /// An earlier life that counts by now: the one that we built last was given up with its host, and this one runs.
    #[serde(default)]
    pub adopted: Option<String>,
    /// The life that we ended ourselves, of our own will.
    #[serde(default)]
    pub ended: Option<String>,
    /// The state of the file that it was last rebuilt for.
    #[serde(default)]
    pub tried: Option<Revision>,
}

impl GuestMemory {
    /// Whether it is not there only because we are about to make it elsewhere: its last life we ended ourselves.
    pub fn is_moving(&self) -> bool {
        self.ended.is_some() && self.ended == self.built
    }

    /// Of several copies, the life that counts.
    pub fn latest(&self) -> Option<&String> {
        self.adopted.as_ref().or(self.built.as_ref())
    }

    /// Whether it answered until its heartbeat was edited, and not since: then its silence is no sign of death.
    pub fn is_asked_elsewhere(&self, heartbeat: &Heartbeat) -> bool {
        let elsewhere =
            |last: &AskedAt| (&last.path, last.port) != (&heartbeat.path, heartbeat.port);
        self.answered.as_ref().is_some_and(elsewhere)
    }

    /// Whether it was tried in vain, so that it may wait to be tried again.
    pub fn was_in_vain(&self) -> bool {
        !self.trials.is_empty() || self.not_built.is_some() || self.circle().is_some()
    }

    /// That it was put right so often that somebody else must be changing it back.
    pub fn circle(&self) -> Option<&Mended> {
        self.mended.as_ref().filter(|mended| mended.count >= CIRCLE)
    }
}

/// Who is put right so often in a row goes in circles.
const CIRCLE: u32 = 5;

/// Files of a guest that were put right several times in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mended {
    /// How often.
    pub count: u32,
    /// When for the first time.
    pub since: Timestamp,
    /// When last.
    pub last: Timestamp,
    /// The state of the file that they were brought back to.
    pub revision: Revision,
}

/// A build that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotBuilt {
    /// Where.
    pub host: HostId,
    /// Why, in a line.
    pub why: String,
}

/// A VIP's holder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    /// The instance.
    pub instance: InstanceId,
    /// The life of it that held the VIP; none in memories of earlier versions.
    #[serde(default)]
    pub generation: Option<String>,
    /// The VIP that it held; none in memories of earlier versions.
    #[serde(default)]
    pub vip: Option<Ipv4Addr>,
    /// Since when.
    pub since: Timestamp,
}

/// What is being done with an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Busy {
    /// The kind of action.
    pub action: String,
    /// In a line.
    pub summary: String,
    /// Since when.
    pub since: Timestamp,
    /// Where.
    pub host: HostId,
    /// The mark that the guest is being given: its addresses are taken from the first moment on.
    pub mark: Option<Mark>,
    /// What becomes of its service meanwhile.
    #[serde(default)]
    pub service: Serving,
    /// The state of the file that it is done for; none in memories of earlier versions.
    #[serde(default)]
    pub revision: Option<Revision>,
}

/// What an action does to the service of its instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Serving {
    /// It goes on: files are written, a process reloaded, a VIP comes or goes.
    GoesOn,
    /// It is interrupted, or not there yet.
    #[default]
    Pauses,
}

/// An address of ours that somebody else uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Foreign {
    /// The hardware address that answered.
    pub mac: String,
    /// When.
    pub seen: Timestamp,
}
