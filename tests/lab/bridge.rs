//! The wire: who claims the VIP, and when. Somebody keeps asking aloud, so that whoever holds it has to answer.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::lab::Lab;

/// A listener on the bridge of the LAN.
pub struct Bridge {
    listener: Child,
    askers: Vec<Child>,
    vip: String,
}

/// A guest said that it holds the VIP.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// In seconds since 1970.
    pub at: f64,
    pub mac: String,
}

impl Bridge {
    /// Listens from now on.
    pub fn listen(lab: &Lab, vip: &str) -> Bridge {
        let mut listener = lab.inside("tcpdump");
        listener.args(["-lnetti", "br-lan", "arp", "and", "host", vip]);
        let listener = listener
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("tcpdump starts");
        // Each asks once a second, and they begin one after the other.
        let askers = (0..5).map(|_| {
            std::thread::sleep(Duration::from_millis(200));
            let mut asker = lab.inside("arping");
            asker.args(["-qb", "-I", "br-lan", vip]);
            asker
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("arping starts")
        });
        Bridge {
            listener,
            askers: askers.collect(),
            vip: vip.to_owned(),
        }
    }

    /// Ends it, and tells who claimed the VIP, in order.
    pub fn stop(mut self) -> Vec<Claim> {
        let pid = self.listener.id().to_string();
        std::process::Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .expect("kill is there");
        let mut text = String::new();
        let out = self.listener.stdout.as_mut().expect("it was asked for");
        std::io::Read::read_to_string(out, &mut text).expect("tcpdump writes text");
        text.lines()
            .filter_map(|line| claim(line, &self.vip))
            .collect()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        for child in self.askers.iter_mut().chain([&mut self.listener]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// `1.5 52:.. > ff:.., ethertype ARP (0x0806), length 60: Reply VIP is-at 52:.., length 46`, or a gratuitous request.
fn claim(line: &str, vip: &str) -> Option<Claim> {
    let mut words = line.split(' ');
    let at = words.next()?.parse().ok()?;
    let sender = words.next()?;
    let reply = line
        .split_once(&format!("Reply {vip} is-at "))
        .map(|(_, rest)| rest.split([',', ' ']).next());
    let asks_for_itself = line.contains(&format!("tell {vip},"));
    let mac = match (reply, asks_for_itself) {
        (Some(mac), _) => mac?,
        (None, true) => sender,
        (None, false) => return None,
    };
    Some(Claim {
        at,
        mac: mac.to_owned(),
    })
}

/// Never two at once: each one's last claim comes before the next one's first. Returns the holders in order.
#[track_caller]
pub fn assert_one_at_a_time(claims: &[Claim]) -> Vec<String> {
    let mut spans: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for claim in claims {
        let span = spans.entry(&claim.mac).or_insert((claim.at, claim.at));
        *span = (span.0.min(claim.at), span.1.max(claim.at));
    }
    let mut order: Vec<(&str, (f64, f64))> = spans.into_iter().collect();
    order.sort_by(|a, b| a.1.0.total_cmp(&b.1.0));
    for pair in order.windows(2) {
        let ((old, (_, last)), (new, (first, _))) = (pair[0], pair[1]);
        assert!(
            last < first,
            "{new} claimed the VIP at {first} and {old} still did at {last}: {order:?}"
        );
    }
    order.into_iter().map(|(mac, _)| mac.to_owned()).collect()
}

#[test]
fn claims_are_read_from_replies_and_announcements() {
    let at = |line| claim(line, "10.0.0.9").map(|c| c.mac);
    let reply = "1.5 52:00:00:00:00:01 > 52:00:00:00:00:02, ethertype ARP (0x0806), length 60: \
                 Reply 10.0.0.9 is-at 52:00:00:00:00:01, length 46";
    assert_eq!(at(reply).as_deref(), Some("52:00:00:00:00:01"));
    let announcement = "1.5 52:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 60: \
                        Request who-has 10.0.0.9 (ff:ff:ff:ff:ff:ff) tell 10.0.0.9, length 46";
    assert_eq!(at(announcement).as_deref(), Some("52:00:00:00:00:01"));
    let question = "1.5 52:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 60: \
                    Request who-has 10.0.0.9 tell 10.0.0.1, length 46";
    assert_eq!(at(question), None);
}

#[test]
#[should_panic(expected = "still did at")]
fn two_holders_at_once_are_noticed() {
    let claims = [(1.0, "a"), (2.0, "b"), (3.0, "a")].map(|(at, mac)| Claim {
        at,
        mac: mac.to_owned(),
    });
    assert_one_at_a_time(&claims);
}
