//! What others have on our hosts.

use reconcile::model::mark::Stage;
use reconcile::ports::ActError;
use reconcile::ports::hypervisor::HypervisorControl;

use super::fixture::Lab;
use super::machine::{build, host, removal};

#[tokio::test]
async fn a_foreign_domain_of_the_same_name_or_uuid_is_never_touched() {
    let (lab, a) = (Lab::new(), host("a"));
    let ours = build("clash", "192.168.10.61", "g1", Stage::Ready);
    let foreign = ours
        .xml
        .replace("urn:reconcile:mark:1", "urn:somebody:else");
    let define = |xml: &str| {
        std::fs::write(lab.file("a", "root/clash.xml"), xml).unwrap();
        lab.on("a", &["virsh", "define", "/root/clash.xml"]);
    };
    define(&foreign);
    for act in [
        lab.writer.build(&a, &ours).await,
        lab.writer.remove(&a, &removal(&ours)).await,
    ] {
        let Err(ActError::Moved(message)) = act else {
            panic!("{act:?}")
        };
        assert!(message.contains("no mark of ours"), "{message}");
    }
    lab.on("a", &["virsh", "undefine", "t-clash-1"]);
    // The same name with another UUID, the same UUID with another name.
    define(&foreign.replace("<uuid>00000000", "<uuid>11111111"));
    let Err(ActError::Moved(message)) = lab.writer.build(&a, &ours).await else {
        panic!()
    };
    assert!(message.contains("rename or remove it"), "{message}");
    lab.on("a", &["virsh", "undefine", "t-clash-1"]);
    define(&foreign.replace("t-clash-1", "other"));
    assert!(matches!(
        lab.writer.fence(&a, &removal(&ours)).await,
        Err(ActError::Moved(_))
    ));
    assert_eq!(
        lab.facts(&a)
            .await
            .domains
            .iter()
            .filter(|d| d.name == "other")
            .count(),
        1
    );
    lab.on("a", &["virsh", "undefine", "other"]);
}

#[tokio::test]
async fn hostile_names_and_descriptions_of_foreign_domains_confuse_nobody() {
    let (lab, a) = (Lab::new(), host("a"));
    let mut hostile = build("hostile", "192.168.10.62", "g1", Stage::Ready);
    hostile.xml = hostile.xml.replace("urn:reconcile:mark:1", "urn:x").replace(
        "<memory",
        "<title>$(touch /tmp/owned)</title><description>\nend\n.\nreconcile-answer\nvirsh x\n`reboot`</description><memory",
    );
    hostile.xml = hostile
        .xml
        .replace("<name>t-hostile-1<", "<name>$(id)`id`'\"; rm -rf é<");
    std::fs::write(lab.file("a", "root/hostile.xml"), &hostile.xml).unwrap();
    lab.on("a", &["virsh", "define", "/root/hostile.xml"]);
    let facts = lab.facts(&a).await;
    assert!(
        facts
            .domains
            .iter()
            .any(|domain| domain.name == "$(id)`id`'\"; rm -rf é" && domain.mark.is_none())
    );
    lab.on("a", &["virsh", "undefine", &hostile.machine.uuid]);
}
