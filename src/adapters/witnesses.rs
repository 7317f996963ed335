//! Witnesses: machines that answer pings, and addresses that answer HTTP.

use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::model::policy::Witness;
use crate::ports::witness::Witnesses;

/// A witness that takes longer does not show that our network works.
const LIMIT: Duration = Duration::from_secs(2);

/// Asks over the network of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct NetworkWitnesses;

#[async_trait]
impl Witnesses for NetworkWitnesses {
    async fn answers(&self, witness: &Witness) -> bool {
        let answer = async {
            match witness {
                Witness::Address(address) => ping(&address.to_string()).await,
                Witness::Url(url) => http(url).await.is_some(),
            }
        };
        tokio::time::timeout(LIMIT, answer).await.unwrap_or(false)
    }
}

async fn ping(address: &str) -> bool {
    let mut ping = Command::new("ping");
    ping.args(["-c", "1", "-W", "1", address])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    ping.status().await.is_ok_and(|status| status.success())
}

/// Whatever it answers, it is there.
async fn http(url: &str) -> Option<()> {
    let uri: Uri = url.parse().ok()?;
    let stream = TcpStream::connect((uri.host()?, uri.port_u16().unwrap_or(80)))
        .await
        .ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path).header(hyper::header::HOST, uri.authority()?.as_str());
    let request = request.body(Empty::<Bytes>::new()).ok()?;
    let answer = sender.send_request(request);
    tokio::pin!(answer);
    tokio::select! {
        biased;
        answered = &mut answer => answered.ok().map(|_| ()),
        _ = connection => answer.await.ok().map(|_| ()),
    }
}
