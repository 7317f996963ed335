//! Policies against what they are about: budgets against replicas, safety and leases against the hosts there are.

use crate::spec::context::Context;
use crate::spec::problem::Problem;
use crate::spec::read::{Draft, GroupDraft};
use crate::spec::source::At;

pub fn check(cx: &Context<'_>, draft: &Draft) {
    draft.groups.iter().for_each(|group| budget(cx, group));
    if let Some(hosts) = draft.names.hosts.as_ref().map(|names| names.len()) {
        spare(cx, draft, hosts);
        leases(cx, draft, hosts);
    }
}

fn budget(cx: &Context<'_>, group: &GroupDraft) {
    let (budget, Some(replicas)) = (&group.budget, group.replicas) else {
        return;
    };
    if let Some(least) = budget.min_available {
        too_many(cx, group, least, replicas);
    }
    let surges = budget.surge.is_none_or(|surge| surge.value > 0);
    if surges || replicas.value == 0 {
        return;
    }
    let all = |least: &At<u32>| least.value == replicas.value;
    let none = |most: &At<u32>| most.value == 0;
    let (what, span) = match (
        budget.min_available.filter(all),
        budget.max_unavailable.filter(none),
    ) {
        (Some(least), _) => ("lower `min_available`", least.span),
        (None, Some(most)) => ("write `max_unavailable: 1`", most.span),
        (None, None) => return,
    };
    let message = format!(
        "nothing of `{}` could ever be updated: all {} of it must serve",
        group.id.value, replicas.value
    );
    let problem =
        Problem::new(span, message).also(replicas.span, format!("{} replicas", replicas.value));
    cx.push(problem.help(format!("add `surge: 1`, or {what}")));
}

fn too_many(cx: &Context<'_>, group: &GroupDraft, least: At<u32>, replicas: At<u32>) {
    if least.value > replicas.value {
        let message = format!(
            "{} instances of `{}` must serve, and there are {}",
            least.value, group.id.value, replicas.value
        );
        let problem = Problem::new(least.span, message)
            .also(replicas.span, format!("{} replicas", replicas.value));
        cx.push(problem.help("lower `min_available`, or have more replicas"));
    }
}

fn spare(cx: &Context<'_>, draft: &Draft, hosts: usize) {
    let Some(spare) = draft.safety.spare.filter(|spare| spare.value > 0) else {
        return;
    };
    if spare.value as usize >= hosts {
        let message = format!(
            "no host would be left to keep room on: {} of {hosts} may be lost",
            spare.value
        );
        let help = match hosts {
            0 | 1 => "remove it, or add a second host".to_owned(),
            _ => format!("write `spare: {}` or less, or add hosts", hosts - 1),
        };
        cx.push(Problem::new(spare.span, message).help(help));
    }
}

/// A guard learns from the other hosts that it is cut off.
fn leases(cx: &Context<'_>, draft: &Draft, hosts: usize) {
    let alone = draft.hosts.iter().filter(|_| hosts < 2);
    for (host, lease) in alone.filter_map(|host| Some((host, host.lease?))) {
        let message = format!(
            "`{}` is the only host: a lease can't fence it",
            host.id.value
        );
        cx.push(Problem::new(lease, message).help(
            "nobody could tell that it is cut off: write `manual`, `libvirt` or a fence agent",
        ));
    }
}
