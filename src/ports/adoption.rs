//! Domains that somebody else made: looking at one closely, and marking it as ours.

use async_trait::async_trait;

use super::{ActError, Effect};
use crate::model::adoption::{Adoption, Surveyed};
use crate::model::desired::Host;
use crate::model::facts::Unseen;

/// Looking at a domain. Changes nothing.
#[async_trait]
pub trait Surveyor: Send + Sync {
    /// What the domain with this UUID on `host` is made of, and which addresses it has.
    async fn survey(&self, host: &Host, uuid: &str) -> Result<Surveyed, Unseen>;
}

/// Marking a domain as ours.
#[async_trait]
pub trait Adopter: Send + Sync {
    /// Writes the mark into the running and the stored definition of a domain that has none, or this one. Nothing else of it changes.
    async fn adopt(&self, host: &Host, adoption: &Adoption) -> Result<Effect, ActError>;
}
