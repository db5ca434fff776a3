//! Ladders from the mark to the mail: who is told what and when, what is taken back, ticked, handed over and ended.

use jiff::civil::Date;

use super::*;
use crate::directory::{LadderMail, LadderRules, Staff};
use crate::intake::duties;
use crate::ladder::duty::{Said, Say};
use crate::ladder::read::read;
use crate::model::{Duty, DutyAct, DutyState, Firing, StaffId, StaffRole};

#[path = "dispatcher_ladder_list_tests.rs"]
mod list;
#[path = "dispatcher_ladder_settling_tests.rs"]
mod settling;
#[path = "dispatcher_ladder_words_tests.rs"]
mod words;

/// Each unexcused occasion is phoned about; the third excused one is for the mentor; two days away for the health team.
const LADDER: &str = r#"
name = "plan"
title = { sv = "Handlingsplanen", en = "The plan" }
from = 2026-08-01
source = "A test."

[[step]]
id = "first"
title = { sv = "Ogiltigt tillfälle", en = "Unexcused occasion" }
when = { every = "unexcused", unit = "occasion" }
[[step.notify]]
role = "mentor"
text = { sv = "Teamet ringer hem.", en = "The team phones home." }
[[step.duty]]
id = "call"
owner = "attendance-team"
do = { sv = "Ring hem i dag.", en = "Phone home today." }
due = "same day"
done = "home-reached"
if-not-done = "principal"
documents = { where = { sv = "elevloggen", en = "the pupil log" }, tell = ["mentor"] }

[[step]]
id = "two-days"
title = { sv = "Två dagar", en = "Two days" }
when = { continuous = "any", at-least = "2 school days" }
[[step.duty]]
id = "decide"
owner = "student-health-team"
do = { sv = "Besluta om åtgärd.", en = "Decide what to do." }
due = "2 school days"
remind = "1 school day"

[[example]]
title = "one"
absent = ["2026-09-14 08.20-09.20 unexcused"]
expect = ["2026-09-14 first"]

[[example]]
title = "two"
absent = ["2026-09-14..2026-09-15 excused"]
expect = ["2026-09-15 two-days"]
"#;

fn staff(id: &str, role: StaffRole) -> Staff {
    Staff {
        id: StaffId::new(id).expect("id"),
        school: None,
        role,
        municipality: None,
        name: None,
        email: EmailAddress::new(format!("{id}@example.se")).ok(),
        phone: None,
    }
}

fn people(pupils: &[Family<'_>]) -> Roster {
    let mut roster = roster(pupils);
    for pupil in roster.pupils.get_mut(&school().id).expect("pupils").values_mut() {
        pupil.class = Some("7B".into());
        pupil.family_name = Some("Hemlig".into());
        pupil.mentor = StaffId::new("mentor").ok();
    }
    for (id, role) in [
        ("mentor", StaffRole::Mentor),
        ("health", StaffRole::StudentHealthTeam),
        ("principal", StaffRole::Principal),
    ] {
        roster.staff.insert(StaffId::new(id).expect("id"), staff(id, role));
    }
    roster
}

const ONE: &[Family<'_>] = &[("p", Protection::None, &[("g1", 605)])];

fn rules() -> LadderRules {
    let plan = read(LADDER).expect("a good ladder");
    LadderRules {
        versions: vec![Arc::new(plan.ladder)],
        settle: SignedDuration::ZERO,
        ..LadderRules::default()
    }
}

fn bench(roster: Roster, change: impl FnOnce(&mut School)) -> Bench {
    let b = Bench::new(None, roster);
    let mut school = school();
    school.ladders = rules();
    // Only what is of ladders goes by mail here.
    school.registers.digest = Vec::new();
    change(&mut school);
    let roster = b.directory.load().roster.clone();
    let schools = Arc::new([(school.id.clone(), school)].into());
    b.directory.store(Arc::new(Directory { schools, roster }));
    b
}

/// Mails of ladders as (to, subject, text), in order; the team's case mails are left out.
fn mails(b: &Bench) -> Vec<(String, String, String)> {
    let all = b.mail.sent();
    let all = all.iter().map(|(envelope, bytes)| {
        let parsed = mail_parser::MessageParser::default().parse(bytes).expect("a mail");
        let subject = parsed.subject().unwrap_or_default().to_owned();
        let text = parsed.body_text(0).unwrap_or_default().into_owned();
        (envelope.to.expose().to_owned(), subject, text)
    });
    all.filter(|(_, subject, _)| {
        !subject.starts_with("Ej anlänt") && !subject.contains("Ingen nådd")
    })
    .collect()
}

/// To whom, and the first word of the subject.
fn heads(b: &Bench) -> Vec<(String, String)> {
    let head = |(to, subject, _): (String, String, String)| {
        let to = to.split('@').next().unwrap_or_default().to_owned();
        (to, subject.split([':', ',']).next().unwrap_or_default().to_owned())
    };
    let mut found: Vec<(String, String)> = mails(b).into_iter().map(head).collect();
    found.sort();
    found
}

fn head(to: &str, what: &str) -> (String, String) {
    (to.into(), what.into())
}

async fn rows<T: serde::de::DeserializeOwned>(b: &Bench, prefix: &[u8]) -> Vec<T> {
    let found = b.kv.scan(prefix, &after_prefix(prefix), 10_000).await.expect("scan");
    found.iter().map(|(_, row)| crate::store::ledger::decode(row).expect("row")).collect()
}

async fn duties_of(b: &Bench) -> Vec<Duty> {
    rows(b, tables::DUTIES).await
}

async fn say(b: &Bench, row: &Duty, say: Say) {
    let mut unit = Unit::new(b.kv.as_ref());
    let directory = b.directory.load_full();
    let school = directory.schools.values().next().expect("a school");
    let mut row: Duty = unit.read(&tables::duty(row)).await.expect("store").expect("a duty");
    let said = Said { at: b.clock.now(), by: "anna", why: Some("talked") };
    duties::record(&mut unit, &directory, school, &mut row, say, said)
        .await
        .expect("store")
        .expect("it can be said");
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
}

#[tokio::test]
async fn an_unexcused_occasion_is_a_duty_and_its_mails_are_pointers() {
    let mut b = bench(people(ONE), |_| {});
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    assert_eq!(heads(&b), [head("mentor", "Handlingsplanen"), head("team", "Att göra")]);
    let case = crate::message::thread::case_number(
        &school().id,
        &PupilId::new("p").expect("id"),
        "2026-11-23".parse().expect("date"),
    );
    let [duty] = duties_of(&b).await.try_into().expect("one duty");
    for (to, subject, text) in mails(&b) {
        assert!(subject.contains(&case) && text.contains(&case), "{subject} {text}");
        for secret in ["Alva", "Hemlig", "7B", "2026-11-23", "0701"] {
            assert!(!text.contains(secret) && !subject.contains(secret), "{secret} in {text}");
        }
        assert!(text.contains("Handlingsplanen, version 2026-08-01"), "{text}");
        if to.starts_with("team") {
            for part in ["Ring hem i dag.", "16.00", "elevloggen", &duty.number()] {
                assert!(text.contains(part), "{part} in {text}");
            }
        } else {
            assert!(text.contains("Teamet ringer hem.") && !text.contains("Ring hem i dag"));
        }
    }
    assert_eq!((duty.state, duty.due_at), (DutyState::Open, at("16:00:00")));
    // Done in time: nobody hears more, but those who are told where it is written.
    b.set("10:00:00");
    say(&b, &duty, Say::Done).await;
    b.set("10:05:00");
    say(&b, &duty, Say::Documented).await;
    b.set("16:01:30");
    b.work().await;
    assert_eq!(heads(&b).len(), 3, "{:?}", heads(&b));
    assert!(heads(&b).contains(&head("mentor", "Dokumenterat")));
    let [firing] = rows::<Firing>(&b, tables::FIRINGS).await.try_into().expect("one step");
    assert_eq!(firing.because, ["2026-11-23".parse::<Date>().expect("date")]);
}

#[tokio::test]
async fn what_nobody_does_is_handed_over_and_told_of_once() {
    let mut b = bench(people(ONE), |_| {});
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    b.set("16:00:00");
    b.work().await;
    assert_eq!(heads(&b).len(), 3, "{:?}", heads(&b));
    assert!(heads(&b).contains(&head("principal", "Inte gjort i tid")));
    let overdue = mails(&b).into_iter().find(|(to, ..)| to.starts_with("principal"));
    let text = overdue.expect("a mail").2;
    assert!(text.contains("låg tidigare hos närvaroteam"), "{text}");
    let [duty] = duties_of(&b).await.try_into().expect("one duty");
    assert_eq!((duty.state, duty.owner), (DutyState::Overdue, StaffRole::Principal));
    b.set_to("2026-12-25T15:00:00Z".parse().expect("time"));
    b.work().await;
    assert_eq!(heads(&b).len(), 3);
}

#[tokio::test]
async fn a_step_taken_back_is_told_to_exactly_those_who_were_told() {
    let mut b = bench(people(ONE), |_| {});
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    let ids = |b: &Bench| {
        let all = b.mail.sent();
        let reference = |bytes: &Bytes| {
            let parsed = mail_parser::MessageParser::default().parse(bytes.as_ref()).expect("mail");
            parsed.references().as_text_list().map(|l| l[0].to_string())
        };
        all.iter()
            .map(|(envelope, bytes)| (envelope.to.expose().to_owned(), reference(bytes)))
            .collect::<Vec<_>>()
    };
    let told = ids(&b);
    b.set("09:00:00");
    b.mark("p", Mark::Excused).await;
    b.work().await;
    let found = heads(&b);
    assert_eq!(found.iter().filter(|(_, what)| what == "Återtaget").count(), 2, "{found:?}");
    for (to, thread) in &ids(&b)[told.len()..] {
        assert!(told.contains(&(to.clone(), thread.clone())), "{to} {thread:?} not in {told:?}");
    }
    // After all: told again, and the duty is there again.
    b.set("09:30:00");
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    let found = heads(&b);
    assert_eq!(found.iter().filter(|(_, what)| what == "Att göra").count(), 2, "{found:?}");
    let all = duties_of(&b).await;
    assert_eq!(all.iter().filter(|duty| duty.state.is_open()).count(), 1);
    assert!(all.iter().any(|duty| duty.has(DutyAct::Restored)));
}

#[tokio::test]
async fn to_and_fro_before_the_correction_leaves_tells_nobody_anything() {
    let mut b = bench(people(ONE), |s| s.correction_settle = SignedDuration::from_mins(3));
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    assert_eq!(heads(&b).len(), 2);
    b.set("09:00:00");
    b.mark("p", Mark::Present).await;
    b.work().await;
    b.set("09:01:00");
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    b.set("09:10:00");
    b.work().await;
    assert_eq!(heads(&b).len(), 2, "{:?}", heads(&b));
    b.set("09:20:00");
    b.mark("p", Mark::Present).await;
    b.set("09:30:00");
    b.work().await;
    let found = heads(&b);
    assert_eq!(found.iter().filter(|(_, what)| what == "Återtaget").count(), 2, "{found:?}");
    assert_eq!(found.len(), 4);
}

#[tokio::test]
async fn of_a_protected_pupil_only_the_principal_hears_and_only_the_number() {
    for protection in [Protection::Protected, Protection::Unknown] {
        let family: &[Family<'_>] = &[("p", protection, &[("g1", 605)])];
        let mut b = bench(people(family), |s| s.ladders.mail = LadderMail::Name);
        b.mark("p", Mark::Unexcused).await;
        b.work().await;
        let all: Vec<_> =
            mails(&b).into_iter().filter(|(_, subject, _)| subject.contains("Att göra")).collect();
        let [(to, _, text)] = &all[..] else { panic!("{all:?}") };
        assert_eq!(to, "principal@example.se");
        for secret in ["Ring hem", "Alva", "Hemlig", "tillfälle", "version", "16.00", "loggen"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        let [duty] = duties_of(&b).await.try_into().expect("one duty");
        for part in ["Kontrollera ärendet i elevregistret.", &duty.number(), "upprop duty done"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        // Nobody is told instead of a principal who is not there.
        let mut people = people(family);
        people.staff.remove(&StaffId::new("principal").expect("id"));
        let mut b = bench(people, |_| {});
        b.mark("p", Mark::Unexcused).await;
        b.work().await;
        assert!(mails(&b).iter().all(|(_, subject, _)| !subject.contains("Att göra")));
    }
}

#[tokio::test]
async fn protection_that_appears_before_the_mail_leaves_sends_it_to_the_principal() {
    let mut b = bench(people(ONE), |s| s.grace = SignedDuration::from_mins(10));
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    let mut directory = Directory::clone(&b.directory.load());
    let pupils = Arc::make_mut(&mut directory.roster).pupils.get_mut(&school().id).expect("pupils");
    let pupil = pupils.values_mut().next().expect("a pupil");
    pupil.protection = Protection::Protected;
    b.directory.store(Arc::new(directory));
    b.set("08:40:00");
    b.work().await;
    let ours = heads(&b).into_iter().filter(|(_, what)| !what.starts_with("Kontrollera"));
    let ours: Vec<_> = ours.collect();
    assert_eq!(ours, [head("principal", "Att göra"), head("principal", "Handlingsplanen")]);
}

#[tokio::test]
async fn where_nobody_is_registered_the_team_hears_instead() {
    let mut people = people(ONE);
    people.staff.remove(&StaffId::new("mentor").expect("id"));
    let mut b = bench(people, |s| s.ladders.mail = LadderMail::Initials);
    b.mark("p", Mark::Unexcused).await;
    b.work().await;
    let all = mails(&b);
    let [(to, subject, text)] = &all[..] else { panic!("{all:?}") };
    assert_eq!(to, "team@example.se");
    assert!(subject.contains("A.H., 7B"), "{subject}");
    for part in ["Teamet ringer hem.", "Ring hem i dag.", "Ingen är registrerad som mentor."] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[tokio::test]
async fn whole_days_are_looked_at_when_the_day_is_over() {
    let mut b = bench(people(ONE), |_| {});
    b.mark("p", Mark::Excused).await;
    b.set("18:00:00");
    b.work().await;
    assert!(mails(&b).is_empty());
    let next = "2026-11-24T07:30:00Z".parse().expect("time");
    b.set_to(next);
    let id = LessonId::new("l2").expect("id");
    let end = next + SignedDuration::from_mins(60);
    let lesson = Lesson { id, start: next, end, label: None };
    b.hear(Fact::Marked {
        pupil: PupilId::new("p").expect("id"),
        lesson,
        mark: Mark::Excused,
        minutes: None,
        register_closed: None,
        recorded_at: next,
        recorded_by: None,
    })
    .await;
    b.work().await;
    assert!(mails(&b).is_empty(), "the day goes on");
    b.set_to("2026-11-24T15:02:00Z".parse().expect("time"));
    b.work().await;
    assert_eq!(heads(&b), [head("health", "Att göra")]);
    // Reminded the day before it is due, then the pupil leaves the school.
    b.set_to("2026-11-25T07:00:00Z".parse().expect("time"));
    b.work().await;
    assert_eq!(heads(&b), [head("health", "Att göra"), head("health", "Påminnelse")]);
    let mut directory = Directory::clone(&b.directory.load());
    let pupils = Arc::make_mut(&mut directory.roster).pupils.get_mut(&school().id).expect("pupils");
    let mut other = pupils.pop_first().expect("a pupil").1;
    other.id = PupilId::new("q").expect("id");
    pupils.insert(other.id.clone(), other);
    b.directory.store(Arc::new(directory));
    b.set_to("2026-11-26T15:00:00Z".parse().expect("time"));
    b.work().await;
    let left: Vec<_> =
        mails(&b).into_iter().filter(|(_, subject, _)| subject.contains("slutat")).collect();
    let [(to, _, text)] = &left[..] else { panic!("{left:?}") };
    assert!(to.starts_with("principal") && text.contains("En uppgift har avslutats"), "{text}");
    let [duty] = duties_of(&b).await.try_into().expect("one duty");
    assert_eq!(duty.history.last().expect("an event").what, DutyAct::PupilLeft);
    b.set_to("2026-12-04T15:00:00Z".parse().expect("time"));
    b.work().await;
    assert_eq!(heads(&b).len(), 3);
}

#[tokio::test]
async fn calls_are_spread_over_the_day_and_a_full_day_says_so() {
    let ids: Vec<String> = (0..20).map(|n| format!("p{n:02}")).collect();
    let families: Vec<Family<'_>> =
        ids.iter().map(|id| (id.as_str(), Protection::None, &[][..])).collect();
    let mut b = bench(people(&families), |s| s.ladders.calls_per_hour = 2);
    for id in &ids {
        b.mark(id, Mark::Unexcused).await;
    }
    b.work().await;
    let mut per_hour: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for duty in duties_of(&b).await {
        *per_hour.entry(duty.due_at.to_string()).or_default() += 1;
        assert!(duty.due_at <= at("16:00:00"), "{}", duty.due_at);
    }
    // From 10 to 16 by the school's clock: seven whole hours of two, and six more than there is room for.
    let last = at("16:00:00").to_string();
    assert_eq!(per_hour.remove(&last), Some(8), "{per_hour:?}");
    assert!(per_hour.len() == 6 && per_hour.values().all(|count| *count == 2), "{per_hour:?}");
    let full = mails(&b).into_iter().filter(|(_, _, text)| text.contains("Fler samtal")).count();
    assert!(full >= 6, "{full}");
}

/// Whatever the order in which marks and corrections come, the same steps stand in the end.
#[test]
fn any_order_of_marks_and_corrections_ends_in_the_same_steps() {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    let day = |n: i8, h: i8| -> Timestamp {
        format!("2026-11-{n:02}T{h:02}:20:00+01:00").parse().expect("time")
    };
    // (lesson's day and hour, mark, minute at which it was recorded)
    let events: Vec<(i8, i8, Mark, i64)> = vec![
        (16, 8, Mark::Unexcused, 1),
        (16, 8, Mark::Excused, 9),
        (16, 9, Mark::Present, 2),
        (17, 8, Mark::Excused, 3),
        (17, 8, Mark::Unexcused, 8),
        (18, 8, Mark::Unexcused, 4),
        (18, 9, Mark::Unexcused, 4),
        (18, 9, Mark::Present, 10),
        (19, 8, Mark::Present, 5),
        (20, 8, Mark::Unexcused, 6),
        (20, 8, Mark::Present, 5),
    ];
    let run = |order: &[usize]| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("runtime").block_on(async {
            let mut b = bench(people(ONE), |_| {});
            b.set_to("2026-11-20T17:00:00Z".parse().expect("time"));
            for index in order {
                let (date, hour, mark, recorded) = events[*index];
                let start = day(date, hour);
                let id = LessonId::new(format!("l{date}-{hour}")).expect("id");
                let end = start + SignedDuration::from_mins(60);
                b.hear(Fact::Marked {
                    pupil: PupilId::new("p").expect("id"),
                    lesson: Lesson { id, start, end, label: None },
                    mark,
                    minutes: None,
                    register_closed: None,
                    recorded_at: start + SignedDuration::from_mins(recorded),
                    recorded_by: None,
                })
                .await;
            }
            let all: Vec<Firing> = rows(&b, tables::FIRINGS).await;
            let standing = all.iter().filter(|one| one.stands());
            // Which day of an occasion is its first known one goes by what came first.
            let mut found: Vec<String> = standing.map(|one| one.step.clone()).collect();
            found.sort();
            let open = duties_of(&b).await.iter().filter(|duty| duty.state.is_open()).count();
            (found, open)
        })
    };
    let all: Vec<usize> = (0..events.len()).collect();
    let expected = run(&all);
    assert!(expected.0.len() >= 2, "{expected:?}");
    let mut runner = TestRunner::new(Config { cases: 48, ..Config::default() });
    runner
        .run(&Just(all).prop_shuffle(), |order| {
            prop_assert_eq!(run(&order), expected.clone());
            Ok(())
        })
        .expect("the same steps");
}
