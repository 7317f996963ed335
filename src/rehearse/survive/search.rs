//! The search for what mends a loss: each proposal is rehearsed, until one mends it and breaks nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::judge::Finding;
use super::losses::Loss;
use super::mends::{self, Mend};
use super::parallel::{cores, in_parallel};
use super::report::{Mended, Outcome};
use super::{Edited, Rehearsals, SETTLES, Settled, at, judged, millis, nothing, was_well};
use crate::model::desired::Desired;
use crate::rehearse::RehearsalError;

/// Of more losses that are not survived, only the first are mended.
const MOST_MENDED: usize = 20;

/// What the search for mends knows.
struct Search<'a> {
    settled: &'a Settled,
    edited: &'a Edited<'a>,
    /// Losses that are survived without a mend, and must be with one.
    kept: Vec<&'a Loss>,
    /// Whether they are, with these changes.
    harmless: BTreeMap<BTreeMap<String, String>, bool>,
}

impl Search<'_> {
    /// A mend without the keys that change nothing, and the cluster with it; none: that would not be valid.
    fn written(&self, mend: &Mend) -> Option<(Mend, Arc<Desired>)> {
        let desired = (self.edited)(&mend.changes)?;
        let mut needed = mend.clone();
        for key in mend.changes.keys().filter(|_| mend.changes.len() > 1) {
            let mut fewer = needed.changes.clone();
            fewer.remove(key);
            if (self.edited)(&fewer).is_some_and(|without| is_equal(&without, &desired)) {
                needed.changes = fewer;
            }
        }
        Some((needed, desired))
    }
}

impl Rehearsals<'_> {
    /// Looks for what mends the losses that were not survived.
    pub(super) fn mend(
        &self,
        losses: &[Loss],
        outcomes: &mut [Outcome],
        settled: &Settled,
        edited: &Edited<'_>,
    ) -> Result<(), RehearsalError> {
        let nothing = nothing();
        let kept = losses.iter().zip(outcomes.iter());
        let kept = kept.filter_map(|(loss, outcome)| outcome.survived.then_some(loss));
        let mut search = Search {
            settled,
            edited,
            kept: kept.collect(),
            harmless: BTreeMap::new(),
        };
        let broken = outcomes.iter_mut().filter(|outcome| !outcome.survived);
        for (number, outcome) in broken.enumerate() {
            let loss = losses.iter().find(|loss| loss.name == outcome.lost);
            outcome.mend = Some(match number < MOST_MENDED {
                true => self.mended(loss.unwrap_or(&nothing), &outcome.finding, &mut search)?,
                false => Mended::NotSought,
            });
        }
        Ok(())
    }

    /// The first change with which a loss is survived, and each that was survived without it. So many are tried at a
    /// time as there are cores; which one is the first does not depend on that.
    fn mended(
        &self,
        loss: &Loss,
        finding: &Finding,
        search: &mut Search<'_>,
    ) -> Result<Mended, RehearsalError> {
        let proposals = mends::proposals(self.question.desired, loss, finding);
        let mut tried = 0;
        for some in proposals.chunks(cores()) {
            let valid = some.iter().filter_map(|mend| search.written(mend));
            let valid: Vec<(Mend, Arc<Desired>)> = valid.collect();
            tried += valid.len();
            let settled = search.settled;
            let survived =
                in_parallel(&valid, |(_, desired)| self.survives(loss, desired, settled));
            for ((mend, desired), survived) in valid.iter().zip(survived) {
                if survived? && self.is_harmless(mend, desired, search)? {
                    return Ok(Mended::By(mend.clone()));
                }
            }
        }
        Ok(Mended::ByNone(tried))
    }

    /// Whether with a change no loss breaks anything that broke nothing before: one that only moves a VIP to another
    /// host mends the loss of one, and breaks that of the other.
    fn is_harmless(
        &self,
        mend: &Mend,
        desired: &Arc<Desired>,
        search: &mut Search<'_>,
    ) -> Result<bool, RehearsalError> {
        if let Some(known) = search.harmless.get(&mend.changes) {
            return Ok(*known);
        }
        let mut harmless = true;
        for some in search.kept.chunks(cores()) {
            let survived = in_parallel(some, |loss| self.survives(loss, desired, search.settled));
            for survived in survived {
                harmless &= survived?;
            }
            if !harmless {
                break;
            }
        }
        search.harmless.insert(mend.changes.clone(), harmless);
        Ok(harmless)
    }

    /// Whether a loss is survived with a change. Mostly the cluster settles with it as soon as it did without: then one
    /// rehearsal tells all.
    fn survives(
        &self,
        loss: &Loss,
        desired: &Arc<Desired>,
        without: &Settled,
    ) -> Result<bool, RehearsalError> {
        if without.finding.survived() {
            let loss = self.question.any.again(loss, desired);
            let events = at(&loss, without.at);
            let rehearsal = self.run(desired, events, self.question.within)?;
            if was_well(&rehearsal, millis(without.at)) {
                return Ok(judged(desired, &rehearsal, &loss, without).survived());
            }
        }
        let settled = self.settle_within(desired, SETTLES[0])?;
        Ok(settled.finding.survived() && self.lose(loss, &settled)?.survived())
    }
}

/// Whether two files say the same, however it is written.
fn is_equal(one: &Desired, other: &Desired) -> bool {
    (&one.hosts, &one.groups, &one.safety) == (&other.hosts, &other.groups, &other.safety)
}
