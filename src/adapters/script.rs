//! The only way anything reaches a shell: a static body, and variables that are quoted. No string is ever spliced into
//! a command. Reading and writing scripts are different types, so that a connection that may only read can't be
//! handed a script that writes.

use std::fmt::Write as _;
use std::marker::PhantomData;

/// Kind of a script that changes nothing on the machine.
#[derive(Debug, Clone, Copy)]
pub enum Read {}

/// Kind of a script that may change things.
#[derive(Debug, Clone, Copy)]
pub enum Write {}

/// A script's text: constant, from the files in `scripts/`.
#[derive(Debug)]
pub struct Body<K> {
    parts: &'static [&'static str],
    kind: PhantomData<K>,
}

impl<K> Body<K> {
    /// The parts one after the other. Only for [`super::scripts`], where it is seen which body is of which kind.
    pub(super) const fn new(parts: &'static [&'static str]) -> Self {
        Self {
            parts,
            kind: PhantomData,
        }
    }
}

/// A script with its variables.
pub struct Script<K: 'static> {
    body: &'static Body<K>,
    head: String,
    refused: Option<NulByte>,
}

/// A script that changes nothing.
pub type ReadScript = Script<Read>;

/// A script that may change things.
pub type WriteScript = Script<Write>;

/// A value that no shell can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the value of {0} has a NUL byte in it, which no shell and no file name can hold")]
pub struct NulByte(pub &'static str);

impl<K> Script<K> {
    /// The script of `body`, with no variable yet.
    pub fn new(body: &'static Body<K>) -> Self {
        Self {
            body,
            head: String::new(),
            refused: None,
        }
    }

    /// Sets a variable.
    pub fn var(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        let value = value.as_ref();
        self.check(name, value);
        // Writing to a String can't fail.
        let _ = writeln!(self.head, "{name}={}", quote(value));
        self
    }

    /// Sets the positional parameters, `$1` and on.
    pub fn args<S: AsRef<str>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.head.push_str("set --");
        for value in values {
            self.check("a parameter", value.as_ref());
            self.head.push(' ');
            self.head.push_str(&quote(value.as_ref()));
        }
        self.head.push('\n');
        self
    }

    fn check(&mut self, name: &'static str, value: &str) {
        if self.refused.is_none() && value.contains('\0') {
            self.refused = Some(NulByte(name));
        }
    }

    /// The text for a shell's standard input. A shell runs what it reads at once, and a connection may break in the
    /// middle: inside the braces nothing runs before all of it has arrived.
    pub fn render(&self) -> Result<Vec<u8>, NulByte> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        let mut text = format!("{{\n{}", self.head);
        for part in self.body.parts {
            text.push_str(part);
            text.push('\n');
        }
        text.push_str("} </dev/null\n");
        Ok(text.into_bytes())
    }
}

impl<K> std::fmt::Debug for Script<K> {
    // The variables may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Script").finish_non_exhaustive()
    }
}

/// `value` as one word for any POSIX shell: in single quotes nothing has a meaning but the single quote.
pub(super) fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::*;

    static SHOW: Body<Read> = Body::new(&[r#"printf '%s|' "$VALUE" "$@""#]);

    fn run(shell: &[&str], script: &[u8]) -> String {
        let mut child = Command::new(shell[0])
            .args(&shell[1..])
            .arg("-s")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(script).unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn shells() -> Vec<Vec<&'static str>> {
        let known = [vec!["sh"], vec!["bash"], vec!["busybox", "sh"]];
        let there = |shell: &Vec<&str>| {
            Command::new(shell[0])
                .args(&shell[1..])
                .args(["-c", "true"])
                .status()
                .is_ok_and(|status| status.success())
        };
        known.into_iter().filter(there).collect()
    }

    fn hostile() -> impl Strategy<Value = String> {
        let bit = prop_oneof![
            Just("'".to_owned()),
            Just("\"".to_owned()),
            Just("\\".to_owned()),
            Just("\n".to_owned()),
            Just("\r\n".to_owned()),
            Just("$(touch /tmp/owned)".to_owned()),
            Just("`id`".to_owned()),
            Just("${HOME}".to_owned()),
            Just("; exit 7 #".to_owned()),
            Just("\n}\nexit 7\n".to_owned()),
            Just("../../etc/passwd".to_owned()),
            Just("-n -e \\c %s".to_owned()),
            Just("ü語\u{1F600}\u{85}\u{200B}".to_owned()),
            "[^\0]{0,12}",
        ];
        prop::collection::vec(bit, 0..8).prop_map(|bits| bits.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn whatever_a_value_holds_a_shell_sees_just_that_value(value in hostile(), other in hostile()) {
            let script = Script::new(&SHOW).var("VALUE", &value).args([&other, ""]);
            let text = script.render().unwrap();
            for shell in shells() {
                prop_assert_eq!(run(&shell, &text), format!("{value}|{other}||"), "{:?}", shell);
            }
        }

        #[test]
        fn a_script_that_was_cut_off_anywhere_runs_wholly_or_not_at_all(value in hostile(), cut in 1usize..400) {
            let text = Script::new(&SHOW).var("VALUE", &value).render().unwrap();
            let cut = cut.min(text.len());
            let output = run(&["sh"], &text[..text.len() - cut]);
            let whole = format!("{value}|");
            // Behind the closing brace nothing is missing any more.
            let behind_the_brace = " </dev/null\n".len();
            prop_assert!(output.is_empty() || cut <= behind_the_brace && output == whole);
        }
    }

    #[test]
    fn a_nul_byte_is_refused_with_the_name_of_its_variable() {
        let script = Script::new(&SHOW).var("FINE", "x").var("VALUE", "a\0b");
        assert_eq!(script.render(), Err(NulByte("VALUE")));
    }
}
