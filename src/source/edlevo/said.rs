//! What an answer means to a school: its events as marks at lessons, and how many mean nothing. Pure.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::answer::Event;
use crate::model::unseen::shown;
use crate::model::{Lesson, LessonId, Mark, Minutes, PupilId, SchoolId, looks_civic};
use crate::source::marks::Said;

/// No lesson is longer.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
/// Years in which a lesson may be.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2100;
/// Minutes of a day.
const MOST_MINUTES: u32 = 1440;
/// Characters of a label, and of who registered.
const LABEL: usize = 200;
/// What a mark may be told of at most.
const RECORDER: usize = 100;

/// What a lesson's id stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LessonIds {
    /// One lesson on one day.
    #[default]
    Occurrence,
    /// A lesson that is there week after week: with its start it is one.
    Recurring,
}

/// Which school is asked for, and how its answers are read.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The school.
    pub school: SchoolId,
    /// Its zone: times come without one.
    pub zone: TimeZone,
    /// The id of its unit there.
    pub unit: String,
    /// What a lesson's id stands for.
    pub lesson_ids: LessonIds,
}

/// Marks, one for each pupil and lesson, and what was left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Understood {
    /// By pupil and lesson.
    pub said: BTreeMap<(PupilId, LessonId), Said>,
    /// Events that cannot be used, by what is wrong with them.
    pub bad: BTreeMap<&'static str, u64>,
    /// Reasons that nobody knows: their marks are unknown.
    pub unknown_reasons: u64,
    /// Events of other units.
    pub elsewhere: u64,
    /// Lessons of one pupil with one id and two starts.
    pub ambiguous: u64,
    /// Two different marks of one pupil at one lesson.
    pub contradictions: u64,
}

/// Reads the events of one answer.
pub fn understand(asked: &Asked, events: &[Event]) -> Understood {
    let mut found = Understood::default();
    for event in events {
        let unit = event.unit.as_str();
        if !unit.is_empty() && !unit.eq_ignore_ascii_case(&asked.unit) {
            found.elsewhere += 1;
            continue;
        }
        match one(asked, event) {
            Ok(said) => {
                found.unknown_reasons += u64::from(said.mark == Mark::Unknown);
                found.add(said);
            }
            Err(why) => *found.bad.entry(why).or_default() += 1,
        }
    }
    found
}

impl Understood {
    fn add(&mut self, said: Said) {
        let key = (said.pupil.clone(), said.lesson.id.clone());
        let Some(known) = self.said.get_mut(&key) else {
            self.said.insert(key, said);
            return;
        };
        if known.lesson.start != said.lesson.start {
            self.ambiguous += 1;
        } else if known.mark != said.mark {
            self.contradictions += 1;
        }
        // Whichever comes first: an answer in another order must mean the same.
        if strength(&said) > strength(known) {
            *known = said;
        }
    }
}

/// The order in which one of two is believed: the later lesson, then the mark that says more of where the pupil
/// was.
fn strength(said: &Said) -> impl Ord {
    let of_mark = match said.mark {
        Mark::Late => 5,
        Mark::Present => 4,
        Mark::Excused => 3,
        Mark::Unexcused => 2,
        _ => 1,
    };
    let Said { lesson, minutes, recorded_by, .. } = said;
    let minutes = minutes.map(|minutes| (minutes.absent, minutes.scheduled));
    let rest = (minutes, lesson.end, recorded_by.clone(), lesson.label.clone());
    (lesson.start, of_mark, rest)
}

fn one(asked: &Asked, event: &Event) -> Result<Said, &'static str> {
    let pupil = PupilId::new(event.person.as_str()).map_err(|_| "the pupil's id")?;
    let start = instant(&event.start, &asked.zone, None).ok_or("the start")?;
    let planned = minutes(&event.lesson_minutes).filter(|minutes| *minutes > 0);
    let end = if event.stop.is_empty() {
        let planned = planned.ok_or("no end, and no length")?;
        start.saturating_add(SignedDuration::from_mins(planned.into())).ok()
    } else {
        instant(&event.stop, &asked.zone, Some(start))
    };
    let end = end.ok_or("the end")?;
    if end <= start || end.duration_since(start) > LONGEST {
        return Err("an end that is not after the start, or a day after it");
    }
    let id = match asked.lesson_ids {
        LessonIds::Occurrence => event.lesson.clone(),
        LessonIds::Recurring if event.lesson.is_empty() => String::new(),
        LessonIds::Recurring => format!("{} {start}", event.lesson),
    };
    let id = LessonId::new(id).map_err(|_| "the lesson's id")?;
    let absent = minutes(&event.minutes);
    Ok(Said {
        school: asked.school.clone(),
        pupil,
        lesson: Lesson { id, start, end, label: label(event) },
        mark: mark(&event.reason),
        minutes: absent.zip(planned).map(|(absent, scheduled)| Minutes { absent, scheduled }),
        register_closed: None,
        recorded_at: None,
        recorded_by: opaque(&event.registered_by),
        row: None,
        replaces: false,
        protected: false,
    })
}

fn mark(reason: &str) -> Mark {
    let reasons = [
        ("valid", Mark::Excused),
        ("invalid", Mark::Unexcused),
        ("latearrival", Mark::Late),
        ("present", Mark::Present),
    ];
    let known = reasons.iter().find(|(word, _)| reason.eq_ignore_ascii_case(word));
    known.map_or(Mark::Unknown, |(_, mark)| *mark)
}

/// Minutes of a day; none: not there, or none that can be.
fn minutes(text: &str) -> Option<u32> {
    text.parse().ok().filter(|minutes| *minutes <= MOST_MINUTES)
}

/// Who registered, where that is an id; a name, an address or a civic number is not kept.
fn opaque(text: &str) -> Option<String> {
    let good = !text.is_empty() && text.len() <= RECORDER;
    let is_id = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.{}".contains(&b));
    (good && is_id && !looks_civic(text)).then(|| text.to_owned())
}

/// For staff: the course's name or code, and the group.
fn label(event: &Event) -> Option<String> {
    let [code, name] = &event.course;
    let course = if name.is_empty() { code } else { name };
    let both = [course.as_str(), event.group.as_str()];
    let words: Vec<&str> = both.into_iter().filter(|word| !word.is_empty()).collect();
    let label = shown(&words.join(" "), LABEL);
    (!label.trim().is_empty()).then(|| label.trim().to_owned())
}

/// The instant of a time that comes without an offset; one that has an offset says it itself. Of an hour that
/// comes twice it is the first, unless that is not `after`; one that does not exist is as much later as the clock
/// is put forward.
fn instant(text: &str, zone: &TimeZone, after: Option<Timestamp>) -> Option<Timestamp> {
    let found = if let Ok(at) = text.parse::<Timestamp>() {
        at
    } else {
        // A date alone says nothing of a lesson.
        text.find(':')?;
        let local: DateTime = text.parse().ok()?;
        let ambiguous = zone.to_ambiguous_timestamp(local);
        let first = ambiguous.compatible().ok()?;
        if after.is_some_and(|after| first <= after) { ambiguous.later().ok()? } else { first }
    };
    let year = found.to_zoned_datetime(zone.clone()).year();
    YEARS.contains(&year).then_some(found)
}

/// What time it is at the source, where it says so.
pub fn clock(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    instant(text, zone, None)
}

#[cfg(test)]
#[path = "said_tests.rs"]
mod tests;
