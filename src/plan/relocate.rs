//! A guest leaves its host for another one: it ends there, and is made here, with another address. In that order: an
//! instance never runs twice by our own doing.

use super::Planner;
use super::build::Purpose;
use super::draft::reason_at;
use super::gap::Gap;
use super::inventory::Found;
use super::placement::{Cause, Move, Place};
use crate::model::desired::Group;
use crate::model::id::InstanceId;
use crate::model::plan::{Motive, Reason, ReasonCode};

impl<'a> Planner<'a> {
    /// Why a guest with this place leaves its host, where it does.
    pub(super) fn relocation(&self, group: &Group, place: &Place<'_>) -> Option<(Motive, Reason)> {
        let moves = place.moves.as_ref()?;
        let key = match moves.cause {
            Cause::Unaddressed => format!("hosts.{}.pool", moves.from),
            _ => format!("{}.placement", group.key()),
        };
        let line = self.round.desired.lines.of(&key);
        let code = match moves.cause {
            Cause::Uneven => ReasonCode::Uneven,
            _ => ReasonCode::Misplaced,
        };
        let reason = reason_at(code, moves.text.clone(), line);
        Some((motive_of(moves), reason))
    }

    /// Moves a guest that serves: out of rotation, ended, made elsewhere, well again, back.
    pub(super) fn relocate_in_row(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        found: &Found<'_>,
        (motive, reason): (Motive, Reason),
    ) -> Option<()> {
        let prepared = self.prepare(instance)?;
        let needs = self.step_aside(instance, group, (motive, &reason), prepared.copy);
        let interrupts = self.noticed(instance, group, Gap::Rebuild);
        let end = self.push_destroy(found, motive, reason.clone(), &needs, None);
        let purpose = Purpose {
            motive,
            reason,
            needs: vec![end],
            interrupts,
        };
        let end = self.carry_on(instance, prepared, purpose)?;
        self.back_in_row(instance, group, self.round.place(instance)?.address, end);
        Some(())
    }

    /// Why a guest ends for the sake of another one, where it does.
    pub(super) fn yields(&self, instance: &InstanceId, group: &Group) -> Option<Reason> {
        let text = self.round.placement.yielding.get(instance)?;
        let line = self
            .round
            .desired
            .lines
            .of(&format!("{}.placement", group.key()));
        Some(reason_at(ReasonCode::Misplaced, text.clone(), line))
    }

    /// Ends a guest that serves. Where it belongs it is made in a later round.
    pub(super) fn yield_in_row(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        found: &Found<'_>,
        reason: Reason,
    ) -> Option<()> {
        let needs = self.step_aside(instance, group, (Motive::Change, &reason), None);
        let id = self.push_destroy(found, Motive::Change, reason, &needs, None);
        self.row = Some(id);
        Some(())
    }

    /// Makes a dead guest elsewhere; what is left of it on its host ends first.
    pub(super) fn relocate_dead(
        &mut self,
        instance: &InstanceId,
        found: &Found<'_>,
        reason: Reason,
    ) -> Option<()> {
        let prepared = self.prepare(instance)?;
        let end = self.push_destroy(found, Motive::Heal, reason.clone(), &[], None);
        let purpose = Purpose {
            motive: Motive::Heal,
            reason,
            needs: vec![end],
            interrupts: None,
        };
        self.carry_on(instance, prepared, purpose).map(|_| ())
    }
}

/// Whom the move serves.
fn motive_of(moves: &Move<'_>) -> Motive {
    match moves.cause {
        Cause::Pinned
        | Cause::NotRequired
        | Cause::Rival
        | Cause::Apart
        | Cause::Outgrown
        | Cause::Unaddressed => Motive::Change,
        Cause::Drained | Cause::Leaving | Cause::Failback | Cause::Uneven => Motive::Move,
        Cause::Failing => Motive::Heal,
    }
}
