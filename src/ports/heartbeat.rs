//! A guest's heartbeat.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use async_trait::async_trait;

use super::clock::Clock;
use crate::model::desired::Heartbeat;
use crate::model::time::Timestamp;

/// Asking for a heartbeat.
#[async_trait]
pub trait Heartbeats: Send + Sync {
    /// Asks once. An error says in words for people what came instead.
    async fn beat(&self, address: Ipv4Addr, heartbeat: &Heartbeat) -> Result<(), String>;

    /// Waits from one question to the next, usually for `span`.
    ///
    /// With `settled`, the last answer, it may wait longer: whoever knows that all answers up to then would be the same
    /// leaves out those questions, and keeps to the pace when it goes on. Nobody learns anything from them but when the last of
    /// them was, which is returned.
    async fn pause(
        &self,
        clock: &dyn Clock,
        span: Duration,
        asked: &Asked<'_>,
        settled: Option<&Result<(), String>>,
    ) -> Option<Timestamp> {
        let _ = (asked, settled);
        clock.sleep(span).await;
        None
    }
}

/// What is asked again and again.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Where: at this address, and at the other place where that does not answer well.
    pub at: (Ipv4Addr, Option<SocketAddrV4>),
    /// For what.
    pub heartbeat: &'a Heartbeat,
}
