//! Whether we see enough of the world to give up what we don't see: else it is we who are cut off.

use super::refusal::Refusal;
use crate::memory::quorum;
use crate::model::bug::Bug;
use crate::model::desired::Desired;
use crate::model::facts::Observed;
use crate::model::id::HostId;
use crate::model::memory::Memory;
use crate::model::plan::{Notice, NoticeKind};
use crate::model::policy::Witness;
use crate::model::unit::span;

/// What is missing; none while we reach a majority of the hosts, or of the witnesses, and did so for a while.
pub fn missing(desired: &Desired, observed: &Observed, memory: &Memory) -> Option<Refusal> {
    if Bug::IgnoreTheQuorum.is_in() {
        return None;
    }
    if quorum::is_majority(&desired.hosts, observed, memory) {
        return quorum::counts_at(memory, observed).map(|at| Refusal {
            text: format!(
                "we reached no majority a moment ago: what we see now counts in {}",
                span(at.since(observed.now))
            ),
            help: None,
            until: Some(at),
        });
    }
    let (reached, all) = quorum::reached(&desired.hosts, observed, memory);
    let (answered, witnesses) = quorum::answered(observed);
    let others = match witnesses {
        0 => String::new(),
        1 => ", and the witness does not answer".to_owned(),
        all => format!(", and {answered} of {all} witnesses answer"),
    };
    let help = match witnesses {
        0 => "name somebody who shows that our network works: `safety.witnesses`",
        _ => "look at the network between us and the hosts",
    };
    let help = format!("{help}; or, for each host that is off: reconcile fence confirm HOST");
    Some(Refusal {
        text: format!(
            "we reach only {reached} of {all} hosts{others}: perhaps it is we who are cut off"
        ),
        help: Some(help),
        until: None,
    })
}

/// Why another controller may have taken over what was on a host that is back, or on any such host: it went out of sight
/// after we lost the majority, and we reach less than half of the hosts, or half of them and not the witnesses.
pub fn others_may_have_it(
    desired: &Desired,
    observed: &Observed,
    memory: &Memory,
    host: Option<&HostId>,
) -> Option<Refusal> {
    let lost = memory.minority_since?;
    let (reached, all) = quorum::reached(&desired.hosts, observed, memory);
    let (_, witnesses) = quorum::answered(observed);
    let few = reached * 2 < all || reached * 2 == all && witnesses > 0;
    let is_one = |id: &HostId| host.is_none_or(|host| host == id);
    let is_back = |id: &HostId| {
        memory
            .hosts
            .get(id)
            .is_some_and(|known| known.since >= lost)
    };
    let mut seen = observed
        .hosts
        .iter()
        .filter(|(_, seen)| seen.facts().is_some());
    let returned = seen.any(|(id, _)| is_one(id) && is_back(id));
    missing(desired, observed, memory).filter(|refusal| few && returned && refusal.until.is_none())
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
