//! `load_balancers:`.

use std::time::Duration;

use crate::model::desired::{LoadBalancer, Role, Route};
use crate::model::id::GroupId;
use crate::spec::fields::{Fields, Named};
use crate::spec::keys::{BALANCER, ROUTE};
use crate::spec::problem::Problem;
use crate::spec::source::At;
use crate::spec::tree::Kind;
use crate::spec::words;

use super::groups::{Common, not_of_sshd};
use super::{BalancerDraft, GroupDraft, RouteDraft, id};

/// All load balancers whose name is one.
pub fn balancers(root: &Fields<'_>) -> Vec<GroupDraft> {
    root.names("load_balancers")
        .iter()
        .filter_map(|entry| balancer(root, entry))
        .collect()
}

fn balancer(root: &Fields<'_>, entry: &Named<'_>) -> Option<GroupDraft> {
    let id = id::<GroupId>(root.cx, entry);
    let fields = entry.fields(root.cx, &BALANCER)?;
    let vip = fields.get("vip", words::address_with_prefix);
    let port = fields.number::<u16>("port");
    not_of_sshd(&fields, port.as_ref());
    let common = Common::read(&fields, port);
    let (routes, built) = routes(&fields);
    let same_port = |beat: &&At<_>| port.is_some_and(|port| port.value == port_of(beat));
    let heartbeat = common.heartbeat.as_ref().filter(same_port);
    let heartbeat = heartbeat.map(|beat| At {
        value: beat.value.path.clone(),
        span: beat.span,
    });
    let role = || {
        Some(Role::LoadBalancer(LoadBalancer {
            vip: vip?.value,
            port: port?.value,
            routes: built?,
        }))
    };
    common.draft(
        id?,
        role(),
        Some(BalancerDraft {
            vip,
            routes,
            heartbeat,
        }),
    )
}

fn port_of(beat: &At<crate::model::desired::Heartbeat>) -> u16 {
    beat.value.port
}

fn routes(fields: &Fields<'_>) -> (Vec<RouteDraft>, Option<Vec<Route>>) {
    let entries = fields.names("routes");
    if entries.is_empty() && fields.is_empty("routes") {
        let problem = Problem::new(
            fields.span_of("routes"),
            format!("`{}` is empty", fields.path_of("routes")),
        );
        fields
            .push(problem.help("a load balancer needs a route at least: `routes: { /: SERVICE }`"));
    }
    let (drafts, built): (Vec<_>, Vec<_>) =
        entries.iter().map(|entry| route(fields, entry)).unzip();
    let built: Option<Vec<Route>> = built.into_iter().collect();
    (drafts, built.map(longest_first))
}

/// nginx takes the longest prefix anyway; whoever reads the file sees the order that counts.
fn longest_first(mut routes: Vec<Route>) -> Vec<Route> {
    routes.sort_by(|a, b| {
        b.path
            .len()
            .cmp(&a.path.len())
            .then_with(|| a.path.cmp(&b.path))
    });
    routes
}

fn route(fields: &Fields<'_>, entry: &Named<'_>) -> (RouteDraft, Option<Route>) {
    let path = fields.cx.convert(&entry.path, &entry.name, words::url_path);
    let (service, connect_timeout, timeout) = match &entry.node.kind {
        Kind::Map(_) => detailed(fields, entry),
        Kind::Nothing | Kind::Scalar(..) | Kind::List(_) => brief(fields, entry),
    };
    let built = || {
        Some(Route {
            path: path.as_ref()?.value.clone(),
            service: service.as_ref()?.value.parse().ok()?,
            connect_timeout: connect_timeout?,
            timeout: timeout?,
        })
    };
    let built = built();
    (RouteDraft { path, service }, built)
}

type Parts = (Option<At<String>>, Option<Duration>, Option<Duration>);

fn detailed(fields: &Fields<'_>, entry: &Named<'_>) -> Parts {
    match entry.fields(fields.cx, &ROUTE) {
        None => (None, None, None),
        Some(inner) => (
            inner.get("service", |text| Ok(text.to_owned())),
            limit(&inner, "connect_timeout"),
            limit(&inner, "timeout"),
        ),
    }
}

fn brief(fields: &Fields<'_>, entry: &Named<'_>) -> Parts {
    let defaults = Fields::empty(fields.cx, &ROUTE, &entry.path, entry.name.span);
    (
        entry.get(fields.cx, |text| Ok(text.to_owned())),
        limit(&defaults, "connect_timeout"),
        limit(&defaults, "timeout"),
    )
}

fn limit(fields: &Fields<'_>, name: &str) -> Option<Duration> {
    fields.get(name, words::span).map(|span| span.value)
}
