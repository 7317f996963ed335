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
        let words: Vec<&str> = text.value.split_whitespace().collect();
        let host = |name: &str| self.host(name, text.span);
        let (give, take) = match words.as_slice() {
            ["drain", name] => (vec![OrderKey::Drained(host(name)?)], vec![]),
            ["undrain", name] => (vec![], vec![OrderKey::Drained(host(name)?)]),
            ["pause", scope @ ..] => (vec![OrderKey::Paused(self.scope(entry, scope)?)], vec![]),
            ["resume", scope @ ..] => {
                let scope = self.scope(entry, scope)?;
                let released = (scope == Scope::Cluster).then_some(OrderKey::Released);
                let give = released.into_iter().collect();
                (give, vec![OrderKey::Paused(scope)])
            }
            ["disarm"] => (vec![OrderKey::Disarmed], vec![]),
            ["arm"] => (vec![], vec![OrderKey::Disarmed]),
            ["fence", "confirm", name] => (vec![OrderKey::Confirmed(host(name)?)], vec![]),
            ["fence", "retract", name] => (vec![], vec![OrderKey::Confirmed(host(name)?)]),
            ["retry", name] => {
                let instance = self.instance(name, text.span)?;
                (vec![OrderKey::Retried(instance)], vec![])
            }
            _ => {
                let text = format!("{} is no command", words::quoted(text.value));
                return self.wrong(entry.value.span, text, KNOWN);
            }
        };
        Some(Happening::Command {
            text: words.join(" "),
            give,
            take,
        })
    }

    fn scope(&self, entry: &Entry, words: &[&str]) -> Option<Scope> {
        let scope = match words {
            [] => Ok(Scope::Cluster),
            [scope] => scope.parse(),
            _ => Err("a command takes one scope".to_owned()),
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
