//! `make campaign SEEDS=…`: runs that many random cases, says how fast, and writes what fails, made small, as a directory
//! that `reconcile rehearse` can replay.

mod campaign;
mod case;
mod draw;
mod edit;
mod judge;
mod shrink;
mod trouble;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use campaign::{all_processors, campaign, lock};
use judge::Wrong;
use reconcile::cli::rehearsal_view::rehearsal_text;
use reconcile::cli::style::Style;

/// From one line of progress to the next.
const PROGRESS: Duration = Duration::from_secs(5);
/// How many cases of one kind are made small: more of them tell nothing new.
const OF_A_KIND: usize = 3;

/// What a run knows of itself.
struct Tally {
    begin: Instant,
    said: Instant,
    done: u64,
    kinds: BTreeMap<String, Vec<u64>>,
}

fn main() -> ExitCode {
    let number = |name: &str, default: u64| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        value.map_or(Ok(default), |value| {
            value
                .parse()
                .map_err(|_| format!("{name} must be a number, not {value:?}"))
        })
    };
    let settings = (
        number("SEEDS", 10_000),
        number("FROM", 1),
        number("JOBS", all_processors() as u64),
    );
    let (Ok(seeds), Ok(from), Ok(jobs)) = settings else {
        eprintln!(
            "{}",
            [settings.0.err(), settings.1.err(), settings.2.err()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("\n")
        );
        return ExitCode::from(2);
    };
    let into = std::env::var("INTO").ok().filter(|into| !into.is_empty());
    let into = PathBuf::from(into.unwrap_or_else(|| "target/campaign".to_owned()));
    let now = Instant::now();
    let tally = Mutex::new(Tally {
        begin: now,
        said: now,
        done: 0,
        kinds: BTreeMap::new(),
    });
    campaign(
        (from, seeds),
        usize::try_from(jobs).unwrap_or(1),
        |seed, wrong| {
            let new = lock(&tally).count(seeds, seed, wrong.as_ref());
            if let Some(wrong) = wrong.filter(|_| new)
                && let Err(error) = report(seed, &wrong, &into)
            {
                eprintln!("can't write what was found: {error}");
            }
            true
        },
    );
    lock(&tally).end()
}

impl Tally {
    /// Counts a seed. Whether what it found is worth a closer look.
    fn count(&mut self, seeds: u64, seed: u64, wrong: Option<&Wrong>) -> bool {
        self.done += 1;
        let new = wrong.is_some_and(|wrong| {
            let of_a_kind = self.kinds.entry(wrong.kind.clone()).or_default();
            of_a_kind.push(seed);
            of_a_kind.len() <= OF_A_KIND
        });
        if self.said.elapsed() >= PROGRESS {
            self.said = Instant::now();
            println!("{} of {seeds} seeds, {}", self.done, self.speed());
        }
        new
    }

    fn speed(&self) -> String {
        let wrong: usize = self.kinds.values().map(Vec::len).sum();
        let per_second = self.done as f64 / self.begin.elapsed().as_secs_f64();
        format!("{per_second:.1} seeds/s, {wrong} went wrong")
    }

    fn end(&self) -> ExitCode {
        println!(
            "{} seeds in {:.0} s: {}",
            self.done,
            self.begin.elapsed().as_secs_f64(),
            self.speed()
        );
        for (kind, seeds) in &self.kinds {
            println!(
                "  {}x {kind}: seeds {:?}",
                seeds.len(),
                &seeds[..seeds.len().min(8)]
            );
        }
        ExitCode::from(u8::from(!self.kinds.is_empty()))
    }
}

/// Makes a case small and writes it down.
fn report(seed: u64, wrong: &Wrong, into: &Path) -> io::Result<()> {
    println!(
        "seed {seed}: {}",
        wrong.text.lines().next().unwrap_or_default()
    );
    let case = draw::draw(seed);
    let small = shrink::shrink(&case, wrong);
    let directory = into.join(format!("seed-{seed}"));
    fs::create_dir_all(&directory)?;
    let about = format!("{} (found by the campaign)", wrong.kind);
    let readme = format!("# seed-{seed}\n\n{about}.\n");
    fs::write(directory.join("README.md"), readme)?;
    fs::write(directory.join("cluster.yaml"), small.cluster_yaml())?;
    fs::write(directory.join("scenario.yaml"), small.scenario_yaml(&about))?;
    if let Ok(rehearsal) = judge::run(&small) {
        fs::write(
            directory.join("outcome"),
            rehearsal_text(&rehearsal, &Style::plain(110)),
        )?;
    }
    println!(
        "  made small ({} of {} lines and words): {}",
        shrink::size(&small),
        shrink::size(&case),
        directory.display()
    );
    Ok(())
}
