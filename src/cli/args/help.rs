//! The long texts of the help. Words only.

mod orders;

pub(super) use orders::*;

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

pub(super) const NOTIFY_ABOUT: &str = "\
Sends a message to receivers of the file (`notify:`), and shows what came of each and how long it took.

The message says that it is a test, and is sent whatever events, severity or rate a receiver has; one that is only told of \
commits gets a status of its own for the commit in force, with --repo. `reconcile validate` checks receivers without sending.";

pub(super) const NOTIFY_EXAMPLES: &str = "\
Examples:
  reconcile notify test
  reconcile notify test ops --output json

Exit codes: 0 each message was taken; 1 one was not, or error";

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
