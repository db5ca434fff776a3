//! The dispatcher's part that reminds staff of sessions of preventive programmes, once a week: the team and the mentors of
//! each class. Of what, policy says; here rows are read, and what is due is looked up again when the mail leaves.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};

use super::reports::{self, Report};
use crate::calendar::Term;
use crate::directory::classes::{self, Class};
use crate::directory::{Directory, Nudge, School, entitled};
use crate::message::programme::{ProgrammeFacts, SessionFacts};
use crate::model::{
    Channel, LessonId, Notification, Purpose, Reason, Recipient, SessionRecord, StaffId, StaffRole,
};
use crate::policy::programme::{self, ClassPlan, SessionPlan};
use crate::store::ledger::Unit;
use crate::store::{StoreError, tables};

/// Most records of a school and term that are read.
const RECORDS: usize = 5_000;

/// How the sessions of a term stand at a school.
async fn plans(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    term: &Term,
) -> Result<Vec<ClassPlan>, StoreError> {
    let records = unit.read_all(&tables::sessions(&school.id, term.name), RECORDS).await?;
    let records: Vec<SessionRecord> = records.into_iter().map(|(_, record)| record).collect();
    let classes: BTreeMap<String, Class> = classes::of_school(&directory.roster, &school.id);
    Ok(programme::plans(school, &classes, &records, term))
}

/// Makes the reminders of the week that a day begins.
///
/// # Errors
/// When the store fails.
pub(super) async fn remind(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    date: Date,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(term) = programme::term_of(school, date) else { return Ok(()) };
    let all = plans(unit, directory, school, &term).await?;
    let mut any = false;
    for of in all.iter().filter(|of| programme::reminder(of, &term, date).is_some()) {
        // A name that is no id is longer than any class is called.
        let Ok(about) = LessonId::new(of.class.name.as_str()) else { continue };
        let mentors = reached(directory, &of.class).cloned().map(Recipient::Member);
        let all = std::iter::once(Recipient::Staff(StaffRole::AttendanceTeam)).chain(mentors);
        let report = Report {
            purpose: Purpose::ProgrammeReminder,
            reason: Reason::SessionDue,
            about: &about,
            date,
        };
        for recipient in all {
            reports::mail(unit, school, report, recipient, now).await?;
            any = true;
        }
    }
    if !any {
        unit.decided("suppress", Reason::NothingToList);
    }
    Ok(())
}

/// The mentors of a class who can be mailed.
fn reached<'a>(directory: &'a Directory, class: &'a Class) -> impl Iterator<Item = &'a StaffId> {
    let has_mail = |id: &&StaffId| {
        let all = entitled::member(&directory.roster, id, Nudge::Email);
        all.iter().any(|address| address.channel() == Channel::Email)
    };
    class.mentors.iter().filter(has_mail)
}

/// What a reminder may say now; none: there is nothing left of it, or it is not its reader's any more.
///
/// # Errors
/// When the store fails.
pub(super) async fn facts(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    n: &Notification,
) -> Result<Option<ProgrammeFacts>, StoreError> {
    let Some(term) = programme::term_of(school, n.date) else { return Ok(None) };
    let all = plans(unit, directory, school, &term).await?;
    let Some(of) = all.iter().find(|of| of.class.name == n.lesson.as_str()) else {
        return Ok(None);
    };
    let Some(found) = programme::reminder(of, &term, n.date) else { return Ok(None) };
    let for_team = match &n.recipient {
        Recipient::Member(id) if of.class.mentors.contains(id) => false,
        Recipient::Member(_) => return Ok(None),
        _ => true,
    };
    let name = |id: &StaffId| {
        let known = directory.roster.staff.get(id).and_then(|staff| staff.name.clone());
        known.unwrap_or_else(|| id.to_string())
    };
    let mentors: Vec<String> = reached(directory, &of.class).map(name).collect();
    let told = |all: Vec<&SessionPlan>| {
        all.into_iter().filter_map(|one| session(school, one)).collect::<Vec<_>>()
    };
    Ok(Some(ProgrammeFacts {
        school: school.name.clone(),
        class: of.class.name.clone(),
        coming: told(found.coming),
        overdue: told(found.overdue),
        for_team,
        mentors: mentors.join(", "),
        command: format!("upprop programme held {} {}", school.id, typed(&of.class.name)),
    }))
}

fn session(school: &School, one: &SessionPlan) -> Option<SessionFacts> {
    let session = one.session()?;
    let words = |words: &crate::programme::Words| words.in_language(&school.locale).to_owned();
    Some(SessionFacts {
        programme: one.programme.name.clone(),
        number: one.number,
        of: one.programme.sessions.len(),
        title: words(&session.title),
        text: words(&session.text),
        due: one.due().to_string(),
        week: one.due().iso_week_date().week(),
        moved: one.moved_to().is_some(),
    })
}

/// As a shell takes it for one word.
fn typed(class: &str) -> String {
    if class.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c)) {
        class.to_owned()
    } else {
        format!("'{}'", class.replace('\'', "'\\''"))
    }
}
