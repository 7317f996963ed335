//! A guest's heartbeat.

use std::net::Ipv4Addr;

use async_trait::async_trait;

use crate::model::desired::Heartbeat;

/// Asking for a heartbeat.
#[async_trait]
pub trait Heartbeats: Send + Sync {
    /// Asks once. An error says in words for people what came instead.
    async fn beat(&self, address: Ipv4Addr, heartbeat: &Heartbeat) -> Result<(), String>;
}
