//! Many made-up days: plans that come late, change and are cancelled, registers taken early, late and never; and what
//! must have come of each, reckoned by itself.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Numbers that are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn minutes(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.below(u64::try_from(to - from).expect("a span"))).expect("small")
    }
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Act {
    Plan(usize, Planned),
    Mark(usize),
    Close(usize),
}

/// A lesson of the day as the oracle knows it.
#[derive(Debug)]
struct Known {
    start: Timestamp,
    end: Timestamp,
    /// From when each plan was known, in order.
    plans: Vec<(Timestamp, Planned)>,
    taken: Option<Timestamp>,
}

impl Known {
    fn in_force(&self, at: Timestamp) -> Option<&Planned> {
        self.plans.iter().rev().find(|(since, _)| *since <= at).map(|(_, planned)| planned)
    }

    /// Whether the lesson was awaited all the time from its start to its end, by plans that were known before.
    fn is_steady(&self) -> bool {
        let early = self.plans.first().is_some_and(|(at, _)| *at < self.start);
        early && self.plans.iter().all(|(_, p)| !p.cancelled && p.registered)
    }
}

fn day_of(seed: u64) -> (Vec<Known>, Vec<(Timestamp, Act)>) {
    let mut dice = Dice(seed);
    let minute = |m: i64| at("08:00:00") + SignedDuration::from_mins(m);
    let (mut known, mut acts) = (Vec::new(), Vec::new());
    for index in 0..6 {
        let start = dice.minutes(10, 360);
        let length = dice.minutes(20, 90);
        let mut lesson = Known {
            start: minute(start),
            end: minute(start + length),
            plans: Vec::new(),
            taken: None,
        };
        let mut when = dice.minutes(-60, start + 30).min(start + length + 5);
        for _ in 0..=dice.below(3) {
            let teachers: &[&str] = match dice.below(4) {
                0 => &["t1"],
                1 => &["t2"],
                2 => &["t1", "mute"],
                _ => &["mute"],
            };
            let planned = Planned {
                cancelled: dice.below(6) == 0,
                registered: dice.below(8) != 0,
                ..plan(teachers)
            };
            lesson.plans.push((minute(when), planned.clone()));
            acts.push((minute(when), Act::Plan(index, planned)));
            when += dice.minutes(1, 60);
        }
        if dice.below(3) != 0 {
            let taken = dice.minutes(start - 5, start + length + 60);
            lesson.taken = Some(minute(taken));
            let act = if dice.below(4) == 0 { Act::Close(index) } else { Act::Mark(index) };
            acts.push((minute(taken), act));
        }
        known.push(lesson);
    }
    acts.sort_by_key(|(at, _)| *at);
    (known, acts)
}

async fn lived(seed: u64, year: u8) -> (Bench, Vec<Known>) {
    let (known, acts) = day_of(seed);
    let mut b = Bench::new(None, people(year));
    let lesson = |index: usize| {
        let (start, end) = (known[index].start, known[index].end);
        Lesson { start, end, ..Bench::lesson(&format!("l{index}")) }
    };
    let mut now = at("06:00:00");
    let mut acts = acts.into_iter().peekable();
    while now < at("23:00:00") {
        b.set_to(now);
        while let Some((_, act)) = acts.next_if(|(at, _)| *at <= now) {
            match act {
                Act::Plan(index, planned) => {
                    b.hear(Fact::LessonPlanned { lesson: lesson(index), planned }).await;
                }
                Act::Mark(index) => {
                    b.hear(Fact::Marked {
                        pupil: PupilId::new("p").expect("id"),
                        lesson: lesson(index),
                        mark: Mark::Present,
                        minutes: None,
                        register_closed: None,
                        recorded_at: now,
                        recorded_by: None,
                    })
                    .await;
                }
                Act::Close(index) => {
                    let (lesson, closed_at) = (lesson(index), now);
                    b.hear(Fact::RegisterClosed { lesson, closed_at, closed_by: None }).await;
                }
            }
        }
        b.work().await;
        now += SignedDuration::from_mins(1);
    }
    (b, known)
}

#[tokio::test]
async fn on_any_day_each_is_told_what_is_so_and_once() {
    let (mut nudged, mut alerted, mut cleared, mut digests) = (0, 0, 0, 0);
    for seed in 0..24 {
        let year = if seed % 2 == 0 { 2 } else { 8 };
        let (b, known) = lived(seed, year).await;
        nobody_is_named(&b);
        let all = b.notifications().await;
        let gone = |purpose| {
            all.iter().filter(move |n| n.purpose == purpose && n.state == State::Accepted)
        };
        let of = |index: usize| format!("l{index}");
        let left = all.iter().filter(|n| n.state == State::Accepted).count();
        assert_eq!(b.texts() + mails(&b).len(), left, "seed {seed}: one was sent again");
        // By whichever way, each teacher once for a lesson.
        let mut asked: BTreeSet<(String, String)> = BTreeSet::new();
        for n in gone(Purpose::RegisterNudge) {
            let key = (n.lesson.to_string(), n.recipient.key());
            assert!(asked.insert(key.clone()), "seed {seed}: {key:?} twice");
            nudged += 1;
        }
        let told: BTreeMap<String, &Notification> =
            gone(Purpose::RegisterUntaken).map(|n| (n.lesson.to_string(), n)).collect();
        assert_eq!(told.len(), gone(Purpose::RegisterUntaken).count(), "seed {seed}: twice");
        alerted += told.len();
        digests += gone(Purpose::RegisterDigest).count();
        assert!(gone(Purpose::RegisterDigest).count() <= 1, "seed {seed}");
        for n in gone(Purpose::RegisterTaken) {
            assert!(told.contains_key(n.lesson.as_str()), "seed {seed}: nobody was told before");
            cleared += 1;
        }
        for (index, lesson) in known.iter().enumerate() {
            let words = format!("seed {seed}, {}: {lesson:?}", of(index));
            let due = lesson.start + SignedDuration::from_mins(10);
            let asked: Vec<&str> = asked
                .iter()
                .filter(|(l, _)| *l == of(index))
                .map(|(_, who)| who.as_str())
                .collect();
            let is_told = told.contains_key(&of(index));
            let before = |at: Timestamp| lesson.taken.is_some_and(|taken| taken < at);
            if before(due) {
                assert!(asked.is_empty() && !is_told, "taken in time: {words}");
            }
            if before(lesson.end) {
                assert!(!is_told, "taken before the end: {words}");
            }
            let never = |p: &Planned| p.cancelled || !p.registered;
            if lesson.plans.iter().all(|(_, planned)| never(planned)) {
                assert!(asked.is_empty() && !is_told, "nobody waited for it: {words}");
            }
            assert!(year == 2 || !is_told, "they can wait: {words}");
            if lesson.is_steady() && !before(lesson.end + SignedDuration::from_mins(1)) && year == 2
            {
                assert!(is_told, "nobody was told: {words}");
            }
            // The teacher in force when it was due, and nobody who was never to teach.
            if lesson.is_steady() && !before(due + SignedDuration::from_mins(3)) {
                let planned = lesson.in_force(due).expect("a plan");
                let last = due + SignedDuration::from_mins(2);
                let same = lesson.in_force(last).expect("a plan") == planned;
                for teacher in planned.teachers.iter().filter(|t| t.as_str() != "mute" && same) {
                    let key = format!("member:{teacher}");
                    assert!(asked.contains(&key.as_str()), "{teacher} was not asked: {words}");
                }
            }
            for who in asked {
                let may = |p: &Planned| p.teachers.iter().any(|t| who == format!("member:{t}"));
                assert!(lesson.plans.iter().any(|(_, p)| may(p)), "{who} never taught: {words}");
            }
        }
        // What is counted is what was.
        let key = tables::counters(&school().id, date(2026, 11, 23));
        let counted: Option<crate::store::rows::Counted> =
            ledger::read(b.kv.as_ref(), &key).await.expect("store");
        let counted = counted.unwrap_or_default().registers;
        let mut stood: BTreeMap<String, u64> = BTreeMap::new();
        let rows = tables::REGISTERS;
        for (_, row) in b.kv.scan(rows, &after_prefix(rows), 100).await.expect("scan") {
            let row: Register = ledger::decode(&row).expect("row");
            if let Some(how) = row.stood {
                *stood.entry(how.as_str().into()).or_default() += 1;
            }
            assert_eq!(row.look_at, None, "seed {seed}: something is still due");
        }
        assert_eq!(counted, stood, "seed {seed}");
    }
    let seen = (nudged > 20, alerted > 5, cleared > 1, digests > 3);
    assert_eq!(seen, (true, true, true, true), "{nudged} {alerted} {cleared} {digests}");
}
