//! Paths on hosts, in guests and in URLs, and the mode of files.

use super::{Wrong, line, quoted};

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
    let directory = text.trim_end_matches('/');
    if !directory.starts_with('/') {
        return Err(Wrong::new(
            format!("{} is not an absolute directory", quoted(text)),
            "start it with `/`, and name a directory of its own",
        ));
    }
    host_path(directory)
}

/// The path of a file in a guest: absolute; a template.
pub fn guest_path(text: &str) -> Result<String, Wrong> {
    line(text)?;
    if !text.starts_with('/') {
        return Err(Wrong::new(
            format!("{} is not an absolute path", quoted(text)),
            format!("start it with `/`: `/{text}`"),
        ));
    }
    plain_path(text)
}

fn plain_path(text: &str) -> Result<String, Wrong> {
    if text.split('/').any(|part| part == "..") {
        return Err(Wrong::new(
            format!("{} goes up with `..`", quoted(text)),
            "write the path without `..`",
        ));
    }
    match text.is_empty() || text.ends_with('/') {
        true => Err(Wrong::new(
            format!("{} names no file", quoted(text)),
            "write the whole path of the file",
        )),
        false => Ok(text.to_owned()),
    }
}

/// The path of a URL. It lands in nginx.conf, where other characters have a meaning.
pub fn url_path(text: &str) -> Result<String, Wrong> {
    if !text.starts_with('/') {
        return Err(Wrong::new(
            format!("{} doesn't start with `/`", quoted(text)),
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
            format!("{} has empty or dotted parts", quoted(text)),
            "nginx compares paths without them: leave them out",
        )),
        false => Ok(text.to_owned()),
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
            format!("{} is not an octal mode", quoted(text)),
            "write it as chmod takes it, as in `\"0644\"`",
        )
    })
}
