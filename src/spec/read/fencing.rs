//! `fencing:` of a host.

use crate::model::policy::{FenceAgent, Fencing, Parameter};
use crate::model::secret::Secret;
use crate::spec::fields::{Fields, Named, Single};
use crate::spec::keys::policies::FENCE_AGENT;
use crate::spec::problem::{Problem, slip_of};
use crate::spec::source::At;
use crate::spec::tree::Kind;
use crate::spec::words::{self, ParameterWord, Wrong};

use super::secrets::Secrets;

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
        ParameterWord::Secret(secret) => {
            let name = At {
                value: secret,
                span: value.span,
            };
            let why = "a fence agent reads one line for each parameter";
            Parameter::Secret(secrets.line(fields, &name, why)?)
        }
        ParameterWord::Plain(text) if hidden => Parameter::Secret(Secret::new(text)),
        ParameterWord::Plain(text) => Parameter::Plain(text),
    };
    Some((name, parameter))
}
