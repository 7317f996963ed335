//! The long texts of the help. Words only.

pub(super) const LONG_ABOUT: &str = "\
Keeps services on KVM virtual machines as cluster.yaml describes them, over SSH.

Without a command, reconcile compares cluster.yaml with what it observes on the hosts, shows the plan, asks, carries \
it out and checks the result. Nothing needs to be installed on a host but sshd and libvirt. Virtual machines that \
reconcile did not create are never touched.";

pub(super) const EXAMPLES: &str = "\
Examples:
  reconcile --dry-run               show what would be done, and do nothing
  reconcile                         show the plan, ask, and do it
  reconcile --yes                   do it without asking, in scripts
  reconcile watch                   keep it so: heal what breaks, follow edits
  reconcile status                  show what runs where, and what is wrong
  reconcile --dry-run --output json --detailed-exitcode";

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done, or nothing to do
  1  error: bad arguments or file, or nothing could be applied
  2  changes are pending (only with --dry-run --detailed-exitcode)
  3  something is blocked; the plan says why
  4  something could not be observed; nothing was decided about it
  6  applied in part: some actions succeeded, some did not";

pub(super) const WATCH_ABOUT: &str = "\
Runs until it is stopped: heals what breaks, and follows edits of cluster.yaml.

It looks at once when a domain stops, a heartbeat is missed or the file changes, and at a steady pace otherwise. It \
does not ask. An edit that is not valid changes nothing: the last good state stays in force, and the log says so. \
SIGTERM or SIGINT (Ctrl-C) end it cleanly, after the actions in hand.";

pub(super) const WATCH_EXAMPLES: &str = "\
Examples:
  reconcile watch                        in a terminal
  reconcile watch --log-format json      under systemd or another supervisor";

pub(super) const STATUS_ABOUT: &str = "\
Shows hosts, instances and load balancers as they are now, and what is wrong.

It observes all hosts once and changes nothing. What the hosts can't tell (since when, what is being done) comes \
from the state directory.";

pub(super) const STATUS_EXAMPLES: &str = "\
Examples:
  reconcile status
  reconcile status --output json | jq '.instances[] | select(.healthy | not)'

Exit codes: 0 shown; 1 error; 3 something is blocked; 4 something could not be observed";

pub(super) const VALIDATE_ABOUT: &str = "\
Checks cluster.yaml and everything it refers to, without contacting any machine.

All errors of the file are shown at once, each with its line and how to mend it.";

pub(super) const VALIDATE_EXAMPLES: &str = "\
Examples:
  reconcile validate
  reconcile validate -f specs/demo.yaml && git commit

Exit codes: 0 valid; 1 not valid";

pub(super) const SCHEMA_ABOUT: &str = "\
Prints the JSON Schema of cluster.yaml, for completion and checks in editors.";

pub(super) const SCHEMA_EXAMPLES: &str = "\
Examples:
  reconcile schema > cluster.schema.json
  # then, as the first line of cluster.yaml (yaml-language-server):
  # yaml-language-server: $schema=cluster.schema.json
  reconcile schema --scenario > scenario.schema.json";

pub(super) const REHEARSE_ABOUT: &str = "\
Tries cluster.yaml on a simulated cluster, in virtual time: builds it from nothing, lets things fail, and shows what \
the controller decides and why, what it does, and what clients notice of it.

It contacts no machine and needs no rights. Hosts, libvirt, guests and the network are simulated; the controller is the \
one that runs in `reconcile watch`. The same seed gives the same output. Without SCENARIO, one random instance and one \
random host fail, one after the other, and the host comes back.";

pub(super) const REHEARSE_EXAMPLES: &str = "\
Examples:
  reconcile rehearse                               lose an instance, then a host
  reconcile rehearse --seed 7                      others, with other luck
  reconcile rehearse power-cut.yaml                what the scenario says (README: Scenarios)
  reconcile rehearse --failures 500 --for 8760h    a bad year

Exit codes: 0 all that was expected is so; 1 it is not, or an error";

pub(super) const RENDER_ABOUT: &str = "\
Prints a file as an instance would get it, without contacting any machine.

TEMPLATE is the name of a template (nginx.conf) or the path that the file has in the guest (/etc/nginx/nginx.conf).";

pub(super) const RENDER_EXAMPLES: &str = "\
Examples:
  reconcile render nginx.conf --for web-1
  reconcile render /etc/network/interfaces --for random-2";

pub(super) const HISTORY_ABOUT: &str = "\
Shows the last actions: when, what, where, why, and how it ended. Times are in UTC.";

pub(super) const HISTORY_EXAMPLES: &str = "\
Examples:
  reconcile history                      the last 20
  reconcile history -n 5 --instance web-1
  reconcile history -n 0 --output json   all, one JSON object per line";

pub(super) const COMPLETIONS_ABOUT: &str = "\
Prints the script that completes reconcile's arguments in a shell.";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  reconcile completions bash > /etc/bash_completion.d/reconcile
  reconcile completions fish > ~/.config/fish/completions/reconcile.fish";

/// What stands at the end of the long help.
pub(super) fn long_tail() -> String {
    format!("{EXAMPLES}\n\n{EXIT_CODES}")
}
