//! What the look at a host brought → [`HostFacts`].

use std::collections::BTreeMap;

use super::parse_answer::{ParseError, Record, records};
use super::parse_claim::parse_claim;
use super::parse_domain::parse_domains;
use crate::model::facts::{HostFacts, HostFile};
use crate::model::id::HostId;
use crate::model::time::Timestamp;
use crate::model::unit::Bytes;

/// What is wrong with a host that answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The answer itself.
    #[error(transparent)]
    Answer(#[from] ParseError),
    /// Its libvirt is not there, or does not work; what it says stands on standard error. The host itself tells whom it sees.
    #[error("libvirt does not list its domains")]
    Libvirt(BTreeMap<HostId, bool>),
    /// Its libvirt is silent. The host itself is not.
    #[error("libvirt hangs: virsh got no answer from it; look at the libvirtd of this host")]
    Silent(BTreeMap<HostId, bool>),
}

impl HostError {
    /// Which of the other hosts that were asked for it sees, all the same.
    pub fn sees(&self) -> BTreeMap<HostId, bool> {
        match self {
            HostError::Libvirt(sees) | HostError::Silent(sees) => sees.clone(),
            HostError::Answer(_) => BTreeMap::new(),
        }
    }
}

/// `files` are the paths and `peers` the hosts that were asked for, in the order in which they were.
pub fn parse_host(answer: &str, files: &[&str], peers: &[&HostId]) -> Result<HostFacts, HostError> {
    let mut facts = HostFacts::default();
    let (mut described, mut broken) = (false, None);
    for record in records(answer)? {
        match record.key {
            "virsh" => {
                facts.domains = parse_domains(&record.text()?, record.word(0)?)?;
                described = true;
            }
            // With the exit status of virsh; `timeout` ends it with 124.
            "broken" => broken = Some(record.parsed::<u8>(0)?),
            "file" => {
                let (path, file) = file(&record, files)?;
                facts.files.insert(path, file);
            }
            "volumes" => facts.volumes = volumes(&record)?,
            "kept" => facts.kept = kept(&record)?,
            "memory" => facts.memory = Some(Bytes(product(record.parsed(0)?, 1024))),
            "cpus" => facts.cpus = Some(record.parsed(0)?),
            "free" => facts.free = Some(Bytes(product(record.parsed(0)?, record.parsed(1)?))),
            "sees" => {
                let peer: usize = record.parsed(0)?;
                let peer = peers.get(peer).ok_or_else(|| record.error())?;
                facts.sees.insert((*peer).clone(), record.word(1)? == "yes");
            }
            "claim" => facts.claim = parse_claim(&record).ok(),
            "kvm" => facts.kvm = kvm(record.word(0)?),
            _ => return Err(record.error().into()),
        }
    }
    match broken {
        Some(124) => return Err(HostError::Silent(facts.sees)),
        Some(_) => return Err(HostError::Libvirt(facts.sees)),
        None => {}
    }
    if !described {
        return Err(ParseError::Missing("domains").into());
    }
    Ok(facts)
}

fn product(number: u64, factor: u64) -> u64 {
    number.saturating_mul(factor)
}

fn kvm(word: &str) -> Option<bool> {
    match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn file(record: &Record<'_>, files: &[&str]) -> Result<(String, HostFile), ParseError> {
    let index: usize = record.parsed(0)?;
    let path = files.get(index).ok_or_else(|| record.error())?;
    let file = HostFile {
        size: Bytes(record.parsed(1)?),
        sha256: Some(record.word(2)?.to_owned()).filter(|digest| is_digest(digest)),
    };
    Ok(((*path).to_owned(), file))
}

/// Whether `text` is a SHA-256 in hex.
pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// `BLOCKS NAME` of each file, with what it takes in blocks of 512 bytes (POSIX, `ls -s`).
fn volumes(record: &Record<'_>) -> Result<BTreeMap<String, Bytes>, ParseError> {
    let entry = |entry: String| {
        let (blocks, name) = entry.split_once(' ')?;
        let used = Bytes(product(blocks.parse().ok()?, 512));
        Some((name.to_owned(), used))
    };
    let volumes: Option<BTreeMap<_, _>> = entries(record)?.into_iter().map(entry).collect();
    volumes.ok_or_else(|| record.error())
}

/// Entries, each with a NUL byte behind it. One that is no UTF-8 is none of ours.
fn entries(record: &Record<'_>) -> Result<Vec<String>, ParseError> {
    let body = record.body.as_deref().ok_or_else(|| record.error())?;
    let entries = body
        .split(|byte| *byte == 0)
        .filter(|entry| !entry.is_empty());
    let entries = entries.filter_map(|entry| String::from_utf8(entry.to_vec()).ok());
    Ok(entries.collect())
}

/// `SECONDS NAME` of each file: seconds since 1970, with a fraction.
fn kept(record: &Record<'_>) -> Result<BTreeMap<String, Timestamp>, ParseError> {
    let entry = |entry: String| {
        let (seconds, name) = entry.split_once(' ')?;
        let whole = seconds.split('.').next()?;
        let millis = whole.parse::<i64>().ok()?.checked_mul(1000)?;
        Some((name.to_owned(), Timestamp(millis)))
    };
    let kept: Option<BTreeMap<_, _>> = entries(record)?.into_iter().map(entry).collect();
    kept.ok_or_else(|| record.error())
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    fn body(text: &str) -> String {
        format!("<base64\n{}\n.", STANDARD.encode(text))
    }

    #[test]
    fn a_look_at_a_host_brings_all_its_facts() {
        let digest = "0".repeat(64);
        let answer = format!(
            "reconcile-answer\nvirsh n1 {}\nfile 1 4096 {digest}\nfile 0 7 ?\nvolumes {}\nkept {}\nmemory 2048\ncpus 4\nfree 10 4096\nkvm no\nend\n",
            body("n1 end\n"),
            body("8 b.qcow2\x007 a\nb\0"),
            body("1700000000.5 b.qcow2.kept\0"),
        );
        let facts = parse_host(&answer, &["/x", "/y"], &[]).unwrap();
        assert_eq!(facts.files["/y"].sha256.as_deref(), Some(digest.as_str()));
        assert_eq!(facts.files["/x"].sha256, None);
        let names: Vec<&String> = facts.volumes.keys().collect();
        assert_eq!(names, ["a\nb", "b.qcow2"]);
        assert_eq!(facts.volumes["b.qcow2"], Bytes(4096));
        assert_eq!(facts.kept["b.qcow2.kept"], Timestamp(1_700_000_000_000));
        assert_eq!(facts.memory, Some(Bytes(2 << 20)));
        assert_eq!((facts.cpus, facts.free), (Some(4), Some(Bytes(40960))));
        assert_eq!(facts.kvm, Some(false));
    }

    #[test]
    fn a_host_whose_domains_could_not_be_listed_has_no_facts() {
        let none = BTreeMap::new;
        let broken = "reconcile-answer\nbroken 124\ncpus 4\nend\n";
        assert_eq!(parse_host(broken, &[], &[]), Err(HostError::Silent(none())));
        let broken = "reconcile-answer\nbroken 1\nend\n";
        assert_eq!(
            parse_host(broken, &[], &[]),
            Err(HostError::Libvirt(none()))
        );
        let missing = parse_host("reconcile-answer\ncpus 4\nend\n", &[], &[]);
        assert_eq!(missing, Err(ParseError::Missing("domains").into()));
    }

    #[test]
    fn a_host_whose_libvirt_hangs_tells_whom_it_sees_all_the_same() {
        let (b, c): (HostId, HostId) = ("b".parse().unwrap(), "c".parse().unwrap());
        let answer = "reconcile-answer\nbroken 124\nsees 1 no\nsees 0 yes\nend\n";
        let error = parse_host(answer, &[], &[&b, &c]).unwrap_err();
        assert_eq!(error.sees(), BTreeMap::from([(b, true), (c, false)]));
    }

    #[test]
    fn a_disk_with_a_time_that_is_none_makes_the_answer_none() {
        for bad in ["b.kept", "x b.kept", "9999999999999999 b.kept"] {
            let answer = format!("reconcile-answer\nkept {}\nend\n", body(bad));
            let error = parse_host(&answer, &[], &[]).unwrap_err();
            assert!(
                matches!(error, HostError::Answer(ParseError::Record(_))),
                "{bad}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(answer in "reconcile-answer\n((file|free|cpus|memory|kvm|volumes|kept|virsh|broken) \\PC{0,30}\n|x <base64\n[A-Za-z0-9=]{0,8}\n\\.\n){0,8}end\n") {
            let _ = parse_host(&answer, &["/x"], &[]);
        }
    }
}
