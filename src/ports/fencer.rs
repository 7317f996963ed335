//! Switching hosts off that can't be seen.

use async_trait::async_trait;

use super::{ActError, Effect};
use crate::model::id::HostId;
use crate::model::policy::FenceAgent;

/// Fencing devices.
#[async_trait]
pub trait Fencer: Send + Sync {
    /// Switches the host off. Success is evidence: the device was asked afterwards, and said that the host is off.
    async fn switch_off(&self, host: &HostId, agent: &FenceAgent) -> Result<Effect, ActError>;
}
