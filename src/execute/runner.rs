//! The action graph: starts every action whose predecessors have ended, many at a time, and skips what can't be done
//! any more. Pending actions can be given up at any moment; those in hand go on.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use super::Hands;
use crate::model::action::Operation;
use crate::model::plan::{Action, ActionId, Outcome};
use crate::model::time::Timestamp;

/// How many actions run at a time: a bound on connections and memory, far above what one plan needs.
const AT_A_TIME: usize = 64;

/// An action that has ended.
#[derive(Debug)]
pub struct Ended {
    /// The action.
    pub action: Action,
    /// How.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// Whether the plan in force reckons with how it ended: it was begun by that plan, did what it was to do, and opens
    /// no shorter way.
    pub as_planned: bool,
}

/// An action in hand.
struct Job {
    plan: u64,
    action: Action,
    since: Timestamp,
    task: AbortHandle,
    /// Why it was broken off, if it was.
    broken_off: Option<&'static str>,
}

/// What is going on.
pub struct Runner {
    hands: Hands,
    /// Which plan the pending actions belong to: numbers of an older plan mean nothing in this one.
    plan: u64,
    pending: BTreeMap<ActionId, Action>,
    outcomes: BTreeMap<ActionId, bool>,
    running: JoinSet<Outcome>,
    in_hand: BTreeMap<Id, Job>,
}

impl Runner {
    /// A runner with nothing to do.
    pub fn new(hands: Hands) -> Self {
        Runner {
            hands,
            plan: 0,
            pending: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            running: JoinSet::new(),
            in_hand: BTreeMap::new(),
        }
    }

    /// What it acts with.
    pub fn hands(&self) -> &Hands {
        &self.hands
    }

    /// From now on, acts with these hands: the file changed. Actions in hand keep theirs.
    pub fn set_hands(&mut self, hands: Hands) {
        self.hands = hands;
    }

    /// Takes on a plan's actions, in place of those of an earlier plan that did not begin.
    pub fn load(&mut self, actions: Vec<Action>) {
        self.plan += 1;
        self.outcomes.clear();
        self.pending = actions.into_iter().map(|a| (a.id, a)).collect();
    }

    /// Breaks off what is in hand and is one of these, by what is done and since when: it is left as a controller that dies
    /// leaves it.
    pub fn break_off(&mut self, why: &'static str, is_one: impl Fn(&Operation, Timestamp) -> bool) {
        let in_hand = self.in_hand.values_mut();
        for job in in_hand.filter(|job| is_one(&job.action.operation, job.since)) {
            job.broken_off = Some(why);
            job.task.abort();
        }
    }

    /// What is in hand.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.in_hand.values().map(|job| &job.action.operation)
    }

    /// Gives up what has not begun.
    pub fn abandon(&mut self) {
        self.pending.clear();
    }

    /// Gives up what has not begun, because of `why`: how it all ended.
    pub fn give_up(&mut self, why: &str) -> Vec<Ended> {
        let pending = std::mem::take(&mut self.pending);
        let skipped = |action: Action| self.skip(action, why.to_owned());
        pending.into_values().map(skipped).collect()
    }

    /// Whether nothing is pending and nothing in hand.
    pub fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.running.is_empty()
    }

    /// Whether anything is in hand.
    pub fn is_working(&self) -> bool {
        !self.running.is_empty()
    }

    /// Whether a VIP is being taken from a guest now, and all else that the one that gets it next waits for has begun.
    pub fn is_handing_over(&self) -> bool {
        let current = self.in_hand.values().filter(|job| job.plan == self.plan);
        let in_hand: Vec<&Action> = current.map(|job| &job.action).collect();
        let frees = |a: &Action| matches!(a.operation, Operation::DropVip(_) | Operation::Fence(_));
        let is_begun = |id: &ActionId| {
            self.outcomes.get(id) == Some(&true) || in_hand.iter().any(|a| a.id == *id)
        };
        let mut adds = self.pending.values();
        adds.any(|add| {
            let begun = add.needs.iter().chain(&add.after).all(is_begun);
            let last = in_hand
                .iter()
                .any(|a| frees(a) && add.needs.contains(&a.id));
            matches!(add.operation, Operation::AddVip(_)) && begun && last
        })
    }

    /// Begins whatever can begin. `before` is told of each action right before its first effect: when that fails, the
    /// action does not begin. Returns the actions that are skipped because one they need did not succeed.
    pub fn begin_ready<E>(
        &mut self,
        mut before: impl FnMut(&Action) -> Result<(), E>,
    ) -> Result<Vec<Ended>, E> {
        let mut skipped = Vec::new();
        while self.running.len() < AT_A_TIME {
            let Some(action) = self.next_ready().and_then(|id| self.pending.remove(&id)) else {
                break;
            };
            match self.failed_need(&action) {
                Some(need) => {
                    let why = format!("action {need} did not succeed");
                    skipped.push(self.skip(action, why));
                }
                None => {
                    before(&action)?;
                    self.spawn(action);
                }
            }
        }
        Ok(skipped)
    }

    /// The next action that ends; none when nothing is in hand. Cancel safe.
    pub async fn next_end(&mut self) -> Option<Ended> {
        let ended = self.running.join_next_with_id().await?;
        let task = ended.as_ref().map_or_else(JoinError::id, |(task, _)| *task);
        let job = self.in_hand.remove(&task)?;
        let outcome = match (ended, job.broken_off) {
            (Ok((_, outcome)), _) => outcome,
            (Err(_), Some(why)) => Outcome::Failed(format!("broken off: {why}")),
            (Err(error), None) => Outcome::Failed(format!("an error in reconcile itself: {error}")),
        };
        let current = job.plan == self.plan;
        if current {
            self.outcomes.insert(job.action.id, outcome.is_good());
        }
        let as_planned = current && outcome.is_good() && !self.is_first_up(&job.action);
        Some(Ended {
            as_planned,
            action: job.action,
            outcome,
            took: self.hands.clock.now().since(job.since),
        })
    }

    /// Whether a load balancer serves from now on, while the VIP of its group waits for another one to come up.
    fn is_first_up(&self, action: &Action) -> bool {
        let Operation::Configure(configure) = &action.operation else {
            return false;
        };
        let up = &configure.guest.instance;
        let mut pending = self.pending.values();
        configure.starts
            && pending.any(|add| {
                let other = add.operation.instance().filter(|other| *other != up);
                let same = other.is_some_and(|other| other.group == up.group);
                matches!(add.operation, Operation::AddVip(_)) && same
            })
    }

    fn next_ready(&self) -> Option<ActionId> {
        let ended = |id: &ActionId| self.outcomes.contains_key(id);
        let ready = |a: &&Action| {
            let doomed = self.failed_need(a).is_some();
            doomed || (a.needs.iter().all(ended) && a.after.iter().all(ended))
        };
        self.pending.values().find(ready).map(|a| a.id)
    }

    fn failed_need(&self, action: &Action) -> Option<ActionId> {
        action
            .needs
            .iter()
            .find(|id| self.outcomes.get(id) == Some(&false))
            .copied()
    }

    fn skip(&mut self, action: Action, why: String) -> Ended {
        self.outcomes.insert(action.id, false);
        Ended {
            action,
            outcome: Outcome::Skipped(why),
            took: Duration::ZERO,
            as_planned: false,
        }
    }

    fn spawn(&mut self, action: Action) {
        let (hands, job) = (self.hands.clone(), action.clone());
        let since = hands.clock.now();
        let task = self.running.spawn(async move { hands.perform(&job).await });
        let job = Job {
            plan: self.plan,
            action,
            since,
            task,
            broken_off: None,
        };
        self.in_hand.insert(job.task.id(), job);
    }
}
