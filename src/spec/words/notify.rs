//! What receivers are written with: texts with gaps, URLs, headers, mail addresses, programs, rates.

use super::{Wrong, line, quoted, span, variable};
use crate::model::event::EventKind;
use crate::model::receiver::Rate;

/// A text with gaps, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilledWord(pub Vec<Gap>);

/// A part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    /// As it is.
    Text(String),
    /// The secret of this name.
    Secret(String),
    /// `{{commit}}`
    Commit,
    /// `{{id}}`
    Id,
}

/// A line with gaps: `Bearer {{secret.TOKEN}}`.
pub fn filled(text: &str) -> Result<FilledWord, Wrong> {
    let (mut gaps, mut rest) = (Vec::new(), text);
    line(text)?;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inner, after) = after.split_once("}}").ok_or_else(|| {
            Wrong::new("a `{{` is left open", "write `{{secret.NAME}}`, or no `{{`")
        })?;
        gaps.extend(some_text(before));
        gaps.push(gap(inner.trim())?);
        rest = after;
    }
    gaps.extend(some_text(rest));
    Ok(FilledWord(gaps))
}

fn some_text(text: &str) -> Option<Gap> {
    (!text.is_empty()).then(|| Gap::Text(text.to_owned()))
}

fn gap(inner: &str) -> Result<Gap, Wrong> {
    let secret = inner.strip_prefix("secret.");
    match (inner, secret.filter(|name| variable(name).is_ok())) {
        ("commit", _) => Ok(Gap::Commit),
        ("id", _) => Ok(Gap::Id),
        (_, Some(name)) => Ok(Gap::Secret(name.to_owned())),
        (_, None) => Err(Wrong::new(
            format!("{} means nothing here", quoted(&format!("{{{{{inner}}}}}"))),
            "there is `{{secret.NAME}}`, `{{commit}}` and `{{id}}`",
        )),
    }
}

/// A URL with gaps. What a secret has in it is seen only when it is used.
pub fn url(text: &str) -> Result<FilledWord, Wrong> {
    let word = filled(text)?;
    if let [Gap::Secret(_), ..] = word.0.as_slice() {
        return Ok(word);
    }
    let rest = ["https://", "http://"].iter();
    let rest = rest.filter_map(|scheme| text.strip_prefix(scheme)).next();
    let gone: String = text
        .split("{{")
        .map(|p| p.split_once("}}").map_or(p, |(_, p)| p))
        .collect();
    let plain = gone.chars().all(|c| c.is_ascii_graphic() && c != '#');
    let server = rest.unwrap_or_default();
    let server = &server[..server.find(['/', '?']).unwrap_or(server.len())];
    if server.contains('@') {
        return Err(Wrong::new(
            "a user or a password doesn't belong here",
            "write it as a header: `headers: { Authorization: \"{{secret.NAME}}\" }`",
        ));
    }
    match !server.is_empty() && plain {
        true => Ok(word),
        false => Err(Wrong::new(
            format!("{} is no URL that can be asked", quoted(text)),
            "write it as in `https://hooks.example/T0/B1`, or `\"{{secret.NAME}}\"`",
        )),
    }
}

/// The name of a header that is ours to send.
pub fn header(text: &str) -> Result<String, Wrong> {
    let good = (1..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let taken = ["host", "content-length", "transfer-encoding", "connection"];
    match taken.contains(&text.to_ascii_lowercase().as_str()) {
        _ if !good => Err(Wrong::new(
            format!("{} can't be a header", quoted(text)),
            "only letters, digits and `-` can be in it",
        )),
        true => Err(Wrong::new(
            format!("{text} is not for the file to say"),
            "remove it: it is set with every request",
        )),
        false => Ok(text.to_owned()),
    }
}

/// The name of the secret that is the whole value.
pub fn whole_secret(text: &str) -> Result<String, Wrong> {
    match filled(text)?.0.as_slice() {
        [Gap::Secret(name)] => Ok(name.clone()),
        _ => Err(Wrong::new(
            "it must be a secret",
            "write `\"{{secret.NAME}}\"`, and `secrets: { NAME: { file: PATH } }`",
        )),
    }
}

/// A mail address, without a name beside it.
pub fn mailbox(text: &str) -> Result<String, Wrong> {
    let odd = |c: char| c.is_control() || " <>,;\"()[]\\:".contains(c) || !c.is_ascii();
    let good = text
        .split_once('@')
        .is_some_and(|(who, at)| !who.is_empty() && !at.is_empty() && !at.contains('@'));
    match good && !text.contains(odd) {
        true => Ok(text.to_owned()),
        false => Err(Wrong::new(
            format!("{} is no mail address", quoted(text)),
            "write it as in `ops@example.org`, without a name",
        )),
    }
}

/// A word of a command; the first one is the program.
pub fn program(text: &str) -> Result<String, Wrong> {
    let text = line(text)?;
    match text.contains("{{") {
        true => Err(Wrong::new(
            "it is no template",
            "the event is JSON on the program's standard input; a secret would be seen in the list of processes",
        )),
        false => Ok(text),
    }
}

/// A kind of events.
pub fn event_kind(text: &str) -> Result<EventKind, Wrong> {
    let mut all = EventKind::ALL.into_iter();
    let words = EventKind::ALL.map(EventKind::word);
    all.find(|kind| kind.word() == text).ok_or_else(|| Wrong {
        message: format!("{} is not one of {}", quoted(text), words.join(", ")),
        help: crate::spec::problem::slip_of(text, words)
            .map(|word| format!("did you mean `{word}`?")),
    })
}

/// A number of messages, and a span.
pub fn rate(text: &str) -> Result<Rate, Wrong> {
    let wrong = || {
        Wrong::new(
            format!("{} is no rate", quoted(text)),
            "write a number of messages and a span, as in `30/10m`",
        )
    };
    let (most, within) = text.split_once('/').ok_or_else(wrong)?;
    let most = most.trim().parse().ok();
    let most = most
        .filter(|most| (1..=9_999).contains(most))
        .ok_or_else(wrong)?;
    let within = span(within.trim())?;
    Ok(Rate { most, within })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gaps_stand_wherever_they_are_written() {
        let word = filled("Bearer {{ secret.TOKEN }}!").unwrap();
        let [text, secret, end] = [
            Gap::Text("Bearer ".into()),
            Gap::Secret("TOKEN".into()),
            Gap::Text("!".into()),
        ];
        assert_eq!(word.0, [text, secret, end]);
        for wrong in [
            "{{",
            "{{text}}",
            "{{secret.}}",
            "{{secret.a b}}",
            "",
            "a\nb",
        ] {
            assert!(filled(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_url_is_one_or_a_secret_and_has_no_password_in_it() {
        for good in [
            "https://a.example/{{commit}}?x=1",
            "{{secret.URL}}",
            "http://[::1]:8080/",
        ] {
            assert!(url(good).is_ok(), "{good}");
        }
        for bad in [
            "https://",
            "ftp://a/",
            "a.example",
            "https://a b/",
            "https://u:p@a/",
            "https://a/#x",
        ] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rate_is_a_number_within_a_span() {
        let rate = rate("30 / 10m").unwrap();
        assert_eq!((rate.most, rate.within), (30, Duration::from_secs(600)));
        for wrong in ["30", "/10m", "0/1m", "-1/1m", "30/10", "30/0s"] {
            assert!(super::rate(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_becomes_a_header_or_a_mail_address_ends_no_line(text in "[ -~\r\n]{0,12}|[a-z]{1,3}@[a-z<>,\r\n]{1,5}") {
            for line in [header(&text), mailbox(&text)].into_iter().flatten() {
                prop_assert!(line.chars().all(|c| c.is_ascii_graphic()) && !line.contains([',', '<', ':']));
            }
        }
    }
}
