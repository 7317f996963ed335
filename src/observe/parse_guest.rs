//! What the look into a guest brought → [`GuestFacts`].

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::parse_answer::{ParseError, Record, records};
use super::parse_host::is_digest;
use crate::model::desired::Init;
use crate::model::facts::{DaemonFacts, GuestAddress, GuestFacts, GuestFile};
use crate::model::time::Timestamp;

/// `files` are the paths that were asked for, in the order in which they were.
pub fn parse_guest(answer: &str, files: &[&str]) -> Result<GuestFacts, ParseError> {
    let mut facts = GuestFacts::default();
    for record in records(answer)? {
        match record.key {
            "init" => facts.init = Some(init(&record)?),
            "addresses" => facts.addresses = addresses(&record.text()?),
            "file" => {
                let path = path(&record, files)?;
                facts.files.insert(path.to_owned(), file(&record)?);
            }
            "content" => {
                let file = facts.files.get_mut(path(&record, files)?);
                file.ok_or_else(|| record.error())?.content = Some(record.text()?);
            }
            "daemon" => facts.daemon = Some(daemon(&record)?),
            _ => return Err(record.error()),
        }
    }
    if facts.init.is_none() {
        return Err(ParseError::Missing("init"));
    }
    Ok(facts)
}

fn init(record: &Record<'_>) -> Result<Init, ParseError> {
    match record.word(0)? {
        "systemd" => Ok(Init::Systemd),
        "openrc" => Ok(Init::Openrc),
        "busybox" => Ok(Init::Busybox),
        "none" => Ok(Init::None),
        _ => Err(record.error()),
    }
}

fn path<'a>(record: &Record<'_>, files: &[&'a str]) -> Result<&'a str, ParseError> {
    let index: usize = record.parsed(0)?;
    files.get(index).copied().ok_or_else(|| record.error())
}

fn file(record: &Record<'_>) -> Result<GuestFile, ParseError> {
    let sha256 = record.word(1)?;
    if !is_digest(sha256) {
        return Err(record.error());
    }
    Ok(GuestFile {
        sha256: sha256.to_owned(),
        mode: u32::from_str_radix(record.word(2)?, 8).map_err(|_| record.error())?,
        owner: record.word(3)?.to_owned(),
        changed: Some(seconds(record.parsed(4)?)),
        content: None,
    })
}

fn seconds(since_1970: i64) -> Timestamp {
    Timestamp(since_1970.saturating_mul(1_000))
}

fn daemon(record: &Record<'_>) -> Result<DaemonFacts, ParseError> {
    let value = |index| {
        let word = record.word(index)?;
        Ok((word != "-").then(|| word.to_owned()))
    };
    Ok(DaemonFacts {
        running: match record.word(0)? {
            "yes" => true,
            "no" => false,
            _ => return Err(record.error()),
        },
        started: value(1)?,
        loaded: value(2)?,
    })
}

/// What `ip -o -4 addr show` prints: `2: eth0    inet 10.0.0.7/24 scope global secondary eth0:vip\ valid_lft …`.
fn addresses(text: &str) -> Vec<GuestAddress> {
    text.lines().filter_map(address).collect()
}

fn address(line: &str) -> Option<GuestAddress> {
    let line = line.split('\\').next()?;
    let mut words = line.split_ascii_whitespace();
    let net = words.find(|word| *word == "inet").and(words.next())?;
    let net = match net.parse::<Ipv4Net>() {
        Ok(net) => net,
        Err(_) => Ipv4Net::from(net.parse::<Ipv4Addr>().ok()?),
    };
    Some(GuestAddress {
        address: net.addr(),
        prefix: net.prefix_len(),
        vip: words.any(|word| word.ends_with(":vip")),
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_look_into_a_guest_brings_all_its_facts() {
        let digest = "a".repeat(64);
        let addresses = "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever\n\
            2: eth0    inet 10.0.0.7/24 brd 10.0.0.255 scope global eth0\\   valid_lft forever\n\
            2: eth0    inet 10.0.0.120/24 scope global secondary eth0:vip\\   valid_lft forever\n\
            3: tun0    inet 10.9.0.1 peer 10.9.0.2/32 scope global tun0\n";
        let answer = format!(
            "reconcile-answer\ninit busybox\naddresses <base64\n{}\n.\nfile 1 {digest} 640 root:www 1700000000\ncontent 1 <base64\n{}\n.\ndaemon yes r1 -\nend\n",
            STANDARD.encode(addresses),
            STANDARD.encode("old\n"),
        );
        let facts = parse_guest(&answer, &["/a", "/b"]).unwrap();
        let shown: Vec<_> = facts
            .addresses
            .iter()
            .map(|a| format!("{}/{} {}", a.address, a.prefix, a.vip))
            .collect();
        assert_eq!(
            shown,
            [
                "127.0.0.1/8 false",
                "10.0.0.7/24 false",
                "10.0.0.120/24 true",
                "10.9.0.1/32 false"
            ]
        );
        let file = &facts.files["/b"];
        assert_eq!(
            (file.mode, file.owner.as_str(), file.content.as_deref()),
            (0o640, "root:www", Some("old\n"))
        );
        assert_eq!(file.changed, Some(Timestamp(1_700_000_000_000)));
        let daemon = facts.daemon.unwrap();
        assert_eq!(
            (daemon.running, daemon.started.as_deref(), daemon.loaded),
            (true, Some("r1"), None)
        );
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(answer in "reconcile-answer\n((init|file|content|daemon|addresses) \\PC{0,30}\n|addresses <base64\n[A-Za-z0-9=]{0,8}\n\\.\n){0,8}end\n") {
            let _ = parse_guest(&answer, &["/x"]);
        }

        #[test]
        fn no_line_of_addresses_makes_it_panic(line in "([0-9]: \\PC{0,8} inet )?\\PC{0,40}") {
            let _ = address(&line);
        }
    }
}
