//! A commit: who wanted a state of the file, since when, and how far that is certain.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// How many digits of a commit's name people are shown: what `git log --oneline` shows of a middling repository.
const SHORT: usize = 9;

/// The name of a commit: 40 hex digits, or 64 where a repository uses SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(String);

/// No name of a commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a commit: 40 or 64 hex digits")]
pub struct NoCommitId(String);

impl CommitId {
    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As much of it as people are shown.
    pub fn short(&self) -> &str {
        self.0.get(..SHORT).unwrap_or(&self.0)
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.short())
    }
}

impl FromStr for CommitId {
    type Err = NoCommitId;

    fn from_str(text: &str) -> Result<Self, NoCommitId> {
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match matches!(text.len(), 40 | 64) && text.bytes().all(digits) {
            true => Ok(CommitId(text.to_owned())),
            false => Err(NoCommitId(text.chars().take(64).collect())),
        }
    }
}

impl TryFrom<String> for CommitId {
    type Error = NoCommitId;

    fn try_from(text: String) -> Result<Self, NoCommitId> {
        text.parse()
    }
}

impl From<CommitId> for String {
    fn from(id: CommitId) -> String {
        id.0
    }
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its name.
    pub id: CommitId,
    /// Who wrote it, as the commit says: `Anna <anna@example.org>`. Only a good signature proves anything.
    pub author: String,
    /// When it was committed, as the commit says.
    pub at: Timestamp,
    /// The first line of its message.
    pub subject: String,
    /// What its signature proves.
    pub signature: Signature,
}

/// What a signature proves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Signature {
    /// There is none.
    Missing,
    /// There is one, and nobody said whose count.
    Unchecked,
    /// It is that of somebody whose signature counts.
    Good {
        /// Who that is, as the list of signers says.
        by: String,
    },
    /// It is that of a key that nobody is known by.
    Unknown {
        /// The fingerprint of the key, where that is told.
        key: String,
    },
    /// It, or its key, was good and is not any more: expired, or revoked.
    Outdated {
        /// Who that is.
        by: String,
    },
    /// It is not of this commit: somebody changed one of the two.
    Bad,
}

impl Commit {
    /// In a few words, for a line that has other things to say: `daa85f87f by Anna, signed`.
    pub fn brief(&self) -> String {
        let name = self.author.split('<').next().unwrap_or_default().trim();
        format!("{} by {name}, {}", self.id, self.signature.brief())
    }
}

impl Signature {
    /// In a word or two.
    pub fn brief(&self) -> &'static str {
        match self {
            Signature::Missing => "not signed",
            Signature::Unchecked => "signature not checked",
            Signature::Good { .. } => "signed",
            Signature::Unknown { .. } => "signed by an unknown key",
            Signature::Outdated { .. } => "signed by an outdated key",
            Signature::Bad => "badly signed",
        }
    }

    /// In a few words: `signed by anna@example.org`.
    pub fn words(&self) -> String {
        match self {
            Signature::Missing => "not signed".to_owned(),
            Signature::Unchecked => "signature not checked".to_owned(),
            Signature::Good { by } => format!("signed by {by}"),
            Signature::Unknown { key } if key.is_empty() => "signed by an unknown key".to_owned(),
            Signature::Unknown { key } => format!("signed by an unknown key, {key}"),
            Signature::Outdated { by } => {
                format!("signed by {by} with a key or a signature that is expired or revoked")
            }
            Signature::Bad => "its signature is of something else".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_of_commits_are_taken() {
        let name = "daa85f87f8b307dd5d64832c1b7494559ce8d8f5";
        let id: CommitId = name.parse().unwrap();
        assert_eq!((id.to_string().as_str(), id.as_str()), ("daa85f87f", name));
        for wrong in [
            "",
            "main",
            "daa85f8",
            &name.to_uppercase(),
            "../daa85f87f8b307dd5d64832c1b7494559ce8d8",
        ] {
            assert!(wrong.parse::<CommitId>().is_err(), "{wrong}");
        }
    }
}
