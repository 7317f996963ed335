//! `reconcile fence`: what a person has seen of a host that no device could tell; and whether its devices work.

use super::desk::{Desk, unknown_host};
use super::{Failure, fence_test, load};
use crate::adapters::file_store::FileStore;
use crate::adapters::knock;
use crate::cli::answer::fence_question;
use crate::cli::args::Args;
use crate::cli::args::orders::{FenceCommand, When};
use crate::cli::confirm::{Consent, Decision, Person, ask_that, decide};
use crate::cli::exit::Exit;
use crate::cli::style::Style;
use crate::model::desired::{Desired, Host};
use crate::model::facts::{Seen, UnseenKind};
use crate::model::id::HostId;
use crate::model::orders::OrderKey;
use crate::plan::queries::host_query;
use crate::ports::hypervisor::Hypervisor;
use crate::ports::store::StoreView;

pub(super) async fn run(
    args: &Args,
    command: &FenceCommand,
    style: &Style,
) -> Result<Exit, Failure> {
    match command {
        FenceCommand::Confirm { host, yes, force } => {
            let consent = if *yes { Consent::Given } else { Consent::Open };
            let hangs = if *force { Hangs::Warn } else { Hangs::Refuse };
            confirm(args, host, consent, hangs).await
        }
        FenceCommand::Test { host, device } => {
            fence_test::run(args, host, device.as_deref(), style).await
        }
        FenceCommand::Retract { host } => {
            let desk = Desk::open(args)?;
            let key = OrderKey::Confirmed(host.clone());
            desk.check_host(host, &key)?;
            desk.take_back(&key)
        }
    }
}

/// What becomes of a host that accepts connections, and does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hangs {
    Refuse,
    Warn,
}

/// Why a host can't be reached, and what speaks against its being off.
struct Silence {
    why: String,
    warning: Option<String>,
}

async fn confirm(
    args: &Args,
    host: &HostId,
    consent: Consent,
    hangs: Hangs,
) -> Result<Exit, Failure> {
    let desired = load::known(args)?;
    let desk = Desk::open(args)?;
    let Silence { why, warning } = silence(args, &desired, host, hangs).await?;
    match decide(consent, Person::present()) {
        Decision::Apply => {}
        Decision::Refuse => return Err(Failure::Other(REFUSAL.to_owned())),
        Decision::Ask => {
            let question = fence_question(host, &why, desk.store.load()?.hosts.get(host), desk.now);
            warning
                .iter()
                .for_each(|warning| eprintln!("warning: {warning}"));
            let (mut input, mut output) = (std::io::stdin().lock(), std::io::stderr());
            let yes = ask_that(&question, &mut input, &mut output);
            let yes = yes.map_err(|error| Failure::Other(format!("can't ask: {error}")))?;
            if !yes {
                eprintln!("Nothing was confirmed.");
                return Ok(Exit::Error);
            }
        }
    }
    // What counts is the moment at which the person answered.
    let mut desk = Desk::open(args)?;
    desk.warnings.extend(warning);
    desk.give(OrderKey::Confirmed(host.clone()), &When::default())
}

/// Whether somebody said that nobody is there, in the words of ssh: a machine, or a firewall before it.
fn has_power(silence: &str) -> bool {
    silence.to_lowercase().contains("connection refused")
}

/// That something at the address of a host `does` what no machine without power does, unless that is some `other`.
fn may_be_on(host: &HostId, does: &str, other: &str) -> String {
    format!(
        "the address of host {host} still {does}. Unless that is {other}, host {host} may be on, and its guests run twice: \
         reconcile fence retract {host} takes it back"
    )
}

fn refuses(host: &HostId) -> String {
    let does = "answers, with a refusal: something there has power";
    may_be_on(host, does, "a firewall or another machine")
}

fn accepts(host: &HostId) -> String {
    let does = "accepts connections: something there runs";
    may_be_on(host, does, "another machine")
}

const REFUSAL: &str = "nobody can be asked, because this is not a terminal: nothing was confirmed. \
Use --yes where a script has made sure that the host is off";

/// Why a host can't be reached. One that answers in any way is not off, and refusing is all that can be done.
async fn silence(
    args: &Args,
    desired: &Desired,
    id: &HostId,
    hangs: Hangs,
) -> Result<Silence, Failure> {
    let state = load::state(args, &desired.cluster)?;
    let Some(host) = desired.hosts.get(id) else {
        let known = FileStore::new(&state).load()?.inherited.remove(id);
        let known = known.ok_or_else(|| unknown_host(desired, id))?;
        return Ok(Silence {
            why: format!("it is not in the file; {} worked with it", known.from),
            warning: None,
        });
    };
    let reader = load::reader(desired, &state)?;
    match reader.observe(host, &host_query(desired, host)).await {
        Seen::Yes(_) => Err(it_answers(id, "it can be looked at")),
        Seen::No(unseen) => match unseen.kind {
            UnseenKind::Unreachable => unanswered(host, unseen.message, hangs).await,
            UnseenKind::HostKeyChanged | UnseenKind::Refused | UnseenKind::Broken => {
                Err(it_answers(id, &unseen.message))
            }
        },
    }
}

/// A host that hangs accepts connections, and its guests may run.
async fn unanswered(host: &Host, why: String, hangs: Hangs) -> Result<Silence, Failure> {
    let warning = match (has_power(&why), hangs) {
        (true, _) => Some(refuses(&host.id)),
        (false, _) if !knock::accepts(host).await => None,
        (false, Hangs::Warn) => Some(accepts(&host.id)),
        (false, Hangs::Refuse) => return Err(it_hangs(&host.id, &why)),
    };
    Ok(Silence { why, warning })
}

fn it_hangs(host: &HostId, why: &str) -> Failure {
    Failure::Other(format!(
        "host {host} accepts connections and then hangs, so its guests may run: nothing was confirmed ({why})\n  help: \
         switch it off, or cut it from network and storage, and confirm then; or, where another machine has its \
         address: reconcile fence confirm {host} --force"
    ))
}

fn it_answers(host: &HostId, how: &str) -> Failure {
    Failure::Other(format!(
        "host {host} answers, so it is neither off nor cut off: nothing was confirmed ({how})\n  help: switch it off, \
         or cut it from network and storage, and confirm then; `reconcile drain {host}` empties a host that works"
    ))
}
