//! `reconcile notify test`: sends a message to each receiver, and shows what came of it. And what `validate` says of
//! receivers, which sends nothing.

use std::time::Instant;

use futures::future::join_all;

use super::{Failure, load, print};
use crate::adapters::fence_agent::is_installed;
use crate::adapters::notify::Messenger;
use crate::adapters::system_clock::SystemClock;
use crate::cli::args::{Args, NotifyCommand, Output};
use crate::cli::exit::Exit;
use crate::cli::notify_view::{Told, Verdict, exit_of, notify_json, notify_text};
use crate::cli::style::Style;
use crate::model::desired::Desired;
use crate::model::event::{CommitStatus, Event};
use crate::model::id::ReceiverName;
use crate::model::plan::{Notice, NoticeKind};
use crate::model::receiver::{Means, Receiver};
use crate::model::unit::span;
use crate::ports::clock::Clock as _;
use crate::ports::notifier::Notifier as _;
use crate::spec::did_you_mean;

pub(super) async fn run(
    args: &Args,
    command: &NotifyCommand,
    style: &Style,
) -> Result<Exit, Failure> {
    let NotifyCommand::Test { receiver } = command;
    let desired = load::desired(args)?;
    let chosen = chosen(&desired, receiver.as_ref())?;
    let messenger = Messenger::default();
    let event = event(&desired);
    let told = chosen
        .into_iter()
        .map(|(name, receiver)| test(&messenger, name, receiver, &event));
    let told = join_all(told).await;
    print(&match args.global.output {
        Output::Text | Output::Markdown => notify_text(&told, style),
        Output::Json => notify_json(&told),
    })?;
    Ok(exit_of(&told))
}

fn chosen<'d>(
    desired: &'d Desired,
    name: Option<&ReceiverName>,
) -> Result<Vec<(&'d ReceiverName, &'d Receiver)>, Failure> {
    let names = desired.notify.keys().map(ReceiverName::as_str);
    if let Some(name) = name.filter(|name| !desired.notify.contains_key(name)) {
        let help = did_you_mean(name.as_str(), names);
        let help = help.map_or_else(String::new, |help| format!("\n  help: {help}"));
        return Err(Failure::Other(format!(
            "there is no receiver {name} in the file{help}"
        )));
    }
    if desired.notify.is_empty() {
        let text = "the file has no receivers\n  help: add `notify:`; reconcile explain notify says what it takes";
        return Err(Failure::Other(text.to_owned()));
    }
    let all = desired.notify.iter();
    Ok(all
        .filter(|(known, _)| name.is_none_or(|name| name == *known))
        .collect())
}

fn event(desired: &Desired) -> Event {
    let (cluster, revision) = (desired.cluster.clone(), desired.revision.clone());
    Event {
        commit: desired.commit.as_ref().map(|commit| commit.id.clone()),
        ..Event::test(cluster, revision, SystemClock.now())
    }
}

async fn test(
    messenger: &Messenger,
    name: &ReceiverName,
    receiver: &Receiver,
    event: &Event,
) -> Told {
    let begin = Instant::now();
    let verdict = match (receiver.means.tells_only_commits(), &event.commit) {
        (true, None) => Verdict::NotTried(
            "it is told of commits, and none is in force here: try it with --repo".to_owned(),
        ),
        (true, Some(_)) => {
            let status = Some(CommitStatus::Success);
            tell(
                messenger,
                receiver,
                &Event {
                    status,
                    ..event.clone()
                },
            )
            .await
        }
        (false, _) => tell(messenger, receiver, event).await,
    };
    Told {
        receiver: name.clone(),
        means: receiver.means.word(),
        verdict,
        took: begin.elapsed(),
    }
}

async fn tell(messenger: &Messenger, receiver: &Receiver, event: &Event) -> Verdict {
    let told = tokio::time::timeout(receiver.timeout, messenger.tell(receiver, event)).await;
    match told {
        Ok(Ok(())) => Verdict::Arrived,
        Ok(Err(failure)) => Verdict::Failed(failure.why),
        Err(_) => Verdict::Failed(format!("no answer within {}", span(receiver.timeout))),
    }
}

/// What would keep messages from arriving, as far as that can be seen without sending any.
pub(super) fn warnings(desired: &Desired) -> impl Iterator<Item = Notice> + '_ {
    desired.notify.iter().filter_map(|(name, receiver)| {
        let (text, help) = wrong(receiver, &event(desired))?;
        Some(Notice {
            kind: NoticeKind::Warning,
            subject: format!("receiver {name}"),
            text: format!("receiver {name}: {text}"),
            help: Some(help.to_owned()),
            line: desired.lines.of(&format!("notify.{name}")),
        })
    })
}

fn wrong(receiver: &Receiver, event: &Event) -> Option<(String, &'static str)> {
    match &receiver.means {
        Means::Command(argv) => {
            let program = argv.first().filter(|program| !is_installed(program))?;
            let text = format!("{program} is not installed on this machine");
            Some((text, "it is run on the machine of the controller"))
        }
        Means::Webhook(webhook) => {
            let url = webhook.url.fill(event);
            let has_secrets = webhook
                .headers
                .values()
                .chain([&webhook.url])
                .any(|v| v.secrets().next().is_some());
            match url.reveal() {
                // What stands for a secret that is not here.
                url if url.starts_with('(') || url.starts_with("https://") => None,
                url if url.starts_with("http://") => has_secrets.then(|| {
                    let text = "its secrets go over the network in the open".to_owned();
                    (text, "use https://, if the server can")
                }),
                _ => Some(("the secret is no URL".to_owned(), "it begins with https://")),
            }
        }
        Means::Email(_) => None,
    }
}
