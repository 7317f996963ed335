//! What a commit says of itself, and what its signature proves (git-log(1), "PRETTY FORMATS").

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::Signers;
use super::run::{Git, succeeded};
use crate::model::commit::{Commit, CommitId, Signature};
use crate::model::time::Timestamp;
use crate::ports::repository::RepositoryError;
use crate::render::sha256;

/// The fields that are asked for, a byte of zero between them: none of them can have one.
const FORMAT: &str = "--format=%an <%ae>%x00%ct%x00%G?%x00%GS%x00%GK%x00%s";
/// How long gpg may take to take in keys.
const IMPORT: Duration = Duration::from_secs(60);
/// How the fingerprint of an ssh key begins.
const SSH_KEY: &str = "SHA256:";
/// How much of what a commit says of itself is taken.
const SHOWN: usize = 200;

/// See [`crate::ports::repository::Repository::about`].
pub async fn about(
    git: &Git,
    directory: &Path,
    signers: &Signers,
    id: &CommitId,
) -> Result<Commit, RepositoryError> {
    let unusable = RepositoryError::Unusable;
    let allowed = signers.ssh.as_deref().unwrap_or(Path::new("/dev/null"));
    let mut allowed_signers = OsString::from("gpg.ssh.allowedSignersFile=");
    allowed_signers.push(allowed);
    let args: [&std::ffi::OsStr; 7] = [
        "-c".as_ref(),
        &allowed_signers,
        "log".as_ref(),
        "-1".as_ref(),
        "--no-show-signature".as_ref(),
        FORMAT.as_ref(),
        id.as_str().as_ref(),
    ];
    let mut command = git.command(&args);
    // Only the keys that were named count, not those that somebody has for other purposes.
    let keys = keyring(directory, signers).await.map_err(unusable)?;
    command.env("GNUPGHOME", keys);
    let output = succeeded(command, IMPORT).await.map_err(unusable)?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse_about(id, &text, signers.are_named())
        .ok_or_else(|| unusable(format!("what git says of commit {id} makes no sense")))
}

/// See [`crate::ports::repository::Repository::descends`].
pub async fn descends(
    git: &Git,
    late: &CommitId,
    early: &CommitId,
) -> Result<bool, RepositoryError> {
    let there = format!("{}^{{commit}}", early.as_str());
    if git.said(&["cat-file", "-e", &there]).await.is_err() {
        return Ok(false);
    }
    let args = ["merge-base", "--is-ancestor", early.as_str(), late.as_str()];
    git.answered(&args).await.map_err(RepositoryError::Unusable)
}

fn parse_about(id: &CommitId, text: &str, checked: bool) -> Option<Commit> {
    let mut fields = text.trim_end_matches('\n').splitn(6, '\0');
    let mut next = || Some(clean(fields.next()?));
    let (author, at) = (next()?, next()?.parse::<i64>().ok()?);
    let (state, by, key, subject) = (next()?, next()?, next()?, next()?);
    Some(Commit {
        id: id.clone(),
        author,
        at: Timestamp(at.saturating_mul(1_000)),
        subject,
        signature: signature(&state, by, key, checked),
    })
}

/// `%G?` in our words. U: the signature is right, and nothing says how far the key is trusted. All keys of a keyring that was
/// named count; of an ssh key nobody says whose it is.
fn signature(state: &str, by: String, key: String, checked: bool) -> Signature {
    match state {
        "N" => Signature::Missing,
        "B" => Signature::Bad,
        _ if !checked => Signature::Unchecked,
        "G" => Signature::Good { by },
        "U" if !key.starts_with(SSH_KEY) => Signature::Good { by },
        "X" | "Y" | "R" => Signature::Outdated { by },
        _ => Signature::Unknown { key },
    }
}

/// What others wrote, without anything that a terminal or a log would take for an order.
fn clean(text: &str) -> String {
    let shown = text.chars().filter(|c| !c.is_control());
    shown.take(SHOWN).collect()
}

/// A home of gpg with the keys that were named, and nothing else.
async fn keyring(directory: &Path, signers: &Signers) -> Result<std::path::PathBuf, String> {
    let keys = match &signers.pgp {
        None => Vec::new(),
        Some(file) => fs::read(file)
            .map_err(|error| format!("can't read the keyring {}: {error}", file.display()))?,
    };
    let home = directory.join(format!(
        "keys-{}",
        &sha256(&String::from_utf8_lossy(&keys))[..12]
    ));
    if home.is_dir() {
        return Ok(home);
    }
    let failed = |error: std::io::Error| format!("can't keep keys in {}: {error}", home.display());
    // Named as a whole once it is complete.
    let fresh = tempfile::Builder::new()
        .prefix("keys-")
        .tempdir_in(directory)
        .map_err(failed)?;
    if let Some(file) = &signers.pgp {
        import(fresh.path(), file).await?;
    }
    let fresh = fresh.keep();
    match fs::rename(&fresh, &home) {
        Ok(()) => Ok(home),
        Err(error) => {
            // Somebody else made the same.
            let _ = fs::remove_dir_all(&fresh);
            if home.is_dir() {
                Ok(home)
            } else {
                Err(failed(error))
            }
        }
    }
}

async fn import(home: &Path, file: &Path) -> Result<(), String> {
    let mut command = Command::new("gpg");
    command
        .args(["--batch", "--quiet", "--no-autostart", "--homedir"])
        .arg(home);
    command
        .arg("--import")
        .arg("--")
        .arg(file)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let imported = succeeded(command, IMPORT).await;
    imported
        .map(drop)
        .map_err(|why| format!("can't take in the keyring {}: {why}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_is_told_in_our_words() {
        let good = Signature::Good { by: "anna".into() };
        let of = |state, checked| signature(state, "anna".into(), "SHA256:x".into(), checked);
        assert_eq!(of("G", true), good);
        let pgp = signature("U", "anna".into(), "D3E5D5B88EDA1172".into(), true);
        assert_eq!(pgp, good);
        assert_eq!(of("N", true), Signature::Missing);
        assert_eq!(
            of("U", true),
            Signature::Unknown {
                key: "SHA256:x".into()
            }
        );
        assert_eq!(
            of("E", true),
            Signature::Unknown {
                key: "SHA256:x".into()
            }
        );
        assert_eq!(of("X", true), Signature::Outdated { by: "anna".into() });
        assert_eq!(
            (of("U", false), of("B", false)),
            (Signature::Unchecked, Signature::Bad)
        );
    }

    #[test]
    fn a_hostile_subject_stays_one_line_without_orders_to_a_terminal() {
        let id = "daa85f87f8b307dd5d64832c1b7494559ce8d8f5".parse().unwrap();
        let text = "A\u{1b}[2J <a@b>\u{0}12\u{0}N\u{0}\u{0}\u{0}one\u{7} two\u{0}three\n";
        let commit = parse_about(&id, text, true).unwrap();
        assert_eq!(commit.author, "A[2J <a@b>");
        assert_eq!(
            (commit.at, commit.subject.as_str()),
            (Timestamp(12_000), "one twothree")
        );
        assert_eq!(parse_about(&id, "x", true), None);
    }
}
