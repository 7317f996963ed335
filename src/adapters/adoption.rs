//! Domains that somebody else made, over ssh and virsh: looked at closely, and marked.

use std::time::Duration;

use async_trait::async_trait;

use super::endpoints;
use super::host_acts::bare;
use super::script::Script;
use super::scripts;
use super::ssh_reader::{SshReader, broken, text};
use super::ssh_writer::SshWriter;
use crate::model::adoption::{Adoption, Surveyed};
use crate::model::desired::Host;
use crate::model::facts::Unseen;
use crate::observe::parse_survey::parse_survey;
use crate::ports::adoption::{Adopter, Surveyor};
use crate::ports::{ActError, Effect};
use crate::render::mark_xml;

/// Five answers of virsh, one of them from an agent in the guest that may be asleep.
const SURVEY: Duration = Duration::from_secs(40);
/// Waiting for a lock, and some answers of virsh.
const ADOPT: Duration = Duration::from_secs(60);

#[async_trait]
impl Surveyor for SshReader {
    async fn survey(&self, host: &Host, uuid: &str) -> Result<Surveyed, Unseen> {
        let script = Script::new(&scripts::SURVEY).var("UUID", uuid);
        let endpoint = endpoints::host(host);
        let said = self.access.run(&endpoint, &script, SURVEY).await?;
        parse_survey(&text(&said)).map_err(|error| broken(&endpoint, &error, &said))
    }
}

#[async_trait]
impl Adopter for SshWriter {
    async fn adopt(&self, host: &Host, adoption: &Adoption) -> Result<Effect, ActError> {
        let script = Script::new(&scripts::ADOPT)
            .var("DOMAIN", adoption.domain.as_str())
            .var("UUID", &adoption.uuid)
            .var("GENERATION", &adoption.mark.generation)
            .var("MARK", bare(&mark_xml(&adoption.mark)));
        let (effect, _) = self.act(&endpoints::host(host), &script, ADOPT).await?;
        Ok(effect)
    }
}
