//! The tables of a page as plain text for a terminal. Plots are left out: their sections' tables say the most of it.

use std::fmt::Write as _;

use super::page::{Page, Table};

/// The page's title, leads, tables and notes.
pub fn plain(page: &Page) -> String {
    let mut text = format!("{}\n", page.title);
    for lead in &page.lead {
        let _ = writeln!(text, "{lead}");
    }
    for section in page.sections.iter().filter(|section| !section.table.rows.is_empty()) {
        let _ = writeln!(text, "\n{}", section.title);
        text.push_str(&columns(&section.table));
    }
    let (title, notes) = &page.notes;
    if !notes.is_empty() {
        let _ = writeln!(text, "\n{title}");
        for note in notes {
            let _ = writeln!(text, "- {note}");
        }
    }
    text
}

fn columns(table: &Table) -> String {
    let width = |at: usize| {
        let cells = table.rows.iter().chain([&table.head]).filter_map(|row| row.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..table.head.len()).map(width).collect();
    let has_head = table.head.len() > 2;
    let mut text = String::new();
    for row in table.rows.iter().rev().chain(has_head.then_some(&table.head)).rev() {
        let mut line = String::from(" ");
        for (at, cell) in row.iter().enumerate() {
            let room = widths.get(at).copied().unwrap_or_default();
            let _ = if at == 0 {
                write!(line, " {cell:<room$}")
            } else {
                write!(line, "  {cell:>room$}")
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Section;

    #[test]
    fn columns_stand_below_each_other() {
        let row = |cells: &[&str]| cells.iter().map(ToString::to_string).collect::<Vec<_>>();
        let table = Table {
            head: row(&["", "a", "b"]),
            rows: vec![row(&["texts", "1", "22"]), row(&["mails, öre", "333", "4"])],
        };
        let section = Section { title: "S".into(), lead: String::new(), table, plots: Vec::new() };
        let page = Page {
            language: "en".into(),
            title: "T".into(),
            lead: Vec::new(),
            sections: vec![section],
            notes: (String::new(), Vec::new()),
            figures: String::new(),
        };
        let expected =
            "T\n\nS\n                a   b\n  texts         1  22\n  mails, öre  333   4\n";
        assert_eq!(plain(&page), expected);
    }
}
