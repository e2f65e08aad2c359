//! Parses the tables of a Markdown text.

pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A row, with cells by column name.
pub struct Row<'a> {
    head: &'a [String],
    cells: &'a [String],
}

impl Table {
    pub fn has(&self, columns: &[&str]) -> bool {
        columns
            .iter()
            .all(|column| self.head.iter().any(|name| name == column))
    }

    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row {
            head: &self.head,
            cells,
        })
    }

    pub fn column(&self, name: &str) -> impl Iterator<Item = &str> {
        let at = position(&self.head, name);
        self.rows.iter().map(move |cells| cells[at].as_str())
    }
}

impl<'a> Row<'a> {
    pub fn at(&self, column: &str) -> &'a str {
        &self.cells[position(self.head, column)]
    }
}

fn position(head: &[String], name: &str) -> usize {
    head.iter()
        .position(|one| one == name)
        .unwrap_or_else(|| panic!("no column `{name}` in {head:?}"))
}

/// Consecutive rows are one table; the second row only contains alignments.
pub fn read(text: &str) -> Vec<Table> {
    let mut tables = Vec::new();
    let mut rows: Vec<Vec<String>> = Vec::new();
    for line in text.lines().chain([""]) {
        if let Some(cells) = cells(line) {
            rows.push(cells);
            continue;
        }
        let mut all = std::mem::take(&mut rows).into_iter();
        if let Some(head) = all.next() {
            let rows: Vec<_> = all.skip(1).collect();
            assert!(
                rows.iter().all(|row| row.len() == head.len()),
                "a row of {head:?} has other columns"
            );
            tables.push(Table { head, rows });
        }
    }
    tables
}

fn cells(line: &str) -> Option<Vec<String>> {
    let cells = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(
        cells
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect(),
    )
}
