//! What the guards say of a change, and what would let it pass. Pure.

use super::paragraph;
use crate::cli::style::{Paint, Style};
use crate::cli::text;
use crate::model::gate::{Gate, Guard, Verdict};
use crate::model::plan::Plan;

/// The section of the guards; none where none has anything to say.
pub(super) fn section(plan: &Plan, style: &Style) -> Option<String> {
    let gate = plan.gate.as_ref().filter(|gate| !gate.guards.is_empty())?;
    let column = gate.guards.iter().map(|guard| guard.guard.word().len());
    let column = column.max().unwrap_or(0);
    let guards = gate.guards.iter();
    let told: String = guards
        .map(|guard| told(guard, &plan.file, column, style))
        .collect();
    Some(title(gate, style) + &told)
}

fn title(gate: &Gate, style: &Style) -> String {
    let (paint, words) = match gate.holds() {
        true => (Paint::StrongBad, "keep it from coming into force"),
        false => (Paint::Strong, "let it pass"),
    };
    let (name, rest) = (
        "Guards",
        format!("  {words}: change {}, up to `{}`", gate.change, gate.class),
    );
    let fits = text::width(name) + text::width(&rest) <= style.width;
    let (title, rest) = (style.paint(paint, name), style.paint(Paint::Dim, rest));
    format!("{title}{}{rest}\n", if fits { "" } else { "\n" })
}

fn told(guard: &Guard, file: &str, column: usize, style: &Style) -> String {
    let (mark, paint) = match guard.verdict {
        Verdict::Passes => ("✓", Paint::Good),
        Verdict::Holds => ("✗", Paint::Bad),
    };
    let place = guard
        .line
        .as_ref()
        .map(|line| format!(" ({})", text::clean(&line.place(file))));
    let text = text::clean(&guard.text) + &place.unwrap_or_default();
    let indent = column + 6;
    let below = |paint, text: &str| paragraph(style, paint, indent, text);
    // The first line of the paragraph stands beside the name.
    let lines = below(Paint::Plain, &text);
    let word = format!("{:<column$}", guard.guard.word());
    let head = format!("  {} {word}  ", style.paint(paint, mark));
    let help = guard.help.as_ref().map(|help| {
        let help = format!("help: {}", text::clean(help));
        below(Paint::Accent, &help)
    });
    head + lines.trim_start() + &help.unwrap_or_default()
}
