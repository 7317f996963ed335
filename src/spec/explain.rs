//! What a place in `cluster.yaml` takes and is for: the table of keys, asked by path.

use serde::Serialize;

use super::form::{Form, Key, Need, Object, Shape};
use super::keys::CLUSTER;
use super::problem::{did_you_mean, slip_of};

/// What a place in the file takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Where it is: `services.NAME.heartbeat.every`, with NAME where the user chooses one; empty: the whole file.
    pub path: String,
    /// What it is for, in a sentence.
    pub about: String,
    /// What it takes, in words.
    pub takes: String,
    /// Whether it must be there.
    pub required: bool,
    /// What counts when it is left out.
    pub default: Option<String>,
    /// The keys below it.
    pub keys: Vec<Place>,
}

/// A place that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The last place on the way there; empty: the top of the file.
    pub below: String,
    /// The word that is no key there.
    pub word: String,
    /// What may have been meant.
    pub help: Option<String>,
}

/// Explains a path. Names that the user chose may stand in it, or be left out: `services.web.port`, `services.port`. A
/// single word that is no key of the file itself is looked for everywhere.
///
/// # Errors
/// Nothing is called so.
pub fn explain(path: &str) -> Result<Vec<Place>, Unknown> {
    let words: Vec<&str> = path.split('.').filter(|word| !word.is_empty()).collect();
    match walk(&words) {
        Ok(place) => Ok(vec![place]),
        Err(unknown) => match words.as_slice() {
            [word] => everywhere(word).ok_or(unknown),
            _ => Err(unknown),
        },
    }
}

/// A step on the way down.
struct Here {
    path: Vec<&'static str>,
    key: Option<&'static Key>,
    shape: &'static Shape,
}

static FILE: Shape = Shape::Object(&CLUSTER);

fn walk(words: &[&str]) -> Result<Place, Unknown> {
    let mut here = Here {
        path: Vec::new(),
        key: None,
        shape: &FILE,
    };
    let mut left = words;
    while let [word, rest @ ..] = left {
        // Some keys are names of files, with a dot in them.
        let file = rest.first().map(|ending| format!("{word}.{ending}"));
        if let Some(key) = file.and_then(|file| key_of(here.shape, &file)) {
            here = below(&here.path, key);
            left = &rest[1..];
            continue;
        }
        here = step(&here, word, rest.is_empty()).ok_or_else(|| unknown(&here, word))?;
        left = rest;
    }
    Ok(place(&here, true))
}

/// One word down: a key, or a name that the user chose, which may be left out.
fn step(here: &Here, word: &str, last: bool) -> Option<Here> {
    if let Some(key) = key_of(here.shape, word) {
        return Some(below(&here.path, key));
    }
    let (form, inner) = names_of(here.shape)?;
    let mut path = here.path.clone();
    path.push(placeholder(form));
    if let Some(key) = key_of(inner, word) {
        return Some(below(&path, key));
    }
    // What is nearly a key is no name.
    let slip = last && slip_of(word, keys_of(inner).map(|key| key.name)).is_some();
    (!slip).then_some(Here {
        path,
        key: None,
        shape: inner,
    })
}

fn below(path: &[&'static str], key: &'static Key) -> Here {
    Here {
        path: path.iter().copied().chain([key.name]).collect(),
        key: Some(key),
        shape: &key.shape,
    }
}

fn unknown(here: &Here, word: &str) -> Unknown {
    let inner = names_of(here.shape).map_or(here.shape, |(_, inner)| inner);
    Unknown {
        below: here.path.join("."),
        word: word.to_owned(),
        help: did_you_mean(word, keys_of(inner).map(|key| key.name)),
    }
}

/// Every place with a key of this name.
fn everywhere(word: &str) -> Option<Vec<Place>> {
    let mut found = Vec::new();
    search(&[], &FILE, word, &mut found);
    (!found.is_empty()).then_some(found)
}

fn search(path: &[&'static str], shape: &'static Shape, word: &str, found: &mut Vec<Place>) {
    let names = names_of(shape);
    let named = names.map(|(form, _)| placeholder(form));
    let path: Vec<&str> = path.iter().copied().chain(named).collect();
    for key in keys_of(names.map_or(shape, |(_, inner)| inner)) {
        let here = below(&path, key);
        if key.name == word {
            found.push(place(&here, true));
        }
        search(&here.path, here.shape, word, found);
    }
}

fn place(here: &Here, with_keys: bool) -> Place {
    let need = here.key.map(|key| key.need);
    let (named, inner) = match names_of(here.shape) {
        Some((form, inner)) => (Some(placeholder(form)), inner),
        None => (None, here.shape),
    };
    let path: Vec<&str> = here.path.iter().copied().chain(named).collect();
    let keys = keys_of(inner).filter(|_| with_keys);
    let about = match (here.key, object_of(here.shape)) {
        (Some(key), _) => key.about,
        (None, Some(object)) => object.what,
        (None, None) => "",
    };
    Place {
        path: here.path.join("."),
        about: about.to_owned(),
        takes: match here.shape {
            Shape::Object(_) => "the keys below".to_owned(),
            shape => takes(shape),
        },
        required: need == Some(Need::Required),
        default: match need {
            Some(Need::Default(value)) => Some(value.to_owned()),
            _ => None,
        },
        keys: keys.map(|key| place(&below(&path, key), false)).collect(),
    }
}

/// What a shape takes, in words.
fn takes(shape: &Shape) -> String {
    match shape {
        Shape::Text(form) => format!("{}, as in {}", form.what, form.example),
        Shape::Flag => "true or false".to_owned(),
        Shape::Number(least, i64::MAX) => format!("a whole number from {least}"),
        Shape::Number(least, most) => format!("a whole number from {least} to {most}"),
        Shape::Choice(words) => format!("one of {}", words.join(", ")),
        Shape::List(item) => format!("a list, each of it {}", takes(item)),
        Shape::Names(form, inner) => format!("{} each with {}", plural(form), takes(inner)),
        Shape::Object(object) => object.what.to_owned(),
        Shape::Either(shapes) => {
            let each: Vec<String> = shapes.iter().map(takes).collect();
            each.join("; or ")
        }
    }
}

fn plural(form: &Form) -> String {
    let what = form.what.trim_start_matches("a ").trim_start_matches("an ");
    let what = what.trim_start_matches("the ");
    match what.split_once(' ') {
        Some((first, rest)) => format!("{first}s {rest},"),
        None => format!("{what}s,"),
    }
}

/// How a name that the user chooses is written in a path.
fn placeholder(form: &Form) -> &'static str {
    form.example
}

fn key_of(shape: &'static Shape, word: &str) -> Option<&'static Key> {
    object_of(shape)?.key(word)
}

fn keys_of(shape: &'static Shape) -> impl Iterator<Item = &'static Key> {
    object_of(shape).into_iter().flat_map(|object| object.keys)
}

/// The keys that a shape may have, also in a list, or as one of several forms.
fn object_of(shape: &'static Shape) -> Option<&'static Object> {
    match shape {
        Shape::Object(object) => Some(object),
        Shape::List(item) => object_of(item),
        Shape::Either(shapes) => shapes.iter().find_map(object_of),
        Shape::Text(_) | Shape::Flag | Shape::Number(..) | Shape::Choice(_) | Shape::Names(..) => {
            None
        }
    }
}

/// The names that the user chooses, and what each of them has.
fn names_of(shape: &'static Shape) -> Option<(&'static Form, &'static Shape)> {
    match shape {
        Shape::Names(form, inner) => Some((form, inner)),
        Shape::List(item) => names_of(item),
        Shape::Either(shapes) => shapes.iter().find_map(names_of),
        Shape::Text(_) | Shape::Flag | Shape::Number(..) | Shape::Choice(_) | Shape::Object(_) => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(path: &str) -> Place {
        let mut places = explain(path).unwrap();
        assert_eq!(places.len(), 1, "{path}");
        places.remove(0)
    }

    #[test]
    fn a_path_is_explained_with_names_and_without_them() {
        for path in ["services.web.port", "services.NAME.port", "services.port"] {
            let place = one(path);
            assert_eq!(place.path, "services.NAME.port");
            assert_eq!(place.takes, "a whole number from 1 to 65535");
        }
        let every = one("load_balancers.heartbeat.every");
        assert_eq!(every.default.as_deref(), Some("1s"));
        assert_eq!(every.takes, "a span of time, as in 4s");
    }

    #[test]
    fn the_file_itself_and_a_name_have_keys() {
        assert!(one("").keys.iter().any(|key| key.path == "services"));
        let keys: Vec<String> = one("hosts.a")
            .keys
            .into_iter()
            .map(|key| key.path)
            .collect();
        assert!(keys.contains(&"hosts.NAME.pool".to_owned()), "{keys:?}");
        assert_eq!(one("hosts").keys, one("hosts.a").keys);
    }

    #[test]
    fn a_single_word_is_looked_for_everywhere() {
        let paths: Vec<String> = explain("port")
            .unwrap()
            .into_iter()
            .map(|p| p.path)
            .collect();
        assert!(
            paths.contains(&"services.NAME.heartbeat.port".to_owned()),
            "{paths:?}"
        );
        assert!(
            paths.contains(&"load_balancers.NAME.port".to_owned()),
            "{paths:?}"
        );
    }

    #[test]
    fn what_is_nearly_a_key_is_no_name() {
        let unknown = explain("services.prot").unwrap_err();
        assert_eq!(unknown.help.as_deref(), Some("did you mean `port`?"));
        assert_eq!(unknown.below, "services");
        let nonsense = explain("nonsense").unwrap_err();
        assert!(nonsense.help.unwrap().starts_with("known here: cluster, "));
        assert!(
            explain("services.web.port.deeper")
                .unwrap_err()
                .help
                .is_none()
        );
    }

    #[test]
    fn every_key_is_found_by_the_path_that_is_shown() {
        fn all(place: &Place) {
            for key in &place.keys {
                let again = one(&key.path);
                assert_eq!((&again.path, &again.about), (&key.path, &key.about));
                all(&again);
            }
        }
        all(&one(""));
    }
}
