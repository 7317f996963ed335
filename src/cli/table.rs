//! Columns that stand below each other. Pure; the cells come with their meaning, the style gives the colours.

use std::collections::BTreeMap;

use super::style::{Paint, Style};
use super::text;

/// Between two columns.
const GAP: usize = 2;

/// The last column gets at least this much, however narrow the terminal is.
const MIN_LAST: usize = 12;

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    /// A cell; what is hostile in the text becomes visible.
    pub fn new(paint: Paint, value: impl std::fmt::Display) -> Cell {
        Cell {
            text: text::clean(&value.to_string()),
            paint,
        }
    }

    /// A cell without colour.
    pub fn plain(value: impl std::fmt::Display) -> Cell {
        Cell::new(Paint::Plain, value)
    }
}

/// Where a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// At its left edge.
    Left,
    /// At its right edge: numbers.
    Right,
}

/// Aligned rows under a head.
#[derive(Debug, Clone)]
pub struct Table {
    head: Vec<(&'static str, Align)>,
    indent: usize,
    rows: Vec<Vec<Cell>>,
    /// Lines of their own, by the number of the row that they stand above.
    titles: BTreeMap<usize, Cell>,
}

impl Table {
    /// A table with these columns; a column whose cells are all empty is left out.
    pub fn new(indent: usize, head: &[(&'static str, Align)]) -> Table {
        Table {
            head: head.to_vec(),
            indent,
            rows: Vec::new(),
            titles: BTreeMap::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Puts a line of its own above the row that comes next.
    pub fn title(&mut self, title: Cell) {
        self.titles.insert(self.rows.len(), title);
    }

    /// The lines, the head dimmed above them.
    pub fn render(&self, style: &Style) -> String {
        let mut table = self.clone();
        table.drop_empty_columns();
        let widths = table.widths(style);
        let mut lines = table.named(&widths, style);
        for (number, row) in table.rows.iter().enumerate() {
            if let Some(title) = table.titles.get(&number) {
                lines.push_str(&style.paint(title.paint, &title.text));
                lines.push('\n');
            }
            lines.push_str(&table.line(row, &widths, style));
        }
        lines
    }

    /// The head; nothing where no column has a name.
    fn named(&self, widths: &[usize], style: &Style) -> String {
        let head = self
            .head
            .iter()
            .map(|(name, _)| Cell::new(Paint::Dim, name));
        let head: Vec<Cell> = head.collect();
        if head.iter().all(|cell| cell.text.is_empty()) {
            return String::new();
        }
        self.line(&head, widths, style)
    }

    fn drop_empty_columns(&mut self) {
        for column in (0..self.head.len()).rev() {
            let empty = |row: &Vec<Cell>| row.get(column).is_none_or(|cell| cell.text.is_empty());
            if self.rows.iter().all(empty) {
                self.head.remove(column);
                for row in self.rows.iter_mut().filter(|row| row.len() > column) {
                    row.remove(column);
                }
            }
        }
    }

    fn widths(&self, style: &Style) -> Vec<usize> {
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let cells = cells.map(|cell| text::width(&cell.text));
            cells.chain([text::width(self.head[column].0)]).max()
        };
        let mut widths: Vec<usize> = (0..self.head.len())
            .map(|column| widest(column).unwrap_or(0))
            .collect();
        if let Some((last, before)) = widths.split_last_mut() {
            let taken = self.indent + before.iter().map(|width| width + GAP).sum::<usize>();
            *last = (*last).min(style.width.saturating_sub(taken).max(MIN_LAST));
        }
        widths
    }

    /// One row. Its last cell is wrapped within its column where it is too long.
    fn line(&self, row: &[Cell], widths: &[usize], style: &Style) -> String {
        let mut line = " ".repeat(self.indent);
        let mut used = self.indent;
        let last = widths.len().saturating_sub(1);
        let columns = row.iter().zip(&self.head).zip(widths).enumerate();
        for (column, ((cell, (_, align)), width)) in columns {
            if column == last && *align == Align::Left {
                line.push_str(&hanging(cell, used, *width, style));
                continue;
            }
            line.push_str(&padded(cell, *align, *width, style));
            line.push_str(&" ".repeat(GAP));
            used += width + GAP;
        }
        format!("{}\n", line.trim_end())
    }
}

fn padded(cell: &Cell, align: Align, width: usize, style: &Style) -> String {
    let space = " ".repeat(width.saturating_sub(text::width(&cell.text)));
    let painted = style.paint(cell.paint, &cell.text);
    match align {
        Align::Left => format!("{painted}{space}"),
        Align::Right => format!("{space}{painted}"),
    }
}

fn hanging(cell: &Cell, indent: usize, width: usize, style: &Style) -> String {
    text::wrap(&cell.text, width)
        .iter()
        .map(|line| style.paint(cell.paint, line))
        .collect::<Vec<_>>()
        .join(&format!("\n{}", " ".repeat(indent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(
            2,
            &[
                ("NAME", Align::Left),
                ("SIZE", Align::Right),
                ("WHY", Align::Left),
            ],
        );
        table.row([
            Cell::new(Paint::Good, "a"),
            Cell::plain(1),
            Cell::plain("a reason that is too long for the width of this terminal"),
        ]);
        table.row([
            Cell::plain("網站"),
            Cell::plain(10_000),
            Cell::plain("b\u{1b}[2J"),
        ]);
        table
    }

    #[test]
    fn columns_are_aligned_by_what_the_eye_sees() {
        insta::assert_snapshot!("aligned", table().render(&Style::plain(40)));
    }

    #[test]
    fn colours_do_not_move_a_column() {
        let coloured = table().render(&Style::coloured(40));
        let stripped = coloured
            .replace("\u{1b}[32m", "")
            .replace("\u{1b}[2m", "")
            .replace("\u{1b}[0m", "");
        assert_ne!(coloured, stripped);
        assert_eq!(stripped, table().render(&Style::plain(40)));
    }

    #[test]
    fn a_column_with_nothing_in_it_is_left_out() {
        let mut table = Table::new(
            0,
            &[("A", Align::Left), ("B", Align::Left), ("C", Align::Left)],
        );
        table.row([Cell::plain("1"), Cell::plain(""), Cell::plain("3")]);
        assert_eq!(table.render(&Style::plain(80)), "A  C\n1  3\n");
    }
}
