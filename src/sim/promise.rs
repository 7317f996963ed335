//! The law that no host is promised to more guests than it has room for: what a controller makes never asks for more
//! memory, processors or disk than there is. A file that is edited may leave a host with less than its guests have; that
//! is nobody's fault, as long as nothing is added to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::laws::broken;
use super::vigil::NEWS;
use super::world::{HostState, World};
use crate::model::desired::{Desired, Host};
use crate::model::id::HostId;
use crate::model::time::Timestamp;
use crate::model::unit::Bytes;
use crate::plan::machine;

/// What guests may fill: memory and disk in bytes, processors in hundredths.
#[derive(Debug, Clone, Copy, Default)]
struct Room {
    memory: u64,
    cpus: u64,
    disk: u64,
}

/// What was promised at the last look.
#[derive(Debug, Default)]
pub struct Promises {
    by_host: BTreeMap<HostId, Room>,
    /// The file at the last look, and the one before: what was begun with that is still in hand.
    files: Vec<Arc<Desired>>,
}

impl Promises {
    /// Looks whether what a controller did asks too much of a host. It was given the file at `renewed`.
    pub fn look(&mut self, world: &World, renewed: Timestamp) {
        self.follow(world, renewed);
        for (id, state) in &world.hosts {
            let now = promised(world, state);
            let before = self.by_host.insert(id.clone(), now).unwrap_or_default();
            if let Some((what, has)) = self.too_much((id, state), now, before) {
                let text =
                    format!("host {id} is promised to more guests than it has {what} for: {has}");
                broken(world, &text);
            }
        }
    }

    fn follow(&mut self, world: &World, renewed: Timestamp) {
        let known = self.files.last();
        if known.is_none_or(|known| !Arc::ptr_eq(known, &world.desired)) {
            self.files.push(Arc::clone(&world.desired));
            let older = self.files.len().saturating_sub(2);
            self.files.drain(..older);
        }
        if world.now.since(renewed) > NEWS {
            let older = self.files.len().saturating_sub(1);
            self.files.drain(..older);
        }
    }

    /// What is promised beyond what there is, and was not before.
    fn too_much(
        &self,
        (id, state): (&HostId, &HostState),
        now: Room,
        before: Room,
    ) -> Option<(&'static str, String)> {
        let hosts = self.files.iter().filter_map(|file| file.hosts.get(id));
        let rooms = hosts.filter_map(|host| room(host, state));
        let most = rooms.reduce(|a, b| Room {
            memory: a.memory.max(b.memory),
            cpus: a.cpus.max(b.cpus),
            disk: a.disk.max(b.disk),
        })?;
        let each = [
            ("memory", now.memory, before.memory, most.memory),
            ("processors", now.cpus, before.cpus, most.cpus),
            ("disk", now.disk, before.disk, most.disk),
        ];
        let mut more = each
            .into_iter()
            .filter(|(_, now, before, most)| now > before && now > most);
        let (what, now, _, most) = more.next()?;
        Some((what, format!("{now} of {most}")))
    }
}

/// What a host has for guests, where anybody said how large it is.
fn room(host: &Host, state: &HostState) -> Option<Room> {
    let machine = state.machine.as_ref()?;
    Some(Room {
        memory: machine.memory.0.saturating_sub(host.reserve.0),
        cpus: u64::from(machine.cpus) * u64::from(host.overcommit.0),
        disk: machine.disk.0,
    })
}

/// What the guests of a host were built with. A disk as large as its image promises nothing that is known.
fn promised(world: &World, state: &HostState) -> Room {
    let nothing = machine::Size {
        memory: Bytes(0),
        cpus: 0,
        disk: None,
    };
    let marks = state.domains.values().filter_map(|d| world.ours(d));
    let sizes = marks.map(|mark| machine::Size::built(&mark.digest, nothing));
    sizes.fold(Room::default(), |sum, size| Room {
        memory: sum.memory + size.memory.0,
        cpus: sum.cpus + u64::from(size.cpus) * 100,
        disk: sum.disk + size.disk.map_or(0, |disk| disk.0),
    })
}
