//! Somebody outside of the cluster, who shows that our own network works.

use async_trait::async_trait;

use crate::model::policy::Witness;

/// Asking witnesses.
#[async_trait]
pub trait Witnesses: Send + Sync {
    /// Whether it answers.
    async fn answers(&self, witness: &Witness) -> bool;
}
