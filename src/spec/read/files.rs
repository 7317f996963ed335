//! `files:` of a group.

use crate::model::desired::{Engine, FileSpec, OnChange, Template};
use crate::spec::fields::{Fields, Named, Single};
use crate::spec::keys::FILE;
use crate::spec::problem::Problem;
use crate::spec::source::At;
use crate::spec::words;

/// The files of a group.
pub struct Files {
    /// Where each goes.
    pub places: Vec<At<String>>,
    /// Each one, where it could be read.
    pub built: Vec<Option<FileSpec>>,
}

/// Reads the files of a group, and finds those that go to one place.
pub fn files(group: &Fields<'_>) -> Files {
    let items = group.list("files", Single::Refused);
    let read: Vec<_> = items.iter().map(|item| file(group, item)).collect();
    let places: Vec<At<String>> = read.iter().filter_map(|(path, _)| path.clone()).collect();
    report_doubled(group, &places);
    Files {
        places,
        built: read.into_iter().map(|(_, built)| built).collect(),
    }
}

fn report_doubled(group: &Fields<'_>, places: &[At<String>]) {
    for (index, place) in places.iter().enumerate() {
        let first = places
            .iter()
            .take(index)
            .find(|other| other.value == place.value);
        if let Some(first) = first {
            let problem = Problem::new(
                place.span,
                format!("`{}` has two files at {:?}", group.path, place.value),
            );
            group.push(
                problem
                    .also(first.span, "the first one")
                    .help("keep one of the two"),
            );
        }
    }
}

fn file(group: &Fields<'_>, item: &Named<'_>) -> (Option<At<String>>, Option<FileSpec>) {
    let Some(fields) = item.fields(group.cx, &FILE) else {
        return (None, None);
    };
    let path = fields.get("path", words::guest_path);
    let path = path.filter(|path| compiles(&fields, path));
    let template = template(&fields);
    let mode = fields.get("mode", words::mode);
    let owner = fields.get("owner", words::owner);
    let on_change = fields.choice::<OnChange>("on_change");
    let validate = validate(&fields);
    let secret = fields.flag("secret");
    let built = || {
        Some(FileSpec {
            path: path.as_ref()?.value.clone(),
            template: template?,
            mode: mode?.value,
            owner: owner?.value,
            on_change: on_change?.value,
            validate,
            secret: secret?.value,
        })
    };
    let built = built();
    (path, built)
}

fn compiles(fields: &Fields<'_>, path: &At<String>) -> bool {
    fields
        .cx
        .template_text(&fields.path_of("path"), path.clone())
        .is_some()
}

fn template(fields: &Fields<'_>) -> Option<Template> {
    let written: Vec<_> = ["template", "content", "source"]
        .into_iter()
        .filter_map(|name| fields.entry(name))
        .collect();
    match written.as_slice() {
        [] => {
            let problem = Problem::new(fields.span, format!("`{}` has no content", fields.path));
            fields.push(problem.help(
                "add `template: FILE`, `content: TEXT`, or `source: FILE` to take a file as it is",
            ));
            None
        }
        [_] => content(fields),
        [first, second, ..] => {
            let problem = Problem::new(
                second.span,
                format!("`{}` has its content twice", fields.path),
            );
            fields.push(
                problem
                    .also(first.span, "the first one")
                    .help("keep one of `template`, `content` and `source`"),
            );
            None
        }
    }
}

fn content(fields: &Fields<'_>) -> Option<Template> {
    if let Some(path) = fields.get("template", words::line) {
        return fields.cx.template_file(&path);
    }
    if let Some(path) = fields.get("source", words::line) {
        let text = fields.cx.include("the file", &path)?;
        return Some(Template {
            name: fields.cx.file_name(&path),
            text,
            engine: Engine::Verbatim,
        });
    }
    let text = fields.get("content", words::value)?;
    fields.cx.template_text(&fields.path_of("content"), text)
}

/// A command that doesn't look at the new file would accept whatever is in it.
fn validate(fields: &Fields<'_>) -> Option<String> {
    let command = fields.get("validate", words::text)?;
    let looks = command.value.contains("{{path}}")
        || command.value.contains("{{ path }}")
        || command.value.contains("$1");
    if !looks {
        let problem = Problem::new(
            command.span,
            format!(
                "`{}` doesn't look at the new file",
                fields.path_of("validate")
            ),
        );
        fields.push(
            problem.help(
                "write {{path}} where the name of the new file belongs: `nginx -t -c {{path}}`",
            ),
        );
    }
    let template = fields
        .cx
        .template_text(&fields.path_of("validate"), command)?;
    Some(template.text)
}
