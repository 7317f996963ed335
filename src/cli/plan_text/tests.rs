//! Plans as people see them, as snapshots.

use super::*;
use crate::cli::samples::{self, Draft, NOW};
use crate::cli::text::is_hostile;
use crate::model::plan::NoticeKind;

fn shown(plan: &Plan, style: Style) -> String {
    plan_text(plan, NOW, NewFiles::Counted, &style)
}

#[test]
fn every_sample_reads_well_in_80_columns() {
    for (name, plan) in samples::plans() {
        insta::assert_snapshot!(format!("{name}_80"), shown(&plan, Style::plain(80)));
    }
}

#[test]
fn long_reasons_use_a_wide_terminal() {
    for (name, plan) in [
        ("failover", samples::failover()),
        ("blocked", samples::blocked_and_unknown()),
    ] {
        insta::assert_snapshot!(format!("{name}_120"), shown(&plan, Style::plain(120)));
    }
}

#[test]
fn a_plan_names_the_commit_that_it_carries_out() {
    let plan = Plan {
        commit: Some(samples::commit()),
        ..samples::failover()
    };
    for width in [80, 120] {
        let text = shown(&plan, Style::plain(width));
        let head: Vec<&str> = text.lines().take(3).collect();
        insta::assert_snapshot!(format!("commit_{width}"), head.join("\n"));
    }
}

#[test]
fn what_a_plan_is_about_stands_at_its_top() {
    let mut plan = samples::failover();
    plan.orders.targets = samples::targets();
    for width in [80, 120] {
        let text = shown(&plan, Style::plain(width));
        let head: Vec<&str> = text.lines().take(6).collect();
        insta::assert_snapshot!(format!("targets_{width}"), head.join("\n"));
    }
    let mut plan = samples::nothing_to_do();
    plan.orders.targets = samples::targets();
    insta::assert_snapshot!("no_changes_of_targets", shown(&plan, Style::plain(80)));
}

#[test]
fn nothing_to_do_is_exactly_one_line() {
    assert_eq!(
        shown(&samples::nothing_to_do(), Style::plain(80)),
        "No changes: demo is as desired (8 things checked on 3 of 3 hosts).\n"
    );
}

#[test]
fn a_warning_is_shown_although_nothing_is_to_be_done() {
    let plan = Draft::new(8)
        .notice(
            NoticeKind::Warning,
            "host a",
            "KVM doesn't work there",
            None,
        )
        .plan();
    insta::assert_snapshot!("only_a_warning", shown(&plan, Style::plain(80)));
}

#[test]
fn orders_stand_at_the_top_whatever_is_to_be_done() {
    let mut plan = samples::nothing_to_do();
    plan.orders = samples::orders();
    insta::assert_snapshot!("orders_converged", shown(&plan, Style::plain(80)));
    let mut plan = samples::failover();
    plan.orders = samples::orders();
    let text = shown(&plan, Style::plain(100));
    let head: Vec<&str> = text.lines().take(12).collect();
    insta::assert_snapshot!("orders_failover_head", head.join("\n"));
}

#[test]
fn colours_change_nothing_but_colours() {
    for (name, plan) in samples::plans() {
        let coloured = shown(&plan, Style::coloured(80));
        let stripped = without_escapes(&coloured);
        assert_ne!(coloured, stripped, "{name}");
        assert_eq!(stripped, shown(&plan, Style::plain(80)), "{name}");
    }
}

#[test]
fn no_line_of_prose_is_wider_than_the_terminal() {
    for (name, plan) in samples::plans() {
        for columns in [72, 80, 120] {
            for line in shown(&plan, Style::plain(columns)).lines() {
                assert!(text::width(line) <= columns, "{name} at {columns}: {line}");
            }
        }
    }
}

#[test]
fn nothing_hostile_reaches_the_terminal() {
    let told = shown(&samples::hostile(), Style::plain(80));
    assert!(!told.replace('\n', "").chars().any(is_hostile));
}

#[test]
fn an_identical_diff_is_shown_once() {
    let mut plan = samples::rolling_change();
    let added = "+    server 192.168.10.15:8080;";
    assert_eq!(shown(&plan, Style::plain(80)).matches(added).count(), 1);
    plan.actions[4].reason.text = "another reason, so it is told apart".into();
    let told = shown(&plan, Style::plain(80));
    assert_eq!(told.matches(added).count(), 1);
    assert!(told.contains("/etc/nginx/nginx.conf (as in 4)"), "{told}");
}

#[test]
fn new_files_are_shown_whole_when_asked_for() {
    let plan = samples::heal_of_one();
    let told = plan_text(&plan, NOW, NewFiles::Shown, &Style::plain(80));
    assert!(told.contains("+line 2\n"), "{told}");
    assert!(!shown(&plan, Style::plain(80)).contains("+line 2"));
}

#[test]
fn new_files_of_equal_length_are_told_once_unless_they_are_shown() {
    let mut plan = samples::first_creation();
    let diff = &mut plan.actions[9].changes[0].diff;
    *diff = diff.replace("+line 2", "+another 2");
    let path = "+ /etc/reconcile/random.run";
    assert_eq!(shown(&plan, Style::plain(80)).matches(path).count(), 1);
    let told = plan_text(&plan, NOW, NewFiles::Shown, &Style::plain(80));
    assert!(told.contains("+another 2\n"), "{told}");
}

#[test]
fn a_subject_longer_than_its_column_is_not_lost() {
    let subject = "a-very-long-subject-that-no-column-holds";
    let plan = Draft::new(0)
        .notice(NoticeKind::Blocked, subject, "why", None)
        .plan();
    insta::assert_snapshot!("long_subject", shown(&plan, Style::plain(80)));
}

/// Without the escapes that [`Style`] writes.
fn without_escapes(text: &str) -> String {
    let mut rest = text.split('\u{1b}');
    let first = rest.next().unwrap_or_default().to_owned();
    rest.fold(first, |told, part| told + part.split_once('m').unwrap().1)
}
