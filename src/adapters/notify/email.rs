//! Mail, over SMTP: a connection for each message, since there are few.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls as SmtpTls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::words;
use crate::model::event::Event;
use crate::model::receiver::{Email, Tls};
use crate::notify::shape;
use crate::ports::notifier::Failure;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Sends the mail for an event.
pub async fn tell(email: &Email, timeout: Duration, event: &Event) -> Result<(), Failure> {
    let message = message(email, event)?;
    let sent = transport(email, timeout)?.send(message).await;
    match sent {
        Ok(_) => Ok(()),
        Err(error) if error.is_permanent() => Err(Failure::never(in_words(&error))),
        Err(error) => Err(Failure::later(in_words(&error))),
    }
}

fn transport(email: &Email, timeout: Duration) -> Result<Transport, Failure> {
    let parameters = || {
        let parameters = TlsParameters::new(email.server.clone());
        parameters.map_err(|_| Failure::later("TLS can't be set up on this machine"))
    };
    let tls = match email.tls {
        Tls::Starttls => SmtpTls::Required(parameters()?),
        Tls::Tls => SmtpTls::Wrapper(parameters()?),
        Tls::None => SmtpTls::None,
    };
    let transport = Transport::builder_dangerous(&email.server);
    let transport = transport.port(email.port).tls(tls).timeout(Some(timeout));
    let transport = match &email.login {
        Some((user, password)) => {
            transport.credentials(Credentials::new(user.clone(), password.reveal().to_owned()))
        }
        None => transport,
    };
    Ok(transport.build())
}

fn message(email: &Email, event: &Event) -> Result<Message, Failure> {
    let mailbox = |text: &str| {
        let address = text.parse::<lettre::Address>();
        let address =
            address.map_err(|_| Failure::never(format!("{text:?} is no mail address")))?;
        Ok(Mailbox::new(None, address))
    };
    let (subject, text) = shape::mail(event);
    let message = Message::builder()
        .from(mailbox(&email.from)?)
        .subject(subject);
    let message = email
        .to
        .iter()
        .try_fold(message, |message, to| Ok(message.to(mailbox(to)?)))?;
    // Whoever gets it twice, or answers mails by itself, can tell.
    let id = format!("<{}.{}@reconcile>", event.id, event.cluster);
    let message = message.message_id(Some(id)).date_now();
    let message = message.header(ContentType::TEXT_PLAIN).body(text);
    let mut message = message.map_err(|_| Failure::never("no mail can be made of it"))?;
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let automatic = HeaderValue::new(automatic, "auto-generated".to_owned());
    message.headers_mut().insert_raw(automatic);
    Ok(message)
}

/// What went wrong: of what the server said, only its number.
fn in_words(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("the server answers {code}"),
        None if error.is_client() => {
            "the server does not offer what is needed: TLS, or a login".to_owned()
        }
        None if error.is_response() => "its answer is no SMTP".to_owned(),
        None => words::in_words(error),
    }
}
