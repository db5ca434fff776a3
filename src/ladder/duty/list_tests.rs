//! What stands in somebody's list of the day, and on which mornings it comes.

use jiff::ToSpan as _;
use jiff::civil::{Time, date};
use jiff::tz::TimeZone;

use super::*;
use crate::calendar::{Calendar, Days};
use crate::ladder::{Allowed, Documents, DoneBy, Text};
use crate::model::{DutyEvent, NotificationId, PupilId, SchoolId, StaffRole, local_date};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// Autumn break in week 44; summer time ends on the Sunday before it.
fn calendar() -> Calendar {
    Calendar {
        terms: Days::new(date(2026, 8, 17), date(2026, 12, 18)).into_iter().collect(),
        closed: Days::new(date(2026, 10, 26), date(2026, 10, 30)).into_iter().collect(),
        ..Calendar::default()
    }
}

fn rule(documents: bool) -> DutyRule {
    let place = Documents { place: Text::default(), tell: Vec::new() };
    DutyRule {
        id: "call".into(),
        owner: StaffRole::Mentor,
        text: Text::default(),
        due: Allowed::SameDay,
        remind: None,
        done: DoneBy::Word,
        hand_over: None,
        documents: documents.then_some(place),
    }
}

/// A duty to which these things have happened.
fn duty(state: DutyState, due: &str, happened: &[(&str, DutyAct)]) -> Duty {
    let event = |(when, what): &(&str, DutyAct)| DutyEvent {
        at: at(when),
        what: *what,
        by: None,
        why: None,
        word: None,
    };
    Duty {
        id: NotificationId::of(&["duty"]),
        school: SchoolId::new("s").expect("id"),
        pupil: PupilId::new("p").expect("id"),
        firing: NotificationId::of(&["firing"]),
        ladder: "plan".into(),
        version: date(2026, 8, 1),
        step: "first".into(),
        rule: "call".into(),
        owner: StaffRole::Mentor,
        taken_by: None,
        due_at: at(due),
        state,
        documented_at: None,
        reminded_at: None,
        look_at: None,
        history: happened.iter().map(event).collect(),
        notifications: Vec::new(),
    }
}

fn is_listed(duty: &Duty, rule: Option<&DutyRule>, now: &str) -> Option<(Left, String)> {
    let zone = TimeZone::get("Europe/Stockholm").expect("zone");
    let calendar = calendar();
    let day_ends = Time::constant(16, 0, 0, 0);
    let hours = Hours { zone: &zone, calendar: Some(&calendar), day_ends };
    let found = listed(duty, rule, &hours, at(now))?;
    Some((found.left, local_date(found.since, &zone).to_string()))
}

#[test]
fn what_is_overdue_stands_there_as_soon_as_its_owner_had_the_time() {
    let made = ("2026-11-23T09:00:00Z", DutyAct::Made);
    let over = ("2026-11-23T15:00:00Z", DutyAct::Overdue);
    let to = ("2026-11-23T15:00:00Z", DutyAct::HandedOver { to: StaffRole::Principal });
    let (overdue, rule) = (DutyState::Overdue, rule(true));
    let since = |day: &str| Some((Left::Overdue, day.to_owned()));
    let own = duty(overdue, "2026-11-23T15:00:00Z", &[made, over]);
    assert_eq!(is_listed(&own, Some(&rule), "2026-11-24T07:00:00Z"), since("2026-11-23"));
    assert_eq!(is_listed(&own, None, "2026-11-24T07:00:00Z"), since("2026-11-23"));
    // Its new owner has until four in the afternoon of the 24th.
    let new = duty(overdue, "2026-11-24T15:00:00Z", &[made, over, to]);
    assert_eq!(is_listed(&new, Some(&rule), "2026-11-24T07:00:00Z"), None);
    assert_eq!(is_listed(&new, Some(&rule), "2026-11-25T07:00:00Z"), since("2026-11-23"));
    // A history that had no room for it.
    let bare = duty(overdue, "2026-11-24T15:00:00Z", &[made]);
    assert_eq!(is_listed(&bare, Some(&rule), "2026-11-25T07:00:00Z"), since("2026-11-24"));
    for state in [DutyState::Open, DutyState::Taken, DutyState::NotNeeded] {
        let other = duty(state, "2026-11-23T15:00:00Z", &[made, over]);
        assert_eq!(is_listed(&other, Some(&rule), "2026-12-24T07:00:00Z"), None, "{state:?}");
    }
}

#[test]
fn what_is_done_stands_there_when_a_school_day_has_passed_and_it_is_not_documented() {
    for (done, now, stands, why) in [
        ("2026-11-23T09:00:00Z", "2026-11-24T07:00:00Z", false, "the next morning"),
        ("2026-11-23T09:00:00Z", "2026-11-25T07:00:00Z", true, "the one after it"),
        ("2026-11-27T14:00:00Z", "2026-11-30T07:00:00Z", false, "over a weekend"),
        ("2026-11-27T14:00:00Z", "2026-12-01T07:00:00Z", true, "a day after it"),
        ("2026-11-28T14:00:00Z", "2026-12-01T07:00:00Z", true, "done on a Saturday"),
        // The Friday before the break, and the clocks: 08.00 is 06.00 UTC before and 07.00 UTC after.
        ("2026-10-23T12:00:00Z", "2026-10-26T07:00:00Z", false, "the break"),
        ("2026-10-23T12:00:00Z", "2026-11-02T07:00:00Z", false, "the first day after it"),
        ("2026-10-23T12:00:00Z", "2026-11-03T07:00:00Z", true, "the second"),
        // Shortly before midnight at school is the day before, whatever day it is in UTC.
        ("2026-10-21T22:30:00Z", "2026-10-23T06:00:00Z", false, "Thursday at school"),
        ("2026-10-21T21:30:00Z", "2026-10-23T06:00:00Z", true, "Wednesday at school"),
    ] {
        let all = [("2026-08-20T09:00:00Z", DutyAct::Made), (done, DutyAct::Done)];
        let row = duty(DutyState::Done, "2026-12-01T15:00:00Z", &all);
        let found = is_listed(&row, Some(&rule(true)), now);
        assert_eq!(found.is_some(), stands, "{why}");
        assert_eq!(is_listed(&row, Some(&rule(false)), now), None, "it leaves nothing in writing");
        assert_eq!(is_listed(&row, None, now), None, "nobody knows whether it does");
        let documented = Duty { documented_at: Some(at(done)), ..row };
        assert_eq!(is_listed(&documented, Some(&rule(true)), now), None);
    }
}

#[test]
fn a_list_comes_each_school_day_for_two_weeks_and_then_every_week() {
    let calendar = calendar();
    let days = SchoolDays(Some(&calendar));
    let told = |day: Date, owed: &[Date]| {
        let monday = day - i64::from(day.weekday().to_monday_zero_offset()).days();
        let before = (0..).map(|n: i64| monday + n.days()).take_while(|before| *before < day);
        let first = days.has(day) && !before.into_iter().any(|before| days.has(before));
        is_told_on(day, first, days, owed.iter().copied())
    };
    let of = |since: Date, count: i64| -> Vec<String> {
        let all = (1..count).map(|n| since + n.days()).filter(|day| days.has(*day));
        all.filter(|day| told(*day, &[since]))
            .map(|day| day.strftime("%d/%m").to_string())
            .collect()
    };
    assert_eq!(
        of(date(2026, 11, 23), 25),
        [
            "24/11", "25/11", "26/11", "27/11", "30/11", "01/12", "02/12", "03/12", "04/12",
            "07/12", // Weekly from here on.
            "14/12"
        ]
    );
    // A break counts no day; the first school day of a week need not be a Monday.
    assert_eq!(
        of(date(2026, 10, 21), 30),
        [
            "22/10", "23/10", "02/11", "03/11", "04/11", "05/11", "06/11", "09/11", "10/11",
            "11/11", "16/11"
        ]
    );
    // One that is new brings the old ones along.
    let old = date(2026, 10, 1);
    assert!(!told(date(2026, 12, 9), &[old]) && told(date(2026, 12, 9), &[old, date(2026, 12, 8)]));
    assert!(!told(date(2026, 12, 14), &[]), "nothing is left");
}

#[test]
fn whoever_has_something_left_hears_of_it_on_the_first_school_day_of_each_week() {
    use proptest::prelude::*;
    let calendar = calendar();
    proptest!(|(since in 0_i64..70, later in 1_i64..60)| {
        let days = SchoolDays(Some(&calendar));
        let owed = date(2026, 8, 17) + since.days();
        let day = owed + later.days();
        let daily = days.between(owed, day, 100) < 10;
        prop_assert!(is_told_on(day, true, days, [owed]));
        prop_assert_eq!(is_told_on(day, false, days, [owed]), daily);
        prop_assert!(is_told_on(day, false, days, [owed, day - 1.day()]));
    });
}

#[test]
fn a_page_shows_what_is_left_whatever_has_been_ticked_on_it() {
    let numbered = |n: u32, state, left: Left| {
        let due = format!("2026-11-23T{:02}:{:02}:00Z", n / 60, n % 60);
        let mut duty = duty(state, &due, &[(&due, DutyAct::Made)]);
        duty.id = NotificationId::of(&[&n.to_string()]);
        (duty, left)
    };
    let open = |n| numbered(n, DutyState::Open, Left::Overdue);
    let over = |n| numbered(n, DutyState::NotNeeded, Left::Over);
    let all: Vec<_> = (0..30).map(over).chain((100..203).rev().map(open)).collect();
    let (shown, more) = page(all);
    assert_eq!((shown.len(), more), (120, 3));
    let is_open = |duty: &&Duty| duty.state.is_open();
    assert_eq!(
        shown.iter().take_while(is_open).count(),
        100,
        "the first due first, all to be done"
    );
    assert_eq!(shown[0].id, open(100).0.id);
    assert_eq!(shown[100].id, over(29).0.id, "what was ticked last is seen first");
    // All of them ticked: what did not fit before is there.
    let all: Vec<_> = (0..200).map(over).chain((200..203).map(open)).collect();
    let (shown, more) = page(all);
    assert_eq!((shown.iter().filter(is_open).count(), shown.len(), more), (3, 23, 0));
}
