//! `load URL`: sends requests at a steady rate, whatever comes back, and tells at the end how that went: one JSON
//! object on standard output. A new connection for each request, like a user who has never been here before; the next
//! request never waits for the last one, so that an outage is seen as long as it is. It judges nothing.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

const USAGE: &str = "usage: load URL [--rate N] [--timeout SPAN] [--for SPAN]

  --rate N        requests a second (default 20)
  --timeout SPAN  how long an answer may take, with connecting (default 2s)
  --for SPAN      how long; without it until standard input ends, or SIGTERM or SIGINT comes";

/// How many failures are told one by one.
const TOLD: usize = 10;

struct Arguments {
    host: String,
    path: String,
    rate: u32,
    timeout: Duration,
    span: Option<Duration>,
}

/// One request.
struct Shot {
    /// When it was sent, from the start of the run.
    at: Duration,
    /// How long it took.
    took: Duration,
    /// Who answered, or what went wrong.
    result: Result<String, String>,
}

impl Shot {
    fn ended(&self) -> Duration {
        self.at + self.took
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("load: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let (began, shots) = fire(&arguments).await;
    println!("{:#}", summary(began, &shots));
    ExitCode::SUCCESS
}

fn parse(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let url = given.next().ok_or("the URL is missing")?;
    let rest = url
        .strip_prefix("http://")
        .ok_or("the URL must begin with http://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let port = if host.contains(':') { "" } else { ":80" };
    let mut arguments = Arguments {
        host: format!("{host}{port}"),
        path: format!("/{path}"),
        rate: 20,
        timeout: Duration::from_secs(2),
        span: None,
    };
    while let Some(option) = given.next() {
        let value = given
            .next()
            .ok_or_else(|| format!("{option} needs a value"))?;
        let bad = || format!("{option} can't be {value:?}");
        match option.as_str() {
            "--rate" => arguments.rate = value.parse().ok().filter(|n| *n > 0).ok_or_else(bad)?,
            "--timeout" => arguments.timeout = span(&value).ok_or_else(bad)?,
            "--for" => arguments.span = Some(span(&value).ok_or_else(bad)?),
            _ => return Err(format!("unknown option {option}")),
        }
    }
    Ok(arguments)
}

fn span(text: &str) -> Option<Duration> {
    reconcile::model::unit::parse_span(text).ok()
}

/// Sends requests until the end, and waits for the last answers.
async fn fire(arguments: &Arguments) -> (SystemTime, Vec<Shot>) {
    let (began, clock) = (SystemTime::now(), Instant::now());
    let mut ticks = interval(Duration::from_secs(1) / arguments.rate);
    // Late ticks are made up for: the rate is a promise.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut flying = JoinSet::new();
    let mut shots = Vec::new();
    let end = end(arguments.span);
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => break,
            _ = ticks.tick() => {
                let (host, path, limit) = (arguments.host.clone(), arguments.path.clone(), arguments.timeout);
                flying.spawn(async move { shoot(&host, &path, limit, clock).await });
            }
            Some(Ok(shot)) = flying.join_next() => shots.push(shot),
        }
    }
    while let Some(Ok(shot)) = flying.join_next().await {
        shots.push(shot);
    }
    shots.sort_by_key(|shot| shot.at);
    (began, shots)
}

/// Returns when it is time to stop.
async fn end(span: Option<Duration>) {
    let signalled = async {
        match (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        ) {
            (Ok(mut term), Ok(mut int)) => {
                tokio::select! { _ = term.recv() => {} _ = int.recv() => {} }
            }
            _ => std::future::pending().await,
        }
    };
    let over = async {
        match span {
            Some(span) => tokio::time::sleep(span).await,
            None => input_ends().await,
        }
    };
    tokio::select! { () = signalled => {} () = over => {} }
}

/// A thread of its own reads standard input: reading it through tokio would keep the process alive at the end.
async fn input_ends() {
    let (told, ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = told.send(());
    });
    let _ = ended.await;
}

async fn shoot(host: &str, path: &str, limit: Duration, clock: Instant) -> Shot {
    let at = clock.elapsed();
    let result = match timeout(limit, request(host, path)).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer within {} ms", limit.as_millis())),
    };
    Shot {
        at,
        took: clock.elapsed() - at,
        result,
    }
}

async fn request(host: &str, path: &str) -> Result<String, String> {
    let say = |what: &'static str| move |error: std::io::Error| format!("{what}: {error}");
    let mut stream = TcpStream::connect(host).await.map_err(say("connecting"))?;
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream
        .write_all(head.as_bytes())
        .await
        .map_err(say("sending"))?;
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .await
        .map_err(say("receiving"))?;
    judge(&String::from_utf8_lossy(&answer))
}

/// A complete answer with 200 is a success; who gave it is told, where it says so.
fn judge(answer: &str) -> Result<String, String> {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return Err(format!("no whole answer, {} bytes", answer.len()));
    };
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(status.to_owned());
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    if length.is_some_and(|length: usize| length != body.len()) {
        return Err(format!("half an answer, {} bytes", body.len()));
    }
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    Ok(body["instance"].as_str().unwrap_or("?").to_owned())
}

fn summary(began: SystemTime, shots: &[Shot]) -> Value {
    let mut instances: BTreeMap<&str, usize> = BTreeMap::new();
    let good: Vec<&Shot> = shots.iter().filter(|shot| shot.result.is_ok()).collect();
    good.iter()
        .flat_map(|shot| &shot.result)
        .for_each(|name| *instances.entry(name).or_default() += 1);
    let failed: Vec<(&Shot, &String)> = shots
        .iter()
        .filter_map(|s| Some((s, s.result.as_ref().err()?)))
        .collect();
    let told = failed.iter().take(TOLD);
    json!({
        "began_ms": began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis(),
        "total": shots.len(),
        "failed": failed.len(),
        "first_good_ms": good.iter().map(|s| s.ended()).min().map(ms),
        "last_failed_ms": failed.last().map(|(s, _)| ms(s.at)),
        "failures": told.map(|(s, why)| json!({ "at_ms": ms(s.at), "took_ms": ms(s.took), "error": why })).collect::<Vec<_>>(),
        "gap": longest_gap(&good),
        "latency_ms": latencies(&good),
        "instances": instances,
    })
}

/// The longest time without a success, between two of them.
fn longest_gap(good: &[&Shot]) -> Value {
    let mut ends: Vec<Duration> = good.iter().map(|shot| shot.ended()).collect();
    ends.sort();
    let gap = ends.windows(2).max_by_key(|pair| pair[1] - pair[0]);
    gap.map_or(
        Value::Null,
        |pair| json!({ "ms": ms(pair[1] - pair[0]), "from_ms": ms(pair[0]), "to_ms": ms(pair[1]) }),
    )
}

fn latencies(good: &[&Shot]) -> Value {
    let mut took: Vec<Duration> = good.iter().map(|shot| shot.took).collect();
    took.sort();
    let at = |percent: usize| {
        took.get(took.len().saturating_sub(1) * percent / 100)
            .map(|t| ms(*t))
    };
    json!({ "p50": at(50), "p99": at(99), "max": at(100) })
}

fn ms(span: Duration) -> f64 {
    // To a tenth: more is noise.
    (span.as_secs_f64() * 10_000.0).round() / 10.0
}
