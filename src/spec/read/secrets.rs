//! The secrets of the file, as other sections refer to them.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::secret::Secret;
use crate::spec::fields::Fields;
use crate::spec::problem::Problem;
use crate::spec::source::At;

/// The secrets of the file.
pub struct Secrets {
    /// The names that are written; none where the section is no mapping.
    pub names: Option<BTreeSet<String>>,
    /// Those that could be read.
    pub values: BTreeMap<String, Secret>,
}

impl Secrets {
    /// The value of a secret that has to be one line, for `why`. One whose own value can't be read was noted where it stands.
    pub fn line(&self, fields: &Fields<'_>, name: &At<String>, why: &str) -> Option<Secret> {
        let names = self.names.as_ref()?;
        if !names.contains(&name.value) {
            let help = match names.is_empty() {
                true => Some(format!(
                    "add `secrets: {{ {}: {{ file: PATH }} }}`",
                    name.value
                )),
                false => fields
                    .cx
                    .did_you_mean(&name.value, names.iter().map(String::as_str)),
            };
            let problem = Problem::new(name.span, format!("there is no secret {:?}", name.value));
            fields.push(problem.help_if(help));
            return None;
        }
        let secret = self.values.get(&name.value)?;
        if secret.reveal().contains(['\n', '\r']) {
            let message = format!("the secret {:?} has several lines", name.value);
            fields.push(Problem::new(name.span, message).help(why));
            return None;
        }
        Some(secret.clone())
    }
}
