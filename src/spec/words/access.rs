//! What becomes an argument of ssh or the name of something in a system: machines, users, bridges, variables.

use super::{Wrong, quoted};

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
            format!("{} is not an owner", quoted(text)),
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
        false => Err(Wrong::new(
            format!("{} can't be {what}", quoted(text)),
            help,
        )),
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
            format!("{} can't be the name of a variable", quoted(text)),
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
