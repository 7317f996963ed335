//! Edits of `cluster.yaml` under a running controller: previewed, done as previewed, and not noticed by users.

use super::lab::Domain;
use super::product::{Doing, Product};
use super::spec::Spec;
use super::traffic::{Report, Traffic};
use super::wait::seconds;

/// How long an edit may take: each guest that is made anew takes its boot time, one after the other.
const LIMIT: std::time::Duration = seconds(180);

// One story on one lab: what an edit leaves is what the next one starts from.
#[test]
fn every_edit_is_done_as_previewed_and_no_request_fails() {
    let (product, mut spec) = Product::converged();
    let watch = product.watch();
    let before = product.lab.domains();

    let kept = |after: &[Domain], old: &[Domain]| {
        let lost: Vec<&Domain> = old.iter().filter(|d| !after.contains(d)).collect();
        assert!(
            lost.is_empty(),
            "guests that should have been left alone: {lost:#?}"
        );
    };
    edit(&product, &mut spec, "five replicas", |s| s.replicas = 5).assert_nothing_failed();
    let five = product.lab.domains();
    assert_eq!(five.len(), before.len() + 2);
    kept(&five, &before);

    edit(&product, &mut spec, "two replicas", |s| s.replicas = 2).assert_nothing_failed();
    let two = product.lab.domains();
    assert_eq!(two.len(), before.len() - 1);
    kept(&before, &two);

    edit(&product, &mut spec, "more memory", |s| {
        s.memory = "112MiB".into()
    })
    .assert_nothing_failed();
    let memory = |domains: &[Domain]| -> Vec<(String, u64)> {
        let workers = domains.iter().filter(|d| d.instance.starts_with("random"));
        workers
            .map(|d| (d.address.clone(), d.memory_kib >> 10))
            .collect()
    };
    let grown = product.lab.domains();
    let expected: Vec<_> = memory(&two)
        .into_iter()
        .map(|(address, _)| (address, 112))
        .collect();
    assert_eq!(memory(&grown), expected, "other memory, same addresses");

    edit(&product, &mut spec, "another port", |s| s.port = 8081).assert_nothing_failed();
    let runs = |domains: &[Domain]| -> Vec<_> {
        domains
            .iter()
            .map(|d| (d.instance.clone(), d.run, d.generation.clone()))
            .collect()
    };
    let ported = product.lab.domains();
    assert_eq!(runs(&ported), runs(&grown), "a port needs no new guest");

    edit(&product, &mut spec, "a new route", |s| {
        s.routes = vec!["/also: random".into()]
    })
    .assert_nothing_failed();
    let url = format!("http://{}/also", spec.vip);
    let answer = super::lab::output(product.lab.inside("curl").args(["-fsm", "3", &url]));
    assert!(answer.is_ok_and(|body| body.contains("\"instance\":\"random-")));

    another_vip(&product, &mut spec);

    let before = product.lab.domains();
    let report = edit(&product, &mut spec, "other pools and name servers", |s| {
        s.dns = "[192.168.10.254]".to_owned();
        s.pools = ["40-192.168.10.49", "50-192.168.10.59", "60-192.168.10.69"]
            .map(|tail| format!("192.168.10.{tail}"));
    });
    report.assert_nothing_failed();
    let after = product.lab.domains();
    assert_eq!(runs(&after), runs(&before), "a rebind needs no new guest");
    for domain in &after {
        let last: u8 = domain
            .address
            .rsplit('.')
            .next()
            .and_then(|n| n.parse().ok())
            .expect("an address");
        assert!((40..70).contains(&last), "{domain:?}");
        let inside = product.lab.in_guest(
            &domain.address,
            "ip -4 -o addr show dev eth0; cat /etc/network/interfaces /etc/resolv.conf",
        );
        let old = before
            .iter()
            .find(|d| d.instance == domain.instance)
            .expect("it was there");
        assert!(
            inside.contains(&domain.address) && !inside.contains(&old.address),
            "{inside}"
        );
        assert!(
            inside.ends_with("\nnameserver 192.168.10.254\n"),
            "{inside}"
        );
    }
    watch.stop();
    // The next test is there sooner from nothing than from here.
    product.lab.run(&["down"]);
}

/// Previews an edit, makes it, waits until all is as desired, and compares what was done with what was announced.
#[track_caller]
fn edit(product: &Product, spec: &mut Spec, name: &str, change: impl FnOnce(&mut Spec)) -> Report {
    let url = format!("http://{}/random", spec.vip);
    *spec = spec.with(change);
    let announced = sorted(product.preview(spec));
    assert!(!announced.is_empty(), "{name}: nothing was announced");
    let from = product.history().len();
    let traffic = Traffic::start(&product.lab, &url, 20);
    let begun = std::time::Instant::now();
    product.write(&*spec);
    super::wait::until("the first of it is done", seconds(60), || {
        (product.history().len() > from).then_some(())
    });
    product.wait_converged(LIMIT);
    println!(
        "{name}: {:.1} s, {} actions",
        begun.elapsed().as_secs_f64(),
        announced.len()
    );
    let report = traffic.stop();
    let done = all_done(product, from, announced.len());
    assert_eq!(
        done, announced,
        "{name}: done (left) is not what was announced (right)"
    );
    report
}

/// What was done since, as soon as it is so many things: machines show an action's effect before the history has it.
fn all_done(product: &Product, from: usize, expected: usize) -> Vec<Doing> {
    let deadline = std::time::Instant::now() + seconds(10);
    loop {
        let done = sorted(product.done_since(from));
        if done.len() >= expected || std::time::Instant::now() > deadline {
            return done;
        }
        std::thread::sleep(super::wait::PACE);
    }
}

/// What is done, each thing once: when something breaks or stalls meanwhile, a new round goes on where the last one was,
/// and a load balancer may come to its new list in one step more.
fn sorted(mut doings: Vec<Doing>) -> Vec<Doing> {
    doings.sort();
    doings.dedup();
    doings
}

/// The old VIP answers until the new one does.
fn another_vip(product: &Product, spec: &mut Spec) {
    let new = Traffic::start(&product.lab, "http://192.168.10.121/random", 20);
    let old = edit(product, spec, "another VIP", |s| {
        s.vip = "192.168.10.121".into()
    });
    let new = new.stop();
    let came = new.first_good.expect("the new VIP answers");
    assert!(
        old.first_failed.is_none_or(|gone| gone > came),
        "the old VIP went too early: {:#}",
        old.all
    );
    assert!(
        new.last_failed.is_none_or(|failed| failed < came),
        "the new VIP failed: {:#}",
        new.all
    );
}
