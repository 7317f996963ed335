//! Guards on hosts over ssh. A lease ends at an uptime of its host, which no clock that is set can move; we know when that
//! is in our own time from what the host last said.

use std::time::Duration;

use async_trait::async_trait;

use super::script::Script;
use super::ssh_reader::{SshReader, broken, text};
use super::ssh_writer::SshWriter;
use super::{endpoints, scripts};
use crate::model::desired::Host;
use crate::model::facts::{Seen, Unseen, UnseenKind};
use crate::model::id::ClusterName;
use crate::model::time::Timestamp;
use crate::observe::parse_answer::records;
use crate::ports::clock::Clock;
use crate::ports::guard::{GuardSeen, GuardView, Guards, Until, Watchword};
use crate::ports::{ActError, Effect};

use super::system_clock::SystemClock;

/// How long a renewal may take before it counts as failed.
const RENEWAL: Duration = Duration::from_secs(8);
/// How much faster or slower than ours the clock of a host may run, in thousandths.
const DRIFT: u32 = 10;

/// What a host last said of its uptime, and when we heard it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Heard {
    /// In seconds.
    uptime: u64,
    at: Timestamp,
}

impl Heard {
    /// The uptime at which a lease ends that is offered now.
    fn expiry(self, now: Timestamp, ttl: Duration) -> u64 {
        self.uptime + now.since(self.at).as_secs() + ttl.as_secs()
    }

    /// When a lease that ends at this uptime is over for certain: when we heard of the uptime, it may have been more.
    fn over(self, expiry: u64) -> Timestamp {
        let left = Duration::from_secs(expiry.saturating_sub(self.uptime) + 1);
        self.at.plus(left + left * DRIFT / 1000)
    }
}

#[async_trait]
impl Guards for SshWriter {
    async fn keep(&self, host: &Host, watchword: &Watchword, until: Until<'_>) -> Unseen {
        let ttl = watchword.lease.ttl;
        let first = self.renew(host, watchword, None).await;
        let mut heard = match first {
            Ok(heard) => heard,
            Err(unseen) => return unseen,
        };
        loop {
            let expiry = heard.expiry(SystemClock.now(), ttl);
            until(heard.over(expiry));
            heard = match self.renew(host, watchword, Some(expiry)).await {
                Ok(heard) => heard,
                Err(unseen) => return unseen,
            };
            SystemClock.sleep(ttl / 3).await;
        }
    }

    async fn disarm(&self, host: &Host, cluster: &ClusterName) -> Result<Effect, ActError> {
        let script = Script::new(&scripts::END_GUARD)
            .var("DIR", directory(host, cluster))
            .var("UNIT", unit(cluster));
        let (effect, _) = self.act(&endpoints::host(host), &script, RENEWAL).await?;
        Ok(effect)
    }
}

#[async_trait]
impl GuardView for SshReader {
    async fn look(&self, host: &Host, cluster: &ClusterName) -> Seen<GuardSeen> {
        match self.guard_of(host, cluster).await {
            Ok(guard) => Seen::Yes(guard),
            Err(unseen) => Seen::No(unseen),
        }
    }
}

impl SshReader {
    async fn guard_of(&self, host: &Host, cluster: &ClusterName) -> Result<GuardSeen, Unseen> {
        let script = Script::new(&scripts::OBSERVE_GUARD).var("DIR", directory(host, cluster));
        let endpoint = endpoints::host(host);
        let said = self.access.run(&endpoint, &script, RENEWAL).await?;
        let text = text(&said);
        let records = records(&text).map_err(|error| broken(&endpoint, error, &said))?;
        let Some(guard) = records.iter().find(|record| record.key == "guard") else {
            return Ok(GuardSeen::None);
        };
        let left = guard.parsed(0);
        let left = left.map_err(|error| broken(&endpoint, error, &said))?;
        Ok(GuardSeen::Runs(Duration::from_secs(left)))
    }
}

impl SshWriter {
    /// Arms the guard where none is, and renews its lease up to this uptime.
    async fn renew(
        &self,
        host: &Host,
        watchword: &Watchword,
        expiry: Option<u64>,
    ) -> Result<Heard, Unseen> {
        let endpoint = endpoints::host(host);
        let script = Script::new(&scripts::KEEP_GUARD)
            .var("DIR", directory(host, &watchword.cluster))
            .var("UNIT", unit(&watchword.cluster))
            .var("GUARD", guard(host, watchword)?)
            .var("TTL", watchword.lease.ttl.as_secs().to_string())
            .var(
                "EXPIRES",
                expiry.map_or_else(String::new, |e| e.to_string()),
            );
        let acted = self.act(&endpoint, &script, RENEWAL).await;
        let (_, answer) = acted.map_err(|error| match error {
            ActError::Unreachable(unseen) => unseen,
            ActError::Moved(message) | ActError::Failed(message) => failed(message),
        })?;
        let text = text(&answer);
        let records = records(&text).map_err(|error| broken(&endpoint, error, &answer))?;
        let uptime = records.iter().find(|record| record.key == "uptime");
        let uptime = uptime.and_then(|record| record.parsed(0).ok());
        let uptime = uptime.ok_or_else(|| failed(format!("{}: no uptime", endpoint.name)))?;
        Ok(Heard {
            uptime,
            at: SystemClock.now(),
        })
    }
}

fn failed(message: String) -> Unseen {
    Unseen::new(UnseenKind::Broken, message)
}

/// The guard's whole program.
fn guard(host: &Host, watchword: &Watchword) -> Result<String, Unseen> {
    let script = Script::new(&scripts::GUARD)
        .var("DIR", directory(host, &watchword.cluster))
        .var("CLUSTER", watchword.cluster.as_str())
        .var("PEERS", watchword.peers.join(" "))
        .var(
            "WATCHDOG",
            watchword.lease.watchdog.as_deref().unwrap_or_default(),
        );
    let text = script.render().map_err(|error| failed(error.to_string()))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Where the guard lives: it is gone after a boot, as its guests are.
fn directory(host: &Host, cluster: &ClusterName) -> String {
    format!("/run/reconcile/guard-{cluster}-{}", host.id)
}

fn unit(cluster: &ClusterName) -> String {
    format!("reconcile-guard-{cluster}")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::{Child, Command};

    use super::*;

    #[test]
    fn a_lease_is_over_for_us_after_it_is_over_for_its_host() {
        let heard = Heard {
            uptime: 1_000,
            at: Timestamp(50_000),
        };
        let expiry = heard.expiry(Timestamp(55_500), Duration::from_secs(15));
        assert_eq!(expiry, 1_020);
        // 20 s after the host said 1,000, and a second and a hundredth more.
        assert_eq!(heard.over(expiry), Timestamp(50_000 + 21_210));
    }

    /// The guard's program over a file that stands for the device, with a lease that is not over.
    fn guard_in(dir: &Path) -> Child {
        fs::write(dir.join("lease"), "99999999999\n").unwrap();
        let path = |name: &str| dir.join(name).display().to_string();
        fs::write(dir.join("watchdog"), "").unwrap();
        let script = Script::new(&scripts::GUARD)
            .var("DIR", dir.display().to_string())
            .var("CLUSTER", "t")
            .var("PEERS", "")
            .var("WATCHDOG", path("watchdog"));
        let text = String::from_utf8(script.render().unwrap()).unwrap();
        let child = Command::new("sh").arg("-c").arg(text).spawn().unwrap();
        let fed = || fs::read_to_string(dir.join("watchdog")).is_ok_and(|fed| fed.len() >= 2);
        while !fed() {
            std::thread::sleep(Duration::from_millis(20));
        }
        child
    }

    #[test]
    fn a_watchdog_is_let_go_by_a_guard_that_is_ended_and_not_by_one_that_is_killed() {
        let dir = tempfile::tempdir().unwrap();
        let last = || {
            fs::read_to_string(dir.path().join("watchdog"))
                .unwrap()
                .pop()
        };
        let mut killed = guard_in(dir.path());
        killed.kill().unwrap();
        killed.wait().unwrap();
        assert_eq!(last(), Some('\n'));

        let mut ended = guard_in(dir.path());
        fs::remove_file(dir.path().join("lease")).unwrap();
        ended.wait().unwrap();
        // The magic close: https://docs.kernel.org/watchdog/watchdog-api.html
        assert_eq!(last(), Some('V'));
    }

    #[test]
    fn a_lease_that_is_offered_again_ends_no_earlier() {
        let heard = Heard {
            uptime: 7,
            at: Timestamp(0),
        };
        let ttl = Duration::from_secs(3);
        let mut last = Timestamp(0);
        for now in (0..60_000).step_by(700) {
            let over = heard.over(heard.expiry(Timestamp(now), ttl));
            assert!(over >= last && over > Timestamp(now).plus(ttl));
            last = over;
        }
    }
}
