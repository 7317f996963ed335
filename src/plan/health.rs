//! Whether a guest lives: one verdict from its domain, its heartbeat and its past. Pure classification.

use std::time::Duration;

use super::inventory::Found;
use crate::model::desired::Group;
use crate::model::facts::{Beat, DomainState};
use crate::model::memory::GuestMemory;
use crate::model::plan::{Reason, ReasonCode};
use crate::model::time::Timestamp;
use crate::model::unit::span;

/// The verdict on one guest.
#[derive(Debug, Clone, PartialEq)]
pub enum Health {
    /// Its heartbeat comes; or a few are missing, not enough to call it dead; or it is asked for where it never came.
    Healthy,
    /// It never was healthy in this run, and still has time.
    Booting {
        /// How long it still has.
        left: Duration,
    },
    /// It is dead, and why.
    Dead(Reason),
}

/// The verdict on a guest that was found. `memory` counts only if it is of the domain's present run.
pub fn classify(
    group: &Group,
    found: &Found<'_>,
    beat: Option<&Beat>,
    memory: Option<&GuestMemory>,
    now: Timestamp,
) -> Health {
    if found.domain.state == DomainState::Off {
        return dead(ReasonCode::NotRunning, "its domain does not run".to_owned());
    }
    let failures = beat.map_or(u32::MAX, |b| b.failures);
    if failures == 0 {
        return Health::Healthy;
    }
    let memory = memory.filter(|m| m.run == run_of(found));
    if memory.is_some_and(|m| m.healthy_since.is_some()) {
        let asked = group.heartbeat_of(found.mark.port);
        return match memory.is_some_and(|m| m.is_asked_elsewhere(&asked)) {
            true => Health::Healthy,
            false => once_healthy(group, beat),
        };
    }
    let since = memory.map_or(now, |m| m.since);
    let age = now.since(since);
    if age < group.heartbeat.grace {
        return Health::Booting {
            left: group.heartbeat.grace - age,
        };
    }
    let text = format!(
        "it gave no heartbeat within {} of its start{}",
        span(group.heartbeat.grace),
        last_error(beat)
    );
    dead(ReasonCode::NeverCameUp, text)
}

/// The name of a domain's present run: another generation or another start is another run.
pub fn run_of(found: &Found<'_>) -> String {
    match found.domain.run {
        Some(run) => format!("{}/{run}", found.mark.generation),
        None => format!("{}/-", found.mark.generation),
    }
}

fn once_healthy(group: &Group, beat: Option<&Beat>) -> Health {
    let Some(beat) = beat.filter(|b| b.failures >= group.heartbeat.retries) else {
        return Health::Healthy;
    };
    let text = format!(
        "{} heartbeats in a row failed{}",
        beat.failures,
        last_error(Some(beat))
    );
    dead(ReasonCode::HeartbeatLost, text)
}

fn last_error(beat: Option<&Beat>) -> String {
    let error = beat.and_then(|b| b.error.as_deref());
    error.map_or_else(String::new, |e| format!(": {e}"))
}

fn dead(code: ReasonCode, text: String) -> Health {
    Health::Dead(Reason {
        code,
        text,
        line: None,
    })
}
