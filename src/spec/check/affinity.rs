//! Groups that must be on one host, and groups that must not: that both can be.

use std::collections::BTreeMap;

use crate::spec::context::Context;
use crate::spec::problem::Problem;
use crate::spec::read::{Draft, GroupDraft};
use crate::spec::source::{At, Span};

/// The other groups that a group is bound to, and where that is said.
type Bonds<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Span>>;

/// Two groups that must be on one host, and can't.
struct Clash<'a> {
    one: &'a str,
    other: &'a str,
    apart: Span,
    /// Where each bond is said that puts them on one host, and what follows there.
    bonds: Vec<(Span, String)>,
}

pub fn check(cx: &Context<'_>, draft: &Draft) {
    let (mut near, mut apart) = (Bonds::new(), Bonds::new());
    for group in &draft.groups {
        let id = group.id.value.as_str();
        let place = &group.placement;
        for name in others(group, &place.affinity.required) {
            near.entry(id)
                .or_default()
                .entry(&name.value)
                .or_insert(name.span);
        }
        // To be apart is mutual, whoever says it.
        for name in others(group, &place.anti_affinity.required) {
            apart
                .entry(id)
                .or_default()
                .entry(&name.value)
                .or_insert(name.span);
            apart
                .entry(&name.value)
                .or_default()
                .entry(id)
                .or_insert(name.span);
        }
        near_itself(cx, group);
    }
    for (id, bonds) in &near {
        if let Some(clash) = clash(id, bonds, &near, &apart) {
            report(cx, id, clash);
        }
    }
}

fn others<'a>(
    group: &'a GroupDraft,
    names: &'a [At<String>],
) -> impl Iterator<Item = &'a At<String>> {
    names
        .iter()
        .filter(|name| name.value != group.id.value.as_str())
}

fn near_itself(cx: &Context<'_>, group: &GroupDraft) {
    let id = group.id.value.as_str();
    let mut names = group.placement.affinity.required.iter();
    if let Some(own) = names.find(|name| name.value == id) {
        let problem = Problem::new(
            own.span,
            format!("`{id}` must be on the same host as itself"),
        );
        cx.push(problem.help(format!(
            "remove it; to keep its instances apart, write `anti_affinity: {id}`"
        )));
    }
}

/// The first clash on the hosts of a group: with a group that must be there, with one that that one needs, or
/// between two that must be there.
fn clash<'a>(
    id: &'a str,
    bonds: &BTreeMap<&'a str, Span>,
    near: &Bonds<'a>,
    apart: &Bonds<'a>,
) -> Option<Clash<'a>> {
    let none = BTreeMap::new();
    let own = apart.get(id).unwrap_or(&none);
    if let Some((other, span, apart)) = common(bonds, own) {
        let bonds = vec![(span, format!("must be with `{other}`"))];
        return Some(Clash {
            one: id,
            other,
            apart,
            bonds,
        });
    }
    for (name, span) in bonds {
        let first = (*span, format!("must be with `{name}`"));
        if let Some((other, span, apart)) = near.get(name).and_then(|next| common(next, own)) {
            let bonds = vec![first, (span, format!("which must be with `{other}`"))];
            return Some(Clash {
                one: id,
                other,
                apart,
                bonds,
            });
        }
        if let Some((other, span, apart)) = apart.get(name).and_then(|far| common(bonds, far)) {
            let bonds = vec![first, (span, format!("and with `{other}`"))];
            return Some(Clash {
                one: name,
                other,
                apart,
                bonds,
            });
        }
    }
    None
}

/// The first name that both have. The smaller one is gone through: either may be very long.
fn common<'a>(
    bonds: &BTreeMap<&'a str, Span>,
    apart: &BTreeMap<&'a str, Span>,
) -> Option<(&'a str, Span, Span)> {
    let both = |name: &&'a str| Some((*name, *bonds.get(name)?, *apart.get(name)?));
    match bonds.len() <= apart.len() {
        true => bonds.keys().find_map(both),
        false => apart.keys().find_map(both),
    }
}

fn report(cx: &Context<'_>, id: &str, clash: Clash<'_>) {
    let Clash {
        one,
        other,
        apart,
        bonds,
    } = clash;
    let message = format!("no host will do for `{id}`: `{one}` and `{other}` would be on it");
    let problem = Problem::new(apart, message).label("these must be apart");
    let problem = bonds
        .into_iter()
        .fold(problem, |problem, (span, label)| problem.also(span, label));
    cx.push(problem.help("remove one of these, or make it `preferred`"));
}
