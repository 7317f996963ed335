//! Time as a port: the system's clock, or the virtual one of a simulation.

use std::time::Duration;

use async_trait::async_trait;

use crate::model::time::Timestamp;

/// A clock.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present moment, by the clock as it was when the process began: whoever sets it meanwhile makes nothing look
    /// older or younger than it is. For everything that is measured.
    fn now(&self) -> Timestamp;

    /// The present moment by the calendar, whoever set that. Only for what people date: windows, ends of orders.
    fn wall(&self) -> Timestamp {
        self.now()
    }

    /// How long the machine of this clock has been up, asleep or awake, counted from any moment: no clock that is set
    /// moves it. For deadlines that nobody may overrun.
    fn uptime(&self) -> Timestamp;

    /// Returns after `span`. Only for pacing and for waiting between two looks at a condition.
    async fn sleep(&self, span: Duration);

    /// The pace of looking while nothing happens: returns after `span`. A clock of a simulated world may let it be
    /// longer while nothing changes there that a look could find.
    async fn steady(&self, span: Duration) {
        self.sleep(span).await;
    }
}
