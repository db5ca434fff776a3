//! The report of a school day: each pupil who was missing without a valid reason, at which lessons, and how far the telling of
//! those at home has come. Pure; says nothing to anybody.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::daily::{self, Told};
use crate::model::{Channel, Lesson, LessonState, Notification, PupilId, Recipient, same_day};

/// One way to one recipient at home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldBy {
    /// By which channel.
    pub channel: Channel,
    /// When a provider first took a message; none: none did.
    pub at: Option<Timestamp>,
    /// How far it has come: of several messages the one that came furthest.
    pub told: Told,
}

/// One pupil's day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// Who.
    pub pupil: PupilId,
    /// The lessons, by their start.
    pub lessons: Vec<Lesson>,
    /// Who at home was told, each by each channel, the first told first.
    pub told: Vec<ToldBy>,
}

impl Absence {
    /// How far the telling has come with whoever is furthest.
    pub fn furthest(&self) -> Told {
        self.told.iter().map(|one| one.told).max().unwrap_or(Told::Nobody)
    }
}

/// A pupil's day; none: the pupil was not missing from any lesson. `told`: the messages of these lessons.
pub fn absence(pupil: &PupilId, day: &[LessonState], told: &[Notification]) -> Option<Absence> {
    let mut lessons: Vec<Lesson> =
        day.iter().filter(|row| row.missing).map(|row| row.lesson.clone()).collect();
    if lessons.is_empty() {
        return None;
    }
    lessons.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    let mut ways: BTreeMap<(&Recipient, Channel), Vec<&Notification>> = BTreeMap::new();
    for n in told.iter().filter(|n| daily::is_home(n)) {
        ways.entry((&n.recipient, n.channel)).or_default().push(n);
    }
    let mut all: Vec<ToldBy> = ways
        .into_iter()
        .map(|((_, channel), messages)| ToldBy {
            channel,
            at: same_day::told_at(messages.iter().copied()),
            told: messages.iter().map(|n| daily::told(n)).max().unwrap_or(Told::Nobody),
        })
        .collect();
    // What was called back, as when another way was chosen, told nobody.
    all.retain(|one| one.told != Told::Nobody);
    all.sort_by_key(|one| (one.at.is_none(), one.at));
    Some(Absence { pupil: pupil.clone(), lessons, told: all })
}

/// How many of them, by how far the telling has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Pupils.
    pub pupils: usize,
    /// Their lessons.
    pub lessons: usize,
    /// Of whom somebody at home has it.
    pub reached: usize,
    /// Of whom a provider has a message, and has not said that it arrived.
    pub unconfirmed: usize,
    /// Of whom nobody is known to have been told.
    pub not_reached: usize,
}

/// Counts them.
pub fn totals<'a>(all: impl IntoIterator<Item = &'a Absence>) -> Totals {
    let mut totals = Totals::default();
    for one in all {
        totals.pupils += 1;
        totals.lessons += one.lessons.len();
        match one.furthest() {
            Told::Reached => totals.reached += 1,
            Told::Unconfirmed => totals.unconfirmed += 1,
            Told::Nobody | Told::Failed | Told::Waiting | Told::Doubtful => totals.not_reached += 1,
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::testing::notification;
    use crate::model::{
        Attempt, AttemptResult, GuardianId, LessonId, Mark, NotificationId, Outcome, ProviderId,
        Purpose, State,
    };

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn lesson(start: &str, missing: bool) -> LessonState {
        let (start, id) = (at(start), LessonId::new(start).expect("id"));
        let end = start + jiff::SignedDuration::from_mins(60);
        let label = Some("Ma".to_owned());
        let row = LessonState::new(Lesson { id, start, end, label }, start);
        LessonState { mark: Some(Mark::Unexcused), missing, ..row }
    }

    fn message(
        guardian: &str,
        channel: Channel,
        state: State,
        taken: Option<&str>,
    ) -> Notification {
        let mut n = notification(guardian);
        n.id =
            NotificationId::of(&[guardian, channel.as_str(), state.as_str(), taken.unwrap_or("")]);
        n.recipient = Recipient::Guardian(GuardianId::new(guardian).expect("id"));
        (n.channel, n.state) = (channel, state);
        n.attempts = taken
            .map(|time| Attempt {
                started_at: at(time),
                account: ProviderId::new("elks").expect("id"),
                text_sha256: None,
                languages: Vec::new(),
                result: Some(AttemptResult {
                    at: at(time),
                    outcome: Outcome::Accepted { reference: None, parts: None },
                }),
            })
            .into_iter()
            .collect();
        n
    }

    #[test]
    fn a_day_is_its_lessons_and_each_way_by_which_home_was_told() {
        let pupil = PupilId::new("p").expect("id");
        let (early, late) = ("2026-11-24T07:20:00Z", "2026-11-24T12:00:00Z");
        let day = [lesson(late, true), lesson(early, true), lesson("2026-11-24T09:00:00Z", false)];
        let (sms, mail) = (Channel::Sms, Channel::Email);
        let mut to_team = message("x", mail, State::Accepted, Some(late));
        to_team.purpose = Purpose::TeamAlert;
        let messages = [
            message("maria", sms, State::Accepted, Some("2026-11-24T12:04:00Z")),
            message("maria", sms, State::Delivered, Some("2026-11-24T07:24:00Z")),
            message("erik", sms, State::Undelivered, Some("2026-11-24T07:23:00Z")),
            message("erik", mail, State::Accepted, Some("2026-11-24T07:26:00Z")),
            message("olga", mail, State::Cancelled, None),
            message("olga", sms, State::Waiting, None),
            to_team,
        ];
        let found = absence(&pupil, &day, &messages).expect("missing");
        let starts: Vec<_> = found.lessons.iter().map(|lesson| lesson.start).collect();
        assert_eq!(starts, [at(early), at(late)]);
        let told: Vec<_> = found.told.iter().map(|one| (one.channel, one.at, one.told)).collect();
        assert_eq!(
            told,
            [
                (sms, Some(at("2026-11-24T07:23:00Z")), Told::Failed),
                (sms, Some(at("2026-11-24T07:24:00Z")), Told::Reached),
                (mail, Some(at("2026-11-24T07:26:00Z")), Told::Reached),
                (sms, None, Told::Waiting),
            ]
        );
        assert_eq!(absence(&pupil, &day[2..], &messages), None);
        let alone = absence(&pupil, &day, &[]).expect("missing");
        assert_eq!((alone.furthest(), alone.told.len()), (Told::Nobody, 0));
        let doubtful = absence(&pupil, &day[..1], &messages[..1]).expect("missing");
        let counted = totals([&found, &alone, &doubtful]);
        let expected = Totals { pupils: 3, lessons: 5, reached: 1, unconfirmed: 1, not_reached: 1 };
        assert_eq!(counted, expected);
    }
}
