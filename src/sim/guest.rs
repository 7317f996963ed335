//! Guests of the simulated cluster: files, the process, addresses, heartbeats.

use std::net::Ipv4Addr;

use async_trait::async_trait;

use super::cluster::{Cluster, LOOK, Way, guests_answer};
use super::laws;
use super::vm::{Enabled, FileState, Guest, Process, address_of};
use super::world::{DomainState, HostState, World};
use crate::model::action::{
    Bootstrap, Daemon, GuestConfig, GuestRef, Rebind, RenderedFile, VipMove,
};
use crate::model::desired::{Group, Init, OnChange};
use crate::model::facts::{DaemonFacts, GuestFacts, GuestFile, Seen, Unseen, UnseenKind};
use crate::model::id::HostId;
use crate::model::scenario::Node;
use crate::ports::guest::{GuestControl, GuestQuery, Guests, Settle};
use crate::ports::{ActError, Effect};

/// The init of every guest whose image says nothing of it.
const INIT: Init = Init::Openrc;

/// Where a guest is in the world.
type Place = (HostId, String);

fn unreachable(address: Ipv4Addr) -> Unseen {
    Unseen::new(
        UnseenKind::Unreachable,
        format!("ssh to {address}: no route to host"),
    )
}

/// Whether the controller sees the guests of a host on the network.
fn sees(world: &World, host: &HostId) -> bool {
    world.wire.joins(&world.seen_by, &Node::Host(host.clone()))
}

/// Who answers at an address. A guest is only reached while its host is.
fn at(world: &World, host: &HostId, address: Ipv4Addr) -> Result<Place, ActError> {
    guests_answer(world, host)?;
    let now = world.now;
    let mut found = world.domains().filter(|(id, state, d)| {
        sees(world, id) && world.is_on(state) && d.guest.is_up(d.run, now) && d.guest.holds(address)
    });
    let (id, state, domain) = found
        .next()
        .ok_or_else(|| ActError::Unreachable(unreachable(address)))?;
    let name = state
        .domains
        .iter()
        .find(|(_, d)| std::ptr::eq(*d, domain))
        .map(|(name, _)| name.clone());
    Ok((id.clone(), name.unwrap_or_default()))
}

/// The guest that is meant, if it is the one that answers: host keys are pinned per life.
fn meant(world: &World, guest: &GuestRef) -> Result<Place, ActError> {
    let place = at(world, &guest.host, guest.address)?;
    let (_, domain) = stands_at(world, &place)?;
    // A machine that nobody looked into before has no key that is known.
    let is_it = domain
        .mark
        .as_ref()
        .is_none_or(|m| m.instance == guest.instance && m.generation == guest.generation);
    match is_it {
        true => Ok(place),
        false => Err(ActError::Unreachable(Unseen::new(
            UnseenKind::HostKeyChanged,
            format!("another machine answers at {}", guest.address),
        ))),
    }
}

fn gone(place: &Place) -> ActError {
    ActError::Moved(format!("{} is gone", place.1))
}

/// The guest at a place, with its host.
fn stands_at<'a>(
    world: &'a World,
    place: &Place,
) -> Result<(&'a HostState, &'a DomainState), ActError> {
    let host = world.host(&place.0)?;
    let domain = host.domains.get(&place.1).ok_or_else(|| gone(place))?;
    Ok((host, domain))
}

/// The guest at a place, to do something to it.
fn guest_at<'a>(world: &'a mut World, place: &Place) -> Result<&'a mut Guest, ActError> {
    let host = world.host_mut(&place.0)?;
    let domain = host.domains.get_mut(&place.1).ok_or_else(|| gone(place))?;
    Ok(&mut domain.guest)
}

#[async_trait]
impl Guests for Cluster {
    async fn observe(&self, guest: &GuestRef, query: &GuestQuery) -> Seen<GuestFacts> {
        if let Err(unseen) = self.ask(Way::Guest, &guest.host, LOOK).await {
            return Seen::No(unseen);
        }
        let world = self.world();
        let found = meant(&world, guest).and_then(|place| Ok(stands_at(&world, &place)?.1));
        match found {
            Ok(domain) => Seen::Yes(facts(&domain.guest, query)),
            Err(ActError::Unreachable(unseen)) => Seen::No(unseen),
            Err(ActError::Moved(message) | ActError::Failed(message)) => {
                Seen::No(Unseen::new(UnseenKind::Broken, message))
            }
        }
    }
}

fn facts(guest: &Guest, query: &GuestQuery) -> GuestFacts {
    let files = query.files.iter().filter_map(|(path, wanted)| {
        let file = guest.files.get(path)?;
        let content = (file.sha256 != *wanted).then(|| file.content.clone());
        Some((
            path.clone(),
            GuestFile {
                sha256: file.sha256.clone(),
                mode: file.mode,
                owner: file.owner.clone(),
                changed: None,
                content,
            },
        ))
    });
    let process = guest.process.as_ref().filter(|_| query.daemon.is_some());
    GuestFacts {
        init: Some(INIT),
        addresses: guest.addresses.clone(),
        files: files.collect(),
        daemon: process.map(|p| DaemonFacts {
            running: !p.dead,
            started: Some(p.started.clone()),
            loaded: Some(p.loaded.clone()),
        }),
    }
}

#[async_trait]
impl GuestControl for Cluster {
    async fn reach(&self, guest: &GuestRef) -> Result<(), ActError> {
        self.ask(Way::Guest, &guest.host, LOOK).await?;
        meant(&self.world(), guest).map(|_| ())
    }

    async fn configure(&self, guest: &GuestRef, config: &GuestConfig) -> Result<Effect, ActError> {
        let mut effect = Effect::AlreadyDone;
        for file in all_files(config) {
            if has_file(&self.world(), guest, file) {
                continue;
            }
            self.effect(
                (Way::Guest, &guest.host),
                "configure.file",
                &guest.instance,
                |world| {
                    let place = meant(world, guest)?;
                    let state = FileState::new(&file.content, file.mode, &file.owner);
                    let files = &mut guest_at(world, &place)?.files;
                    files.insert(file.path.clone(), state);
                    Ok(())
                },
            )
            .await?;
            effect = Effect::Changed;
        }
        let Some(daemon) = &config.daemon else {
            return Ok(effect);
        };
        let started = self
            .effect(
                (Way::Guest, &guest.host),
                "configure.process",
                &guest.instance,
                |world| {
                    let place = meant(world, guest)?;
                    ensure_process(world, &place, config, daemon)
                },
            )
            .await?;
        Ok(effect.and(started))
    }

    async fn bootstrap(&self, bootstrap: &Bootstrap) -> Result<Effect, ActError> {
        let guest = &bootstrap.guest;
        self.effect(
            (Way::Guest, &guest.host),
            "bootstrap",
            &guest.instance,
            |world| {
                let place = at(world, &guest.host, bootstrap.bootstrap)?;
                let found = guest_at(world, &place)?;
                if found.mac != bootstrap.network.mac {
                    return Err(ActError::Moved(
                        "another guest has the bootstrap address".to_owned(),
                    ));
                }
                found.addresses.retain(|a| a.address != guest.address);
                found.addresses.push(address_of(guest.address, false));
                Ok(Effect::Changed)
            },
        )
        .await
    }

    async fn add_address(&self, rebind: &Rebind) -> Result<Effect, ActError> {
        self.effect(
            (Way::Guest, &rebind.guest.host),
            "add-address",
            &rebind.guest.instance,
            |world| {
                let place = meant(world, &rebind.guest)?;
                let until = world.now.plus(rebind.fallback);
                let guest = guest_at(world, &place)?;
                guest.addresses.push(address_of(rebind.to, false));
                guest.fallback = Some((rebind.to, until));
                Ok(Effect::Changed)
            },
        )
        .await
    }

    async fn settle(&self, settle: &Settle<'_>) -> Result<Effect, ActError> {
        self.effect(
            (Way::Guest, &settle.guest.host),
            "settle",
            &settle.guest.instance,
            |world| {
                let place = meant(world, settle.guest)?;
                let (host, domain) = stands_at(world, &place)?;
                if domain.guest.holds(settle.old) {
                    laws::may_interrupt(world, host, domain);
                }
                let file = settle.interfaces;
                let state = FileState::new(&file.content, file.mode, &file.owner);
                let guest = guest_at(world, &place)?;
                guest.files.insert(file.path.clone(), state);
                guest.fallback = None;
                guest.addresses.retain(|a| a.address != settle.old);
                Ok(Effect::Changed)
            },
        )
        .await
    }

    async fn add_vip(&self, vip: &VipMove) -> Result<Effect, ActError> {
        self.effect(
            (Way::Guest, &vip.guest.host),
            "add-vip",
            &vip.guest.instance,
            |world| {
                let place = meant(world, &vip.guest)?;
                let (host, domain) = stands_at(world, &place)?;
                laws::may_get_vip(world, host, domain);
                let guest = guest_at(world, &place)?;
                if guest.holds(vip.vip.addr()) {
                    return Ok(Effect::AlreadyDone);
                }
                guest.addresses.push(address_of(vip.vip.addr(), true));
                Ok(Effect::Changed)
            },
        )
        .await
    }

    async fn drop_vip(&self, vip: &VipMove) -> Result<Effect, ActError> {
        self.effect(
            (Way::Guest, &vip.guest.host),
            "drop-vip",
            &vip.guest.instance,
            |world| {
                let place = meant(world, &vip.guest)?;
                let (_, domain) = stands_at(world, &place)?;
                laws::may_lose_vip(world, domain, vip.vip.addr());
                let guest = guest_at(world, &place)?;
                let before = guest.addresses.len();
                guest.addresses.retain(|a| a.address != vip.vip.addr());
                Ok(if guest.addresses.len() < before {
                    Effect::Changed
                } else {
                    Effect::AlreadyDone
                })
            },
        )
        .await
    }
}

fn all_files(config: &GuestConfig) -> Vec<&RenderedFile> {
    let daemon_files = config
        .daemon
        .iter()
        .flat_map(|d| [Some(&d.script), d.units.get(&init_of(d))])
        .flatten();
    config.files.iter().chain(daemon_files).collect()
}

fn init_of(daemon: &Daemon) -> Init {
    match daemon.init {
        Init::Auto => INIT,
        known => known,
    }
}

fn has_file(world: &World, guest: &GuestRef, file: &RenderedFile) -> bool {
    let found = meant(world, guest).and_then(|place| Ok(stands_at(world, &place)?.1));
    let seen = found.ok().and_then(|d| d.guest.files.get(&file.path));
    seen.is_some_and(|f| f.content == file.content && f.mode == file.mode && f.owner == file.owner)
}

/// Starts the process, lets it reload, or leaves it alone: as the real script decides.
fn ensure_process(
    world: &mut World,
    place: &Place,
    config: &GuestConfig,
    daemon: &Daemon,
) -> Result<Effect, ActError> {
    let reloads = config
        .files
        .iter()
        .filter(|f| f.on_change == OnChange::Reload)
        .map(|f| f.path.clone())
        .collect();
    let (_, domain) = stands_at(world, place)?;
    let mark = domain.mark.as_ref();
    let group = mark.and_then(|mark| world.desired.group_of(&mark.instance));
    let enabled = Enabled {
        port: group.map(Group::port),
        name: daemon.name.to_string(),
        revision: daemon.revision.clone(),
        script: daemon.script.content.clone(),
        reloads,
        state: world.desired.revision.clone(),
    };
    let now = world.now;
    let (host, domain) = stands_at(world, place)?;
    let guest = &domain.guest;
    let runs = guest
        .process
        .as_ref()
        .filter(|p| !p.dead && p.started == daemon.revision);
    let Some(process) = runs else {
        laws::may_interrupt(world, host, domain);
        let start = world.next_start(&place.1, Some(&enabled.state));
        let guest = guest_at(world, place)?;
        guest.process = Some(guest.run(&enabled, now, start));
        guest.enabled = Some(enabled);
        return Ok(Effect::Changed);
    };
    if process.loaded == daemon.loads {
        return Ok(Effect::AlreadyDone);
    }
    let after = Process {
        program: guest.program(&enabled),
        loaded: guest.loads(&enabled.reloads),
        ..process.clone()
    };
    if let Some(mark) = &domain.mark {
        let (old, new) = (process.upstreams(), after.upstreams());
        laws::may_send_to(world, old, new, &mark.instance);
    }
    let guest = guest_at(world, place)?;
    guest.process = Some(after);
    guest.enabled = Some(enabled);
    Ok(Effect::Changed)
}
