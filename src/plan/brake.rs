//! The brake: when too much falls silent at once, it is more likely that the observer is wrong than that all of it died.
//! What libvirt itself says is down does not count: that is no silence.

use std::collections::BTreeMap;

use crate::model::desired::Desired;
use crate::model::facts::{DomainState, Observed, Seen};
use crate::model::id::GroupId;
pub use crate::model::memory::Brake;
use crate::model::memory::Memory;
use crate::model::policy::Percent;
use crate::model::time::Timestamp;

/// Fewer than this many guests at once are no sign of anything.
const FEW_GUESTS: usize = 3;
/// Fewer than this many hosts.
const FEW_HOSTS: usize = 2;

/// How much of something fell silent.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    all: usize,
    silent: usize,
    /// Of these, lately.
    lately: usize,
}

impl Count {
    fn add(&mut self, since: Option<Timestamp>, lately: impl Fn(Timestamp) -> bool) {
        self.all += 1;
        self.silent += usize::from(since.is_some());
        self.lately += usize::from(since.is_some_and(lately));
    }

    fn is_too_much(self, few: usize, brake: Percent) -> bool {
        self.lately >= few && self.lately * 100 > self.all * brake.0 as usize
    }
}

/// The brake after this look: it holds from the moment when too much is silent until all is well, or until a person
/// releases it.
pub fn judge(desired: &Desired, observed: &Observed, memory: &Memory) -> Option<Brake> {
    let released = observed.orders.released.as_ref().map(|order| order.at);
    let window = desired.safety.brake_window;
    let lately = |since: Timestamp| {
        observed.now.since(since) < window && released.is_none_or(|released| since > released)
    };
    let hosts = hosts(desired, observed, memory, lately);
    let guests = guests(desired, observed, memory, lately);
    let held = memory.brake.clone();
    let held = held.filter(|brake| released.is_none_or(|released| released < brake.since));
    let silent = hosts.silent + guests.values().map(|c| c.silent).sum::<usize>();
    if let Some(brake) = held.filter(|_| silent > 0) {
        return Some(brake);
    }
    let text = too_much(hosts, &guests, desired.safety.brake)?;
    Some(Brake {
        since: observed.now,
        text,
    })
}

fn too_much(hosts: Count, guests: &BTreeMap<&GroupId, Count>, brake: Percent) -> Option<String> {
    let say = |count: Count, what: &str| {
        format!(
            "{} of {} {what} fell silent at once",
            count.lately, count.all
        )
    };
    if hosts.is_too_much(FEW_HOSTS, brake) {
        return Some(say(hosts, "hosts"));
    }
    let all = guests.values().fold(Count::default(), |sum, one| Count {
        all: sum.all + one.all,
        silent: sum.silent + one.silent,
        lately: sum.lately + one.lately,
    });
    if all.is_too_much(FEW_GUESTS, brake) {
        return Some(say(all, "guests on hosts that we see"));
    }
    let mut groups = guests.iter();
    let (group, count) = groups.find(|(_, count)| count.is_too_much(FEW_GUESTS, brake))?;
    Some(say(*count, &format!("instances of {group}")))
}

fn hosts(
    desired: &Desired,
    observed: &Observed,
    memory: &Memory,
    lately: impl Fn(Timestamp) -> bool,
) -> Count {
    let mut count = Count::default();
    for host in desired.hosts.keys() {
        let known = memory.hosts.get(host).filter(|known| known.seen.is_some());
        let unseen = matches!(observed.hosts.get(host), Some(Seen::No(_)));
        count.add(known.filter(|_| unseen).map(|known| known.since), &lately);
    }
    count
}

/// Guests on hosts that are seen, whose domains run, and whose heartbeats came and stopped.
fn guests<'a>(
    desired: &'a Desired,
    observed: &Observed,
    memory: &Memory,
    lately: impl Fn(Timestamp) -> bool,
) -> BTreeMap<&'a GroupId, Count> {
    let mut counts: BTreeMap<&GroupId, Count> = BTreeMap::new();
    let domains = observed.hosts.values().filter_map(Seen::facts);
    let running = domains
        .flat_map(|facts| &facts.domains)
        .filter(|domain| domain.state == DomainState::Running);
    let marks = running.filter_map(|domain| domain.mark.as_ref());
    for mark in marks.filter(|mark| mark.cluster == desired.cluster) {
        let Some(group) = desired.groups.get(&mark.instance.group) else {
            continue;
        };
        let failures = observed.beats.get(&mark.instance).map_or(0, |b| b.failures);
        let known = memory.guests.get(&mark.instance);
        let silent = known
            .filter(|known| known.healthy_since.is_some() && failures >= group.heartbeat.retries)
            .and_then(|known| known.failing_since);
        counts.entry(&group.id).or_default().add(silent, &lately);
    }
    counts
}
