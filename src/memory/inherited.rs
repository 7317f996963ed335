//! Hosts that another controller worked with, and that we did not see since: what it left there may still run, though our
//! file has none of them. Known from claims. Pure.

use std::collections::BTreeSet;

use crate::model::claim::{NamedHosts, own};
use crate::model::desired::Desired;
use crate::model::facts::{Observed, Seen};
use crate::model::id::HostId;
use crate::model::memory::{Evidence, EvidenceKind, Inherited, Memory};
use crate::model::orders::Order;

/// Takes what claims say of hosts into memory.
pub(super) fn remember(memory: &mut Memory, observed: &Observed) {
    for (host, theirs) in &observed.theirs {
        let known = memory.inherited.entry(host.clone());
        let known = known.or_insert_with(|| Inherited {
            whose: BTreeSet::new(),
            from: theirs.who.clone(),
            since: observed.now,
            fenced: None,
        });
        known.whose.extend(theirs.whose.iter().cloned());
    }
    let is_seen = |host: &HostId| observed.hosts.get(host).is_some_and(is_yes);
    memory.inherited.retain(|host, known| {
        let order = observed.orders.confirmed.get(host);
        known.fenced = word(known, order);
        let named = observed.theirs.contains_key(host);
        // Whoever was the last one on all hosts that we reach knows of what it is done with.
        let over = observed.succeeds || known.fenced.is_some();
        !is_seen(host) && (named || !over)
    });
}

fn is_yes<T>(seen: &Seen<T>) -> bool {
    seen.facts().is_some()
}

fn word(known: &Inherited, order: Option<&Order>) -> Option<Evidence> {
    let order = order.filter(|order| order.is_about(known.since))?;
    Some(Evidence {
        kind: EvidenceKind::Manual,
        at: order.at,
        text: format!("{} confirmed that it is off", order.by),
    })
}

/// The hosts that a controller works with, for whoever comes after it: those of its rounds, and what it inherited itself.
pub fn named(memory: &Memory, desired: &Desired) -> NamedHosts {
    let heard = open(memory).map(|(host, known)| (host.clone(), known.whose.clone()));
    heard.chain(own(desired.hosts.keys())).collect()
}

/// Of these, where guests may be: what a controller leaves that ends.
pub fn left(memory: &Memory, desired: &Desired) -> NamedHosts {
    let mut hosts = named(memory, desired);
    hosts.retain(|host, _| memory.inherited.contains_key(host) || !is_empty(memory, host));
    hosts
}

/// Whether a host had nothing of ours when we saw it last, and nobody else worked there since.
fn is_empty(memory: &Memory, host: &HostId) -> bool {
    let known = memory.hosts.get(host).filter(|known| known.seen.is_some());
    known.is_some_and(|known| known.guests.is_empty() && known.seen >= memory.took_over)
}

fn open(memory: &Memory) -> impl Iterator<Item = (&HostId, &Inherited)> {
    let open = memory.inherited.iter();
    open.filter(|(_, known)| known.fenced.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::{HostFacts, Theirs};
    use crate::model::time::Timestamp;

    const DAY: i64 = 86_400_000;

    fn host(name: &str) -> HostId {
        name.parse().unwrap()
    }

    /// A look at which others' claims name these hosts.
    fn look(at: i64, named: &[&str], succeeds: bool) -> Observed {
        let theirs = Theirs {
            whose: ["0f".parse().unwrap()].into(),
            who: "anna@ops".to_owned(),
        };
        let theirs = named.iter().map(|name| (host(name), theirs.clone()));
        Observed {
            now: Timestamp(at),
            theirs: theirs.collect(),
            succeeds,
            ..Observed::default()
        }
    }

    fn after(looks: &[Observed]) -> Memory {
        let mut memory = Memory::default();
        looks.iter().for_each(|look| remember(&mut memory, look));
        memory
    }

    fn names(memory: &Memory) -> Vec<&str> {
        memory.inherited.keys().map(HostId::as_str).collect()
    }

    #[test]
    fn what_others_worked_with_is_known_until_it_is_seen() {
        let mut seen = look(3, &["c", "d"], true);
        let facts = Seen::Yes(HostFacts::default());
        seen.hosts.insert(host("d"), facts);
        let memory = after(&[look(1, &["c", "d"], true), look(2, &[], false), seen]);
        assert_eq!(names(&memory), ["c"]);
        assert_eq!(memory.inherited[&host("c")].since, Timestamp(1));
    }

    #[test]
    fn what_the_other_one_is_done_with_is_nothing_to_remember() {
        let memory = after(&[look(1, &["c", "d"], true), look(2, &["d"], true)]);
        assert_eq!(names(&memory), ["d"]);
    }

    #[test]
    fn a_persons_word_ends_it_unless_it_was_given_long_before() {
        let order = |at| Order {
            by: "bert@ops".to_owned(),
            at: Timestamp(at),
            reason: None,
            until: None,
            to: None,
        };
        let with = |at, mut look: Observed| {
            look.orders.confirmed.insert(host("c"), order(at));
            look
        };
        let (first, then) = (5 * DAY, || look(5 * DAY + 9, &["c"], false));
        for (at, fenced) in [(DAY, false), (first - 5, true), (first + 5, true)] {
            let memory = after(&[look(first, &["c"], true), with(at, then())]);
            let known = &memory.inherited[&host("c")];
            assert_eq!(known.fenced.is_some(), fenced, "{at}");
            assert_eq!(open(&memory).count(), usize::from(!fenced));
        }
        let gone = with(first + 5, look(first + 9, &[], false));
        assert!(
            after(&[look(first, &["c"], true), gone])
                .inherited
                .is_empty()
        );
    }
}
