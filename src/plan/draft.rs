//! A plan in the making: actions get their numbers, reasons their lines.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::action::Operation;
use crate::model::desired::Line;
use crate::model::plan::{
    Action, ActionId, FileChange, Interruption, Motive, Notice, Reason, ReasonCode,
};
use crate::model::time::Timestamp;

/// A plan in the making.
#[derive(Debug, Default)]
pub struct Draft {
    /// What to do so far.
    pub actions: Vec<Action>,
    /// What is not done, and why, so far.
    pub notices: Vec<Notice>,
    /// Things that are as desired.
    pub unchanged: usize,
    /// The next moment at which the decision may be another one by nothing but time.
    pub look_again: Option<Timestamp>,
}

/// An action without its number.
#[derive(Debug)]
pub struct Step {
    motive: Motive,
    operation: Operation,
    summary: String,
    reason: Reason,
    interrupts: Option<Interruption>,
    needs: BTreeSet<ActionId>,
    after: BTreeSet<ActionId>,
    changes: Vec<FileChange>,
}

impl Step {
    /// Something to do because reality changed.
    pub fn heal(operation: Operation, summary: String, reason: Reason) -> Self {
        Self::new(Motive::Heal, operation, summary, reason)
    }

    /// Something to do because the file changed.
    pub fn change(operation: Operation, summary: String, reason: Reason) -> Self {
        Self::new(Motive::Change, operation, summary, reason)
    }

    /// Something to do.
    pub fn new(motive: Motive, operation: Operation, summary: String, reason: Reason) -> Self {
        Step {
            motive,
            operation,
            summary,
            reason,
            interrupts: None,
            needs: BTreeSet::new(),
            after: BTreeSet::new(),
            changes: Vec::new(),
        }
    }

    /// These must have succeeded before.
    pub fn needs(mut self, actions: impl IntoIterator<Item = ActionId>) -> Self {
        self.needs.extend(actions);
        self
    }

    /// These must have ended before.
    pub fn after(mut self, actions: impl IntoIterator<Item = ActionId>) -> Self {
        self.after.extend(actions);
        self
    }

    /// It interrupts this.
    pub fn interrupts(mut self, what: Option<Interruption>) -> Self {
        self.interrupts = what;
        self
    }

    /// It ends what these say.
    pub fn ends(mut self, what: Option<String>) -> Self {
        self.interrupts = what.map(|what| Interruption {
            what,
            about: None,
            measured: None,
        });
        self
    }

    /// It changes these files.
    pub fn changes(mut self, changes: Vec<FileChange>) -> Self {
        self.changes = changes;
        self
    }
}

impl Draft {
    /// At this moment the decision may be another one.
    pub fn look_again_at(&mut self, at: Timestamp) {
        self.look_again = Some(self.look_again.map_or(at, |known| known.min(at)));
    }

    /// The actions in waves: what needs nothing first, then what needs only that, and so on; numbered anew.
    pub fn in_waves(self) -> Vec<Action> {
        let mut waves: BTreeMap<ActionId, usize> = BTreeMap::new();
        for action in &self.actions {
            let before = action.needs.iter().chain(&action.after);
            let wave = before
                .filter_map(|id| waves.get(id))
                .max()
                .map_or(0, |wave| wave + 1);
            waves.insert(action.id, wave);
        }
        let mut actions = self.actions;
        // By keys kept aside: actions are large, and sorting would move each many times.
        actions.sort_by_cached_key(|a| (waves.get(&a.id).copied(), a.id));
        let numbers: BTreeMap<ActionId, ActionId> = actions
            .iter()
            .zip(1..)
            .map(|(a, number)| (a.id, ActionId(number)))
            .collect();
        let renumber = |id: &ActionId| numbers.get(id).copied().unwrap_or(*id);
        for action in &mut actions {
            action.id = renumber(&action.id);
            action.needs = action.needs.iter().map(renumber).collect();
            action.after = action.after.iter().map(renumber).collect();
        }
        actions
    }

    /// An action by its number.
    pub fn action(&self, id: ActionId) -> Option<&Action> {
        self.actions.get((id.0 as usize).checked_sub(1)?)
    }

    /// Adds a step and returns its number.
    pub fn push(&mut self, step: Step) -> ActionId {
        let id = ActionId(u32::try_from(self.actions.len() + 1).unwrap_or(u32::MAX));
        let (needs, after) = self.without_implied(step.needs, step.after);
        self.actions.push(Action {
            id,
            motive: step.motive,
            operation: step.operation,
            summary: step.summary,
            reason: step.reason,
            interrupts: step.interrupts,
            needs,
            after,
            changes: step.changes,
        });
        id
    }

    /// What an action needs has needs of its own, and those need not be said again.
    fn without_implied(
        &self,
        needs: BTreeSet<ActionId>,
        after: BTreeSet<ActionId>,
    ) -> (BTreeSet<ActionId>, BTreeSet<ActionId>) {
        let needed = |id: &ActionId| self.action(*id);
        let implied: BTreeSet<ActionId> = needs
            .iter()
            .filter_map(needed)
            .flat_map(|a| &a.needs)
            .copied()
            .collect();
        let ended: BTreeSet<ActionId> = needs
            .iter()
            .filter_map(needed)
            .flat_map(|a| &a.after)
            .copied()
            .collect();
        let after = after
            .into_iter()
            .filter(|id| !needs.contains(id) && !implied.contains(id) && !ended.contains(id));
        let after = after.collect();
        (needs.difference(&implied).copied().collect(), after)
    }
}

/// A reason without a line.
pub fn reason(code: ReasonCode, text: impl Into<String>) -> Reason {
    Reason {
        code,
        text: text.into(),
        line: None,
    }
}

/// A reason that stands in the file.
pub fn reason_at(code: ReasonCode, text: impl Into<String>, line: Option<Line>) -> Reason {
    Reason {
        code,
        text: text.into(),
        line,
    }
}
