//! How long things take. The figures are printed; the bounds are those that must hold on a slow machine, too.

use std::time::{Duration, Instant};

use reconcile::model::mark::Stage;
use reconcile::ports::guest::{GuestQuery, Guests};
use reconcile::ports::hypervisor::HypervisorControl;

use super::fixture::{Lab, build, guest, host, removal};

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_look_at_a_host_with_three_domains_over_an_open_connection() {
    let (lab, a) = (Lab::new(), host("a"));
    let builds = ["c", "dd", "eee"].map(|group| {
        build(
            group,
            &format!("192.168.10.{}", 64 + group.len()),
            "g1",
            Stage::Ready,
        )
    });
    let begin = Instant::now();
    for build in &builds {
        lab.writer.build(&a, build).await.unwrap();
    }
    println!("building three: {:?}", begin.elapsed());
    let begin = Instant::now();
    lab.wait_for(&guest(&builds[0])).await;
    println!("until the first lets us in: {:?}", begin.elapsed());
    lab.facts(&a).await;
    let mut looks: Vec<Duration> = Vec::new();
    for _ in 0..15 {
        let begin = Instant::now();
        lab.facts(&a).await;
        looks.push(begin.elapsed());
    }
    looks.sort();
    println!(
        "a look at a host with three domains: median {:?}, worst {:?}",
        looks[7], looks[14]
    );
    let query = GuestQuery::default();
    let mut inside = Vec::new();
    for _ in 0..8 {
        let begin = Instant::now();
        assert!(
            lab.reader
                .observe(&guest(&builds[0]), &query)
                .await
                .facts()
                .is_some()
        );
        inside.push(begin.elapsed());
    }
    println!("looks into a guest: {inside:?}");
    for build in &builds {
        lab.writer.remove(&a, &removal(build)).await.unwrap();
    }
    assert!(looks[7] < Duration::from_millis(400));
}

/// What a process does that connects to nobody.
#[tokio::test]
#[ignore = "needs the lab"]
async fn nothing_but_a_reader() {
    drop(Lab::new());
}
