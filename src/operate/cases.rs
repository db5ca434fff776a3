//! Cases for those who have no mail: one shown, and what came of it recorded, by the same function as a page does. Documents
//! hold ids; of a note that there is one.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::directory::{Directory, School};
use crate::intake::case::CaseKey;
use crate::intake::case_words::{self, LONGEST_NOTE, NewWord, Written};
use crate::model::unseen::is_one_line;
use crate::model::{
    CaseWhat, CaseWord, LessonId, LessonState, Mark, MentorTold, NotificationId, PupilId, SchoolId,
    case_number, read_case_number,
};
use crate::store::ledger::{self, Unit};
use crate::store::{Kv, StoreError, after_prefix, tables};

/// Lessons of a day that are looked at.
const LESSONS_A_DAY: usize = 60;

/// Which case is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Which {
    /// Its number, as mails have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Or its pupil,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pupil: Option<PupilId>,
    /// and its day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// Of which school; none: of any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school: Option<SchoolId>,
}

/// What is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Record {
    /// Of which case.
    #[serde(flatten)]
    pub which: Which,
    /// `reached`, `no-answer`, `explained`, `wrong-mark` or `note`.
    pub what: String,
    /// A note, for staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One case. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CaseDocument {
    /// [`FORMAT`].
    pub format: u32,
    /// Its number.
    pub number: String,
    /// The school.
    pub school: SchoolId,
    /// The zone of the school.
    pub zone: String,
    /// The pupil.
    pub pupil: PupilId,
    /// The day, in the school's zone.
    pub date: Date,
    /// The lessons of the day, in order.
    pub lessons: Vec<CaseLesson>,
    /// What was recorded, the first first; the last that is no note counts.
    pub words: Vec<Word>,
}

/// One lesson of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CaseLesson {
    /// Which.
    pub id: LessonId,
    /// Planned start.
    pub start: Timestamp,
    /// Planned end.
    pub end: Timestamp,
    /// The mark in force.
    pub mark: Option<Mark>,
    /// Whether the pupil counts as missing.
    pub missing: bool,
}

/// One word on a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Word {
    /// When.
    pub at: Timestamp,
    /// By whose link, or who typed it.
    pub by: String,
    /// What.
    pub what: CaseWhat,
    /// Whether something was written beside it; the case's page shows it.
    pub note: bool,
    /// What the mentor hears of it.
    pub mentor: MentorTold,
}

impl From<&CaseWord> for Word {
    fn from(word: &CaseWord) -> Self {
        Self {
            at: word.at,
            by: word.by.clone(),
            what: word.what,
            note: word.note.is_some(),
            mentor: word.mentor.clone(),
        }
    }
}

/// Shows one.
///
/// # Errors
/// [`OperateError::NotNow`] when there is none, or more than one is meant; or the store's.
pub async fn show(
    kv: &dyn Kv,
    directory: &Directory,
    which: &Which,
) -> Result<CaseDocument, OperateError> {
    let (school, pupil, date) = find(kv, directory, which).await?;
    document(kv, school, &pupil, date).await
}

/// Records what came of one, and shows it.
///
/// # Errors
/// As [`show`], and [`OperateError::NotNow`] where nothing is recorded of the pupil.
pub async fn record(
    kv: &dyn Kv,
    directory: &Directory,
    asked: &Record,
    by: &str,
    now: Timestamp,
) -> Result<CaseDocument, OperateError> {
    let refused = |words: &str| Err(OperateError::NotNow(words.into()));
    let Some(what) = CaseWhat::parse(&asked.what) else {
        let all: Vec<&str> = CaseWhat::ALL.iter().map(|what| what.as_str()).collect();
        return refused(&format!("what came of it is one of {}", all.join(", ")));
    };
    let note = asked.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    if note.is_some_and(|note| note.chars().count() > LONGEST_NOTE || !is_one_line(note)) {
        return refused(&format!("a note is one line of at most {LONGEST_NOTE} characters"));
    }
    if what == CaseWhat::Note && note.is_none() {
        return refused("write the note, as --note TEXT");
    }
    let (school, pupil, date) = find(kv, directory, &asked.which).await?;
    let lessons = lessons(kv, &school.id, &pupil, date).await?;
    let about = lessons.iter().find(|lesson| lesson.missing).or(lessons.first());
    let Some(lesson) = about.map(|lesson| lesson.lesson.id.clone()) else {
        return refused("no lesson of that day is known any more");
    };
    let key = CaseKey { school: school.id.clone(), pupil: pupil.clone(), date, lesson };
    let at = now.to_string();
    let parts = ["case-word", "operator", by, what.as_str(), note.unwrap_or_default(), &at];
    let new = NewWord {
        id: NotificationId::of(&parts),
        by: by.to_owned(),
        link: None,
        what,
        note: note.map(str::to_owned),
    };
    match case_words::record(kv, (directory, school), &key, &new, now).await? {
        Written::Done(_) | Written::Known(_) => document(kv, school, &pupil, date).await,
        Written::Hidden(reason) => refused(&format!(
            "nothing is recorded of this pupil here ({reason}): look the case up in the school's own system"
        )),
        Written::NoCase => refused("no lesson of that day is known any more"),
        Written::Full => refused("as much is recorded of the case as is kept"),
    }
}

/// Finds the one that is meant.
async fn find<'a>(
    kv: &dyn Kv,
    directory: &'a Directory,
    which: &Which,
) -> Result<(&'a School, PupilId, Date), OperateError> {
    let is_meant = |school: &SchoolId| which.school.as_ref().is_none_or(|of| of == school);
    let mut found: BTreeMap<(SchoolId, PupilId), Date> = BTreeMap::new();
    if let Some(number) = &which.number {
        let number = read_case_number(number).ok_or_else(|| {
            OperateError::NotNow("a case's number has seven digits and letters, as K7QM2XP".into())
        })?;
        ledger::each(kv, tables::DAYS, |key, _| {
            let Some((school, pupil, date)) = of_day(key) else { return };
            if is_meant(&school) && number == case_number(&school, &pupil, date) {
                found.insert((school, pupil), date);
            }
        })
        .await?;
    } else if let (Some(pupil), Some(date)) = (&which.pupil, which.date) {
        for school in directory.schools.keys().filter(|school| is_meant(school)) {
            if kv.get(&tables::occasion(school, pupil, date)).await?.is_some() {
                found.insert((school.clone(), pupil.clone()), date);
            }
        }
    }
    let known = found
        .into_iter()
        .filter_map(|((school, pupil), date)| Some((directory.schools.get(&school)?, pupil, date)));
    let known: Vec<_> = known.collect();
    match <[_; 1]>::try_from(known) {
        Ok([one]) => Ok(one),
        Err(none) if none.is_empty() => Err(OperateError::NotNow(
            "no such case; `upprop why PUPIL` shows the days of which anything is known".into(),
        )),
        Err(_) => Err(OperateError::NotNow("several schools have one; add --school ID".into())),
    }
}

/// School, pupil and day of a day's key.
fn of_day(key: &[u8]) -> Option<(SchoolId, PupilId, Date)> {
    let ([school, pupil, date], _) = tables::parts::<3>(key)?;
    Some((SchoolId::new(school).ok()?, PupilId::new(pupil).ok()?, date.parse().ok()?))
}

async fn lessons(
    kv: &dyn Kv,
    school: &SchoolId,
    pupil: &PupilId,
    date: Date,
) -> Result<Vec<LessonState>, StoreError> {
    let from = tables::day(school, pupil, date);
    let rows = kv.scan(&from, &after_prefix(&from), LESSONS_A_DAY).await?;
    let mut lessons: Vec<LessonState> =
        rows.iter().map(|(_, row)| ledger::decode(row)).collect::<Result<_, _>>()?;
    lessons.sort_by(|a, b| (a.lesson.start, &a.lesson.id).cmp(&(b.lesson.start, &b.lesson.id)));
    Ok(lessons)
}

async fn document(
    kv: &dyn Kv,
    school: &School,
    pupil: &PupilId,
    date: Date,
) -> Result<CaseDocument, OperateError> {
    let words = case_words::words_of(&Unit::new(kv), &school.id, pupil, date).await?;
    let lesson = |state: LessonState| CaseLesson {
        id: state.lesson.id,
        start: state.lesson.start,
        end: state.lesson.end,
        mark: state.mark,
        missing: state.missing,
    };
    Ok(CaseDocument {
        format: FORMAT,
        number: case_number(&school.id, pupil, date),
        school: school.id.clone(),
        zone: super::why::zone_name(school),
        pupil: pupil.clone(),
        date,
        lessons: lessons(kv, &school.id, pupil, date).await?.into_iter().map(lesson).collect(),
        words: words.iter().map(Word::from).collect(),
    })
}
