//! That every group's files can be made: each is rendered once, for a guest that might be.

use std::collections::BTreeSet;

use crate::model::desired::{Desired, Group};
use crate::model::id::InstanceId;
use crate::render::{self, GuestContext, RenderError};
use crate::spec::context::Context;
use crate::spec::problem::{Elsewhere, Problem};
use crate::spec::source::Span;
use crate::spec::tree::{self, Node};

pub fn check(cx: &Context<'_>, root: &Node, desired: &Desired) {
    let mut said = BTreeSet::new();
    for group in desired.groups.values() {
        for (key, error) in failures(desired, group) {
            // What is wrong with a built-in template's stand-in is wrong for every group.
            if !said.insert(error.to_string()) {
                continue;
            }
            let places = [error.template.as_str(), &key, &group.key()];
            let span = places.iter().find_map(|key| tree::place(root, key));
            cx.push(problem(desired, group, error, span.unwrap_or_default()));
        }
    }
}

fn failures(desired: &Desired, group: &Group) -> Vec<(String, RenderError)> {
    let instance = InstanceId::new(&group.id, 1);
    let guest = guest(desired, group, &instance);
    guest.map_or_else(Vec::new, |guest| render::trial(desired, &guest))
}

fn guest<'a>(
    desired: &'a Desired,
    group: &'a Group,
    instance: &'a InstanceId,
) -> Option<GuestContext<'a>> {
    let host = desired.hosts.values().next()?;
    Some(GuestContext {
        instance,
        group,
        image: desired.images.get(&group.image)?,
        network: desired.networks.get(&host.network)?,
        host: &host.id,
        address: host.pool.nth(0)?,
    })
}

fn problem(desired: &Desired, group: &Group, error: RenderError, span: Span) -> Problem {
    let RenderError {
        template,
        line,
        message,
    } = error;
    let message = render::redact(&message, &desired.secrets);
    let help = format!(
        "it was rendered for {}-1; the variables are listed in templates/README.md",
        group.id
    );
    let mut files = group.files.iter().map(|file| &file.template);
    match files.find(|file| file.name == template) {
        Some(file) => {
            let what = format!("the template {template:?} gives no file");
            let place = Elsewhere {
                file: template,
                line: line.unwrap_or(1),
                label: message,
                text: file.text.clone(),
            };
            Problem::new(span, what).elsewhere(place).help(help)
        }
        None => Problem::new(span, format!("{template:?}: {message}")).help(help),
    }
}
