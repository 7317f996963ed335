//! The guard on a host: it stops our guests there when nobody renews its lease and it is cut off from the other hosts.

use std::time::Duration;

use async_trait::async_trait;

use super::{ActError, Effect};
use crate::model::desired::Host;
use crate::model::facts::{Seen, Unseen};
use crate::model::id::ClusterName;
use crate::model::policy::LeasePolicy;
use crate::model::time::Timestamp;

/// What a guard is to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watchword {
    /// The cluster whose guests it stops.
    pub cluster: ClusterName,
    /// How long its lease is, and what it feeds.
    pub lease: LeasePolicy,
    /// The other hosts, as they are asked for on the network.
    pub peers: Vec<String>,
}

/// What is told, before each renewal, from which moment on the lease is over for certain, whatever became of it.
pub type Until<'a> = &'a (dyn Fn(Timestamp) + Send + Sync);

/// Guards on hosts.
#[async_trait]
pub trait Guards: Send + Sync {
    /// Arms the guard of a host and renews its lease until that is not possible any more; returns why. A lease that was
    /// offered and never answered is not offered for longer: so its end can be waited for.
    async fn keep(&self, host: &Host, watchword: &Watchword, until: Until<'_>) -> Unseen;

    /// Ends the guard: from then on it stops nothing.
    async fn disarm(&self, host: &Host, cluster: &ClusterName) -> Result<Effect, ActError>;
}

/// What there is of a guard on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardSeen {
    /// None runs.
    None,
    /// It runs, and its lease ends after so long: zero where it is over.
    Runs(Duration),
}

/// Guards that are only looked at.
#[async_trait]
pub trait GuardView: Send + Sync {
    /// Looks at the guard of a host.
    async fn look(&self, host: &Host, cluster: &ClusterName) -> Seen<GuardSeen>;
}
