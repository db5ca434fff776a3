//! `[[step.notify]]` and `[[step.duty]]`: who is told, and who has to do what by when; and that handing a duty over comes to
//! an end. Pure.

use super::table::Table;
use crate::ladder::plan::{Allowed, Documents, DoneBy, DutyRule, Notify};
use crate::ladder::words::{self, ROLES, is_social, name, one_of, role_word};
use crate::model::StaffRole;

/// Reads who is told.
pub(super) fn notify(table: Table<'_>) -> Option<Notify> {
    let role = role(&table, "role");
    let role = table.require("role", role, "\"mentor\"");
    let text = table.text("text");
    let text = table.require("text", text, "{ sv = \"…\", en = \"…\" }");
    table.finish();
    Some(Notify { role: role?, text: text? })
}

/// Reads a duty.
pub(super) fn duty(table: Table<'_>) -> Option<DutyRule> {
    let id = table.parsed("id", "a name as \"phone-home\"", name);
    let id = table.require("id", id, "\"phone-home\"");
    let owner = role(&table, "owner");
    let owner = table.require("owner", owner, "\"mentor\"");
    let text = table.text("do");
    let text = table.require("do", text, "{ sv = \"…\", en = \"…\" }");
    let span = "\"same day\", hours as \"24 hours\", or school days as \"2 school days\"";
    let due = table.parsed("due", span, words::allowed);
    let due = table.require("due", due, "\"2 school days\"");
    let remind = table.parsed("remind", span, words::allowed);
    let done = [("word", DoneBy::Word), ("home-reached", DoneBy::HomeReached)];
    let done = table.parsed("done", "\"word\" or \"home-reached\"", |word| one_of(word, &done));
    let done = if table.has("done") { done } else { Some(DoneBy::Word) };
    let hand_over = role(&table, "if-not-done");
    let documents = table.table("documents", "a table as { where = { sv = \"…\", en = \"…\" } }");
    let documents = documents.map(documents_of);
    if let (Some(due), Some(remind)) = (due, remind) {
        judge_reminder(&table, due, remind);
    }
    if due == Some(Allowed::Hours(0)) {
        table.error(
            "due",
            "`due` leaves no time at all",
            "write \"same day\", or \"1 hour\" or more",
        );
    }
    if hand_over.is_some() && hand_over == owner {
        let role = role_word(owner?);
        let message = format!("{} hands over from {role} to {role}", table.title);
        table.error("if-not-done", message, "name another role, or leave `if-not-done` out");
    }
    table.finish();
    Some(DutyRule {
        id: id?,
        owner: owner?,
        text: text?,
        due: due?,
        remind,
        done: done?,
        hand_over,
        documents: documents.map_or(Some(None), |found| found.map(Some))?,
    })
}

fn documents_of(table: Table<'_>) -> Option<Documents> {
    let place = table.text("where");
    let place = table.require("where", place, "{ sv = \"elevloggen\", en = \"the pupil log\" }");
    let tell = roles(&table, "tell").unwrap_or_default();
    table.finish();
    Some(Documents { place: place?, tell })
}

/// A role; what is no role is told with those there are.
fn role(table: &Table<'_>, key: &'static str) -> Option<StaffRole> {
    let found = roles(table, key)?;
    if let [one] = found.as_slice() {
        return Some(*one);
    }
    table.error(key, format!("`{key}` in {} is not one role", table.title), "name one");
    None
}

fn roles(table: &Table<'_>, key: &'static str) -> Option<Vec<StaffRole>> {
    let texts = table.list(key, "a role as \"mentor\"", |word| Ok(word.to_owned()))?;
    let mut found = Vec::new();
    let mut good = true;
    for (word, place) in texts {
        let title = &table.title;
        match words::role(&word) {
            Ok(role) if found.contains(&role) => {
                good = false;
                let message = format!("`{key}` in {title} names {word} twice");
                table.faults.push(place, message, "leave one of them".into());
            }
            Ok(role) => found.push(role),
            Err(near) => {
                good = false;
                let (message, remedy) = unknown(&word, near);
                table.faults.push(place, format!("`{key}` in {title} {message}"), remedy);
            }
        }
    }
    good.then_some(found)
}

fn unknown(word: &str, near: Option<String>) -> (String, String) {
    if is_social(word) {
        return (
            "is the social services: people decide, and nothing goes to social services by itself"
                .into(),
            "give somebody of the school the duty to call or to report, as owner = \"principal\""
                .into(),
        );
    }
    let known: Vec<&str> = ROLES.iter().map(|(name, _)| *name).collect();
    let near = near.map_or(String::new(), |near| format!("did you mean {near:?}? "));
    (format!("is {word:?}, which is no role"), format!("{near}known are {}", known.join(", ")))
}

/// A reminder comes after the duty is made and before it is due.
fn judge_reminder(table: &Table<'_>, due: Allowed, remind: Allowed) {
    let never = match (due, remind) {
        (_, Allowed::SameDay | Allowed::Hours(0))
        | (Allowed::SameDay | Allowed::Hours(_), Allowed::SchoolDays(_)) => true,
        (Allowed::Hours(due), Allowed::Hours(remind)) => remind >= due,
        (Allowed::SchoolDays(due), Allowed::SchoolDays(remind)) => remind > due,
        // A school's day is shorter than this; school days may be short too.
        (Allowed::SameDay, Allowed::Hours(remind)) => remind >= 8,
        (Allowed::SchoolDays(due), Allowed::Hours(remind)) => {
            u32::from(remind) > 24 * u32::from(due)
        }
    };
    if never {
        let (due, remind) = (words::allowed_text(due), words::allowed_text(remind));
        let message = format!(
            "{} is due in {due} and reminded of {remind} before that: when it is made, that is over",
            table.title
        );
        table.error(
            "remind",
            message,
            "write a shorter `remind`, as \"1 hour\", or a longer `due`",
        );
    }
}

/// Notes when the duties of a step hand over to each other in a circle: each would wait for the other.
pub(super) fn judge_circle(table: &Table<'_>, duties: &[DutyRule]) {
    let next = |role: StaffRole| {
        let of = duties.iter().filter(move |duty| duty.owner == role);
        of.filter_map(|duty| duty.hand_over.filter(|to| *to != role)).collect::<Vec<_>>()
    };
    for duty in duties {
        // At most as many steps as there are roles: a longer way has been somewhere twice.
        let mut ways = vec![vec![duty.owner]];
        while let Some(way) = ways.pop() {
            let Some(last) = way.last() else { continue };
            for to in next(*last) {
                if to == way[0] {
                    let mut words: Vec<&str> = way.iter().map(|role| role_word(*role)).collect();
                    words.push(role_word(to));
                    let message = format!(
                        "the duties of {} are handed over in a circle: {}",
                        table.title,
                        words.join(" → ")
                    );
                    table.error(
                        "duty",
                        message,
                        "let one of them end: leave its `if-not-done` out",
                    );
                    return;
                }
                if !way.contains(&to) {
                    ways.push(way.iter().copied().chain([to]).collect());
                }
            }
        }
    }
}
