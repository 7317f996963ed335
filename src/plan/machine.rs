//! What a guest is built from: its virtual hardware, its files on the host, its mark. Names that must be the same in
//! every life of an instance (UUID, hardware address) are derived from its name.

use std::rc::Rc;

use sha2::{Digest, Sha256};

use crate::model::action::{FormerDisk, Machine};
use crate::model::desired::{Accelerator, Desired, Group, Host, Image, ImageFile, Provision};
use crate::model::facts::HostFacts;
use crate::model::id::{ClusterName, DomainName, InstanceId};
use crate::model::time::Timestamp;
use crate::model::unit::Bytes;

/// More than any host has, so that sums of what marks say stay numbers.
const MOST_BYTES: Bytes = Bytes(1 << 50);

/// How much of a host a guest is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Memory.
    pub memory: Bytes,
    /// Virtual processors.
    pub cpus: u32,
    /// Its disk; none: as large as its image, which is not known.
    pub disk: Option<Bytes>,
}

impl Size {
    /// What the file asks for.
    pub fn of(group: &Group) -> Self {
        Size {
            memory: group.memory,
            cpus: group.cpus,
            disk: group.disk,
        }
    }

    /// What a guest with this fingerprint was built with, and `otherwise` what that does not say.
    pub fn built(fingerprint: &str, otherwise: Size) -> Self {
        let mut size = otherwise;
        let bytes = |text: &str| Bytes::parse(text).ok().map(|bytes| bytes.min(MOST_BYTES));
        for (key, value) in fingerprint.split(' ').filter_map(|w| w.split_once('=')) {
            match key {
                "memory" => size.memory = bytes(value).unwrap_or(size.memory),
                "cpus" => size.cpus = value.parse().unwrap_or(size.cpus),
                DISK => size.disk = bytes(value).or(size.disk.filter(|_| value != OF_IMAGE)),
                _ => {}
            }
        }
        size
    }

    /// The larger of both, in each respect.
    pub fn max(self, other: Size) -> Self {
        Size {
            memory: self.memory.max(other.memory),
            cpus: self.cpus.max(other.cpus),
            disk: self.disk.max(other.disk),
        }
    }

    /// A group as it would be with instances of this size.
    pub fn resize(self, group: &Group) -> Group {
        Group {
            memory: self.memory,
            cpus: self.cpus,
            disk: self.disk,
            ..group.clone()
        }
    }
}

/// The directory of our disks on a host.
pub fn volume_directory(desired: &Desired, host: &Host) -> String {
    format!("{}/{}", host.storage, desired.cluster)
}

/// Where an image's file is on a host. A file that we copy has its digest in its name, also where `spec` did not give
/// it one: a new version never overwrites the one that running guests' disks rest on.
pub fn image_path(host: &Host, file: &ImageFile) -> String {
    let path = match file.path.starts_with('/') {
        true => file.path.clone(),
        false => format!("{}/images/{}", host.storage, file.path),
    };
    let Some(source) = &file.source else {
        return path;
    };
    let short = source.sha256.get(..12).unwrap_or(&source.sha256);
    match path.rsplit_once('/') {
        Some((directory, name)) if !name.contains(short) => format!("{directory}/{short}-{name}"),
        Some(_) | None => path,
    }
}

/// The files of an image.
pub fn image_files(image: &Image) -> impl Iterator<Item = &ImageFile> {
    [
        Some(&image.disk),
        image.kernel.as_ref(),
        image.initrd.as_ref(),
    ]
    .into_iter()
    .flatten()
}

/// The virtual hardware of `instance` on `host`.
pub fn machine(
    desired: &Desired,
    group: &Group,
    image: &Image,
    host: &Host,
    facts: &HostFacts,
    instance: &InstanceId,
) -> Machine {
    let directory = volume_directory(desired, host);
    let identity = identity(&desired.cluster, instance);
    Machine {
        domain: DomainName::new(&desired.cluster, instance),
        uuid: uuid(&identity),
        mac: mac(&identity),
        cpus: group.cpus,
        memory: group.memory,
        disk_size: group.disk,
        disk: disk_path(&directory, instance),
        former_disk: FormerDisk::Replaced,
        base: image_path(host, &image.disk),
        seed: (image.provision == Provision::CloudInit)
            .then(|| format!("{directory}/{instance}.seed")),
        kernel: image.kernel.as_ref().map(|f| image_path(host, f)),
        initrd: image.initrd.as_ref().map(|f| image_path(host, f)),
        cmdline: image.cmdline.clone(),
        bridge: desired
            .networks
            .get(&host.network)
            .map(|n| n.bridge.clone())
            .unwrap_or_default(),
        kvm: match host.accelerator {
            Accelerator::Auto => facts.kvm.unwrap_or(false),
            Accelerator::Kvm => true,
            Accelerator::Tcg => false,
        },
    }
}

fn disk_path(directory: &str, instance: &InstanceId) -> String {
    format!("{directory}/{instance}.{DISK_ENDING}")
}

/// The disk of an instance on `host`.
pub fn disk_of(desired: &Desired, host: &Host, instance: &InstanceId) -> String {
    disk_path(&volume_directory(desired, host), instance)
}

/// When the disk was last written that a guest of `instance` left on `host` and that a new one uses again.
pub fn kept_disk(facts: &HostFacts, instance: &InstanceId) -> Option<Timestamp> {
    facts
        .kept_disk(instance)
        .filter(|_| !is_in_use(facts, instance))
}

/// Whether a disk of `instance` is where `host` keeps its disks.
pub fn has_disk(facts: &HostFacts, instance: &InstanceId) -> bool {
    is_in_use(facts, instance) || facts.kept_disk(instance).is_some()
}

fn is_in_use(facts: &HostFacts, instance: &InstanceId) -> bool {
    let disk = format!("{instance}.{DISK_ENDING}");
    facts.volumes.contains_key(&disk)
}

/// All files that a guest of `instance` may have on `host`.
pub fn volumes(desired: &Desired, host: &Host, instance: &InstanceId) -> Vec<String> {
    let directory = volume_directory(desired, host);
    VOLUME_ENDINGS
        .iter()
        .map(|ending| format!("{directory}/{instance}.{ending}"))
        .collect()
}

/// The endings of a guest's files.
pub const VOLUME_ENDINGS: [&str; 3] = [DISK_ENDING, "seed", "xml"];
/// The ending of its disk.
pub const DISK_ENDING: &str = "qcow2";
/// The word of a fingerprint that says how large the disk is.
const DISK: &str = "disk";
/// As large as that of the image.
const OF_IMAGE: &str = "image";
/// The word of a fingerprint that says that the disk outlives its guest.
const STATEFUL: &str = "stateful";
/// The word of a fingerprint that says that the guest survives its block in the file.
const PROTECT: &str = "protect";
/// The word of a fingerprint that says that somebody else made the domain, and it was adopted.
const ADOPTED: &str = "adopted";

/// What a guest is built from, readable: two of them are compared word by word to tell what changed.
pub fn fingerprint(desired: &Desired, group: &Group, image: &Image, host: &Host) -> String {
    let disk = group
        .disk
        .map_or_else(|| OF_IMAGE.to_owned(), |d| d.to_string());
    let bridge = desired
        .networks
        .get(&host.network)
        .map_or("", |n| n.bridge.as_str());
    let boot = short_digest(&[image.cmdline.as_deref().unwrap_or("")]);
    let files: Vec<&str> = image_files(image)
        .map(|f| {
            f.source
                .as_ref()
                .map_or(f.path.as_str(), |s| s.sha256.as_str())
        })
        .collect();
    let custom = desired
        .templates
        .get("domain.xml")
        .map_or("", |t| t.text.as_str());
    let template = if custom.is_empty() {
        "built-in".to_owned()
    } else {
        short_digest(&[custom])
    };
    let flag = |word: &str, is_so: bool| match is_so {
        true => format!(" {word}=yes"),
        false => String::new(),
    };
    let stateful = flag(STATEFUL, group.stateful);
    let protect = flag(PROTECT, group.protect);
    format!(
        "cpus={} memory={} {DISK}={disk} image={} cmdline={boot} bridge={bridge} template={template}{stateful}{protect}",
        group.cpus,
        group.memory,
        short_digest(&files),
    )
}

/// Whether a guest with this fingerprint is stateful.
pub fn is_stateful(fingerprint: &str) -> bool {
    has_flag(fingerprint, STATEFUL)
}

/// Whether a guest with this fingerprint survives its block in the file.
pub fn is_protected(fingerprint: &str) -> bool {
    has_flag(fingerprint, PROTECT)
}

/// Whether a guest with this fingerprint was adopted.
pub fn is_adopted(fingerprint: &str) -> bool {
    has_flag(fingerprint, ADOPTED)
}

/// The fingerprint of a guest that is adopted, of what the file asks for.
pub fn as_adopted(wanted: &str) -> String {
    format!("{wanted} {ADOPTED}=yes")
}

/// What the file asks for, as the mark of a guest with the fingerprint `old` would say it.
pub fn like(old: &str, wanted: Rc<str>) -> Rc<str> {
    match is_adopted(old) {
        true => as_adopted(&wanted).into(),
        false => wanted,
    }
}

/// What two fingerprints say otherwise that changes nothing of the guest.
pub fn flags_changed(old: &str, new: &str) -> &'static str {
    match is_stateful(old) == is_stateful(new) {
        true => "whether it is protected",
        false => "whether its disk is kept",
    }
}

fn has_flag(fingerprint: &str, flag: &str) -> bool {
    fingerprint.split(' ').any(|word| word.starts_with(flag))
}

/// Whether nothing has to be rebuilt for another fingerprint.
pub fn is_same_machine(old: &str, new: &str) -> bool {
    fingerprint_changes(old, new).is_empty()
}

/// What differs between two fingerprints: `(key, old, new)`.
pub fn fingerprint_changes(old: &str, new: &str) -> Vec<(String, String, String)> {
    let words = |text: &str| -> std::collections::BTreeMap<String, String> {
        text.split(' ')
            .filter_map(|w| w.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect()
    };
    let old = words(old);
    // That its disk is kept from now on, or it is protected, or not any more, changes nothing of the guest.
    let of_mark = |key: &str| matches!(key, STATEFUL | PROTECT);
    let new = words(new).into_iter().filter(|(key, _)| !of_mark(key));
    let changed = new.filter_map(|(key, value)| {
        let before = old.get(&key).cloned().unwrap_or_else(|| "?".to_owned());
        (before != value).then_some((key, before, value))
    });
    changed.collect()
}

/// A new fingerprint of a guest that goes on with the disk that it had: that is made from the image of then.
pub fn with_image_of(old: &str, new: &str) -> String {
    let is_image = |word: &&str| word.starts_with("image=");
    let image = old.split(' ').find(is_image);
    let words = new.split(' ');
    let words = words.map(|word| image.filter(|_| is_image(&word)).unwrap_or(word));
    words.collect::<Vec<_>>().join(" ")
}

fn short_digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize()[..6])
}

fn identity(cluster: &ClusterName, instance: &InstanceId) -> [u8; 32] {
    Sha256::digest(format!("reconcile/{cluster}/{instance}")).into()
}

/// The hardware address of an instance, the same in every life.
pub fn mac_of(cluster: &ClusterName, instance: &InstanceId) -> String {
    mac(&identity(cluster, instance))
}

/// A UUID of version 8, for bytes of one's own making (RFC 9562).
fn uuid(identity: &[u8; 32]) -> String {
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&identity[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex(&bytes);
    format!(
        "{}-{}-{}-{}-{}",
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..]
    )
}

/// A locally administered hardware address; 40 bits of digest, so that clusters on one network don't meet.
fn mac(identity: &[u8; 32]) -> String {
    let tail: Vec<String> = identity[16..21]
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    format!("52:{}", tail.join(":"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_has_the_same_names_in_every_life() {
        let id = identity(&"demo".parse().unwrap(), &"web-1".parse().unwrap());
        assert_eq!(uuid(&id).len(), 36);
        assert_eq!(&uuid(&id)[14..15], "8");
        assert_eq!(mac(&id).len(), 17);
        let other = identity(&"demo".parse().unwrap(), &"web-2".parse().unwrap());
        assert_ne!(mac(&id), mac(&other));
    }

    #[test]
    fn a_guest_that_goes_on_with_its_disk_keeps_the_image_of_that() {
        let kept = with_image_of(
            "memory=1GiB image=a stateful=yes",
            "memory=2GiB image=b stateful=yes",
        );
        assert_eq!(kept, "memory=2GiB image=a stateful=yes");
        assert_eq!(
            with_image_of("nonsense", "memory=2GiB image=b"),
            "memory=2GiB image=b"
        );
    }

    #[test]
    fn a_size_is_read_back_from_a_fingerprint_and_nonsense_says_nothing() {
        let text = b"cluster: c
networks: { lan: { cidr: 10.0.0.0/24, gateway: 10.0.0.254 } }
images: { i: { path: /i } }
hosts: { a: { address: a, pool: 10.0.0.1-10.0.0.9 } }
services: { s: { replicas: 1, image: i, port: 1, memory: 1GiB, cpus: 2, disk: 3GiB } }";
        let desired = crate::spec::parse("c", text, &crate::spec::NoFiles).unwrap();
        let group = desired.groups.values().next().unwrap();
        let built = |text: &str| {
            let size = Size::built(text, Size::of(group));
            let disk = size.disk.map(|disk| disk.to_string());
            format!("{} {} {disk:?}", size.memory, size.cpus)
        };
        assert_eq!(built("cpus=1 memory=128MiB disk=image"), "128MiB 1 None");
        assert_eq!(built("disk=4GiB"), "1GiB 2 Some(\"4GiB\")");
        for nonsense in ["", "memory", "cpus=-1 memory=x disk= =", "disk=4XB"] {
            assert_eq!(built(nonsense), "1GiB 2 Some(\"3GiB\")");
        }
        assert_eq!(built("memory=9999999TiB"), "1024TiB 2 Some(\"3GiB\")");
    }

    #[test]
    fn a_change_of_memory_is_told_by_name() {
        let changes = fingerprint_changes("cpus=1 memory=128MiB", "cpus=1 memory=256MiB");
        assert_eq!(
            changes,
            [(
                "memory".to_owned(),
                "128MiB".to_owned(),
                "256MiB".to_owned()
            )]
        );
    }
}
