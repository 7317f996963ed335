//! Telling receivers: by requests to servers, by mail, by programs of this machine. What is said of a failure has no secret
//! in it, and no URL.

mod command;
mod email;
mod webhook;
mod words;

use async_trait::async_trait;

use crate::model::event::Event;
use crate::model::receiver::{Means, Receiver};
use crate::ports::notifier::{Failure, Notifier};

use webhook::Clients;

/// Tells receivers over the network, and by programs. It trusts the certificate authorities that this machine trusts.
#[derive(Default)]
pub struct Messenger {
    clients: Clients,
}

#[async_trait]
impl Notifier for Messenger {
    async fn tell(&self, receiver: &Receiver, event: &Event) -> Result<(), Failure> {
        match &receiver.means {
            Means::Webhook(webhook) => webhook::tell(&self.clients, webhook, event).await,
            Means::Email(email) => email::tell(email, receiver.timeout, event).await,
            Means::Command(argv) => command::tell(argv, event).await,
        }
    }
}

#[cfg(test)]
mod tests;
