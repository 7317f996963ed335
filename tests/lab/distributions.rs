//! Guests of a real distribution: Debian 12 as its packages set it up (`guest-debian/build`), with cloud-init, systemd,
//! OpenSSH, ifupdown and the distribution's own nginx. Our small guest shows what `reconcile` does; this one shows that
//! it does it on what people have. It is copied to the hosts from here, as people's images are.

use std::path::Path;
use std::time::Duration;

use super::lab::{Domain, Lab, output, root};
use super::product::Product;
use super::spec::Spec;
use super::wait::{seconds, until};

/// A whole distribution under emulation takes a minute or two to boot, more when others are at work.
const BOOT: Duration = Duration::from_secs(600);
const VIP: &str = "192.168.10.121";

#[test]
#[ignore = "builds and boots a whole Debian: several minutes"]
fn an_unchanged_debian_serves_and_survives_a_reboot() {
    let lab = Lab::fresh();
    lab.run(&["image", "debian"]);
    let spec = debian(&lab, "good morning");
    let product = Product::new(lab, &spec);
    let first = product.apply();
    println!("converged in {:.0} s", first.took.as_secs_f64());
    product.assert_converged();
    assert_eq!(answer(&product, VIP), greeting("good morning"));
    let hello = product.lab.domain_of("hello-1");
    the_seed_was_applied(&product, &hello);
    ours_runs_and_not_the_distributions(&product);

    product.write(debian(&product.lab, "good evening"));
    let from = product.history().len();
    product.apply();
    product.assert_converged();
    assert_eq!(answer(&product, VIP), greeting("good evening"));
    assert_eq!(product.lab.domain_of("hello-1"), hello, "no new guest");
    let done = product.done_since(from);
    println!("another environment: {done:?}");
    let only = |kind: &str| done.iter().all(|(what, _)| what == kind);
    assert!(
        !done.is_empty() && only("configure"),
        "a restart, and nothing else: {done:?}"
    );

    it_comes_back_by_itself(&product, &hello);
    product.wait_converged(seconds(60));
}

/// One Debian that serves, and one in front of it.
fn debian(lab: &Lab, greeting: &str) -> Spec {
    let images = root().join(".lab/images/debian");
    let image = |file| images.join(file).display().to_string();
    let beat = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/guest-debian/beat.py");
    Spec::base(lab).with(|s| {
        s.empty = true;
        s.images = format!(
            "  debian:
    source: {}
    kernel: {{ source: {} }}
    initrd: {{ source: {} }}
    cmdline: console=ttyS0 root=/dev/vda
    provision: cloud-init
    init: auto
    interfaces: true
",
            image("debian.qcow2"),
            image("vmlinuz"),
            image("initrd")
        );
        s.services = format!(
            "  hello:
    replicas: 1
    image: debian
    memory: 512MiB
    port: 8080
    run: /usr/bin/python3 /opt/beat.py {{{{port}}}}
    env: {{ GREETING: {greeting} }}
    files: [{{ path: /opt/beat.py, source: {}, mode: \"755\" }}]
    heartbeat: {{ every: 1s, timeout: 3s, retries: 5, grace: 10m }}
load_balancers:
  front:
    vip: {VIP}/24
    replicas: 1
    image: debian
    memory: 512MiB
    heartbeat: {{ every: 1s, timeout: 3s, retries: 5, grace: 10m }}
    routes: {{ /: hello }}
",
            beat.display()
        );
    })
}

fn greeting(words: &str) -> String {
    format!(r#"{{"instance": "hello-1", "greeting": "{words}"}}"#)
}

#[track_caller]
fn answer(product: &Product, address: &str) -> String {
    let url = format!("http://{address}/");
    let mut curl = product.lab.inside("curl");
    output(curl.args(["-fsSm", "10", &url])).expect("it answers")
}

fn the_seed_was_applied(product: &Product, guest: &Domain) {
    let lab = &product.lab;
    let said = lab.in_guest(
        &guest.address,
        "hostname; ip -4 route show default; cat /run/cloud-init/result.json",
    );
    for word in [
        "hello-1\n",
        "default via 192.168.10.254 dev eth0",
        "DataSourceNoCloud [seed=/dev/vdb]",
    ] {
        assert!(said.contains(word), "no {word:?} in:\n{said}");
    }
}

fn ours_runs_and_not_the_distributions(product: &Product) {
    let front = product.lab.domain_of("front-1");
    let state = product.lab.in_guest(
        &front.address,
        "for u in nginx reconcile-front; do echo $u $(systemctl is-enabled $u) $(systemctl is-active $u); done",
    );
    assert_eq!(
        state,
        "nginx disabled inactive\nreconcile-front enabled active\n"
    );
}

/// A reboot from the inside, without us: the address, the hostname and the service are all there again.
fn it_comes_back_by_itself(product: &Product, guest: &Domain) {
    let lab = &product.lab;
    let boot = || lab.try_in_guest(&guest.address, "cat /proc/sys/kernel/random/boot_id");
    let before = boot().expect("it can be reached");
    let _ = lab.try_in_guest(&guest.address, "systemctl reboot");
    until("the guest comes back", BOOT, || {
        boot().ok().filter(|now| *now != before)
    });
    until("its service comes back", BOOT, || {
        let url = format!("http://{VIP}/");
        output(lab.inside("curl").args(["-fsm", "3", &url]))
            .ok()
            .filter(|body| *body == greeting("good evening"))
    });
    let unit = lab.in_guest(&guest.address, "systemctl is-active reconcile-hello");
    assert_eq!(unit, "active\n");
}
