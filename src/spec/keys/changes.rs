//! The keys of `changes:`: how edits of the file come into force.

use super::super::form::{Object, Shape, default, optional, required};
use super::forms::*;

/// How far changes may reach, from the least to the farthest.
pub const CLASSES: Shape = Shape::Choice(&[
    "never", "none", "reload", "restart", "recreate", "destroy", "data",
]);
const WINDOWS: Shape = Shape::List(&Shape::Object(&WINDOW));

/// How changes come into force.
pub static CHANGES: Object = Object {
    what: "the changes",
    keys: &[
        default(
            "automatic",
            "destroy",
            CLASSES,
            "How far a change may reach and be applied by the controller without a person; one that reaches farther waits for `reconcile approve`.",
        ),
        default(
            "on_failure",
            "halt",
            Shape::Choice(&["halt", "rollback"]),
            "What is done when an instance does not come up with a change: it halts and waits for a person, or the last good state of the file comes back.",
        ),
        optional(
            "windows",
            Shape::Object(&WINDOW_RULES),
            "When changes may come into force. What heals never waits, and a change that began is finished.",
        ),
    ],
};

/// When changes come into force.
pub static WINDOW_RULES: Object = Object {
    what: "the windows",
    keys: &[
        optional("allow", WINDOWS, "Only in these; left out, at any time."),
        optional("deny", WINDOWS, "Not in these, whatever is allowed."),
    ],
};

/// A time that comes again and again.
pub static WINDOW: Object = Object {
    what: "a window",
    keys: &[
        required(
            "at",
            CRON,
            "When it begins: minute, hour, day of the month, month, day of the week, as cron has it.",
        ),
        required("for", LONG_SPAN, "How long it lasts, a week at most."),
        default(
            "zone",
            "UTC",
            ZONE,
            "The time zone that is meant, by its name in the IANA database.",
        ),
    ],
};
