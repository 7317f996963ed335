//! A file from here to a host: resumed where a former transfer broke off, checked as a whole, and only then put in
//! place. A transfer whose digest is wrong (half of it was another file) is done once more from the beginning.

use std::io::{Cursor, SeekFrom};
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::script::Script;
use super::ssh::Endpoint;
use super::ssh_reader::{broken, text};
use super::ssh_writer::{SshWriter, effect, senseless};
use super::{endpoints, scripts};

use crate::model::desired::{Host, ImageFile, ImageSource};
use crate::observe::parse_answer::{Record, records};
use crate::ports::{ActError, Effect};

/// Reading a large file once, on a slow disk, for its digest; and waiting for another transfer.
const CHECK: Duration = Duration::from_secs(600);
/// What a transfer may take at all: the bound for a connection that crawls. A broken one is noticed much earlier.
const SLOWEST_BYTES_PER_SECOND: u64 = 100 << 10;

/// What another transfer left is kept, or dropped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    Resumed,
    Fresh,
}

pub(super) async fn copy_file(
    writer: &SshWriter,
    host: &Host,
    file: &ImageFile,
) -> Result<Effect, ActError> {
    let Some(source) = &file.source else {
        return Err(ActError::Failed(format!(
            "{} has nothing to be copied from",
            file.path
        )));
    };
    if file.path.contains('\n') {
        return Err(ActError::Failed(format!(
            "{:?} has a line break in it",
            file.path
        )));
    }
    let transfer = Transfer {
        writer,
        endpoint: endpoints::host(host),
        path: &file.path,
        source,
    };
    for begin in [Begin::Resumed, Begin::Resumed, Begin::Fresh] {
        match transfer.attempt(begin).await {
            Ok(Some(effect)) => return Ok(effect),
            // Another digest, or another transfer was faster: now the look at what is there says what is left to do.
            Ok(None) | Err(ActError::Moved(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Err(ActError::Failed(format!(
        "{}: what arrived as {} is not what was sent, again and again",
        transfer.endpoint.name, transfer.path
    )))
}

struct Transfer<'a> {
    writer: &'a SshWriter,
    endpoint: Endpoint,
    path: &'a str,
    source: &'a ImageSource,
}

impl Transfer<'_> {
    /// None: what arrived has another digest.
    async fn attempt(&self, begin: Begin) -> Result<Option<Effect>, ActError> {
        let Some(offset) = self.begin(begin).await? else {
            return Ok(Some(Effect::AlreadyDone));
        };
        if offset < self.source.size.0 {
            self.send(offset).await?;
        }
        let kept = self.end().await?;
        Ok(kept.then_some(Effect::Changed))
    }

    /// How much of the file is there; none when it is all in place.
    async fn begin(&self, begin: Begin) -> Result<Option<u64>, ActError> {
        let script = Script::new(&scripts::COPY_BEGIN)
            .var("FILE", self.path)
            .var("SHA256", &self.source.sha256)
            .var("FRESH", if begin == Begin::Fresh { "yes" } else { "no" });
        let (effect, answer) = self.writer.act(&self.endpoint, &script, CHECK).await?;
        if effect == Effect::AlreadyDone || answer.stdout.is_empty() {
            return Ok(None);
        }
        let text = text(&answer);
        let offset = self.record(&text, "part", |record| record.parsed(0).ok());
        offset
            .map(Some)
            .ok_or_else(|| senseless(broken(&self.endpoint, "an answer without sense", &answer)))
    }

    fn record<T>(
        &self,
        text: &str,
        key: &str,
        read: impl Fn(&Record<'_>) -> Option<T>,
    ) -> Option<T> {
        let records = records(text).ok()?;
        records
            .iter()
            .find(|record| record.key == key)
            .and_then(read)
    }

    async fn send(&self, offset: u64) -> Result<(), ActError> {
        let file = self.open(offset).await.map_err(|error| {
            ActError::Failed(format!(
                "can't read {}: {error}",
                self.source.path.display()
            ))
        })?;
        let head = format!("{}.part\n{offset}\n", self.path);
        let input = Cursor::new(head.into_bytes()).chain(file);
        let size = self.source.size.0 - offset;
        let limit = Duration::from_secs(60 + size / SLOWEST_BYTES_PER_SECOND);
        let body = scripts::COPY_DATA;
        let stream = self
            .writer
            .access
            .stream(&self.endpoint, body, input, limit);
        effect(&self.endpoint, &stream.await?).map(|_| ())
    }

    async fn open(&self, offset: u64) -> std::io::Result<File> {
        let mut file = File::open(&self.source.path).await?;
        if file.metadata().await?.len() != self.source.size.0 {
            return Err(std::io::Error::other("it has changed since it was read"));
        }
        file.seek(SeekFrom::Start(offset)).await?;
        Ok(file)
    }

    async fn end(&self) -> Result<bool, ActError> {
        let script = Script::new(&scripts::COPY_END)
            .var("FILE", self.path)
            .var("SHA256", &self.source.sha256);
        let (_, answer) = self.writer.act(&self.endpoint, &script, CHECK).await?;
        let text = text(&answer);
        let copied = self.record(&text, "copied", |record| {
            Some(record.word(0).ok()? == "yes")
        });
        copied.ok_or_else(|| senseless(broken(&self.endpoint, "an answer without sense", &answer)))
    }
}
