//! Which commit of a branch is applied: the newest one, if whoever made it may say what is wanted and nobody rewrote what
//! was in force. What is refused changes nothing: the last good one stays in force.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::commit::{Commit, CommitId, Signature};
use crate::model::followed::{Followed, RefusedCommit, Unreachable};
use crate::model::id::ClusterName;
use crate::model::time::Timestamp;
use crate::ports::repository::{Repository, RepositoryError};

/// Which commits are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// Only such with a good signature.
    pub signed: bool,
    /// Also one that does not descend from the one in force.
    pub rewritten: bool,
}

/// Why a commit is not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why not.
    pub why: String,
    /// What would help.
    pub help: Option<String>,
}

/// What looking at a branch showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It ends where it did.
    None,
    /// It ends in another commit, which may be applied: with all its files in this directory.
    Commit(Box<Commit>, PathBuf),
    /// It ends in another commit, which is not applied.
    Refused(Box<Commit>, Refusal),
    /// Nobody knows where it ends.
    Unreachable(String),
}

/// Whether a commit may be applied. `descends`: it was made on top of the one in force, or is the first one.
pub fn judge(commit: &Commit, descends: bool, approved: bool, rules: Rules) -> Result<(), Refusal> {
    let good = matches!(commit.signature, Signature::Good { .. });
    if rules.signed && !good {
        return Err(Refusal {
            why: format!("it is {}", commit.signature.words()),
            help: Some(
                "sign it with a key that counts (git commit --amend -S; push), or name its key where reconcile is started"
                    .to_owned(),
            ),
        });
    }
    if !descends && !rules.rewritten && !approved {
        return Err(Refusal {
            why: "it was not made on top of the commit in force: somebody rewrote the branch"
                .to_owned(),
            help: Some(format!(
                "if that is meant: reconcile approve {}",
                commit.id.short()
            )),
        });
    }
    Ok(())
}

/// Follows a branch.
pub struct Follower {
    repository: Arc<dyn Repository>,
    rules: Rules,
    /// What is known of the branch.
    pub followed: Followed,
    /// What was found out of the end of the branch, where that is not in force.
    judged: Option<Judged>,
}

/// A commit that was examined.
struct Judged {
    commit: Commit,
    approved: bool,
    refusal: Option<Refusal>,
}

impl Judged {
    fn is(&self, id: &CommitId, approved: bool) -> bool {
        self.commit.id == *id && self.approved == approved
    }

    /// What there is to say of it when nothing has changed.
    fn again(&self) -> News {
        match &self.refusal {
            None => News::None,
            Some(refusal) => News::Refused(Box::new(self.commit.clone()), refusal.clone()),
        }
    }
}

impl Follower {
    /// One that knows so much already.
    pub fn new(repository: Arc<dyn Repository>, rules: Rules, followed: Followed) -> Self {
        Follower {
            repository,
            rules,
            followed,
            judged: None,
        }
    }

    /// Looks where the branch ends.
    pub async fn look(&mut self, approved: &BTreeSet<CommitId>, now: Timestamp) -> News {
        let head = match self.repository.fetch().await {
            Ok(head) => head,
            Err(error) => return self.not_reached(error.to_string(), now),
        };
        self.followed.reached_at = Some(now);
        let unreachable = self.followed.unreachable.take();
        let is_approved = approved.contains(&head);
        if self.is_in_force(&head) {
            // What was refused is gone.
            self.followed.refused = None;
            self.judged = None;
            return News::None;
        }
        if let Some(judged) = self.judged.as_ref().filter(|j| j.is(&head, is_approved)) {
            return judged.again();
        }
        let (commit, verdict) = match self.examine(&head, is_approved).await {
            Ok(examined) => examined,
            Err(error) => {
                self.followed.unreachable = unreachable;
                return self.not_reached(error.to_string(), now);
            }
        };
        let refusal = verdict.as_ref().err().cloned();
        if let Some(refusal) = &refusal {
            self.refuse(&commit, refusal, now);
        }
        self.judged = Some(Judged {
            commit: commit.clone(),
            approved: is_approved,
            refusal,
        });
        match verdict {
            Ok(files) => News::Commit(Box::new(commit), files),
            Err(refusal) => News::Refused(Box::new(commit), refusal),
        }
    }

    fn is_in_force(&self, head: &CommitId) -> bool {
        self.followed
            .applied
            .as_ref()
            .is_some_and(|commit| commit.id == *head)
    }

    async fn examine(
        &self,
        head: &CommitId,
        approved: bool,
    ) -> Result<(Commit, Result<PathBuf, Refusal>), RepositoryError> {
        let commit = self.repository.about(head).await?;
        let descends = match &self.followed.applied {
            None => true,
            Some(applied) => self.repository.descends(head, &applied.id).await?,
        };
        if let Err(refusal) = judge(&commit, descends, approved, self.rules) {
            return Ok((commit, Err(refusal)));
        }
        match self.repository.files(head).await {
            Ok(files) => Ok((commit, Ok(files))),
            // A full disk is no fault of the commit: it is tried again.
            Err(error @ RepositoryError::Unreachable(_)) => Err(error),
            Err(RepositoryError::Unusable(why)) => Ok((commit, Err(Refusal { why, help: None }))),
        }
    }

    fn not_reached(&mut self, why: String, now: Timestamp) -> News {
        let since = self
            .followed
            .unreachable
            .as_ref()
            .map_or(now, |before| before.since);
        self.followed.unreachable = Some(Unreachable {
            since,
            why: why.clone(),
        });
        News::Unreachable(why)
    }

    /// A commit is in force from now on.
    pub fn apply(&mut self, commit: &Commit, cluster: &ClusterName, now: Timestamp) {
        // What is in hand may still read files of the one before.
        let before = self.followed.applied.replace(commit.clone());
        let keep = [Some(commit), before.as_ref()].into_iter().flatten();
        let keep: Vec<CommitId> = keep.map(|commit| commit.id.clone()).collect();
        self.repository.tidy(&keep);
        self.followed.cluster = Some(cluster.clone());
        self.followed.applied_at = Some(now);
        self.followed.refused = None;
    }

    /// A commit is not applied.
    pub fn refuse(&mut self, commit: &Commit, refusal: &Refusal, now: Timestamp) {
        let before = self
            .followed
            .refused
            .take()
            .filter(|before| before.commit.id == commit.id);
        self.followed.refused = Some(RefusedCommit {
            commit: commit.clone(),
            since: before.map_or(now, |before| before.since),
            why: refusal.why.clone(),
            help: refusal.help.clone(),
        });
    }
}

#[cfg(test)]
mod tests;
