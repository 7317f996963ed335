//! Whole hosts: their plug is pulled, their cable cut, they are drained; and an observer that is wrong.

use std::time::{Duration, Instant};

use super::bridge::{self, Bridge};
use super::heal::holder;
use super::lab::{Domain, HOSTS};
use super::product::Product;
use super::spec::Spec;
use super::traffic::Traffic;
use super::wait::{seconds, until};

/// From the loss of a host to the last of its guests serving elsewhere, on a busy machine without KVM.
const RECOVERY: Duration = seconds(240);

/// Failover that nobody wants to wait for.
fn hasty(spec: &Spec) -> Spec {
    spec.with(|s| {
        s.safety =
            "recover_after: 10s, rejoin_after: 5s, lease: { ttl: 6s, margin: 10s }".to_owned();
    })
}

fn url(spec: &Spec) -> String {
    format!("http://{}/random", spec.vip)
}

fn all_but(host: &str) -> Vec<&'static str> {
    HOSTS
        .iter()
        .copied()
        .filter(|other| *other != host)
        .collect()
}

fn names(domains: &[Domain]) -> Vec<String> {
    let running = domains.iter().filter(|d| d.run.is_some());
    let mut names: Vec<String> = running.map(|d| d.instance.clone()).collect();
    names.retain(|name| !name.is_empty());
    names.sort();
    names
}

/// Waits until all instances run on these hosts and answer, and says how long that took.
#[track_caller]
fn recovered(product: &Product, wanted: &[String], hosts: &[&'static str], since: Instant) {
    until("all instances are on the other hosts", RECOVERY, || {
        (names(&product.lab.domains_on(hosts)) == wanted).then_some(())
    });
    println!(
        "all guests run elsewhere after {:.1} s",
        since.elapsed().as_secs_f64()
    );
    the_address_answers(product, since);
}

#[track_caller]
fn the_address_answers(product: &Product, since: Instant) {
    until("the address answers", RECOVERY, || {
        let curl = product
            .lab
            .inside("curl")
            .args(["-fsm", "2", "http://192.168.10.120/random"])
            .output();
        curl.is_ok_and(|o| o.status.success()).then_some(())
    });
    println!(
        "the address answers after {:.1} s",
        since.elapsed().as_secs_f64()
    );
}

/// Waits until none of our guests is on these hosts any more, and all is as desired.
#[track_caller]
fn is_empty(product: &Product, hosts: &[&'static str], what: &str) {
    until(what, RECOVERY, || {
        let left = product.lab.domains_on(hosts);
        left.iter().all(|d| d.instance.is_empty()).then_some(())
    });
    product.wait_converged(seconds(120));
}

#[test]
fn a_host_whose_plug_is_pulled_is_replaced_by_the_others_and_comes_back_empty_handed() {
    let (product, spec) = Product::converged();
    product.write(hasty(&spec));
    product.apply();
    let watch = product.watch();
    let lost = only(&holder(&product, &spec).host)[0];
    let wanted = names(&product.lab.domains());
    watch.wait_for("the guard is armed", seconds(30));
    let bridge = Bridge::listen(&product.lab, &spec.vip);
    let begun = Instant::now();
    product.lab.run(&["off", lost]);
    recovered(&product, &wanted, &all_but(lost), begun);
    bridge::assert_one_at_a_time(&bridge.stop());

    product.lab.run(&["boot", lost]);
    is_empty(&product, &[lost], "the old copies are gone");
    watch.stop();
    product.write(&spec);
    product.apply();
}

#[test]
fn a_host_that_is_cut_off_stops_its_guests_before_others_take_over() {
    let (product, spec) = Product::converged();
    product.write(hasty(&spec));
    product.apply();
    let watch = product.watch();
    let lost = only(&holder(&product, &spec).host)[0];
    let wanted = names(&product.lab.domains());
    watch.wait_for("the guard is armed", seconds(30));
    let begun = Instant::now();
    product.lab.run(&["cut", lost]);
    until("the guard stops its guests", seconds(60), || {
        names(&product.lab.domains_on(&[lost]))
            .is_empty()
            .then_some(())
    });
    println!(
        "the guard stopped all after {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    recovered(&product, &wanted, &all_but(lost), begun);
    let evidence = watch.log();
    assert!(evidence.contains("its lease is over"), "{evidence}");

    product.lab.run(&["mend", lost]);
    is_empty(&product, &[lost], "the old copies are gone");
    assert_eq!(names(&product.lab.domains()), wanted, "nothing runs twice");
    watch.stop();
    product.write(&spec);
    product.apply();
}

#[test]
fn a_host_that_dies_while_libvirt_hangs_on_another_is_given_up_by_its_lease() {
    let (product, spec) = Product::converged();
    product.write(hasty(&spec));
    product.apply();
    let watch = product.watch();
    let lost = only(&holder(&product, &spec).host)[0];
    let hung = all_but(lost)[0];
    let wanted = names(&product.lab.domains());
    watch.wait_for("the guard is armed", seconds(30));
    product.lab.on(hung, "kill -STOP $(pidof libvirtd)");
    until("it is known that libvirt hangs", seconds(60), || {
        let said = product.run(&["status"]).words();
        said.contains("libvirt hangs").then_some(())
    });
    let begun = Instant::now();
    product.lab.run(&["off", lost]);
    watch.wait_for("its lease is over", RECOVERY);
    the_address_answers(&product, begun);

    product.lab.on(hung, "kill -CONT $(pidof libvirtd)");
    recovered(&product, &wanted, &all_but(lost), begun);
    product.lab.run(&["boot", lost]);
    is_empty(&product, &[lost], "the old copies are gone");
    watch.stop();
    product.write(&spec);
    product.apply();
}

#[test]
fn guards_end_where_the_file_says_lease_no_more_also_those_of_a_controller_that_was_killed() {
    let (product, spec) = Product::converged();
    let guarded = || -> Vec<&str> {
        let lives = "cat /run/reconcile/guard-t-*/pid 2>/dev/null | xargs -r ps -o pid= -p";
        let lives = |host: &&str| !product.lab.on(host, lives).trim().is_empty();
        HOSTS.into_iter().filter(lives).collect()
    };
    let watch = product.watch();
    until("every host has a guard", seconds(30), || {
        (guarded() == HOSTS).then_some(())
    });
    drop(watch);
    // What follows `reserve` is said of each host, too.
    product.write(spec.with(|s| s.reserve = "0MiB, fencing: manual".to_owned()));
    let watch = product.watch();
    until("no guard is left", seconds(60), || {
        guarded().is_empty().then_some(())
    });
    watch.stop();
    product.write(&spec);
}

#[test]
fn a_drained_host_is_left_without_a_failed_request() {
    let (product, spec) = Product::converged();
    let drained = holder(&product, &spec).host;
    let watch = product.watch();
    let traffic = Traffic::start(&product.lab, &url(&spec), 20);
    let ordered = product.run(&["drain", &drained, "--reason", "kernel update"]);
    assert_eq!(ordered.code, 0, "{}", ordered.all());
    is_empty(&product, &only(&drained), "the host is empty");
    traffic.stop().assert_nothing_failed();
    assert!(product.run(&["status"]).stdout.contains("kernel update"));
    let undone = product.run(&["undrain", &drained]);
    assert_eq!(undone.code, 0, "{}", undone.all());
    watch.stop();
}

/// This host.
fn only(host: &str) -> Vec<&'static str> {
    HOSTS
        .iter()
        .copied()
        .filter(|other| *other == host)
        .collect()
}

#[test]
fn when_most_guests_fall_silent_at_once_nothing_is_ended() {
    let (product, _) = Product::converged();
    let watch = product.watch();
    let before = product.lab.domains();
    let guests: Vec<&Domain> = before.iter().filter(|d| !d.instance.is_empty()).collect();
    let route = |verb: &str, guest: &Domain| {
        let to = format!("{}/32", guest.address);
        let done = product
            .lab
            .inside("ip")
            .args(["route", verb, "blackhole", &to])
            .status();
        assert!(done.is_ok_and(|status| status.success()), "{verb} {to}");
    };
    guests.iter().for_each(|guest| route("add", guest));
    watch.wait_for("fell silent at once", seconds(60));
    std::thread::sleep(seconds(10)); // nothing happens: there is no condition to wait for
    let during = product.lab.domains();
    guests.iter().for_each(|guest| route("del", guest));
    assert_eq!(during, before, "the brake holds");
    product.wait_converged(seconds(60));
    watch.stop();
    assert_eq!(
        product.lab.domains(),
        before,
        "and nothing was done afterwards"
    );
}

#[test]
fn balancers_whose_processes_all_end_at_once_are_started_though_the_brake_holds() {
    let (product, spec) = Product::converged();
    // Patient enough that the first one is not taken for dead before the last one fell silent.
    let watched = "every: 1s, timeout: 2s, retries: 16, grace: 1m".to_owned();
    product.write(spec.with(|s| s.watched = watched));
    let watch = product.watch();
    let before = product.lab.domains();
    // So that init does not start it again: that is left to us.
    let end =
        "sed -i '\\:/etc/reconcile/web.run:d' /etc/inittab; kill -HUP 1; kill -9 $(pidof nginx)";
    for name in ["web-1", "web-2"] {
        product
            .lab
            .in_guest(&product.lab.domain_of(name).address, end);
    }
    watch.wait_for("2 of 2 instances of web fell silent at once", seconds(60));
    product.wait_converged(seconds(90));
    watch.stop();
    assert_eq!(product.lab.domains(), before, "no guest was ended");
}
