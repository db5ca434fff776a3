//! Calendar files as programs write them, and as they should not.

use super::super::words::ALL;
use super::*;

fn words() -> Vec<String> {
    CLOSED_WORDS.map(str::to_owned).to_vec()
}

/// A calendar of events, each a list of lines.
fn file(events: &[&[&str]]) -> String {
    let one = |event: &&[&str]| {
        format!("BEGIN:VEVENT\r\nUID:1\r\n{}\r\nEND:VEVENT\r\n", event.join("\r\n"))
    };
    let events: String = events.iter().map(one).collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b//SV\r\n{events}END:VCALENDAR\r\n")
}

/// The days, and the findings by line and weight.
fn read_of(text: &str) -> (Vec<String>, Vec<(Option<usize>, Weight)>) {
    let read = read(text, &words());
    let found = read.findings.iter().map(|finding| (finding.line, finding.weight)).collect();
    (read.closed.iter().map(|closed| closed.days.to_string()).collect(), found)
}

#[test]
fn breaks_and_study_days_close_and_the_end_is_the_day_after() {
    let text = file(&[
        &["SUMMARY:Höstlov", "DTSTART;VALUE=DATE:20261026", "DTEND;VALUE=DATE:20261031"],
        &["SUMMARY:Studiedag - alla skolor", "DTSTART;VALUE=DATE:20261123"],
        &["SUMMARY:Påsklov", "DTSTART;VALUE=DATE:20270329", "DURATION:P1W"],
        // As some programs have one day.
        &["SUMMARY:Helgdag", "DTSTART;VALUE=DATE:20270513", "DTEND;VALUE=DATE:20270513"],
        &["DTSTART:20270607", "SUMMARY;LANGUAGE=sv:SOMMARLOV", "DTEND:20270609"],
    ]);
    let days = [
        "2026-10-26..2026-10-30",
        "2026-11-23",
        "2027-03-29..2027-04-04",
        "2027-05-13",
        "2027-06-07..2027-06-08",
    ];
    assert_eq!(read_of(&text), (days.map(str::to_owned).to_vec(), vec![]));
    // Line ends, folded lines and small letters are as good.
    let unix = text.replace("\r\n", "\n").replace("SUMMARY:Höstlov", "SUMMARY:Höst\n lov");
    assert_eq!(read_of(&unix).0, days.map(str::to_owned).to_vec());
    assert_eq!(read_of(&format!("\u{feff}{text}")).0.len(), 5);
}

#[test]
fn what_closes_no_day_is_told_with_its_line() {
    let text = file(&[
        &["SUMMARY:Skolavslutning", "DTSTART;VALUE=DATE:20270611"],
        &["SUMMARY:Föräldramöte om lov", "DTSTART:20261123T170000Z", "DTEND:20261123T180000Z"],
        &["SUMMARY:Lovskola", "DTSTART;VALUE=DATE:20270615"],
        &["SUMMARY:Sportlov", "DTSTART;VALUE=DATE:20270222", "STATUS:CANCELLED"],
    ]);
    let (days, found) = read_of(&text);
    assert!(days.is_empty(), "{days:?}");
    assert_eq!(found, [(Some(9), Weight::Note), (Some(4), Weight::Note)]);
    let told = read(&text, &words()).findings;
    assert!(told[1].words.ends_with("lines 4, 15"), "{told:?}");
    // All of them, where the school says so.
    assert_eq!(read(&text, &[ALL.into()]).closed.len(), 2);
    let other = read(&text, &["avslutning".into()]);
    assert_eq!(other.closed.len(), 1);
}

#[test]
fn what_may_mean_one_class_closes_nothing_and_is_a_warning_that_does_not_quote_it() {
    let text = file(&[
        &["SUMMARY:Studiedag 9C", "DTSTART;VALUE=DATE:20261123"],
        &["SUMMARY:Konsert med Olov", "DTSTART;VALUE=DATE:20261124"],
        &["SUMMARY:INGET LOV", "DTSTART;VALUE=DATE:20261125"],
        &["SUMMARY:Klassresa 7A (7B har lov)", "DTSTART;VALUE=DATE:20261126"],
        &["SUMMARY:Studiedag\\, alla elever lediga", "DTSTART;VALUE=DATE:20261127"],
    ]);
    let (days, found) = read_of(&text);
    assert_eq!(days, ["2026-11-27"]);
    let warned = [4, 14, 19].map(|line| (Some(line), Weight::Warning));
    assert_eq!(found, [&warned[..], &[(Some(9), Weight::Note)]].concat());
    let told = read(&text, &words()).findings;
    assert!(told[0].words.contains("of 2026-11-23"), "{told:?}");
    assert!(told.iter().all(|one| !one.words.contains("9C") && !one.words.contains("Olov")));
    let named = read(&text, &["studiedag 9c".into()]);
    assert_eq!(named.closed.iter().map(|closed| closed.line).collect::<Vec<_>>(), [4]);
}

#[test]
fn what_comes_again_is_told_and_its_first_time_counts() {
    let text = file(&[&[
        "SUMMARY:Studiedag",
        "DTSTART;VALUE=DATE:20261123",
        "RRULE:FREQ=MONTHLY;COUNT=3",
    ]]);
    assert_eq!(read_of(&text), (vec!["2026-11-23".into()], vec![(Some(4), Weight::Warning)]));
}

#[test]
fn what_cannot_be_right_is_an_error() {
    for (name, lines) in [
        ("backwards", &["DTSTART;VALUE=DATE:20261030", "DTEND;VALUE=DATE:20261026"][..]),
        ("no such day", &["DTSTART;VALUE=DATE:20260229"]),
        ("more than a year", &["DTSTART;VALUE=DATE:20261026", "DTEND;VALUE=DATE:20281026"]),
        ("hours", &["DTSTART;VALUE=DATE:20261026", "DURATION:PT5H"]),
        ("without a day", &["DTEND;VALUE=DATE:20261026"]),
    ] {
        let event = [&["SUMMARY:Höstlov"], lines].concat();
        assert_eq!(read_of(&file(&[&event])), (vec![], vec![(Some(4), Weight::Error)]), "{name}");
    }
    let whole = file(&[&["SUMMARY:Höstlov", "DTSTART;VALUE=DATE:20261026"]]);
    for (name, text) in [
        ("nothing", String::new()),
        ("no calendar", "datum;vad\n2026-10-26;lov\n".into()),
        ("cut short", whole.split("END:VEVENT").next().unwrap_or_default().to_owned()),
        ("a pit", "BEGIN:VCALENDAR\r\n".repeat(100_000)),
        ("an event alone", "BEGIN:VEVENT\r\nDTSTART:20261026\r\nEND:VEVENT\r\n".into()),
    ] {
        assert_eq!(read_of(&text), (vec![], vec![(None, Weight::Error)]), "{name}");
    }
}

#[test]
fn no_text_whatever_makes_it_fail_otherwise_than_in_words() {
    let whole = file(&[&["SUMMARY:Höstlov", "DTSTART;VALUE=DATE:20261026"]]);
    for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        let read = read(&whole[..end], &words());
        let is_told = read.findings.iter().any(|finding| finding.weight == Weight::Error);
        assert!(is_told || read.closed.len() == 1, "cut at {end}: {read:?}");
    }
}
