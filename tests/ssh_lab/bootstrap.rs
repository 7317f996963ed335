//! Who answers at an address: a fresh guest that has none of its own yet, and another machine than we think.

use std::time::{Duration, Instant};

use reconcile::model::action::{Bootstrap, Build, GuestRef};
use reconcile::model::mark::{Mark, Stage};
use reconcile::ports::guest::{GuestControl, Settle};
use reconcile::ports::hypervisor::HypervisorControl;
use reconcile::ports::{ActError, Effect};

use super::fixture::Lab;
use super::machine::{build, file, guest, host, mac, network, removal};

#[tokio::test]
async fn a_fresh_guest_at_the_bootstrap_address_gets_its_own() {
    let (lab, a) = (Lab::new(), host("a"));
    let built = build("boot", "192.168.10.75", "gb1", Stage::Bootstrap);
    lab.writer.build(&a, &built).await.unwrap();
    let bootstrap = bootstrap(&built);
    assert_eq!(bootstrapped(&lab, &bootstrap).await, Ok(Effect::Changed));
    let again = lab.writer.bootstrap(&bootstrap).await;
    assert_eq!(again, Ok(Effect::AlreadyDone));

    // Another guest that answers there is left alone.
    let mut other = bootstrap.clone();
    other.network.mac = mac(1);
    other.guest.address = "192.168.10.76".parse().unwrap();
    let Err(ActError::Moved(message)) = lab.writer.bootstrap(&other).await else {
        panic!()
    };
    assert!(message.contains("another one"), "{message}");

    lab.wait_for(&bootstrap.guest).await;
    let settle = Settle {
        guest: &bootstrap.guest,
        interfaces: &bootstrap.interfaces,
        network: &bootstrap.network,
        old: bootstrap.bootstrap,
    };
    assert_eq!(lab.writer.settle(&settle).await, Ok(Effect::Changed));
    let own = [("192.168.10.75".into(), false)];
    assert_eq!(lab.addresses(&bootstrap.guest).await, own);
    lab.writer.remove(&a, &removal(&built)).await.unwrap();
}

fn bootstrap(built: &Build) -> Bootstrap {
    Bootstrap {
        guest: guest(built),
        network: network(built),
        bootstrap: "192.168.10.9".parse().unwrap(),
        domain: built.machine.domain.clone(),
        interfaces: file("/etc/network/interfaces", "auto lo\n"),
        mark: Mark {
            stage: Stage::Ready,
            ..built.mark.clone()
        },
        grace: Duration::from_secs(30),
    }
}

/// What comes of it when the guest is up.
async fn bootstrapped(lab: &Lab, bootstrap: &Bootstrap) -> Result<Effect, ActError> {
    let begin = Instant::now();
    loop {
        match lab.writer.bootstrap(bootstrap).await {
            Err(ActError::Unreachable(unseen)) => {
                assert!(begin.elapsed() < Duration::from_secs(60), "{unseen:?}")
            }
            done => return done,
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn another_machine_at_a_guest_s_address_is_not_taken_for_it() {
    let (lab, a) = (Lab::new(), host("a"));
    let first = build("who", "192.168.10.77", "gw1", Stage::Ready);
    let guest_then = lab.boot(&first).await;
    // Rebuilt behind our back, by somebody who kept the old generation: same address, other key.
    let (base, disk) = (&first.machine.base, &first.machine.disk);
    let rebuild = format!(
        "virsh destroy t-who-1; rm {disk} && qemu-img create -q -f qcow2 -b {base} -F qcow2 {disk} && virsh start t-who-1"
    );
    lab.on("a", &["sh", "-c", &rebuild]);
    until_its_key_is_refused(&lab, &guest_then).await;
    // A new life of ours is known anew.
    let mut second = build("who", "192.168.10.77", "gw2", Stage::Ready);
    second.replaces = Some("gw1".into());
    lab.boot(&second).await;
    lab.writer.remove(&a, &removal(&second)).await.unwrap();
}

async fn until_its_key_is_refused(lab: &Lab, guest: &GuestRef) {
    let begin = Instant::now();
    loop {
        match lab.writer.reach(guest).await {
            Err(ActError::Unreachable(unseen)) if unseen.message.contains("host key") => return,
            Ok(()) => panic!("let in"),
            Err(error) => assert!(begin.elapsed() < Duration::from_secs(60), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
