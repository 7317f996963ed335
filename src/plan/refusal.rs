//! Why something that can't be seen is not given up yet, in words, with what a person can do about it. Decides nothing.

use crate::model::id::HostId;
use crate::model::plan::NoticeKind;
use crate::model::policy::FenceAgent;
use crate::model::time::Timestamp;
use crate::model::unit::span;

/// Why something is not given up yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    /// In words.
    pub text: String,
    /// What to do about it.
    pub help: Option<String>,
    /// When this may be otherwise by nothing but time.
    pub until: Option<Timestamp>,
}

impl Refusal {
    /// A device makes sure of it, unless the host is back before `lost`.
    pub(super) fn if_not_back(
        agent: &FenceAgent,
        host: &HostId,
        now: Timestamp,
        lost: Timestamp,
    ) -> Refusal {
        Refusal {
            text: format!(
                "{} switches host {host} off if it is not back in {}",
                agent.program,
                span(lost.since(now))
            ),
            help: None,
            until: Some(lost),
        }
    }

    /// What kind of notice says it.
    pub fn kind(&self) -> NoticeKind {
        match (self.until, &self.help) {
            (Some(_), _) => NoticeKind::Waiting,
            (None, Some(_)) => NoticeKind::Blocked,
            (None, None) => NoticeKind::Unknown,
        }
    }
}

/// What a person does about a host of which nothing shows that it is off.
pub(super) fn confirm(host: &HostId) -> String {
    format!("look at host {host}; once it is off: reconcile fence confirm {host}")
}
