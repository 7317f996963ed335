//! What can happen to hosts, instances and the controller, in the words of the scenario.

use crate::model::scenario::{
    AddressEvent, ControllerEvent, HostEvent, InstanceEvent, Libvirt, OwnDisk, ServiceEvent,
};
use crate::spec::problem::slip_of;
use crate::spec::words::{self, Wrong};

/// A verb, and what it means; some take a number.
pub(super) enum Verb<T> {
    Plain(&'static str, T),
    Counted(&'static str, fn(u32) -> T),
}

use Verb::{Counted, Plain};

/// To a host.
pub(super) const HOST: [Verb<HostEvent>; 17] = [
    Plain("power off", HostEvent::PowerOff),
    Plain("power on", HostEvent::PowerOn),
    Plain("reboot", HostEvent::Reboot),
    Plain("cut", HostEvent::Cut),
    Plain("heal", HostEvent::Heal),
    Plain("libvirt hangs", HostEvent::Libvirt(Libvirt::Hangs)),
    Plain("libvirt slow", HostEvent::Libvirt(Libvirt::Slow)),
    Plain("libvirt fails", HostEvent::Libvirt(Libvirt::Fails)),
    Plain("libvirt works", HostEvent::Libvirt(Libvirt::Works)),
    Plain("disk full", HostEvent::DiskFull),
    Plain("disk free", HostEvent::DiskFree),
    Plain("key changed", HostEvent::KeyChanged),
    Plain("key restored", HostEvent::KeyRestored),
    Plain("device lies", HostEvent::DeviceLies),
    Plain("device works", HostEvent::DeviceWorks),
    Counted("device fails", HostEvent::DeviceFails),
    Counted("ssh drops", HostEvent::SshDrops),
];

/// To an instance.
pub(super) const INSTANCE: [Verb<InstanceEvent>; 6] = [
    Plain("crash", InstanceEvent::Crash),
    Plain("freeze", InstanceEvent::Freeze),
    Plain("thaw", InstanceEvent::Thaw),
    Plain("reboot", InstanceEvent::Reboot),
    Counted("service fails", InstanceEvent::ServiceFails),
    Counted("boot fails", InstanceEvent::BootFails),
];

/// To a service or load balancer.
pub(super) const SERVICE: [Verb<ServiceEvent>; 1] =
    [Plain("new state fails", ServiceEvent::NewStateFails)];

/// To an address.
pub(super) const ADDRESS: [Verb<AddressEvent>; 2] = [
    Plain("foreign", AddressEvent::Foreign),
    Plain("free", AddressEvent::Free),
];

/// To the controller.
pub(super) const CONTROLLER: [Verb<ControllerEvent>; 10] = [
    Plain("crash", ControllerEvent::Crash),
    Counted("crash after", ControllerEvent::CrashAfter),
    Plain("restart", ControllerEvent::Restart),
    Plain("second", ControllerEvent::Second),
    Plain("second ends", ControllerEvent::SecondEnds),
    Plain("disk full", ControllerEvent::Disk(OwnDisk::Full)),
    Plain("disk read-only", ControllerEvent::Disk(OwnDisk::ReadOnly)),
    Plain("clock +1h", ControllerEvent::Clock(1)),
    Plain("clock -1h", ControllerEvent::Clock(-1)),
    Plain("disk works", ControllerEvent::Disk(OwnDisk::Works)),
];

impl<T> Verb<T> {
    fn word(&self) -> &'static str {
        match self {
            Plain(word, _) | Counted(word, _) => word,
        }
    }

    /// How it is written.
    pub(super) fn usage(&self) -> String {
        match self {
            Plain(word, _) => (*word).to_owned(),
            Counted(word, _) => format!("{word} N"),
        }
    }
}

/// What follows a counted verb is no number of times, or another word.
fn no_count(word: &str, number: &str) -> Wrong {
    let message = format!("{} is no number of times", words::quoted(number));
    Wrong::new(message, format!("it is `{word} N`, with N of 1 or more"))
}

/// The verb that was written. With a number that was left out, it is once.
pub(super) fn verb<T: Copy>(text: &str, known: &[Verb<T>]) -> Result<T, Wrong> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    for verb in known {
        match verb {
            Plain(word, meaning) if text == *word => return Ok(*meaning),
            Counted(word, meaning) => match text.strip_prefix(word).map(str::trim) {
                Some("") => return Ok(meaning(1)),
                Some(number) => match number.parse().ok().filter(|n| *n > 0) {
                    Some(number) => return Ok(meaning(number)),
                    None => return Err(no_count(word, number)),
                },
                None => {}
            },
            Plain(..) => {}
        }
    }
    let near = slip_of(&text, known.iter().map(Verb::word));
    let all: Vec<String> = known.iter().map(Verb::usage).collect();
    let help = match near {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("it can be: {}", all.join(", ")),
    };
    let message = format!("{} can't happen to it", words::quoted(&text));
    Err(Wrong::new(message, help))
}
