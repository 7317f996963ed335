//! What templates may say about a load balancer: its routes and upstreams, as they are desired, and worked out for
//! nginx. Why nginx is set up so stands in the head of `templates/nginx.conf`.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Upstream, quote};
use crate::model::desired::{Group, LoadBalancer, Route};
use crate::model::id::GroupId;

/// The most instances that one request is tried on. More than half of a usual service, so that losing one of two
/// hosts costs no request; and few enough that an overloaded service (503 everywhere) isn't hit by a storm.
const MAX_TRIES: usize = 8;

/// Shared memory of an upstream in KiB: what nginx asks for at least (eight pages), and room per server. A server
/// takes under 1 KiB in nginx 1.22 and stands there twice.
const ZONE_BASE_KIB: usize = 64;
const ZONE_PER_SERVER_KIB: usize = 4;

/// The variables that only load balancers have.
pub fn values(group: &Group, balancer: &LoadBalancer, upstreams: &[Upstream]) -> Value {
    let heartbeat = &group.heartbeat;
    let pools: Vec<_> = upstreams.iter().map(Pool::new).collect();
    json!({
        "vip": balancer.vip.addr(),
        "vip_prefix": balancer.vip.prefix_len(),
        "heartbeat": {
            "path": heartbeat.path,
            "port": heartbeat.port,
            "own_port": heartbeat.port != balancer.port,
        },
        "routes": balancer.routes.iter().map(route).collect::<Value>(),
        "upstreams": pools.iter().filter(|pool| pool.tries > 0).map(Pool::value).collect::<Value>(),
        "locations": locations(balancer, &heartbeat.path, &pools),
        "has_default": balancer.routes.iter().any(|route| prefix(route).is_empty()),
    })
}

fn route(route: &Route) -> Value {
    json!({
        "path": route.path,
        "service": route.service,
        "connect_timeout_ms": millis(route.connect_timeout),
        "timeout_ms": millis(route.timeout),
    })
}

/// An upstream, with what nginx needs besides its servers.
struct Pool<'a> {
    upstream: &'a Upstream,
    /// Servers that are tried when all others are marked as failed.
    last_resort: Vec<(Ipv4Addr, u16)>,
    /// On how many servers one request is tried; none: there is no server.
    tries: usize,
}

impl<'a> Pool<'a> {
    fn new(upstream: &'a Upstream) -> Self {
        // Nobody in rotation: better to ask those that are out of it than to answer nothing.
        let all_down = upstream.servers.iter().all(|server| server.down);
        let last_resort: Vec<_> = upstream
            .servers
            .iter()
            .filter(|server| all_down || !server.down)
            .map(|server| (server.address, server.port))
            .collect();
        let tries = match last_resort.len() {
            0 => 0,
            servers => (servers + 1).min(MAX_TRIES),
        };
        Self {
            upstream,
            last_resort,
            tries,
        }
    }

    fn value(&self) -> Value {
        let servers = self.upstream.servers.iter().map(|server| {
            json!({
                "instance": server.instance,
                "address": server.address,
                "port": server.port,
                "down": server.down,
            })
        });
        let last_resort = self
            .last_resort
            .iter()
            .map(|(address, port)| json!({"address": address, "port": port}));
        json!({
            "service": self.upstream.service,
            "zone_kib": ZONE_BASE_KIB + ZONE_PER_SERVER_KIB * self.upstream.servers.len(),
            "servers": servers.collect::<Value>(),
            "last_resort": last_resort.collect::<Value>(),
        })
    }
}

/// The path of a route without slashes at its end: `/random/` means the same as `/random`, and `/` is empty.
fn prefix(route: &Route) -> &str {
    route.path.trim_end_matches('/')
}

/// Routes as nginx's locations. A prefix location of nginx knows no borders: `/random` would match `/randomness`.
/// So each route becomes two: the path itself, and all below it.
fn locations(balancer: &LoadBalancer, heartbeat: &str, pools: &[Pool<'_>]) -> Value {
    let mut taken = BTreeSet::from([format!("= {}", quote::nginx(heartbeat))]);
    let mut locations = Vec::new();
    for route in &balancer.routes {
        let path = prefix(route);
        let exact = (!path.is_empty()).then(|| format!("= {}", quote::nginx(path)));
        let below = quote::nginx(&format!("{path}/"));
        for matched in exact.into_iter().chain([below]) {
            if taken.insert(matched.clone()) {
                locations.push(location(&matched, route, pools));
            }
        }
    }
    Value::Array(locations)
}

fn location(matched: &str, route: &Route, pools: &[Pool<'_>]) -> Value {
    let connect = millis(route.connect_timeout);
    let timeout = millis(route.timeout);
    json!({
        "match": matched,
        "service": route.service,
        "tries": tries(&route.service, pools),
        "connect_timeout_ms": connect,
        "timeout_ms": timeout,
        // More than one silence, less than two: a request that is slow by itself is repeated once, not everywhere.
        "tries_timeout_ms": timeout + timeout / 2 + 2 * connect,
    })
}

fn tries(service: &GroupId, pools: &[Pool<'_>]) -> usize {
    let pool = pools.iter().find(|pool| pool.upstream.service == *service);
    pool.map_or(0, |pool| pool.tries)
}

/// Whole milliseconds, at least one: nginx takes zero for "no timeout".
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis())
        .unwrap_or(u64::MAX / 4)
        .max(1)
}

#[cfg(test)]
mod tests;
