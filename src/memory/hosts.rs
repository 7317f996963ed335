//! What is remembered of hosts: since when each is out of sight, how often it came back, and the evidence that nothing
//! of ours runs on it any more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::bug::Bug;
use crate::model::desired::{Desired, Host};
use crate::model::facts::{GuardKnows, HostFacts, Observed, Seen};
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::memory::{Evidence, EvidenceKind, HostMemory, Memory};
use crate::model::orders::Order;
use crate::model::policy::{Fencing, Safety};
use crate::model::time::Timestamp;

/// A host that stayed this many times `rejoin_after`, beyond the time that it had to wait, is forgiven that it was away.
const FORGIVEN: u32 = 20;
/// The longest time that a host has to stay before it gets guests.
const LONGEST_REJOIN: Duration = Duration::from_secs(3600);

/// How long a host that came back has to stay before it gets guests: longer with every return in a row.
pub fn rejoin_time(host: &HostMemory, policy: &Safety) -> Duration {
    let doublings = host.returns.saturating_sub(1).min(16);
    let doubled = policy.rejoin_after.saturating_mul(1 << doublings);
    doubled.min(LONGEST_REJOIN)
}

/// Takes what was seen of the hosts into memory.
pub fn remember(memory: &mut Memory, desired: &Desired, observed: &Observed) {
    let minority = memory.in_minority;
    let found = found(desired, observed);
    for (id, seen) in &observed.hosts {
        let given = given_on(memory, id);
        let host = memory.hosts.entry(id.clone()).or_default();
        host.armed |= observed.leases.contains_key(id);
        learn(host, observed.guards_know.get(id));
        define(host, desired.hosts.get(id));
        host.missed |= is_missed(host, &desired.safety, minority, observed.now);
        match seen {
            Seen::Yes(facts) => {
                appear(host, &desired.safety, observed.now);
                host.guests = guests_of(facts, desired);
                host.disks = facts.kept_disks().collect();
                for mark in given {
                    host.guests.entry(mark.instance.clone()).or_insert(mark);
                }
            }
            Seen::No(_) => {
                vanish(host, observed.now);
                host.alive = host.alive.max(last_heard(host, &found, observed));
            }
        }
    }
    for host in desired.hosts.values() {
        if let Some(memory) = memory.hosts.get_mut(&host.id)
            && let Some(Seen::No(_)) = observed.hosts.get(&host.id)
        {
            look_for_evidence(memory, host, desired, observed);
        }
    }
}

/// The instances on hosts that are seen, where one is not.
pub fn found<'a>(desired: &'a Desired, observed: &'a Observed) -> BTreeSet<&'a InstanceId> {
    let ours = observed.domains_of(&desired.cluster);
    let ours = ours.map(|(_, mark)| &mark.instance);
    match observed.hosts.values().all(|seen| seen.facts().is_some()) {
        true => BTreeSet::new(),
        false => ours.collect(),
    }
}

/// When one of its guests, that was found nowhere else, last gave a heartbeat.
fn last_heard(
    host: &HostMemory,
    found: &BTreeSet<&InstanceId>,
    observed: &Observed,
) -> Option<Timestamp> {
    let guests = host.guests.iter().filter(|(i, _)| !found.contains(i));
    guests
        .filter_map(|(_, mark)| observed.beat_of(mark)?.last_ok)
        .max()
}

/// Takes in what the guard of a host was told: it looks for a majority of those hosts, whatever the file says by now.
fn learn(host: &mut HostMemory, told: Option<&GuardKnows>) {
    let Some(told) = told else { return };
    if let Some(surely) = &told.surely {
        host.guard_knows = BTreeSet::from([surely.clone()]);
    }
    host.guard_knows.extend(told.perhaps.iter().cloned());
}

/// Keeps what the file says of a host, but for its devices.
fn define(memory: &mut HostMemory, host: Option<&Host>) {
    let Some(host) = host.filter(|host| !host.is_leaving()) else {
        return;
    };
    let definition = Host {
        fencing: Vec::new(),
        ..host.clone()
    };
    if memory.definition.as_ref() != Some(&definition) {
        memory.definition = Some(definition);
    }
}

fn was_seen(host: &HostMemory) -> bool {
    host.seen.is_some_and(|seen| seen >= host.since)
}

/// Whether a host is out of sight for long by itself: while we are in a minority, it may be us who were cut off.
fn is_missed(
    host: &HostMemory,
    policy: &Safety,
    minority: Option<Timestamp>,
    now: Timestamp,
) -> bool {
    let away = !was_seen(host) && host.since != Timestamp::default();
    let since = minority.map_or(host.since, |minority| minority.max(host.since));
    away && now.since(since) >= policy.recover_after
}

fn appear(host: &mut HostMemory, policy: &Safety, now: Timestamp) {
    let away = match host.since == Timestamp::default() {
        true => Duration::ZERO,
        false => now.since(host.since),
    };
    if !was_seen(host) || host.since == Timestamp::default() {
        let lost = host.missed || host.fenced.is_some();
        let was_lost = host.seen.is_some() && !was_seen(host) && lost;
        if was_lost {
            host.returns = host.returns.saturating_add(1);
            host.back = Some(now);
        }
        host.since = now;
    } else if away >= rejoin_time(host, policy) + policy.rejoin_after * FORGIVEN {
        host.returns = 0;
    }
    host.seen = Some(now);
    host.alive = None;
    host.doubted = false;
    host.missed = false;
    host.fenced = None;
    host.alone_since = None;
    host.fence_failures.clear();
    host.fence_failed = None;
    host.switching_off = false;
}

fn guests_of(facts: &HostFacts, desired: &Desired) -> BTreeMap<InstanceId, Mark> {
    let marks = facts.domains.iter().filter_map(|d| d.mark.as_ref());
    marks
        .filter(|m| m.cluster == desired.cluster)
        .map(|m| (m.instance.clone(), m.clone()))
        .collect()
}

/// The marks of guests that are being made on a host: the look may have begun before.
fn given_on(memory: &Memory, host: &HostId) -> Vec<Mark> {
    let busy = memory.busy.values().filter(|busy| busy.host == *host);
    busy.filter_map(|busy| busy.mark.clone()).collect()
}

fn vanish(host: &mut HostMemory, now: Timestamp) {
    if was_seen(host) || host.since == Timestamp::default() {
        host.since = now;
    }
    if Bug::ForgetTheMark.is_in() {
        host.guests.clear();
    }
}

/// Nobody looked for a while: a host that was out of sight then may have been back meanwhile.
pub fn count_anew(memory: &mut Memory) {
    let hosts = memory.hosts.values_mut();
    for host in hosts.filter(|host| !was_seen(host)) {
        host.since = Timestamp::default();
        host.missed = false;
        host.switching_off = false;
        host.alone_since = None;
    }
}

/// Another controller was at work: what showed that a host is off may be outdated. That one may have had the host back, and
/// have renewed the lease that we thought was over.
pub fn doubt(memory: &mut Memory) {
    for host in memory.hosts.values_mut() {
        host.fenced = None;
        host.doubted = true;
    }
}

fn look_for_evidence(memory: &mut HostMemory, host: &Host, desired: &Desired, observed: &Observed) {
    let alone = is_alone(&host.id, memory, desired, observed);
    memory.alone_since = alone.then(|| memory.alone_since.unwrap_or(observed.now));
    let confirmed = observed.orders.confirmed.get(&host.id);
    let confirmed = confirmed.filter(|order| is_word_on(memory, order));
    let evidence = confirmed.map(|order| Evidence {
        kind: EvidenceKind::Manual,
        at: order.at,
        text: format!("{} confirmed that it is off", order.by),
    });
    let retracted = confirmed.is_none() && memory.is_confirmed_off();
    let evidence = evidence.or_else(|| of_lease(memory, host, desired, observed));
    // A person who looked again knows more than before.
    let known = memory.fenced.as_ref().map(|known| known.at);
    let again = |new: &Evidence| new.kind == EvidenceKind::Manual && known < Some(new.at);
    if retracted || known.is_none() || evidence.as_ref().is_some_and(again) {
        memory.fenced = evidence;
    }
}

/// Whether a person's word is about the absence in which a host is now.
fn is_word_on(host: &HostMemory, order: &Order) -> bool {
    let is_believed = || host.fenced.as_ref().is_some_and(|f| f.at == order.at);
    match host.seen {
        Some(seen) => order.at > seen,
        None => order.is_about(host.since) || is_believed(),
    }
}

/// The guard stops everything when its lease is over and it sees no majority of the hosts. Both hold for certain when
/// the last lease that we offered is over, and nobody whom we reach sees the host.
fn of_lease(
    memory: &HostMemory,
    host: &Host,
    desired: &Desired,
    observed: &Observed,
) -> Option<Evidence> {
    let due = lease_due(memory, host, desired, observed)?;
    (observed.now >= due).then(|| Evidence {
        kind: EvidenceKind::Lease,
        at: observed.now,
        text: "its lease is over, it is cut off, and its guard had time to stop everything"
            .to_owned(),
    })
}

/// When there will be evidence by the host's lease, if nothing changes; none where there won't: another controller that is
/// at work may renew it.
pub fn lease_due(
    memory: &HostMemory,
    host: &Host,
    desired: &Desired,
    observed: &Observed,
) -> Option<Timestamp> {
    let ours = observed.rivals.is_empty() && memory.armed;
    if !host.fencing.contains(&Fencing::Lease) || !ours {
        return None;
    }
    let over = observed.leases.get(&host.id)?;
    let both = memory.alone_since?.max(*over);
    Some(both.plus(desired.safety.lease.margin))
}

/// Whether the host can't see a majority of the hosts, as the file has them and as its guard may have them: of those that we
/// reach nobody sees it, and the rest, itself included, is no majority.
fn is_alone(host: &HostId, memory: &HostMemory, desired: &Desired, observed: &Observed) -> bool {
    let of_file: BTreeSet<HostId> = desired.hosts.keys().cloned().collect();
    let sees = |id: &HostId| observed.hosts.get(id).and_then(Seen::sees);
    let reaches = |id: &&HostId| sees(id).is_some();
    let is_majority = |members: &BTreeSet<HostId>| {
        let reached = members.iter().filter(reaches).count();
        (members.len() - reached) * 2 > members.len()
    };
    let mut counts = memory.guard_knows.iter().chain([&of_file]);
    let mut reached = observed.hosts.values().filter_map(Seen::sees);
    !counts.any(is_majority) && reached.all(|sees| sees.get(host) == Some(&false))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host that was seen, went out of sight after 2 s, and is back after a minute.
    fn back_after_a_minute(minority: Option<Timestamp>) -> HostMemory {
        let (mut host, policy) = (HostMemory::default(), Safety::default());
        appear(&mut host, &policy, Timestamp(1_000));
        vanish(&mut host, Timestamp(2_000));
        host.missed |= is_missed(&host, &policy, minority, Timestamp(60_000));
        appear(&mut host, &policy, Timestamp(60_000));
        host
    }

    #[test]
    fn a_short_absence_is_no_return() {
        let (mut host, policy) = (HostMemory::default(), Safety::default());
        appear(&mut host, &policy, Timestamp(1_000));
        vanish(&mut host, Timestamp(2_000));
        vanish(&mut host, Timestamp(3_000));
        assert_eq!(host.since, Timestamp(2_000));
        assert!(!is_missed(&host, &policy, None, Timestamp(4_000)));
        appear(&mut host, &policy, Timestamp(4_000));
        assert_eq!((host.returns, host.back), (0, None));
        let host = back_after_a_minute(None);
        assert_eq!((host.returns, host.back), (1, Some(Timestamp(60_000))));
    }

    #[test]
    fn a_word_counts_for_one_absence() {
        const DAY: i64 = 86_400_000;
        let order = |at| Order {
            by: "anna@ops".to_owned(),
            at: Timestamp(at),
            reason: None,
            until: None,
            to: None,
        };
        let since = Timestamp(5 * DAY);
        let mut host = HostMemory {
            since,
            ..HostMemory::default()
        };
        assert!(is_word_on(&host, &order(5 * DAY - 1)));
        assert!(!is_word_on(&host, &order(3 * DAY)), "its memory was lost");
        host.fenced = Some(Evidence {
            kind: EvidenceKind::Manual,
            at: Timestamp(3 * DAY),
            text: String::new(),
        });
        assert!(
            is_word_on(&host, &order(3 * DAY)),
            "the controller began anew"
        );
        host.seen = Some(Timestamp(5 * DAY - 1));
        assert!(is_word_on(&host, &order(5 * DAY)));
        assert!(!is_word_on(&host, &order(5 * DAY - 1)));
    }

    fn hosts(names: &[&str]) -> BTreeSet<HostId> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn a_guard_may_know_what_it_was_told_for_certain_and_since_then() {
        let mut host = HostMemory::default();
        host.guard_knows.insert(hosts(&["a", "b"]));
        let told = |surely: Option<&[&str]>, perhaps: &[&[&str]]| GuardKnows {
            surely: surely.map(hosts),
            perhaps: perhaps.iter().map(|names| hosts(names)).collect(),
        };
        learn(&mut host, None);
        learn(&mut host, Some(&told(None, &[&["a", "b", "c"]])));
        assert_eq!(host.guard_knows.len(), 2);
        learn(&mut host, Some(&told(Some(&["a", "b", "c"]), &[&["a"]])));
        let both = BTreeSet::from([hosts(&["a", "b", "c"]), hosts(&["a"])]);
        assert_eq!(host.guard_knows, both);
    }

    #[test]
    fn who_was_out_of_sight_while_we_were_in_a_minority_did_not_return() {
        let host = back_after_a_minute(Some(Timestamp(50_000)));
        assert_eq!((host.returns, host.back), (0, None));
        let long_before = back_after_a_minute(Some(Timestamp(3_000)));
        assert_eq!(long_before.returns, 1);
    }
}
