//! A status report as text for people. Pure.

use super::conclusion::{conclusion, holder, wrong};
use super::{
    BalancerStatus, DomainStatus, HeartbeatStatus, HostState, HostStatus, InstanceStatus,
    StatusReport,
};
use crate::cli::orders_view::order_lines;
use crate::cli::style::{Paint, Style};
use crate::cli::table::{Align, Cell, Table};
use crate::cli::text::{self, commit_words};
use crate::model::condition::HostCondition;
use crate::model::time::Timestamp;
use crate::model::unit::span;

/// The report as text.
pub fn status_text(report: &StatusReport, style: &Style) -> String {
    let mut parts = vec![
        order_lines(&report.orders, report.observed_at, style),
        following(report, style),
        hosts(report).render(style),
        instances(report).render(style),
        balancers(report).render(style),
        wrong(report, style),
    ];
    parts.retain(|part| !part.is_empty());
    parts.push(conclusion(report, style));
    parts.join("\n")
}

/// `main of git@example.org:cluster.git at daa85f87f by Anna <anna@example.org>, signed by anna@example.org, for 3m00s`
fn following(report: &StatusReport, style: &Style) -> String {
    let Some(followed) = &report.followed else {
        return String::new();
    };
    let commit = followed.applied.as_ref().map_or_else(
        || "nothing of it is in force yet".to_owned(),
        |commit| {
            let since = followed.applied_at.map(|at| report.observed_at.since(at));
            let since = since.map(|since| format!(", for {}", span(since)));
            format!("at {}{}", commit_words(commit), since.unwrap_or_default())
        },
    );
    let branch = format!("{} of {}", followed.branch, text::clean(&followed.url));
    let lines = text::wrap(&format!("Follows {branch} {commit}"), style.width);
    lines
        .iter()
        .map(|line| format!("{}\n", style.paint(Paint::Dim, line)))
        .collect()
}

fn hosts(report: &StatusReport) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(
        0,
        &[
            ("HOST", Left),
            ("STATE", Left),
            ("FOR", Right),
            ("GUESTS", Right),
            ("CPUS", Right),
            ("MEMORY", Right),
            ("POOL", Right),
        ],
    );
    for host in &report.hosts {
        table.row(host_row(host, report.observed_at));
    }
    table
}

fn host_row(host: &HostStatus, now: Timestamp) -> [Cell; 7] {
    let paint = match host.condition {
        HostCondition::Online => Paint::Good,
        HostCondition::Maintenance | HostCondition::Rejoining | HostCondition::Leaving => {
            Paint::Warn
        }
        HostCondition::Suspect | HostCondition::Unreachable | HostCondition::Fenced => Paint::Bad,
    };
    let state = match host.state {
        HostState::Seen | HostState::Unreachable => host.condition.to_string(),
        HostState::HostKeyChanged => format!("{}: host key changed", host.condition),
        HostState::Refused => format!("{}: login refused", host.condition),
        HostState::Broken => format!("{}: broken", host.condition),
    };
    // What is only remembered of a host is marked as such.
    let (was, dim) = match host.state {
        HostState::Seen => ("", Paint::Plain),
        HostState::Unreachable
        | HostState::HostKeyChanged
        | HostState::Refused
        | HostState::Broken => ("was ", Paint::Dim),
    };
    [
        Cell::plain(&host.host),
        Cell::new(paint, state),
        ago(host.since, now),
        Cell::new(dim, remembered(was, host.guests)),
        Cell::plain(host.cpus.map(|cpus| cpus.to_string()).unwrap_or_default()),
        Cell::plain(host.memory.map(text::size).unwrap_or_default()),
        Cell::new(
            dim,
            format!("{}/{}", remembered(was, host.pool_used), host.pool_size),
        ),
    ]
}

fn remembered(was: &str, number: Option<usize>) -> String {
    number.map_or_else(|| "?".to_owned(), |number| format!("{was}{number}"))
}

/// How long it has been so. Below a second it may be so only since this look.
fn ago(since: Option<Timestamp>, now: Timestamp) -> Cell {
    let passed = since
        .map(|since| now.since(since))
        .filter(|passed| passed.as_secs() > 0);
    let passed = passed.map(span);
    Cell::new(Paint::Dim, passed.unwrap_or_default())
}

fn instances(report: &StatusReport) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(
        0,
        &[
            ("INSTANCE", Left),
            ("HOST", Left),
            ("ADDRESS", Left),
            ("DOMAIN", Left),
            ("HEARTBEAT", Left),
            ("FOR", Right),
            ("NOW", Left),
        ],
    );
    for instance in &report.instances {
        table.row(instance_row(instance, report.observed_at));
    }
    table
}

fn instance_row(instance: &InstanceStatus, now: Timestamp) -> [Cell; 7] {
    let host = instance.host.as_ref().map(ToString::to_string);
    let address = instance.address.map(|address| address.to_string());
    [
        Cell::plain(&instance.instance),
        Cell::plain(host.unwrap_or_default()),
        Cell::plain(address.unwrap_or_default()),
        domain(instance.domain),
        heartbeat(instance),
        ago(instance.since, now),
        doing(instance, now),
    ]
}

fn domain(domain: DomainStatus) -> Cell {
    match domain {
        DomainStatus::Running => Cell::plain("running"),
        DomainStatus::Paused => Cell::new(Paint::Bad, "paused"),
        DomainStatus::Off => Cell::new(Paint::Bad, "off"),
        DomainStatus::Missing => Cell::new(Paint::Bad, "missing"),
        DomainStatus::Unknown => Cell::new(Paint::Warn, "unknown"),
    }
}

fn heartbeat(instance: &InstanceStatus) -> Cell {
    match (&instance.heartbeat, instance.domain) {
        (HeartbeatStatus::Ok, _) => Cell::new(Paint::Good, "ok"),
        (
            HeartbeatStatus::Failing {
                failures, retries, ..
            },
            _,
        ) => Cell::new(Paint::Bad, format!("failing {failures} of {retries}")),
        (HeartbeatStatus::Booting, _) => Cell::new(Paint::Accent, "booting"),
        (HeartbeatStatus::Unknown, DomainStatus::Running) => Cell::new(Paint::Warn, "unknown"),
        (HeartbeatStatus::Unknown, _) => Cell::new(Paint::Dim, "-"),
    }
}

/// What is being done with it, or else what is the matter with it.
fn doing(instance: &InstanceStatus, now: Timestamp) -> Cell {
    match (&instance.busy, &instance.heartbeat) {
        (Some(busy), _) => {
            let passed = span(now.since(busy.since));
            Cell::new(Paint::Accent, format!("{} for {passed}", busy.action))
        }
        (None, _) if !instance.desired => Cell::new(Paint::Warn, "not desired"),
        (None, HeartbeatStatus::Failing { error, .. }) => {
            Cell::new(Paint::Dim, error.as_deref().unwrap_or_default())
        }
        (None, HeartbeatStatus::Ok | HeartbeatStatus::Booting | HeartbeatStatus::Unknown) => {
            Cell::plain("")
        }
    }
}

fn balancers(report: &StatusReport) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(
        0,
        &[
            ("BALANCER", Left),
            ("VIP", Left),
            ("HOLDER", Left),
            ("FOR", Right),
            ("HEALTHY", Right),
            ("ROUTES", Left),
        ],
    );
    for lb in &report.load_balancers {
        let routes = lb
            .routes
            .iter()
            .map(|route| format!("{} → {}", route.path, route.service));
        let short = if lb.healthy < lb.replicas as usize {
            Paint::Bad
        } else {
            Paint::Good
        };
        table.row([
            Cell::plain(&lb.load_balancer),
            Cell::plain(format!("{}:{}", lb.vip, lb.port)),
            Cell::new(holder_paint(lb), holder(lb)),
            ago(lb.since, report.observed_at),
            Cell::new(short, format!("{}/{}", lb.healthy, lb.replicas)),
            Cell::plain(routes.collect::<Vec<_>>().join(", ")),
        ]);
    }
    table
}

fn holder_paint(lb: &BalancerStatus) -> Paint {
    match (lb.holders.len(), lb.complete) {
        (1, _) => Paint::Good,
        (0, false) => Paint::Warn,
        (_, _) => Paint::Bad,
    }
}
