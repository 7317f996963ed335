//! Whether we reach enough of the world, and when that was last not so.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::desired::{Desired, Host};
use crate::model::facts::{Observed, Seen, UnseenKind};
use crate::model::id::HostId;
use crate::model::memory::Memory;
use crate::model::time::Timestamp;

/// Longer than any look at a host takes: after a minority, what is known of some hosts is as old as that, and a majority may
/// be put together from two moments of which neither had one.
const LONGEST_LOOK: Duration = Duration::from_secs(30);

/// Remembers when we were last in a minority.
pub(super) fn remember(memory: &mut Memory, desired: &Desired, observed: &Observed) {
    if !is_majority(&desired.hosts, observed) {
        memory.in_minority = Some(observed.now);
    }
}

/// When a majority that is reached counts; none: it does.
pub fn counts_at(memory: &Memory, observed: &Observed) -> Option<Timestamp> {
    let at = memory.in_minority?.plus(LONGEST_LOOK);
    (observed.now < at).then_some(at)
}

/// Whether we reach a majority of these hosts, or of the witnesses.
pub fn is_majority(hosts: &BTreeMap<HostId, Host>, observed: &Observed) -> bool {
    let (answered, witnesses) = answered(observed);
    is_of_hosts(hosts, observed) || answered * 2 > witnesses
}

/// Whether we reach a majority of these hosts, whatever witnesses say: another controller may reach those, too.
pub fn is_of_hosts(hosts: &BTreeMap<HostId, Host>, observed: &Observed) -> bool {
    let (reached, all) = reached(hosts, observed);
    reached * 2 > all
}

/// How many of these hosts we reach, and how many count. One that left the file is none of them any more: whoever removed
/// the dead one of two has said who is left.
pub fn reached(hosts: &BTreeMap<HostId, Host>, observed: &Observed) -> (usize, usize) {
    let members = || hosts.values().filter(|host| !host.is_leaving());
    let reached = members().filter(|host| observed.hosts.get(&host.id).is_some_and(answers));
    (reached.count(), members().count())
}

/// How many witnesses answer, and how many there are.
pub fn answered(observed: &Observed) -> (usize, usize) {
    let witnesses = observed.witnesses.values();
    (
        witnesses.clone().filter(|answers| **answers).count(),
        witnesses.count(),
    )
}

/// A host whose sshd answers is one that we reach, whatever else is the matter with it.
fn answers<T>(seen: &Seen<T>) -> bool {
    match seen {
        Seen::Yes(_) => true,
        Seen::No(unseen) => unseen.kind != UnseenKind::Unreachable,
    }
}
