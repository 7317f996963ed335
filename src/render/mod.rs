//! Templates → files. Pure: the same desired state gives the same bytes.

use std::net::Ipv4Addr;

use crate::model::action::{GuestConfig, Machine, RenderedFile, Seed};
use crate::model::desired::{Desired, Group, Image, Network, Template};
use crate::model::id::{GroupId, HostId, InstanceId};
use crate::model::mark::Mark;

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
#[error("{template}:{}: {message}", line.unwrap_or(1))]
pub struct RenderError {
    /// The template's name.
    pub template: String,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// What is wrong with it.
    pub message: String,
}

/// Checks that `template` compiles, without rendering it.
pub fn check(_template: &Template) -> Result<(), RenderError> {
    todo!()
}

/// Everything that a guest of this group shall have: its files, and its process.
/// `upstreams` are what a load balancer sends requests to; a service's guests get none.
pub fn guest_config(
    _desired: &Desired,
    _guest: &GuestContext<'_>,
    _upstreams: &[Upstream],
) -> Result<GuestConfig, RenderError> {
    todo!()
}

/// `/etc/network/interfaces` of a guest.
pub fn interfaces(
    _desired: &Desired,
    _guest: &GuestContext<'_>,
) -> Result<RenderedFile, RenderError> {
    todo!()
}

/// The libvirt domain of a guest, with its mark.
pub fn domain_xml(
    _desired: &Desired,
    _machine: &Machine,
    _mark: &Mark,
) -> Result<String, RenderError> {
    todo!()
}

/// The NoCloud seed of a guest.
pub fn seed(
    _desired: &Desired,
    _guest: &GuestContext<'_>,
    _machine: &Machine,
    _mark: &Mark,
) -> Seed {
    todo!()
}

/// The mark as the XML element that goes into a domain's `<metadata>`.
pub fn mark_xml(_mark: &Mark) -> String {
    todo!()
}

/// A unified diff of a file, secrets hidden.
pub fn diff(_path: &str, _old: Option<&str>, _new: &str, _secrets: &std::collections::BTreeMap<String, crate::model::secret::Secret>) -> String {
    todo!()
}
