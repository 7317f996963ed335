//! How a table of keys is written down: what a key takes, whether it may be left out, what it is for. The reader and
//! the JSON Schema are both driven by such tables, so that neither knows a key that the other doesn't.

/// A mapping with known keys.
#[derive(Debug)]
pub struct Object {
    /// What it is, with its article: `a service`.
    pub what: &'static str,
    /// Its keys, in the order in which they are best read.
    pub keys: &'static [Key],
}

/// A key of an object.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Whether it may be left out.
    pub need: Need,
    /// What it takes.
    pub shape: Shape,
    /// What it is for, in a sentence.
    pub about: &'static str,
}

/// Whether a key may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It must be there.
    Required,
    /// It may be left out.
    Optional,
    /// When left out, it is as if this had been written.
    Default(&'static str),
}

/// What a key takes.
#[derive(Debug)]
pub enum Shape {
    /// A single value, written in a certain form.
    Text(Form),
    /// `true` or `false`.
    Flag,
    /// A whole number between two bounds, both included.
    Number(i64, i64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list.
    List(&'static Shape),
    /// A mapping whose keys are chosen by the user.
    Names(Form, &'static Shape),
    /// A mapping with known keys.
    Object(&'static Object),
    /// Either of these.
    Either(&'static [Shape]),
}

/// How a single value is written.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// What it is, with its article: `a size`.
    pub what: &'static str,
    /// One as it may be written.
    pub example: &'static str,
    /// A regular expression that every one of them matches; empty: any text.
    pub pattern: &'static str,
}

impl Object {
    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Key {
    /// What counts when it is left out.
    pub fn default(&self) -> Option<&'static str> {
        match self.need {
            Need::Default(text) => Some(text),
            Need::Required | Need::Optional => None,
        }
    }
}

/// A key that must be there.
pub const fn required(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key {
        name,
        need: Need::Required,
        shape,
        about,
    }
}

/// A key that may be left out.
pub const fn optional(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key {
        name,
        need: Need::Optional,
        shape,
        about,
    }
}

/// A key that has a default.
pub const fn default(
    name: &'static str,
    value: &'static str,
    shape: Shape,
    about: &'static str,
) -> Key {
    Key {
        name,
        need: Need::Default(value),
        shape,
        about,
    }
}
