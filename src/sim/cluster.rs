//! The simulated cluster itself: one world behind one lock, and the one way to change it. Every change takes time, may
//! be made to fail, is written down, and is checked against the laws.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::changes::{Changes, Signal};
use super::claim;
use super::clock::VirtualClock;
use super::laws;
use super::vigil::{self, Cause};
use super::world::{Rounds, World};
use crate::model::claim::{Claimant, ControllerId};
use crate::model::desired::Desired;
use crate::model::facts::{Unseen, UnseenKind};
use crate::model::id::HostId;
use crate::model::orders::Orders;
use crate::model::scenario::{Libvirt, Node};
use crate::model::time::Timestamp;
use crate::ports::ActError;
use crate::ports::clock::Clock;
use crate::ports::orders::OrdersView;
use crate::ports::store::StoreError;

/// How long one step on a machine takes.
const STEP: Duration = Duration::from_millis(40);
/// How long connecting to a machine that does not answer takes: what ssh is told.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a fencing device takes.
const DEVICE: Duration = Duration::from_secs(4);
/// How much longer everything takes on a slow libvirt.
const SLOW: Duration = Duration::from_secs(6);
/// How long a look waits for a libvirt that hangs: what the adapter over ssh allows.
pub const LOOK: Duration = Duration::from_secs(15);
/// How long an act does.
pub const ACT: Duration = Duration::from_secs(90);

/// The number of the controller that is not the second one.
const FIRST: u64 = 2;

/// The cluster in memory.
pub struct Cluster {
    /// Its time.
    pub clock: Arc<VirtualClock>,
    /// Where the controller is that has these ports.
    seat: Node,
    /// Who that is, where it claims hosts.
    pub claimant: Arc<Claimant>,
    world: Arc<Mutex<World>>,
    /// Counts the changes of the world.
    changes: Arc<Signal>,
    /// How calm the controller is: how long its steady pace may be stretched.
    calm: Mutex<Calm>,
    /// Notified when the controller dies.
    pub killed: Notify,
    /// A controller gave a state of the file up.
    pub rolled_back: Notify,
}

/// What is known of how much the controller has to look again while nothing happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calm {
    /// Its last plan has something to do, or waits for what no clock tells.
    No,
    /// Its last plan only waits: nothing but this moment, or a change, makes another one of it.
    Until(Timestamp),
    /// All was as desired.
    Yes,
}

/// By which way the controller gets at something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Over ssh to a host, and its libvirt.
    Libvirt,
    /// Over ssh to a guest on the host.
    Guest,
    /// Over a wire of its own to the device that switches the host.
    Device,
}

impl Cluster {
    /// A cluster with the hosts of the file, and nothing on them. Everything takes as long as it usually does.
    pub fn new(desired: Arc<Desired>) -> Arc<Self> {
        let clock = Arc::new(VirtualClock::new());
        let world = World::new(desired, clock.now());
        Arc::new(Cluster {
            clock,
            seat: Node::Controller,
            claimant: claimant(FIRST, "ops@controller"),
            world: Arc::new(Mutex::new(world)),
            changes: Arc::default(),
            calm: Mutex::new(Calm::No),
            killed: Notify::new(),
            rolled_back: Notify::new(),
        })
    }

    /// The same cluster, as a second controller has it: from another machine. Which of the two gives way where both want
    /// the same hosts is a matter of chance.
    pub fn second(&self, chance: u64) -> Arc<Self> {
        let number = if chance.is_multiple_of(2) {
            FIRST - 1
        } else {
            FIRST + 1
        };
        Arc::new(Cluster {
            clock: Arc::clone(&self.clock),
            seat: Node::Second,
            claimant: claimant(number, "anna@second"),
            world: Arc::clone(&self.world),
            changes: Arc::clone(&self.changes),
            calm: Mutex::new(Calm::No),
            killed: Notify::new(),
            rolled_back: Notify::new(),
        })
    }

    /// The world as it is now, as it is seen from here.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.seen_by = self.seat.clone();
        world.tick(self.clock.now());
        world
    }

    /// Something happens to the world.
    pub fn happen<R>(&self, event: impl FnOnce(&mut World) -> R) -> R {
        let result = event(&mut self.world());
        self.changed();
        result
    }

    /// Whoever waits for a change looks again.
    pub fn changed(&self) {
        {
            let mut world = self.world();
            world.change();
            vigil::look(&mut world, Cause::Itself);
        }
        self.changes.send();
    }

    /// Every change from now on.
    pub fn changes(&self) -> Changes {
        self.changes.subscribe()
    }

    /// What the controller thinks of the cluster.
    pub fn calm(&self, calm: Calm) {
        *self.calm.lock().unwrap_or_else(PoisonError::into_inner) = calm;
    }

    pub(super) fn is_calm(&self) -> Calm {
        *self.calm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the world change by itself at its times: a guest has booted, an address falls back. Runs for ever.
    pub async fn live(self: Arc<Self>) {
        let mut changes = self.changes();
        loop {
            let next = self.world().next_change();
            let now = self.clock.now();
            let wait = next.map(|at| at.since(now).max(Duration::from_millis(1)));
            tokio::select! {
                biased;
                () = changes.changed() => {}
                () = self.after(wait) => self.changed(),
            }
        }
    }

    async fn after(&self, wait: Option<Duration>) {
        match wait {
            Some(wait) => self.clock.sleep(wait).await,
            None => std::future::pending().await,
        }
    }

    /// The time that a question takes on its way; an error where there comes no answer.
    pub async fn ask(&self, way: Way, host: &HostId, limit: Duration) -> Result<(), Unseen> {
        let step = self.world().takes(&format!("{host} answers"), STEP);
        self.clock.sleep(step).await;
        let (unseen, libvirt) = {
            let world = self.world();
            if world.rounds == Rounds::Apart {
                return Ok(());
            }
            let libvirt = world.hosts.get(host).map(|h| h.libvirt);
            (world.off_the_wire(host), libvirt)
        };
        if way == Way::Device {
            let device = self.world().takes(&format!("{host} is switched"), DEVICE);
            self.clock.sleep(device).await;
            return Ok(());
        }
        if let Some(unseen) = unseen {
            self.clock.sleep(CONNECT).await;
            return Err(unseen);
        }
        match (way, libvirt) {
            (Way::Libvirt, Some(Libvirt::Slow)) => {
                let slow = self.world().takes(&format!("{host} is slow"), SLOW);
                self.clock.sleep(slow).await;
                Ok(())
            }
            (Way::Libvirt, Some(Libvirt::Hangs)) => self.until_it_answers(host, limit).await,
            (Way::Libvirt | Way::Guest | Way::Device, _) => Ok(()),
        }
    }

    async fn until_it_answers(&self, host: &HostId, limit: Duration) -> Result<(), Unseen> {
        let mut changes = self.changes();
        let patience = self.clock.sleep(limit);
        tokio::pin!(patience);
        loop {
            tokio::select! {
                biased;
                () = changes.changed() => {}
                () = &mut patience => {
                    let message = format!("libvirt on {host} did not answer within {} s", limit.as_secs());
                    return Err(Unseen::new(UnseenKind::Broken, message));
                }
            }
            let world = self.world();
            let hangs = world
                .hosts
                .get(host)
                .is_some_and(|h| h.libvirt == Libvirt::Hangs);
            if !hangs {
                return Ok(());
            }
        }
    }

    /// One step of an action: takes its time, and then happens at once or not at all.
    pub async fn effect<R>(
        &self,
        (way, host): (Way, &HostId),
        step: &str,
        subject: impl std::fmt::Display,
        act: impl FnOnce(&mut World) -> Result<R, ActError>,
    ) -> Result<R, ActError> {
        self.ask(way, host, ACT).await?;
        if self.seat == Node::Controller && self.world().halted {
            std::future::pending::<()>().await;
        }
        if way != Way::Device {
            claim::may_touch(&self.world(), &self.claimant.id, host);
        }
        let result = self.act(step, &subject.to_string(), act);
        self.changed();
        match self.world().loses_answer(host) {
            Some(unseen) if result.is_ok() => Err(ActError::Unreachable(unseen)),
            Some(_) | None => result,
        }
    }

    fn act<R>(
        &self,
        step: &str,
        subject: &str,
        act: impl FnOnce(&mut World) -> Result<R, ActError>,
    ) -> Result<R, ActError> {
        let mut world = self.world();
        let mut faults = world.faults.iter_mut();
        if let Some(fault) = faults.find(|f| f.times > 0 && f.step == step && f.subject == subject)
        {
            fault.times -= 1;
            let text = format!("{step} of {subject} was made to fail");
            return Err(ActError::Failed(text));
        }
        vigil::look(&mut world, Cause::Itself);
        let before = laws::before(&world);
        let result = act(&mut world);
        let (at, failed) = (world.now, if result.is_err() { " (refused)" } else { "" });
        world.journal.push(format!("{at} {step} {subject}{failed}"));
        laws::after(&world, &before);
        vigil::look(&mut world, Cause::Ours);
        self.count(&mut world);
        result
    }

    fn count(&self, world: &mut World) {
        if self.seat != Node::Controller {
            return;
        }
        world.effects += 1;
        if world.halt_at == Some(world.effects) {
            world.halted = true;
            self.killed.notify_one();
        }
    }
}

fn claimant(number: u64, who: &str) -> Arc<Claimant> {
    Arc::new(Claimant {
        id: ControllerId::numbered(number),
        who: format!("{who}, watch"),
        hosts: BTreeMap::new(),
    })
}

/// Whether the controller can do something on a host now.
pub fn host_answers(world: &World, host: &HostId) -> Result<(), ActError> {
    let state = world.host(host)?;
    match world.unseen(host) {
        None => Ok(()),
        Some(unseen) => {
            laws::is_not_known_unseen(world, state, host.as_str());
            Err(ActError::Unreachable(unseen))
        }
    }
}

/// Whether guests of a host can be reached now.
pub fn guests_answer(world: &World, host: &HostId) -> Result<(), ActError> {
    match world.rounds {
        Rounds::Apart => host_answers(world, host),
        Rounds::Overlap => match world.off_the_wire(host) {
            None => Ok(()),
            Some(unseen) => Err(ActError::Unreachable(unseen)),
        },
    }
}

impl OrdersView for Cluster {
    /// Of what was ordered before a second controller came, it knows nothing: that is kept on another machine.
    fn read(&self) -> Result<Orders, StoreError> {
        let world = self.world();
        let orders = world.orders.clone();
        Ok(match self.seat == Node::Second {
            true => orders.only(|order| world.vigil.second_since <= Some(order.at)),
            false => orders,
        })
    }
}
