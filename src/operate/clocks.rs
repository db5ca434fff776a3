//! The two clocks of an absence as an operator sees them: how long upprop took, and whether somebody at home was told on
//! the day itself, as the law has it. Computed from rows; stores nothing.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::model::same_day::{self, SameDay};
use crate::model::{CaseWord, LessonState, Notification, Purpose, Reason, case_word};
use crate::store::rows::Audit;

/// Both clocks of one absence. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Clocks {
    /// When a provider first took a message home; none: none has.
    pub told_at: Option<Timestamp>,
    /// When staff recorded that the home was spoken with, during the lesson or later that day; none: they have not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phoned_at: Option<Timestamp>,
    /// How long that was after upprop knew and the lesson had begun, in milliseconds: the service goal.
    pub told_after_ms: Option<i64>,
    /// How the law's clock stands.
    pub same_day: Stand,
    /// When the day is over by the school's clock.
    pub day_ends: Timestamp,
}

/// How the law's clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stand {
    /// Somebody at home was told on the day, or spoken with.
    Told,
    /// Nobody yet, and the day is not over.
    Open,
    /// Nobody was told on the day.
    Missed,
}

/// The clocks of a lesson; none: nobody is to be told of it. `words`: what staff recorded of its day. `lines`: what was heard
/// and decided about the pupil.
pub(super) fn of<'a>(
    state: &LessonState,
    (told, words): (&[Notification], &[CaseWord]),
    lines: impl DoubleEndedIterator<Item = &'a Audit>,
    (date, zone): (Date, &TimeZone),
    now: Timestamp,
) -> Option<Clocks> {
    if !state.missing || state.taken_as_known || is_left_out(state, lines) {
        return None;
    }
    let told_at = same_day::told_at(told);
    let home = || told.iter().filter(|n| n.purpose == Purpose::Absence && !n.recipient_is_staff());
    // Whoever is left to the team knows of another lesson of the day.
    let left = |n: &Notification| n.state_reason == Some(Reason::LeftToTeam);
    if home().next().is_some() && home().all(left) {
        return None;
    }
    let known = home().map(|n| n.created_at).min().map(|at| at.max(state.lesson.start));
    let after = told_at.zip(known).map(|(told, known)| told.duration_since(known).as_millis());
    let phoned_at = case_word::home_knows_since(words).filter(|at| state.lesson.start <= *at);
    let first = told_at.into_iter().chain(phoned_at).min();
    let same_day = match same_day::same_day(date, zone, first, now) {
        SameDay::Told(_) => Stand::Told,
        SameDay::Until(_) => Stand::Open,
        SameDay::Missed(_) => Stand::Missed,
    };
    Some(Clocks {
        told_at,
        phoned_at,
        told_after_ms: after.and_then(|ms| i64::try_from(ms).ok()),
        same_day,
        day_ends: same_day::end_of(date, zone),
    })
}

/// Whether the last that was decided about a lesson is that nobody is told of it.
fn is_left_out<'a>(state: &LessonState, lines: impl DoubleEndedIterator<Item = &'a Audit>) -> bool {
    let mut lines = lines.rev().filter(|line| line.lesson.as_ref() == Some(&state.lesson.id));
    let last = lines.find(|line| !line.decisions.is_empty());
    let left_out = |reason| matches!(reason, Reason::Silenced | Reason::NoSchoolDay);
    last.is_some_and(|line| line.decisions.iter().any(|d| left_out(d.reason)))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::delivery::testing::notification;
    use crate::model::{
        Attempt, AttemptResult, CaseWhat, Lesson, LessonId, MentorTold, Outcome, ProviderId,
    };
    use crate::store::rows::Decision;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn both_clocks_are_told_apart_and_only_of_what_is_to_be_told() {
        let id = LessonId::new("l").expect("an id");
        let (start, end) = (at("2026-11-23T07:20:00Z"), at("2026-11-23T08:20:00Z"));
        let lesson = Lesson { id, start, end, label: None };
        let mut state = LessonState::new(lesson, at("2026-11-23T07:00:00Z"));
        state.missing = true;
        let zone = TimeZone::get("Europe/Stockholm").expect("a zone");
        let day = date(2026, 11, 23);
        let ask = |state: &LessonState, told: &[Notification], lines: &[Audit], now: &str| {
            of(state, (told, &[]), lines.iter(), (day, &zone), at(now))
        };
        let mut n = notification("g");
        n.created_at = at("2026-11-23T07:00:00Z");
        let open = ask(&state, &[n.clone()], &[], "2026-11-23T22:59:59Z").expect("to be told");
        assert_eq!((open.same_day, open.told_after_ms), (Stand::Open, None));
        assert_eq!(open.day_ends, at("2026-11-23T23:00:00Z"));
        let missed = ask(&state, &[n.clone()], &[], "2026-11-23T23:00:00Z").expect("to be told");
        assert_eq!(missed.same_day, Stand::Missed);
        let word = |what, said: &str| CaseWord {
            id: n.id.clone(),
            school: n.school.clone(),
            pupil: n.pupil.clone(),
            date: day,
            at: at(said),
            by: "uid 0".into(),
            link: None,
            what,
            note: None,
            mentor: MentorTold::NoNews,
        };
        for (what, said, stand) in [
            (CaseWhat::Reached, "2026-11-23T09:00:00Z", Stand::Told),
            (CaseWhat::NoAnswer, "2026-11-23T09:00:00Z", Stand::Missed),
            (CaseWhat::Explained, "2026-11-24T07:00:00Z", Stand::Missed),
            // Whoever was spoken with before it began has not heard of it.
            (CaseWhat::Reached, "2026-11-23T07:10:00Z", Stand::Missed),
        ] {
            let (told, words) = ([n.clone()], [word(what, said)]);
            let now = at("2026-11-24T12:00:00Z");
            let clocks = of(&state, (&told, &words), [].iter(), (day, &zone), now);
            assert_eq!(clocks.expect("to be told").same_day, stand, "{what:?} {said}");
        }
        n.attempts.push(Attempt {
            started_at: at("2026-11-23T07:20:01Z"),
            account: ProviderId::new("a").expect("an id"),
            text_sha256: None,
            languages: Vec::new(),
            result: Some(AttemptResult {
                at: at("2026-11-23T07:20:01.5Z"),
                outcome: Outcome::Accepted { reference: None, parts: None },
            }),
        });
        let told = ask(&state, &[n.clone()], &[], "2026-11-24T12:00:00Z").expect("to be told");
        assert_eq!((told.same_day, told.told_after_ms), (Stand::Told, Some(1500)));
        let decision = |reason| Audit {
            at: start,
            source: None,
            event: None,
            heard: "x".into(),
            lesson: Some(state.lesson.id.clone()),
            silences: Vec::new(),
            decisions: vec![Decision {
                act: "suppress".into(),
                recipient: String::new(),
                reason,
                notification: None,
            }],
        };
        let now = "2026-11-23T12:00:00Z";
        assert_eq!(ask(&state, &[], &[decision(Reason::Silenced)], now), None);
        let again = [decision(Reason::Silenced), decision(Reason::Stale)];
        assert!(ask(&state, &[], &again, now).is_some(), "the last word counts");
        let known = LessonState { taken_as_known: true, ..state.clone() };
        assert_eq!(ask(&known, &[], &[], now), None);
        let there = LessonState { missing: false, ..state.clone() };
        assert_eq!(ask(&there, &[n], &[], now), None);
    }
}
