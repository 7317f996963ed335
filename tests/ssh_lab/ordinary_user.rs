//! A host that is reached as an ordinary user, who becomes root by sudo.

use reconcile::model::action::{SetMark, Sweep};
use reconcile::model::desired::{Host, ImageFile, ImageSource};
use reconcile::model::facts::{Answer, DomainState, Seen, Unseen, UnseenKind};
use reconcile::model::mark::Stage;
use reconcile::model::unit::Bytes;
use reconcile::ports::hypervisor::{HostQuery, Hypervisor, HypervisorControl};
use reconcile::ports::{ActError, Effect};

use super::fixture::Lab;
use super::machine::{STORAGE, build, digest, host, query, removal};

/// Every host of a lab has this user. Without a line for sudo, they are nobody.
const USER: &str = "ops";
const LINE: &str = "ops ALL=(root) NOPASSWD: /bin/sh";

fn as_user() -> Host {
    Host {
        user: Some(USER.into()),
        ..host("b")
    }
}

fn allow(lab: &Lab, line: &str) {
    std::fs::write(lab.file("b", "etc/sudoers.d/ops"), format!("{line}\n")).unwrap();
}

fn forbid(lab: &Lab) {
    let _ = std::fs::remove_file(lab.file("b", "etc/sudoers.d/ops"));
}

#[tokio::test]
async fn a_user_without_sudo_is_told_the_line_that_is_missing_and_with_it_all_is_well() {
    let (lab, b) = (Lab::new(), as_user());
    forbid(&lab);
    let refused = refusal(&lab, &b).await;
    assert_eq!(refused.kind, UnseenKind::Refused);
    assert!(refused.message.contains("a password is required"));
    let (_, line) = refused.message.rsplit_once("/etc/sudoers.d: ").unwrap();
    let built = build("nobody", "192.168.10.67", "gn1", Stage::Ready);
    let Err(ActError::Failed(message)) = lab.writer.build(&b, &built).await else {
        panic!()
    };
    assert!(message.contains("a password is required"), "{message}");

    assert_eq!(line, LINE);
    allow(&lab, line);
    lab.facts(&b).await;
}

async fn refusal(lab: &Lab, host: &Host) -> Unseen {
    match lab.reader.observe(host, &query()).await {
        Seen::No(unseen) => unseen,
        Seen::Yes(facts) => panic!("{facts:?}"),
    }
}

#[tokio::test]
async fn a_user_with_sudo_sees_of_a_host_what_root_sees() {
    let lab = Lab::new();
    allow(&lab, LINE);
    let query = HostQuery {
        probe_kvm: true,
        ..query()
    };
    let by_root = lab.reader.observe(&host("b"), &query).await;
    let by_user = lab.reader.observe(&as_user(), &query).await;
    let (Seen::Yes(mut by_root), Seen::Yes(by_user)) = (by_root, by_user) else {
        panic!()
    };
    // Others write to this file system, too.
    by_root.free = by_user.free;
    assert_eq!(by_user, by_root);

    let there = "192.168.10.2".parse().unwrap();
    let answers = lab.reader.who_answers(&as_user(), "br0", &[there]).await;
    assert!(matches!(answers.unwrap()[&there], Answer::Taken { .. }));
}

#[tokio::test]
async fn a_user_with_sudo_builds_marks_fences_and_removes_a_guest() {
    let (lab, b) = (Lab::new(), as_user());
    allow(&lab, LINE);
    let built = build("sudo", "192.168.10.68", "gs1", Stage::Ready);
    let name = &built.machine.domain;
    assert_eq!(lab.writer.build(&b, &built).await, Ok(Effect::Changed));
    assert_eq!(lab.writer.build(&b, &built).await, Ok(Effect::AlreadyDone));

    let mut mark = built.mark.clone();
    mark.port = 8080;
    let set = SetMark {
        host: b.id.clone(),
        domain: name.clone(),
        mark: mark.clone(),
    };
    assert_eq!(lab.writer.set_mark(&b, &set).await, Ok(Effect::Changed));
    let seen = lab.domain(&b, name).await.unwrap();
    assert_eq!(seen.state, DomainState::Running);
    assert_eq!(seen.mark, Some(mark));

    let removal = removal(&built);
    // Frozen: libvirt's own word does not end it soon, so its process is killed.
    lab.lab(&["kill-guest", "b", name.as_str(), "STOP"]);
    assert_eq!(lab.writer.fence(&b, &removal).await, Ok(Effect::Changed));
    assert_eq!(lab.writer.remove(&b, &removal).await, Ok(Effect::Changed));
    assert_eq!(lab.domain(&b, name).await, None);
}

#[tokio::test]
async fn a_user_with_sudo_copies_an_image_file_and_sweeps_up_disks() {
    let (lab, b) = (Lab::new(), as_user());
    allow(&lab, LINE);
    let image = image(&lab);
    assert_eq!(lab.writer.copy_file(&b, &image).await, Ok(Effect::Changed));
    let again = lab.writer.copy_file(&b, &image).await;
    assert_eq!(again, Ok(Effect::AlreadyDone));
    let (sent, arrived) = (&image.source.unwrap().path, lab.file("b", &image.path));
    assert!(std::fs::read(sent).unwrap() == std::fs::read(arrived).unwrap());

    let sweep = Sweep {
        host: b.id.clone(),
        volumes: vec![image.path],
        domains: vec![],
    };
    assert_eq!(lab.writer.sweep(&b, &sweep).await, Ok(Effect::Changed));
}

#[tokio::test]
async fn whoever_the_ssh_configuration_makes_root_copies_to_a_host_that_has_no_sudo() {
    let lab = Lab::new();
    let b = Host {
        user: None,
        ..host("b")
    };
    let image = image(&lab);
    lab.on("b", &["mount", "--bind", "/dev/null", "/usr/bin/sudo"]);
    let copied = lab.writer.copy_file(&b, &image).await;
    lab.on("b", &["umount", "/usr/bin/sudo"]);
    assert_eq!(copied, Ok(Effect::Changed));
    std::fs::remove_file(lab.file("b", &image.path)).unwrap();
}

/// Larger than any buffer on the way, and with bytes that no terminal would leave alone.
fn image(lab: &Lab) -> ImageFile {
    let content: String = ('\0'..'ÿ').cycle().take(2_000_000).collect();
    let local = lab.state.path().join("image");
    std::fs::write(&local, &content).unwrap();
    let source = ImageSource {
        path: local,
        sha256: digest(&content),
        size: Bytes(content.len() as u64),
    };
    ImageFile {
        path: format!("{STORAGE}/by-a-user.img"),
        source: Some(source),
    }
}
