//! The same observations in any order and any number give the same occasions and the same notices.
//!
//! The promise, exactly. Of a set of observations about one pupil, heard in any order and repeated at
//! will, under new event ids or the old ones:
//!
//! 1. *While nothing has been told*, what is known of each lesson is the same in the end (mark, who made
//!    it and when, minutes, register, report, notices in force), and so is the set of notices that wait:
//!    to whom, by which channel, what for, due when and until when. Not the same may be: what was made
//!    and called back on the way, and so the count of alarms and the ids; which of the day's notices goes
//!    first; and by which of two reasons an alert came about.
//! 2. *With some told in between*, what is known is the same all the same, and what has been said comes
//!    to what is true: whoever is told to be missing has one message that stands, and whoever was told
//!    what is not so gets one correction, and one more for each thing told since that is not so.
//!
//! Outside of it: observations that carry no time. Of two different reports about one lesson, and of two
//! notices without `recorded_at`, the one heard last stands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil::date};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;
use upprop::directory::{
    Directory, Guardian, GuardianLink, Mode, Protection, Pupil, Roster, School, SubjectIdentity,
};
use upprop::env::{Clock, Pending};
use upprop::intake::Intake;
use upprop::model::*;
use upprop::store::ledger::{ROW_VERSION, read};
use upprop::store::{Batch, Commit, Kv, MemoryStore, after_prefix, codec, tables};

/// A clock that stands.
struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
    fn sleep_until(&self, _until: Timestamp) -> Pending<'_, ()> {
        Box::pin(std::future::pending())
    }
}

fn at(clock: &str) -> Timestamp {
    format!("2026-11-23T{clock}:00+01:00").parse().expect("a time")
}

fn id<T: TryFrom<String>>(text: &str) -> T {
    T::try_from(text.to_owned()).ok().expect("an id")
}

fn school() -> School {
    School {
        id: id("s"),
        name: "Björkskolan".into(),
        mode: Mode::Live,
        gone_live: None,
        zone: TimeZone::get("Europe/Stockholm").expect("zone"),
        locale: Locale::swedish(),
        team_email: Some(id("team@example.se")),
        phone: "070-174 06 89".into(),
        sender_id: "Bjorkskolan".into(),
        grace: SignedDuration::from_mins(3),
        correction_settle: SignedDuration::ZERO,
        guests: BTreeSet::new(),
        quiet_hours: None,
        stale_after: SignedDuration::from_hours(24),
        sms_provider: None,
        sms_rate: None,
        operations_email: None,
        registers: upprop::directory::RegisterRules::default(),
        daily: upprop::directory::DailyLists::default(),
        time: upprop::directory::TimeRules::default(),
        subject_identity: SubjectIdentity::None,
        volume: upprop::directory::VolumeRules::off(),
        fatigue: upprop::directory::Fatigue::default(),
        max_parts: 3,
        languages: upprop::directory::LanguageRules::default(),
        calendar: None,
        mutes_marking_guardian: false,
        people: upprop::directory::PeopleRules::default(),
        ladders: upprop::directory::LadderRules::default(),
        programmes: upprop::directory::ProgrammeRules::default(),
    }
}

fn roster(protection: Protection) -> Roster {
    let mut roster = Roster::default();
    let mut guardians = Vec::new();
    for (guardian, phone) in [("g1", "+46701740605"), ("g2", "+46701740606")] {
        let guardian: GuardianId = id(guardian);
        guardians.push(GuardianLink::of(guardian.clone(), true, false));
        let person = Guardian {
            id: guardian.clone(),
            name: None,
            phone: Some(id(phone)),
            phone_is_mobile: true,
            email: None,
            channel: None,
            language: None,
            household: None,
        };
        roster.guardians.insert(guardian, person);
    }
    let pupil = Pupil {
        id: id("p"),
        school: id("s"),
        class: None,
        given_name: "Alva".into(),
        family_name: None,
        birth_date: Some(date(2013, 5, 4)),
        protection,
        mentor: None,
        phone: None,
        phone_is_mobile: true,
        email: None,
        channel: None,
        language: None,
        groups: Vec::new(),
        year: None,
        home_municipality: None,
        flagged: false,
        guardians,
    };
    roster.pupils.entry(id("s")).or_default().insert(id("p"), pupil);
    roster
}

/// The gateway up to the store.
struct World {
    kv: Arc<MemoryStore>,
    intake: Intake,
}

impl World {
    fn new(now: Timestamp, protection: Protection) -> Self {
        let school = school();
        let directory = Directory {
            schools: Arc::new(BTreeMap::from([(school.id.clone(), school)])),
            roster: Arc::new(roster(protection)),
        };
        let kv = Arc::new(MemoryStore::new());
        let directory = Arc::new(ArcSwap::from_pointee(directory));
        let clock = Arc::new(Still(now));
        Self { kv: kv.clone(), intake: Intake::new(kv, clock, directory, TaskTracker::new()) }
    }

    async fn hear(&self, event: String, fact: &Fact) {
        let observation = Observation {
            source: id("src"),
            event: id(&event),
            school: id("s"),
            fact: fact.clone(),
        };
        self.intake.accept(&observation).await.expect("a good observation");
    }

    async fn rows<T: DeserializeOwned>(&self, prefix: &[u8]) -> Vec<T> {
        let rows = self.kv.scan(prefix, &after_prefix(prefix), usize::MAX).await.expect("memory");
        rows.iter().map(|(_, row)| codec::decode(ROW_VERSION, row).expect("a row")).collect()
    }

    async fn lessons(&self) -> Vec<(LessonState, Vec<Notification>)> {
        let day = tables::day(&id("s"), &id("p"), date(2026, 11, 23));
        let mut lessons = Vec::new();
        for lesson in self.rows::<LessonState>(&day).await {
            let mut told = Vec::new();
            for id in &lesson.notifications {
                told.push(
                    read(&*self.kv, &tables::notification(id)).await.expect("row").expect("there"),
                );
            }
            lessons.push((lesson, told));
        }
        lessons
    }

    /// Everything that waits leaves and is accepted.
    async fn tell(&self, now: Timestamp) {
        let mut batch = Batch::default();
        for (_, told) in self.lessons().await {
            for mut n in told.into_iter().filter(|n| n.state == State::Waiting) {
                n.state = State::Accepted;
                n.attempts.push(Attempt {
                    started_at: now,
                    account: id("a"),
                    text_sha256: None,
                    languages: Vec::new(),
                    result: Some(AttemptResult {
                        at: now,
                        outcome: Outcome::Accepted { reference: None, parts: None },
                    }),
                });
                batch.put(tables::notification(&n.id), codec::encode(ROW_VERSION, &n));
            }
        }
        assert_eq!(self.kv.commit(batch).await.expect("memory"), Commit::Done);
    }

    /// What is known in the end.
    async fn known(&self) -> Vec<Value> {
        let notices = self.rows::<Value>(&tables::notices(&id("s"), &id("p"))).await;
        let registers = self.rows::<Value>(b"rg/").await;
        let lessons = self.lessons().await.into_iter().map(|(mut lesson, _)| {
            (lesson.revision, lesson.notifications) = (0, Vec::new());
            json(&lesson)
        });
        notices.into_iter().chain(registers).chain(lessons).collect()
    }

    /// What waits in the end.
    async fn waiting(&self) -> BTreeSet<String> {
        let mut waiting = BTreeSet::new();
        for n in self.lessons().await.into_iter().flat_map(|(_, told)| told) {
            if n.state == State::Waiting {
                let one = json!([
                    n.lesson,
                    n.purpose,
                    n.recipient,
                    n.channel,
                    n.task,
                    n.state_reason,
                    n.due_at,
                    n.deadline,
                    n.correction
                ]);
                assert!(waiting.insert(one.to_string()), "twice: {one}");
            }
        }
        waiting
    }
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("a row")
}

fn lesson(number: usize) -> Lesson {
    let (start, end) = [("08:20", "09:20"), ("09:30", "10:30")][number];
    Lesson { id: id(&format!("l{number}")), start: at(start), end: at(end), label: None }
}

fn minute(minute: i64) -> Timestamp {
    at("08:25") + SignedDuration::from_mins(minute)
}

/// One of a few, so that instants, marks and spans meet.
fn facts() -> impl Strategy<Value = Fact> {
    let marks = prop_oneof![
        4 => Just(Mark::Unexcused), 2 => Just(Mark::Present), 1 => Just(Mark::Late),
        1 => Just(Mark::Excused), 1 => Just(Mark::LeftEarly), 1 => Just(Mark::OtherActivity),
        1 => Just(Mark::Unknown),
    ];
    let minutes = prop::option::of((5_u32..7).prop_map(|absent| Minutes { absent, scheduled: 60 }));
    let by = prop::option::of("t[12]");
    let marked = (0_usize..2, marks, minutes, any::<Option<bool>>(), 0_i64..4, by.clone())
        .prop_map(|(number, mark, minutes, register_closed, recorded, recorded_by)| Fact::Marked {
            pupil: id("p"),
            lesson: lesson(number),
            mark,
            minutes,
            register_closed,
            recorded_at: minute(recorded),
            recorded_by,
        });
    let spans = [("08:00", "12:00"), ("08:00", "08:30"), ("09:00", "10:10")];
    let notified = (0_usize..3, any::<bool>(), any::<bool>(), 0_i64..4).prop_map(
        move |(span, leave, withdrawn, recorded)| Fact::Notified {
            pupil: id("p"),
            notice: AdvanceNotice {
                from: at(spans[span].0),
                to: at(spans[span].1),
                kind: if leave { NoticeKind::Leave } else { NoticeKind::Notified },
            },
            withdrawn,
            recorded_at: Some(minute(recorded)),
        },
    );
    // One report a lesson: a report says nothing of when it was made.
    let reported = (0_usize..2).prop_map(|number| Fact::LessonReported {
        pupil: id("p"),
        lesson: lesson(number),
        report: LessonReport {
            reported_by: "t1".into(),
            note: (number == 1).then(|| "gick hem".into()),
        },
    });
    let closed = (0_usize..2, 0_i64..3, by).prop_map(|(number, closed, closed_by)| {
        Fact::RegisterClosed { lesson: lesson(number), closed_at: minute(closed), closed_by }
    });
    prop_oneof![6 => marked, 3 => notified, 1 => reported, 1 => closed]
}

/// An event's id and what it says.
type Heard = (String, Fact);

/// Facts in two orders, the second with repetitions, some of them under the id they had.
fn orders() -> impl Strategy<Value = (Vec<Heard>, Vec<Heard>)> {
    let some = prop::collection::vec(facts(), 1..9);
    let again = prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..6);
    (some, again).prop_flat_map(|(some, again)| {
        let events = some.into_iter().enumerate();
        let some: Vec<Heard> = events.map(|(number, fact)| (format!("e{number}"), fact)).collect();
        let mut other = some.clone();
        for (number, (of, same_id)) in again.into_iter().enumerate() {
            let (id, fact) = other[of.index(some.len())].clone();
            other.push((if same_id { id } else { format!("again{number}") }, fact));
        }
        (Just(some), Just(other).prop_shuffle())
    })
}

fn times() -> impl Strategy<Value = Timestamp> {
    prop_oneof![Just("08:40"), Just("09:25"), Just("11:00")].prop_map(at)
}

fn protections() -> impl Strategy<Value = Protection> {
    prop_oneof![8 => Just(Protection::None), 1 => Just(Protection::Protected)]
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn untold_any_order_comes_to_the_same(
        (one, other) in orders(), now in times(), protection in protections(),
    ) {
        let worlds = [World::new(now, protection), World::new(now, protection)];
        run(async {
            for (event, fact) in &one {
                worlds[0].hear(event.clone(), fact).await;
            }
            for (event, fact) in &other {
                worlds[1].hear(event.clone(), fact).await;
            }
            prop_assert_eq!(worlds[0].known().await, worlds[1].known().await);
            prop_assert_eq!(worlds[0].waiting().await, worlds[1].waiting().await);
            Ok(())
        })?;
    }

    #[test]
    fn told_in_between_what_was_said_comes_to_what_is_true(
        (one, other) in orders(), tells in prop::collection::vec(any::<bool>(), 15), now in times(),
    ) {
        let (plain, told) = (World::new(now, Protection::None), World::new(now, Protection::None));
        run(async {
            for (event, fact) in &one {
                plain.hear(event.clone(), fact).await;
            }
            for ((event, fact), tell) in other.iter().zip(&tells) {
                told.hear(event.clone(), fact).await;
                if *tell {
                    told.tell(now).await;
                }
            }
            prop_assert_eq!(plain.known().await, told.known().await);
            for (lesson, messages) in told.lessons().await {
                for guardian in ["g1", "g2"] {
                    let recipient = Recipient::Guardian(id(guardian));
                    let to: Vec<_> = messages.iter().filter(|n| n.recipient == recipient).collect();
                    let stands = |n: &&&Notification| n.state != State::Cancelled;
                    let away = |n: &Notification| n.correction.expect("a kind").is_away();
                    let corrections = |of: &Notification| -> Vec<bool> {
                        let of = |n: &&&Notification| n.corrects.as_ref() == Some(&of.id);
                        to.iter().filter(of).filter(stands).map(|n| away(n)).collect()
                    };
                    let alarms: Vec<_> = to
                        .iter()
                        .filter(|n| n.purpose == Purpose::Absence)
                        .filter(stands)
                        .map(|n| (n.revision, n.state, corrections(n)))
                        .collect();
                    let in_turn = |said: &[bool]| said.windows(2).all(|two| two[0] != two[1]);
                    prop_assert!(alarms.iter().all(|(_, _, said)| in_turn(said)), "{:?}", to);
                    let open = alarms.iter().filter(|(_, _, said)| said.is_empty()).count();
                    let has_left = alarms.iter().any(|(_, state, _)| *state == State::Accepted);
                    if lesson.missing {
                        prop_assert_eq!(open, 1, "one message stands: {:?}", to);
                    } else if let Some(mark) = lesson.mark.filter(|mark| *mark != Mark::Unknown) {
                        prop_assert_eq!(open, 0, "each is put right: {:?}", to);
                        let is_away = matches!(mark, Mark::Excused | Mark::Unexcused);
                        let last = alarms.iter().max_by_key(|(revision, ..)| *revision);
                        let last = last.and_then(|(_, _, said)| said.last());
                        prop_assert!(last.is_none_or(|last| *last == is_away), "{:?}: {:?}", mark, to);
                    } else if !has_left {
                        prop_assert_eq!(open, 0, "none that waits is left: {:?}", to);
                    }
                }
            }
            Ok(())
        })?;
    }
}
