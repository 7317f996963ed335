//! Domains that are none of ours, in the simulated cluster: looked at closely, and marked.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::cluster::{Cluster, LOOK, Way, host_answers};
use super::state::DomainState;
use super::vm::Guest;
use super::world::World;
use crate::model::action::Build;
use crate::model::adoption::{Adoption, Surveyed};
use crate::model::desired::Host;
use crate::model::facts::{Unseen, UnseenKind};
use crate::model::id::HostId;
use crate::model::unit::Bytes;
use crate::ports::adoption::{Adopter, Surveyor};
use crate::ports::{ActError, Effect};

/// What every stranger has.
const CPUS: u32 = 2;
const MEMORY: Bytes = Bytes(1 << 30);

impl World {
    /// A domain that somebody else made, which answers at an address, on every port.
    pub fn move_in(
        &mut self,
        host: &HostId,
        name: &str,
        address: std::net::Ipv4Addr,
    ) -> Result<(), ActError> {
        let domain = DomainState {
            uuid: format!("00000000-{name}"),
            mark: None,
            run: None,
            guest: Guest {
                mac: "52:54:00:00:00:77".to_owned(),
                first_address: Some(address),
                by_itself: true,
                ..Guest::default()
            },
        };
        let state = self.host_mut(host)?;
        state.neighbours.insert(name.to_owned());
        state.domains.insert(name.to_owned(), domain);
        self.start(host, name);
        Ok(())
    }
}

/// The next life of a domain whose definition is not ours.
pub(super) fn mark_anew(world: &mut World, host: &HostId, build: &Build) -> Result<(), ActError> {
    let name = build.machine.domain.as_str();
    if let Some(domain) = world.host_mut(host)?.domains.get_mut(name) {
        domain.mark = Some(build.mark.clone());
    }
    Ok(())
}

#[async_trait]
impl Surveyor for Cluster {
    async fn survey(&self, host: &Host, uuid: &str) -> Result<Surveyed, Unseen> {
        self.ask(Way::Libvirt, &host.id, LOOK).await?;
        let world = self.world();
        let broken = |text: &str| Unseen::new(UnseenKind::Broken, text);
        let state = world
            .host(&host.id)
            .map_err(|error| broken(&error.to_string()))?;
        let domain = state.domains.values().find(|domain| domain.uuid == uuid);
        let domain = domain.ok_or_else(|| broken("the domain is gone"))?;
        let network = world.desired.networks.get(&host.network);
        Ok(Surveyed {
            cpus: CPUS,
            memory: MEMORY,
            bridges: network
                .map(|network| network.bridge.clone())
                .into_iter()
                .collect(),
            disks: vec!["/vms/stranger.qcow2".to_owned()],
            addresses: domain
                .guest
                .addresses
                .iter()
                .map(|own| own.address)
                .collect::<BTreeSet<_>>(),
            is_defined: true,
        })
    }
}

#[async_trait]
impl Adopter for Cluster {
    async fn adopt(&self, host: &Host, adoption: &Adoption) -> Result<Effect, ActError> {
        let (host, mark) = (&host.id, &adoption.mark);
        self.effect((Way::Libvirt, host), "adopt", &mark.instance, |world| {
            host_answers(world, host)?;
            let state = world.host_mut(host)?;
            let domain = state.domains.get_mut(adoption.domain.as_str());
            let domain = domain.filter(|domain| domain.uuid == adoption.uuid);
            let gone = || ActError::Moved(format!("{} is gone", adoption.domain));
            let domain = domain.ok_or_else(gone)?;
            match &domain.mark {
                Some(found) if found.generation == mark.generation => Ok(Effect::AlreadyDone),
                Some(_) => Err(ActError::Moved("it has a mark already".to_owned())),
                None => {
                    domain.mark = Some(mark.clone());
                    state.neighbours.remove(adoption.domain.as_str());
                    Ok(Effect::Changed)
                }
            }
        })
        .await
    }
}
