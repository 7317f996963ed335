//! What happens to a simulated cluster, and what is expected of it: a scenario, read and checked.

mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use super::command::Command;
use super::condition::HostCondition;
use super::desired::Desired;
use super::id::{GroupId, HostId, InstanceId};
use super::policy::Witness;
use super::unit::Bytes;

/// A whole scenario.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scenario {
    /// What it is about, in a line.
    pub about: Option<String>,
    /// What chance is drawn from; none: the user's choice, or 1.
    pub seed: Option<u64>,
    /// Machines that are not the usual ones.
    pub machines: BTreeMap<HostId, Machine>,
    /// How long it goes on after the last event; none: the user's choice, or 5 minutes.
    pub lasts: Option<Duration>,
    /// What happens, in the order of time.
    pub events: Vec<Event>,
    /// What is expected at the end.
    pub expect: Vec<Expectation>,
}

/// A host's hardware.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its memory.
    pub memory: Bytes,
    /// Its processors.
    pub cpus: u32,
    /// Where disks are stored.
    pub disk: Bytes,
    /// From power on to its sshd.
    pub boot: Duration,
    /// How fast its clock runs, in percent of true time: its guard measures leases by it.
    pub clock: u32,
}

impl Default for Machine {
    /// Enough for every small cluster.
    fn default() -> Self {
        Machine {
            memory: Bytes(64 << 30),
            cpus: 32,
            disk: Bytes(1 << 40),
            boot: Duration::from_secs(60),
            clock: 100,
        }
    }
}

/// Something that happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When, from the start.
    pub at: Duration,
    /// What.
    pub what: Happening,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// To a host.
    Host(HostId, HostEvent),
    /// To an instance, wherever it is then.
    Instance(InstanceId, InstanceEvent),
    /// To a service or load balancer.
    Service(GroupId, ServiceEvent),
    /// To an address on the wire.
    Address(Ipv4Addr, AddressEvent),
    /// The network falls apart into these sides, which may overlap; none: it is whole again.
    Partition(Vec<BTreeSet<Node>>),
    /// To the controller.
    Controller(ControllerEvent),
    /// `cluster.yaml` becomes this; with the edit as it was written.
    Edit(Arc<Desired>, String),
    /// An operator types a command.
    Command {
        /// As it was typed.
        text: String,
        /// What it asks for.
        command: Command,
    },
    /// Nothing: something is expected to be so now.
    Expect(Vec<Expectation>),
}

/// What can happen to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostEvent {
    /// Its plug is pulled.
    PowerOff,
    /// It gets power, and boots.
    PowerOn,
    /// It goes down and boots again.
    Reboot,
    /// Its network cable is pulled.
    Cut,
    /// Its cable is plugged in again.
    Heal,
    /// Its libvirt does this from now on.
    Libvirt(Libvirt),
    /// Its disk is full.
    DiskFull,
    /// There is room on its disk again.
    DiskFree,
    /// Another host key answers.
    KeyChanged,
    /// The known host key answers again.
    KeyRestored,
    /// Its fencing device says that it switched it off, and does nothing.
    DeviceLies,
    /// Its fencing device works.
    DeviceWorks,
    /// Its fencing device fails this many times.
    DeviceFails(u32),
    /// This many answers to acts are lost, after the acts were done.
    SshDrops(u32),
}

/// How a libvirt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Libvirt {
    /// It answers at once.
    Works,
    /// It answers late.
    Slow,
    /// It answers with errors.
    Fails,
    /// It does not answer.
    Hangs,
}

/// What can happen to an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceEvent {
    /// Its QEMU ends.
    Crash,
    /// It runs, and answers nothing.
    Freeze,
    /// It goes on where it was frozen.
    Thaw,
    /// It reboots by itself.
    Reboot,
    /// Its process ends, and so it does at its next starts, this many times.
    ServiceFails(u32),
    /// Its QEMU ends, and its next disks can't be booted, this many times.
    BootFails(u32),
}

/// What can happen to a service or load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceEvent {
    /// It does not come up with its new state: that of the file which comes into force now, or next.
    NewStateFails,
}

/// What can happen to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressEvent {
    /// A machine that is none of ours answers on it.
    Foreign,
    /// That machine is gone.
    Free,
}

/// What can happen to the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControllerEvent {
    /// It dies.
    Crash,
    /// It dies right after so many more effects.
    CrashAfter(u32),
    /// It is started, after its death where it lives.
    Restart,
    /// Somebody starts a second one, which knows nothing of the first.
    Second,
    /// The second one is stopped.
    SecondEnds,
    /// The disk of its state directory is so from now on.
    Disk(OwnDisk),
    /// Its clock is set, by so many hours.
    Clock(i8),
}

/// How the disk is on which a controller keeps its memory and history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OwnDisk {
    /// It can be written to.
    #[default]
    Works,
    /// There is no room on it; what is there can be renamed and removed.
    Full,
    /// Nothing on it can be changed.
    ReadOnly,
}

/// Who can be cut off from whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// Whoever uses the services.
    Clients,
    /// The machine of the controller.
    Controller,
    /// The machine of the second one.
    Second,
    /// A host, with its guests.
    Host(HostId),
    /// One of `safety.witnesses`.
    Witness(Witness),
}

/// Something that has to be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// The line of the scenario; none: nobody wrote it.
    pub line: Option<u32>,
    /// What.
    pub what: Expected,
}

/// What can be expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// The last plan has nothing to do, and the cluster is as desired; or that this is not so.
    Converged(bool),
    /// At least so many instances of a group serve.
    Available(GroupId, u32),
    /// So many serve, not more and not fewer.
    Serving(GroupId, u32),
    /// A service was out of reach for at most so long in all.
    ServiceDowntime(GroupId, Duration),
    /// The same of a VIP.
    VipDowntime(Ipv4Addr, Duration),
    /// A VIP is on this instance.
    Holder(Ipv4Addr, InstanceId),
    /// Somebody has the VIP, or nobody.
    Held(Ipv4Addr, bool),
    /// An instance runs on this host, and nowhere else.
    On(InstanceId, HostId),
    /// An instance serves, or does not.
    Serves(InstanceId, bool),
    /// The controller takes a host for this.
    HostIs(HostId, HostCondition),
}

impl Expectation {
    /// What is expected of every cluster at the end, unless something else is said.
    pub fn usual() -> Self {
        Expectation {
            line: None,
            what: Expected::Converged(true),
        }
    }
}

impl Scenario {
    /// The last moment at which something happens.
    pub fn last(&self) -> Duration {
        self.events.last().map_or(Duration::ZERO, |event| event.at)
    }
}

impl Happening {
    /// Whether it makes something worse that worked.
    pub fn is_failure(&self) -> bool {
        match self {
            Happening::Host(_, event) => event.is_failure(),
            Happening::Instance(_, event) => !matches!(event, InstanceEvent::Thaw),
            Happening::Partition(sides) => !sides.is_empty(),
            // With `crash after`, the failure comes when it dies.
            Happening::Controller(event) => matches!(
                event,
                ControllerEvent::Crash | ControllerEvent::Disk(OwnDisk::Full | OwnDisk::ReadOnly)
            ),
            // It fails when it is started; an address that is taken makes nothing worse that worked.
            Happening::Service(..) | Happening::Address(..) => false,
            Happening::Edit(..) | Happening::Command { .. } | Happening::Expect(_) => false,
        }
    }
}

impl HostEvent {
    fn is_failure(self) -> bool {
        match self {
            HostEvent::PowerOff
            | HostEvent::Reboot
            | HostEvent::Cut
            | HostEvent::Libvirt(Libvirt::Slow | Libvirt::Fails | Libvirt::Hangs)
            | HostEvent::DiskFull
            | HostEvent::KeyChanged
            | HostEvent::DeviceLies
            | HostEvent::DeviceFails(_)
            | HostEvent::SshDrops(_) => true,
            HostEvent::PowerOn
            | HostEvent::Heal
            | HostEvent::Libvirt(Libvirt::Works)
            | HostEvent::DiskFree
            | HostEvent::DeviceWorks
            | HostEvent::KeyRestored => false,
        }
    }
}
