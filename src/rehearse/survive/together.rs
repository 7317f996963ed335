//! The mends of all losses as one change, and every loss again with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::losses::Loss;
use super::mends::{self, Mend};
use super::parallel::in_parallel;
use super::report::{Mended, Outcome, Together};
use super::{Edited, Rehearsals};
use crate::model::desired::Desired;
use crate::rehearse::RehearsalError;

/// Where mends contradict each other, so many are tried for all losses.
const MOST_TRIED: usize = 5;

/// Keys, and their values as they are written.
type Changes = BTreeMap<String, String>;

impl Rehearsals<'_> {
    /// All mends at once; where they contradict each other, the first change that mends all.
    pub(super) fn together(
        &self,
        losses: &[Loss],
        outcomes: &[Outcome],
        edited: &Edited<'_>,
    ) -> Result<Option<Together>, RehearsalError> {
        let found: Vec<(&Outcome, &Mend)> = outcomes.iter().filter_map(mend_of).collect();
        if found.is_empty() || (found.len() < 2 && losses.len() < 2) {
            return Ok(None);
        }
        let differ = differ(&found);
        if differ.is_empty() {
            let all = found.iter().flat_map(|(_, mend)| mend.changes.clone());
            return self.with(all.collect(), edited);
        }
        let added = self.added(&found, losses, edited);
        let mut tried = BTreeSet::new();
        let singly = found.iter().map(|(_, mend)| mend.changes.clone());
        let candidates = added.into_iter().chain(singly);
        let candidates = candidates.filter(|changes| tried.insert(changes.clone()));
        for changes in candidates.take(MOST_TRIED) {
            let all = self.with(changes, edited)?;
            if matches!(&all, Some(Together::Rehearsed { broken, .. }) if broken.is_empty()) {
                return Ok(all);
            }
        }
        Ok(Some(Together::Apart { differ }))
    }

    /// Every loss with some changes, also of what they add; nothing where they are not valid.
    fn with(
        &self,
        changes: Changes,
        edited: &Edited<'_>,
    ) -> Result<Option<Together>, RehearsalError> {
        let Some(desired) = edited(&changes) else {
            return Ok(None);
        };
        let Ok(losses) = self.question.any.losses(&desired) else {
            return Ok(None);
        };
        let settled = self.settle(&desired)?;
        let found = in_parallel(&losses, |loss| self.lose(loss, &settled));
        let mut broken = Vec::new();
        for (loss, found) in losses.iter().zip(found) {
            if !settled.finding.survived() || !found?.survived() {
                broken.push(loss.name.clone());
            }
        }
        Ok(Some(Together::Rehearsed { changes, broken }))
    }

    /// One mend after the other, each on top of those before it: so a second new host has another name than the first.
    fn added(
        &self,
        found: &[(&Outcome, &Mend)],
        losses: &[Loss],
        edited: &Edited<'_>,
    ) -> Option<Changes> {
        let mut all = Changes::new();
        let mut said = BTreeSet::new();
        for (outcome, mend) in found.iter().filter(|(_, mend)| said.insert(&mend.text)) {
            let clashes = mend
                .changes
                .iter()
                .any(|(key, value)| all.get(key).is_some_and(|other| other != value));
            let changes = match clashes {
                false => mend.changes.clone(),
                true => {
                    let loss = losses.iter().find(|loss| loss.name == outcome.lost)?;
                    let desired: Arc<Desired> = edited(&all)?;
                    let proposals = mends::proposals(&desired, loss, &outcome.finding);
                    let same = proposals.into_iter().find(|p| p.text == mend.text)?;
                    same.changes
                }
            };
            all.extend(changes);
        }
        Some(all)
    }
}

fn mend_of(outcome: &Outcome) -> Option<(&Outcome, &Mend)> {
    match outcome.mend.as_ref()? {
        Mended::By(mend) => Some((outcome, mend)),
        Mended::ByNone(_) | Mended::NotSought => None,
    }
}

/// The keys that get more than one value.
fn differ(found: &[(&Outcome, &Mend)]) -> Vec<String> {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (key, value) in found.iter().flat_map(|(_, mend)| &mend.changes) {
        values.entry(key).or_default().insert(value);
    }
    let several = values.into_iter().filter(|(_, values)| values.len() > 1);
    several.map(|(key, _)| key.to_owned()).collect()
}
