//! Whether we reach enough of the world, and when that was last not so.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::desired::{Desired, Host};
use crate::model::facts::{Observed, Seen};
use crate::model::id::HostId;
use crate::model::memory::{HostMemory, Memory};
use crate::model::time::Timestamp;

/// Longer than any look at a host takes: after a minority, what is known of some hosts is as old as that, and a majority may
/// be put together from two moments of which neither had one.
const LONGEST_LOOK: Duration = Duration::from_secs(30);

/// Remembers when we were last in a minority.
pub(super) fn remember(memory: &mut Memory, desired: &Desired, observed: &Observed) {
    if is_majority(&desired.hosts, observed, memory) {
        memory.minority_since = None;
    } else {
        memory.in_minority = Some(observed.now);
        memory.minority_since.get_or_insert(observed.now);
    }
}

/// When a majority that is reached counts; none: it does.
pub fn counts_at(memory: &Memory, observed: &Observed) -> Option<Timestamp> {
    let at = memory.in_minority?.plus(LONGEST_LOOK);
    (observed.now < at).then_some(at)
}

/// Whether we reach a majority of these hosts, or of the witnesses.
pub fn is_majority(hosts: &BTreeMap<HostId, Host>, observed: &Observed, memory: &Memory) -> bool {
    let (answered, witnesses) = answered(observed);
    let (reached, all) = reached(hosts, observed, memory);
    reached * 2 > all || answered * 2 > witnesses
}

/// Whether we reach a majority of these hosts, whatever witnesses and people say: another controller may reach the rest.
pub fn is_of_hosts(hosts: &BTreeMap<HostId, Host>, observed: &Observed) -> bool {
    let (reached, all) = count(hosts, observed, |_| false);
    reached * 2 > all
}

/// How many of these hosts we reach, and how many count. One that a person says is off is none of them: who looked at it
/// knows that it is not we who are cut off from it.
pub fn reached(
    hosts: &BTreeMap<HostId, Host>,
    observed: &Observed,
    memory: &Memory,
) -> (usize, usize) {
    let known = |host: &HostId| memory.hosts.get(host);
    count(hosts, observed, |host| {
        known(host).is_some_and(HostMemory::is_confirmed_off)
    })
}

/// One that left the file is none of the hosts any more: whoever removed the dead one of two has said who is left.
fn count(
    hosts: &BTreeMap<HostId, Host>,
    observed: &Observed,
    is_off: impl Fn(&HostId) -> bool,
) -> (usize, usize) {
    let mut count = (0, 0);
    for host in hosts.values().filter(|host| !host.is_leaving()) {
        let reached = observed.hosts.get(&host.id).is_some_and(Seen::answers);
        count.0 += usize::from(reached);
        count.1 += usize::from(reached || !is_off(&host.id));
    }
    count
}

/// How many witnesses answer, and how many there are.
pub fn answered(observed: &Observed) -> (usize, usize) {
    let witnesses = observed.witnesses.values();
    (
        witnesses.clone().filter(|answers| **answers).count(),
        witnesses.count(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::{HostFacts, Unseen, UnseenKind};
    use crate::model::memory::{Evidence, EvidenceKind};
    use crate::spec::{NoFiles, parse};

    /// Four hosts, of which a and b are reached.
    fn half() -> (Desired, Observed) {
        let host = |n: u8| {
            format!(
                "  {}: {{ address: 10.0.0.{n}, pool: 10.0.{n}.1-10.0.{n}.9 }}\n",
                char::from(b'a' - 2 + n)
            )
        };
        let hosts: String = (2..6).map(host).collect();
        let text = format!(
            "cluster: demo\nnetworks:\n  lan: {{ cidr: 10.0.0.0/16 }}\nhosts:\n{hosts}services: {{}}\n"
        );
        let desired = parse("cluster.yaml", text.as_bytes(), &NoFiles).unwrap();
        let unseen = Unseen::new(UnseenKind::Unreachable, String::new());
        let mut observed = Observed::default();
        for (number, id) in desired.hosts.keys().enumerate() {
            let seen = match number {
                0 | 1 => Seen::Yes(HostFacts::default()),
                _ => Seen::No(unseen.clone()),
            };
            observed.hosts.insert(id.clone(), seen);
        }
        (desired, observed)
    }

    #[test]
    fn a_host_that_a_person_says_is_off_does_not_count_for_the_majority() {
        let (desired, mut observed) = half();
        let mut memory = Memory::default();
        assert!(!is_majority(&desired.hosts, &observed, &memory));
        let d: HostId = "d".parse().unwrap();
        let mut confirm = |kind| {
            let evidence = Evidence {
                kind,
                at: Timestamp(1),
                text: String::new(),
            };
            memory.hosts.entry(d.clone()).or_default().fenced = Some(evidence);
            reached(&desired.hosts, &observed, &memory)
        };
        assert_eq!(
            confirm(EvidenceKind::Lease),
            (2, 4),
            "it may be we who are cut off"
        );
        assert_eq!(confirm(EvidenceKind::Manual), (2, 3));
        assert!(is_majority(&desired.hosts, &observed, &memory));
        assert!(
            !is_of_hosts(&desired.hosts, &observed),
            "another controller may see it"
        );
        observed.hosts.insert(d, Seen::Yes(HostFacts::default()));
        assert_eq!(
            reached(&desired.hosts, &observed, &memory),
            (3, 4),
            "it answers"
        );
    }
}
