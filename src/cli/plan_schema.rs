//! The JSON Schema of a plan as programs read it, for whoever writes one: [`super::plan_json`] in another notation. Pure.
//!
//! Within one `format_version`, keys may be added. So other keys are no error, and words that may get company (`kind`, `code`)
//! are not listed but shown as examples.

mod besides;
mod shapes;

use serde_json::{Value, json};

use super::plan_json::FORMAT_VERSION;
use super::tally::Sort;
use crate::model::gate::Class;
use besides::{compared, done, saved};
use shapes::{add, count, flag, id, line, list, moment, object, or_null, text, word};

const MOTIVES: [&str; 3] = ["heal", "change", "move"];

/// The JSON Schema (2020-12) of a plan, of a saved one, of what an apply tells, and of what `plan --from --to` tells.
pub fn json_schema() -> Value {
    let whole = [
        (
            "format_version",
            json!({ "enum": [FORMAT_VERSION], "description": "The version of the keys and their meaning." }),
        ),
        ("cluster", text("The cluster.")),
        ("file", text("The file that it carries out.")),
        (
            "revision",
            text("The first 12 hex digits of the digest of the file and all that it includes."),
        ),
        (
            "commit",
            or_null(commit(
                "The commit that it is from; null without a repository.",
            )),
        ),
        ("observed_at", moment("When the world was observed.")),
        (
            "hosts",
            object(
                "How many hosts were seen.",
                [("seen", count("Of them, seen.")), ("total", count("All."))],
            ),
        ),
        (
            "converged",
            flag("Whether nothing is to be done, blocked, unknown or waiting."),
        ),
        ("counts", counts()),
        ("interrupts", list("What users notice in all.", cost())),
        ("gate", or_null(gate())),
        (
            "orders",
            list("What operators ordered and is in force.", order()),
        ),
        ("targets", or_null(targets())),
        (
            "actions",
            list(
                "What is done, in an order in which it can be done.",
                action(),
            ),
        ),
        (
            "notices",
            list("What is not done, or not known, and why.", notice()),
        ),
    ];
    let mut whole = object("A plan.", whole);
    add(
        &mut whole,
        "applied",
        list(
            "After an apply: what was done before the look that the plan is of.",
            done(),
        ),
    );
    add(&mut whole, "saved", saved());
    add(&mut whole, "compared", compared());
    whole["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    whole["title"] = json!(format!(
        "a plan of reconcile, format version {FORMAT_VERSION}"
    ));
    whole
}

fn action() -> Value {
    let sorts = Sort::ALL.map(|sort| json!(sort));
    let mut keys = done_by().to_vec();
    keys.extend([
        ("motive", json!({ "enum": MOTIVES, "description": "Whether reality changed, the file, or guests leave their hosts." })),
        ("sort", json!({ "enum": sorts, "description": "What it does to the world." })),
        ("interrupts", or_null(interruption())),
        ("needs", list("The actions that must have succeeded before.", id())),
        ("after", list("The actions that must have ended before, however.", id())),
        ("changes", list("The files that it changes.", change())),
    ]);
    let mut action = object("One step.", keys);
    add(&mut action, "why", grounds());
    action
}

fn grounds() -> Value {
    let must = json!({ "enum": ["succeed", "end"], "description": "What must have become of it." });
    let wait = [
        ("id", id()),
        ("must", must),
        ("why", text("Why in that order.")),
    ];
    let host = [("host", text("Which.")), ("why", text("Why not."))];
    object(
        "With --why: its grounds.",
        [
            (
                "line",
                or_null(text("The text of the line of the file that asks for it.")),
            ),
            (
                "evidence",
                or_null(text("What was observed that it rests on.")),
            ),
            (
                "waits",
                list("What it waits for.", object("An action.", wait)),
            ),
            ("place", or_null(text("What decided for its host."))),
            (
                "not_taken",
                list("The other hosts.", object("A host.", host)),
            ),
        ],
    )
}

/// What the guards say of a change.
fn gate() -> Value {
    let verdicts = json!({ "enum": ["passes", "holds"], "description": "What it says." });
    let guard = [
        (
            "guard",
            word("Which.", &["max_destroy", "approval", "window"]),
        ),
        ("verdict", verdicts),
        ("text", text("Why, with figures.")),
        (
            "help",
            or_null(text("What would let it pass, where it holds.")),
        ),
        ("line", line()),
    ];
    object(
        "What the guards say of a state of the file that is not in force yet; null where it is.",
        [
            ("change", text("What the change is called.")),
            (
                "class",
                json!({ "enum": Class::ALL.map(Class::word), "description": "How far it reaches." }),
            ),
            (
                "guards",
                list("What each guard says.", in_file(object("A guard.", guard))),
            ),
            (
                "opens",
                or_null(moment("When the next window opens, where one has to.")),
            ),
        ],
    )
}

/// What people read of an action.
fn done_by() -> [(&'static str, Value); 6] {
    [
        ("id", id()),
        (
            "kind",
            word("What it does.", &["create", "configure", "add-vip"]),
        ),
        (
            "instance",
            or_null(text(
                "The instance that it is about, where it is about one.",
            )),
        ),
        ("host", text("Where it happens.")),
        ("summary", text("What it is, in a line.")),
        ("reason", reason()),
    ]
}

fn interruption() -> Value {
    let about = or_null(count("For about how many milliseconds; null: for good."));
    object(
        "What users notice of it; null: nothing.",
        [
            ("what", text("What is interrupted.")),
            ("about_ms", about),
            (
                "measured",
                or_null(count(
                    "How often that was measured on this cluster; null: it is assumed.",
                )),
            ),
        ],
    )
}

/// The same of all actions that interrupt one thing.
fn cost() -> Value {
    let about = or_null(count(
        "For about how many milliseconds in all; null: for good.",
    ));
    object(
        "What users notice of one thing.",
        [
            ("what", text("What is interrupted.")),
            ("about_ms", about),
            (
                "measured",
                flag("Whether all of that was measured on this cluster."),
            ),
        ],
    )
}

fn change() -> Value {
    let kinds = json!(["new", "content", "hidden", "attributes"]);
    object(
        "A file.",
        [
            ("path", text("Its path in the guest.")),
            (
                "kind",
                json!({ "enum": kinds, "description": "How it changes; hidden: its content, which must not be shown." }),
            ),
            (
                "diff",
                text(
                    "A unified diff, secrets hidden. Empty where the content stays, or must not be shown.",
                ),
            ),
        ],
    )
}

/// What has a line may have the included file that it is in, too.
fn in_file(mut of: Value) -> Value {
    of["properties"]["file"] =
        text("The included file that the line is in; missing where it is in the file itself.");
    of
}

fn reason() -> Value {
    in_file(object(
        "Why.",
        [
            (
                "code",
                word(
                    "The kind of reason.",
                    &["missing", "heartbeat-lost", "config-drift"],
                ),
            ),
            ("text", text("The reason in words, with what was observed.")),
            ("line", line()),
        ],
    ))
}

fn notice() -> Value {
    let kinds = json!(["blocked", "unknown", "waiting", "warning"]);
    in_file(object(
        "A notice.",
        [
            (
                "kind",
                json!({ "enum": kinds, "description": "Blocked needs a person, waiting only time." }),
            ),
            ("subject", text("What it is about.")),
            ("text", text("Why.")),
            (
                "help",
                or_null(text(
                    "The smallest change that would make it possible, where there is one.",
                )),
            ),
            ("line", line()),
        ],
    ))
}

pub(super) fn targets() -> Value {
    object(
        "What it is about, where that is not everything.",
        [
            (
                "only",
                list(
                    "Nobody else; empty: all.",
                    text("`web-1`, `service/NAME` or `host/NAME`."),
                ),
            ),
            ("except", list("Not these.", text("Which."))),
        ],
    )
}

fn order() -> Value {
    let mut order = object(
        "An order.",
        [
            ("order", word("Which.", &["paused", "drained", "confirmed"])),
            ("by", text("Who gave it.")),
            ("at", moment("When.")),
            ("reason", or_null(text("Why."))),
            ("until", or_null(moment("Until when it holds."))),
        ],
    );
    add(
        &mut order,
        "of",
        text("About what: `cluster`, `service/NAME`, a host, an instance, a revision or a commit."),
    );
    order
}

fn counts() -> Value {
    let sorts = Sort::ALL.map(|sort| (sort.verb(), count("Actions of this sort.")));
    let others = [
        ("unchanged", count("Things that are as desired.")),
        ("blocked", count("Notices of this kind.")),
        ("unknown", count("Notices of this kind.")),
        ("waiting", count("Notices of this kind.")),
        ("warnings", count("Notices of this kind.")),
    ];
    object("How many of each.", sorts.into_iter().chain(others))
}

fn commit(about: &str) -> Value {
    let states = json!(["missing", "unchecked", "good", "unknown", "outdated", "bad"]);
    let mut signature = object(
        "What its signature proves.",
        [("state", json!({ "enum": states }))],
    );
    add(&mut signature, "by", text("Whose it is."));
    add(
        &mut signature,
        "key",
        text("The fingerprint of the key that nobody is known by."),
    );
    object(
        about,
        [
            (
                "id",
                json!({ "type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$" }),
            ),
            ("author", text("Who wrote it, as it says.")),
            ("at", moment("When, as it says.")),
            ("subject", text("The first line of its message.")),
            ("signature", signature),
        ],
    )
}

#[cfg(test)]
mod tests;
