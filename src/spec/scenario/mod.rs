//! scenario.yaml → Scenario: what happens to a simulated cluster, and what is expected of it. Read as `cluster.yaml`
//! is: all that is wrong is found in one pass, each with its line. Edits are checked by reading the edited file.

mod command;
mod edit;
mod expect;
mod happening;
pub mod schema;
mod verbs;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use super::fields::{Fields, Single};
use super::form::{Object, Shape, default, optional};
use super::keys::{NAME, SIZE, SPAN, TEXT};
use super::problem::Problem;
use super::source::{At, Source, Span, Texts};
use super::tree::{Entry, Kind, Node};
use super::{SpecErrors, SpecFiles, compose, words};
use crate::model::desired::Desired;
use crate::model::id::HostId;
use crate::model::scenario::{Event, Expectation, Expected, Happening, Machine, Scenario};
use crate::model::unit::Bytes;
use edit::Edits;
pub use edit::edited;

/// The cluster that a scenario is for: what was read of its file, and the file for edits.
pub struct Cluster<'a> {
    /// The file's name.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The files that it asks for.
    pub files: &'a dyn SpecFiles,
    /// What it says.
    pub desired: Arc<Desired>,
}

/// The whole file.
pub static SCENARIO: Object = Object {
    what: "the scenario",
    keys: &[
        optional("about", TEXT, "What it is about, in a line."),
        optional(
            "seed",
            Shape::Number(0, i64::MAX),
            "What chance is drawn from: the same seed gives the same output. --seed goes before it.",
        ),
        optional(
            "hosts",
            Shape::Names(NAME, &Shape::Object(&MACHINE)),
            "The hardware of hosts, where it is not the usual one.",
        ),
        optional(
            "for",
            SPAN,
            "How long it goes on after the last event; left out, 5 minutes.",
        ),
        optional("events", Shape::List(&TEXT), "What happens, and when."),
        optional(
            "expect",
            Shape::Names(NAME, &TEXT),
            "What must be so at the end; `converged: true` is expected unless something else is written.",
        ),
    ],
};

/// A host's hardware.
pub static MACHINE: Object = Object {
    what: "a machine",
    keys: &[
        default("memory", "64GiB", SIZE, "Its memory."),
        default("cpus", "32", Shape::Number(1, 65_536), "Its processors."),
        default("disk", "1TiB", SIZE, "Where disks are stored."),
        default("boot", "60s", SPAN, "From power on to its sshd."),
        default(
            "clock",
            "100",
            Shape::Number(1, 1_000),
            "How fast its own clock runs, in percent of true time: the lease of its guard is over sooner where it is fast, later where it is slow.",
        ),
    ],
};

/// Reads a scenario. `file_name` is what messages call it.
pub fn parse_scenario(
    file_name: &str,
    bytes: &[u8],
    cluster: &Cluster<'_>,
) -> Result<Scenario, SpecErrors> {
    let (source, unusable) = Source::read(file_name, bytes);
    if let Some(problem) = unusable {
        return Err(SpecErrors::new(&Texts::of(source), vec![problem]));
    }
    let (root, problems) = compose::compose(&source);
    let cx = Context::new(cluster.files, source, problems);
    let scenario = root.and_then(|root| read(&cx, &root, cluster));
    match (scenario, cx.take_problems()) {
        (Some(scenario), problems) if problems.is_empty() => Ok(scenario),
        (_, mut problems) => {
            if problems.is_empty() {
                problems.push(empty());
            }
            Err(SpecErrors::new(&cx.texts(), problems))
        }
    }
}

fn empty() -> Problem {
    Problem::new(Span::default(), "the file describes no scenario")
        .help("start with `events: [{ at: 2m, host NAME: power off }]`")
}

/// What reading a scenario knows on its way.
struct Reader<'a> {
    cx: &'a Context<'a>,
    /// Every state of the file so far.
    states: Vec<Arc<Desired>>,
    edits: Edits<'a>,
}

fn read(cx: &Context<'_>, root: &Rc<Node>, cluster: &Cluster<'_>) -> Option<Scenario> {
    let fields = Fields::open(cx, root, &SCENARIO, "", root.span)?;
    let mut reader = Reader {
        cx,
        states: vec![Arc::clone(&cluster.desired)],
        edits: Edits::of(cluster),
    };
    let machines = fields.names("hosts").into_iter().filter_map(|named| {
        let host = reader.host(named.name.value, named.name.span)?;
        let machine = machine(&named.fields(cx, &MACHINE)?)?;
        Some((host, machine))
    });
    let machines = machines.collect();
    let events = reader.events(&fields);
    Some(Scenario {
        about: fields.get("about", words::line).map(|at| at.value),
        seed: fields.number("seed").map(|at| at.value),
        machines,
        lasts: fields.get("for", words::moment).map(|at| at.value),
        events,
        expect: reader.at_the_end(&fields),
    })
}

fn machine(fields: &Fields<'_>) -> Option<Machine> {
    let size = |text: &str| words::size(text, Bytes(16 << 20));
    Some(Machine {
        memory: fields.get("memory", size)?.value,
        cpus: fields.number("cpus")?.value,
        disk: fields.get("disk", size)?.value,
        boot: fields.get("boot", words::span)?.value,
        clock: fields.number("clock")?.value,
    })
}

impl Reader<'_> {
    /// All events, in the order of their times: what an edit changes is known to those that come later.
    fn events(&mut self, fields: &Fields<'_>) -> Vec<Event> {
        let items = fields.list("events", Single::Refused);
        let mut timed: Vec<(Duration, &[Entry])> = Vec::new();
        for item in &items {
            timed.extend(self.timed(item.node));
        }
        timed.sort_by_key(|(at, _)| *at);
        let mut events = Vec::new();
        for (at, entries) in timed {
            for entry in entries.iter().filter(|entry| entry.key != "at") {
                let what = self.happening(entry);
                events.extend(what.map(|what| Event { at, what }));
            }
        }
        events
    }

    fn timed<'n>(&self, node: &'n Node) -> Option<(Duration, &'n [Entry])> {
        const EXAMPLE: &str = "write it as `- at: 30s`, and below it `host NAME: power off`";
        let Kind::Map(entries) = &node.kind else {
            let text = format!("an event must be a mapping, not {}", node.describe());
            self.cx.push(Problem::new(node.span, text).help(EXAMPLE));
            return None;
        };
        let Some(at) = entries.iter().find(|entry| entry.key == "at") else {
            let problem = Problem::new(node.span, "the event has no `at`");
            self.cx
                .push(problem.help("add `at: 30s`: the time from the start"));
            return None;
        };
        if entries.len() == 1 {
            let problem = Problem::new(at.span, "nothing happens at this time");
            self.cx.push(problem.help(EXAMPLE));
        }
        let at = self.text(at)?;
        let at = self.cx.convert("at", &at, words::moment)?;
        Some((at.value, entries))
    }

    fn text<'n>(&self, entry: &'n Entry) -> Option<At<&'n str>> {
        self.cx
            .scalar_node(&entry.key, "a single value", &entry.value, entry.span)
    }

    fn line(&self, span: Span) -> u32 {
        self.cx.line(span)
    }

    /// What is expected when all is over.
    fn at_the_end(&self, fields: &Fields<'_>) -> Vec<Expectation> {
        let mut expected: Vec<Expectation> = Vec::new();
        if let Some(entry) = fields.written("expect") {
            expected = self.expectations(entry);
        }
        let said = |e: &Expectation| matches!(e.what, Expected::Converged(_));
        if !expected.iter().any(said) {
            expected.push(Expectation::usual());
        }
        expected
    }

    /// A host of any state of the file so far.
    fn host(&self, name: &str, span: Span) -> Option<HostId> {
        let hosts = self.states.iter().flat_map(|s| s.hosts.keys());
        let known: std::collections::BTreeSet<&HostId> = hosts.collect();
        let found = known.iter().find(|host| host.as_str() == name);
        if found.is_none() {
            let help = self.cx.did_you_mean(name, known.iter().map(|h| h.as_str()));
            let text = format!("there is no host {}", words::quoted(name));
            self.cx.push(Problem::new(span, text).help_if(help));
        }
        found.map(|host| (*host).clone())
    }

    fn wrong(&self, span: Span, message: String, help: &str) -> Option<Happening> {
        self.cx.push(Problem::new(span, message).help(help));
        None
    }
}

#[cfg(test)]
mod tests;
