//! A simulated cluster as the ports that a controller looks and acts through.

use std::sync::Arc;

use crate::controller::guards::Leases;
use crate::controller::look::Eyes;
use crate::execute::{Hands, Permit};
use crate::model::desired::Desired;
use crate::ports::clock::Clock;
use crate::ports::progress::Progress;
use crate::sim::cluster::Cluster;

/// The ports that look.
pub fn eyes(cluster: &Arc<Cluster>, clock: Arc<dyn Clock>) -> Eyes {
    Eyes {
        hypervisor: Arc::clone(cluster) as _,
        guests: Arc::clone(cluster) as _,
        heartbeats: Arc::clone(cluster) as _,
        witnesses: Arc::clone(cluster) as _,
        fencers: Arc::clone(cluster) as _,
        leases: Leases::default(),
        clock,
        orders: Arc::clone(cluster) as _,
        us: Some(cluster.claimant.id.clone()),
    }
}

/// The ports that act.
pub fn hands(
    cluster: &Arc<Cluster>,
    clock: Arc<dyn Clock>,
    progress: Arc<dyn Progress>,
    desired: &Desired,
) -> Hands {
    Hands {
        hypervisor: Arc::clone(cluster) as _,
        guests: Arc::clone(cluster) as _,
        guards: Arc::clone(cluster) as _,
        claims: Arc::clone(cluster) as _,
        claimant: Arc::clone(&cluster.claimant),
        permit: Permit::default(),
        fencer: Arc::clone(cluster) as _,
        heartbeats: Arc::clone(cluster) as _,
        clock,
        progress,
        hosts: Arc::new(desired.hosts.clone()),
    }
}
