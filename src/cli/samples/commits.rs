//! Commits, and a branch with all that can be wrong with it.

use super::world::ago;
use crate::model::commit::{Commit, Signature};
use crate::model::followed::{Followed, RefusedCommit, Unreachable};

/// A signed commit.
pub fn commit() -> Commit {
    Commit {
        id: "daa85f87f8b307dd5d64832c1b7494559ce8d8f5".parse().unwrap(),
        author: "Anna <anna@example.org>".into(),
        at: ago(300),
        subject: "three more for the sale".into(),
        signature: Signature::Good {
            by: "anna@example.org".into(),
        },
    }
}

/// One commit is in force, the next one is refused, and the repository can't be reached any more.
pub fn followed() -> Followed {
    let next = Commit {
        id: "1f0e7c3a98b307dd5d64832c1b7494559ce8d8f5".parse().unwrap(),
        author: "Eve <eve@example.org>".into(),
        signature: Signature::Missing,
        ..commit()
    };
    Followed {
        applied: Some(commit()),
        applied_at: Some(ago(240)),
        refused: Some(RefusedCommit {
            commit: next,
            since: ago(120),
            why: "it is not signed".into(),
            help: Some("sign it with a key that counts (git commit --amend -S; push)".into()),
        }),
        reached_at: Some(ago(60)),
        unreachable: Some(Unreachable {
            since: ago(30),
            why: "Could not read from remote repository.".into(),
        }),
        ..Followed::new("git@example.org:cluster.git", "main", "cluster.yaml")
    }
}
