//! The process of a guest: the script that becomes it, the units that start the script, and the two digests that tell
//! whether a running process is the desired one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::builtin::Builtin;
use super::engine::{Variables, handlebars_text, render};
use super::file::{plain, sha256};
use super::{GuestContext, RenderError, command};
use crate::model::action::{Daemon, RenderedFile};
use crate::model::desired::{Desired, Init, OnChange, Role};

/// nginx of a load balancer; `nginx.conf` must not say `daemon` for that.
const NGINX: &str = "nginx -c /etc/nginx/nginx.conf -g 'daemon off;'";

/// The process of `guest`, where it has one of ours, with `files` beside it.
pub fn daemon(
    desired: &Desired,
    guest: &GuestContext<'_>,
    variables: &Variables,
    files: &[RenderedFile],
) -> Result<Option<Daemon>, RenderError> {
    let Some(command) = command_line(guest, variables)? else {
        return Ok(None);
    };
    let name = guest.group.id.clone();
    let script_path = format!("/etc/reconcile/{name}.run");
    let process = Process {
        desired,
        variables,
        values: json!({
            "name": name,
            "script": script_path,
            "command": command,
            "env": environment(guest, variables)?,
        }),
    };
    let revision = process.revision(files)?;
    let script = process.script(&revision, &paths(files, OnChange::Reload))?;
    Ok(Some(Daemon {
        init: guest.image.init,
        units: process.units(name.as_str(), guest.image.init)?,
        script: plain(script_path, script, 0o700),
        revision,
        loads: loads(reloaded(files).map(|file| file.sha256.as_str())),
        replaces: match guest.group.role {
            Role::Service(_) => None,
            Role::LoadBalancer(_) => Some("nginx".to_owned()),
        },
        name,
    }))
}

/// What a process has loaded, as the script itself computes it at its start out of the files that it finds: of the
/// SHA-256 of each that it reads again when it is told to.
pub fn loads<'a>(sums: impl Iterator<Item = &'a str>) -> String {
    sha256(&sums.map(|sum| format!("{sum}  -\n")).collect::<String>())
}

/// The files that a process reads again when it is told to.
pub fn reloaded(files: &[RenderedFile]) -> impl Iterator<Item = &RenderedFile> {
    files
        .iter()
        .filter(|file| file.on_change == OnChange::Reload)
}

fn paths(files: &[RenderedFile], on_change: OnChange) -> Vec<&str> {
    let files = files.iter().filter(|file| file.on_change == on_change);
    files.map(|file| file.path.as_str()).collect()
}

fn command_line(
    guest: &GuestContext<'_>,
    variables: &Variables,
) -> Result<Option<String>, RenderError> {
    match &guest.group.role {
        Role::LoadBalancer(_) => Ok(Some(NGINX.to_owned())),
        Role::Service(service) => {
            let Some(run) = &service.run else {
                return Ok(None);
            };
            let name = format!("{}.run", guest.group.key());
            let line = handlebars_text(&name, run, variables)?;
            command::executable(&name, &line).map(Some)
        }
    }
}

/// The environment as the script sets it: only names and values that a shell can hold.
fn environment(guest: &GuestContext<'_>, variables: &Variables) -> Result<Vec<Value>, RenderError> {
    let env = variables.get("env").and_then(Value::as_object);
    let pairs = env.into_iter().flatten();
    let pair = |(name, value): (&String, &Value)| {
        let text = value.as_str().unwrap_or_default();
        let refuse = |message: &str| RenderError {
            template: format!("{}.env.{name}", guest.group.key()),
            line: None,
            message: message.to_owned(),
        };
        if !command::is_variable_name(name) {
            return Err(refuse(
                "a variable has only letters, digits and '_' in its name",
            ));
        }
        if text.contains('\0') {
            return Err(refuse("a variable can't hold a NUL character"));
        }
        Ok(json!({"name": name, "value": text}))
    };
    pairs.map(pair).collect()
}

struct Process<'a> {
    desired: &'a Desired,
    variables: &'a Variables,
    values: Value,
}

impl Process<'_> {
    fn script(&self, revision: &str, reloads: &[&str]) -> Result<String, RenderError> {
        let mut values = self.values.clone();
        values["revision"] = json!(revision);
        values["reloads"] = json!(reloads);
        let variables = self.variables.clone().with("daemon", values);
        render(Builtin::Run.template(self.desired), &variables)
    }

    /// What the process must have been started with: the script, as it is without this digest and without the files
    /// that are only reloaded, and the files whose change means a restart.
    fn revision(&self, files: &[RenderedFile]) -> Result<String, RenderError> {
        let mut text = self.script("", &[])?;
        let restarts = files
            .iter()
            .filter(|file| file.on_change == OnChange::Restart);
        for file in restarts {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{}  {}", file.sha256, file.path);
        }
        Ok(sha256(&text))
    }

    /// A unit for every init that needs one. busybox has a line in `/etc/inittab` instead, which the adapter keeps.
    /// For the init that the image is known to have; for each one where that is not said.
    fn units(&self, name: &str, known: Init) -> Result<BTreeMap<Init, RenderedFile>, RenderError> {
        let variables = self.variables.clone().with("daemon", self.values.clone());
        let systemd = format!("/etc/systemd/system/reconcile-{name}.service");
        let openrc = format!("/etc/init.d/reconcile-{name}");
        let supervise = format!("/etc/reconcile/{name}.supervise");
        [
            (Init::Systemd, Builtin::Systemd, systemd, 0o644),
            (Init::Openrc, Builtin::Openrc, openrc, 0o755),
            (Init::None, Builtin::Supervise, supervise, 0o755),
        ]
        .into_iter()
        .filter(|(init, ..)| known == Init::Auto || known == *init)
        .map(|(init, builtin, path, mode)| {
            let content = render(builtin.template(self.desired), &variables)?;
            Ok((init, plain(path, content, mode)))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests;
