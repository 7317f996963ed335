//! Hosts of the simulated cluster: what the real scripts do, step by step, on the world's state.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use async_trait::async_trait;

use super::adopt::mark_anew;
use super::cluster::{Cluster, LOOK, Way, host_answers};
use super::disks::make_disks;
use super::laws;
use super::vm::Guest;
use super::world::{DomainState, OVERLAY, World};
use crate::model::action::{Build, FormerDisk, Leaves, Removal, SetMark, Sweep};
use crate::model::desired::{Host, ImageFile};
use crate::model::facts::{
    Answer, Domain, DomainState as Run, HostFacts, HostFile, Seen, Unseen, UnseenKind,
};
use crate::model::id::HostId;
use crate::model::scenario::Node;
use crate::ports::hypervisor::{Ended, HostQuery, Hypervisor, HypervisorControl};
use crate::ports::{ActError, Effect};

#[async_trait]
impl Hypervisor for Cluster {
    async fn observe(&self, host: &Host, query: &HostQuery) -> Seen<HostFacts> {
        let answered = self.ask(Way::Libvirt, &host.id, LOOK).await;
        let mut world = self.world();
        let peers = query.peers.keys();
        let sees: BTreeMap<_, _> = peers
            .map(|peer| (peer.clone(), world.sees(&host.id, peer)))
            .collect();
        let (now, seen_by) = (world.now, world.seen_by.clone());
        let unseen = answered.err().or_else(|| world.unseen(&host.id));
        let unseen = unseen.map(|unseen| match unseen.kind {
            UnseenKind::Broken => Unseen {
                sees: sees.clone(),
                ..unseen
            },
            _ => unseen,
        });
        let state = match world.host_mut(&host.id) {
            Ok(state) => state,
            Err(error) => return Seen::No(broken(&error)),
        };
        match unseen.is_some() {
            true => state.known_unseen.insert(seen_by),
            false => state.known_unseen.remove(&seen_by),
        };
        if let Some(unseen) = unseen {
            return Seen::No(unseen);
        }
        let claim = state.last_claim(now);
        let in_directory = format!("{}/", query.volumes);
        let volumes = state.volumes.iter();
        let volumes = volumes.filter_map(|v| v.strip_prefix(&in_directory));
        let volumes = volumes.map(|name| (name.to_owned(), OVERLAY));
        let kept = state.kept.iter().filter_map(|(path, since)| {
            let name = path.strip_prefix(&in_directory)?;
            Some((name.to_owned(), *since))
        });
        Seen::Yes(HostFacts {
            domains: state
                .domains
                .iter()
                .map(|(name, d)| domain_facts(name, d))
                .collect(),
            kvm: query.probe_kvm.then_some(true),
            files: state
                .files
                .iter()
                .filter(|(p, _)| query.files.contains(*p))
                .map(|(p, f)| (p.clone(), f.clone()))
                .collect(),
            volumes: volumes.collect(),
            kept: kept.collect(),
            memory: state.machine.as_ref().map(|m| m.memory),
            cpus: state.machine.as_ref().map(|m| m.cpus),
            free: state.free(),
            sees,
            claim,
        })
    }

    async fn listen(&self, host: &Host, ended: Ended<'_>) -> Unseen {
        self.hear_ends(&host.id, ended).await
    }

    async fn who_answers(
        &self,
        host: &Host,
        _bridge: &str,
        addresses: &[Ipv4Addr],
    ) -> Result<BTreeMap<Ipv4Addr, Answer>, Unseen> {
        self.ask(Way::Libvirt, &host.id, LOOK).await?;
        let world = self.world();
        match world.unseen(&host.id) {
            Some(unseen) => Err(unseen),
            None => Ok(addresses
                .iter()
                .map(|a| (*a, answer(&world, &host.id, *a)))
                .collect()),
        }
    }
}

fn broken(error: &ActError) -> Unseen {
    Unseen::new(UnseenKind::Broken, error.to_string())
}

fn domain_facts(name: &str, domain: &DomainState) -> Domain {
    Domain {
        name: name.to_owned(),
        uuid: domain.uuid.clone(),
        state: if domain.run.is_some() {
            Run::Running
        } else {
            Run::Off
        },
        run: domain.run,
        mark: domain.mark.clone(),
    }
}

/// Who answers a host that asks on the wire.
fn answer(world: &World, from: &HostId, address: Ipv4Addr) -> Answer {
    let from = Node::Host(from.clone());
    let answers = world.answers(address).into_iter();
    let mut seen = answers.filter(|(id, _)| world.wire.joins(&from, &Node::Host((*id).clone())));
    let ours = seen.next().map(|(_, d)| d.guest.mac.clone());
    let foreign = world.foreign.get(&address);
    match foreign.map(|stranger| stranger.mac.clone()).or(ours) {
        Some(mac) => Answer::Taken { mac },
        None => Answer::Silence,
    }
}

/// Looks for a domain as every script does first: it must be ours.
fn find<'a>(
    world: &'a World,
    host: &HostId,
    name: &str,
    uuid: &str,
) -> Result<Option<&'a DomainState>, ActError> {
    let Some(domain) = world.host(host)?.domains.get(name) else {
        return Ok(None);
    };
    laws::is_ours(world, domain, name);
    match domain.uuid == uuid {
        true => Ok(Some(domain)),
        false => Err(ActError::Moved(format!(
            "a domain named {name} exists and is not ours"
        ))),
    }
}

fn generation(domain: &DomainState) -> &str {
    domain.mark.as_ref().map_or("", |m| &m.generation)
}

fn moved(name: &str) -> ActError {
    ActError::Moved(format!("{name} is in another life than the plan saw"))
}

/// Ends a domain that runs.
fn end(world: &mut World, host: &HostId, name: &str) -> Result<(), ActError> {
    let state = world.host(host)?;
    if let Some(domain) = state.domains.get(name) {
        laws::may_interrupt(world, state, domain);
    }
    world.end(host, name);
    Ok(())
}

#[async_trait]
impl HypervisorControl for Cluster {
    async fn copy_file(&self, host: &Host, file: &ImageFile) -> Result<Effect, ActError> {
        let Some(source) = &file.source else {
            let text = format!("{} is not copied to hosts", file.path);
            return Err(ActError::Failed(text));
        };
        let there = HostFile {
            size: source.size,
            sha256: Some(source.sha256.clone()),
        };
        self.effect((Way::Libvirt, &host.id), "copy-file", &host.id, |world| {
            host_answers(world, &host.id)?;
            let state = world.host_mut(&host.id)?;
            *state.copies.entry(file.path.clone()).or_default() += 1;
            state.files.insert(file.path.clone(), there);
            Ok(Effect::Changed)
        })
        .await
    }

    async fn build(&self, host: &Host, build: &Build) -> Result<Effect, ActError> {
        let (host, name) = (&host.id, build.machine.domain.as_str());
        let instance = &build.mark.instance;
        let stands = self
            .effect((Way::Libvirt, host), "build.end", instance, |world| {
                end_former(world, host, build)
            })
            .await?;
        match stands {
            Former::Runs => return Ok(Effect::AlreadyDone),
            Former::Defined => {}
            Former::Gone => {
                self.effect((Way::Libvirt, host), "build.disk", instance, |world| {
                    make_disks(world, host, build)
                })
                .await?;
                self.effect((Way::Libvirt, host), "build.define", instance, |world| {
                    define(world, host, build)
                })
                .await?;
            }
        }
        self.effect((Way::Libvirt, host), "build.start", instance, |world| {
            host_answers(world, host)?;
            world.start(host, name);
            Ok(Effect::Changed)
        })
        .await
    }

    async fn fence(&self, host: &Host, removal: &Removal) -> Result<Effect, ActError> {
        let (host, name) = (&host.id, removal.domain.as_str());
        self.effect((Way::Libvirt, host), "fence", &removal.instance, |world| {
            host_answers(world, host)?;
            match find(world, host, name, &removal.uuid)? {
                Some(domain) if generation(domain) != removal.generation => Err(moved(name)),
                Some(domain) if domain.run.is_some() => {
                    end(world, host, name)?;
                    Ok(Effect::Changed)
                }
                Some(_) | None => Ok(Effect::AlreadyDone),
            }
        })
        .await
    }

    async fn remove(&self, host: &Host, removal: &Removal) -> Result<Effect, ActError> {
        let (host, name) = (&host.id, removal.domain.as_str());
        self.effect(
            (Way::Libvirt, host),
            "remove.domain",
            &removal.instance,
            |world| {
                host_answers(world, host)?;
                if let Some(domain) = find(world, host, name, &removal.uuid)? {
                    if generation(domain) != removal.generation {
                        return Err(moved(name));
                    }
                    end(world, host, name)?;
                    let domains = &mut world.host_mut(host)?.domains;
                    match removal.leaves {
                        Leaves::Nothing => drop(domains.remove(name)),
                        Leaves::ItsDomain => {
                            domains
                                .get_mut(name)
                                .into_iter()
                                .for_each(|d| d.mark = None);
                        }
                    }
                }
                Ok(())
            },
        )
        .await?;
        self.effect(
            (Way::Libvirt, host),
            "remove.volumes",
            &removal.instance,
            |world| {
                host_answers(world, host)?;
                let now = world.now;
                let state = world.host_mut(host)?;
                state.volumes.retain(|v| !removal.volumes.contains(v));
                removal.kept.iter().for_each(|disk| state.keep(disk, now));
                Ok(Effect::Changed)
            },
        )
        .await
    }

    async fn sweep(&self, host: &Host, sweep: &Sweep) -> Result<Effect, ActError> {
        self.effect((Way::Libvirt, &host.id), "sweep", &host.id, |world| {
            host_answers(world, &host.id)?;
            let state = world.host_mut(&host.id)?;
            if let Some(domain) = sweep
                .domains
                .iter()
                .find(|d| state.domains.contains_key(d.as_str()))
            {
                return Err(ActError::Moved(format!("{domain} exists by now")));
            }
            state.volumes.retain(|v| !sweep.volumes.contains(v));
            Ok(Effect::Changed)
        })
        .await
    }

    async fn set_mark(&self, host: &Host, set: &SetMark) -> Result<Effect, ActError> {
        let name = set.domain.as_str();
        self.effect(
            (Way::Libvirt, &host.id),
            "set-mark",
            &set.mark.instance,
            |world| {
                host_answers(world, &host.id)?;
                let state = world.host_mut(&host.id)?;
                let Some(domain) = state.domains.get_mut(name) else {
                    return Err(ActError::Moved(format!("{name} is gone")));
                };
                match domain
                    .mark
                    .as_ref()
                    .map(|m| m.generation == set.mark.generation)
                {
                    Some(true) => {}
                    Some(false) | None => return Err(moved(name)),
                }
                let old = domain.mark.replace(set.mark.clone());
                Ok(if old.as_ref() == Some(&set.mark) {
                    Effect::AlreadyDone
                } else {
                    Effect::Changed
                })
            },
        )
        .await
    }
}

/// What stands where a guest is to be built.
enum Former {
    Gone,
    /// It is defined already, by an earlier try of the same build.
    Defined,
    Runs,
}

/// Ends what the build replaces. The domain stays defined until it is defined anew.
fn end_former(world: &mut World, host: &HostId, build: &Build) -> Result<Former, ActError> {
    host_answers(world, host)?;
    let name = build.machine.domain.as_str();
    match find(world, host, name, &build.machine.uuid)? {
        None if build.machine.former_disk == FormerDisk::NotOurs => Err(moved(name)),
        None => Ok(Former::Gone),
        Some(domain) if generation(domain) == build.mark.generation => match domain.run {
            Some(_) => Ok(Former::Runs),
            None => Ok(Former::Defined),
        },
        Some(domain) if Some(generation(domain)) == build.replaces.as_deref() => {
            end(world, host, name)?;
            match build.machine.former_disk {
                FormerDisk::Replaced | FormerDisk::Used | FormerDisk::PutAside => Ok(Former::Gone),
                FormerDisk::NotOurs => {
                    mark_anew(world, host, build)?;
                    Ok(Former::Defined)
                }
            }
        }
        Some(_) => Err(moved(name)),
    }
}

fn define(world: &mut World, host: &HostId, build: &Build) -> Result<(), ActError> {
    host_answers(world, host)?;
    let first_address = match build.machine.former_disk {
        FormerDisk::Used | FormerDisk::NotOurs => build.mark.address,
        FormerDisk::Replaced | FormerDisk::PutAside => {
            world.first_address(&build.machine.base, &build.mark)
        }
    };
    let by_itself = world.runs_by_itself(&build.mark);
    let broken = world.next_disk_is_bad(&build.mark.instance);
    let guest = Guest {
        mac: build.machine.mac.clone(),
        first_address: Some(first_address),
        by_itself,
        broken,
        ..Guest::default()
    };
    let domain = DomainState {
        uuid: build.machine.uuid.clone(),
        mark: Some(build.mark.clone()),
        run: None,
        guest,
    };
    let state = world.host_mut(host)?;
    state
        .domains
        .insert(build.machine.domain.as_str().to_owned(), domain);
    Ok(())
}
