//! Guests of a real distribution: Debian 12 as its packages set it up (`guest-debian/build`), once with systemd and
//! cloud-init, once with OpenRC and a bootstrap address, and with OpenSSH, ifupdown and the distribution's own nginx.
//! Our small guest shows what `reconcile` does; these show that it does it on what people have. They are copied to the
//! hosts from here, as people's images are.

use std::path::Path;
use std::time::Duration;

use super::lab::{Domain, Lab, output, root};
use super::product::Product;
use super::spec::Spec;
use super::wait::until;

/// A whole distribution under emulation takes a minute or two to boot, more when others are at work.
const BOOT: Duration = Duration::from_secs(600);
const VIP: &str = "192.168.10.121";

/// One of the images, and how to ask its guests.
struct Debian {
    /// What `lab image` calls it.
    image: &'static str,
    /// YAML of the image: how its guests get their address.
    provision: &'static str,
    cmdline: &'static str,
    /// A shell function: whether a service starts at boot.
    enabled: &'static str,
    reboot: &'static str,
}

const SYSTEMD: Debian = Debian {
    image: "debian",
    provision: "provision: cloud-init",
    cmdline: "console=ttyS0 root=/dev/vda",
    enabled: "enabled() { systemctl -q is-enabled $1; }",
    reboot: "systemctl reboot",
};

/// Without a seed nobody gives the card its name; nothing else about the image says what it will be called.
const OPENRC: Debian = Debian {
    image: "debian-openrc",
    provision: "provision: ssh\n    bootstrap: 192.168.10.9",
    cmdline: "console=ttyS0 root=/dev/vda net.ifnames=0",
    enabled: "enabled() { [ -e /etc/runlevels/default/$1 ]; }",
    reboot: "/sbin/reboot",
};

#[test]
#[ignore = "builds and boots a whole Debian: several minutes"]
fn an_unchanged_debian_serves_and_survives_a_reboot() {
    let (product, hello) = SYSTEMD.serves_and_survives_a_reboot();
    let said = product
        .lab
        .in_guest(&hello.address, "cat /run/cloud-init/result.json");
    let source = "DataSourceNoCloud [seed=/dev/vdb]";
    assert!(said.contains(source), "no {source:?} in:\n{said}");
}

#[test]
#[ignore = "builds and boots a whole Debian: several minutes"]
fn a_debian_with_openrc_serves_and_survives_a_reboot() {
    OPENRC.serves_and_survives_a_reboot();
}

impl Debian {
    fn serves_and_survives_a_reboot(&self) -> (Product, Domain) {
        let lab = Lab::fresh();
        lab.run(&["image", self.image]);
        let spec = self.spec(&lab, "good morning");
        let product = Product::new(lab, &spec);
        let first = product.apply();
        println!("converged in {:.0} s", first.took.as_secs_f64());
        product.assert_converged();
        assert_eq!(answer(&product, VIP), greeting("good morning"));
        let hello = product.lab.domain_of("hello-1");
        for instance in ["hello-1", "front-1"] {
            it_knows_who_and_where_it_is(&product, &product.lab.domain_of(instance));
        }
        self.ours_runs_and_not_the_distributions(&product);
        self.another_environment_is_a_restart(&product, &hello);
        self.they_come_back_by_themselves(&product);
        product.apply();
        product.assert_converged();
        assert_eq!(answer(&product, VIP), greeting("good evening"));
        (product, hello)
    }

    /// One Debian that serves, and one in front of it.
    fn spec(&self, lab: &Lab, greeting: &str) -> Spec {
        let images = root().join(".lab/images").join(self.image);
        let image = |file| images.join(file).display().to_string();
        let beat = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/guest-debian/beat.py");
        Spec::base(lab).with(|s| {
            s.empty = true;
            s.dns = "[192.168.10.254]".to_owned();
            s.images = format!(
                "  debian:
    source: {}
    kernel: {{ source: {} }}
    initrd: {{ source: {} }}
    cmdline: {}
    {}
    init: auto
    interfaces: true
",
                image("debian.qcow2"),
                image("vmlinuz"),
                image("initrd"),
                self.cmdline,
                self.provision
            );
            s.services = services(&beat, greeting);
        })
    }

    /// Debian's own script would say of our nginx that it is its own, so the processes are looked at.
    fn ours_runs_and_not_the_distributions(&self, product: &Product) {
        let front = product.lab.domain_of("front-1");
        let script = format!(
            "{}; for u in nginx reconcile-front; do enabled $u && echo $u; done; pgrep -af 'nginx: [m]aster' | cut -d ' ' -f 2-",
            self.enabled
        );
        let said = product.lab.in_guest(&front.address, &script);
        let ours = "nginx: master process nginx -c /etc/nginx/nginx.conf -g daemon off;";
        assert_eq!(said, format!("reconcile-front\n{ours}\n"));
    }

    fn another_environment_is_a_restart(&self, product: &Product, hello: &Domain) {
        product.write(self.spec(&product.lab, "good evening"));
        let from = product.history().len();
        product.apply();
        product.assert_converged();
        assert_eq!(answer(product, VIP), greeting("good evening"));
        assert_eq!(product.lab.domain_of("hello-1"), *hello, "no new guest");
        let done = product.done_since(from);
        println!("another environment: {done:?}");
        let only = |kind: &str| done.iter().all(|(what, _)| what == kind);
        assert!(
            !done.is_empty() && only("configure"),
            "a restart, and nothing else: {done:?}"
        );
    }

    /// A reboot of both from the inside, without us: addresses, names and processes are all there again. Only the VIP
    /// is not: who may have it is never a guest's own decision.
    fn they_come_back_by_themselves(&self, product: &Product) {
        let lab = &product.lab;
        let guests = ["hello-1", "front-1"].map(|instance| lab.domain_of(instance));
        let boot = |guest: &Domain| {
            lab.try_in_guest(&guest.address, "cat /proc/sys/kernel/random/boot_id")
        };
        let before = guests.each_ref().map(|guest| boot(guest).expect("it runs"));
        for guest in &guests {
            let _ = lab.try_in_guest(&guest.address, self.reboot);
        }
        for (guest, before) in guests.iter().zip(&before) {
            until(&format!("{} comes back", guest.instance), BOOT, || {
                boot(guest).ok().filter(|now| now != before)
            });
        }
        until("the service behind the load balancer answers", BOOT, || {
            let url = format!("http://{}/", guests[1].address);
            output(lab.inside("curl").args(["-fsm", "3", &url]))
                .ok()
                .filter(|body| *body == greeting("good evening"))
        });
        for guest in &guests {
            it_knows_who_and_where_it_is(product, guest);
        }
        self.ours_runs_and_not_the_distributions(product);
    }
}

fn services(beat: &Path, greeting: &str) -> String {
    format!(
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
    )
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

/// Its name, its way out, and its name servers, which no resolvconf could have told it.
fn it_knows_who_and_where_it_is(product: &Product, guest: &Domain) {
    let script = "hostname; ip -4 route show default; cat /etc/resolv.conf";
    let said = product.lab.in_guest(&guest.address, script);
    let name = format!("{}\n", guest.instance);
    for word in [
        &name,
        "default via 192.168.10.254 dev eth0",
        "nameserver 192.168.10.254\n",
    ] {
        assert!(said.contains(word), "no {word:?} in:\n{said}");
    }
}
