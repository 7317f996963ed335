//! `reconcile adopt`: a domain that somebody else made becomes an instance. The file is written first, its mark second; whatever is cut
//! short is finished by the same command.

use std::path::Path;
use std::sync::Arc;

use super::load::Reading;
use super::origin::Origin;
use super::{Failure, apply, load, print};
use crate::adapters::file_store::FileStore;
use crate::adapters::rewrite::rewrite;
use crate::adapters::ssh_writer::SshWriter;
use crate::cli::adopt::{Book, NotPrepared, Open, Prepared, prepare};
use crate::cli::adopt_view::{Done, Told, adopted_json, adopted_text, already_json, already_text};
use crate::cli::args::{AdoptArgs, Args, Output};
use crate::cli::exit::Exit;
use crate::cli::style::Style;
use crate::controller::claims::ClaimsOnce;
use crate::memory;
use crate::ports::adoption::Adopter;
use crate::ports::progress::Quiet;
use crate::spec::amend::AmendError;

pub(super) async fn run(args: &Args, how: &AdoptArgs, style: &Style) -> Result<Exit, Failure> {
    if args.global.repo.is_some() {
        return Err(Failure::Other(
            "adopt writes the file, and that of a commit stays as it is\n  \
             help: adopt in a checkout, without --repo, while no controller runs; then commit and push, and start it again"
                .to_owned(),
        ));
    }
    let origin = Origin::of(args)?;
    let source = origin.source()?;
    let mut reading = load::reading(args)?;
    if reading.in_force.snapshot.is_none() {
        let text = "the file is held back, and what is in force is an earlier one\n  help: reconcile rollback --undo, then run this again";
        return Err(Failure::Other(text.to_owned()));
    }
    let store = FileStore::new(&reading.state);
    let _lock = match how.dry_run {
        true => None,
        false => Some(store.lock()?),
    };
    let files = origin.files();
    let desired = Arc::new(reading.in_force.desired.clone());
    let book = Book {
        name: &origin.name,
        bytes: &source,
        files: &files,
        desired: &desired,
    };
    if !how.dry_run {
        let claimant = load::claimant(&reading.state, "adopt")?;
        reading.watcher.eyes.us = Some(claimant.id.clone());
    }
    let looks = (&reading.watcher.memory, &reading.watcher.eyes);
    let prepared = prepare(&book, looks, reading.reader.as_ref(), &how.wish()).await;
    let prepared = prepared.map_err(|error| failure(error, &origin.name))?;
    let open = match &prepared {
        Prepared::Already { candidate, mark } => {
            return print(&match args.global.output {
                Output::Json => already_json(candidate, mark),
                Output::Text | Output::Markdown => already_text(candidate, mark),
            });
        }
        Prepared::Open(open) => open,
    };
    if !how.dry_run {
        act(&mut reading, open, &origin.file, &source).await?;
    }
    let told = Told {
        open,
        file: &origin.name,
        before: &String::from_utf8_lossy(&source),
        done: if how.dry_run { Done::Would } else { Done::Yes },
    };
    print(&match args.global.output {
        Output::Json => adopted_json(&told),
        Output::Text | Output::Markdown => adopted_text(&told, style),
    })
}

fn failure(error: NotPrepared, file: &str) -> Failure {
    match error {
        NotPrepared::Amend(AmendError::Spec(errors)) => Failure::Spec {
            file: file.to_owned(),
            errors,
        },
        NotPrepared::Amend(error @ AmendError::NoPlace(_)) => Failure::Other(error.to_string()),
        NotPrepared::Refused(_) | NotPrepared::Unseen(_) => Failure::Other(error.to_string()),
    }
}

/// Writes the file, then the mark, while no other controller acts.
async fn act(
    reading: &mut Reading,
    open: &Open,
    file: &Path,
    source: &[u8],
) -> Result<(), Failure> {
    let desired = Arc::clone(&reading.watcher.desired);
    apply::no_rivals(&open.observed)?;
    let now = reading.watcher.eyes.clock.now();
    let memory = std::mem::take(&mut reading.watcher.memory);
    reading.watcher.memory = memory::after_restart(memory, now);
    let claimant = load::claimant(&reading.state, "adopt")?;
    let hands = load::hands(&desired, &reading.reader, Arc::new(Quiet), &claimant);
    let mut claims = ClaimsOnce::new(&desired, &hands);
    claims.name(reading.watcher.hosts());
    let taken = claims.take(&open.observed).await;
    let done = match taken {
        Ok(()) => written_and_marked(reading, open, file, source).await,
        Err(barred) => Err(apply::unclaimed(&barred)),
    };
    claims.leave(reading.watcher.hosts_left()).await;
    done
}

async fn written_and_marked(
    reading: &Reading,
    open: &Open,
    file: &Path,
    source: &[u8],
) -> Result<(), Failure> {
    if let Some(amended) = &open.amended {
        rewrite(file, source, amended.text.as_bytes()).map_err(|error| {
            Failure::Other(format!(
                "{} can't be written: {error}; nothing was changed",
                file.display()
            ))
        })?;
    }
    let desired = &reading.watcher.desired;
    let (adoption, mark) = (&open.adoption, &open.adoption.mark);
    let writer = SshWriter::new(Arc::clone(&reading.reader), desired.secrets.clone());
    let host = desired.hosts.get(&adoption.host);
    let host = host.ok_or_else(|| Failure::Other(format!("host {} is unknown", adoption.host)))?;
    let marked = writer.adopt(host, adoption).await;
    marked.map(drop).map_err(|error| {
        let again = format!("reconcile adopt {} --as {}", adoption.domain, mark.instance);
        Failure::Other(format!(
            "{} is in {}, and its domain has no mark yet: {error}\n  \
             help: finish it before anything is applied: {again}; or take the edit back",
            mark.instance,
            file.display()
        ))
    })
}
