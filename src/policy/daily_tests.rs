//! When lists are due, and who is on them.

use jiff::civil::{date, time};

use super::*;
use crate::delivery::testing::school;
use crate::model::{Lesson, LessonId, Mark};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

#[test]
fn a_list_is_due_at_its_time_on_the_next_day_of_school() {
    for (now, due) in [
        ("2026-11-23T14:29:59Z", "2026-11-23T14:30:00Z"),
        // At that very moment it is made, and the next one is tomorrow's.
        ("2026-11-23T14:30:00Z", "2026-11-24T14:30:00Z"),
        // A Friday.
        ("2026-11-27T20:00:00Z", "2026-11-30T14:30:00Z"),
        ("2026-11-28T10:00:00Z", "2026-11-30T14:30:00Z"),
        // Over the night on which clocks go back, and forward.
        ("2026-10-23T14:00:00Z", "2026-10-26T14:30:00Z"),
        ("2027-03-26T15:00:00Z", "2027-03-29T13:30:00Z"),
    ] {
        assert_eq!(next(time(15, 30, 0, 0), &school(), at(now)), at(due), "{now}");
    }
}

#[test]
fn a_list_of_the_week_is_due_on_the_first_day_of_school_in_it() {
    let days = |text| crate::calendar::Days::parse(text).expect("days");
    let calendar = crate::calendar::Calendar {
        closed: vec![days("2026-10-26..2026-10-30"), days("2026-11-09..2026-11-10")],
        ..crate::calendar::Calendar::default()
    };
    let school = School { calendar: Some(std::sync::Arc::new(calendar)), ..school() };
    for (now, due) in [
        ("2026-10-12T05:44:59Z", "2026-10-12T05:45:00Z"),
        ("2026-10-12T05:45:00Z", "2026-10-19T05:45:00Z"),
        // Week 44 has no school, and the clocks go back before it.
        ("2026-10-19T05:45:00Z", "2026-11-02T06:45:00Z"),
        // On Monday and Tuesday there is none.
        ("2026-11-02T06:45:00Z", "2026-11-11T06:45:00Z"),
        ("2026-11-11T06:45:00Z", "2026-11-16T06:45:00Z"),
        // And forward, on a Sunday.
        ("2027-03-22T06:45:00Z", "2027-03-29T05:45:00Z"),
    ] {
        assert_eq!(next_of_week(time(7, 45, 0, 0), &school, at(now)), at(due), "{now}");
    }
}

fn pupil() -> PupilId {
    PupilId::new("p").expect("an id")
}

fn lesson(start: &str, missing: bool) -> LessonState {
    let start = at(start);
    let end = start + jiff::SignedDuration::from_hours(1);
    let id = LessonId::new(start.to_string()).expect("an id");
    let mut state = LessonState::new(Lesson { id, start, end, label: None }, start);
    state.mark = Some(if missing { Mark::Unexcused } else { Mark::Present });
    state.missing = missing;
    state
}

fn sent(state: State, channel: Channel) -> Notification {
    let about = LessonId::new("l").expect("an id");
    let notice = crate::policy::notice::Notice {
        purpose: Purpose::Absence,
        reason: Reason::UnexcusedAbsence,
        recipient: Recipient::Pupil,
        channel,
        about: &about,
        date: date(2026, 11, 23),
        which: String::new(),
    };
    Notification { state, ..notice.row(&school(), at("2026-11-23T08:00:00Z")) }
}

#[test]
fn whoever_has_it_furthest_counts() {
    let day = [lesson("2026-11-23T07:20:00Z", true), lesson("2026-11-23T09:00:00Z", true)];
    let of = |all: &[Notification]| missing(&pupil(), &day, all).expect("missing").told;
    assert_eq!(of(&[]), Told::Nobody);
    for (state, channel, told) in [
        (State::Delivered, Channel::Sms, Told::Reached),
        (State::Accepted, Channel::Email, Told::Reached),
        (State::Accepted, Channel::Sms, Told::Unconfirmed),
        (State::InDoubt, Channel::Sms, Told::Doubtful),
        (State::Held, Channel::Sms, Told::Doubtful),
        (State::Waiting, Channel::Sms, Told::Waiting),
        (State::Undelivered, Channel::Sms, Told::Failed),
        (State::Expired, Channel::Sms, Told::Failed),
        (State::Cancelled, Channel::Sms, Told::Nobody),
    ] {
        assert_eq!(of(&[sent(state, channel)]), told, "{state:?}");
        let both = [sent(State::Delivered, Channel::Sms), sent(state, channel)];
        assert_eq!(of(&both), Told::Reached, "{state:?} beside one that arrived");
    }
    let team = Notification { purpose: Purpose::TeamAlert, ..sent(State::Delivered, Channel::Sms) };
    assert_eq!(of(&[team]), Told::Nobody, "the team is not the home");
    let first = missing(&pupil(), &day, &[]).expect("missing");
    assert_eq!(first.since, at("2026-11-23T07:20:00Z"));
    assert!(missing(&pupil(), &[lesson("2026-11-23T07:20:00Z", false)], &[]).is_none());
}

#[test]
fn what_is_never_confirmed_is_not_missed_where_nothing_is() {
    let since = Timestamp::UNIX_EPOCH;
    let of = |told: Told| Missing { pupil: pupil(), since, told, told_at: None, known_since: None };
    let left = |all: &[Told]| -> Vec<Told> {
        not_reached(all.iter().map(|told| of(*told)).collect()).iter().map(|m| m.told).collect()
    };
    assert_eq!(left(&[Told::Unconfirmed, Told::Unconfirmed]), []);
    assert_eq!(left(&[Told::Unconfirmed, Told::Reached]), [Told::Unconfirmed]);
    let failed = [Told::Nobody, Told::Failed, Told::Waiting, Told::Doubtful];
    assert_eq!(left(&failed), failed);
}

#[test]
fn whoever_was_told_on_the_day_is_not_missed_and_whoever_has_word_since_is_not_listed() {
    let of = |told, told_at: Option<&str>| Missing {
        pupil: pupil(),
        since: at("2026-11-23T07:20:00Z"),
        told,
        told_at: told_at.map(at),
        known_since: None,
    };
    let all = vec![
        of(Told::Reached, Some("2026-11-23T22:59:59Z")),
        of(Told::Unconfirmed, Some("2026-11-23T23:00:00Z")),
        of(Told::Waiting, None),
        of(Told::Failed, Some("2026-11-24T06:00:00Z")),
    ];
    let missed = missed(all, date(2026, 11, 23), &school());
    let told = |of: &[Missing]| of.iter().map(|m| m.told).collect::<Vec<_>>();
    assert_eq!(told(&missed), [Told::Unconfirmed, Told::Waiting, Told::Failed]);
    assert_eq!(told(&without_word(missed)), [Told::Waiting, Told::Failed]);
}

#[test]
fn a_home_that_the_team_has_spoken_with_is_on_no_list() {
    let spoken = |at_what: &str| Missing {
        pupil: pupil(),
        since: at("2026-11-23T07:20:00Z"),
        told: Told::Nobody,
        told_at: None,
        known_since: Some(at(at_what)),
    };
    let on_the_day = spoken("2026-11-23T10:00:00Z");
    let after_it = spoken("2026-11-24T07:00:00Z");
    assert!(not_reached(vec![on_the_day.clone()]).is_empty());
    let missed = missed(vec![on_the_day, after_it], date(2026, 11, 23), &school());
    assert_eq!(missed.len(), 1, "the law's day was over when the home heard of it");
    assert!(without_word(missed).is_empty(), "it has heard of it all the same");
}

#[test]
fn a_report_tells_of_the_week_before_and_of_weeks_without_school_before_it() {
    use crate::calendar::{Calendar, Days};
    let days = |from, to| Days::new(from, to).expect("days");
    let of_year = School {
        calendar: Some(std::sync::Arc::new(Calendar {
            terms: vec![
                days(date(2026, 8, 17), date(2026, 12, 18)),
                days(date(2027, 1, 11), date(2027, 6, 11)),
            ],
            closed: vec![days(date(2026, 10, 26), date(2026, 10, 30))],
            ..Calendar::default()
        })),
        ..school()
    };
    let of = |day, school: &School| weeks_before(day, school).to_string();
    assert_eq!(of(date(2026, 11, 23), &of_year), "2026-11-16..2026-11-22");
    assert_eq!(
        of(date(2026, 11, 25), &of_year),
        "2026-11-16..2026-11-22",
        "whatever day of the week"
    );
    // In the night to 25 October clocks go back.
    assert_eq!(of(date(2026, 10, 19), &of_year), "2026-10-12..2026-10-18");
    assert_eq!(of(date(2026, 11, 2), &of_year), "2026-10-19..2026-11-01", "the autumn break");
    assert_eq!(of(date(2027, 1, 11), &of_year), "2026-12-14..2027-01-10", "Christmas");
    assert_eq!(of(date(2026, 8, 17), &of_year), "2026-08-10..2026-08-16", "nothing was before");
    assert_eq!(of(date(2026, 11, 2), &school()), "2026-10-26..2026-11-01", "no calendar");
    // Each day of a year is told of once.
    let mut next = date(2026, 8, 10);
    let year = date(2026, 8, 17).series(1.day()).take_while(|day| *day < date(2027, 6, 12));
    for monday in year.filter(|day| of_year.is_first_of_week(*day)) {
        let told = weeks_before(monday, &of_year);
        assert_eq!(told.first(), next, "{monday}");
        next = told.last().tomorrow().expect("a day");
    }
    assert_eq!(next, date(2027, 6, 7));
}
