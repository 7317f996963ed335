//! Fencing devices of the simulated cluster, and who shows that the controller's own network works.

use async_trait::async_trait;

use super::cluster::{Cluster, Way};
use crate::model::id::HostId;
use crate::model::policy::{FenceAgent, Witness};
use crate::model::scenario::Node;
use crate::ports::fencer::{Fencer, FencerView, Power};
use crate::ports::witness::Witnesses;
use crate::ports::{ActError, Effect};

#[async_trait]
impl Fencer for Cluster {
    async fn switch_off(&self, host: &HostId, _: &FenceAgent) -> Result<Effect, ActError> {
        self.effect((Way::Device, host), "fence-host", host, |world| {
            world.vigil.fences(host);
            if world.lying_devices.contains(host) {
                return Ok(Effect::Changed);
            }
            let now = world.now;
            let state = world.host_mut(host)?;
            let was_on = std::mem::replace(&mut state.power, false);
            state.lose_power(now);
            Ok(if was_on {
                Effect::Changed
            } else {
                Effect::AlreadyDone
            })
        })
        .await
    }
}

#[async_trait]
impl FencerView for Cluster {
    fn is_installed(&self, _: &FenceAgent) -> bool {
        true
    }

    async fn power(&self, _: &FenceAgent) -> Result<Power, ActError> {
        Ok(Power::On)
    }
}

#[async_trait]
impl Witnesses for Cluster {
    async fn answers(&self, witness: &Witness) -> bool {
        let (world, witness) = (self.world(), Node::Witness(witness.clone()));
        world.witnesses_answer && world.wire.joins(&world.seen_by, &witness)
    }
}
