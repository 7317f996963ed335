//! What went wrong on the network, in our own words.

use std::error::Error;
use std::io::ErrorKind;

/// What went wrong, in our own words: those of libraries may have the server's name in them, and that may be a secret.
pub fn in_words(error: &(dyn Error + 'static)) -> String {
    let mut cause = Some(error);
    let mut words = "the connection broke";
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            words = match kind_of(error) {
                ErrorKind::ConnectionRefused => "connection refused",
                ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "no way to it",
                ErrorKind::TimedOut => "no answer in time",
                ErrorKind::InvalidData => {
                    "the server's certificate is not accepted, or it speaks no TLS"
                }
                ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                    "it closed the connection without an answer"
                }
                _ => words,
            };
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            words = match error.is_incomplete_message() || error.is_closed() || error.is_canceled()
            {
                true => "it closed the connection without an answer",
                false if error.is_parse() => "its answer is no HTTP",
                false => words,
            };
        }
        if error.to_string() == "dns error" {
            words = "its name is not known";
        }
        cause = error.source();
    }
    words.to_owned()
}

/// The kind of the error that others were wrapped around.
fn kind_of(error: &std::io::Error) -> ErrorKind {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    inner.map_or_else(|| error.kind(), kind_of)
}
