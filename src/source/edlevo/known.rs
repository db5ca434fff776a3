//! What a school's answers said last, and what a new answer changes: marks that are new or other, and marks that are
//! gone. Pure.
//!
//! The answers have no word for a mark that was taken back: it is only not there any more. That is believed when
//! two answers in a row lack it, and never when most are gone: an answer that lost everything is a fault of the
//! source, and must not call back alarms.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::{Lesson, LessonId, Mark, PupilId, local_date};
use crate::source::marks::Said;

/// More do not go at once: a teacher empties a register, not a school.
const MOST_AT_ONCE: usize = 100;

/// Marks by pupil and lesson.
pub type Marks = BTreeMap<(PupilId, LessonId), Said>;

/// What was said last of one school.
#[derive(Debug, Clone, Default)]
pub struct Known {
    of: BTreeMap<(PupilId, LessonId), Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    lesson: Lesson,
    /// None: said to a former process; what it was is a row.
    said: Option<Said>,
    /// The answer before lacked it.
    missed: bool,
}

/// What an answer changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changed {
    /// Marks that are new, or others than before.
    pub new: Vec<Said>,
    /// Those that are gone, for good.
    pub gone: Vec<(PupilId, Lesson)>,
    /// Those that are gone, and are kept all the same: too many of them.
    pub doubted: usize,
}

impl Known {
    /// It was said to a former process.
    pub fn remember(&mut self, pupil: PupilId, lesson: Lesson) {
        let key = (pupil, lesson.id.clone());
        self.of.insert(key, Entry { lesson, said: None, missed: false });
    }

    /// Compares a whole answer about the days from `since` with what was said before.
    pub fn compare(&mut self, marks: &Marks, since: Date, zone: &TimeZone) -> Changed {
        self.of.retain(|_, entry| local_date(entry.lesson.start, zone) >= since);
        let new = self.news(marks);
        let missing: Vec<_> =
            self.of.keys().filter(|key| !marks.contains_key(*key)).cloned().collect();
        let most = missing.len() > 1 && missing.len() * 2 > self.of.len();
        if most || missing.len() > MOST_AT_ONCE {
            return Changed { new, gone: Vec::new(), doubted: missing.len() };
        }
        let mut gone = Vec::new();
        for (key, entry) in &mut self.of {
            let was_missed = std::mem::replace(&mut entry.missed, !marks.contains_key(key));
            if was_missed && entry.missed {
                gone.push((key.0.clone(), entry.lesson.clone()));
            }
        }
        Changed { new, gone, doubted: 0 }
    }

    /// What of an answer is new, where it cannot be told what is missing in it.
    pub fn news(&self, marks: &Marks) -> Vec<Said> {
        let is_known = |key, said| self.of.get(key).is_some_and(|e| e.said.as_ref() == Some(said));
        marks
            .iter()
            .filter(|(key, said)| !is_known(*key, said))
            .map(|(_, said)| said.clone())
            .collect()
    }

    /// These were taken.
    pub fn taken(&mut self, new: Vec<Said>, gone: &[(PupilId, Lesson)]) {
        for (pupil, lesson) in gone {
            self.of.remove(&(pupil.clone(), lesson.id.clone()));
        }
        for said in new {
            let key = (said.pupil.clone(), said.lesson.id.clone());
            let (lesson, said) = (said.lesson.clone(), Some(said));
            self.of.insert(key, Entry { lesson, said, missed: false });
        }
    }
}

/// That a mark is gone: nobody knows where the pupil is.
pub fn withdrawn(school: &crate::model::SchoolId, pupil: PupilId, lesson: Lesson) -> Said {
    Said {
        school: school.clone(),
        pupil,
        lesson,
        mark: Mark::Unknown,
        minutes: None,
        register_closed: None,
        recorded_at: None,
        recorded_by: None,
        row: None,
        replaces: true,
        protected: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SchoolId;
    use jiff::Timestamp;

    const DAY: Date = jiff::civil::date(2026, 11, 26);

    fn said(pupil: usize, mark: Mark) -> Said {
        let start: Timestamp = "2026-11-26T07:20:00Z".parse().expect("time");
        let id = LessonId::new("l").expect("id");
        let end = start + jiff::SignedDuration::from_mins(60);
        let school = SchoolId::new("s").expect("id");
        let pupil = PupilId::new(format!("p{pupil}")).expect("id");
        Said {
            mark,
            replaces: false,
            protected: false,
            ..withdrawn(&school, pupil, Lesson { id, start, end, label: None })
        }
    }

    fn marks(pupils: impl Iterator<Item = usize>) -> Marks {
        let all = pupils.map(|n| said(n, Mark::Unexcused));
        all.map(|said| ((said.pupil.clone(), said.lesson.id.clone()), said)).collect()
    }

    /// What comes of answers, one after the other: new, gone and doubted of each.
    fn seen(answers: &[Marks]) -> Vec<(usize, usize, usize)> {
        let mut known = Known::default();
        let one = |answer| {
            let changed = known.compare(answer, DAY, &TimeZone::UTC);
            let found = (changed.new.len(), changed.gone.len(), changed.doubted);
            known.taken(changed.new, &changed.gone);
            found
        };
        answers.iter().map(one).collect()
    }

    #[test]
    fn what_is_gone_twice_is_gone_and_what_comes_back_is_not() {
        let (all, fewer) = (marks(0..10), marks(0..9));
        assert_eq!(
            seen(&[all.clone(), all.clone(), fewer.clone(), fewer.clone(), fewer.clone()]),
            [(10, 0, 0), (0, 0, 0), (0, 0, 0), (0, 1, 0), (0, 0, 0)]
        );
        assert_eq!(
            seen(&[all.clone(), fewer.clone(), all.clone(), fewer.clone(), all.clone()]),
            [(10, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0)]
        );
        assert_eq!(
            seen(&[marks(0..1), marks(0..0), marks(0..0)]),
            [(1, 0, 0), (0, 0, 0), (0, 1, 0)]
        );
    }

    #[test]
    fn an_answer_that_lost_most_withdraws_nothing() {
        let (all, half, none) = (marks(0..10), marks(0..4), marks(0..0));
        for lost in [half, none] {
            let count = 10 - lost.len();
            assert_eq!(
                seen(&[all.clone(), lost.clone(), lost.clone(), lost, all.clone()]),
                [(10, 0, 0), (0, 0, count), (0, 0, count), (0, 0, count), (0, 0, 0)]
            );
        }
        let (school, less) = (marks(0..1000), marks(0..899));
        assert_eq!(seen(&[school, less.clone(), less])[2], (0, 0, 101));
    }

    #[test]
    fn a_doubted_answer_is_not_the_first_of_two() {
        let (all, none, one_less) = (marks(0..10), marks(0..0), marks(0..9));
        assert_eq!(
            seen(&[all, none, one_less.clone(), one_less]),
            [(10, 0, 0), (0, 0, 10), (0, 0, 0), (0, 1, 0)]
        );
    }

    #[test]
    fn a_day_that_is_not_asked_for_any_more_is_not_gone() {
        let mut known = Known::default();
        let first = known.compare(&marks(0..10), DAY, &TimeZone::UTC);
        known.taken(first.new, &first.gone);
        for _ in 0..3 {
            let next = known.compare(&Marks::new(), DAY.tomorrow().expect("day"), &TimeZone::UTC);
            assert_eq!(next, Changed::default());
        }
    }

    #[test]
    fn what_a_former_process_was_told_may_go_and_is_offered_again() {
        let mut known = Known::default();
        for n in 0..10 {
            let said = said(n, Mark::Unexcused);
            known.remember(said.pupil, said.lesson);
        }
        let first = known.compare(&marks(0..9), DAY, &TimeZone::UTC);
        assert_eq!((first.new.len(), first.gone.len()), (9, 0));
        known.taken(first.new, &first.gone);
        let second = known.compare(&marks(0..9), DAY, &TimeZone::UTC);
        assert_eq!((second.new.len(), second.gone.len()), (0, 1));
    }
}
