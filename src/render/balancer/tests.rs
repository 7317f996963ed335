//! `nginx.conf` as load balancers get it.

use super::*;
use crate::model::desired::OnChange;
use crate::render::guest_config;
use crate::render::samples::{Sample, route, upstream};

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
