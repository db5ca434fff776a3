//! Answers as the schema has them, as others might write them, and what no answer is.

use super::*;

const ONE: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<persons xmlns="http://open.tieto.com/edu/absence/v2">
  <properties><datetime>2026-11-26T08:31:00</datetime><datasource>Edlevo</datasource>
    <schooltype>GR</schooltype><timeframe><start>2026-11-25T00:00:00</start><end>2026-11-26T00:00:00</end></timeframe></properties>
  <person>
    <personid>p1</personid>
    <aggregation><personid>p9</personid><minutes>900</minutes><reason>Invalid</reason></aggregation>
    <event>
      <start>2026-11-26T08:20:00</start><stop>2026-11-26T09:20:00</stop>
      <unitname>Bj&#246;rk &amp; Al</unitname><unitid>u1</unitid>
      <schoolevent>
        <comment>ill again</comment><lessonid>l1</lessonid><registeredby>t1</registeredby>
        <reason>Invalid</reason><minutes>60</minutes><lessonminutes>60</lessonminutes>
        <courseorsubjectid>c</courseorsubjectid><courseorsubjectcode>MA</courseorsubjectcode>
        <courseorsubjectname>Matematik &amp; mer</courseorsubjectname>
        <grouporclassid>g</grouporclassid><grouporclassname><![CDATA[7B]]></grouporclassname>
      </schoolevent>
    </event>
    <event><start>2026-11-26T06:00:00</start><unitid>u1</unitid>
      <preschoolevent><departmentid>d</departmentid></preschoolevent></event>
  </person>
</persons>"#;

fn one() -> Event {
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
        course: ["MA".into(), "Matematik & mer".into()],
        group: "7B".into(),
    }
}

#[test]
fn an_answer_is_read_and_no_comment_is_kept() {
    let answer = read(ONE.as_bytes()).expect("an answer");
    assert_eq!(answer.events, [one()]);
    assert_eq!(answer.datetime.as_deref(), Some("2026-11-26T08:31:00"));
    assert_eq!(answer.without_lesson, 1);
    assert!(!format!("{answer:?}").contains("ill again"));
}

#[test]
fn prefixes_wrappers_attributes_and_case_are_no_matter() {
    let other = r#"<?xml version="1.0"?><a:Answer xmlns:a="x" xmlns:b="http://open.tieto.com/edu/absence/v2">
      <b:Persons><b:Person PersonId="p1"><b:new><b:start>no</b:start></b:new>
        <b:event start="2026-11-26T08:20:00" stop="2026-11-26T09:20:00" unitid="u1">
          <b:schoolevent lessonid="l1" registeredby="t1" reason="Invalid" minutes="60" lessonminutes="60"
            courseorsubjectcode="MA" courseorsubjectname="Matematik &amp; mer" grouporclassname="7B" tomorrow="x"/>
        </b:event></b:Person></b:Persons></a:Answer>"#;
    assert_eq!(read(other.as_bytes()).expect("an answer").events, [one()]);
    let with_mark = format!("\u{feff}{ONE}");
    assert_eq!(read(with_mark.as_bytes()).expect("an answer").events, [one()]);
    let empty = r"<persons><properties/></persons>";
    assert_eq!(read(empty.as_bytes()), Ok(Answer::default()));
}

#[test]
fn a_pupil_without_an_id_does_not_take_that_of_the_one_before() {
    let text = ONE.replace(
        "</persons>",
        "<person><event><schoolevent><lessonid>l2</lessonid></schoolevent></event></person></persons>",
    );
    let events = read(text.as_bytes()).expect("an answer").events;
    assert_eq!((events[1].person.as_str(), events[1].start.as_str()), ("", ""));
}

#[test]
fn what_no_answer_is() {
    let bomb = r#"<!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><persons>&b;</persons>"#;
    let deep = format!("<persons>{}", "<x>".repeat(100));
    for (text, why) in [
        (bomb, "document type"),
        ("<persons><person>&b;</person></persons>", "entity"),
        ("<html><body>Sign in</body></html>", "no <persons>"),
        ("<persons><person>", "not well-formed"),
        ("<persons></person></persons>", "not well-formed"),
        ("", "not well-formed"),
        ("Not licensed to use this API", "not well-formed"),
        ("{\"persons\":[]}", "not well-formed"),
        (&deep, "nested deeper"),
    ] {
        let error = read(text.as_bytes()).expect_err(text).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    assert_eq!(read(b"<persons>\xff</persons>"), Err(Unreadable::NotUtf8));
}

#[test]
fn every_beginning_of_an_answer_is_refused() {
    for end in (1..ONE.len()).filter(|end| ONE.is_char_boundary(*end)) {
        assert!(read(&ONE.as_bytes()[..end]).is_err(), "the first {end} bytes");
    }
}

#[test]
fn a_value_of_any_length_takes_no_more_than_its_beginning() {
    let text = ONE.replace("<lessonid>l1", &format!("<lessonid>{}", "å".repeat(1_000_000)));
    let events = read(text.as_bytes()).expect("an answer").events;
    assert!(events[0].lesson.len() <= 2 * MAX_VALUE_BYTES, "{}", events[0].lesson.len());
}
