//! A page that stands by itself: sections of tables and plots, light or dark as the reader has it, narrow or printed.
//! Pure.

use std::fmt::Write as _;

use super::escape::escape;
use super::plot::Plot;

/// A table: the first column says what, the others are figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// The head, a cell a column.
    pub head: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// What it is about.
    pub title: String,
    /// What must be known to read it; empty: nothing.
    pub lead: String,
    /// Figures; without rows: none.
    pub table: Table,
    /// Plots.
    pub plots: Vec<Plot>,
}

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its language, as HTML has it.
    pub language: String,
    /// Its title.
    pub title: String,
    /// What it is about, a paragraph each.
    pub lead: Vec<String>,
    /// Its parts.
    pub sections: Vec<Section>,
    /// What stands at its end, under this title.
    pub notes: (String, Vec<String>),
    /// What opens the figures of a plot: `Figures`.
    pub figures: String,
}

/// Brightness tells the colours apart too: each is at least a fifth lighter or darker than the next. Text has a
/// contrast of 7 to 1 and more, what is drawn of 3 to 1 (WCAG 2.2, 1.4.3 and 1.4.11).
const STYLE: &str = "\
:root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--line:#c9ced6;--c0:#0b3d75;--c1:#c25e00;--c2:#3f9a8c;--c3:#7a2e8e;--c4:#8a8f98;--c5:#5a6b00}\
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--ink:#eceff3;--line:#4a515c;--c0:#9ecbff;--c1:#ff9d3c;--c2:#2f8f80;--c3:#dcb3ea;--c4:#767c86;--c5:#d3e06a}}\
body{background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:54rem;padding:1.5rem}\
h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.25rem;margin-top:2.2rem;border-bottom:1px solid var(--line)}h3{font-size:1rem;margin:1.4rem 0 .3rem}\
table{border-collapse:collapse;margin:.6rem 0}th,td{padding:.2rem .8rem .2rem 0;text-align:right;border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums;vertical-align:top}\
th:first-child,td:first-child{text-align:left;font-weight:400}thead th,thead th:first-child{font-weight:600}\
.scroll{overflow-x:auto}figure{margin:0 0 1rem}figure>svg{width:100%;height:auto}svg text{fill:var(--ink);font:12px system-ui,sans-serif}\
.mid{text-anchor:middle}.end{text-anchor:end}.grid{stroke:var(--line);stroke-width:1}\
.c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}.c4{fill:var(--c4)}.c5{fill:var(--c5)}\
.l0,.l1,.l2,.l3,.l4,.l5{fill:none;stroke-width:2.5}.l0{stroke:var(--c0)}.l1{stroke:var(--c1)}.l2{stroke:var(--c2)}.l3{stroke:var(--c3)}.l4{stroke:var(--c4)}.l5{stroke:var(--c5)}\
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;margin:.2rem 0;padding:0}.key{width:26px;height:12px}\
summary{cursor:pointer}@media print{details{display:none}}";

impl Page {
    /// As HTML.
    pub fn html(&self) -> String {
        let mut html = format!(
            "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{}</h1>\n",
            escape(&self.language),
            escape(&self.title),
            escape(&self.title)
        );
        for lead in &self.lead {
            let _ = writeln!(html, "<p>{}</p>", escape(lead));
        }
        for section in &self.sections {
            self.section(&mut html, section);
        }
        let (title, notes) = &self.notes;
        if !notes.is_empty() {
            let _ = writeln!(html, "<h2>{}</h2>\n<ul>", escape(title));
            for note in notes {
                let _ = writeln!(html, "<li>{}</li>", escape(note));
            }
            html.push_str("</ul>\n");
        }
        html.push_str("</main>\n</body>\n</html>\n");
        html
    }

    fn section(&self, html: &mut String, section: &Section) {
        let _ = writeln!(html, "<h2>{}</h2>", escape(&section.title));
        if !section.lead.is_empty() {
            let _ = writeln!(html, "<p>{}</p>", escape(&section.lead));
        }
        if !section.table.rows.is_empty() {
            html.push_str(&section.table.html());
        }
        for plot in &section.plots {
            let _ = writeln!(
                html,
                "<figure>\n<h3>{}</h3>\n{}{}<details><summary>{}</summary>\n{}</details>\n</figure>",
                escape(&plot.title),
                plot.legend(),
                plot.svg(),
                escape(&self.figures),
                Table::of(plot).html()
            );
        }
    }
}

impl Table {
    /// The figures of a plot.
    pub fn of(plot: &Plot) -> Self {
        let names = plot.series.iter().map(|series| series.name.clone());
        let row = |(at, label): (usize, &String)| {
            let of = |series: &super::Series| {
                series.values.get(at).map_or_else(String::new, ToString::to_string)
            };
            [label.clone()].into_iter().chain(plot.series.iter().map(of)).collect()
        };
        Self {
            head: [plot.x_title.clone()].into_iter().chain(names).collect(),
            rows: plot.labels.iter().enumerate().map(row).collect(),
        }
    }

    fn html(&self) -> String {
        let mut html = String::from("<div class=\"scroll\"><table>\n<thead><tr>");
        for cell in &self.head {
            let _ = write!(html, "<th scope=\"col\">{}</th>", escape(cell));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            html.push_str("<tr>");
            for (at, cell) in row.iter().enumerate() {
                let cell = escape(cell);
                if at == 0 {
                    let _ = write!(html, "<th scope=\"row\">{cell}</th>");
                } else {
                    let _ = write!(html, "<td>{cell}</td>");
                }
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody></table></div>\n");
        html
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Kind, Number, Series};

    #[test]
    fn a_page_stands_by_itself() {
        let plot = Plot {
            id: "a".into(),
            title: "Texts".into(),
            x_title: "day".into(),
            y_title: "texts".into(),
            labels: vec!["1".into()],
            series: vec![Series { name: "texts".into(), values: vec![Number::Exact(7)] }],
            kind: Kind::Bars,
        };
        let table = Table {
            head: vec!["what".into(), "how many".into()],
            rows: vec![vec!["<b>".into(), "<5".into()]],
        };
        let section = Section { title: "S".into(), lead: String::new(), table, plots: vec![plot] };
        let page = Page {
            language: "en".into(),
            title: "T & co".into(),
            lead: vec!["lead".into()],
            sections: vec![section],
            notes: ("Notes".into(), vec!["n".into()]),
            figures: "Figures".into(),
        };
        let html = page.html();
        for part in
            ["<title>T &amp; co</title>", "&lt;b&gt;", "&lt;5", "<svg", "<details>", "lang=\"en\""]
        {
            assert!(html.contains(part), "{part}: {html}");
        }
        for outside in ["http://", "https://", "<script", "url(", "@import", " src=", "<link"] {
            assert!(!html.contains(outside), "{outside}");
        }
    }
}
