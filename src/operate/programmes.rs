//! The sessions of preventive programmes as a school's staff record them: which were held, which are moved, and how all of
//! them stand. Each act is one commit of the session's row and of a line that says who did it. Says nothing of any pupil.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::calendar::{Term, is_weekend};
use crate::directory::classes::{self, Class};
use crate::directory::{Directory, Roster, School};
use crate::model::{NotificationId, SchoolId, SessionRecord, TermName, local_date};
use crate::policy::programme::{self, ClassPlan, SessionPlan};
use crate::store::ledger::{self, Unit};
use crate::store::rows::OperatorAct;
use crate::store::{Commit, Kv, StoreError, tables};

/// How often an act is tried against somebody who records the same session.
const TRIES: usize = 20;
/// Classes named to whoever misspelt one.
const SOME: usize = 40;
/// Longest name of a class, in bytes: it is part of a key.
const LONGEST_CLASS: usize = 128;

/// What is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// It was held.
    Held,
    /// It is to be held on another day.
    Move,
    /// The last of these was wrong.
    Undo,
}

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Asked {
    /// What.
    pub act: Act,
    /// The school.
    pub school: SchoolId,
    /// The class, as the directory has it.
    pub class: String,
    /// Which session, from 1.
    pub session: u32,
    /// Of which programme; none: of the only one that the class has with such a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programme: Option<String>,
    /// The day on which it was held, none for today; or the day that it is moved to; by the school's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Date>,
    /// The term, where something is undone; none: the present or the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<TermName>,
}

/// The answer to an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Recorded {
    /// [`FORMAT`].
    pub format: u32,
    /// The school.
    pub school: SchoolId,
    /// The class.
    pub class: String,
    /// The term.
    pub term: TermName,
    /// The programme's id.
    pub programme: String,
    /// How the session stands now.
    pub session: AtSession,
    /// It stood so before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
    /// No daemon runs: whether there is such a class was not looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub class_unseen: bool,
}

/// How all sessions stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Overview {
    /// [`FORMAT`].
    pub format: u32,
    /// Each school that runs a programme or is asked for.
    pub schools: Vec<AtSchool>,
}

/// How they stand at one school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtSchool {
    /// The school.
    pub school: SchoolId,
    /// The ids of the programmes that it runs, in whatever term.
    pub programmes: BTreeSet<String>,
    /// The term; none: its calendar says none that is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<TermName>,
    /// The classes, by name.
    pub classes: Vec<AtClass>,
}

/// How they stand in one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtClass {
    /// The class.
    pub class: String,
    /// How many mentors its pupils have.
    pub mentors: usize,
    /// The sessions, by programme and number.
    pub sessions: Vec<AtSession>,
}

/// Whether a session was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stand {
    /// It was.
    Held,
    /// It is to be held on another day than the plan's.
    Moved,
    /// It is to be held.
    Planned,
    /// Its day was a week ago or more, and nothing is recorded.
    Overdue,
}

/// One session in one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtSession {
    /// The programme's id.
    pub programme: String,
    /// Its number.
    pub number: u32,
    /// What it is about, in the school's language.
    pub title: String,
    /// The week of the year that the plan has it in (ISO 8601).
    pub week: i8,
    /// The last school day of that week.
    pub planned: Date,
    /// Whether it was held.
    pub stand: Stand,
    /// When it was held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Date>,
    /// Where it was moved to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<Date>,
    /// Who recorded that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

fn at_session(school: &School, term: &Term, one: &SessionPlan, today: Date) -> AtSession {
    let stand = match (one.held(), one.moved_to()) {
        (Some(_), _) => Stand::Held,
        _ if one.is_overdue(term, today) => Stand::Overdue,
        (None, Some(_)) => Stand::Moved,
        (None, None) => Stand::Planned,
    };
    let title = one.session().map(|session| session.title.in_language(&school.locale).to_owned());
    AtSession {
        programme: one.programme.id.clone(),
        number: one.number,
        title: title.unwrap_or_default(),
        week: one.week.of_year(),
        planned: one.week.last,
        stand,
        held: one.held(),
        moved_to: one.moved_to(),
        by: one.record.as_ref().map(|record| record.by.clone()),
        at: one.record.as_ref().map(|record| record.at),
    }
}

async fn records(
    kv: &dyn Kv,
    school: &SchoolId,
    term: TermName,
) -> Result<Vec<SessionRecord>, StoreError> {
    let mut all: Vec<SessionRecord> = Vec::new();
    ledger::each(kv, &tables::sessions(school, term), |_, value| {
        // One that cannot be read counts as not recorded; `store check` tells of it.
        all.extend(ledger::decode::<SessionRecord>(value).ok());
    })
    .await?;
    Ok(all)
}

/// The term of that name, or the present or the next one.
fn term(school: &School, name: Option<TermName>, today: Date) -> Option<Term> {
    let Some(name) = name else { return programme::term_from(school, today) };
    let terms = school.calendar.as_ref()?.named_terms();
    terms.into_iter().find(|term| term.name == name)
}

/// How the sessions stand: of one school or of all, in a term or in the present one.
///
/// # Errors
/// When the store fails.
pub async fn overview(
    kv: &dyn Kv,
    directory: &Directory,
    (only, name): (Option<&SchoolId>, Option<TermName>),
    now: Timestamp,
) -> Result<Overview, OperateError> {
    let mut schools = Vec::new();
    for school in directory.schools.values() {
        let is_asked = only.map_or(!school.programmes.runs.is_empty(), |id| *id == school.id);
        if !is_asked {
            continue;
        }
        let today = local_date(now, &school.zone);
        let term = term(school, name, today);
        let mut found = Vec::new();
        if let Some(term) = &term {
            let records = records(kv, &school.id, term.name).await?;
            let classes = classes::of_school(&directory.roster, &school.id);
            for of in programme::plans(school, &classes, &records, term) {
                let session = |one| at_session(school, term, one, today);
                found.push(AtClass {
                    mentors: of.class.mentors.len(),
                    sessions: of.sessions.iter().map(session).collect(),
                    class: of.class.name,
                });
            }
        }
        schools.push(AtSchool {
            school: school.id.clone(),
            programmes: school.programmes.runs.iter().map(|one| one.id.clone()).collect(),
            term: term.map(|term| term.name),
            classes: found,
        });
    }
    Ok(Overview { format: FORMAT, schools })
}

/// The classes of a school. Where nobody has loaded the directory nothing can be said of them: the one that is named is
/// taken, as one of every year.
fn classes(roster: &Roster, school: &School, named: &str) -> BTreeMap<String, Class> {
    let mut all = classes::of_school(roster, &school.id);
    if roster.loaded_at.is_none() {
        let name = named.to_owned();
        let class =
            Class { name: name.clone(), years: (0..=10).collect(), mentors: BTreeSet::new() };
        all.insert(name, class);
    }
    all
}

/// Records what is asked for.
///
/// # Errors
/// [`OperateError::NotNow`] in words where it cannot be meant so, or the store's.
pub async fn record(
    kv: &dyn Kv,
    (school, roster): (&School, &Roster),
    asked: &Asked,
    by: &str,
    now: Timestamp,
) -> Result<Recorded, OperateError> {
    let today = local_date(now, &school.zone);
    let (term, day) = meant(school, asked, today).map_err(OperateError::NotNow)?;
    let class = asked.class.trim().to_owned();
    for _ in 0..TRIES {
        let known = records(kv, &school.id, term.name).await?;
        let all = programme::plans(school, &classes(roster, school, &class), &known, &term);
        let one = session(school, asked, (&class, &all), &term);
        let mut one = one.map_err(OperateError::NotNow)?;
        let empty = SessionRecord {
            school: school.id.clone(),
            term: term.name,
            programme: one.programme.id.clone(),
            class: class.clone(),
            session: one.number,
            held: None,
            moved_to: None,
            at: now,
            by: by.to_owned(),
        };
        let mut unit = Unit::new(kv);
        let key = tables::session(&empty);
        let before: Option<SessionRecord> = unit.read(&key).await?;
        let was = before.clone().unwrap_or_else(|| empty.clone());
        let is = changed(&was, asked.act, day).map_err(OperateError::NotNow)?;
        let known = before.is_some() && (is.held, is.moved_to) == (was.held, was.moved_to);
        let is = SessionRecord { at: now, by: by.to_owned(), ..is };
        if is.held.is_none() && is.moved_to.is_none() {
            unit.delete(key);
            one.record = None;
        } else {
            unit.write(key, &is);
            one.record = Some(is.clone());
        }
        write_act(&mut unit, asked.act, &is, by, now);
        if unit.commit().await? == Commit::Done {
            tracing::info!(
                school = %school.id, programme = is.programme, session = is.session, by,
                "a session of a programme was recorded"
            );
            return Ok(Recorded {
                format: FORMAT,
                school: school.id.clone(),
                class: class.clone(),
                term: term.name,
                programme: one.programme.id.clone(),
                session: at_session(school, &term, &one, today),
                known,
                class_unseen: roster.loaded_at.is_none(),
            });
        }
    }
    Err(StoreError::Busy("somebody else records the same session; try again".into()).into())
}

/// In which term it is, and which day is meant.
fn meant(school: &School, asked: &Asked, today: Date) -> Result<(Term, Option<Date>), String> {
    let class = asked.class.trim();
    if class.is_empty() || class.len() > LONGEST_CLASS || class.contains('\0') {
        return Err(format!("the class is a name of 1 to {LONGEST_CLASS} bytes"));
    }
    if school.programmes.runs.is_empty() {
        return Err(format!(
            "school {} runs no programme; name one in `files` of [programmes]",
            school.id
        ));
    }
    let of_day = |day: Date| {
        programme::term_of(school, day).ok_or_else(|| {
            format!("{day} is in no term of the school's calendar; correct it, or its `terms`")
        })
    };
    match asked.act {
        Act::Held => {
            let day = asked.day.unwrap_or(today);
            if day > today {
                return Err(format!("{day} is to come; `move` is for what is to be held then"));
            }
            Ok((of_day(day)?, Some(day)))
        }
        Act::Move => {
            let day = asked.day.ok_or("say to which day: --to 2026-11-27")?;
            if day < today {
                return Err(format!("{day} is past; `held --on {day}` records that it was held"));
            }
            let term = of_day(day)?;
            if is_weekend(day) || !school.is_school_day(day) {
                return Err(format!("there is no school on {day}; give a school day"));
            }
            Ok((term, Some(day)))
        }
        Act::Undo => {
            let found = term(school, asked.term, today).ok_or_else(|| match asked.term {
                Some(name) => format!("the school's calendar has no term {name} in its `terms`"),
                None => {
                    "the school's calendar has no term that is not over; say which: --term".into()
                }
            })?;
            Ok((found, None))
        }
    }
}

/// The session that is meant, or in words why there is none.
fn session(
    school: &School,
    asked: &Asked,
    (class, all): (&str, &[ClassPlan]),
    term: &Term,
) -> Result<SessionPlan, String> {
    let of = all.iter().find(|of| of.class.name == class).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|of| of.class.name.as_str()).take(SOME).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        format!(
            "no programme is run in a class {class:?} of school {} in {}; it is run in: {names}",
            school.id, term.name
        )
    })?;
    let is_its = |one: &&SessionPlan| {
        one.number == asked.session
            && asked.programme.as_ref().is_none_or(|id| *id == one.programme.id)
    };
    let found: Vec<&SessionPlan> = of.sessions.iter().filter(is_its).collect();
    match &found[..] {
        [one] => Ok((*one).clone()),
        [] => {
            let all = of.sessions.iter().map(|one| format!("{} {}", one.programme.id, one.number));
            let all: Vec<String> = all.collect();
            Err(format!(
                "class {class} has no such session in {}; it has: {}",
                term.name,
                all.join(", ")
            ))
        }
        many => {
            let ids: Vec<&str> = many.iter().map(|one| one.programme.id.as_str()).collect();
            Err(format!("say of which programme: --programme {}", ids.join(" or --programme ")))
        }
    }
}

/// The record after an act, or in words why that cannot be.
fn changed(was: &SessionRecord, act: Act, day: Option<Date>) -> Result<SessionRecord, String> {
    let mut is = was.clone();
    match act {
        Act::Held => is.held = day,
        Act::Move => {
            if let Some(held) = was.held {
                return Err(format!("it was held on {held}; `undo` first if that is wrong"));
            }
            is.moved_to = day;
        }
        Act::Undo if was.held.is_some() => is.held = None,
        Act::Undo if was.moved_to.is_some() => is.moved_to = None,
        Act::Undo => return Err("nothing is recorded of it".into()),
    }
    Ok(is)
}

fn write_act(unit: &mut Unit<'_>, act: Act, row: &SessionRecord, by: &str, now: Timestamp) {
    let name = match act {
        Act::Held => "programme-held",
        Act::Move => "programme-moved",
        Act::Undo => "programme-undone",
    };
    let of = [row.school.as_str(), &row.term.to_string(), &row.programme, &row.class].join("/");
    let line = OperatorAct {
        at: now,
        by: by.to_owned(),
        act: name.into(),
        scope: format!("programme:{of}/{}", row.session),
        reason: String::new(),
        until: None,
    };
    let unique = NotificationId::of(&[name, &line.scope, by]);
    unit.write(tables::operator_act(now, unique.as_str()), &line);
}

#[cfg(test)]
#[path = "programmes_tests.rs"]
mod tests;
