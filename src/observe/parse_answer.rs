//! The shape of every answer that a script gives: lines of words between `reconcile-answer` and `end`; what is not
//! ours to word is the encoded body of a record. Knows no meaning: that is for the parsers of hosts and guests.
//!
//! Guarantees: no input makes it panic; what a machine says in a body can't be taken for a record; an answer that
//! was cut off is an error, never half an answer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Why an answer makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No line that begins an answer.
    #[error("no answer in what it sent")]
    NoAnswer,
    /// No line that ends it.
    #[error("the answer was cut off")]
    CutOff,
    /// A record that is not what it should be.
    #[error("it sent a {0:?} that makes no sense")]
    Record(String),
    /// A record that must be there.
    #[error("it sent no {0:?}")]
    Missing(&'static str),
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it is about.
    pub key: &'a str,
    /// The words after it.
    pub words: Vec<&'a str>,
    /// Its body, decoded.
    pub body: Option<Vec<u8>>,
}

impl Record<'_> {
    /// The error that this record is no good.
    pub fn error(&self) -> ParseError {
        ParseError::Record(self.key.chars().take(40).collect())
    }

    /// The word number `index`.
    pub fn word(&self, index: usize) -> Result<&str, ParseError> {
        self.words.get(index).copied().ok_or_else(|| self.error())
    }

    /// The word number `index`, read as what it should be.
    pub fn parsed<T: std::str::FromStr>(&self, index: usize) -> Result<T, ParseError> {
        self.word(index)?.parse().map_err(|_| self.error())
    }

    /// The body as text.
    pub fn text(&self) -> Result<String, ParseError> {
        let body = self.body.as_deref().ok_or_else(|| self.error())?;
        Ok(String::from_utf8_lossy(body).into_owned())
    }
}

/// The records of `answer`. What a login shell prints before it is skipped.
pub fn records(answer: &str) -> Result<Vec<Record<'_>>, ParseError> {
    let mut lines = answer.lines().map(str::trim_end);
    lines
        .find(|line| *line == "reconcile-answer")
        .ok_or(ParseError::NoAnswer)?;
    let mut records = Vec::new();
    while let Some(line) = lines.next() {
        if line == "end" {
            return Ok(records);
        }
        let mut words = line.split_ascii_whitespace();
        let Some(key) = words.next() else { continue };
        let mut record = Record {
            key,
            words: words.collect(),
            body: None,
        };
        let decode = match record.words.last() {
            Some(&"<base64") => Some(from_base64 as fn(&str) -> Option<Vec<u8>>),
            Some(&"<hex") => Some(from_hex as fn(&str) -> Option<Vec<u8>>),
            Some(_) | None => None,
        };
        if let Some(decode) = decode {
            record.words.pop();
            let text = body(&mut lines)?;
            record.body = Some(decode(&text).ok_or_else(|| record.error())?);
        }
        records.push(record);
    }
    Err(ParseError::CutOff)
}

/// The lines up to a single dot, joined.
fn body<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Result<String, ParseError> {
    let mut text = String::new();
    for line in lines {
        if line == "." {
            return Ok(text);
        }
        text.push_str(line);
    }
    Err(ParseError::CutOff)
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// What `od -An -tx1` prints: ` 6f 6b`.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|b| *b != b' ').collect();
    let digit = |byte: u8| (byte as char).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    };
    digits.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_is_records_with_and_without_a_body() {
        let answer = "Welcome!\nreconcile-answer\ncpus 4\nname 7 <base64\nb2sK\nb2s=\n.\nhex <hex\n 6f 6b\n.\nend\nbye\n";
        // Two encoded lines are one text only where the first is whole: as `base64` wraps them.
        let records = records(answer).unwrap();
        assert_eq!((records[0].key, records[0].parsed(0)), ("cpus", Ok(4)));
        assert_eq!(records[1].words, ["7"]);
        assert_eq!(records[1].text().unwrap(), "ok\nok");
        assert_eq!(records[2].text().unwrap(), "ok");
    }

    #[test]
    fn an_answer_without_its_end_is_an_error() {
        assert_eq!(
            records("reconcile-answer\ncpus 4\n"),
            Err(ParseError::CutOff)
        );
        assert_eq!(
            records("reconcile-answer\nx <base64\nend\n"),
            Err(ParseError::CutOff)
        );
        assert_eq!(records("motd only\n"), Err(ParseError::NoAnswer));
    }

    proptest! {
        #[test]
        fn no_input_makes_it_panic(answer in "(reconcile-answer\n)?([a-z<0-9. ]{0,12}\n|x <base64\n|x <hex\n|\\.\n|end\n|\\PC{0,20}\n){0,12}") {
            let _ = records(&answer);
        }

        #[test]
        fn a_body_comes_out_as_it_went_in(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let answer = format!("reconcile-answer\nx <base64\n{}\n.\nend\n", STANDARD.encode(&body));
            prop_assert_eq!(records(&answer).unwrap().remove(0).body, Some(body.clone()));
            let hex: String = body.iter().map(|b| format!(" {b:02x}")).collect();
            let answer = format!("reconcile-answer\nx <hex\n{hex}\n.\nend\n");
            prop_assert_eq!(records(&answer).unwrap().remove(0).body, Some(body.clone()));
        }
    }
}
