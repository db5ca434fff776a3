//! upprop's own journal to what was heard. The journal holds rows and not words: what was heard follows from how rows
//! of lessons, notices and registers changed, at the time that each says itself. Reads; changes nothing.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::given::Heard;
use super::term::Term;
use crate::model::{
    EventId, Fact, LessonState, Mark, Observation, PupilId, Register, SchoolId, SourceId,
    local_date,
};
use crate::store::journal::{JournalError, replay};
use crate::store::rows::Notice;
use crate::store::{ledger, tables};

/// What a journal says.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// What was heard, by school, in the order of time.
    pub heard: BTreeMap<SchoolId, Vec<Heard>>,
    /// Rows that could not be read.
    pub damaged: u64,
}

/// A mark with when it was made, and when a report came.
type Said = (Option<Mark>, Option<Timestamp>, Option<Timestamp>);

struct Reading<'a> {
    term: Option<&'a Term>,
    out: Past,
    events: u64,
    /// What each row said last.
    marks: BTreeMap<Vec<u8>, Said>,
    registers: BTreeMap<Vec<u8>, Register>,
}

/// Reads the journal in a folder; none: there is none.
///
/// # Errors
/// When it cannot be read or is damaged.
pub fn past(dir: &Path, term: Option<&Term>) -> Result<Option<Past>, JournalError> {
    let mut reading = Reading {
        term,
        out: Past::default(),
        events: 0,
        marks: BTreeMap::new(),
        registers: BTreeMap::new(),
    };
    let found = replay(dir, |frame| {
        for (key, value) in frame.writes {
            if let Some(value) = value {
                reading.row(&key, &value);
            }
        }
        Ok::<(), JournalError>(())
    })?;
    if found.is_none() {
        return Ok(None);
    }
    for heard in reading.out.heard.values_mut() {
        heard.sort_by_key(|one| one.at);
    }
    Ok(Some(reading.out))
}

impl Reading<'_> {
    fn row(&mut self, key: &[u8], value: &[u8]) {
        let taken = match key.get(..3) {
            Some(b"le/") => ledger::decode::<LessonState>(value).map(|row| self.lesson(key, &row)),
            Some(b"an/") => ledger::decode::<Notice>(value).map(|row| self.notice(key, &row)),
            Some(b"rg/") => ledger::decode::<Register>(value).map(|row| self.register(key, row)),
            _ => return,
        };
        self.out.damaged += u64::from(taken.is_err());
    }

    fn is_asked(&self, at: Timestamp) -> bool {
        // The day of the term, by the clock of the zone that its schools are in or nearly so: a lesson is not at night.
        let day = local_date(at, &jiff::tz::TimeZone::UTC);
        self.term.is_none_or(|term| term.days.contains(day))
    }

    fn hear(&mut self, school: SchoolId, at: Timestamp, fact: Fact) {
        self.events += 1;
        let event = EventId::new(format!("j{}", self.events)).expect("a good id");
        let source = SourceId::new("journal").expect("a good id");
        let observation = Observation { source, event, school: school.clone(), fact };
        self.out.heard.entry(school).or_default().push(Heard { at, observation });
    }

    fn lesson(&mut self, key: &[u8], row: &LessonState) {
        let Some((school, pupil)) = of_pupil(key) else { return };
        if !self.is_asked(row.lesson.start) {
            return;
        }
        let said = (row.mark, row.recorded_at, row.reported_at);
        let before = self.marks.insert(key.to_vec(), said);
        let (was_marked, was_reported) =
            before.map_or((None, None), |(mark, at, reported)| (mark.zip(at), reported));
        if let Some((mark, recorded_at)) = row.mark.zip(row.recorded_at)
            && was_marked != Some((mark, recorded_at))
        {
            let fact = Fact::Marked {
                pupil: pupil.clone(),
                lesson: row.lesson.clone(),
                mark,
                minutes: row.minutes,
                register_closed: Some(row.register_closed),
                recorded_at,
                recorded_by: row.recorded_by.clone(),
            };
            self.hear(school.clone(), row.received_at.max(recorded_at), fact);
        }
        if let Some((report, at)) = row.report.clone().zip(row.reported_at)
            && was_reported != Some(at)
        {
            let fact = Fact::LessonReported { pupil, lesson: row.lesson.clone(), report };
            self.hear(school, at, fact);
        }
    }

    fn notice(&mut self, key: &[u8], row: &Notice) {
        let Some((school, pupil)) = of_pupil(key) else { return };
        if !self.is_asked(row.notice.from) {
            return;
        }
        let fact = Fact::Notified {
            pupil,
            notice: row.notice,
            withdrawn: row.withdrawn,
            recorded_at: row.recorded_at,
        };
        self.hear(school, row.recorded_at.unwrap_or(row.notice.from), fact);
    }

    fn register(&mut self, key: &[u8], row: Register) {
        let Some(([school], _)) = tables::parts::<1>(key) else { return };
        let Ok(school) = SchoolId::new(school) else { return };
        if !self.is_asked(row.lesson.start) {
            return;
        }
        let before = self.registers.get(key);
        let lesson = row.lesson.clone();
        let day_before = lesson.start - jiff::SignedDuration::from_hours(14);
        let mut heard = Vec::new();
        if let Some(planned) = &row.planned
            && before.and_then(|b| b.planned.as_ref()) != Some(planned)
        {
            let at = planned.modified_at.unwrap_or(day_before);
            let (lesson, planned) = (lesson.clone(), planned.clone());
            heard.push((at, Fact::LessonPlanned { lesson, planned }));
        }
        if let Some(at) = row.begun_at.filter(|_| before.is_none_or(|b| b.begun_at.is_none())) {
            heard.push((at, Fact::RegisterBegun { lesson: lesson.clone() }));
        }
        if let Some(at) = row.closed_at.filter(|at| before.and_then(|b| b.closed_at) != Some(*at)) {
            let closed_by = row.closed_by.clone();
            heard.push((at, Fact::RegisterClosed { lesson, closed_at: at, closed_by }));
        }
        self.registers.insert(key.to_vec(), row);
        for (at, fact) in heard {
            self.hear(school.clone(), at, fact);
        }
    }
}

/// The school and the pupil that a row is of.
fn of_pupil(key: &[u8]) -> Option<(SchoolId, PupilId)> {
    let ([school, pupil], _) = tables::parts::<2>(key)?;
    Some((SchoolId::new(school).ok()?, PupilId::new(pupil).ok()?))
}
