//! What a plan has besides, where it is saved, compared or applied. Pure.

use serde_json::{Value, json};

use super::shapes::{add, count, list, moment, object, or_null, text, word};
use super::{MOTIVES, commit, done_by, reason, targets};

pub(super) fn saved() -> Value {
    object(
        "What makes it a saved one.",
        [
            ("id", text("What it is called.")),
            (
                "made_by",
                text("The version of reconcile that made it: no other one applies it."),
            ),
            (
                "expires_at",
                moment("From then on it is not applied any more."),
            ),
            (
                "fingerprints",
                list(
                    "Of each action, in order: of all that it would do.",
                    text("A digest."),
                ),
            ),
        ],
    )
}

pub(super) fn compared() -> Value {
    object(
        "After `plan --from --to`: what it is compared to. The plan is of what only the later commit does.",
        [
            ("from", or_null(commit("The earlier commit."))),
            (
                "dropped",
                list(
                    "What only the earlier one does.",
                    object("An action.", done_by()),
                ),
            ),
            ("both", count("How many actions both do.")),
            ("both_say", count("How many notices both have.")),
            (
                "not_here",
                list(
                    "What the file refers to and was not there, so is not compared.",
                    text("Which."),
                ),
            ),
        ],
    )
}

/// An action that ended.
pub(super) fn done() -> Value {
    let why = |word: &'static str| object("And why.", [(word, text("Why."))]);
    let outcome = json!({
        "description": "How it ended.",
        "anyOf": [{ "enum": ["changed", "already_done"] }, why("skipped"), why("failed")],
    });
    let mut done = object(
        "An action that ended.",
        [
            ("at", moment("When it ended.")),
            ("took_ms", count("How many milliseconds it took.")),
            ("revision", text("The state of the file that it served.")),
            (
                "action",
                word("What it did.", &["create", "configure", "add-vip"]),
            ),
            ("motive", json!({ "enum": MOTIVES })),
            (
                "instance",
                or_null(text("The instance, where it was about one.")),
            ),
            ("host", text("Where.")),
            ("summary", text("What, in a line.")),
            ("reason", reason()),
            ("outcome", outcome),
        ],
    );
    add(
        &mut done,
        "commit",
        commit("The commit that this was from, where it was from one."),
    );
    add(&mut done, "targets", targets());
    done
}
