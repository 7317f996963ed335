//! What a living guest needs to be as desired.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::drift::Drift;
use crate::model::action::GuestConfig;
use crate::model::mark::Mark;
use crate::model::plan::{Motive, Reason};

/// What a living guest needs.
pub(super) enum Need {
    /// Another host.
    Move(Motive, Reason),
    /// To end, so that another one can move.
    Yield(Reason),
    /// Another machine.
    Rebuild(Reason),
    /// Another address.
    Rebind(Ipv4Addr, Reason),
    /// Its process started anew.
    Restart(Arc<GuestConfig>, Drift),
    /// Files, or a reload: nobody notices.
    Quiet(Arc<GuestConfig>, Drift),
    /// Its mark says that it moves, and it does not; or something else that is not so any more.
    Mark(Mark),
}

impl Need {
    /// Whether its domain would not be the same afterwards.
    pub(super) fn changes_its_domain(&self) -> bool {
        match self {
            Need::Move(..) | Need::Yield(_) | Need::Rebuild(_) | Need::Rebind(..) => true,
            Need::Restart(..) | Need::Quiet(..) | Need::Mark(_) => false,
        }
    }

    /// Whether files on the guest are written.
    pub(super) fn changes_files(&self) -> bool {
        match self {
            Need::Quiet(_, drift) | Need::Restart(_, drift) => !drift.changes.is_empty(),
            Need::Move(..)
            | Need::Yield(_)
            | Need::Rebuild(_)
            | Need::Rebind(..)
            | Need::Mark(_) => false,
        }
    }

    pub(super) fn interrupts(&self) -> bool {
        match self {
            Need::Move(..)
            | Need::Yield(_)
            | Need::Rebuild(_)
            | Need::Rebind(..)
            | Need::Restart(..) => true,
            Need::Quiet(..) | Need::Mark(_) => false,
        }
    }
}
