//! What a host says of the claim on it → [`Claim`].

use std::collections::BTreeSet;

use super::parse_answer::{ParseError, Record, records};
use crate::model::claim::{Claim, ControllerId, MOST_HOSTS, NamedHosts, clean};
use crate::model::id::HostId;

/// From more controllers than these, nobody hears of one host.
const MOST_WORDS: usize = 16;

/// The claim of a record. Its text is a line that says who that is, and a line that names hosts.
pub fn parse_claim(record: &Record<'_>) -> Result<Claim, ParseError> {
    let text = record.text()?;
    let (who, hosts) = text.split_once('\n').unwrap_or((&text, ""));
    Ok(Claim {
        owner: record.parsed(0)?,
        left_s: record.parsed(1)?,
        held_s: record.parsed(2)?,
        who: clean(who),
        hosts: names(hosts).ok_or_else(|| record.error())?,
    })
}

/// What [`NamedHosts`] is in a claim: `HOST`, and `HOST@CONTROLLER,CONTROLLER` of one that its owner heard of from others.
pub fn write_names(hosts: &NamedHosts) -> String {
    let names = hosts.iter().map(|(host, whose)| {
        let whose: Vec<String> = whose.iter().map(ControllerId::to_string).collect();
        match whose.as_slice() {
            [] => host.to_string(),
            whose => format!("{host}@{}", whose.join(",")),
        }
    });
    names.collect::<Vec<String>>().join(" ")
}

/// A list with anything else in it is none.
fn names(line: &str) -> Option<NamedHosts> {
    let names = line.split_ascii_whitespace().take(MOST_HOSTS + 1);
    let names: Option<NamedHosts> = names.map(name).collect();
    names.filter(|names| names.len() <= MOST_HOSTS)
}

fn name(word: &str) -> Option<(HostId, BTreeSet<ControllerId>)> {
    let (host, whose) = word.split_once('@').unwrap_or((word, ""));
    let whose = whose
        .split(',')
        .take(MOST_WORDS)
        .filter(|id| !id.is_empty());
    let whose: Result<_, _> = whose.map(str::parse).collect();
    Some((host.parse().ok()?, whose.ok()?))
}

/// The claim that an answer is about.
pub fn parse_claim_answer(answer: &str) -> Result<Claim, ParseError> {
    let records = records(answer)?;
    let claim = records.iter().find(|record| record.key == "claim");
    claim.map_or(Err(ParseError::Missing("claim")), parse_claim)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_claim_has_its_owner_its_times_and_words_for_people() {
        let answer = "reconcile-answer\nclaim 0f-3 25 65 <base64\nYW5uYUBvcHM=\n.\nend\n";
        let claim = parse_claim_answer(answer).unwrap();
        assert_eq!(claim.owner.to_string(), "0f-3");
        assert_eq!((claim.left_s, claim.held_s), (25, 65));
        assert_eq!(claim.who, "anna@ops");
    }

    fn naming(hosts: &str) -> Result<Claim, ParseError> {
        let body = STANDARD.encode(format!("anna@ops\n{hosts}"));
        parse_claim_answer(&format!(
            "reconcile-answer\nclaim 0f-3 25 65 <base64\n{body}\n.\nend\n"
        ))
    }

    #[test]
    fn a_claim_names_hosts_and_nothing_else() {
        let claim = naming("b c-1 b").unwrap();
        assert_eq!(claim.who, "anna@ops");
        assert_eq!(write_names(&claim.hosts), "b c-1");
        let heard = "b c-1@0f-3,a7 d@a7";
        assert_eq!(write_names(&naming(heard).unwrap().hosts), heard);
        let many: Vec<String> = (0..=MOST_HOSTS).map(|n| format!("h{n}")).collect();
        for bad in [
            "B",
            "b ;rm",
            "b\n$(c)",
            "\u{202e}b",
            "b@;rm",
            "b@a@c",
            &many.join(" "),
        ] {
            assert!(matches!(naming(bad), Err(ParseError::Record(_))), "{bad}");
        }
    }

    #[test]
    fn an_answer_without_a_claim_is_no_answer() {
        let missing = parse_claim_answer("reconcile-answer\nend\n");
        assert_eq!(missing, Err(ParseError::Missing("claim")));
        let bad = "reconcile-answer\nclaim A;rm 25 65 <base64\n\n.\nend\n";
        assert!(matches!(
            parse_claim_answer(bad),
            Err(ParseError::Record(_))
        ));
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(answer in "reconcile-answer\n(claim \\PC{0,30}\n([A-Za-z0-9=]{0,8}\n\\.\n)?){0,4}end\n") {
            let _ = parse_claim_answer(&answer);
        }
    }
}
