//! `reconcile approve`: a change comes into force though a guard holds it, or a commit though the branch was rewritten.

use super::desk::Desk;
use super::resume::ONCE;
use super::{Failure, load};
use crate::adapters::followed_store::FollowedStore;
use crate::cli::answer::Told;
use crate::cli::args::Args;
use crate::cli::args::orders::{ApproveArgs, When};
use crate::cli::exit::Exit;
use crate::model::followed::RefusedCommit;
use crate::model::gate::{ChangeId, Pending};
use crate::model::orders::{OrderKey, Orders};
use crate::ports::store::StoreView as _;

/// A change has so many digits.
const WHOLE: usize = 12;

/// What the name of a change or of a commit stands for.
enum Meant {
    Change(ChangeId),
    Commit(OrderKey),
}

pub(super) fn run(args: &Args, approve: &ApproveArgs) -> Result<Exit, Failure> {
    let mut desk = Desk::open(args)?;
    let meant = meant(args, &desk, &approve.name)?;
    let keys = match meant {
        Meant::Change(change) => of_change(&mut desk, change, approve)?,
        Meant::Commit(key) => vec![key],
    };
    let order = desk.order(&When {
        span: Some(ONCE),
        reason: approve.reason.clone(),
        ..When::default()
    })?;
    let turn = |orders: &mut Orders, key: &OrderKey| match approve.undo {
        true => Told::take_back(orders, key),
        false => Told::give(orders, key.clone(), order.clone()),
    };
    desk.turn(|orders| keys.iter().map(|key| turn(orders, key)).collect())
}

fn of_change(
    desk: &mut Desk<'_>,
    change: ChangeId,
    approve: &ApproveArgs,
) -> Result<Vec<OrderKey>, Failure> {
    let waits = desk.store.load()?.pending;
    if !approve.undo && waits.is_none_or(|pending| pending.change != change) {
        desk.warnings.push(format!(
            "no change of that name waits here now; it counts for a plan that names change {change}"
        ));
    }
    let hurried = OrderKey::Hurried(change.clone());
    let both = match approve.undo {
        true => desk.in_force()?.get(&hurried).is_some(),
        false => approve.now,
    };
    let keys = [OrderKey::Allowed(change)].into_iter();
    Ok(keys.chain(both.then_some(hurried)).collect())
}

/// A change that waits or is approved, by its name or that of its commit; or a commit that was refused.
fn meant(args: &Args, desk: &Desk<'_>, name: &str) -> Result<Meant, Failure> {
    let pending = desk.store.load()?.pending;
    let of_commit = |pending: &&Pending| {
        let commit = pending.commit.as_ref();
        commit.is_some_and(|commit| commit.id.as_str().starts_with(name))
    };
    let waits = pending
        .as_ref()
        .filter(|pending| pending.change.0.starts_with(name) || of_commit(pending));
    if let Some(pending) = waits {
        return Ok(Meant::Change(pending.change.clone()));
    }
    let orders = desk.in_force()?;
    let known = orders.allowed.keys().chain(orders.hurried.keys());
    let mut known = known.filter(|change| change.0.starts_with(name));
    if let Some(change) = known.next() {
        return Ok(Meant::Change(change.clone()));
    }
    let followed = FollowedStore::of_cluster(&load::state_base(args)?, &load::cluster_name(args)?);
    let refused: Vec<RefusedCommit> = followed.into_iter().filter_map(|f| f.refused).collect();
    let mut meant = refused.iter().map(|refused| &refused.commit.id);
    match meant.find(|commit| commit.as_str().starts_with(name)) {
        Some(commit) => Ok(Meant::Commit(OrderKey::Approved(commit.clone()))),
        // The plan of a dry run, or of a run of `reconcile`: nobody has written it down.
        None if name.len() == WHOLE => Ok(Meant::Change(ChangeId(name.to_owned()))),
        None => Err(none_such(name, pending.as_ref(), &refused)),
    }
}

fn none_such(asked: &str, pending: Option<&Pending>, refused: &[RefusedCommit]) -> Failure {
    let change = pending.map(|pending| format!("\n  change {}", pending.change));
    let commits = refused.iter().map(|refused| {
        let commit = &refused.commit;
        format!("\n  {} by {}: {}", commit.id, commit.author, refused.why)
    });
    let waiting: String = change.into_iter().chain(commits).collect();
    Failure::Other(match waiting.is_empty() {
        true => format!("nothing waits for approval, {asked} neither"),
        false => format!("{asked} does not wait for approval; what does is:{waiting}"),
    })
}
