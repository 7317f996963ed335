//! What the controller says of a state of the file, on its way back to whoever follows the file or the branch.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use crate::controller::watch::Admission;
use crate::model::desired::Desired;
use crate::model::gate::Pending;

/// What became of a state of the file.
pub(super) enum Verdict {
    /// It is in force.
    InForce(Arc<Desired>),
    /// A guard holds it.
    Waits(Pending),
}

/// Verdicts that were not heeded yet. That there is one says when to look, as a change of the file does.
pub(super) struct Verdicts {
    new: Mutex<Vec<Verdict>>,
    touched: UnboundedSender<()>,
}

impl Verdicts {
    pub fn new(touched: UnboundedSender<()>) -> Self {
        Verdicts {
            new: Mutex::default(),
            touched,
        }
    }

    /// All that came since the last time.
    pub fn take(&self) -> Vec<Verdict> {
        let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *new)
    }

    fn put(&self, verdict: Verdict) {
        let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        new.push(verdict);
        let _ = self.touched.send(()); // nobody listens any more only at the end
    }
}

impl Admission for Verdicts {
    fn in_force(&self, desired: &Arc<Desired>) {
        self.put(Verdict::InForce(Arc::clone(desired)));
    }

    fn waits(&self, pending: &Pending) {
        self.put(Verdict::Waits(pending.clone()));
    }
}
