//! The real controller over the simulated cluster: rounds, and carrying out their plans. Checks of every plan what a plan
//! must be, and after everything that no law was broken.

use std::sync::Arc;
use std::time::Duration;

use reconcile::controller::apply::carry_out;
use reconcile::controller::look::Beats;
use reconcile::controller::{Session, Watcher};
use reconcile::execute::{Hands, Hold, Runner};
use reconcile::memory;
use reconcile::model::desired::Desired;
use reconcile::model::plan::{HistoryEntry, NoticeKind, Plan};
use reconcile::model::targets::Targets;
use reconcile::model::time::Timestamp;
use reconcile::plan::{self, Renderer};
use reconcile::ports::clock::Clock;
use reconcile::ports::progress::Quiet;
use reconcile::ports::store::StoreView;
use reconcile::rehearse::wiring;
use reconcile::sim::cluster::Cluster;
use reconcile::sim::laws;
use reconcile::sim::orders::plan_obeys_orders;
use reconcile::sim::store::MemoryStore;
use tokio::sync::Notify;

/// How many plans in a row may be needed, each with something new in it.
const PASSES: usize = 12;
/// How long something that only has to come up is waited for.
const PATIENCE: Duration = Duration::from_secs(3600);

/// A controller and its cluster.
pub struct Lab {
    pub cluster: Arc<Cluster>,
    pub store: Arc<MemoryStore>,
    pub desired: Arc<Desired>,
    session: Session,
    runner: Runner,
    /// Whether the last plan said that all is as desired.
    converged: bool,
    /// Somebody moved a VIP by hand, and no round has seen it yet.
    pub unseen_hand: bool,
}

impl Lab {
    pub fn new(desired: Arc<Desired>) -> Self {
        let cluster = Cluster::new(Arc::clone(&desired));
        let store = Arc::new(MemoryStore::default());
        let (session, runner) = controller(&cluster, &store, &desired);
        Lab {
            cluster,
            store,
            desired,
            session,
            runner,
            converged: false,
            unseen_hand: false,
        }
    }

    /// The controller is started anew, as by another run of the command.
    pub fn restart(&mut self) {
        (self.session, self.runner) = controller(&self.cluster, &self.store, &self.desired);
        self.cluster.world().halted = false;
    }

    /// The file changed.
    pub fn follow(&mut self, desired: Arc<Desired>) {
        self.cluster.world().follow(Arc::clone(&desired));
        self.desired = desired;
        self.restart();
    }

    /// The run is about these only.
    pub fn aim(&mut self, targets: Targets) {
        self.session.watcher.targets = targets;
    }

    pub fn hands(&self) -> Hands {
        hands(&self.cluster, &self.desired)
    }

    /// One round.
    pub async fn plan(&mut self) -> Plan {
        let round = self.session.round(&Beats::Ask).await.unwrap();
        let watcher = &self.session.watcher;
        let (desired, memory) = (&watcher.desired, &watcher.memory);
        let again = plan::plan(desired, &round.observed, memory, &Renderer::default());
        assert_eq!(again, round.plan, "the same input gives the same plan");
        laws::plan_is_sound(&round.plan).unwrap();
        plan_obeys_orders(&round.plan).unwrap();
        self.converged = round.plan.converged() && round.plan.orders.targets.is_all();
        self.unseen_hand = false;
        self.no_law_is_broken();
        round.plan
    }

    /// Carries a plan out. None: the controller was killed in the middle.
    pub async fn carry_out(&mut self, plan: &Plan) -> Option<Vec<HistoryEntry>> {
        let past = self.store.history().unwrap().len();
        let before = self.store.load().unwrap().in_force;
        let cluster = Arc::clone(&self.cluster);
        let ended = {
            let stop = Notify::new();
            let work = carry_out(&mut self.session, &mut self.runner, plan, &Quiet, &stop);
            tokio::select! {
                biased;
                () = cluster.killed.notified() => None,
                ended = work => Some(ended.unwrap()),
            }
        };
        self.no_law_is_broken();
        ended?;
        // Only a run that is about everything brings the file into force.
        let targets = &plan.orders.targets;
        let whole = targets.is_all().then(|| plan.revision.clone());
        assert_eq!(self.store.load().unwrap().in_force, whole.or(before));
        let ended = self.store.history().unwrap().split_off(past);
        assert!(ended.iter().all(|entry| entry.targets == *targets));
        Some(ended)
    }

    /// The next plan with something to do, or the last one: what only has to come up is waited for.
    pub async fn settled(&mut self) -> Plan {
        let begin = self.cluster.clock.now();
        loop {
            let plan = self.plan().await;
            if !plan.comes_by_itself() || self.cluster.clock.now().since(begin) > PATIENCE {
                return plan;
            }
            self.cluster.clock.sleep(Duration::from_secs(1)).await;
        }
    }

    /// Plans and acts until there is nothing more to do. The last plan, and how many were carried out. After a plan of
    /// which everything went well, there must be nothing more to do.
    pub async fn converge(&mut self) -> (Plan, usize) {
        let mut went_well = false;
        for passes in 0..PASSES {
            let plan = self.settled().await;
            if plan.actions.is_empty() {
                return (plan, passes);
            }
            assert!(
                !went_well,
                "all went well, and there is more to do:\n{}",
                laws::outline(&plan)
            );
            match self.carry_out(&plan).await {
                Some(ended) => {
                    went_well = is_complete(&plan) && ended.iter().all(|e| e.outcome.is_good());
                }
                None => self.restart(),
            }
        }
        panic!(
            "no end after {PASSES} plans; the next one:\n{}",
            laws::outline(&self.plan().await)
        );
    }

    /// What the last plan said was true.
    pub fn what_is_said_is_so(&self) {
        if self.converged {
            laws::is_as_desired(&self.cluster.world()).unwrap();
        }
    }

    pub fn no_law_is_broken(&self) {
        let broken = std::mem::take(&mut *self.cluster.world().broken.lock().unwrap());
        assert!(broken.is_empty(), "a law was broken: {}", broken.join("\n"));
    }
}

/// Whether a plan leaves nothing for later: nothing has to wait, and all was seen.
fn is_complete(plan: &Plan) -> bool {
    let kinds = plan.notices.iter().map(|n| n.kind);
    kinds.into_iter().all(|k| match k {
        NoticeKind::Waiting | NoticeKind::Unknown => false,
        NoticeKind::Blocked | NoticeKind::Warning => true,
    })
}

fn controller(
    cluster: &Arc<Cluster>,
    store: &Arc<MemoryStore>,
    desired: &Arc<Desired>,
) -> (Session, Runner) {
    let memory = memory::after_restart(store.load().unwrap(), cluster.now());
    let eyes = wiring::eyes(cluster, Arc::clone(&cluster.clock) as _);
    let watcher = Watcher::new(Arc::clone(desired), memory, eyes);
    let runner = Runner::new(hands(cluster, &watcher.desired));
    (Session::new(watcher, Arc::clone(store) as _), runner)
}

fn hands(cluster: &Arc<Cluster>, desired: &Arc<Desired>) -> Hands {
    let clock = Arc::clone(&cluster.clock) as _;
    let hands = wiring::hands(cluster, clock, Arc::new(Quiet), desired);
    // Nobody else is there.
    let ours = desired.hosts.keys();
    ours.for_each(|host| {
        hands.permit.set(host, Hold::Ours(Timestamp(i64::MAX)));
    });
    hands
}
