//! Whether a cluster survives losses: each is rehearsed by itself on a cluster that has settled, all of them side by side
//! over the cores. For each that it does not survive, changes of `cluster.yaml` are rehearsed too, the smallest first,
//! until one mends it.

mod judge;
mod losses;
mod mends;
mod parallel;
mod report;
mod search;
mod together;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub use judge::{Break, Finding, Trouble, Worst};
pub use losses::{AnyOf, Loss, LossError};
pub use mends::Mend;
pub use report::{Mended, Outcome, Survival, Together};

use super::{LaneKind, Rehearsal, RehearsalError, State, rehearse};
use crate::model::desired::Desired;
use crate::model::id::HostId;
use crate::model::scenario::{Event, Machine, Scenario};
use judge::Case;
use parallel::in_parallel;

/// How long after a loss everything must be well again, where nobody says otherwise.
pub const WITHIN: Duration = Duration::from_secs(900);
/// How long the cluster may take to settle; the second where the first was not enough.
const SETTLES: [Duration; 2] = [Duration::from_secs(600), Duration::from_secs(7_200)];
/// What was well for so long has settled.
const SETTLED: Duration = Duration::from_secs(60);

/// The cluster with some keys changed, by their dotted paths; none: that would not be valid.
pub type Edited<'a> = dyn Fn(&BTreeMap<String, String>) -> Option<Arc<Desired>> + 'a;

/// What is asked, and of which cluster.
pub struct Question<'a> {
    /// The cluster.
    pub desired: &'a Arc<Desired>,
    /// Its hardware, and what happens before each loss.
    pub scenario: &'a Scenario,
    /// What is lost.
    pub any: &'a AnyOf,
    /// What chance is drawn from.
    pub seed: u64,
    /// How long after a loss everything must be well again.
    pub within: Duration,
    /// Is told how many rehearsals are over.
    pub told: &'a (dyn Fn(usize) + Sync),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SurvivalError {
    /// Nothing can be lost.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// A rehearsal failed.
    #[error(transparent)]
    Rehearsal(#[from] RehearsalError),
}

/// A cluster before the loss.
struct Settled {
    desired: Arc<Desired>,
    /// From when on it was well.
    at: Duration,
    /// Where every instance is.
    before: BTreeMap<String, String>,
    /// What is wrong with it even without a loss.
    finding: Finding,
}

/// Loses each in turn.
pub fn survive(question: &Question<'_>, edited: &Edited<'_>) -> Result<Survival, SurvivalError> {
    let losses = question.any.losses(question.desired)?;
    let rehearsals = Rehearsals {
        question,
        over: AtomicUsize::new(0),
    };
    let settled = rehearsals.settle(question.desired)?;
    let mut outcomes = rehearsals.all(&losses, &settled)?;
    rehearsals.mend(&losses, &mut outcomes, &settled, edited)?;
    let together = rehearsals.together(&losses, &outcomes, edited)?;
    let desired = question.desired;
    Ok(Survival {
        cluster: desired.cluster.to_string(),
        lost: question.any.to_string(),
        seed: question.seed,
        hosts: desired.hosts.len(),
        instances: desired.instances().count(),
        spared: question.any.spared(desired),
        within_ms: millis(question.within),
        losses: outcomes,
        together,
    })
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Nothing is lost: what is wrong then is wrong anyway.
fn nothing() -> Loss {
    Loss {
        name: "nothing".to_owned(),
        hosts: BTreeSet::new(),
        events: Vec::new(),
    }
}

struct Rehearsals<'a> {
    question: &'a Question<'a>,
    over: AtomicUsize,
}

impl Rehearsals<'_> {
    fn run(
        &self,
        desired: &Arc<Desired>,
        events: Vec<Event>,
        after: Duration,
    ) -> Result<Rehearsal, RehearsalError> {
        let first = self.question.scenario;
        let scenario = Scenario {
            machines: self.machines(desired),
            events: first.events.iter().cloned().chain(events).collect(),
            ..Scenario::default()
        };
        let rehearsal = rehearse(desired, &scenario, self.question.seed, after);
        (self.question.told)(self.over.fetch_add(1, Ordering::Relaxed) + 1);
        rehearsal
    }

    /// Hosts that are not there yet are no better than the smallest that is.
    fn machines(&self, desired: &Desired) -> BTreeMap<HostId, Machine> {
        let said = &self.question.scenario.machines;
        let old = self.question.desired.hosts.keys();
        let all = old.map(|host| said.get(host).cloned().unwrap_or_default());
        let smallest = all.min_by_key(|machine| (machine.memory, machine.cpus));
        let machine = |host: &HostId| {
            let is_old = self.question.desired.hosts.contains_key(host);
            let like = if is_old { None } else { smallest.clone() };
            Some((host.clone(), said.get(host).cloned().or(like)?))
        };
        desired.hosts.keys().filter_map(machine).collect()
    }

    /// Lets a cluster settle, and gives it more time where it needs that.
    fn settle(&self, desired: &Arc<Desired>) -> Result<Settled, RehearsalError> {
        let [soon, later] = SETTLES;
        let settled = self.settle_within(desired, soon)?;
        match settled.finding.survived() {
            true => Ok(settled),
            false => self.settle_within(desired, later),
        }
    }

    fn settle_within(
        &self,
        desired: &Arc<Desired>,
        span: Duration,
    ) -> Result<Settled, RehearsalError> {
        let rehearsal = self.run(desired, Vec::new(), span)?;
        let start = self.question.scenario.last();
        let last = last_change(&rehearsal).max(start);
        let case = Case {
            desired,
            rehearsal: &rehearsal,
            at_ms: millis(last),
            lost: &BTreeSet::new(),
            before: &BTreeMap::new(),
        };
        Ok(Settled {
            finding: case.judge(),
            desired: Arc::clone(desired),
            at: last + SETTLED,
            before: placement(&rehearsal),
        })
    }

    fn lose(&self, loss: &Loss, settled: &Settled) -> Result<Finding, RehearsalError> {
        let loss = self.question.any.again(loss, &settled.desired);
        let events = at(&loss, settled.at);
        let rehearsal = self.run(&settled.desired, events, self.question.within)?;
        Ok(judged(&settled.desired, &rehearsal, &loss, settled))
    }

    /// Every loss; only what is wrong without one, where there is something.
    fn all(&self, losses: &[Loss], settled: &Settled) -> Result<Vec<Outcome>, RehearsalError> {
        if !settled.finding.survived() {
            return Ok(vec![outcome(&nothing(), settled.finding.clone())]);
        }
        let found = in_parallel(losses, |loss| self.lose(loss, settled));
        let each = losses.iter().zip(found);
        each.map(|(loss, found)| Ok(outcome(loss, found?)))
            .collect()
    }
}

/// What happens with a loss at a moment.
fn at(loss: &Loss, moment: Duration) -> Vec<Event> {
    let events = loss.events.iter().cloned();
    let later = events.map(|event| Event {
        at: moment + event.at,
        ..event
    });
    later.collect()
}

fn judged(desired: &Desired, rehearsal: &Rehearsal, loss: &Loss, before: &Settled) -> Finding {
    let case = Case {
        desired,
        rehearsal,
        at_ms: millis(before.at),
        lost: &loss.hosts,
        before: &before.before,
    };
    case.judge()
}

/// Whether every instance and VIP had been well for a while at that moment.
fn was_well(rehearsal: &Rehearsal, at_ms: u64) -> bool {
    let since = at_ms.saturating_sub(millis(SETTLED) / 2);
    let lanes = rehearsal.lanes.iter();
    let mut watched = lanes.filter(|lane| lane.kind != LaneKind::Host);
    watched.all(|lane| {
        let mut good = lane.stretches.iter().filter(|s| s.state == State::Good);
        good.any(|s| s.from_ms <= since && s.to_ms >= at_ms)
    })
}

fn outcome(loss: &Loss, finding: Finding) -> Outcome {
    Outcome {
        lost: loss.name.clone(),
        survived: finding.survived(),
        finding,
        mend: None,
    }
}

/// When the last instance or VIP became what it is at the end.
fn last_change(rehearsal: &Rehearsal) -> Duration {
    let lanes = rehearsal
        .lanes
        .iter()
        .filter(|lane| lane.kind != LaneKind::Host);
    let last = lanes.filter_map(|lane| lane.stretches.last());
    let last = last.filter(|s| s.state == State::Good).map(|s| s.from_ms);
    Duration::from_millis(last.max().unwrap_or(0))
}

fn placement(rehearsal: &Rehearsal) -> BTreeMap<String, String> {
    let placed = rehearsal.placement.iter();
    placed
        .filter_map(|p| Some((p.instance.clone(), p.host.clone()?)))
        .collect()
}
