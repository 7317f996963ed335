//! What a host says of the claim on it → [`Claim`].

use super::parse_answer::{ParseError, Record, records};
use crate::model::claim::{Claim, clean};

/// The claim of a record.
pub fn parse_claim(record: &Record<'_>) -> Result<Claim, ParseError> {
    Ok(Claim {
        owner: record.parsed(0)?,
        left_s: record.parsed(1)?,
        held_s: record.parsed(2)?,
        who: clean(&record.text()?),
    })
}

/// The claim that an answer is about.
pub fn parse_claim_answer(answer: &str) -> Result<Claim, ParseError> {
    let records = records(answer)?;
    let claim = records.iter().find(|record| record.key == "claim");
    claim.map_or(Err(ParseError::Missing("claim")), parse_claim)
}

#[cfg(test)]
mod tests {
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
