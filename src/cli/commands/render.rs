//! `reconcile render TEMPLATE --for INSTANCE`: a file as an instance would get it, without contacting any machine.
//! Places that are remembered are used; the others are those that a first plan would choose.

use std::net::Ipv4Addr;

use super::{Failure, load, print};
use crate::adapters::file_store::FileStore;
use crate::cli::args::{Args, RenderArgs};
use crate::cli::exit::Exit;
use crate::model::facts::{HostFacts, Observed, Seen};
use crate::plan::places;
use crate::ports::store::StoreView;
use crate::render::{GuestContext, render_named};

pub(super) fn run(args: &Args, render: &RenderArgs) -> Result<Exit, Failure> {
    let desired = load::desired(args)?;
    let memory = FileStore::new(&load::state(args, &desired.cluster)?).load()?;
    let instance = &render.instance;
    let group = desired
        .group_of(instance)
        .filter(|g| (1..=g.replicas).contains(&instance.index));
    let unknown = || {
        let names: Vec<String> = desired.instances().map(|(i, _)| i.to_string()).collect();
        Failure::Other(format!(
            "there is no instance {instance}: there are {}",
            names.join(", ")
        ))
    };
    let group = group.ok_or_else(unknown)?;
    let observed = Observed {
        hosts: desired
            .hosts
            .keys()
            .map(|h| (h.clone(), Seen::Yes(HostFacts::default())))
            .collect(),
        ..Observed::default()
    };
    let places = places(&desired, &observed, &memory);
    let no_place = || {
        Failure::Other(format!(
            "{instance} has no place: no address is free for it"
        ))
    };
    let (host, address): &(_, Ipv4Addr) = places.get(instance).ok_or_else(no_place)?;
    let network = desired
        .hosts
        .get(host)
        .and_then(|h| desired.networks.get(&h.network));
    let image = desired.images.get(&group.image);
    let (Some(network), Some(image)) = (network, image) else {
        return Err(no_place());
    };
    let context = GuestContext {
        instance,
        group,
        image,
        network,
        host,
        address: *address,
    };
    let upstreams = crate::plan::upstreams_at(&desired, group, &places);
    let text = render_named(&desired, &context, &upstreams, &render.template);
    print(&text.map_err(|error| Failure::Other(error.to_string()))?)
}
