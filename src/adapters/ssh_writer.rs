//! Changing things on hosts and in guests over ssh. It has a reader, whose connections it shares; the acts themselves
//! are in `host_acts` and `guest_acts`.

use std::sync::Arc;
use std::time::Duration;

use super::script::WriteScript;
use super::ssh::{Answer, Endpoint, WriteAccess};
use super::ssh_reader::SshReader;
use crate::model::facts::Unseen;
use crate::ports::{ActError, Effect};

/// The acting ports over ssh.
pub struct SshWriter {
    pub(super) reader: Arc<SshReader>,
    pub(super) access: WriteAccess,
}

impl SshWriter {
    /// A writer over the connections of `reader`.
    pub fn new(reader: Arc<SshReader>) -> Self {
        let access = WriteAccess::beside(&reader.access);
        Self { reader, access }
    }

    /// Runs a script that says by its exit status what it did.
    pub(super) async fn act(
        &self,
        endpoint: &Endpoint,
        script: &WriteScript,
        limit: Duration,
    ) -> Result<(Effect, Answer), ActError> {
        let answer = self.access.run(endpoint, script, limit).await?;
        let effect = effect(endpoint, &answer)?;
        if !answer.stderr.is_empty() {
            tracing::warn!(machine = %endpoint.name, "{}", answer.stderr);
        }
        Ok((effect, answer))
    }
}

/// What an exit status means: see `scripts/common.sh`.
pub(super) fn effect(endpoint: &Endpoint, answer: &Answer) -> Result<Effect, ActError> {
    let message = || match answer.stderr.as_str() {
        "" => format!(
            "{}: exit status {}, and no word",
            endpoint.name, answer.status
        ),
        said => format!("{}: {said}", endpoint.name),
    };
    match answer.status {
        0 => Ok(Effect::Changed),
        10 => Ok(Effect::AlreadyDone),
        11 => Err(ActError::Moved(message())),
        _ => Err(ActError::Failed(message())),
    }
}

/// An answer that makes no sense is a failed act: whatever it did, the next round sees.
pub(super) fn senseless(unseen: Unseen) -> ActError {
    ActError::Failed(unseen.message)
}
