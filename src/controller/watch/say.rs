//! What the log tells of a round, and what people elsewhere are told of.

use std::time::Duration;

use tracing::{error, info, warn};

use super::Watch;
use crate::model::facts::Observed;
use crate::model::plan::{NoticeKind, Plan};
use crate::model::unit::span;
use crate::ports::herald::Word;

/// A clock that is kept right by the network moves by less.
const SET: Duration = Duration::from_secs(5);

impl Watch {
    /// Says what is new since the last round.
    pub(super) fn say(&mut self, plan: &Plan) {
        for notice in plan.notices.iter().filter(|n| {
            !self
                .said
                .iter()
                .any(|s| s.subject == n.subject && s.kind == n.kind)
        }) {
            match notice.kind {
                NoticeKind::Blocked => error!("blocked: {}: {}", notice.subject, notice.text),
                NoticeKind::Unknown => warn!("unknown: {}: {}", notice.subject, notice.text),
                NoticeKind::Waiting => info!("waiting: {}: {}", notice.subject, notice.text),
                NoticeKind::Warning => warn!("{}: {}", notice.subject, notice.text),
            }
        }
        if plan.converged() && !self.said.is_empty() {
            info!(revision = %plan.revision, "all is as desired");
        }
        self.said = plan.notices.clone();
    }

    /// What can't be written is said in the plan, and elsewhere; what has to wait for that waits.
    pub(super) fn heed_trouble(&mut self, plan: &mut Plan) {
        self.session.heed_trouble(plan);
        let trouble = self.session.trouble();
        let was_told = std::mem::replace(&mut self.told_of_trouble, trouble.is_some());
        match trouble {
            Some(trouble) if !was_told => self.herald.heard(Word::Unwritten(&trouble.why)),
            None if was_told => self.herald.heard(Word::Written),
            Some(_) | None => {}
        }
    }

    /// Whoever sets the clock hears that nothing is measured by it until the controller begins anew.
    pub(super) fn heed_clock(&mut self, observed: &Observed) {
        let ahead = observed.clock_ahead;
        if (ahead - self.clock_ahead).abs() < SET.as_millis() as i64 {
            return;
        }
        self.clock_ahead = ahead;
        let by = span(Duration::from_millis(ahead.unsigned_abs() / 1000 * 1000));
        let sign = if ahead < 0 { '-' } else { '+' };
        warn!(
            "the clock was set: by {sign}{by} since this controller began, which goes on by the time before; windows and the ends \
             of orders go by the new one; whether a host was confirmed off before or after that is not known: start the \
             controller anew before you confirm one"
        );
    }

    /// Whoever tells people elsewhere hears of a round, unless another controller is at work: that one tells them.
    pub(super) fn tell_of(&self, observed: &Observed, plan: &Plan) {
        if !self.leaves_it_to_another() {
            let watcher = &self.session.watcher;
            self.herald
                .round(&watcher.desired, observed, &watcher.memory, plan);
        }
    }
}
