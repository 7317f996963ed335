//! What `--help` tells of the commands that give orders: each with examples.

pub(in crate::cli::args) const DRAIN_ABOUT: &str = "\
Orders that a host is to be empty: its guests go elsewhere one after the other, and no new ones come.

The order holds until `undrain`, or until the time that was given, over reboots of the host and restarts of the \
controller. Given again, it changes its reason and its end.";

pub(in crate::cli::args) const DRAIN_EXAMPLES: &str = "\
Examples:
  reconcile drain b --reason 'kernel update'
  reconcile drain b --for 2h
  reconcile drain b --until 22:00";

pub(in crate::cli::args) const UNDRAIN_ABOUT: &str = "\
Takes a drain back: the host may have guests again.";

pub(in crate::cli::args) const UNDRAIN_EXAMPLES: &str = "\
Examples:
  reconcile undrain b";

pub(in crate::cli::args) const PAUSE_ABOUT: &str = "\
Orders that the cluster, a service, a load balancer or a host is left alone, to work on it by hand.

Nothing about it is created, changed, healed or removed; plans and status say what waits. What is in hand at that \
moment is finished. Heartbeats go on.";

pub(in crate::cli::args) const PAUSE_EXAMPLES: &str = "\
Examples:
  reconcile pause                    the whole cluster
  reconcile pause service/web        a service, or a load balancer
  reconcile pause host/b --for 30m --reason 'new disks'";

pub(in crate::cli::args) const RESUME_ABOUT: &str = "\
Takes a pause back. Without an argument, or with `cluster`, also lets the brake go: a person looked at what made it \
hold.

A pause of a service or a host is taken back by its own name.";

pub(in crate::cli::args) const RESUME_EXAMPLES: &str = "\
Examples:
  reconcile resume
  reconcile resume service/random";

pub(in crate::cli::args) const DISARM_ABOUT: &str = "\
Orders that nothing is failed over: what dies stays dead, no VIP moves because its holder died, nothing is fenced.

Edits of the file are still applied. For work on the network or the power, when much may seem dead that is not.";

pub(in crate::cli::args) const DISARM_EXAMPLES: &str = "\
Examples:
  reconcile disarm --reason 'new switch' --for 1h";

pub(in crate::cli::args) const ARM_ABOUT: &str = "\
Takes `disarm` back: what is dead is recovered again, at once.";

pub(in crate::cli::args) const ARM_EXAMPLES: &str = "\
Examples:
  reconcile arm";

pub(in crate::cli::args) const RETRY_ABOUT: &str = "\
Orders that an instance is tried again, which failed so often that it was given up, or is only tried rarely.

The order is forgotten after a day.";

pub(in crate::cli::args) const RETRY_EXAMPLES: &str = "\
Examples:
  reconcile retry random-2";

pub(in crate::cli::args) const FENCE_ABOUT: &str = "\
What a person knows of a host that no fencing device can tell: `fence confirm HOST`; and whether its devices work: \
`fence test HOST`.";

pub(in crate::cli::args) const FENCE_EXAMPLES: &str = "\
Examples:
  reconcile fence test b
  reconcile fence confirm b
  reconcile fence retract b";

pub(in crate::cli::args) const FENCE_CONFIRM_ABOUT: &str = "\
Says that you have seen that a host is off, or cut from network and storage: its guests may run elsewhere now.

It is evidence, and as good as you are: if a guest still runs there, it runs twice, with its disks and addresses. It \
is refused while the host answers, or accepts connections and hangs (--force overrides that: something else has its \
address), and it counts for this absence only.";

pub(in crate::cli::args) const FENCE_CONFIRM_EXAMPLES: &str = "\
Examples:
  reconcile fence confirm b
  reconcile fence confirm b --yes    in a script that pulled the plug";

pub(in crate::cli::args) const FENCE_TEST_ABOUT: &str = "\
Asks each fencing device of a host whether it works: programs for their status, the host's libvirt and guard whether \
they answer. Nothing is switched.

Exit code 0 only if every device answers as it should. A device that says that the host is off while the host answers \
is the device of another machine.";

pub(in crate::cli::args) const FENCE_TEST_EXAMPLES: &str = "\
Examples:
  reconcile fence test b
  reconcile fence test b --device fence_ipmilan
  reconcile fence test b --output json";

pub(in crate::cli::args) const FENCE_RETRACT_ABOUT: &str = "\
Takes `fence confirm` back. What was already begun because of it is not undone.";

pub(in crate::cli::args) const FENCE_RETRACT_EXAMPLES: &str = "\
Examples:
  reconcile fence retract b";

pub(in crate::cli::args) const ROLLBACK_ABOUT: &str = "\
Applies an earlier state of the file, and holds the present one back until the file is edited, or another commit comes: the last state \
with which all was as desired, or the one that is named, by its revision or its commit, as plans, `validate` and `history` show them.

No guard asks whether it may. A controller that runs does it at once, else the next run of `reconcile`.";

pub(in crate::cli::args) const ROLLBACK_EXAMPLES: &str = "\
Examples:
  reconcile rollback --reason 'random-1 never comes up'
  reconcile rollback 1f0e7c3a9           to the state of that commit
  reconcile rollback --undo 3f2a91c04b7e";

pub(in crate::cli::args) const APPROVE_ABOUT: &str = "\
Orders that a change comes into force though a guard holds it: it reaches farther than `changes.automatic`, it removes more
than `safety.max_destroy`, or everything. With --now, it does not wait for a window either.

What is approved is this change: what it does to whom, for this state of the file. Another edit, or a plan that does something
else by now, has another name, and needs another approval.

The name of a commit does the same for the change that it makes; and where somebody rewrote the branch and meant it, it lets
that commit be applied though it was not made on top of the one in force.

The order is forgotten after a day. A commit without a signature that counts is not applied by it.";

pub(in crate::cli::args) const APPROVE_EXAMPLES: &str = "\
Examples:
  reconcile approve 3f2a91c04b7e --reason 'the old shop goes'
  reconcile approve 3f2a91c04b7e --now
  reconcile approve 1f0e7c3a9 --reason 'squashed before the release'
  reconcile approve --undo 3f2a91c04b7e";

pub(in crate::cli::args) const UNPROTECT_ABOUT: &str = "\
Orders that a service or load balancer with `protect: yes` may go: a change that removes its block, or scales it to nothing, is held
before that. No approval does the same.

The order is forgotten after a day.";

pub(in crate::cli::args) const UNPROTECT_EXAMPLES: &str = "\
Examples:
  reconcile unprotect database --reason 'moved to the new one'
  reconcile unprotect --undo database";

pub(in crate::cli::args) const ORDERS_ABOUT: &str = "\
Shows which orders are in force: what, by whom, since when, until when, and why.

They are kept in the state directory, and work whether a controller runs or not.";

pub(in crate::cli::args) const ORDERS_EXAMPLES: &str = "\
Examples:
  reconcile orders
  reconcile orders --output json | jq '.orders[] | select(.order == \"drained\")'";
