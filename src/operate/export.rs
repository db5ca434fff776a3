//! Everything that is held about one pupil, to be handed out (GDPR article 15): what was heard, decided and
//! sent, with the rules in words, and what the directory says of the pupil.
//!
//! Unlike every other document of this room it holds personal data: addresses as they are stored, notes, the
//! pupil's name. Of guardians it holds that they are the pupil's and whether they may be told, and the
//! addresses messages about the pupil went to; their names and other contacts are their own and are left out.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::forget;
use super::message::Message;
use super::rejected::Rejected;
use super::{FORMAT, OperateError};
use crate::directory::{Pupil, snapshot};
use crate::model::{
    Accord, CaseWord, Duty, Firing, LessonState, Notification, PupilId, Reason, Register, SchoolId,
    SilencedTarget, Silencing, State,
};
use crate::store::rows::{Audit, Notice, Rejection};
use crate::store::{Kv, StoreError, after_prefix, ledger, tables};

/// Rows read at a time.
const PAGE: usize = 1_000;

/// Everything about one pupil. Times are UTC.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Export {
    /// [`FORMAT`].
    pub format: u32,
    /// What this is, for whoever reads it.
    pub about: Vec<String>,
    /// When it was made.
    pub made_at: Timestamp,
    /// The school.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// What the directory says of the pupil; none: the pupil is not in it.
    pub directory: Option<Pupil>,
    /// What was heard and decided, oldest first.
    pub trail: Vec<Line>,
    /// The lessons as they stand.
    pub lessons: Vec<Lesson>,
    /// Advance notices and leave.
    pub notices: Vec<Notice>,
    /// Messages, oldest first.
    pub messages: Vec<Sent>,
    /// Events about the pupil that were refused.
    pub refused: Vec<Rejected>,
    /// What sources that are asked, or that write files, last said of the pupil.
    pub said: Vec<AsSaid>,
    /// Lessons whose plan names the pupil alone, beside or without the group.
    pub plans: Vec<Planned>,
    /// Silences that the school has asked for about the pupil alone.
    #[serde(default)]
    pub silences: Vec<Silencing>,
    /// What was agreed about the pupil.
    #[serde(default)]
    pub accords: Vec<Accord>,
    /// Steps of the school's ladders that the pupil's absence has reached.
    #[serde(default)]
    pub steps: Vec<Firing>,
    /// What staff have had to do because of them.
    #[serde(default)]
    pub duties: Vec<Duty>,
    /// What was recorded of the pupil's cases, the first first.
    pub case_words: Vec<CaseWord>,
}

/// One row that is kept so that what a source says again is told from what is new.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AsSaid {
    /// `mark`, `missing`, `waits-for-directory`, `notice` or `counted-as-missing`.
    pub what: String,
    /// By which ids: lesson and source, or source and its row.
    pub of: Vec<String>,
    /// As it is kept.
    pub row: serde_json::Value,
}

/// One lesson whose plan names the pupil.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Planned {
    /// The lesson.
    pub lesson: crate::model::Lesson,
    /// The pupil comes though not of the group.
    pub also: bool,
    /// The pupil does not come though of the group.
    pub except: bool,
}

/// One thing heard, and what was decided.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// As it is kept.
    #[serde(flatten)]
    pub heard: Audit,
    /// Each decision's rule in words, in the same order.
    pub in_words: Vec<String>,
}

/// One lesson.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Lesson {
    /// The day, in the school's zone.
    pub date: String,
    /// As it is kept.
    #[serde(flatten)]
    pub state: LessonState,
}

/// One message. Its text is not kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sent {
    /// As operators see it.
    #[serde(flatten)]
    pub message: Message,
    /// Where it went; none: it never left, or the address is no longer kept.
    pub address: Option<String>,
    /// What became of it, in words.
    pub state_in_words: String,
    /// Why it was made, in words.
    pub reason_in_words: String,
    /// Why it is in that state, in words.
    pub state_reason_in_words: Option<String>,
}

/// Gathers it. Goes through all messages. A refused event that names no school is the pupil's only where this
/// is the `only_school` there is.
///
/// # Errors
/// When the store fails or a row cannot be read.
pub async fn export(
    kv: &dyn Kv,
    (school, pupil): (&SchoolId, &PupilId),
    only_school: bool,
    now: Timestamp,
) -> Result<Export, OperateError> {
    let of_pupil = |table| tables::of_pupil(table, school, pupil);
    let mut lessons = Vec::new();
    for (key, value) in all(kv, &of_pupil(tables::LESSONS)).await? {
        let date = tables::parts::<3>(&key).map(|([_, _, date], _)| date.to_owned());
        lessons.push(Lesson { date: date.unwrap_or_default(), state: ledger::decode(&value)? });
    }
    let mut trail = Vec::new();
    for (_, value) in all(kv, &of_pupil(tables::AUDIT)).await? {
        let heard: Audit = ledger::decode(&value)?;
        let in_words = heard.decisions.iter().map(|d| d.reason.in_words().to_owned()).collect();
        trail.push(Line { heard, in_words });
    }
    let mut notices = Vec::new();
    for (_, value) in all(kv, &of_pupil(tables::NOTICES)).await? {
        notices.push(ledger::decode(&value)?);
    }
    let mut refused = Vec::new();
    for (_, value) in all(kv, tables::REJECTED).await? {
        let row: Rejection = ledger::decode(&value)?;
        // The same id may be another pupil's at another school.
        let is_here = row.school.as_ref().map_or(only_school, |at| at == school);
        if is_here && row.pupil.as_ref() == Some(pupil) {
            refused.push(row.into());
        }
    }
    let mut messages: Vec<Sent> =
        forget::messages(kv, school, pupil).await?.iter().map(Sent::from).collect();
    messages.sort_by_key(|sent| sent.message.created_at);
    Ok(Export {
        format: FORMAT,
        about: about(),
        made_at: now,
        school: school.clone(),
        pupil: pupil.clone(),
        directory: in_directory(kv, school, pupil).await?,
        trail,
        lessons,
        notices,
        messages,
        refused,
        said: said(kv, school, pupil).await?,
        plans: plans(kv, school, pupil).await?,
        silences: silences(kv, school, pupil).await?,
        accords: accords(kv, school, pupil).await?,
        steps: decoded(kv, &of_pupil(tables::FIRINGS)).await?,
        duties: decoded(kv, &of_pupil(tables::DUTIES)).await?,
        case_words: case_words(kv, &of_pupil(tables::CASE_WORDS)).await?,
    })
}

async fn decoded<T: DeserializeOwned>(kv: &dyn Kv, prefix: &[u8]) -> Result<Vec<T>, StoreError> {
    all(kv, prefix).await?.iter().map(|(_, value)| ledger::decode(value)).collect()
}

async fn said(kv: &dyn Kv, school: &SchoolId, pupil: &PupilId) -> Result<Vec<AsSaid>, StoreError> {
    let mut said = Vec::new();
    for (what, table) in [
        ("mark", tables::LAST_SAID),
        ("missing", tables::MISSED),
        ("waits-for-directory", tables::KEPT_MARKS),
        ("notice", tables::NOTICES_SAID),
    ] {
        let prefix = tables::of_pupil(table, school, pupil);
        for (key, value) in all(kv, &prefix).await? {
            let ids = key[prefix.len()..].split(|byte| *byte == 0).filter(|id| !id.is_empty());
            let of = ids.map(|id| String::from_utf8_lossy(id).into_owned()).collect();
            said.push(AsSaid { what: what.into(), of, row: ledger::decode(&value)? });
        }
    }
    // Of all pupils of the school, by the lesson's start.
    let missing = [tables::MISSING, school.as_str().as_bytes(), &[0]].concat();
    for (key, value) in all(kv, &missing).await? {
        let Some((start, of, lesson)) = tables::missing_parts(&key) else { continue };
        if of == *pupil {
            let (what, of) =
                ("counted-as-missing".into(), vec![lesson.to_string(), start.to_string()]);
            said.push(AsSaid { what, of, row: ledger::decode(&value)? });
        }
    }
    Ok(said)
}

async fn silences(
    kv: &dyn Kv,
    school: &SchoolId,
    pupil: &PupilId,
) -> Result<Vec<Silencing>, StoreError> {
    let prefix = tables::silencings(school, &SilencedTarget::Pupil(pupil.clone()));
    all(kv, &prefix).await?.iter().map(|(_, value)| ledger::decode(value)).collect()
}

async fn accords(
    kv: &dyn Kv,
    school: &SchoolId,
    pupil: &PupilId,
) -> Result<Vec<Accord>, StoreError> {
    let rows = all(kv, &tables::accords(school, pupil)).await?;
    rows.iter().map(|(_, value)| ledger::decode(value)).collect()
}

async fn case_words(kv: &dyn Kv, prefix: &[u8]) -> Result<Vec<CaseWord>, StoreError> {
    let rows = all(kv, prefix).await?;
    let mut words: Vec<CaseWord> =
        rows.iter().map(|(_, value)| ledger::decode(value)).collect::<Result<_, _>>()?;
    words.sort_by_key(|word| word.at);
    Ok(words)
}

/// Goes through all lessons of the school.
async fn plans(
    kv: &dyn Kv,
    school: &SchoolId,
    pupil: &PupilId,
) -> Result<Vec<Planned>, StoreError> {
    let of_school = [tables::REGISTERS, school.as_str().as_bytes(), &[0]].concat();
    let mut plans = Vec::new();
    ledger::each(kv, &of_school, |_, value| {
        // One that cannot be read is shown by `upprop store check`.
        let Ok(row) = ledger::decode::<Register>(value) else { return };
        let Some(planned) = row.planned else { return };
        let (also, except) = (planned.also.contains(pupil), planned.except.contains(pupil));
        if also || except {
            plans.push(Planned { lesson: row.lesson, also, except });
        }
    })
    .await?;
    plans.sort_by_key(|plan| plan.lesson.start);
    Ok(plans)
}

fn about() -> Vec<String> {
    [
        "Everything that upprop keeps about this pupil. Times are UTC. Texts of messages are not kept; addresses, \
         notes and teachers' ids are removed when their time is out.",
        "Guardians' names and contacts are their own data and are not here, but for the addresses that messages \
         about the pupil went to. Look through it before it is handed out: an address or a note may be about \
         somebody whose protection outweighs this.",
        "`said` is what sources last said of the pupil, kept so that what they repeat is told from what is new; `plans` \
         are lessons whose plan names the pupil beside or without a group; `silences` are times at which the school \
         wanted nobody told of the pupil; `accords` are consents and agreements about who is told, and how; `case_words` is \
         what the attendance team has recorded of what came of an absence.",
        "Ids of events (`event`) are the school system's. Refused events that named no school are here only where \
         there is one school. Backups and the journal hold older versions of the same \
         until they are removed.",
    ]
    .map(str::to_owned)
    .into()
}

async fn all(kv: &dyn Kv, prefix: &[u8]) -> Result<Vec<(Vec<u8>, bytes::Bytes)>, StoreError> {
    let (end, mut from) = (after_prefix(prefix), prefix.to_vec());
    let mut rows = Vec::new();
    loop {
        let page = kv.scan(&from, &end, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(rows) };
        from = [last.as_slice(), &[0]].concat();
        rows.extend(page);
    }
}

#[derive(Deserialize)]
struct InForce {
    generation: u64,
}

/// The pupil's own row of the directory in force.
async fn in_directory(
    kv: &dyn Kv,
    school: &SchoolId,
    pupil: &PupilId,
) -> Result<Option<Pupil>, StoreError> {
    let current = kv.get(&[tables::DIRECTORY, b"current"].concat()).await?;
    let Some(current) = current.and_then(|value| ledger::decode::<InForce>(&value).ok()) else {
        return Ok(None);
    };
    let key = snapshot::key_of_pupil(school, pupil);
    let generation = current.generation.to_be_bytes();
    let row = [tables::DIRECTORY, b"g", &generation, key.as_bytes()].concat();
    Ok(kv.get(&row).await?.and_then(|value| serde_json::from_slice(&value).ok()))
}

impl From<&Notification> for Sent {
    fn from(n: &Notification) -> Self {
        Self {
            message: Message::from(n),
            address: n.address.as_ref().map(|address| address.expose().to_owned()),
            state_in_words: in_words(n.state).into(),
            reason_in_words: n.reason.in_words().into(),
            state_reason_in_words: n.state_reason.map(Reason::in_words).map(str::to_owned),
        }
    }
}

fn in_words(state: State) -> &'static str {
    match state {
        State::Waiting => "waits to be sent",
        State::Sending => "is being sent this moment",
        State::Accepted => "was sent; whether it arrived was not reported",
        State::Delivered => "was sent and arrived",
        State::Undelivered => "was sent and did not arrive",
        State::Rejected => "was refused and never left",
        State::Expired => "was not sent in time",
        State::Cancelled => "was called back before it left, or was never to be sent",
        State::InDoubt => "may or may not have been sent; it is being looked into",
        State::Held => "may or may not have been sent; nobody could find out",
    }
}
