//! What becomes of commits: each is pending, then all is as it says, or it failed. A commit that failed, and is in force again,
//! has not failed any more.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::board::{Board, Condition};
use super::conditions::Sight;
use crate::model::commit::CommitId;
use crate::model::desired::Revision;
use crate::model::event::{CommitStatus, EventKind, Severity};
use crate::model::followed::{Followed, RefusedCommit};
use crate::model::time::Timestamp;

/// Commits whose end is remembered: the next look is at the last ones.
const COMMITS: usize = 32;

/// What was last said of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    commit: CommitId,
    status: CommitStatus,
    /// The state of the file that it has; none: it was never in force.
    revision: Option<Revision>,
}

impl Board {
    /// Takes in what a round shows of commits.
    pub(super) fn commits(&mut self, sight: &Sight<'_>, open: &BTreeMap<String, Condition>) {
        let now = sight.observed.now;
        if let Some((commit, status, text)) = in_force(sight, open) {
            let revision = Some(sight.plan.revision.clone());
            let told = Told {
                commit,
                status,
                revision,
            };
            self.commit(told, text, now);
        }
        self.wait(sight, now);
        self.roll_back(sight, now);
    }

    /// Takes in what is known of the branch.
    pub fn followed(&mut self, followed: &Followed, now: Timestamp) {
        let is_refused =
            |refused: &&RefusedCommit| self.waiting.as_ref() != Some(&refused.commit.id);
        let Some(refused) = followed.refused.as_ref().filter(is_refused) else {
            self.open.remove("refused");
            return;
        };
        let (commit, status) = (&refused.commit, CommitStatus::Failure);
        let (id, by, why) = (&commit.id, &commit.author, &refused.why);
        let text = format!("commit {id} by {by} is not applied: {why}");
        let subject = format!("commit {id}");
        let condition = Condition::new(EventKind::Commit, Severity::Warning, &subject, text);
        let condition = Condition {
            commit: Some((id.clone(), status)),
            ..condition.stage(id.as_str()).without_end()
        };
        self.settle(Told {
            commit: id.clone(),
            status,
            revision: None,
        });
        self.put("refused", condition, now);
    }

    /// A commit that guards hold is neither refused nor carried out.
    fn wait(&mut self, sight: &Sight<'_>, now: Timestamp) {
        let waiting = waiting_commit(sight);
        self.waiting = waiting.as_ref().map(|(commit, ..)| commit.clone());
        if let Some((commit, revision, text)) = waiting {
            let told = Told {
                commit,
                status: CommitStatus::Pending,
                revision: Some(revision),
            };
            self.commit(told, text, now);
        }
    }

    /// Commits whose state of the file an operator holds back.
    fn roll_back(&mut self, sight: &Sight<'_>, now: Timestamp) {
        for (revision, order) in &sight.plan.orders.held {
            let held = |told: &&Told| told.revision.as_ref() == Some(revision);
            let Some(told) = self.commits.iter().find(held).cloned() else {
                continue;
            };
            let text = format!("commit {} is held back by {}", told.commit, order.by);
            let status = CommitStatus::Failure;
            self.commit(Told { status, ..told }, text, now);
        }
    }

    /// What became of a commit, where that is news. One that succeeded is carried out again and again without a word.
    fn commit(&mut self, told: Told, text: String, now: Timestamp) {
        let known = self
            .commits
            .iter()
            .find(|known| known.commit == told.commit);
        let is_news = match (known.map(|known| known.status), told.status) {
            (Some(CommitStatus::Success | CommitStatus::Failure), CommitStatus::Pending) => false,
            (known, status) => known != Some(status),
        };
        if !is_news {
            return;
        }
        let (id, status) = (told.commit.clone(), told.status);
        self.settle(told);
        let severity = match status {
            CommitStatus::Pending | CommitStatus::Success => Severity::Info,
            CommitStatus::Failure => Severity::Warning,
        };
        let subject = format!("commit {id}");
        let condition = Condition::new(EventKind::Commit, severity, &subject, text);
        let stage = format!("{} {}", id.as_str(), status.word());
        let condition = Condition {
            commit: Some((id, status)),
            ..condition.stage(stage).without_end()
        };
        self.put("commit", condition, now);
    }

    fn settle(&mut self, told: Told) {
        self.commits.retain(|known| known.commit != told.commit);
        self.commits.push(told);
        let surplus = self.commits.len().saturating_sub(COMMITS);
        self.commits.drain(..surplus);
    }
}

/// What became of the commit in force.
fn in_force(
    sight: &Sight<'_>,
    open: &BTreeMap<String, Condition>,
) -> Option<(CommitId, CommitStatus, String)> {
    let commit = sight.plan.commit.as_ref()?;
    let change = open.get("change");
    let halted = change.filter(|change| change.severity > Severity::Info);
    let who = format!("{} by {}", commit.id, commit.author);
    let (status, text) = match (sight.plan.converged(), halted) {
        (true, _) => (
            CommitStatus::Success,
            format!("all is as commit {who} says"),
        ),
        (false, Some(change)) => (
            CommitStatus::Failure,
            format!("commit {who}: {}", change.text),
        ),
        (false, None) => (
            CommitStatus::Pending,
            format!("commit {who} is in force, and is carried out"),
        ),
    };
    Some((commit.id.clone(), status, text))
}

/// The commit that guards hold, and what is said of it.
fn waiting_commit(sight: &Sight<'_>) -> Option<(CommitId, Revision, String)> {
    let pending = sight.memory.pending.as_ref()?;
    let commit = pending.commit.as_ref()?;
    let why: Vec<&str> = pending
        .guards
        .iter()
        .map(|guard| guard.text.as_str())
        .collect();
    let (author, why) = (&commit.author, why.join("; "));
    let text = format!("commit {} by {author} waits: {why}", commit.id);
    Some((commit.id.clone(), pending.revision.clone(), text))
}
