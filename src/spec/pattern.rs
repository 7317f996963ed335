//! What names files in `include:`: a path, or a pattern of paths. Matches names; looks at no disk.

use std::path::{Path, PathBuf};

use glob::MatchOptions;

/// Longer ones, and more wildcards, than anybody needs: matching could take long.
const MAX_TEXT: usize = 255;
const MAX_WILD: usize = 8;

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// A path relative to the main file, or a pattern of such paths: `*`, `?` and `[ab]` within a name, `**` for any
/// directories. What is hidden is matched only by a dot that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(glob::Pattern);

impl Pattern {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn new(text: &str) -> Result<Pattern, String> {
        let plain: PathBuf = Path::new(text).components().filter(is_name).collect();
        let plain = plain.to_string_lossy();
        if plain.is_empty() || text.ends_with('/') {
            return Err("it names a directory".to_owned());
        }
        if plain.len() > MAX_TEXT || plain.matches('*').count() > MAX_WILD {
            return Err(format!(
                "it has more than {MAX_TEXT} bytes, or more than {MAX_WILD} `*`"
            ));
        }
        let pattern = glob::Pattern::new(&plain);
        pattern.map(Pattern).map_err(|error| error.msg.to_owned())
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        self.0.as_str()
    }

    /// The one file that it names, where nothing in it is a wildcard.
    pub fn file(&self) -> Option<PathBuf> {
        (!is_wild(self.text())).then(|| PathBuf::from(self.text()))
    }

    /// The directory below which all that it matches is.
    pub fn start(&self) -> PathBuf {
        let parent = Path::new(self.text()).parent().unwrap_or(Path::new(""));
        let names = parent.components();
        names
            .take_while(|name| !is_wild(&name.as_os_str().to_string_lossy()))
            .collect()
    }

    /// Whether it may match something below this directory.
    pub fn goes_into(&self, directory: &Path) -> bool {
        let depth = Path::new(self.text()).components().count();
        self.text().contains("**") || directory.components().count() < depth
    }

    /// Whether it matches the path of a file.
    pub fn matches(&self, path: &Path) -> bool {
        self.0.matches_path_with(path, OPTIONS)
    }
}

fn is_name(part: &std::path::Component<'_>) -> bool {
    !matches!(part, std::path::Component::CurDir)
}

fn is_wild(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Pattern::new(pattern).unwrap().matches(Path::new(path))
    }

    #[test]
    fn a_star_stays_in_its_directory_and_two_do_not() {
        assert!(matches("services/*.yaml", "services/api.yaml"));
        assert!(!matches("services/*.yaml", "services/deep/api.yaml"));
        assert!(matches("**/*.yaml", "services/deep/api.yaml"));
        assert!(matches("services/**/*.yaml", "services/api.yaml"));
        assert!(matches("./host-[ab].yaml", "host-a.yaml"));
    }

    #[test]
    fn what_is_hidden_is_matched_only_by_a_written_dot() {
        assert!(!matches("*.yaml", ".backup.yaml"));
        assert!(!matches("**/*.yaml", ".git/config.yaml"));
        assert!(matches(".git/*.yaml", ".git/config.yaml"));
    }

    #[test]
    fn a_search_begins_where_the_first_wildcard_stands_and_goes_no_deeper_than_it_must() {
        let pattern = |text: &str| Pattern::new(text).unwrap();
        assert_eq!(pattern("a/b/*.yaml").start(), Path::new("a/b"));
        assert_eq!(pattern("a/*/c.yaml").start(), Path::new("a"));
        assert!(!pattern("a/*.yaml").goes_into(Path::new("a/b")));
        assert!(pattern("a/*/c.yaml").goes_into(Path::new("a/b")));
        assert!(pattern("a/**/c.yaml").goes_into(Path::new("a/b/c")));
        assert_eq!(pattern("./a/b.yaml").file(), Some("a/b.yaml".into()));
        assert_eq!(pattern("a/?.yaml").file(), None);
    }

    #[test]
    fn what_no_file_can_match_is_refused() {
        for wrong in [
            "",
            ".",
            "services/",
            "[a",
            "a**b",
            "*********",
            &"x".repeat(300),
        ] {
            assert!(Pattern::new(wrong).is_err(), "{wrong}");
        }
    }
}
