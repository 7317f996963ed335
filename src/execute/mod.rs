//! Carrying out a plan: the runner of the action graph, and one file per kind of action. Makes no choices: what is
//! done, where and in which order stands in the actions.

mod address;
mod build;
mod configure;
mod image;
mod permit;
mod removal;
mod runner;
mod vip;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::action::{GuestRef, Operation};
use crate::model::claim::Claimant;
use crate::model::desired::Host;
use crate::model::id::HostId;
use crate::model::plan::{Action, Outcome};
use crate::ports::claim::Claims;
use crate::ports::clock::Clock;
use crate::ports::fencer::Fencer;
use crate::ports::guard::Guards;
use crate::ports::guest::GuestControl;
use crate::ports::heartbeat::Heartbeats;
use crate::ports::hypervisor::HypervisorControl;
use crate::ports::progress::Progress;
use crate::ports::{ActError, Effect};
pub use permit::{Barred, Hold, Holds, Permit};
pub use runner::{Ended, Runner};

/// From one look at a condition that is awaited to the next.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The ports that act, and the hosts they act on.
#[derive(Clone)]
pub struct Hands {
    /// Hosts. Actions ask for them by `Hands::host`.
    pub hypervisor: Arc<dyn HypervisorControl>,
    /// Guests. Actions ask for them by `Hands::guest`.
    pub guests: Arc<dyn GuestControl>,
    /// Guards on hosts.
    pub guards: Arc<dyn Guards>,
    /// Claims on hosts.
    pub claims: Arc<dyn Claims>,
    /// Who claims them.
    pub claimant: Arc<Claimant>,
    /// The leave to act that comes of them.
    pub permit: Permit,
    /// Fencing devices.
    pub fencer: Arc<dyn Fencer>,
    /// Heartbeats, awaited after changes.
    pub heartbeats: Arc<dyn Heartbeats>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Whoever watches.
    pub progress: Arc<dyn Progress>,
    /// How each host is reached.
    pub hosts: Arc<BTreeMap<HostId, Host>>,
}

impl Hands {
    /// Does one action, while the claims let us. An error is part of the outcome, never lost.
    pub async fn perform(&self, action: &Action) -> Outcome {
        let leave = self.permit.may_begin(self.clock.as_ref());
        if let Err(barred) = leave {
            return Outcome::Skipped(barred.to_string());
        }
        let result = tokio::select! {
            biased;
            result = self.act(action) => result,
            barred = self.permit.ends(self.clock.as_ref()) => {
                return Outcome::Failed(format!("broken off: {barred}"));
            }
        };
        match result {
            Ok(Effect::Changed) => Outcome::Changed,
            Ok(Effect::AlreadyDone) => Outcome::AlreadyDone,
            Err(ActError::Moved(why)) => Outcome::Skipped(why),
            Err(ActError::Failed(why)) => Outcome::Failed(why),
            Err(ActError::Unreachable(unseen)) => Outcome::Failed(unseen.message),
        }
    }

    async fn act(&self, action: &Action) -> Result<Effect, ActError> {
        match &action.operation {
            Operation::CopyImage(copy) => self.copy_image(copy).await,
            Operation::Create(build) | Operation::Recreate(build) => self.build(build).await,
            Operation::Fence(removal) => self.fence(removal).await,
            Operation::Destroy(removal) => self.destroy(removal).await,
            Operation::Sweep(sweep) => self.hypervisor.sweep(self.host(&sweep.host)?, sweep).await,
            Operation::Bootstrap(bootstrap) => self.bootstrap(action, bootstrap).await,
            Operation::Rebind(rebind) => self.rebind(action, rebind).await,
            Operation::Configure(configure) => self.configure(action, configure).await,
            Operation::AddVip(vip) => self.add_vip(vip).await,
            Operation::DropVip(vip) => self.drop_vip(vip).await,
            Operation::SetMark(set) => self.hypervisor.set_mark(self.host(&set.host)?, set).await,
            Operation::FenceHost(fence) => self.fencer.switch_off(&fence.host, &fence.agent).await,
        }
    }

    /// A host that is to be changed now.
    fn host(&self, id: &HostId) -> Result<&Host, ActError> {
        let missing = || ActError::Moved(format!("host {id} is not in the file any more"));
        let leave = self.permit.may_touch(id, self.clock.as_ref());
        leave.map_err(moved)?;
        self.hosts.get(id).ok_or_else(missing)
    }

    /// The way to change this guest now.
    async fn guest(&self, guest: &GuestRef) -> Result<&dyn GuestControl, ActError> {
        let leave = self
            .permit
            .may_touch_guests(&guest.host, self.clock.as_ref());
        leave.await.map_err(moved)?;
        Ok(self.guests.as_ref())
    }
}

fn moved(barred: Barred) -> ActError {
    ActError::Moved(barred.to_string())
}
