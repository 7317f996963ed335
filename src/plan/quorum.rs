//! Whether we see enough of the world to give up what we don't see: else it is we who are cut off.

use std::collections::BTreeMap;

use super::refusal::Refusal;
use crate::model::bug::Bug;
use crate::model::desired::{Desired, Host};
use crate::model::facts::{Observed, Seen, UnseenKind};
use crate::model::id::HostId;
use crate::model::plan::{Notice, NoticeKind};
use crate::model::policy::Witness;

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

/// A warning of two hosts without a witness, or with one that is lost with a host: the loss of either takes the quorum.
pub fn is_missing_with_one_host(desired: &Desired) -> Option<Notice> {
    let hosts = || desired.hosts.values();
    let is_host = |witness: &Witness| hosts().any(|host| host.address == witness.machine());
    let mut witnesses = desired.safety.witnesses.iter();
    let warn = hosts().count() == 2 && witnesses.all(is_host);
    warn.then(|| Notice {
        kind: NoticeKind::Warning,
        subject: "safety".to_owned(),
        text: "two hosts, and no witness: when one is lost, there is no quorum, and nothing of it is made elsewhere".to_owned(),
        help: Some(
            "name a machine that answers pings while a host is lost, such as the router: safety: { witnesses: ADDRESS }".to_owned(),
        ),
        line: desired.lines.of("safety.witnesses").or_else(|| desired.lines.of("hosts")),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{NoFiles, parse};

    fn warned(lan: &str, safety: &str) -> bool {
        let text = format!(
            "cluster: demo\nnetworks:\n  lan: {{ cidr: 10.0.0.0/16{lan} }}\nhosts:\n  a: {{ address: 10.0.0.2, pool: 10.0.1.1 }}\n  \
             b: {{ address: 10.0.0.3, pool: 10.0.1.2 }}\nimages:\n  alpine: {{ path: /a.qcow2 }}\nservices:\n  \
             api: {{ replicas: 1, image: alpine, memory: 128MiB, port: 80, run: x }}\n{safety}"
        );
        let desired = parse("cluster.yaml", text.as_bytes(), &NoFiles).unwrap();
        is_missing_with_one_host(&desired).is_some()
    }

    #[test]
    fn two_hosts_need_a_witness_that_is_none_of_them() {
        assert!(warned("", ""));
        assert!(!warned(", gateway: 10.0.0.1", ""));
        assert!(warned(", gateway: 10.0.0.2", ""), "the gateway is a host");
        assert!(warned(", gateway: 10.0.0.1", "safety: { witnesses: [] }\n"));
        assert!(!warned("", "safety: { witnesses: 10.0.0.9 }\n"));
    }
}
