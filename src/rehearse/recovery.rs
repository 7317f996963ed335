//! How soon what a failure disturbed was back: what is promised of every service and VIP (its RTO), and every replica.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{Again, Outage, Target};
use super::sight;
use crate::model::desired::Group;
use crate::model::id::{GroupId, InstanceId};
use crate::sim::world::World;

/// How strong every group was over time.
#[derive(Debug, Default)]
pub struct Strength {
    replicas: BTreeMap<InstanceId, Presence>,
    levels: BTreeMap<GroupId, Vec<Level>>,
}

/// A replica, since the file wants it.
#[derive(Debug)]
struct Presence {
    wanted: u64,
    absent: Vec<Outage>,
}

/// How many of a group served from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Level {
    at_ms: u64,
    serve: usize,
    /// So many are promised.
    least: usize,
}

/// The time in which what begins is laid to a failure: from it to the next one, or until it is over.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// When it happened.
    pub at: u64,
    /// When the next one did, or it was over.
    pub until: u64,
}

impl Presence {
    fn read(&mut self, now: u64, up: bool) {
        let open = self.absent.last_mut().filter(|o| o.to_ms.is_none());
        match (open, up) {
            (Some(open), true) => open.to_ms = Some(now),
            (None, false) => self.absent.push(Outage {
                from_ms: now,
                to_ms: None,
            }),
            (Some(_), false) | (None, true) => {}
        }
    }

    /// Times in which it was not there, but for the one before its first start where that was no news.
    fn touched(&self, window: Window) -> impl Iterator<Item = &Outage> {
        let new = move |o: &&Outage| o.from_ms == self.wanted && o.from_ms > window.at;
        self.absent.iter().filter(move |o| !new(o))
    }
}

impl Strength {
    /// Looks at every replica.
    pub fn read(&mut self, world: &World, now: u64) {
        let mut serve: BTreeMap<&GroupId, usize> = BTreeMap::new();
        let mut wanted = BTreeSet::new();
        for (instance, group) in world.desired.instances() {
            let up = sight::is_reached(world, &instance);
            *serve.entry(&group.id).or_default() += usize::from(up);
            let replica = self.replicas.entry(instance.clone());
            let new = || Presence {
                wanted: now,
                absent: Vec::new(),
            };
            replica.or_insert_with(new).read(now, up);
            wanted.insert(instance);
        }
        self.replicas
            .retain(|instance, _| wanted.contains(instance));
        self.levels
            .retain(|group, _| world.desired.groups.contains_key(group));
        for group in world.desired.groups.values() {
            let serve = serve.get(&group.id).copied().unwrap_or(0);
            let levels = self.levels.entry(group.id.clone()).or_default();
            note(levels, now, serve, promised(group));
        }
    }

    /// When every service and VIP that was disturbed served again.
    pub fn serves_again(&self, window: Window, targets: &[Target]) -> Again {
        let levels = self.levels.values();
        let weak = levels.filter_map(|levels| weak(levels, window));
        let targets = targets.iter().filter_map(|t| last(&t.outages, window));
        let all = weak.chain(targets);
        all.map(|outage| back(outage.to_ms, window))
            .max()
            .unwrap_or(Again::Undisturbed)
    }

    /// When every replica that can be was there again, and every service and VIP; `absent` can't be.
    pub fn whole_again(
        &self,
        window: Window,
        targets: &[Target],
        absent: &BTreeSet<InstanceId>,
    ) -> Again {
        let all = self.outages(window, targets, absent);
        let mut touched = all.iter().filter(|o| touches(o, window));
        let Some(first) = touched.next() else {
            return Again::Undisturbed;
        };
        // As long as something else is not there, nothing is whole.
        let later = all.iter().fold(first.to_ms, |end, o| match end {
            Some(end) if o.from_ms <= end && o.to_ms.is_none_or(|to| to > end) => o.to_ms,
            end => end,
        });
        back(later, window)
    }

    /// The window up to the moment from which on nothing is laid to its failure any more: all is whole, and either
    /// something that fell in it is back, or it is one of the moments at which something else begins.
    pub fn until_over(
        &self,
        window: Window,
        targets: &[Target],
        absent: &BTreeSet<InstanceId>,
        news: &[u64],
    ) -> Window {
        let all = self.outages(window, targets, absent);
        let lacks = |o: &Outage, at| o.from_ms <= at && o.to_ms.is_none_or(|to| to > at);
        let fell = all.iter().filter(|o| o.from_ms >= window.at);
        let ends = fell.filter_map(|o| o.to_ms).chain(news.iter().copied());
        let over = ends.filter(|at| *at > window.at && !all.iter().any(|o| lacks(o, *at)));
        let until = over.min().map_or(window.until, |at| at.min(window.until));
        Window { until, ..window }
    }

    /// All times in which something was not there, by their begin; `absent` can't be.
    fn outages(
        &self,
        window: Window,
        targets: &[Target],
        absent: &BTreeSet<InstanceId>,
    ) -> Vec<Outage> {
        let replicas = self.replicas.iter();
        let replicas = replicas.filter(|(instance, _)| !absent.contains(instance));
        let outages = replicas.flat_map(|(_, replica)| replica.touched(window));
        let mut all: Vec<Outage> = outages.copied().collect();
        all.extend(targets.iter().flat_map(|t| &t.outages));
        all.sort_by_key(|o| o.from_ms);
        all
    }

    /// Replicas of those that were disturbed, and are not there at the end.
    pub fn never_back(&self, window: Window) -> BTreeSet<InstanceId> {
        let open = |o: &Outage| o.to_ms.is_none() && touches(o, window);
        let gone = |replica: &Presence| replica.touched(window).any(open);
        let all = self.replicas.iter().filter(|(_, replica)| gone(replica));
        all.map(|(instance, _)| instance.clone()).collect()
    }
}

/// So many of a group must serve: what it promises, and at least one.
fn promised(group: &Group) -> usize {
    group.budget.min_available.max(1).min(group.replicas) as usize
}

fn note(levels: &mut Vec<Level>, now: u64, serve: usize, least: usize) {
    let new = Level {
        at_ms: now,
        serve,
        least,
    };
    match levels.last_mut() {
        Some(last) if (last.serve, last.least) == (serve, least) => {}
        // What was so for no time at all was never so.
        Some(last) if last.at_ms == now => *last = new,
        Some(_) | None => levels.push(new),
    }
}

/// The last time in which fewer served than are promised, since something was taken from them.
fn weak(levels: &[Level], window: Window) -> Option<Outage> {
    let within = |at: u64| at >= window.at && at < window.until;
    let mut pairs = levels.iter().zip(levels.iter().skip(1)).enumerate();
    let (number, (_, lost)) = pairs.rfind(|(_, (before, now))| {
        within(now.at_ms) && now.serve < before.serve && now.serve < now.least
    })?;
    let mut later = levels.iter().skip(number + 1);
    Some(Outage {
        from_ms: lost.at_ms,
        to_ms: later.find(|l| l.serve >= l.least).map(|l| l.at_ms),
    })
}

/// The last outage that began in a window.
pub fn last(outages: &[Outage], window: Window) -> Option<Outage> {
    let begun = |o: &&Outage| o.from_ms >= window.at && o.from_ms < window.until;
    outages.iter().rfind(begun).copied()
}

fn touches(outage: &Outage, window: Window) -> bool {
    outage.from_ms < window.until && outage.to_ms.is_none_or(|to| to > window.at)
}

fn back(at: Option<u64>, window: Window) -> Again {
    at.map_or(Again::Never, |at| Again::AfterMs(at - window.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window {
        at: 100,
        until: 500,
    };

    fn levels(all: &[(u64, usize)]) -> Vec<Level> {
        let mut levels = Vec::new();
        all.iter()
            .for_each(|(at, serve)| note(&mut levels, *at, *serve, 2));
        levels
    }

    fn weak_until(all: &[(u64, usize)]) -> Option<Option<u64>> {
        weak(&levels(all), WINDOW).map(|outage| outage.to_ms)
    }

    #[test]
    fn a_group_is_disturbed_only_when_it_falls_below_what_it_promises() {
        assert_eq!(weak_until(&[(0, 3), (100, 2), (130, 3)]), None);
        assert_eq!(
            weak_until(&[(0, 3), (100, 1), (120, 2), (130, 3)]),
            Some(Some(120))
        );
        assert_eq!(weak_until(&[(0, 3), (100, 1)]), Some(None));
    }

    #[test]
    fn what_was_weak_already_and_loses_nothing_more_is_not_disturbed() {
        assert_eq!(weak_until(&[(0, 0)]), None);
        assert_eq!(weak_until(&[(0, 2), (50, 1), (200, 2)]), None);
        assert_eq!(weak_until(&[(0, 2), (50, 1), (200, 0)]), Some(None));
    }

    /// Replicas, and when each was not there.
    type Absences<'a> = &'a [(&'a str, &'a [(u64, Option<u64>)])];

    fn strength(replicas: Absences<'_>) -> Strength {
        let mut strength = Strength::default();
        for (name, absent) in replicas {
            let absent = absent.iter().map(|(from_ms, to_ms)| Outage {
                from_ms: *from_ms,
                to_ms: *to_ms,
            });
            let presence = Presence {
                wanted: 0,
                absent: absent.collect(),
            };
            strength.replicas.insert(name.parse().unwrap(), presence);
        }
        strength
    }

    #[test]
    fn what_begins_when_all_was_whole_again_is_not_laid_to_the_failure() {
        let over = |replicas: Absences<'_>, news: &[u64]| {
            let strength = strength(replicas);
            let window = strength.until_over(WINDOW, &[], &BTreeSet::new(), news);
            window.until
        };
        let (moved, back) = ((300, Some(310)), (100, Some(200)));
        assert_eq!(over(&[("a-1", &[back]), ("a-2", &[moved])], &[]), 200);
        let longer = (150, Some(400));
        assert_eq!(over(&[("a-1", &[back]), ("a-2", &[longer])], &[]), 400);
        assert_eq!(over(&[("a-1", &[(100, None)])], &[180]), 500);
    }

    #[test]
    fn what_follows_late_is_laid_to_a_failure_unless_something_else_began_in_peace() {
        let late = strength(&[("a-1", &[(300, Some(310))])]);
        let until = |news: &[u64]| late.until_over(WINDOW, &[], &BTreeSet::new(), news).until;
        assert_eq!(until(&[]), 310);
        assert_eq!(until(&[50, 100, 305]), 310);
        assert_eq!(until(&[250]), 250);
    }

    #[test]
    fn all_is_whole_when_the_last_of_what_was_missing_together_is_back() {
        let strength = strength(&[
            ("a-1", &[(0, Some(10)), (100, Some(150))]),
            ("a-2", &[(0, Some(10)), (140, Some(180)), (300, Some(310))]),
            ("a-3", &[(100, None)]),
        ]);
        let never = strength.never_back(WINDOW);
        assert_eq!(never, ["a-3".parse().unwrap()].into());
        assert_eq!(
            strength.whole_again(WINDOW, &[], &BTreeSet::new()),
            Again::Never
        );
        assert_eq!(
            strength.whole_again(WINDOW, &[], &never),
            Again::AfterMs(80)
        );
        let before = Window { at: 50, until: 100 };
        assert_eq!(
            strength.whole_again(before, &[], &BTreeSet::new()),
            Again::Undisturbed
        );
    }
}
