//! Plans as comments: as snapshots, and what holds whatever they say and however long they are.

use proptest::prelude::*;

use super::*;
use crate::cli::samples::{self, Draft, NOW};
use crate::cli::text::is_hostile;
use crate::model::plan::{ChangeKind, NoticeKind, ReasonCode};

fn shown(plan: &Plan) -> String {
    plan_markdown(plan, NOW)
}

#[test]
fn every_sample_reads_well_as_a_comment() {
    for (name, plan) in samples::plans() {
        insta::assert_snapshot!(name, shown(&plan));
    }
}

#[test]
fn a_comment_names_commit_and_orders() {
    let plan = Plan {
        commit: Some(samples::commit()),
        orders: samples::orders(),
        ..samples::failover()
    };
    let text = shown(&plan);
    let head: Vec<&str> = text.lines().take(10).collect();
    insta::assert_snapshot!("commit_and_orders", head.join("\n"));
}

#[test]
fn an_identical_diff_is_in_a_comment_once() {
    let text = shown(&samples::rolling_change());
    assert_eq!(text.matches("+    server 192.168.10.15:8080;").count(), 1);
    assert!(
        text.contains("`~` /etc/nginx/nginx.conf (as in 4)\n"),
        "{text}"
    );
}

/// A plan with so many actions, each with a file of so many lines, and so many notices.
fn large(actions: usize, lines: usize, notices: usize, text: &str) -> Plan {
    let mut draft = Draft::new(0);
    for at in 0..actions {
        let reason = samples::reason(ReasonCode::ConfigDrift, text, 3);
        let diff = format!("@@ -1 +1 @@\n{}", format!("+{at} {text}\n").repeat(lines));
        draft = draft
            .heal(samples::configure("random-1", "a"), text, reason)
            .interrupts(&format!("{at} {text}"), 100)
            .file("/etc/x", ChangeKind::Content, &diff);
    }
    for at in 0..notices {
        draft = draft.notice(
            NoticeKind::Blocked,
            text,
            &format!("{at} {text}"),
            Some(text),
        );
    }
    draft.plan()
}

#[test]
fn what_is_too_long_is_left_out_with_its_number_files_first_and_then_rows() {
    let few = shown(&large(4, 1_200, 1, "some text"));
    assert!(
        few.contains("*… and the files of 1 action, too long for a comment.*"),
        "{few}"
    );
    assert_eq!(few.matches("| **configure** ").count(), 4);
    let many = shown(&large(700, 2, 3, "some text"));
    let rows = many.matches("| **configure** ").count();
    assert!(
        many.contains(&format!("*… and {} actions, too long", 700 - rows)),
        "{rows}"
    );
    assert!(many.contains("*… and the files of 700 actions, too long"));
    assert_eq!(many.matches("- **some text**: ").count(), 3);
}

#[test]
fn a_diff_that_is_too_long_hides_no_shorter_one() {
    let mut plan = large(2, 2, 0, "x");
    let line = "+long\n";
    plan.actions[0].changes[0].diff = line.repeat(MAX_CHARS / line.len());
    let told = shown(&plan);
    assert!(told.contains("the files of 1 action, too long"), "{told}");
    assert!(told.contains("+1 x\n+1 x\n"), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_comment_is_never_too_long_and_keeps_marker_verdict_and_summary(
        actions in 0_usize..150,
        lines in 0_usize..20,
        notices in 0_usize..100,
        text in "\\PC{0,30}|[@$<|`]{0,900}",
    ) {
        let told = shown(&large(actions, lines, notices, &text));
        prop_assert!(told.chars().count() <= MAX_CHARS);
        prop_assert!(told.starts_with("<!-- reconcile:plan demo -->\n**"));
        prop_assert_eq!(told.matches("<!--").count(), 1);
        let last = told.lines().last().unwrap_or_default();
        prop_assert!(last.starts_with("**Plan: ") && last.ends_with(".**"), "{}", last);
        prop_assert!(!told.replace('\n', "").chars().any(is_hostile));
    }
}
