//! What comes from the simulated cluster by itself, or is asked for again and again: heartbeats, and libvirt's word
//! that a domain has ended. Nobody waits for what can't have changed.

use std::net::Ipv4Addr;
use std::time::Duration;

use async_trait::async_trait;

use super::cluster::{Calm, Cluster};
use crate::model::desired::Heartbeat;
use crate::model::facts::Unseen;
use crate::model::id::HostId;
use crate::model::scenario::{Libvirt, Node};
use crate::model::time::Timestamp;
use crate::ports::clock::Clock;
use crate::ports::heartbeat::{Asked, Heartbeats};
use crate::ports::hypervisor::Ended;

/// A cluster in which nothing has changed for so long is looked at no more until it changes, or until the moment that the
/// plan waits for.
const CALM_AFTER: Duration = Duration::from_secs(60);
const FOR_EVER: Duration = Duration::from_secs(365 * 86_400);
/// One of which nobody knows what it waits for is looked at more and more seldom.
const PATIENT_AFTER: Duration = Duration::from_secs(120);
/// But at least so often.
const LONGEST: Duration = Duration::from_secs(600);

/// For how long it may be doubted whether a guest lives when a domain has ended: a controller hears of it only after the
/// look that it is at, which may wait for a libvirt that is slow.
const DOUBT: Duration = Duration::from_secs(45);

const REFUSED: &str = "connection refused";
const SILENT: &str = "no answer in time";

#[async_trait]
impl Heartbeats for Cluster {
    async fn beat(&self, address: Ipv4Addr, heartbeat: &Heartbeat) -> Result<(), String> {
        match self.answer(address, heartbeat) {
            Err(SILENT) => {
                self.clock.sleep(heartbeat.timeout).await;
                Err(SILENT.to_owned())
            }
            answer => answer.map_err(str::to_owned),
        }
    }

    async fn pause(
        &self,
        _: &dyn Clock,
        span: Duration,
        asked: &Asked<'_>,
        settled: Option<&Result<(), String>>,
    ) -> Option<Timestamp> {
        self.clock.sleep(span).await;
        let (Some(settled), mut changes) = (settled, self.changes()) else {
            return None;
        };
        let begin = self.clock.now();
        while self.is_still(asked, settled) && !self.is_in_doubt() {
            changes.changed().await;
        }
        let late = self.clock.now().since(begin);
        self.clock.sleep(to_next(late, asked.heartbeat.every)).await;
        let left_out = ticks_before(late, asked.heartbeat.every);
        (!left_out.is_zero()).then(|| begin.plus(left_out))
    }
}

/// From a tick to the last one that was earlier than `late` after it.
fn ticks_before(late: Duration, pace: Duration) -> Duration {
    let (late, pace) = (late.as_millis(), pace.as_millis().max(1));
    let ticks = late.saturating_sub(1) / pace;
    Duration::from_millis(u64::try_from(ticks * pace).unwrap_or_default())
}

/// From a moment between two ticks to the next one, where the last known tick was `late` ago.
fn to_next(late: Duration, pace: Duration) -> Duration {
    let (late, pace) = (late.as_millis(), pace.as_millis().max(1));
    let left = (pace - late % pace) % pace;
    Duration::from_millis(u64::try_from(left).unwrap_or_default())
}

/// The cluster's own clock, which knows when nothing can be seen by looking again.
#[async_trait]
impl Clock for Cluster {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn uptime(&self) -> Timestamp {
        self.clock.now()
    }

    async fn sleep(&self, span: Duration) {
        self.clock.sleep(span).await;
    }

    async fn steady(&self, span: Duration) {
        let mut changes = self.changes();
        self.clock.sleep(span).await;
        let begin = self.clock.now();
        let wait = match (self.is_calm(), begin.since(self.world().changed)) {
            (Calm::Yes, quiet) if quiet >= CALM_AFTER => FOR_EVER,
            (Calm::Until(at), quiet) if quiet >= CALM_AFTER => at.since(begin).min(LONGEST),
            (Calm::No, quiet) if quiet >= PATIENT_AFTER => (quiet / 4).min(LONGEST),
            (Calm::Yes | Calm::Until(_) | Calm::No, _) => return,
        };
        tokio::select! {
            biased;
            () = changes.changed() => {
                let late = self.clock.now().since(begin);
                self.clock.sleep(to_next(late, span)).await;
            }
            () = self.clock.sleep(wait) => {}
        }
    }
}

impl Cluster {
    /// What a heartbeat would be answered with now.
    fn answer(&self, address: Ipv4Addr, heartbeat: &Heartbeat) -> Result<(), &'static str> {
        let world = self.world();
        let answers = world.answers(address).into_iter();
        let seen = answers.filter(|(host, _)| {
            let host = Node::Host((*host).clone());
            world.wire.joins(&world.seen_by, &host)
        });
        let listening: Vec<bool> = seen
            .map(|(_, d)| d.guest.listens(heartbeat.port, world.now))
            .collect();
        match (listening.contains(&true), listening.is_empty()) {
            (true, _) => Ok(()),
            (false, false) => Err(REFUSED),
            (false, true) => Err(SILENT),
        }
    }

    /// Whether libvirt has just said that a domain ended: then answers that are like the last ones are news, too.
    fn is_in_doubt(&self) -> bool {
        let world = self.world();
        world.now.since(world.ended_at) < DOUBT
    }

    /// Whether what would be answered now is what was answered last.
    fn is_still(&self, asked: &Asked<'_>, last: &Result<(), String>) -> bool {
        let first = self.answer(asked.at.0, asked.heartbeat);
        let now = match (first, asked.at.1) {
            (Err(_), Some(other)) => {
                self.answer(*other.ip(), &asked.heartbeat.at_port(other.port()))
            }
            (first, _) => first,
        };
        match (now, last) {
            (Ok(()), Ok(())) => true,
            (Err(now), Err(last)) => now == last,
            (Ok(()), Err(_)) | (Err(_), Ok(())) => false,
        }
    }

    /// Tells of every domain of a host whose run ends, while the host can be heard.
    pub(super) async fn hear_ends(&self, host: &HostId, tell: Ended<'_>) -> Unseen {
        let mut changes = self.changes();
        let mut heard = self.world().ended.len();
        loop {
            changes.changed().await;
            let fresh: Vec<String> = {
                let world = self.world();
                let said = world.ended.iter().skip(heard);
                let here = said.filter(|(at, _)| at == host && hears(&world, host));
                let names = here.map(|(_, name)| name.clone()).collect();
                heard = world.ended.len();
                names
            };
            fresh.iter().for_each(|name| tell(name));
        }
    }
}

fn hears(world: &super::world::World, host: &HostId) -> bool {
    let hangs = world
        .hosts
        .get(host)
        .is_some_and(|h| h.libvirt == Libvirt::Hangs);
    world.unseen(host).is_none() && !hangs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waited_for_a_change_goes_on_at_the_old_pace() {
        let ms = Duration::from_millis;
        assert_eq!(to_next(ms(0), ms(200)), ms(0));
        assert_eq!(to_next(ms(150), ms(200)), ms(50));
        assert_eq!(to_next(ms(1_000), ms(200)), ms(0));
    }
}
