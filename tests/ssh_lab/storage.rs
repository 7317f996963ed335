//! Files on hosts: copied images, and disks that nobody has any more.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use reconcile::model::action::{FormerDisk, Sweep};
use reconcile::model::desired::{Host, ImageFile, ImageSource};
use reconcile::model::facts::{HostFacts, Seen};
use reconcile::model::mark::Stage;
use reconcile::model::unit::Bytes;
use reconcile::ports::hypervisor::{HostQuery, Hypervisor, HypervisorControl};
use reconcile::ports::{ActError, Effect};

use super::fixture::Lab;
use super::machine::{STORAGE, build, digest, host, query, removal};

#[tokio::test]
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
    let on_host = lab.file("a", &path);
    let part = on_host.with_file_name("it's a copy.img.part");

    assert_eq!(lab.writer.copy_file(&a, &copy).await, Ok(Effect::Changed));
    assert_eq!(
        lab.writer.copy_file(&a, &copy).await,
        Ok(Effect::AlreadyDone)
    );
    let query = HostQuery {
        files: BTreeSet::from([path.clone(), "/no/such".into()]),
        ..query()
    };
    let facts = look_at(&lab, &a, &query).await;
    assert_eq!(facts.files[&path].sha256, Some(digest(&content)));
    assert_eq!(facts.files.len(), 1);

    // Somebody wrote to the file since: its digest is not believed any more.
    // The clock of a file system ticks every few milliseconds only.
    std::thread::sleep(Duration::from_millis(20));
    std::fs::write(&on_host, "x").unwrap();
    let facts = look_at(&lab, &a, &query).await;
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
    // Two at once: neither spoils what the other does.
    std::fs::remove_file(&on_host).unwrap();
    let both = tokio::join!(
        lab.writer.copy_file(&a, &copy),
        lab.writer.copy_file(&a, &copy)
    );
    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
    assert_eq!(std::fs::read_to_string(&on_host).unwrap(), content);
}

#[tokio::test]
async fn leftover_disks_are_swept_unless_their_domain_is_there() {
    let (lab, a) = (Lab::new(), host("a"));
    let kept = build("kept", "192.168.10.63", "g1", Stage::Ready);
    lab.writer.build(&a, &kept).await.unwrap();
    let left = lab.file("a", &format!("{STORAGE}/ssh-lab/t-gone-1.qcow2"));
    std::fs::write(left, "x").unwrap();
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
async fn the_disk_of_a_stateful_guest_outlives_its_rebuild_and_its_removal() {
    let (lab, a) = (Lab::new(), host("a"));
    let life = |generation: &str, before: Option<&str>| {
        let mut life = build("db", "192.168.10.65", generation, Stage::Ready);
        life.machine.former_disk = FormerDisk::Used;
        life.machine.disk_size = before.map(|_| Bytes(256 << 20));
        life.replaces = before.map(str::to_owned);
        life
    };
    let first = life("g1", None);
    let disk = lab.file("a", &first.machine.disk);
    let inode = || std::fs::metadata(&disk).unwrap().ino();
    lab.writer.build(&a, &first).await.unwrap();
    let born = inode();
    lab.writer.build(&a, &life("g2", Some("g1"))).await.unwrap();
    assert_eq!(inode(), born, "a rebuild uses the same disk, enlarged");

    let mut removal = removal(&life("g2", Some("g1")));
    removal
        .volumes
        .retain(|volume| *volume != first.machine.disk);
    removal.kept = Some(first.machine.disk.clone());
    lab.writer.remove(&a, &removal).await.unwrap();
    assert!(!disk.exists(), "it is put aside");
    assert_eq!(
        lab.writer.remove(&a, &removal).await,
        Ok(Effect::AlreadyDone)
    );

    let third = life("g3", None);
    lab.writer.build(&a, &third).await.unwrap();
    assert_eq!(inode(), born, "it is taken back");
    lab.writer.remove(&a, &self::removal(&third)).await.unwrap();
}

async fn look_at(lab: &Lab, host: &Host, query: &HostQuery) -> HostFacts {
    match lab.reader.observe(host, query).await {
        Seen::Yes(facts) => facts,
        Seen::No(unseen) => panic!("{unseen:?}"),
    }
}
