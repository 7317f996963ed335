//! Rehearsals: the real controller runs over the simulated cluster while a scenario happens to it, on virtual time. What
//! happened, what was decided and why, what was done, and what clients noticed of it. The same seed gives the same
//! rehearsal. It touches no machine and no file.

mod aftermath;
mod command;
mod expect;
mod failures;
mod happen;
mod lanes;
mod meter;
mod record;
mod recovery;
mod report;
mod seat;
mod sight;
mod stage;
pub mod survive;
pub mod wiring;

use std::sync::Arc;
use std::time::Duration;

pub use failures::{DEFAULT_FAILURES, failures};
pub use lanes::{Lane, LaneKind, State, Stretch};
pub use report::{
    Again, Decision, Entry, Failure, Hit, Outage, Placed, Rehearsal, Subject, Target, Unmet, What,
    Who,
};

use crate::model::desired::Desired;
use crate::model::scenario::Scenario;
use stage::Stage;

/// How long it goes on after the last event, where nobody says otherwise.
pub const AFTERWARDS: Duration = Duration::from_secs(300);

/// Why there is no rehearsal.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// There is no thread or no runtime to run it on.
    #[error("can't start the rehearsal")]
    Start(#[source] std::io::Error),
    /// Something in it panicked.
    #[error("an error in reconcile itself: the rehearsal broke off")]
    BrokeOff,
}

/// Runs a scenario over a cluster that begins with nothing.
///
/// It runs on a thread of its own, with a clock that nobody waits for, and logs nothing.
pub fn rehearse(
    desired: &Arc<Desired>,
    scenario: &Scenario,
    seed: u64,
    afterwards: Duration,
) -> Result<Rehearsal, RehearsalError> {
    let run = || -> std::io::Result<Rehearsal> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build()?;
        let quiet = tracing::subscriber::NoSubscriber::default();
        Ok(tracing::subscriber::with_default(quiet, || {
            runtime.block_on(async { Stage::new(desired, scenario, seed).play(afterwards).await })
        }))
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("rehearsal".to_owned());
        let thread = thread.spawn_scoped(scope, run);
        match thread.map_err(RehearsalError::Start)?.join() {
            Ok(result) => result.map_err(RehearsalError::Start),
            Err(_) => Err(RehearsalError::BrokeOff),
        }
    })
}
