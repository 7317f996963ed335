//! What is known of the branch that a controller follows. Kept over restarts: the commit in force stays in force while the
//! repository can't be reached.

use serde::{Deserialize, Serialize};

use super::commit::Commit;
use super::id::ClusterName;
use super::time::Timestamp;

/// A branch that is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// The repository, as the user named it, without a password.
    pub url: String,
    /// The branch.
    pub branch: String,
    /// The file in it.
    pub path: String,
    /// The cluster that it describes, once that was read.
    pub cluster: Option<ClusterName>,
    /// The commit in force.
    pub applied: Option<Commit>,
    /// Since when it is.
    pub applied_at: Option<Timestamp>,
    /// The end of the branch, where that is not in force, and why not.
    pub refused: Option<RefusedCommit>,
    /// When the repository was last reached.
    pub reached_at: Option<Timestamp>,
    /// That it can't be reached now.
    pub unreachable: Option<Unreachable>,
}

/// A commit that is not applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedCommit {
    /// Which.
    pub commit: Commit,
    /// Since when.
    pub since: Timestamp,
    /// Why not.
    pub why: String,
    /// What would help.
    pub help: Option<String>,
}

/// A repository can't be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreachable {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub why: String,
}

impl Followed {
    /// A branch of which nothing is known yet.
    pub fn new(url: &str, branch: &str, path: &str) -> Self {
        Followed {
            url: without_password(url),
            branch: branch.to_owned(),
            path: path.to_owned(),
            cluster: None,
            applied: None,
            applied_at: None,
            refused: None,
            reached_at: None,
            unreachable: None,
        }
    }
}

/// `https://anna:secret@host/x` → `https://anna@host/x`.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let shown = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{user}@{host}")
        }
        None => authority.to_owned(),
    };
    format!("{scheme}://{shown}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_shown_nowhere() {
        let shown = |url| Followed::new(url, "main", "cluster.yaml").url;
        assert_eq!(
            shown("https://anna:hush@git.example.org/x.git"),
            "https://anna@git.example.org/x.git"
        );
        assert_eq!(
            shown("https://git.example.org:8443/a@b:c"),
            "https://git.example.org:8443/a@b:c"
        );
        assert_eq!(
            shown("git@example.org:cluster.git"),
            "git@example.org:cluster.git"
        );
        assert_eq!(shown("/srv/cluster.git"), "/srv/cluster.git");
    }
}
