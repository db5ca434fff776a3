//! Reasons, minutes, ids and times of both clock changes, as the source writes them.

use super::*;

fn asked() -> Asked {
    Asked {
        school: SchoolId::new("s").expect("id"),
        zone: TimeZone::get("Europe/Stockholm").expect("zone"),
        unit: "U1".into(),
        lesson_ids: LessonIds::Occurrence,
    }
}

fn event() -> Event {
    Event {
        person: "p1".into(),
        start: "2026-11-26T08:20:00".into(),
        stop: "2026-11-26T09:20:00".into(),
        unit: "u1".into(),
        lesson: "l1".into(),
        registered_by: "t1".into(),
        reason: "Invalid".into(),
        minutes: "60".into(),
        lesson_minutes: "60".into(),
        course: ["MA".into(), "Matematik".into()],
        group: "7B".into(),
    }
}

fn only(found: &Understood) -> &Said {
    assert_eq!((found.said.len(), &found.bad), (1, &BTreeMap::new()), "{found:?}");
    found.said.values().next().expect("one")
}

#[test]
fn every_reason() {
    for (reason, mark) in [
        ("Invalid", Mark::Unexcused),
        ("Valid", Mark::Excused),
        ("LateArrival", Mark::Late),
        ("Present", Mark::Present),
        ("present", Mark::Present),
        ("Praktik", Mark::Unknown),
        ("", Mark::Unknown),
    ] {
        let found = understand(&asked(), &[Event { reason: reason.into(), ..event() }]);
        assert_eq!(only(&found).mark, mark, "{reason}");
        assert_eq!(found.unknown_reasons, u64::from(mark == Mark::Unknown), "{reason}");
    }
}

#[test]
fn times_without_an_offset_are_those_of_the_school() {
    for (start, stop, utc_start, utc_end) in [
        (
            "2026-11-26T08:20:00",
            "2026-11-26T09:20:00",
            "2026-11-26T07:20:00Z",
            "2026-11-26T08:20:00Z",
        ),
        (
            "2026-06-01T08:20:00",
            "2026-06-01T09:20:00",
            "2026-06-01T06:20:00Z",
            "2026-06-01T07:20:00Z",
        ),
        // With an offset, and with fractions.
        (
            "2026-11-26T08:20:00+02:00",
            "2026-11-26T09:20:00Z",
            "2026-11-26T06:20:00Z",
            "2026-11-26T09:20:00Z",
        ),
        (
            "2026-11-26T08:20:00.0000000",
            "2026-11-26T09:20",
            "2026-11-26T07:20:00Z",
            "2026-11-26T08:20:00Z",
        ),
        // 02:00–03:00 comes twice.
        (
            "2026-10-25T02:10:00",
            "2026-10-25T02:50:00",
            "2026-10-25T00:10:00Z",
            "2026-10-25T00:50:00Z",
        ),
        (
            "2026-10-25T02:40:00",
            "2026-10-25T02:20:00",
            "2026-10-25T00:40:00Z",
            "2026-10-25T01:20:00Z",
        ),
        (
            "2026-10-25T01:40:00",
            "2026-10-25T03:20:00",
            "2026-10-24T23:40:00Z",
            "2026-10-25T02:20:00Z",
        ),
        // 02:00–03:00 does not exist.
        (
            "2027-03-28T02:10:00",
            "2027-03-28T03:50:00",
            "2027-03-28T01:10:00Z",
            "2027-03-28T01:50:00Z",
        ),
        (
            "2027-03-28T01:50:00",
            "2027-03-28T02:30:00",
            "2027-03-28T00:50:00Z",
            "2027-03-28T01:30:00Z",
        ),
    ] {
        let one = Event { start: start.into(), stop: stop.into(), ..event() };
        let found = understand(&asked(), &[one]);
        let lesson = &only(&found).lesson;
        assert_eq!(lesson.start.to_string(), utc_start, "{start}");
        assert_eq!(lesson.end.to_string(), utc_end, "{stop}");
    }
}

#[test]
fn what_cannot_be_used_is_counted_and_left_out() {
    let long = "x".repeat(200);
    for (change, why) in [
        (Event { person: String::new(), ..event() }, "the pupil's id"),
        (Event { person: long, ..event() }, "the pupil's id"),
        (Event { lesson: String::new(), ..event() }, "the lesson's id"),
        (Event { start: String::new(), ..event() }, "the start"),
        (Event { start: "2026-11-26".into(), ..event() }, "the start"),
        (Event { start: "1895-01-01T08:00:00".into(), ..event() }, "the start"),
        (Event { start: "2026-02-30T08:00:00".into(), ..event() }, "the start"),
        (Event { stop: "soon".into(), ..event() }, "the end"),
        (Event { stop: "2026-11-26T08:20:00".into(), ..event() }, "an end"),
        (Event { stop: "2026-11-28T08:20:00".into(), ..event() }, "an end"),
        (Event { stop: String::new(), lesson_minutes: "-5".into(), ..event() }, "no end"),
    ] {
        let found = understand(&asked(), &[change]);
        assert!(found.said.is_empty(), "{found:?}");
        let (word, count) = found.bad.first_key_value().expect("a reason");
        assert!(word.starts_with(why) && *count == 1, "{why}: {found:?}");
    }
    let elsewhere = understand(&asked(), &[Event { unit: "u2".into(), ..event() }]);
    assert_eq!((elsewhere.said.len(), elsewhere.elsewhere), (0, 1));
}

#[test]
fn minutes_label_and_recorder() {
    let said = understand(&asked(), &[event()]);
    let said = only(&said);
    assert_eq!(said.minutes, Some(Minutes { absent: 60, scheduled: 60 }));
    assert_eq!(said.lesson.label.as_deref(), Some("Matematik 7B"));
    assert_eq!((said.recorded_by.as_deref(), said.recorded_at), (Some("t1"), None));
    for (minutes, planned) in [("-1", "60"), ("5", "0"), ("99999", "60"), ("", ""), ("x", "60")] {
        let one = Event { minutes: minutes.into(), lesson_minutes: planned.into(), ..event() };
        assert_eq!(only(&understand(&asked(), &[one])).minutes, None, "{minutes} of {planned}");
    }
    let without = Event { stop: String::new(), ..event() };
    let found = understand(&asked(), &[without]);
    assert_eq!(only(&found).lesson.end.to_string(), "2026-11-26T08:20:00Z");
    for named in ["Åsa Lind", "t1@example.se", "196408233234", "640823-3234"] {
        let named = Event { registered_by: named.into(), ..event() };
        assert_eq!(only(&understand(&asked(), &[named])).recorded_by, None, "a name is not kept");
    }
}

#[test]
fn two_events_at_one_lesson_are_one_mark_whatever_their_order() {
    let reasons = ["Invalid", "LateArrival", "Present", "Valid", "?"];
    for a in reasons {
        for b in reasons {
            let one = Event { reason: a.into(), ..event() };
            let other = Event { reason: b.into(), minutes: "5".into(), ..event() };
            let there = understand(&asked(), &[one.clone(), other.clone()]);
            let back = understand(&asked(), &[other, one]);
            assert_eq!(there, back, "{a} {b}");
            assert_eq!(there.contradictions, u64::from(a != b), "{a} {b}");
            let was_there = [a, b].iter().any(|word| matches!(*word, "LateArrival" | "Present"));
            let mark = only(&there).mark;
            assert_eq!(matches!(mark, Mark::Late | Mark::Present), was_there, "{a} {b}");
        }
    }
}

#[test]
fn an_id_that_comes_back_each_week_needs_its_start() {
    let week = Event {
        start: "2026-11-25T08:20:00".into(),
        stop: "2026-11-25T09:20:00".into(),
        ..event()
    };
    let found = understand(&asked(), &[event(), week.clone()]);
    assert_eq!((found.said.len(), found.ambiguous), (1, 1));
    assert_eq!(only(&found).lesson.start.to_string(), "2026-11-26T07:20:00Z", "the later");
    let recurring = Asked { lesson_ids: LessonIds::Recurring, ..asked() };
    let found = understand(&recurring, &[event(), week]);
    assert_eq!((found.said.len(), found.ambiguous), (2, 0));
}
