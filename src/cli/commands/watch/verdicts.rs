//! What the controller says of a state of the file, on its way back to whoever follows the file or the branch.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use crate::adapters::file_orders::FileOrders;
use crate::adapters::system_clock::SystemClock;
use crate::cli::answer::Told;
use crate::controller::watch::Admission;
use crate::model::desired::{Desired, Revision};
use crate::model::gate::Pending;
use crate::model::orders::{OURSELVES, Order, OrderKey};
use crate::ports::clock::Clock as _;
use crate::ports::orders::OrdersDesk as _;

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
    orders: FileOrders,
}

impl Verdicts {
    pub fn new(touched: UnboundedSender<()>, orders: FileOrders) -> Self {
        Verdicts {
            new: Mutex::default(),
            orders,
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

    // The change of the orders is heard as one by a person would be.
    fn roll_back(&self, revision: &Revision, why: &str) {
        let now = SystemClock.now();
        let order = Order::our_own(now, why);
        let key = OrderKey::Held(revision.clone());
        let given = self.orders.change(now, &mut |orders| {
            let told = Told::give(orders, key.clone(), order.clone());
            told.entry(now, OURSELVES).into_iter().collect()
        });
        if let Err(error) = given {
            tracing::error!(%error, "it can't be rolled back: the order can't be kept");
        }
    }
}
