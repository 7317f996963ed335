//! Hosts that left the file while guests of ours are on them, or may be: they are looked at, emptied and fenced like the
//! others, until nothing of ours is there for certain. Then they are forgotten. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::condition::HostCondition;
use crate::model::desired::{Desired, Host, Membership};
use crate::model::facts::Observed;
use crate::model::id::{HostId, InstanceId};
use crate::model::memory::{HostMemory, Memory};
use crate::model::plan::Plan;
use crate::model::policy::Fencing;

/// What the rounds work with: the file, and the hosts that leave it. `last` is what they worked with so far.
pub fn with_leaving(file: &Arc<Desired>, memory: &Memory, last: &Arc<Desired>) -> Arc<Desired> {
    let leaving = leaving(file, memory);
    if leaving.is_empty() {
        return Arc::clone(file);
    }
    let known = last.hosts.values().filter(|host| host.is_leaving());
    let same = (&last.revision, &last.commit) == (&file.revision, &file.commit);
    if same && known.eq(leaving.values()) {
        return Arc::clone(last);
    }
    let mut desired = Desired::clone(file);
    desired.hosts.extend(leaving);
    Arc::new(desired)
}

/// The hosts that leave. What memories of earlier versions have of a host is not enough to reach it; and one whose
/// address is in the file under another name did not leave.
fn leaving(file: &Desired, memory: &Memory) -> BTreeMap<HostId, Host> {
    let seen = memory.hosts.values().filter(|host| host.seen.is_some());
    let left = seen.filter_map(|memory| {
        let host = memory.definition.as_ref()?;
        (!file.knows(host)).then(|| (host.id.clone(), leaver(host, memory)))
    });
    left.collect()
}

/// Its devices were in the file. A guard that it has is still there.
fn leaver(host: &Host, memory: &HostMemory) -> Host {
    let lease = memory.armed.then_some(Fencing::Lease);
    Host {
        fencing: lease.into_iter().chain([Fencing::Manual]).collect(),
        membership: Membership::Leaving,
        ..host.clone()
    }
}

/// Forgets hosts that left the file, as far as that follows from what is known of them: nothing of ours is on one out
/// of sight, or it has another name by now.
pub(super) fn forget(memory: &mut Memory, desired: &Desired, observed: &Observed) {
    let left = memory.hosts.iter();
    let left = left.filter(|(id, _)| desired.hosts.get(*id).is_none_or(Host::is_leaving));
    let gone = left.filter(|(id, host)| {
        let seen = observed
            .hosts
            .get(*id)
            .is_some_and(|seen| seen.facts().is_some());
        is_renamed(host, memory, desired) || !seen && is_over(id, host, memory, desired)
    });
    let gone: Vec<HostId> = gone.map(|(id, _)| id.clone()).collect();
    remove(memory, &gone);
}

/// Forgets hosts that left the file and are seen to be empty, with nothing left to do on them. As long as another controller
/// works with one, it may put something there.
pub(super) fn forget_emptied(
    memory: &mut Memory,
    desired: &Desired,
    observed: &Observed,
    plan: &Plan,
) {
    let busy: BTreeSet<&HostId> = memory.busy.values().map(|busy| &busy.host).collect();
    let acted: BTreeSet<&HostId> = plan.actions.iter().map(|a| a.operation.host()).collect();
    let left = plan.hosts.iter();
    let left = left.filter(|(_, is)| **is == HostCondition::Leaving);
    let empty = |id: &HostId| {
        memory
            .hosts
            .get(id)
            .is_some_and(|host| host.guests.is_empty() && !has_wanted_disks(host, memory, desired))
    };
    let used =
        |id: &HostId| busy.contains(id) || acted.contains(id) || observed.theirs.contains_key(id);
    let gone = left.filter(|(id, _)| empty(id) && !used(id));
    let gone: Vec<HostId> = gone.map(|(id, _)| id.clone()).collect();
    remove(memory, &gone);
}

fn remove(memory: &mut Memory, gone: &[HostId]) {
    memory.hosts.retain(|id, _| !gone.contains(id));
}

/// Whether a host of the file has the very same guests: a life is only on one machine.
fn is_renamed(host: &HostMemory, memory: &Memory, desired: &Desired) -> bool {
    let members = memory.hosts.iter();
    let members = members.filter(|(id, _)| desired.hosts.get(*id).is_some_and(|h| !h.is_leaving()));
    let lives = members.flat_map(|(_, other)| other.guests.values());
    let lives: BTreeSet<&str> = lives.map(|mark| mark.generation.as_str()).collect();
    let mut own = host.guests.values();
    own.any(|mark| lives.contains(mark.generation.as_str()))
}

/// Whether a host out of sight needs no care any more. Where guards count hosts, one that has nothing of ours counts too,
/// until there is evidence: a guard out of sight may see it, and rely on it.
fn is_over(id: &HostId, host: &HostMemory, memory: &Memory, desired: &Desired) -> bool {
    let guarded = |host: &Host| !host.is_leaving() && host.fencing.contains(&Fencing::Lease);
    let counted = desired.hosts.contains_key(id) && desired.hosts.values().any(guarded);
    let mut guests = host.guests.keys();
    match (&host.fenced, host.guests.is_empty()) {
        (None, true) => {
            let named = memory.inherited.contains_key(id);
            !counted && !named && !has_wanted_disks(host, memory, desired)
        }
        (Some(_), _) => guests.all(|guest| is_settled(guest, id, memory, desired)),
        (None, false) => false,
    }
}

/// Whether a host has the disk of a stateful instance that has no other one.
fn has_wanted_disks(host: &HostMemory, memory: &Memory, desired: &Desired) -> bool {
    wanted_disks(host, memory, desired).next().is_some()
}

/// The stateful instances whose disks a host has, and that live nowhere; also those that are not desired now.
pub fn wanted_disks<'m>(
    host: &'m HostMemory,
    memory: &'m Memory,
    desired: &'m Desired,
) -> impl Iterator<Item = &'m InstanceId> {
    host.disks.keys().filter(|instance| {
        let group = desired.group_of(instance);
        let mut hosts = memory.hosts.values();
        let lives = hosts.any(|other| other.guests.contains_key(*instance));
        group.is_some_and(|group| group.stateful) && !lives
    })
}

/// Whether a guest that was on a host is elsewhere by now, or nowhere by intention.
fn is_settled(guest: &InstanceId, on: &HostId, memory: &Memory, desired: &Desired) -> bool {
    let group = desired.group_of(guest);
    let wanted = group.is_some_and(|group| (1..=group.replicas).contains(&guest.index));
    let mut others = memory.hosts.iter().filter(|(id, _)| *id != on);
    !wanted || others.any(|(_, other)| other.guests.contains_key(guest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mark::{Mark, Stage};
    use crate::model::memory::{Evidence, EvidenceKind};
    use crate::model::time::Timestamp;
    use crate::spec::{NoFiles, parse};

    /// A file with these hosts, at addresses of their own.
    fn file(hosts: &[&str]) -> Arc<Desired> {
        let number = |host: &str| host.bytes().next().unwrap() - b'a' + 1;
        let line = |host: &&str| {
            let n = number(host);
            format!("  {host}: {{ address: 10.0.0.{n}, pool: 10.0.{n}.1-10.0.{n}.9 }}\n")
        };
        let lines: String = hosts.iter().map(line).collect();
        let text = format!(
            "cluster: demo\nnetworks:\n  lan: {{ cidr: 10.0.0.0/16 }}\nhosts:\n{lines}images:\n  \
             alpine: {{ path: /a.qcow2 }}\nservices:\n  api: {{ replicas: 1, image: alpine, memory: 128MiB, port: 80, run: x }}\n"
        );
        Arc::new(parse("cluster.yaml", text.as_bytes(), &NoFiles).unwrap())
    }

    fn host(name: &str) -> HostId {
        name.parse().unwrap()
    }

    fn mark(life: &str) -> Mark {
        Mark {
            cluster: "demo".parse().unwrap(),
            instance: "api-1".parse().unwrap(),
            address: "10.0.3.1".parse().unwrap(),
            moving_to: None,
            port: 80,
            digest: String::new(),
            generation: life.to_owned(),
            stage: Stage::Ready,
        }
    }

    /// What is remembered after three hosts were seen, with api-1 on the last one.
    fn memory() -> Memory {
        let mut memory = Memory::default();
        for known in file(&["a", "b", "c"]).hosts.values() {
            let definition = Some(Host {
                fencing: Vec::new(),
                ..known.clone()
            });
            let seen = Some(Timestamp(1));
            let of_it = HostMemory {
                seen,
                definition,
                ..HostMemory::default()
            };
            memory.hosts.insert(known.id.clone(), of_it);
        }
        put(&mut memory, "c", "life-1");
        memory
    }

    fn put(memory: &mut Memory, on: &str, life: &str) {
        let guests = &mut memory.hosts.get_mut(&host(on)).unwrap().guests;
        guests.insert("api-1".parse().unwrap(), mark(life));
    }

    fn known(file: &Arc<Desired>, memory: &Memory) -> Arc<Desired> {
        with_leaving(file, memory, file)
    }

    /// The hosts that are remembered after a look that saw none of those that left.
    fn left_after(mut memory: Memory, file: &Arc<Desired>) -> String {
        let desired = known(file, &memory);
        forget(&mut memory, &desired, &Observed::default());
        let names: Vec<&str> = memory.hosts.keys().map(HostId::as_str).collect();
        names.join(" ")
    }

    #[test]
    fn a_host_that_left_the_file_stays_known_without_its_devices() {
        let (file, mut memory) = (file(&["a", "b"]), memory());
        memory.hosts.get_mut(&host("c")).unwrap().armed = true;
        let desired = known(&file, &memory);
        let left = &desired.hosts[&host("c")];
        assert!(left.is_leaving());
        assert_eq!(left.fencing, [Fencing::Lease, Fencing::Manual]);
        assert!(!desired.hosts[&host("a")].is_leaving());
    }

    #[test]
    fn as_long_as_nothing_changes_it_is_the_same_desired_state() {
        let (with_c, without, memory) = (file(&["a", "b", "c"]), file(&["a", "b"]), memory());
        assert!(Arc::ptr_eq(&known(&with_c, &memory), &with_c));
        let desired = known(&without, &memory);
        assert!(Arc::ptr_eq(
            &with_leaving(&without, &memory, &desired),
            &desired
        ));
    }

    #[test]
    fn what_is_remembered_of_a_host_has_no_fencing_in_it() {
        let text = serde_json::to_string(&memory()).unwrap();
        assert!(
            text.contains("definition") && !text.contains("fencing"),
            "{text}"
        );
        let back: Memory = serde_json::from_str(&text).unwrap();
        assert_eq!(back, memory());
    }

    #[test]
    fn a_host_under_another_name_is_not_leaving() {
        let mut renamed = Desired::clone(&file(&["a", "b", "d"]));
        renamed.hosts.get_mut(&host("d")).unwrap().address = "10.0.0.3".to_owned();
        let (renamed, mut memory) = (Arc::new(renamed), memory());
        assert!(!known(&renamed, &memory).hosts.contains_key(&host("c")));
        let of_d = memory.hosts[&host("a")].clone();
        memory.hosts.insert(host("d"), of_d);
        assert_eq!(left_after(memory.clone(), &renamed), "a b c d");
        put(&mut memory, "d", "life-1");
        assert_eq!(left_after(memory, &renamed), "a b d");
    }

    #[test]
    fn a_host_at_another_address_is_known_and_did_not_leave() {
        let before = file(&["a", "b"]);
        let mut moved = Desired::clone(&before);
        moved.hosts.get_mut(&host("b")).unwrap().address = "10.0.0.9".to_owned();
        assert!(before.hosts.values().all(|host| moved.knows(host)));
        assert!(!moved.has_machine_of(&before.hosts[&host("b")]));
    }

    #[test]
    fn one_out_of_sight_is_forgotten_with_evidence_once_its_guests_are_elsewhere() {
        let (without, mut memory) = (file(&["a", "b"]), memory());
        assert_eq!(left_after(memory.clone(), &without), "a b c");
        memory.hosts.get_mut(&host("c")).unwrap().fenced = Some(Evidence {
            kind: EvidenceKind::Manual,
            at: Timestamp(2),
            text: String::new(),
        });
        assert_eq!(left_after(memory.clone(), &without), "a b c");
        put(&mut memory, "a", "life-2");
        assert_eq!(left_after(memory, &without), "a b");
    }

    #[test]
    fn an_empty_one_out_of_sight_is_forgotten_unless_guards_may_count_on_it() {
        let (manual, guarded, mut memory) = (file(&["a", "b"]), file(&["a", "b", "d"]), memory());
        memory.hosts.get_mut(&host("c")).unwrap().guests.clear();
        assert_eq!(left_after(memory.clone(), &manual), "a b");
        assert_eq!(left_after(memory, &guarded), "a b c");
    }
}
