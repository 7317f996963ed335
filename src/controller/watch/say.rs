//! What the log tells of a round.

use tracing::{error, info, warn};

use super::Watch;
use crate::model::plan::{NoticeKind, Plan};

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
}
