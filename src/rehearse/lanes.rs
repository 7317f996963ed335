//! What each host, instance and VIP was like over time, for drawing.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::Serialize;

use super::sight;
use crate::model::id::{HostId, InstanceId};
use crate::model::scenario::{Libvirt, Node};
use crate::sim::world::{HostState, Link, World};

/// What a lane is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LaneKind {
    /// A VIP.
    Vip,
    /// A host.
    Host,
    /// An instance.
    Instance,
}

/// One thing over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// What it is.
    pub kind: LaneKind,
    /// Its name.
    pub name: String,
    /// How it was, from one change to the next.
    pub stretches: Vec<Stretch>,
}

/// A time in which nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// From when.
    pub from_ms: u64,
    /// Until when.
    pub to_ms: u64,
    /// How it was.
    pub state: State,
    /// In words.
    pub text: String,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It works.
    Good,
    /// It is on its way, or does not work well.
    Fair,
    /// It does not work.
    Bad,
    /// It does not exist.
    Absent,
}

type Seen = (State, String);

/// What was seen so far: every change, with its time.
#[derive(Debug, Default)]
pub struct Lanes(BTreeMap<(LaneKind, String), Vec<(u64, Seen)>>);

impl Lanes {
    /// Looks at everything.
    pub fn read(&mut self, world: &World, now: u64) {
        for (_, lb) in world.desired.load_balancers() {
            let vip = lb.vip.addr();
            self.note(
                LaneKind::Vip,
                vip.to_string(),
                now,
                vip_state(world, vip, lb.port),
            );
        }
        for (id, host) in &world.hosts {
            self.note(
                LaneKind::Host,
                id.to_string(),
                now,
                host_state(world, id, host),
            );
        }
        for (instance, _) in world.desired.instances() {
            let seen = instance_state(world, &instance);
            self.note(LaneKind::Instance, instance.to_string(), now, seen);
        }
    }

    fn note(&mut self, kind: LaneKind, name: String, now: u64, (state, text): Seen) {
        let changes = self.0.entry((kind, name)).or_default();
        let worked = changes.iter().any(|(_, (state, _))| *state == State::Good);
        // What is not there yet has not failed.
        let state = match (worked, kind, state) {
            (false, LaneKind::Vip, State::Bad) => State::Absent,
            (false, LaneKind::Instance, State::Bad) => State::Fair,
            (_, _, state) => state,
        };
        let seen = (state, text);
        match changes.last_mut() {
            Some((_, last)) if *last == seen => {}
            // What was so for no time at all was never so.
            Some((at, last)) if *at == now => *last = seen,
            Some(_) | None => changes.push((now, seen)),
        }
    }

    /// The lanes, up to `end`.
    pub fn drawn(&self, end: u64) -> Vec<Lane> {
        let lanes = self.0.iter().map(|((kind, name), changes)| {
            let ends = changes.iter().skip(1).map(|(at, _)| *at).chain([end]);
            let each = changes.iter().zip(ends);
            let stretches = each.map(|((from, (state, text)), to_ms)| Stretch {
                from_ms: *from,
                to_ms,
                state: *state,
                text: text.clone(),
            });
            Lane {
                kind: *kind,
                name: name.clone(),
                stretches: stretches.collect(),
            }
        });
        lanes.collect()
    }
}

fn vip_state(world: &World, vip: Ipv4Addr, port: u16) -> Seen {
    let holders = sight::holders(world, vip);
    let names: Vec<String> = holders
        .filter_map(|(_, d)| world.ours(d))
        .map(|m| m.instance.to_string())
        .collect();
    match (sight::vip_answers(world, vip, port), names.is_empty()) {
        (true, _) => (State::Good, format!("on {}", names.join(" and "))),
        (false, true) => (State::Bad, "held by nobody who can be reached".to_owned()),
        (false, false) => (
            State::Bad,
            format!("on {}, which does not answer", names.join(" and ")),
        ),
    }
}

fn host_state(world: &World, id: &HostId, host: &HostState) -> Seen {
    let seen = world.wire.joins(&Node::Controller, &Node::Host(id.clone()));
    let (state, text) = match (host.power, seen, host.link, host.libvirt) {
        (false, ..) => (State::Bad, "without power"),
        (true, ..) if !world.is_on(host) => (State::Fair, "boots"),
        (true, false, ..) => (State::Bad, "cut off from the controller"),
        (true, true, Link::Unreachable, _) => (State::Bad, "its sshd does not answer"),
        (true, true, Link::KeyChanged, _) => (State::Bad, "its host key changed"),
        (true, true, Link::Up, Libvirt::Hangs) => (State::Bad, "libvirt hangs"),
        (true, true, Link::Up, Libvirt::Fails) => (State::Bad, "libvirt fails"),
        (true, true, Link::Up, Libvirt::Slow) => (State::Fair, "libvirt is slow"),
        (true, true, Link::Up, Libvirt::Works) if host.disk_full => (State::Fair, "disk full"),
        (true, true, Link::Up, Libvirt::Works) => (State::Good, "works"),
    };
    (state, text.to_owned())
}

fn instance_state(world: &World, instance: &InstanceId) -> Seen {
    let Some((id, host, domain)) = sight::best(world, instance) else {
        return (State::Absent, "does not exist".to_owned());
    };
    let (state, what) = match domain.run {
        _ if world.serves(host, domain) => (State::Good, "serves"),
        None => (State::Bad, "does not run"),
        Some(_) if domain.guest.frozen => (State::Bad, "is frozen"),
        Some(_) if !domain.guest.is_up(domain.run, world.now) => (State::Fair, "boots"),
        Some(_) => (State::Fair, "runs and does not serve"),
    };
    (state, format!("{what} on host {id}"))
}
