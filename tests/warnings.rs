//! Warnings: every directory of `fixtures/warned` has a `cluster.yaml` that is valid and, in `expected.txt`, what `validate`
//! says of it, in 80 columns. `BLESS=1 cargo test --test warnings` writes what is said now.

#[path = "support/cases.rs"]
mod cases;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cases::{cases, is_written_down};
use reconcile::adapters::spec_files::DiskFiles;
use reconcile::cli::style::Style;
use reconcile::cli::validate_view::valid_text;
use reconcile::model::desired::{Desired, Revision};
use reconcile::plan::lint::lints;
use reconcile::spec::parse;

fn read(file: &Path) -> Desired {
    let files = DiskFiles::beside(file).with_stand_ins();
    let read = parse("cluster.yaml", &fs::read(file).unwrap(), &files);
    let desired = read.unwrap_or_else(|errors| panic!("{}:\n{errors}", file.display()));
    Desired {
        revision: Revision("0123456789ab".to_owned()),
        ..desired
    }
}

#[test]
fn every_warning_says_where_what_and_what_to_do() {
    let mut wrong = String::new();
    for case in cases("warned", 7) {
        let desired = read(&case.join("cluster.yaml"));
        let warnings = lints(&desired);
        for warning in &warnings {
            assert!(
                warning.line.is_some() && warning.help.is_some(),
                "{warning:?}"
            );
        }
        let quiet = case.ends_with("nothing");
        assert_eq!(
            warnings.is_empty(),
            quiet,
            "{}: {warnings:#?}",
            case.display()
        );
        let shown = valid_text(&desired, &warnings, !quiet, &Style::plain(80));
        if !is_written_down(&case.join("expected.txt"), &shown) {
            let _ = writeln!(wrong, "--- {}\n{shown}", case.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_specs_to_start_from_are_without_warnings() {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    for entry in fs::read_dir(specs).unwrap() {
        let file = entry.unwrap().path();
        assert_eq!(lints(&read(&file)), [], "{}", file.display());
    }
}
