//! A guest from its building to its removal, on its host.

use std::time::{Duration, Instant};

use reconcile::model::action::{Build, SetMark};
use reconcile::model::facts::DomainState;
use reconcile::model::id::DomainName;
use reconcile::model::mark::Stage;
use reconcile::ports::hypervisor::HypervisorControl;
use reconcile::ports::{ActError, Effect};

use super::fixture::Lab;
use super::machine::{build, guest, host, removal};

#[tokio::test]
async fn a_guest_is_built_marked_fenced_rebuilt_and_removed() {
    let (lab, a) = (Lab::new(), host("a"));
    let (first, name) = (life("g1", None), life("g1", None).machine.domain);
    assert_eq!(lab.writer.build(&a, &first).await, Ok(Effect::Changed));
    assert_eq!(lab.writer.build(&a, &first).await, Ok(Effect::AlreadyDone));
    let domain = lab.domain(&a, &name).await.unwrap();
    assert_eq!(domain.state, DomainState::Running);
    assert_eq!(domain.mark, Some(first.mark.clone()));
    let volumes = lab.facts(&a).await.volumes;
    for volume in ["t-life-1.qcow2", "t-life-1.seed"] {
        assert!(volumes.contains_key(volume), "{volumes:?}");
    }
    is_marked(&lab, &first).await;
    is_left_alone_by_stale_plans(&lab, &name).await;
    is_fenced_though_it_is_frozen(&lab, &first).await;

    let second = life("g2", Some("g1"));
    assert_eq!(lab.writer.build(&a, &second).await, Ok(Effect::Changed));
    let rebuilt = lab.domain(&a, &name).await.unwrap();
    assert_eq!(rebuilt.uuid, domain.uuid);
    assert_eq!(rebuilt.mark, Some(second.mark));
    // A running guest is rebuilt like one that ended.
    let third = life("g3", Some("g2"));
    assert_eq!(lab.writer.build(&a, &third).await, Ok(Effect::Changed));

    let (removal, writer) = (removal(&third), &lab.writer);
    assert_eq!(writer.remove(&a, &removal).await, Ok(Effect::Changed));
    assert_eq!(writer.remove(&a, &removal).await, Ok(Effect::AlreadyDone));
    assert_eq!(lab.domain(&a, &name).await, None);
}

fn life(generation: &str, replaces: Option<&str>) -> Build {
    Build {
        replaces: replaces.map(str::to_owned),
        ..build("life", "192.168.10.60", generation, Stage::Ready)
    }
}

async fn is_marked(lab: &Lab, built: &Build) {
    let (a, domain) = (host("a"), built.machine.domain.clone());
    let mut mark = built.mark.clone();
    mark.port = 8080;
    let set = SetMark {
        host: a.id.clone(),
        domain,
        mark,
    };
    assert_eq!(lab.writer.set_mark(&a, &set).await, Ok(Effect::Changed));
    assert_eq!(lab.writer.set_mark(&a, &set).await, Ok(Effect::AlreadyDone));
    let seen = lab.domain(&a, &set.domain).await.unwrap();
    assert_eq!(seen.mark, Some(set.mark));
}

/// About a life that is over or was never.
async fn is_left_alone_by_stale_plans(lab: &Lab, name: &DomainName) {
    let a = host("a");
    let before = lab.domain(&a, name).await.unwrap();
    let stale = removal(&life("g9", None));
    for act in [
        lab.writer.build(&a, &life("g9", None)).await,
        lab.writer.build(&a, &life("g9", Some("g0"))).await,
        lab.writer.fence(&a, &stale).await,
        lab.writer.remove(&a, &stale).await,
    ] {
        assert!(matches!(act, Err(ActError::Moved(_))), "{act:?}");
    }
    assert_eq!(lab.domain(&a, name).await.unwrap().run, before.run);
}

async fn is_fenced_though_it_is_frozen(lab: &Lab, built: &Build) {
    let (a, name, removal) = (host("a"), &built.machine.domain, removal(built));
    lab.lab(&["kill-guest", "a", name.as_str(), "STOP"]);
    let begin = Instant::now();
    assert_eq!(lab.writer.fence(&a, &removal).await, Ok(Effect::Changed));
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(8), "libvirt alone takes ten");
    let again = lab.writer.fence(&a, &removal).await;
    assert_eq!(again, Ok(Effect::AlreadyDone));
    assert_eq!(lab.domain(&a, name).await.unwrap().state, DomainState::Off);
}

/// At moments from before its first step to after its last one.
#[tokio::test]
async fn a_rebuild_that_is_killed_anywhere_is_finished_by_the_next_one() {
    let (lab, a) = (Lab::new(), host("a"));
    let of_life = |generation: &str| build("killed", "192.168.10.78", generation, Stage::Ready);
    let mut built = of_life("g0");
    lab.writer.build(&a, &built).await.unwrap();
    for delay in [20, 60, 100, 150, 200, 260, 330, 420, 550] {
        let killed = Build {
            replaces: Some(built.mark.generation.clone()),
            ..of_life(&format!("g{delay}"))
        };
        built_but_killed(&lab, &killed, delay).await;
        // The mark was never lost: whoever looks knows which life it is, and so the next plan what it replaces.
        let seen = lab.domain(&a, &killed.machine.domain).await.unwrap();
        let mark = seen.mark.unwrap();
        assert_eq!(mark.address, built.mark.address);
        built = Build {
            replaces: Some(mark.generation),
            ..of_life(&format!("h{delay}"))
        };
        assert_eq!(lab.writer.build(&a, &built).await, Ok(Effect::Changed));
        let seen = lab.domain(&a, &built.machine.domain).await.unwrap();
        assert_eq!(seen.state, DomainState::Running);
    }
    lab.wait_for(&guest(&built)).await;
    lab.writer.remove(&a, &removal(&built)).await.unwrap();
}

/// It may be through before: on a fast host, or when it is killed late.
async fn built_but_killed(lab: &Lab, build: &Build, delay: u64) {
    let kill = async {
        tokio::time::sleep(Duration::from_millis(delay)).await;
        lab.try_on("a", &["pkill", "-KILL", "-x", "-f", "sh -s"]);
    };
    let a = host("a");
    let _ = tokio::join!(lab.writer.build(&a, build), kill);
}
