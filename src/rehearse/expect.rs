//! Whether what is expected is so; where it is not, what is.

use super::meter::Meter;
use super::report::Subject;
use super::sight;
use crate::model::condition::HostCondition;
use crate::model::id::{HostId, InstanceId};
use crate::model::scenario::Expected;
use crate::model::unit::span;
use crate::sim::laws;
use crate::sim::world::World;
use std::collections::BTreeMap;
use std::time::Duration;

/// What is known when it is asked.
pub struct Facts<'a> {
    /// The world.
    pub world: &'a World,
    /// What was measured.
    pub meter: &'a Meter,
    /// Milliseconds since the start.
    pub now: u64,
    /// What the controller's last plan left open.
    pub open: Option<String>,
    /// What that plan took the hosts for.
    pub hosts: BTreeMap<HostId, HostCondition>,
}

/// What is instead; none: it is so.
pub fn instead(expected: &Expected, facts: &Facts<'_>) -> Option<String> {
    let world = facts.world;
    match expected {
        Expected::Converged(true) => not_converged(facts),
        Expected::Converged(false) => match not_converged(facts) {
            Some(_) => None,
            None => Some("it is".to_owned()),
        },
        Expected::Available(group, least) => {
            let serve = sight::serving(world, group);
            (serve < *least as usize).then(|| format!("{serve} serve"))
        }
        Expected::Serving(group, number) => {
            let serve = sight::serving(world, group);
            (serve != *number as usize).then(|| format!("{serve} serve"))
        }
        Expected::ServiceDowntime(group, most) => {
            downtime(facts, &Subject::Service(group.clone()), *most)
        }
        Expected::VipDowntime(vip, most) => downtime(facts, &Subject::Vip(*vip), *most),
        Expected::Holder(vip, instance) => {
            let names = holders(world, *vip);
            (names != [instance.to_string()]).then(|| held_by(&names))
        }
        Expected::Held(vip, held) => {
            let names = holders(world, *vip);
            (names.is_empty() == *held).then(|| held_by(&names))
        }
        Expected::On(instance, host) => {
            let on = hosts_of(world, instance);
            (on != [host.to_string()]).then(|| match on.as_slice() {
                [] => "it runs nowhere".to_owned(),
                on => format!("it runs on {}", on.join(" and ")),
            })
        }
        Expected::Serves(instance, serves) => {
            let mut all = world.domains_of(instance);
            let does = all.any(|(_, host, d)| world.serves(host, d));
            (does != *serves).then(|| if does { "it does" } else { "it does not" }.to_owned())
        }
        Expected::HostIs(host, expected) => match facts.hosts.get(host) {
            Some(is) => (is != expected).then(|| format!("it is {is}")),
            None => Some("it is not in the file".to_owned()),
        },
    }
}

fn not_converged(facts: &Facts<'_>) -> Option<String> {
    let open = facts.open.clone();
    open.or_else(|| laws::is_as_desired(facts.world).err())
}

fn downtime(facts: &Facts<'_>, subject: &Subject, most: Duration) -> Option<String> {
    let targets = facts.meter.targets(facts.now);
    let Some(target) = targets.iter().find(|t| t.subject == *subject) else {
        return Some("it was not measured".to_owned());
    };
    let down = Duration::from_millis(target.down_ms);
    match target.since_ms {
        None => Some("it never answered".to_owned()),
        Some(_) => (down > most).then(|| format!("it was down for {}", span(down))),
    }
}

fn holders(world: &World, vip: std::net::Ipv4Addr) -> Vec<String> {
    let holders = sight::holders(world, vip);
    let marks = holders.filter_map(|(_, d)| world.ours(d));
    marks.map(|m| m.instance.to_string()).collect()
}

fn held_by(names: &[String]) -> String {
    match names {
        [] => "nobody holds it".to_owned(),
        names => format!("{} holds it", names.join(" and ")),
    }
}

fn hosts_of(world: &World, instance: &InstanceId) -> Vec<String> {
    let running = world
        .domains_of(instance)
        .filter(|(_, _, d)| d.run.is_some());
    running.map(|(id, ..)| id.to_string()).collect()
}
