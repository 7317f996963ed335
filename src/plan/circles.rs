//! What is put right again and again: somebody else changes it back. Both would go on for ever, each restart of a process among
//! it, so ours ends after a few times, and a person is told.

use std::time::Duration;

use super::Planner;
use crate::model::desired::Group;
use crate::model::id::InstanceId;
use crate::model::memory::{GuestMemory, Mended};
use crate::model::plan::{Notice, NoticeKind};
use crate::model::unit::span;

/// After so long it is tried once more: whoever did it may have stopped.
const REST: Duration = Duration::from_secs(3600);

impl Planner<'_> {
    /// Whether the files of a guest are left as somebody else wants them, for now. That is said.
    pub(super) fn goes_in_circles(&mut self, instance: &InstanceId, group: &Group) -> bool {
        let round = &self.round;
        let mended = round
            .memory
            .guests
            .get(instance)
            .and_then(GuestMemory::circle);
        let again = |mended: &Mended| {
            let retried = round.observed.orders.retried.get(instance);
            retried.is_some_and(|order| order.at > mended.last)
        };
        let now = round.observed.now;
        let rests = |mended: &Mended| now.since(mended.last) < REST;
        let this = |mended: &Mended| mended.revision == round.desired.revision;
        let Some(mended) = mended.filter(|it| this(it) && rests(it) && !again(it)) else {
            return false;
        };
        let ends = mended.last.plus(REST);
        let (times, took) = (mended.count, span(mended.last.since(mended.since)));
        let left = span(ends.since(now));
        let notice = Notice {
            kind: NoticeKind::Blocked,
            subject: instance.to_string(),
            text: format!(
                "its files were put right {times} times within {took}, and somebody changes them back: they are left as they are; tried again in {left}"
            ),
            help: Some(format!(
                "find who does it: reconcile drift; then: reconcile retry {instance}"
            )),
            line: round.desired.lines.of(&group.key()),
        };
        self.draft.notices.push(notice);
        self.draft.look_again_at(ends);
        true
    }
}
