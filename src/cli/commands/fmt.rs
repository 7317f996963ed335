//! `reconcile fmt`: the user's files as they are best written. A file that can't be formatted keeps no other one from it.

use std::path::{Path, PathBuf};

use super::origin::Origin;
use super::{Failure, print};
use crate::adapters::rewrite::rewrite;
use crate::adapters::spec_files::DiskFiles;
use crate::cli::args::{Args, FmtArgs, Output};
use crate::cli::exit::Exit;
use crate::cli::fmt_view::{Asked, Formatted, State, fmt_json, fmt_text};
use crate::cli::style::{Colour, Style};
use crate::spec::format::format;
use crate::spec::{SpecFiles, included};

pub(super) fn run(args: &Args, how: &FmtArgs, style: &Style) -> Result<Exit, Failure> {
    if args.global.repo.is_some() {
        return Err(Failure::Other(
            "fmt writes files, and those of a commit stay as they are\n  \
             help: format them in a checkout, without --repo, and commit them"
                .to_owned(),
        ));
    }
    let asked = Asked {
        check: how.check,
        diff: how.diff,
    };
    let files = match how.files.is_empty() {
        true => of_cluster(args)?,
        false => how.files.clone(),
    };
    let formatted: Vec<Formatted> = files.iter().map(|file| one(file, asked)).collect();
    print(&match args.global.output {
        Output::Text | Output::Markdown => told(&formatted, asked, args, style),
        Output::Json => fmt_json(&formatted, asked),
    })?;
    Ok(match formatted.iter().all(|file| file.is_good(asked)) {
        true => Exit::Done,
        false => Exit::Error,
    })
}

/// What is printed; what is wrong with files goes to where errors go.
fn told(formatted: &[Formatted], asked: Asked, args: &Args, style: &Style) -> String {
    let colour = Style::of_stderr(args.global.no_color).colour == Colour::On;
    for errors in formatted.iter().filter_map(Formatted::errors) {
        eprintln!("{}", errors.render(colour));
    }
    fmt_text(formatted, asked, style)
}

/// The cluster's file, and those that it includes.
fn of_cluster(args: &Args) -> Result<Vec<PathBuf>, Failure> {
    let origin = Origin::of(args)?;
    let found = included(&origin.name, &origin.source()?, &origin.files());
    let found = found.map_err(|errors| Failure::Spec {
        file: origin.name.clone(),
        errors,
    })?;
    let beside = found.iter().map(|path| origin.file.with_file_name(path));
    Ok(std::iter::once(origin.file.clone()).chain(beside).collect())
}

fn one(file: &Path, asked: Asked) -> Formatted {
    let name = file.display().to_string();
    let state = state(file, &name, asked).unwrap_or_else(State::Failed);
    Formatted { name, state }
}

fn state(file: &Path, name: &str, asked: Asked) -> Result<State, String> {
    let beside = Path::new(file.file_name().unwrap_or_default());
    let old = DiskFiles::beside(file).read(beside);
    let old = old.map_err(|error| format!("it can't be read: {error}"))?;
    let new = match format(name, &old) {
        Err(errors) => return Ok(State::Broken(errors)),
        Ok(new) if new.as_bytes() == old => return Ok(State::Same),
        Ok(new) => new,
    };
    if asked.writes() {
        rewrite(file, &old, new.as_bytes())
            .map_err(|error| format!("it can't be written: {error}"))?;
    }
    let old = String::from_utf8_lossy(&old).into_owned();
    Ok(State::Differs { old, new })
}
