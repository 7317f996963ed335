//! A guest that gets another address while it runs.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use reconcile::model::action::{Build, GuestRef, Rebind, SetMark, VipMove};
use reconcile::model::desired::Heartbeat;
use reconcile::model::mark::{Mark, Stage};
use reconcile::ports::Effect;
use reconcile::ports::guest::{GuestControl, Settle};
use reconcile::ports::hypervisor::HypervisorControl;

use super::fixture::Lab;
use super::machine::{build, file, guest, host, network, removal};

#[tokio::test]
async fn a_guest_that_hears_no_more_from_us_drops_its_new_address() {
    let (lab, a) = (Lab::new(), host("a"));
    let built = build("fall", "192.168.10.65", "gf1", Stage::Ready);
    let guest = lab.boot(&built).await;
    let hasty = rebind(&built, "192.168.10.66", 2);
    assert_eq!(lab.writer.add_address(&hasty).await, Ok(Effect::Changed));
    let both = addresses(["192.168.10.65", "192.168.10.66"]);
    assert_eq!(lab.addresses(&guest).await, both);
    let begin = Instant::now();
    while lab.addresses(&guest).await == both {
        assert!(begin.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(lab.addresses(&guest).await, addresses(["192.168.10.65"]));
    lab.writer.remove(&a, &removal(&built)).await.unwrap();
}

#[tokio::test]
async fn a_guest_moves_to_another_address_and_keeps_its_vip() {
    let (lab, a) = (Lab::new(), host("a"));
    let built = build("move", "192.168.10.73", "gm1", Stage::Ready);
    let at_old = lab.boot(&built).await;
    let patient = with_both_addresses(&lab, &built).await;
    assert_eq!(marked(&lab, &patient).await, Ok(Effect::Changed));

    let at_new = GuestRef {
        address: patient.to,
        ..at_old.clone()
    };
    lab.wait_for(&at_new).await;
    lab.writer.add_vip(&vip(&at_new)).await.unwrap();
    let settle = Settle {
        guest: &at_new,
        interfaces: &patient.interfaces,
        network: &patient.network,
        old: at_old.address,
    };
    assert_eq!(lab.writer.settle(&settle).await, Ok(Effect::Changed));
    assert_eq!(lab.writer.settle(&settle).await, Ok(Effect::AlreadyDone));
    let mut settled = addresses(["192.168.10.74", "192.168.10.121"]);
    settled[1].1 = true;
    assert_eq!(lab.addresses(&at_new).await, settled);
    let facts = lab.look(&at_new, &[&patient.interfaces]).await;
    assert_eq!(facts.files[&patient.interfaces.path].content, None);
    lab.writer.remove(&a, &removal(&built)).await.unwrap();
}

/// A first try's fallback does not undo a second try.
async fn with_both_addresses(lab: &Lab, built: &Build) -> Rebind {
    let hasty = rebind(built, "192.168.10.74", 2);
    assert_eq!(lab.writer.add_address(&hasty).await, Ok(Effect::Changed));
    let patient = rebind(built, "192.168.10.74", 60);
    let again = lab.writer.add_address(&patient).await;
    assert_eq!(again, Ok(Effect::AlreadyDone));
    // That nothing happens can't be waited for but by letting its time pass.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let both = addresses(["192.168.10.73", "192.168.10.74"]);
    assert_eq!(lab.addresses(&guest(built)).await, both);
    patient
}

async fn marked(lab: &Lab, rebind: &Rebind) -> Result<Effect, reconcile::ports::ActError> {
    let a = host("a");
    let set = SetMark {
        host: a.id.clone(),
        domain: rebind.domain.clone(),
        mark: rebind.moving.clone(),
    };
    let effect = lab.writer.set_mark(&a, &set).await;
    let seen = lab.domain(&a, &rebind.domain).await.unwrap();
    assert_eq!(seen.mark.as_ref(), Some(&rebind.moving));
    effect
}

fn addresses<const N: usize>(own: [&str; N]) -> Vec<(String, bool)> {
    own.map(|address| (address.to_owned(), false)).to_vec()
}

fn vip(guest: &GuestRef) -> VipMove {
    VipMove {
        guest: guest.clone(),
        balancer: "web".parse().unwrap(),
        vip: "192.168.10.121/24".parse().unwrap(),
        quiet_port: None,
    }
}

fn rebind(built: &Build, to: &str, fallback: u64) -> Rebind {
    let to: Ipv4Addr = to.parse().unwrap();
    Rebind {
        guest: guest(built),
        domain: built.machine.domain.clone(),
        to,
        network: network(built),
        interfaces: file("/etc/network/interfaces", "auto lo\n# moved\n"),
        moving: Mark {
            moving_to: Some(to),
            ..built.mark.clone()
        },
        moved: Mark {
            address: to,
            ..built.mark.clone()
        },
        fallback: Duration::from_secs(fallback),
        healthy: (heartbeat(), Duration::ZERO),
    }
}

fn heartbeat() -> Heartbeat {
    Heartbeat {
        path: "/".into(),
        port: 80,
        every: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        retries: 4,
        grace: Duration::from_secs(1),
    }
}
