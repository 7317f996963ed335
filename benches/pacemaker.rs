//! Placing beside Pacemaker: the same 1,000 guests on 50 hosts, with memory as the utilization and
//! `placement-strategy=balanced`, planned by us and by `crm_simulate` (Debian's pacemaker-cli-utils). Each runs as a
//! process of its own, in turn; `make bench` prints the table that benches/README.md quotes.

mod common;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use common::{converge, count_creates, desired, empty};
use reconcile::model::desired::{Desired, Role};
use reconcile::model::facts::Observed;
use reconcile::model::id::HostId;
use reconcile::model::memory::Memory;
use reconcile::model::plan::Plan;
use reconcile::model::unit::Bytes;
use reconcile::plan::{Places, Renderer, places, plan};

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const INSTANCES: usize = 1_000;
const MIB: u64 = 1 << 20;
/// What `empty` says that every host has.
const HOST_MEMORY: Bytes = Bytes(64 << 30);
/// The middle one of so many runs counts; of what takes longer than `PATIENCE`, the first one.
const RUNS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(5);
/// What a process that does our part is started with, before its question.
const OURS: &str = "ours";

/// What is asked.
#[derive(Clone, Copy, PartialEq)]
enum Question {
    /// Nothing runs: place all.
    Nothing,
    /// All ran, and one host is gone: place its guests on the others.
    Loss,
}

/// Whether Pacemaker first asks each host about each guest, as it does unless told otherwise.
#[derive(Clone, Copy, PartialEq)]
enum Probes {
    Yes,
    No,
}

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != OURS);
    match arguments.nth(1).as_deref() {
        Some("nothing") => ours(Question::Nothing),
        Some(_) => ours(Question::Loss),
        None => compare(),
    }
}

/// The same input and the same question for both, and what each needed.
fn compare() {
    println!("placing {INSTANCES} guests on 50 hosts, beside crm_simulate\n");
    if let Some(missing) = ["crm_simulate", "/usr/bin/time"]
        .into_iter()
        .find(|p| !runs(p))
    {
        println!("skipped: there is no {missing} (apt-get install pacemaker-cli-utils time)");
        return;
    }
    println!(
        "{:<44} {:>22} {:>22} {:>18}",
        "", "ours", "crm_simulate", "ratio"
    );
    let rows = [
        ("all from nothing", Question::Nothing, Probes::Yes),
        (
            "the same, probes switched off",
            Question::Nothing,
            Probes::No,
        ),
        (
            "a host of 20 guests lost, probes off",
            Question::Loss,
            Probes::No,
        ),
    ];
    for (what, question, probes) in rows {
        let (ours, theirs) = (run_ours(question), run_theirs(question, probes));
        assert_eq!(ours.placed, theirs.placed, "the same guests are placed");
        println!(
            "{what:<44} {:>22} {:>22} {:>8.0}× {:>7.1}×",
            ours.cost(),
            theirs.cost(),
            theirs.time.as_secs_f64() / ours.time.as_secs_f64(),
            mib(theirs.peak) / mib(ours.peak),
        );
    }
}

fn runs(program: &str) -> bool {
    Command::new(program).arg("--help").output().is_ok()
}

/// What a process did and needed.
struct Run {
    placed: usize,
    time: Duration,
    peak: Bytes,
}

impl Run {
    fn cost(&self) -> String {
        let millis = self.time.as_secs_f64() * 1e3;
        format!("{millis:.0} ms, {:.0} MiB", mib(self.peak))
    }
}

#[allow(clippy::cast_precision_loss)]
fn mib(bytes: Bytes) -> f64 {
    bytes.0 as f64 / MIB as f64
}

/// Our part: `cluster.yaml` read, and the whole plan made, with every file of every guest. How long that took is told,
/// without the making of what is observed.
fn ours(question: Question) {
    let begin = Instant::now();
    let mut desired = cluster();
    let read = begin.elapsed();
    let mut observed = empty(&desired);
    if question == Question::Loss {
        let first = plan_of(&desired, &observed);
        observed = converge(observed, &first);
        lose(&mut desired, &mut observed);
    }
    let begin = Instant::now();
    let plan = plan_of(&desired, &observed);
    println!(
        "{} {}",
        count_creates(&plan),
        (read + begin.elapsed()).as_micros()
    );
}

fn plan_of(desired: &Desired, observed: &Observed) -> Plan {
    plan(desired, observed, &Memory::default(), &Renderer::default())
}

/// The cluster of the other benchmark without its load balancer, and with guests of 1 to 4 GiB.
fn cluster() -> Desired {
    let mut desired = desired(INSTANCES);
    desired
        .groups
        .retain(|_, group| matches!(group.role, Role::Service(_)));
    for (group, gib) in desired
        .groups
        .values_mut()
        .zip([1, 2, 3, 4].into_iter().cycle())
    {
        group.memory = Bytes(gib * 1024 * MIB);
    }
    for host in desired.hosts.values_mut() {
        host.reserve = Bytes(0);
    }
    desired
}

/// The first host is given up, and its guests with it.
fn lose(desired: &mut Desired, observed: &mut Observed) {
    let (host, _) = desired.hosts.pop_first().expect("there are hosts");
    observed.hosts.remove(&host);
}

fn run_ours(question: Question) -> Run {
    let program = std::env::current_exe().expect("this program has a path");
    let name = match question {
        Question::Nothing => "nothing",
        Question::Loss => "loss",
    };
    middle(|| {
        let (output, _, peak) = measured(&program, &[OURS, name]);
        let (placed, micros) = output.trim().split_once(' ').expect("two numbers");
        Run {
            placed: placed.parse().expect("a number"),
            time: Duration::from_micros(micros.parse().expect("a number")),
            peak,
        }
    })
}

fn run_theirs(question: Question, probes: Probes) -> Run {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cib.xml");
    std::fs::write(&file, cib(question, probes)).expect("the file can be written");
    let file = file.to_str().expect("a path in UTF-8");
    let program = PathBuf::from("crm_simulate");
    middle(|| {
        let arguments = ["--run", "--xml-file", file];
        let (output, time, peak) = measured(&program, &arguments);
        let placed = output
            .lines()
            .filter(|l| l.starts_with("  * Start "))
            .count();
        Run { placed, time, peak }
    })
}

/// The run whose time is in the middle.
fn middle(mut run: impl FnMut() -> Run) -> Run {
    let mut runs = vec![run()];
    while runs.len() < RUNS && runs[0].time < PATIENCE {
        runs.push(run());
    }
    runs.sort_by_key(|run| run.time);
    runs.swap_remove(runs.len() / 2)
}

/// What a program says on its standard output, how long it ran, and the most memory that it had.
fn measured(program: &Path, arguments: &[&str]) -> (String, Duration, Bytes) {
    let peak = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peak");
    let mut time = Command::new("/usr/bin/time");
    time.args(["--format", "%M", "--output"]).arg(&peak);
    let begin = Instant::now();
    let output = time.arg(program).args(arguments).output().expect("it runs");
    let passed = begin.elapsed();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let kib = std::fs::read_to_string(&peak).expect("time wrote it");
    let kib: u64 = kib.trim().parse().expect("a number");
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        passed,
        Bytes(kib * 1024),
    )
}

/// The same cluster as Pacemaker's configuration and status. Guests run where we placed them.
fn cib(question: Question, probes: Probes) -> String {
    let desired = cluster();
    let lost = desired
        .hosts
        .keys()
        .next()
        .filter(|_| question == Question::Loss);
    let running = match question {
        Question::Nothing => Places::new(),
        Question::Loss => places(&desired, &empty(&desired), &Memory::default()),
    };
    let mut xml = String::from(
        "<cib crm_feature_set='3.16.2' validate-with='pacemaker-3.9' epoch='1' num_updates='0' admin_epoch='0'>\n\
         <configuration><crm_config><cluster_property_set id='options'>\n",
    );
    let mut options = BTreeMap::from([
        ("placement-strategy", "balanced"),
        ("stonith-enabled", "false"),
        ("no-quorum-policy", "ignore"),
    ]);
    if probes == Probes::No {
        options.insert("enable-startup-probes", "false");
    }
    for (name, value) in options {
        let _ = writeln!(xml, "<nvpair id='{name}' name='{name}' value='{value}'/>");
    }
    xml += "</cluster_property_set></crm_config><nodes>\n";
    for (number, host) in desired.hosts.keys().enumerate() {
        let memory = utilization(host.as_str(), HOST_MEMORY);
        let _ = writeln!(
            xml,
            "<node id='{}' uname='{host}'>{memory}</node>",
            number + 1
        );
    }
    xml += "</nodes><resources>\n";
    for (instance, group) in desired.instances() {
        let memory = utilization(&instance.to_string(), group.memory);
        let _ = writeln!(
            xml,
            "<primitive id='{instance}' {AGENT}>{memory}</primitive>"
        );
    }
    xml += "</resources><constraints/></configuration><status>\n";
    for (number, host) in desired.hosts.keys().enumerate() {
        xml += &status(number + 1, host, lost == Some(host), &running);
    }
    xml + "</status></cib>\n"
}

const AGENT: &str = "class='ocf' provider='heartbeat' type='VirtualDomain'";

fn utilization(of: &str, memory: Bytes) -> String {
    let mib = memory.0 / MIB;
    format!(
        "<utilization id='{of}-u'><nvpair id='{of}-memory' name='memory' value='{mib}'/></utilization>"
    )
}

/// What Pacemaker knows of a node: whether it is there, and that the guests on it were started.
fn status(number: usize, host: &HostId, is_lost: bool, running: &Places) -> String {
    let state = match is_lost {
        true => "in_ccm='false' crmd='offline' join='down' expected='member'",
        false => "in_ccm='true' crmd='online' join='member' expected='member'",
    };
    let mut xml = format!(
        "<node_state id='{number}' uname='{host}' {state}><lrm id='{number}'><lrm_resources>\n"
    );
    let here = running.iter().filter(|(_, (at, _))| at == host);
    for (call, (instance, _)) in here.enumerate() {
        let key = format!("{call}:0:0:00000000-0000-0000-0000-000000000000");
        // The digest of a guest without parameters.
        let _ = writeln!(
            xml,
            "<lrm_resource id='{instance}' {AGENT}><lrm_rsc_op id='{instance}_last_0' operation='start' \
             operation_key='{instance}_start_0' crm_feature_set='3.16.2' transition-key='{key}' \
             transition-magic='0:0;{key}' call-id='{call}' rc-code='0' op-status='0' interval='0' \
             op-digest='f2317cad3d54cec5d7d7aa7d0bf35cf8'/></lrm_resource>"
        );
    }
    xml + "</lrm_resources></lrm></node_state>\n"
}
