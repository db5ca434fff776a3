//! The text that a scrape is answered with: OpenMetrics as the library writes it, or the older form, which
//! is what people and `promtool check metrics` read. Pure.

/// Content type of OpenMetrics.
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Content type of the older form.
pub const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Makes the older form of an OpenMetrics text. There the name of a counter has its `_total` in the lines
/// about it too, and nothing marks the end.
pub(super) fn plain(open_metrics: &str) -> String {
    let mut out = String::with_capacity(open_metrics.len());
    let mut help = None;
    for line in open_metrics.lines() {
        if line.starts_with("# HELP ") {
            help = Some(line);
        } else if line.starts_with("# TYPE ") {
            let is_counter = line.ends_with(" counter");
            for line in help.take().into_iter().chain([line]) {
                let name_ends = line.match_indices(' ').nth(2).map_or(line.len(), |(at, _)| at);
                let (name, rest) = line.split_at(name_ends);
                out.extend([name, if is_counter { "_total" } else { "" }, rest, "\n"]);
            }
        } else if !line.starts_with('#') {
            out.extend([line, "\n"]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_counter_is_called_the_same_in_every_line() {
        let open = "# HELP a_b Some words.\n# TYPE a_b counter\na_b_total{c=\"# d\"} 1\n\
                    # HELP g What is.\n# TYPE g gauge\n# UNIT g x\ng 2\n# EOF\n";
        let expected = "# HELP a_b_total Some words.\n# TYPE a_b_total counter\na_b_total{c=\"# d\"} 1\n\
                        # HELP g What is.\n# TYPE g gauge\ng 2\n";
        assert_eq!(plain(open), expected);
    }
}
