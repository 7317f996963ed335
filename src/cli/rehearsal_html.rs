//! A rehearsal as one page: lanes of hosts, instances and VIPs over time, the events across them, and all reasons.
//! Nothing in it comes from elsewhere, and nothing runs in it. Pure.

use std::fmt::Write as _;

use super::rehearsal_view::{
    exact, gap, moment, serves_again, shown, told_hit, whole_again, words, worst,
};
use super::text;
use crate::model::plan::Outcome;
use crate::rehearse::{Failure, Lane, LaneKind, Placed, Rehearsal, State, Target, What};

const STYLE: &str = include_str!("rehearsal_html/style.css");

/// The whole page.
pub fn rehearsal_html(rehearsal: &Rehearsal) -> String {
    let title = format!("Rehearsal of {}", rehearsal.cluster);
    let about = rehearsal.about.as_ref();
    let about = about.map(|about| format!("<p class=about>{}</p>\n", escaped(about)));
    let verdict = match rehearsal.is_good() {
        true => "<p class=good>All that was expected is so, and no law was broken.</p>".to_owned(),
        false => bad(rehearsal),
    };
    format!(
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n\
         <meta name=viewport content='width=device-width, initial-scale=1'>\n\
         <meta name=color-scheme content='light dark'>\n<title>{title}</title>\n<style>\n{STYLE}</style>\n\
         <main>\n<h1>{title}</h1>\n{}<p class=facts>{}</p>\n{verdict}\n{}{}{}{}{}</main>\n</html>\n",
        about.unwrap_or_default(),
        escaped(&facts(rehearsal)),
        lanes(rehearsal),
        targets(&rehearsal.targets),
        failures(&rehearsal.failures),
        placement(&rehearsal.placement),
        timeline(rehearsal),
        title = escaped(&title),
    )
}

fn facts(rehearsal: &Rehearsal) -> String {
    format!(
        "{}, {}, {}, seed {}",
        text::count(rehearsal.hosts, "host"),
        text::count(rehearsal.instances, "instance"),
        exact(rehearsal.lasted_ms),
        rehearsal.seed
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text::clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn bad(rehearsal: &Rehearsal) -> String {
    let unmet = rehearsal.unmet.iter().map(|unmet| {
        let text = format!("expected that {}, but {}", unmet.expected, unmet.but);
        format!("<li>{} {}", moment(unmet.at_ms), escaped(&text))
    });
    let broken = rehearsal.broken.iter();
    let broken = broken.map(|law| format!("<li>a law was broken: {}", escaped(law)));
    let all: String = unmet.chain(broken).collect();
    format!("<ul class=bad>{all}</ul>")
}

/// What the colours mean.
const LEGEND: &str = "<p class=legend><span><i class=up></i>works</span><span><i class=fair></i>on its way</span>\
    <span><i class=down></i>does not work</span><span><i class=absent></i>does not exist</span>\
    <span><b class=failure></b>failure</span><span><b class=event></b>other event</span>\
    <span><b class=decision></b>decision</span></p>\n";

/// Moments that are written below the lanes.
const TICKS: u64 = 4;

/// A place on the axis, in percent with three digits.
fn percent(part: u64, whole: u64) -> String {
    let thousandths = u128::from(part) * 100_000 / u128::from(whole.max(1));
    format!("{}.{:03}%", thousandths / 1_000, thousandths % 1_000)
}

fn lanes(rehearsal: &Rehearsal) -> String {
    let end = rehearsal.lasted_ms;
    let mut page = "<div class=lanes>\n".to_owned();
    let mut kind = None;
    for lane in &rehearsal.lanes {
        if kind != Some(lane.kind) {
            kind = Some(lane.kind);
            let _ = writeln!(page, "<h2>{}</h2>", name_of(lane.kind));
        }
        page += &drawn(lane, end);
    }
    page += &marks(rehearsal);
    page + LEGEND + "</div>\n"
}

fn name_of(kind: LaneKind) -> &'static str {
    match kind {
        LaneKind::Vip => "VIPs",
        LaneKind::Host => "Hosts",
        LaneKind::Instance => "Instances",
    }
}

fn drawn(lane: &Lane, end: u64) -> String {
    let mut row = format!(
        "<div class=lane><span class=name>{}</span><div class=track>",
        escaped(&lane.name)
    );
    for stretch in &lane.stretches {
        let class = match stretch.state {
            State::Good => "up",
            State::Fair => "fair",
            State::Bad => "down",
            State::Absent => continue,
        };
        let long = stretch.to_ms.saturating_sub(stretch.from_ms);
        let _ = write!(
            row,
            "<i class={class} style='left:{};width:{}' title='{} {} for {}'></i>",
            percent(stretch.from_ms, end),
            percent(long, end),
            moment(stretch.from_ms),
            escaped(&stretch.text),
            exact(long),
        );
    }
    row + "</div></div>\n"
}

/// The events of the scenario, and the decisions, on a lane of their own.
fn marks(rehearsal: &Rehearsal) -> String {
    let mut events = String::new();
    let mut decisions = String::new();
    for entry in &rehearsal.timeline {
        let (class, row) = match &entry.what {
            What::Happens { failure: true, .. } => ("failure", &mut events),
            What::Happens { .. } => ("event", &mut events),
            What::Decides { .. } => ("decision", &mut decisions),
            What::Says { .. }
            | What::Did { .. }
            | What::Down { .. }
            | What::Up { .. }
            | What::Host { .. }
            | What::Refused { .. }
            | What::Converged
            | What::Broken { .. }
            | What::Expected { .. } => continue,
        };
        let told: Vec<String> = words(entry).iter().map(|(_, text)| escaped(text)).collect();
        let _ = write!(
            row,
            "<b class={class} style='left:{}' title='{} {}'></b>",
            percent(entry.at_ms, rehearsal.lasted_ms),
            moment(entry.at_ms),
            told.join("&#10;"),
        );
    }
    let lane = |name: &str, row: &str| {
        format!(
            "<div class=lane><span class=name>{name}</span><div class=track>{row}</div></div>\n"
        )
    };
    let ticks = (0..=TICKS).map(|n| rehearsal.lasted_ms / TICKS * n);
    let ticks = ticks.map(|at| format!("<span>{}</span>", tick(at)));
    let axis: String = ticks.collect();
    format!(
        "<h2>What happened</h2>\n{}{}<div class=lane><span class=name></span><div class=axis>{axis}</div></div>\n",
        lane("events", &events),
        lane("decisions", &decisions)
    )
}

/// A moment without its tenths.
fn tick(millis: u64) -> String {
    let moment = moment(millis);
    let whole = moment.rsplit_once('.').map(|(whole, _)| whole.to_owned());
    whole.unwrap_or(moment)
}

fn failures(failures: &[Failure]) -> String {
    let worst = worst(failures);
    if worst.is_empty() {
        return String::new();
    }
    let name = match failures.len() - worst.len() {
        0 => "Failures".to_owned(),
        _ => format!("The worst {} of {} failures", worst.len(), failures.len()),
    };
    let mut table = format!(
        "<h2>{name}</h2>\n<div class=wide><table><tr><th>At<th>Failure<th>RTO<th>Whole again<th>Clients back\n"
    );
    for failure in worst {
        let hits: Vec<String> = failure.hit.iter().map(|h| escaped(&told_hit(h))).collect();
        let hits = match hits.is_empty() {
            true => "not noticed".to_owned(),
            false => hits.join("<br>"),
        };
        let _ = writeln!(
            table,
            "<tr><td>{}<td>{}<td>{}<td>{}<td>{hits}",
            moment(failure.at_ms),
            escaped(&failure.what),
            serves_again(failure),
            whole_again(failure),
        );
    }
    table + "</table></div>\n"
}

fn placement(placement: &[Placed]) -> String {
    let head = "<tr><th>Instance<th>Host<th>Address<th>VIP<th>State";
    let mut table = format!("<h2>At the end</h2>\n<div class=wide><table>{head}\n");
    for placed in placement {
        let vips: Vec<String> = placed.vips.iter().map(ToString::to_string).collect();
        let (class, state) = match (&placed.host, placed.serves) {
            (None, _) => ("bad", "does not exist"),
            (Some(_), true) => ("good", "serves"),
            (Some(_), false) => ("bad", "does not serve"),
        };
        let _ = writeln!(
            table,
            "<tr><td>{}<td>{}<td>{}<td>{}<td class={class}>{state}",
            escaped(&placed.instance),
            escaped(placed.host.as_deref().unwrap_or_default()),
            placed.address.map(|a| a.to_string()).unwrap_or_default(),
            vips.join(" "),
        );
    }
    table + "</table></div>\n"
}

fn targets(targets: &[Target]) -> String {
    let mut table = "<h2>Availability</h2>\n<div class=wide><table><tr><th>Clients of<th>Available<th>Down<th>Longest gap<th>Gaps\n".to_owned();
    for target in targets {
        let who = escaped(&target.subject.to_string());
        if target.since_ms.is_none() {
            let _ = writeln!(table, "<tr><td>{who}<td class=bad>never<td><td><td>");
            continue;
        }
        let _ = writeln!(
            table,
            "<tr><td>{who}<td>{:.3} %<td>{}<td>{}<td>{}",
            target.availability,
            gap(target.down_ms),
            gap(target.longest_ms),
            target.outages.len()
        );
    }
    table + "</table></div>\n"
}

fn timeline(rehearsal: &Rehearsal) -> String {
    let mut table = "<h2>Timeline</h2>\n<table class=timeline>\n".to_owned();
    let (shown, left_out) = shown(rehearsal);
    for entry in shown {
        for (mark, text) in words(entry) {
            let _ = writeln!(
                table,
                "<tr class={}><td>{}<td>{mark}<td>{}",
                class_of(&entry.what),
                moment(entry.at_ms),
                escaped(&text)
            );
        }
    }
    table += "</table>\n";
    match left_out {
        0 => table,
        _ => {
            table
                + &format!(
                    "<p class=facts>{left_out} decisions and actions are not shown: see --output json</p>\n"
                )
        }
    }
}

/// What a line of the timeline looks like.
fn class_of(what: &What) -> &'static str {
    match what {
        What::Happens { failure: true, .. }
        | What::Down { .. }
        | What::Broken { .. }
        | What::Refused { .. } => "bad",
        What::Happens { .. } => "strong",
        What::Up { .. } | What::Converged => "good",
        What::Expected { but, .. } => match but {
            None => "good",
            Some(_) => "bad",
        },
        What::Did { outcome, .. } => match outcome {
            Outcome::Failed(_) => "bad",
            Outcome::Changed | Outcome::AlreadyDone | Outcome::Skipped(_) => "plain",
        },
        What::Decides { .. } => "decides",
        What::Says { .. } | What::Host { .. } => "says",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_becomes_markup() {
        assert_eq!(escaped("<b a='\"&"), "&lt;b a=&#39;&quot;&amp;");
    }

    #[test]
    fn places_are_told_in_thousandths_of_percent() {
        assert_eq!(percent(1, 3), "33.333%");
        assert_eq!(percent(5, 0), "500.000%");
    }
}
