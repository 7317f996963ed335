//! Changes of `cluster.yaml` that might mend what a loss breaks, the smallest first. Only proposals: whether one helps is
//! found out by rehearsing the loss with it.

mod evidence;
mod room;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::judge::{Break, Finding, Trouble};
use super::losses::Loss;
use crate::model::desired::{Desired, Group, Host};
use crate::model::id::GroupId;

/// How the planner says that no host takes an instance.
const NO_PLACE: [&str; 2] = ["no host can take it", "its host can't take it"];
/// At most so many hosts get more addresses, each alone.
const MOST_HOSTS: usize = 8;

/// A change of `cluster.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mend {
    /// In words.
    pub text: String,
    /// Keys by their dotted paths, and their new values as they are written; nothing removes the key.
    pub changes: BTreeMap<String, String>,
}

impl Mend {
    fn new(text: impl Into<String>, changes: impl IntoIterator<Item = (String, String)>) -> Mend {
        Mend {
            text: text.into(),
            changes: changes.into_iter().collect(),
        }
    }

    fn and(&self, other: &Mend) -> Mend {
        let changes = self.changes.iter().chain(&other.changes);
        Mend {
            text: format!("{}, and {}", self.text, other.text),
            changes: changes.map(|(k, v)| (k.clone(), v.clone())).collect(),
        }
    }
}

/// What might mend it: what its causes call for before the rest, then the smallest first.
pub fn proposals(desired: &Desired, loss: &Loss, finding: &Finding) -> Vec<Mend> {
    let trouble = Facts::of(desired, loss, finding);
    let rules = trouble.rules();
    let replicas = trouble.replicas(1);
    let evidence = trouble.evidence();
    let (host, hosts) = (trouble.hosts(1), trouble.hosts(2));
    let brake = trouble.brake();
    let room = [trouble.addresses(), trouble.reserves()].concat();
    let together = [
        trouble.replicas(2),
        both(&rules, &replicas),
        both(&evidence, &brake),
        both(&evidence, &room),
        both(&evidence, &rules),
        both(&replicas, &evidence),
        both(&replicas, &host),
        both(&evidence, &host),
        hosts.clone(),
        both(&replicas, &hosts),
        both(&trouble.replicas(2), &hosts),
    ];
    let (space, promise) = (Cause::Space, Cause::Promise);
    let singly = [
        (room, space),
        (rules, space),
        (replicas, promise),
        (evidence, Cause::Evidence),
        (brake, Cause::Evidence),
        (host, space),
    ];
    let mut proposals = trouble.ordered(singly);
    proposals.extend(together.concat());
    proposals.sort_by_key(|mend| trouble.runs_twice(mend));
    // To promise less mends nothing: it is what is left.
    proposals.extend(trouble.promises());
    let mut seen = BTreeSet::new();
    proposals.retain(|mend| seen.insert(mend.changes.clone()));
    proposals
}

/// Why something breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    /// No host takes an instance: addresses, memory, rules.
    Space,
    /// Nobody knows whether a lost host is off, or whether it is us who are cut off.
    Evidence,
    /// Too few were left to serve.
    Promise,
}

impl Cause {
    /// What it is that an instance or VIP is not back.
    fn of(broken: &Break) -> Option<Cause> {
        let no_place = |why: &String| NO_PLACE.iter().any(|words| why.contains(words));
        match &broken.trouble {
            Trouble::Short(_) => Some(Cause::Promise),
            Trouble::Missing(..) | Trouble::Unheld(_) | Trouble::Left => match &broken.why {
                Some(why) if no_place(why) => Some(Cause::Space),
                Some(_) => Some(Cause::Evidence),
                None => None,
            },
            Trouble::Unreached(_) | Trouble::Broken => None,
        }
    }
}

/// Whether memory is what the planner says that hosts lack.
fn lacks_memory(broken: &Break) -> bool {
    let why = broken.why.as_ref();
    why.is_some_and(|why| why.contains(NO_PLACE[0]) && why.contains("memory"))
}

fn both(some: &[Mend], others: &[Mend]) -> Vec<Mend> {
    let pairs = some
        .iter()
        .flat_map(|one| others.iter().map(|other| one.and(other)));
    pairs.collect()
}

/// What is wrong, as far as it tells what might help.
struct Facts<'a> {
    desired: &'a Desired,
    loss: &'a Loss,
    /// Groups of which too few served, or some are missing, or that are out of reach.
    groups: BTreeSet<GroupId>,
    /// Instances that have no place.
    missing: usize,
    /// Whether no host has the memory for one of them.
    lacks_memory: bool,
    /// Something waits for somebody to decide it: a VIP, an instance.
    open: bool,
    causes: BTreeSet<Cause>,
}

impl<'a> Facts<'a> {
    fn of(desired: &'a Desired, loss: &'a Loss, finding: &Finding) -> Self {
        let mut facts = Facts {
            desired,
            loss,
            groups: BTreeSet::new(),
            missing: 0,
            lacks_memory: finding.breaks.iter().any(lacks_memory),
            open: false,
            causes: finding.breaks.iter().filter_map(Cause::of).collect(),
        };
        for found in &finding.breaks {
            match &found.trouble {
                Trouble::Short(group) => drop(facts.groups.insert(group.clone())),
                Trouble::Missing(group, count) => {
                    facts.groups.insert(group.clone());
                    facts.missing += *count as usize;
                    facts.open = true;
                }
                Trouble::Unheld(vip) => {
                    let mut all = desired.load_balancers();
                    let of_vip = all.find(|(_, lb)| lb.vip.addr() == *vip);
                    facts
                        .groups
                        .extend(of_vip.map(|(group, _)| group.id.clone()));
                    facts.open = true;
                }
                Trouble::Unreached(group) => drop(facts.groups.insert(group.clone())),
                Trouble::Left | Trouble::Broken => facts.open = true,
            }
        }
        facts
    }

    /// What a cause calls for before the rest. One more instance only ever moves the others about where a promise is not
    /// what broke: that comes last.
    fn ordered<const N: usize>(&self, singly: [(Vec<Mend>, Cause); N]) -> Vec<Mend> {
        let rank = |cause: Cause| match (self.causes.contains(&cause), cause) {
            (true, _) => 0,
            (false, Cause::Space | Cause::Evidence) => 1,
            (false, Cause::Promise) => 2,
        };
        let mut singly = Vec::from(singly);
        singly.sort_by_key(|(_, cause)| rank(*cause));
        singly.into_iter().flat_map(|(mends, _)| mends).collect()
    }

    fn survivors(&self) -> impl Iterator<Item = &'a Host> {
        let lost = &self.loss.hosts;
        let hosts = self.desired.hosts.values();
        hosts.filter(|host| !lost.contains(&host.id))
    }

    fn troubled(&self) -> impl Iterator<Item = &'a Group> {
        let groups = self.desired.groups.values();
        groups.filter(|group| self.groups.contains(&group.id))
    }

    fn is_written(&self, path: &str) -> bool {
        self.desired.lines.0.contains_key(path)
    }

    /// More instances of one group, which keeps what it promises.
    fn replicas(&self, more: u32) -> Vec<Mend> {
        let groups = self.troubled().map(|group| {
            let (key, promise) = (
                group.key(),
                group.budget.min_available.max(1).min(group.replicas),
            );
            let mut changes = vec![(
                format!("{key}.replicas"),
                (group.replicas + more).to_string(),
            )];
            changes.extend(self.promise(group, promise));
            let text = match more {
                1 => format!("one more instance of {}", group.id),
                more => format!("{more} more instances of {}", group.id),
            };
            let only_if = match (group.stateful, group.replicas + more) {
                (false, _) => String::new(),
                (true, 2) => format!(" (if {} can run twice)", group.id),
                (true, all) => format!(" (if {} can run {all} times)", group.id),
            };
            Mend::new(text + &only_if, changes)
        });
        let each: Vec<Mend> = groups.collect();
        let all = each
            .iter()
            .skip(1)
            .fold(each.first().cloned(), |all, one| Some(all?.and(one)));
        each.into_iter().chain(all).collect()
    }

    /// Whether it lets what is stateful run more often: no file tells whether that can work.
    fn runs_twice(&self, mend: &Mend) -> bool {
        let mut stateful = self.troubled().filter(|group| group.stateful);
        stateful.any(|group| {
            mend.changes
                .contains_key(&format!("{}.replicas", group.key()))
        })
    }

    /// What a group promises from now on, however that is written now.
    fn promise(&self, group: &Group, least: u32) -> Vec<(String, String)> {
        let key = |name: &str| format!("{}.{name}", group.key());
        let other = key("max_unavailable");
        let mut changes = vec![(key("min_available"), least.to_string())];
        if self.is_written(&other) {
            changes.push((other, String::new()));
        }
        changes
    }

    /// What can still be promised: for each group alone, then for all of them.
    fn promises(&self) -> Vec<Mend> {
        let short = self
            .troubled()
            .filter(|group| group.budget.min_available > 1);
        let each: Vec<Vec<Mend>> = short
            .map(|group| {
                let less = (1..group.budget.min_available).rev().take(4);
                let mends = less.map(|least| {
                    let text = format!("a smaller promise for {}", group.id);
                    Mend::new(text, self.promise(group, least))
                });
                mends.collect()
            })
            .collect();
        let all = each.iter().skip(1).fold(each.first().cloned(), |all, one| {
            let all = all?.into_iter();
            Some(all.zip(one).map(|(some, more)| some.and(more)).collect())
        });
        let all = all.unwrap_or_default();
        each.into_iter().flatten().chain(all).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_read_off_what_is_printed() {
        let group: GroupId = "web".parse().unwrap();
        let broken = |trouble, why: &str| Break {
            trouble,
            what: String::new(),
            why: Some(why.to_owned()),
            help: None,
        };
        let missing = || Trouble::Missing(group.clone(), 1);
        let no_place = "must move: host a is drained; but no host can take it: no address free";
        let cause = |trouble, why| Cause::of(&broken(trouble, why));
        assert_eq!(cause(missing(), no_place), Some(Cause::Space));
        let unseen = "nothing shows that host a is off";
        assert_eq!(cause(missing(), unseen), Some(Cause::Evidence));
        assert_eq!(
            cause(Trouble::Short(group.clone()), ""),
            Some(Cause::Promise)
        );
    }
}
