//! Changing things on hosts and in guests over ssh. It has a reader, whose connections it shares; the acts themselves
//! are in `host_acts` and `guest_acts`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::script::WriteScript;
use super::ssh::{Answer, Endpoint, WriteAccess};
use super::ssh_reader::SshReader;
use crate::model::facts::Unseen;
use crate::model::secret::Secret;
use crate::ports::{ActError, Effect};
use crate::render::redact;

/// The acting ports over ssh.
pub struct SshWriter {
    pub(super) reader: Arc<SshReader>,
    pub(super) access: WriteAccess,
    /// What a command on a machine may repeat in its complaint, and nobody may read.
    secrets: BTreeMap<String, Secret>,
}

impl SshWriter {
    /// A writer over the connections of `reader`. What machines answer is passed on without `secrets`.
    pub fn new(reader: Arc<SshReader>, secrets: BTreeMap<String, Secret>) -> Self {
        let access = WriteAccess::beside(&reader.access);
        Self {
            reader,
            access,
            secrets,
        }
    }

    /// Runs a script that says by its exit status what it did.
    pub(super) async fn act(
        &self,
        endpoint: &Endpoint,
        script: &WriteScript,
        limit: Duration,
    ) -> Result<(Effect, Answer), ActError> {
        let mut answer = self.access.run(endpoint, script, limit).await?;
        answer.stderr = redact(&answer.stderr, &self.secrets);
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
