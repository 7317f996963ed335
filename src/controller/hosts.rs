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
/// How long it waits at most for one that answered, but late.
const MUCH_PATIENCE: Duration = Duration::from_secs(30);
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

/// A look at a host, and how long it took.
type Task = JoinHandle<(Seen<HostFacts>, Duration)>;

/// The looks that are still under way, how each host last could not be seen, and how long a look took that came too late.
#[derive(Default)]
pub struct HostLooks {
    under_way: BTreeMap<HostId, Task>,
    unseen: BTreeMap<HostId, Unseen>,
    late: BTreeMap<HostId, Duration>,
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
        // One that comes back into the file gets the patience of a new one.
        self.unseen.retain(|id, _| desired.hosts.contains_key(id));
        let missing: BTreeMap<HostId, String> = desired
            .hosts
            .values()
            .filter(|host| self.unseen.contains_key(&host.id))
            .map(|host| (host.id.clone(), host.address.clone()))
            .collect();
        let looks = desired.hosts.values().map(|host| {
            let task = self.still_under_way(&host.id);
            let task = task.unwrap_or_else(|| {
                let looking = (Arc::clone(hypervisor), Arc::clone(clock));
                begin(desired, host, looking, missing.clone())
            });
            let patience = match wait {
                Wait::ForAll => None,
                Wait::Briefly => Some(self.patience(&host.id)),
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

    /// Something was done on a host: what is still being looked at there may be older.
    pub fn outdate(&mut self, id: &HostId) {
        if let Some(task) = self.under_way.remove(id) {
            task.abort();
        }
    }

    fn patience(&self, id: &HostId) -> Duration {
        match (self.unseen.contains_key(id), self.late.get(id)) {
            (true, _) => LITTLE_PATIENCE,
            (false, Some(took)) => (*took * 2).clamp(PATIENCE, MUCH_PATIENCE),
            (false, None) => PATIENCE,
        }
    }

    /// A look of an earlier round that ended meanwhile is old; but if the host answered, it is worth waiting for again,
    /// and longer; if not, why is news.
    fn still_under_way(&mut self, id: &HostId) -> Option<Task> {
        let task = self.under_way.remove(id)?;
        if !task.is_finished() {
            return Some(task);
        }
        match task.now_or_never()?.ok()? {
            (Seen::Yes(_), took) => {
                self.unseen.remove(id);
                self.late.insert(id.clone(), took);
            }
            (Seen::No(unseen), _) => drop(self.unseen.insert(id.clone(), unseen)),
        }
        None
    }

    fn take_in(&mut self, id: &HostId, end: End) -> Seen<HostFacts> {
        let seen = match end {
            End::Seen(seen, took) => {
                if took <= PATIENCE {
                    self.late.remove(id);
                }
                *seen
            }
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
    Seen(Box<Seen<HostFacts>>, Duration),
    UnderWay(Task),
}

fn begin(
    desired: &Desired,
    host: &Host,
    (hypervisor, clock): (Arc<dyn Hypervisor>, Arc<dyn Clock>),
    mut peers: BTreeMap<HostId, String>,
) -> Task {
    peers.remove(&host.id);
    let query = HostQuery {
        peers,
        ..host_query(desired, host)
    };
    let host = host.clone();
    tokio::spawn(async move {
        let began = clock.now();
        let seen = hypervisor.observe(&host, &query).await;
        (seen, clock.now().since(began))
    })
}

async fn patiently(task: Task, patience: Option<Duration>, clock: Arc<dyn Clock>) -> End {
    let enough: BoxFuture<'_, ()> = match patience {
        None => futures::future::pending().boxed(),
        Some(patience) => clock.sleep(patience).boxed(),
    };
    match select(task, enough).await {
        Either::Left((Ok((seen, took)), _)) => End::Seen(Box::new(seen), took),
        Either::Left((Err(error), _)) => {
            let unseen = Unseen::new(
                UnseenKind::Broken,
                format!("an error in reconcile itself: {error}"),
            );
            End::Seen(Box::new(Seen::No(unseen)), Duration::ZERO)
        }
        Either::Right(((), task)) => End::UnderWay(task),
    }
}

fn silent() -> Unseen {
    Unseen::new(
        UnseenKind::Unreachable,
        format!("no answer within {} s", PATIENCE.as_secs()),
    )
}
