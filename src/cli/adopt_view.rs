//! What was adopted, or would be, for people and programs. Writes nothing.

use serde_json::json;
use similar::TextDiff;

use super::adopt::Open;
use super::style::{Paint, Style};
use super::text;
use crate::model::mark::Mark;
use crate::plan::adoption::Candidate;

/// Whether it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It was.
    Yes,
    /// It was only looked at.
    Would,
}

/// What is told of an adoption.
pub struct Told<'a> {
    /// The adoption.
    pub open: &'a Open,
    /// The file's name.
    pub file: &'a str,
    /// The file's text before.
    pub before: &'a str,
    /// Whether it was done.
    pub done: Done,
}

/// For people.
pub fn adopted_text(told: &Told<'_>, style: &Style) -> String {
    let (adoption, mark) = (&told.open.adoption, &told.open.adoption.mark);
    let mut lines = Vec::new();
    if let Some(diff) = diff(told) {
        lines.push(painted(&diff, style));
    }
    let disks = text::list(&told.open.surveyed.disks);
    let rows = [
        (
            "domain",
            format!("{} on host {}", adoption.domain, adoption.host),
        ),
        (
            "becomes",
            format!(
                "{} with {} on port {}",
                mark.instance, mark.address, mark.port
            ),
        ),
        ("disk", text::clean(&disks)),
    ];
    let rows = rows.map(|(key, value)| format!("  {key:<8} {value}\n"));
    lines.push(rows.concat());
    lines.push(paragraph(&future(told), style));
    let end = match told.done {
        Done::Yes => format!(
            "{} is adopted. Nothing that runs was changed.",
            mark.instance
        ),
        Done::Would => format!("{} can be adopted. Nothing was changed.", mark.instance),
    };
    lines.push(format!("{}\n", style.paint(Paint::Good, end)));
    lines.join("\n")
}

/// What becomes of it later.
fn future(told: &Told<'_>) -> String {
    let mark = &told.open.adoption.mark;
    format!(
        "When it ends or falls silent, its domain is started again as it is. Its definition and its disk stay yours: reconcile \
         changes neither, and takes no copy. When its domain is removed, or its host is lost for good, {} is built from the image \
         that {} names, with an empty disk of that image.",
        mark.instance, told.file
    )
}

fn paragraph(words: &str, style: &Style) -> String {
    let lines = text::wrap(words, style.width.min(100));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn diff(told: &Told<'_>) -> Option<String> {
    let amended = told.open.amended.as_ref()?;
    let diff = TextDiff::from_lines(told.before, &amended.text);
    Some(diff.unified_diff().header(told.file, told.file).to_string())
}

fn painted(diff: &str, style: &Style) -> String {
    let lines = diff.lines().map(text::clean_line);
    lines
        .map(|line| format!("{}\n", style.paint(Paint::of_diff(&line), &line)))
        .collect()
}

/// For programs.
pub fn adopted_json(told: &Told<'_>) -> String {
    let (adoption, mark) = (&told.open.adoption, &told.open.adoption.mark);
    text::json(&json!({
        "format_version": 1,
        "adopted": told.done == Done::Yes,
        "instance": mark.instance,
        "domain": adoption.domain,
        "uuid": adoption.uuid,
        "host": adoption.host,
        "address": mark.address,
        "port": mark.port,
        "disks": told.open.surveyed.disks,
        "file": told.file,
        "diff": diff(told),
    }))
}

/// That there was nothing to do, for people.
pub fn already_text(candidate: &Candidate, mark: &Mark) -> String {
    format!(
        "Domain {} on host {} is {} already, with {}. Nothing was changed.\n",
        candidate.name, candidate.host, mark.instance, mark.address
    )
}

/// The same for programs.
pub fn already_json(candidate: &Candidate, mark: &Mark) -> String {
    text::json(&json!({
        "format_version": 1,
        "adopted": true,
        "instance": mark.instance,
        "domain": candidate.name,
        "uuid": candidate.uuid,
        "host": candidate.host,
        "address": mark.address,
        "port": mark.port,
        "diff": null,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::adoption::{Adoption, Surveyed};
    use crate::model::facts::Observed;
    use crate::model::id::DomainName;
    use crate::model::mark::Stage;
    use crate::spec::amend::Amended;
    use crate::spec::{NoFiles, parse};

    const BEFORE: &str = "cluster: demo
networks: { lan: { cidr: 10.0.0.0/16, gateway: 10.0.0.1, bridge: br0 } }
hosts: { a: { address: 10.0.0.11, pool: 10.0.1.1-10.0.1.30 } }
images: { plain: { path: /i.qcow2, interfaces: false } }
";
    const AFTER: &str = "services:
  db:
    image: plain
    memory: 1GiB
    port: 5432
    stateful: true
    protect: true
";

    fn open() -> Open {
        let text = format!("{BEFORE}{AFTER}");
        let desired = parse("cluster.yaml", text.as_bytes(), &NoFiles).unwrap();
        let mark = Mark {
            cluster: "demo".parse().unwrap(),
            instance: "db-1".parse().unwrap(),
            address: "10.0.1.7".parse().unwrap(),
            moving_to: None,
            port: 5432,
            digest: "memory=1GiB adopted=yes".to_owned(),
            generation: "db-1-1".to_owned(),
            stage: Stage::Ready,
        };
        Open {
            adoption: Adoption {
                host: "a".parse().unwrap(),
                domain: DomainName::found("old-db").unwrap(),
                uuid: "u1".to_owned(),
                mark,
            },
            amended: Some(Amended { text, desired }),
            surveyed: Surveyed {
                disks: vec![
                    "/vms/old-db.qcow2".to_owned(),
                    "/dev/vg/\u{1b}[31mdata".to_owned(),
                ],
                ..Surveyed::default()
            },
            observed: Observed::default(),
        }
    }

    fn told(open: &Open, done: Done) -> Told<'_> {
        Told {
            open,
            file: "cluster.yaml",
            before: BEFORE,
            done,
        }
    }

    #[test]
    fn what_is_written_comes_first_and_what_becomes_of_it_last() {
        let open = open();
        insta::assert_snapshot!(
            "80",
            adopted_text(&told(&open, Done::Would), &Style::plain(80))
        );
        insta::assert_snapshot!(
            "120",
            adopted_text(&told(&open, Done::Yes), &Style::plain(120))
        );
    }

    #[test]
    fn programs_read_the_same() {
        let open = open();
        insta::assert_snapshot!(adopted_json(&told(&open, Done::Yes)));
    }
}
