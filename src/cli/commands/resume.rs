//! `reconcile resume`: what was paused is looked after again, and the brake is let go.

use std::time::Duration;

use super::Failure;
use super::desk::Desk;
use crate::cli::answer::Told;
use crate::cli::args::Args;
use crate::cli::args::orders::{ResumeArgs, When};
use crate::cli::exit::Exit;
use crate::model::orders::{OrderKey, Scope};
use crate::ports::store::StoreView as _;

/// What is done once is forgotten after this.
pub(super) const ONCE: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn run(args: &Args, resume: &ResumeArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(args)?;
    desk.check_scope(&resume.scope)?;
    let paused = OrderKey::Paused(resume.scope.clone());
    let released = desk.order(&When {
        span: Some(ONCE),
        ..When::default()
    })?;
    let braked = desk.store.load()?.brake.is_some();
    desk.turn(|orders| {
        let back = Told::take_back(orders, &paused);
        match &resume.scope {
            Scope::Cluster => {
                let release = match braked {
                    true => Told::give(orders, OrderKey::Released, released.clone()),
                    false => Told::was_not(OrderKey::Released),
                };
                vec![back, release]
            }
            Scope::Group(_) | Scope::Host(_) => vec![back],
        }
    })
}
