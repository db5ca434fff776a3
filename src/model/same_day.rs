//! Two clocks of one absence, kept apart. The service goal: how long after upprop knew a provider had the first message
//! home. The law's: somebody at home is to be told on the day itself (skollagen 7 kap. 17 §), by the school's clock,
//! whenever upprop came to know. Pure.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{Notification, Outcome, Purpose, Recipient, State};

/// Whether somebody at home was told on the day itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameDay {
    /// Told, and when.
    Told(Timestamp),
    /// Not yet; the day ends then.
    Until(Timestamp),
    /// The day is over; when somebody was told after all.
    Missed(Option<Timestamp>),
}

/// When a day is over in a zone: at the first moment of the next one, whatever clocks do in between.
pub fn end_of(day: Date, zone: &TimeZone) -> Timestamp {
    let next = day.tomorrow().ok().and_then(|next| zone.to_zoned_datetime(next.into()).ok());
    next.map_or(Timestamp::MAX, |next| next.timestamp())
}

/// When a provider first took a message home about an absence. One in doubt is not known to have been taken, and one that
/// was taken back told nobody.
pub fn told_at<'a>(told: impl IntoIterator<Item = &'a Notification>) -> Option<Timestamp> {
    let told: Vec<&Notification> = told.into_iter().collect();
    let stands = |n: &&Notification| {
        !told.iter().any(|c| c.corrects.as_ref() == Some(&n.id) && c.may_have_arrived())
    };
    let home = |n: &&Notification| {
        n.purpose == Purpose::Absence
            && matches!(n.recipient, Recipient::Guardian(_) | Recipient::Pupil)
    };
    let taken = |n: &'a Notification| {
        let results = n.attempts.iter().filter_map(|attempt| attempt.result.as_ref());
        let accepted =
            results.filter(|r| matches!(r.outcome, Outcome::Accepted { .. })).map(|r| r.at).min();
        // One whose answer never came, and of which a report says that it arrived, left when it was tried.
        let reported = (n.state == State::Delivered).then(|| n.attempts.last()).flatten();
        accepted.or_else(|| reported.map(|attempt| attempt.started_at))
    };
    told.iter().copied().filter(home).filter(stands).filter_map(taken).min()
}

/// How the law's clock of a day stands.
pub fn same_day(day: Date, zone: &TimeZone, told: Option<Timestamp>, now: Timestamp) -> SameDay {
    let end = end_of(day, zone);
    match told {
        Some(at) if at < end => SameDay::Told(at),
        None if now < end => SameDay::Until(end),
        told => SameDay::Missed(told),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::delivery::testing::notification;
    use crate::model::{Attempt, AttemptResult, ProviderId};

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn stockholm() -> TimeZone {
        TimeZone::get("Europe/Stockholm").expect("a zone")
    }

    #[test]
    fn a_day_ends_at_midnight_by_the_schools_clock() {
        for (day, end) in [
            (date(2026, 11, 23), "2026-11-24T00:00:00+01:00"),
            (date(2026, 10, 25), "2026-10-26T00:00:00+01:00"),
            (date(2026, 10, 24), "2026-10-25T00:00:00+02:00"),
            (date(2027, 3, 28), "2027-03-29T00:00:00+02:00"),
        ] {
            assert_eq!(end_of(day, &stockholm()), at(end), "{day}");
        }
        // A midnight that there is not.
        let cairo = TimeZone::get("Africa/Cairo").expect("a zone");
        assert_eq!(end_of(date(2026, 4, 23), &cairo), at("2026-04-24T01:00:00+03:00"));
    }

    #[test]
    fn the_laws_clock_runs_until_midnight_and_is_kept_or_missed() {
        let day = date(2026, 11, 23);
        let (before, midnight) = (at("2026-11-23T22:59:59Z"), at("2026-11-23T23:00:00Z"));
        let stand = |told, now| same_day(day, &stockholm(), told, now);
        assert_eq!(stand(None, before), SameDay::Until(midnight));
        assert_eq!(stand(None, midnight), SameDay::Missed(None));
        assert_eq!(stand(Some(before), midnight), SameDay::Told(before));
        assert_eq!(stand(Some(midnight), midnight), SameDay::Missed(Some(midnight)));
    }

    #[test]
    fn only_a_provider_that_took_it_counts_and_only_messages_home() {
        let tried = |outcome| Attempt {
            started_at: at("2026-11-23T08:00:00Z"),
            account: ProviderId::new("a").expect("an id"),
            text_sha256: None,
            languages: Vec::new(),
            result: Some(AttemptResult { at: at("2026-11-23T08:00:01Z"), outcome }),
        };
        let accepted = || tried(Outcome::Accepted { reference: None, parts: None });
        let mut home = notification("g");
        assert_eq!(told_at([&home]), None);
        home.attempts.push(tried(Outcome::InDoubt { code: "x".into() }));
        assert_eq!(told_at([&home]), None);
        home.attempts.push(accepted());
        assert_eq!(told_at([&home]), Some(at("2026-11-23T08:00:01Z")));
        // Killed before the answer was written, and reported later.
        let mut reported = notification("g");
        reported.attempts.push(Attempt { result: None, ..accepted() });
        assert_eq!(told_at([&reported]), None);
        reported.state = State::Delivered;
        assert_eq!(told_at([&reported]), Some(at("2026-11-23T08:00:00Z")));
        let mut team = notification("g");
        team.purpose = Purpose::TeamAlert;
        team.attempts.push(accepted());
        assert_eq!(told_at([&team]), None);
    }
}
