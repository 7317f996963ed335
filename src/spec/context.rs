//! What reading a file gathers on the way: problems, and the other files that it includes.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::model::desired::{Engine, Lines, Revision, Template};
use crate::render::{self, RenderError};

use super::pattern::Pattern;
use super::problem::{Elsewhere, MAX_COMPARED, Problem, did_you_mean};
use super::source::{At, Source, Span, Texts};
use super::tree::{self, Node};
use super::{Sources, SpecFiles};

/// The largest template or key that is read.
const MAX_INCLUDE: usize = 1 << 20;
/// The size of what stands for an image.
const STAND_IN: u64 = 64 << 20;

/// Where problems and included files are noted.
pub struct Context<'a> {
    files: &'a dyn SpecFiles,
    texts: RefCell<Texts>,
    problems: RefCell<Vec<Problem>>,
    includes: RefCell<Vec<(PathBuf, Vec<u8>)>>,
}

impl<'a> Context<'a> {
    /// Nothing gathered yet but the main file's text and these problems.
    pub fn new(files: &'a dyn SpecFiles, main: Source, problems: Vec<Problem>) -> Self {
        Self {
            files,
            texts: RefCell::new(Texts::of(main)),
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

    /// All texts that were read.
    pub fn texts(self) -> Texts {
        self.texts.into_inner()
    }

    /// The line of every key of a tree.
    pub fn lines(&self, root: &Node) -> Lines {
        Lines(tree::lines(&self.texts.borrow(), root))
    }

    /// The line of a place in the main file.
    pub fn line(&self, span: Span) -> u32 {
        self.texts.borrow().main.line(span.start)
    }

    /// What messages call the main file.
    pub fn main_name(&self) -> String {
        self.texts.borrow().main.name.clone()
    }

    /// The main file, relative to its directory.
    pub fn main_file(&self) -> PathBuf {
        let name = self.main_name();
        Path::new(&name).file_name().unwrap_or_default().into()
    }

    /// What messages call an included file.
    pub fn name_of(&self, path: &Path) -> String {
        let main = self.main_name();
        let beside = Path::new(&main).with_file_name(path);
        beside.display().to_string()
    }

    /// Where the next text begins, and how many bytes there are already.
    pub fn next_text(&self) -> (usize, usize) {
        let next = self.texts.borrow().next();
        (next, next - 1)
    }

    /// The text of an included file, which becomes part of the revision.
    pub fn included_text(&self, path: &Path, source: Source, bytes: Vec<u8>) {
        self.texts.borrow_mut().push(source);
        self.includes.borrow_mut().push((path.to_owned(), bytes));
    }

    /// The files that a pattern names.
    pub fn find(&self, pattern: &Pattern) -> io::Result<Vec<PathBuf>> {
        self.files.find(pattern)
    }

    /// The content of a local file.
    pub fn read(&self, what: &str, path: &At<String>, file: &Path) -> Option<Vec<u8>> {
        let read = self.files.read(file);
        read.map_err(|error| self.push(unreadable(what, path, &error)))
            .ok()
    }

    /// The directory of the file in which a place is, relative to that of the main file.
    fn directory(&self, span: Span) -> PathBuf {
        let texts = self.texts.borrow();
        let parent = |name: &str| Path::new(name).parent().map(Path::to_owned);
        let main = parent(&texts.main.name).unwrap_or_default();
        let own = parent(&texts.at(span.start).name).unwrap_or_default();
        own.strip_prefix(&main).unwrap_or(&own).to_owned()
    }

    /// The path of a local file relative to the main file, where it was written so, with `~` for the home directory.
    pub fn path(&self, path: &At<String>) -> Option<PathBuf> {
        let Some(below) = path.value.strip_prefix('~') else {
            return Some(self.directory(path.span).join(&path.value));
        };
        let home = self.env("HOME").filter(|home| !home.is_empty());
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

    /// The value of an environment variable, or what stands for it.
    pub fn env(&self, name: &str) -> Option<String> {
        let here = self.files.env(name);
        here.or_else(|| {
            self.files
                .stand_in(&format!("the environment variable {name}"))
        })
    }

    /// The content of a local file, which becomes part of the revision.
    pub fn include(&self, what: &str, path: &At<String>) -> Option<String> {
        let file = self.path(path)?;
        let bytes = self.read(what, path, &file)?;
        self.included(what, path, file, bytes)
    }

    /// The same of a public key; or one that stands for it, and becomes part of nothing.
    pub fn include_key(&self, path: &At<String>) -> Option<String> {
        let (what, file) = ("the public key", self.path(path)?);
        match self.files.read(&file) {
            Ok(bytes) => self.included(what, path, file, bytes),
            Err(error) => self.absent(what, path, &error).map(|text| key(&text)),
        }
    }

    /// What stands for a public key that is not there.
    pub fn stand_in_key(&self, path: &str) -> Option<String> {
        let text = self.files.stand_in(&format!("the public key {path:?}"))?;
        Some(key(&text))
    }

    fn included(
        &self,
        what: &str,
        path: &At<String>,
        file: PathBuf,
        bytes: Vec<u8>,
    ) -> Option<String> {
        let text = self.text(what, path, bytes)?;
        let included = (file, text.clone().into_bytes());
        self.includes.borrow_mut().push(included);
        Some(text)
    }

    /// The content of a local file that is not part of the revision: a secret's digest says something about it.
    pub fn read_secret(&self, what: &str, path: &At<String>) -> Option<String> {
        let file = self.path(path)?;
        match self.files.read(&file) {
            Ok(bytes) => self.text(what, path, bytes),
            Err(error) => self.absent(what, path, &error),
        }
    }

    /// What stands for a file that can't be read, or else a problem.
    fn absent(&self, what: &str, path: &At<String>, error: &io::Error) -> Option<String> {
        let stand_in = || self.files.stand_in(&format!("{what} {:?}", path.value));
        let stands_in = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => stand_in(),
            _ => None,
        };
        if stands_in.is_none() {
            self.push(unreadable(what, path, error));
        }
        stands_in
    }

    fn text(&self, what: &str, path: &At<String>, bytes: Vec<u8>) -> Option<String> {
        let wrong = match String::from_utf8(bytes) {
            Ok(text) if text.len() <= MAX_INCLUDE => return Some(text),
            Ok(_) => "has more than 1 MiB",
            Err(_) => "is not UTF-8 text",
        };
        let problem = Problem::new(path.span, format!("{what} {:?} {wrong}", path.value));
        self.push(problem.help("is this the right file?"));
        None
    }

    /// Digest and size of a local file, which become part of the revision. Where another one may stand for the file, it
    /// has the digest that is `wanted`.
    pub fn digest(
        &self,
        what: &str,
        path: &At<String>,
        wanted: Option<&str>,
    ) -> Option<(PathBuf, String, u64)> {
        let file = self.path(path)?;
        let found = self.files.digest(&file).or_else(|error| {
            self.absent(what, path, &error).ok_or(())?;
            let digest = wanted.map_or_else(|| sha256(&path.value), str::to_owned);
            Ok::<_, ()>((digest, STAND_IN))
        });
        let (digest, size) = found.ok()?;
        let included = (file.clone(), digest.clone().into_bytes());
        self.includes.borrow_mut().push(included);
        Some((file, digest, size))
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
            Err(error) => self.absent(what, path, &error).map(|_| file),
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
                name: self.file_name(path),
                text,
                engine,
            },
            path.span,
        )
    }

    /// What a local file is called where no line of `cluster.yaml` is shown beside it.
    pub fn file_name(&self, path: &At<String>) -> String {
        let directory = self.directory(path.span);
        match path.value.starts_with(['/', '~']) || directory.as_os_str().is_empty() {
            true => path.value.clone(),
            false => directory.join(&path.value).display().to_string(),
        }
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
    pub fn revision(&self) -> Revision {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(self.texts.borrow().main.text.as_bytes());
        for (path, content) in self.includes.borrow().iter() {
            part(path.as_os_str().as_encoded_bytes());
            part(content);
        }
        Revision(hex(&hash.finalize()).chars().take(12).collect())
    }
}

fn key(text: &str) -> String {
    format!("ssh-ed25519 {text}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

fn unreadable(what: &str, path: &At<String>, error: &io::Error) -> Problem {
    let name = &path.value;
    let problem = |message: String| Problem::new(path.span, message);
    match error.kind() {
        io::ErrorKind::NotFound if name.starts_with(['/', '~']) => {
            problem(format!("{what} {name:?} is not there")).help("check the path")
        }
        io::ErrorKind::NotFound => problem(format!("{what} {name:?} is not there"))
            .help("check the path: a relative one starts at the directory of this file"),
        io::ErrorKind::PermissionDenied => problem(format!("{what} {name:?} must not be read"))
            .help("check who may read the file, and who runs reconcile"),
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
