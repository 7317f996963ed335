//! Routes: that they lead to a service, and that no two say different things of one path.

use std::collections::{BTreeMap, BTreeSet};

use crate::spec::context::Context;
use crate::spec::problem::Problem;
use crate::spec::read::{BalancerDraft, Draft, RouteDraft};
use crate::spec::source::{At, Span};

pub fn check(cx: &Context<'_>, draft: &Draft) {
    for balancer in draft
        .groups
        .iter()
        .filter_map(|group| group.balancer.as_ref())
    {
        balancer
            .routes
            .iter()
            .for_each(|route| leads_somewhere(cx, draft, route));
        paths_apart(cx, balancer);
    }
}

fn leads_somewhere(cx: &Context<'_>, draft: &Draft, route: &RouteDraft) {
    let (Some(service), Some(services)) = (&route.service, &draft.names.services) else {
        return;
    };
    let is_in = |names: &BTreeSet<String>| names.contains(&service.value);
    if is_in(services) {
        return;
    }
    if draft.names.balancers.as_ref().is_some_and(is_in) {
        let problem = Problem::new(
            service.span,
            format!("{:?} is a load balancer, not a service", service.value),
        );
        cx.push(problem.help("a route leads to one of the services"));
        return;
    }
    let help = match services.is_empty() {
        true => Some("there are no services in the file: add one below `services:`".to_owned()),
        false => cx.did_you_mean(&service.value, services.iter().map(String::as_str)),
    };
    cx.push(
        Problem::new(
            service.span,
            format!("there is no service {:?}", service.value),
        )
        .help_if(help),
    );
}

fn paths_apart(cx: &Context<'_>, balancer: &BalancerDraft) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for path in balancer
        .routes
        .iter()
        .filter_map(|route| route.path.as_ref())
    {
        let plain = normal(path);
        if let Some(first) = seen.insert(plain, path.span) {
            let problem = Problem::new(path.span, format!("two routes for the path `{plain}`"))
                .also(first, "the first one");
            cx.push(problem.help("a `/` at the end makes no difference: keep one of the two"));
        }
        if let Some(beat) = balancer
            .heartbeat
            .as_ref()
            .filter(|beat| normal(beat) == plain)
        {
            let problem = Problem::new(
                path.span,
                format!("`{plain}` is the path of the load balancer's own heartbeat"),
            );
            let problem = match beat.span == path.span {
                true => problem,
                false => problem.also(beat.span, "the heartbeat"),
            };
            cx.push(problem.help("choose another path for the route, or write `heartbeat: { path: /… }` for the load balancer"));
        }
    }
}

fn normal(path: &At<String>) -> &str {
    match path.value.trim_end_matches('/') {
        "" => "/",
        plain => plain,
    }
}
