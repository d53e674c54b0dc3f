//! Columns that line up.

use std::io::{self, Write};

/// On which side a column's text is flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// Rows of text under headings; every column is as wide as its widest cell.
#[derive(Debug)]
pub(crate) struct Table {
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new<'h>(columns: impl IntoIterator<Item = (&'h str, Side)>) -> Self {
        let (headings, sides) =
            columns.into_iter().map(|(heading, side)| (heading.to_owned(), side)).unzip();
        Self { sides, rows: vec![headings] }
    }

    /// Adds a row, a cell for each column.
    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// Writes everything, each line behind `indent`.
    pub(crate) fn write(&self, out: &mut dyn Write, indent: &str) -> io::Result<()> {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.sides.len()).map(width).collect();
        for row in &self.rows {
            let mut line = String::from(indent);
            for ((cell, width), side) in row.iter().zip(&widths).zip(&self.sides) {
                let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
                match side {
                    Side::Left => line.extend([cell.as_str(), &gap]),
                    Side::Right => line.extend([gap.as_str(), cell]),
                }
                line.push_str("  ");
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new([("name", Side::Left), ("size", Side::Right)]);
        table.push(vec!["a".to_owned(), "≤10".to_owned()]);
        table.push(vec!["longer".to_owned(), "7".to_owned()]);
        let mut out = Vec::new();
        table.write(&mut out, "> ").unwrap();
        let want = "> name    size\n> a        ≤10\n> longer     7\n";
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }
}
