//! Domains that somebody else made become part of the simulated cluster: the file says so, and nothing that runs is changed.

use std::net::Ipv4Addr;
use std::sync::Arc;

use reconcile::cli::adopt::{Book, NotPrepared, Open, Prepared, prepare};
use reconcile::controller::apply::carry_out;
use reconcile::controller::claims::ClaimsOnce;
use reconcile::controller::look::Beats;
use reconcile::controller::{Session, Watcher};
use reconcile::execute::Runner;
use reconcile::model::desired::Desired;
use reconcile::model::id::HostId;
use reconcile::model::mark::Mark;
use reconcile::model::memory::Memory;
use reconcile::model::plan::{NoticeKind, Plan};
use reconcile::plan::adoption::Wish;
use reconcile::ports::adoption::Adopter;
use reconcile::ports::clock::Clock;
use reconcile::ports::progress::Quiet;
use reconcile::rehearse::wiring;
use reconcile::sim::cluster::Cluster;
use reconcile::sim::store::MemoryStore;
use reconcile::spec::{NoFiles, parse};

const FILE: &str = "\
# The second floor.
cluster: demo
networks:
  lan: { cidr: 10.0.0.0/16, gateway: 10.0.0.1, bridge: br0 }
hosts:
  a: { address: 10.0.0.11, pool: 10.0.1.1-10.0.1.30 } # by the door
  b: { address: 10.0.0.12, pool: 10.0.2.1-10.0.2.30 }
images:
  alpine: { path: /alpine.qcow2 }
  plain: { path: /alpine.qcow2, interfaces: false }
services:
  db: # the old ones
    image: plain
    replicas: 0
    cpus: 2
    memory: 1GiB
    port: 5432
    stateful: true
    protect: true
";

/// An address in the pool of host a, and one in no pool.
const INSIDE: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 7);
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(10, 0, 9, 9);

/// A cluster with a stranger on host a, and the file.
struct Floor {
    cluster: Arc<Cluster>,
    text: String,
}

impl Floor {
    async fn with(address: Ipv4Addr) -> Floor {
        let cluster = Cluster::new(Arc::new(read(FILE)));
        cluster.world().move_in(&a(), "old-db", address).unwrap();
        let clock = Arc::clone(&cluster) as Arc<dyn Clock>;
        clock.sleep(std::time::Duration::from_secs(20)).await;
        let text = FILE.to_owned();
        Floor { cluster, text }
    }

    fn desired(&self) -> Arc<Desired> {
        Arc::new(read(&self.text))
    }

    fn watcher(&self) -> Watcher {
        let clock = Arc::clone(&self.cluster) as Arc<dyn Clock>;
        let eyes = wiring::eyes(&self.cluster, clock);
        Watcher::new(self.desired(), Memory::default(), eyes)
    }

    async fn prepare(&self, wish: &Wish) -> Result<Prepared, NotPrepared> {
        let (desired, watcher) = (self.desired(), self.watcher());
        let book = Book {
            name: "cluster.yaml",
            bytes: self.text.as_bytes(),
            files: &NoFiles,
            desired: &desired,
        };
        let looks = (&watcher.memory, &watcher.eyes);
        prepare(&book, looks, self.cluster.as_ref(), wish).await
    }

    async fn open(&self, wish: &Wish) -> Open {
        match self.prepare(wish).await {
            Ok(Prepared::Open(open)) => *open,
            other => panic!("{other:?}"),
        }
    }

    async fn refuses(&self, wish: &Wish) -> String {
        match self.prepare(wish).await {
            Err(error) => error.to_string(),
            Ok(prepared) => panic!("{prepared:?}"),
        }
    }

    /// Writes the file; then the mark.
    async fn adopt(&mut self, wish: &Wish) -> Open {
        let open = self.open(wish).await;
        self.write(&open);
        self.mark(&open).await;
        open
    }

    fn write(&mut self, open: &Open) {
        if let Some(amended) = &open.amended {
            self.text = amended.text.clone();
            self.cluster.world().follow(self.desired());
        }
    }

    async fn mark(&self, open: &Open) {
        let desired = self.desired();
        let host = &desired.hosts[&open.adoption.host];
        self.cluster.adopt(host, &open.adoption).await.unwrap();
    }

    async fn plan(&self) -> Plan {
        self.watcher().round(&Beats::Ask).await.plan
    }

    /// One pass of `reconcile`.
    async fn pass(&self) -> Plan {
        let desired = self.desired();
        let clock = || Arc::clone(&self.cluster) as Arc<dyn Clock>;
        let hands = wiring::hands(&self.cluster, clock(), Arc::new(Quiet), &desired);
        let mut claims = ClaimsOnce::new(&desired, &hands);
        let mut session = Session::new(self.watcher(), Arc::new(MemoryStore::default()));
        let round = session.round(&Beats::Ask).await.unwrap();
        claims.take(&round.observed).await.unwrap();
        let (mut runner, stop) = (Runner::new(hands), tokio::sync::Notify::new());
        let done = carry_out(&mut session, &mut runner, &round.plan, &Quiet, &stop).await;
        let done = done.unwrap();
        assert!(
            done.iter().all(|entry| entry.outcome.is_good()),
            "{done:#?}"
        );
        claims.leave(session.watcher.hosts_left()).await;
        round.plan
    }

    /// The stranger: its UUID, whether it runs, its mark.
    fn stranger(&self) -> (String, Option<u32>, Option<Mark>) {
        let world = self.cluster.world();
        let domain = &world.host(&a()).unwrap().domains["old-db"];
        (domain.uuid.clone(), domain.run, domain.mark.clone())
    }

    fn laws_hold(&self) {
        let world = self.cluster.world();
        let broken = world.broken.lock().unwrap();
        assert!(broken.is_empty(), "{broken:#?}");
    }
}

fn a() -> HostId {
    "a".parse().unwrap()
}

fn read(text: &str) -> Desired {
    let desired = parse("cluster.yaml", text.as_bytes(), &NoFiles);
    desired.unwrap_or_else(|errors| panic!("{errors}"))
}

/// `reconcile adopt old-db --as …`
fn wish(becomes: &str) -> Wish {
    Wish {
        domain: "old-db".to_owned(),
        group: becomes.parse().unwrap(),
        index: None,
        host: None,
        address: None,
        image: None,
        port: None,
        heartbeat: None,
    }
}

fn new_service() -> Wish {
    Wish {
        image: Some("plain".parse().unwrap()),
        port: Some(3306),
        ..wish("sql")
    }
}

fn about(plan: &Plan) -> Vec<String> {
    let actions = plan.actions.iter();
    let actions = actions.map(|action| format!("{} {}", action.operation.kind(), action.summary));
    let notices = plan
        .notices
        .iter()
        .map(|notice| format!("{:?} {}", notice.kind, notice.text));
    actions.chain(notices).collect()
}

#[tokio::test(start_paused = true)]
async fn right_after_an_adoption_there_is_nothing_to_do_and_nothing_was_touched() {
    for (address, becomes) in [
        (INSIDE, new_service()),
        (OUTSIDE, new_service()),
        (INSIDE, wish("db")),
    ] {
        let mut floor = Floor::with(address).await;
        let (uuid, run, _) = floor.stranger();
        let open = floor.adopt(&becomes).await;
        assert!(open.amended.is_some());
        let (same, still, mark) = floor.stranger();
        assert_eq!((same, still), (uuid, run), "it is what it was");
        assert_eq!(mark.unwrap().address, address);
        let plan = floor.plan().await;
        assert_eq!(about(&plan), Vec::<String>::new());
        assert_eq!(plan.unchanged, 1);
        floor.laws_hold();
    }
}

#[tokio::test(start_paused = true)]
async fn the_file_gets_what_the_domain_is_and_keeps_all_else() {
    let floor = Floor::with(OUTSIDE).await;
    let open = floor.open(&new_service()).await;
    let text = open.amended.unwrap().text;
    let diff = similar::TextDiff::from_lines(FILE, &text);
    insta::assert_snapshot!(diff.unified_diff().context_radius(1));
    assert_eq!(floor.stranger().2, None, "nothing was done yet");
}

#[tokio::test(start_paused = true)]
async fn one_that_dies_is_started_again_as_it_is() {
    let mut floor = Floor::with(INSIDE).await;
    floor.adopt(&new_service()).await;
    let (uuid, _, first) = floor.stranger();
    floor.cluster.world().end(&a(), "old-db");
    let plan = floor.pass().await;
    let reasons: Vec<&str> = plan
        .actions
        .iter()
        .map(|action| action.reason.text.as_str())
        .collect();
    assert!(reasons[0].contains("started again as it is"), "{reasons:?}");
    let (same, run, second) = floor.stranger();
    assert!(run.is_some());
    assert_eq!(same, uuid);
    assert_eq!(
        floor.cluster.world().host(&a()).unwrap().domains.len(),
        1,
        "no other domain was made"
    );
    assert!(
        floor.cluster.world().host(&a()).unwrap().volumes.is_empty(),
        "nor a disk"
    );
    assert_ne!(first.unwrap().generation, second.unwrap().generation);
    assert_eq!(about(&floor.plan().await), Vec::<String>::new());
    floor.laws_hold();
}

#[tokio::test(start_paused = true)]
async fn an_adoption_that_was_cut_short_is_finished_by_the_same_command() {
    let mut floor = Floor::with(INSIDE).await;
    let open = floor.open(&new_service()).await;
    floor.write(&open);
    let again = floor.open(&new_service()).await;
    assert_eq!(again.amended, None, "the file says it already");
    assert_eq!(again.adoption.mark.instance, open.adoption.mark.instance);
    floor.mark(&again).await;
    assert_eq!(about(&floor.plan().await), Vec::<String>::new());
    let third = floor.prepare(&new_service()).await;
    assert!(matches!(third, Ok(Prepared::Already { .. })), "{third:?}");
}

#[tokio::test(start_paused = true)]
async fn an_edit_changes_nothing_of_it_and_is_answered() {
    let mut floor = Floor::with(INSIDE).await;
    floor.adopt(&wish("db")).await;
    floor.text = floor.text.replace("memory: 1GiB", "memory: 2GiB");
    let plan = floor.plan().await;
    assert_eq!(plan.actions.len(), 0, "{:#?}", about(&plan));
    let blocked: Vec<_> = plan.notices_of(NoticeKind::Blocked).collect();
    assert!(blocked[0].text.contains("it was adopted"), "{blocked:#?}");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_wanted_any_more_ends_and_stays_defined() {
    let mut floor = Floor::with(INSIDE).await;
    floor.adopt(&wish("db")).await;
    floor.text = FILE
        .replace("protect: true", "protect: false")
        .replace("replicas: 0", "replicas: 1");
    floor.cluster.world().follow(floor.desired());
    floor.pass().await;
    floor.text = FILE.replace("protect: true", "protect: false");
    floor.cluster.world().follow(floor.desired());
    floor.pass().await;
    let (_, run, mark) = floor.stranger();
    assert_eq!((run, mark), (None, None));
    assert_eq!(about(&floor.plan().await), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_looked_after_is_not_adopted() {
    let floor = Floor::with(INSIDE).await;
    let mut refusals = Vec::new();
    for (what, wish) in [
        (
            "no such domain",
            Wish {
                domain: "older-db".to_owned(),
                ..wish("db")
            },
        ),
        ("a new service without an image", wish("sql")),
        (
            "an image whose addresses are written",
            Wish {
                image: Some("alpine".parse().unwrap()),
                ..new_service()
            },
        ),
        (
            "an instance too far",
            Wish {
                index: Some(4),
                ..wish("db")
            },
        ),
        (
            "an address elsewhere",
            Wish {
                address: Some(Ipv4Addr::new(192, 168, 1, 1)),
                ..new_service()
            },
        ),
        (
            "an address of another pool",
            Wish {
                address: Some(Ipv4Addr::new(10, 0, 2, 2)),
                ..new_service()
            },
        ),
        (
            "another port",
            Wish {
                port: Some(1),
                ..wish("db")
            },
        ),
    ] {
        refusals.push(format!("{what}\n{}", floor.refuses(&wish).await));
    }
    {
        let mut world = floor.cluster.world();
        let domains = &mut world.host_mut(&a()).unwrap().domains;
        domains.get_mut("old-db").unwrap().guest.by_itself = false;
    }
    refusals.push(format!(
        "no heartbeat\n{}",
        floor.refuses(&new_service()).await
    ));
    floor.cluster.world().end(&a(), "old-db");
    refusals.push(format!("off\n{}", floor.refuses(&new_service()).await));
    insta::assert_snapshot!(refusals.join("\n\n"));
    assert_eq!(floor.stranger().2, None);
}
