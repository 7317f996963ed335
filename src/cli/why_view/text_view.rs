//! A placement explained as text for people. Pure.

use super::sentences::{decision, load, note, of_host, stand};
use super::{HostVerdict, ScoreReport, State, WhyReport};
use crate::cli::orders_view::order_lines;
use crate::cli::style::{Paint, Style};
use crate::cli::table::{Align, Cell, Table};
use crate::cli::text;

/// The report as text.
pub fn why_text(report: &WhyReport, style: &Style) -> String {
    let orders = order_lines(&report.orders, report.now, style);
    if let (Some(_), [only]) = (&report.asked, report.hosts.as_slice()) {
        return orders + &paragraph(&of_host(report, only), style);
    }
    let mut parts = vec![orders, paragraph(&stand(report), style)];
    if let Some(help) = &report.help {
        parts.push(paragraph(&format!("help: {help}"), style));
    }
    let decision = decision(report);
    if !decision.is_empty() {
        parts.push(paragraph(&decision, style));
    }
    format!("{}\n{}", parts.concat(), hosts(report).render(style))
}

fn paragraph(sentence: &str, style: &Style) -> String {
    let lines = text::wrap(&text::clean(sentence), style.width);
    format!("{}\n", lines.join("\n"))
}

fn hosts(report: &WhyReport) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(
        0,
        &[
            ("", Left),
            ("HOST", Left),
            ("PREFERRED", Left),
            ("SPREAD", Left),
            ("GROUP", Right),
            ("PRIORITY", Right),
            ("LOAD", Right),
            ("WHY NOT", Left),
        ],
    );
    for (number, verdict) in report.hosts.iter().enumerate() {
        table.row(row(report, number, verdict));
    }
    table
}

fn row(report: &WhyReport, number: usize, verdict: &HostVerdict) -> [Cell; 8] {
    let is = |host: &Option<_>| host.as_ref() == Some(&verdict.host);
    // Where it may be on any of several hosts, none of them is pointed at.
    let here = is(&report.host) && report.state != State::Perhaps;
    let (sign, paint) = match (here, is(&report.from)) {
        (true, _) => ("→", Paint::Good),
        (_, true) => ("←", Paint::Warn),
        (false, false) => (" ", Paint::Plain),
    };
    let (sign, name) = (Cell::new(paint, sign), Cell::new(paint, &verdict.host));
    let Some(score) = &verdict.score else {
        let why: Vec<&str> = verdict.rejections.iter().map(|r| r.text.as_str()).collect();
        let nothing = || Cell::plain("");
        let why = Cell::new(Paint::Warn, why.join("; "));
        return [
            sign,
            name,
            nothing(),
            nothing(),
            nothing(),
            nothing(),
            nothing(),
            why,
        ];
    };
    let spread = report.labels.iter().filter_map(|label| {
        let count = score.spread.get(label)?;
        Some(format!("{label} {count}"))
    });
    let note = match number {
        0 => String::new(),
        _ => note(report, verdict),
    };
    [
        sign,
        name,
        Cell::plain(if report.wishes {
            wishes(score)
        } else {
            String::new()
        }),
        Cell::plain(spread.collect::<Vec<_>>().join(", ")),
        Cell::plain(score.of_group),
        Cell::plain(if report.priorities {
            score.priority.to_string()
        } else {
            String::new()
        }),
        Cell::plain(load(score)),
        Cell::new(Paint::Dim, note),
    ]
}

fn wishes(score: &ScoreReport) -> String {
    let missed = [
        (!score.preferred).then(|| "other host".to_owned()),
        (score.company_missed > 0).then(|| format!("{} away", score.company_missed)),
        (score.beside > 0).then(|| format!("{} beside", score.beside)),
    ];
    let missed: Vec<String> = missed.into_iter().flatten().collect();
    match missed.is_empty() {
        true => "yes".to_owned(),
        false => missed.join(", "),
    }
}
