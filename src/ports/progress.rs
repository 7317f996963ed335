//! Telling a person what is being done, while it is.

use crate::model::plan::{Action, Outcome, Plan};

/// Who hears of plans, and of the lives of their actions.
pub trait Progress: Send + Sync {
    /// A round made this plan; also when there is nothing to do.
    fn planned(&self, plan: &Plan) {
        let _ = plan;
    }

    /// It has begun.
    fn started(&self, action: &Action);

    /// It is at this step: `booting`, `copying 12 of 64 MiB`.
    fn step(&self, action: &Action, step: &str);

    /// It has ended.
    fn ended(&self, action: &Action, outcome: &Outcome, took: std::time::Duration);
}

/// Nobody hears.
pub struct Quiet;

impl Progress for Quiet {
    fn started(&self, _: &Action) {}
    fn step(&self, _: &Action, _: &str) {}
    fn ended(&self, _: &Action, _: &Outcome, _: std::time::Duration) {}
}
