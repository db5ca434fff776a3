//! What the page of a case shows, from the rows as they are now: the same as the mail that its link came with, under the same
//! rules, with what was recorded and agreed since. Reads only.

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::facts;
use super::shared::Shared;
use crate::directory::entitled::{self, Entitled, Known};
use crate::directory::{Directory, Pupil, School};
use crate::intake::case::{Case, CaseKey};
use crate::intake::case_words::words_of;
use crate::message::facts::TeamCase;
use crate::message::page::{PageAgreement, PageChoice, PageWord};
use crate::message::page_link::{Page, PageLinks};
use crate::message::thread::case_number;
use crate::model::{
    Accord, AccordAbout, CaseWord, GuardianId, LessonState, Locale, MentorTold, Notification,
    NotificationId, Purpose, Recipient, StaffRole, State, TaskKind, local_date, same_day,
};
use crate::policy::case_word::hidden;
use crate::store::ledger::Unit;
use crate::store::{StoreError, after_prefix, tables};

/// Lessons of a day that are shown.
const LESSONS_A_DAY: usize = 60;

/// Pages for staff.
#[derive(Debug, Clone)]
pub struct Pages {
    /// Their links.
    pub links: PageLinks,
    /// How long after its day a case is closed, whatever its links say: then what it could show is no longer kept.
    pub closes_after: SignedDuration,
}

/// What there is to be shown on a page.
#[derive(Debug)]
pub enum Look<T = Open> {
    /// The rows are gone.
    Gone,
    /// What is of the case of this number takes and shows nothing any more.
    Closed(String),
    /// Of the case of this number nothing may be shown.
    Hidden(String),
    /// This.
    Open(Box<T>),
}

/// A case that may be shown.
#[derive(Debug)]
pub struct Open {
    /// Which lesson it is about.
    pub key: CaseKey,
    /// To whom its link was mailed: [`CaseWord::by`].
    pub by: String,
    /// As in the mail.
    pub facts: TeamCase,
    /// The school's language.
    pub locale: Locale,
    /// Today at the school.
    pub today: Date,
    /// What was recorded, the first first.
    pub words: Vec<CaseWord>,
    /// The same as the page shows it, the last first.
    pub shown: Vec<PageWord>,
    /// What was agreed on how the home is told, and is not over.
    pub agreements: Vec<PageAgreement>,
    /// The same, as rows.
    pub accords: Vec<Accord>,
    /// Guardians with whom something can be agreed.
    pub choices: Vec<PageChoice>,
    /// Changes with all that was recorded or agreed.
    pub state: String,
}

/// The link that a message carries; none: it carries none.
pub(super) fn link(shared: &Shared, n: &Notification) -> Option<String> {
    let pages = shared.settings.pages.as_ref()?;
    has_page(n).then(|| pages.links.link(Page::Case, &n.id, n.created_at))
}

/// Whether a message shows a case that can be worked on.
fn has_page(n: &Notification) -> bool {
    let content_free = n.task.is_some_and(TaskKind::is_content_free);
    matches!(n.purpose, Purpose::TeamAlert | Purpose::TeamUpdate | Purpose::StaffTask)
        && !content_free
}

/// Looks at the case of a message.
///
/// # Errors
/// When the store fails.
pub async fn look(
    shared: &Shared,
    pages: &Pages,
    id: &NotificationId,
    now: Timestamp,
) -> Result<Look, StoreError> {
    let mut unit = Unit::new(shared.kv.as_ref());
    let found: Option<Notification> = unit.peek(&tables::notification(id)).await?;
    let Some(n) = found.filter(has_page) else { return Ok(Look::Gone) };
    let directory = shared.directory.load_full();
    let Some(school) = directory.schools.get(&n.school) else { return Ok(Look::Gone) };
    let number = case_number(&n.school, &n.pupil, n.date);
    let closes = same_day::end_of(n.date, &school.zone).saturating_add(pages.closes_after);
    if closes.is_ok_and(|closes| now >= closes) {
        return Ok(Look::Closed(number));
    }
    let key = CaseKey::of(&n);
    let Some(case) = Case::load(&mut unit, &directory.roster, &key).await? else {
        return Ok(Look::Gone);
    };
    let pupil = directory.roster.pupil(&n.school, &n.pupil);
    let (None, Some(pupil)) = (hidden(pupil, case.is_protected(now)), pupil) else {
        return Ok(Look::Hidden(number));
    };
    let from = tables::day(&key.school, &key.pupil, key.date);
    let mut day: Vec<LessonState> =
        unit.peek_range(&from, &after_prefix(&from), LESSONS_A_DAY).await?;
    day.sort_by(|a, b| (a.lesson.start, &a.lesson.id).cmp(&(b.lesson.start, &b.lesson.id)));
    let words = words_of(&unit, &key.school, &key.pupil, key.date).await?;
    let mut shown = Vec::new();
    for word in words.iter().rev() {
        shown.push(as_shown(&unit, school, word).await?);
    }
    let today = local_date(now, &school.zone);
    let is_over =
        |accord: &Accord| accord.ended.is_some() || accord.days.to.is_some_and(|last| last < today);
    let is_reports = |accord: &&Accord| matches!(accord.about, AccordAbout::Reports { .. });
    let accords: Vec<Accord> =
        case.accords.iter().filter(is_reports).filter(|a| !is_over(a)).cloned().collect();
    Ok(Look::Open(Box::new(Open {
        by: n.recipient.key(),
        facts: facts::team(&directory, school, Some(pupil), &case, &day, &n, now),
        locale: school.locale.clone(),
        today,
        shown,
        agreements: accords.iter().map(|accord| agreement(&directory, accord)).collect(),
        choices: choices(&directory, school, pupil, &case, today),
        state: state(&words, &accords),
        words,
        accords,
        key,
    })))
}

/// A hash of what was recorded and agreed.
fn state(words: &[CaseWord], accords: &[Accord]) -> String {
    let ids = words.iter().map(|word| word.id.as_str());
    let since: Vec<String> = accords.iter().map(|a| format!("{} {}", a.id, a.since)).collect();
    let parts: Vec<&str> = ids.chain(since.iter().map(String::as_str)).collect();
    NotificationId::of(&parts).as_str()[..16].to_owned()
}

async fn as_shown(
    unit: &Unit<'_>,
    school: &School,
    word: &CaseWord,
) -> Result<PageWord, StoreError> {
    let team = Recipient::Staff(StaffRole::AttendanceTeam).key();
    let mentor = match &word.mentor {
        MentorTold::NoMentor => "no-mentor",
        MentorTold::NoNews => "no-news",
        MentorTold::By(id) => match unit.peek::<Notification>(&tables::notification(id)).await? {
            Some(n) if n.may_have_arrived() => "told",
            Some(n) if n.state == State::Waiting => "waits",
            _ => "not-told",
        },
    };
    let at = word.at.to_zoned_datetime(school.zone.clone());
    Ok(PageWord {
        at: at.strftime("%Y-%m-%d %H.%M").to_string(),
        by: match &word.by {
            by if *by == team => "team".into(),
            by if by.starts_with("staff:") => by.clone(),
            _ => "operator".into(),
        },
        what: word.what.as_str().into(),
        note: word.note.clone().unwrap_or_default(),
        mentor: mentor.into(),
    })
}

fn agreement(directory: &Directory, accord: &Accord) -> PageAgreement {
    let (how, to) = match &accord.about {
        AccordAbout::Reports { how, to } => (how.as_str(), to.as_ref()),
        AccordAbout::Guardian(_) | AccordAbout::Number(_) => ("", None),
    };
    PageAgreement {
        how: how.into(),
        name: to.map(|id| name(directory, id)).unwrap_or_default(),
        until: accord.days.to.map(|day| day.to_string()).unwrap_or_default(),
    }
}

/// A guardian's name; the id where there is none.
fn name(directory: &Directory, id: &GuardianId) -> String {
    let named = directory.roster.guardians.get(id).and_then(|guardian| guardian.name.clone());
    named.unwrap_or_else(|| id.to_string())
}

/// The guardians who are told of the pupil today.
fn choices(
    directory: &Directory,
    school: &School,
    pupil: &Pupil,
    case: &Case,
    today: Date,
) -> Vec<PageChoice> {
    let known = Known { whole_homes: true, ..Known::of(&case.accords) };
    let all = match entitled::recipients(school, pupil, &directory.roster, today, &known) {
        Entitled::Guardians { candidates, .. } | Entitled::Adult(candidates) => candidates,
        Entitled::Nobody(_) => Vec::new(),
    };
    let choice = |recipient: &Recipient| match recipient {
        Recipient::Guardian(id) => {
            Some(PageChoice { value: id.to_string(), name: name(directory, id) })
        }
        _ => None,
    };
    all.iter().filter_map(|candidate| choice(&candidate.recipient)).collect()
}
