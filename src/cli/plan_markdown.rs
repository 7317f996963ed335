//! A plan as Markdown, for one comment at a pull request: the same facts as the text. Pure.
//!
//! The first line is a marker that nobody sees, by which a bot finds the comment that it updates. Where all is too much for a
//! comment, the files of actions are left out first, then rows of actions, then notices; each time it is said how many. The
//! verdict and the summary always stay.

mod escape;
mod files;

use super::cost;
use super::grounds::AllGrounds;
use super::orders_view::OrderShown;
use super::plan_text::notices::{Group, KINDS, grouped, title};
use super::plan_text::{Extras, age, because, what};
use super::style::Style;
use super::tally::Tally;
use super::text;
use crate::model::gate::Verdict;
use crate::model::plan::{Action, Motive, Notice, Plan};
use crate::model::time::Timestamp;
use escape::{inline, shortened};

/// As many characters as there are at most: GitHub takes 65,536, and a bot may have a word of its own to say.
pub const MAX_CHARS: usize = 60_000;

/// What headings and the words on what is left out take of them.
const FRAME: usize = 1_200;

/// As much of a foreign text as stands in what is never left out.
const SHORT: usize = 120;

/// So many subjects of equal notices are named.
const NAMED: usize = 10;

/// The plan as Markdown, as seen at `now`.
pub fn plan_markdown(plan: &Plan, now: Timestamp) -> String {
    plan_markdown_with(plan, now, Extras::default())
}

/// The same with more.
pub fn plan_markdown_with(plan: &Plan, now: Timestamp, extras: Extras<'_>) -> String {
    let notes = extras.notes;
    let tally = Tally::of(plan);
    let verdict = verdict(plan, &tally, notes.map(|(head, _)| head.as_str()));
    let head = [
        format!("<!-- reconcile:plan {} -->", plan.cluster),
        verdict,
        String::new(),
        context(plan, now),
    ];
    let (head, summary) = (head.join("\n"), format!("**{}**\n", tally.sentence()));
    let mut room = Room(MAX_CHARS - FRAME);
    room.take(&head);
    room.take(&summary);
    // Whoever comes last here is left out first.
    let notes = notes.map_or_else(String::new, |(_, notes)| listed(notes, &mut room));
    let orders = orders(plan, now, &mut room);
    let guards = guards(plan, &mut room);
    let notices = notices(plan, &mut room);
    let actions = actions(plan, &mut room);
    let files = files(plan, extras.grounds, &mut room);
    let mut parts = vec![
        head, orders, actions, files, guards, notices, notes, summary,
    ];
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// How many characters are left.
struct Room(usize);

impl Room {
    /// Takes the room for a text, where there is enough.
    fn take(&mut self, text: &str) -> bool {
        let left = self.0.checked_sub(text.chars().count());
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }

    /// Texts from the first one on, as long as there is room, and how many are left out.
    fn take_in_order(&mut self, texts: impl IntoIterator<Item = String>) -> (String, usize) {
        let (mut taken, mut left_out) = (String::new(), 0);
        for text in texts {
            match left_out == 0 && self.take(&text) {
                true => taken.push_str(&text),
                false => left_out += 1,
            }
        }
        (taken, left_out)
    }
}

/// That so many are left out; empty where none is.
fn left_out(number: usize, noun: &str) -> String {
    match number {
        0 => String::new(),
        _ => format!(
            "\n*… and {}, too long for a comment.*\n",
            text::count(number, noun)
        ),
    }
}

/// What it does, what that interrupts, and whether something is blocked.
fn verdict(plan: &Plan, tally: &Tally, compared: Option<&str>) -> String {
    let compared = compared.map(|head| format!(" {}", inline(&shortened(head, 2 * SHORT))));
    let compared = compared.unwrap_or_default();
    if plan.converged() && tally.warnings == 0 && compared.is_empty() {
        return format!("**No changes:** {} is as desired.", what(plan));
    }
    let held = match plan.is_held() {
        true => " **Guards hold it back.**",
        false => "",
    };
    let open = match (tally.blocked, tally.open()) {
        (0, open) if open.is_empty() => "Nothing is blocked.".to_owned(),
        (0, open) => format!("Nothing is blocked; {open}."),
        (_, open) => format!("**{open}.**"),
    };
    let (cluster, deeds) = (&plan.cluster, tally.deeds());
    match plan.actions.is_empty() {
        true => format!("**{cluster}: {deeds}.** {open}{held}{compared}"),
        false => format!(
            "**{cluster}: {deeds}.** {} {open}{held}{compared}",
            interruptions(plan)
        ),
    }
}

fn interruptions(plan: &Plan) -> String {
    let told = cost::sentence(plan).map(|told| inline(&told));
    told.unwrap_or_else(|| "It interrupts nothing.".to_owned())
}

/// Which state of the file, and how much of the world was seen, when.
fn context(plan: &Plan, now: Timestamp) -> String {
    let (seen, all) = plan.hosts_seen();
    let commit = plan.commit.as_ref().map(|commit| {
        let words = format!("{}: {}", text::commit_words(commit), commit.subject);
        format!("; commit {}", inline(&shortened(&words, 2 * SHORT)))
    });
    format!(
        "{} at {}{}; {seen} of {} observed {}.\n",
        inline(&shortened(&plan.file, SHORT)),
        inline(&plan.revision.0),
        commit.unwrap_or_default(),
        text::count(all, "host"),
        age(now.since(plan.observed_at)),
    )
}

fn orders(plan: &Plan, now: Timestamp, room: &mut Room) -> String {
    let style = Style::plain(super::style::DEFAULT_WIDTH);
    let only = (!plan.orders.targets.is_all()).then(|| {
        let told = format!("{}; the rest is left as it is", plan.orders.targets);
        format!("- **only:** {}\n", inline(&told))
    });
    let orders = OrderShown::all(&plan.orders).into_iter().map(|order| {
        let (word, subject) = (order.key.word(), order.key.subject());
        let told = format!("{subject} {}", order.told(now, &style));
        format!("- **{word}** {}\n", inline(&told))
    });
    let (told, left) = room.take_in_order(only.into_iter().chain(orders));
    told + &left_out(left, "order")
}

fn listed(notes: &[String], room: &mut Room) -> String {
    let (told, left) = room.take_in_order(notes.iter().map(|note| format!("- {}\n", inline(note))));
    told + &left_out(left, "note")
}

/// The table of what is done.
fn actions(plan: &Plan, room: &mut Room) -> String {
    if plan.actions.is_empty() {
        return String::new();
    }
    let (rows, left) = room.take_in_order(plan.actions.iter().map(|action| row(plan, action)));
    format!(
        "| | what | where | why | interrupts |\n|--:|---|---|---|---|\n{rows}{}",
        left_out(left, "action")
    )
}

fn row(plan: &Plan, action: &Action) -> String {
    let motive = match action.motive {
        Motive::Heal => "heal",
        Motive::Change => "change",
        Motive::Move => "move",
    };
    let waits: Vec<u32> = action.needs.union(&action.after).map(|id| id.0).collect();
    let after = match waits.is_empty() {
        true => String::new(),
        false => format!("<br>after {}", text::ranges(&waits)),
    };
    let interrupts = action.interrupts.as_ref().map(cost::noticed);
    format!(
        "| {} | **{}** {}{after} | {} | {motive}: {} | {} |\n",
        action.id,
        action.operation.kind(),
        inline(&action.summary),
        action.operation.host(),
        inline(&because(&action.reason, &plan.file)),
        inline(&interrupts.unwrap_or_default()),
    )
}

fn files(plan: &Plan, grounds: Option<&AllGrounds>, room: &mut Room) -> String {
    let (blocks, left) = files::blocks(plan, grounds, room);
    let left = match left {
        0 => String::new(),
        _ => format!(
            "\n*… and the files of {}, too long for a comment.*\n",
            text::count(left, "action")
        ),
    };
    blocks + &left
}

/// What each guard says of a change.
fn guards(plan: &Plan, room: &mut Room) -> String {
    let Some(gate) = plan.gate.as_ref().filter(|gate| !gate.guards.is_empty()) else {
        return String::new();
    };
    let items = gate.guards.iter().map(|guard| {
        let mark = match guard.verdict {
            Verdict::Passes => "passes",
            Verdict::Holds => "**holds**",
        };
        let place = guard.line.as_ref();
        let place = place.map(|line| format!(" ({})", line.place(&plan.file)));
        let why = format!("{}{}", guard.text, place.unwrap_or_default());
        let help = guard
            .help
            .as_ref()
            .map(|help| format!("<br>help: {}", inline(help)));
        let (word, help) = (inline(guard.guard.word()), help.unwrap_or_default());
        format!("- {word} {mark}: {}{help}\n", inline(&why))
    });
    let (told, left) = room.take_in_order(items);
    let (change, class) = (inline(&gate.change.0), gate.class);
    let title = format!("**Guards** of change {change}, which reaches up to {class}\n\n");
    title + &told + &left_out(left, "guard")
}

/// What is not done or not known: a list for each kind.
fn notices(plan: &Plan, room: &mut Room) -> String {
    let told = KINDS.iter().flat_map(|kind| {
        let notices: Vec<&Notice> = plan.notices_of(*kind).collect();
        let (title, because, _) = title(*kind, notices.len());
        let heading = format!("**{title}**{because}\n\n");
        let items = grouped(&notices).into_iter().enumerate();
        let items = items.map(|(at, group)| match at {
            0 => format!("\n{heading}{}", item(&group, &plan.file)),
            _ => item(&group, &plan.file),
        });
        items.collect::<Vec<_>>()
    });
    let (told, left) = room.take_in_order(told);
    told.trim_start().to_owned() + &left_out(left, "notice")
}

fn item(group: &Group<'_>, file: &str) -> String {
    let subjects = group.0.iter().map(|notice| &notice.subject);
    let mut named: Vec<String> = subjects.take(NAMED).map(|name| inline(name)).collect();
    let more = group.0.len().saturating_sub(NAMED);
    named.extend((more > 0).then(|| format!("{more} more")));
    let (why, help) = group.words(file);
    let help = help.map(|help| format!("<br>{}", inline(&help)));
    format!(
        "- **{}**: {}{}\n",
        named.join(", "),
        inline(&why),
        help.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests;
