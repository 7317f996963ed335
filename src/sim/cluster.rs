//! The simulated cluster itself: one world behind one lock, and the one way to change it. Every change takes time, may
//! be made to fail, is written down, and is checked against the laws.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::orders::Orders;
use crate::ports::orders::OrdersView;
use crate::ports::store::StoreError;
use tokio::sync::Notify;

use super::clock::VirtualClock;
use super::laws;
use super::world::{Link, World};
use crate::model::desired::Desired;
use crate::model::facts::{Unseen, UnseenKind};
use crate::model::id::HostId;
use crate::ports::ActError;
use crate::ports::clock::Clock;

/// How long one step on a machine takes.
const STEP: Duration = Duration::from_millis(40);

/// The cluster in memory.
pub struct Cluster {
    /// Its time.
    pub clock: Arc<VirtualClock>,
    world: Mutex<World>,
    /// Notified when the controller dies.
    pub killed: Notify,
}

impl Cluster {
    /// A cluster with the hosts of the file, and nothing on them.
    pub fn new(desired: Arc<Desired>) -> Arc<Self> {
        let clock = Arc::new(VirtualClock::new());
        let world = World::new(desired, clock.now());
        Arc::new(Cluster {
            clock,
            world: Mutex::new(world),
            killed: Notify::new(),
        })
    }

    /// The world as it is now.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.tick(self.clock.now());
        world
    }

    /// The time that a look takes.
    pub async fn look(&self) {
        self.clock.sleep(STEP).await;
    }

    /// One step of an action: takes its time, and then happens at once or not at all.
    pub async fn effect<R>(
        &self,
        step: &str,
        subject: impl std::fmt::Display,
        act: impl FnOnce(&mut World) -> Result<R, ActError>,
    ) -> Result<R, ActError> {
        self.clock.sleep(STEP).await;
        if self.world().halted {
            std::future::pending::<()>().await;
        }
        let mut world = self.world();
        let subject = subject.to_string();
        if let Some(fault) = world
            .faults
            .iter_mut()
            .find(|f| f.times > 0 && f.step == step && f.subject == subject)
        {
            fault.times -= 1;
            return Err(ActError::Failed(format!(
                "{step} of {subject} was made to fail"
            )));
        }
        let before = laws::before(&world);
        let result = act(&mut world);
        let (at, failed) = (world.now, if result.is_err() { " (refused)" } else { "" });
        world.journal.push(format!("{at} {step} {subject}{failed}"));
        laws::after(&world, &before);
        self.count(&mut world);
        result
    }

    fn count(&self, world: &mut World) {
        world.effects += 1;
        if world.halt_at == Some(world.effects) {
            world.halted = true;
            self.killed.notify_one();
        }
    }
}

/// Whether the controller can do something on a host now.
pub fn host_answers(world: &World, host: &HostId) -> Result<(), ActError> {
    let state = world.host(host)?;
    match see(state.link, state.power, host) {
        None => Ok(()),
        Some(unseen) => {
            laws::is_not_known_unseen(world, state, host.as_str());
            Err(ActError::Unreachable(unseen))
        }
    }
}

/// Why a host can't be seen.
pub fn see(link: Link, power: bool, host: &HostId) -> Option<Unseen> {
    let (kind, message) = match link {
        Link::Up if power => return None,
        Link::Up | Link::Unreachable => (
            UnseenKind::Unreachable,
            format!("ssh to {host}: connection timed out"),
        ),
        Link::KeyChanged => (
            UnseenKind::HostKeyChanged,
            format!("the host key of {host} is not the known one"),
        ),
        Link::LibvirtBroken => (
            UnseenKind::Broken,
            format!("libvirt on {host} does not answer"),
        ),
    };
    Some(Unseen { kind, message })
}

impl OrdersView for Cluster {
    fn read(&self) -> Result<Orders, StoreError> {
        Ok(self.world().orders.clone())
    }
}
