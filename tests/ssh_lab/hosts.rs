//! Acts on hosts.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use reconcile::adapters::ssh_reader::SshReader;
use reconcile::model::action::{SetMark, Sweep};
use reconcile::model::desired::{ImageFile, ImageSource, SshAccess};
use reconcile::model::facts::{Answer, DomainState, Seen, UnseenKind};
use reconcile::model::mark::Stage;
use reconcile::model::unit::Bytes;
use reconcile::ports::hypervisor::{HostQuery, Hypervisor, HypervisorControl};
use reconcile::ports::{ActError, Effect};

use super::fixture::{Lab, STORAGE, build, digest, host, query, removal};

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_guest_is_built_marked_fenced_rebuilt_and_removed() {
    let (lab, a) = (Lab::new(), host("a"));
    let first = build("life", "192.168.10.60", "g1", Stage::Ready);
    let name = first.machine.domain.clone();
    lab.clean(name.as_str());
    assert_eq!(lab.writer.build(&a, &first).await, Ok(Effect::Changed));
    assert_eq!(lab.writer.build(&a, &first).await, Ok(Effect::AlreadyDone));
    let domain = lab.domain(&a, &name).await.unwrap();
    assert_eq!(
        (domain.state, domain.mark.as_ref()),
        (DomainState::Running, Some(&first.mark))
    );
    let volumes = lab.facts(&a).await.volumes;
    assert!(
        volumes.contains(&"t-life-1.qcow2".to_owned())
            && volumes.contains(&"t-life-1.seed".to_owned())
    );

    let mut mark = first.mark.clone();
    mark.port = 8080;
    let set = SetMark {
        host: a.id.clone(),
        domain: name.clone(),
        mark: mark.clone(),
    };
    assert_eq!(lab.writer.set_mark(&a, &set).await, Ok(Effect::Changed));
    assert_eq!(lab.writer.set_mark(&a, &set).await, Ok(Effect::AlreadyDone));
    assert_eq!(lab.domain(&a, &name).await.unwrap().mark, Some(mark));

    // A stale plan, about a life that is over or was never, touches nothing.
    let mut stale = build("life", "192.168.10.60", "g9", Stage::Ready);
    assert!(matches!(
        lab.writer.build(&a, &stale).await,
        Err(ActError::Moved(_))
    ));
    stale.replaces = Some("g0".into());
    assert!(matches!(
        lab.writer.build(&a, &stale).await,
        Err(ActError::Moved(_))
    ));
    assert!(matches!(
        lab.writer.fence(&a, &removal(&stale)).await,
        Err(ActError::Moved(_))
    ));
    assert!(matches!(
        lab.writer.remove(&a, &removal(&stale)).await,
        Err(ActError::Moved(_))
    ));
    assert_eq!(lab.domain(&a, &name).await.unwrap().run, domain.run);

    // A frozen guest is ended as fast as any other.
    lab.lab(&["kill-guest", "a", name.as_str(), "STOP"]);
    let begin = Instant::now();
    assert_eq!(
        lab.writer.fence(&a, &removal(&first)).await,
        Ok(Effect::Changed)
    );
    println!("fencing a frozen guest: {:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(4));
    assert_eq!(
        lab.writer.fence(&a, &removal(&first)).await,
        Ok(Effect::AlreadyDone)
    );
    assert_eq!(lab.domain(&a, &name).await.unwrap().state, DomainState::Off);

    let mut second = build("life", "192.168.10.60", "g2", Stage::Ready);
    second.replaces = Some("g1".into());
    assert_eq!(lab.writer.build(&a, &second).await, Ok(Effect::Changed));
    let rebuilt = lab.domain(&a, &name).await.unwrap();
    assert_eq!(
        (rebuilt.uuid, rebuilt.mark),
        (domain.uuid, Some(second.mark.clone()))
    );
    let begin = Instant::now();
    let mut third = build("life", "192.168.10.60", "g3", Stage::Ready);
    third.replaces = Some("g2".into());
    assert_eq!(lab.writer.build(&a, &third).await, Ok(Effect::Changed));
    println!("recreating a running guest: {:?}", begin.elapsed());

    assert_eq!(
        lab.writer.remove(&a, &removal(&third)).await,
        Ok(Effect::Changed)
    );
    assert_eq!(
        lab.writer.remove(&a, &removal(&third)).await,
        Ok(Effect::AlreadyDone)
    );
    assert_eq!(lab.domain(&a, &name).await, None);
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_foreign_domain_of_the_same_name_or_uuid_is_never_touched() {
    let (lab, a) = (Lab::new(), host("a"));
    let ours = build("clash", "192.168.10.61", "g1", Stage::Ready);
    let foreign = ours
        .xml
        .replace("urn:reconcile:mark:1", "urn:somebody:else");
    let define = |xml: &str| {
        std::fs::write(lab.dir.join("hosts/a/fs/root/clash.xml"), xml).unwrap();
        let output = lab.on("a", &["virsh", "define", "/root/clash.xml"]);
        assert!(output.status.success(), "{output:?}");
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
#[ignore = "needs the lab"]
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
    std::fs::write(lab.dir.join("hosts/a/fs/root/hostile.xml"), &hostile.xml).unwrap();
    let output = lab.on("a", &["virsh", "define", "/root/hostile.xml"]);
    assert!(output.status.success(), "{output:?}");
    let facts = lab.facts(&a).await;
    assert!(
        facts
            .domains
            .iter()
            .any(|domain| domain.name == "$(id)`id`'\"; rm -rf é" && domain.mark.is_none())
    );
    lab.on("a", &["virsh", "undefine", &hostile.machine.uuid]);
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_file_is_copied_resumed_and_redone_when_it_is_broken() {
    let (lab, a) = (Lab::new(), host("a"));
    let local = lab.state.path().join("image");
    let content: String = (0..3_000_000)
        .map(|n| char::from(b'a' + (n % 23) as u8))
        .collect();
    std::fs::write(&local, &content).unwrap();
    let path = format!("{STORAGE}/it's a copy.img");
    let source = ImageSource {
        path: local,
        sha256: digest(&content),
        size: Bytes(content.len() as u64),
    };
    let copy = ImageFile {
        path: path.clone(),
        source: Some(source),
    };
    let fs = lab.dir.join("hosts/a/fs");
    let on_host = fs.join(path.trim_start_matches('/'));
    let part = on_host.with_file_name("it's a copy.img.part");
    let sidecar = on_host.with_file_name("it's a copy.img.sha256");
    for file in [&on_host, &part, &sidecar] {
        let _ = std::fs::remove_file(file);
    }

    let begin = Instant::now();
    assert_eq!(lab.writer.copy_file(&a, &copy).await, Ok(Effect::Changed));
    println!("copying 3 MB: {:?}", begin.elapsed());
    assert_eq!(
        lab.writer.copy_file(&a, &copy).await,
        Ok(Effect::AlreadyDone)
    );
    let query = HostQuery {
        files: BTreeSet::from([path.clone(), "/no/such".into()]),
        ..query()
    };
    let Seen::Yes(facts) = lab.reader.observe(&a, &query).await else {
        panic!()
    };
    assert_eq!(
        facts.files[&path].sha256.as_deref(),
        Some(digest(&content).as_str())
    );
    assert_eq!(facts.files.len(), 1);

    // Somebody wrote to the file since: its digest is not believed any more.
    std::thread::sleep(Duration::from_millis(20));
    std::fs::write(&on_host, "x").unwrap();
    let Seen::Yes(facts) = lab.reader.observe(&a, &query).await else {
        panic!()
    };
    assert_eq!(facts.files[&path].sha256, None);

    for (left, what) in [
        (&content[..1_000_000], "a good half"),
        ("something else", "a bad half"),
        (&content, "all of it"),
    ] {
        std::fs::remove_file(&on_host).unwrap();
        std::fs::write(&part, left).unwrap();
        assert_eq!(
            lab.writer.copy_file(&a, &copy).await,
            Ok(Effect::Changed),
            "{what}"
        );
        assert_eq!(
            std::fs::read_to_string(&on_host).unwrap(),
            content,
            "{what}"
        );
        assert!(!part.exists());
    }
    // Two at once: one of them does it.
    std::fs::remove_file(&on_host).unwrap();
    let both = tokio::join!(
        lab.writer.copy_file(&a, &copy),
        lab.writer.copy_file(&a, &copy)
    );
    println!("{both:?}");
    assert_eq!(std::fs::read_to_string(&on_host).unwrap(), content);
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn leftover_disks_are_swept_unless_their_domain_is_there() {
    let (lab, a) = (Lab::new(), host("a"));
    let kept = build("kept", "192.168.10.63", "g1", Stage::Ready);
    lab.clean(kept.machine.domain.as_str());
    lab.writer.build(&a, &kept).await.unwrap();
    let dir = lab.dir.join("hosts/a/fs/var/lib/libvirt/images/ssh-lab");
    std::fs::write(dir.join("t-gone-1.qcow2"), "x").unwrap();
    let sweep = |domain: &str, group: &str| Sweep {
        host: a.id.clone(),
        volumes: vec![format!("{STORAGE}/ssh-lab/{domain}.qcow2")],
        domains: vec![
            build(group, "192.168.10.64", "g", Stage::Ready)
                .machine
                .domain,
        ],
    };
    assert_eq!(
        lab.writer.sweep(&a, &sweep("t-gone-1", "gone")).await,
        Ok(Effect::Changed)
    );
    assert_eq!(
        lab.writer.sweep(&a, &sweep("t-gone-1", "gone")).await,
        Ok(Effect::AlreadyDone)
    );
    assert!(matches!(
        lab.writer.sweep(&a, &sweep("t-kept-1", "kept")).await,
        Err(ActError::Moved(_))
    ));
    lab.writer.remove(&a, &removal(&kept)).await.unwrap();
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn who_holds_an_address_is_asked_on_the_wire() {
    let (lab, a) = (Lab::new(), host("a"));
    let there = "192.168.10.3".parse().unwrap();
    let nobody = [
        "192.168.10.98".parse().unwrap(),
        "192.168.10.99".parse().unwrap(),
    ];
    let begin = Instant::now();
    let answers = lab.reader.who_answers(&a, "br0", &[there]).await.unwrap();
    println!("asking for one that answers: {:?}", begin.elapsed());
    assert_eq!(
        answers[&there],
        Answer::Taken {
            mac: "52:54:00:a8:0a:03".into()
        }
    );
    let begin = Instant::now();
    let answers = lab
        .reader
        .who_answers(&a, "br0", &[nobody[0], there, nobody[1]])
        .await
        .unwrap();
    println!("asking for two that don't: {:?}", begin.elapsed());
    assert_eq!(answers[&nobody[0]], Answer::Silence);
    assert_eq!(answers[&nobody[1]], Answer::Silence);
    assert!(matches!(answers[&there], Answer::Taken { .. }));
    assert!(begin.elapsed() < Duration::from_secs(3));
    assert!(
        lab.reader
            .who_answers(&a, "no-bridge", &[there])
            .await
            .is_err()
    );
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn kvm_that_only_seems_to_work_is_found_out_once_per_boot() {
    let (lab, a) = (Lab::new(), host("a"));
    lab.on("a", &["rm", "-f", "/run/reconcile/kvm"]);
    let probing = HostQuery {
        probe_kvm: true,
        ..query()
    };
    for what in ["asked", "remembered"] {
        let begin = Instant::now();
        let Seen::Yes(facts) = lab.reader.observe(&a, &probing).await else {
            panic!()
        };
        println!(
            "whether KVM works, {what}: {:?} in {:?}",
            facts.kvm,
            begin.elapsed()
        );
        assert!(facts.kvm.is_some());
    }
    assert_eq!(lab.facts(&a).await.kvm, None);
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_host_that_can_t_be_seen_says_why() {
    let lab = Lab::new();
    let unseen = |seen: Seen<_>| match seen {
        Seen::No(unseen) => unseen,
        Seen::Yes(facts) => panic!("{facts:?}"),
    };
    let mut nobody = host("a");
    nobody.address = "192.168.10.77".into();
    let begin = Instant::now();
    let answer = unseen(lab.reader.observe(&nobody, &query()).await);
    println!("nobody: {answer:?} in {:?}", begin.elapsed());
    assert_eq!(answer.kind, UnseenKind::Unreachable);
    assert!(begin.elapsed() < Duration::from_secs(7));

    // With no known host keys; with a wrong one; with a key of nobody.
    let dir = tempfile::tempdir().unwrap();
    let known = dir.path().join("known hosts");
    let with = |access: SshAccess| SshReader::new(&access, dir.path()).unwrap();
    let access = SshAccess {
        known_hosts: Some(known.clone()),
        ..Lab::access(&lab.dir)
    };
    let answer = unseen(with(access.clone()).observe(&host("a"), &query()).await);
    println!("unknown: {answer:?}");
    assert_eq!(answer.kind, UnseenKind::Refused);
    assert!(answer.message.contains("ssh-keyscan"));
    let wrong = std::fs::read_to_string(lab.dir.join("ssh/known_hosts")).unwrap();
    let wrong: Vec<&str> = wrong
        .lines()
        .filter(|line| line.starts_with("192.168.10.3 "))
        .collect();
    std::fs::write(&known, wrong[0].replace("192.168.10.3", "192.168.10.2")).unwrap();
    let answer = unseen(with(access.clone()).observe(&host("a"), &query()).await);
    println!("changed: {answer:?}");
    assert_eq!(answer.kind, UnseenKind::HostKeyChanged);
    assert!(answer.message.contains("ssh-keygen -R"));

    let key = dir.path().join("key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    std::fs::write(
        dir.path().join("config"),
        "Host a\n HostName 192.168.10.2\n",
    )
    .unwrap();
    let access = SshAccess {
        identity: Some(key),
        known_hosts: Some(lab.dir.join("ssh/known_hosts")),
        config: Some(dir.path().join("config")),
        ..SshAccess::default()
    };
    let answer = unseen(with(access).observe(&host("a"), &query()).await);
    println!("not let in: {answer:?}");
    assert_eq!(answer.kind, UnseenKind::Refused);
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_connection_that_broke_is_opened_again_and_a_dead_libvirt_is_no_empty_host() {
    let (lab, b) = (Lab::new(), host("b"));
    lab.facts(&b).await;
    // All of sshd's sessions on the host, as a reboot would end them.
    lab.on("b", &["pkill", "-KILL", "-f", "sshd: root"]);
    lab.facts(&b).await;

    lab.on("b", &["pkill", "-STOP", "-x", "libvirtd"]);
    let begin = Instant::now();
    let seen = Hypervisor::observe(&*lab.reader, &b, &query()).await;
    lab.on("b", &["pkill", "-CONT", "-x", "libvirtd"]);
    println!("a libvirtd that hangs: {seen:?} in {:?}", begin.elapsed());
    let Seen::No(unseen) = seen else { panic!() };
    assert_eq!(unseen.kind, UnseenKind::Broken);
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_host_whose_cable_is_cut_holds_nobody_up() {
    let (lab, b) = (Lab::new(), host("b"));
    lab.facts(&b).await;
    lab.lab(&["cut", "b"]);
    let begin = Instant::now();
    let first = Hypervisor::observe(&*lab.reader, &b, &query()).await;
    let first_took = begin.elapsed();
    let begin = Instant::now();
    let second = Hypervisor::observe(&*lab.reader, &b, &query()).await;
    let second_took = begin.elapsed();
    lab.lab(&["mend", "b"]);
    println!("cut: {first:?} in {first_took:?}, then {second:?} in {second_took:?}");
    assert!(first.facts().is_none() && second.facts().is_none());
    assert!(first_took < Duration::from_secs(21) && second_took < Duration::from_secs(7));
    lab.facts(&b).await;
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_rebuild_that_is_killed_anywhere_is_finished_by_the_next_one() {
    let (lab, a) = (Lab::new(), host("a"));
    let mut built = build("killed", "192.168.10.78", "g0", Stage::Ready);
    lab.clean(built.machine.domain.as_str());
    lab.writer.build(&a, &built).await.unwrap();
    for (round, delay) in [20, 60, 100, 150, 200, 260, 330, 420, 550]
        .into_iter()
        .enumerate()
    {
        let mut next = build(
            "killed",
            "192.168.10.78",
            &format!("g{}", round + 1),
            Stage::Ready,
        );
        next.replaces = Some(built.mark.generation.clone());
        let cut = async {
            tokio::time::sleep(Duration::from_millis(delay)).await;
            lab.on("a", &["pkill", "-KILL", "-x", "-f", "sh -s"]);
        };
        let (act, ()) = tokio::join!(lab.writer.build(&a, &next), cut);
        // The mark was never lost: whoever looks knows which life it is, and so the next plan what it replaces.
        let domain = lab.domain(&a, &built.machine.domain).await.unwrap();
        let seen = domain.mark.unwrap();
        assert_eq!(seen.address, built.mark.address);
        println!(
            "killed after {delay} ms: {act:?}; then {} is {:?}",
            seen.generation, domain.state
        );
        let mut again = build(
            "killed",
            "192.168.10.78",
            &format!("h{round}"),
            Stage::Ready,
        );
        again.replaces = Some(seen.generation);
        assert_eq!(lab.writer.build(&a, &again).await, Ok(Effect::Changed));
        assert_eq!(
            lab.domain(&a, &built.machine.domain).await.unwrap().state,
            DomainState::Running
        );
        built = again;
    }
    lab.wait_for(&super::fixture::guest(&built)).await;
    lab.writer.remove(&a, &removal(&built)).await.unwrap();
}

/// Not a test: what `a_killed_process_…` starts and kills.
#[tokio::test]
#[ignore = "needs the lab, and is started by another test"]
async fn hold_a_connection() {
    if std::env::var_os("RECONCILE_HOLD").is_some() {
        let lab = Lab::new();
        lab.facts(&host("a")).await;
        println!("held");
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_killed_process_leaves_no_connection_to_the_next_one() {
    use std::io::BufRead;
    let base = tempfile::tempdir().unwrap();
    let masters = || {
        let output = std::process::Command::new("pgrep")
            .args(["-f", &format!("ssh .*{}", base.path().display())])
            .output();
        String::from_utf8(output.unwrap().stdout)
            .unwrap()
            .lines()
            .count()
    };
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--nocapture",
            "--exact",
            "hosts::hold_a_connection",
        ])
        .env("RECONCILE_HOLD", "1")
        .env("XDG_RUNTIME_DIR", base.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines
            .map_while(Result::ok)
            .any(|line| line.contains("held"))
    );
    assert_eq!(masters(), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(masters(), 1, "ssh outlives whoever started it");
    let next = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "speed::nothing_but_a_reader"])
        .env("XDG_RUNTIME_DIR", base.path())
        .output()
        .unwrap();
    assert!(next.status.success(), "{next:?}");
    let begin = Instant::now();
    while masters() > 0 {
        assert!(begin.elapsed() < Duration::from_secs(3));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0);
}
