//! Keeping the guards of hosts: their leases are renewed as long as we live and reach them. When they end is told to the
//! rounds, which may give up a host only after that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tracing::{debug, info, warn};

use super::session::Watcher;
use crate::execute::Hands;
use crate::model::desired::{Desired, Host};
use crate::model::facts::GuardKnows;
use crate::model::id::{ClusterName, HostId};
use crate::model::policy::Fencing;
use crate::model::time::Timestamp;
use crate::ports::claim::Lost;
use crate::ports::guard::Watchword;

/// From a renewal that failed to the next try.
const AGAIN: Duration = Duration::from_secs(3);
/// How long a guard that is to be ended may take to answer.
const FAREWELL: Duration = Duration::from_secs(8);
/// What is added to a lease of which we only know how long it is: clocks differ.
const UNCERTAIN: Duration = Duration::from_secs(2);

/// When the last lease of each guarded host is over for certain.
#[derive(Debug, Clone, Default)]
pub struct Leases(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    over: BTreeMap<HostId, Timestamp>,
    told: BTreeMap<HostId, GuardKnows>,
    /// Hosts whose guards end: who still renews one of them, and is about to be ended, is not listened to.
    closed: BTreeSet<HostId>,
}

impl Leases {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When they are over, and what the guards were told of the hosts.
    pub fn known(&self) -> (BTreeMap<HostId, Timestamp>, BTreeMap<HostId, GuardKnows>) {
        let known = self.lock();
        (known.over.clone(), known.told.clone())
    }

    /// Whether a guard on a host may have been armed by us.
    pub fn may_have_armed(&self, host: &HostId) -> bool {
        self.lock().told.contains_key(host)
    }

    /// The guard of a host is about to be told of these hosts.
    fn tells(&self, host: &HostId, members: &BTreeSet<HostId>) {
        let mut known = self.lock();
        let told = known.told.entry(host.clone()).or_default();
        told.perhaps.insert(members.clone());
    }

    /// It was.
    fn told(&self, host: &HostId, members: &BTreeSet<HostId>) {
        let told = GuardKnows {
            surely: Some(members.clone()),
            perhaps: BTreeSet::new(),
        };
        self.lock().told.insert(host.clone(), told);
    }

    /// From this moment on, the lease of a host is over; unless its guard ends.
    pub fn set(&self, host: &HostId, until: Timestamp) {
        let mut known = self.lock();
        if !known.closed.contains(host) {
            known.over.insert(host.clone(), until);
        }
    }

    /// Nothing is known of any lease any more: so none is over.
    pub fn forget_all(&self) {
        self.lock().over.clear();
    }

    /// Nothing is known of the leases of these hosts any more, until they are renewed.
    pub fn doubt(&self, hosts: &BTreeSet<HostId>) {
        self.lock().over.retain(|host, _| !hosts.contains(host));
    }

    /// Nothing is known of the lease of a host any more, until its guard is kept again.
    pub fn forget(&self, host: &HostId) {
        let mut known = self.lock();
        known.over.remove(host);
        known.closed.insert(host.clone());
    }

    fn keep(&self, host: &HostId) {
        self.lock().closed.remove(host);
    }
}

/// The guards of all hosts that are fenced by lease; the others have none.
pub struct Guards {
    tasks: Vec<AbortHandle>,
    /// Whether any are kept; else all are ended.
    kept: bool,
}

impl Guards {
    /// Keeps the guards of these hosts from now on, and ends those that are left on the others.
    pub fn of(desired: &Desired, hands: &Hands, leases: &Leases) -> Self {
        let keepers = desired.hosts.values().map(|host| {
            if !is_guarded(host) {
                return clearer(desired, hands, host);
            }
            leases.keep(&host.id);
            let (hands, known) = (hands.clone(), host.clone());
            let keeper = keep(hands, known, word(desired, host), leases.clone());
            tokio::spawn(keeper).abort_handle()
        });
        Guards {
            tasks: keepers.collect(),
            kept: true,
        }
    }

    /// Ends all guards: those of hosts that can't be reached as soon as they can.
    pub fn ended(desired: &Desired, hands: &Hands) -> Self {
        let hosts = desired.hosts.values();
        Guards {
            tasks: hosts.map(|host| clearer(desired, hands, host)).collect(),
            kept: false,
        }
    }

    /// The same for other hosts.
    pub fn follow(&self, desired: &Desired, hands: &Hands, leases: &Leases) -> Self {
        match self.kept {
            true => Guards::of(desired, hands, leases),
            false => Guards::ended(desired, hands),
        }
    }

    /// Whether any are kept.
    pub fn are_kept(&self) -> bool {
        self.kept
    }
}

fn clearer(desired: &Desired, hands: &Hands, host: &Host) -> AbortHandle {
    let clear = clear(hands.clone(), host.clone(), desired.cluster.clone());
    tokio::spawn(clear).abort_handle()
}

impl Drop for Guards {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

fn is_guarded(host: &Host) -> bool {
    host.fencing.contains(&Fencing::Lease)
}

/// Nothing rests any more on guards of hosts that are not fenced by lease: they are about to end, whether that is heard of
/// or not.
pub fn disown(watcher: &mut Watcher) {
    let desired = Arc::clone(&watcher.desired);
    let hosts = desired.hosts.values();
    for host in hosts.filter(|host| !is_guarded(host)) {
        watcher.disown(&host.id);
    }
}

/// A guard that an earlier controller armed may still have a lease of that one.
pub fn inherit(watcher: &mut Watcher) {
    disown(watcher);
    let ttl = watcher.desired.safety.lease.ttl;
    let until = watcher.eyes.clock.now().plus(ttl + UNCERTAIN);
    let armed = watcher
        .memory
        .hosts
        .iter()
        .filter(|(_, memory)| memory.armed && !memory.doubted);
    armed.for_each(|(host, _)| watcher.eyes.leases.set(host, until));
}

/// The hosts whose guards may be ended now.
pub fn ours(desired: &Desired, hands: &Hands) -> Vec<Host> {
    let hosts = desired.hosts.values();
    let hosts = hosts.filter(|host| is_guarded(host) && may_end(hands, host));
    hosts.cloned().collect()
}

/// Ends the guards of these hosts, as far as they answer in time.
pub async fn disarm(hosts: Vec<Host>, cluster: &ClusterName, hands: &Hands) {
    let ends = hosts.iter().map(|host| async move {
        let ended = end(hands, host, cluster).await;
        ended.then(|| host.id.clone())
    });
    let ended = futures::future::join_all(ends).await;
    let ended: Vec<HostId> = ended.into_iter().flatten().collect();
    say_disarmed(cluster, &ended);
}

/// A host that is forgotten, and is about to have no guard any more.
pub struct Parting {
    host: Host,
    task: AbortHandle,
}

impl Parting {
    /// Begins to end its guard.
    pub fn from(host: &Host, cluster: &ClusterName, hands: &Hands) -> Self {
        let task = tokio::spawn(part(hands.clone(), host.clone(), cluster.clone()));
        Parting {
            host: host.clone(),
            task: task.abort_handle(),
        }
    }

    /// Whether it still goes on, as it must not once the host is back in the file: its guard is kept then.
    pub fn goes_on(&self, desired: &Desired) -> bool {
        if desired.has_machine_of(&self.host) {
            self.task.abort();
        }
        !self.task.is_finished()
    }
}

/// Ends the guard of a host, where it has one, after a renewal that is in flight. The claim on it is kept until then, or
/// taken: a controller that has just begun may not have it yet.
async fn part(hands: Hands, host: Host, cluster: ClusterName) {
    let claimed = Notify::new();
    let held = |_| claimed.notify_one();
    let (claimant, succession) = (&hands.claimant, hands.permit.succession());
    let kept = hands
        .claims
        .keep(&host, &cluster, claimant, succession, &held);
    let ended = async {
        claimed.notified().await;
        hands.clock.sleep(AGAIN).await;
        end(&hands, &host, &cluster).await
    };
    let ended = tokio::select! {
        biased;
        ended = ended => ended,
        lost = kept => match lost {
            Lost::To(_) => return,
            Lost::Unseen(_) => false,
        },
    };
    match ended {
        true => debug!(host = %host.id, "it has no guard any more"),
        false => warn!(
            host = %host.id,
            "a guard that is left there could not be ended: put it back into `hosts` for a moment, or boot it"
        ),
    }
}

/// Ends the guard that an earlier state of the file, or a controller that was killed, left on a host, or that nobody wants now:
/// as soon as the host is ours.
async fn clear(hands: Hands, host: Host, cluster: ClusterName) {
    loop {
        // A renewal that is in flight arrives first: it would arm the guard anew.
        hands.clock.sleep(AGAIN).await;
        hands.permit.comes(&host.id, hands.clock.as_ref()).await;
        if end(&hands, &host, &cluster).await {
            debug!(host = %host.id, "it has no guard");
            return;
        }
    }
}

/// Whether the guard of a host is ours to end: another controller may rest on it.
fn may_end(hands: &Hands, host: &Host) -> bool {
    let leave = hands.permit.may_touch(&host.id, hands.clock.as_ref());
    leave.is_ok()
}

/// Ends the guard of a host. Whether it said in time that it has.
async fn end(hands: &Hands, host: &Host, cluster: &ClusterName) -> bool {
    let disarm = hands.guards.disarm(host, cluster);
    let patience = hands.clock.sleep(FAREWELL);
    tokio::select! {
        biased;
        ended = disarm => ended.is_ok(),
        () = patience => false,
    }
}

async fn keep(hands: Hands, host: Host, word: Word, leases: Leases) {
    let armed = Once::new();
    let until = |until| {
        armed.call_once(|| info!(host = %host.id, "the guard is armed"));
        leases.told(&host.id, &word.members);
        leases.set(&host.id, until);
    };
    let mut complained = false;
    loop {
        // The guard of a host that another controller has is none of ours.
        hands.permit.comes(&host.id, hands.clock.as_ref()).await;
        leases.tells(&host.id, &word.members);
        let why = tokio::select! {
            biased;
            why = hands.guards.keep(&host, &word.watchword, &until) => why.message,
            barred = hands.permit.ends(hands.clock.as_ref()) => barred.to_string(),
        };
        match complained {
            false => warn!(host = %host.id, "its lease is not renewed: {why}"),
            true => debug!(host = %host.id, "its lease is not renewed: {why}"),
        }
        complained = true;
        hands.clock.sleep(AGAIN).await;
    }
}

/// What a guard is told, and the hosts whose majority it will look for.
struct Word {
    watchword: Watchword,
    members: BTreeSet<HostId>,
}

fn word(desired: &Desired, host: &Host) -> Word {
    let others = desired.hosts.values().filter(|other| other.id != host.id);
    Word {
        watchword: Watchword {
            cluster: desired.cluster.clone(),
            lease: desired.safety.lease.clone(),
            peers: others.map(|other| other.address.clone()).collect(),
        },
        members: desired.hosts.keys().cloned().collect(),
    }
}

/// Says what became of the guards.
fn say_disarmed(cluster: &ClusterName, ended: &[HostId]) {
    if !ended.is_empty() {
        let hosts: Vec<&str> = ended.iter().map(HostId::as_str).collect();
        info!(%cluster, "the guards of hosts {} have ended", hosts.join(", "));
    }
}
