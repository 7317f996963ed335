//! Single values: text → type, with a reason and a way to mend it where the text won't do. What a text may be is
//! decided by where it ends up: on the command line of ssh, in nginx.conf, in a shell script, in the domain's XML.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ipnet::Ipv4Net;

use crate::model::unit::{Bytes, UnitError, parse_span};

/// Why a text won't do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong, to be read after the key's name and a colon.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
}

impl Wrong {
    /// Something wrong, with a way to mend it.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: Some(help.into()),
        }
    }

    fn plain(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
        }
    }
}

/// A name of one of the name types.
pub fn name<T: std::str::FromStr<Err = crate::model::id::NameError>>(
    text: &str,
) -> Result<T, Wrong> {
    text.parse().map_err(|error| {
        let better: String = text
            .to_lowercase()
            .chars()
            .map(|c| if c == '_' || c == '.' { '-' } else { c })
            .collect();
        let better = Some(better).filter(|better| better.parse::<T>().is_ok());
        let help = better.map(|better| format!("write `{better}`"));
        Wrong {
            message: format!("{text:?} can't be a name: {error}"),
            help,
        }
    })
}

/// A text that may hold anything but control characters.
pub fn line(text: &str) -> Result<String, Wrong> {
    text_without(text, |c| c.is_control() && c != '\t')
}

/// A text of several lines.
pub fn text(text: &str) -> Result<String, Wrong> {
    text_without(text, |c| c.is_control() && !matches!(c, '\t' | '\n'))
}

/// A text that may be empty, and of several lines.
pub fn value(text: &str) -> Result<String, Wrong> {
    match text.trim().is_empty() {
        true if !text.chars().any(|c| c.is_control() && c != '\n') => Ok(text.to_owned()),
        _ => self::text(text),
    }
}

fn text_without(text: &str, bad: impl Fn(char) -> bool) -> Result<String, Wrong> {
    match text.chars().find(|c| bad(*c)) {
        Some(c) => Err(Wrong::plain(format!(
            "the character U+{:04X} can't be part of it",
            u32::from(c)
        ))),
        None if text.trim().is_empty() => Err(Wrong::new(
            "it is empty",
            "remove the key, or give it a value",
        )),
        None => Ok(text.to_owned()),
    }
}

/// A size. The smallest that makes sense is the caller's to know.
pub fn size(text: &str, least: Bytes) -> Result<Bytes, Wrong> {
    let size = Bytes::parse(text).map_err(|error| unit(error, text, "MiB"))?;
    match size < least {
        true => Err(Wrong::new(
            format!("{text} is too little"),
            format!("the least is {least}"),
        )),
        false => Ok(size),
    }
}

/// A span of time, between a millisecond and a day.
pub fn span(text: &str) -> Result<Duration, Wrong> {
    let span = parse_span(text).map_err(|error| unit(error, text, "s"))?;
    if span.is_zero() {
        return Err(Wrong::new("it can't be zero", "the least is 1ms"));
    }
    match span > Duration::from_secs(86_400) {
        true => Err(Wrong::new(
            format!("{text} is too long"),
            "the longest is 24h",
        )),
        false => Ok(span),
    }
}

fn unit(error: UnitError, text: &str, likely: &str) -> Wrong {
    let decimal = [
        ("KB", "KiB"),
        ("MB", "MiB"),
        ("GB", "GiB"),
        ("TB", "TiB"),
        ("k", "KiB"),
        ("m", "MiB"),
        ("g", "GiB"),
        ("t", "TiB"),
    ];
    let help = match &error {
        UnitError::NoUnit(number, _) => Some(format!("write `{number}{likely}`, if that is meant")),
        UnitError::BadUnit(unit, known) if known.contains("MiB") => {
            let number = text.trim().trim_end_matches(unit.as_str()).trim_end();
            let same = |(wrong, _): &&(&str, &str)| {
                unit.eq_ignore_ascii_case(wrong) || unit.eq_ignore_ascii_case(&format!("{wrong}iB"))
            };
            let right = decimal.iter().find(same);
            right.map(|(_, right)| format!("write `{number}{right}`, if that is meant"))
        }
        UnitError::NoNumber(_) if text.contains(['.', ',']) => {
            Some("write a whole number of a smaller unit".to_owned())
        }
        UnitError::BadUnit(..) if text.contains(['.', ',']) => {
            Some("write a whole number of a smaller unit".to_owned())
        }
        UnitError::NoNumber(_) => Some(format!("write a number and a unit, as in `4{likely}`")),
        UnitError::BadUnit(..) | UnitError::TooLarge(_) => None,
    };
    Wrong {
        message: error.to_string(),
        help,
    }
}

/// An IPv4 address that a machine can have.
pub fn address(text: &str) -> Result<Ipv4Addr, Wrong> {
    let address: Ipv4Addr = text.trim().parse().map_err(|_| not_an_address(text))?;
    let unusable = address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || address.is_broadcast();
    match unusable {
        true => Err(Wrong::new(
            format!("{address} can't be the address of a machine"),
            "write one of your network's addresses",
        )),
        false => Ok(address),
    }
}

fn not_an_address(text: &str) -> Wrong {
    match text.parse::<IpAddr>() {
        Ok(_) => Wrong::new(
            format!("{text} is an IPv6 address"),
            "networks of guests are IPv4",
        ),
        Err(_) if text.contains('/') => Wrong::new(
            format!("{text:?} is not an IPv4 address"),
            "write the address only, without `/PREFIX`",
        ),
        Err(_) => Wrong::new(
            format!("{text:?} is not an IPv4 address"),
            "write four numbers from 0 to 255, as in `192.168.10.1`",
        ),
    }
}

/// An address with the length of its prefix.
pub fn address_with_prefix(text: &str) -> Result<Ipv4Net, Wrong> {
    let Some((host, prefix)) = text.split_once('/') else {
        let help = format!("write the length of the network's prefix behind it, as in `{text}/24`");
        return Err(address(text)
            .err()
            .unwrap_or_else(|| Wrong::new("the prefix is missing", help)));
    };
    let host = address(host)?;
    let prefix: u8 = prefix.parse().map_err(|_| bad_prefix(prefix))?;
    Ipv4Net::new(host, prefix).map_err(|_| bad_prefix(&prefix.to_string()))
}

fn bad_prefix(prefix: &str) -> Wrong {
    Wrong::new(
        format!("{prefix:?} is no length of a prefix"),
        "it is a number up to 32, as in `/24`",
    )
}

/// A network: the address of it, not one in it.
pub fn network(text: &str) -> Result<Ipv4Net, Wrong> {
    let net = address_with_prefix(text)?;
    if !(8..=30).contains(&net.prefix_len()) {
        return Err(Wrong::new(
            format!("a network of prefix /{} can't be used", net.prefix_len()),
            "from /8 to /30 is possible",
        ));
    }
    match net.addr() == net.network() {
        true => Ok(net),
        false => Err(Wrong::new(
            format!(
                "{} is an address in the network, not the network",
                net.addr()
            ),
            format!("write `{}`", net.trunc()),
        )),
    }
}

/// A range of addresses: `A-B`, `A/PREFIX` or `A`.
pub fn range(text: &str) -> Result<(Ipv4Addr, Ipv4Addr), Wrong> {
    if let Some((first, last)) = text.split_once('-') {
        return ordered(address(first)?, whole(first, last)?);
    }
    if text.contains('/') {
        let net = address_with_prefix(text)?;
        let whole = net.addr() == net.network();
        let help = || {
            format!(
                "write `{}` for the whole network, or `{}` for the one address",
                net.trunc(),
                net.addr()
            )
        };
        return match whole {
            true => Ok((net.network(), net.broadcast())),
            false => Err(Wrong::new(
                format!("{text} is an address in the network {}", net.trunc()),
                help(),
            )),
        };
    }
    address(text).map(|only| (only, only))
}

fn whole(first: &str, last: &str) -> Result<Ipv4Addr, Wrong> {
    address(last).map_err(
        |wrong| match (last.trim().parse::<u8>(), first.rsplit_once('.')) {
            (Ok(number), Some((start, _))) => Wrong::new(
                wrong.message,
                format!(
                    "write the whole address: `{}-{}.{number}`",
                    first.trim(),
                    start.trim()
                ),
            ),
            _ => wrong,
        },
    )
}

fn ordered(first: Ipv4Addr, last: Ipv4Addr) -> Result<(Ipv4Addr, Ipv4Addr), Wrong> {
    match first <= last {
        true => Ok((first, last)),
        false => Err(Wrong::new(
            "the range ends before it starts",
            format!("write `{last}-{first}`"),
        )),
    }
}

/// What ssh connects to. It becomes an argument of ssh: a leading `-` would be an option.
pub fn machine(text: &str) -> Result<String, Wrong> {
    if let Some((user, host)) = text.split_once('@') {
        return Err(Wrong::new(
            "the user doesn't belong here",
            format!("write `address: {host}` and `user: {user}`"),
        ));
    }
    let parts = text
        .rsplit_once(':')
        .filter(|(host, port)| !host.contains(':') && port.parse::<u16>().is_ok());
    if let Some((host, port)) = parts {
        return Err(Wrong::new(
            "the port doesn't belong here",
            format!("write `address: {host}` and `port: {port}`"),
        ));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._:%-".contains(c);
    safe_word(
        text,
        allowed,
        253,
        "an address or a host name",
        "only letters, digits and `.` `-` `_` `:` `%` can be in it, and no `-` in front",
    )
}

/// A user's name. It becomes an argument of ssh too.
pub fn user(text: &str) -> Result<String, Wrong> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    safe_word(
        text,
        allowed,
        32,
        "a user name",
        "only letters, digits and `.` `-` `_` can be in it, and no `-` in front",
    )
}

/// `user` or `user:group`.
pub fn owner(text: &str) -> Result<String, Wrong> {
    let parts: Vec<&str> = text.split(':').collect();
    let good = parts.len() <= 2 && parts.iter().all(|part| user(part).is_ok());
    match good {
        true => Ok(text.to_owned()),
        false => Err(Wrong::new(
            format!("{text:?} is not an owner"),
            "write `user` or `user:group`, as in `root:www-data`",
        )),
    }
}

/// The name of a bridge, as the kernel takes it (IFNAMSIZ leaves 15 characters).
pub fn bridge(text: &str) -> Result<String, Wrong> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    safe_word(
        text,
        allowed,
        15,
        "the name of a bridge",
        "at most 15 letters, digits and `.` `-` `_`, and no `-` in front",
    )
}

fn safe_word(
    text: &str,
    allowed: impl Fn(char) -> bool,
    longest: usize,
    what: &str,
    help: &str,
) -> Result<String, Wrong> {
    let good = !text.is_empty()
        && text.len() <= longest
        && !text.starts_with(['-', '.', ':', '%'])
        && text.chars().all(allowed);
    match good {
        true => Ok(text.to_owned()),
        false => Err(Wrong::new(format!("{text:?} can't be {what}"), help)),
    }
}

/// Permission bits. They are octal with or without quotes and with or without a leading zero: nobody means others.
pub fn mode(text: &str) -> Result<u32, Wrong> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let bits = u32::from_str_radix(digits, 8)
        .ok()
        .filter(|bits| *bits <= 0o7777);
    let length =
        (3..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    bits.filter(|_| length).ok_or_else(|| {
        Wrong::new(
            format!("{text:?} is not an octal mode"),
            "write it as chmod takes it, as in `\"0644\"`",
        )
    })
}

/// A path on a host. qemu reads `:` and `,` in the names of disks in its own way, so they can't be part of it.
pub fn host_path(text: &str) -> Result<String, Wrong> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-+@=/".contains(c);
    if let Some(bad) = text.chars().find(|c| !allowed(*c)) {
        return Err(Wrong::new(
            format!("{bad:?} can't be part of a path on a host"),
            "only letters, digits and `.` `_` `-` `+` `@` `=` can be in it: qemu reads others in its own way",
        ));
    }
    plain_path(text)
}

/// An absolute directory on a host.
pub fn host_directory(text: &str) -> Result<String, Wrong> {
    let path = host_path(text)?;
    match path.trim_end_matches('/') {
        directory if directory.starts_with('/') => Ok(directory.to_owned()),
        _ => Err(Wrong::new(
            format!("{text:?} is not an absolute directory"),
            "start it with `/`, and name a directory of its own",
        )),
    }
}

/// The path of a file in a guest: absolute; a template.
pub fn guest_path(text: &str) -> Result<String, Wrong> {
    line(text)?;
    if !text.starts_with('/') {
        return Err(Wrong::new(
            format!("{text:?} is not an absolute path"),
            format!("start it with `/`: `/{text}`"),
        ));
    }
    plain_path(text)
}

fn plain_path(text: &str) -> Result<String, Wrong> {
    if text.split('/').any(|part| part == "..") {
        return Err(Wrong::new(
            format!("{text:?} goes up with `..`"),
            "write the path without `..`",
        ));
    }
    match text.is_empty()
        || text.ends_with('/') && text.len() > 1 && !text.starts_with('/')
        || text == "/"
    {
        true => Err(Wrong::new(
            format!("{text:?} names no file"),
            "write the whole path of the file",
        )),
        false => Ok(text.to_owned()),
    }
}

/// The path of a URL. It lands in nginx.conf, where other characters have a meaning.
pub fn url_path(text: &str) -> Result<String, Wrong> {
    if !text.starts_with('/') {
        return Err(Wrong::new(
            format!("{text:?} doesn't start with `/`"),
            format!("write `/{text}`"),
        ));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._~/-".contains(c);
    if let Some(bad) = text.chars().find(|c| !allowed(*c)) {
        return Err(Wrong::new(
            format!("{bad:?} can't be part of a path"),
            "only letters, digits and `.` `_` `~` `-` `/` can be in it: it becomes part of nginx.conf",
        ));
    }
    let dots = text.split('/').any(|part| part == "." || part == "..");
    match dots || text.contains("//") {
        true => Err(Wrong::new(
            format!("{text:?} has empty or dotted parts"),
            "nginx compares paths without them: leave them out",
        )),
        false => Ok(text.to_owned()),
    }
}

/// The name of an environment variable or a secret.
pub fn variable(text: &str) -> Result<String, Wrong> {
    let first = text
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    match first && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        true => Ok(text.to_owned()),
        false => Err(Wrong::new(
            format!("{text:?} can't be the name of a variable"),
            "only letters, digits and `_` can be in it, and no digit in front",
        )),
    }
}

/// A SHA-256 in hex.
pub fn sha256(text: &str) -> Result<String, Wrong> {
    match text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit()) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(Wrong::new(
            "it is not a SHA-256",
            "write the 64 hex digits that `sha256sum FILE` prints",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mode_is_octal_however_it_is_written() {
        for text in ["0644", "644", "0o644"] {
            assert_eq!(mode(text), Ok(0o644));
        }
        for text in ["689", "rw", "", "77777", "+644", "4"] {
            assert!(mode(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_is_written_in_three_ways() {
        let ip = |n| Ipv4Addr::new(10, 0, 0, n);
        assert_eq!(range("10.0.0.4-10.0.0.9"), Ok((ip(4), ip(9))));
        assert_eq!(range("10.0.0.4 - 10.0.0.9"), Ok((ip(4), ip(9))));
        assert_eq!(range("10.0.0.4/30"), Ok((ip(4), ip(7))));
        assert_eq!(range("10.0.0.4"), Ok((ip(4), ip(4))));
        assert_eq!(
            range("10.0.0.4-9").unwrap_err().help.unwrap(),
            "write the whole address: `10.0.0.4-10.0.0.9`"
        );
        assert_eq!(
            range("10.0.0.9-10.0.0.4").unwrap_err().help.unwrap(),
            "write `10.0.0.4-10.0.0.9`"
        );
    }

    #[test]
    fn a_decimal_unit_is_answered_with_the_binary_one() {
        assert_eq!(
            size("512MB", Bytes(0)).unwrap_err().help.unwrap(),
            "write `512MiB`, if that is meant"
        );
        assert_eq!(
            size("2G", Bytes(0)).unwrap_err().help.unwrap(),
            "write `2GiB`, if that is meant"
        );
        assert_eq!(
            size("512", Bytes(0)).unwrap_err().help.unwrap(),
            "write `512MiB`, if that is meant"
        );
    }

    proptest! {
        #[test]
        fn what_becomes_an_argument_of_ssh_is_never_an_option_nor_more_than_one_word(text in "[ -~]{0,12}|[-a-z$`\"' \n;]{1,8}") {
            for word in [machine(&text), user(&text)].into_iter().flatten() {
                prop_assert!(!word.starts_with('-') && !word.is_empty());
                prop_assert!(word.chars().all(|c| c.is_ascii_alphanumeric() || "._:%-".contains(c)));
            }
        }

        #[test]
        fn what_lands_in_nginx_conf_ends_no_directive(text in "/[ -~]{0,12}") {
            if let Ok(path) = url_path(&text) {
                let special = ['{', '}', ';', '"', '\'', '\\', '$', ' ', '#'];
                prop_assert!(!path.contains(special));
            }
        }

        #[test]
        fn paths_never_go_up(text in "[a./]{0,12}") {
            for path in [guest_path(&text), host_path(&text), host_directory(&text)].into_iter().flatten() {
                prop_assert!(path.split('/').all(|part| part != ".."));
            }
        }
    }
}
