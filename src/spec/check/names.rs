//! Names that name nothing, and things of one name or in one place.

use std::collections::{BTreeMap, BTreeSet};

use crate::spec::context::Context;
use crate::spec::problem::Problem;
use crate::spec::read::{CopyDraft, Draft, GroupDraft, ImageDraft};
use crate::spec::source::At;

pub fn check(cx: &Context<'_>, draft: &Draft) {
    for host in &draft.hosts {
        known(
            cx,
            "network",
            host.network.as_ref(),
            draft.names.networks.as_ref(),
        );
    }
    for group in &draft.groups {
        known(
            cx,
            "image",
            group.image.as_ref(),
            draft.names.images.as_ref(),
        );
        builtin_files(cx, draft, group);
    }
    doubled_groups(cx, draft);
    doubled_hosts(cx, draft);
    doubled_copies(cx, draft);
}

/// Whether a name is there. Where the section could not be read, nothing is known of its names.
pub fn known(
    cx: &Context<'_>,
    what: &str,
    name: Option<&At<String>>,
    names: Option<&BTreeSet<String>>,
) -> bool {
    let (Some(name), Some(names)) = (name, names) else {
        return false;
    };
    if names.contains(&name.value) {
        return true;
    }
    let help = match names.is_empty() {
        true => Some(format!(
            "there is none in the file: add `{what}s: {{ {}: … }}`",
            name.value
        )),
        false => cx.did_you_mean(&name.value, names.iter().map(String::as_str)),
    };
    cx.push(Problem::new(name.span, format!("there is no {what} {:?}", name.value)).help_if(help));
    false
}

fn doubled_groups(cx: &Context<'_>, draft: &Draft) {
    let mut seen = BTreeMap::new();
    for group in &draft.groups {
        if let Some(first) = seen.insert(group.id.value.clone(), group.id.span) {
            let problem = Problem::new(
                group.id.span,
                format!(
                    "a service and a load balancer are both called `{}`",
                    group.id.value
                ),
            );
            let problem = problem
                .label("the load balancer")
                .also(first, "the service");
            cx.push(problem.help("rename one: guests are called after them"));
        }
    }
}

fn doubled_hosts(cx: &Context<'_>, draft: &Draft) {
    let mut seen = BTreeMap::new();
    for host in &draft.hosts {
        let Some(address) = &host.address else {
            continue;
        };
        // Two machines behind one address are told apart by the port of their sshd.
        let port = host.port.unwrap_or(22);
        if let Some((first, name)) = seen.insert(
            (address.value.clone(), port),
            (address.span, &host.id.value),
        ) {
            let message = format!(
                "the hosts `{name}` and `{}` have the same address",
                host.id.value
            );
            let problem = Problem::new(address.span, message).also(first, "the first one");
            cx.push(
                problem.help(
                    "a machine can be one host only: correct one address, or remove one host",
                ),
            );
        }
    }
}

/// Two files of different content that would go to one place on the hosts.
fn doubled_copies(cx: &Context<'_>, draft: &Draft) {
    let mut seen: BTreeMap<&str, &CopyDraft> = BTreeMap::new();
    for copy in draft.images.iter().flat_map(|image| &image.copies) {
        let first = *seen.entry(copy.to.value.as_str()).or_insert(copy);
        if first.sha256 != copy.sha256 {
            let message = format!("two different files go to {:?} on the hosts", copy.to.value);
            let problem =
                Problem::new(copy.to.span, message).label(copy.from.display().to_string());
            let problem = problem.also(first.to.span, first.from.display().to_string());
            cx.push(problem.help("give one of them another `path`"));
        }
    }
}

/// Files that are written anyway.
fn builtin_files(cx: &Context<'_>, draft: &Draft, group: &GroupDraft) {
    for file in &group.files {
        let help = match file.value.as_str() {
            "/etc/nginx/nginx.conf" if group.balancer.is_some() => {
                "to have another one, write `templates: { nginx.conf: FILE }`"
            }
            "/etc/network/interfaces" if has_interfaces(draft, group) => {
                "to have another one, write `templates: { interfaces: FILE }`; to write it yourself, `interfaces: false` in the image"
            }
            path if path.starts_with("/etc/reconcile/") => {
                "reconcile keeps its own files there: choose another directory"
            }
            _ => continue,
        };
        cx.push(
            Problem::new(
                file.span,
                format!("{:?} is written by reconcile itself", file.value),
            )
            .help(help),
        );
    }
}

fn has_interfaces(draft: &Draft, group: &GroupDraft) -> bool {
    let named = |image: &&ImageDraft| {
        group
            .image
            .as_ref()
            .is_some_and(|name| name.value == image.id.value.as_str())
    };
    let image = draft
        .images
        .iter()
        .find(named)
        .and_then(|image| image.built.as_ref());
    image.is_some_and(|image| image.interfaces)
}
