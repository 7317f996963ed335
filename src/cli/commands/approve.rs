//! `reconcile approve`: a commit is applied though the branch was rewritten.

use super::desk::Desk;
use super::resume::ONCE;
use super::{Failure, load};
use crate::adapters::followed_store::FollowedStore;
use crate::cli::args::Args;
use crate::cli::args::orders::{ApproveArgs, When};
use crate::cli::exit::Exit;
use crate::model::followed::RefusedCommit;
use crate::model::orders::OrderKey;

pub(super) fn run(args: &Args, approve: &ApproveArgs) -> Result<Exit, Failure> {
    let cluster = load::cluster_name(args)?;
    let desk = Desk::open(args)?;
    let followed = FollowedStore::of_cluster(&load::state_base(args)?, &cluster);
    let refused: Vec<RefusedCommit> = followed.into_iter().filter_map(|f| f.refused).collect();
    let mut meant = refused
        .iter()
        .filter(|refused| refused.commit.id.as_str().starts_with(&approve.commit));
    let Some(found) = meant.next() else {
        return Err(none_such(&approve.commit, &refused));
    };
    let when = When {
        span: Some(ONCE),
        reason: approve.reason.clone(),
        ..When::default()
    };
    desk.give(OrderKey::Approved(found.commit.id.clone()), &when)
}

fn none_such(asked: &str, refused: &[RefusedCommit]) -> Failure {
    let waiting = refused.iter().map(|refused| {
        let commit = &refused.commit;
        format!("\n  {} by {}: {}", commit.id, commit.author, refused.why)
    });
    let waiting: String = waiting.collect();
    Failure::Other(match waiting.is_empty() {
        true => format!("no commit waits for approval, {asked} neither"),
        false => format!("commit {asked} does not wait for approval; not applied is:{waiting}"),
    })
}
