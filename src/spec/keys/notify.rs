//! The keys of receivers: who is told what happens.

use super::super::form::{Object, Shape, default, optional, required};
use super::PORT;
use super::forms::*;

const KIND: Shape = Shape::Choice(&[
    "instance",
    "host",
    "vip",
    "brake",
    "action",
    "change",
    "commit",
    "edit",
    "controller",
    "blocked",
    "order",
]);

/// A receiver.
pub static RECEIVER: Object = Object {
    what: "a receiver",
    keys: &[
        optional(
            "webhook",
            Shape::Object(&WEBHOOK),
            "It is told by a request to a server.",
        ),
        optional("email", Shape::Object(&EMAIL), "It is told by mail."),
        optional(
            "command",
            Shape::List(&TEXT),
            "It is told by a program on the machine of the controller, and its arguments: the event is JSON on its standard input, and no shell is in between.",
        ),
        optional(
            "events",
            Shape::Either(&[KIND, Shape::List(&KIND)]),
            "The kinds of events that it is told of; left out, all.",
        ),
        default(
            "severity",
            "warning",
            Shape::Choice(&["info", "warning", "critical"]),
            "How bad something must be to be told. That it is over is told to whoever was told of it.",
        ),
        default(
            "repeat",
            "30m",
            SPAN,
            "How long the same is not told again, however often it comes and goes meanwhile.",
        ),
        default(
            "rate",
            "30/10m",
            RATE,
            "How many messages it gets at most, within which span. What goes on is told later; what only happened is left out, and counted.",
        ),
        default("timeout", "10s", SPAN, "How long one try may take."),
    ],
};

/// A request to a server.
pub static WEBHOOK: Object = Object {
    what: "a webhook",
    keys: &[
        required(
            "url",
            URL,
            "Where to. {{secret.NAME}}, {{commit}} and {{id}} (another one for each event) may stand in it, or a secret be all of it.",
        ),
        optional(
            "method",
            Shape::Choice(&["POST", "PUT"]),
            "How it is asked; left out, PUT for matrix, else POST.",
        ),
        optional(
            "headers",
            Shape::Names(HEADER, &TEXT),
            "Headers; {{secret.NAME}} may stand in their values.",
        ),
        default(
            "format",
            "json",
            Shape::Choice(&[
                "json", "slack", "matrix", "ntfy", "github", "gitlab", "gitea",
            ]),
            "What the server takes. The last three take what became of a commit, and are told of nothing else.",
        ),
        optional(
            "body",
            TEXT,
            "A template of your own instead, Handlebars: {{json text}} quotes a value for JSON.",
        ),
    ],
};

/// Mail.
pub static EMAIL: Object = Object {
    what: "a mail",
    keys: &[
        required("server", MACHINE, "The server that takes mail (SMTP)."),
        optional(
            "port",
            PORT,
            "Its port; left out, 587 for starttls, 465 for tls, 25 for none.",
        ),
        default(
            "tls",
            "starttls",
            Shape::Choice(&["starttls", "tls", "none"]),
            "How the connection is encrypted: after a word in the open, from its beginning, or not.",
        ),
        optional("user", TEXT, "The user to log in as."),
        optional("password", TEXT, "Its password, as {{secret.NAME}}."),
        required("from", MAILBOX, "Who it is from."),
        required(
            "to",
            Shape::Either(&[MAILBOX, Shape::List(&MAILBOX)]),
            "Who gets it.",
        ),
    ],
};
