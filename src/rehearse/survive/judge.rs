//! What became of a cluster after a loss, read off the rehearsal of it. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use serde::Serialize;

use crate::model::desired::{Desired, Group};
use crate::model::id::{GroupId, HostId, InstanceId};
use crate::model::plan::NoticeKind;
use crate::model::unit::span;
use crate::rehearse::{Decision, Lane, LaneKind, Outage, Rehearsal, State, Subject, What};

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The longest gap that clients of each service and VIP had; those without one are left out.
    pub outages: Vec<Worst>,
    /// After how long everything was well again; none: not before the end.
    pub back_after_ms: Option<u64>,
    /// Stateful instances that go on without their data, for it was on a host that was lost.
    pub data_lost: Vec<DataLost>,
    /// What is not as it must be.
    pub breaks: Vec<Break>,
}

/// A stateful instance that runs elsewhere with an empty disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataLost {
    /// Which.
    pub instance: String,
    /// Where its disk stays.
    pub stays_on: String,
    /// Where it runs with another one.
    pub runs_on: String,
}

/// The longest gap of a service or VIP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Worst {
    /// Of which.
    pub subject: Subject,
    /// How long; none: it was not back before the end.
    pub longest_ms: Option<u64>,
}

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Break {
    /// What kind of thing.
    #[serde(skip)]
    pub trouble: Trouble,
    /// What.
    pub what: String,
    /// Why, in the planner's words.
    pub why: Option<String>,
    /// What the planner says would help.
    pub help: Option<String>,
}

/// What can be wrong after a loss.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Fewer instances of a group served than must.
    Short(GroupId),
    /// Instances of a group are not back.
    Missing(GroupId, u32),
    /// Clients don't reach a VIP at the end.
    Unheld(Ipv4Addr),
    /// Clients don't reach a service at the end.
    Unreached(GroupId),
    /// Something is left to be done.
    Left,
    /// A law was broken.
    Broken,
}

impl Finding {
    /// Whether the loss was survived.
    pub fn survived(&self) -> bool {
        self.breaks.is_empty()
    }
}

/// What is judged: a rehearsal, and the moment of the loss in it.
pub struct Case<'a> {
    /// The cluster.
    pub desired: &'a Desired,
    /// What was rehearsed.
    pub rehearsal: &'a Rehearsal,
    /// When it was lost.
    pub at_ms: u64,
    /// The hosts that were lost: that nothing is known of them is no news.
    pub lost: &'a BTreeSet<HostId>,
    /// Where every instance was before.
    pub before: &'a BTreeMap<String, String>,
}

impl Case<'_> {
    /// Judges it.
    pub fn judge(&self) -> Finding {
        let groups = self.desired.groups.values();
        let mut breaks: Vec<Break> = groups.flat_map(|group| self.of_group(group)).collect();
        breaks.extend(self.out_of_reach());
        breaks.extend(self.left());
        breaks.extend(self.laws());
        Finding {
            outages: self.outages(),
            back_after_ms: self.back_after(),
            data_lost: self.data_lost(),
            breaks,
        }
    }

    /// That is no break: it is what evidence is for. A group that copies its data by itself lives with it.
    fn data_lost(&self) -> Vec<DataLost> {
        let is_stateful = |name: &str| {
            let instance = name.parse::<InstanceId>().ok();
            let group = instance.and_then(|instance| self.desired.group_of(&instance));
            group.is_some_and(|group| group.stateful)
        };
        let placed = self.rehearsal.placement.iter();
        let moved = placed
            .filter(|placed| is_stateful(&placed.instance))
            .filter_map(|placed| {
                let (now, before) = (placed.host.as_ref()?, self.before.get(&placed.instance)?);
                let lost = self.lost.iter().any(|lost| lost.as_str() == before);
                (lost && now != before).then(|| DataLost {
                    instance: placed.instance.clone(),
                    stays_on: before.clone(),
                    runs_on: now.clone(),
                })
            });
        moved.collect()
    }

    fn outages(&self) -> Vec<Worst> {
        let end = self.rehearsal.lasted_ms;
        let worst = self.rehearsal.targets.iter().filter_map(|target| {
            let after = |o: &&Outage| o.to_ms.unwrap_or(end) > self.at_ms;
            let gaps = target.outages.iter().filter(after);
            let long = |o: &Outage| (o.to_ms.is_none(), o.to_ms.unwrap_or(end) - o.from_ms);
            let (never, longest) = gaps.map(long).max()?;
            Some(Worst {
                subject: target.subject.clone(),
                longest_ms: (!never).then_some(longest),
            })
        });
        worst.collect()
    }

    /// The moment when the last of the instances, services and VIPs became well.
    fn back_after(&self) -> Option<u64> {
        let end = self.rehearsal.lasted_ms;
        let watched = self
            .rehearsal
            .lanes
            .iter()
            .filter(|lane| lane.kind != LaneKind::Host);
        let stretches = watched.flat_map(|lane| &lane.stretches);
        let bad = stretches
            .filter(|s| s.state != State::Good)
            .map(|s| s.to_ms);
        let targets = self.rehearsal.targets.iter().flat_map(|t| &t.outages);
        let gaps = targets.map(|o| o.to_ms.unwrap_or(end));
        let last = bad.chain(gaps).max().unwrap_or(0);
        (last < end).then(|| last.saturating_sub(self.at_ms))
    }

    fn of_group(&self, group: &Group) -> Vec<Break> {
        let lanes = self.rehearsal.lanes.iter();
        let of_group = lanes.filter(|lane| {
            let instance = lane.name.parse::<InstanceId>();
            lane.kind == LaneKind::Instance
                && instance.is_ok_and(|i| i.group == group.id && i.index <= group.replicas)
        });
        let lanes: Vec<&Lane> = of_group.collect();
        let short = self.short(group, &lanes);
        let missing = self.missing(group, &lanes);
        short.into_iter().chain(missing).collect()
    }

    /// Where fewer served than must, and for how long.
    fn short(&self, group: &Group, lanes: &[&Lane]) -> Option<Break> {
        let least = group.budget.min_available as usize;
        let (worst, long) = self.fewest(lanes, least);
        if worst >= least {
            return None;
        }
        let for_long = span(Duration::from_millis(long));
        let names = self.on_the_lost(lanes);
        let why = match names.as_slice() {
            [] => None,
            [one] => Some(format!("{one} was there")),
            names => Some(format!("{} were there", names.join(", "))),
        };
        Some(Break {
            trouble: Trouble::Short(group.id.clone()),
            what: format!(
                "{}: only {worst} of {} served, for {for_long}; min_available is {least}",
                group.id, group.replicas
            ),
            why,
            help: None,
        })
    }

    /// The fewest that served at once since the loss, and how long fewer than `least` did.
    fn fewest(&self, lanes: &[&Lane], least: usize) -> (usize, u64) {
        let mut moments: BTreeMap<u64, i64> = BTreeMap::from([(self.at_ms, 0)]);
        let good = lanes.iter().flat_map(|lane| &lane.stretches);
        let good = good.filter(|s| s.state == State::Good && s.to_ms > self.at_ms);
        for stretch in good {
            *moments.entry(stretch.from_ms.max(self.at_ms)).or_default() += 1;
            if stretch.to_ms < self.rehearsal.lasted_ms {
                *moments.entry(stretch.to_ms).or_default() -= 1;
            }
        }
        let ends = moments.keys().skip(1).copied();
        let ends: Vec<u64> = ends.chain([self.rehearsal.lasted_ms]).collect();
        let (mut serve, mut fewest, mut long) = (0, usize::MAX, 0);
        for ((at, change), end) in moments.iter().zip(ends) {
            serve += change;
            let now = usize::try_from(serve).unwrap_or(0);
            fewest = fewest.min(now);
            if now < least {
                long += end.saturating_sub(*at);
            }
        }
        (fewest, long)
    }

    fn on_the_lost(&self, lanes: &[&Lane]) -> Vec<String> {
        let lost = |name: &str| {
            let host = self.before.get(name);
            host.is_some_and(|host| self.lost.iter().any(|lost| lost.as_str() == host))
        };
        let names = lanes.iter().map(|lane| lane.name.clone());
        names.filter(|name| lost(name)).collect()
    }

    /// Instances that don't serve at the end; with one reason together.
    fn missing(&self, group: &Group, lanes: &[&Lane]) -> Vec<Break> {
        let serves = |lane: &&&Lane| {
            lane.stretches
                .last()
                .is_some_and(|s| s.state == State::Good)
        };
        let missing = lanes.iter().filter(|lane| !serves(lane));
        let mut by_reason: BTreeMap<(Option<String>, Option<String>), Vec<&str>> = BTreeMap::new();
        for lane in missing {
            let reason = self.reason(&lane.name);
            by_reason.entry(reason).or_default().push(&lane.name);
        }
        let told = by_reason.into_iter().map(|((why, help), names)| Break {
            trouble: Trouble::Missing(
                group.id.clone(),
                u32::try_from(names.len()).unwrap_or(u32::MAX),
            ),
            what: match names.as_slice() {
                [one] => format!("{one} is not back"),
                names => format!("{} are not back", names.join(", ")),
            },
            why,
            help,
        });
        told.collect()
    }

    /// What the planner says of something last, and what would help: what is blocked says more than what waits.
    fn reason(&self, subject: &str) -> (Option<String>, Option<String>) {
        let said = notices(self.rehearsal).filter(|said| said.1.iter().any(|s| s == subject));
        match said.min_by_key(|(kind, ..)| *kind) {
            Some((_, _, text, help)) => (Some(text.to_owned()), help.map(str::to_owned)),
            None => (None, None),
        }
    }

    /// VIPs and services that no client reaches at the end.
    fn out_of_reach(&self) -> Vec<Break> {
        let down = self.rehearsal.targets.iter().filter(|target| {
            let open = target.outages.last().is_some_and(|o| o.to_ms.is_none());
            open || target.since_ms.is_none()
        });
        let told = down.map(|target| match &target.subject {
            Subject::Vip(vip) => {
                let (why, help) = self.reason(&format!("VIP {vip}"));
                let what = format!("VIP {vip} is held by nobody who can be reached");
                Break {
                    trouble: Trouble::Unheld(*vip),
                    what,
                    why,
                    help,
                }
            }
            Subject::Service(group) => Break {
                trouble: Trouble::Unreached(group.clone()),
                what: format!("no client reaches {group}"),
                why: None,
                help: None,
            },
        });
        told.collect()
    }

    /// What is blocked, or still to be done, and was not told yet.
    fn left(&self) -> Vec<Break> {
        let blocked = notices(self.rehearsal).filter(|said| said.0 == NoticeKind::Blocked);
        let blocked = blocked.filter_map(|(_, subjects, text, help)| {
            let new = subjects.iter().find(|s| self.is_news(s))?;
            Some(Break {
                trouble: Trouble::Left,
                what: match new.as_str() {
                    "the brake" => "the brake holds".to_owned(),
                    new => format!("{new} is blocked"),
                },
                why: Some(text.to_owned()),
                help: help.map(str::to_owned),
            })
        });
        let to_do = to_do(self.rehearsal).map(|first| Break {
            trouble: Trouble::Left,
            what: format!(
                "{} {} is still to be done",
                first.action,
                first.on.join(", ")
            ),
            why: Some(first.reason.clone()),
            help: None,
        });
        blocked.chain(to_do).collect()
    }

    /// Whether a subject is neither a host that was lost nor an instance or VIP that is told of anyway.
    fn is_news(&self, subject: &str) -> bool {
        let lost = |host: &HostId| subject == format!("host {host}");
        let lanes = self
            .rehearsal
            .lanes
            .iter()
            .filter(|lane| lane.kind != LaneKind::Host);
        let is_bad = |lane: &Lane| lane.stretches.last().is_none_or(|s| s.state != State::Good);
        let told = lanes.filter(|lane| is_bad(lane));
        let mut told = told.map(|lane| match lane.kind {
            LaneKind::Vip => format!("VIP {}", lane.name),
            LaneKind::Host | LaneKind::Instance => lane.name.clone(),
        });
        !self.lost.iter().any(lost) && !told.any(|name| name == subject)
    }

    fn laws(&self) -> Vec<Break> {
        let laws = self.rehearsal.broken.iter().map(|law| Break {
            trouble: Trouble::Broken,
            what: format!(
                "a law was broken: {}",
                law.split(';').next().unwrap_or_default()
            ),
            why: None,
            help: None,
        });
        laws.collect()
    }
}

type Said<'a> = (NoticeKind, &'a [String], &'a str, Option<&'a str>);

/// What the last plan says.
fn notices(rehearsal: &Rehearsal) -> impl Iterator<Item = Said<'_>> {
    rehearsal.left.iter().filter_map(|what| {
        if let What::Says {
            notice,
            subjects,
            text,
            help,
        } = what
        {
            return Some((*notice, subjects.as_slice(), text.as_str(), help.as_deref()));
        }
        None
    })
}

/// The first thing of the last plan that is still to be done.
fn to_do(rehearsal: &Rehearsal) -> Option<&Decision> {
    rehearsal.left.iter().find_map(|what| {
        if let What::Decides { actions } = what {
            return actions.first();
        }
        None
    })
}
