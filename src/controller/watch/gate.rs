//! A state of the file comes into force as a whole, when the guards let it pass. Until then the one before it is worked
//! with, and what it needs to be healed is done.

use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info};

use super::Watch;
use crate::controller::look::{Beats, Eyes};
use crate::controller::session::Round;
use crate::execute::Hands;
use crate::memory;
use crate::model::desired::{Desired, Revision};
use crate::model::facts::Observed;
use crate::model::gate::Pending;
use crate::model::plan::Plan;
use crate::model::policy::OnFailure;
use crate::model::time::Timestamp;
use crate::ports::store::StoreError;

/// From one look at what waits to the next, while nothing else asks for one.
const RECONSIDER: Duration = Duration::from_secs(60);

/// Who is told which state of the file is in force, and which one waits.
pub trait Admission: Send + Sync {
    /// This one is in force from now on.
    fn in_force(&self, desired: &Arc<Desired>);
    /// This one waits.
    fn waits(&self, pending: &Pending);
    /// This one is to be held back from now on, by an order of our own.
    fn roll_back(&self, revision: &Revision, why: &str);
}

/// A state of the file that is not in force yet, with its ports.
pub(super) struct Candidate {
    desired: Arc<Desired>,
    ports: Box<(Hands, Eyes)>,
    /// When it is to be looked at; none: with the next look.
    due: Option<Timestamp>,
}

impl Candidate {
    pub(super) fn new(desired: Arc<Desired>, ports: Box<(Hands, Eyes)>) -> Self {
        Candidate {
            desired,
            ports,
            due: None,
        }
    }
}

impl Watch {
    /// What waits is looked at with the next look: something was ordered.
    pub(super) fn reconsider(&mut self) {
        if let Some(candidate) = &mut self.candidate {
            candidate.due = None;
        }
    }

    /// The round of what waits, where it comes into force by that; else nothing has happened.
    pub(super) async fn admitted(
        &mut self,
        beats: &Beats<'_>,
    ) -> Result<Option<Round>, StoreError> {
        let now = self.session.watcher.eyes.clock.now();
        let is_due = |candidate: &mut Candidate| candidate.due.is_none_or(|due| due <= now);
        let Some(mut candidate) = self.candidate.take_if(is_due) else {
            return Ok(None);
        };
        let (desired, eyes) = (Arc::clone(&candidate.desired), candidate.ports.1.clone());
        let former = self.session.watcher.try_on(desired, eyes);
        let round = self.session.watcher.round(beats).await;
        if round.plan.is_held() {
            self.session.watcher.put_back(former);
            self.hold(&round.plan)?;
            let after = now.plus(RECONSIDER);
            candidate.due = Some(self.opens.map_or(after, |opens| after.min(opens)));
            self.candidate = Some(candidate);
            return Ok(None);
        }
        self.opens = None;
        self.session.bring_into_force()?;
        self.admission.in_force(&candidate.desired);
        self.follow(&former.desired, candidate.ports.0);
        Ok(Some(round))
    }

    /// A guard holds a state of the file. That is said once.
    fn hold(&mut self, plan: &Plan) -> Result<(), StoreError> {
        self.opens = plan.gate.as_ref().and_then(|gate| gate.opens);
        let before = self.session.watcher.memory.pending.take();
        memory::hold_pending(&mut self.session.watcher.memory, plan, before.as_ref());
        let pending = &self.session.watcher.memory.pending;
        if let Some(pending) = pending
            .as_ref()
            .filter(|pending| before.as_ref() != Some(*pending))
        {
            say(pending);
            self.admission.waits(pending);
        }
        self.session.save()
    }

    /// Where the file says so, a state with which an instance does not come up makes way for the last good one.
    pub(super) fn roll_back_what_fails(&mut self, observed: &Observed) -> Result<(), StoreError> {
        let watcher = &mut self.session.watcher;
        let revision = &watcher.desired.revision;
        let asked = watcher.desired.changes.on_failure == OnFailure::Rollback;
        let told = watcher.memory.rolled_back.as_ref() == Some(revision);
        let Some(instance) =
            memory::failing(&watcher.memory, observed, revision).filter(|_| asked && !told)
        else {
            return Ok(());
        };
        let why = format!("{instance} does not come up with it");
        error!(%revision, "the change failed and is rolled back: {why}");
        self.admission.roll_back(revision, &why);
        watcher.memory.rolled_back = Some(revision.clone());
        self.session.save()
    }

    /// The state of the file that a controller begins with comes into force by its first plan, or nothing of it is done.
    pub(super) fn begin_with(&mut self, plan: &mut Plan) -> Result<(), StoreError> {
        let memory = &self.session.watcher.memory;
        if memory.in_force.as_ref() == Some(&plan.revision) {
            return Ok(());
        }
        if plan.is_held() {
            // What is newer is what waits.
            if self.candidate.is_none() {
                self.hold(plan)?;
            }
            plan.actions.clear();
            return Ok(());
        }
        self.session.bring_into_force()?;
        let desired = Arc::clone(&self.session.watcher.desired);
        self.admission.in_force(&desired);
        Ok(())
    }
}

fn say(pending: &Pending) {
    let (revision, change) = (&pending.revision, &pending.change);
    for guard in &pending.guards {
        let help = guard.help.as_ref().map(|help| format!("\n  help: {help}"));
        let (word, text) = (guard.guard.word(), &guard.text);
        let help = help.unwrap_or_default();
        error!(%revision, %change, "the change waits: {word}: {text}{help}");
    }
    info!(%revision, "the state before it stays in force");
}
