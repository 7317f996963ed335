//! Who is where: every instance's whereabouts, every address that is taken, and what is in the way. Only sorts what
//! was observed and remembered; decides nothing.

mod copies;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::hosts::Hosts;
use super::machine::is_adopted;
use super::refusal::Refusal;
use crate::model::bug::Bug;
use crate::model::desired::Desired;
use crate::model::facts::{Domain, Observed, Seen};
use crate::model::id::{DomainName, HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::memory::Memory;

/// So many hosts are named each; more are counted.
const FEW: usize = 4;

/// Where an instance is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Whereabouts<'a> {
    /// On a host that was seen.
    On(Found<'a>),
    /// It was on this host when that was last seen; now the host can't be seen.
    Hidden {
        /// The host.
        host: &'a HostId,
        /// Its mark then.
        mark: &'a Mark,
    },
    /// It was on this host, which can't be seen, and it is given up: it may be made elsewhere.
    Lost {
        /// The host.
        host: &'a HostId,
        /// Its mark then.
        mark: &'a Mark,
    },
    /// No host that was seen has it, but this one was never seen and may have it.
    Perhaps {
        /// The host.
        host: &'a HostId,
    },
    /// It exists nowhere.
    Nowhere,
}

/// A marked domain on a host that was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found<'a> {
    /// The host.
    pub host: &'a HostId,
    /// Its domain.
    pub domain: &'a Domain,
    /// The mark of the domain.
    pub mark: &'a Mark,
}

impl Found<'_> {
    /// What its domain is called: one that was adopted keeps its name.
    pub fn domain_name(&self) -> DomainName {
        let own = || DomainName::new(&self.mark.cluster, &self.mark.instance);
        let adopted = is_adopted(&self.mark.digest).then(|| DomainName::found(&self.domain.name));
        adopted.flatten().unwrap_or_else(own)
    }
}

/// The domains of one instance.
#[derive(Debug, Default)]
struct Copies<'a> {
    all: Vec<Found<'a>>,
    /// The number of the one that counts. Every step asks for it, so it is settled once.
    best: Option<usize>,
}

/// Everything of ours, sorted.
#[derive(Debug)]
pub struct Inventory<'a> {
    /// Marked domains by instance; more than one only when something went wrong.
    found: BTreeMap<InstanceId, Copies<'a>>,
    /// Guests on hosts that can't be seen; the one that counts is first.
    hidden: BTreeMap<&'a InstanceId, Vec<(&'a HostId, &'a Mark)>>,
    /// Those that may not be made elsewhere yet, and why.
    refusals: BTreeMap<&'a InstanceId, Refusal>,
    /// The hosts themselves.
    pub hosts: Hosts<'a>,
    memory: &'a Memory,
    /// A host that can't be seen and never was.
    never_seen: Option<&'a HostId>,
    /// A host that can't be seen, and on which another controller may have worked since it was.
    outdated: Option<&'a HostId>,
    /// Addresses that a guest of ours has, or may have.
    pub taken: BTreeSet<Ipv4Addr>,
    /// Domains that have a name of ours and no mark of ours, by name.
    pub clashes: BTreeMap<&'a str, &'a HostId>,
}

impl<'a> Inventory<'a> {
    /// Sorts what was observed; where a host can't be seen, what is remembered of it stands in.
    pub fn take(desired: &'a Desired, observed: &'a Observed, memory: &'a Memory) -> Self {
        let mut inventory = Inventory {
            found: BTreeMap::new(),
            hidden: BTreeMap::new(),
            refusals: BTreeMap::new(),
            hosts: Hosts::judge(desired, observed, memory),
            memory,
            never_seen: None,
            outdated: None,
            taken: BTreeSet::new(),
            clashes: BTreeMap::new(),
        };
        for host in desired.hosts.keys() {
            match observed.hosts.get(host) {
                Some(Seen::Yes(facts)) => {
                    for domain in &facts.domains {
                        inventory.sort_domain(desired, host, domain);
                    }
                }
                Some(Seen::No(_)) | None => inventory.sort_hidden(host, memory),
            }
        }
        // A host that left the file and never was seen has nothing of ours.
        let gone = memory
            .hosts
            .iter()
            .filter(|(id, host)| !desired.hosts.contains_key(*id) && host.seen.is_some());
        gone.for_each(|(id, _)| inventory.sort_hidden(id, memory));
        inventory.sort_inherited(memory);
        inventory.sort_busy(memory);
        inventory.sort_copies();
        inventory.refuse(desired);
        inventory.settle_best();
        inventory
    }

    fn is_stateful(&self, instance: &InstanceId) -> bool {
        let group = self.hosts.desired.group_of(instance);
        group.is_some_and(|group| group.stateful)
    }

    /// A host that can't be seen, of which we don't know what is on it now; and nothing shows that it ended.
    pub fn unknown(&self) -> Option<&'a HostId> {
        self.never_seen.or(self.outdated)
    }

    /// All such hosts, those among them that left the file.
    pub fn unknown_hosts(&self) -> impl Iterator<Item = &'a HostId> + '_ {
        let (hosts, memory) = (self.hosts.desired.hosts.keys(), self.memory);
        let seen = |host: &HostId| memory.hosts.get(host).and_then(|host| host.seen);
        let is_unknown = move |host: &&HostId| {
            let unseen = self.hosts.unseen(host).is_some() && !self.hosts.has_ended(host);
            unseen && (seen(host).is_none() || seen(host) < memory.took_over)
        };
        let inherited = memory.inherited.keys();
        let inherited = inherited.filter(|host| !self.hosts.has_ended(host));
        let all: BTreeSet<&'a HostId> = hosts.filter(is_unknown).chain(inherited).collect();
        all.into_iter()
    }

    /// All of them, of which `one` is one, in words: `host a, b or c`.
    pub fn words_of_unknown(&self, one: &HostId) -> String {
        let names = self.unknown_hosts().chain([one]);
        let names: BTreeSet<&str> = names.map(HostId::as_str).collect();
        let mut names = Vec::from_iter(names);
        let more = match names.len().saturating_sub(FEW) {
            0 => None,
            more => Some(format!("{more} more")),
        };
        names.truncate(FEW);
        names.extend(more.as_deref());
        match names.split_last() {
            Some((last, [_, ..])) => {
                let others = &names[..names.len() - 1];
                format!("host {} or {last}", others.join(", "))
            }
            Some(_) | None => format!("host {one}"),
        }
    }

    /// A host where an instance may be that was not found, and is remembered nowhere. What is stateless, has no VIP and
    /// needs no bootstrap address may be made though another controller made it, too.
    fn unknown_host(&self, instance: &InstanceId) -> Option<&'a HostId> {
        let group = self.hosts.desired.group_of(instance)?;
        let single = self.hosts.desired.is_single(group);
        self.never_seen.or(self.outdated.filter(|_| single))
    }

    /// Finds out who is not given up yet.
    fn refuse(&mut self, desired: &Desired) {
        for instance in self.hidden.keys() {
            let Some(group) = desired.group_of(instance) else {
                continue;
            };
            let mut copies = self.lives_out_of_sight(instance, group).iter();
            let given_up = match self.memory.busy.contains_key(*instance) {
                true => Err(Refusal::default()),
                false => copies
                    .try_for_each(|(host, mark)| self.hosts.gives_up(instance, group, host, mark)),
            };
            if let Err(refusal) = given_up {
                self.refusals.insert(instance, refusal);
            }
        }
    }

    /// Why guests that can't be seen are not made elsewhere.
    pub fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.refusals.values()
    }

    /// Why an instance that can't be seen is not made elsewhere.
    pub fn refusal(&self, instance: &InstanceId) -> Option<&Refusal> {
        self.refusals.get(instance)
    }

    fn sort_domain(&mut self, desired: &'a Desired, host: &'a HostId, domain: &'a Domain) {
        let mark = domain
            .mark
            .as_ref()
            .filter(|m| m.cluster == desired.cluster || Bug::TouchAForeignGuest.is_in());
        let Some(mark) = mark else {
            self.clashes.insert(&domain.name, host);
            return;
        };
        self.taken.extend(mark.addresses());
        let found = Found { host, domain, mark };
        let copies = self.found.entry(mark.instance.clone()).or_default();
        copies.all.push(found);
    }

    fn sort_hidden(&mut self, host: &'a HostId, memory: &'a Memory) {
        let remembered = memory
            .hosts
            .get_key_value(host)
            .filter(|(_, m)| m.seen.is_some());
        let Some((host, remembered)) = remembered else {
            // A person's word counts for what we never saw, too.
            if !self.hosts.has_ended(host) {
                self.never_seen = Some(host);
            }
            return;
        };
        let outdated = remembered.seen < memory.took_over;
        if outdated && !self.hosts.has_ended(host) {
            self.outdated = Some(host);
        }
        for (instance, mark) in &remembered.guests {
            self.taken.extend(mark.addresses());
            self.hidden.entry(instance).or_default().push((host, mark));
        }
    }

    /// Hosts on which another controller may have left something, in the file or not.
    fn sort_inherited(&mut self, memory: &'a Memory) {
        let mut open = memory.inherited.keys();
        if let Some(host) = open.find(|host| !self.hosts.has_ended(host)) {
            self.outdated = Some(host);
        }
    }

    /// A guest that is being made may not be seen yet, and has its address already.
    fn sort_busy(&mut self, memory: &'a Memory) {
        for (instance, busy) in &memory.busy {
            if let Some(mark) = &busy.mark {
                self.taken.extend(mark.addresses());
                let copies = self.hidden.entry(instance).or_default();
                if copies.is_empty() {
                    copies.push((&busy.host, mark));
                }
            }
        }
    }

    /// Where `instance` is.
    pub fn whereabouts(&self, instance: &InstanceId) -> Whereabouts<'a> {
        if let Some(found) = self.best(instance) {
            return Whereabouts::On(found);
        }
        if let Some((host, mark)) = self.hidden.get(instance).and_then(|copies| copies.first()) {
            return match self.refusals.contains_key(instance) {
                true => Whereabouts::Hidden { host, mark },
                false => Whereabouts::Lost { host, mark },
            };
        }
        match self.unknown_host(instance) {
            Some(host) => Whereabouts::Perhaps { host },
            None => Whereabouts::Nowhere,
        }
    }

    /// The domain that counts.
    pub fn best(&self, instance: &InstanceId) -> Option<Found<'a>> {
        let copies = self.found.get(instance)?;
        copies.all.get(copies.best?).copied()
    }

    /// Every marked domain that was seen, with whether it is the one that counts for its instance.
    pub fn all_found(&self) -> impl Iterator<Item = (Found<'a>, bool)> + '_ {
        self.found.values().flat_map(|copies| {
            let numbered = copies.all.iter().enumerate();
            numbered.map(|(number, found)| (*found, copies.best == Some(number)))
        })
    }

    /// Whether a domain of `instance` was seen on `host`.
    pub fn is_on(&self, instance: &InstanceId, host: &HostId) -> bool {
        self.found
            .get(instance)
            .is_some_and(|copies| copies.all.iter().any(|f| f.host == host))
    }

    /// The instances that can't be seen now, with their hosts.
    pub fn all_hidden(&self) -> impl Iterator<Item = (&'a InstanceId, &'a HostId, &'a Mark)> + '_ {
        let unseen = self
            .hidden
            .iter()
            .filter(|(instance, _)| self.best(instance).is_none());
        unseen.filter_map(|(instance, copies)| {
            let (host, mark) = copies.first()?;
            Some((*instance, *host, *mark))
        })
    }

    /// Every guest that is, or was, on a host that can't be seen, whether or not it was made elsewhere since.
    pub fn all_out_of_sight(
        &self,
    ) -> impl Iterator<Item = (&'a InstanceId, &'a HostId, &'a Mark)> + '_ {
        let hidden = self.hidden.iter();
        hidden.flat_map(|(instance, copies)| {
            copies.iter().map(|(host, mark)| (*instance, *host, *mark))
        })
    }

    /// The host where a foreign domain stands in the way of `domain`.
    pub fn clash(&self, domain: &DomainName) -> Option<&'a HostId> {
        self.clashes.get(domain.as_str()).copied()
    }
}
