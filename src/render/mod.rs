//! Templates → files. Pure: the same desired state gives the same bytes. It decides nothing about when a file is
//! written or what is done with it.
//!
//! The built-in templates and the variables that all templates have are described in `templates/README.md`.

mod balancer;
mod builtin;
mod command;
pub mod daemon;
mod diff;
mod domain;
mod engine;
mod event;
mod file;
mod helpers;
mod named;
pub mod quote;
mod redact;
mod seed;
mod trial;
mod variables;

#[cfg(test)]
mod samples;

use std::net::Ipv4Addr;

use crate::model::action::{GuestConfig, Machine, RenderedFile, Seed};
use crate::model::desired::{Desired, Group, Image, Network, Role, Template};
use crate::model::id::{GroupId, HostId, InstanceId};
use crate::model::mark::Mark;

pub use builtin::Builtin;
pub use diff::diff;
pub use event::event;
pub use file::sha256;
pub use redact::{redact, visible};
pub use trial::trial;

/// The guest that something is rendered for.
#[derive(Debug, Clone)]
pub struct GuestContext<'a> {
    /// Which instance.
    pub instance: &'a InstanceId,
    /// Its group.
    pub group: &'a Group,
    /// Its image.
    pub image: &'a Image,
    /// Its network.
    pub network: &'a Network,
    /// The host that it runs on.
    pub host: &'a HostId,
    /// Its address.
    pub address: Ipv4Addr,
}

/// The instances that a load balancer sends a service's requests to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Upstream {
    /// The service.
    pub service: GroupId,
    /// Its instances, in order.
    pub servers: Vec<Server>,
}

/// One instance in an upstream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Server {
    /// Which.
    pub instance: InstanceId,
    /// Where.
    pub address: Ipv4Addr,
    /// On which port.
    pub port: u16,
    /// Out of rotation: it gets no new request.
    pub down: bool,
}

/// Why a template gave no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{template}{}: {message}", line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct RenderError {
    /// The template's name.
    pub template: String,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// What is wrong with it.
    pub message: String,
}

/// Checks that `template` compiles, without rendering it.
pub fn check(template: &Template) -> Result<(), RenderError> {
    engine::check(template)
}

/// Everything that a guest of this group shall have: its files, and its process.
/// `upstreams` are what a load balancer sends requests to; a service's guests get none.
pub fn guest_config(
    desired: &Desired,
    guest: &GuestContext<'_>,
    upstreams: &[Upstream],
) -> Result<GuestConfig, RenderError> {
    let variables = variables::guest_variables(desired, guest, upstreams)?;
    let mut files = Vec::new();
    if guest.image.interfaces {
        files.push(file::interfaces(desired, &variables)?);
    }
    match guest.group.role {
        Role::Service(_) => {}
        Role::LoadBalancer(_) => files.push(file::nginx(desired, &variables)?),
    }
    files.extend(file::users(guest, &variables)?);
    let daemon = daemon::daemon(desired, guest, &variables, &files)?;
    Ok(GuestConfig { files, daemon })
}

/// `/etc/network/interfaces` of a guest.
pub fn interfaces(
    desired: &Desired,
    guest: &GuestContext<'_>,
) -> Result<RenderedFile, RenderError> {
    file::interfaces(desired, &variables::guest_variables(desired, guest, &[])?)
}

/// The libvirt domain of a guest, with its mark.
pub fn domain_xml(
    desired: &Desired,
    machine: &Machine,
    mark: &Mark,
) -> Result<String, RenderError> {
    domain::domain_xml(desired, machine, mark)
}

/// The NoCloud seed of a guest.
pub fn seed(desired: &Desired, guest: &GuestContext<'_>, machine: &Machine, mark: &Mark) -> Seed {
    seed::seed(desired, guest, machine, mark)
}

/// The mark as the XML element that goes into a domain's `<metadata>`.
pub fn mark_xml(mark: &Mark) -> String {
    domain::mark_xml(mark)
}

/// What `reconcile render` shows: a built-in template by its name, or a file of the guest by its path, as this guest
/// gets it. For people: secrets are hidden.
pub fn render_named(
    desired: &Desired,
    guest: &GuestContext<'_>,
    upstreams: &[Upstream],
    name: &str,
) -> Result<String, RenderError> {
    let text = named::render_named(desired, guest, upstreams, name)?;
    Ok(redact(&text, &desired.secrets))
}
