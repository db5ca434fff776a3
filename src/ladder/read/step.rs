//! `[[step]]`: of whom it is asked, when it is reached, how often, and what follows. Pure.

use super::condition::{self, Nested, Scope};
use super::duty;
use super::table::Table;
use crate::ladder::plan::{Condition, DutyRule, Filter, Latch, Notify, Once, Span, Step};
use crate::ladder::words::{self, is_name, name, one_of};
use crate::model::SchoolId;

/// The ids of all steps, in order; of one that has none, an empty text.
pub(super) fn names(tables: &[Table<'_>]) -> Vec<String> {
    let id = |table: &Table<'_>| {
        let found = table.find("id").and_then(|value| value.get_ref().as_str());
        found.filter(|id| is_name(id)).unwrap_or_default().to_owned()
    };
    tables.iter().map(id).collect()
}

/// Reads a step. `before`: those before it, and whether each has a duty; it is added to them.
pub(super) fn read(
    mut table: Table<'_>,
    names: &[String],
    before: &mut Vec<(String, bool)>,
) -> Option<Step> {
    let id = table.parsed("id", "a name as \"third-excused\"", name);
    let id = table.require("id", id, "\"third-excused\"");
    if let Some(id) = &id {
        table.title = format!("step {id:?}");
        if before.iter().any(|(other, _)| other == id) {
            table.error(
                "id",
                format!("two steps are called {id:?}"),
                "give one of them another id",
            );
        }
    }
    let title = table.text("title");
    let title = table.require("title", title, "{ sv = \"…\", en = \"…\" }");
    let filter = table.table("for", "a table as { years = \"7..9\" }");
    let filter = filter.map_or(Some(Filter::default()), filter_of);
    let scope =
        Scope { own: id.as_deref().unwrap_or_default(), names, before, nested: Nested::Not };
    let when = table.table("when", "a condition as { count = \"unexcused\", … }");
    let when = table.require(
        "when",
        when,
        "{ count = \"unexcused\", unit = \"occasion\", at-least = 1, within = \"term\" }",
    );
    let when = when.and_then(|when| condition::read(when, scope));
    let latch = latch(&table, when.as_ref());
    let notify = notify(&table);
    let duties = duties(&table);
    if let Some(id) = &id {
        before.push((id.clone(), table.has("duty")));
    }
    table.finish();
    Some(Step {
        id: id?,
        title: title?,
        filter: filter?,
        when: when?,
        latch: latch?,
        notify: notify?,
        duties: duties?,
    })
}

fn filter_of(table: Table<'_>) -> Option<Filter> {
    let span = |key: &'static str, most: u8| {
        if !table.has(key) {
            return Some(None);
        }
        let expected = "two numbers as \"7..9\"";
        let (from, to) = table.parsed(key, expected, words::range)?;
        if from > to || from > most {
            let message =
                format!("`{key}` is {from}..{to}, which nobody is: it can never come true");
            table.error(key, message, format!("write the lower first, and at most {most}"));
            return None;
        }
        Some(Some((from, to)))
    };
    // Years: 0 is förskoleklass, 10 is the last of the adapted school; those of gymnasieskolan begin at 1 again.
    let (years, ages) = (span("years", 10), span("ages", 130));
    let texts = |key: &'static str, example: &'static str| -> Option<Vec<String>> {
        if !table.has(key) {
            return Some(Vec::new());
        }
        let found = table.list(key, example, |text| {
            if text.trim().is_empty() { Err(None) } else { Ok(text.trim().to_owned()) }
        })?;
        if found.is_empty() {
            let message = format!("`{key}` names none: it can never come true");
            table.error(key, message, "name one, or leave it out");
            return None;
        }
        Some(found.into_iter().map(|(text, _)| text).collect())
    };
    let forms = texts("forms", "forms of school as [\"grundskola\"]");
    let schools = texts("schools", "ids of schools as [\"bjorkskolan\"]").and_then(|ids| {
        let school = |id: String| {
            let good = SchoolId::new(id.clone());
            if let Err(error) = &good {
                table.error("schools", format!("{id:?} {error}"), "write a school's id");
            }
            good.ok()
        };
        ids.into_iter().map(school).collect::<Option<Vec<_>>>()
    });
    table.finish();
    Some(Filter { forms: forms?, years: years?, ages: ages?, schools: schools? })
}

/// How often: as it says, or as the condition has it.
fn latch(table: &Table<'_>, when: Option<&Condition>) -> Option<Latch> {
    let words = [("term", 0), ("school-year", 1), ("until-false", 2)];
    let expected = "\"term\", \"school-year\" or \"until-false\"";
    let once = table.parsed("once", expected, |word| one_of(word, &words));
    let re_arm = table.parsed("re-arm", "school days as \"10 school days\"", words::school_days);
    let cool_down = table.parsed("cool-down", "days as \"14 days\"", words::days);
    let bad = |key: &'static str, missing| table.has(key) && missing;
    if bad("once", once.is_none())
        || bad("re-arm", re_arm.is_none())
        || bad("cool-down", cool_down.is_none())
    {
        return None;
    }
    let every = matches!(when, Some(Condition::Every { .. }));
    if every && let Some(key) = table.present(&["once", "re-arm"]).first() {
        let message = format!("`{key}` in {}, which is reached once for `every`", table.title);
        table.error(key, message, "leave it out, or write `count` in place of `every`");
        return None;
    }
    let usual = when.map(usual);
    let once = match (once, usual) {
        (Some(0), _) => Once::Term,
        (Some(1), _) => Once::SchoolYear,
        (None, Some(usual)) if re_arm.is_none() => usual,
        _ => Once::UntilFalseFor(re_arm.unwrap_or(1)),
    };
    if re_arm.is_some() && !matches!(once, Once::UntilFalseFor(_)) {
        let message = format!("`re-arm` in {}, which is reached once in its time", table.title);
        table.error("re-arm", message, "leave it out, or write once = \"until-false\"");
        return None;
    }
    if re_arm == Some(0) {
        let message = "`re-arm` of no day would reach the step again each day";
        table.error("re-arm", message, "write \"1 school day\", or more");
        return None;
    }
    Some(Latch { once, cool_down: cool_down.unwrap_or(0) })
}

/// How often, where it is not said: once in the term or year that is counted.
fn usual(when: &Condition) -> Once {
    match when {
        Condition::Count(count) if count.within == Span::Term => Once::Term,
        Condition::Count(count) if count.within == Span::SchoolYear => Once::SchoolYear,
        _ => Once::UntilFalseFor(1),
    }
}

fn notify(table: &Table<'_>) -> Option<Vec<Notify>> {
    let title = table.title.clone();
    let tables = table.tables("notify", |at| format!("notify {at} of {title}"));
    let mut told = Vec::new();
    for one in tables {
        let line = one.line();
        let read = duty::notify(one);
        if let Some(read) = &read
            && told.iter().flatten().any(|other: &Notify| other.role == read.role)
        {
            let role = words::role_word(read.role);
            let message = format!("{title} tells {role} twice (again in line {line})");
            table.error("notify", message, "say it in one text");
        }
        told.push(read);
    }
    told.into_iter().collect()
}

fn duties(table: &Table<'_>) -> Option<Vec<DutyRule>> {
    let title = table.title.clone();
    let tables = table.tables("duty", |at| format!("duty {at} of {title}"));
    let read: Vec<_> = tables.into_iter().map(duty::duty).collect();
    let duties: Vec<DutyRule> = read.into_iter().collect::<Option<_>>()?;
    for (at, duty) in duties.iter().enumerate() {
        if duties[..at].iter().any(|other| other.id == duty.id) {
            let message = format!("two duties of {title} are called {:?}", duty.id);
            table.error("duty", message, "give one of them another id");
        }
    }
    duty::judge_circle(table, &duties);
    Some(duties)
}
