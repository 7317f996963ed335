//! End-to-end tests: the built `reconcile` against real libvirt hosts in the lab (README.md beside this file), with
//! real guests. Each test is a promise to users. Nothing is mocked, so nothing here may know how the product works
//! inside: it only runs the binary, breaks things, and looks at hosts, guests and the wire.
//!
//! The tests share one lab and run one at a time (`make test`): each asks for a lab as it needs it, fresh or converged
//! on the base cluster. Bringing whatever the last test left to the base cluster is the product's own work.

mod bridge;
mod lab;
mod product;
mod script;
mod spec;
mod trace;
mod traffic;
mod wait;

mod adopt;
mod claim;
mod converge;
mod distributions;
mod edits;
mod foreign;
mod gitops;
mod heal;
mod hostile;
mod killed;
mod lost;
mod provision;
mod rolling;
mod saved;
mod unseen;
mod watch;
