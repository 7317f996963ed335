//! Single values: text → type, with a reason and a way to mend it where the text won't do. What a text may be is
//! decided by where it ends up: on the command line of ssh, in nginx.conf, in a shell script, in the domain's XML.

mod access;
mod addresses;
mod changes;
mod notify;
mod paths;
mod policies;
mod units;

pub use access::{bridge, machine, owner, sha256, user, variable};
pub use addresses::{address, address_with_prefix, network, range};
pub use changes::{class, cron, window_span, zone};
pub use notify::{
    FilledWord, Gap, event_kind, filled, header, mailbox, program, rate, url, whole_secret,
};
pub use paths::{guest_path, host_directory, host_path, mode, url_path};
pub use policies::{
    Amount, ParameterWord, WitnessWord, amount, device, fence_agent, host_choice, hosts,
    instance_number, label, parameter, parameter_value, percent, witness,
};
pub use units::{moment, pause, size, span};

/// Longer values are cut in messages.
const MAX_QUOTED: usize = 60;

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
}

/// A text in quotes, for a message: escaped, and cut where it is long.
pub fn quoted(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
    }
}

/// A name of one of the name types.
pub fn name<T: std::str::FromStr<Err = crate::model::id::NameError>>(
    text: &str,
) -> Result<T, Wrong> {
    text.parse().map_err(|error| {
        let safe = |c: char| if matches!(c, '_' | '.' | ' ') { '-' } else { c };
        let better: String = text.to_lowercase().chars().map(safe).collect();
        let better = better.trim_matches('-').to_owned();
        let better = Some(better).filter(|better| better.parse::<T>().is_ok());
        let help = better.map(|better| format!("write `{better}`"));
        Wrong {
            message: format!("{} can't be a name: {error}", quoted(text)),
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
        Some(c) => Err(Wrong::new(
            format!("the character U+{:04X} can't be part of it", u32::from(c)),
            "leave it out",
        )),
        None if text.trim().is_empty() => Err(Wrong::new(
            "it is empty",
            "remove the key, or give it a value",
        )),
        None => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::model::unit::Bytes;
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
        assert_eq!(
            size("1", Bytes(16 << 20)).unwrap_err().help.unwrap(),
            "the least is 16MiB"
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
