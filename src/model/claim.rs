//! The claim of a controller on a host: who acts there now. It keeps two controllers of one cluster apart, which know
//! nothing of each other but what the hosts say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::HostId;

/// How long a claim lasts on its host, by the uptime of that host, when nobody renews it.
pub const TTL: Duration = Duration::from_secs(30);
/// How much earlier its owner stops to act: an act may be under way, and clocks differ.
pub const MARGIN: Duration = Duration::from_secs(10);
/// The longest description of a controller that is taken from a host.
const LONGEST: usize = 120;
/// The most hosts that a claim names.
pub const MOST_HOSTS: usize = 1024;

/// The hosts that a controller works with. Of one that it only heard of, the controllers that work with it, or did: so that
/// nobody takes his own word for another one's. Of one that it works with itself, nobody.
pub type NamedHosts = BTreeMap<HostId, BTreeSet<ControllerId>>;

/// These, as hosts that a controller works with itself.
pub fn own<'h>(
    hosts: impl Iterator<Item = &'h HostId>,
) -> impl Iterator<Item = (HostId, BTreeSet<ControllerId>)> {
    hosts.map(|host| (host.clone(), BTreeSet::new()))
}

/// The name of a controller, kept as long as its state directory: one that is killed and started again is the same one.
/// Of two that want the same hosts at the same moment, the smaller one goes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ControllerId(String);

impl ControllerId {
    /// The name with this number: smaller numbers, smaller names.
    pub fn numbered(number: u64) -> Self {
        ControllerId(format!("{number:016x}"))
    }
}

/// Why a text names no controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a controller is named by 1 to 64 of a-z, 0-9 and '-'")]
pub struct BadControllerId;

impl FromStr for ControllerId {
    type Err = BadControllerId;

    fn from_str(text: &str) -> Result<Self, BadControllerId> {
        let known = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        match (1..=64).contains(&text.len()) && text.bytes().all(known) {
            true => Ok(ControllerId(text.to_owned())),
            false => Err(BadControllerId),
        }
    }
}

impl TryFrom<String> for ControllerId {
    type Error = BadControllerId;

    fn try_from(text: String) -> Result<Self, BadControllerId> {
        text.parse()
    }
}

impl From<ControllerId> for String {
    fn from(id: ControllerId) -> String {
        id.0
    }
}

impl fmt::Display for ControllerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Who claims hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimant {
    /// Its name.
    pub id: ControllerId,
    /// Who that is, for people: `anna@ops, watch, pid 4711`.
    pub who: String,
    /// The hosts that it works with. Whoever comes after it may have a file without some of them.
    pub hosts: NamedHosts,
}

/// Whose claim may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Succession {
    /// One that has run out, whose ever it was.
    #[default]
    Open,
    /// Only our own: whoever had it may work on with the hosts that we don't see.
    Closed,
}

/// A claim, as its host tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Whose it is.
    pub owner: ControllerId,
    /// Who that is, for people.
    pub who: String,
    /// For how long it has been held, in seconds.
    pub held_s: u64,
    /// How long it lasts unless it is renewed, in seconds; none of one that is over.
    pub left_s: u64,
    /// The hosts that its owner works with; of one that was given up, those where guests may be.
    #[serde(default, skip_serializing_if = "NamedHosts::is_empty")]
    pub hosts: NamedHosts,
}

impl Claim {
    /// Whether it is in force.
    pub fn holds(&self) -> bool {
        self.left_s > 0
    }

    /// The hosts that it names, each with every controller that works with it by this claim.
    pub fn words(&self) -> impl Iterator<Item = (&HostId, &ControllerId)> {
        self.hosts.iter().flat_map(|(host, heard)| {
            let own = heard.is_empty().then_some(&self.owner);
            heard.iter().chain(own).map(move |whose| (host, whose))
        })
    }
}

/// A description of a controller as one short line that is safe to show: it comes from another machine.
pub fn clean(who: &str) -> String {
    let printable = |c: &char| {
        !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let who: String = who.chars().filter(printable).take(LONGEST).collect();
    match who.trim() {
        "" => "somebody".to_owned(),
        who => who.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_word_names_a_controller() {
        assert!("0f3a-91".parse::<ControllerId>().is_ok());
        for bad in ["", "A", "a b", "a'b", "ä", &"a".repeat(65)] {
            assert_eq!(bad.parse::<ControllerId>(), Err(BadControllerId), "{bad}");
        }
    }

    #[test]
    fn what_a_host_says_of_a_controller_is_shown_without_tricks() {
        assert_eq!(
            clean("anna@ops, watch\n\u{1b}[2J\u{202e}"),
            "anna@ops, watch[2J"
        );
        assert_eq!(clean(" \n"), "somebody");
        assert_eq!(clean(&"x".repeat(999)).len(), LONGEST);
    }
}
