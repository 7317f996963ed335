//! Triggers → round → memory. The single pass of `reconcile`, and the loop of `reconcile watch`. Binds planner,
//! ports and memory; decides nothing itself.

pub mod adopt;
pub mod agents;
pub mod apply;
pub mod claims;
pub mod commits;
mod events;
pub mod guards;
mod heard;
mod hosts;
mod keeper;
pub mod look;
mod monitor;
pub mod post;
mod session;
mod standing;
mod unkept;
pub mod watch;

pub use session::{Round, Session, Watcher};
