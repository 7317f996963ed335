//! `reconcile rollback`: an earlier state of the file is applied, and the present one held back until another edit.

use super::desk::Desk;
use super::{Failure, load};
use crate::adapters::snapshots::Snapshots;
use crate::cli::args::Args;
use crate::cli::args::orders::{RollbackArgs, When};
use crate::cli::exit::Exit;
use crate::cli::text;
use crate::model::commit::Commit;
use crate::model::desired::Revision;
use crate::model::orders::OrderKey;

/// So many states are named where none is the one that was asked for.
const NAMED: usize = 8;

pub(super) fn run(args: &Args, rollback: &RollbackArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(args)?;
    if rollback.undo {
        return undo(args, &desk, rollback.revision.as_deref());
    }
    let held = load::desired(args)?.revision;
    let to = rollback.revision.as_deref();
    let to = to.map(|named| earlier(&desk, named, &held)).transpose()?;
    let key = OrderKey::Held(held.clone());
    let mut order = desk.order(&When {
        reason: rollback.reason.clone(),
        ..When::default()
    })?;
    order.to = to;
    let mut orders = desk.in_force()?;
    orders.put(key.clone(), order.clone());
    if load::instead_of(&held, &desk.state, &orders)?.is_none() {
        return Err(Failure::Other(load::nothing_before(&held)));
    }
    desk.put(key, &order)
}

/// Takes it back: of the state that is named, or of the present one.
fn undo(args: &Args, desk: &Desk<'_>, named: Option<&str>) -> Result<Exit, Failure> {
    let orders = desk.in_force()?;
    let known = named.and_then(|named| orders.held.keys().find(|held| held.0.starts_with(named)));
    let revision = match (known, named) {
        (Some(known), _) => known.clone(),
        (None, Some(named)) => Revision(named.to_owned()),
        (None, None) => load::desired(args)?.revision,
    };
    desk.take_back(&OrderKey::Held(revision))
}

/// The kept state of this name, or of the commit of this name.
fn earlier(desk: &Desk<'_>, named: &str, present: &Revision) -> Result<Revision, Failure> {
    let kept = Snapshots::new(&desk.state).all().unwrap_or_default();
    let is_named = |(revision, commit): &&(Revision, Option<Commit>)| {
        let of_commit = |commit: &Commit| commit.id.as_str().starts_with(named);
        revision.0.starts_with(named) || commit.as_ref().is_some_and(of_commit)
    };
    match kept.iter().find(is_named) {
        Some((found, _)) if found != present => Ok(found.clone()),
        Some(_) => Err(Failure::Other(format!(
            "{named} is the present state of the file: there is nothing to go back to\n  \
             help: leave it out to go back to the last state with which all was as desired"
        ))),
        None => Err(Failure::Other(unknown(named, &kept))),
    }
}

fn unknown(named: &str, kept: &[(Revision, Option<Commit>)]) -> String {
    let told = kept.iter().take(NAMED).map(|(revision, commit)| {
        let commit = commit.as_ref().map(|commit| {
            let subject = text::clean(&commit.subject);
            format!("  commit {} {subject}", commit.id)
        });
        format!("\n  {revision}{}", commit.unwrap_or_default())
    });
    let told: String = told.collect();
    match told.is_empty() {
        true => format!("{named} is not kept here, and no other state of the file is"),
        false => format!("{named} is not kept here; the youngest states that are:{told}"),
    }
}
