//! Groups that must be on one host, and whose hosts and pins have no host in common: they could never be placed.

use std::collections::BTreeSet;

use super::placement::allowed;
use crate::spec::context::Context;
use crate::spec::problem::Problem;
use crate::spec::read::{Draft, GroupDraft, HostDraft};
use crate::spec::source::{At, Span};

/// Where some instances of a group may be, and where that is said.
struct Part<'a> {
    who: String,
    hosts: BTreeSet<&'a str>,
    said: Option<(Span, &'static str)>,
}

/// Whether each group finds those it must be with on a host that it may be on. To be asked where all hosts could be read.
pub fn check(cx: &Context<'_>, draft: &Draft) {
    for group in &draft.groups {
        for name in &group.placement.affinity.required {
            let mut others = draft.groups.iter();
            let other = others.find(|other| other.id.value.as_str() == name.value);
            if let Some(other) = other.filter(|other| other.id.value != group.id.value) {
                meet(cx, draft, (group, name), other);
            }
        }
    }
}

fn meet(
    cx: &Context<'_>,
    draft: &Draft,
    (group, name): (&GroupDraft, &At<String>),
    other: &GroupDraft,
) {
    let theirs = parts(draft, other);
    let there: BTreeSet<&str> = theirs.iter().flat_map(|p| p.hosts.clone()).collect();
    let alone = |part: &&Part<'_>| {
        let nowhere = part.hosts.is_empty() || there.is_empty();
        !nowhere && part.hosts.is_disjoint(&there)
    };
    let parts = parts(draft, group);
    let Some(part) = parts.iter().find(alone) else {
        return;
    };
    let message = format!(
        "{} could never be placed: no host that it may be on is one of `{}`",
        part.who, other.id.value
    );
    let problem = Problem::new(name.span, message).label("must be on one host");
    let said = part
        .said
        .into_iter()
        .chain(theirs.iter().filter_map(|p| p.said).take(1));
    let problem = said.fold(problem, |problem, (span, label)| problem.also(span, label));
    cx.push(problem.help(format!(
        "let both be on one host at least, or only prefer it: `affinity: {{ preferred: [{}] }}`",
        name.value
    )));
}

/// The instances that are pinned, each by itself, and those that are not.
fn parts<'a>(draft: &'a Draft, group: &'a GroupDraft) -> Vec<Part<'a>> {
    let id = &group.id.value;
    let place = &group.placement;
    let pins = place.pins.iter().map(|(number, host)| Part {
        who: format!("instance {} of `{id}`", number.value),
        hosts: [host.value.as_str()].into(),
        said: Some((host.span, "it is pinned here")),
    });
    let free = group
        .replicas
        .is_none_or(|replicas| place.pins.len() < replicas.value as usize);
    let hosts = draft.hosts.iter().filter(|host| allowed(group, host));
    let name = |host: &'a HostDraft| host.id.value.as_str();
    let first = place.hosts.required.first();
    let others = free.then(|| Part {
        who: format!("`{id}`"),
        hosts: hosts.map(name).collect(),
        said: first.map(|choice| (choice.span, "only these may be taken")),
    });
    pins.chain(others).collect()
}
