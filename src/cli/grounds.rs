//! The grounds of each action of a plan, for `--why`: the line of the file, the evidence, what it waits for and why in that
//! order, and the hosts that were not taken. Pure.

mod waits;

use std::collections::BTreeMap;

use serde::Serialize;

use super::text;
use super::why_view::WhyReport;
use crate::model::action::Operation;
use crate::model::desired::{Desired, Line};
use crate::model::facts::Observed;
use crate::model::id::{HostId, InstanceId};
use crate::model::memory::Memory;
use crate::model::plan::{Action, ActionId, Plan};
use crate::model::unit::span;
use crate::plan::why;
use crate::render::redact;
pub use waits::Wait;

/// So many places are explained: each takes placing everybody once more.
const PLACES: usize = 50;

/// So many hosts that were not taken are told in lines; programs get all.
const HOSTS: usize = 6;

/// As much of a line of the file as is shown.
const WIDEST: usize = 160;

/// A line with one of these words may hold a secret: it is not shown.
const SECRET: [&str; 5] = ["passw", "secret", "token", "key", "credential"];

/// The grounds of all actions.
pub type AllGrounds = BTreeMap<ActionId, Grounds>;

/// The grounds of one action.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Grounds {
    /// The text of the line of the file that asks for it.
    pub line: Option<String>,
    /// What was observed that it rests on.
    pub evidence: Option<String>,
    /// What it waits for.
    pub waits: Vec<Wait>,
    /// Why there: what decided between the hosts.
    pub place: Option<String>,
    /// The hosts that were not taken, and why.
    pub not_taken: Vec<NotTaken>,
}

/// A host that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotTaken {
    /// Which.
    pub host: HostId,
    /// Why.
    pub why: String,
}

/// What a plan was made from.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// What is wanted.
    pub desired: &'a Desired,
    /// What was seen.
    pub observed: &'a Observed,
    /// What is remembered.
    pub memory: &'a Memory,
    /// The text of the file, where it is at hand.
    pub source: Option<&'a str>,
}

impl World<'_> {
    /// The grounds of each action of a plan.
    pub fn grounds(&self, plan: &Plan) -> AllGrounds {
        let mut explained = 0..PLACES;
        let all = plan.actions.iter().map(|action| {
            let placed = placed(&action.operation).and_then(|instance| {
                explained.next()?;
                why(self.desired, self.observed, self.memory, instance)
            });
            let report = placed.map(|why| WhyReport::of(self.desired, self.observed, &why, None));
            let not_taken = report.iter().flat_map(WhyReport::not_taken);
            let grounds = Grounds {
                line: action.reason.line.as_ref().and_then(|line| self.line(line)),
                evidence: self.evidence(action),
                waits: waits::of(action, plan, self.desired),
                place: report.as_ref().and_then(WhyReport::decision),
                not_taken: not_taken
                    .map(|(host, why)| NotTaken { host, why })
                    .collect(),
            };
            (action.id, grounds)
        });
        all.collect()
    }

    /// A line of the file. Of an included file only its place is known.
    fn line(&self, line: &Line) -> Option<String> {
        if line.file.is_some() {
            return None;
        }
        let number = usize::try_from(line.line).ok()?.checked_sub(1)?;
        let line = self.source?.lines().nth(number)?.trim();
        let lower = line.to_lowercase();
        if SECRET.iter().any(|word| lower.contains(word)) {
            return Some("(not shown: it may hold a secret)".to_owned());
        }
        Some(
            redact(line, &self.desired.secrets)
                .chars()
                .take(WIDEST)
                .collect(),
        )
    }

    /// What shows that a host is off, or since when a guest is silent.
    fn evidence(&self, action: &Action) -> Option<String> {
        let (instance, now) = (action.operation.instance()?, self.observed.now);
        let mut hosts = self.memory.hosts.iter();
        let fenced = hosts.find_map(|(id, host)| {
            let here = host.guests.contains_key(instance);
            host.fenced
                .as_ref()
                .filter(|_| here)
                .map(|evidence| (id, evidence))
        });
        if let Some((host, evidence)) = fenced {
            let ago = span(now.since(evidence.at));
            return Some(format!("host {host}: {} ({ago} ago)", evidence.text));
        }
        let beat = self
            .observed
            .beats
            .get(instance)
            .filter(|beat| beat.failures > 0)?;
        let last = beat
            .last_ok
            .map(|at| format!("the last heartbeat was {} ago", span(now.since(at))));
        let words = [last, beat.error.clone()].into_iter().flatten();
        let words: Vec<String> = words.collect();
        (!words.is_empty()).then(|| words.join("; then: "))
    }
}

/// Who gets a place by an action.
fn placed(operation: &Operation) -> Option<&InstanceId> {
    match operation {
        Operation::Create(build) => Some(&build.mark.instance),
        Operation::Recreate(_)
        | Operation::CopyImage(_)
        | Operation::Fence(_)
        | Operation::Destroy(_)
        | Operation::Sweep(_)
        | Operation::Bootstrap(_)
        | Operation::Rebind(_)
        | Operation::Configure(_)
        | Operation::AddVip(_)
        | Operation::DropVip(_)
        | Operation::SetMark(_)
        | Operation::FenceHost(_) => None,
    }
}

impl Grounds {
    /// In lines, each harmless.
    pub fn lines(&self, line: Option<&Line>) -> Vec<String> {
        let number = line.map_or(0, |line| line.line);
        let asked = self
            .line
            .as_ref()
            .map(|text| format!("line {number}: {text}"));
        let evidence = self
            .evidence
            .as_ref()
            .map(|text| format!("evidence: {text}"));
        let waits = self.waits.iter().map(Wait::sentence);
        let place = self.place.as_ref().map(|text| format!("place: {text}"));
        let others = self.not_taken.iter().take(HOSTS);
        let others = others.map(|other| format!("not host {}: {}", other.host, other.why));
        let more = self.not_taken.len().saturating_sub(HOSTS);
        let more =
            (more > 0).then(|| format!("not {more} other hosts: `reconcile why` tells of each"));
        let lines = asked.into_iter().chain(evidence).chain(waits).chain(place);
        let lines = lines.chain(others).chain(more);
        lines.map(|line| text::clean(&line)).collect()
    }
}

#[cfg(test)]
mod tests;
