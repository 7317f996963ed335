//! Connections to machines over the user's own OpenSSH: one multiplexed connection per machine, opened when it is
//! first needed and kept. What is run over it are scripts and nothing else; what they mean is not known here.
//!
//! Guarantees: no call hangs, each has its limit; a connection that broke is opened anew once; a writing script that
//! may have begun is never sent a second time. A process that is killed leaves connections behind that end by
//! themselves after a minute without use, and the next process removes what is left of them.

mod control;
mod error;
mod link;

use std::collections::HashMap;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::sync::{Mutex, Semaphore};

use self::control::ControlDir;
use self::link::{CallError, Link};
use super::script::{NulByte, ReadScript, Script, WriteScript};
use crate::model::desired::SshAccess;
use crate::model::facts::{Unseen, UnseenKind};

/// Connections that are being opened at the same time. Each is a process for a moment.
const CONCURRENT_CONNECTS: usize = 32;

/// A machine, and how to connect to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// What people call it: in messages.
    pub name: String,
    /// What ssh connects to.
    pub destination: String,
    /// The port; none leaves it to the user's configuration.
    pub port: Option<u16>,
    /// The user; none leaves it to the user's configuration.
    pub user: Option<String>,
    /// What its host key must be.
    pub keys: HostKeys,
    /// How long connecting may take, in seconds.
    pub connect_seconds: u64,
}

/// What a machine's host key must be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HostKeys {
    /// One that the user knows already.
    Known,
    /// The one that it showed the first time, under this name, kept in this file.
    Pinned {
        /// The name that stands in the file instead of the address.
        alias: String,
        /// The file.
        file: PathBuf,
    },
    /// Any: who it is, is found out by other means.
    Any,
}

/// What a script left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its exit status.
    pub status: i32,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error, for people.
    pub stderr: String,
}

/// A way to machines over which only reading scripts go.
#[derive(Clone)]
pub struct ReadAccess(Arc<Pool>);

/// A way to machines over which everything goes.
#[derive(Clone)]
pub struct WriteAccess(Arc<Pool>);

impl ReadAccess {
    /// A pool of connections of its own.
    pub fn new(access: SshAccess) -> std::io::Result<Self> {
        Ok(Self(Arc::new(Pool::new(access)?)))
    }

    /// Runs a script.
    pub async fn run(
        &self,
        endpoint: &Endpoint,
        script: &ReadScript,
        limit: Duration,
    ) -> Result<Answer, Unseen> {
        let text = rendered(endpoint, script)?;
        self.0.run(endpoint, &text, limit, Repeat::Harmless).await
    }

    /// Runs the fixed program `body`, which changes nothing, and hands over every line that it says until it ends.
    /// Returns why that is.
    pub async fn listen(
        &self,
        endpoint: &Endpoint,
        body: &'static str,
        hear: link::Hear<'_>,
    ) -> Unseen {
        let link = match self.0.link(endpoint).await {
            Ok(link) => link,
            Err(unseen) => return unseen,
        };
        let command = link::fixed_command(endpoint, body);
        match link.listen(&command, hear).await {
            Ok(()) => Unseen::new(
                UnseenKind::Broken,
                format!("{}: there is nothing more to hear", endpoint.name),
            ),
            Err(error) => error.unseen(&endpoint.name),
        }
    }
}

impl WriteAccess {
    /// A way to write beside `reading`, over the same connections.
    pub fn beside(reading: &ReadAccess) -> Self {
        Self(reading.0.clone())
    }

    /// Runs a script.
    pub async fn run(
        &self,
        endpoint: &Endpoint,
        script: &WriteScript,
        limit: Duration,
    ) -> Result<Answer, Unseen> {
        let text = rendered(endpoint, script)?;
        self.0.run(endpoint, &text, limit, Repeat::Never).await
    }

    /// Runs the fixed program `body` and sends it `input`.
    pub async fn stream(
        &self,
        endpoint: &Endpoint,
        body: &'static str,
        input: impl AsyncRead + Unpin + Send,
        limit: Duration,
    ) -> Result<Answer, Unseen> {
        self.0.stream(endpoint, body, input, limit).await
    }

    /// Ends the connection to a machine that is about to go, and forgets it.
    pub async fn forget(&self, endpoint: &Endpoint) {
        self.0.forget(endpoint).await;
    }
}

fn rendered<K>(endpoint: &Endpoint, script: &Script<K>) -> Result<Vec<u8>, Unseen> {
    script.render().map_err(|nul: NulByte| {
        Unseen::new(UnseenKind::Broken, format!("{}: {nul}", endpoint.name))
    })
}

/// Whether a script may be sent again after it was possibly begun.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Harmless,
    Never,
}

type Slot = Arc<Mutex<Option<Arc<Link>>>>;

struct Pool {
    access: SshAccess,
    // Before `control`: connections are ended before the directory with their sockets goes.
    slots: StdMutex<HashMap<Endpoint, Slot>>,
    control: ControlDir,
    connects: Semaphore,
}

impl Pool {
    fn new(access: SshAccess) -> std::io::Result<Self> {
        Ok(Self {
            access,
            control: ControlDir::new()?,
            slots: StdMutex::default(),
            connects: Semaphore::new(CONCURRENT_CONNECTS),
        })
    }

    async fn run(
        &self,
        endpoint: &Endpoint,
        text: &[u8],
        limit: Duration,
        repeat: Repeat,
    ) -> Result<Answer, Unseen> {
        let shell = link::shell(endpoint);
        let link = self.link(endpoint).await?;
        let first = link.exchange(shell, Cursor::new(text), limit).await;
        match first {
            Ok(answer) => Ok(answer),
            Err(error) if error.may_repeat(repeat) => {
                self.drop_link(endpoint, &link).await;
                let link = self.link(endpoint).await?;
                let second = link.exchange(shell, Cursor::new(text), limit).await;
                self.judged(endpoint, &link, second).await
            }
            Err(error) => self.judged(endpoint, &link, Err(error)).await,
        }
    }

    async fn stream(
        &self,
        endpoint: &Endpoint,
        body: &'static str,
        input: impl AsyncRead + Unpin + Send,
        limit: Duration,
    ) -> Result<Answer, Unseen> {
        let link = self.link(endpoint).await?;
        let command = link::fixed_command(endpoint, body);
        let answer = link.exchange(&command, input, limit).await;
        self.judged(endpoint, &link, answer).await
    }

    /// An error as the rest of the program knows it. The connection that it came over is not used again.
    async fn judged(
        &self,
        endpoint: &Endpoint,
        link: &Arc<Link>,
        answer: Result<Answer, CallError>,
    ) -> Result<Answer, Unseen> {
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) => {
                self.drop_link(endpoint, link).await;
                Err(error.unseen(&endpoint.name))
            }
        }
    }

    fn slot(&self, endpoint: &Endpoint) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(endpoint) {
            return slot.clone();
        }
        // Guests come and go under other names for ever: whoever is not connected is forgotten.
        slots.retain(|_, slot| Arc::strong_count(slot) > 1 || slot_is_open(slot));
        slots.entry(endpoint.clone()).or_default().clone()
    }

    /// The open connection, or a new one. Whoever needs the same one meanwhile waits for it.
    async fn link(&self, endpoint: &Endpoint) -> Result<Arc<Link>, Unseen> {
        let slot = self.slot(endpoint);
        let mut place = slot.lock().await;
        if let Some(link) = place.as_ref() {
            return Ok(link.clone());
        }
        let _permit = self.connects.acquire().await;
        let link = Arc::new(Link::open(endpoint, &self.access, self.control.path()).await?);
        *place = Some(link.clone());
        Ok(link)
    }

    async fn drop_link(&self, endpoint: &Endpoint, broken: &Arc<Link>) {
        let slot = self.slot(endpoint);
        let mut place = slot.lock().await;
        if place.as_ref().is_some_and(|link| Arc::ptr_eq(link, broken)) {
            *place = None;
        }
    }

    async fn forget(&self, endpoint: &Endpoint) {
        let slot = self.slot(endpoint);
        *slot.lock().await = None;
    }
}

fn slot_is_open(slot: &Slot) -> bool {
    slot.try_lock()
        .map_or(true, |place| place.as_ref().is_some_and(|l| l.is_open()))
}
