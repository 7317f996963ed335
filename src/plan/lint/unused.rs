//! What is in the file and used by nothing: a slip in a name, or a left-over.

use std::collections::BTreeSet;

use super::{may_be_on, warning};
use crate::model::desired::{Desired, Group, Image, Init, Role};
use crate::model::plan::Notice;
use crate::model::policy::Parameter;

pub fn unused(desired: &Desired) -> impl Iterator<Item = Notice> {
    let found = images(desired).into_iter().chain(networks(desired));
    let found = found.chain(secrets(desired)).chain(templates(desired));
    found.chain(hosts(desired)).collect::<Vec<_>>().into_iter()
}

fn images(desired: &Desired) -> Vec<Notice> {
    let used: BTreeSet<_> = desired.groups.values().map(|group| &group.image).collect();
    let unused = desired.images.keys().filter(|id| !used.contains(id));
    let told = unused.map(|id| {
        let text = format!("no service and no load balancer uses the image {id}");
        let help = format!("remove it, or name it where it belongs: `image: {id}`");
        warning(desired, &format!("images.{id}"), id, text, help)
    });
    told.collect()
}

fn networks(desired: &Desired) -> Vec<Notice> {
    let used: BTreeSet<_> = desired.hosts.values().map(|host| &host.network).collect();
    let unused = desired.networks.keys().filter(|id| !used.contains(id));
    let told = unused.map(|id| {
        let text = format!("no host has its pool in the network {id}");
        let help = format!("remove it, or name it where it belongs: `network: {id}` of a host");
        warning(desired, &format!("networks.{id}"), id, text, help)
    });
    told.collect()
}

/// Secrets whose name is in no text, and whose value is given to no fencing device and no receiver of messages.
fn secrets(desired: &Desired) -> Vec<Notice> {
    let texts = texts(desired);
    let words = texts.iter().flat_map(|text| words(text));
    let words: BTreeSet<&str> = words.collect();
    let receivers = desired.notify.values();
    let told = receivers.flat_map(|receiver| receiver.means.secrets());
    let told = told.map(|secret| secret.reveal());
    let given: BTreeSet<&str> = given_to_devices(desired).chain(told).collect();
    let is_used = |name: &str, value: &str| words.contains(name) || given.contains(value);
    let unused = desired.secrets.iter();
    let unused = unused.filter(|(name, secret)| !is_used(name, secret.reveal()));
    let told = unused.map(|(name, _)| {
        let text = format!("nothing uses the secret {name}");
        let help = format!("remove it, or use it: {{{{secret.{name}}}}} in a template");
        warning(desired, &format!("secrets.{name}"), name, text, help)
    });
    told.collect()
}

/// Every text that may name a secret.
fn texts(desired: &Desired) -> Vec<&str> {
    let mut texts: Vec<&str> = desired
        .templates
        .values()
        .map(|t| t.text.as_str())
        .collect();
    for group in desired.groups.values() {
        for file in &group.files {
            texts.extend([file.template.text.as_str(), file.path.as_str()]);
            texts.extend(file.validate.as_deref());
        }
        texts.extend(group.env.values().map(String::as_str));
        if let Role::Service(service) = &group.role {
            texts.extend(service.run.as_deref());
        }
    }
    texts
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

fn given_to_devices(desired: &Desired) -> impl Iterator<Item = &str> {
    let agents = desired.hosts.values().flat_map(|host| host.agents());
    let parameters = agents.flat_map(|agent| agent.parameters.values());
    parameters.filter_map(|parameter| match parameter {
        Parameter::Secret(secret) => Some(secret.reveal()),
        Parameter::Plain(_) => None,
    })
}

/// Built-in templates that are replaced, and rendered for nobody.
fn templates(desired: &Desired) -> Vec<Notice> {
    let unused = desired.templates.keys();
    let unused = unused.filter_map(|name| Some((name, why_unused(desired, name)?)));
    let told = unused.map(|(name, why)| {
        let text = format!("the template {name} is rendered for nobody: {why}");
        let key = format!("templates.{name}");
        warning(desired, &key, name, text, "remove it")
    });
    told.collect()
}

fn why_unused(desired: &Desired, template: &str) -> Option<String> {
    let groups = || desired.groups.values();
    let image_of = |group: &Group| desired.images.get(&group.image);
    let any = |is: &dyn Fn(&Group, &Image) -> bool| {
        groups().any(|group| image_of(group).is_some_and(|image| is(group, image)))
    };
    let starts = |init: Init| {
        any(&|group, image| runs(group) && (image.init == Init::Auto || image.init == init))
    };
    let (used, why) = match template {
        "nginx.conf" => {
            let is_balancer = |group: &Group| matches!(group.role, Role::LoadBalancer(_));
            (groups().any(is_balancer), "there is no load balancer")
        }
        "interfaces" => (
            any(&|_, image| image.interfaces),
            "every image has `interfaces: false`",
        ),
        "systemd.service" => (starts(Init::Systemd), "no process is started by systemd"),
        "openrc.init" => (starts(Init::Openrc), "no process is started by OpenRC"),
        "supervise.sh" => (starts(Init::None), "no image has `init: none`"),
        "run.sh" => (groups().any(runs), "no service has `run`"),
        _ => (groups().next().is_some(), "there is no group"),
    };
    (!used).then(|| why.to_owned())
}

/// Whether we start its process.
fn runs(group: &Group) -> bool {
    match &group.role {
        Role::Service(service) => service.run.is_some(),
        Role::LoadBalancer(_) => true,
    }
}

/// Hosts that rules leave to nobody.
fn hosts(desired: &Desired) -> Vec<Notice> {
    let groups = || desired.groups.values().filter(|group| group.replicas > 0);
    if groups().next().is_none() {
        return Vec::new();
    }
    let hosts = desired.hosts.values();
    let unused = hosts.filter(|host| !groups().any(|group| may_be_on(desired, group, host)));
    let told = unused.map(|host| {
        let text = format!("no group may have instances on host {}", host.id);
        let help = "widen `placement.hosts` or a pin of a group, or remove the host";
        warning(desired, &format!("hosts.{}", host.id), &host.id, text, help)
    });
    told.collect()
}
