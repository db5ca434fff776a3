//! What is heard of a made-up school: the week's lessons on the Sunday before, notices of absence in the morning, and
//! at each lesson the register. A register comes with a mark for whoever is not there, and one of a pupil who is, by
//! which it is known to be taken.

use jiff::civil::{Date, Time, Weekday};
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::Shares;
use super::away::{Away, Day, LESSONS};
use super::people::{Class, People};
use crate::directory::School;
use crate::model::{
    AdvanceNotice, EventId, Fact, Lesson, LessonId, Mark, NoticeKind, Observation, Planned,
    PupilId, SourceId,
};
use crate::sim::school::Chance;
use crate::simulate::given::Heard;

/// When lessons begin, the school's clock; each lasts an hour.
const STARTS: [Time; LESSONS] = [
    Time::constant(8, 20, 0, 0),
    Time::constant(9, 30, 0, 0),
    Time::constant(10, 40, 0, 0),
    Time::constant(12, 20, 0, 0),
    Time::constant(13, 30, 0, 0),
];
const LENGTH: SignedDuration = SignedDuration::from_hours(1);
/// The lesson of whose register a whole class is marked as missing by mistake, once a term.
const MISTAKE: usize = 1;

struct Hearing<'a> {
    school: &'a School,
    source: SourceId,
    heard: Vec<Heard>,
}

impl Hearing<'_> {
    fn hear(&mut self, at: Timestamp, fact: Fact) {
        let event = EventId::new(format!("e{}", self.heard.len())).expect("a good id");
        let (source, school) = (self.source.clone(), self.school.id.clone());
        self.heard.push(Heard { at, observation: Observation { source, event, school, fact } });
    }

    fn mark(&mut self, at: Timestamp, pupil: &PupilId, lesson: &Lesson, mark: Mark, class: &Class) {
        let fact = Fact::Marked {
            pupil: pupil.clone(),
            lesson: lesson.clone(),
            mark,
            minutes: None,
            register_closed: None,
            recorded_at: at,
            recorded_by: Some(class.teacher.as_str().to_owned()),
        };
        self.hear(at, fact);
    }

    fn at(&self, day: Date, time: Time) -> Timestamp {
        self.school.zone.to_timestamp(day.to_datetime(time)).unwrap_or(Timestamp::MIN)
    }

    fn lesson(&self, day: Date, class: &Class, number: usize) -> Lesson {
        let start = self.at(day, STARTS[number]);
        let id = format!("{day}-{}-{}", class.group, number + 1);
        Lesson {
            id: LessonId::new(id).expect("a good id"),
            start,
            end: start + LENGTH,
            label: None,
        }
    }
}

fn minutes(of: i64) -> SignedDuration {
    SignedDuration::from_mins(of)
}

pub(super) fn heard(
    seed: u64,
    number: usize,
    people: &People,
    school: &School,
    days: &[Date],
    away: &Away,
    shares: Shares,
) -> Vec<Heard> {
    let mut chance = Chance::new(seed, &format!("days {number}"));
    let source = SourceId::new("simulate").expect("a good id");
    let mut hearing = Hearing { school, source, heard: Vec::new() };
    let mistake = (chance.below(days.len()), chance.below(people.classes.len()));
    let mut planned = None;
    for (at, day) in days.iter().enumerate() {
        let monday = super::super::tally::monday(*day);
        if planned != Some(monday) {
            planned = Some(monday);
            let week = days.iter().filter(|other| super::super::tally::monday(**other) == monday);
            for day in week {
                plan(&mut hearing, people, monday, *day);
            }
        }
        notices(&mut hearing, &mut chance, people, days, at, away);
        for (class_number, class) in people.classes.iter().enumerate() {
            for number in 0..LESSONS {
                let is_mistaken = mistake == (at, class_number) && number == MISTAKE;
                let register =
                    Register { class, people, day: *day, number, next: days.get(at + 1) };
                if is_mistaken {
                    register.mistaken(&mut hearing, &away[at]);
                } else if !chance.per_mille(shares.untaken) {
                    register.taken(&mut hearing, &mut chance, &away[at], shares);
                }
            }
        }
    }
    hearing.heard.sort_by_key(|heard| heard.at);
    hearing.heard
}

/// The lessons of a day, heard of on the Sunday before.
fn plan(hearing: &mut Hearing<'_>, people: &People, monday: Date, day: Date) {
    debug_assert_eq!(monday.weekday(), Weekday::Monday);
    let sunday = monday.yesterday().unwrap_or(monday);
    let at = hearing.at(sunday, Time::constant(18, 0, 0, 0));
    for class in &people.classes {
        for number in 0..LESSONS {
            let lesson = hearing.lesson(day, class, number);
            let planned = Planned {
                registered: true,
                cancelled: false,
                teachers: vec![class.teacher.clone()],
                groups: vec![class.group.clone()],
                also: std::collections::BTreeSet::new(),
                except: std::collections::BTreeSet::new(),
                modified_at: None,
            };
            hearing.hear(at, Fact::LessonPlanned { lesson, planned });
        }
    }
}

/// Notices of absence: of whoever is ill and said so, before the first lesson; of whoever did not, some time after.
fn notices(
    hearing: &mut Hearing<'_>,
    chance: &mut Chance,
    people: &People,
    days: &[Date],
    at: usize,
    away: &Away,
) {
    let day = days[at];
    for (pupil, (id, _)) in people.pupils.iter().enumerate() {
        let said_at = match away[at][pupil] {
            Day::Ill => {
                hearing.at(day, Time::constant(6, 30, 0, 0)) + minutes(chance.between(0, 95))
            }
            Day::IllUnsaid(after) => hearing.at(day, STARTS[0]) + minutes(i64::from(after)),
            Day::There | Day::Skips(_) => continue,
        };
        let to = day.checked_add(1.day()).unwrap_or(day);
        let notice = AdvanceNotice {
            from: hearing.at(day, Time::midnight()),
            to: hearing.at(to, Time::midnight()),
            kind: NoticeKind::Notified,
        };
        let recorded_at = Some(said_at);
        hearing.hear(
            said_at,
            Fact::Notified { pupil: id.clone(), notice, withdrawn: false, recorded_at },
        );
    }
}

struct Register<'a> {
    class: &'a Class,
    people: &'a People,
    day: Date,
    number: usize,
    next: Option<&'a Date>,
}

impl Register<'_> {
    /// Everybody of the class is marked as missing who is there, and 25 minutes later as present.
    fn mistaken(&self, hearing: &mut Hearing<'_>, away: &[Day]) {
        let lesson = hearing.lesson(self.day, self.class, self.number);
        for (after, mark) in [(5, Mark::Unexcused), (30, Mark::Present)] {
            let at = lesson.start + minutes(after);
            for pupil in self.class.pupils.clone().filter(|pupil| away[*pupil] == Day::There) {
                hearing.mark(at, &self.people.pupils[pupil].0, &lesson, mark, self.class);
            }
        }
    }

    fn taken(&self, hearing: &mut Hearing<'_>, chance: &mut Chance, away: &[Day], shares: Shares) {
        let lesson = hearing.lesson(self.day, self.class, self.number);
        // Most in the first minutes, some only when they are asked.
        let latest = if chance.per_mille(120) { 1_500 } else { 560 };
        let at = lesson.start + SignedDuration::from_secs(chance.between(100, latest));
        let mistaken = chance.per_mille(shares.mistaken);
        let mut is_begun = false;
        let mut there = Vec::new();
        for pupil in self.class.pupils.clone() {
            let id = &self.people.pupils[pupil].0;
            match away[pupil] {
                Day::There if chance.per_mille(shares.late) => {
                    // Some are marked as missing before they come.
                    let came = lesson.start + minutes(chance.between(5, 30));
                    if chance.per_mille(150) && came > at {
                        hearing.mark(at, id, &lesson, Mark::Unexcused, self.class);
                    }
                    hearing.mark(came.max(at), id, &lesson, Mark::Late, self.class);
                }
                Day::There => {
                    if !is_begun {
                        hearing.mark(at, id, &lesson, Mark::Present, self.class);
                        is_begun = true;
                    }
                    there.push(pupil);
                }
                Day::Ill => hearing.mark(at, id, &lesson, Mark::Excused, self.class),
                Day::IllUnsaid(after) => self.unsaid(hearing, id, &lesson, at, after),
                Day::Skips(lessons) if lessons & (1 << self.number) != 0 => {
                    hearing.mark(at, id, &lesson, Mark::Unexcused, self.class);
                    if chance.below(100) < shares.excused_later
                        && let Some(next) = self.next
                    {
                        let time = Time::constant(9, 0, 0, 0);
                        let later = hearing.at(*next, time) + minutes(chance.between(0, 120));
                        hearing.mark(later, id, &lesson, Mark::Excused, self.class);
                    }
                }
                Day::Skips(_) => there.push(pupil),
            }
        }
        if mistaken && !there.is_empty() {
            let id = &self.people.pupils[*chance.pick(&there)].0;
            hearing.mark(
                at + SignedDuration::from_secs(1),
                id,
                &lesson,
                Mark::Unexcused,
                self.class,
            );
            let mended = at + minutes(chance.between(1, 40));
            hearing.mark(mended, id, &lesson, Mark::Present, self.class);
        }
    }

    /// Missing without a word until somebody at home says why.
    fn unsaid(
        &self,
        hearing: &mut Hearing<'_>,
        id: &PupilId,
        lesson: &Lesson,
        at: Timestamp,
        after: u8,
    ) {
        let said_at = hearing.at(self.day, STARTS[0]) + minutes(i64::from(after));
        if at >= said_at {
            hearing.mark(at, id, lesson, Mark::Excused, self.class);
            return;
        }
        hearing.mark(at, id, lesson, Mark::Unexcused, self.class);
        hearing.mark(said_at + minutes(1), id, lesson, Mark::Excused, self.class);
    }
}
