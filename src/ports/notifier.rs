//! Telling a receiver, and keeping what is not told yet.

use std::time::Duration;

use async_trait::async_trait;

use super::store::StoreError;
use crate::model::event::{Event, Undelivered};
use crate::model::receiver::Receiver;

/// Why a message did not arrive. What is said of it has no secret in it, and no URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Failure {
    /// Why not.
    pub why: String,
    /// Whether to try again.
    pub again: Again,
}

/// Whether a message is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It is, after a while.
    Later,
    /// It is, after what the server asked for.
    After(Duration),
    /// It would fail again: the receiver does not take it.
    Never,
}

impl Failure {
    /// It may work later.
    pub fn later(why: impl Into<String>) -> Self {
        Failure {
            why: why.into(),
            again: Again::Later,
        }
    }

    /// It would fail again.
    pub fn never(why: impl Into<String>) -> Self {
        Failure {
            why: why.into(),
            again: Again::Never,
        }
    }
}

/// Telling receivers.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Tells one receiver of one event, within its timeout. It may arrive twice where that is not known for certain.
    async fn tell(&self, receiver: &Receiver, event: &Event) -> Result<(), Failure>;
}

/// Where what was told, and what is not yet, is kept over restarts. Losing it loses no more than messages.
pub trait Spool: Send + Sync {
    /// The text that was kept last; none: there is none.
    fn load(&self) -> Result<Option<String>, StoreError>;

    /// Keeps a text in the place of the last one, all or nothing.
    fn save(&self, text: &str) -> Result<(), StoreError>;

    /// Appends to the history that a message was given up.
    fn record(&self, entry: &Undelivered) -> Result<(), StoreError>;
}
