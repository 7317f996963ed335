//! Whether anything accepts connections at a host's sshd: a host that hangs does so, though nobody answers on it.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::model::desired::Host;

/// The port of sshd where the file says none.
const SSH: u16 = 22;
/// A kernel accepts connections at once, or not at all.
const LIMIT: Duration = Duration::from_secs(3);

/// Whether a connection to the sshd of a host is accepted, whoever accepts it.
pub async fn accepts(host: &Host) -> bool {
    let sshd = (host.address.as_str(), host.port.unwrap_or(SSH));
    let accepted = tokio::time::timeout(LIMIT, TcpStream::connect(sshd)).await;
    accepted.is_ok_and(|connected| connected.is_ok())
}
