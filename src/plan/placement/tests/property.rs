//! Whatever the hosts, the groups, their rules and what exists: no required rule is violated, nothing overflows, who
//! need not move stays, and a place that exists is found. Judged by a second, slow reading of the rules.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::model::desired::Group;
use crate::model::id::GroupId;
use crate::model::policy::HostChoice;

#[derive(Debug, Clone)]
struct HostCase {
    memory: Option<u64>,
    cpus: u32,
    rack: u8,
    addresses: u8,
    unseen: bool,
    drained: bool,
}

#[derive(Debug, Clone)]
struct GroupCase {
    replicas: u32,
    memory: u64,
    cpus: u32,
    spread: bool,
    failback: bool,
    hosts: Vec<u8>,
    rack: Option<u8>,
    preferred: Vec<u8>,
    apart: Vec<(u8, bool)>,
    near: Option<(u8, bool)>,
    pin: Option<(u32, u8)>,
}

#[derive(Debug, Clone)]
struct Case {
    hosts: Vec<HostCase>,
    groups: Vec<GroupCase>,
    /// Group, number, host, and what it was built with: in 256 MiB; 0: nobody knows.
    guests: Vec<(u8, u32, u8, u64)>,
}

fn host_case() -> impl Strategy<Value = HostCase> {
    let rarely = prop::bool::weighted(0.15);
    let memory = prop_oneof![1 => Just(None), 6 => (2u64..12).prop_map(Some)];
    (memory, 1u32..4, 0u8..3, 1u8..8, rarely, rarely).prop_map(
        |(memory, cpus, rack, addresses, unseen, drained)| HostCase {
            memory,
            cpus,
            rack,
            addresses,
            unseen,
            drained,
        },
    )
}

fn group_case() -> impl Strategy<Value = GroupCase> {
    let any_host = || prop::collection::vec(0u8..5, 0..3);
    let often_none = |of| prop_oneof![3 => Just(None), 1 => of];
    (
        (0u32..5, 1u64..4, 1u32..3),
        (any::<bool>(), any::<bool>()),
        prop_oneof![2 => Just(Vec::new()), 1 => any_host()],
        prop_oneof![3 => Just(None), 1 => (0u8..3).prop_map(Some)],
        any_host(),
        prop::collection::vec((0u8..4, any::<bool>()), 0..2),
        often_none((0u8..4, any::<bool>()).prop_map(Some).boxed()),
        prop_oneof![3 => Just(None), 1 => (1u32..4, 0u8..5).prop_map(Some)],
    )
        .prop_map(
            |(
                (replicas, memory, cpus),
                (spread, failback),
                hosts,
                rack,
                preferred,
                apart,
                near,
                pin,
            )| {
                GroupCase {
                    replicas,
                    memory,
                    cpus,
                    spread,
                    failback,
                    hosts,
                    rack,
                    preferred,
                    apart,
                    near,
                    pin,
                }
            },
        )
}

fn case() -> impl Strategy<Value = Case> {
    (
        prop::collection::vec(host_case(), 1..6),
        prop::collection::vec(group_case(), 1..5),
        prop::collection::vec((0u8..4, 1u32..5, 0u8..5, 0u64..5), 0..8),
    )
        .prop_map(|(hosts, groups, guests)| Case {
            hosts,
            groups,
            guests,
        })
}

fn host_id(number: u8) -> HostId {
    format!("h{number}").parse().unwrap()
}

fn group_id(number: usize) -> GroupId {
    format!("g{number}").parse().unwrap()
}

impl Case {
    fn world(&self) -> World {
        let hosts: Vec<String> = self
            .hosts
            .iter()
            .enumerate()
            .map(|(n, host)| format!("h{n} overcommit: 200%, labels: {{ rack: r{} }}", host.rack))
            .collect();
        let groups: Vec<String> = self
            .groups
            .iter()
            .enumerate()
            .map(|(n, group)| {
                format!(
                    "g{n} {} memory: {}MiB, cpus: {}",
                    group.replicas,
                    256 * group.memory,
                    group.cpus
                )
            })
            .collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let mut world = world(&hosts, &groups);
        for (n, group) in self.groups.iter().enumerate() {
            self.rules(&mut world, n, group);
        }
        let mut known = BTreeSet::new();
        for (group, index, host, built) in &self.guests {
            if (*group as usize) < self.groups.len()
                && (*host as usize) < self.hosts.len()
                && known.insert((group, index))
            {
                let built = match built {
                    0 => "d".to_owned(),
                    built => format!("memory={}MiB", 256 * built),
                };
                world.runs_with(&built, &format!("g{group}-{index}@h{host}"));
            }
        }
        for (n, host) in (0u8..).zip(&self.hosts) {
            self.facts(&mut world, n, host);
        }
        world
    }

    /// A group follows only those before it: who follows whom in a circle is another test.
    fn rules(&self, world: &mut World, n: usize, case: &GroupCase) {
        let placement = &mut world
            .desired
            .groups
            .get_mut(&group_id(n))
            .unwrap()
            .placement;
        let hosts = case.hosts.iter().map(|h| HostChoice::Host(host_id(*h)));
        let rack = case
            .rack
            .map(|r| HostChoice::Label("rack".into(), format!("r{r}")));
        placement.hosts.required = hosts.chain(rack).collect();
        placement.hosts.preferred = case
            .preferred
            .iter()
            .map(|h| HostChoice::Host(host_id(*h)))
            .collect();
        for (other, required) in &case.apart {
            let apart = &mut placement.anti_affinity;
            let apart = if *required {
                &mut apart.required
            } else {
                &mut apart.preferred
            };
            apart.insert(group_id(*other as usize));
        }
        if let Some((other, required)) = case.near.filter(|(other, _)| (*other as usize) < n) {
            let near = &mut placement.affinity;
            let near = if required {
                &mut near.required
            } else {
                &mut near.preferred
            };
            near.insert(group_id(other as usize));
        }
        placement.pin = case.pin.iter().map(|(i, h)| (*i, host_id(*h))).collect();
        placement.spread = if case.spread {
            vec!["rack".into()]
        } else {
            Vec::new()
        };
        placement.failback = case.failback;
    }

    fn facts(&self, world: &mut World, n: u8, case: &HostCase) {
        let id = host_id(n);
        let pool = &mut world.desired.hosts.get_mut(&id).unwrap().pool;
        pool.0[0].1 = Ipv4Addr::from(u32::from(pool.0[0].0) + u32::from(case.addresses));
        let facts = world.facts(id.as_str());
        facts.memory = case.memory.map(|m| Bytes((512 + 256 * m) << 20));
        facts.cpus = Some(case.cpus);
        if case.drained {
            world.drain(id.as_str());
        }
        if case.unseen {
            let marks = world
                .facts(id.as_str())
                .domains
                .iter()
                .filter_map(|d| d.mark.clone());
            let marks: Vec<Mark> = marks.collect();
            world.unseen(id.as_str());
            let memory = world.memory.hosts.get_mut(&id).unwrap();
            memory.guests = marks.into_iter().map(|m| (m.instance.clone(), m)).collect();
        }
    }
}

/// A second reading of what was seen and what was decided.
struct Judge<'w> {
    world: &'w World,
    inventory: &'w Inventory<'w>,
    placement: &'w Placement<'w>,
}

impl Judge<'_> {
    fn group(&self, instance: &InstanceId) -> &Group {
        &self.world.desired.groups[&instance.group]
    }

    fn is_new(&self, instance: &InstanceId) -> bool {
        let place = &self.placement.places[instance];
        place.moves.is_some() || self.inventory.whereabouts(instance) == Whereabouts::Nowhere
    }

    /// Everybody who is on a host now, or will be.
    fn on(&self, host: &HostId) -> Vec<InstanceId> {
        let new = self
            .placement
            .places
            .iter()
            .filter(|(i, p)| p.host == host && self.is_new(i));
        let new = new.map(|(i, _)| i.clone());
        self.now_on(host).into_iter().chain(new).collect()
    }

    fn now_on(&self, host: &HostId) -> Vec<InstanceId> {
        let facts = self.world.observed.hosts[host].facts();
        let domains = facts.into_iter().flat_map(|f| &f.domains);
        domains
            .filter_map(|d| Some(d.mark.as_ref()?.instance.clone()))
            .collect()
    }

    fn usable(&self, host: &HostId) -> bool {
        let observed = &self.world.observed;
        observed.hosts[host].facts().is_some() && !observed.orders.drained.contains_key(host)
    }

    fn may_have(&self, instance: &InstanceId, host: &HostId) -> bool {
        let rules = &self.group(instance).placement;
        let labels = &self.world.desired.hosts[host].labels;
        let chosen = rules.hosts.required.is_empty()
            || rules.hosts.required.iter().any(|choice| match choice {
                HostChoice::Host(id) => id == host,
                HostChoice::Label(label, value) => labels.get(label) == Some(value),
            });
        chosen && rules.pin.get(&instance.index).is_none_or(|pin| pin == host)
    }

    fn are_rivals(&self, one: &GroupId, other: &GroupId) -> bool {
        let says = |a: &GroupId, b: &GroupId| {
            let rules = &self.world.desired.groups[a]
                .placement
                .anti_affinity
                .required;
            rules.contains(b)
        };
        says(one, other) || says(other, one)
    }

    fn rival_among(&self, instance: &InstanceId, there: &[InstanceId]) -> bool {
        there
            .iter()
            .any(|other| other != instance && self.are_rivals(&instance.group, &other.group))
    }

    fn has_company(&self, instance: &InstanceId, host: &HostId) -> bool {
        self.group(instance)
            .placement
            .affinity
            .required
            .iter()
            .all(|near| {
                // Only who belongs on a host of the file is somewhere.
                let mut hosts = self
                    .placement
                    .places
                    .iter()
                    .filter(|(i, _)| i.group == *near)
                    .map(|(_, p)| p.host)
                    .peekable();
                hosts.peek().is_none() || hosts.any(|h| h == host)
            })
    }

    /// What one takes there: what it has, and what more it is given.
    fn memory(&self, instance: &InstanceId, host: &HostId) -> u64 {
        let wants = Size::of(self.group(instance));
        let Some(has) = self.built(instance, host) else {
            return wants.memory.0;
        };
        let place = self.placement.places.get(instance);
        let stays = place.is_some_and(|p| p.moves.is_none() && p.host == host);
        match stays && !self.placement.kept_sizes.contains_key(instance) {
            true => has.max(wants).memory.0,
            false => has.memory.0,
        }
    }

    /// What those who leave a host would have been given there: it was kept for them while others had their turn, and is free
    /// in the next round.
    fn growth_given_up(&self, host: &HostId) -> i64 {
        let on = self.on(host);
        let leaves = on.iter().filter(|i| {
            let place = self.placement.places.get(i);
            place.is_none_or(|place| place.host != host)
        });
        let growth = leaves.filter_map(|i| {
            let has = self.built(i, host)?.memory.0;
            Some(self.group(i).memory.0.saturating_sub(has))
        });
        i64::try_from(growth.sum::<u64>()).unwrap()
    }

    /// How large one is that is there.
    fn built(&self, instance: &InstanceId, host: &HostId) -> Option<Size> {
        let facts = self.world.observed.hosts[host].facts()?;
        let mut marks = facts.domains.iter().filter_map(|d| d.mark.as_ref());
        let mark = marks.find(|m| m.instance == *instance)?;
        Some(Size::built(&mark.digest, Size::of(self.group(instance))))
    }

    /// What is left of a host when everybody is there.
    fn left(&self, host: &HostId) -> (i64, i64) {
        let facts = self.world.observed.hosts[host].facts().unwrap();
        let there = self.on(host);
        let groups = || there.iter().map(|i| self.group(i));
        let memory = || there.iter().map(|i| self.memory(i, host));
        let signed = |n: u64| i64::try_from(n).unwrap();
        let memory = facts.memory.map_or(i64::MAX, |m| {
            signed(m.0) - (512 << 20) - memory().map(signed).sum::<i64>()
        });
        let cpus =
            i64::from(facts.cpus.unwrap()) * 2 - groups().map(|g| i64::from(g.cpus)).sum::<i64>();
        (memory, cpus)
    }

    fn addresses_left(&self, host: &HostId) -> usize {
        let used: BTreeSet<Ipv4Addr> = self.used();
        let pool = &self.world.desired.hosts[host].pool;
        pool.addresses().filter(|a| !used.contains(a)).count()
    }

    fn used(&self) -> BTreeSet<Ipv4Addr> {
        let places = self.placement.places.values().map(|p| p.address);
        places.chain(self.inventory.taken.iter().copied()).collect()
    }

    fn could_take(&self, instance: &InstanceId, host: &HostId) -> bool {
        if !self.usable(host) || !self.may_have(instance, host) {
            return false;
        }
        let (memory, cpus) = self.left(host);
        let group = self.group(instance);
        !self.rival_among(instance, &self.on(host))
            && self.has_company(instance, host)
            && i64::try_from(group.memory.0).unwrap() <= memory - self.growth_given_up(host)
            && i64::from(group.cpus) <= cpus
            && self.addresses_left(host) > 0
    }

    fn judge(&self) -> Result<(), TestCaseError> {
        let mut addresses = BTreeSet::new();
        for (instance, place) in &self.placement.places {
            prop_assert!(
                addresses.insert(place.address),
                "{instance} has the address of another one"
            );
            match self.is_new(instance) {
                true => self.judge_new(instance, place)?,
                false => self.judge_stay(instance, place)?,
            }
        }
        let desired = self.world.desired.instances();
        for (instance, _) in desired.filter(|(i, _)| !self.placement.places.contains_key(i)) {
            let hosts = self.world.desired.hosts.keys();
            let found: Vec<&HostId> = hosts.filter(|h| self.could_take(&instance, h)).collect();
            prop_assert!(found.is_empty(), "{instance} could go to {found:?}");
        }
        Ok(())
    }

    fn judge_new(&self, instance: &InstanceId, place: &Place<'_>) -> Result<(), TestCaseError> {
        let host = place.host;
        prop_assert!(self.usable(host), "{instance} on {host}");
        prop_assert!(self.may_have(instance, host), "{instance} on {host}");
        prop_assert!(
            !self.rival_among(instance, &self.on(host)),
            "{instance} on {host} beside a rival"
        );
        prop_assert!(
            self.has_company(instance, host),
            "{instance} on {host} alone"
        );
        let (memory, cpus) = self.left(host);
        prop_assert!(
            memory >= 0 && cpus >= 0,
            "{host} overflows: {memory} {cpus}"
        );
        prop_assert!(self.world.desired.hosts[host].pool.contains(place.address));
        prop_assert!(!self.inventory.taken.contains(&place.address));
        Ok(())
    }

    /// One that moved, or that a rule makes move, is judged elsewhere.
    fn judge_stay(&self, instance: &InstanceId, place: &Place<'_>) -> Result<(), TestCaseError> {
        let Whereabouts::On(found) = self.inventory.whereabouts(instance) else {
            return Ok(());
        };
        prop_assert_eq!(found.host, place.host);
        let must_leave = !self.usable(found.host) || !self.may_have(instance, found.host);
        let blocked = self
            .placement
            .notices
            .iter()
            .any(|n| n.subject == instance.to_string());
        let yields = self.placement.yielding.contains_key(instance);
        let grows = self.built(instance, found.host).is_some_and(|size| {
            let kept = self.placement.kept_sizes.contains_key(instance);
            !kept && size.memory < self.group(instance).memory
        });
        if grows {
            let left = self.left(found.host).0;
            prop_assert!(left >= 0, "{instance} grows, and {} overflows", found.host);
        }
        prop_assert!(
            !must_leave || blocked || yields,
            "{} has to leave, and nothing is said",
            instance
        );
        Ok(())
    }

    /// Nobody leaves without a reason.
    fn judge_moves(&self) -> Result<(), TestCaseError> {
        for (instance, place) in &self.placement.places {
            let Some(moves) = &place.moves else { continue };
            let rules = &self.group(instance).placement;
            let forbidden = !self.usable(moves.from) || !self.may_have(instance, moves.from);
            let reason = match moves.cause {
                Cause::Drained | Cause::Leaving | Cause::Pinned | Cause::NotRequired => forbidden,
                Cause::Rival => self.rival_among(instance, &self.now_on(moves.from)),
                Cause::Apart => !self.has_company(instance, moves.from),
                Cause::Failback => rules.failback,
                Cause::Outgrown => {
                    let built = self.built(instance, moves.from);
                    built.is_some_and(|size| size.memory < self.group(instance).memory)
                }
                Cause::Unaddressed => {
                    let pool = &self.world.desired.hosts[moves.from].pool;
                    pool.size() < self.now_on(moves.from).len() as u64
                }
                Cause::Failing | Cause::Uneven => false,
            };
            prop_assert!(reason, "{instance} moves from {}: {:?}", moves.from, moves);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn required_rules_hold_nothing_overflows_and_a_place_that_exists_is_found(case in case()) {
        let world = case.world();
        let inventory = Inventory::take(&world.desired, &world.observed, &world.memory);
        let placed = || place(&world.desired, &world.observed, &world.memory, &inventory);
        let placement = placed();
        let judge = Judge { world: &world, inventory: &inventory, placement: &placement };
        judge.judge()?;
        judge.judge_moves()?;
        let again = placed();
        prop_assert_eq!(&again.places, &placement.places);
        prop_assert_eq!(&again.notices, &placement.notices);
    }

    #[test]
    fn every_place_can_be_explained(case in case()) {
        let world = case.world();
        let (places, ..) = world.placement();
        for (instance, group) in world.desired.instances() {
            let _ = group;
            let told = world.why(&instance.to_string());
            prop_assert_eq!(told.hosts.len(), world.desired.hosts.len());
            match (&told.stand, places.get(&instance)) {
                (Stand::Comes(host, address), Some(place)) => {
                    prop_assert_eq!((host.to_string(), *address), place.clone());
                    let pinned = group.placement.pin.contains_key(&instance.index);
                    prop_assert!(pinned || told.hosts[0].host == *host, "{} is not the best", host);
                }
                (Stand::Stays(host, address, _), Some(place)) => {
                    prop_assert_eq!((host.to_string(), *address), place.clone());
                }
                (Stand::Moves { to, .. }, Some(place)) => prop_assert_eq!(to.to_string(), place.0.clone()),
                (Stand::Nowhere(text, _), None) => prop_assert!(!text.is_empty()),
                (Stand::OutOfSight(..) | Stand::Perhaps(_), _) => {}
                (stand, place) => prop_assert!(false, "{stand:?} {place:?}"),
            }
        }
    }
}
