//! What the log tells of a round, and what people elsewhere are told of.

use tracing::{error, info, warn};

use super::Watch;
use crate::model::facts::Observed;
use crate::model::plan::{NoticeKind, Plan};
use crate::ports::herald::Word;

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

    /// Whoever tells people elsewhere hears of a round, unless another controller is at work: that one tells them.
    pub(super) fn tell_of(&self, observed: &Observed, plan: &Plan) {
        if !self.leaves_it_to_another() {
            let watcher = &self.session.watcher;
            self.herald
                .round(&watcher.desired, observed, &watcher.memory, plan);
        }
    }
}
