//! Looking at all hosts at once, without waiting for those that don't answer: a round must not be late for what can
//! be healed because of what can't be seen. A look that takes too long goes on in the background.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, Either, FutureExt, join_all, select};
use tokio::task::JoinHandle;

use crate::model::desired::{Desired, Host};
use crate::model::facts::{HostFacts, Seen, Unseen, UnseenKind};
use crate::model::id::HostId;
use crate::plan::queries::host_query;
use crate::ports::clock::Clock;
use crate::ports::hypervisor::{HostQuery, Hypervisor};

/// How long a round waits for a host that answered the last time.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long it waits for one that did not.
const LITTLE_PATIENCE: Duration = Duration::from_millis(100);

/// Whether a round may go on without a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// It waits until it is known whether the host answers: somebody asked for the whole picture.
    ForAll,
    /// It goes on: there will be another round soon.
    Briefly,
}

/// The looks that are still under way, and how each host last could not be seen.
#[derive(Default)]
pub struct HostLooks {
    under_way: BTreeMap<HostId, JoinHandle<Seen<HostFacts>>>,
    unseen: BTreeMap<HostId, Unseen>,
}

impl HostLooks {
    /// Looks at all hosts.
    pub async fn look(
        &mut self,
        desired: &Desired,
        hypervisor: &Arc<dyn Hypervisor>,
        clock: &Arc<dyn Clock>,
        wait: Wait,
    ) -> BTreeMap<HostId, Seen<HostFacts>> {
        let missing: BTreeMap<HostId, String> = desired
            .hosts
            .values()
            .filter(|host| self.unseen.contains_key(&host.id))
            .map(|host| (host.id.clone(), host.address.clone()))
            .collect();
        let looks = desired.hosts.values().map(|host| {
            let task = self.still_under_way(&host.id);
            let task = task.unwrap_or_else(|| begin(desired, host, hypervisor, missing.clone()));
            let patience = match (wait, self.unseen.contains_key(&host.id)) {
                (Wait::ForAll, _) => None,
                (Wait::Briefly, false) => Some(PATIENCE),
                (Wait::Briefly, true) => Some(LITTLE_PATIENCE),
            };
            let clock = Arc::clone(clock);
            async move { (&host.id, patiently(task, patience, clock).await) }
        });
        let looks: Vec<_> = looks.collect();
        let ended = join_all(looks).await;
        ended
            .into_iter()
            .map(|(id, end)| (id.clone(), self.take_in(id, end)))
            .collect()
    }

    /// A look of an earlier round that ended meanwhile is old; but if the host answered, it is worth waiting for again.
    fn still_under_way(&mut self, id: &HostId) -> Option<JoinHandle<Seen<HostFacts>>> {
        let task = self.under_way.remove(id)?;
        if !task.is_finished() {
            return Some(task);
        }
        if let Some(Ok(Seen::Yes(_))) = task.now_or_never() {
            self.unseen.remove(id);
        }
        None
    }

    fn take_in(&mut self, id: &HostId, end: End) -> Seen<HostFacts> {
        let seen = match end {
            End::Seen(seen) => seen,
            End::UnderWay(task) => {
                self.under_way.insert(id.clone(), task);
                Seen::No(self.unseen.get(id).cloned().unwrap_or_else(silent))
            }
        };
        match &seen {
            Seen::Yes(_) => self.unseen.remove(id),
            Seen::No(unseen) => self.unseen.insert(id.clone(), unseen.clone()),
        };
        seen
    }
}

enum End {
    Seen(Seen<HostFacts>),
    UnderWay(JoinHandle<Seen<HostFacts>>),
}

fn begin(
    desired: &Desired,
    host: &Host,
    hypervisor: &Arc<dyn Hypervisor>,
    mut peers: BTreeMap<HostId, String>,
) -> JoinHandle<Seen<HostFacts>> {
    peers.remove(&host.id);
    let query = HostQuery {
        peers,
        ..host_query(desired, host)
    };
    let (query, host, hypervisor) = (query, host.clone(), Arc::clone(hypervisor));
    tokio::spawn(async move { hypervisor.observe(&host, &query).await })
}

async fn patiently(
    task: JoinHandle<Seen<HostFacts>>,
    patience: Option<Duration>,
    clock: Arc<dyn Clock>,
) -> End {
    let enough: BoxFuture<'_, ()> = match patience {
        None => futures::future::pending().boxed(),
        Some(patience) => clock.sleep(patience).boxed(),
    };
    match select(task, enough).await {
        Either::Left((Ok(seen), _)) => End::Seen(seen),
        Either::Left((Err(error), _)) => End::Seen(Seen::No(Unseen {
            kind: UnseenKind::Broken,
            message: format!("an error in reconcile itself: {error}"),
        })),
        Either::Right(((), task)) => End::UnderWay(task),
    }
}

fn silent() -> Unseen {
    Unseen {
        kind: UnseenKind::Unreachable,
        message: format!("no answer within {} s", PATIENCE.as_secs()),
    }
}
