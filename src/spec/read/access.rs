//! `ssh:`, `secrets:` and `templates:`.

use std::collections::BTreeMap;

use crate::model::desired::{SshAccess, Template};
use crate::model::secret::Secret;
use crate::spec::fields::{Fields, Named, Single};
use crate::spec::keys::{SECRET, TEMPLATES};
use crate::spec::problem::Problem;
use crate::spec::source::At;
use crate::spec::words::{self, Wrong};

/// Keys, secrets and templates.
pub struct Access {
    /// How machines are logged in to.
    pub ssh: SshAccess,
    /// Values that no output shows.
    pub secrets: BTreeMap<String, Secret>,
    /// Built-in templates that the user replaced.
    pub templates: BTreeMap<String, Template>,
}

/// Reads `ssh:` and `templates:`, beside the secrets that were read.
pub fn access(root: &Fields<'_>, secrets: BTreeMap<String, Secret>) -> Access {
    Access {
        ssh: root
            .object("ssh")
            .map(|ssh| ssh_access(&ssh))
            .unwrap_or_default(),
        secrets,
        templates: root
            .object("templates")
            .map(|fields| templates(&fields))
            .unwrap_or_default(),
    }
}

/// Reads `secrets:`.
pub fn secrets(root: &Fields<'_>) -> BTreeMap<String, Secret> {
    root.names("secrets")
        .iter()
        .filter_map(|entry| secret(root, entry))
        .collect()
}

fn templates(fields: &Fields<'_>) -> BTreeMap<String, Template> {
    let read = |name: &'static str| {
        let path = fields.get(name, words::line)?;
        Some((name.to_owned(), fields.cx.template_file(&path)?))
    };
    TEMPLATES
        .keys
        .iter()
        .filter_map(|key| read(key.name))
        .collect()
}

fn ssh_access(fields: &Fields<'_>) -> SshAccess {
    let identity = fields.get("identity", words::line);
    let readable = |what: &str, path: &At<String>| {
        fields
            .cx
            .readable(what, path)
            .map(|path| fields.cx.resolve(&path))
    };
    let config = fields.get("config", words::line);
    SshAccess {
        identity: identity
            .as_ref()
            .and_then(|path| readable("the private key", path)),
        authorized_keys: authorized_keys(fields, identity.as_ref()),
        known_hosts: fields
            .get("known_hosts", words::line)
            .and_then(|path| readable("the file of known hosts", &path)),
        config: config.and_then(|path| readable("the ssh configuration", &path)),
    }
}

/// The keys that are written, or else the public key that belongs to the identity.
fn authorized_keys(fields: &Fields<'_>, identity: Option<&At<String>>) -> Vec<String> {
    let written = fields.entry("authorized_keys").is_some();
    match (written, identity) {
        (true, _) => fields
            .list("authorized_keys", Single::Refused)
            .iter()
            .filter_map(|item| item.get(fields.cx, words::line))
            .flat_map(|text| keys(fields, text))
            .collect(),
        (false, Some(identity)) => public_half(fields, identity),
        (false, None) => Vec::new(),
    }
}

/// The public key beside a private one.
fn public_half(fields: &Fields<'_>, identity: &At<String>) -> Vec<String> {
    let public = format!("{}.pub", identity.value);
    let is_there = |path: &At<String>| {
        fields
            .cx
            .path(path)
            .is_some_and(|path| fields.cx.exists(&path))
    };
    let place = At {
        value: public.clone(),
        span: identity.span,
    };
    match (is_there(identity), is_there(&place)) {
        // Where the private key can't be read, that is the problem, and it was noted.
        (false, _) => Vec::new(),
        (true, true) => key_file(fields, place),
        (true, false) => {
            if let Some(key) = fields.cx.stand_in_key(&public) {
                return vec![key];
            }
            let problem = Problem::new(
                identity.span,
                format!("the public key {public:?} is not there"),
            );
            let make = format!(
                "make it with `ssh-keygen -y -f {} > {public}`, or list `authorized_keys`",
                identity.value
            );
            fields.push(problem.help(make));
            Vec::new()
        }
    }
}

/// The keys that an entry stands for: itself, or those in the file that it names.
fn keys(fields: &Fields<'_>, text: At<String>) -> Vec<String> {
    match is_key(text.value.trim()) {
        true => vec![text.value.trim().to_owned()],
        false => key_file(fields, text),
    }
}

fn key_file(fields: &Fields<'_>, path: At<String>) -> Vec<String> {
    let Some(text) = fields.cx.include_key(&path) else {
        return Vec::new();
    };
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys: Vec<String> = lines.map(str::to_owned).collect();
    if keys.is_empty() || !keys.iter().all(|key| is_key(key)) {
        let problem = Problem::new(path.span, format!("{:?} holds no public key", path.value));
        fields.push(problem.help(
            "a public key starts as in `ssh-ed25519 AAAA…`; `ssh-keygen -y -f PRIVATE` prints one",
        ));
        return Vec::new();
    }
    keys
}

fn is_key(text: &str) -> bool {
    let kind = ["ssh-", "ecdsa-", "sk-"]
        .iter()
        .any(|start| text.starts_with(start));
    kind && text.contains(' ') && !text.chars().any(char::is_control)
}

fn secret(root: &Fields<'_>, entry: &Named<'_>) -> Option<(String, Secret)> {
    let name = root.cx.convert(&entry.path, &entry.name, words::variable);
    let fields = entry.fields(root.cx, &SECRET)?;
    let value = match (fields.entry("file"), fields.entry("env")) {
        (Some(_), None) => secret_file(&fields),
        (None, Some(_)) => secret_variable(&fields),
        (None, None) => {
            let problem = Problem::new(
                fields.span,
                format!("`{}` has neither `file` nor `env`", fields.path),
            );
            fields.push(problem.help("add `file: PATH` or `env: VARIABLE`: where its value is"));
            None
        }
        (Some(file), Some(env)) => {
            let problem = Problem::new(
                env.span,
                format!("`{}` has both `file` and `env`", fields.path),
            );
            fields.push(
                problem
                    .also(file.span, "the other one")
                    .help("keep one of the two"),
            );
            None
        }
    };
    Some((name?.value, Secret::new(value?)))
}

fn secret_file(fields: &Fields<'_>) -> Option<String> {
    let path = fields.get("file", words::line)?;
    let text = fields.cx.read_secret("the secret", &path)?;
    let value = text.strip_suffix('\n').unwrap_or(&text);
    not_empty(fields, &path, value.strip_suffix('\r').unwrap_or(value))
}

fn secret_variable(fields: &Fields<'_>) -> Option<String> {
    let name = fields.get("env", |text| {
        words::variable(text).map_err(|wrong| Wrong {
            help: Some("write the variable's name, without `$`".to_owned()),
            ..wrong
        })
    })?;
    let Some(value) = fields.cx.env(&name.value) else {
        let problem = Problem::new(
            name.span,
            format!("the environment variable {} is not set", name.value),
        );
        fields.push(problem.help(format!(
            "set it where reconcile is started: `export {}=…`",
            name.value
        )));
        return None;
    };
    not_empty(fields, &name, &value)
}

fn not_empty(fields: &Fields<'_>, from: &At<String>, value: &str) -> Option<String> {
    if value.is_empty() {
        let problem = Problem::new(from.span, format!("the secret `{}` is empty", fields.path));
        fields.push(problem.help("put its value there"));
        return None;
    }
    Some(value.to_owned())
}
