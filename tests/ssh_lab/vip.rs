//! The address that moves between guests.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reconcile::model::action::{GuestRef, VipMove};
use reconcile::model::mark::Stage;
use reconcile::ports::Effect;
use reconcile::ports::guest::GuestControl;
use reconcile::ports::hypervisor::HypervisorControl;
use tokio::io::AsyncReadExt;
use tokio::process::Child;

use super::fixture::Lab;
use super::machine::{build, host, mac, removal};
use super::script::output;

const VIP: &str = "192.168.10.120";

#[tokio::test]
async fn a_vip_moves_and_its_neighbours_learn_it_at_once() {
    let (lab, a) = (Lab::new(), host("a"));
    let builds = [
        build("vipa", "192.168.10.71", "gv1", Stage::Ready),
        build("vipb", "192.168.10.72", "gv2", Stage::Ready),
    ];
    for build in &builds {
        // So that both boot at the same time.
        lab.writer.build(&a, build).await.unwrap();
    }
    let (first, second) = (lab.boot(&builds[0]).await, lab.boot(&builds[1]).await);
    put_on(&lab, &first).await;
    output(Command::new("ping").args(["-c1", "-W2", VIP])).unwrap();
    until_the_neighbours_know(&first).await;
    assert_eq!(drop_at_once(&lab, &first).await, Effect::Changed);
    put_on(&lab, &second).await;
    until_the_neighbours_know(&second).await;
    assert_eq!(drop_when_quiet(&lab, &first).await, Effect::AlreadyDone);
    an_open_connection_is_waited_for(&lab, &second).await;
    put_on(&lab, &second).await;
    but_not_for_ever(&lab, &second).await;
    for build in &builds {
        lab.writer.remove(&a, &removal(build)).await.unwrap();
    }
}

async fn put_on(lab: &Lab, guest: &GuestRef) {
    let vip = vip(guest, None);
    assert_eq!(lab.writer.add_vip(&vip).await, Ok(Effect::Changed));
    assert_eq!(lab.writer.add_vip(&vip).await, Ok(Effect::AlreadyDone));
    let own = (guest.address.to_string(), false);
    assert_eq!(lab.addresses(guest).await, [own, (VIP.into(), true)]);
}

/// Nothing is sent to the VIP meanwhile: whoever knows it is told of its move without asking.
async fn until_the_neighbours_know(guest: &GuestRef) {
    let wanted = mac(guest.address.octets()[3]);
    let known = || output(Command::new("ip").args(["neigh", "show", VIP])).unwrap();
    let begin = Instant::now();
    while !known().contains(&wanted) {
        assert!(begin.elapsed() < Duration::from_secs(2), "{}", known());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn an_open_connection_is_waited_for(lab: &Lab, guest: &GuestRef) {
    let begin = Instant::now();
    let mut held = hold("sleep 1.5").await;
    let ended = async {
        assert!(held.wait().await.unwrap().success(), "it was let end");
        Instant::now()
    };
    let dropped = async {
        assert_eq!(drop_when_quiet(lab, guest).await, Effect::Changed);
        Instant::now()
    };
    let (ended, dropped) = tokio::join!(ended, dropped);
    assert!(dropped - begin > Duration::from_millis(1500));
    // No more than a moment from its end to that of the VIP.
    assert!(dropped.saturating_duration_since(ended) < Duration::from_secs(2));
}

async fn but_not_for_ever(lab: &Lab, guest: &GuestRef) {
    let _held = hold("sleep 60").await;
    let begin = Instant::now();
    assert_eq!(drop_when_quiet(lab, guest).await, Effect::Changed);
    assert!(begin.elapsed() > Duration::from_secs(2));
}

async fn drop_at_once(lab: &Lab, guest: &GuestRef) -> Effect {
    lab.writer.drop_vip(&vip(guest, None)).await.unwrap()
}

async fn drop_when_quiet(lab: &Lab, guest: &GuestRef) -> Effect {
    lab.writer.drop_vip(&vip(guest, Some(22))).await.unwrap()
}

fn vip(guest: &GuestRef, quiet_port: Option<u16>) -> VipMove {
    VipMove {
        guest: guest.clone(),
        balancer: "web".parse().unwrap(),
        vip: format!("{VIP}/24").parse().unwrap(),
        quiet_port,
    }
}

/// A connection to the VIP that is open when this returns, for as long as `command` takes.
async fn hold(command: &str) -> Child {
    let mut ssh = tokio::process::Command::new("ssh");
    ssh.arg("-F").arg(Lab::ssh("config"));
    ssh.arg(VIP).arg(format!("echo in; {command}"));
    ssh.stdout(Stdio::piped()).kill_on_drop(true);
    let mut ssh = ssh.spawn().unwrap();
    let mut word = [0; 2];
    let stdout = ssh.stdout.as_mut().unwrap();
    stdout.read_exact(&mut word).await.unwrap();
    ssh
}
