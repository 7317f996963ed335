//! `reconcile`: declarative high availability for KVM virtual machines, over SSH, without Kubernetes.
//!
//! ARCHITECTURE.md tells how the parts fit together.
#![forbid(unsafe_code)]

pub mod adapters;
pub mod cli;
pub mod controller;
pub mod execute;
pub mod memory;
pub mod model;
pub mod notify;
pub mod observe;
pub mod plan;
pub mod ports;
pub mod rehearse;
pub mod render;
pub mod sim;
pub mod spec;
