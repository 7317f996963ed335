//! Over a repository in memory, as a line of commits of which some were made on top of others.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;

use super::*;

#[derive(Default)]
struct Shelf {
    /// Where the branch ends; none: it can't be reached.
    head: Mutex<Option<CommitId>>,
    commits: Mutex<BTreeMap<CommitId, (Commit, Option<CommitId>)>>,
    /// Whose files are kept.
    kept: Mutex<Vec<CommitId>>,
    /// Nothing can be written here.
    full: Mutex<bool>,
}

fn id(n: u8) -> CommitId {
    format!("{n:040x}").parse().unwrap()
}

fn commit(n: u8, signature: Signature) -> Commit {
    Commit {
        id: id(n),
        author: "Anna <anna@example.org>".to_owned(),
        at: Timestamp(0),
        subject: String::new(),
        signature,
    }
}

fn good() -> Signature {
    Signature::Good {
        by: "anna@example.org".to_owned(),
    }
}

impl Shelf {
    fn push(&self, commit: Commit, on: Option<u8>) {
        *self.head.lock().unwrap() = Some(commit.id.clone());
        let entry = (commit.id.clone(), (commit, on.map(id)));
        self.commits.lock().unwrap().extend([entry]);
    }

    fn unplug(&self) {
        *self.head.lock().unwrap() = None;
    }
}

#[async_trait]
impl Repository for Shelf {
    async fn fetch(&self) -> Result<CommitId, RepositoryError> {
        let head = self.head.lock().unwrap().clone();
        head.ok_or_else(|| RepositoryError::Unreachable("no route to host".to_owned()))
    }

    async fn about(&self, id: &CommitId) -> Result<Commit, RepositoryError> {
        Ok(self.commits.lock().unwrap()[id].0.clone())
    }

    async fn descends(&self, late: &CommitId, early: &CommitId) -> Result<bool, RepositoryError> {
        let commits = self.commits.lock().unwrap();
        let mut at = Some(late.clone());
        while let Some(id) = at {
            if id == *early {
                return Ok(true);
            }
            at = commits[&id].1.clone();
        }
        Ok(false)
    }

    async fn files(&self, id: &CommitId) -> Result<PathBuf, RepositoryError> {
        match *self.full.lock().unwrap() {
            true => Err(RepositoryError::Unreachable("No space left".to_owned())),
            false => Ok(PathBuf::from(id.as_str())),
        }
    }

    fn tidy(&self, keep: &[CommitId]) {
        *self.kept.lock().unwrap() = keep.to_vec();
    }
}

const SIGNED: Rules = Rules {
    signed: true,
    rewritten: false,
};

fn follower(shelf: &Arc<Shelf>, rules: Rules) -> Follower {
    let repository: Arc<dyn Repository> = Arc::clone(shelf) as _;
    Follower::new(
        repository,
        rules,
        Followed::new("/r.git", "main", "cluster.yaml"),
    )
}

async fn look(follower: &mut Follower, at: i64) -> News {
    follower.look(&BTreeSet::new(), Timestamp(at)).await
}

/// Looks, and applies what may be applied.
async fn follow(follower: &mut Follower, at: i64) -> News {
    let news = look(follower, at).await;
    if let News::Commit(commit, _) = &news {
        follower.apply(commit, &"demo".parse().unwrap(), Timestamp(at));
    }
    news
}

fn applied(follower: &Follower) -> Option<CommitId> {
    follower
        .followed
        .applied
        .as_ref()
        .map(|commit| commit.id.clone())
}

#[tokio::test]
async fn each_new_commit_is_told_once() {
    let shelf = Arc::new(Shelf::default());
    shelf.push(commit(1, Signature::Missing), None);
    let mut follower = follower(&shelf, Rules::default());
    assert!(matches!(follow(&mut follower, 1).await, News::Commit(..)));
    assert_eq!(follow(&mut follower, 2).await, News::None);
    shelf.push(commit(2, Signature::Missing), Some(1));
    assert!(matches!(follow(&mut follower, 3).await, News::Commit(..)));
    assert_eq!(applied(&follower), Some(id(2)));
    assert_eq!(*shelf.kept.lock().unwrap(), [id(2), id(1)]);
}

#[tokio::test]
async fn an_unsigned_commit_is_refused_and_the_last_good_one_stays() {
    let shelf = Arc::new(Shelf::default());
    shelf.push(commit(1, good()), None);
    let mut follower = follower(&shelf, SIGNED);
    follow(&mut follower, 1).await;
    for (n, signature) in [
        (2, Signature::Missing),
        (3, Signature::Bad),
        (4, Signature::Unknown { key: String::new() }),
    ] {
        shelf.push(commit(n, signature), Some(1));
        let news = follow(&mut follower, i64::from(n)).await;
        assert!(matches!(news, News::Refused(..)), "{news:?}");
        assert_eq!(follow(&mut follower, 9).await, news, "it stays so");
        assert_eq!(applied(&follower), Some(id(1)));
        let refused = follower.followed.refused.as_ref().unwrap();
        assert_eq!(
            (&refused.commit.id, refused.since),
            (&id(n), Timestamp(i64::from(n)))
        );
    }
    shelf.push(commit(5, good()), Some(4));
    follow(&mut follower, 5).await;
    assert_eq!(
        (applied(&follower), &follower.followed.refused),
        (Some(id(5)), &None)
    );
}

#[tokio::test]
async fn a_rewritten_branch_needs_a_persons_word() {
    let shelf = Arc::new(Shelf::default());
    shelf.push(commit(1, good()), None);
    shelf.push(commit(2, good()), Some(1));
    let mut follower = follower(&shelf, SIGNED);
    follow(&mut follower, 1).await;
    shelf.push(commit(3, good()), Some(1));
    let News::Refused(_, refusal) = follow(&mut follower, 2).await else {
        panic!("it was taken");
    };
    assert!(
        refusal
            .help
            .unwrap()
            .contains("reconcile approve 000000000")
    );
    let news = follower.look(&[id(3)].into(), Timestamp(3)).await;
    assert!(matches!(news, News::Commit(..)), "{news:?}");
}

#[tokio::test]
async fn a_repository_out_of_reach_changes_nothing_and_is_known_since_when() {
    let shelf = Arc::new(Shelf::default());
    shelf.push(commit(1, good()), None);
    let mut follower = follower(&shelf, SIGNED);
    follow(&mut follower, 1).await;
    shelf.unplug();
    for at in [2, 3] {
        assert!(matches!(
            follow(&mut follower, at).await,
            News::Unreachable(_)
        ));
        assert_eq!(
            follower.followed.unreachable.as_ref().unwrap().since,
            Timestamp(2)
        );
    }
    assert_eq!(
        (applied(&follower), follower.followed.reached_at),
        (Some(id(1)), Some(Timestamp(1)))
    );
    shelf.push(commit(1, good()), None);
    assert_eq!(follow(&mut follower, 4).await, News::None);
    assert_eq!(follower.followed.unreachable, None);
}

#[tokio::test]
async fn a_refused_commit_that_is_taken_back_is_refused_no_more() {
    let shelf = Arc::new(Shelf::default());
    shelf.push(commit(1, good()), None);
    let mut follower = follower(&shelf, SIGNED);
    follow(&mut follower, 1).await;
    shelf.push(commit(2, Signature::Missing), Some(1));
    follow(&mut follower, 2).await;
    shelf.push(commit(1, good()), None);
    assert_eq!(follow(&mut follower, 3).await, News::None);
    assert_eq!(follower.followed.refused, None);
}

#[tokio::test]
async fn a_commit_for_which_there_is_no_room_is_not_refused_and_tried_again() {
    let shelf = Arc::new(Shelf::default());
    shelf.push(commit(1, good()), None);
    let mut follower = follower(&shelf, SIGNED);
    follow(&mut follower, 1).await;
    shelf.push(commit(2, good()), Some(1));
    *shelf.full.lock().unwrap() = true;
    for at in [2, 3] {
        let news = follow(&mut follower, at).await;
        assert!(matches!(news, News::Unreachable(_)), "{news:?}");
        let since = follower.followed.unreachable.as_ref().unwrap().since;
        assert_eq!(since, Timestamp(2));
    }
    assert_eq!(
        (applied(&follower), &follower.followed.refused),
        (Some(id(1)), &None)
    );
    *shelf.full.lock().unwrap() = false;
    follow(&mut follower, 4).await;
    assert_eq!(applied(&follower), Some(id(2)));
}
