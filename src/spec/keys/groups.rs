//! The keys of groups: services and load balancers, and what both have.

use super::super::form::{Key, Object, Shape, default, optional, required};
use super::forms::*;
use super::{FILE, PORT, policies};

const MORE_FILES: Shape = Shape::List(&Shape::Object(&FILE));
const ENVIRONMENT: Shape = Shape::Names(VARIABLE, &TEXT);
const CPUS: Key = default(
    "cpus",
    "1",
    Shape::Number(1, 512),
    "Virtual processors of each guest.",
);
const DISK: Key = optional(
    "disk",
    SIZE,
    "Size of each guest's disk; left out, that of the image.",
);
const ENV: Key = optional("env", ENVIRONMENT, "The environment of its process.");
const BEAT: Key = optional(
    "heartbeat",
    Shape::Object(&HEARTBEAT),
    "How an instance shows that it lives.",
);

/// A service.
pub static SERVICE: Object = Object {
    what: "a service",
    keys: &[
        default(
            "replicas",
            "1",
            Shape::Number(0, 10_000),
            "How many instances.",
        ),
        required(
            "image",
            Shape::Text(NAME),
            "The image that its guests boot from.",
        ),
        CPUS,
        default("memory", "512MiB", SIZE, "Memory of each guest."),
        DISK,
        required("port", PORT, "The port that every instance serves on."),
        optional(
            "run",
            TEXT,
            "The command that runs it in the foreground, a template: {{port}}, {{address}}, … Left out where the image starts it by itself.",
        ),
        ENV,
        optional("files", MORE_FILES, "Files on each of its guests."),
        BEAT,
        policies::STATEFUL,
        policies::PROTECT,
        policies::MIN_AVAILABLE,
        policies::MAX_UNAVAILABLE,
        policies::SURGE,
        policies::SETTLE,
        policies::RESTART,
        policies::PLACE,
    ],
};

/// A load balancer.
pub static BALANCER: Object = Object {
    what: "a load balancer",
    keys: &[
        required(
            "vip",
            VIP,
            "The public address, with the length of its prefix. One of the guests holds it.",
        ),
        default(
            "replicas",
            "2",
            Shape::Number(1, 100),
            "How many guests: one holds the address, the others stand by.",
        ),
        required(
            "image",
            Shape::Text(NAME),
            "The image that its guests boot from; nginx must be in it.",
        ),
        CPUS,
        default("memory", "256MiB", SIZE, "Memory of each guest."),
        DISK,
        default("port", "80", PORT, "The port that clients connect to."),
        required(
            "routes",
            Shape::Names(
                URL_PATH,
                &Shape::Either(&[Shape::Text(NAME), Shape::Object(&ROUTE)]),
            ),
            "Which service answers below which path.",
        ),
        ENV,
        optional(
            "files",
            MORE_FILES,
            "Files on each of its guests, besides nginx.conf.",
        ),
        BEAT,
        policies::PROTECT,
        policies::MIN_AVAILABLE,
        policies::MAX_UNAVAILABLE,
        policies::SURGE,
        policies::SETTLE,
        policies::RESTART,
        policies::PLACE,
    ],
};

/// A route.
pub static ROUTE: Object = Object {
    what: "a route",
    keys: &[
        required("service", Shape::Text(NAME), "The service that answers."),
        default(
            "connect_timeout",
            "500ms",
            SPAN,
            "How long connecting to an instance may take before the next one is tried.",
        ),
        default(
            "timeout",
            "60s",
            SPAN,
            "How long an instance may be silent before the next one is tried, where the request may be repeated.",
        ),
    ],
};

/// A heartbeat.
pub static HEARTBEAT: Object = Object {
    what: "a heartbeat",
    keys: &[
        default(
            "path",
            "/heartbeat",
            Shape::Text(URL_PATH),
            "The path of the GET request; 200 and OK is the answer that counts.",
        ),
        optional(
            "port",
            PORT,
            "The port; left out, the one that the instance serves on.",
        ),
        default("every", "1s", SPAN, "From one check to the next."),
        default("timeout", "1s", SPAN, "How long an answer may take."),
        default(
            "retries",
            "4",
            Shape::Number(1, 1_000),
            "Failures in a row that make an instance dead.",
        ),
        default(
            "grace",
            "2m",
            SPAN,
            "How long a guest may boot before failures count.",
        ),
    ],
};
