//! One plot as inline SVG: bars side by side or one upon the other, or lines. Every plot has a title, axes with what
//! they count, and a legend that tells series apart by brightness, and lines by their dashes too. Pure.

use std::fmt::Write as _;

use super::escape::escape;
use super::number::Number;
use super::scale;

/// How series are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bars of all series beside each other.
    Bars,
    /// Bars upon each other.
    Stacked,
    /// Lines.
    Lines,
}

/// What is drawn in one colour.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What it is.
    pub name: String,
    /// As many as the plot has labels.
    pub values: Vec<Number>,
}

/// A plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// Unique in its page: lower-case letters, digits and `-`.
    pub id: String,
    /// What is shown.
    pub title: String,
    /// What goes from left to right, with its unit.
    pub x_title: String,
    /// What goes upwards, with its unit.
    pub y_title: String,
    /// The values from left to right.
    pub labels: Vec<String>,
    /// What is drawn.
    pub series: Vec<Series>,
    /// How.
    pub kind: Kind,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 56.0;
/// Colours that there are; the seventh series has the first again.
const COLOURS: usize = 6;
/// Room between labels, so that they do not run together.
const LABEL: f64 = 58.0;
/// Dashes by which lines are told apart without colour.
const DASHES: [&str; COLOURS] = ["", "7 4", "2 3", "10 3 2 3", "12 5", "4 2 1 2"];

impl Plot {
    /// The highest that is drawn.
    fn most(&self) -> f64 {
        let of = |at: usize| {
            let heights = self.series.iter().map(|s| s.values.get(at).map_or(0.0, |n| n.height()));
            if self.kind == Kind::Stacked { heights.sum() } else { heights.fold(0.0, f64::max) }
        };
        (0..self.labels.len()).map(of).fold(0.0, f64::max)
    }

    /// In words, for whoever does not see it: what is drawn, and where each series is highest.
    fn description(&self) -> String {
        let mut text = format!("{}. {}.", self.y_title, self.x_title);
        for series in &self.series {
            let highest = series.values.iter().zip(&self.labels);
            let highest = highest.max_by(|a, b| a.0.height().total_cmp(&b.0.height()));
            if let Some((value, label)) = highest {
                let _ = write!(text, " {}: max {value} ({label}).", series.name);
            }
        }
        text
    }

    /// As SVG. Colours are the page's `--c0` to `--c5`, `--ink` and `--line`.
    #[allow(clippy::cast_precision_loss, reason = "there are not that many labels")]
    pub fn svg(&self) -> String {
        let (width, height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
        let step = scale::step(self.most());
        let marks = (self.most() / step).ceil().max(1.0);
        let y = |value: f64| TOP + height * (1.0 - value / (marks * step));
        let slot = width / self.labels.len().max(1) as f64;
        let id = escape(&self.id);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\n\
             <title id=\"{id}-t\">{}</title>\n<desc id=\"{id}-d\">{}</desc>\n",
            escape(&self.title),
            escape(&self.description())
        );
        let mut mark = 0.0;
        while mark <= marks {
            let (at, value) = (y(mark * step), mark * step);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{value:.0}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                at + 4.0
            );
            mark += 1.0;
        }
        let every = (LABEL / slot).ceil().max(1.0);
        for (at, label) in self.labels.iter().enumerate() {
            if (at as f64 % every).abs() > 0.1 {
                continue;
            }
            let x = LEFT + slot * (at as f64 + 0.5);
            let below = HEIGHT - BOTTOM + 18.0;
            let _ = writeln!(
                svg,
                "<text class=\"mid\" x=\"{x:.1}\" y=\"{below:.1}\">{}</text>",
                escape(label)
            );
        }
        match self.kind {
            Kind::Lines => self.lines(&mut svg, slot, &y),
            Kind::Bars | Kind::Stacked => self.bars(&mut svg, slot, &y),
        }
        let _ = writeln!(
            svg,
            "<text class=\"mid\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\
             <text x=\"4\" y=\"14\">{}</text>",
            LEFT + width / 2.0,
            HEIGHT - 14.0,
            escape(&self.x_title),
            escape(&self.y_title)
        );
        svg.push_str("</svg>\n");
        svg
    }

    #[allow(clippy::cast_precision_loss, reason = "there are not that many labels")]
    fn bars(&self, svg: &mut String, slot: f64, y: &dyn Fn(f64) -> f64) {
        let side_by_side = if self.kind == Kind::Bars { self.series.len().max(1) } else { 1 };
        let room = slot * 0.82;
        let bar = room / side_by_side as f64;
        for (at, label) in self.labels.iter().enumerate() {
            let mut below = 0.0;
            for (number, series) in self.series.iter().enumerate() {
                let value = series.values.get(at).copied().unwrap_or(Number::None);
                let tall = value.height();
                if tall <= 0.0 {
                    continue;
                }
                let beside = if self.kind == Kind::Bars { number as f64 } else { 0.0 };
                let x = LEFT + slot * at as f64 + (slot - room) / 2.0 + bar * beside;
                let (top, bottom) = (y(below + tall), y(below));
                let _ = writeln!(
                    svg,
                    "<rect class=\"c{}\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\">\
                     <title>{}, {}: {}</title></rect>",
                    number % COLOURS,
                    (bar - 0.6).max(0.6),
                    bottom - top,
                    escape(&series.name),
                    escape(label),
                    escape(&value.to_string())
                );
                if self.kind == Kind::Stacked {
                    below += tall;
                }
            }
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "there are not that many labels")]
    fn lines(&self, svg: &mut String, slot: f64, y: &dyn Fn(f64) -> f64) {
        for (number, series) in self.series.iter().enumerate() {
            let point = |(at, value): (usize, &Number)| {
                format!("{:.1},{:.1}", LEFT + slot * (at as f64 + 0.5), y(value.height()))
            };
            let points: Vec<String> = series.values.iter().enumerate().map(point).collect();
            let _ = writeln!(
                svg,
                "<polyline class=\"l{}\" stroke-dasharray=\"{}\" points=\"{}\"/>",
                number % COLOURS,
                DASHES[number % COLOURS],
                points.join(" ")
            );
        }
    }

    /// Which series is which.
    pub(super) fn legend(&self) -> String {
        if self.series.len() < 2 {
            return String::new();
        }
        let one = |(number, series): (usize, &Series)| {
            let mark = match self.kind {
                Kind::Lines => format!(
                    "<line class=\"l{0}\" x1=\"0\" x2=\"26\" y1=\"6\" y2=\"6\" stroke-dasharray=\"{1}\"/>",
                    number % COLOURS,
                    DASHES[number % COLOURS]
                ),
                Kind::Bars | Kind::Stacked => {
                    format!("<rect class=\"c{}\" width=\"26\" height=\"12\"/>", number % COLOURS)
                }
            };
            format!(
                "<li><svg class=\"key\" viewBox=\"0 0 26 12\" aria-hidden=\"true\">{mark}</svg> {}</li>",
                escape(&series.name)
            )
        };
        let items: String = self.series.iter().enumerate().map(one).collect();
        format!("<ul class=\"legend\">{items}</ul>\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(kind: Kind) -> Plot {
        let series = |name: &str, values: &[u64]| Series {
            name: name.into(),
            values: values.iter().map(|n| Number::of(*n, false)).collect(),
        };
        Plot {
            id: "p".into(),
            title: "Absence <by week>".into(),
            x_title: "week".into(),
            y_title: "lessons".into(),
            labels: ["34", "35"].map(String::from).to_vec(),
            series: vec![series("a", &[10, 20]), series("b", &[2, 30])],
            kind,
        }
    }

    #[test]
    fn a_plot_says_what_it_shows_and_hides_small_counts() {
        for kind in [Kind::Bars, Kind::Stacked, Kind::Lines] {
            let svg = plot(kind).svg();
            assert!(svg.contains("Absence &lt;by week&gt;"), "{svg}");
            assert!(svg.contains("b: max 30 (35)"), "{svg}");
            assert!(svg.contains(">week<") && svg.contains(">lessons<"), "{svg}");
            assert!(!svg.contains("NaN"), "{svg}");
        }
        assert!(plot(Kind::Bars).svg().contains("b, 34: &lt;5</title>"));
    }

    #[test]
    fn bars_upon_each_other_fit() {
        assert!((plot(Kind::Stacked).most() - 50.0).abs() < 1e-9);
        assert!((plot(Kind::Bars).most() - 30.0).abs() < 1e-9);
        let empty = Plot { labels: Vec::new(), series: Vec::new(), ..plot(Kind::Lines) };
        assert!(!empty.svg().contains("NaN"));
    }
}
