//! Claiming hosts before anything is done to them, so that two controllers of one cluster don't work against each other.
//! Who sees that another one is there takes nothing; of two that begin at the same moment, the smaller id goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tracing::{debug, warn};

use crate::execute::{Barred, Hands, Hold, Permit};
use crate::memory::quorum;
use crate::model::claim::{Claim, Claimant, ControllerId, NamedHosts, Succession, own};
use crate::model::desired::{Desired, Host};
use crate::model::facts::{Observed, UnseenKind};
use crate::model::id::{ClusterName, HostId};
use crate::ports::claim::Lost;

/// From a claim that could not be had to the next try.
const AGAIN: Duration = Duration::from_secs(3);
/// How long a host may take to let a claim go.
const FAREWELL: Duration = Duration::from_secs(8);

/// How long a single pass waits for claims: another one that began at the same moment gives way by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who is told that there is news of claims.
pub type Told = Arc<dyn Fn() + Send + Sync>;

/// What to do about claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Take all that can be had, and keep it.
    Take,
    /// Touch nothing: another controller is at work.
    Wait,
    /// Give up what we have: the other one goes first.
    Yield,
}

/// Whether we have some is known by whether we tried: another one may not wait for us while we wait for it.
fn decide(us: &ControllerId, rivals: &BTreeMap<HostId, Claim>, trying: bool) -> Step {
    let smaller = rivals.values().any(|claim| claim.owner < *us);
    match (rivals.is_empty(), trying, smaller) {
        (true, ..) | (false, true, false) => Step::Take,
        (false, true, true) => Step::Yield,
        (false, false, _) => Step::Wait,
    }
}

/// The claims of a controller, kept in the background.
pub struct Claims {
    cluster: ClusterName,
    hands: Hands,
    hosts: BTreeMap<HostId, Host>,
    keepers: BTreeMap<HostId, Keeper>,
    told: Told,
}

struct Keeper(AbortHandle);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Claims {
    /// None yet. `told` hears that something changed.
    pub fn new(desired: &Desired, hands: &Hands, told: Told) -> Self {
        let claimant = with_hosts(&hands.claimant, own(desired.hosts.keys()).collect());
        Claims {
            cluster: desired.cluster.clone(),
            hands: Hands {
                claimant,
                ..hands.clone()
            },
            hosts: desired.hosts.clone(),
            keepers: BTreeMap::new(),
            told,
        }
    }

    /// The leave to act.
    pub fn permit(&self) -> &Permit {
        &self.hands.permit
    }

    /// The file changed: hosts that are new to it are claimed by the next look, those that left it are let go by time.
    pub fn follow(&mut self, desired: &Desired, hands: &Hands) {
        self.hosts = desired.hosts.clone();
        let permit = self.hands.permit.clone();
        permit.retain(|id| desired.hosts.contains_key(id));
        let mut known = self.hands.claimant.hosts.clone();
        known.extend(own(desired.hosts.keys()));
        self.hands = Hands {
            permit,
            claimant: with_hosts(&hands.claimant, known),
            ..hands.clone()
        };
        self.take_anew();
    }

    /// The claims name these hosts from now on.
    pub fn name(&mut self, hosts: NamedHosts) {
        if self.hands.claimant.hosts != hosts {
            self.hands.claimant = with_hosts(&self.hands.claimant, hosts);
            self.take_anew();
        }
    }

    fn take_anew(&mut self) {
        let trying = !self.keepers.is_empty();
        self.keepers.clear();
        if trying {
            self.take(&BTreeSet::new());
        }
    }

    /// Heeds what a look saw of hosts and their claims.
    pub async fn heed(&mut self, observed: &Observed) {
        let hosts = observed.hosts.iter();
        let seen = hosts.filter(|(_, seen)| seen.facts().is_some());
        let reached: BTreeSet<HostId> = seen.map(|(id, _)| id.clone()).collect();
        self.permit()
            .succeed(match quorum::is_of_hosts(&self.hosts, observed) {
                true => Succession::Open,
                false => Succession::Closed,
            });
        if self.keepers.is_empty() {
            // While we wait, nobody but looks tells of rivals.
            self.permit().retain(|_| false);
        }
        let holds = self.permit().holds().hosts;
        for (host, claim) in &observed.rivals {
            match holds.get(host) {
                // The look may be older than what we have: the host is asked again.
                Some(Hold::Ours(_)) => {
                    self.permit().retain(|id| id != host);
                    self.keepers.remove(host);
                }
                Some(Hold::Others(_) | Hold::Unseen(_)) | None => {
                    self.permit().set(host, Hold::Others(claim.clone()));
                }
            }
        }
        self.permit().reach(reached.clone());
        self.step(&reached).await;
    }

    /// Heeds what hosts said to whoever asked them for a claim.
    pub async fn heed_news(&mut self) {
        self.step(&BTreeSet::new()).await;
    }

    async fn step(&mut self, reached: &BTreeSet<HostId>) {
        let rivals = self.permit().holds().rivals();
        match decide(&self.hands.claimant.id, &rivals, !self.keepers.is_empty()) {
            Step::Take => self.take(reached),
            Step::Wait => {}
            Step::Yield => self.release().await,
        }
    }

    /// Keeps the claims of all hosts. One that is reached and is not ours is asked at once.
    fn take(&mut self, reached: &BTreeSet<HostId>) {
        let holds = self.permit().holds();
        for host in self.hosts.values() {
            if self.keepers.contains_key(&host.id) {
                let unseen = matches!(holds.hosts.get(&host.id), Some(Hold::Unseen(_)));
                if unseen && reached.contains(&host.id) {
                    self.permit().retain(|id| *id != host.id);
                    self.permit().again(&host.id).notify_one();
                }
                continue;
            }
            let keep = keep(
                self.hands.clone(),
                self.cluster.clone(),
                host.clone(),
                Arc::clone(&self.told),
            );
            let keeper = Keeper(tokio::spawn(keep).abort_handle());
            self.keepers.insert(host.id.clone(), keeper);
        }
    }

    /// Gives up every claim that we may have, for good: what is left names these hosts.
    pub async fn leave(&mut self, hosts: NamedHosts) {
        self.hands.claimant = with_hosts(&self.hands.claimant, hosts);
        self.release().await;
    }

    /// Gives up every claim that we may have, on hosts that answer in time.
    async fn release(&mut self) {
        if self.keepers.is_empty() {
            return;
        }
        self.keepers.clear();
        let holds = self.permit().holds().hosts;
        // From now on, nothing is done.
        let is_rival = |id: &HostId| matches!(holds.get(id), Some(Hold::Others(_)));
        self.permit().retain(is_rival);
        let (hands, cluster) = (&self.hands, &self.cluster);
        let ends = self.hosts.values().map(|host| async move {
            let release = hands.claims.release(host, cluster, &hands.claimant);
            tokio::select! {
                biased;
                released = release => if let Err(error) = released {
                    debug!(host = %host.id, "its claim ends by itself: {error}");
                },
                () = hands.clock.sleep(FAREWELL) => {}
            }
        });
        join_all(ends).await;
    }
}

/// The claims of a controller that acts once: taken right before, given up right after.
pub struct ClaimsOnce {
    claims: Claims,
    news: Arc<Notify>,
}

impl ClaimsOnce {
    /// None yet.
    pub fn new(desired: &Desired, hands: &Hands) -> Self {
        let news = Arc::new(Notify::new());
        let told = Arc::clone(&news);
        let told = Arc::new(move || told.notify_one());
        ClaimsOnce {
            claims: Claims::new(desired, hands, told),
            news,
        }
    }

    /// Takes the claims on all hosts that were seen; else takes none, and says why.
    pub async fn take(&mut self, observed: &Observed) -> Result<(), Barred> {
        let clock = Arc::clone(&self.claims.hands.clock);
        let patience = clock.sleep(PATIENCE);
        tokio::pin!(patience);
        self.claims.heed(observed).await;
        loop {
            let leave = self.claims.permit().may_begin(clock.as_ref());
            let Err(barred) = leave else { return Ok(()) };
            let is_over = self.claims.keepers.is_empty();
            tokio::select! {
                biased;
                () = self.news.notified(), if !is_over => self.claims.heed_news().await,
                () = &mut patience, if !is_over => {
                    self.claims.release().await;
                    return Err(barred);
                }
                else => return Err(barred),
            }
        }
    }

    /// The claims name these hosts.
    pub fn name(&mut self, hosts: NamedHosts) {
        self.claims.name(hosts);
    }

    /// Gives up every claim; what is left names these hosts.
    pub async fn leave(&mut self, hosts: NamedHosts) {
        self.claims.leave(hosts).await;
    }
}

fn with_hosts(claimant: &Claimant, hosts: NamedHosts) -> Arc<Claimant> {
    Arc::new(Claimant {
        hosts,
        ..claimant.clone()
    })
}

async fn keep(hands: Hands, cluster: ClusterName, host: Host, told: Told) {
    let set = |hold| {
        if hands.permit.set(&host.id, hold) {
            told();
        }
    };
    let again = hands.permit.again(&host.id);
    let mut complained = false;
    loop {
        let held = |until| set(Hold::Ours(until));
        let (claimant, succession) = (&hands.claimant, hands.permit.succession());
        let kept = hands
            .claims
            .keep(&host, &cluster, claimant, succession, &held);
        match kept.await {
            Lost::To(claim) => set(Hold::Others(claim)),
            Lost::Unseen(why) => {
                match (why.kind, complained) {
                    (UnseenKind::Unreachable, _) | (_, true) => {
                        debug!(host = %host.id, "it can't be claimed: {}", why.message);
                    }
                    (
                        UnseenKind::HostKeyChanged | UnseenKind::Refused | UnseenKind::Broken,
                        false,
                    ) => {
                        warn!(host = %host.id, "it can't be claimed: {}", why.message);
                        complained = true;
                    }
                }
                if hands.permit.set_unseen(&host.id) {
                    told();
                }
            }
        }
        tokio::select! {
            biased;
            () = again.notified() => {}
            () = hands.clock.steady(AGAIN) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rivals(owners: &[&str]) -> BTreeMap<HostId, Claim> {
        let claim = |(number, owner): (usize, &&str)| {
            let claim = Claim {
                owner: owner.parse().unwrap(),
                who: String::new(),
                held_s: 0,
                left_s: 30,
                hosts: BTreeMap::new(),
            };
            (format!("host-{number}").parse().unwrap(), claim)
        };
        owners.iter().enumerate().map(claim).collect()
    }

    #[test]
    fn who_sees_another_controller_at_work_takes_nothing() {
        let us = "m".parse().unwrap();
        assert_eq!(decide(&us, &rivals(&["a"]), false), Step::Wait);
        assert_eq!(decide(&us, &rivals(&["z"]), false), Step::Wait);
        assert_eq!(decide(&us, &rivals(&[]), false), Step::Take);
    }

    #[test]
    fn of_two_that_began_at_once_exactly_one_gives_way() {
        let (us, them) = ("a".parse().unwrap(), "b".parse().unwrap());
        assert_eq!(decide(&us, &rivals(&["b"]), true), Step::Take);
        assert_eq!(decide(&them, &rivals(&["a"]), true), Step::Yield);
        assert_eq!(decide(&them, &rivals(&["c", "a"]), true), Step::Yield);
    }
}
