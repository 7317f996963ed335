//! Files of a guest: rendered, with their digest.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::builtin::Builtin;
use super::engine::{Variables, handlebars_text, render};
use super::{GuestContext, RenderError};
use crate::model::action::RenderedFile;
use crate::model::desired::{Desired, FileSpec, OnChange};

/// What stands for the new file in a rendered `validate`, until it becomes `"$1"`.
const NEW_FILE: &str = "\u{1}new-file\u{1}";

/// SHA-256 in hex.
pub fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file of ours: root's, and a change of it means nothing to the process.
pub fn plain(path: String, content: String, mode: u32) -> RenderedFile {
    RenderedFile {
        path,
        sha256: sha256(&content),
        content,
        mode,
        owner: "root:root".to_owned(),
        on_change: OnChange::Nothing,
        validate: None,
        secret: false,
    }
}

/// `/etc/network/interfaces`.
pub fn interfaces(desired: &Desired, variables: &Variables) -> Result<RenderedFile, RenderError> {
    let content = render(Builtin::Interfaces.template(desired), variables)?;
    Ok(plain("/etc/network/interfaces".to_owned(), content, 0o644))
}

/// `/etc/nginx/nginx.conf`.
pub fn nginx(desired: &Desired, variables: &Variables) -> Result<RenderedFile, RenderError> {
    let content = render(Builtin::Nginx.template(desired), variables)?;
    let validate = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin nginx -t -q -c \"$1\"";
    Ok(RenderedFile {
        on_change: OnChange::Reload,
        validate: Some(validate.to_owned()),
        ..plain("/etc/nginx/nginx.conf".to_owned(), content, 0o644)
    })
}

/// The files that the user gave to the guest's group.
pub fn users(
    guest: &GuestContext<'_>,
    variables: &Variables,
) -> Result<Vec<RenderedFile>, RenderError> {
    let files = guest.group.files.iter();
    files.map(|spec| user(spec, variables)).collect()
}

fn user(spec: &FileSpec, variables: &Variables) -> Result<RenderedFile, RenderError> {
    let path = path(spec, variables)?;
    let validate = spec.validate.as_deref();
    let validate = validate.map(|text| validator(spec, text, variables));
    Ok(RenderedFile {
        on_change: spec.on_change,
        validate: validate.transpose()?,
        secret: spec.secret,
        owner: owner(&spec.owner),
        ..plain(path, render(&spec.template, variables)?, spec.mode)
    })
}

/// The path of a file, rendered. A variable in it (a secret, say) could make anything of it, so it is looked at again.
fn path(spec: &FileSpec, variables: &Variables) -> Result<String, RenderError> {
    let path = handlebars_text(&spec.path, &spec.path, variables)?;
    let absolute = path.starts_with('/') && !path.ends_with('/');
    let climbs = path.split('/').any(|part| part == "..");
    if !absolute || climbs || path.chars().any(char::is_control) {
        return Err(RenderError {
            template: spec.path.clone(),
            line: None,
            message: format!("{path:?} is no absolute path of a file without `..`"),
        });
    }
    Ok(path)
}

fn owner(owner: &str) -> String {
    match owner.contains(':') {
        true => owner.to_owned(),
        false => format!("{owner}:{owner}"),
    }
}

/// The user's command to check a file with: `{{path}}`, quoted or not, becomes `"$1"`.
fn validator(spec: &FileSpec, text: &str, variables: &Variables) -> Result<String, RenderError> {
    let name = format!("validate of {}", spec.path);
    let text = handlebars_text(&name, text, &variables.with("path", json!(NEW_FILE)))?;
    Ok(text
        .replace(&format!("\"{NEW_FILE}\""), "\"$1\"")
        .replace(&format!("'{NEW_FILE}'"), "\"$1\"")
        .replace(NEW_FILE, "\"$1\""))
}
