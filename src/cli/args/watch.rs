//! What is said of `reconcile watch`, and of the branch that it follows.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::unit::parse_long_span;

/// Arguments of `watch`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct WatchArgs {
    /// With --repo: how often it is asked for new commits; a SIGHUP asks at once
    #[arg(long, value_name = "SPAN", default_value = "30s", value_parser = every)]
    pub every: Duration,

    /// With --repo: apply only commits that are signed by one of these ssh keys (ssh-keygen(1), "ALLOWED SIGNERS")
    #[arg(long, value_name = "FILE", requires = "repo")]
    pub allowed_signers: Option<PathBuf>,

    /// With --repo: apply only commits that are signed by one of these OpenPGP keys, as gpg --export writes them
    #[arg(long, value_name = "FILE", requires = "repo")]
    pub keyring: Option<PathBuf>,

    /// With --repo: apply the end of the branch also where that was not made on top of the commit in force
    #[arg(long, requires = "repo")]
    pub force: bool,
}

/// How often a repository is asked.
fn every(text: &str) -> Result<Duration, String> {
    match parse_long_span(text).map_err(|error| error.to_string())? {
        span if span < Duration::from_secs(1) => Err("at least a second".to_owned()),
        span => Ok(span),
    }
}

/// The name of a branch, as git allows it (git-check-ref-format(1)).
pub(super) fn branch(text: &str) -> Result<String, String> {
    let bad = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let wrong = text.is_empty()
        || text.starts_with(['-', '/', '.'])
        || text.ends_with(['/', '.'])
        || text.ends_with(".lock")
        || ["..", "@{", "//", "/."]
            .iter()
            .any(|part| text.contains(part))
        || text.contains(bad);
    match wrong {
        true => Err("that is no name of a branch".to_owned()),
        false => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_has_a_name_that_git_takes_and_no_command_mistakes() {
        for good in ["main", "release/2026.1", "feature_x"] {
            assert_eq!(branch(good).as_deref(), Ok(good));
        }
        for bad in [
            "", "-x", "a b", "a..b", "x.lock", "a//b", "/a", "a/", "@{1}", "a:b", "a\nb", "a/.b",
        ] {
            assert!(branch(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_repository_is_asked_once_a_second_at_most() {
        assert_eq!(every("30s"), Ok(Duration::from_secs(30)));
        assert!(every("500ms").is_err() && every("soon").is_err());
    }
}
