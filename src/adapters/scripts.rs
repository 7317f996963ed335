//! The list of all scripts, and which of them may change anything. Their texts are in `scripts/`.

use super::script::{Body, Read, Write};

const COMMON: &str = include_str!("scripts/common.sh");
const LIBVIRT: &str = include_str!("scripts/libvirt.sh");
const HOST: &str = include_str!("scripts/host.sh");
const ADDRESS: &str = include_str!("scripts/address.sh");
const SEES: &str = include_str!("scripts/sees.sh");
const UPTIME: &str = include_str!("scripts/uptime.sh");
const CLAIM: &str = include_str!("scripts/claim.sh");
const WRITE_CLAIM: &str = include_str!("scripts/write_claim.sh");
const GUARD_LIVES: &str = include_str!("scripts/guard_lives.sh");
const GUEST: &str = include_str!("scripts/guest.sh");

/// Everything that is to be known of a host.
pub static OBSERVE_HOST: Body<Read> = Body::new(&[
    COMMON,
    LIBVIRT,
    include_str!("scripts/probe_kvm.sh"),
    SEES,
    UPTIME,
    CLAIM,
    include_str!("scripts/observe_host.sh"),
]);
/// Who answers for addresses on the wire.
pub static WHO_ANSWERS: Body<Read> = Body::new(&[COMMON, include_str!("scripts/who_answers.sh")]);
/// Everything that is to be known of the inside of a guest.
pub static OBSERVE_GUEST: Body<Read> =
    Body::new(&[COMMON, GUEST, include_str!("scripts/observe_guest.sh")]);
/// A close look at one domain.
pub static SURVEY: Body<Read> = Body::new(&[COMMON, LIBVIRT, include_str!("scripts/survey.sh")]);
/// Whether the guard of a host runs.
pub static OBSERVE_GUARD: Body<Read> = Body::new(&[
    COMMON,
    UPTIME,
    GUARD_LIVES,
    include_str!("scripts/observe_guard.sh"),
]);
/// Nothing: whether the machine lets us in.
pub static REACH: Body<Read> = Body::new(&[":"]);

/// Creates or recreates a guest.
pub static BUILD: Body<Write> =
    Body::new(&[COMMON, LIBVIRT, HOST, include_str!("scripts/build.sh")]);
/// Makes sure that a guest does not run.
pub static FENCE: Body<Write> =
    Body::new(&[COMMON, LIBVIRT, HOST, include_str!("scripts/fence.sh")]);
/// Removes a guest with its files.
pub static REMOVE: Body<Write> =
    Body::new(&[COMMON, LIBVIRT, HOST, include_str!("scripts/remove.sh")]);
/// Removes files of guests that do not exist.
pub static SWEEP: Body<Write> =
    Body::new(&[COMMON, LIBVIRT, HOST, include_str!("scripts/sweep.sh")]);
/// Writes a mark.
pub static SET_MARK: Body<Write> =
    Body::new(&[COMMON, LIBVIRT, HOST, include_str!("scripts/set_mark.sh")]);
/// Writes a mark into a domain that has none.
pub static ADOPT: Body<Write> =
    Body::new(&[COMMON, LIBVIRT, HOST, include_str!("scripts/adopt.sh")]);
/// Takes the claim on a host, or renews it.
pub static KEEP_CLAIM: Body<Write> = Body::new(&[
    COMMON,
    UPTIME,
    CLAIM,
    WRITE_CLAIM,
    include_str!("scripts/keep_claim.sh"),
]);
/// Gives up the claim on a host.
pub static RELEASE_CLAIM: Body<Write> = Body::new(&[
    COMMON,
    UPTIME,
    CLAIM,
    WRITE_CLAIM,
    include_str!("scripts/release_claim.sh"),
]);
/// Arms the guard of a host and renews its lease.
pub static KEEP_GUARD: Body<Write> = Body::new(&[
    COMMON,
    UPTIME,
    GUARD_LIVES,
    include_str!("scripts/keep_guard.sh"),
]);
/// Ends the guard of a host.
pub static END_GUARD: Body<Write> =
    Body::new(&[COMMON, GUARD_LIVES, include_str!("scripts/end_guard.sh")]);
/// The guard itself.
pub static GUARD: Body<Write> =
    Body::new(&[COMMON, UPTIME, SEES, include_str!("scripts/guard.sh")]);
/// Before a transfer: is the file there, and how much of it.
pub static COPY_BEGIN: Body<Write> = Body::new(&[COMMON, include_str!("scripts/copy_begin.sh")]);
/// After a transfer: check, and put in place.
pub static COPY_END: Body<Write> = Body::new(&[COMMON, include_str!("scripts/copy_end.sh")]);

/// Brings a guest's files and its process to what is desired.
pub static CONFIGURE: Body<Write> = Body::new(&[
    COMMON,
    GUEST,
    include_str!("scripts/write_files.sh"),
    include_str!("scripts/name_servers.sh"),
    include_str!("scripts/daemon.sh"),
    include_str!("scripts/configure.sh"),
]);
/// Adds an address beside the present one.
pub static ADD_ADDRESS: Body<Write> = Body::new(&[
    COMMON,
    GUEST,
    ADDRESS,
    include_str!("scripts/add_address.sh"),
]);
/// Keeps the new address for good.
pub static SETTLE: Body<Write> = Body::new(&[
    COMMON,
    GUEST,
    ADDRESS,
    include_str!("scripts/write_files.sh"),
    include_str!("scripts/name_servers.sh"),
    include_str!("scripts/settle.sh"),
]);
/// Adds a VIP.
pub static ADD_VIP: Body<Write> =
    Body::new(&[COMMON, GUEST, ADDRESS, include_str!("scripts/add_vip.sh")]);
/// Takes a VIP away.
pub static DROP_VIP: Body<Write> =
    Body::new(&[COMMON, GUEST, ADDRESS, include_str!("scripts/drop_vip.sh")]);

/// Takes the data of a transfer: the text of a fixed command, which the others are not.
pub const COPY_DATA: &str = include_str!("scripts/copy_data.sh");

/// Says what happens to domains, as long as somebody listens: the text of a fixed command, too.
pub const EVENTS: &str = include_str!("scripts/events.sh");

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::super::script::Script;
    use super::*;

    fn texts() -> Vec<(&'static str, Vec<u8>)> {
        macro_rules! rendered {
            ($($name:ident),*) => { vec![$((stringify!($name), Script::new(&$name).render().unwrap())),*] };
        }
        rendered!(
            OBSERVE_HOST,
            WHO_ANSWERS,
            OBSERVE_GUEST,
            OBSERVE_GUARD,
            SURVEY,
            REACH,
            BUILD,
            FENCE,
            REMOVE,
            SWEEP,
            SET_MARK,
            ADOPT,
            KEEP_CLAIM,
            RELEASE_CLAIM,
            KEEP_GUARD,
            END_GUARD,
            GUARD,
            COPY_BEGIN,
            COPY_END,
            CONFIGURE,
            ADD_ADDRESS,
            SETTLE,
            ADD_VIP,
            DROP_VIP
        )
    }

    fn checked(program: &str, args: &[&str], name: &str, text: &[u8]) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(name);
        std::fs::write(&file, text).unwrap();
        match Command::new(program).args(args).arg(&file).output() {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stdout).into_owned()
                    + &String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{name}: {said}");
            }
            Err(error) => {
                eprintln!("{program} is not installed here ({error}): {name} is not checked by it")
            }
        }
    }

    #[test]
    fn every_script_is_a_whole_program_for_every_shell() {
        for (name, text) in texts() {
            checked("sh", &["-n"], name, &text);
            checked("bash", &["--posix", "-n"], name, &text);
            checked("busybox", &["sh", "-n"], name, &text);
        }
    }

    // Variables in capitals come from outside (SC2153, SC2154), and what a library has is not used by everybody
    // (SC2034, SC2317). `A && B || C` is meant as it stands (SC2015). `-s dash`: every shell that we meet has `-nt`.
    #[test]
    fn shellcheck_has_nothing_to_say() {
        for (name, text) in texts() {
            checked(
                "shellcheck",
                &["-s", "dash", "-e", "SC2034,SC2153,SC2154,SC2015,SC2317"],
                name,
                &text,
            );
        }
    }

    // All that a reading script keeps is a lock and a verdict in /run, and the probe's temporary file.
    #[test]
    fn a_reading_script_has_no_word_that_changes_a_machine() {
        let writing = [
            "rm ",
            "mv ",
            "chmod",
            "chown",
            "ln ",
            "cp ",
            "kill ",
            "vsh define",
            "vsh start",
            "vsh destroy",
            "vsh undefine",
            "--set",
            "qemu-img",
            "addr add",
            "addr del",
            "systemctl ",
            "rc-service ",
        ];
        let harmless = ["rm -f \"$bios\"", "kill -0 ", "-v rc-service "];
        for (name, text) in texts().into_iter().take(6) {
            let text = String::from_utf8(text).unwrap();
            let body = harmless
                .iter()
                .fold(text, |text, word| text.replace(word, ""));
            for word in writing {
                assert!(!body.contains(word), "{name} has {word:?}");
            }
        }
    }
}
