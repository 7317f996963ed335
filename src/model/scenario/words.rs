//! What happens in a scenario, and what is expected, in the words in which it is written and told.

use std::collections::BTreeSet;
use std::fmt;

use super::{
    AddressEvent, ControllerEvent, Expected, Happening, HostEvent, InstanceEvent, Libvirt, Node,
    OwnDisk, ServiceEvent,
};
use crate::model::condition::HostCondition;
use crate::model::unit::span;

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Happening::Host(host, event) => write!(f, "host {host}: {event}"),
            Happening::Instance(instance, event) => write!(f, "instance {instance}: {event}"),
            Happening::Service(group, event) => write!(f, "service {group}: {event}"),
            Happening::Address(address, event) => write!(f, "address {address}: {event}"),
            Happening::Partition(sides) if sides.is_empty() => f.write_str("partition: none"),
            Happening::Partition(sides) => {
                let sides: Vec<String> = sides.iter().map(side).collect();
                write!(f, "partition: [{}]", sides.join(", "))
            }
            Happening::Controller(event) => write!(f, "controller: {event}"),
            Happening::Edit(_, text) => write!(f, "edit: {text}"),
            Happening::Command { text, .. } => write!(f, "command: {text}"),
            Happening::Expect(_) => f.write_str("expect"),
        }
    }
}

fn side(nodes: &BTreeSet<Node>) -> String {
    let nodes: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    format!("[{}]", nodes.join(", "))
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Clients => f.write_str("clients"),
            Node::Controller => f.write_str("controller"),
            Node::Second => f.write_str("second"),
            Node::Host(host) => host.fmt(f),
            Node::Witness(witness) => witness.fmt(f),
        }
    }
}

impl fmt::Display for HostEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HostEvent::PowerOff => "power off",
            HostEvent::PowerOn => "power on",
            HostEvent::Reboot => "reboot",
            HostEvent::Cut => "cut",
            HostEvent::Heal => "heal",
            HostEvent::Libvirt(Libvirt::Works) => "libvirt works",
            HostEvent::Libvirt(Libvirt::Slow) => "libvirt slow",
            HostEvent::Libvirt(Libvirt::Fails) => "libvirt fails",
            HostEvent::Libvirt(Libvirt::Hangs) => "libvirt hangs",
            HostEvent::DiskFull => "disk full",
            HostEvent::DiskFree => "disk free",
            HostEvent::KeyChanged => "key changed",
            HostEvent::KeyRestored => "key restored",
            HostEvent::DeviceLies => "device lies",
            HostEvent::DeviceWorks => "device works",
            HostEvent::DeviceFails(times) => return write!(f, "device fails {times}"),
            HostEvent::SshDrops(times) => return write!(f, "ssh drops {times}"),
        })
    }
}

impl fmt::Display for InstanceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InstanceEvent::Crash => "crash",
            InstanceEvent::Freeze => "freeze",
            InstanceEvent::Thaw => "thaw",
            InstanceEvent::Reboot => "reboot",
            InstanceEvent::ServiceFails(times) => return write!(f, "service fails {times}"),
            InstanceEvent::BootFails(times) => return write!(f, "boot fails {times}"),
        })
    }
}

impl fmt::Display for ServiceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ServiceEvent::NewStateFails => "new state fails",
        })
    }
}

impl fmt::Display for AddressEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AddressEvent::Foreign => "foreign",
            AddressEvent::Free => "free",
        })
    }
}

impl fmt::Display for ControllerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ControllerEvent::Crash => "crash",
            ControllerEvent::CrashAfter(effects) => return write!(f, "crash after {effects}"),
            ControllerEvent::Restart => "restart",
            ControllerEvent::Second => "second",
            ControllerEvent::SecondEnds => "second ends",
            ControllerEvent::Disk(OwnDisk::Full) => "disk full",
            ControllerEvent::Disk(OwnDisk::ReadOnly) => "disk read-only",
            ControllerEvent::Clock(hours) => return write!(f, "clock {hours:+}h"),
            ControllerEvent::Disk(OwnDisk::Works) => "disk works",
        })
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Converged(true) => f.write_str("the cluster is as desired"),
            Expected::Converged(false) => f.write_str("the cluster is not as desired"),
            Expected::Available(group, number) => {
                write!(f, "at least {number} of {group} serve")
            }
            Expected::Serving(group, number) => write!(f, "{number} of {group} serve"),
            Expected::ServiceDowntime(group, most) => {
                write!(f, "{group} is down for at most {}", span(*most))
            }
            Expected::VipDowntime(vip, most) => {
                write!(f, "vip {vip} is down for at most {}", span(*most))
            }
            Expected::Holder(vip, instance) => write!(f, "vip {vip} is held by {instance}"),
            Expected::Held(vip, true) => write!(f, "vip {vip} is held"),
            Expected::Held(vip, false) => write!(f, "vip {vip} is held by nobody"),
            Expected::On(instance, host) => write!(f, "{instance} is on host {host}"),
            Expected::Serves(instance, true) => write!(f, "{instance} serves"),
            Expected::Serves(instance, false) => write!(f, "{instance} does not serve"),
            Expected::HostIs(host, HostCondition::Maintenance) => {
                write!(f, "host {host} is in maintenance")
            }
            Expected::HostIs(host, condition) => write!(f, "host {host} is {condition}"),
        }
    }
}
