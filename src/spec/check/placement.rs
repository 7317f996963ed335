//! Where instances may be: that the hosts, labels and groups that a placement names are there, and leave room.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::policy::HostChoice;
use crate::spec::context::Context;
use crate::spec::problem::Problem;
use crate::spec::read::{Draft, GroupDraft, HostDraft};
use crate::spec::source::At;

use super::company;
use super::names::known;

pub fn check(cx: &Context<'_>, draft: &Draft) {
    let groups = groups(draft);
    let labels = labels(draft);
    let hosts = draft
        .hosts
        .iter()
        .map(|host| (host.id.value.as_str(), host));
    let hosts: BTreeMap<&str, &HostDraft> = hosts.collect();
    for group in &draft.groups {
        let place = &group.placement;
        for name in place.affinity.all().chain(place.anti_affinity.all()) {
            known(cx, "group", Some(name), groups.as_ref());
        }
        for label in &place.spread {
            labelled(cx, label, labels.as_ref());
        }
        let choose = |choice| chosen(cx, draft, choice, labels.as_ref());
        let required = place
            .hosts
            .required
            .iter()
            .filter(|choice| choose(choice))
            .count();
        place.hosts.preferred.iter().for_each(|choice| {
            choose(choice);
        });
        pins(cx, draft, group);
        // What a name that is wrong was meant to allow is not known.
        if required == place.hosts.required.len() && labels.is_some() {
            pins_allowed(cx, &hosts, group);
            apart_from_itself(cx, draft, group);
            reachable(cx, draft, group);
        }
    }
    if labels.is_some() {
        company::check(cx, draft);
    }
}

/// All names of groups; none where some could not be read.
fn groups(draft: &Draft) -> Option<BTreeSet<String>> {
    let (services, balancers) = (&draft.names.services, &draft.names.balancers);
    Some(services.as_ref()? | balancers.as_ref()?)
}

/// The labels of all hosts, and their values; none where some could not be read.
type Labels<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

fn labels(draft: &Draft) -> Option<Labels<'_>> {
    if draft.hosts.len() < draft.names.hosts.as_ref()?.len() {
        return None;
    }
    let mut all = Labels::new();
    for host in &draft.hosts {
        for (name, value) in host.labels.as_ref()? {
            all.entry(name).or_default().insert(value);
        }
    }
    Some(all)
}

/// Whether what is chosen is there.
fn chosen(
    cx: &Context<'_>,
    draft: &Draft,
    choice: &At<HostChoice>,
    labels: Option<&Labels<'_>>,
) -> bool {
    let at = |text: &str| At {
        value: text.to_owned(),
        span: choice.span,
    };
    let (name, value) = match &choice.value {
        HostChoice::Host(host) => {
            let hosts = draft.names.hosts.as_ref();
            return known(cx, "host", Some(&at(host.as_str())), hosts);
        }
        HostChoice::Label(name, value) => (name, value),
    };
    let Some(values) = labelled(cx, &at(name), labels) else {
        return false;
    };
    let there = values.contains(value.as_str());
    if !there {
        let help = cx.did_you_mean(value, values.iter().copied());
        cx.push(Problem::new(choice.span, format!("no host has `{name}={value}`")).help_if(help));
    }
    there
}

/// The values of a label.
fn labelled<'a>(
    cx: &Context<'_>,
    name: &At<String>,
    labels: Option<&'a Labels<'_>>,
) -> Option<&'a BTreeSet<&'a str>> {
    let labels = labels?;
    let values = labels.get(name.value.as_str());
    if values.is_none() {
        let help = match labels.is_empty() {
            true => Some(format!(
                "add `labels: {{ {}: … }}` to the hosts",
                name.value
            )),
            false => cx.did_you_mean(&name.value, labels.keys().copied()),
        };
        let message = format!("no host has a label `{}`", name.value);
        cx.push(Problem::new(name.span, message).help_if(help));
    }
    values
}

fn pins(cx: &Context<'_>, draft: &Draft, group: &GroupDraft) {
    let (place, id) = (&group.placement, &group.id.value);
    for (number, host) in &place.pins {
        known(cx, "host", Some(host), draft.names.hosts.as_ref());
        if let Some(replicas) = group.replicas.filter(|all| number.value > all.value) {
            let message = format!("`{id}` has no instance {}", number.value);
            let count = format!("{} replicas", replicas.value);
            let problem = Problem::new(number.span, message).also(replicas.span, count);
            cx.push(problem.help("remove the pin, or have more replicas"));
        }
    }
}

fn pins_allowed(cx: &Context<'_>, hosts: &BTreeMap<&str, &HostDraft>, group: &GroupDraft) {
    let required = group.placement.hosts.required.first();
    for (number, host) in &group.placement.pins {
        let (Some(pinned), Some(first)) = (hosts.get(host.value.as_str()), required) else {
            continue;
        };
        if !allowed(group, pinned) {
            let message = format!(
                "instance {} of `{}` is pinned to `{}`, where it may not be",
                number.value, group.id.value, host.value
            );
            let problem = Problem::new(host.span, message);
            let problem = problem.also(first.span, "only these may be taken");
            cx.push(problem.help(format!(
                "add `{}` to the hosts that may be taken, or choose one of them",
                host.value
            )));
        }
    }
}

/// Whether an instance of `group` may be on `host`, as far as its own `hosts` say.
pub fn allowed(group: &GroupDraft, host: &HostDraft) -> bool {
    let choices = &group.placement.hosts.required;
    let has = |name: &str, value: &str| {
        let labels = host.labels.as_ref();
        labels.is_some_and(|labels| labels.get(name).is_some_and(|own| own == value))
    };
    choices.is_empty()
        || choices.iter().any(|choice| match &choice.value {
            HostChoice::Host(id) => *id == host.id.value,
            HostChoice::Label(name, value) => has(name, value),
        })
}

fn apart_from_itself(cx: &Context<'_>, draft: &Draft, group: &GroupDraft) {
    let id = group.id.value.as_str();
    let mut apart = group.placement.anti_affinity.required.iter();
    let (Some(own), Some(replicas)) = (apart.find(|name| name.value == id), group.replicas) else {
        return;
    };
    pins_apart(cx, group, own);
    let hosts = draft.hosts.iter().filter(|host| allowed(group, host));
    let count = hosts.count();
    if u64::from(replicas.value) > count as u64 {
        let message = format!(
            "the {} instances of `{id}` must be on different hosts, and only {count} may be taken",
            replicas.value
        );
        let problem = Problem::new(own.span, message).also(replicas.span, "the instances");
        cx.push(problem.help("allow more hosts, have fewer replicas, or make it `preferred`"));
    }
}

/// Two instances that must be apart can't be pinned to one host.
fn pins_apart(cx: &Context<'_>, group: &GroupDraft, apart: &At<String>) {
    let mut first: BTreeMap<&str, &At<u32>> = BTreeMap::new();
    for (number, host) in &group.placement.pins {
        let Some(other) = first.insert(&host.value, number) else {
            continue;
        };
        let message = format!(
            "instances {} and {} of `{}` are pinned to `{}`, and they must be apart",
            other.value, number.value, group.id.value, host.value
        );
        let problem = Problem::new(host.span, message);
        let problem = problem.also(apart.span, "here it is said");
        cx.push(problem.help("pin one of them to another host, or make it `preferred`"));
    }
}

/// A load balancer's guests must be in the network of its VIP.
fn reachable(cx: &Context<'_>, draft: &Draft, group: &GroupDraft) {
    let vip = group.balancer.as_ref().and_then(|balancer| balancer.vip);
    let (Some(vip), Some(first)) = (vip, group.placement.hosts.required.first()) else {
        return;
    };
    let holds = |cidr: ipnet::Ipv4Net| cidr.contains(&vip.value.addr());
    let mut networks = draft.networks.iter();
    let Some(net) = networks.find(|net| net.cidr.is_some_and(|cidr| holds(cidr.value))) else {
        return;
    };
    let of_net = |host: &&HostDraft| {
        let name = host.network.as_ref();
        name.is_none_or(|name| name.value == net.id.value.as_str())
    };
    let mut taken = draft
        .hosts
        .iter()
        .filter(|host| allowed(group, host))
        .peekable();
    if taken.peek().is_some() && !taken.any(|host| of_net(&host)) {
        let message = format!(
            "none of these hosts is in the network `{}` of the VIP of `{}`",
            net.id.value, group.id.value
        );
        let problem = Problem::new(first.span, message).also(vip.span, "the VIP");
        cx.push(problem.help(format!("add a host of the network `{}`", net.id.value)));
    }
}
