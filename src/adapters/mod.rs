//! The ports over OpenSSH, virsh, HTTP, files and the system clock.

mod claims;
pub mod controller_id;
mod copy;
mod endpoints;
pub mod fence_agent;
pub mod file_orders;
pub mod file_store;
pub mod followed_store;
pub mod git;
mod guards;
mod guest_acts;
mod host_acts;
pub mod http_heartbeat;
pub mod knock;
pub mod plan_file;
mod script;
mod scripts;
mod seed;
pub mod sight_file;
pub mod snapshots;
pub mod spec_files;
mod ssh;
pub mod ssh_reader;
pub mod ssh_writer;
pub mod system_clock;
pub mod witnesses;
