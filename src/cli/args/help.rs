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
  reconcile --dry-run --out plan.json && reconcile apply plan.json
                                    look at it first, then do exactly that
  reconcile --target service/web random-2 --exclude host/b
                                    in an emergency: work on these, and leave the rest as it is
  reconcile watch                   keep it so: heal what breaks, follow edits
  reconcile status                  show what runs where, and what is wrong
  reconcile --dry-run --output json --detailed-exitcode
  reconcile --dry-run --output markdown > comment.md
                                    for a comment at a pull request";

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done, or nothing to do
  1  error: bad arguments or file, or nothing could be applied
  2  changes are pending (only with --detailed-exitcode), or there is drift
  3  something is blocked; the plan says why
  4  something could not be observed; nothing was decided about it
  5  a saved plan does not hold any more: nothing was applied
  6  applied in part: some actions succeeded, some did not";

pub(super) const PLAN_ABOUT: &str = "\
Shows the plan and does nothing, as `reconcile --dry-run` does.

With --from and --to, it compares two commits of the repository that the file lies in, or of what `reconcile watch --repo` \
has fetched: what the later one does that the earlier one does not, and the other way round. No host is asked: both are \
planned against what a controller saw last, which it keeps in the file observed.json of its state directory. A copy of that \
does elsewhere, as in a CI job. It holds no secret, and no content of any file. Secrets, keys and images need not be there.";

pub(super) const PLAN_EXAMPLES: &str = "\
Examples:
  reconcile plan                             as reconcile --dry-run
  reconcile plan --target random-2           only what is done for this one, and what that needs
  reconcile plan --why                       with the grounds of each action
  reconcile plan --from main --to HEAD       what would merging this branch do?
  reconcile plan --from origin/main --to HEAD --observed observed.json --output markdown

Exit codes: 0 shown; 1 error; 2 changes are pending (with --detailed-exitcode); 3 something is blocked; 4 something could \
not be observed";

pub(super) const APPLY_ABOUT: &str = "\
Applies a plan that `reconcile --dry-run --out PLAN` has saved: exactly those actions, or none.

It reads the file and looks at all hosts anew. If what would be done now is not what was saved, action by action, it \
does nothing, says what moved, and exits with 5; likewise if the plan has expired, or was applied before. A saved plan \
holds no secrets, and no rights: whoever applies it needs the same file, keys and secrets as for any other apply. It \
does not ask.";

pub(super) const APPLY_EXAMPLES: &str = "\
Examples:
  reconcile --dry-run --out plan.json    look, and save what was shown
  reconcile apply plan.json              do exactly that
  reconcile --dry-run --out plan.json --expires 15m

Exit codes: as of reconcile without a command; 5 it does not hold any more, and nothing was applied";

pub(super) const WATCH_ABOUT: &str = "\
Runs until it is stopped: heals what breaks, and follows edits of cluster.yaml.

It looks at once when a domain stops, a heartbeat is missed or the file changes, and at a steady pace otherwise. It \
does not ask. An edit that is not valid changes nothing: the last good state stays in force, and the log says so. \
SIGTERM or SIGINT (Ctrl-C) end it cleanly, after the actions in hand.

With --repo, it follows a branch of a git repository instead of a file here, by the git program and so with your own keys \
and credentials. The file and all that it names by relative paths are those of one commit. A commit that is broken, not \
signed as it should be, or not made on top of the one in force is not applied; the last good one stays in force.";

pub(super) const WATCH_EXAMPLES: &str = "\
Examples:
  reconcile watch                        in a terminal
  reconcile watch --log-format json      under systemd or another supervisor
  reconcile watch --repo git@example.org:cluster.git --branch main
  reconcile watch --repo /srv/cluster.git --allowed-signers /etc/reconcile/signers";

pub(super) const STATUS_ABOUT: &str = "\
Shows hosts, instances and load balancers as they are now, and what is wrong.

It observes all hosts once and changes nothing. What the hosts can't tell (since when, what is being done) comes \
from the state directory.";

pub(super) const STATUS_EXAMPLES: &str = "\
Examples:
  reconcile status
  reconcile status --output json | jq '.instances[] | select(.healthy | not)'

Exit codes: 0 shown; 1 error; 3 something is blocked; 4 something could not be observed";

pub(super) const DRIFT_ABOUT: &str = "\
Shows what differs from the state of the file that is in force: what died, what somebody edited on a guest (as a \
diff, with when the file was written), what is there and should not be.

It observes all hosts once, as --dry-run does, and changes nothing. An edit of the file that is not in force yet is no drift.";

pub(super) const DRIFT_EXAMPLES: &str = "\
Examples:
  reconcile drift
  reconcile drift --output json | jq '.drift[] | select(.files != [])'

Exit codes: 0 there is none; 1 error; 2 there is some; 3 something is blocked; 4 something could not be observed";

pub(super) const WHY_ABOUT: &str = "\
Explains a placement: where an instance is or would go, what decided that, and every host with what counts for it or \
why it can't take the instance.

It observes all hosts once and changes nothing. With HOST, it says in words why the instance is there, or why not.";

pub(super) const WHY_EXAMPLES: &str = "\
Examples:
  reconcile why web-1                    all hosts, the best one first
  reconcile why web-1 b                  why on host b, or why not
  reconcile why web-1 --output json | jq '.hosts[] | select(.score == null)'

Exit codes: 0 shown; 1 error; 3 something is blocked; 4 something could not be observed";

pub(super) const VALIDATE_ABOUT: &str = "\
Checks cluster.yaml and everything it refers to, without contacting any machine.

All errors of the file are shown at once, each with its line and how to mend it. Warnings tell of what is right and hardly \
meant: an image, a network, a secret or a template that nothing uses, a host that no group may have, a rule that does \
nothing, pools that are too small when a host is lost.";

pub(super) const VALIDATE_EXAMPLES: &str = "\
Examples:
  reconcile validate
  reconcile validate -f specs/demo.yaml && git commit
  reconcile validate --strict            in CI: warnings are errors

Exit codes: 0 valid; 1 not valid, or --strict found a warning";

pub(super) const FMT_ABOUT: &str = "\
Formats cluster.yaml and the files that it includes: indentation, spaces, line breaks, quotes.

Comments, the order of keys and every value stay: what was formatted is read again and compared before anything is \
written. A file with errors in its YAML is left alone. Files are replaced whole; their mode and owner stay.";

pub(super) const FMT_EXAMPLES: &str = "\
Examples:
  reconcile fmt                          cluster.yaml and what it includes
  reconcile fmt --diff                   only show what would change
  reconcile fmt --check && git commit    in a hook
  reconcile fmt scenarios/*.yaml         these files

Exit codes: 0 formatted; 1 a file has errors, or --check found one that is not formatted";

pub(super) const SCHEMA_ABOUT: &str = "\
Prints the JSON Schema of cluster.yaml, for completion and checks in editors; of scenarios; or of plans, for programs that \
read what --output json prints.";

pub(super) const SCHEMA_EXAMPLES: &str = "\
Examples:
  reconcile schema > cluster.schema.json
  # then, as the first line of cluster.yaml (yaml-language-server):
  # yaml-language-server: $schema=cluster.schema.json
  reconcile schema --included > included.schema.json   # for the files of `include:`
  reconcile schema --scenario > scenario.schema.json
  reconcile schema --plan              of plans, saved ones too, for programs that read them";

pub(super) const EXPLAIN_ABOUT: &str = "\
Explains a key of cluster.yaml: what it takes, what counts when it is left out, what it is for, and the keys below it.

Names that you chose may stand in the path, or be left out. A single word is looked for everywhere.";

pub(super) const EXPLAIN_EXAMPLES: &str = "\
Examples:
  reconcile explain
  reconcile explain services.heartbeat
  reconcile explain load_balancers.web.port
  reconcile explain pin";

pub(super) const REHEARSE_ABOUT: &str = "\
Tries cluster.yaml on a simulated cluster, in virtual time: builds it from nothing, lets things fail, and shows what \
the controller decides and why, what it does, and what clients notice of it.

It contacts no machine and needs no rights. Hosts, libvirt, guests and the network are simulated; the controller is the \
one that runs in `reconcile watch`. The same seed gives the same output. Without SCENARIO, one random instance and one \
random host fail, one after the other, and the host comes back.

With --survive, each of the named things is lost in turn, each in a rehearsal of its own on a cluster that has settled, \
and stays away (a controller is started again). A loss is survived when never fewer than `min_available` instances of a \
group serve (left out: all but one), and at the end every instance serves again, every VIP has a holder, and nothing is blocked. For each loss that is \
not survived: what breaks, why, and the smallest change of cluster.yaml with which a rehearsal of it goes well. A SCENARIO \
says the hardware of the hosts then, and what happens before each loss.";

pub(super) const REHEARSE_EXAMPLES: &str = "\
Examples:
  reconcile rehearse                               lose an instance, then a host
  reconcile rehearse --seed 7                      others, with other luck
  reconcile rehearse power-cut.yaml                what the scenario says (README: Rehearsals)
  reconcile rehearse --failures 500 --for 365d     a bad year
  reconcile rehearse --survive any-host            lose each host in turn
  reconcile rehearse --survive any-2-hosts         each pair of them
  reconcile rehearse --survive any-rack            all hosts with one value of the label `rack`; so with any label
  reconcile rehearse --survive any-instance        each guest
  reconcile rehearse --survive any-controller      the controller, at rest and in the middle of its work

Exit codes: 0 all that was expected is so, every loss is survived; 1 it is not, or an error";

pub(super) const RENDER_ABOUT: &str = "\
Prints a file as an instance would get it, without contacting any machine.

TEMPLATE is the name of a template (nginx.conf) or the path that the file has in the guest (/etc/nginx/nginx.conf).";

pub(super) const RENDER_EXAMPLES: &str = "\
Examples:
  reconcile render nginx.conf --for web-1
  reconcile render /etc/network/interfaces --for random-2";

pub(super) const DRAIN_ABOUT: &str = "\
Orders that a host is to be empty: its guests go elsewhere one after the other, and no new ones come.

The order holds until `undrain`, or until the time that was given, over reboots of the host and restarts of the \
controller. Given again, it changes its reason and its end.";

pub(super) const DRAIN_EXAMPLES: &str = "\
Examples:
  reconcile drain b --reason 'kernel update'
  reconcile drain b --for 2h
  reconcile drain b --until 22:00";

pub(super) const UNDRAIN_ABOUT: &str = "\
Takes a drain back: the host may have guests again.";

pub(super) const UNDRAIN_EXAMPLES: &str = "\
Examples:
  reconcile undrain b";

pub(super) const PAUSE_ABOUT: &str = "\
Orders that the cluster, a service, a load balancer or a host is left alone, to work on it by hand.

Nothing about it is created, changed, healed or removed; plans and status say what waits. What is in hand at that \
moment is finished. Heartbeats go on.";

pub(super) const PAUSE_EXAMPLES: &str = "\
Examples:
  reconcile pause                    the whole cluster
  reconcile pause service/web        a service, or a load balancer
  reconcile pause host/b --for 30m --reason 'new disks'";

pub(super) const RESUME_ABOUT: &str = "\
Takes a pause back. Without an argument, or with `cluster`, also lets the brake go: a person looked at what made it \
hold.

A pause of a service or a host is taken back by its own name.";

pub(super) const RESUME_EXAMPLES: &str = "\
Examples:
  reconcile resume
  reconcile resume service/random";

pub(super) const DISARM_ABOUT: &str = "\
Orders that nothing is failed over: what dies stays dead, no VIP moves because its holder died, nothing is fenced.

Edits of the file are still applied. For work on the network or the power, when much may seem dead that is not.";

pub(super) const DISARM_EXAMPLES: &str = "\
Examples:
  reconcile disarm --reason 'new switch' --for 1h";

pub(super) const ARM_ABOUT: &str = "\
Takes `disarm` back: what is dead is recovered again, at once.";

pub(super) const ARM_EXAMPLES: &str = "\
Examples:
  reconcile arm";

pub(super) const RETRY_ABOUT: &str = "\
Orders that an instance is tried again, which failed so often that it was given up, or is only tried rarely.

The order is forgotten after a day.";

pub(super) const RETRY_EXAMPLES: &str = "\
Examples:
  reconcile retry random-2";

pub(super) const FENCE_ABOUT: &str = "\
What a person knows of a host that no fencing device can tell: `fence confirm HOST`; and whether its devices work: \
`fence test HOST`.";

pub(super) const FENCE_EXAMPLES: &str = "\
Examples:
  reconcile fence test b
  reconcile fence confirm b
  reconcile fence retract b";

pub(super) const FENCE_CONFIRM_ABOUT: &str = "\
Says that you have seen that a host is off, or cut from network and storage: its guests may run elsewhere now.

It is evidence, and as good as you are: if a guest still runs there, it runs twice, with its disks and addresses. It \
is refused while the host answers, or accepts connections and hangs (--force overrides that: something else has its \
address), and it counts for this absence only.";

pub(super) const FENCE_CONFIRM_EXAMPLES: &str = "\
Examples:
  reconcile fence confirm b
  reconcile fence confirm b --yes    in a script that pulled the plug";

pub(super) const FENCE_TEST_ABOUT: &str = "\
Asks each fencing device of a host whether it works: programs for their status, the host's libvirt and guard whether \
they answer. Nothing is switched.

Exit code 0 only if every device answers as it should. A device that says that the host is off while the host answers \
is the device of another machine.";

pub(super) const FENCE_TEST_EXAMPLES: &str = "\
Examples:
  reconcile fence test b
  reconcile fence test b --device fence_ipmilan
  reconcile fence test b --output json";

pub(super) const FENCE_RETRACT_ABOUT: &str = "\
Takes `fence confirm` back. What was already begun because of it is not undone.";

pub(super) const FENCE_RETRACT_EXAMPLES: &str = "\
Examples:
  reconcile fence retract b";

pub(super) const NOTIFY_ABOUT: &str = "\
Sends a message to receivers of the file (`notify:`), and shows what came of each and how long it took.

The message says that it is a test, and is sent whatever events, severity or rate a receiver has; one that is only told of \
commits gets a status of its own for the commit in force, with --repo. `reconcile validate` checks receivers without sending.";

pub(super) const NOTIFY_EXAMPLES: &str = "\
Examples:
  reconcile notify test
  reconcile notify test ops --output json

Exit codes: 0 each message was taken; 1 one was not, or error";

pub(super) const ROLLBACK_ABOUT: &str = "\
Orders that a state of the file is not applied: the present one, or the one that is named.

A state is named by its revision, as plans, `validate` and `history` show it.";

pub(super) const ROLLBACK_EXAMPLES: &str = "\
Examples:
  reconcile rollback --reason 'random-1 never comes up'
  reconcile rollback 3f2a91c04b7e
  reconcile rollback --undo 3f2a91c04b7e";

pub(super) const APPROVE_ABOUT: &str = "\
Orders that a change comes into force though a guard holds it: it reaches farther than `changes.automatic`, it removes more
than `safety.max_destroy`, or everything. With --now, it does not wait for a window either.

What is approved is this change: what it does to whom, for this state of the file. Another edit, or a plan that does something
else by now, has another name, and needs another approval.

The name of a commit does the same for the change that it makes; and where somebody rewrote the branch and meant it, it lets
that commit be applied though it was not made on top of the one in force.

The order is forgotten after a day. A commit without a signature that counts is not applied by it.";

pub(super) const APPROVE_EXAMPLES: &str = "\
Examples:
  reconcile approve 3f2a91c04b7e --reason 'the old shop goes'
  reconcile approve 3f2a91c04b7e --now
  reconcile approve 1f0e7c3a9 --reason 'squashed before the release'
  reconcile approve --undo 3f2a91c04b7e";

pub(super) const UNPROTECT_ABOUT: &str = "\
Orders that a service or load balancer with `protect: yes` may go: a change that removes its block, or scales it to nothing, is held
before that. No approval does the same.

The order is forgotten after a day.";

pub(super) const UNPROTECT_EXAMPLES: &str = "\
Examples:
  reconcile unprotect database --reason 'moved to the new one'
  reconcile unprotect --undo database";

pub(super) const ORDERS_ABOUT: &str = "\
Shows which orders are in force: what, by whom, since when, until when, and why.

They are kept in the state directory, and work whether a controller runs or not.";

pub(super) const ORDERS_EXAMPLES: &str = "\
Examples:
  reconcile orders
  reconcile orders --output json | jq '.orders[] | select(.order == \"drained\")'";

pub(super) const HISTORY_ABOUT: &str = "\
Shows the last actions: when, what, where, why, and how it ended; and the orders that were given or taken back. Times \
are in UTC.";

pub(super) const HISTORY_EXAMPLES: &str = "\
Examples:
  reconcile history                      the last 20
  reconcile history -n 5 --instance web-1
  reconcile history -n 0 --output json   all, one JSON object per line";

pub(super) const COMPLETIONS_ABOUT: &str = "\
Prints the script that completes reconcile's arguments in a shell: commands, flags, and the hosts, services and instances of \
the file that -f or --repo names.

The shell runs reconcile for that, which reads the file and contacts nothing. Make the script anew after an update.";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  reconcile completions bash > /etc/bash_completion.d/reconcile
  source <(reconcile completions zsh)    as a line of ~/.zshrc
  reconcile completions fish > ~/.config/fish/completions/reconcile.fish";

/// What stands at the end of the long help.
pub(super) fn long_tail() -> String {
    format!("{EXAMPLES}\n\n{EXIT_CODES}")
}
