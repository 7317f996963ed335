//! The places of controllers: each runs the loop of `watch` over the simulated cluster, and can be killed.

use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::record::{Record, Voice};
use super::report::Who;
use super::wiring::{eyes, hands};
use crate::controller::look::Eyes;
use crate::controller::watch::{Admission, Signal, Watch};
use crate::controller::{Session, Watcher};
use crate::execute::Hands;
use crate::memory;
use crate::model::desired::{Desired, Revision};
use crate::model::gate::Pending;
use crate::model::orders::{Order, OrderKey};
use crate::ports::clock::Clock;
use crate::ports::herald::{Herald, Nobody};
use crate::ports::store::{StoreError, StoreView};
use crate::sim::cluster::Cluster;
use crate::sim::store::MemoryStore;

/// The place of a controller: its store outlives it.
pub(super) struct Seat {
    pub(super) cluster: Arc<Cluster>,
    pub(super) voice: Arc<Voice>,
    pub(super) store: Arc<MemoryStore>,
    pub(super) running: Option<Running>,
    /// Who hears what its controller goes through.
    pub(super) herald: Arc<dyn Herald>,
}

pub(super) struct Running {
    pub(super) task: JoinHandle<Result<(), StoreError>>,
    signals: UnboundedSender<Signal>,
}

/// The laws hold the cluster to the state of the file that is in force.
struct InForce(Arc<Cluster>);

impl Admission for InForce {
    fn in_force(&self, desired: &Arc<Desired>) {
        let is_new = !Arc::ptr_eq(&self.0.world().desired, desired);
        if is_new {
            self.0.happen(|world| world.follow(Arc::clone(desired)));
        }
    }

    // The timeline says so by the next plan.
    fn waits(&self, _: &Pending) {}

    fn roll_back(&self, revision: &Revision, why: &str) {
        let mut world = self.0.world();
        let order = Order::our_own(world.now, why);
        world.orders.put(OrderKey::Held(revision.clone()), order);
        self.0.rolled_back.notify_one();
    }
}

impl Seat {
    pub(super) fn new(record: &Arc<Record>, cluster: &Arc<Cluster>, who: Who) -> Self {
        Seat {
            cluster: Arc::clone(cluster),
            voice: Voice::new(record, cluster, who),
            store: Arc::default(),
            running: None,
            herald: Arc::new(Nobody),
        }
    }

    /// A controller is started: it knows what its store knows.
    /// It begins with the one of all `states` of the file that was in force.
    pub(super) fn start(
        &mut self,
        desired: &Arc<Desired>,
        states: &[Arc<Desired>],
    ) -> Result<(), StoreError> {
        self.store.turn_clock();
        let memory = memory::after_restart(self.store.load()?, self.cluster.now());
        let begins = states
            .iter()
            .find(|state| memory.in_force.as_ref() == Some(&state.revision));
        let (file, desired) = (desired, begins.unwrap_or(desired));
        let watcher = Watcher::new(Arc::clone(desired), memory, self.eyes());
        let session = Session::new(watcher, Arc::clone(&self.store) as _);
        let (signals, heard) = unbounded_channel();
        let admission = Arc::new(InForce(Arc::clone(&self.cluster)));
        let watch = Watch::new(session, self.hands(desired), admission, heard);
        let watch = watch.heard_by(Arc::clone(&self.herald));
        let task = tokio::spawn(watch.run());
        self.running = Some(Running { task, signals });
        if !Arc::ptr_eq(file, desired) {
            self.follow(file);
        }
        Ok(())
    }

    /// It dies: what it had in hand is left as it is.
    pub(super) async fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.task.abort();
            // It was killed: there is nothing to hear from it.
            let _ = running.task.await;
        }
    }

    fn eyes(&self) -> Eyes {
        eyes(&self.cluster, Arc::clone(&self.cluster) as _)
    }

    fn hands(&self, desired: &Desired) -> Hands {
        let clock = Arc::clone(&self.cluster) as _;
        hands(&self.cluster, clock, Arc::clone(&self.voice) as _, desired)
    }

    pub(super) fn follow(&self, desired: &Arc<Desired>) {
        let ports = Box::new((self.hands(desired), self.eyes()));
        self.signal(Signal::Edited(Arc::clone(desired), ports));
    }

    pub(super) fn signal(&self, signal: Signal) {
        if let Some(running) = &self.running {
            // A controller that ended by itself is found at the end.
            let _ = running.signals.send(signal);
        }
    }
}
