//! What policies are written with: parts of a hundred, amounts, labels, witnesses, fence agents.

use super::{Wrong, address, line, machine, name, quoted};
use crate::model::policy::{HostChoice, Percent, Witness};

/// How many of some instances: a number of them, or a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// So many.
    Count(u32),
    /// This part of them.
    Part(Percent),
}

impl Amount {
    /// Of `all`, rounded up.
    pub fn at_least(self, all: u32) -> u32 {
        match self {
            Amount::Count(count) => count,
            Amount::Part(part) => narrow(hundredths(part, all).div_ceil(100)),
        }
    }

    /// Of `all`, rounded down; a part is one at least, or nothing could ever be worked on. No part at all is none.
    pub fn at_most(self, all: u32) -> u32 {
        match self {
            Amount::Count(count) => count,
            Amount::Part(Percent(0)) => 0,
            Amount::Part(part) => narrow(hundredths(part, all) / 100).max(1),
        }
    }
}

fn hundredths(part: Percent, all: u32) -> u64 {
    u64::from(part.0) * u64::from(all)
}

fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A part of a hundred, between two bounds.
pub fn percent(text: &str, least: u32, most: u32) -> Result<Percent, Wrong> {
    let Some(digits) = text.strip_suffix('%').map(str::trim_end) else {
        return Err(Wrong::new(
            format!("{} is no part of a hundred", quoted(text)),
            match whole(text) {
                true => format!("write `{text}%`, if that is meant"),
                false => format!("write a whole number and `%`, as in `{most}%`"),
            },
        ));
    };
    if !whole(digits) {
        return Err(Wrong::new(
            format!("{} is no whole number", quoted(digits)),
            format!("write one from {least} to {most}, and `%`"),
        ));
    }
    let number = digits.parse().ok();
    let number = number.filter(|number| (least..=most).contains(number));
    number.map(Percent).ok_or_else(|| {
        Wrong::new(
            format!("{text} is out of range"),
            format!("it can be from {least}% to {most}%"),
        )
    })
}

/// A number of instances, or a part of them.
pub fn amount(text: &str) -> Result<Amount, Wrong> {
    if text.ends_with('%') {
        return percent(text, 0, 100).map(Amount::Part);
    }
    let count = text.parse().ok().filter(|count| *count <= 10_000);
    count
        .filter(|_| whole(text))
        .map(Amount::Count)
        .ok_or_else(|| {
            Wrong::new(
                format!("{} is no number of instances", quoted(text)),
                "write a number from 0 to 10000, or a part of them, as in `50%`",
            )
        })
}

fn whole(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number of hosts: `1`, `1 host`.
pub fn hosts(text: &str) -> Result<u32, Wrong> {
    let number = text.strip_suffix(" hosts").or(text.strip_suffix(" host"));
    let number = number.unwrap_or(text);
    let hosts = number.parse().ok().filter(|hosts| *hosts <= 1_000);
    hosts.filter(|_| whole(number)).ok_or_else(|| {
        Wrong::new(
            format!("{} is no number of hosts", quoted(text)),
            "write a number from 0 to 1000",
        )
    })
}

/// The name of a label, or its value.
pub fn label(text: &str) -> Result<String, Wrong> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match (1..=63).contains(&text.len()) && text.chars().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err(Wrong::new(
            format!("{} can't be a label", quoted(text)),
            "at most 63 letters, digits and `.` `-` `_`",
        )),
    }
}

/// A host, or every host with a label.
pub fn host_choice(text: &str) -> Result<HostChoice, Wrong> {
    match text.split_once('=') {
        Some((name, value)) => Ok(HostChoice::Label(label(name)?, label(value)?)),
        None => name(text).map(HostChoice::Host),
    }
}

/// The number of an instance.
pub fn instance_number(text: &str) -> Result<u32, Wrong> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=10_000).contains(number));
    number
        .filter(|_| whole(text) && !text.starts_with('0'))
        .ok_or_else(|| {
            Wrong::new(
                format!("{} is not the number of an instance", quoted(text)),
                "instances are numbered from 1: `1` stands for the first one",
            )
        })
}

/// Who is asked whether we are cut off, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessWord {
    /// The gateways of all networks that have one.
    Gateways,
    /// Somebody in particular.
    One(Witness),
}

/// An address, a URL, or `gateway`.
pub fn witness(text: &str) -> Result<WitnessWord, Wrong> {
    if text == "gateway" {
        return Ok(WitnessWord::Gateways);
    }
    match text.split_once("://") {
        Some(("http", rest)) => url(text, rest),
        Some(("https", rest)) => Err(Wrong::new(
            "https:// can't be asked",
            format!(
                "any answer counts, so no secret is at stake: write `http://{rest}`, or the machine's address"
            ),
        )),
        Some((scheme, _)) => Err(Wrong::new(
            format!("{} can't be asked", quoted(&format!("{scheme}://"))),
            "write an address, a URL with `http://`, or `gateway`",
        )),
        None => address(text)
            .map(|address| WitnessWord::One(Witness::Address(address)))
            .map_err(|wrong| Wrong {
                help: Some("write an address, a URL with `http://`, or `gateway`".to_owned()),
                ..wrong
            }),
    }
}

/// It becomes a line of a request: nothing may end that line.
fn url(text: &str, rest: &str) -> Result<WitnessWord, Wrong> {
    let (server, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (host, port) = match server.split_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().ok().filter(|port| *port > 0)),
        None => (server, Some(80)),
    };
    let good = machine(host).is_ok()
        && port.is_some()
        && path.chars().all(|c| c.is_ascii_graphic() && c != '#');
    match good {
        true => Ok(WitnessWord::One(Witness::Url(text.to_owned()))),
        false => Err(Wrong::new(
            format!("{} is no URL that can be asked", quoted(text)),
            "write it as in `http://monitor.example:8080/health`, without user, spaces or `#`",
        )),
    }
}

/// A program of the fence-agents family: its name, or its absolute path.
pub fn fence_agent(text: &str) -> Result<String, Wrong> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_name = |text: &str| {
        text.strip_prefix("fence_")
            .is_some_and(|kind| !kind.is_empty() && kind.chars().all(allowed))
    };
    let is_path = text.starts_with('/')
        && !text.ends_with('/')
        && text.chars().all(|c| c.is_ascii_graphic())
        && text.split('/').all(|part| part != "..");
    if is_name(text) || is_path {
        return Ok(text.to_owned());
    }
    let better = format!("fence_{}", text.to_lowercase().replace('-', "_"));
    let better = better.replace("fence_fence_", "fence_");
    Err(Wrong::new(
        format!("{} is no fence agent", quoted(text)),
        match is_name(&better) {
            true => format!("write `{better}`, or the program's absolute path"),
            false => "write its name, as in `fence_ipmilan`, or its absolute path".to_owned(),
        },
    ))
}

/// The name of a parameter of a fence agent. Each is a line `name=value` for it.
pub fn parameter(text: &str) -> Result<String, Wrong> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if text == "action" {
        return Err(Wrong::new(
            "what the agent does is not for the file to say",
            "remove it: it is set whenever the agent is called",
        ));
    }
    match !text.is_empty() && text.chars().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err(Wrong::new(
            format!("{} can't be a parameter", quoted(text)),
            "only a-z, 0-9 and `_` can be in it; `AGENT -o metadata` lists those of an agent",
        )),
    }
}

/// A value for a fence agent, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterWord {
    /// As it is.
    Plain(String),
    /// That of the secret of this name.
    Secret(String),
}

/// A value for a fence agent: a line, or a reference to a secret.
pub fn parameter_value(text: &str) -> Result<ParameterWord, Wrong> {
    if text.contains(['\n', '\r']) {
        return Err(Wrong::new(
            "it has several lines",
            "a fence agent reads one line for each parameter: write it in one",
        ));
    }
    let inner = text
        .strip_prefix("{{")
        .and_then(|rest| rest.strip_suffix("}}"));
    let secret = inner.and_then(|inner| inner.trim().strip_prefix("secret."));
    match secret.filter(|secret| super::variable(secret).is_ok()) {
        Some(secret) => Ok(ParameterWord::Secret(secret.to_owned())),
        None if text.contains("{{") => Err(Wrong::new(
            "it is no template",
            "write `\"{{secret.NAME}}\"` as the whole value for a secret, else no `{{`",
        )),
        None => line(text).map(ParameterWord::Plain),
    }
}

/// A device of a host.
pub fn device(text: &str) -> Result<String, Wrong> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_/-".contains(c);
    let name = text.strip_prefix("/dev/").unwrap_or_default();
    match !name.is_empty() && !name.ends_with('/') && name.chars().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err(Wrong::new(
            format!("{} is no device", quoted(text)),
            "write it as in `/dev/watchdog`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_are_counted_with_or_without_the_word() {
        assert_eq!(hosts("2").unwrap(), 2);
        assert_eq!(hosts("1 host").unwrap(), 1);
        assert_eq!(hosts("3 hosts").unwrap(), 3);
        for wrong in [
            "",
            "host",
            " host",
            "-1",
            "1host",
            "1001 hosts",
            "1.5 hosts",
        ] {
            assert!(hosts(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn who_must_serve_is_rounded_up_and_who_may_be_away_is_rounded_down() {
        let half = amount("50%").unwrap();
        let of = |all| (half.at_least(all), half.at_most(all));
        assert_eq!([of(4), of(3), of(1)], [(2, 2), (2, 1), (1, 1)]);
        let third = amount("33%").unwrap();
        assert_eq!((third.at_least(3), third.at_most(3)), (1, 1));
        assert_eq!((third.at_least(100), third.at_most(100)), (33, 33));
    }

    #[test]
    fn none_and_all_are_not_rounded_to_something_else() {
        let [none, all] = ["0%", "100%"].map(|text| amount(text).unwrap());
        assert_eq!((none.at_least(7), all.at_least(7)), (0, 7));
        assert_eq!((none.at_most(7), all.at_most(7)), (0, 7));
        assert_eq!(all.at_least(0), 0);
    }

    #[test]
    fn a_number_is_itself_whatever_the_whole() {
        assert_eq!(
            (Amount::Count(2).at_least(9), Amount::Count(0).at_most(9)),
            (2, 0)
        );
    }

    #[test]
    fn a_percentage_without_its_sign_is_answered_with_it() {
        assert_eq!(
            percent("50", 1, 100).unwrap_err().help.unwrap(),
            "write `50%`, if that is meant"
        );
        assert!(percent("0%", 1, 100).is_err() && percent("101%", 1, 100).is_err());
        assert!(percent("+5%", 1, 100).is_err() && percent("%", 1, 100).is_err());
        assert_eq!(percent("50 %", 1, 100), Ok(Percent(50)));
    }

    #[test]
    fn a_value_is_a_secret_only_where_it_is_nothing_else() {
        let secret = Ok(ParameterWord::Secret("ipmi".to_owned()));
        assert_eq!(parameter_value("{{secret.ipmi}}"), secret);
        assert_eq!(parameter_value("{{ secret.ipmi }}"), secret);
        for text in ["x{{secret.a}}", "{{a}}", "{{secret.a}}{{secret.b}}", "{{"] {
            assert!(parameter_value(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_a_fence_agent_reads_is_one_line_for_each_parameter(name in "[a-z=\n]{0,6}", value in "[a-z=\n\r{}]{0,8}") {
            if let (Ok(name), Ok(ParameterWord::Plain(value))) = (parameter(&name), parameter_value(&value)) {
                prop_assert!(!name.contains('=') && name != "action");
                prop_assert_eq!(format!("{name}={value}\n").lines().count(), 1);
            }
        }

        #[test]
        fn what_is_asked_over_http_ends_no_line(rest in "[ -~\r\n]{0,12}") {
            if let Ok(WitnessWord::One(Witness::Url(url))) = witness(&format!("http://{rest}")) {
                prop_assert!(url.chars().all(|c| c.is_ascii_graphic()));
            }
        }
    }
}
