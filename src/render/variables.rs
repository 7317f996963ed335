//! What templates may say about a guest. The list for people is `templates/README.md`: a variable that is added here
//! is added there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::engine::{Variables, handlebars_text};
use super::{GuestContext, RenderError, Upstream, quote};
use crate::model::desired::{Desired, Group, LoadBalancer, Network, Role, Route};
use crate::model::id::GroupId;

/// The most instances that one request is tried on. More than half of a usual service, so that losing one of two
/// hosts costs no request; and few enough that an overloaded service (503 everywhere) isn't hit by a storm.
const MAX_TRIES: usize = 8;

/// Shared memory of an upstream in KiB: what nginx asks for at least (eight pages), and room per server. A server
/// takes under 1 KiB in nginx 1.22 and stands there twice.
const ZONE_BASE_KIB: usize = 64;
const ZONE_PER_SERVER_KIB: usize = 4;

/// Everything that the templates of `guest` may say.
pub fn guest_variables(
    desired: &Desired,
    guest: &GuestContext<'_>,
    upstreams: &[Upstream],
) -> Result<Variables, RenderError> {
    let mut values = common(desired, guest);
    match &guest.group.role {
        Role::Service(_) => {}
        Role::LoadBalancer(balancer) => add_balancer(&mut values, guest.group, balancer, upstreams),
    }
    let variables = Variables::new(Value::Object(values));
    let env = env(guest.group, &variables)?;
    Ok(variables.with("env", json!(env)))
}

fn common(desired: &Desired, guest: &GuestContext<'_>) -> Map<String, Value> {
    let secrets: BTreeMap<_, _> = desired
        .secrets
        .iter()
        .map(|(name, secret)| (name, secret.reveal()))
        .collect();
    object(json!({
        "cluster": desired.cluster,
        "instance": guest.instance,
        "group": guest.group.id,
        "index": guest.instance.index,
        "host": guest.host,
        "address": guest.address,
        "port": guest.group.port(),
        "network": network(guest.network),
        "secret": secrets,
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

fn network(network: &Network) -> Value {
    json!({
        "cidr": network.cidr,
        "prefix": network.cidr.prefix_len(),
        "netmask": network.cidr.netmask(),
        "gateway": network.gateway,
        "dns": network.dns,
    })
}

/// The environment of a group's process. Values are templates, which may not say `env` themselves.
fn env(group: &Group, variables: &Variables) -> Result<BTreeMap<String, String>, RenderError> {
    let value = |(name, text): (&String, &String)| {
        let key = format!("{}.env.{name}", group.key());
        let value = handlebars_text(&key, text, variables)?;
        Ok((name.clone(), value))
    };
    group.env.iter().map(value).collect()
}

fn add_balancer(
    values: &mut Map<String, Value>,
    group: &Group,
    balancer: &LoadBalancer,
    upstreams: &[Upstream],
) {
    let heartbeat = &group.heartbeat;
    let pools: Vec<_> = upstreams.iter().map(Pool::new).collect();
    values.extend(object(json!({
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
    })));
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
mod tests {
    use super::*;
    use crate::model::desired::OnChange;
    use crate::render::guest_config;
    use crate::render::samples::{Sample, file, route, upstream};

    fn nginx(sample: &Sample, upstreams: &[Upstream]) -> String {
        let config = guest_config(&sample.desired, &sample.guest(), upstreams).unwrap();
        let file = &config.files[1];
        assert_eq!(file.path, "/etc/nginx/nginx.conf");
        assert_eq!(file.on_change, OnChange::Reload);
        accepted_by_nginx(&file.content);
        file.content.clone()
    }

    /// Asks a real nginx where there is one: what it takes is not ours to tell.
    fn accepted_by_nginx(text: &str) {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().display();
        let path = directory.path().join("nginx.conf");
        // Nothing of this machine is touched: no port of a server, no file in /run.
        let text = text
            .replace("/run/", &format!("{at}/"))
            .replace("listen 80;", "listen unix:test.sock;")
            .replace("listen unix:", &format!("listen unix:{at}/"));
        std::fs::write(&path, text).unwrap();
        let Ok(tested) = std::process::Command::new("/usr/sbin/nginx")
            .args(["-t", "-q", "-c"])
            .arg(&path)
            .output()
        else {
            return;
        };
        let errors = String::from_utf8_lossy(&tested.stderr);
        assert!(tested.status.success(), "{errors}");
    }

    #[test]
    fn a_load_balancer_of_three_instances_one_of_which_is_out_of_rotation() {
        let sample = Sample::balancer();
        let upstreams = [
            upstream("random", &[false, true, false]),
            upstream("soon", &[]),
        ];
        insta::assert_snapshot!(nginx(&sample, &upstreams));
    }

    #[test]
    fn a_load_balancer_whose_heartbeat_has_a_port_of_its_own_and_whose_route_is_all() {
        let mut sample = Sample::balancer();
        sample.group.heartbeat.port = 8081;
        *sample.routes() = vec![route("/", "random")];
        let text = nginx(&sample, &[upstream("random", &[false])]);
        let server = text.find("    server {").unwrap();
        insta::assert_snapshot!(&text[server..]);
    }

    #[test]
    fn when_every_instance_is_out_of_rotation_they_are_asked_all_the_same() {
        let text = nginx(&Sample::balancer(), &[upstream("random", &[true, true])]);
        assert_eq!(text.matches(" down;").count(), 2);
        assert_eq!(text.matches(" backup;").count(), 2);
        assert!(text.contains("proxy_next_upstream_tries 3;"));
    }

    #[test]
    fn a_route_to_where_the_heartbeat_is_leaves_the_heartbeat_to_the_load_balancer() {
        let mut sample = Sample::balancer();
        *sample.routes() = vec![route("/heartbeat", "random")];
        let text = nginx(&sample, &[upstream("random", &[false])]);
        assert_eq!(text.matches("location = /heartbeat {").count(), 1);
        assert!(text.contains("location /heartbeat/ {"));
    }

    #[test]
    fn no_path_can_write_configuration_of_its_own() {
        let mut sample = Sample::balancer();
        let hostile = "/a\"; } server { listen 1; } # $host {{port}} \\ ' é";
        *sample.routes() = vec![route(hostile, "random")];
        sample.group.heartbeat.path = "/beat \"; }".to_owned();
        let text = nginx(&sample, &[upstream("random", &[false])]);
        let paths: Vec<_> = text
            .lines()
            .filter(|line| line.contains("location"))
            .collect();
        insta::assert_snapshot!(paths.join("\n"), @r#"
        location = "/beat \"; }" {
        location = "/a\"; } server { listen 1; } # $host {{port}} \\ ' é" {
        location "/a\"; } server { listen 1; } # $host {{port}} \\ ' é/" {
        location / {
        "#);
    }

    #[test]
    fn a_service_knows_no_variable_of_a_load_balancer() {
        let mut sample = Sample::service();
        sample.run("serve {{vip}}");
        let error = guest_config(&sample.desired, &sample.guest(), &[]).unwrap_err();
        insta::assert_snapshot!(error, @"services.random.run:1: there is no `vip` here; there is address, cluster, env, group, host, index, instance, network, port, secret");
    }

    #[test]
    fn every_variable_says_what_the_list_of_variables_says() {
        let mut sample = Sample::balancer();
        let text = "{{cluster}} {{instance}} {{group}} {{index}} {{host}} {{address}} {{port}}\n\
            {{network.cidr}} {{network.prefix}} {{network.netmask}} {{network.gateway}}\n\
            {{#each network.dns}}{{this}} {{/each}}{{env.A}} {{secret.token}} {{vip}} {{vip_prefix}}\n\
            {{#each routes}}{{path}} {{service}} {{connect_timeout_ms}} {{timeout_ms}} {{/each}}\n\
            {{#each upstreams}}{{service}} {{#each servers}}{{instance}} {{address}} {{port}} {{down}}{{/each}}{{/each}}\n";
        sample
            .group
            .env
            .insert("A".to_owned(), "of {{group}}".to_owned());
        sample.group.files = vec![file("/all", text, OnChange::Nothing)];
        let upstreams = [upstream("random", &[false])];
        let config = guest_config(&sample.desired, &sample.guest(), &upstreams).unwrap();
        insta::assert_snapshot!(config.files[2].content, @r#"
        demo web-1 web 1 a 192.168.10.11 80
        192.168.10.0/24 24 255.255.255.0 192.168.10.254
        192.168.10.254 9.9.9.9 of web s3cr3t'value 192.168.10.120 24
        /random random 500 60000 /soon/ soon 500 60000 
        random random-1 192.168.10.20 8080 false
        "#);
    }
}
