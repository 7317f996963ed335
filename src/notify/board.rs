//! What is the matter now, and since when. It is kept over restarts; losing it tells again what goes on, and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::commits::Told;
use super::conditions::{self, Sight};
use crate::model::commit::CommitId;
use crate::model::desired::{Desired, Revision};
use crate::model::event::{CommitStatus, Event, EventKind, EventState, Severity};
use crate::model::id::{ClusterName, GroupId, InstanceId};
use crate::model::plan::{HistoryEntry, Motive, Outcome};
use crate::model::time::Timestamp;
use crate::model::unit::span;

/// How long what is over is remembered for whoever was told of it, and not yet of its end.
const CLOSED: Duration = Duration::from_secs(86_400);

/// Something that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// What it is about.
    pub kind: EventKind,
    /// How bad it is.
    pub severity: Severity,
    /// Whom or what it is about.
    pub subject: String,
    /// In a sentence.
    pub text: String,
    /// How far it has come. Another stage is news, another text is not.
    pub stage: String,
    /// Since when.
    pub since: Timestamp,
    /// What is said when it is over; none: nothing.
    pub over: Option<String>,
    /// The commit that it is about, and what became of that.
    pub commit: Option<(CommitId, CommitStatus)>,
}

impl Condition {
    pub(crate) fn new(kind: EventKind, severity: Severity, subject: &str, text: String) -> Self {
        Condition {
            kind,
            severity,
            subject: subject.to_owned(),
            text,
            stage: String::new(),
            since: Timestamp::default(),
            over: Some(format!("{subject} is well again")),
            commit: None,
        }
    }

    pub(super) fn stage(self, stage: impl Into<String>) -> Self {
        Condition {
            stage: stage.into(),
            ..self
        }
    }

    pub(super) fn over(self, text: impl Into<String>) -> Self {
        Condition {
            over: Some(text.into()),
            ..self
        }
    }

    pub(super) fn without_end(self) -> Self {
        Condition { over: None, ..self }
    }
}

/// What events have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The cluster.
    pub cluster: ClusterName,
    /// The state of the file.
    pub revision: Revision,
    /// The commit that it is from.
    pub commit: Option<CommitId>,
}

impl Head {
    /// That of a state of the file.
    pub fn of(desired: &Desired) -> Head {
        Head {
            cluster: desired.cluster.clone(),
            revision: desired.revision.clone(),
            commit: desired.commit.as_ref().map(|commit| commit.id.clone()),
        }
    }

    pub(super) fn event(&self, id: String, condition: &Condition, at: Timestamp) -> Event {
        let (commit, status) = match &condition.commit {
            Some((commit, status)) => (Some(commit.clone()), Some(*status)),
            None => (self.commit.clone(), None),
        };
        Event {
            id,
            kind: condition.kind,
            severity: condition.severity,
            state: EventState::Opened,
            subject: condition.subject.clone(),
            text: condition.text.clone(),
            cluster: self.cluster.clone(),
            revision: self.revision.clone(),
            commit,
            status,
            at,
            after_ms: None,
        }
    }
}

/// What is the matter.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Board {
    /// What goes on, by a name that stays while it does.
    pub open: BTreeMap<String, Condition>,
    /// What went on and is over: when, and what is said of it.
    pub closed: BTreeMap<String, (Timestamp, String)>,
    /// Instances that served when they were last looked at, and were not worked on since.
    pub(super) serving: BTreeSet<InstanceId>,
    /// Who has each VIP.
    pub(super) holders: BTreeMap<GroupId, InstanceId>,
    /// What became of the last commits, the newest last.
    pub(super) commits: Vec<Told>,
    /// The commit that guards hold: it is not in force, and not refused.
    pub(super) waiting: Option<CommitId>,
}

/// Something that happened, by a name under which it is not told again for a while.
pub type Happened = (String, Condition);

impl Board {
    /// Takes in a round. What happened, beside what goes on.
    pub fn round(&mut self, sight: &Sight<'_>) -> Vec<Happened> {
        let happened = conditions::moved_vips(self, sight);
        let mut next = conditions::of_round(self, sight);
        let kept = self.open.iter().filter(|(_, c)| !is_of_rounds(c.kind));
        next.extend(kept.map(|(key, condition)| (key.clone(), condition.clone())));
        self.serving = conditions::serving(self, sight, &next);
        let now = sight.observed.now;
        self.commits(sight, &next);
        next.extend(self.open.get_key_value("commit").map(owned));
        self.replace(next, now, |condition| conditions::over(condition, sight));
        happened
    }

    /// Takes in how an action ended.
    pub fn ended(&mut self, entry: &HistoryEntry) -> Option<Happened> {
        if let Some(instance) = &entry.instance {
            // What is away by our own doing is not lost.
            self.serving.remove(instance);
        }
        let Outcome::Failed(why) = &entry.outcome else {
            return None;
        };
        if let (Motive::Change, Some(change)) = (entry.motive, self.open.get_mut("change")) {
            conditions::halt(change, &entry.summary, why);
        }
        let subject = match &entry.instance {
            Some(instance) => instance.to_string(),
            None => format!("host {}", entry.host),
        };
        let text = format!("{}: failed: {why}", entry.summary);
        let failed = Condition::new(EventKind::Action, Severity::Warning, &subject, text);
        Some((format!("action/{}/{subject}", entry.action), failed))
    }

    /// What is new in the file is not applied. Of all that is wrong with it, the first thing is told, and where.
    pub fn refused(&mut self, why: &str, now: Timestamp) {
        let lines = why
            .lines()
            .map(str::trim)
            .take_while(|line| !line.is_empty());
        let first: Vec<&str> = lines.take(2).collect();
        let first = first.join(" ");
        let text = format!("the file changed, and is not applied: {first}");
        let condition = Condition::new(EventKind::Edit, Severity::Warning, "the file", text);
        let condition = condition
            .stage(first)
            .over("what the file says can be applied again");
        self.put("edit", condition, now);
    }

    /// Memory and history can't be written.
    pub fn unwritten(&mut self, key: &str, why: &str, now: Timestamp) {
        let text = format!(
            "memory and history can't be written: {why}; healing goes on, and a controller that is killed now forgets"
        );
        let subject = "the controller";
        let condition = Condition::new(EventKind::Controller, Severity::Warning, subject, text);
        let condition = condition.over("memory and history are written again");
        self.put(key, condition, now);
    }

    /// Something happened to the controller.
    pub fn controller(severity: Severity, text: String) -> Happened {
        let condition = Condition::new(
            EventKind::Controller,
            severity,
            "the controller",
            text.clone(),
        );
        (format!("controller/{text}"), condition)
    }

    /// Something goes on that no round tells of.
    pub(super) fn put(&mut self, key: &str, condition: Condition, now: Timestamp) {
        let since = self.open.get(key).map_or(now, |known| known.since);
        self.open
            .insert(key.to_owned(), Condition { since, ..condition });
    }

    /// It is over.
    pub fn take(&mut self, key: &str, now: Timestamp) {
        if let Some(condition) = self.open.remove(key) {
            self.close(key, &condition, condition.over.clone(), now);
        }
    }

    fn replace(
        &mut self,
        next: BTreeMap<String, Condition>,
        now: Timestamp,
        over: impl Fn(&Condition) -> Option<String>,
    ) {
        let before = std::mem::take(&mut self.open);
        for (key, condition) in &before {
            if !next.contains_key(key) {
                self.close(key, condition, over(condition), now);
            }
        }
        for (key, condition) in next {
            let since = before.get(&key).map_or(now, |known| known.since);
            self.closed.remove(&key);
            self.open.insert(key, Condition { since, ..condition });
        }
    }

    fn close(&mut self, key: &str, condition: &Condition, over: Option<String>, now: Timestamp) {
        let Some(text) = over else { return };
        let text = format!("{text}, after {}", span(now.since(condition.since)));
        self.closed.insert(key.to_owned(), (now, text));
        self.closed.retain(|_, (at, _)| now.since(*at) < CLOSED);
    }
}

fn owned((key, condition): (&String, &Condition)) -> (String, Condition) {
    (key.clone(), condition.clone())
}

/// Whether each round says anew what there is of it.
fn is_of_rounds(kind: EventKind) -> bool {
    match kind {
        EventKind::Instance
        | EventKind::Host
        | EventKind::Brake
        | EventKind::Change
        | EventKind::Blocked
        | EventKind::Order => true,
        EventKind::Vip
        | EventKind::Action
        | EventKind::Commit
        | EventKind::Edit
        | EventKind::Controller
        | EventKind::Test => false,
    }
}
