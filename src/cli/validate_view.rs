//! What `reconcile validate` says of a file without errors: its warnings, and what is in it.

use super::style::{Paint, Style};
use super::text;
use crate::model::desired::Desired;
use crate::model::plan::Notice;

/// For people: the warnings, and in a last line what is valid.
pub fn valid_text(desired: &Desired, warnings: &[Notice], strict: bool, style: &Style) -> String {
    let warned = warnings.iter().map(|warning| {
        let line = warning.line.as_ref();
        let line = line.map(|line| format!(" ({})", line.place(&desired.file)));
        let what = text::clean(&format!("{}{}", warning.text, line.unwrap_or_default()));
        let help = warning.help.as_deref().map(text::clean);
        paragraph(
            &style.paint(Paint::Warn, "warning:"),
            "warning: ",
            &what,
            style,
        ) + &help.map_or_else(String::new, |help| {
            paragraph("  help:", "  help: ", &help, style)
        })
    });
    warned
        .chain([summary(desired, warnings, strict, style)])
        .collect()
}

/// A word, and what is said behind it, in as many lines as that takes; `lead` is what the word looks like.
fn paragraph(word: &str, lead: &str, prose: &str, style: &Style) -> String {
    let indent = text::width(lead);
    let lines = text::wrap(prose, style.width.saturating_sub(indent));
    format!(
        "{word} {}\n",
        lines.join(&format!("\n{}", " ".repeat(indent)))
    )
}

fn summary(desired: &Desired, warnings: &[Notice], strict: bool, style: &Style) -> String {
    let number = text::count(warnings.len(), "warning");
    let (mark, but) = match (warnings.is_empty(), strict) {
        (true, _) => (style.paint(Paint::Good, "✓"), String::new()),
        (false, false) => (style.paint(Paint::Good, "✓"), format!(", with {number}")),
        (false, true) => (
            style.paint(Paint::Bad, "✗"),
            format!(", but for {number} (--strict)"),
        ),
    };
    let told = format!(
        "{} is valid{but}: cluster {}, {}, {} (revision {}).",
        text::clean(&desired.file),
        desired.cluster,
        text::count(desired.hosts.len(), "host"),
        text::count(desired.instances().count(), "instance"),
        desired.revision
    );
    paragraph(&mark, "✓ ", &told, style)
}

/// The same for programs.
pub fn valid_json(desired: &Desired, warnings: &[Notice]) -> String {
    let valid = serde_json::json!({
        "format_version": 1,
        "file": desired.file,
        "cluster": desired.cluster,
        "revision": desired.revision,
        "hosts": desired.hosts.len(),
        "instances": desired.instances().count(),
        "errors": [],
        "warnings": warnings,
    });
    format!("{valid}\n")
}
