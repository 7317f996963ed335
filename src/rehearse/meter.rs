//! Measuring what clients have: whenever the world changes, and never in between, because nothing changes there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lanes::{Lane, Lanes};
use super::record::Record;
use super::recovery::Strength;
use super::report::{Outage, Subject, Target, What, Who};
use super::sight;
use crate::model::desired::{Desired, Role};
use crate::sim::cluster::Cluster;
use crate::sim::world::World;

/// What was measured so far.
#[derive(Debug, Default)]
pub struct Meter {
    gauges: BTreeMap<Subject, Gauge>,
    strength: Strength,
    lanes: Lanes,
}

/// One thing that is up or down.
#[derive(Debug, Default)]
struct Gauge {
    since: Option<u64>,
    outages: Vec<Outage>,
    /// It is no more in the file since then.
    gone: Option<u64>,
}

/// How a gauge moved.
enum Moved {
    Down,
    Up(Option<u64>),
}

impl Gauge {
    fn is_down(&self) -> bool {
        self.outages.last().is_some_and(|o| o.to_ms.is_none())
    }

    fn read(&mut self, now: u64, up: bool) -> Option<Moved> {
        match (self.since, up) {
            (None, false) => None,
            (None, true) => {
                self.since = Some(now);
                Some(Moved::Up(None))
            }
            (Some(_), true) if self.is_down() => {
                let outage = self.outages.last_mut()?;
                outage.to_ms = Some(now);
                Some(Moved::Up(Some(now - outage.from_ms)))
            }
            (Some(_), false) if !self.is_down() => {
                self.outages.push(Outage {
                    from_ms: now,
                    to_ms: None,
                });
                Some(Moved::Down)
            }
            (Some(_), _) => None,
        }
    }

    fn target(&self, subject: &Subject, end: u64) -> Target {
        let end = self.gone.unwrap_or(end);
        let long = |o: &Outage| o.to_ms.unwrap_or(end).saturating_sub(o.from_ms);
        let measured_ms = self.since.map_or(0, |since| end - since);
        let down_ms = self.outages.iter().map(long).sum();
        Target {
            subject: subject.clone(),
            since_ms: self.since,
            measured_ms,
            availability: percent(measured_ms - down_ms, measured_ms),
            down_ms,
            longest_ms: self.outages.iter().map(long).max().unwrap_or(0),
            outages: self.outages.clone(),
        }
    }
}

/// Rounded down to the fifth digit: what is not whole is not shown as whole.
fn percent(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        _ => (u128::from(part) * 10_000_000 / u128::from(whole)) as f64 / 100_000.0,
    }
}

impl Meter {
    /// What clients had, up to `end`.
    pub fn targets(&self, end: u64) -> Vec<Target> {
        let gauges = self.gauges.iter();
        gauges.map(|(subject, g)| g.target(subject, end)).collect()
    }

    /// How everything was over time, up to `end`.
    pub fn lanes(&self, end: u64) -> Vec<Lane> {
        self.lanes.drawn(end)
    }

    /// How strong every group was.
    pub fn strength(&self) -> &Strength {
        &self.strength
    }

    /// Looks at everything, and tells what moved.
    fn read(&mut self, world: &World, record: &Record) {
        let (now, desired) = (record.now(), &world.desired);
        for subject in subjects(desired) {
            let up = is_up(world, desired, &subject);
            let moved = self.gauges.entry(subject.clone()).or_default();
            // It may have left the file, and come back.
            moved.gone = None;
            match moved.read(now, up) {
                Some(Moved::Down) => record.push(Who::World, What::Down { subject }),
                Some(Moved::Up(after_ms)) => {
                    record.push(Who::World, What::Up { subject, after_ms });
                }
                None => {}
            }
        }
        self.strength.read(world, now);
        self.lanes.read(world, now);
        for (_, gauge) in self.gauges.iter_mut().filter(|(s, _)| !is_in(desired, s)) {
            gauge.gone.get_or_insert(now);
            if let Some(open) = gauge.outages.last_mut() {
                open.to_ms.get_or_insert(now);
            }
        }
    }
}

/// Measures for ever, and hears of broken laws.
pub async fn measure(cluster: Arc<Cluster>, record: Arc<Record>) {
    let mut changes = cluster.changes();
    loop {
        {
            let world = cluster.world();
            record.laws(&world);
            record.meter().read(&world, &record);
        }
        changes.changed().await;
    }
}

fn subjects(desired: &Desired) -> Vec<Subject> {
    let of = |group: &crate::model::desired::Group| match &group.role {
        Role::Service(_) => Subject::Service(group.id.clone()),
        Role::LoadBalancer(lb) => Subject::Vip(lb.vip.addr()),
    };
    let wanted = desired.groups.values().filter(|g| g.replicas > 0);
    wanted.map(of).collect()
}

fn is_in(desired: &Desired, subject: &Subject) -> bool {
    subjects(desired).contains(subject)
}

fn is_up(world: &World, desired: &Desired, subject: &Subject) -> bool {
    match subject {
        Subject::Service(group) => sight::service_answers(world, desired, group),
        Subject::Vip(vip) => {
            let mut all = desired.load_balancers();
            let lb = all.find(|(_, lb)| lb.vip.addr() == *vip);
            lb.is_some_and(|(_, lb)| sight::vip_answers(world, *vip, lb.port))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn what_never_answered_is_not_down_and_a_gap_lasts_until_the_next_answer() {
        let mut gauge = Gauge::default();
        assert!(gauge.read(0, false).is_none());
        assert!(matches!(gauge.read(10, true), Some(Moved::Up(None))));
        assert!(gauge.read(20, true).is_none());
        assert!(matches!(gauge.read(30, false), Some(Moved::Down)));
        assert!(gauge.read(31, false).is_none());
        assert!(matches!(gauge.read(40, true), Some(Moved::Up(Some(10)))));
        gauge.read(90, false);
        let target = gauge.target(&Subject::Vip(Ipv4Addr::LOCALHOST), 110);
        assert_eq!((target.measured_ms, target.down_ms), (100, 30));
        assert_eq!((target.longest_ms, target.outages.len()), (20, 2));
        assert_eq!(target.availability, 70.0);
    }

    #[test]
    fn a_whole_is_never_rounded_up() {
        assert_eq!(percent(99_999_999, 100_000_000), 99.99999);
        assert_eq!(percent(0, 0), 0.0);
    }
}
