//! The brake: when too much falls silent at once, it is more likely that the observer is wrong than that all of it died.
//! What libvirt itself says is down does not count: that is no silence.

use std::collections::BTreeMap;

use crate::model::desired::Desired;
use crate::model::facts::{DomainState, Observed};
use crate::model::id::GroupId;
pub use crate::model::memory::Brake;
use crate::model::memory::Memory;
use crate::model::policy::Percent;
use crate::model::time::Timestamp;

/// Fewer than this many guests of all at once are no sign of anything.
const FEW_GUESTS: usize = 3;
/// Fewer than this many hosts, or instances of one group.
const FEW: usize = 2;

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

    fn is_too_much(self, few: usize, brake: Percent, which: Which) -> bool {
        let silent = self.of(which);
        silent >= few && silent * 100 > self.all * brake.0 as usize
    }

    fn of(self, which: Which) -> usize {
        match which {
            Which::Lately => self.lately,
            Which::All => self.silent,
        }
    }
}

/// Which of the silent count.
#[derive(Debug, Clone, Copy)]
enum Which {
    /// Those that fell silent within the window: whether the brake closes.
    Lately,
    /// All of them: whether it goes on holding.
    All,
}

/// The brake after this look. It closes when too much fell silent within the window, and holds until it is not too much
/// any more, or until a person releases it.
pub fn judge(desired: &Desired, observed: &Observed, memory: &Memory) -> Option<Brake> {
    let released = observed.orders.released.as_ref().map(|order| order.at);
    let window = desired.safety.brake_window;
    let lately = |since: Timestamp| {
        observed.now.since(since) < window && released.is_none_or(|released| since > released)
    };
    let hosts = hosts(desired, observed, memory, lately);
    let guests = guests(desired, observed, memory, lately);
    let too_much = |which| too_much(hosts, &guests, desired.safety.brake, which);
    let held = memory.brake.as_ref();
    let held = held.filter(|brake| released.is_none_or(|released| released < brake.since));
    match held {
        Some(brake) => too_much(Which::All).map(|_| brake.clone()),
        None => too_much(Which::Lately).map(|text| Brake {
            since: observed.now,
            text,
        }),
    }
}

fn too_much(
    hosts: Count,
    guests: &BTreeMap<&GroupId, Count>,
    brake: Percent,
    which: Which,
) -> Option<String> {
    let say = |count: Count, what: &str| {
        format!(
            "{} of {} {what} fell silent at once",
            count.of(which),
            count.all
        )
    };
    if hosts.is_too_much(FEW, brake, which) {
        return Some(say(hosts, "hosts"));
    }
    let all = guests.values().fold(Count::default(), |sum, one| Count {
        all: sum.all + one.all,
        silent: sum.silent + one.silent,
        lately: sum.lately + one.lately,
    });
    if all.is_too_much(FEW_GUESTS, brake, which) {
        return Some(say(all, "guests on hosts that we see"));
    }
    let mut groups = guests.iter();
    let (group, count) = groups.find(|(_, count)| count.is_too_much(FEW, brake, which))?;
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
        // Of what a person has looked at, nobody need be warned.
        let known = known.filter(|known| !known.is_confirmed_off());
        // One whose sshd answers is not silent.
        let silent = observed.hosts.get(host).is_some_and(|seen| !seen.answers());
        count.add(known.filter(|_| silent).map(|known| known.since), &lately);
    }
    count
}

/// Guests on hosts that are seen, whose domains run, and whose heartbeats came and stopped. Half of the failures that make
/// one dead count: when all fall silent, one of them is the first, and nothing may be ended then.
fn guests<'a>(
    desired: &'a Desired,
    observed: &Observed,
    memory: &Memory,
    lately: impl Fn(Timestamp) -> bool,
) -> BTreeMap<&'a GroupId, Count> {
    let mut counts: BTreeMap<&GroupId, Count> = BTreeMap::new();
    let ours = observed.domains_of(&desired.cluster);
    for (_, mark) in ours.filter(|(domain, _)| domain.state == DomainState::Running) {
        let Some(group) = desired.groups.get(&mark.instance.group) else {
            continue;
        };
        let known = memory.guests.get(&mark.instance);
        let asked = group.heartbeat_of(mark.port);
        let known = known
            .filter(|known| known.healthy_since.is_some() && !known.is_asked_elsewhere(&asked));
        let failing = known.and_then(|known| known.failing_since);
        let silent = failing.filter(|_| match observed.beat_of(mark) {
            Some(beat) => beat.failures * 2 >= group.heartbeat.retries,
            // Who was silent when the work on it began was not heard since.
            None => memory.busy.contains_key(&mark.instance),
        });
        counts.entry(&group.id).or_default().add(silent, &lately);
    }
    counts
}
