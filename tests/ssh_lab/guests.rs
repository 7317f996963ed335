//! Acts in guests.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use reconcile::model::action::{
    Bootstrap, Daemon, GuestConfig, GuestRef, Rebind, RenderedFile, SetMark, VipMove,
};
use reconcile::model::desired::{Heartbeat, Init, OnChange};
use reconcile::model::facts::{GuestFacts, Seen};
use reconcile::model::mark::{Mark, Stage};
use reconcile::ports::guest::{GuestControl, GuestQuery, Guests, Settle};
use reconcile::ports::hypervisor::HypervisorControl;
use reconcile::ports::{ActError, Effect};

use super::fixture::{Lab, build, digest, file, guest, host, mac, network, removal};

async fn look(lab: &Lab, guest: &GuestRef, files: &[&RenderedFile]) -> GuestFacts {
    let files = files
        .iter()
        .map(|file| (file.path.clone(), file.sha256.clone()))
        .collect();
    let query = GuestQuery {
        files,
        daemon: Some("web".parse().unwrap()),
    };
    let seen = lab.reader.observe(guest, &query).await;
    let Seen::Yes(facts) = seen else {
        panic!("{seen:?}")
    };
    facts
}

fn addresses(facts: &GuestFacts) -> Vec<(String, bool)> {
    let outside = facts.addresses.iter().filter(|a| !a.address.is_loopback());
    outside.map(|a| (a.address.to_string(), a.vip)).collect()
}

/// What becomes the process: as the run script that is rendered for guests.
fn daemon(revision: &str, init: Init, command: &str, reloads: &[&RenderedFile]) -> Daemon {
    let list: String = reloads
        .iter()
        .map(|file| format!(" {}", file.path))
        .collect();
    let script = format!(
        "#!/bin/sh\nmkdir -p /run/reconcile\nfor f in{list}; do sha256sum < \"$f\"; done | sha256sum | cut -d ' ' -f 1 > /run/reconcile/web.loaded\n\
         echo $$ > /run/reconcile/web.pid\necho {revision} > /run/reconcile/web.started\nexec {command}\n"
    );
    let supervise = "#!/bin/sh\necho $$ > /run/reconcile/web.supervisor\nwhile :; do /etc/reconcile/web.run; sleep 1; done\n";
    let executable = |path: &str, content: &str| RenderedFile {
        mode: 0o755,
        ..file(path, content)
    };
    let sums: String = reloads
        .iter()
        .map(|file| format!("{}  -\n", file.sha256))
        .collect();
    Daemon {
        name: "web".parse().unwrap(),
        init,
        units: BTreeMap::from([(
            Init::None,
            executable("/etc/reconcile/web.supervise", supervise),
        )]),
        script: executable("/etc/reconcile/web.run", &script),
        revision: revision.into(),
        loads: digest(&sums),
        replaces: None,
    }
}

fn nginx(answer: &str) -> RenderedFile {
    let content = format!(
        "user www-data;\nworker_processes 1;\npid /run/nginx.pid;\nerror_log /var/log/nginx/error.log;\nevents {{ }}\n\
         http {{ access_log off; server {{ listen 80; location / {{ return 200 '{answer}'; }} }} }}\n"
    );
    RenderedFile {
        on_change: OnChange::Reload,
        validate: Some("nginx -t -q -c \"$1\"".into()),
        ..file("/etc/nginx/nginx.conf", &content)
    }
}

const NGINX: &str = "nginx -c /etc/nginx/nginx.conf -g 'daemon off;'";

async fn get(address: &str) -> String {
    let output = tokio::process::Command::new("curl")
        .args(["-s", "-m", "3", &format!("http://{address}/")])
        .output()
        .await;
    String::from_utf8(output.unwrap().stdout).unwrap()
}

async fn answers(text: &str) {
    let begin = Instant::now();
    while get("192.168.10.70").await != text {
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
}

/// The ids of nginx' workers, and last that of the process itself.
async fn pids(lab: &Lab, guest: &GuestRef) -> String {
    let config = lab.dir.join("ssh/config");
    let output = tokio::process::Command::new("ssh")
        .arg("-F")
        .arg(config)
        .arg(format!("root@{}", guest.address))
        .arg("read -r pid < /run/reconcile/web.pid; echo $(cat /proc/$pid/task/$pid/children) $pid")
        .output()
        .await
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_guest_s_files_and_its_process_are_brought_to_what_is_desired() {
    let (lab, a) = (Lab::new(), host("a"));
    let built = build("conf", "192.168.10.70", "gc1", Stage::Ready);
    lab.clean(built.machine.domain.as_str());
    lab.writer.build(&a, &built).await.unwrap();
    let guest = guest(&built);
    lab.wait_for(&guest).await;
    for init in [Init::Auto, Init::None] {
        configured(&lab, &guest, init).await;
    }
    lab.writer.remove(&a, &removal(&built)).await.unwrap();
}

async fn configured(lab: &Lab, guest: &GuestRef, init: Init) {
    let hostile = file("/etc/it's $(a) file", "'\"`$(touch /tmp/owned)`\n\\n ü\n");
    let secret = RenderedFile {
        mode: 0o600,
        owner: "www-data:www-data".into(),
        ..file("/srv/deep/er/secret", "x")
    };
    let config = |answer: &str, revision: &str| {
        let conf = nginx(answer);
        GuestConfig {
            daemon: Some(daemon(revision, init, NGINX, &[&conf])),
            files: vec![hostile.clone(), secret.clone(), conf],
        }
    };
    let apply = async |what: &str, config: &GuestConfig| {
        let begin = Instant::now();
        let effect = lab.writer.configure(guest, config).await;
        println!("{init:?}: {what}: {effect:?} in {:?}", begin.elapsed());
        effect
    };
    let one = config("one", &format!("r1-{init:?}"));
    assert_eq!(apply("first", &one).await, Ok(Effect::Changed));
    answers("one").await;
    let before = pids(lab, guest).await;
    assert_eq!(apply("again", &one).await, Ok(Effect::AlreadyDone));
    assert_eq!(pids(lab, guest).await, before);

    let facts = look(lab, guest, &[&hostile, &secret, &nginx("other")]).await;
    assert_eq!(facts.init, Some(Init::Busybox));
    assert_eq!(facts.files[&hostile.path].content, None);
    assert_eq!(
        (
            facts.files[&secret.path].mode,
            facts.files[&secret.path].owner.as_str()
        ),
        (0o600, "www-data:www-data")
    );
    assert_eq!(
        facts.files["/etc/nginx/nginx.conf"].content,
        Some(nginx("one").content)
    );
    let daemon = facts.daemon.unwrap();
    let wanted = one.daemon.as_ref().unwrap();
    assert_eq!(
        (
            daemon.running,
            daemon.started.as_ref(),
            daemon.loaded.as_ref()
        ),
        (true, Some(&wanted.revision), Some(&wanted.loads))
    );

    // A reload keeps the process and changes its workers.
    let two = config("two", &format!("r1-{init:?}"));
    assert_eq!(apply("reloaded", &two).await, Ok(Effect::Changed));
    // The old workers are gone: not one request more is answered by them.
    assert_eq!(get("192.168.10.70").await, "two");
    let after = pids(lab, guest).await;
    assert_ne!(after, before);
    assert_eq!(after.rsplit(' ').next(), before.rsplit(' ').next());

    // What is not valid is not put in place, and neither is what came before it.
    let mut bad = config("thr'ee", &format!("r1-{init:?}"));
    bad.files[0] = file(&hostile.path, "new");
    let Err(ActError::Failed(message)) = apply("invalid", &bad).await else {
        panic!()
    };
    assert!(
        message.contains("not valid") && message.contains("nginx"),
        "{message}"
    );
    let facts = look(lab, guest, &[&hostile, &nginx("two")]).await;
    assert_eq!(facts.files[&hostile.path].content, None);
    assert_eq!(facts.files["/etc/nginx/nginx.conf"].content, None);
    assert_eq!(pids(lab, guest).await, after);

    // Another revision is another process.
    let three = config("two", &format!("r2-{init:?}"));
    assert_eq!(apply("restarted", &three).await, Ok(Effect::Changed));
    answers("two").await;
    assert_ne!(
        pids(lab, guest).await.rsplit(' ').next(),
        after.rsplit(' ').next()
    );

    // Killed: whatever keeps it up starts it again.
    let ssh = lab.dir.join("ssh/config");
    let killed = tokio::process::Command::new("ssh").arg("-F").arg(ssh).arg("root@192.168.10.70").arg("read -r pid < /run/reconcile/web.pid; kill -9 $(cat /proc/$pid/task/$pid/children) $pid").status().await;
    killed.unwrap();
    let begin = Instant::now();
    while !look(lab, guest, &[])
        .await
        .daemon
        .is_some_and(|d| d.running)
    {
        assert!(begin.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    if init == Init::Auto {
        let ssh = lab.dir.join("ssh/config");
        let stop = "sed -i /web.run/d /etc/inittab; kill -HUP 1; read -r pid < /run/reconcile/web.pid; kill $pid; sleep 1; rm -rf /run/reconcile";
        tokio::process::Command::new("ssh")
            .arg("-F")
            .arg(ssh)
            .arg("root@192.168.10.70")
            .arg(stop)
            .status()
            .await
            .unwrap();
    }
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_vip_moves_and_its_neighbours_learn_it_at_once() {
    let (lab, a) = (Lab::new(), host("a"));
    let builds = [
        build("vipa", "192.168.10.71", "gv1", Stage::Ready),
        build("vipb", "192.168.10.72", "gv2", Stage::Ready),
    ];
    for build in &builds {
        lab.clean(build.machine.domain.as_str());
        lab.writer.build(&a, build).await.unwrap();
    }
    let guests = builds.each_ref().map(guest);
    for guest in &guests {
        lab.wait_for(guest).await;
    }
    let vip = |guest: &GuestRef, quiet_port| VipMove {
        guest: guest.clone(),
        balancer: "web".parse().unwrap(),
        vip: "192.168.10.120/24".parse().unwrap(),
        quiet_port,
    };
    let neighbour = async || {
        let output = tokio::process::Command::new("ip")
            .args(["neigh", "show", "192.168.10.120"])
            .output()
            .await
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(
        lab.writer.add_vip(&vip(&guests[0], None)).await,
        Ok(Effect::Changed)
    );
    assert_eq!(
        lab.writer.add_vip(&vip(&guests[0], None)).await,
        Ok(Effect::AlreadyDone)
    );
    assert_eq!(
        addresses(&look(&lab, &guests[0], &[]).await),
        [
            ("192.168.10.71".into(), false),
            ("192.168.10.120".into(), true)
        ]
    );
    let ping = tokio::process::Command::new("ping")
        .args(["-c1", "-W2", "192.168.10.120"])
        .output()
        .await
        .unwrap();
    assert!(ping.status.success());
    assert!(neighbour().await.contains(&mac(71)));

    let begin = Instant::now();
    assert_eq!(
        lab.writer.drop_vip(&vip(&guests[0], None)).await,
        Ok(Effect::Changed)
    );
    println!("dropped: {:?}", begin.elapsed());
    assert_eq!(
        lab.writer.add_vip(&vip(&guests[1], None)).await,
        Ok(Effect::Changed)
    );
    println!("moved: {:?}", begin.elapsed());
    while !neighbour().await.contains(&mac(72)) {
        assert!(
            begin.elapsed() < Duration::from_secs(2),
            "{}",
            neighbour().await
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!("known to the neighbours: {:?}", begin.elapsed());
    assert_eq!(
        lab.writer.drop_vip(&vip(&guests[0], Some(22))).await,
        Ok(Effect::AlreadyDone)
    );

    // An open connection is waited for, and it is no more than a moment from its end to that of the VIP.
    let (begin, open_for) = (Instant::now(), Duration::from_millis(1500));
    let mut held = hold(&lab, "192.168.10.120", "sleep 1.5").await;
    let ended = async {
        assert!(held.wait().await.unwrap().success(), "it was let end");
        Instant::now()
    };
    let dropped = async {
        let effect = lab.writer.drop_vip(&vip(&guests[1], Some(22))).await;
        assert_eq!(effect, Ok(Effect::Changed));
        Instant::now()
    };
    let (ended, dropped) = tokio::join!(ended, dropped);
    let after = dropped.saturating_duration_since(ended);
    println!("dropped {after:?} after the last connection");
    assert!(dropped - begin > open_for && after < Duration::from_secs(1));

    // But not for ever.
    lab.writer.add_vip(&vip(&guests[1], None)).await.unwrap();
    let _held = hold(&lab, "192.168.10.120", "sleep 60").await;
    let begin = Instant::now();
    let effect = lab.writer.drop_vip(&vip(&guests[1], Some(22))).await;
    println!(
        "dropped under a connection: {effect:?} in {:?}",
        begin.elapsed()
    );
    assert_eq!(effect, Ok(Effect::Changed));
    assert!(begin.elapsed() > Duration::from_secs(2));
    for build in &builds {
        lab.writer.remove(&a, &removal(build)).await.unwrap();
    }
}

/// A connection that is open when this returns, for as long as `command` takes.
async fn hold(lab: &Lab, address: &str, command: &str) -> tokio::process::Child {
    use tokio::io::AsyncReadExt;
    let mut ssh = tokio::process::Command::new("ssh");
    ssh.arg("-F").arg(lab.dir.join("ssh/config"));
    ssh.arg(format!("root@{address}"))
        .arg(format!("echo in; {command}"));
    let mut ssh = ssh
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut word = [0; 2];
    let stdout = ssh.stdout.as_mut().unwrap();
    stdout.read_exact(&mut word).await.unwrap();
    ssh
}

fn rebind(
    built_mark: &Mark,
    guest: &GuestRef,
    to: Ipv4Addr,
    network: reconcile::model::action::GuestNetwork,
    fallback: u64,
) -> Rebind {
    let heartbeat = Heartbeat {
        path: "/".into(),
        port: 80,
        every: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        retries: 4,
        grace: Duration::from_secs(1),
    };
    Rebind {
        guest: guest.clone(),
        domain: reconcile::model::id::DomainName::new(&built_mark.cluster, &built_mark.instance),
        to,
        network,
        interfaces: file("/etc/network/interfaces", "auto lo\n# moved\n"),
        moving: Mark {
            moving_to: Some(to),
            ..built_mark.clone()
        },
        moved: Mark {
            address: to,
            ..built_mark.clone()
        },
        fallback: Duration::from_secs(fallback),
        healthy: (heartbeat, Duration::ZERO),
    }
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_guest_moves_to_another_address_or_falls_back_by_itself() {
    let (lab, a) = (Lab::new(), host("a"));
    let built = build("move", "192.168.10.73", "gm1", Stage::Ready);
    lab.clean(built.machine.domain.as_str());
    lab.writer.build(&a, &built).await.unwrap();
    let at_old = guest(&built);
    lab.wait_for(&at_old).await;
    let to: Ipv4Addr = "192.168.10.74".parse().unwrap();
    let both = [
        ("192.168.10.73".to_owned(), false),
        ("192.168.10.74".to_owned(), false),
    ];

    // Without our word the guest drops the new address.
    let hasty = rebind(&built.mark, &at_old, to, network(&built), 2);
    assert_eq!(lab.writer.add_address(&hasty).await, Ok(Effect::Changed));
    assert_eq!(addresses(&look(&lab, &at_old, &[]).await), both);
    let begin = Instant::now();
    while addresses(&look(&lab, &at_old, &[]).await) == both {
        assert!(begin.elapsed() < Duration::from_secs(4));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    // With it the old one goes. A first try's fallback does not undo a second try.
    assert_eq!(lab.writer.add_address(&hasty).await, Ok(Effect::Changed));
    let patient = rebind(&built.mark, &at_old, to, network(&built), 30);
    assert_eq!(
        lab.writer.add_address(&patient).await,
        Ok(Effect::AlreadyDone)
    );
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let set = SetMark {
        host: a.id.clone(),
        domain: patient.domain.clone(),
        mark: patient.moving.clone(),
    };
    assert_eq!(lab.writer.set_mark(&a, &set).await, Ok(Effect::Changed));
    assert_eq!(
        lab.domain(&a, &patient.domain).await.unwrap().mark,
        Some(patient.moving.clone())
    );
    let at_new = GuestRef {
        address: to,
        ..at_old.clone()
    };
    lab.wait_for(&at_new).await;
    // A VIP on the guest survives the move.
    let vip = VipMove {
        guest: at_new.clone(),
        balancer: "web".parse().unwrap(),
        vip: "192.168.10.121/24".parse().unwrap(),
        quiet_port: None,
    };
    lab.writer.add_vip(&vip).await.unwrap();
    let network = network(&built);
    let settle = Settle {
        guest: &at_new,
        interfaces: &patient.interfaces,
        network: &network,
        old: at_old.address,
    };
    assert_eq!(lab.writer.settle(&settle).await, Ok(Effect::Changed));
    assert_eq!(lab.writer.settle(&settle).await, Ok(Effect::AlreadyDone));
    let facts = look(&lab, &at_new, &[&patient.interfaces]).await;
    assert_eq!(
        addresses(&facts),
        [
            ("192.168.10.74".into(), false),
            ("192.168.10.121".into(), true)
        ]
    );
    assert_eq!(facts.files["/etc/network/interfaces"].content, None);
    lab.writer.remove(&a, &removal(&built)).await.unwrap();
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_fresh_guest_at_the_bootstrap_address_gets_its_own() {
    let (lab, a) = (Lab::new(), host("a"));
    let built = build("boot", "192.168.10.75", "gb1", Stage::Bootstrap);
    lab.clean(built.machine.domain.as_str());
    lab.writer.build(&a, &built).await.unwrap();
    let at_own = guest(&built);
    let bootstrap = Bootstrap {
        guest: at_own.clone(),
        network: network(&built),
        bootstrap: "192.168.10.9".parse().unwrap(),
        domain: built.machine.domain.clone(),
        interfaces: file("/etc/network/interfaces", "auto lo\n"),
        mark: Mark {
            stage: Stage::Ready,
            ..built.mark.clone()
        },
        grace: Duration::from_secs(30),
    };
    let begin = Instant::now();
    let effect = loop {
        match lab.writer.bootstrap(&bootstrap).await {
            Err(ActError::Unreachable(unseen)) => {
                assert!(begin.elapsed() < Duration::from_secs(40), "{unseen:?}")
            }
            done => break done,
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    println!("bootstrapped in {:?}", begin.elapsed());
    assert_eq!(effect, Ok(Effect::Changed));
    assert_eq!(
        lab.writer.bootstrap(&bootstrap).await,
        Ok(Effect::AlreadyDone)
    );

    // Another guest that answers there is left alone.
    let mut other = bootstrap.clone();
    other.network.mac = mac(1);
    other.guest.address = "192.168.10.76".parse().unwrap();
    let Err(ActError::Moved(message)) = lab.writer.bootstrap(&other).await else {
        panic!()
    };
    assert!(message.contains("another one"), "{message}");

    lab.wait_for(&at_own).await;
    let settle = Settle {
        guest: &at_own,
        interfaces: &bootstrap.interfaces,
        network: &bootstrap.network,
        old: bootstrap.bootstrap,
    };
    assert_eq!(lab.writer.settle(&settle).await, Ok(Effect::Changed));
    assert_eq!(
        addresses(&look(&lab, &at_own, &[]).await),
        [("192.168.10.75".into(), false)]
    );
    lab.writer.remove(&a, &removal(&built)).await.unwrap();
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn another_machine_at_a_guest_s_address_is_not_taken_for_it() {
    let (lab, a) = (Lab::new(), host("a"));
    let first = build("who", "192.168.10.77", "gw1", Stage::Ready);
    lab.clean(first.machine.domain.as_str());
    lab.writer.build(&a, &first).await.unwrap();
    lab.wait_for(&guest(&first)).await;
    // Rebuilt behind our back, by somebody who kept the old generation: same address, other key.
    lab.on("a", &["virsh", "destroy", "t-who-1"]);
    lab.on("a", &["rm", &first.machine.disk]);
    lab.on(
        "a",
        &[
            "qemu-img",
            "create",
            "-q",
            "-f",
            "qcow2",
            "-b",
            &first.machine.base,
            "-F",
            "qcow2",
            &first.machine.disk,
        ],
    );
    lab.on("a", &["virsh", "start", "t-who-1"]);
    let begin = Instant::now();
    let message = loop {
        match lab.writer.reach(&guest(&first)).await {
            Err(ActError::Unreachable(unseen)) if unseen.message.contains("host key") => {
                break unseen.message;
            }
            Ok(()) => panic!("let in"),
            Err(_) => assert!(begin.elapsed() < Duration::from_secs(40)),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    println!("{message}");
    // A new life of ours is known anew.
    let mut second = build("who", "192.168.10.77", "gw2", Stage::Ready);
    second.replaces = Some("gw1".into());
    lab.writer.build(&a, &second).await.unwrap();
    lab.wait_for(&guest(&second)).await;
    lab.writer.remove(&a, &removal(&second)).await.unwrap();
}
