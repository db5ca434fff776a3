//! A made-up world: schools, pupils and guardians, and some school days of marks, notices, reports,
//! kills and full disks, all drawn from one seed before anything runs.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use super::chance::Chance;

pub const TOKEN: &str = "test-token-0123456789abcdef-0123456789";
pub const API_TOKEN: &str = "api-token-0123456789abcdef-01234567890";
/// Texts an hour and at once that the account allows.
pub const RATE: (u64, u64) = (60, 3);

/// What a mark says, as the oracle sees it.
pub const MARKS: [&str; 7] =
    ["unexcused", "unknown", "left_early", "late", "excused", "other_activity", "present"];

/// Something the school system reports.
#[derive(Clone)]
pub struct Event {
    pub id: String,
    /// When it is posted for the first time.
    pub at: Timestamp,
    pub body: Value,
}

/// Who is who.
pub struct Pupil {
    pub id: String,
    pub school: &'static str,
    /// `none`, `protected`, `unknown`.
    pub protection: &'static str,
    pub adult: bool,
    /// Whether texts go to the family at all.
    pub open: bool,
}

/// The whole world of one seed.
pub struct Plan {
    pub seed: u64,
    pub began: Timestamp,
    pub config: String,
    pub directory: Value,
    pub pupils: Vec<Pupil>,
    pub events: Vec<Event>,
    pub kills: Vec<Timestamp>,
    pub full: Vec<(Timestamp, Timestamp)>,
    /// When the machine sleeps, and for how long.
    pub steps: Vec<(Timestamp, SignedDuration)>,
}

/// Where the schools are.
pub fn zone() -> TimeZone {
    TimeZone::get("Europe/Stockholm").expect("a zone")
}

fn instant(day: Date, minute: u64) -> Timestamp {
    let minute = i64::try_from(minute).expect("small");
    let midnight = day.to_datetime(jiff::civil::Time::midnight());
    // Minutes of the wall clock: 08:00 is 08:00 on every day.
    let wall = midnight + SignedDuration::from_mins(minute);
    zone().to_zoned_datetime(wall).expect("a time").timestamp()
}

fn later(at: Timestamp, millis: u64) -> Timestamp {
    at + SignedDuration::from_millis(i64::try_from(millis).expect("small"))
}

impl Plan {
    /// The world of a seed.
    pub fn new(seed: u64) -> Self {
        let c = Chance::new(seed, "plan");
        // A Monday; and the days around both nights when clocks change.
        let first: Date =
            c.pick(&["2026-11-23", "2026-10-24", "2027-03-27"]).parse().expect("a date");
        let began = instant(first, 6 * 60);
        let pupils = pupils();
        let mut plan = Self {
            seed,
            began,
            config: config(&c),
            directory: directory(&pupils),
            pupils,
            events: Vec::new(),
            kills: Vec::new(),
            full: Vec::new(),
            steps: Vec::new(),
        };
        let mut day = first;
        for _ in 0..2 {
            plan.school_day(&c, day);
            day = day.tomorrow().expect("a day");
        }
        plan.events.sort_by_key(|e| e.at);
        plan
    }

    fn school_day(&mut self, c: &Chance, day: Date) {
        for number in 0..self.pupils.len() {
            let (pupil, school) = (self.pupils[number].id.clone(), self.pupils[number].school);
            for (lesson, start) in [("a", 8 * 60), ("b", 13 * 60), ("c", 20 * 60 + 30)] {
                if c.percent(45) {
                    self.lesson(c, &pupil, school, &format!("{lesson}-{day}"), instant(day, start));
                }
            }
            if c.percent(40) {
                self.notice(c, &pupil, school, day);
            }
        }
        for _ in 0..c.roll(0..=3) {
            self.kills.push(instant(day, c.roll(7 * 60..=22 * 60)));
        }
        if c.percent(30) {
            let at = instant(day, c.roll(7 * 60..=22 * 60));
            let secs = i64::try_from(c.roll(3..=5_000)).expect("small");
            self.steps.push((at, SignedDuration::from_secs(secs)));
        }
        if c.percent(30) {
            let from = instant(day, c.roll(7 * 60..=21 * 60));
            self.full.push((from, later(from, c.roll(1_000..=400_000))));
        }
        self.kills.sort_unstable();
    }

    fn push(&mut self, c: &Chance, at: Timestamp, mut body: Value) {
        let id = format!("e{}", self.events.len());
        body["id"] = id.clone().into();
        // Posted at once, or late, so that it overtakes and is overtaken.
        let delay = *c.pick(&[0, 0, 0, 300, 5_000, 600_000]);
        let event = Event { id, at: later(at, delay), body };
        if c.percent(20) {
            let again = later(event.at, *c.pick(&[1, 900, 60_000]));
            self.events.push(Event { at: again, ..event.clone() });
        }
        self.events.push(event);
    }

    fn lesson(&mut self, c: &Chance, pupil: &str, school: &str, id: &str, start: Timestamp) {
        let end = later(start, 60 * 60_000);
        let lesson = json!({"id": id, "start": start.to_string(), "end": end.to_string()});
        let mut at = later(start, c.roll(0..=600_000));
        for _ in 0..c.roll(1..=4) {
            let word = if c.percent(50) { "unexcused" } else { *c.pick(&MARKS) };
            let body = json!({
                "type": "attendance.marked", "school": school, "pupil": pupil, "lesson": lesson,
                "mark": word, "recorded_at": at.to_string(),
            });
            self.push(c, at, body);
            at = later(at, *c.pick(&[0, 400, 3_000, 90_000, 1_800_000]));
        }
        if c.percent(15) {
            let at = later(end, c.roll(0..=120_000));
            let body = json!({
                "type": "lesson.report", "school": school, "pupil": pupil, "lesson": lesson,
                "reported_by": "t-1", "note": c.percent(50).then_some("Sågs vid bussen."),
            });
            self.push(c, at, body);
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
            self.push(c, at, body);
            at = later(at, c.roll(1_000..=3_600_000));
        }
    }
}

fn pupils() -> Vec<Pupil> {
    let mut pupils = Vec::new();
    for school in ["live", "shadow"] {
        for i in 0..9 {
            let (protection, adult) = match i {
                0 => ("protected", false),
                1 => ("unknown", false),
                2 => ("none", true),
                _ => ("none", false),
            };
            let open = school == "live" && protection == "none";
            let id = format!("{school}-{i}");
            pupils.push(Pupil { id, school, protection, adult, open });
        }
    }
    pupils
}

fn directory(pupils: &[Pupil]) -> Value {
    let mut rows = Vec::new();
    let mut guardians = Vec::new();
    for (at, pupil) in pupils.iter().enumerate() {
        let phone = |n: usize| format!("070-174 06 {n:02}");
        rows.push(json!({
            "id": pupil.id, "school": pupil.school, "given-name": format!("Q{at}x"),
            "birth-date": if pupil.adult { "2004-02-15" } else { "2012-02-15" },
            "protection": pupil.protection, "phone": phone(70 + at),
        }));
        for parent in 0..=(at % 2) {
            // The last pupils of a school have a guardian in common with the one before.
            let owner = if at % 9 == 8 { at - 1 } else { at };
            let guardian = format!("g{owner}-{parent}");
            let by_mail = (owner + parent) % 4 == 3;
            guardians.push(json!({
                "pupil": pupil.id, "school": pupil.school, "guardian": guardian,
                "may-receive": true, "channel": if by_mail { "email" } else { "sms" },
                "email": by_mail.then(|| format!("{guardian}@hem.example")),
                "phone": (!by_mail).then(|| phone(10 + owner * 2 + parent)),
            }));
        }
    }
    json!({"pupils": rows, "guardians": guardians})
}

fn config(c: &Chance) -> String {
    let grace = c.pick(&["0s", "0s", "90s"]);
    let quiet = c.pick(&["off", "21:00-07:00"]);
    let (per_hour, burst) = RATE;
    format!(
        r#"public-url = "http://127.0.0.1:8750"
api-token-file = "./api"
[mail]
host = "127.0.0.1"
tls = "none"
from = "franvaro@skola.example"
rate = "600/min"
[delivery]
recipient-rate = "off"
[providers.elks]
kind = "46elks"
username-file = "./user"
password-file = "./password"
receipt-secret-file = "./receipts"
keep-text = true
rate = "{per_hour}/h, burst {burst}"
[sources.src]
bearer-file = "./token"
[defaults]
team-email = "team@skola.example"
phone = "070-174 06 99"
sender-id = "Skolan"
sms-provider = "elks"
stale-after = "20h"
[schools.live]
name = "Skolan"
mode = "live"
grace = "{grace}"
quiet-hours = "{quiet}"
[schools.shadow]
name = "Skuggan"
mode = "shadow"
"#
    )
}
