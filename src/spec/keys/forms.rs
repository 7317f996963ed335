//! How single values are written: the words in messages, and the patterns of the JSON Schema.

use crate::spec::form::{Form, Shape};

const fn form(what: &'static str, example: &'static str, pattern: &'static str) -> Form {
    Form {
        what,
        example,
        pattern,
    }
}

pub const TEXT: Shape = Shape::Text(form("a text", "hello", ""));
pub const NAME: Form = form("a name", "NAME", "^[a-z0-9]([a-z0-9-]{0,26}[a-z0-9])?$");
pub const SIZE: Shape = Shape::Text(form("a size", "512MiB", "^[0-9]+ ?(KiB|MiB|GiB|TiB)$"));
pub const SPAN: Shape = Shape::Text(form("a span of time", "4s", "^([0-9]+ ?(ms|s|m|h) ?)+$"));
pub const LONG_SPAN: Shape =
    Shape::Text(form("a span of time", "6h", "^([0-9]+ ?(ms|s|m|h|d) ?)+$"));
pub const CRON: Shape = Shape::Text(form(
    "a time of cron",
    "0 22 * * 1-5",
    "^[^ ]+( +[^ ]+){4}$",
));
pub const ZONE: Shape = Shape::Text(form("a time zone", "Europe/Berlin", "^[A-Za-z0-9_+/-]+$"));
pub const ADDRESS: Shape = Shape::Text(form(
    "an IPv4 address",
    "192.168.10.1",
    r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$",
));
pub const CIDR: Shape = Shape::Text(form(
    "a network",
    "192.168.10.0/24",
    r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$",
));
pub const VIP: Shape = Shape::Text(form(
    "an address with its prefix",
    "192.168.10.120/24",
    r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$",
));
pub const RANGE: Shape = Shape::Text(form(
    "a range of addresses",
    "192.168.10.10-192.168.10.19",
    r"^[0-9.]+( ?- ?[0-9.]+|/[0-9]{1,2})?$",
));
pub const MACHINE: Shape = Shape::Text(form(
    "an address or a host name",
    "192.168.10.2",
    "^[A-Za-z0-9_][A-Za-z0-9._:%-]*$",
));
pub const USER: Shape = Shape::Text(form("a user name", "root", r"^[A-Za-z_][A-Za-z0-9._-]*$"));
pub const OWNER: Shape = Shape::Text(form(
    "an owner",
    "root:root",
    r"^[A-Za-z0-9_][A-Za-z0-9._-]*(:[A-Za-z0-9_][A-Za-z0-9._-]*)?$",
));
pub const BRIDGE: Shape = Shape::Text(form("a bridge", "br0", "^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$"));
// Without quotes it is a number to editors; the reader takes both for octal.
pub const MODE: Shape = Shape::Either(&[
    Shape::Text(form("permission bits", "0644", "^(0|0o)?[0-7]{3,4}$")),
    Shape::Number(0, 7777),
]);
pub const SHA256: Shape = Shape::Text(form(
    "a SHA-256",
    "the 64 hex digits that sha256sum prints",
    "^[0-9a-fA-F]{64}$",
));
pub const LOCAL_FILE: Shape = Shape::Text(form("a local file", "images/alpine.qcow2", ""));
pub const FILES: Shape = Shape::Text(form("a file or a pattern of files", "services/*.yaml", ""));
pub const HOST_COUNT: Shape = Shape::Text(form("a number of hosts", "1 host", "^[0-9]+ hosts?$"));
pub const HOST_FILE: Shape = Shape::Text(form(
    "a path on the hosts",
    "/var/lib/libvirt/images/alpine.qcow2",
    "^[A-Za-z0-9._/+@=-]+$",
));
pub const GUEST_FILE: Shape =
    Shape::Text(form("an absolute path in the guest", "/etc/app.conf", "^/"));
pub const URL_PATH: Form = form("a path", "/random", "^/[A-Za-z0-9._~/-]*$");
pub const PERCENT: Shape = Shape::Text(form("a part of a hundred", "50%", "^[0-9]{1,5} ?%$"));
pub const LABEL: Form = form("a label", "rack", "^[A-Za-z0-9._-]{1,63}$");
pub const HOST_CHOICE: Shape = Shape::Text(form(
    "a host or a label",
    "rack=r1",
    "^[A-Za-z0-9._-]{1,63}(=[A-Za-z0-9._-]{1,63})?$",
));
pub const INSTANCE: Form = form("the number of an instance", "1", "^[1-9][0-9]{0,4}$");
pub const WITNESS: Shape = Shape::Text(form(
    "an address, a URL or `gateway`",
    "192.168.10.1",
    r"^(gateway|[0-9]{1,3}(\.[0-9]{1,3}){3}|http://[!-~]+)$",
));
pub const AGENT: Shape = Shape::Text(form(
    "a fence agent",
    "fence_ipmilan",
    "^(fence_[a-z0-9_]+|/[!-~]+)$",
));
pub const PARAMETER: Form = form("the name of a parameter", "ip", "^[a-z0-9_]+$");
pub const DEVICE: Shape = Shape::Text(form("a device", "/dev/watchdog", "^/dev/[A-Za-z0-9_/-]+$"));
pub const VARIABLE: Form = form("a name", "JAVA_OPTS", "^[A-Za-z_][A-Za-z0-9_]*$");
pub const RATE: Shape = Shape::Text(form(
    "a rate",
    "30/10m",
    "^[0-9]{1,4} ?/ ?([0-9]+ ?(ms|s|m|h) ?)+$",
));
pub const URL: Shape = Shape::Text(form(
    "a URL",
    "https://hooks.example/T0/B1",
    r"^(https?://[!-~]+|\{\{ ?secret\.[A-Za-z_][A-Za-z0-9_]* ?\}\})$",
));
pub const HEADER: Form = form("a header", "Authorization", "^[A-Za-z0-9-]{1,64}$");
pub const MAILBOX: Shape = Shape::Text(form(
    "a mail address",
    "ops@example.org",
    "^[^@ <>,;]+@[^@ <>,;]+$",
));
