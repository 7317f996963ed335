//! What is not as desired: the plan, condensed to one entry for each thing that it is about. Pure.

use super::{UndeliveredStatus, Wrong, WrongKind};
use crate::cli::text;
use crate::model::facts::{Observed, Seen, Unseen};
use crate::model::followed::Followed;
use crate::model::id::HostId;
use crate::model::plan::{Action, Motive, Notice, NoticeKind, Plan};
use crate::model::time::Timestamp;
use crate::model::unit::span;

pub(super) fn of(plan: &Plan, observed: &Observed) -> Vec<Wrong> {
    let mut wrong: Vec<Wrong> = Vec::new();
    for action in &plan.actions {
        add(&mut wrong, action);
    }
    wrong.extend(plan.notices.iter().map(of_notice));
    let silent = unseen(observed).filter(|(host, _)| !is_told(plan, host));
    wrong.extend(silent.map(|(host, unseen)| of_unseen(host, unseen)));
    wrong.sort_by_key(|wrong| wrong.kind);
    wrong
}

/// Later actions for the same thing only add their kind: the first one's reason is why it began.
fn add(wrong: &mut Vec<Wrong>, action: &Action) {
    let kind = match action.motive {
        Motive::Heal => WrongKind::Heal,
        Motive::Change | Motive::Move => WrongKind::Change,
    };
    let operation = &action.operation;
    let subject = match operation.instance() {
        Some(instance) => instance.to_string(),
        None => format!("host {}", operation.host()),
    };
    let known = wrong
        .iter_mut()
        .find(|w| w.kind == kind && w.subject == subject);
    match known {
        Some(known) if known.actions.contains(&operation.kind()) => {}
        Some(known) => known.actions.push(operation.kind()),
        None => wrong.push(Wrong {
            kind,
            subject,
            actions: vec![operation.kind()],
            reason: action.reason.text.clone(),
            help: None,
        }),
    }
}

fn of_notice(notice: &Notice) -> Wrong {
    Wrong {
        kind: match notice.kind {
            NoticeKind::Blocked => WrongKind::Blocked,
            NoticeKind::Unknown => WrongKind::Unknown,
            NoticeKind::Waiting => WrongKind::Waiting,
            NoticeKind::Warning => WrongKind::Warning,
        },
        subject: notice.subject.clone(),
        actions: Vec::new(),
        reason: notice.text.clone(),
        help: notice.help.clone(),
    }
}

/// A commit that is not applied, and a repository that can't be reached.
pub(super) fn of_followed(followed: &Followed, now: Timestamp) -> Vec<Wrong> {
    let refused = followed.refused.as_ref().map(|refused| Wrong {
        kind: WrongKind::Blocked,
        subject: format!("commit {}", refused.commit.id),
        actions: Vec::new(),
        reason: format!("by {}: not applied: {}", refused.commit.author, refused.why),
        help: refused.help.clone(),
    });
    let unreachable = followed.unreachable.as_ref().map(|unreachable| Wrong {
        kind: WrongKind::Warning,
        subject: "repository".to_owned(),
        actions: Vec::new(),
        reason: format!(
            "can't be reached for {}: {}",
            span(now.since(unreachable.since)),
            unreachable.why
        ),
        help: None,
    });
    refused.into_iter().chain(unreachable).collect()
}

/// Messages that don't arrive.
pub(super) fn of_undelivered(one: &UndeliveredStatus, now: Timestamp) -> Wrong {
    let messages = |number| text::count(number, "message");
    let waiting = one.since.map(|since| {
        let (waiting, since) = (messages(one.waiting), span(now.since(since)));
        format!("{waiting} can't be delivered for {since}")
    });
    let given_up = match one.given_up {
        0 => None,
        number => Some(format!("{} given up in the last day", messages(number))),
    };
    let all: Vec<String> = waiting.into_iter().chain(given_up).collect();
    Wrong {
        kind: WrongKind::Warning,
        subject: format!("receiver {}", one.receiver),
        actions: Vec::new(),
        reason: format!("{}: {}", all.join(", "), one.why),
        help: Some(format!("reconcile notify test {}", one.receiver)),
    }
}

fn unseen(observed: &Observed) -> impl Iterator<Item = (&HostId, &Unseen)> {
    observed.hosts.iter().filter_map(|(host, seen)| match seen {
        Seen::Yes(_) => None,
        Seen::No(unseen) => Some((host, unseen)),
    })
}

/// Whether the plan tells of an unseen host itself.
fn is_told(plan: &Plan, host: &HostId) -> bool {
    let about = |notice: &Notice| {
        notice
            .subject
            .split_whitespace()
            .any(|word| word == host.as_str())
    };
    plan.notices_of(NoticeKind::Unknown).any(about)
}

fn of_unseen(host: &HostId, unseen: &Unseen) -> Wrong {
    Wrong {
        kind: WrongKind::Unknown,
        subject: format!("host {host}"),
        actions: Vec::new(),
        reason: unseen.message.clone(),
        help: None,
    }
}
