//! The loop of `reconcile watch`: it sleeps until something happens, looks at everything, and acts. What woke it only
//! says when to look, never what to do.

mod actions;
mod edit;
mod gate;
mod in_hand;
mod leave;
mod reach;
mod say;
mod vain;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tracing::{debug, error, info, warn};

use super::Session;
use super::claims::Claims;
use super::events::Events;
use super::guards::{self, Guards, Parting};
use super::look::{Beats, Eyes};
use super::monitor::{Change, Monitor};
use super::session::Round;
use crate::execute::{Hands, Runner};
use crate::model::desired::Desired;
use crate::model::id::InstanceId;
use crate::model::plan::Plan;
use crate::model::time::Timestamp;
use crate::ports::herald::{Herald, Nobody, Word};
use crate::ports::progress::Progress;
use crate::ports::store::StoreError;
pub use gate::Admission;
use gate::Candidate;
use vain::Vain;

/// The pace while nothing happens.
pub const STEADY: Duration = Duration::from_secs(10);
/// The pace while something is in hand: a look tears a plan apart that is under way.
const WORKING: Duration = Duration::from_secs(30);
/// The shortest one, whatever is expected.
const LEAST_PACE: Duration = Duration::from_millis(500);
/// How long a look waits for a VIP to come from one guest to the next.
const HANDOVER: Duration = Duration::from_secs(1);
/// How long actions in hand may take to end after a request to stop.
const FAREWELL: Duration = Duration::from_secs(20);

/// Something that wakes the controller from outside.
pub enum Signal {
    /// The file changed, and is valid.
    Edited(Arc<Desired>, Box<(Hands, Eyes)>),
    /// What is new is not applied: the last good state stays in force.
    Refused(String),
    /// What is wanted is again what is in force.
    Restored,
    /// An operator gave an order, or took one back.
    Ordered,
    /// End.
    Stop,
}

/// The controller.
pub struct Watch {
    session: Session,
    runner: Runner,
    /// What the file says by now, where that is not in force.
    candidate: Option<Candidate>,
    /// When a guard may let that pass.
    opens: Option<Timestamp>,
    /// Who is told what is in force.
    admission: Arc<dyn Admission>,
    /// Who is told of plans and actions.
    progress: Arc<dyn Progress>,
    /// Who tells people elsewhere.
    herald: Arc<dyn Herald>,
    /// Whether that one heard that memory can't be written.
    told_of_trouble: bool,
    /// By how much the clock was last seen to be ahead, in milliseconds.
    clock_ahead: i64,
    monitor: Monitor,
    /// The claims on hosts.
    claims: Claims,
    /// Whom it waits for, and since when.
    waits: Option<(String, Timestamp)>,
    /// The guards of hosts.
    guards: Option<Guards>,
    /// Hosts that are forgotten, whose guards end.
    partings: Vec<Parting>,
    /// What hosts say without being asked.
    events: Events,
    /// Where monitor and events say what they heard.
    heard: UnboundedSender<Change>,
    changes: UnboundedReceiver<Change>,
    signals: UnboundedReceiver<Signal>,
    /// When the next look is due, whatever is in hand.
    look_again: Timestamp,
    /// Whose first heartbeat the last round waited for.
    awaited: BTreeSet<InstanceId>,
    /// What failed lately.
    vain: Vain,
    /// The notices of the last round: only new ones are logged.
    said: Vec<crate::model::plan::Notice>,
}

/// Why the loop goes on.
enum Wake {
    Look,
    Act,
    Claims,
    Stop,
}

impl Watch {
    /// A controller that is woken by `signals`.
    pub fn new(
        mut session: Session,
        hands: Hands,
        admission: Arc<dyn Admission>,
        signals: UnboundedReceiver<Signal>,
    ) -> Self {
        let (heard, changes) = tokio::sync::mpsc::unbounded_channel();
        session.endure();
        guards::inherit(&mut session.watcher);
        let eyes = &session.watcher.eyes;
        let events = Events::of(&session.watcher.desired, eyes, &heard);
        let monitor = Monitor::new(eyes.clone(), heard.clone());
        let hands = reach::all_hosts(&session.watcher.desired, hands);
        let claims = Claims::new(&session.watcher.desired, &hands, leave::told(&heard));
        let guards = Some(Guards::of(&session.watcher.desired, &hands, &eyes.leases));
        Watch {
            session,
            candidate: None,
            opens: None,
            admission,
            progress: Arc::clone(&hands.progress),
            herald: Arc::new(Nobody),
            told_of_trouble: false,
            clock_ahead: 0,
            runner: Runner::new(hands),
            monitor,
            claims,
            waits: None,
            guards,
            partings: Vec::new(),
            events,
            heard,
            changes,
            signals,
            look_again: Timestamp::default(),
            awaited: BTreeSet::new(),
            vain: Vain::default(),
            said: Vec::new(),
        }
    }

    /// The same, of which somebody hears.
    pub fn heard_by(self, herald: Arc<dyn Herald>) -> Self {
        Watch { herald, ..self }
    }

    /// Runs until it is told to stop.
    pub async fn run(mut self) -> Result<(), StoreError> {
        self.herald.heard(Word::Began);
        self.round().await?;
        loop {
            match self.wake().await? {
                Wake::Look => {
                    self.finish_handovers().await?;
                    self.round().await?;
                }
                Wake::Act | Wake::Claims => self.begin()?,
                Wake::Stop => return self.farewell().await,
            }
        }
    }

    async fn wake(&mut self) -> Result<Wake, StoreError> {
        let clock = Arc::clone(&self.session.watcher.eyes.clock);
        let steady = clock.steady(self.pace());
        tokio::pin!(steady);
        loop {
            let wake = self.woken(steady.as_mut()).await?;
            let Wake::Claims = wake else {
                return Ok(wake);
            };
            // What nobody can act on must not put off the next look.
            self.claims.heed_news().await;
            if self.may_act()? && !self.runner.is_idle() {
                return Ok(wake);
            }
        }
    }

    async fn woken(&mut self, steady: impl Future<Output = ()>) -> Result<Wake, StoreError> {
        tokio::select! {
            biased;
            signal = self.signals.recv() => Ok(self.obey(signal)),
            Some(change) = self.changes.recv() => Ok(self.heed_all(change)),
            Some(ended) = self.runner.next_end(), if self.runner.is_working() => self.end_all(ended),
            () = steady => Ok(if !self.runner.is_working() || self.is_due() { Wake::Look } else { Wake::Act }),
        }
    }

    /// How long nothing may happen until the next round: less, where time alone may change what was decided.
    fn pace(&self) -> Duration {
        let now = self.session.watcher.eyes.clock.now();
        self.look_again.since(now).clamp(LEAST_PACE, STEADY)
    }

    /// Whether to look though something is still in hand.
    fn is_due(&self) -> bool {
        let now = self.session.watcher.eyes.clock.now();
        self.look_again <= now
    }

    /// When to look again after a round, whatever goes on: as long as one action after the other ends, or one takes its
    /// time, nothing else would. For a host out of sight, sooner.
    fn next_look(&self, plan: &Plan, was_braked: bool) -> Timestamp {
        let unsure = plan.hosts.values().any(|host| !host.is_seen());
        let now = self.session.watcher.eyes.clock.now();
        if plan.brake.is_some() && !was_braked {
            return now; // while it holds, the silent are looked into
        }
        let steady = now.plus(if unsure { STEADY } else { WORKING });
        plan.look_again.map_or(steady, |at| at.min(steady))
    }

    fn obey(&mut self, signal: Option<Signal>) -> Wake {
        match signal {
            Some(Signal::Edited(desired, ports)) => {
                self.herald.heard(Word::Accepted);
                self.candidate = Some(Candidate::new(desired, ports));
                Wake::Look
            }
            Some(Signal::Refused(why)) => {
                self.herald.heard(Word::Refused(&why));
                let revision = &self.session.watcher.desired.revision;
                error!(%revision, "what is new is not applied; the last good state stays in force\n{why}");
                Wake::Act
            }
            Some(Signal::Restored) => {
                self.herald.heard(Word::Accepted);
                info!("what is in force is what is wanted again");
                Wake::Act
            }
            Some(Signal::Ordered) => {
                info!("the orders changed");
                self.reconsider();
                Wake::Look
            }
            Some(Signal::Stop) | None => Wake::Stop,
        }
    }

    /// What was heard meanwhile is answered by one look.
    fn heed_all(&mut self, first: Change) -> Wake {
        let mut wake = self.heed(first);
        while let Ok(change) = self.changes.try_recv() {
            wake = match (wake, self.heed(change)) {
                (Wake::Look, _) | (_, Wake::Look) => Wake::Look,
                (Wake::Claims, _) | (_, Wake::Claims) => Wake::Claims,
                (wake, Wake::Act | Wake::Stop) => wake,
            };
        }
        wake
    }

    /// A loss is looked at at once, whatever is pending, and so is the end of one: somebody may have waited for it. A guest
    /// that came up only when nothing else is going on, or the last round waited for it. That a guest is silent while we work on it
    /// is no news.
    fn heed(&mut self, change: Change) -> Wake {
        match change {
            Change::Suspect(instance)
            | Change::Lost(instance)
            | Change::Silent(instance)
            | Change::Back(instance)
                if self.is_busy(&instance) =>
            {
                Wake::Act
            }
            // It ended by our own doing, but where it is only waited for.
            Change::Ended(instance) if self.is_busy(&instance) && !self.awaits(&instance) => {
                Wake::Act
            }
            Change::Claims => Wake::Claims,
            Change::TookOver => Wake::Look,
            Change::Suspect(instance) => {
                info!(%instance, "heartbeats are missing");
                Wake::Look
            }
            Change::Ended(instance) => {
                warn!(%instance, "its domain stopped");
                self.monitor.ledger.doubt(&instance);
                Wake::Look
            }
            Change::Silent(instance) => {
                info!(%instance, "gives no heartbeat");
                Wake::Look
            }
            Change::Lost(instance) => {
                warn!(%instance, "heartbeat lost");
                Wake::Look
            }
            Change::Back(instance) => {
                info!(%instance, "heartbeat is back");
                Wake::Look
            }
            Change::Came(instance) => {
                info!(%instance, "heartbeat came");
                if self.runner.is_idle() || self.awaited.contains(&instance) {
                    Wake::Look
                } else {
                    Wake::Act
                }
            }
        }
    }

    /// One round. Pending actions of an earlier plan give way to the new one, which knows more.
    async fn round(&mut self) -> Result<(), StoreError> {
        let begin = Instant::now();
        let heard = self.monitor.ledger.heard();
        let before = Arc::clone(&self.session.watcher.desired);
        let was_braked = self.session.watcher.memory.brake.is_some();
        let beats = Beats::Known(&heard);
        let mut round = match self.admitted(&beats).await? {
            Some(round) => round,
            None => self.session.round(&beats).await?,
        };
        // Now: what is in hand may keep the next round away for minutes.
        self.session.watcher.let_go(&mut round.observed);
        self.let_go(&before);
        let Round {
            mut plan,
            looks,
            observed,
        } = round;
        self.begin_with(&mut plan)?;
        self.roll_back_what_fails(&observed)?;
        self.heed_trouble(&mut plan);
        self.heed_clock(&observed);
        let took = millis(begin.elapsed());
        debug!(took_ms = took, actions = plan.actions.len(), "round");
        self.monitor.listen_to(&looks);
        plan.look_again = plan.look_again.into_iter().chain(self.opens).min();
        self.look_again = self.next_look(&plan, was_braked);
        self.awaited.clone_from(&plan.awaited);
        self.break_off_what_is_in_vain(&plan, &observed);
        self.say(&plan);
        self.arm_or_disarm(plan.orders.disarmed.is_some()).await?;
        self.claims.name(self.session.watcher.hosts());
        self.claims.heed(&observed).await;
        self.leave_to_rival()?;
        self.tell_of(&observed, &plan);
        let plan = self.as_it_may(&plan).into_owned();
        self.progress.planned(&plan);
        self.runner.load(plan.actions);
        self.begin()
    }
}

/// For logs: 128 bits would be written as text.
fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
