//! What reading a file gathers on the way: problems, and the other files that it includes.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::model::desired::{Engine, Revision, Template};
use crate::render::{self, RenderError};

use super::problem::{Elsewhere, MAX_COMPARED, Problem, did_you_mean};
use super::source::{At, Source, Span};
use super::{Sources, SpecFiles};

/// The largest template or key that is read.
const MAX_INCLUDE: usize = 1 << 20;

/// Where problems and included files are noted.
pub struct Context<'a> {
    files: &'a dyn SpecFiles,
    problems: RefCell<Vec<Problem>>,
    includes: RefCell<Vec<(PathBuf, Vec<u8>)>>,
}

impl<'a> Context<'a> {
    /// Nothing gathered yet but these problems.
    pub fn new(files: &'a dyn SpecFiles, problems: Vec<Problem>) -> Self {
        Self {
            files,
            problems: RefCell::new(problems),
            includes: RefCell::default(),
        }
    }

    /// Notes a problem.
    pub fn push(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Whether there is no problem so far.
    pub fn is_clean(&self) -> bool {
        self.problems.borrow().is_empty()
    }

    /// A help line that names the known word nearest to `word`, or else all of them.
    pub fn did_you_mean<'w>(
        &self,
        word: &str,
        known: impl IntoIterator<Item = &'w str>,
    ) -> Option<String> {
        let few = self.problems.borrow().len() < MAX_COMPARED;
        few.then(|| did_you_mean(word, known)).flatten()
    }

    /// The problems, out of here.
    pub fn take_problems(&self) -> Vec<Problem> {
        self.problems.take()
    }

    /// The path of a local file as it is written, with `~` for the home directory.
    pub fn path(&self, path: &At<String>) -> Option<PathBuf> {
        let Some(below) = path.value.strip_prefix('~') else {
            return Some(PathBuf::from(&path.value));
        };
        let home = self.files.env("HOME").filter(|home| !home.is_empty());
        match (below.strip_prefix('/'), home) {
            (Some(below), Some(home)) => return Some(Path::new(&home).join(below)),
            (Some(_), None) => {
                let problem = Problem::new(path.span, "`~` stands for $HOME, and that is not set");
                self.push(problem.help("write the whole path"));
            }
            (None, _) => {
                let problem = Problem::new(
                    path.span,
                    "`~` stands for your own home directory, and needs a `/`",
                );
                self.push(problem.help("write `~/…`, or the whole path"));
            }
        }
        None
    }

    /// The same path, as the rest of the program can use it.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.files.resolve(path)
    }

    /// The value of an environment variable.
    pub fn env(&self, name: &str) -> Option<String> {
        self.files.env(name)
    }

    /// The content of a local file, which becomes part of the revision.
    pub fn include(&self, what: &str, path: &At<String>) -> Option<String> {
        let (file, text) = self.read(what, path)?;
        self.includes
            .borrow_mut()
            .push((file, text.clone().into_bytes()));
        Some(text)
    }

    /// The content of a local file that is not part of the revision: a secret's digest says something about it.
    pub fn read_secret(&self, what: &str, path: &At<String>) -> Option<String> {
        self.read(what, path).map(|(_, text)| text)
    }

    fn read(&self, what: &str, path: &At<String>) -> Option<(PathBuf, String)> {
        let file = self.path(path)?;
        let bytes = self
            .files
            .read(&file)
            .map_err(|error| self.push(unreadable(what, path, &error)))
            .ok()?;
        if bytes.len() > MAX_INCLUDE {
            let problem = Problem::new(
                path.span,
                format!("{what} {:?} has more than 1 MiB", path.value),
            );
            self.push(problem.help("is this the right file?"));
            return None;
        }
        match String::from_utf8(bytes) {
            Ok(text) => Some((file, text)),
            Err(_) => {
                let problem = Problem::new(
                    path.span,
                    format!("{what} {:?} is not UTF-8 text", path.value),
                );
                self.push(problem.help("is this the right file?"));
                None
            }
        }
    }

    /// Digest and size of a local file, which become part of the revision.
    pub fn digest(&self, what: &str, path: &At<String>) -> Option<(PathBuf, String, u64)> {
        let file = self.path(path)?;
        match self.files.digest(&file) {
            Ok((digest, size)) => {
                self.includes
                    .borrow_mut()
                    .push((file.clone(), digest.clone().into_bytes()));
                Some((file, digest, size))
            }
            Err(error) => {
                self.push(unreadable(what, path, &error));
                None
            }
        }
    }

    /// Whether a local file is there and can be read.
    pub fn exists(&self, path: &Path) -> bool {
        self.files.read(path).is_ok()
    }

    /// Checks that a local file can be read.
    pub fn readable(&self, what: &str, path: &At<String>) -> Option<PathBuf> {
        let file = self.path(path)?;
        match self.files.read(&file) {
            Ok(_) => Some(file),
            Err(error) => {
                self.push(unreadable(what, path, &error));
                None
            }
        }
    }

    /// The template in a local file, if it compiles.
    pub fn template_file(&self, path: &At<String>) -> Option<Template> {
        let text = self.include("the template", path)?;
        let engine = match path.value.ends_with(".j2") {
            true => Engine::Jinja,
            false => Engine::Handlebars,
        };
        self.template(
            Template {
                name: path.value.clone(),
                text,
                engine,
            },
            path.span,
        )
    }

    /// A template that stands in the file itself, if it compiles.
    pub fn template_text(&self, name: &str, text: At<String>) -> Option<Template> {
        let template = Template {
            name: name.to_owned(),
            text: text.value,
            engine: Engine::Handlebars,
        };
        self.template(template, text.span)
    }

    fn template(&self, template: Template, span: Span) -> Option<Template> {
        match render::check(&template) {
            Ok(()) => Some(template),
            Err(error) => {
                self.push(broken_template(template, error, span));
                None
            }
        }
    }

    /// The files that were included.
    pub fn take_sources(&self) -> Sources {
        self.includes.take()
    }

    /// What identifies the file and all that it includes. Each part stands behind its length, so that no two
    /// different sets of files give the same bytes.
    pub fn revision(&self, source: &Source) -> Revision {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(source.text.as_bytes());
        for (path, content) in self.includes.borrow().iter() {
            part(path.as_os_str().as_encoded_bytes());
            part(content);
        }
        let digest = hash.finalize();
        Revision(
            digest
                .iter()
                .take(6)
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }
}

fn unreadable(what: &str, path: &At<String>, error: &std::io::Error) -> Problem {
    let name = &path.value;
    let problem = |message: String| Problem::new(path.span, message);
    match error.kind() {
        std::io::ErrorKind::NotFound if name.starts_with(['/', '~']) => {
            problem(format!("{what} {name:?} is not there")).help("check the path")
        }
        std::io::ErrorKind::NotFound => problem(format!("{what} {name:?} is not there"))
            .help("check the path: a relative one starts at the directory of this file"),
        std::io::ErrorKind::PermissionDenied => {
            problem(format!("{what} {name:?} must not be read"))
                .help("check who may read the file, and who runs reconcile")
        }
        _ => problem(format!("{what} {name:?} can't be read: {error}")).help("check the path"),
    }
}

fn broken_template(template: Template, error: RenderError, span: Span) -> Problem {
    let problem = Problem::new(
        span,
        format!("the template {:?} doesn't compile", template.name),
    );
    let help = match template.engine {
        Engine::Handlebars => {
            "it is Handlebars: every `{{` needs its `}}`, every `{{#x}}` its `{{/x}}`; only files named *.j2 are Jinja"
        }
        Engine::Jinja => "it is Jinja, as its name ends in .j2",
        Engine::Verbatim => "check the file",
    };
    let place = Elsewhere {
        file: template.name,
        line: error.line.unwrap_or(1),
        label: error.message,
        text: template.text,
    };
    problem.elsewhere(place).help(help)
}
