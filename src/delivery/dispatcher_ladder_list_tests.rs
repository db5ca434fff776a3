//! Lists of what somebody has left, and the report of the week: to whom, on which mornings, of whom, and what of it is
//! still so when it leaves.

use jiff::civil::Time;

use super::*;
use crate::calendar::{Calendar, Days};
use crate::delivery::{daily, duty_list};
use crate::directory::DailyLists;
use crate::model::local_date;
use crate::store::rows::Due;

/// Every duty is the mentor's, and nobody gets it after that.
fn for_mentors() -> String {
    LADDER
        .replace("owner = \"attendance-team\"", "owner = \"mentor\"")
        .replace("if-not-done = \"principal\"\n", "")
}

/// A school that gets these two by mail, and nothing else that is made by the clock.
async fn begun(people: Roster, ladder: &str, change: impl FnOnce(&mut School)) -> Bench {
    let plan = read(ladder).expect("a good ladder");
    let b = bench(people, |school| {
        school.ladders.versions = vec![Arc::new(plan.ladder)];
        school.daily = DailyLists {
            not_reached: None,
            missed: None,
            roster_audit: None,
            day_report: None,
            term_report: None,
            office_email: None,
        };
        school.ladders.report = None;
        change(school);
    });
    daily::begin(&b.dispatcher.shared).await.expect("begun");
    b
}

async fn on(b: &mut Bench, time: &str) {
    b.set_to(time.parse().expect("time"));
    b.work().await;
}

/// The lists that have left, as (to, subject, text).
fn lists(b: &Bench) -> Vec<(String, String, String)> {
    mails(b).into_iter().filter(|(_, subject, _)| subject.starts_with("Kvar att göra")).collect()
}

const THREE: &[Family<'_>] = &[
    ("p", Protection::None, &[("g1", 605)]),
    ("q", Protection::None, &[("g2", 606)]),
    ("r", Protection::None, &[("g3", 607)]),
    ("hidden", Protection::Protected, &[("g4", 608)]),
];

#[tokio::test]
async fn what_is_overdue_comes_in_one_list_each_morning_until_it_is_done_and_documented() {
    let mut b = begun(people(ONE), LADDER, |_| {}).await;
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    on(&mut b, "2026-11-23T15:00:00Z").await;
    assert_eq!(heads(&b).len(), 3, "told, to do, and handed over: {:?}", heads(&b));
    // The principal has the school day.
    on(&mut b, "2026-11-24T07:00:00Z").await;
    assert!(lists(&b).is_empty(), "{:?}", lists(&b));
    on(&mut b, "2026-11-25T06:59:59Z").await;
    assert!(lists(&b).is_empty());
    on(&mut b, "2026-11-25T07:00:00Z").await;
    let [(to, subject, text)] = &lists(&b)[..] else { panic!("{:?}", lists(&b)) };
    assert_eq!(
        (to.as_str(), subject.as_str()),
        ("principal@example.se", "Kvar att göra 2026-11-25: 1 uppgift")
    );
    let [duty] = duties_of(&b).await.try_into().expect("one duty");
    let case = crate::message::thread::case_number(
        &school().id,
        &PupilId::new("p").expect("id"),
        "2026-11-23".parse().expect("date"),
    );
    for part in [case.as_str(), &duty.number(), "Ring hem i dag.", "sedan 2026-11-23", "elevloggen"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    for secret in ["Alva", "Hemlig", "7B", "0701", "en gång i veckan"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    on(&mut b, "2026-11-26T07:00:00Z").await;
    assert_eq!(lists(&b).len(), 2, "the next morning again");
    say(&b, &duty, Say::Done).await;
    on(&mut b, "2026-11-27T07:00:00Z").await;
    assert_eq!(lists(&b).len(), 2, "there is a school day to write it down");
    on(&mut b, "2026-11-30T07:00:00Z").await;
    let (_, _, text) = lists(&b).pop().expect("a list");
    assert!(text.contains("Gjort, inte dokumenterat: sedan 2026-11-26"), "{text}");
    say(&b, &duty, Say::Documented).await;
    on(&mut b, "2026-12-01T07:00:00Z").await;
    assert_eq!(lists(&b).len(), 3);
}

#[tokio::test]
async fn each_has_one_list_and_of_protected_pupils_the_principal_has_a_number() {
    let mut b =
        begun(people(THREE), &for_mentors(), |s| s.ladders.mail = LadderMail::Initials).await;
    for pupil in ["p", "q", "r", "hidden"] {
        b.mark(pupil, Mark::Unexcused).await;
    }
    b.work().await;
    on(&mut b, "2026-11-23T15:00:00Z").await;
    let before = mails(&b).len();
    on(&mut b, "2026-11-24T07:00:00Z").await;
    let mut all = lists(&b);
    all.sort();
    assert_eq!(mails(&b).len(), before + 2, "{:?}", heads(&b));
    let [(mentor, subject, own), (principal, _, other)] = &all[..] else { panic!("{all:?}") };
    assert_eq!(
        (mentor.as_str(), principal.as_str()),
        ("mentor@example.se", "principal@example.se")
    );
    assert_eq!(subject, "Kvar att göra 2026-11-24: 3 uppgifter");
    assert_eq!(own.matches("Ring hem i dag.").count(), 3, "{own}");
    assert!(own.contains("A.H., 7B") && !own.contains("får inte nämnas"), "{own}");
    assert!(other.contains("1 till får inte nämnas här"), "{other}");
    assert!(other.contains("upprop duty list --school s --overdue"), "{other}");
    for secret in ["Ring hem", "A.H.", "Ärende:", "NUMMER", "hidden", "elevloggen"] {
        assert!(!other.contains(secret), "{secret} in {other}");
    }
}

#[tokio::test]
async fn a_list_says_what_is_so_when_it_leaves_and_does_not_leave_when_nothing_is_left() {
    let mut b = begun(people(THREE), &for_mentors(), |_| {}).await;
    for pupil in ["p", "q"] {
        b.mark(pupil, Mark::Unexcused).await;
    }
    b.work().await;
    on(&mut b, "2026-11-23T15:00:00Z").await;
    for (done, left) in [(1, 1), (1, 0)] {
        let now = b.clock.now();
        let directory = b.directory.load_full();
        let mut unit = Unit::new(b.kv.as_ref());
        let (of, day) =
            (directory.schools.values().next().expect("a school"), local_date(now, &school().zone));
        duty_list::tell(b.kv.as_ref(), &mut unit, &directory, of, day, now).await.expect("made");
        assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
        let open: Vec<Duty> =
            duties_of(&b).await.into_iter().filter(|d| d.state.is_open()).collect();
        for duty in open.iter().take(done) {
            say(&b, duty, Say::NotNeeded).await;
        }
        let before = lists(&b).len();
        b.work().await;
        let new = &lists(&b)[before..];
        assert_eq!(new.len(), left, "{new:?}");
        assert!(new.iter().all(|(_, _, text)| text.matches("Ärende:").count() == left), "{new:?}");
        b.set_to(now + SignedDuration::from_hours(24));
    }
    // Of the one that did not leave is known why.
    let all: Vec<crate::model::Notification> = rows(&b, tables::NOTIFICATIONS).await;
    let dropped =
        all.iter().find(|n| n.purpose == Purpose::DutyList && n.state == State::Cancelled);
    assert_eq!(dropped.expect("a row").state_reason, Some(Reason::NothingToList));
}

#[tokio::test]
async fn after_ten_school_days_the_list_comes_on_the_first_school_day_of_the_week() {
    let mut b = begun(people(ONE), &for_mentors(), |_| {}).await;
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    on(&mut b, "2026-11-23T15:00:00Z").await;
    let mut told: Vec<String> = Vec::new();
    let mut day: Date = "2026-11-24".parse().expect("date");
    for _ in 0..28 {
        let before = lists(&b).len();
        on(&mut b, &format!("{day}T07:00:00Z")).await;
        if lists(&b).len() > before {
            told.push(day.strftime("%d/%m").to_string());
        }
        day = day.tomorrow().expect("a day");
    }
    let two_weeks =
        ["24/11", "25/11", "26/11", "27/11", "30/11", "01/12", "02/12", "03/12", "04/12", "07/12"];
    assert_eq!(told[..10], two_weeks);
    assert_eq!(told[10..], ["14/12", "21/12"]);
    let (_, _, text) = lists(&b).pop().expect("a list");
    assert!(text.contains("Därför kommer listan en gång i veckan."), "{text}");
    // On the Monday after clocks went forward eight is an hour earlier.
    on(&mut b, "2027-03-28T20:00:00Z").await;
    let before = lists(&b).len();
    on(&mut b, "2027-03-29T05:59:59Z").await;
    assert_eq!(lists(&b).len(), before);
    on(&mut b, "2027-03-29T06:00:00Z").await;
    assert_eq!(lists(&b).len(), before + 1);
}

#[tokio::test]
async fn what_is_overdue_ends_when_its_pupil_leaves_whether_or_not_there_are_lists() {
    for wants_lists in [true, false] {
        let mut b = begun(people(ONE), &for_mentors(), |s| {
            if !wants_lists {
                s.ladders.duty_list = None;
            }
        })
        .await;
        b.mark("p", Mark::Unexcused).await;
        b.work().await;
        on(&mut b, "2026-11-23T15:00:00Z").await;
        on(&mut b, "2026-11-24T07:00:00Z").await;
        assert_eq!(lists(&b).len(), usize::from(wants_lists));
        let mut directory = Directory::clone(&b.directory.load());
        let roster = Arc::make_mut(&mut directory.roster);
        let pupils = roster.pupils.get_mut(&school().id).expect("pupils");
        let mut other = pupils.pop_first().expect("a pupil").1;
        other.id = PupilId::new("q").expect("id");
        pupils.insert(other.id.clone(), other);
        b.directory.store(Arc::new(directory));
        on(&mut b, "2026-11-25T07:00:00Z").await;
        b.set_to("2026-11-25T07:01:00Z".parse().expect("time"));
        b.work().await;
        let [duty] = duties_of(&b).await.try_into().expect("one duty");
        assert_eq!(duty.history.last().expect("an event").what, DutyAct::PupilLeft);
        let left = mails(&b).into_iter().filter(|(_, subject, _)| subject.contains("slutat"));
        assert_eq!(left.map(|(to, ..)| to).collect::<Vec<_>>(), ["principal@example.se"]);
        assert_eq!(lists(&b).len(), usize::from(wants_lists), "of somebody who has left");
    }
}

#[tokio::test]
async fn a_row_that_makes_an_overdue_duty_due_comes_to_rest() {
    let mut b = begun(people(ONE), &for_mentors(), |s| s.ladders.duty_list = None).await;
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    on(&mut b, "2026-11-23T15:00:00Z").await;
    let [mut duty] = duties_of(&b).await.try_into().expect("one duty");
    let before = mails(&b).len();
    duty.look_at = "2026-11-24T09:00:00Z".parse().ok();
    let mut unit = Unit::new(b.kv.as_ref());
    let due =
        Due::Duty { school: duty.school.clone(), pupil: duty.pupil.clone(), id: duty.id.clone() };
    unit.write(tables::duty_due(&duty).expect("due"), &due);
    unit.write(tables::duty(&duty), &duty);
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    on(&mut b, "2026-11-24T09:00:00Z").await;
    let [served] = duties_of(&b).await.try_into().expect("one duty");
    assert_eq!(served, Duty { look_at: None, ..duty });
    assert_eq!(mails(&b).len(), before);
}

/// The reports that have left.
fn reports(b: &Bench) -> Vec<(String, String, String)> {
    let is = |subject: &str| {
        subject.starts_with("Handlingsplanen vecka") || subject.starts_with("Handlingsplanen till")
    };
    let mut all: Vec<_> = mails(b).into_iter().filter(|(_, subject, _)| is(subject)).collect();
    all.sort();
    all
}

#[tokio::test]
async fn a_week_is_reported_to_the_team_and_the_principal_on_the_first_school_day_after_it() {
    let mut b = begun(people(THREE), LADDER, |s| {
        s.ladders.duty_list = None;
        s.ladders.report = Some(Time::constant(7, 30, 0, 0));
    })
    .await;
    for pupil in ["p", "q", "hidden"] {
        b.mark(pupil, Mark::Unexcused).await;
    }
    b.work().await;
    on(&mut b, "2026-11-23T10:00:00Z").await;
    let mut all = duties_of(&b).await;
    all.sort_by(|a, b| a.pupil.cmp(&b.pupil));
    let [_, p, q] = &all[..] else { panic!("{all:?}") };
    say(&b, p, Say::Done).await;
    on(&mut b, "2026-11-23T15:00:00Z").await;
    on(&mut b, "2026-11-30T06:29:59Z").await;
    assert!(reports(&b).is_empty());
    on(&mut b, "2026-11-30T06:30:00Z").await;
    let all = reports(&b);
    let to: Vec<&str> = all.iter().map(|(to, ..)| to.as_str()).collect();
    assert_eq!(to, ["principal@example.se", "team@example.se"]);
    for (_, subject, text) in &all {
        assert_eq!(subject, "Handlingsplanen vecka 48: 1 uppgift kvar, 1 inte gjorda i tid");
        for part in [
            "2026-11-23 - 2026-11-29",
            "Nådda: <5, Återtagna: 0, Elever: <5",
            "Nya: 2, Gjorda i tid: 1, Gjorda för sent: 0",
            "Kvar: 1, Inte gjorda i tid: 1, Samtal hem: 1",
            "rektor",
            &format!("Nummer: {}", q.number()),
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        // The protected pupil is in none of it.
        assert_eq!(text.matches("Ärende:").count(), 1, "{text}");
        for secret in ["Alva", "Hemlig", "7B", &p.number()] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    on(&mut b, "2026-12-01T06:30:00Z").await;
    assert_eq!(reports(&b).len(), 2, "once a week");
    // Nothing happened in the week after, and something is still left.
    on(&mut b, "2026-12-07T06:30:00Z").await;
    let all = reports(&b);
    assert!(
        all.len() == 4 && all[1].2.contains("Nådda: 0") || all[0].2.contains("Nådda: 0"),
        "{all:?}"
    );
    say(&b, q, Say::NotNeeded).await;
    on(&mut b, "2026-12-14T06:30:00Z").await;
    on(&mut b, "2026-12-21T06:30:00Z").await;
    assert_eq!(reports(&b).len(), 4, "no mail of nothing");
}

#[tokio::test]
async fn after_a_break_the_report_tells_of_the_weeks_since_the_last_one() {
    let days = |from: &str, to: &str| {
        Days::new(from.parse().expect("date"), to.parse().expect("date")).expect("days")
    };
    let calendar = Calendar {
        terms: vec![days("2026-08-17", "2026-12-18")],
        closed: vec![days("2026-11-30", "2026-12-07")],
        ..Calendar::default()
    };
    let mut b = begun(people(ONE), LADDER, |s| {
        s.calendar = Some(Arc::new(calendar));
        s.ladders.duty_list = None;
        s.ladders.report = Some(Time::constant(7, 30, 0, 0));
    })
    .await;
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    on(&mut b, "2026-11-23T15:00:00Z").await;
    for day in ["2026-11-30", "2026-12-07"] {
        on(&mut b, &format!("{day}T06:30:00Z")).await;
        assert!(reports(&b).is_empty(), "{day} is no school day");
    }
    // A Tuesday.
    on(&mut b, "2026-12-08T06:30:00Z").await;
    let all = reports(&b);
    assert_eq!(all.len(), 2);
    assert!(
        all.iter().all(|(_, subject, text)| {
            subject.starts_with("Handlingsplanen till vecka 49")
                && text.contains("2026-11-23 - 2026-12-06")
        }),
        "{all:?}"
    );
}

#[tokio::test]
async fn more_lists_than_fit_in_one_commit_are_made_all_the_same_and_each_once() {
    let ids: Vec<String> = (0..160).map(|n| format!("p{n:03}")).collect();
    let families: Vec<Family<'_>> =
        ids.iter().map(|id| (id.as_str(), Protection::None, &[][..])).collect();
    let mut people = people(&families);
    for (n, pupil) in people.pupils.get_mut(&school().id).expect("pupils").values_mut().enumerate()
    {
        let id = format!("mentor{n}");
        pupil.mentor = StaffId::new(&*id).ok();
        people.staff.insert(StaffId::new(&*id).expect("id"), staff(&id, StaffRole::Mentor));
    }
    let mut b = begun(people, &for_mentors(), |_| {}).await;
    for id in &ids {
        b.mark(id, Mark::Unexcused).await;
    }
    on(&mut b, "2026-11-23T15:00:00Z").await;
    on(&mut b, "2026-11-24T07:00:00Z").await;
    let made: Vec<crate::model::Notification> = rows(&b, tables::NOTIFICATIONS).await;
    let lists: std::collections::BTreeSet<_> = made
        .iter()
        .filter(|n| n.purpose == Purpose::DutyList)
        .map(|n| (n.recipient.key(), n.date))
        .collect();
    assert_eq!(lists.len(), 160);
    let bytes: usize = made
        .iter()
        .filter(|n| n.purpose == Purpose::DutyList)
        .map(|n| serde_json::to_vec(n).expect("JSON").len())
        .sum();
    assert!(bytes > crate::store::MAX_BATCH_BYTES / 2, "{bytes}: they would fit in one");
}

#[tokio::test]
async fn each_municipality_has_the_list_of_its_own_pupils() {
    let mut people = people(THREE);
    let pupils = people.pupils.get_mut(&school().id).expect("pupils");
    for (pupil, home) in [("p", "0180"), ("q", "0181"), ("r", "0180")] {
        let id = PupilId::new(pupil).expect("id");
        pupils.get_mut(&id).expect("a pupil").home_municipality = Some(home.into());
    }
    for home in ["0180", "0181"] {
        let id = format!("m{home}");
        let row =
            Staff { municipality: Some(home.into()), ..staff(&id, StaffRole::HomeMunicipality) };
        people.staff.insert(StaffId::new(&*id).expect("id"), row);
    }
    let ladder = for_mentors().replace("owner = \"mentor\"", "owner = \"home-municipality\"");
    let mut b = begun(people, &ladder, |_| {}).await;
    for pupil in ["p", "q", "r"] {
        b.mark(pupil, Mark::Unexcused).await;
    }
    on(&mut b, "2026-11-23T15:00:00Z").await;
    on(&mut b, "2026-11-24T07:00:00Z").await;
    let mut all: Vec<_> = lists(&b)
        .into_iter()
        .map(|(to, subject, _)| (to, subject.rsplit(": ").next().unwrap_or_default().to_owned()))
        .collect();
    all.sort();
    let expected = [("m0180@example.se", "2 uppgifter"), ("m0181@example.se", "1 uppgift")];
    assert_eq!(all, expected.map(|(to, what)| (to.to_owned(), what.to_owned())));
}
