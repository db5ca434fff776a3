//! `when` of a step: a condition, and what makes one that can never come true. Pure.

use super::judge::Bound;
use super::table::Table;
use crate::ladder::plan::{Absent, After, Condition, Count, Run, Share, Span, Still, Unit};
use crate::ladder::words::{self, ABSENT, UNITS, Word, is_name, one_of};
use crate::model::did_you_mean;

/// What is known where a condition stands.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    /// The step that it is of.
    pub own: &'s str,
    /// All steps of the ladder, in order.
    pub names: &'s [String],
    /// Those before it, and whether each has a duty.
    pub before: &'s [(String, bool)],
    /// Whether it stands by itself, in a list of others, or after a step.
    pub nested: Nested,
}

/// Where a condition stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nested {
    /// It is the step's.
    Not,
    /// In `any-of` or `all-of`.
    InList,
    /// In `still`.
    InStill,
}

/// The key that says what a condition is.
const KINDS: [&str; 7] = ["count", "every", "share", "continuous", "after", "any-of", "all-of"];

const LESSONS: &str = "one of \"excused\", \"unexcused\", \"any\", \"late\", \"left-early\"";
const WITHIN: &str =
    "days as \"28 days\", or one of \"day\", \"term\", \"school-year\", \"since STEP\"";

/// Reads a condition.
pub(super) fn read(table: Table<'_>, scope: Scope<'_>) -> Option<Condition> {
    let kind = match table.present(&KINDS).as_slice() {
        [one] => *one,
        [] => {
            let known = KINDS.map(|kind| format!("`{kind}`")).join(", ");
            let message = format!("{} says nothing that could come true", table.title);
            table.error_at_head(message, format!("write one of {known}"));
            return None;
        }
        several => {
            let both = several.join("` and `");
            let message = format!("{} is `{both}` at once", table.title);
            table.error_at_head(
                message,
                "write one of them, or { any-of = [ { … }, { … } ] } or { all-of = [ … ] }",
            );
            return None;
        }
    };
    let found = match kind {
        "count" => count(&table, scope).map(Condition::Count),
        "every" => every(&table, scope),
        "share" => share(&table, scope).map(Condition::Share),
        "continuous" => run(&table).map(Condition::Continuous),
        "after" => after(&table, scope).map(|after| Condition::After(Box::new(after))),
        "any-of" => list(&table, "any-of", scope).map(Condition::AnyOf),
        _ => list(&table, "all-of", scope).map(Condition::AllOf),
    };
    table.finish();
    found
}

fn lessons(table: &Table<'_>, key: &'static str) -> Option<Absent> {
    table.parsed(key, LESSONS, |word| one_of(word, &ABSENT))
}

fn unit(table: &Table<'_>) -> Option<Unit> {
    let expected = "one of \"lesson\", \"half-day\", \"day\", \"occasion\"";
    let unit = table.parsed("unit", expected, |word| one_of(word, &UNITS));
    table.require("unit", unit, "\"occasion\"")
}

/// Within which days; a step that it names must stand before.
fn within(table: &Table<'_>, scope: Scope<'_>) -> Option<Span> {
    let span = table.parsed("within", WITHIN, words::span);
    let span = table.require("within", span, "\"term\"")?;
    if let Span::Since(step) = &span {
        earlier(table, "within", step, scope)?;
    }
    if span == Span::Days(0) {
        table.error("within", "`within` has no day in it: it can never come true", "write \"day\"");
        return None;
    }
    Some(span)
}

/// Whether a step stands before this one; notes it otherwise.
fn earlier(table: &Table<'_>, key: &'static str, step: &str, scope: Scope<'_>) -> Option<bool> {
    if let Some((_, has_duty)) = scope.before.iter().find(|(id, _)| id == step) {
        return Some(*has_duty);
    }
    let own = scope.own;
    let before = scope.before.iter().map(|(id, _)| id.as_str());
    if step == own {
        let message = format!("step {own:?} waits for itself: it can never be reached");
        table.error(key, message, "name a step that stands before it");
    } else if scope.names.iter().any(|name| name == step) {
        let message = format!(
            "step {own:?} waits for step {step:?}, which stands after it: such steps could wait for each other"
        );
        table.error(key, message, format!("put {step:?} before {own:?}"));
    } else {
        let remedy = did_you_mean(step, before.clone()).map_or_else(
            || {
                let known: Vec<&str> = before.clone().collect();
                if known.is_empty() {
                    "no step stands before this one".to_owned()
                } else {
                    format!("name one that stands before it: {}", known.join(", "))
                }
            },
            |near| format!("did you mean {near:?}?"),
        );
        table.error(key, format!("there is no step {step:?} in this ladder"), remedy);
    }
    None
}

/// `at-least`, or `more-than`: the first is taken as it is, the second is one more.
fn least(
    table: &Table<'_>,
    read: impl Fn(&'static str) -> Option<u16>,
    example: &str,
) -> Option<u16> {
    match table.present(&["at-least", "more-than"]).as_slice() {
        ["at-least"] => read("at-least"),
        ["more-than"] => read("more-than").map(|number| number.saturating_add(1)),
        [] => {
            let message = format!("no `at-least` in {}", table.title);
            table.error("at-least", message, format!("add at-least = {example}, or more-than = …"));
            None
        }
        _ => {
            let message = format!("{} has both `at-least` and `more-than`", table.title);
            table.error("more-than", message, "leave one of them");
            None
        }
    }
}

fn count(table: &Table<'_>, scope: Scope<'_>) -> Option<Count> {
    let of = lessons(table, "count");
    let unit = unit(table);
    let within = within(table, scope);
    let at_least = least(table, |key| table.integer(key, 0..=1000), "3");
    let count = Count { of: of?, unit: unit?, at_least: at_least?, within: within? };
    let key = if table.has("at-least") { "at-least" } else { "more-than" };
    if count.at_least == 0 {
        table.error(key, "`at-least` is 0, which is always so", "write at-least = 1, or more");
        return None;
    }
    let most = Bound::of(&count.within).units(count.unit);
    if u32::from(count.at_least) > most {
        let noun = words::many(most, UNITS.iter().find(|(_, own)| *own == count.unit)?.0);
        let message = format!(
            "`within` has room for {noun}, fewer than `{key}` asks for: it can never come true"
        );
        table.error(key, message, format!("write at most {most}, or a longer `within`"));
        return None;
    }
    Some(count)
}

fn every(table: &Table<'_>, scope: Scope<'_>) -> Option<Condition> {
    let of = lessons(table, "every");
    let unit = unit(table);
    if scope.nested != Nested::Not {
        table.error(
            "every",
            "`every` reaches its step once for each, and cannot stand with other conditions",
            "write { count = …, at-least = 1, within = … }, or make it a step of its own",
        );
        return None;
    }
    Some(Condition::Every { of: of?, unit: unit? })
}

fn run(table: &Table<'_>) -> Option<Run> {
    let of = lessons(table, "continuous");
    let days = |key| table.parsed(key, "school days as \"5 school days\"", words::school_days);
    let at_least = least(table, days, "\"10 school days\"")?;
    let key = if table.has("at-least") { "at-least" } else { "more-than" };
    if at_least == 0 {
        table.error(key, "no school day at all is always so", "write \"1 school day\", or more");
        return None;
    }
    let most = Bound::SCHOOL_YEAR.school_days;
    if u32::from(at_least) > most {
        let message =
            format!("a school year has no more than {most} school days: it can never come true");
        table.error(key, message, "write fewer");
        return None;
    }
    Some(Run { of: of?, at_least })
}

fn share(table: &Table<'_>, scope: Scope<'_>) -> Option<Share> {
    let of = lessons(table, "share");
    let within = within(table, scope);
    let percent = |key: &'static str| table.parsed(key, "a share as \"20 %\"", words::share);
    let (key, more_than) = match table.present(&["at-least", "more-than"]).as_slice() {
        ["at-least"] => ("at-least", false),
        ["more-than"] => ("more-than", true),
        _ => {
            let message = format!("{} needs one of `at-least` and `more-than`", table.title);
            table.error("more-than", message, "write more-than = \"20 %\", or at-least = \"20 %\"");
            return None;
        }
    };
    let at_least = percent(key);
    let minutes = |key| table.parsed(key, "hours as \"10 h\"", words::minutes);
    let least_minutes = minutes("least-scheduled");
    let least_minutes =
        table.require("least-scheduled", least_minutes, "\"10 h\": with less it is silent");
    let taken = percent("least-taken");
    let least_taken =
        table.require("least-taken", taken, "\"80 %\": with fewer registers taken it is silent");
    let whole = |word: &str| one_of(word, &[("schedule", true), ("marks", false)]);
    let by_schedule = table.parsed("of", "\"schedule\" or \"marks\"", whole);
    let by_schedule = table.require(
        "of",
        by_schedule,
        "\"schedule\", or \"marks\" where every pupil gets one at every lesson: a share is a share of something",
    );
    let share = Share {
        of: of?,
        at_least: at_least?,
        more_than,
        within: within?,
        least_minutes: least_minutes?,
        least_taken: least_taken?,
        by_schedule: by_schedule?,
    };
    possible(table, key, &share).then_some(share)
}

/// Whether a share can come true, and is not always so.
fn possible(table: &Table<'_>, key: &'static str, share: &Share) -> bool {
    let text = words::share_text(share.at_least);
    let (least, most) = (u16::from(!share.more_than), 1000 - u16::from(share.more_than));
    if share.at_least > most {
        let message =
            format!("`{key}` is {text}, and nobody misses that much: it can never come true");
        table.error(key, message, "write less than \"100 %\"");
        return false;
    }
    if share.at_least < least {
        table.error(key, format!("`{key}` is {text}, which is always so"), "write more");
        return false;
    }
    if share.at_least == 0 {
        let remedy = "write { count = …, unit = \"lesson\", at-least = 1, within = … }";
        table.error(key, "more than 0 % is one lesson", remedy);
        return false;
    }
    if share.least_taken > 1000 {
        let message = "`least-taken` is more than all of them: it can never come true";
        table.error("least-taken", message, "write \"100 %\" or less");
        return false;
    }
    if share.least_minutes == 0 {
        let message =
            "`least-scheduled` is nothing: one lesson missed of one would be a share of 100 %";
        table.error(
            "least-scheduled",
            message,
            "write as much as a share means something of, as \"10 h\"",
        );
        return false;
    }
    let most = Bound::of(&share.within).minutes();
    if share.least_minutes > most {
        let message = format!(
            "`within` has room for {} of lessons, less than `least-scheduled`: it can never come true",
            words::minutes_text(most)
        );
        table.error("least-scheduled", message, "write less, or a longer `within`");
        return false;
    }
    true
}

fn after(table: &Table<'_>, scope: Scope<'_>) -> Option<After> {
    if scope.nested == Nested::InStill {
        table.error(
            "after",
            "`still` holds an `after` again",
            "make it a step of its own, and let this one come after that",
        );
        return None;
    }
    let step = table.parsed("after", "the id of a step", |text| {
        if is_name(text) { Ok(text.to_owned()) } else { Err(None) }
    });
    let has_duty = step.as_ref().and_then(|step| earlier(table, "after", step, scope));
    let days = |key| table.parsed(key, "days as \"14 days\"", words::days);
    let wait = if table.has("wait") { days("wait") } else { Some(0) };
    let until = if table.has("until") { days("until").map(Some) } else { Some(None) };
    let still = still(table, has_duty, scope);
    let after = After { step: step?, wait: wait?, until: until?, still: still? };
    if after.until.is_some_and(|until| until < after.wait.max(1)) {
        let message = "`until` is over before `wait` is: it can never come true";
        table.error("until", message, "write a longer `until`, or a shorter `wait`");
        return None;
    }
    has_duty.map(|_| after)
}

fn still(table: &Table<'_>, has_duty: Option<bool>, scope: Scope<'_>) -> Option<Still> {
    let value = table.find("still");
    if value.is_some_and(|value| value.get_ref().is_str()) {
        let word = |word: &str| -> Word<()> { one_of(word, &[("open", ())]) };
        table.parsed("still", "\"open\", or a condition", word)?;
        if has_duty == Some(false) {
            let message = "that step has no duty that could be open: it can never come true";
            table.error("still", message, "give it one, or write a condition");
            return None;
        }
        return Some(Still::Open);
    }
    let example = "{ count = …, within = \"since STEP\" }, or still = \"open\"";
    let inner = table.table("still", "a condition as { count = … }, or \"open\"");
    let inner = table.require("still", inner, example)?;
    read(inner, Scope { nested: Nested::InStill, ..scope }).map(Still::Holds)
}

fn list(table: &Table<'_>, key: &'static str, scope: Scope<'_>) -> Option<Vec<Condition>> {
    let title = table.title.clone();
    let parts = table.tables(key, |at| format!("part {at} of {title}"));
    if parts.len() < 2 {
        let message =
            format!("`{key}` in {title} has {}", words::many(u32::from(parts.len() == 1), "part"));
        table.error(key, message, "write two or more, or the one by itself");
        return None;
    }
    let nested = if scope.nested == Nested::InStill { Nested::InStill } else { Nested::InList };
    let read: Vec<_> =
        parts.into_iter().map(|part| read(part, Scope { nested, ..scope })).collect();
    let read: Vec<Condition> = read.into_iter().collect::<Option<_>>()?;
    let twice = read.iter().enumerate().any(|(at, one)| read[..at].contains(one));
    if twice {
        table.error(key, format!("`{key}` in {title} says the same twice"), "leave one of them");
    }
    (!twice).then_some(read)
}
