//! Instances of a status report. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{BusyStatus, DomainStatus, HeartbeatStatus, InstanceStatus, World};
use crate::model::desired::Heartbeat;
use crate::model::facts::{Beat, Domain, DomainState, Seen};
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::memory::GuestMemory;
use crate::model::time::Timestamp;

/// Where an instance is, or was.
enum Place<'a> {
    /// Its domain was seen on this host.
    Seen(&'a HostId, &'a Domain, &'a Mark),
    /// Its host can't be seen now; it was there when that was last possible.
    Remembered(&'a HostId, &'a Mark),
    /// It was seen nowhere.
    Nowhere,
}

/// One for every instance that is desired or has our mark; one that is on two hosts has two.
pub(super) fn statuses(world: World<'_>) -> Vec<InstanceStatus> {
    let mut places = seen(world);
    for (instance, place) in remembered(world) {
        places.entry(instance).or_default().push(place);
    }
    let desired: BTreeSet<InstanceId> = world.desired.instances().map(|(id, _)| id).collect();
    for instance in &desired {
        let places = places.entry(instance.clone()).or_default();
        if places.is_empty() {
            places.push(Place::Nowhere);
        }
    }
    let all = places
        .iter()
        .flat_map(|(id, places)| places.iter().map(move |p| (id, p)));
    all.map(|(id, place)| status(world, id, place, desired.contains(id)))
        .collect()
}

type Places<'a> = BTreeMap<InstanceId, Vec<Place<'a>>>;

fn seen<'a>(world: World<'a>) -> Places<'a> {
    let mut places = Places::new();
    for (host, facts) in &world.observed.hosts {
        for domain in facts.facts().iter().flat_map(|facts| &facts.domains) {
            let mark = domain.mark.as_ref();
            if let Some(mark) = mark.filter(|mark| mark.cluster == world.desired.cluster) {
                let place = Place::Seen(host, domain, mark);
                places.entry(mark.instance.clone()).or_default().push(place);
            }
        }
    }
    places
}

fn remembered<'a>(world: World<'a>) -> impl Iterator<Item = (InstanceId, Place<'a>)> {
    let unseen = |host: &HostId| {
        world
            .observed
            .hosts
            .get(host)
            .and_then(Seen::facts)
            .is_none()
    };
    let hosts = world
        .memory
        .hosts
        .iter()
        .filter(move |(host, _)| unseen(host));
    hosts.flat_map(|(host, memory)| {
        let guests = memory.guests.iter();
        guests.map(move |(id, mark)| (id.clone(), Place::Remembered(host, mark)))
    })
}

fn status(world: World<'_>, id: &InstanceId, place: &Place<'_>, desired: bool) -> InstanceStatus {
    let busy = world.memory.busy.get(id);
    let (host, mark, domain) = match place {
        Place::Seen(host, domain, mark) => (Some(*host), Some(*mark), domain.state.into()),
        Place::Remembered(host, mark) => (Some(*host), Some(*mark), DomainStatus::Unknown),
        // Something that is just being made has its place already.
        Place::Nowhere => (
            busy.map(|busy| &busy.host),
            busy.and_then(|busy| busy.mark.as_ref()),
            nowhere(world),
        ),
    };
    let (heartbeat, since) = match domain {
        DomainStatus::Running => heartbeat(world, id),
        DomainStatus::Paused
        | DomainStatus::Off
        | DomainStatus::Missing
        | DomainStatus::Unknown => (HeartbeatStatus::Unknown, None),
    };
    InstanceStatus {
        instance: id.clone(),
        desired,
        host: host.cloned(),
        address: mark.map(|mark| mark.address),
        healthy: heartbeat == HeartbeatStatus::Ok,
        domain,
        heartbeat,
        since,
        busy: busy.map(BusyStatus::from),
    }
}

/// What is not found is missing only where all hosts were seen.
fn nowhere(world: World<'_>) -> DomainStatus {
    let seen = |host| {
        world
            .observed
            .hosts
            .get(host)
            .and_then(Seen::facts)
            .is_some()
    };
    if world.desired.hosts.keys().all(seen) {
        DomainStatus::Missing
    } else {
        DomainStatus::Unknown
    }
}

fn heartbeat(world: World<'_>, id: &InstanceId) -> (HeartbeatStatus, Option<Timestamp>) {
    let memory = world.memory.guests.get(id);
    let group = world.desired.group_of(id);
    let (Some(beat), Some(group)) = (world.observed.beats.get(id), group) else {
        return (HeartbeatStatus::Unknown, None);
    };
    let status = classify_beat(beat, &group.heartbeat, memory, world.observed.now);
    let since = memory.and_then(|memory| match status {
        HeartbeatStatus::Ok => memory.healthy_since,
        HeartbeatStatus::Failing { .. } => memory.failing_since,
        HeartbeatStatus::Booting => Some(memory.since),
        HeartbeatStatus::Unknown => None,
    });
    (status, since)
}

fn classify_beat(
    beat: &Beat,
    heartbeat: &Heartbeat,
    memory: Option<&GuestMemory>,
    now: Timestamp,
) -> HeartbeatStatus {
    let young = |memory: &GuestMemory| {
        memory.healthy_since.is_none() && now.since(memory.since) < heartbeat.grace
    };
    match (beat.failures, beat.last_ok) {
        (0, Some(_)) => HeartbeatStatus::Ok,
        _ if memory.is_some_and(young) => HeartbeatStatus::Booting,
        (0, None) => HeartbeatStatus::Unknown,
        (failures, _) => HeartbeatStatus::Failing {
            failures,
            retries: heartbeat.retries,
            error: beat.error.clone(),
        },
    }
}

impl From<DomainState> for DomainStatus {
    fn from(state: DomainState) -> Self {
        match state {
            DomainState::Running => DomainStatus::Running,
            DomainState::Paused => DomainStatus::Paused,
            DomainState::Off => DomainStatus::Off,
        }
    }
}
