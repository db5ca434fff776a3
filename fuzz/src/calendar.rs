//! Calendar files: whatever is in them, closed days are in order and within a year each, every event lies on a line of the
//! file, and what is found is told without the file's own words.

use upprop::calendar::{events, ics, words};

use super::input::NAME;

/// The check: a file, as text.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lines = text.lines().count();
    let read = ics::read(&text, &["lov".into(), "ledig".into()]);
    let all = ics::read(&text, &[words::ALL.into()]);
    for ics::Closed { days, line } in read.closed.iter().chain(&all.closed) {
        assert!((1..=lines).contains(line), "{line}");
        assert!(days.first() <= days.last() && days.contains(days.first()), "{days}");
    }
    assert!(
        read.closed.iter().all(|days| all.closed.contains(days)),
        "a word closes more than all"
    );
    for finding in read.findings.iter().chain(&all.findings) {
        assert!(finding.line.is_none_or(|line| (1..=lines).contains(&line)), "{finding:?}");
        assert!(!finding.words.contains(NAME) && !finding.remedy.contains(NAME), "{finding:?}");
    }
    match events::read(&text) {
        Ok(read) => {
            for event in &read.events {
                assert!((1..=lines).contains(&event.line) && !event.summary.contains('\n'));
            }
            assert!(read.faults.iter().all(|(line, _)| (1..=lines).contains(line)));
        }
        Err(words) => assert!(!words.contains(NAME), "{words}"),
    }
}
