//! What `why` says in words: what becomes of the instance, and what decided between two hosts.

use super::{HostVerdict, ScoreReport, State, WhyReport};
use crate::model::id::HostId;
use crate::plan::Criterion;

/// What becomes of the instance.
pub(super) fn stand(report: &WhyReport) -> String {
    let instance = &report.instance;
    let host = host(report.host.as_ref());
    let address = report.address.map(|address| address.to_string());
    let address = address.unwrap_or_default();
    let reason = report.reason.as_deref().unwrap_or_default();
    match report.state {
        State::Stays if reason.is_empty() => {
            format!("{instance} is on {host} with {address}, and stays there.")
        }
        State::Stays => format!("{instance} is on {host} with {address}: {reason}."),
        State::Moves => {
            let from = self::host(report.from.as_ref());
            format!("{instance} moves from {from} to {host} with {address}: {reason}.")
        }
        State::Comes => format!("{instance} goes to {host} with {address}."),
        State::OutOfSight => format!(
            "{instance} was on {host} with {address}, which can't be seen now: it is left there."
        ),
        State::Perhaps => format!(
            "{instance} may be on a host that can't be seen: it is not created a second time."
        ),
        State::Nowhere => format!("{instance} has no place: {reason}."),
    }
}

fn host(host: Option<&HostId>) -> String {
    host.map_or_else(|| "no host".to_owned(), |host| format!("host {host}"))
}

/// What decided for the best host; empty where no host can take the instance.
pub(super) fn decision(report: &WhyReport) -> String {
    let mut able = report.best.iter().filter(|v| v.score.is_some());
    let (Some(best), second) = (able.next(), able.next()) else {
        return match report.state {
            State::Stays | State::Moves | State::Comes => "No other host can take it.".to_owned(),
            State::OutOfSight | State::Perhaps | State::Nowhere => String::new(),
        };
    };
    let is_home = report.host.as_ref() == Some(&best.host);
    match (second, report.state) {
        (None, State::Stays | State::Moves | State::Comes) if is_home => {
            "No other host can take it.".to_owned()
        }
        (None, _) => format!("Only host {} can take it.", best.host),
        (Some(second), State::Stays) if is_home => {
            format!(
                "It is also the best host for it: {}.",
                between(report, best, second)
            )
        }
        (Some(_), State::Stays) => stays_though(report, best),
        (Some(second), _) => {
            let (best_name, second_name) = (&best.host, &second.host);
            let why = between(report, best, second);
            format!("Host {best_name} comes before host {second_name}: {why}.")
        }
    }
}

/// It stays, and another host would be better.
fn stays_though(report: &WhyReport, best: &HostVerdict) -> String {
    let home = report
        .best
        .iter()
        .find(|v| Some(&v.host) == report.host.as_ref());
    match home.filter(|home| home.score.is_some()) {
        Some(home) => format!(
            "Host {} would be better by now ({}), and nobody is moved for that.",
            best.host,
            between(report, best, home)
        ),
        None => format!(
            "It could go to host {}, and nothing makes it leave.",
            best.host
        ),
    }
}

/// About one host, in words.
pub(super) fn of_host(report: &WhyReport, verdict: &HostVerdict) -> String {
    let (instance, host) = (&report.instance, &verdict.host);
    if report.host.as_ref() == Some(host) {
        return [stand(report), decision(report)]
            .join(" ")
            .trim()
            .to_owned();
    }
    if !verdict.rejections.is_empty() {
        let why: Vec<&str> = verdict.rejections.iter().map(|r| r.text.as_str()).collect();
        return format!("{instance} can't go to host {host}: {}.", why.join("; "));
    }
    let home = report
        .best
        .iter()
        .find(|v| Some(&v.host) == report.host.as_ref());
    let better = |home: &HostVerdict| position(report, home) < position(report, verdict);
    match home {
        Some(home) if home.score.is_some() && better(home) => format!(
            "{instance} could go to host {host}, but host {} is better: {}.",
            home.host,
            between(report, home, verdict)
        ),
        Some(_) | None => format!("{instance} could go to host {host}. {}", stand(report)),
    }
}

fn position(report: &WhyReport, verdict: &HostVerdict) -> usize {
    let mut hosts = report.best.iter();
    hosts
        .position(|v| v.host == verdict.host)
        .unwrap_or(usize::MAX)
}

/// Why one host is better than another.
fn between(report: &WhyReport, one: &HostVerdict, other: &HostVerdict) -> String {
    let (Some(a), Some(b)) = (&one.score, &other.score) else {
        return String::new();
    };
    let criterion = decided(report, a, b);
    let because = because(report, &criterion);
    match (value(report, &criterion, a), value(report, &criterion, b)) {
        (Some(a), Some(b)) => format!("{because} ({a}, not {b})"),
        (_, _) => because,
    }
}

fn decided(report: &WhyReport, a: &ScoreReport, b: &ScoreReport) -> Criterion {
    let label = || {
        report
            .labels
            .iter()
            .position(|l| a.spread.get(l) != b.spread.get(l))
    };
    let followers = |score: &ScoreReport| (score.followers_apart, score.followers_led);
    if followers(a) != followers(b) {
        Criterion::Followers
    } else if a.preferred != b.preferred {
        Criterion::Hosts
    } else if a.company_missed != b.company_missed {
        Criterion::Affinity
    } else if a.beside != b.beside {
        Criterion::AntiAffinity
    } else if let Some(label) = label() {
        Criterion::Spread(label)
    } else if a.of_group != b.of_group {
        Criterion::OfGroup
    } else if a.priority != b.priority {
        Criterion::Priority
    } else if (a.full_percent, a.guests) != (b.full_percent, b.guests) {
        Criterion::Load
    } else {
        Criterion::Name
    }
}

fn because(report: &WhyReport, criterion: &Criterion) -> String {
    let group = &report.group;
    match criterion {
        Criterion::Followers => {
            "more of those that must be with it are there, or find room".to_owned()
        }
        Criterion::Hosts => "it is a preferred one".to_owned(),
        Criterion::Affinity => "more of the preferred company is there".to_owned(),
        Criterion::AntiAffinity => "fewer are there that it would best be apart from".to_owned(),
        Criterion::Spread(label) => {
            let label = report.labels.get(*label).map_or("label", String::as_str);
            format!("fewer of {group} are in its {label}")
        }
        Criterion::OfGroup => format!("fewer of {group} are there"),
        Criterion::Priority => "its priority is higher".to_owned(),
        Criterion::Load => "it is emptier".to_owned(),
        Criterion::Name => "they are equal, and its name is first".to_owned(),
    }
}

fn value(report: &WhyReport, criterion: &Criterion, score: &ScoreReport) -> Option<String> {
    match criterion {
        Criterion::Followers
        | Criterion::Hosts
        | Criterion::Affinity
        | Criterion::AntiAffinity
        | Criterion::Name => None,
        Criterion::Spread(label) => {
            let count = score.spread.get(report.labels.get(*label)?)?;
            Some(count.to_string())
        }
        Criterion::OfGroup => Some(score.of_group.to_string()),
        Criterion::Priority => Some(score.priority.to_string()),
        Criterion::Load => Some(load(score)),
    }
}

/// How full a host is.
pub(super) fn load(score: &ScoreReport) -> String {
    match (score.full_percent, score.guests) {
        (Some(percent), _) => format!("{percent:.1} %"),
        (None, Some(1)) => "1 guest".to_owned(),
        (None, guests) => format!("{} guests", guests.unwrap_or_default()),
    }
}

/// Why a host that could take the instance is not the best one, in a word or two.
pub(super) fn note(report: &WhyReport, verdict: &HostVerdict) -> String {
    match &verdict.decided {
        Some(Criterion::Followers) => "fewer that must be with it".to_owned(),
        Some(Criterion::Hosts) => "not preferred".to_owned(),
        Some(Criterion::Affinity) => "less of the preferred company".to_owned(),
        Some(Criterion::AntiAffinity) => "beside whom it would best not be".to_owned(),
        Some(Criterion::Spread(label)) => {
            let label = report.labels.get(*label).map_or("label", String::as_str);
            format!("more of {} in its {label}", report.group)
        }
        Some(Criterion::OfGroup) => format!("more of {} there", report.group),
        Some(Criterion::Priority) => "lower priority".to_owned(),
        Some(Criterion::Load) => "fuller".to_owned(),
        Some(Criterion::Name) => "equal, and later by name".to_owned(),
        None => String::new(),
    }
}
