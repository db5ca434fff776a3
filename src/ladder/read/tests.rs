//! What a ladder's text means, and everything that is refused in one: each with its line, its words and its remedy.

use super::*;
use crate::ladder::example::What;
use crate::ladder::plan::{
    Absent, Allowed, Condition, Count, DoneBy, Filter, Latch, Once, Run, Share, Span, Still, Unit,
};
use crate::model::StaffRole;
use jiff::civil::date;

/// A good ladder of two steps; tests put something else in place of a part of it.
const GOOD: &str = r#"name = "plan"
title = { sv = "Planen", en = "The plan" }
from = 2026-08-01
source = "Kommunens handlingsplan"

[[step]]
id = "first"
title = "Första"
when = { count = "unexcused", unit = "occasion", at-least = 1, within = "term" }
[[step.duty]]
id = "phone"
owner = "attendance-team"
do = "Ring hem."
due = "same day"
[[step.notify]]
role = "mentor"
text = "Eleven var borta."

[[step]]
id = "second"
title = { sv = "Andra", en = "Second" }
for = { years = "7..9", forms = ["grundskola"], ages = "12..17", schools = ["bjork"] }
when = { after = "first", wait = "14 days", until = "28 days", still = { share = "any", more-than = "20 %", within = "since first", least-scheduled = "10 h", least-taken = "80 %", of = "schedule" } }
once = "until-false"
re-arm = "10 school days"
cool-down = "14 days"
[[step.duty]]
id = "meet"
owner = "mentor"
do = { sv = "Kalla till möte.", en = "Call a meeting." }
due = "2 school days"
remind = "1 school day"
done = "home-reached"
if-not-done = "principal"
documents = { where = { sv = "elevloggen", en = "the pupil log" }, tell = ["student-health-team"] }

[[example]]
title = "one"
pupil = { year = 8, born = 2012-05-01 }
absent = ["2026-09-14..2026-09-16 unexcused", "2026-10-05 08.20-09.20 late"]
then = ["2026-09-17 excuse 2026-09-14", "2026-10-06 mark 2026-10-05 08.20 present", "2026-10-06 done first/phone"]
expect = ["2026-09-14 first", "2026-09-17 retracted first"]
"#;

fn good() -> Plan {
    read(GOOD).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// What is refused when one part of the good text is another.
fn refused(part: &str, by: &str) -> Vec<String> {
    assert!(GOOD.contains(part), "{part}");
    let text = GOOD.replacen(part, by, 1);
    read(&text).expect_err(by).iter().map(ToString::to_string).collect()
}

/// Where the part stands, as faults say it, and that the one fault is there with these words.
fn refuses(part: &str, by: &str, line: usize, words: &[&str]) {
    let faults = refused(part, by);
    let [fault] = faults.as_slice() else { panic!("{by}: {faults:#?}") };
    assert!(fault.starts_with(&format!("{line}:")), "{by}: {fault}");
    assert!(fault.contains("; "), "no remedy: {fault}");
    for word in words {
        assert!(fault.contains(word), "{by}: {word:?} is not in {fault}");
    }
}

/// The same of a condition of the first step.
fn refuses_when(when: &str, words: &[&str]) {
    let part = r#"{ count = "unexcused", unit = "occasion", at-least = 1, within = "term" }"#;
    refuses(part, when, 9, words);
}

fn when(text: &str) -> Condition {
    let part = r#"{ count = "unexcused", unit = "occasion", at-least = 1, within = "term" }"#;
    let plan = read(&GOOD.replacen(part, text, 1)).unwrap_or_else(|f| panic!("{text}: {f:#?}"));
    plan.ladder.steps[0].when.clone()
}

#[test]
fn a_ladder_is_read_whole() {
    let Plan { ladder, examples, lines } = good();
    assert_eq!((ladder.name.as_str(), ladder.from), ("plan", date(2026, 8, 1)));
    assert_eq!((ladder.title.sv.as_str(), ladder.title.en.as_str()), ("Planen", "The plan"));
    assert_eq!(lines, [6, 19]);
    let [first, second] = ladder.steps.as_slice() else { panic!("{ladder:?}") };
    let count =
        Count { of: Absent::Unexcused, unit: Unit::Occasion, at_least: 1, within: Span::Term };
    assert_eq!(first.when, Condition::Count(count));
    assert_eq!(first.latch, Latch { once: Once::Term, cool_down: 0 });
    assert_eq!(first.filter, Filter::default());
    assert_eq!((first.notify[0].role, first.title.en.as_str()), (StaffRole::Mentor, "Första"));
    let phone = &first.duties[0];
    assert_eq!((phone.due, phone.done, phone.remind), (Allowed::SameDay, DoneBy::Word, None));
    assert_eq!((phone.hand_over, &phone.documents), (None, &None));

    let Condition::After(after) = &second.when else { panic!("{second:?}") };
    assert_eq!((after.step.as_str(), after.wait, after.until), ("first", 14, Some(28)));
    let share = Share {
        of: Absent::Any,
        at_least: 200,
        more_than: true,
        within: Span::Since("first".into()),
        least_minutes: 600,
        least_taken: 800,
        by_schedule: true,
    };
    assert_eq!(after.still, Still::Holds(Condition::Share(share)));
    assert_eq!(second.latch, Latch { once: Once::UntilFalseFor(10), cool_down: 14 });
    assert_eq!((second.filter.years, second.filter.ages), (Some((7, 9)), Some((12, 17))));
    assert_eq!(second.filter.forms, ["grundskola"]);
    let meet = &second.duties[0];
    assert_eq!((meet.due, meet.remind), (Allowed::SchoolDays(2), Some(Allowed::SchoolDays(1))));
    assert_eq!((meet.done, meet.hand_over), (DoneBy::HomeReached, Some(StaffRole::Principal)));
    let documents = meet.documents.as_ref().expect("documents");
    assert_eq!(documents.place.en, "the pupil log");
    assert_eq!(documents.tell, [StaffRole::StudentHealthTeam]);

    let [example] = examples.as_slice() else { panic!("{examples:?}") };
    assert_eq!((example.line, example.year), (37, Some(8)));
    assert_eq!((example.from, example.until), (date(2026, 8, 17), date(2026, 10, 6)));
    assert_eq!(example.absent.len(), 2);
    assert!(matches!(&example.then[0].what, What::Mark(marked) if marked.only_unexcused));
    assert!(matches!(&example.then[2].what, What::Done { duty, .. } if duty == "phone"));
    assert_eq!(example.expect[1].to_string(), "2026-09-17 retracted first");
}

#[test]
fn conditions_of_each_kind() {
    assert_eq!(
        when(r#"{ every = "unexcused", unit = "lesson" }"#),
        Condition::Every { of: Absent::Unexcused, unit: Unit::Lesson }
    );
    // More than five is six or more.
    assert_eq!(
        when(r#"{ continuous = "any", more-than = "5 school days" }"#),
        Condition::Continuous(Run { of: Absent::Any, at_least: 6 })
    );
    let Condition::Count(count) =
        when(r#"{ count = "late", unit = "lesson", more-than = 4, within = "28 days" }"#)
    else {
        panic!("a count")
    };
    assert_eq!((count.at_least, count.within), (5, Span::Days(28)));
    let Condition::AnyOf(parts) = when(
        r#"{ any-of = [ { continuous = "any", at-least = "6 school days" }, { all-of = [ { count = "excused", unit = "day", at-least = 3, within = "school-year" }, { count = "any", unit = "half-day", at-least = 2, within = "day" } ] } ] }"#,
    ) else {
        panic!("any of")
    };
    assert!(matches!(&parts[1], Condition::AllOf(both) if both.len() == 2));
}

#[test]
fn latches_are_those_of_the_condition_unless_said() {
    let once = |when: &str, more: &str| {
        let part =
            r#"when = { count = "unexcused", unit = "occasion", at-least = 1, within = "term" }"#;
        let text = GOOD.replacen(part, &format!("when = {when}\n{more}"), 1);
        read(&text).unwrap_or_else(|f| panic!("{f:#?}")).ladder.steps[0].latch.once
    };
    let count = |within: &str| {
        format!("{{ count = \"any\", unit = \"day\", at-least = 3, within = \"{within}\" }}")
    };
    assert_eq!(once(&count("term"), ""), Once::Term);
    assert_eq!(once(&count("school-year"), ""), Once::SchoolYear);
    assert_eq!(once(&count("28 days"), ""), Once::UntilFalseFor(1));
    assert_eq!(once(&count("28 days"), "once = \"term\""), Once::Term);
    assert_eq!(once(&count("term"), "re-arm = \"5 school days\""), Once::UntilFalseFor(5));
    assert_eq!(once(&count("term"), "once = \"until-false\""), Once::UntilFalseFor(1));
}

#[test]
fn the_head_is_asked_for() {
    refuses("name = \"plan\"\n", "", 1, &["no `name` in the ladder", "add name = "]);
    refuses("\"plan\"", "\"Plan A\"", 1, &["expected a name", "write \"plan-a\""]);
    refuses("from = 2026-08-01", "from = \"i höst\"", 3, &["expected a date"]);
    refuses("source = \"Kommunens handlingsplan\"\n", "", 1, &["no `source`"]);
    refuses(", en = \"The plan\"", "", 2, &["no `en` in `title` of the ladder"]);
}

#[test]
fn a_text_without_steps_or_that_is_no_toml_is_refused() {
    let head = GOOD.split("[[step]]").next().expect("a head");
    let faults = read(head).expect_err("no step");
    assert!(faults[0].to_string().contains("has no step"), "{faults:?}");
    let faults = read("name = plan").expect_err("no TOML");
    assert!(faults[0].to_string().starts_with("1:8: not TOML"), "{faults:?}");
}

#[test]
fn rules_that_can_never_come_true_are_refused() {
    let never = "it can never come true";
    refuses_when(
        r#"{ count = "any", unit = "day", at-least = 8, within = "7 days" }"#,
        &["has room for 7 days", never, "write at most 7"],
    );
    refuses_when(
        r#"{ count = "any", unit = "half-day", more-than = 2, within = "day" }"#,
        &["has room for 2 half-days", never],
    );
    refuses_when(
        r#"{ count = "any", unit = "day", at-least = 150, within = "term" }"#,
        &["has room for 130 days", never],
    );
    refuses_when(r#"{ count = "any", unit = "day", at-least = 1, within = "0 days" }"#, &[never]);
    refuses_when(r#"{ continuous = "any", at-least = "250 school days" }"#, &["200", never]);
    refuses("years = \"7..9\"", "years = \"9..7\"", 22, &["which nobody is", never]);
    refuses("years = \"7..9\"", "years = \"11..12\"", 22, &["at most 10"]);
    refuses("ages = \"12..17\"", "ages = \"17..12\"", 22, &["`ages` is 17..12", never]);
    refuses("forms = [\"grundskola\"]", "forms = []", 22, &["names none", never]);
    refuses("until = \"28 days\"", "until = \"7 days\"", 23, &["before `wait` is", never]);
    refuses("more-than = \"20 %\"", "more-than = \"100 %\"", 23, &["100 %", never]);
    refuses("more-than = \"20 %\"", "at-least = \"120 %\"", 23, &["120 %", never]);
    refuses("\"80 %\"", "\"101 %\"", 23, &["`least-taken`", never]);
    refuses("\"10 h\"", "\"5000 h\"", 23, &["`least-scheduled`", never]);
    let no_duty = r#"[[step.duty]]
id = "phone"
owner = "attendance-team"
do = "Ring hem."
due = "same day"
"#;
    let text = GOOD.replacen(no_duty, "", 1);
    let from = text.find("still = {").expect("still");
    let to = text[from..].find(" }").expect("an end") + from + 2;
    let text = format!("{}still = \"open\"{}", &text[..from], &text[to..])
        .replace(", \"2026-10-06 done first/phone\"", "");
    let faults = read(&text).expect_err("no duty");
    assert!(faults[0].to_string().contains("no duty that could be open"), "{faults:#?}");
}

#[test]
fn rules_that_are_always_true_are_refused() {
    let zero = r#"{ count = "any", unit = "day", at-least = 0, within = "term" }"#;
    refuses_when(zero, &["`at-least` is 0, which is always so", "at-least = 1"]);
    refuses_when(r#"{ continuous = "any", at-least = "0 school days" }"#, &["always so"]);
    refuses("more-than = \"20 %\"", "at-least = \"0 %\"", 23, &["is 0 %, which is always so"]);
    refuses("more-than = \"20 %\"", "more-than = \"0 %\"", 23, &["more than 0 % is one lesson"]);
    refuses("\"10 h\"", "\"0 h\"", 23, &["`least-scheduled` is nothing"]);
}

#[test]
fn a_share_is_a_share_of_something() {
    refuses(", of = \"schedule\"", "", 23, &["no `of` in", "\"marks\"", "a share of something"]);
    refuses(", least-scheduled = \"10 h\"", "", 23, &["no `least-scheduled`"]);
    refuses(", least-taken = \"80 %\"", "", 23, &["no `least-taken`"]);
    refuses("of = \"schedule\"", "of = \"timetable\"", 23, &["expected \"schedule\" or \"marks\""]);
    refuses("\"20 %\"", "\"20%\"", 23, &["write \"20 %\""]);
    refuses("\"20 %\"", "0.2", 23, &["is 0.2, expected a share"]);
}

#[test]
fn two_of_one_name_are_refused() {
    refuses("id = \"second\"", "id = \"first\"", 20, &["two steps are called \"first\""]);
    let again = "[[step.duty]]\nid = \"phone\"\nowner = \"mentor\"\ndo = \"x\"\ndue = \"same day\"\n[[step.notify]]";
    let faults = refused("[[step.notify]]", again);
    assert!(faults[0].contains("two duties of step \"first\" are called \"phone\""), "{faults:#?}");
    let twice = "[[step.notify]]\nrole = \"mentor\"\ntext = \"x\"\n[[step.notify]]";
    let faults = refused("[[step.notify]]", twice);
    assert!(faults[0].contains("tells mentor twice"), "{faults:#?}");
    let (_, example) = GOOD.split_once("[[example]]").expect("an example");
    let faults = read(&format!("{GOOD}[[example]]{example}")).expect_err("two examples");
    assert!(faults[0].to_string().contains("two examples are called \"one\""), "{faults:#?}");
}

#[test]
fn steps_wait_for_earlier_ones_only() {
    refuses("after = \"first\"", "after = \"second\"", 23, &["waits for itself"]);
    refuses(
        "after = \"first\"",
        "after = \"frist\"",
        23,
        &["there is no step", "did you mean \"first\"?"],
    );
    refuses("since first", "since third", 23, &["there is no step \"third\""]);
    refuses_when(
        r#"{ after = "second", still = { count = "any", unit = "day", at-least = 1, within = "day" } }"#,
        &["stands after it", "put \"second\" before \"first\""],
    );
    refuses_when(
        r#"{ count = "any", unit = "day", at-least = 1, within = "since first" }"#,
        &["waits for itself"],
    );
}

#[test]
fn conditions_are_one_thing_and_stand_where_they_mean_something() {
    refuses_when("{ }", &["says nothing that could come true", "`count`"]);
    refuses_when(
        r#"{ every = "any", unit = "day", continuous = "any", at-least = "2 school days" }"#,
        &["is `every` and `continuous` at once"],
    );
    refuses_when(
        r#"{ any-of = [ { every = "any", unit = "day" }, { continuous = "any", at-least = "2 school days" } ] }"#,
        &["`every` reaches its step once for each"],
    );
    refuses_when(
        r#"{ any-of = [ { continuous = "any", at-least = "2 school days" } ] }"#,
        &["has 1 part"],
    );
    refuses_when(
        r#"{ all-of = [ { continuous = "any", at-least = "2 school days" }, { continuous = "any", at-least = "2 school days" } ] }"#,
        &["says the same twice"],
    );
    refuses_when(
        r#"{ count = "any", unit = "day", at-least = 2, more-than = 2, within = "term" }"#,
        &["both `at-least` and `more-than`"],
    );
    refuses_when(
        r#"{ count = "sick", unit = "day", at-least = 2, within = "term" }"#,
        &["\"unexcused\""],
    );
    refuses_when(r#"{ count = "any", at-least = 2, within = "term" }"#, &["no `unit`"]);
    refuses_when(r#"{ continuous = "any", at-least = "2 weeks" }"#, &["write \"10 school days\""]);
}

#[test]
fn duties_are_handed_over_to_an_end() {
    refuses(
        "if-not-done = \"principal\"",
        "if-not-done = \"mentor\"",
        34,
        &["from mentor to mentor"],
    );
    let circle = "[[step.duty]]\nid = \"see\"\nowner = \"principal\"\ndo = \"x\"\ndue = \"same day\"\nif-not-done = \"mentor\"\n[[example]]";
    let faults = refused("[[example]]", circle);
    assert!(
        faults[0].contains("handed over in a circle: mentor → principal → mentor"),
        "{faults:#?}"
    );
    let longer = "[[step.duty]]\nid = \"see\"\nowner = \"principal\"\ndo = \"x\"\ndue = \"same day\"\nif-not-done = \"head-of-education\"\n[[step.duty]]\nid = \"ask\"\nowner = \"head-of-education\"\ndo = \"x\"\ndue = \"same day\"\nif-not-done = \"mentor\"\n[[example]]";
    let faults = refused("[[example]]", longer);
    assert!(faults[0].contains("mentor → principal → head-of-education → mentor"), "{faults:#?}");
}

#[test]
fn roles_are_those_of_the_school() {
    refuses(
        "owner = \"mentor\"",
        "owner = \"rektor\"",
        29,
        &["no role", "did you mean \"principal\"?", "known are mentor, attendance-team"],
    );
    refuses(
        "owner = \"mentor\"",
        "owner = \"janitor\"",
        29,
        &["\"janitor\", which is no role", "known are"],
    );
    refuses("role = \"mentor\"", "role = [\"mentor\", \"principal\"]", 16, &["is not one role"]);
    for word in ["social-services", "socialtjänsten"] {
        let by = format!("tell = [\"{word}\"]");
        refuses(
            "tell = [\"student-health-team\"]",
            &by,
            35,
            &["nothing goes to social services by itself"],
        );
    }
}

#[test]
fn times_of_duties_make_sense() {
    refuses(
        "remind = \"1 school day\"",
        "remind = \"3 school days\"",
        32,
        &["when it is made, that is over"],
    );
    refuses(
        "due = \"2 school days\"\nremind = \"1 school day\"",
        "due = \"4 hours\"\nremind = \"5 hours\"",
        32,
        &["that is over"],
    );
    refuses("due = \"2 school days\"", "due = \"2 days\"", 31, &["\"2 school days\""]);
    refuses(
        "due = \"2 school days\"\nremind = \"1 school day\"",
        "due = \"0 hours\"\n",
        31,
        &["no time at all"],
    );
    refuses("due = \"same day\"\n", "", 10, &["no `due` in duty 1 of step \"first\""]);
}

#[test]
fn latches_that_contradict_are_refused() {
    let every = r#"when = { every = "any", unit = "day" }"#;
    let when =
        r#"when = { count = "unexcused", unit = "occasion", at-least = 1, within = "term" }"#;
    refuses(when, &format!("{every}\nonce = \"term\""), 10, &["reached once for `every`"]);
    refuses(
        "once = \"until-false\"",
        "once = \"term\"",
        25,
        &["`re-arm`", "once = \"until-false\""],
    );
    refuses("\"10 school days\"", "\"0 school days\"", 25, &["re-arm"]);
    refuses("\"until-false\"", "\"forever\"", 24, &["\"school-year\""]);
}

#[test]
fn a_step_leads_to_something() {
    let duty = GOOD.find("[[step.duty]]").expect("a duty");
    let step = GOOD[duty..].find("[[step]]").expect("a step") + duty;
    // The first is what the second waits for.
    let text = format!("{}{}", &GOOD[..duty], &GOOD[step..])
        .replace(", \"2026-10-06 done first/phone\"", "");
    read(&text).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let duty = GOOD.rfind("[[step.duty]]").expect("a duty");
    let example = GOOD.find("[[example]]").expect("an example");
    let faults = read(&format!("{}{}", &GOOD[..duty], &GOOD[example..])).expect_err("nothing");
    assert!(faults[0].to_string().contains("nothing follows from step \"second\""), "{faults:#?}");
}

#[test]
fn unknown_keys_are_told_with_what_was_meant() {
    refuses(
        "within = \"term\"",
        "window = \"term\", within = \"term\"",
        9,
        &["unknown key `window`", "did you mean `within`?"],
    );
    refuses(
        "id = \"phone\"",
        "id = \"phone\"\ncolour = 1",
        12,
        &["unknown key `colour`", "remove it; known here:"],
    );
    refuses(
        "from = 2026-08-01",
        "from = 2026-08-01\nvalid_from = 1",
        4,
        &["unknown key `valid_from`"],
    );
    refuses("cool-down", "cool_down", 26, &["did you mean `cool-down`?"]);
}

#[test]
fn examples_are_held_to_the_ladder_and_the_calendar() {
    refuses(
        "2026-09-14 first",
        "2026-09-14 frist",
        42,
        &["names step \"frist\"", "did you mean \"first\"?"],
    );
    refuses("done first/phone", "done first/call", 41, &["duty \"call\"", "it has phone"]);
    refuses("2026-10-05 08.20-09.20 late", "2026-10-04 late", 40, &["has no lesson then"]);
    refuses("2026-10-05 08.20-09.20 late", "2026-10-28 late", 40, &["has no lesson then"]);
    refuses("2026-10-05 08.20-09.20 late", "2026-10-05 11.50 late", 40, &["has no lesson then"]);
    refuses(
        "2026-10-05 08.20-09.20 late",
        "2026-10-05 08.20-09.20 lat",
        40,
        &["write \"2026-10-05 08.20-09.20 late\""],
    );
    refuses(
        "2026-10-06 mark",
        "2026-10-01 mark",
        41,
        &["knows on one day how a later one will be"],
    );
    refuses("excuse 2026-09-14", "forgive 2026-09-14", 41, &["expected what becomes known"]);
    refuses("title = \"one\"", "title = \"one\"\nuntil = 2026-10-01", 39, &["before the last day"]);
    refuses("year = 8", "year = 18", 39, &["0–10"]);
    refuses("from = 2026-08-01", "from = 2026-09-01", 37, &["before the ladder is in force"]);
    let faults = refused("expect = [\"2026-09-14 first\", \"2026-09-17 retracted first\"]\n", "");
    assert!(faults[0].contains("no `expect`"), "{faults:#?}");
}

#[test]
fn everything_is_told_at_once_in_the_order_of_the_text() {
    let text = GOOD
        .replacen("owner = \"attendance-team\"", "owner = \"soc\"", 1)
        .replacen("at-least = 1", "at-least = 0", 1)
        .replacen("\"20 %\"", "\"20\"", 1)
        .replacen("[\"student-health-team\"]", "[\"eht\"]", 1);
    let lines: Vec<usize> = read(&text).expect_err("faults").iter().map(|f| f.line).collect();
    assert_eq!(lines, [9, 12, 23, 35]);
}
