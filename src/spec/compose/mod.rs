//! YAML text → tree of values. Goes on after what it can go on after (a doubled key, an unknown alias), and bounds
//! what a hostile file can cost: depth, and the number of values that aliases multiply to.

mod body;

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use serde_saphyr::granit_parser::{
    Event, Options, Parser, ScalarStyle, Span as Marks, Tag, options,
};

use super::problem::{MAX_COMPARED, Problem, did_you_mean};
use super::source::{Source, Span};
use super::syntax;
use super::tree::{Kind, Node, Quoted};

use body::Body;

/// The deepest key of a cluster is six levels down.
const MAX_DEPTH: usize = 32;
/// More values, keys included, than any cluster has: one of 500 hosts and 2,000 groups has about 40,000. It also bounds
/// what the checks that compare everything with everything can take.
pub const MAX_VALUES: usize = 100_000;
/// More doubled keys and the like than anybody reads; the file is given up there.
const MAX_PROBLEMS: usize = 1_000;

/// Reads the text. No tree: the problems say why.
pub fn compose(source: &Source) -> (Option<Rc<Node>>, Vec<Problem>) {
    let mut composer = Composer::new(source);
    for item in Parser::new_from_str_with_options(&source.text, limits()) {
        let step = match item {
            Ok((event, marks)) => composer.take(event, source.span(&marks)),
            Err(error) => stop(syntax::problem(source, &error)),
        };
        if let Err(problem) = step {
            // What was taken for a key on this line was the same mistake.
            let line = source.line(problem.span.start);
            composer
                .problems
                .retain(|other| source.line(other.span.start) != line);
            composer.problems.push(*problem);
            return (None, composer.problems);
        }
    }
    let root = composer.root.filter(|_| !composer.has_holes);
    (root, composer.problems)
}

fn limits() -> Options {
    let mut limits = options! {
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    limits.set_emit_comments(false);
    limits
}

impl Source {
    fn span(&self, marks: &Marks) -> Span {
        let range = marks.byte_range().unwrap_or_default();
        self.first_line(self.place(range.start, range.end))
    }

    /// Cut at the end of the first line: a mark over half of the file shows nothing.
    pub(super) fn first_line(&self, span: Span) -> Span {
        let line_end = self.line_start(self.line(span.start) + 1);
        let text = self.between(span.start, span.end.min(line_end));
        Span {
            start: span.start,
            end: span.start + text.trim_end().len(),
        }
    }
}

/// Whether reading can go on; else what stopped it.
type Step = Result<(), Box<Problem>>;

fn stop(problem: Problem) -> Step {
    Err(Box::new(problem))
}

/// A list or mapping whose end has not come yet.
struct Open {
    span: Span,
    anchor: usize,
    body: Body,
}

struct Composer<'a> {
    source: &'a Source,
    root: Option<Rc<Node>>,
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    anchor_names: Vec<String>,
    values: usize,
    documents: usize,
    /// An alias stands for nothing: what is built on it would complain of what is not there.
    has_holes: bool,
    problems: Vec<Problem>,
}

impl<'a> Composer<'a> {
    fn new(source: &'a Source) -> Self {
        Self {
            source,
            root: None,
            open: Vec::new(),
            anchors: HashMap::new(),
            anchor_names: Vec::new(),
            values: 0,
            documents: 0,
            has_holes: false,
            problems: Vec::new(),
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Step {
        match event {
            Event::DocumentStart(..) => self.document(span),
            Event::Scalar(text, style, anchor, tag) => {
                let kind = scalar(text, style, tag.as_deref());
                self.tag(tag.as_deref(), span);
                self.finish(Rc::new(Node::new(span, kind)), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), span);
                self.begin(span, anchor, Body::list())
            }
            Event::MappingStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), span);
                self.begin(span, anchor, Body::map())
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Anchor(_, name) => {
                self.anchor_names.push(name.into_owned());
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::UnresolvedAlias(name) => self.unknown_alias(&name, span),
            // The parser's enum may grow; what is left carries no value.
            _ => Ok(()),
        }
    }

    fn document(&mut self, span: Span) -> Step {
        self.documents += 1;
        if self.documents < 2 {
            return Ok(());
        }
        let problem = Problem::new(span, "the file has more than one YAML document");
        stop(
            problem
                .label("the second one starts here")
                .help("a file describes one cluster: remove the `---`, or split the file"),
        )
    }

    fn begin(&mut self, span: Span, anchor: usize, body: Body) -> Step {
        if self.open.len() >= MAX_DEPTH {
            return stop(syntax::too_deep(span));
        }
        self.open.push(Open { span, anchor, body });
        Ok(())
    }

    fn end(&mut self, end: Span) -> Step {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let whole = Span {
            start: open.span.start,
            end: end.end.max(open.span.end),
        };
        let kind = open.body.finish(&mut self.problems);
        self.finish(
            Rc::new(Node::new(self.source.first_line(whole), kind)),
            open.anchor,
        )
    }

    fn finish(&mut self, node: Rc<Node>, anchor: usize) -> Step {
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.values += 1;
        self.place(node)
    }

    /// Puts a complete value where it belongs.
    fn place(&mut self, node: Rc<Node>) -> Step {
        self.within_budget(&node)?;
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.body.take(node, &mut self.problems);
        Ok(())
    }

    fn within_budget(&self, node: &Node) -> Step {
        if self.open.len() + node.height > MAX_DEPTH + 1 {
            return stop(syntax::too_deep(node.span));
        }
        if self.values > MAX_VALUES || node.size > MAX_VALUES {
            let problem = Problem::new(
                node.span,
                format!("the file has more than {MAX_VALUES} values"),
            );
            return stop(problem.help("aliases count with everything that they stand for"));
        }
        if self.problems.len() > MAX_PROBLEMS {
            return stop(Problem::new(node.span, "too many errors, given up here"));
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Step {
        let Some(node) = self.anchors.get(&anchor).map(Rc::clone) else {
            return stop(
                Problem::new(span, "an alias can't stand inside of what it refers to")
                    .help("write out what is meant here"),
            );
        };
        self.values += node.size;
        self.place(node)
    }

    fn unknown_alias(&mut self, name: &str, span: Span) -> Step {
        let few = self.problems.len() < MAX_COMPARED;
        let known = few.then(|| did_you_mean(name, self.anchor_names.iter().map(String::as_str)));
        let known = known
            .flatten()
            .unwrap_or_else(|| "a text that starts with `*` needs quotes".to_owned());
        let problem = Problem::new(span, format!("no anchor `&{name}` stands above this alias"));
        self.problems.push(problem.help(known));
        self.has_holes = true;
        self.place(Rc::new(Node::new(span, Kind::Nothing)))
    }

    fn tag(&mut self, tag: Option<&Tag>, span: Span) {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            let text = format!("the tag `{}` means nothing here", tag.original());
            self.problems.push(
                Problem::new(span, text)
                    .help("remove it; a text that starts with `!` needs quotes"),
            );
        }
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Kind {
    let is_text =
        style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" if !is_text => Kind::Nothing,
        _ if is_text => Kind::Scalar(text.into_owned(), Quoted::Yes),
        _ => Kind::Scalar(text.into_owned(), Quoted::No),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Rc<Node>>, Vec<String>) {
        let (source, problem) = Source::read("x", text.as_bytes());
        assert_eq!(problem, None);
        let (root, problems) = compose(&source);
        (
            root,
            problems
                .into_iter()
                .map(|problem| problem.message)
                .collect(),
        )
    }

    fn entries(node: &Node) -> Vec<(String, String)> {
        let Kind::Map(entries) = &node.kind else {
            panic!("no mapping")
        };
        let text = |node: &Node| match &node.kind {
            Kind::Scalar(text, _) => text.clone(),
            other => format!("{other:?}"),
        };
        entries
            .iter()
            .map(|entry| (entry.key.clone(), text(&entry.value)))
            .collect()
    }

    #[test]
    fn scalars_keep_the_text_that_was_written() {
        let (root, problems) = read("a: 0644\nb: no\nc: '1.10'\n");
        assert_eq!(problems, [""; 0]);
        let written = [("a", "0644"), ("b", "no"), ("c", "1.10")];
        assert_eq!(
            entries(&root.unwrap()),
            written.map(|(key, text)| (key.into(), text.into()))
        );
    }

    #[test]
    fn merged_keys_yield_to_those_written_out() {
        let (root, problems) = read("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\n");
        assert_eq!(problems, [""; 0]);
        let Kind::Map(top) = &root.unwrap().kind else {
            panic!("no mapping")
        };
        let used = [("y", "3"), ("x", "1")];
        assert_eq!(
            entries(&top[1].value),
            used.map(|(key, text)| (key.into(), text.into()))
        );
    }

    #[test]
    fn every_doubled_key_and_unknown_alias_is_found_in_one_pass() {
        let (root, problems) = read("a: 1\na: 2\nb: *nobody\nc: {d: 1, d: 2}\n");
        assert!(root.is_none());
        let found = [
            "`a` is written twice",
            "no anchor `&nobody` stands above this alias",
            "`d` is written twice",
        ];
        assert_eq!(problems, found);
    }

    #[test]
    fn an_alias_inside_of_itself_is_refused() {
        let (root, problems) = read("a: &a [*a]\n");
        assert!(root.is_none());
        assert_eq!(
            problems,
            ["an alias can't stand inside of what it refers to"]
        );
    }
}
