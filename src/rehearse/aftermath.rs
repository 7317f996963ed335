//! What followed from each failure: what clients noticed of it, and when all was back. Pure.

use std::collections::BTreeMap;

use super::recovery::{self, Strength, Window};
use super::report::{Entry, Failure, Hit, Target, What};
use crate::model::plan::NoticeKind;

/// Every failure in the timeline, and what followed from it until the next one, or until it was over. `asked`: when a person
/// asked for something. `left`: what the last plan says.
pub fn failures(
    timeline: &[Entry],
    asked: &[u64],
    strength: &Strength,
    targets: &[Target],
    left: &[What],
) -> Vec<Failure> {
    let failed = failed(timeline);
    let news = news(timeline, asked);
    let short = |window| {
        let mut absent = strength.never_back(window);
        absent.retain(|instance| is_blocked(left, &instance.to_string()));
        absent
    };
    let starts = failed.keys().copied();
    let ends = starts.clone().skip(1).chain([u64::MAX]);
    let windows = starts.zip(ends).map(|(at, until)| Window { at, until });
    let windows = windows.map(|w| strength.until_over(w, targets, &short(w), &news));
    let each = failed.values().zip(windows);
    each.map(|(what, window)| {
        let absent = short(window);
        let serves_again = strength.serves_again(window, targets);
        let whole_again = strength.whole_again(window, targets, &absent);
        Failure {
            at_ms: window.at,
            what: what.join(", "),
            hit: hits(targets, window),
            serves_again,
            whole_again: whole_again.max(serves_again),
            short: absent.iter().map(ToString::to_string).collect(),
        }
    })
    .collect()
}

/// The moments at which something else may begin: all is as desired, or a person asks for something.
fn news(timeline: &[Entry], asked: &[u64]) -> Vec<u64> {
    let converged = timeline.iter().filter(|e| e.what == What::Converged);
    let converged = converged.map(|e| e.at_ms);
    converged.chain(asked.iter().copied()).collect()
}

/// Failures by their time: what happens at one moment can't be told apart by what follows.
fn failed(timeline: &[Entry]) -> BTreeMap<u64, Vec<String>> {
    let mut together: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for entry in timeline {
        if let What::Happens {
            text,
            failure: true,
        } = &entry.what
        {
            let at = together.entry(entry.at_ms).or_default();
            at.push(text.clone());
        }
    }
    together
}

/// Whether the plan says that something can't be.
fn is_blocked(left: &[What], subject: &str) -> bool {
    left.iter().any(|what| match what {
        What::Says {
            notice: NoticeKind::Blocked,
            subjects,
            ..
        } => subjects.iter().any(|s| s == subject),
        _ => false,
    })
}

/// What went down from a failure on, before it was over.
fn hits(targets: &[Target], window: Window) -> Vec<Hit> {
    let hit = |target: &Target| {
        let last = recovery::last(&target.outages, window)?;
        Some(Hit {
            subject: target.subject.clone(),
            back_after_ms: last.to_ms.map(|to| to - window.at),
        })
    };
    targets.iter().filter_map(hit).collect()
}
