//! Everything that a group's guests would get, rendered once before there is any: so that a file that can't be made
//! is known while `cluster.yaml` is read.

use super::{
    Builtin, GuestContext, RenderError, Server, Upstream, daemon, file, render_named, variables,
};
use crate::model::desired::{Desired, LoadBalancer, Role};
use crate::model::id::InstanceId;

/// What can't be rendered for `guest`, each with the key of `cluster.yaml` that it belongs to.
pub fn trial(desired: &Desired, guest: &GuestContext<'_>) -> Vec<(String, RenderError)> {
    let key = guest.group.key();
    let upstreams = match &guest.group.role {
        Role::Service(_) => Vec::new(),
        Role::LoadBalancer(lb) => upstreams(desired, guest, lb),
    };
    let variables = match variables::guest_variables(desired, guest, &upstreams) {
        Ok(variables) => variables,
        Err(error) => return vec![(format!("{key}.env"), error)],
    };
    let mut failed = Vec::new();
    let mut note = |key: &str, error| failed.push((key.to_owned(), error));
    if let Err(error) = file::interfaces(desired, &variables) {
        note("templates", error);
    }
    if let (Role::LoadBalancer(_), Err(error)) =
        (&guest.group.role, file::nginx(desired, &variables))
    {
        note("templates", error);
    }
    let domain = Builtin::Domain.name();
    if let Err(error) = render_named(desired, guest, &upstreams, domain) {
        note("templates", error);
    }
    let mut files = Vec::new();
    for (index, result) in file::each_of_users(guest, &variables).enumerate() {
        match result {
            Ok(file) => files.push(file),
            Err(error) => note(&format!("{key}.files.{index}"), error),
        }
    }
    if let Err(error) = daemon::daemon(desired, guest, &variables, &files) {
        note(&format!("{key}.run"), error);
    }
    failed
}

/// One instance of every service that is routed to.
fn upstreams(
    desired: &Desired,
    guest: &GuestContext<'_>,
    balancer: &LoadBalancer,
) -> Vec<Upstream> {
    let groups = desired.groups.values();
    let services = groups.filter(|group| balancer.routes_to(&group.id));
    services
        .map(|group| Upstream {
            service: group.id.clone(),
            servers: vec![Server {
                instance: InstanceId::new(&group.id, 1),
                address: guest.address,
                port: group.port(),
                down: false,
            }],
        })
        .collect()
}
