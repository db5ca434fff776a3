//! Some days of a made-up world: marks, notices, reports, directory loads, kills, full disks, outages and
//! wrong clocks, all drawn from one seed before anything runs.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::people::{self, CHANGES, Roster, School};
use crate::settings;
use crate::tally::Tally;

/// What a mark says, as the oracle sees it.
pub const MARKS: [&str; 7] =
    ["unexcused", "unknown", "left_early", "late", "excused", "other_activity", "present"];
/// Days of each seed.
pub const DAYS: usize = 3;

/// Something a school system reports.
#[derive(Clone)]
pub struct Event {
    pub id: String,
    /// Which system: `src` tells at once, `poll` tells the same later, many at a time, under other ids.
    pub source: &'static str,
    /// When it is posted for the first time.
    pub at: Timestamp,
    pub body: Value,
}

/// What is the matter with a provider for a while.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// 503 at everything, or a temporary failure of the relay.
    Away,
    /// Wrong credentials.
    Refuses,
    /// It hangs: nothing that is sent arrives, and no answer comes.
    Hangs,
}

/// The whole world of one seed.
pub struct Plan {
    pub seed: u64,
    pub began: Timestamp,
    pub days: Vec<Date>,
    pub schools: Vec<School>,
    pub config: String,
    /// Texts an hour and at once that the account allows.
    pub rate: (u64, u64),
    /// Alarms an hour to one recipient, and at once.
    pub cap: Option<(u64, u64)>,
    /// The versions of the directory, each with when it is loaded.
    pub rosters: Vec<(Timestamp, Roster)>,
    pub events: Vec<Event>,
    pub kills: Vec<Timestamp>,
    /// When the disk is full, and whether it does not say so beforehand.
    pub full: Vec<(Timestamp, Timestamp, bool)>,
    /// When the provider of texts, or the relay, is in trouble.
    pub outages: Vec<(Timestamp, Timestamp, &'static str, Trouble)>,
    /// When the machine sleeps, and for how long.
    pub sleeps: Vec<(Timestamp, SignedDuration)>,
    /// When somebody sets the clock, and how far ahead of the truth it is then.
    pub clocks: Vec<(Timestamp, SignedDuration)>,
}

/// Where the schools are.
pub fn zone() -> TimeZone {
    TimeZone::get("Europe/Stockholm").expect("a zone")
}

/// A minute of a day by the wall clock.
pub fn instant(day: Date, minute: u64) -> Timestamp {
    let minute = i64::try_from(minute).expect("small");
    let midnight = day.to_datetime(jiff::civil::Time::midnight());
    // Minutes of the wall clock: 08:00 is 08:00 on every day.
    let wall = midnight + SignedDuration::from_mins(minute);
    zone().to_zoned_datetime(wall).expect("a time").timestamp()
}

fn later(at: Timestamp, millis: u64) -> Timestamp {
    at + SignedDuration::from_millis(i64::try_from(millis).expect("small"))
}

fn secs(n: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(n).expect("small"))
}

impl Plan {
    /// The world of a seed.
    pub fn new(seed: u64, tally: &Tally) -> Self {
        let c = Chance::new(seed, "plan");
        // A Monday; and the days around both nights when clocks change.
        let first: Date =
            c.pick(&["2026-11-23", "2026-10-23", "2027-03-26"]).parse().expect("a date");
        let mut schools = people::schools(&c);
        let choices = Chance::new(seed, "fatigue");
        for school in &mut schools {
            school.fatigue = choices.pick::<&str>(&people::FATIGUE);
            school.has_ladder = choices.percent(50);
        }
        let roster = Roster::new(&c, &schools, first);
        schools[2].guests = roster.addresses().into_iter().filter(|_| c.percent(50)).collect();
        if c.percent(50) {
            schools[2].guests.insert("team@skola.example".into());
        }
        let rate = *c.pick(&[(60, 3), (60, 3), (1_200, 20)]);
        let cap = *c.pick(&[None, Some((2, 2))]);
        let began = instant(first, 6 * 60);
        let mut plan = Self {
            seed,
            began,
            days: Vec::new(),
            config: settings::text(&schools, rate, cap),
            schools,
            rate,
            cap,
            rosters: vec![(began, roster)],
            events: Vec::new(),
            kills: Vec::new(),
            full: Vec::new(),
            outages: Vec::new(),
            sleeps: Vec::new(),
            clocks: Vec::new(),
        };
        let mut day = first;
        for _ in 0..DAYS {
            plan.school_day(&c, day, tally);
            plan.troubles(&c, day, tally);
            plan.days.push(day);
            let hours = zone().to_zoned_datetime(day.to_datetime(jiff::civil::Time::midnight()));
            let hours = hours.and_then(|d| d.tomorrow().map(|t| t.duration_since(&d).as_hours()));
            match hours.expect("a day") {
                25 => tally.count(LONG_NIGHT),
                23 => tally.count(SHORT_NIGHT),
                _ => {}
            }
            day = day.tomorrow().expect("a day");
        }
        plan.rosters.sort_by_key(|(at, _)| *at);
        plan.events.sort_by_key(|e| e.at);
        plan
    }

    fn school_day(&mut self, c: &Chance, day: Date, tally: &Tally) {
        let pupils: Vec<(String, usize)> =
            self.rosters[0].1.pupils.iter().map(|(id, p)| (id.clone(), p.school)).collect();
        for (pupil, school) in pupils {
            let school = self.schools[school].id;
            let lessons =
                [("n", 90, 6), ("a", 8 * 60, 40), ("b", 13 * 60, 35), ("c", 20 * 60 + 30, 30)];
            for (lesson, start, percent) in lessons {
                if c.percent(percent) {
                    let (id, start) = (format!("{lesson}-{day}"), instant(day, start));
                    self.lesson(c, tally, (&pupil, school), &id, start);
                }
            }
            if c.percent(30) {
                self.notice(c, &pupil, school, day);
            }
        }
    }

    fn troubles(&mut self, c: &Chance, day: Date, tally: &Tally) {
        // Most of it when there is most to do.
        let open = |c: &Chance| {
            let hours = *c.pick(&[(7, 22), (8, 9), (8, 9), (13, 14), (20, 22)]);
            later(instant(day, c.roll(hours.0 * 60..=hours.1 * 60)), c.roll(0..=59_999))
        };
        for _ in 0..c.roll(0..=2) {
            self.kills.push(open(c));
        }
        self.kills.sort_unstable();
        if c.percent(20) {
            self.sleeps.push((open(c), secs(c.roll(3..=5_000))));
        }
        if c.percent(25) {
            let at = open(c);
            // With one that is ten minutes behind, what is true is refused as being of the future.
            let wrong = if c.percent(50) {
                secs(*c.pick(&[1, 40, 600, 3_600]))
            } else {
                -secs(*c.pick(&[1, 40, 480]))
            };
            self.clocks.push((at, wrong));
            self.clocks.push((later(at, c.roll(60_000..=7_200_000)), SignedDuration::ZERO));
            self.clocks.sort_by_key(|(at, _)| *at);
        }
        if c.percent(30) {
            let from = open(c);
            self.full.push((from, later(from, c.roll(1_000..=400_000)), c.percent(60)));
        }
        if c.percent(40) {
            let from = open(c);
            let to = later(from, *c.pick(&[2_000, 60_000, 900_000, 7_200_000]));
            let who = *c.pick(&["sms", "mail"]);
            let what = *c.pick(&[Trouble::Away, Trouble::Refuses, Trouble::Hangs]);
            self.outages.push((from, to, who, what));
        }
        for _ in 0..c.roll(0..=2) {
            let (next, what) = self.rosters.last().expect("one").1.changed(c);
            let at = open(c).max(self.rosters.last().expect("one").0);
            self.rosters.push((later(at, 1), next));
            tally.count(what);
        }
    }

    fn push(&mut self, c: &Chance, at: Timestamp, body: &Value) {
        let event = |id: String, source, at| {
            let mut body = body.clone();
            body["id"] = id.clone().into();
            Event { id, source, at, body }
        };
        let id = format!("e{}", self.events.len());
        // Posted at once, or late, so that it overtakes and is overtaken.
        let posted = later(at, *c.pick(&[0, 0, 0, 300, 5_000, 600_000]));
        if c.percent(25) {
            let again = later(posted, *c.pick(&[0, 1, 2, 3, 900, 60_000]));
            self.events.push(event(id.clone(), "src", again));
        }
        self.events.push(event(id, "src", posted));
        if c.percent(30) {
            // The other system is asked every ten minutes, and knows some things late.
            let slot = 600;
            let next = (at.as_second() / slot + 1 + *c.pick(&[0, 0, 1, 5])) * slot;
            let at = Timestamp::from_second(next).expect("a time");
            let id = format!("p{}", self.events.len());
            self.events.push(event(id, "poll", at));
        }
    }

    fn lesson(
        &mut self,
        c: &Chance,
        tally: &Tally,
        (pupil, school): (&str, &str),
        id: &str,
        start: Timestamp,
    ) {
        let end = later(start, 60 * 60_000);
        let lesson = json!({"id": id, "start": start.to_string(), "end": end.to_string()});
        // Some are marked before the lesson begins.
        let early = if c.percent(10) { secs(c.roll(1..=900)) } else { SignedDuration::ZERO };
        let mut at = later(start, c.roll(0..=600_000)) - early;
        // A register that is mended again and again, or two systems that do not agree.
        let flaps = c.percent(25);
        if flaps {
            tally.count(FLAPS);
        }
        for _ in 0..if flaps { c.roll(5..=14) } else { c.roll(1..=4) } {
            let word = if c.percent(55) { "unexcused" } else { *c.pick(&MARKS) };
            let body = json!({
                "type": "attendance.marked", "school": school, "pupil": pupil, "lesson": lesson,
                "mark": word, "recorded_at": at.to_string(),
            });
            self.push(c, at, &body);
            at = later(at, *c.pick(&[0, 3, 20, 400, 3_000, 18_000, 90_000, 130_000, 1_800_000]));
        }
        if c.percent(15) {
            let at = later(end, c.roll(0..=120_000));
            let body = json!({
                "type": "lesson.report", "school": school, "pupil": pupil, "lesson": lesson,
                "reported_by": "t-1", "note": c.percent(50).then_some("Sågs vid bussen."),
            });
            self.push(c, at, &body);
        }
    }

    fn notice(&mut self, c: &Chance, pupil: &str, school: &str, day: Date) {
        let from = instant(day, c.roll(0..=15 * 60));
        let to = later(from, c.roll(1..=600) * 60_000);
        let mut at = instant(day, c.roll(6 * 60 + 30..=14 * 60));
        for withdrawn in [false, true, false].into_iter().take(usize::from(c.percent(60)) * 2 + 1) {
            let body = json!({
                "type": "absence.notified", "school": school, "pupil": pupil,
                "from": from.to_string(), "to": to.to_string(), "kind": "notified",
                "withdrawn": withdrawn, "recorded_at": at.to_string(),
            });
            self.push(c, at, &body);
            at = later(at, c.roll(1_000..=3_600_000));
        }
    }
}

const LONG_NIGHT: &str = "night of 25 hours";
const SHORT_NIGHT: &str = "night of 23 hours";
const FLAPS: &str = "lesson of a pupil at which the mark flaps";
/// What the days are like.
pub const KINDS: &[&str] =
    &[FLAPS, LONG_NIGHT, SHORT_NIGHT, CHANGES[0], CHANGES[1], CHANGES[2], CHANGES[3]];
