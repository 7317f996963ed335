//! A cluster in memory, behind the same ports as the real one, on a clock that nobody waits for. What it must never
//! allow is checked at every effect: see `laws`. It decides nothing and knows no plan.

mod adopt;
pub mod bad_states;
pub mod chance;
pub mod changes;
pub mod claim;
pub mod clock;
pub mod cluster;
pub mod conduct;
mod disks;
mod doubles;
mod fencing;
mod file;
pub mod guard;
mod guest;
mod hear;
mod host;
pub mod laws;
mod neighbours;
pub mod orders;
mod outage;
mod promise;
pub mod state;
pub mod store;
mod vigil;
pub mod vm;
pub mod wire;
pub mod world;
