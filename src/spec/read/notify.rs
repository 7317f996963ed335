//! `notify:`, who is told what happens.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::desired::{Revision, Template};
use crate::model::event::{Event, EventKind, Severity};
use crate::model::id::ReceiverName;
use crate::model::receiver::{
    Body, Email, Filled, Format, Means, Method, Piece, Receiver, Tls, Webhook,
};
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::spec::fields::{Fields, Named, Single};
use crate::spec::keys::notify::RECEIVER;
use crate::spec::problem::Problem;
use crate::spec::source::At;
use crate::spec::words::{self, FilledWord, Gap, Wrong};

use super::secrets::Secrets;

const ONE_LINE: &str = "what it is for is a single line";
const MEANS: [&str; 3] = ["webhook", "email", "command"];

/// Reads the receivers that can be read.
pub fn receivers(root: &Fields<'_>, secrets: &Secrets) -> BTreeMap<ReceiverName, Receiver> {
    let read = |entry: &Named<'_>| {
        let name = super::id::<ReceiverName>(root.cx, entry);
        let fields = entry.fields(root.cx, &RECEIVER)?;
        let receiver = receiver(&fields, secrets);
        Some((name?.value, receiver?))
    };
    root.names("notify").iter().filter_map(read).collect()
}

fn receiver(fields: &Fields<'_>, secrets: &Secrets) -> Option<Receiver> {
    let means = means(fields, secrets);
    let events = events(fields);
    let severity = fields.choice("severity");
    let repeat = fields.get("repeat", words::pause);
    let rate = fields.get("rate", words::rate);
    let timeout = fields.get("timeout", words::span);
    let (means, events, severity) = (means?, events?, severity?.value);
    // A server that takes what became of commits takes it in whatever case.
    let (events, severity) = match means.tells_only_commits() {
        true => (BTreeSet::from([EventKind::Commit]), Severity::Info),
        false => (events, severity),
    };
    Some(Receiver {
        means,
        events,
        severity,
        repeat: repeat?.value,
        rate: rate?.value,
        timeout: timeout?.value,
    })
}

fn means(fields: &Fields<'_>, secrets: &Secrets) -> Option<Means> {
    let written: Vec<&str> = MEANS
        .into_iter()
        .filter(|means| fields.written(means).is_some())
        .collect();
    match written.as_slice() {
        [] => {
            let message = format!("`{}` does not say how it is told", fields.path);
            let help = "add one of `webhook`, `email`, `command`";
            fields.push(Problem::new(fields.span, message).help(help));
            None
        }
        ["webhook"] => webhook(&fields.object("webhook")?, secrets).map(Means::Webhook),
        ["email"] => email(&fields.object("email")?, secrets).map(Means::Email),
        [_] => command(fields).map(Means::Command),
        [first, .., second] => {
            let message = format!("`{}` has both `{first}` and `{second}`", fields.path);
            let problem = Problem::new(fields.span_of(second), message);
            let problem = problem.also(fields.span_of(first), "the first one");
            fields.push(problem.help("a receiver is told by one means: make it two receivers"));
            None
        }
    }
}

fn events(fields: &Fields<'_>) -> Option<BTreeSet<EventKind>> {
    if fields.written("events").is_none() {
        return Some(EventKind::ALL.into());
    }
    if fields.is_empty("events") {
        let problem = Problem::new(
            fields.span_of("events"),
            format!(
                "`{}` is empty: it would be told of nothing",
                fields.path_of("events")
            ),
        );
        fields.push(problem.help("name some kinds of events, or remove the key"));
    }
    let items = fields.list("events", Single::Allowed);
    let read = |item: &Named<'_>| Some(item.get(fields.cx, words::event_kind)?.value);
    let kinds: Vec<Option<EventKind>> = items.iter().map(read).collect();
    kinds.into_iter().collect()
}

fn webhook(fields: &Fields<'_>, secrets: &Secrets) -> Option<Webhook> {
    let url = fields.get("url", words::url);
    let method = fields.choice::<Method>("method");
    let read = |entry: &Named<'_>| {
        let name = fields.cx.convert(&entry.path, &entry.name, words::header);
        let value = entry.get(fields.cx, words::filled);
        Some((name?.value, fill(fields, value?, secrets)?))
    };
    let headers = fields.names("headers").iter().filter_map(read).collect();
    let format = fields.choice::<Format>("format")?.value;
    let body = body(fields, format, secrets)?;
    let url = url?;
    needs_gap(fields, &url, format);
    Some(Webhook {
        url: fill(fields, url, secrets)?,
        method: match method {
            Some(method) => method.value,
            None if format == Format::Matrix => Method::Put,
            None => Method::Post,
        },
        headers,
        body,
    })
}

fn body(fields: &Fields<'_>, format: Format, secrets: &Secrets) -> Option<Body> {
    let Some(entry) = fields.written("body") else {
        return Some(Body::Format(format));
    };
    if let Some(format) = fields.written("format") {
        let message = format!("`{}` has both `format` and `body`", fields.path);
        let problem = Problem::new(entry.span, message).also(format.span, "the format");
        fields.push(problem.help("a body of your own takes the place of a format: remove one"));
    }
    let text = fields.get("body", words::text)?;
    let named = |(name, _): &(&String, &Secret)| text.value.contains(&format!("secret.{name}"));
    let named = secrets.values.iter().filter(named);
    let named: BTreeMap<String, Secret> = named
        .map(|(name, secret)| (name.clone(), secret.clone()))
        .collect();
    let template = fields.cx.template_text(&fields.path_of("body"), text)?;
    is_whole(fields, &template, &named);
    Some(Body::Own(template, named))
}

/// Whether a template knows what it names: it is tried with an event that might be.
fn is_whole(fields: &Fields<'_>, template: &Template, secrets: &BTreeMap<String, Secret>) {
    let (Ok(cluster), revision) = ("test".parse(), Revision("0".to_owned())) else {
        return;
    };
    let event = Event::test(cluster, revision, Timestamp(0));
    if let Err(error) = crate::render::event(template, &event, secrets) {
        let message = format!("`{}`: {}", template.name, error.message);
        fields.push(Problem::new(fields.span_of("body"), message));
    }
}

/// Some servers tell events, or commits, apart by the URL.
fn needs_gap(fields: &Fields<'_>, url: &At<FilledWord>, format: Format) {
    let (gap, word) = match format {
        Format::Matrix => (Gap::Id, "{{id}}"),
        Format::Github | Format::Gitlab | Format::Gitea => (Gap::Commit, "{{commit}}"),
        Format::Json | Format::Slack | Format::Ntfy => return,
    };
    if !url.value.0.contains(&gap) {
        let message = format!("`{}` has no `{word}` in it", fields.path_of("url"));
        let help = match format {
            Format::Github => "https://api.github.com/repos/OWNER/REPO/statuses/{{commit}}",
            Format::Gitlab => "https://gitlab.example/api/v4/projects/ID/statuses/{{commit}}",
            Format::Gitea => "https://git.example/api/v1/repos/OWNER/REPO/statuses/{{commit}}",
            Format::Matrix | Format::Json | Format::Slack | Format::Ntfy => {
                "https://matrix.example/_matrix/client/v3/rooms/ROOM/send/m.room.message/{{id}}"
            }
        };
        fields.push(Problem::new(url.span, message).help(format!("write it as in `{help}`")));
    }
}

fn email(fields: &Fields<'_>, secrets: &Secrets) -> Option<Email> {
    let server = fields.get("server", |text| {
        words::machine(text).map_err(|wrong| Wrong {
            help: wrong.help.map(|help| help.replace("`address:", "`server:")),
            ..wrong
        })
    });
    let port = fields.number("port");
    let tls = fields.choice::<Tls>("tls");
    let login = login(fields, secrets);
    let from = fields.get("from", words::mailbox);
    let to = fields.list("to", Single::Allowed);
    let to = to
        .iter()
        .filter_map(|item| item.get(fields.cx, words::mailbox));
    let to: Vec<String> = to.map(|at| at.value).collect();
    let tls = tls?.value;
    if let (Tls::None, Some(_)) = (tls, fields.written("password")) {
        let message = format!(
            "`{}`: the password would be sent in the open",
            fields.path_of("tls")
        );
        let problem = Problem::new(fields.span_of("tls"), message);
        fields.push(problem.help("write `starttls` or `tls`, or remove `user` and `password`"));
    }
    if fields.written("to").is_some() && fields.is_empty("to") {
        let message = format!("`{}` is empty", fields.path_of("to"));
        fields.push(Problem::new(fields.span_of("to"), message).help("name who gets the mail"));
    }
    let usual = match tls {
        Tls::Starttls => 587,
        Tls::Tls => 465,
        Tls::None => 25,
    };
    Some(Email {
        server: server?.value,
        port: port.map_or(usual, |port| port.value),
        tls,
        login: login?,
        from: from?.value,
        to,
    })
}

/// None: it can't be read. Nobody logs in where neither is written.
fn login(fields: &Fields<'_>, secrets: &Secrets) -> Option<Option<(String, Secret)>> {
    let user = fields.get("user", words::line);
    let password = fields.get("password", words::whole_secret);
    match (fields.written("user"), fields.written("password")) {
        (None, None) => Some(None),
        (Some(_), Some(_)) => {
            let secret = secrets.line(fields, &password?, ONE_LINE)?;
            Some(Some((user?.value, secret)))
        }
        (Some(there), None) | (None, Some(there)) => {
            let message = format!("`{}` has one of `user` and `password`", fields.path);
            fields.push(Problem::new(there.span, message).help("write both, or none"));
            None
        }
    }
}

fn command(fields: &Fields<'_>) -> Option<Vec<String>> {
    let items = fields.list("command", Single::Allowed);
    let read = |item: &Named<'_>| item.get(fields.cx, words::program);
    let argv: Vec<Option<At<String>>> = items.iter().map(read).collect();
    let argv: Vec<At<String>> = argv.into_iter().collect::<Option<_>>()?;
    let span = fields.span_of("command");
    let path = fields.path_of("command");
    let Some(program) = argv.first() else {
        let problem = Problem::new(span, format!("`{path}` names no program"));
        fields.push(problem.help("write `[/usr/local/bin/page, ARGUMENT]`"));
        return None;
    };
    // A path in a repository is nothing that a controller may run.
    if program.value.contains('/') && !program.value.starts_with('/') {
        let problem = Problem::new(
            program.span,
            format!("`{path}`: its program is a relative path"),
        );
        fields.push(
            problem.help("write its name, or its absolute path on the machine of the controller"),
        );
    }
    Some(argv.into_iter().map(|word| word.value).collect())
}

fn fill(fields: &Fields<'_>, word: At<FilledWord>, secrets: &Secrets) -> Option<Filled> {
    let piece = |gap: Gap| {
        Some(match gap {
            Gap::Text(text) => Piece::Text(text),
            Gap::Commit => Piece::Commit,
            Gap::Id => Piece::Id,
            Gap::Secret(value) => {
                let name = At {
                    value,
                    span: word.span,
                };
                Piece::Secret(secrets.line(fields, &name, ONE_LINE)?)
            }
        })
    };
    let pieces = word.value.0.into_iter().map(piece);
    pieces.collect::<Option<_>>().map(Filled)
}
