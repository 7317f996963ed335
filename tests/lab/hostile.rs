//! Names and values that would like to be commands: they arrive as they are, and nobody runs them.

use super::lab::{HOSTS, Lab, output};
use super::product::Product;

/// Who runs what he should only carry leaves this file.
const CANARY: &str = "/tmp/reconcile-canary";

/// Everything that means something to some shell, to YAML, XML, ssh or a template.
fn nasty() -> String {
    format!(
        "a'b\"c$(touch {CANARY})`touch {CANARY}`;touch {CANARY}&|<>\\ \\n%s ~ * ? [x] ${{HOME}} -n # ünïcödé\ttab\nsecond line"
    )
}

#[test]
fn hostile_values_arrive_unchanged_and_nothing_of_them_is_run() {
    let (product, spec) = Product::converged();
    let path = format!("/etc/od d/'q\"$(touch {})/fi;le", CANARY.replace('/', ""));
    let yaml =
        |text: &str| serde_json::to_string(text).expect("a string is JSON, and JSON is YAML");
    let service = format!(
        "  evil:
    replicas: 1
    image: micro
    memory: 96MiB
    port: 8080
    run: {run}
    env: {{ NASTY: {nasty}, EMPTY: \"\", NUMBER: \"-1\" }}
    files:
      - {{ path: {path}, content: {content}, mode: \"0600\", on_change: nothing }}
    heartbeat: {{ every: 500ms, grace: 1m }}
",
        run = yaml("/usr/bin/env 'QUOTED=a b'\"'\"'c' /usr/bin/stateless --port {{port}}"),
        nasty = yaml(&nasty()),
        path = yaml(&path),
        content = yaml(&nasty()),
    );
    // Strangers, too, may have names that nobody should have to read.
    let xml = format!(
        "<domain type='qemu'><name>x$(touch {})'; y</name><memory>1024</memory><os><type>hvm</type></os></domain>",
        CANARY.replace('/', "_")
    );
    product.lab.on(
        "a",
        &format!("cat > /tmp/x.xml <<'XML'\n{xml}\nXML\nvirsh define /tmp/x.xml"),
    );
    product.write(spec.with(|s| s.services = service.clone()));
    product.apply();
    product.assert_converged();

    let guest = product.lab.domain_of("evil-1");
    let quoted = path.replace('\'', "'\\''");
    let content = product
        .lab
        .in_guest(&guest.address, &format!("cat '{quoted}'"));
    assert_eq!(content, nasty(), "the file's content");
    let mode = product
        .lab
        .in_guest(&guest.address, &format!("stat -c '%a %U' '{quoted}'"));
    assert_eq!(mode.trim(), "600 root");
    let environment = product
        .lab
        .in_guest(&guest.address, "cat /proc/$(pidof stateless)/environ");
    let variables: Vec<&str> = environment.split('\0').collect();
    for expected in [
        format!("NASTY={}", nasty()),
        "EMPTY=".to_owned(),
        "NUMBER=-1".to_owned(),
        "QUOTED=a b'c".to_owned(),
    ] {
        assert!(
            variables.contains(&expected.as_str()),
            "{expected:?} is not in {variables:#?}"
        );
    }
    nobody_ran_it(&product.lab, &guest.address);
    product.lab.on(
        "a",
        "virsh undefine \"$(virsh -q list --all --name | grep '^x')\"",
    );
}

fn nobody_ran_it(lab: &Lab, guest: &str) {
    let look = "find / -xdev -name '*reconcile-canary' -not -path '*/od d/*' 2>/dev/null";
    let here = output(std::process::Command::new("find").args([
        "/tmp",
        "/root",
        "-maxdepth",
        "2",
        "-name",
        "*reconcile-canary*",
    ]));
    assert_eq!(here.unwrap_or_default(), "", "the controller ran it");
    for host in HOSTS {
        assert_eq!(
            lab.on(host, "find /tmp /root -name '*reconcile-canary*'"),
            "",
            "host {host} ran it"
        );
    }
    assert_eq!(
        lab.try_in_guest(guest, look).unwrap_or_default(),
        "",
        "the guest ran it"
    );
}

#[test]
fn a_command_that_repeats_a_secret_in_its_complaint_tells_it_to_nobody() {
    let (product, spec) = Product::converged();
    let value = "hush-4711-hush";
    std::fs::write(product.path("value"), value).unwrap();
    let leaky = spec.with(|s| {
        s.services = "  leaky:
    replicas: 1
    image: micro
    memory: 96MiB
    port: 8080
    run: /usr/bin/stateless --port {{port}}
    heartbeat: { every: 1s, timeout: 1s, retries: 4, grace: 1m }
    files:
      - path: /etc/leaky.conf
        content: \"key={{secret.value}}\"
        validate: \"cat {{path}} >&2; false\"
"
        .to_owned();
    });
    let file = product.path("value");
    let secrets = format!("secrets: {{ value: {{ file: {} }} }}\n", file.display());
    product.write(format!("{leaky}{secrets}"));
    let run = product.run(&["--yes", "-vv"]);
    assert!(run.words().contains("key=(secret value)"), "{}", run.all());
    assert!(!run.all().contains(value), "{}", run.all());
    let history = format!("{:?}", product.history());
    assert!(history.contains("(secret value)") && !history.contains(value));
    product.write(&spec);
    product.apply();
}
