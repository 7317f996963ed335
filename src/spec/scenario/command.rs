//! Operators' commands in a scenario, in the words of the command line.

use super::Reader;
use crate::model::orders::{OrderKey, Scope};
use crate::model::scenario::Happening;
use crate::spec::tree::Entry;
use crate::spec::words;

const KNOWN: &str = "it can be: drain HOST, undrain HOST, pause [SCOPE], resume [SCOPE], disarm, arm, fence confirm HOST, fence retract HOST, retry INSTANCE";

impl Reader<'_> {
    /// `command: drain b`.
    pub(super) fn command(&self, entry: &Entry) -> Option<Happening> {
        let text = self.text(entry)?;
        let (verb, rest) = text.value.split_once(' ').unwrap_or((text.value, ""));
        let rest = rest.trim();
        let host = |name: &str| self.host(name.trim(), text.span);
        let (give, take) = match (verb, rest.is_empty()) {
            ("drain", false) => (vec![OrderKey::Drained(host(rest)?)], vec![]),
            ("undrain", false) => (vec![], vec![OrderKey::Drained(host(rest)?)]),
            ("pause", _) => (vec![OrderKey::Paused(self.scope(entry, rest)?)], vec![]),
            ("resume", _) => {
                let scope = self.scope(entry, rest)?;
                let released = (scope == Scope::Cluster).then_some(OrderKey::Released);
                let give = released.into_iter().collect();
                (give, vec![OrderKey::Paused(scope)])
            }
            ("disarm", true) => (vec![OrderKey::Disarmed], vec![]),
            ("arm", true) => (vec![], vec![OrderKey::Disarmed]),
            ("retry", false) => {
                let instance = self.instance(rest, text.span)?;
                (vec![OrderKey::Retried(instance)], vec![])
            }
            ("fence", false) => match rest.split_once(' ') {
                Some(("confirm", name)) => (vec![OrderKey::Confirmed(host(name)?)], vec![]),
                Some(("retract", name)) => (vec![], vec![OrderKey::Confirmed(host(name)?)]),
                Some(_) | None => return self.unknown_command(entry, text.value),
            },
            _ => return self.unknown_command(entry, text.value),
        };
        Some(Happening::Command {
            text: text.value.to_owned(),
            give,
            take,
        })
    }

    fn unknown_command(&self, entry: &Entry, text: &str) -> Option<Happening> {
        let text = format!("{} is no command", words::quoted(text));
        self.wrong(entry.value.span, text, KNOWN)
    }

    fn scope(&self, entry: &Entry, text: &str) -> Option<Scope> {
        let scope = match text {
            "" => Ok(Scope::Cluster),
            scope => scope.parse(),
        };
        match scope {
            Ok(scope) => Some(scope),
            Err(why) => {
                let help = "a scope is `cluster`, `service/NAME` or `host/NAME`";
                self.wrong(entry.value.span, why, help);
                None
            }
        }
    }
}
