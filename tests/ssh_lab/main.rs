//! The ports over ssh against real libvirt hosts and real guests, without a planner: what each act does, what it
//! refuses, and what it leaves when it is interrupted. Needs a lab:
//!
//!     LAB=ssh tests/lab/lab up --hosts a,b
//!     LAB=ssh tests/lab/lab exec env RECONCILE_LAB=ssh cargo test --test ssh_lab -- --ignored --test-threads 1

mod fixture;
mod guests;
mod hosts;
mod speed;
