//! Carrying out a plan: the runner of the action graph, and one file per kind of action. Makes no choices: what is
//! done, where and in which order stands in the actions.

mod address;
mod build;
mod configure;
mod image;
mod removal;
mod runner;
mod vip;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::action::Operation;
use crate::model::desired::Host;
use crate::model::id::HostId;
use crate::model::plan::{Action, Outcome};
use crate::ports::clock::Clock;
use crate::ports::fencer::Fencer;
use crate::ports::guard::Guards;
use crate::ports::guest::GuestControl;
use crate::ports::heartbeat::Heartbeats;
use crate::ports::hypervisor::HypervisorControl;
use crate::ports::progress::Progress;
use crate::ports::{ActError, Effect};
pub use runner::{Ended, Runner};

/// From one look at a condition that is awaited to the next.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The ports that act, and the hosts they act on.
#[derive(Clone)]
pub struct Hands {
    /// Hosts.
    pub hypervisor: Arc<dyn HypervisorControl>,
    /// Guests.
    pub guests: Arc<dyn GuestControl>,
    /// Guards on hosts.
    pub guards: Arc<dyn Guards>,
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
    /// Does one action. An error is part of the outcome, never lost.
    pub async fn perform(&self, action: &Action) -> Outcome {
        let result = self.act(action).await;
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

    fn host(&self, id: &HostId) -> Result<&Host, ActError> {
        let missing = || ActError::Moved(format!("host {id} is not in the file any more"));
        self.hosts.get(id).ok_or_else(missing)
    }
}
