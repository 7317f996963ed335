//! The ports over ssh against real libvirt hosts and real guests, without a planner: what each act does, what it
//! refuses, and what it leaves when it is interrupted. Needs root (`make lab-test`).
//!
//! The tests share a lab of two hosts, raised by the first of them, and run one at a time. Each has guests and
//! addresses of its own.

mod fixture;
mod machine;
#[path = "../lab/script.rs"]
mod script;

mod bootstrap;
mod configure;
mod connection;
mod foreign;
mod life;
mod look;
mod ordinary_user;
mod rebind;
mod storage;
mod vip;
