//! How output looks: whether it has colours, how wide it is, and in which time zone it tells moments. The only place
//! that knows an escape sequence.

use std::io::IsTerminal;

use anstyle::{AnsiColor, Effects};

use super::moment::Zone;

/// The width where there is no terminal to ask.
pub const DEFAULT_WIDTH: usize = 80;

/// Narrower than this, columns can't be kept apart.
const MIN_WIDTH: usize = 40;

/// Wider than this, a line of prose is hard to read.
const MAX_WIDTH: usize = 140;

/// Whether escape sequences are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// They are.
    On,
    /// They are not.
    Off,
}

impl Colour {
    /// Only on a terminal that can show them, and where nobody said no: neither with `--no-color` nor with a
    /// non-empty `NO_COLOR` (<https://no-color.org>).
    pub fn wanted(
        no_color: bool,
        is_terminal: bool,
        env: impl Fn(&str) -> Option<String>,
    ) -> Colour {
        let refused = env("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env("TERM").is_some_and(|term| term == "dumb");
        if no_color || !is_terminal || refused || dumb {
            Colour::Off
        } else {
            Colour::On
        }
    }
}

/// How output looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// With colours or without.
    pub colour: Colour,
    /// Columns that a line may have.
    pub width: usize,
    /// Where times of day are told for.
    pub zone: Zone,
}

/// What a piece of text means. Its colour follows from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// As it is.
    Plain,
    /// Headings and what the eye shall find first.
    Strong,
    /// What matters only on a second look.
    Dim,
    /// It comes, or it is well.
    Good,
    /// It changes, or wants attention.
    Warn,
    /// It goes, or is broken.
    Bad,
    /// It moves, or happens right now.
    Accent,
    /// Broken, in a heading.
    StrongBad,
    /// Wants attention, in a heading.
    StrongWarn,
}

impl Paint {
    /// Of a line of a unified diff.
    pub fn of_diff(line: &str) -> Paint {
        match line.as_bytes().first() {
            Some(b'+') => Paint::Good,
            Some(b'-') => Paint::Bad,
            Some(b'@') => Paint::Accent,
            _ => Paint::Dim,
        }
    }

    fn look(self) -> anstyle::Style {
        let plain = anstyle::Style::new();
        let colour = |colour: AnsiColor| plain.fg_color(Some(colour.into()));
        match self {
            Paint::Plain => plain,
            Paint::Strong => plain.bold(),
            Paint::Dim => plain.effects(Effects::DIMMED),
            Paint::Good => colour(AnsiColor::Green),
            Paint::Warn => colour(AnsiColor::Yellow),
            Paint::Bad => colour(AnsiColor::Red),
            Paint::Accent => colour(AnsiColor::Cyan),
            Paint::StrongBad => colour(AnsiColor::Red).bold(),
            Paint::StrongWarn => colour(AnsiColor::Yellow).bold(),
        }
    }
}

impl Style {
    /// Without colours.
    pub fn plain(width: usize) -> Style {
        Style {
            colour: Colour::Off,
            width,
            zone: Zone::Utc,
        }
    }

    /// With colours.
    pub fn coloured(width: usize) -> Style {
        Style {
            colour: Colour::On,
            width,
            zone: Zone::Utc,
        }
    }

    /// What fits standard output.
    pub fn of_stdout(no_color: bool) -> Style {
        let stdout = std::io::stdout();
        let width = terminal_size::terminal_size_of(&stdout);
        Self::of(no_color, stdout.is_terminal(), width)
    }

    /// What fits standard error.
    pub fn of_stderr(no_color: bool) -> Style {
        let stderr = std::io::stderr();
        let width = terminal_size::terminal_size_of(&stderr);
        Self::of(no_color, stderr.is_terminal(), width)
    }

    fn of(
        no_color: bool,
        is_terminal: bool,
        size: Option<(terminal_size::Width, terminal_size::Height)>,
    ) -> Style {
        let width = size.map_or(DEFAULT_WIDTH, |(width, _)| usize::from(width.0));
        Style {
            colour: Colour::wanted(no_color, is_terminal, |name| std::env::var(name).ok()),
            width: width.clamp(MIN_WIDTH, MAX_WIDTH),
            zone: Zone::Local,
        }
    }

    /// `text` in the colour of its meaning. Nothing is added to an empty text.
    pub fn paint(&self, paint: Paint, text: impl std::fmt::Display) -> String {
        let text = text.to_string();
        match (self.colour, paint) {
            (Colour::Off, _) | (Colour::On, Paint::Plain) => text,
            (Colour::On, _) if text.is_empty() => text,
            (Colour::On, paint) => {
                let look = paint.look();
                format!("{look}{text}{look:#}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_env(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn colours_are_only_on_a_terminal_where_nobody_refused_them() {
        assert_eq!(Colour::wanted(false, true, no_env), Colour::On);
        assert_eq!(Colour::wanted(false, false, no_env), Colour::Off);
        assert_eq!(Colour::wanted(true, true, no_env), Colour::Off);
    }

    #[test]
    fn an_empty_no_color_refuses_nothing() {
        let env =
            |value: &'static str| move |name: &str| (name == "NO_COLOR").then(|| value.to_owned());
        assert_eq!(Colour::wanted(false, true, env("1")), Colour::Off);
        assert_eq!(Colour::wanted(false, true, env("")), Colour::On);
    }

    #[test]
    fn a_dumb_terminal_gets_no_colours() {
        let dumb = |name: &str| (name == "TERM").then(|| "dumb".to_owned());
        assert_eq!(Colour::wanted(false, true, dumb), Colour::Off);
    }

    #[test]
    fn a_plain_style_writes_no_escape() {
        assert_eq!(Style::plain(80).paint(Paint::StrongBad, "x"), "x");
        assert_eq!(
            Style::coloured(80).paint(Paint::Good, "x"),
            "\u{1b}[32mx\u{1b}[0m"
        );
        assert_eq!(Style::coloured(80).paint(Paint::Good, ""), "");
    }
}
