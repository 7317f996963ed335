//! The list of all scripts, and which of them may change anything. Their texts are in `scripts/`.

use super::script::{Body, Read, Write};

const COMMON: &str = include_str!("scripts/common.sh");
const HOST: &str = include_str!("scripts/host.sh");
const GUEST: &str = include_str!("scripts/guest.sh");

/// Everything that is to be known of a host.
pub static OBSERVE_HOST: Body<Read> = Body::new(&[
    COMMON,
    HOST,
    include_str!("scripts/probe_kvm.sh"),
    include_str!("scripts/observe_host.sh"),
]);
/// Who answers for addresses on the wire.
pub static WHO_ANSWERS: Body<Read> =
    Body::new(&[COMMON, include_str!("scripts/who_answers.sh")]);
/// Everything that is to be known of the inside of a guest.
pub static OBSERVE_GUEST: Body<Read> =
    Body::new(&[COMMON, GUEST, include_str!("scripts/observe_guest.sh")]);
/// Nothing: whether the machine lets us in.
pub static REACH: Body<Read> = Body::new(&[":"]);

/// Creates or recreates a guest.
pub static BUILD: Body<Write> = Body::new(&[COMMON, HOST, include_str!("scripts/build.sh")]);
/// Makes sure that a guest does not run.
pub static FENCE: Body<Write> = Body::new(&[COMMON, HOST, include_str!("scripts/fence.sh")]);
/// Removes a guest with its files.
pub static REMOVE: Body<Write> = Body::new(&[COMMON, HOST, include_str!("scripts/remove.sh")]);
/// Removes files of guests that do not exist.
pub static SWEEP: Body<Write> = Body::new(&[COMMON, HOST, include_str!("scripts/sweep.sh")]);
/// Writes a mark.
pub static SET_MARK: Body<Write> = Body::new(&[COMMON, HOST, include_str!("scripts/set_mark.sh")]);
/// Before a transfer: is the file there, and how much of it.
pub static COPY_BEGIN: Body<Write> =
    Body::new(&[COMMON, HOST, include_str!("scripts/copy_begin.sh")]);
/// After a transfer: check, and put in place.
pub static COPY_END: Body<Write> = Body::new(&[COMMON, HOST, include_str!("scripts/copy_end.sh")]);

/// Brings a guest's files and its process to what is desired.
pub static CONFIGURE: Body<Write> = Body::new(&[
    COMMON,
    GUEST,
    include_str!("scripts/write_files.sh"),
    include_str!("scripts/daemon.sh"),
    include_str!("scripts/configure.sh"),
]);
/// Adds an address beside the present one.
pub static ADD_ADDRESS: Body<Write> =
    Body::new(&[COMMON, GUEST, include_str!("scripts/add_address.sh")]);
/// Keeps the new address for good.
pub static SETTLE: Body<Write> = Body::new(&[
    COMMON,
    GUEST,
    include_str!("scripts/write_files.sh"),
    include_str!("scripts/settle.sh"),
]);
/// Adds a VIP.
pub static ADD_VIP: Body<Write> = Body::new(&[COMMON, GUEST, include_str!("scripts/add_vip.sh")]);
/// Takes a VIP away.
pub static DROP_VIP: Body<Write> = Body::new(&[COMMON, GUEST, include_str!("scripts/drop_vip.sh")]);
