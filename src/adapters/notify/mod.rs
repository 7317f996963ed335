//! Telling receivers: by requests to servers, by mail, by programs of this machine. What is said of a failure has no secret
//! in it, and no URL.

mod command;
mod email;
mod webhook;

use async_trait::async_trait;

use crate::model::event::Event;
use crate::model::receiver::{Means, Receiver};
use crate::ports::notifier::{Failure, Notifier};

use webhook::Client;

/// Tells receivers over the network, and by programs.
pub struct Messenger {
    client: Result<Client, String>,
}

impl Messenger {
    /// One that trusts the certificate authorities that this machine trusts.
    pub fn new() -> Self {
        Messenger {
            client: webhook::client(),
        }
    }
}

impl Default for Messenger {
    fn default() -> Self {
        Messenger::new()
    }
}

#[async_trait]
impl Notifier for Messenger {
    async fn tell(&self, receiver: &Receiver, event: &Event) -> Result<(), Failure> {
        match &receiver.means {
            Means::Webhook(webhook) => {
                let client = self.client.as_ref();
                let client = client.map_err(|error| Failure::later(error.clone()))?;
                webhook::tell(client, webhook, event).await
            }
            Means::Email(email) => email::tell(email, receiver.timeout, event).await,
            Means::Command(argv) => command::tell(argv, event).await,
        }
    }
}

#[cfg(test)]
mod tests;
