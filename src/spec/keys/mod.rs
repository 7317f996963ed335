//! Every key of `cluster.yaml`: what it takes, its default, what it is for. The one source of truth of both the
//! reader and the JSON Schema.

pub mod changes;
mod forms;
mod groups;
pub mod notify;
pub mod policies;

use super::form::{Object, Shape, default, optional, required};
use forms::*;
pub(super) use forms::{NAME, SIZE, SPAN, TEXT};
pub use groups::*;

const PORT: Shape = Shape::Number(1, 65_535);
const KERNEL_FILE: Shape = Shape::Either(&[HOST_FILE, Shape::Object(&IMAGE_FILE)]);

/// The whole file.
pub static CLUSTER: Object = Object {
    what: "the file",
    keys: &[
        required(
            "cluster",
            Shape::Text(NAME),
            "The cluster's name: part of the name of every guest's domain in libvirt.",
        ),
        optional(
            "include",
            Shape::Either(&[FILES, Shape::List(&FILES)]),
            "Files with more entries of maps of this file: a path, a pattern such as `services/*.yaml`, or a list of these.",
        ),
        optional(
            "networks",
            Shape::Names(NAME, &Shape::Object(&NETWORK)),
            "The networks that guests are attached to.",
        ),
        optional(
            "hosts",
            Shape::Names(NAME, &Shape::Object(&HOST)),
            "The machines that run guests: sshd and libvirt is all they need.",
        ),
        optional(
            "images",
            Shape::Names(NAME, &Shape::Object(&IMAGE)),
            "The disks that guests boot from. Guests write to overlays, never to these.",
        ),
        optional(
            "services",
            Shape::Names(NAME, &Shape::Object(&SERVICE)),
            "The services, each a group of equal guests.",
        ),
        optional(
            "load_balancers",
            Shape::Names(NAME, &Shape::Object(&BALANCER)),
            "The load balancers: nginx in guests, one of which holds the public address.",
        ),
        optional(
            "safety",
            Shape::Object(&policies::SAFETY),
            "How careful the controller is with what it can't undo.",
        ),
        optional(
            "changes",
            Shape::Object(&changes::CHANGES),
            "How edits of this file come into force.",
        ),
        optional(
            "rebalance",
            Shape::Object(&policies::REBALANCE),
            "When guests are moved only to even out the load of hosts; left out, never.",
        ),
        optional(
            "templates",
            Shape::Object(&TEMPLATES),
            "Files to use instead of built-in templates: Jinja where they end in .j2, else Handlebars.",
        ),
        optional(
            "ssh",
            Shape::Object(&SSH),
            "How hosts and guests are logged in to. All that is left out is left to your ssh configuration.",
        ),
        optional(
            "secrets",
            Shape::Names(VARIABLE, &Shape::Object(&SECRET)),
            "Values that templates use as {{secret.NAME}} and that no output ever shows.",
        ),
        optional(
            "notify",
            Shape::Names(NAME, &Shape::Object(&notify::RECEIVER)),
            "Who is told what happens: chats, mailboxes, programs, and the commits of a repository.",
        ),
    ],
};

/// What a file that is included may have: the maps of named things. What there is once for a cluster is in the main file,
/// so that nobody has to look for it.
pub const INCLUDED: [&str; 7] = [
    "networks",
    "hosts",
    "images",
    "services",
    "load_balancers",
    "templates",
    "secrets",
];

/// A network.
pub static NETWORK: Object = Object {
    what: "a network",
    keys: &[
        required("cidr", CIDR, "Its addresses."),
        optional(
            "gateway",
            ADDRESS,
            "The default route of guests; left out for an isolated network.",
        ),
        default(
            "bridge",
            "br0",
            BRIDGE,
            "The bridge on the hosts that guests are attached to.",
        ),
        optional("dns", Shape::List(&ADDRESS), "Name servers for guests."),
    ],
};

/// A host.
pub static HOST: Object = Object {
    what: "a host",
    keys: &[
        required(
            "address",
            MACHINE,
            "What ssh connects to: an address, a host name, or an alias of your ssh configuration.",
        ),
        optional("port", PORT, "The port of its sshd."),
        optional("user", USER, "The user to log in as."),
        required(
            "pool",
            Shape::Either(&[RANGE, Shape::List(&RANGE)]),
            "The addresses that its guests get: a range A-B, a network in CIDR notation, a single address, or a list of these. No two hosts may share any.",
        ),
        optional(
            "network",
            Shape::Text(NAME),
            "The network of its pool; may be left out where there is only one.",
        ),
        default(
            "accelerator",
            "auto",
            Shape::Choice(&["auto", "kvm", "tcg"]),
            "How guests' processors are run: kvm, emulation (tcg), or kvm where it really works (auto).",
        ),
        default(
            "storage",
            "/var/lib/libvirt/images/reconcile",
            HOST_FILE,
            "The directory for images and disks on this host.",
        ),
        policies::LABELS,
        policies::PRIORITY,
        policies::RESERVE,
        policies::OVERCOMMIT,
        policies::FENCING,
    ],
};

/// An image.
pub static IMAGE: Object = Object {
    what: "an image",
    keys: &[
        optional(
            "path",
            HOST_FILE,
            "The disk's path on the hosts, absolute or below the host's storage. With `source`, where the copy goes.",
        ),
        optional(
            "source",
            LOCAL_FILE,
            "The disk as a local file that is copied to every host that needs it.",
        ),
        optional("sha256", SHA256, "What the local file's SHA-256 must be."),
        optional(
            "kernel",
            KERNEL_FILE,
            "A kernel to boot directly, where the image has no boot loader.",
        ),
        optional(
            "initrd",
            KERNEL_FILE,
            "The initial RAM disk that belongs to the kernel.",
        ),
        optional("cmdline", TEXT, "The kernel's command line."),
        default(
            "provision",
            "cloud-init",
            Shape::Choice(&["cloud-init", "ssh"]),
            "How a fresh guest gets its address: from a NoCloud seed, or over ssh at the image's bootstrap address.",
        ),
        optional(
            "bootstrap",
            ADDRESS,
            "The address that every fresh guest of the image boots with; only with `provision: ssh`.",
        ),
        default("user", "root", USER, "The user to log in to guests as."),
        default(
            "init",
            "auto",
            Shape::Choice(&["auto", "systemd", "openrc", "busybox", "none"]),
            "What starts daemons in the guest.",
        ),
        default(
            "interfaces",
            "true",
            Shape::Flag,
            "Whether /etc/network/interfaces of its guests is written.",
        ),
    ],
};

/// A kernel or an initial RAM disk that is copied.
pub static IMAGE_FILE: Object = Object {
    what: "a file to copy to hosts",
    keys: &[
        required(
            "source",
            LOCAL_FILE,
            "The local file that is copied to every host that needs it.",
        ),
        optional("path", HOST_FILE, "Where it goes on the hosts."),
        optional("sha256", SHA256, "What the local file's SHA-256 must be."),
    ],
};

/// A file in a guest.
pub static FILE: Object = Object {
    what: "a file",
    keys: &[
        required(
            "path",
            GUEST_FILE,
            "Its absolute path in the guest, a template.",
        ),
        optional(
            "template",
            LOCAL_FILE,
            "The local file with its template: Jinja where it ends in .j2, else Handlebars.",
        ),
        optional("content", TEXT, "Its template as text, Handlebars."),
        optional(
            "source",
            LOCAL_FILE,
            "The local file that is taken as it is.",
        ),
        default("mode", "0644", MODE, "Permission bits, octal."),
        default("owner", "root", OWNER, "user or user:group."),
        default(
            "on_change",
            "restart",
            Shape::Choice(&["restart", "reload", "nothing"]),
            "What the process needs after a change: a restart, a SIGHUP, or nothing.",
        ),
        optional(
            "validate",
            TEXT,
            "A command that must accept the new content before it is put in place; {{path}} is the new file.",
        ),
        default(
            "secret",
            "false",
            Shape::Flag,
            "Whether the whole content is a secret, never to be shown.",
        ),
    ],
};

/// The built-in templates.
pub static TEMPLATES: Object = Object {
    what: "the templates",
    keys: &[
        optional(
            "nginx.conf",
            LOCAL_FILE,
            "The configuration of load balancers.",
        ),
        optional(
            "interfaces",
            LOCAL_FILE,
            "/etc/network/interfaces of guests.",
        ),
        optional("domain.xml", LOCAL_FILE, "The libvirt domain of guests."),
        optional(
            "systemd.service",
            LOCAL_FILE,
            "The unit that runs a service under systemd.",
        ),
        optional(
            "openrc.init",
            LOCAL_FILE,
            "The script that runs a service under OpenRC.",
        ),
        optional(
            "supervise.sh",
            LOCAL_FILE,
            "The loop that runs a service where there is no other init.",
        ),
        optional(
            "run.sh",
            LOCAL_FILE,
            "The script that becomes the service's process.",
        ),
    ],
};

/// Access.
pub static SSH: Object = Object {
    what: "the ssh access",
    keys: &[
        optional(
            "identity",
            LOCAL_FILE,
            "The private key for hosts and guests.",
        ),
        optional(
            "authorized_keys",
            Shape::List(&TEXT),
            "Public keys that fresh guests accept, or files that hold them; left out, the public key of `identity`.",
        ),
        optional("known_hosts", LOCAL_FILE, "The known keys of hosts."),
        optional(
            "config",
            LOCAL_FILE,
            "An ssh configuration file to use instead of yours.",
        ),
    ],
};

/// A secret.
pub static SECRET: Object = Object {
    what: "a secret",
    keys: &[
        optional(
            "file",
            LOCAL_FILE,
            "The local file that holds the value; a line break at its end doesn't count.",
        ),
        optional(
            "env",
            Shape::Text(VARIABLE),
            "The environment variable that holds the value.",
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    fn objects_of(shape: &'static Shape, found: &mut Vec<&'static Object>) {
        match shape {
            Shape::Text(_) | Shape::Flag | Shape::Number(..) | Shape::Choice(_) => (),
            Shape::List(inner) | Shape::Names(_, inner) => objects_of(inner, found),
            Shape::Either(shapes) => shapes.iter().for_each(|shape| objects_of(shape, found)),
            Shape::Object(object) => {
                found.push(object);
                object
                    .keys
                    .iter()
                    .for_each(|key| objects_of(&key.shape, found));
            }
        }
    }

    #[test]
    fn every_key_says_what_it_is_for_and_stands_in_its_table_once() {
        let mut objects = vec![&CLUSTER];
        CLUSTER
            .keys
            .iter()
            .for_each(|key| objects_of(&key.shape, &mut objects));
        assert!(objects.len() > 10);
        for object in objects {
            for key in object.keys {
                assert!(
                    key.about.ends_with(['.', '…']),
                    "{}: {}",
                    object.what,
                    key.name
                );
                let same = object.keys.iter().filter(|other| other.name == key.name);
                assert_eq!(same.count(), 1, "{}: {}", object.what, key.name);
            }
        }
    }
}
