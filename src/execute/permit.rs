//! Whether a controller may act now: what it knows of the claims on its hosts, shared by whoever asks for claims and
//! whoever acts. Asked before every effect, so it asks nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::model::bug::Bug;
use crate::model::claim::{Claim, Succession};
use crate::model::id::HostId;
use crate::model::time::Timestamp;
use crate::ports::clock::Clock;

/// How long a host that did not answer may take to say whose it is.
const ANSWER: Duration = Duration::from_secs(6);

/// What is known of the claim on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// We may act until then, by the uptime of our own machine.
    Ours(Timestamp),
    /// Another controller has it.
    Others(Claim),
    /// The host does not answer whoever asks for its claim. It may be ours until then.
    Unseen(Timestamp),
}

/// What is known of all claims.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holds {
    /// Each host of which something is known.
    pub hosts: BTreeMap<HostId, Hold>,
    /// The hosts that the last look reached.
    pub reached: BTreeSet<HostId>,
}

/// Why nothing may be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Barred {
    /// Another controller has hosts.
    Rival(BTreeMap<HostId, Claim>),
    /// No claim is valid any more.
    Unclaimed,
    /// A host that is reached has not answered yet.
    Asked(HostId),
}

impl Holds {
    /// The hosts that another controller has.
    pub fn rivals(&self) -> BTreeMap<HostId, Claim> {
        let others = self.hosts.iter().filter_map(|(id, hold)| match hold {
            Hold::Others(claim) => Some((id.clone(), claim.clone())),
            Hold::Ours(_) | Hold::Unseen(_) => None,
        });
        others.collect()
    }

    fn until(&self, host: &HostId) -> Option<Timestamp> {
        match self.hosts.get(host)? {
            Hold::Ours(until) | Hold::Unseen(until) => Some(*until),
            Hold::Others(_) => None,
        }
    }

    /// Whether what is in hand may go on: until when. One claim is enough: a host out of sight loses its own.
    pub fn may_go_on(&self, now: Timestamp) -> Result<Timestamp, Barred> {
        let rivals = self.rivals();
        if !rivals.is_empty() {
            return Err(Barred::Rival(rivals));
        }
        let until = self.hosts.keys().filter_map(|id| self.until(id)).max();
        until.filter(|until| *until > now).ok_or(Barred::Unclaimed)
    }

    /// Whether something may begin: every host that is reached must be ours.
    pub fn may_begin(&self, now: Timestamp) -> Result<(), Barred> {
        self.may_go_on(now)?;
        let open = self.reached.iter().find(|id| match self.hosts.get(id) {
            Some(Hold::Ours(until)) => *until <= now,
            Some(Hold::Unseen(_)) => false,
            Some(Hold::Others(_)) | None => true,
        });
        open.map_or(Ok(()), |id| Err(Barred::Asked(id.clone())))
    }

    /// Whether one host may be touched.
    pub fn may_touch(&self, host: &HostId, now: Timestamp) -> Result<(), Barred> {
        self.may_go_on(now)?;
        let ours = self.until(host).is_some_and(|until| until > now);
        ours.then_some(())
            .ok_or_else(|| Barred::Asked(host.clone()))
    }

    /// Whether guests on a host may be touched: they may answer though the host does not.
    pub fn may_touch_guests(&self, host: &HostId, now: Timestamp) -> Result<(), Barred> {
        match self.hosts.get(host) {
            Some(Hold::Unseen(_)) => self.may_go_on(now).map(|_| ()),
            Some(Hold::Ours(_) | Hold::Others(_)) | None => self.may_touch(host, now),
        }
    }
}

impl std::fmt::Display for Barred {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Barred::Rival(rivals) => {
                let whose = rivals.values().next().map_or("", |claim| &claim.who);
                write!(f, "another controller has taken over: {whose}")
            }
            Barred::Unclaimed => f.write_str("no host has renewed our claim in time"),
            Barred::Asked(host) => write!(f, "host {host} has not renewed our claim yet"),
        }
    }
}

/// The leave to act.
#[derive(Debug, Clone, Default)]
pub struct Permit(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    holds: Mutex<Holds>,
    changed: Notify,
    /// Somebody wants to begin something, and may not yet.
    wanted: AtomicBool,
    /// Whether claims that ran out may be taken from others.
    closed: AtomicBool,
    /// Who asks for the claim of each host waits on this between two tries.
    again: Mutex<BTreeMap<HostId, Arc<Notify>>>,
}

impl Permit {
    fn lock(&self) -> MutexGuard<'_, Holds> {
        self.0.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose claims may be taken from now on.
    pub fn succeed(&self, succession: Succession) {
        let closed = succession == Succession::Closed;
        self.0.closed.store(closed, Ordering::Relaxed);
    }

    /// Whose claims may be taken.
    pub fn succession(&self) -> Succession {
        match self.0.closed.load(Ordering::Relaxed) {
            true => Succession::Closed,
            false => Succession::Open,
        }
    }

    /// What is known now.
    pub fn holds(&self) -> Holds {
        self.lock().clone()
    }

    /// Something became known of a host. Whether anybody has to think again because of that.
    pub fn set(&self, host: &HostId, hold: Hold) -> bool {
        let kind = std::mem::discriminant(&hold);
        let rival = matches!(hold, Hold::Others(_));
        let mut holds = self.lock();
        let old = holds.hosts.insert(host.clone(), hold);
        // Whoever found out that it has to wait did so before this, or sees this.
        let wanted = self.0.wanted.load(Ordering::Relaxed);
        drop(holds);
        self.0.changed.notify_waiters();
        let had_rival = matches!(old, Some(Hold::Others(_)));
        // The same answer again and again must not keep anybody from looking.
        let is_new = old.is_none_or(|old| std::mem::discriminant(&old) != kind);
        is_new && (rival || had_rival || wanted)
    }

    /// A host does not answer whoever asks for its claim. Whether anybody has to think again because of that.
    pub fn set_unseen(&self, host: &HostId) -> bool {
        let until = self.lock().until(host);
        self.set(host, Hold::Unseen(until.unwrap_or_default()))
    }

    /// The hosts that were reached by a look.
    pub fn reach(&self, hosts: BTreeSet<HostId>) {
        self.lock().reached = hosts;
    }

    /// Forgets all that is known of hosts for which `keep` is false.
    pub fn retain(&self, keep: impl Fn(&HostId) -> bool) {
        self.lock().hosts.retain(|id, _| keep(id));
        self.0.changed.notify_waiters();
    }

    /// Returns once a host may be touched.
    pub async fn comes(&self, host: &HostId, clock: &dyn Clock) {
        loop {
            let changed = self.0.changed.notified();
            if self.may_touch(host, clock).is_ok() {
                return;
            }
            changed.await;
        }
    }

    /// Whether something may begin now.
    pub fn may_begin(&self, clock: &dyn Clock) -> Result<(), Barred> {
        let holds = self.lock();
        let leave = unless_ignored(holds.may_begin(clock.uptime()));
        self.0.wanted.store(leave.is_err(), Ordering::Relaxed);
        leave
    }

    /// What makes whoever asks for the claim of a host ask again at once.
    pub fn again(&self, host: &HostId) -> Arc<Notify> {
        let mut all = self.0.again.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(host.clone()).or_default())
    }

    /// Whether guests on a host may be touched now. One that did not answer is asked for its claim again: it may be back,
    /// and another controller's.
    pub async fn may_touch_guests(&self, host: &HostId, clock: &dyn Clock) -> Result<(), Barred> {
        let changed = self.0.changed.notified();
        if matches!(self.lock().hosts.get(host), Some(Hold::Unseen(_))) {
            self.again(host).notify_one();
            tokio::select! {
                biased;
                () = changed => {}
                () = clock.sleep(ANSWER) => {}
            }
        }
        unless_ignored(self.lock().may_touch_guests(host, clock.uptime()))
    }

    /// Whether a host may be touched now.
    pub fn may_touch(&self, host: &HostId, clock: &dyn Clock) -> Result<(), Barred> {
        unless_ignored(self.lock().may_touch(host, clock.uptime()))
    }

    /// Returns, with the reason, once nothing in hand may go on.
    pub async fn ends(&self, clock: &dyn Clock) -> Barred {
        loop {
            let changed = self.0.changed.notified();
            let now = clock.uptime();
            let so_far = self.lock().may_go_on(now);
            match so_far {
                Err(_) if Bug::IgnoreTheClaim.is_in() => changed.await,
                Err(barred) => return barred,
                Ok(Timestamp(i64::MAX)) => changed.await,
                Ok(until) => tokio::select! {
                    biased;
                    () = changed => {}
                    () = clock.sleep(until.since(now)) => {}
                },
            }
        }
    }
}

fn unless_ignored(leave: Result<(), Barred>) -> Result<(), Barred> {
    match Bug::IgnoreTheClaim.is_in() {
        true => Ok(()),
        false => leave,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn host(name: &str) -> HostId {
        name.parse().unwrap()
    }

    fn holds(known: &[(&str, Hold)]) -> Holds {
        let hosts = known.iter().map(|(name, hold)| (host(name), hold.clone()));
        Holds {
            hosts: hosts.collect(),
            reached: [host("a"), host("b")].into(),
        }
    }

    fn rival() -> Hold {
        Hold::Others(Claim {
            owner: "other".parse().unwrap(),
            who: "anna@ops".to_owned(),
            held_s: 5,
            left_s: 25,
            hosts: BTreeMap::new(),
        })
    }

    const LATER: Hold = Hold::Ours(Timestamp(2_000));
    const LATEST: Timestamp = Timestamp(3_000);
    const OVER: Hold = Hold::Ours(NOW);

    #[test]
    fn something_begins_only_while_every_host_that_is_reached_is_ours() {
        assert_eq!(holds(&[("a", LATER), ("b", LATER)]).may_begin(NOW), Ok(()));
        let asked = Err(Barred::Asked(host("b")));
        assert_eq!(holds(&[("a", LATER)]).may_begin(NOW), asked);
        assert_eq!(holds(&[("a", LATER), ("b", OVER)]).may_begin(NOW), asked);
        // One that does not answer any more does not count.
        assert_eq!(
            holds(&[("a", LATER), ("b", Hold::Unseen(NOW))]).may_begin(NOW),
            Ok(())
        );
    }

    #[test]
    fn nothing_is_done_beside_a_rival_or_without_any_claim() {
        let beside = holds(&[("a", LATER), ("b", rival())]);
        assert!(matches!(beside.may_begin(NOW), Err(Barred::Rival(_))));
        assert!(matches!(
            beside.may_touch(&host("a"), NOW),
            Err(Barred::Rival(_))
        ));
        for none in [holds(&[]), holds(&[("a", OVER), ("b", Hold::Unseen(NOW))])] {
            assert_eq!(none.may_begin(NOW), Err(Barred::Unclaimed));
            assert_eq!(none.may_go_on(NOW), Err(Barred::Unclaimed));
        }
    }

    #[test]
    fn a_host_whose_claim_is_over_is_not_touched_while_others_are() {
        let one = holds(&[
            ("a", LATER),
            ("b", OVER),
            ("d", Hold::Unseen(NOW)),
            ("e", Hold::Unseen(LATEST)),
        ]);
        assert!(one.may_touch(&host("d"), NOW).is_err());
        assert_eq!(one.may_touch_guests(&host("d"), NOW), Ok(()));
        assert_eq!(one.may_touch(&host("e"), NOW), Ok(()));
        assert_eq!(one.may_touch(&host("a"), NOW), Ok(()));
        assert_eq!(
            one.may_touch(&host("b"), NOW),
            Err(Barred::Asked(host("b")))
        );
        assert_eq!(
            one.may_touch(&host("c"), NOW),
            Err(Barred::Asked(host("c")))
        );
    }
}
