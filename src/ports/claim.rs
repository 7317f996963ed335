//! Claims on hosts: only one controller of a cluster acts on a host at a time.

use async_trait::async_trait;

use super::{ActError, Effect};
use crate::model::claim::{Claim, Claimant, Succession};
use crate::model::desired::Host;
use crate::model::facts::Unseen;
use crate::model::id::ClusterName;
use crate::model::time::Timestamp;

/// What is told, with each renewal, until when the claim lets its owner act: by [`super::clock::Clock::uptime`].
pub type Held<'a> = &'a (dyn Fn(Timestamp) + Send + Sync);

/// Why a claim is not kept any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// Another controller has the host.
    To(Claim),
    /// The host does not answer.
    Unseen(Unseen),
}

/// Claims on hosts.
#[async_trait]
pub trait Claims: Send + Sync {
    /// Takes the claim of a cluster on a host and renews it until that is not possible any more; returns why. One that
    /// another controller holds, or held where succession is closed, is not touched, and one that this claimant held before is its own at once.
    async fn keep(
        &self,
        host: &Host,
        cluster: &ClusterName,
        claimant: &Claimant,
        succession: Succession,
        held: Held<'_>,
    ) -> Lost;

    /// Gives the claim up, so that nobody has to wait for its end. That of another controller is not touched.
    async fn release(
        &self,
        host: &Host,
        cluster: &ClusterName,
        claimant: &Claimant,
    ) -> Result<Effect, ActError>;
}
