//! What the fencing devices of a host answered when they were asked, as text and as JSON. Pure.
//!
//! In JSON: `format_version`, `host`, `devices[]` (`device`; `answers`: true, false, or null where there is nobody to ask;
//! `answer`; `took_ms`).

use std::time::Duration;

use serde_json::{Value, json};

use super::exit::Exit;
use super::style::{Paint, Style};
use super::table::{Align, Cell, Table};
use super::text;
use crate::model::id::HostId;
use crate::model::unit::span;

/// The version of the keys and their meaning.
pub const FORMAT_VERSION: u32 = 1;

/// One device that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its name, as the file has it.
    pub device: String,
    /// What came of it.
    pub answer: Answer,
    /// How long that took.
    pub took: Duration,
}

/// What came of asking a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It works.
    Works(String),
    /// It does not, and why.
    Fails(String),
    /// There is nobody to ask.
    Nobody(String),
}

impl Answer {
    fn parts(&self) -> (&str, &'static str, Paint, Option<bool>) {
        match self {
            Answer::Works(text) => (text, "✓", Paint::Good, Some(true)),
            Answer::Fails(text) => (text, "✗", Paint::Bad, Some(false)),
            Answer::Nobody(text) => (text, " ", Paint::Dim, None),
        }
    }

    fn works(&self) -> Option<bool> {
        self.parts().3
    }
}

/// Good only if every device works that can be asked.
pub fn exit_of(asked: &[Asked]) -> Exit {
    match asked.iter().any(|one| one.answer.works() == Some(false)) {
        true => Exit::Error,
        false => Exit::Done,
    }
}

/// The answers for people.
pub fn fence_text(host: &HostId, asked: &[Asked], style: &Style) -> String {
    let mut table = Table::new(0, &HEAD);
    for one in asked {
        let (text, mark, paint, works) = one.answer.parts();
        let took = works.map_or_else(String::new, |_| span(one.took));
        table.row([
            Cell::plain(&one.device),
            Cell::new(Paint::Plain, took),
            Cell::new(paint, mark),
            Cell::plain(text),
        ]);
    }
    format!("{}\n{}\n", table.render(style), conclusion(host, asked))
}

const HEAD: [(&str, Align); 4] = [
    ("DEVICE", Align::Left),
    ("TOOK", Align::Right),
    ("", Align::Left),
    ("ANSWER", Align::Left),
];

fn conclusion(host: &HostId, asked: &[Asked]) -> String {
    let works: Vec<bool> = asked.iter().filter_map(|one| one.answer.works()).collect();
    let silent = works.iter().filter(|works| !**works).count();
    match (works.len(), silent) {
        (0, _) => format!("Host {host} has no device that could be asked."),
        (1, 0) => format!("The device of host {host} works. Nothing was switched."),
        (2, 0) => format!("Both devices of host {host} work. Nothing was switched."),
        (all, 0) => format!("All {all} devices of host {host} work. Nothing was switched."),
        (all, silent) => format!(
            "{silent} of {all} devices of host {host} would be of no use now. Nothing was switched."
        ),
    }
}

/// The answers for programs.
pub fn fence_json(host: &HostId, asked: &[Asked]) -> String {
    let devices: Vec<Value> = asked.iter().map(one_json).collect();
    text::json(&json!({ "format_version": FORMAT_VERSION, "host": host, "devices": devices }))
}

fn one_json(one: &Asked) -> Value {
    let (text, _, _, works) = one.answer.parts();
    let took = u64::try_from(one.took.as_millis()).unwrap_or(u64::MAX);
    json!({ "device": one.device, "answers": works, "answer": text, "took_ms": took })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(device: &str, answer: Answer, millis: u64) -> Asked {
        Asked {
            device: device.to_owned(),
            answer,
            took: Duration::from_millis(millis),
        }
    }

    fn all() -> Vec<Asked> {
        vec![
            asked("fence_ipmilan", Answer::Works("on".into()), 1_234),
            asked("lease", Answer::Fails("no guard runs there".into()), 61),
            asked("manual", Answer::Nobody("a person".into()), 0),
        ]
    }

    #[test]
    fn the_answers_stand_in_a_table_with_a_verdict_below() {
        let host = "b".parse().unwrap();
        let text = fence_text(&host, &all(), &Style::plain(80));
        assert_eq!(
            text,
            "DEVICE          TOOK     ANSWER\n\
             fence_ipmilan  1.2 s  ✓  on\n\
             lease          61 ms  ✗  no guard runs there\n\
             manual                   a person\n\n\
             1 of 2 devices of host b would be of no use now. Nothing was switched.\n"
        );
    }

    #[test]
    fn one_device_that_fails_makes_the_exit_code_bad() {
        let mut devices = all();
        assert_eq!(exit_of(&devices), Exit::Error);
        devices.remove(1);
        assert_eq!(exit_of(&devices), Exit::Done);
    }

    #[test]
    fn programs_read_whether_each_device_answers() {
        let json: Value = serde_json::from_str(&fence_json(&"b".parse().unwrap(), &all())).unwrap();
        let answers: Vec<&Value> = (0..3).map(|n| &json["devices"][n]["answers"]).collect();
        assert_eq!(answers, [&json!(true), &json!(false), &Value::Null]);
        assert_eq!(json["devices"][0]["took_ms"], 1_234);
    }
}
