//! Deliberate errors, by which the laws of the simulated cluster are tried: each is one line at the place where somebody
//! could make it. Without the feature `bugs`, as the product is built, there are none.

#[cfg(feature = "bugs")]
use std::sync::atomic::{AtomicU8, Ordering};

/// An error that somebody could make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Bug {
    /// A stateful guest is made elsewhere without evidence that the old one ended.
    SkipTheFence = 1,
    /// A device that failed counts as one that switched the host off.
    TrustAFailedFence,
    /// A VIP is given to another guest while its holder is out of sight.
    TakeTheVip,
    /// Who held a VIP is forgotten when it becomes that of another load balancer.
    ForgetTheHolder,
    /// A VIP is added before the old holder has given it up.
    AddTheVipFirst,
    /// What ran on a host is forgotten when it goes out of sight.
    ForgetTheMark,
    /// What ran on hosts is forgotten when the controller is restarted.
    ForgetAtRestart,
    /// Addresses that guests have are given to others.
    ReuseAnAddress,
    /// Guests are worked on though others of their group are away.
    IgnoreTheBudget,
    /// Guests are made elsewhere though it is we who are cut off.
    IgnoreTheQuorum,
    /// Guests are made elsewhere though too much fell silent at once.
    IgnoreTheBrake,
    /// Guests of a host are made elsewhere as soon as it is out of sight.
    ActUnseen,
    /// Copies that were made elsewhere meanwhile run on.
    KeepTheOldCopy,
    /// Guests of another cluster are taken for ours.
    TouchAForeignGuest,
    /// What an operator paused is worked on.
    IgnoreAPause,
    /// Hosts are worked on that another controller has.
    IgnoreTheClaim,
    /// A VIP is not given to who could have it: its holder gets it again when it was rebuilt.
    WaitForTheHolder,
}

#[cfg(feature = "bugs")]
static PRESENT: AtomicU8 = AtomicU8::new(0);

impl Bug {
    /// Whether the error is made now: never, where nobody asked for bugs.
    #[inline]
    pub fn is_in(self) -> bool {
        #[cfg(feature = "bugs")]
        return PRESENT.load(Ordering::Relaxed) == self as u8;
        #[cfg(not(feature = "bugs"))]
        false
    }

    /// Makes this error from now on, in the whole process, and no other.
    #[cfg(feature = "bugs")]
    pub fn put_in(bug: Option<Bug>) {
        PRESENT.store(bug.map_or(0, |bug| bug as u8), Ordering::Relaxed);
    }
}
