//! Tables for people, with columns as wide as their widest cells.

/// A table that grows row by row.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

/// The heading of a column, and the side on which its cells are aligned.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    /// Words, aligned on the left.
    Left(&'static str),
    /// Numbers, aligned on the right.
    Right(&'static str),
}

impl Table {
    pub(crate) fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row with a cell for each column.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Returns the lines: headings first, and `empty` where there are no rows.
    pub(crate) fn lines(&self, empty: &str) -> Vec<String> {
        if self.rows.is_empty() {
            return vec![empty.to_owned()];
        }
        let headings: Vec<String> = self.columns.iter().map(|c| c.heading().to_owned()).collect();
        let all = || std::iter::once(&headings).chain(&self.rows);
        let width = |column: usize| {
            all().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        let widths: Vec<usize> = (0..headings.len()).map(|c| width(c).unwrap_or(0)).collect();
        let line = |row: &Vec<String>| {
            let cells =
                row.iter().zip(&widths).zip(&self.columns).map(|((cell, &width), column)| {
                    match column {
                        Column::Left(_) => format!("{cell:<width$}"),
                        Column::Right(_) => format!("{cell:>width$}"),
                    }
                });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        all().map(line).collect()
    }
}

impl Column {
    fn heading(&self) -> &'static str {
        match self {
            Self::Left(heading) | Self::Right(heading) => heading,
        }
    }
}

/// Returns lines of names and descriptions, with the descriptions aligned.
pub(crate) fn described<'a>(lines: impl IntoIterator<Item = (&'a str, String)>) -> Vec<String> {
    let lines: Vec<_> = lines.into_iter().collect();
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    lines.iter().map(|(name, what)| format!("{name:<width$}  {what}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&[Column::Left("CODE"), Column::Right("LIQUIDITY")]);
        assert_eq!(table.lines("none yet"), ["none yet"]);
        table.row(["USD".to_owned(), "12.50".to_owned()]);
        table.row(["\u{20ac}uro".to_owned(), "1000000000.00".to_owned()]);
        assert_eq!(
            table.lines("none yet"),
            ["CODE      LIQUIDITY", "USD           12.50", "\u{20ac}uro  1000000000.00"]
        );
    }

    #[test]
    fn descriptions_are_below_each_other() {
        let lines = described([("id", "7".to_owned()), ("address", "g.bob".to_owned())]);
        assert_eq!(lines, ["id       7", "address  g.bob"]);
    }
}
