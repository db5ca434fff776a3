//! The results of tallies that are written down here.

use jiff::civil::date;

use super::*;
use crate::model::{Channel, Purpose, State};
use crate::report::plain;

fn tally() -> Tally {
    let monday = date(2026, 9, 7);
    let mut tally =
        Tally { schools: 1, pupils: 300, marks: 1_200, corrected: 20, ..Tally::default() };
    tally.sent.insert((monday, Purpose::Absence, Channel::Sms), 150);
    tally.sent.insert((monday, Purpose::TeamAlert, Channel::Email), 3);
    tally.parts.insert(monday, 160);
    tally.alarms.insert(State::Delivered, 145);
    tally.alarms.insert(State::Undelivered, 5);
    tally.delay.insert(3, 100);
    tally.delay.insert(12, 50);
    tally.unexcused.insert(monday, 90);
    tally
}

fn results(runs: &[(&str, Tally)], exact: bool) -> Results {
    Results {
        about: About {
            data: "data".into(),
            term: "2026-autumn".into(),
            seed: 1,
            undelivered: 200,
            price: Some(Money { amount: 3_500, currency: "SEK".into() }),
            exact,
            remarks: Vec::new(),
        },
        runs: runs
            .iter()
            .map(|(name, tally)| Run { name: (*name).into(), tally: tally.clone() })
            .collect(),
    }
}

#[test]
fn table_page_and_json_say_the_same() {
    let results = results(&[("now", tally())], false);
    let json = results.json();
    let figures = &json["runs"][0]["figures"];
    assert_eq!(figures["texts"], 150);
    assert_eq!(figures["cost"], 56.0);
    assert_eq!(figures["mails"], "<5", "a small count is hidden");
    assert_eq!(figures["corrected-share"], 0.133);
    assert_eq!(figures["delay-median"], 3);
    assert_eq!(figures["delay-90"], 12);
    let text = plain(&results.page(Language::Sv));
    assert!(text.contains("56,00 SEK") && text.contains("<5") && text.contains("13,3 %"), "{text}");
    let html = results.page(Language::En).html();
    assert!(html.contains("56.00 SEK") && html.contains("&lt;5"), "{html}");
    let exact = Results { about: About { exact: true, ..results.about.clone() }, ..results };
    assert_eq!(exact.json()["runs"][0]["figures"]["mails"], 3);
}

#[test]
fn two_that_are_the_same_have_no_differences() {
    let same = results(&[("a", tally()), ("b", tally())], false);
    let page = same.page(Language::En);
    for row in page.sections.iter().flat_map(|section| &section.table.rows) {
        assert_eq!(row.last().map(String::as_str), Some("="), "{row:?}");
    }
    let mut other = tally();
    other.parts.insert(date(2026, 9, 7), 150);
    let page = results(&[("a", tally()), ("b", other)], false).page(Language::En);
    let rows: Vec<_> = page.sections.iter().flat_map(|section| &section.table.rows).collect();
    let changed: Vec<_> =
        rows.iter().filter(|row| row.last().is_some_and(|cell| cell != "=")).collect();
    assert_eq!(changed.len(), 2, "{changed:?}");
    assert!(changed.iter().any(|row| row[0] == "Parts of texts" && row[3] == "−10"), "{changed:?}");
}

#[test]
fn nothing_at_all_is_shown_too() {
    let empty = results(&[("now", Tally::default())], false);
    let html = empty.page(Language::Sv).html();
    assert!(!html.contains("NaN"), "{html}");
}
