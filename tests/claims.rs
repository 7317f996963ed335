//! Single passes beside other controllers, over the simulated cluster: who may act, and who is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use reconcile::controller::Watcher;
use reconcile::controller::claims::ClaimsOnce;
use reconcile::controller::look::Beats;
use reconcile::execute::{Barred, Hands};
use reconcile::model::desired::Desired;
use reconcile::model::facts::Observed;
use reconcile::model::memory::Memory;
use reconcile::model::plan::NoticeKind;
use reconcile::ports::clock::Clock;
use reconcile::ports::progress::Quiet;
use reconcile::rehearse::wiring;
use reconcile::sim::cluster::Cluster;
use reconcile::spec::{NoFiles, parse};

const FILE: &str = "
cluster: demo
networks:
  lan: { cidr: 10.0.0.0/16, gateway: 10.0.0.1, bridge: br0 }
hosts:
  a: { address: 10.0.0.11, pool: 10.0.1.1-10.0.1.30 }
  b: { address: 10.0.0.12, pool: 10.0.2.1-10.0.2.30 }
images:
  alpine: { path: /var/lib/libvirt/images/alpine.qcow2 }
services:
  api: { replicas: 1, image: alpine, port: 8080 }
";

/// A single pass of a controller.
struct Pass {
    watcher: Watcher,
    hands: Hands,
    claims: ClaimsOnce,
}

impl Pass {
    fn of(cluster: &Arc<Cluster>, desired: &Arc<Desired>) -> Pass {
        let clock = || Arc::clone(cluster) as Arc<dyn Clock>;
        let eyes = wiring::eyes(cluster, clock());
        let hands = wiring::hands(cluster, clock(), Arc::new(Quiet), desired);
        Pass {
            watcher: Watcher::new(Arc::clone(desired), Memory::default(), eyes),
            claims: ClaimsOnce::new(desired, &hands),
            hands,
        }
    }

    async fn look(&mut self) -> Observed {
        self.watcher.round(&Beats::Ask).await.observed
    }

    async fn take(&mut self) -> Result<(), Barred> {
        let observed = self.look().await;
        self.claims.take(&observed).await
    }
}

fn with_two(chance: u64) -> (Pass, Pass) {
    let desired = parse("cluster.yaml", FILE.as_bytes(), &NoFiles);
    let desired = Arc::new(desired.unwrap_or_else(|errors| panic!("{errors}")));
    let cluster = Cluster::new(Arc::clone(&desired));
    let second = cluster.second(chance);
    (Pass::of(&cluster, &desired), Pass::of(&second, &desired))
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_second_is_refused_and_told_by_whom_until_the_first_has_ended() {
    let (mut first, mut second) = with_two(1);
    assert_eq!(first.take().await, Ok(()));
    let Err(Barred::Rival(rivals)) = second.take().await else {
        panic!("the second one may act");
    };
    assert!(
        rivals
            .values()
            .all(|claim| claim.who == "ops@controller, watch")
    );

    let plan = second.watcher.round(&Beats::Ask).await.plan;
    let warned = plan.notices_of(NoticeKind::Warning);
    let said: Vec<&str> = warned.map(|notice| notice.text.as_str()).collect();
    assert!(
        said.iter()
            .any(|text| text.contains("ops@controller, watch, for 0 ms on hosts a, b")),
        "{said:?}"
    );
    // The first one goes on undisturbed.
    assert_eq!(first.take().await, Ok(()));
    first.claims.leave(BTreeMap::new()).await;
    assert_eq!(second.take().await, Ok(()));
    assert!(matches!(first.take().await, Err(Barred::Rival(_))));
}

#[tokio::test(start_paused = true)]
async fn of_two_that_begin_at_the_same_moment_one_may_act() {
    for chance in [0, 1] {
        let (mut first, mut second) = with_two(chance);
        let (one, other) = (first.look().await, second.look().await);
        let both = tokio::join!(first.claims.take(&one), second.claims.take(&other));
        let may = [both.0.is_ok(), both.1.is_ok()];
        assert_eq!(may.iter().filter(|may| **may).count(), 1, "{both:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_was_killed_keeps_others_away_for_as_long_as_its_claim_lasts() {
    let (mut first, mut second) = with_two(1);
    assert_eq!(first.take().await, Ok(()));
    let clock = Arc::clone(&second.hands.clock);
    drop(first);
    clock.sleep(std::time::Duration::from_secs(25)).await;
    assert!(second.take().await.is_err());
    clock.sleep(std::time::Duration::from_secs(6)).await;
    assert_eq!(second.take().await, Ok(()));
}
