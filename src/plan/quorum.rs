//! Whether we see enough of the world to give up what we don't see: else it is we who are cut off.

use std::collections::BTreeMap;

use super::refusal::Refusal;
use crate::model::bug::Bug;
use crate::model::desired::Host;
use crate::model::facts::{Observed, Seen, UnseenKind};
use crate::model::id::HostId;

/// What is missing, of these hosts; none while we reach a majority of the hosts, or of the witnesses. A host that left the
/// file is none of those any more: whoever removed the dead one of two has said who is left.
pub fn missing(hosts: &BTreeMap<HostId, Host>, observed: &Observed) -> Option<Refusal> {
    let (reached, all) = reached(hosts, observed);
    let witnesses = observed.witnesses.len();
    let answered = observed
        .witnesses
        .values()
        .filter(|answers| **answers)
        .count();
    if reached * 2 > all || answered * 2 > witnesses || Bug::IgnoreTheQuorum.is_in() {
        return None;
    }
    let others = match witnesses {
        0 => String::new(),
        1 => ", and the witness does not answer".to_owned(),
        all => format!(", and {answered} of {all} witnesses answer"),
    };
    let help = match witnesses {
        0 => Some("name somebody who shows that our network works: `safety.witnesses`".to_owned()),
        _ => Some("look at the network between us and the hosts".to_owned()),
    };
    Some(Refusal {
        text: format!(
            "we reach only {reached} of {all} hosts{others}: perhaps it is we who are cut off"
        ),
        help,
        until: None,
    })
}

/// Whether we reach a majority of these hosts, whatever witnesses say: another controller may reach those, too.
pub fn is_of_hosts(hosts: &BTreeMap<HostId, Host>, observed: &Observed) -> bool {
    let (reached, all) = reached(hosts, observed);
    reached * 2 > all
}

fn reached(hosts: &BTreeMap<HostId, Host>, observed: &Observed) -> (usize, usize) {
    let members = || hosts.values().filter(|host| !host.is_leaving());
    let reached = members().filter(|host| observed.hosts.get(&host.id).is_some_and(answers));
    (reached.count(), members().count())
}

/// A host whose sshd answers is one that we reach, whatever else is the matter with it.
fn answers<T>(seen: &Seen<T>) -> bool {
    match seen {
        Seen::Yes(_) => true,
        Seen::No(unseen) => unseen.kind != UnseenKind::Unreachable,
    }
}
