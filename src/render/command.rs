//! The command that runs a service, made fit for `exec`: the process then *is* the program, gets its signals and has
//! its number. What can't be executed so is refused here, before a guest fails at it again and again.

use super::RenderError;

/// Checks a command line that was rendered already. `name` is where it stands, for errors.
pub fn executable(name: &str, text: &str) -> Result<String, RenderError> {
    let refuse = |message: &str| RenderError {
        template: name.to_owned(),
        line: None,
        message: message.to_owned(),
    };
    let line = one_line(text);
    let line = line.trim();
    let line = line.strip_prefix("exec ").unwrap_or(line).trim_start();
    if line.is_empty() {
        return Err(refuse("the command is empty"));
    }
    if line.contains('\n') {
        return Err(refuse(
            "a command is one line; put more into a script among `files` and run that",
        ));
    }
    if line.chars().any(|c| c.is_control() && c != '\t') {
        return Err(refuse("a command can't have control characters"));
    }
    if starts_with_assignment(line) {
        return Err(refuse("variables are set in `env`, not before the command"));
    }
    match operator(line) {
        Syntax::Simple => Ok(line.to_owned()),
        Syntax::Operator(c) => Err(refuse(&format!(
            "a command is one program with its arguments, without {c:?}; quote it, or put a script among `files` and run that"
        ))),
        Syntax::Open(c) => Err(refuse(&format!("{c} is opened and never closed"))),
    }
}

/// Lines that end in a backslash go on in the next one.
fn one_line(text: &str) -> String {
    text.replace("\\\r\n", " ").replace("\\\n", " ")
}

fn starts_with_assignment(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    match word.split_once('=') {
        Some((name, _)) => is_variable_name(name),
        None => false,
    }
}

/// Whether a shell takes this for the name of a variable.
pub fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

enum Syntax {
    /// One command.
    Simple,
    /// Something that joins commands.
    Operator(char),
    /// A quote or a parenthesis that stays open.
    Open(char),
}

/// Looks for what would make more than one command of the line, outside of quotes and substitutions.
fn operator(line: &str) -> Syntax {
    let mut open: Vec<char> = Vec::new();
    let mut before = ' ';
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (open.last(), c) {
            (Some('\''), '\'') => drop(open.pop()),
            (Some('\''), _) => {}
            (_, '\\') => drop(chars.next()),
            (Some(quote @ ('"' | '`')), _) if *quote == c => drop(open.pop()),
            (_, '(') if before == '$' || open.last() == Some(&'(') => open.push('('),
            (Some('('), ')') => drop(open.pop()),
            (Some('"'), '\'') => {}
            (_, '"' | '\'' | '`') => open.push(c),
            // `2>&1` joins nothing.
            (None, '&') if matches!(before, '<' | '>') => {}
            (None, ';' | '&' | '|' | '(' | ')') => return Syntax::Operator(c),
            (None, '#') if before.is_whitespace() => return Syntax::Operator(c),
            _ => {}
        }
        before = c;
    }
    match open.last() {
        Some(c) => Syntax::Open(*c),
        None => Syntax::Simple,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        executable("services.a.run", text).unwrap_err().to_string()
    }

    #[test]
    fn a_command_of_one_program_is_taken_as_it_is() {
        for line in [
            "java -jar /stateless.jar --server.port=8080",
            "sh -c 'cd /srv && exec ./serve; true'",
            "serve \"$HOME/a b\" > /var/log/serve.log 2>&1",
            "java -Xmx$(awk '/MemTotal/ { print int($2/2048); exit }' /proc/meminfo | cat)m -jar a.jar",
            r"echo a\;b \' it\'s",
            "serve --color=#fff",
        ] {
            assert_eq!(executable("run", line).unwrap(), line);
        }
    }

    #[test]
    fn a_line_may_be_continued_and_may_say_exec_itself() {
        let text = "exec java \\\n  -jar a.jar\n";
        assert_eq!(executable("run", text).unwrap(), "java    -jar a.jar");
    }

    #[test]
    fn what_exec_could_not_run_is_refused_with_a_way_out() {
        insta::assert_snapshot!(refused("  \n"), @"services.a.run: the command is empty");
        insta::assert_snapshot!(refused("cd /srv\n./serve"), @"services.a.run: a command is one line; put more into a script among `files` and run that");
        insta::assert_snapshot!(refused("cd /srv && ./serve"), @"services.a.run: a command is one program with its arguments, without '&'; quote it, or put a script among `files` and run that");
        insta::assert_snapshot!(refused("serve & true"), @"services.a.run: a command is one program with its arguments, without '&'; quote it, or put a script among `files` and run that");
        insta::assert_snapshot!(refused("A=1 serve"), @"services.a.run: variables are set in `env`, not before the command");
        insta::assert_snapshot!(refused("serve 'a"), @"services.a.run: ' is opened and never closed");
        insta::assert_snapshot!(refused("serve \u{1b}[31m"), @"services.a.run: a command can't have control characters");
    }
}
