//! Switching hosts off that can't be seen; and asking the devices for that, which changes nothing.

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

/// What a device says of its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// It is on.
    On,
    /// It is off.
    Off,
}

/// Fencing devices that are only asked.
#[async_trait]
pub trait FencerView: Send + Sync {
    /// Whether the program of a device is on this machine.
    fn is_installed(&self, agent: &FenceAgent) -> bool;

    /// What the device says of its host.
    async fn power(&self, agent: &FenceAgent) -> Result<Power, ActError>;
}
