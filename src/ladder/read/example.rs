//! `[[example]]`: a made-up pupil's absence and all that comes of it, checked against the ladder and its own calendar. Pure.

use std::ops::Range;

use jiff::civil::{Date, Time, date};

use super::table::Table;
use crate::calendar::{Calendar, Days};
use crate::ladder::course::Became;
use crate::ladder::example::{Act, Example, Expected, Marked, What};
use crate::ladder::history::Attended;
use crate::ladder::plan::Step;
use crate::ladder::words::{self, Word, one_of};
use crate::model::{SchoolId, did_you_mean};

/// How lessons are attended.
const WORDS: [(&str, Attended); 6] = [
    ("excused", Attended::Excused),
    ("unexcused", Attended::Unexcused),
    ("late", Attended::Late),
    ("left-early", Attended::LeftEarly),
    ("present", Attended::Present),
    ("untaken", Attended::Untaken),
];

/// The terms of an example that names none, and their break.
const TERMS: [(Date, Date); 2] =
    [(date(2026, 8, 17), date(2026, 12, 18)), (date(2027, 1, 7), date(2027, 6, 11))];
const BREAK: (Date, Date) = (date(2026, 10, 26), date(2026, 10, 30));

/// The lessons of a day of an example that names none: an hour each.
const LESSONS: [(i8, i8); 5] = [(8, 20), (9, 30), (10, 40), (12, 20), (13, 30)];

/// Longest time that an example may go on, in days.
const LONGEST: i32 = 400;

const ABSENT: &str = "a day and how, as \"2026-10-05 excused\", \"2026-09-14..2026-09-18 unexcused\" or \"2026-10-05 08.20-09.20 late\"";
const THEN: &str = "what becomes known, as \"2026-10-06 excuse 2026-10-05\" or \"2026-10-06 mark 2026-10-05 08.20 present\", or is done, as \"2026-10-06 done STEP/DUTY\"";
const EXPECT: &str =
    "a day and a step, as \"2026-10-05 third-excused\" or \"2026-10-06 retracted third-excused\"";

/// A value with its place.
type At<T> = (T, Range<usize>);

/// Reads all examples of a ladder. Where a step could not be read, what examples say of steps is not held against it.
pub(super) fn read_all(
    root: &Table<'_>,
    from: Option<Date>,
    steps: &[Option<Step>],
) -> Option<Vec<Example>> {
    let known: Option<Vec<&Step>> = steps.iter().map(Option::as_ref).collect();
    let mut titles = Vec::new();
    let mut all = Vec::new();
    for mut table in root.tables("example", |at| format!("example {at}")) {
        let title = table.line_of_text("title");
        let title = table.require("title", title, "\"what it shows\"");
        if let Some(title) = &title {
            table.title = format!("example {title:?}");
            if titles.contains(title) {
                table.error(
                    "title",
                    format!("two examples are called {title:?}"),
                    "call one otherwise",
                );
            }
            titles.push(title.clone());
        }
        all.push(read(table, title, from, known.as_deref()));
    }
    all.into_iter().collect()
}

fn read(
    table: Table<'_>,
    title: Option<String>,
    in_force: Option<Date>,
    steps: Option<&[&Step]>,
) -> Option<Example> {
    let line = table.line();
    let pupil = pupil(&table);
    let calendar = calendar(&table);
    let lessons = lessons(&table);
    let absent = table.list("absent", ABSENT, |text| marked(text, false));
    let absent = if table.has("absent") { absent } else { Some(Vec::new()) };
    let then = table.list("then", THEN, act);
    let then = if table.has("then") { then } else { Some(Vec::new()) };
    let expect = table.list("expect", EXPECT, expected);
    let expect = table.require("expect", expect, "[], where nothing is to come of it");
    let until = table.date("until");
    let bad_until = table.has("until") && until.is_none();
    if let (Some(steps), Some(then), Some(expect)) = (steps, &then, &expect) {
        judge_steps(&table, steps, then, expect);
    }
    let title_of = table.title.clone();
    let (pupil, calendar, lessons) = (pupil?, calendar?, lessons?);
    let (absent, then, expect) = (absent?, then?, expect?);
    let named = named(&absent, &then, &expect);
    let (Some(first), Some(last)) = (named.iter().min().copied(), named.iter().max().copied())
    else {
        table.error_at_head(format!("{title_of} names no day"), "write `absent`");
        table.finish();
        return None;
    };
    let term = calendar.terms.iter().find(|term| term.contains(first));
    let example = Example {
        title: title?,
        line,
        form: pupil.form,
        school: pupil.school,
        year: Some(pupil.year),
        born: Some(pupil.born),
        from: term.map_or(first, Days::first),
        until: until.unwrap_or(last),
        calendar,
        lessons,
        absent: absent.iter().map(|(marked, _)| marked.clone()).collect(),
        then: sorted(&then, |act| act.on),
        expect: sorted(&expect, |expected| expected.on),
    };
    judge(&table, &example, &absent, &then, in_force);
    if example.until < last {
        table.error(
            "until",
            format!("`until` of {title_of} is before the last day it names"),
            "write a later day",
        );
    }
    table.finish();
    (!bad_until).then_some(example)
}

fn sorted<T: Clone>(from: &[At<T>], day: impl Fn(&T) -> Date) -> Vec<T> {
    let mut all: Vec<T> = from.iter().map(|(one, _)| one.clone()).collect();
    all.sort_by_key(|one| day(one));
    all
}

/// Every day that is named.
fn named(absent: &[At<Marked>], then: &[At<Act>], expect: &[At<Expected>]) -> Vec<Date> {
    let marked = absent.iter().flat_map(|(marked, _)| [marked.days.first(), marked.days.last()]);
    let acts = then.iter().map(|(act, _)| act.on);
    marked.chain(acts).chain(expect.iter().map(|(expected, _)| expected.on)).collect()
}

struct Pupil {
    year: u8,
    born: Date,
    form: String,
    school: SchoolId,
}

fn pupil(table: &Table<'_>) -> Option<Pupil> {
    let usual = || Pupil {
        year: 7,
        born: date(2013, 5, 1),
        form: "grundskola".into(),
        school: SchoolId::new("skolan").expect("a good id"),
    };
    if !table.has("pupil") {
        return Some(usual());
    }
    let own = table.table("pupil", "a table as { year = 7 }")?;
    let usual = usual();
    let year = if own.has("year") { own.integer("year", 0..=10) } else { Some(usual.year.into()) };
    let born = if own.has("born") { own.date("born") } else { Some(usual.born) };
    let form = if own.has("form") { own.line_of_text("form") } else { Some(usual.form) };
    let school =
        own.parsed("school", "a school's id", |text| SchoolId::new(text).map_err(|_| None));
    let school = if own.has("school") { school } else { Some(usual.school) };
    own.finish();
    Some(Pupil { year: u8::try_from(year?).ok()?, born: born?, form: form?, school: school? })
}

fn calendar(table: &Table<'_>) -> Option<Calendar> {
    let days = |key: &'static str| {
        let found = table.list(key, "days as [\"2026-08-17..2026-12-18\"]", Days::parse);
        let plain =
            |found: Vec<At<Days>>| found.into_iter().map(|(days, _)| days).collect::<Vec<_>>();
        if table.has(key) { found.map(plain).map(Some) } else { Some(None) }
    };
    let (terms, closed) = (days("terms"), days("closed"));
    let (terms, closed) = (terms?, closed?);
    let usual = |(from, to)| Days::new(from, to).expect("a year at most");
    let closed =
        closed.unwrap_or_else(|| if terms.is_none() { vec![usual(BREAK)] } else { Vec::new() });
    Some(Calendar {
        terms: terms.unwrap_or_else(|| TERMS.map(usual).to_vec()),
        closed,
        ..Calendar::default()
    })
}

fn lessons(table: &Table<'_>) -> Option<Vec<(Time, u32)>> {
    if !table.has("lessons") {
        let usual = |(hour, minute)| (Time::constant(hour, minute, 0, 0), 60);
        return Some(LESSONS.map(usual).to_vec());
    }
    let found = table.list("lessons", "times as [\"08.20-09.20\"]", |text| {
        let (from, to) = between(text)?;
        let minutes = u32::try_from(from.duration_until(to).as_mins()).map_err(|_| None)?;
        if minutes == 0 { Err(None) } else { Ok((from, minutes)) }
    })?;
    let mut lessons: Vec<(Time, u32)> = found.into_iter().map(|(lesson, _)| lesson).collect();
    lessons.sort();
    if lessons.is_empty() {
        table.error("lessons", "`lessons` names none", "name one, or leave it out");
        return None;
    }
    Some(lessons)
}

/// Two times with a hyphen, or one.
fn between(text: &str) -> Word<(Time, Time)> {
    let (from, to) = text.split_once(['-', '–']).unwrap_or((text, text));
    let (start, end) = (words::time(from)?, words::time(to)?);
    if end < start || text.contains('–') { Err(None) } else { Ok((start, end)) }
}

/// `DAYS [TIMES] WORD`; with `excuse`, without the word.
fn marked(text: &str, excuse: bool) -> Word<Marked> {
    let mut parts = text.split(' ');
    let days = Days::parse(parts.next().unwrap_or_default()).map_err(|_| None)?;
    let rest: Vec<&str> = parts.collect();
    let (times, word) = match (rest.as_slice(), excuse) {
        ([], true) => (None, None),
        ([times], true) => (Some(*times), None),
        ([word], false) => (None, Some(*word)),
        ([times, word], false) => (Some(*times), Some(*word)),
        _ => return Err(None),
    };
    let between = times.map(between).transpose().map_err(|_| None)?;
    let attended = word.map_or(Ok(Attended::Excused), |word| {
        let lead = text.strip_suffix(word).unwrap_or_default();
        one_of(word, &WORDS).map_err(|near| near.map(|near| format!("{lead}{near}")))
    })?;
    Ok(Marked { days, between, attended, only_unexcused: excuse })
}

fn act(text: &str) -> Word<Act> {
    let mut parts = text.splitn(3, ' ');
    let on: Date = parts.next().and_then(|day| day.parse().ok()).ok_or(None)?;
    let (verb, rest) = (parts.next().ok_or(None)?, parts.next().ok_or(None)?);
    let what = match verb {
        "excuse" => What::Mark(marked(rest, true)?),
        "mark" => What::Mark(
            marked(rest, false).map_err(|near| near.map(|near| format!("{on} mark {near}")))?,
        ),
        "done" => {
            let (step, duty) = rest.split_once('/').ok_or(None)?;
            What::Done { step: step.to_owned(), duty: duty.to_owned() }
        }
        _ => {
            let near = did_you_mean(verb, ["excuse", "mark", "done"]);
            return Err(near.map(|near| format!("{on} {near} {rest}")));
        }
    };
    Ok(Act { on, what })
}

fn expected(text: &str) -> Word<Expected> {
    let parts: Vec<&str> = text.split(' ').collect();
    let (on, became, step) = match parts.as_slice() {
        [on, step] => (on, Became::Reached, step),
        [on, "retracted", step] => (on, Became::Retracted, step),
        _ => return Err(None),
    };
    let on = on.parse().map_err(|_| None)?;
    Ok(Expected { on, became, step: (*step).to_owned() })
}

/// Whether every step and duty that is named is the ladder's.
fn judge_steps(table: &Table<'_>, steps: &[&Step], then: &[At<Act>], expect: &[At<Expected>]) {
    let ids = || steps.iter().map(|step| step.id.as_str());
    let step_of = |id: &str, place: &Range<usize>| {
        let found = steps.iter().find(|step| step.id == id);
        if found.is_none() {
            let remedy = did_you_mean(id, ids()).map_or_else(
                || format!("its steps are {}", ids().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean {near:?}?"),
            );
            let message = format!("{} names step {id:?}, which is not in this ladder", table.title);
            table.faults.push(place.clone(), message, remedy);
        }
        found
    };
    for (expected, place) in expect {
        step_of(&expected.step, place);
    }
    for (act, place) in then {
        let What::Done { step, duty } = &act.what else { continue };
        let Some(step) = step_of(step, place) else { continue };
        if !step.duties.iter().any(|own| own.id == *duty) {
            let own: Vec<&str> = step.duties.iter().map(|own| own.id.as_str()).collect();
            let message =
                format!("{} names duty {duty:?}, which step {:?} has not", table.title, step.id);
            let remedy = if own.is_empty() {
                "it has none".to_owned()
            } else {
                format!("it has {}", own.join(", "))
            };
            table.faults.push(place.clone(), message, remedy);
        }
    }
}

/// Whether the days can be those of a pupil at school.
fn judge(
    table: &Table<'_>,
    example: &Example,
    absent: &[At<Marked>],
    then: &[At<Act>],
    in_force: Option<Date>,
) {
    let later = then.iter().filter_map(|(act, place)| match &act.what {
        What::Mark(marked) => Some((marked, place, Some(act.on))),
        What::Done { .. } => None,
    });
    let at_once = absent.iter().map(|(marked, place)| (marked, place, None));
    for (marked, place, on) in at_once.chain(later) {
        if example.lessons_of(marked) == 0 {
            let message = format!("{} has no lesson then: {}", table.title, marked.days);
            let remedy =
                "name a school day from Monday to Friday and, with times, some of its `lessons`";
            table.faults.push(place.clone(), message, remedy.into());
        }
        if on.is_some_and(|on| marked.days.last() > on) {
            let message = format!("{} knows on one day how a later one will be", table.title);
            table.faults.push(
                place.clone(),
                message,
                "write it in `absent`, or name a later day first".into(),
            );
        }
    }
    if (example.until - example.from).get_days() > LONGEST {
        let message = format!("{} goes on for more than {LONGEST} days", table.title);
        table.error_at_head(message, "see whether a year in it is wrong");
    }
    if let Some(from) = in_force.filter(|from| example.from < *from) {
        let message = format!(
            "{} begins on {}, before the ladder is in force ({from})",
            table.title, example.from
        );
        table.error_at_head(message, "name later days, or write `terms` that begin later");
    }
}
