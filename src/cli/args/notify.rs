//! Arguments of `notify`.

use clap::Subcommand;

use super::help;
use crate::model::id::ReceiverName;

/// What is done about receivers.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum NotifyCommand {
    /// Send a message that says that it is a test
    #[command(long_about = help::NOTIFY_ABOUT, after_help = help::NOTIFY_EXAMPLES)]
    Test {
        /// Only to this receiver; left out, to all of the file
        receiver: Option<ReceiverName>,
    },
}
