//! Random troubles, each with what mends it: what a scenario can tell, and nothing that a machine of steel could not
//! bear (a device that lies, a person who does).

use super::case::{Case, Section, Trouble};
use super::draw::Draw;

/// When the last mending is repeated, in seconds after all is over: a device may switch a host off late.
const LATE: [u64; 2] = [300, 900];

/// Who makes troubles for a cluster.
pub struct Troubles<'a> {
    pub(super) draw: &'a mut Draw,
    pub(super) case: &'a mut Case,
}

impl<'a> Troubles<'a> {
    /// Troubles for this one.
    pub fn new(draw: &'a mut Draw, case: &'a mut Case) -> Self {
        Troubles { draw, case }
    }

    /// Some troubles, and the mending of all.
    pub fn strike(mut self) {
        let count = self.draw.number("troubles", 1, 8);
        let peace = self.draw.one("peace", &[&0, &20, &60, &90]);
        let over = match self.draw.percent("all in a knot", 20) {
            true => self.draw.number("knot", 1, 40),
            false => self.draw.number("over", 60, 900),
        };
        for _ in 0..count {
            let at = peace + self.draw.number("when", 0, over);
            let events = self.trouble(at);
            self.case.troubles.push(Trouble(events));
        }
        self.leave_one_majority();
        self.mend();
    }

    /// Witnesses on one side of a partition and most hosts on the other one make a majority each: with a controller on
    /// both sides, nobody could say who is right.
    fn leave_one_majority(&mut self) {
        let events = self.case.events();
        let any = |what: &str| events.iter().any(|(_, line)| line.starts_with(what));
        if any("controller: second") && any("partition") {
            self.case.safety.retain(|key| key.name != "witnesses");
        }
    }

    /// What an operator does when all is over.
    fn mend(&mut self) {
        let last = self
            .case
            .events()
            .iter()
            .map(|(at, _)| *at)
            .max()
            .unwrap_or(0)
            + 10;
        let said = |at, what: &str| (at, format!("command: {what}"));
        let mut events = vec![said(last, "resume"), said(last, "approve")];
        events.extend(self.gone_for_others().map(|line| (last, line)));
        for late in LATE {
            let on = |host: &Section| format!("host {}: power on", host.name);
            let hosts = self.case.hosts.iter().map(on);
            events.extend(hosts.map(|on| (last + late, on)));
        }
        events.push(said(last + LATE[1], "resume"));
        events.push(said(last + LATE[1], "approve"));
        self.case.mending = Trouble(events);
    }

    /// Hosts that left the file, where there was a second controller: what that one did on them, nobody may know who has not
    /// seen them since, so a person puts them back.
    fn gone_for_others(&self) -> impl Iterator<Item = String> + '_ {
        let events = self.case.events();
        let second = events.iter().any(|(_, line)| line.contains("second"));
        let hosts = self.case.hosts.iter().filter(move |_| second);
        hosts.filter_map(move |host| {
            let name = &host.name;
            let edits = |line: &&String| line.starts_with(&format!("edit: {{ hosts.{name}:"));
            let last = events.iter().map(|(_, line)| line).rfind(edits)?;
            let left = *last == format!("edit: {{ hosts.{name}:  }}");
            left.then(|| format!("edit: {{ hosts.{} }}", host.line()))
        })
    }

    fn trouble(&mut self, at: u64) -> Vec<(u64, String)> {
        match self.draw.number("trouble", 0, 99) {
            0..14 => self.power(at),
            14..18 => vec![(at, format!("host {}: reboot", self.host()))],
            18..32 => self.host_for_a_while(at),
            32..40 => self.partition(at),
            40..62 => self.instance_fails(at),
            62..74 => self.controller(at),
            74..86 => self.edit(at),
            _ => self.command(at),
        }
    }

    pub(super) fn host(&mut self) -> String {
        let names: Vec<&str> = self.case.hosts.iter().map(|h| h.name.as_str()).collect();
        self.draw.one("host", &names).to_owned()
    }

    fn group(&mut self) -> (String, u64) {
        let groups = self.case.services.iter().chain(&self.case.balancers);
        let groups: Vec<_> = groups
            .map(|g| (g.name.clone(), g.number("replicas")))
            .collect();
        let all: Vec<&(String, u64)> = groups.iter().collect();
        self.draw.one("group", &all).clone()
    }

    pub(super) fn service(&mut self) -> String {
        let names: Vec<&str> = self.case.services.iter().map(|s| s.name.as_str()).collect();
        self.draw.one("service", &names).to_owned()
    }

    fn instance(&mut self) -> String {
        let (group, replicas) = self.group();
        format!(
            "{group}-{}",
            self.draw.number("instance", 1, replicas.max(1))
        )
    }

    /// How long something lasts: mostly a while, at times a moment.
    pub(super) fn while_of(&mut self) -> u64 {
        match self.draw.percent("a moment", 30) {
            true => self.draw.number("moment", 1, 15),
            false => self.draw.number("while", 15, 600),
        }
    }

    fn power(&mut self, at: u64) -> Vec<(u64, String)> {
        let all = self.draw.percent("all at once", 8);
        let names: Vec<String> = match all {
            true => self.case.hosts.iter().map(|h| h.name.clone()).collect(),
            false => vec![self.host()],
        };
        let mut events = Vec::new();
        for host in names {
            let on = at + 2 + self.while_of();
            events.push((at, format!("host {host}: power off")));
            events.push((on, format!("host {host}: power on")));
            if self.draw.percent("confirmed", 30) {
                let confirmed = self.draw.number("confirmed at", at + 1, on - 1);
                events.push((confirmed, format!("command: fence confirm {host}")));
                if self.draw.percent("retracted", 30) {
                    events.push((on + 1, format!("command: fence retract {host}")));
                }
            }
        }
        events
    }

    fn host_for_a_while(&mut self, at: u64) -> Vec<(u64, String)> {
        let host = self.host();
        let (bad, good) = match self.draw.number("bad host", 0, 10) {
            0..=4 => ("cut", "heal"),
            5 => ("libvirt hangs", "libvirt works"),
            6 => ("libvirt slow", "libvirt works"),
            7 => ("libvirt fails", "libvirt works"),
            8 => ("disk full", "disk free"),
            9 => ("key changed", "key restored"),
            _ => {
                let times = self.draw.number("times", 1, 4);
                let section = self.case.hosts.iter().find(|section| section.name == host);
                let mut keys = section.into_iter().flat_map(|section| &section.keys);
                let what = match keys.any(|key| key.value.contains("agent")) {
                    true => self.draw.one("which", &["ssh drops", "device fails"]),
                    false => "ssh drops",
                };
                return vec![(at, format!("host {host}: {what} {times}"))];
            }
        };
        let end = at + self.while_of();
        let event = |at, what| (at, format!("host {host}: {what}"));
        vec![event(at, bad), event(end, good)]
    }

    fn partition(&mut self, at: u64) -> Vec<(u64, String)> {
        let mut sides: [Vec<String>; 2] = Default::default();
        let hosts: Vec<String> = self.case.hosts.iter().map(|h| h.name.clone()).collect();
        let nodes = ["controller", "second", "clients"].map(str::to_owned);
        let nodes = nodes.into_iter().chain(hosts);
        for node in nodes {
            let side = usize::from(self.draw.percent("the other side", 40));
            sides[side].push(node);
        }
        if sides.iter().any(Vec::is_empty) {
            return vec![(at, format!("host {}: reboot", self.host()))];
        }
        let [one, other] = sides.map(|side| format!("[{}]", side.join(", ")));
        let end = at + self.while_of();
        vec![
            (at, format!("partition: [{one}, {other}]")),
            (end, "partition: none".to_owned()),
        ]
    }

    fn instance_fails(&mut self, at: u64) -> Vec<(u64, String)> {
        let instance = self.instance();
        let event = |at, what: &str| (at, format!("instance {instance}: {what}"));
        match self.draw.number("bad instance", 0, 9) {
            0..=3 => vec![event(at, "crash")],
            4 | 5 => {
                let frozen = event(at, "freeze");
                match self.draw.percent("it thaws", 50) {
                    true => vec![frozen, event(at + self.while_of(), "thaw")],
                    false => vec![frozen],
                }
            }
            6 => vec![event(at, "reboot")],
            what => {
                let times = self.draw.number("times it fails", 1, 4);
                let what = if what == 7 {
                    "boot fails"
                } else {
                    "service fails"
                };
                let retried = at + 300 + self.while_of();
                vec![
                    event(at, &format!("{what} {times}")),
                    (retried, format!("command: retry {instance}")),
                ]
            }
        }
    }

    fn controller(&mut self, at: u64) -> Vec<(u64, String)> {
        let event = |at, what: &str| (at, format!("controller: {what}"));
        let end = at + self.while_of();
        match self.draw.number("controller", 0, 9) {
            0..=2 => vec![event(at, "crash"), event(end, "restart")],
            3..=6 => {
                let effects = self.draw.number("effects", 1, 30);
                vec![
                    event(at, &format!("crash after {effects}")),
                    event(end, "restart"),
                ]
            }
            7 | 8 => vec![event(at, "second"), event(end, "second ends")],
            _ => vec![event(at, "restart")],
        }
    }

    fn command(&mut self, at: u64) -> Vec<(u64, String)> {
        let (host, service, end) = (self.host(), self.service(), at + self.while_of());
        let (give, take) = match self.draw.number("command", 0, 8) {
            0..=4 => (format!("drain {host}"), format!("undrain {host}")),
            5 => ("pause".to_owned(), "resume".to_owned()),
            6 => (
                format!("pause service/{service}"),
                format!("resume service/{service}"),
            ),
            7 => (format!("pause host/{host}"), format!("resume host/{host}")),
            _ => ("disarm".to_owned(), "arm".to_owned()),
        };
        vec![
            (at, format!("command: {give}")),
            (end, format!("command: {take}")),
        ]
    }
}
