//! The keys of policies: of failures, of placement, of motion.

use super::super::form::{Key, Object, Shape, default, optional, required};
use super::forms::*;

const AMOUNT: Shape = Shape::Either(&[Shape::Number(0, 10_000), PERCENT]);
const HOSTS: Shape = Shape::Either(&[Shape::Number(0, 1_000), HOST_COUNT]);
const METHOD: Shape = Shape::Choice(&["libvirt", "lease", "manual"]);
const AGENT_OR_METHOD: Shape = Shape::Either(&[METHOD, Shape::Object(&FENCE_AGENT)]);
const METHODS: Shape = Shape::Either(&[AGENT_OR_METHOD, Shape::List(&AGENT_OR_METHOD)]);
const GROUPS: Shape = Shape::Either(&[Shape::Text(NAME), Shape::List(&Shape::Text(NAME))]);
const CHOICES: Shape = Shape::Either(&[HOST_CHOICE, Shape::List(&HOST_CHOICE)]);
// A plain number is one to editors, and a text here.
const LABEL_VALUE: Shape = Shape::Either(&[Shape::Text(LABEL), Shape::Number(0, i64::MAX)]);
const GROUP_WISHES: Shape = Shape::Either(&[GROUPS, Shape::Object(&GROUPS_WISHED)]);
const HOST_WISHES: Shape = Shape::Either(&[CHOICES, Shape::Object(&HOSTS_WISHED)]);

/// Labels of a host.
pub const LABELS: Key = optional(
    "labels",
    Shape::Names(LABEL, &LABEL_VALUE),
    "What is said of it, for placement: `rack: r1`.",
);
/// Which hosts are filled first.
pub const PRIORITY: Key = default(
    "priority",
    "0",
    Shape::Number(-1_000, 1_000),
    "Hosts with a higher one are taken first, after the spread of the group.",
);
/// Memory for the host itself.
pub const RESERVE: Key = default(
    "reserve",
    "512MiB",
    SIZE,
    "Memory that its guests may not have.",
);
/// Virtual processors.
pub const OVERCOMMIT: Key = default(
    "overcommit",
    "800%",
    PERCENT,
    "How many virtual processors its guests may have, for each hundred of its own.",
);
/// How a host is fenced.
pub const FENCING: Key = optional(
    "fencing",
    METHODS,
    "What makes sure that nothing runs on it any more, or a list of it, tried in order; left out, `lease` with three or more hosts, else `manual`. `manual` is always possible: its place in the list means nothing.",
);

/// Whether an instance may be thrown away.
pub const STATEFUL: Key = default(
    "stateful",
    "false",
    Shape::Flag,
    "Whether no instance may ever run twice, and none may lose its disk.",
);
/// Whether it survives its block.
pub const PROTECT: Key = default(
    "protect",
    "false",
    Shape::Flag,
    "Whether its block must not be removed, nor scaled to nothing, before `reconcile unprotect NAME`.",
);
/// How many must serve.
pub const MIN_AVAILABLE: Key = optional(
    "min_available",
    AMOUNT,
    "How many instances must serve while others are worked on, or which part of them (rounded up); left out, all but one, and with `surge` all.",
);
/// How many may be away.
pub const MAX_UNAVAILABLE: Key = optional(
    "max_unavailable",
    AMOUNT,
    "The same from the other side: how many may be away, or which part of them (rounded down, and at least one).",
);
/// How many more there may be.
pub const SURGE: Key = default(
    "surge",
    "0",
    AMOUNT,
    "How many more than `replicas` there may be while they are replaced, or which part of them (rounded up).",
);
/// How long it must be well.
pub const SETTLE: Key = default(
    "settle",
    "0s",
    SPAN,
    "How long an instance must be well before the next one is worked on.",
);
/// What is done with what does not come up.
pub const RESTART: Key = optional(
    "restart",
    Shape::Object(&RESTARTS),
    "What is done with an instance that does not come up.",
);
/// Where instances may be.
pub const PLACE: Key = optional(
    "placement",
    Shape::Object(&PLACEMENT),
    "Where its instances may be, and would best be.",
);

/// A fence agent.
pub static FENCE_AGENT: Object = Object {
    what: "a fence agent",
    keys: &[
        required(
            "agent",
            AGENT,
            "The program of the fence-agents family, by its name or its absolute path.",
        ),
        optional(
            "with",
            Shape::Names(PARAMETER, &TEXT),
            "Its parameters. {{secret.NAME}} as a whole value stands for a secret.",
        ),
        default("timeout", "60s", SPAN, "How long it may take."),
    ],
};

/// Restarts.
pub static RESTARTS: Object = Object {
    what: "the restarts",
    keys: &[
        default(
            "max_restarts",
            "3",
            Shape::Number(0, 1_000),
            "How often it is built in vain on one host before another one is tried.",
        ),
        default(
            "max_relocations",
            "2",
            Shape::Number(0, 1_000),
            "How many other hosts are tried, each as often, before it counts as failed.",
        ),
        default(
            "pause",
            "10s",
            SPAN,
            "The pause after the first failure on a host; it doubles with each further one there, and once it counts as failed, with each of all.",
        ),
        default("longest_pause", "10m", SPAN, "The longest pause."),
    ],
};

/// Placement.
pub static PLACEMENT: Object = Object {
    what: "a placement",
    keys: &[
        optional(
            "spread",
            Shape::Either(&[Shape::Text(LABEL), Shape::List(&Shape::Text(LABEL))]),
            "Labels of hosts over whose values the instances are spread, the most important first; over hosts they always are.",
        ),
        optional(
            "affinity",
            GROUP_WISHES,
            "Groups whose instances must be on the same host, or would best be.",
        ),
        optional(
            "anti_affinity",
            GROUP_WISHES,
            "Groups whose instances must not be on the same host, or would best not be; its own name keeps its instances apart.",
        ),
        optional(
            "hosts",
            HOST_WISHES,
            "The hosts that may be taken, or would best be: a name, or a label as in `rack=r1`.",
        ),
        optional(
            "pin",
            Shape::Names(INSTANCE, &Shape::Text(NAME)),
            "The host of an instance, by its number.",
        ),
        default(
            "failback",
            "false",
            Shape::Flag,
            "Whether instances go back to hosts that are better by what is `preferred`, when these can take them again.",
        ),
    ],
};

const MUST: &str = "What must be so.";
const BEST: &str = "What would best be so.";

/// Groups that must be near or apart, or would best be.
pub static GROUPS_WISHED: Object = Object {
    what: "a wish",
    keys: &[
        optional("required", GROUPS, MUST),
        optional("preferred", GROUPS, BEST),
    ],
};

/// Hosts that must be taken, or would best be.
pub static HOSTS_WISHED: Object = Object {
    what: "a wish",
    keys: &[
        optional("required", CHOICES, MUST),
        optional("preferred", CHOICES, BEST),
    ],
};

/// Safety.
pub static SAFETY: Object = Object {
    what: "the safety",
    keys: &[
        default(
            "recover_after",
            "30s",
            SPAN,
            "How long a host must be out of sight before its guests are made elsewhere, where nothing shows that they ended.",
        ),
        default(
            "rejoin_after",
            "30s",
            SPAN,
            "How long a host that came back must stay before it gets guests again; it doubles with every return in a row, up to an hour.",
        ),
        default(
            "brake",
            "50%",
            PERCENT,
            "When more than this part of anything falls silent within the window, nothing is destroyed any more.",
        ),
        default("brake_window", "5m", SPAN, "The window of the brake."),
        optional(
            "witnesses",
            Shape::Either(&[WITNESS, Shape::List(&WITNESS)]),
            "Who is asked whether we, or the others, are cut off: addresses that answer pings, http:// URLs, or `gateway` for those of the networks; left out, the gateway where there are exactly two hosts, else nobody.",
        ),
        default(
            "spare",
            "0",
            HOSTS,
            "Keep room for the loss of this many hosts, the fullest ones: who never existed is made only while it stays. `1 host` says the same as `1`.",
        ),
        optional(
            "max_destroy",
            Shape::Object(&MAX_DESTROY),
            "How many guests one change of the file may remove for good without a person: the larger of the two. One that leaves none is always held.",
        ),
        optional(
            "lease",
            Shape::Object(&LEASE),
            "The guard on hosts with `fencing: lease`: it stops their guests when the controller can't be heard.",
        ),
    ],
};

/// How many guests may go.
pub static MAX_DESTROY: Object = Object {
    what: "the limit",
    keys: &[
        default("count", "3", Shape::Number(0, 100_000), "So many."),
        default(
            "percent",
            "50%",
            PERCENT,
            "This part of those that there are.",
        ),
    ],
};

/// The lease.
pub static LEASE: Object = Object {
    what: "the lease",
    keys: &[
        default(
            "ttl",
            "15s",
            SPAN,
            "How long it is valid without being renewed.",
        ),
        default(
            "margin",
            "10s",
            SPAN,
            "How long the guard may take to stop everything after that; it is waited for before anything is taken over. A clock of a host that runs up to 1% slower than that of the controller is reckoned with beside it.",
        ),
        optional(
            "watchdog",
            DEVICE,
            "A hardware watchdog that the guard feeds, so that a host whose guard died resets itself.",
        ),
    ],
};

/// Rebalancing.
pub static REBALANCE: Object = Object {
    what: "the rebalancing",
    keys: &[
        default(
            "threshold",
            "20%",
            PERCENT,
            "How far the fullest host may be above the mean of all, in points: a host whose memory is 70% full, where the mean is 50%, is 20 points above it.",
        ),
        default("hold", "5m", SPAN, "For how long that must last."),
        default(
            "margin",
            "10%",
            PERCENT,
            "How much emptier the fuller of the two hosts must be after the move than the fullest was before, in the same points.",
        ),
        default("cooldown", "30m", SPAN, "The pause after a move."),
    ],
};
