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
    each_of_users(guest, variables).collect()
}

/// The same, each with its own result.
pub fn each_of_users(
    guest: &GuestContext<'_>,
    variables: &Variables,
) -> impl Iterator<Item = Result<RenderedFile, RenderError>> {
    let files = guest.group.files.iter();
    files.map(|spec| user(spec, variables))
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
            // Not the path itself: it may hold a secret.
            message: "this gives no absolute path of a file, without `..`".to_owned(),
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
    let variables = variables.clone().with("path", json!(NEW_FILE));
    let text = handlebars_text(&name, text, &variables)?;
    Ok(text
        .replace(&format!("\"{NEW_FILE}\""), "\"$1\"")
        .replace(&format!("'{NEW_FILE}'"), "\"$1\"")
        .replace(NEW_FILE, "\"$1\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::desired::{Engine, Template};
    use crate::render::guest_config;
    use crate::render::samples::{Sample, file};

    #[test]
    fn a_guest_gets_its_network_first_then_the_users_files_in_their_order() {
        let mut sample = Sample::service();
        sample.group.files = vec![
            file(
                "/etc/{{group}}/b.conf",
                "port={{port}} {{env.NAME}}\n",
                OnChange::Restart,
            ),
            file("/etc/a.conf", "as it is\n", OnChange::Nothing),
        ];
        let config = guest_config(&sample.desired, &sample.guest(), &[]).unwrap();
        let paths: Vec<_> = config.files.iter().map(|file| &*file.path).collect();
        assert_eq!(
            paths,
            [
                "/etc/network/interfaces",
                "/etc/random/b.conf",
                "/etc/a.conf"
            ]
        );
        let file = &config.files[1];
        assert_eq!(file.content, "port=8080 random-1 of demo\n");
        assert_eq!(file.sha256, sha256(&file.content));
        assert_eq!((file.mode, &*file.owner), (0o640, "root:root"));
    }

    #[test]
    fn the_network_is_left_alone_where_the_image_says_so() {
        let mut sample = Sample::service();
        sample.image.interfaces = false;
        let config = guest_config(&sample.desired, &sample.guest(), &[]).unwrap();
        assert_eq!(config.files, []);
    }

    #[test]
    fn interfaces_of_a_network_with_and_without_a_way_out() {
        let mut sample = Sample::service();
        let interfaces = |sample: &Sample| {
            let file = crate::render::interfaces(&sample.desired, &sample.guest());
            file.unwrap().content
        };
        insta::assert_snapshot!("interfaces", interfaces(&sample));
        sample.network.gateway = None;
        sample.network.dns.clear();
        insta::assert_snapshot!("interfaces_isolated", interfaces(&sample));
    }

    #[test]
    fn a_template_of_the_users_takes_the_place_of_a_builtin_one() {
        let mut sample = Sample::service();
        let template = Template {
            name: "my.j2".to_owned(),
            text: "{% if network.gateway %}\ngw {{ network.gateway }}\n{% endif %}\n".to_owned(),
            engine: Engine::Jinja,
        };
        let name = "interfaces".to_owned();
        sample.desired.templates.insert(name, template);
        let file = crate::render::interfaces(&sample.desired, &sample.guest()).unwrap();
        assert_eq!(file.content, "gw 192.168.10.254\n");
    }

    #[test]
    fn the_new_file_is_one_word_for_its_validator_however_it_was_quoted() {
        let mut sample = Sample::service();
        let mut spec = file("/etc/a.conf", "", OnChange::Nothing);
        spec.validate = Some("check {{path}} '{{path}}' --file=\"{{path}}\" {{port}}".to_owned());
        sample.group.files = vec![spec];
        let config = guest_config(&sample.desired, &sample.guest(), &[]).unwrap();
        let validate = config.files[1].validate.as_deref();
        assert_eq!(validate, Some(r#"check "$1" "$1" --file="$1" 8080"#));
    }

    #[test]
    fn a_path_that_leaves_its_place_is_refused_without_showing_it() {
        for path in [
            "etc/a",
            "/etc/../a",
            "/etc/",
            "/a\nb",
            "/{{secret.token}}/../x",
        ] {
            let mut sample = Sample::service();
            sample.group.files = vec![file(path, "", OnChange::Nothing)];
            let error = guest_config(&sample.desired, &sample.guest(), &[]).unwrap_err();
            assert_eq!(
                error.message,
                "this gives no absolute path of a file, without `..`"
            );
            assert_eq!(error.template, path);
        }
    }
}
