//! `stateless`: the demo service that the lab's guests run. One file, the standard library only, so that plain
//! `rustc` makes a static binary of it. It answers every path with who it is and a random number, and `/heartbeat`
//! with its health. It must not grow features: tests rely on it being boring.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, process, thread};

const USAGE: &str = "usage: stateless --port N [--heartbeat sse|plain] [--delay MS]

Serves HTTP/1.1 on every address of this machine.
  --port N               the TCP port
  --heartbeat sse|plain  what /heartbeat answers: an event stream, one event a second (default), or one JSON object
  --delay MS             be slow: every answer, heartbeats included, comes this much later (default 0)";

/// Enough for every client of a lab, little enough that a 128 MB guest survives a flood.
const MAX_CONNECTIONS: usize = 128;
/// A request's head beyond this is nonsense or an attack.
const MAX_HEAD: u64 = 16 * 1024;
/// A body is read and thrown away, up to this.
const MAX_BODY: u64 = 1024 * 1024;
/// How long a connection may stay silent before it is closed; longer than nginx keeps an idle upstream (60 s).
const IDLE: Duration = Duration::from_secs(75);
const BEAT: Duration = Duration::from_secs(1);
const STACK: usize = 128 * 1024;
const HEALTH: &str = r#"{"status": "OK"}"#;

#[derive(Clone, Copy)]
enum Heartbeat {
    Sse,
    Plain,
}

struct Config {
    port: u16,
    heartbeat: Heartbeat,
    delay: Duration,
    instance: String,
}

/// What the server needs to know of a request.
struct Request {
    method: String,
    path: String,
    keep_alive: bool,
}

fn main() {
    let config = parse_arguments(env::args().skip(1)).unwrap_or_else(|problem| {
        eprintln!("stateless: {problem}\n\n{USAGE}");
        process::exit(2);
    });
    if let Err(error) = serve(config) {
        eprintln!("stateless: {error}");
        process::exit(1);
    }
}

fn parse_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Config, String> {
    let (mut port, mut heartbeat, mut delay) = (None, Heartbeat::Sse, 0);
    while let Some(option) = arguments.next() {
        if option == "--help" {
            println!("{USAGE}");
            process::exit(0);
        }
        let value = arguments.next().ok_or_else(|| format!("{option} needs a value"))?;
        let bad = || format!("{option} can't be {value:?}");
        match option.as_str() {
            "--port" => port = Some(value.parse().map_err(|_| bad())?),
            "--delay" => delay = value.parse().map_err(|_| bad())?,
            "--heartbeat" if value == "sse" => heartbeat = Heartbeat::Sse,
            "--heartbeat" if value == "plain" => heartbeat = Heartbeat::Plain,
            "--heartbeat" => return Err(bad()),
            _ => return Err(format!("unknown option {option}")),
        }
    }
    let port = port.ok_or("--port is missing")?;
    Ok(Config { port, heartbeat, delay: Duration::from_millis(delay), instance: hostname() })
}

/// The name becomes part of a JSON string; whatever would need an escape there is no host name anyway.
fn hostname() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.chars().filter(|c| c.is_ascii_alphanumeric() || "-._".contains(*c)).collect()
}

fn serve(config: Config) -> io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", config.port))?;
    println!("stateless: {} serves on port {}", config.instance, config.port);
    let config = Arc::new(config);
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        // Accepting fails when a client gave up meanwhile, or for want of descriptors: neither ends the service.
        let Ok((stream, _)) = listener.accept() else {
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        let slot = Slot::take(&open);
        if slot.number > MAX_CONNECTIONS {
            continue; // dropped, so closed: the client tries again or goes elsewhere
        }
        let config = Arc::clone(&config);
        let worker = thread::Builder::new().stack_size(STACK);
        // A client that went away is everyday life, and a thread that can't start closes the connection.
        let _ = worker.spawn(move || {
            let _slot = slot;
            let _ = converse(&stream, &config);
        });
    }
}

/// One of the places for a connection; given back when it is dropped, also by a panic.
struct Slot {
    open: Arc<AtomicUsize>,
    number: usize,
}

impl Slot {
    fn take(open: &Arc<AtomicUsize>) -> Self {
        let number = open.fetch_add(1, Ordering::Relaxed) + 1;
        Self { open: Arc::clone(open), number }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Answers requests until the client or an error ends it.
fn converse(stream: &TcpStream, config: &Config) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    let mut reader = BufReader::new(stream);
    loop {
        let request = match read_request(&mut reader) {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return respond(stream, "400 Bad Request", r#"{"error":"bad request"}"#, false, true);
            }
            Err(error) => return Err(error),
        };
        thread::sleep(config.delay);
        let with_body = request.method != "HEAD";
        match (request.path.as_str(), config.heartbeat) {
            ("/heartbeat", Heartbeat::Sse) => return stream_heartbeats(stream, with_body),
            ("/heartbeat", Heartbeat::Plain) => respond(stream, "200 OK", HEALTH, request.keep_alive, with_body)?,
            _ => {
                let body = format!(r#"{{"instance":"{}","random":{}}}"#, config.instance, random());
                respond(stream, "200 OK", &body, request.keep_alive, with_body)?;
            }
        }
        if !request.keep_alive {
            return Ok(());
        }
    }
}

/// `None` is a connection that the client closed between two requests.
fn read_request(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<Request>> {
    let bad = || io::Error::from(io::ErrorKind::InvalidData);
    let mut head = reader.by_ref().take(MAX_HEAD);
    let Some(first) = read_line(&mut head)? else { return Ok(None) };
    let mut words = first.split(' ');
    let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
        return Err(bad());
    };
    if !version.starts_with("HTTP/1.") {
        return Err(bad());
    }
    let mut keep_alive = version != "HTTP/1.0";
    let mut length = 0;
    loop {
        let line = read_line(&mut head)?.ok_or_else(bad)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(bad)?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "connection" if value.eq_ignore_ascii_case("close") => keep_alive = false,
            "connection" if value.eq_ignore_ascii_case("keep-alive") => keep_alive = true,
            "content-length" => length = value.parse().map_err(|_| bad())?,
            "transfer-encoding" => return Err(bad()), // no client of the lab sends chunks
            _ => {}
        }
    }
    if length > MAX_BODY {
        return Err(bad());
    }
    io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
    let path = target.split('?').next().unwrap_or_default();
    Ok(Some(Request { method: method.to_owned(), path: path.to_owned(), keep_alive }))
}

/// A line without its end; `None` at the end of the stream. A head that hit its limit is `InvalidData`.
fn read_line(head: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    if head.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let Some(line) = line.strip_suffix('\n') else { return Err(io::ErrorKind::InvalidData.into()) };
    Ok(Some(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

fn respond(mut to: &TcpStream, status: &str, body: &str, keep_alive: bool, with_body: bool) -> io::Result<()> {
    let connection = if keep_alive { "keep-alive" } else { "close" };
    let body_sent = if with_body { body } else { "" };
    // One write, so one packet: head and body apart would meet Nagle and delayed acknowledgements.
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: {connection}\r\n\r\n{body_sent}",
        body.len()
    );
    to.write_all(answer.as_bytes())
}

/// Sends an event at once and then every second, until the client goes away.
fn stream_heartbeats(mut to: &TcpStream, with_body: bool) -> io::Result<()> {
    to.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\nconnection: close\r\n\r\n",
    )?;
    while with_body {
        to.write_all(format!("data: {HEALTH}\n\n").as_bytes())?;
        thread::sleep(BEAT);
    }
    Ok(())
}

/// The standard library seeds every hasher state from the system's randomness: good enough for a demo.
fn random() -> u32 {
    RandomState::new().build_hasher().finish() as u32
}
