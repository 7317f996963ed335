//! Time as a port: the system's clock, or the virtual one of a simulation.

use std::time::Duration;

use async_trait::async_trait;

use crate::model::time::Timestamp;

/// A clock.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Returns after `span`. Only for pacing and for waiting between two looks at a condition.
    async fn sleep(&self, span: Duration);
}
