//! `fencing:` of a host.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::policy::{FenceAgent, Fencing, Parameter};
use crate::model::secret::Secret;
use crate::spec::fields::{Fields, Named, Single};
use crate::spec::keys::policies::FENCE_AGENT;
use crate::spec::problem::{Problem, slip_of};
use crate::spec::source::At;
use crate::spec::tree::Kind;
use crate::spec::words::{self, ParameterWord, Wrong};

/// The secrets of the file.
pub struct Secrets {
    /// The names that are written; none where the section is no mapping.
    pub names: Option<BTreeSet<String>>,
    /// Those that could be read.
    pub values: BTreeMap<String, Secret>,
}

/// Parameters with one of these in their name are secrets, even where their value is written out.
const HIDDEN: [&str; 4] = ["passw", "secret", "token", "key"];

/// What is written of how a host is fenced; none where nothing is. What can't be read is noted, and left out.
pub fn fencing(host: &Fields<'_>, secrets: &Secrets) -> Option<Vec<At<Fencing>>> {
    let entry = host.entry("fencing")?;
    if host.is_empty("fencing") {
        let path = host.path_of("fencing");
        let problem = Problem::new(entry.span, format!("`{path}` is empty"));
        host.push(problem.help("write `manual` where only a person can tell, or remove the key"));
    }
    let items = match &entry.value.kind {
        Kind::Map(entries) if entries.is_empty() => Vec::new(),
        Kind::Map(_) => vec![Named {
            name: At {
                value: "",
                span: entry.span,
            },
            path: host.path_of("fencing"),
            node: &entry.value,
        }],
        Kind::Nothing | Kind::Scalar(..) | Kind::List(_) => host.list("fencing", Single::Allowed),
    };
    let read = |item: &Named<'_>| method(host, item, secrets);
    let methods: Vec<At<Fencing>> = items.iter().filter_map(read).collect();
    report_doubled(host, &methods);
    Some(methods)
}

fn report_doubled(host: &Fields<'_>, methods: &[At<Fencing>]) {
    for (index, method) in methods.iter().enumerate() {
        let mut before = methods.iter().take(index);
        if let Some(first) = before.find(|other| is_same(&other.value, &method.value)) {
            let message = format!("`{}` has the same twice", host.path_of("fencing"));
            let problem = Problem::new(method.span, message).also(first.span, "the first one");
            host.push(problem.help(
                "the second adds nothing: what fails is tried again after a pause; remove one",
            ));
        }
    }
}

/// Whether two ask the same device, or the same person. How long one may take makes no other device of it.
fn is_same(one: &Fencing, other: &Fencing) -> bool {
    match (one, other) {
        (Fencing::Agent(one), Fencing::Agent(other)) => {
            (&one.program, &one.parameters) == (&other.program, &other.parameters)
        }
        (one, other) => one == other,
    }
}

fn method(host: &Fields<'_>, item: &Named<'_>, secrets: &Secrets) -> Option<At<Fencing>> {
    match &item.node.kind {
        Kind::Map(_) => Some(At {
            value: Fencing::Agent(agent(host, item, secrets)?),
            span: item.name.span,
        }),
        Kind::Nothing | Kind::Scalar(..) | Kind::List(_) => item.get(host.cx, word),
    }
}

fn word(text: &str) -> Result<Fencing, Wrong> {
    match text {
        "libvirt" => Ok(Fencing::Libvirt),
        "lease" => Ok(Fencing::Lease),
        "manual" => Ok(Fencing::Manual),
        agent if words::fence_agent(agent).is_ok() => Err(Wrong::new(
            format!("{} needs its parameters", words::quoted(agent)),
            format!("write `{{ agent: {agent}, with: {{ ip: … }} }}`"),
        )),
        other => Err(Wrong::new(
            format!(
                "{} is not one of libvirt, lease, manual",
                words::quoted(other)
            ),
            match slip_of(other, ["libvirt", "lease", "manual"]) {
                Some(word) => format!("did you mean `{word}`?"),
                None => "for a fence agent, write `{ agent: fence_…, with: { … } }`".to_owned(),
            },
        )),
    }
}

fn agent(host: &Fields<'_>, item: &Named<'_>, secrets: &Secrets) -> Option<FenceAgent> {
    let fields = item.fields(host.cx, &FENCE_AGENT)?;
    let program = fields.get("agent", words::fence_agent);
    let timeout = fields.get("timeout", words::span);
    let read = |entry: &Named<'_>| parameter(&fields, entry, secrets);
    let parameters = fields.names("with").iter().filter_map(read).collect();
    Some(FenceAgent {
        program: program?.value,
        parameters,
        timeout: timeout?.value,
    })
}

fn parameter(
    fields: &Fields<'_>,
    entry: &Named<'_>,
    secrets: &Secrets,
) -> Option<(String, Parameter)> {
    let name = fields
        .cx
        .convert(&entry.path, &entry.name, words::parameter);
    let value = entry.get(fields.cx, words::parameter_value);
    let (name, value) = (name?.value, value?);
    let hidden = HIDDEN.iter().any(|part| name.contains(part));
    let parameter = match value.value {
        ParameterWord::Secret(secret) => Parameter::Secret(resolve(
            fields,
            &At {
                value: secret,
                span: value.span,
            },
            secrets,
        )?),
        ParameterWord::Plain(text) if hidden => Parameter::Secret(Secret::new(text)),
        ParameterWord::Plain(text) => Parameter::Plain(text),
    };
    Some((name, parameter))
}

/// The value of a secret. One whose own value can't be read was noted where it stands.
fn resolve(fields: &Fields<'_>, name: &At<String>, secrets: &Secrets) -> Option<Secret> {
    let names = secrets.names.as_ref()?;
    if !names.contains(&name.value) {
        let help = match names.is_empty() {
            true => Some(format!(
                "add `secrets: {{ {}: {{ file: PATH }} }}`",
                name.value
            )),
            false => fields
                .cx
                .did_you_mean(&name.value, names.iter().map(String::as_str)),
        };
        let problem = Problem::new(name.span, format!("there is no secret {:?}", name.value));
        fields.push(problem.help_if(help));
        return None;
    }
    let secret = secrets.values.get(&name.value)?;
    if secret.reveal().contains(['\n', '\r']) {
        let message = format!("the secret {:?} has several lines", name.value);
        let problem = Problem::new(name.span, message);
        fields.push(problem.help("a fence agent reads one line for each parameter"));
        return None;
    }
    Some(secret.clone())
}
