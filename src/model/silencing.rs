//! A silence that the school has asked for: a trip, a study day of one class, a pupil who by agreement is not there
//! on some mornings. Which lessons it covers; nothing is looked up here.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::{Lesson, NotificationId, PupilId, SchoolId, local_date};

/// Whom a silence is about. Written `school`, `class:7B` or `pupil:ID`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SilencedTarget {
    /// Every pupil of the school.
    School,
    /// Those of a class, as the directory calls it at the moment.
    Class(String),
    /// One pupil.
    Pupil(PupilId),
}

impl std::fmt::Display for SilencedTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::School => f.write_str("school"),
            Self::Class(class) => write!(f, "class:{class}"),
            Self::Pupil(pupil) => write!(f, "pupil:{pupil}"),
        }
    }
}

impl TryFrom<String> for SilencedTarget {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "school" => Ok(Self::School),
            // It becomes part of a key, in which texts end with a NUL.
            Some(("class", class)) if !class.is_empty() && !class.contains('\0') => {
                Ok(Self::Class(class.into()))
            }
            Some(("pupil", id)) => {
                PupilId::new(id).map(Self::Pupil).map_err(|e| format!("the pupil's id {e}"))
            }
            _ => Err("is neither school, class:NAME nor pupil:ID".into()),
        }
    }
}

impl From<SilencedTarget> for String {
    fn from(target: SilencedTarget) -> Self {
        target.to_string()
    }
}

/// One silence, as stored. Times are UTC; weekdays and hours are of the school's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Silencing {
    /// Twelve hexadecimal digits that say nothing of the pupil.
    pub id: String,
    /// The school.
    pub school: SchoolId,
    /// Whom it is about.
    pub target: SilencedTarget,
    /// From when.
    pub from: Timestamp,
    /// Until when; the first moment after it.
    pub to: Timestamp,
    /// On these days of the week only, 1 for Monday to 7; empty: on every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<i8>,
    /// Between these hours only. Where the second is not the later one, it is of the day after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<(Time, Time)>,
    /// Why, in the operator's words.
    pub reason: String,
    /// Who made it, as the system says: `uid 0`.
    pub by: String,
    /// When it was made.
    pub since: Timestamp,
}

impl Silencing {
    /// The id of a silence of this target and these times: making the same one twice makes one.
    pub fn id_of(
        (school, target): (&SchoolId, &SilencedTarget),
        (from, to): (Timestamp, Timestamp),
        weekdays: &[i8],
        between: Option<(Time, Time)>,
    ) -> String {
        let days: String = weekdays.iter().map(i8::to_string).collect();
        let hours = between.map_or_else(String::new, |(from, to)| format!("{from}-{to}"));
        let (from, to, target) = (from.to_string(), to.to_string(), target.to_string());
        let parts = ["silence", school.as_str(), &target, &from, &to, &days, &hours];
        NotificationId::of(&parts).as_str()[..12].to_owned()
    }

    /// Whether it covers a lesson: one that begins in it, or of which at least half lies in it.
    pub fn covers(&self, lesson: &Lesson, zone: &TimeZone) -> bool {
        if self.weekdays.is_empty() && self.between.is_none() {
            return is_in(lesson, self.from, self.to);
        }
        let Ok(before) = local_date(lesson.start, zone).yesterday() else { return false };
        let days = std::iter::successors(Some(before), |day| day.tomorrow().ok());
        let last = local_date(lesson.end.max(lesson.start), zone);
        // The hours of one day and the next may touch each other, but what is agreed is agreed for each.
        days.take_while(|day| *day <= last).take(8).any(|day| {
            let hours = self.hours_of(day, zone);
            hours.is_some_and(|(from, to)| is_in(lesson, from.max(self.from), to.min(self.to)))
        })
    }

    /// The parts of a lesson that lie in it.
    fn parts(&self, lesson: &Lesson, zone: &TimeZone) -> Vec<(Timestamp, Timestamp)> {
        let common = |from: Timestamp, to: Timestamp| {
            let (from, to) = (from.max(lesson.start), to.min(lesson.end));
            (from < to).then_some((from, to))
        };
        if self.weekdays.is_empty() && self.between.is_none() {
            return common(self.from, self.to).into_iter().collect();
        }
        let Ok(before) = local_date(lesson.start, zone).yesterday() else { return Vec::new() };
        let days = std::iter::successors(Some(before), |day| day.tomorrow().ok());
        let last = local_date(lesson.end.max(lesson.start), zone);
        let hours = days.take_while(|day| *day <= last).take(8);
        let hours = hours.filter_map(|day| self.hours_of(day, zone));
        hours.filter_map(|(from, to)| common(from.max(self.from), to.min(self.to))).collect()
    }

    /// Whether any moment from `after` on is in it: not where none of its days is one of its weekdays.
    pub fn ever(&self, after: Timestamp, zone: &TimeZone) -> bool {
        let (from, to) = (self.from.max(after), self.to);
        if self.weekdays.is_empty() && self.between.is_none() {
            return from < to;
        }
        let Ok(before) = local_date(from, zone).yesterday() else { return false };
        let last = local_date(to, zone);
        // What lasts longer has each day of the week in it.
        let mut days = std::iter::successors(Some(before), |day| day.tomorrow().ok())
            .take_while(|day| *day <= last)
            .take(16);
        days.any(|day| {
            let hours = self.hours_of(day, zone);
            hours.is_some_and(|(begin, end)| begin.max(from) < end.min(to))
        })
    }

    /// Its hours that begin on a day.
    fn hours_of(&self, day: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let weekday = day.weekday().to_monday_one_offset();
        if !self.weekdays.is_empty() && !self.weekdays.contains(&weekday) {
            return None;
        }
        let (from, to) = self.between.unwrap_or((Time::midnight(), Time::midnight()));
        let last = if to <= from { day.checked_add(1.day()).ok()? } else { day };
        // On the night on which an hour comes twice, the whole of it.
        let from = zone.to_ambiguous_zoned_datetime(day.to_datetime(from)).earlier().ok()?;
        let to = zone.to_ambiguous_zoned_datetime(last.to_datetime(to)).later().ok()?;
        Some((from.timestamp(), to.timestamp()))
    }
}

/// Those of the silences that cover a lesson: each that does alone; where none does, those that do together, as each
/// takes a part of it and all of them half or more. Empty: it is not silenced.
pub fn covering<'a>(
    all: impl IntoIterator<Item = &'a Silencing>,
    lesson: &Lesson,
    zone: &TimeZone,
) -> Vec<&'a Silencing> {
    let all: Vec<&Silencing> = all.into_iter().collect();
    let alone: Vec<&Silencing> =
        all.iter().copied().filter(|one| one.covers(lesson, zone)).collect();
    if !alone.is_empty() || all.len() < 2 {
        return alone;
    }
    let (mut sharing, mut parts) = (Vec::new(), Vec::new());
    for one in all {
        let its = one.parts(lesson, zone);
        if !its.is_empty() {
            sharing.push(one);
            parts.extend(its);
        }
    }
    parts.sort_unstable();
    let (mut until, mut common) = (lesson.start, SignedDuration::ZERO);
    for (from, to) in parts {
        common =
            common.saturating_add(to.duration_since(from.max(until)).max(SignedDuration::ZERO));
        until = until.max(to);
    }
    let whole = lesson.end.duration_since(lesson.start);
    let covered = sharing.len() > 1 && common.saturating_mul(2) >= whole;
    if covered { sharing } else { Vec::new() }
}

fn is_in(lesson: &Lesson, from: Timestamp, to: Timestamp) -> bool {
    if from <= lesson.start && lesson.start < to {
        return true;
    }
    let common = to.min(lesson.end).duration_since(from.max(lesson.start));
    let whole = lesson.end.duration_since(lesson.start);
    common > SignedDuration::ZERO && common.saturating_mul(2) >= whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LessonId;
    use proptest::prelude::*;

    fn zone() -> TimeZone {
        TimeZone::get("Europe/Stockholm").expect("zone")
    }

    fn at(text: &str) -> Timestamp {
        let local: jiff::civil::DateTime = text.parse().expect("a local time");
        zone().to_ambiguous_zoned_datetime(local).compatible().expect("a time").timestamp()
    }

    fn lesson(start: &str, end: &str) -> Lesson {
        let id = LessonId::new("l").expect("id");
        Lesson { id, start: at(start), end: at(end), label: None }
    }

    fn silence(from: &str, to: &str, weekdays: &[i8], between: Option<(&str, &str)>) -> Silencing {
        let time = |text: &str| text.parse::<Time>().expect("a time");
        Silencing {
            id: "0".repeat(12),
            school: SchoolId::new("s").expect("id"),
            target: SilencedTarget::School,
            from: at(from),
            to: at(to),
            weekdays: weekdays.to_vec(),
            between: between.map(|(from, to)| (time(from), time(to))),
            reason: "trip".into(),
            by: "uid 0".into(),
            since: at("2026-11-01T00:00"),
        }
    }

    #[test]
    fn targets_are_written_as_they_are_read() {
        for text in ["school", "class:7B", "class:a:b", "pupil:p 1"] {
            let target = SilencedTarget::try_from(text.to_owned()).expect(text);
            assert_eq!(target.to_string(), text);
        }
        for text in ["", "class:", "pupil:", "group:7B", "class:a\0b"] {
            assert!(SilencedTarget::try_from(text.to_owned()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_silence_covers_what_begins_in_it_and_what_lies_half_in_it() {
        let trip = silence("2026-12-04T09:00", "2026-12-04T14:00", &[], None);
        for (start, end, covered) in [
            ("2026-12-04T08:00", "2026-12-04T09:00", false),
            ("2026-12-04T08:20", "2026-12-04T09:20", false),
            ("2026-12-04T08:30", "2026-12-04T09:30", true),
            ("2026-12-04T09:00", "2026-12-04T10:00", true),
            ("2026-12-04T13:59", "2026-12-04T15:30", true),
            ("2026-12-04T14:00", "2026-12-04T15:00", false),
            ("2026-12-05T10:00", "2026-12-05T11:00", false),
            // A lesson without length.
            ("2026-12-04T10:00", "2026-12-04T10:00", true),
            ("2026-12-04T14:00", "2026-12-04T14:00", false),
        ] {
            assert_eq!(trip.covers(&lesson(start, end), &zone()), covered, "{start} {end}");
        }
    }

    #[test]
    fn silences_that_each_take_a_part_of_a_lesson_count_together() {
        let one = silence("2026-12-04T08:00", "2026-12-04T08:40", &[], None);
        let next = silence("2026-12-04T08:40", "2026-12-04T09:10", &[], None);
        let planned =
            silence("2026-12-01T00:00", "2026-12-19T00:00", &[5], Some(("08:30", "09:00")));
        let whole = lesson("2026-12-04T08:05", "2026-12-04T09:05");
        let long = lesson("2026-12-04T07:55", "2026-12-04T10:15");
        assert_eq!(covering([&one, &next], &whole, &zone()).len(), 1, "one does alone");
        assert_eq!(covering([&one, &next], &long, &zone()).len(), 2);
        assert_eq!(covering([&one, &planned], &long, &zone()).len(), 0, "what is double is one");
        for single in [&one, &next] {
            assert!(covering([single], &long, &zone()).is_empty());
        }
        let elsewhere = lesson("2026-12-04T10:00", "2026-12-04T11:00");
        assert!(covering([&one, &next, &planned], &elsewhere, &zone()).is_empty());
    }

    #[test]
    fn what_has_none_of_its_days_in_it_never_holds() {
        let start = at("2026-11-26T12:00");
        let on = |from: &str, to: &str, days: &[i8], hours| {
            silence(from, to, days, hours).ever(start, &zone())
        };
        // A Saturday.
        assert!(!on("2026-12-05T00:00", "2026-12-06T00:00", &[1], None));
        assert!(on("2026-12-05T00:00", "2026-12-06T00:00", &[6], None));
        assert!(on("2026-12-05T00:00", "2026-12-08T00:00", &[1], None));
        assert!(!on("2026-12-05T12:00", "2026-12-05T18:00", &[], Some(("08:00", "10:00"))));
        // Its only day was last week's.
        assert!(!on("2026-11-23T00:00", "2026-11-29T00:00", &[1], None));
        // The night that began the day before.
        assert!(on("2026-12-05T00:00", "2026-12-05T05:00", &[5], Some(("22:00", "06:00"))));
    }

    #[test]
    fn planned_mornings_are_those_days_and_hours_and_no_others() {
        let mornings =
            silence("2026-11-02T00:00", "2026-12-19T00:00", &[1, 2], Some(("08:00", "10:00")));
        for (start, end, covered) in [
            // Monday and Tuesday.
            ("2026-11-23T08:20", "2026-11-23T09:20", true),
            ("2026-11-24T08:00", "2026-11-24T09:00", true),
            ("2026-11-23T10:00", "2026-11-23T11:00", false),
            ("2026-11-23T07:30", "2026-11-23T08:15", false),
            ("2026-11-25T08:20", "2026-11-25T09:20", false),
            // Before the first day, and after the last.
            ("2026-10-26T08:20", "2026-10-26T09:20", false),
            ("2026-12-21T08:20", "2026-12-21T09:20", false),
        ] {
            assert_eq!(mornings.covers(&lesson(start, end), &zone()), covered, "{start} {end}");
        }
        let days = silence("2026-11-02T00:00", "2026-12-19T00:00", &[5], None);
        assert!(days.covers(&lesson("2026-11-27T14:00", "2026-11-27T15:00"), &zone()));
        assert!(!days.covers(&lesson("2026-11-26T14:00", "2026-11-26T15:00"), &zone()));
    }

    #[test]
    fn hours_across_midnight_belong_to_the_day_on_which_they_begin() {
        let night = silence("2026-11-02T00:00", "2026-12-19T00:00", &[5], Some(("22:00", "06:00")));
        assert!(night.covers(&lesson("2026-11-27T22:30", "2026-11-27T23:30"), &zone()));
        assert!(night.covers(&lesson("2026-11-28T05:00", "2026-11-28T05:50"), &zone()));
        assert!(!night.covers(&lesson("2026-11-27T05:00", "2026-11-27T05:50"), &zone()));
        let whole = silence("2026-12-04T22:00", "2026-12-05T06:00", &[], None);
        assert!(whole.covers(&lesson("2026-12-05T01:00", "2026-12-05T02:00"), &zone()));
    }

    #[test]
    fn on_the_nights_on_which_the_clock_is_moved_the_whole_hour_is_meant() {
        // 02:30 comes twice on 25 October, and not at all on 28 March.
        let autumn =
            silence("2026-10-20T00:00", "2026-10-31T00:00", &[7], Some(("02:30", "02:45")));
        for start in ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"] {
            let start: Timestamp = start.parse().expect("time");
            let end = start + SignedDuration::from_mins(10);
            let id = LessonId::new("l").expect("id");
            assert!(autumn.covers(&Lesson { id, start, end, label: None }, &zone()), "{start}");
        }
        let spring =
            silence("2027-03-20T00:00", "2027-03-31T00:00", &[7], Some(("01:00", "04:00")));
        assert!(spring.covers(&lesson("2027-03-28T03:00", "2027-03-28T03:40"), &zone()));
    }

    proptest! {
        #[test]
        fn what_is_silenced_on_some_days_is_silenced_by_the_whole_span(
            start in 0_i64..40 * 24 * 60, length in 0_i64..300,
            days in proptest::collection::vec(1_i8..=7, 0..4),
            from in 0_i8..24, to in 0_i8..24,
        ) {
            let begin = at("2026-10-12T00:00");
            let start = begin + SignedDuration::from_mins(start);
            let id = LessonId::new("l").expect("id");
            let end = start + SignedDuration::from_mins(length);
            let lesson = Lesson { id, start, end, label: None };
            let mut part = silence("2026-10-19T00:00", "2026-11-09T12:00", &days, None);
            let whole = silence("2026-10-19T00:00", "2026-11-09T12:00", &[], None);
            prop_assert!(!part.covers(&lesson, &zone()) || whole.covers(&lesson, &zone()));
            if days.is_empty() {
                prop_assert_eq!(part.covers(&lesson, &zone()), whole.covers(&lesson, &zone()));
            }
            part.between = Some((Time::constant(from, 0, 0, 0), Time::constant(to, 0, 0, 0)));
            prop_assert!(!part.covers(&lesson, &zone()) || whole.covers(&lesson, &zone()));
        }
    }
}
