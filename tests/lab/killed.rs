//! The controller is killed, again and again, at random moments of an apply. The next run puts it right.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::lab::{Domain, HOSTS, Lab};
use super::product::Product;
use super::spec::Spec;

/// Where the disks of the cluster `t` are.
const DISKS: &str = "/var/lib/libvirt/images/reconcile/t";
const KILLS: usize = 20;
/// The longest time until a kill. A whole apply takes several times as long, and is so cut into pieces.
const LONGEST: u64 = 5_000;

#[test]
fn a_controller_killed_at_twenty_moments_leaves_nothing_double_and_nothing_undone() {
    let lab = Lab::fresh();
    let spec = Spec::base(&lab);
    let product = Product::new(lab, &spec);
    let mut moments = Moments(0x5eed);
    let mut kills = 0;
    while kills < KILLS {
        let after = moments.next();
        if killed(&product, after) {
            kills += 1;
        } else {
            // It was through before its time came: there must be something to do again.
            break_some(&product.lab, kills);
        }
        nothing_is_double(&product.lab.domains());
    }
    product.apply();
    product.assert_converged();
    let domains = product.lab.domains();
    assert_eq!(domains.len(), 5, "{domains:#?}");
    nothing_is_double(&domains);
    every_disk_has_its_guest(&product.lab, &domains);
    every_address_answers_once(&product.lab, &domains);
    product.history();
}

/// Starts an apply and kills it at its moment; false if it was through before.
fn killed(product: &Product, after: Duration) -> bool {
    let begun = Instant::now();
    let mut child = product.start(&["--yes"]);
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            println!(
                "through after {:.1} s with {status}",
                begun.elapsed().as_secs_f64()
            );
            return false;
        }
        if begun.elapsed() >= after {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it was killed");
    println!("killed after {:.1} s", after.as_secs_f64());
    true
}

/// Takes away a guest with all its files, the files of another, and the life of a third.
fn break_some(lab: &Lab, round: usize) {
    let domains = lab.domains();
    let pick = |n: usize| domains.get((round + n) % domains.len().max(1));
    if let Some(gone) = pick(0) {
        lab.on(
            &gone.host,
            &format!(
                "virsh destroy {0}; virsh undefine {0}; rm -f {DISKS}/{1}.*",
                gone.name, gone.instance
            ),
        );
    }
    if let Some(undefined) = pick(2) {
        lab.on(
            &undefined.host,
            &format!("virsh destroy {0}; virsh undefine {0}", undefined.name),
        );
    }
    if let Some(dead) = pick(3) {
        lab.on(&dead.host, &format!("virsh destroy {} || true", dead.name));
    }
}

fn nothing_is_double(domains: &[Domain]) {
    let mut seen: BTreeMap<&str, &Domain> = BTreeMap::new();
    for domain in domains {
        for one in [&domain.name, &domain.uuid, &domain.mac, &domain.address] {
            if let Some(other) = seen.insert(one, domain) {
                panic!("{one} is there twice: {other:?} and {domain:?}");
            }
        }
    }
}

/// Disks, seeds and whatever else is in our directory: of a guest on this very host.
fn every_disk_has_its_guest(lab: &Lab, domains: &[Domain]) {
    for host in HOSTS {
        for file in lab.on(host, &format!("ls -A {DISKS}")).lines() {
            let owner = domains
                .iter()
                .find(|d| d.host == host && file.starts_with(&format!("{}.", d.instance)));
            assert!(
                owner.is_some(),
                "{file} on host {host} belongs to nobody: {domains:#?}"
            );
        }
    }
}

fn every_address_answers_once(lab: &Lab, domains: &[Domain]) {
    for domain in domains {
        let mut command = lab.inside("arping");
        command.args(["-b", "-c", "2", "-I", "br-lan", &domain.address]);
        let said = super::lab::output(&mut command)
            .unwrap_or_else(|e| panic!("{domain:?} does not answer: {e}"));
        let mut macs: Vec<String> = said
            .lines()
            .filter_map(|l| Some(l.split_once('[')?.1.split_once(']')?.0.to_lowercase()))
            .collect();
        macs.dedup();
        assert_eq!(macs, [domain.mac.as_str()], "{}", domain.address);
    }
}

/// Random moments, the same ones in every run (xorshift64: <https://www.jstatsoft.org/article/view/v008i14>).
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_millis(50 + self.0 % LONGEST)
    }
}
