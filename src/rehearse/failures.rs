//! Failures by chance, for whoever brings no scenario.

use std::time::Duration;

use crate::model::desired::{Desired, Host};
use crate::model::id::InstanceId;
use crate::model::scenario::{
    ControllerEvent, Event, Expectation, Happening, HostEvent, InstanceEvent, Libvirt, Scenario,
};
use crate::sim::chance::Chance;

/// An instance and a host.
pub const DEFAULT_FAILURES: usize = 2;

/// The cluster is built in peace.
const BUILD: Duration = Duration::from_secs(300);
/// From one failure to the next, where only a few are asked for.
const APART: Duration = Duration::from_secs(300);

/// How long after a host is whole again, or booted, a person switches it on that a device may have switched off.
const SWITCHED_ON: Duration = Duration::from_secs(180);

/// A scenario with this many failures. With a span, they are spread over it by chance; without, they come one by one.
pub fn failures(desired: &Desired, seed: u64, number: usize, over: Option<Duration>) -> Scenario {
    let mut chance = Chance::new(seed);
    let mut draw = Draw {
        hosts: desired.hosts.values().collect(),
        instances: desired.instances().map(|(i, _)| i).collect(),
        chance: &mut chance,
    };
    let mut events = Vec::new();
    for n in 0..number {
        let at = match over {
            None => BUILD + APART * u32::try_from(n).unwrap_or(u32::MAX),
            Some(over) => BUILD + draw.within(over.saturating_sub(BUILD)),
        };
        match (over, n % 2) {
            (None, 0) => events.extend(draw.crash(at)),
            (None, _) => events.extend(draw.host_dies(at)),
            (Some(_), _) => events.extend(draw.anything(at)),
        }
    }
    events.sort_by_key(|event| event.at);
    let failures = if number == 1 { "failure" } else { "failures" };
    Scenario {
        about: Some(format!("{number} random {failures}")),
        events,
        expect: vec![Expectation::usual()],
        ..Scenario::default()
    }
}

struct Draw<'a> {
    hosts: Vec<&'a Host>,
    instances: Vec<InstanceId>,
    chance: &'a mut Chance,
}

impl<'a> Draw<'a> {
    fn within(&mut self, span: Duration) -> Duration {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.chance.below("when", millis))
    }

    fn instance(&mut self) -> Option<InstanceId> {
        let n = self.chance.below("instance", self.instances.len() as u64);
        self.instances.get(usize::try_from(n).ok()?).cloned()
    }

    fn host(&mut self) -> Option<&'a Host> {
        let n = self.chance.below("host", self.hosts.len() as u64);
        self.hosts.get(usize::try_from(n).ok()?).copied()
    }

    fn crash(&mut self, at: Duration) -> Vec<Event> {
        self.happens(at, InstanceEvent::Crash)
    }

    fn happens(&mut self, at: Duration, event: InstanceEvent) -> Vec<Event> {
        let what = self.instance().map(|i| Happening::Instance(i, event));
        what.map(|what| Event { at, what }).into_iter().collect()
    }

    /// A host loses something, and gets it back after some minutes.
    fn for_a_while(&mut self, at: Duration, bad: HostEvent, good: HostEvent) -> Vec<Event> {
        let back = at + Duration::from_secs(120 + self.chance.below("while", 480));
        let Some(host) = self.host() else {
            return Vec::new();
        };
        let both = [on(host, at, bad), on(host, back, good)];
        both.into_iter().chain(switched_on(host, back)).collect()
    }

    fn reboots(&mut self, at: Duration) -> Vec<Event> {
        let Some(host) = self.host() else {
            return Vec::new();
        };
        let reboot = on(host, at, HostEvent::Reboot);
        [reboot].into_iter().chain(switched_on(host, at)).collect()
    }

    fn host_dies(&mut self, at: Duration) -> Vec<Event> {
        self.for_a_while(at, HostEvent::PowerOff, HostEvent::PowerOn)
    }

    fn libvirt(&mut self, at: Duration, how: Libvirt) -> Vec<Event> {
        let (bad, good) = (HostEvent::Libvirt(how), HostEvent::Libvirt(Libvirt::Works));
        self.for_a_while(at, bad, good)
    }

    /// The answers of ssh to the next acts on a host are lost.
    fn drops(&mut self, at: Duration) -> Vec<Event> {
        let host = self.host();
        let drops = host.map(|host| on(host, at, HostEvent::SshDrops(2)));
        drops.into_iter().collect()
    }

    fn controller_dies(&mut self, at: Duration) -> Vec<Event> {
        let away = Duration::from_secs(20 + self.chance.below("away", 280));
        let event = |at, event| Event {
            at,
            what: Happening::Controller(event),
        };
        let back = event(at + away, ControllerEvent::Restart);
        vec![event(at, ControllerEvent::Crash), back]
    }

    /// As often as such things happen, roughly.
    fn anything(&mut self, at: Duration) -> Vec<Event> {
        match self.chance.below("what", 100) {
            0..36 => self.crash(at),
            36..54 => self.happens(at, InstanceEvent::Freeze),
            54..63 => self.happens(at, InstanceEvent::ServiceFails(1)),
            63..72 => self.happens(at, InstanceEvent::Reboot),
            72..80 => self.for_a_while(at, HostEvent::Cut, HostEvent::Heal),
            80..84 => self.host_dies(at),
            84..88 => self.reboots(at),
            88..90 => self.libvirt(at, Libvirt::Hangs),
            90..92 => self.libvirt(at, Libvirt::Slow),
            92..93 => self.libvirt(at, Libvirt::Fails),
            93..95 => self.for_a_while(at, HostEvent::DiskFull, HostEvent::DiskFree),
            95..97 => self.drops(at),
            _ => self.controller_dies(at),
        }
    }
}

fn on(host: &Host, at: Duration, event: HostEvent) -> Event {
    Event {
        at,
        what: Happening::Host(host.id.clone(), event),
    }
}

/// What a device switched off stays off until somebody comes.
fn switched_on(host: &Host, whole: Duration) -> Option<Event> {
    let has_device = host.agents().next().is_some();
    has_device.then(|| on(host, whole + SWITCHED_ON, HostEvent::PowerOn))
}
