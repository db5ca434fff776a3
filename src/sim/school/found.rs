//! From people to a school: organisations, persons, groups, duties, activities, the lessons of some days
//! and what was marked on those that have passed. Pure.

use jiff::civil::Date;
use jiff::{Span, ToSpan as _};

use super::chance::Chance;
use super::id::Id;
use super::population::{ClassPlan, Population, SchoolPlan, StaffPlan};
use super::rows::{
    Activity, Attendance, Duty, Enrolment, Exempt, Group, Lesson, Marking, Minutes, Number,
    Organisation, Part, Person, Relation,
};
use super::times::Times;
use super::world::{News, World};

/// What is taught.
const SUBJECTS: [&str; 8] = ["Ma", "Sv", "En", "So", "No", "Idh", "Bl", "Mu"];
/// When: minutes of the day.
const BLOCKS: [(i32, i32); 5] = [(490, 550), (560, 620), (630, 690), (730, 790), (800, 860)];
const MENTOR_TIME: (i32, i32) = (480, 490);
const LUNCH: (i32, i32) = (690, 730);
const CONFERENCE: (i32, i32) = (900, 960);

/// Which days there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Days {
    pub(super) back: u16,
    pub(super) ahead: u16,
    /// Whether there are lessons at all, or only people and groups.
    pub(super) lessons: bool,
}

/// A class, as it was founded.
struct Class {
    mentor: Id,
    mentor_time: Id,
    lunch: Id,
    subjects: Vec<Id>,
}

/// Makes all of it.
pub(super) fn found(world: &mut World, people: &Population, times: &Times, days: Days, seed: u64) {
    let start = term_start(times.today);
    let now = world.now();
    world.set_now(times.at(start, 0));
    let top = world.add_organisation(Organisation {
        name: people.municipality.clone(),
        kind: "Huvudman",
        parent: None,
        code: "HM".into(),
        unit_code: None,
        types: Vec::new(),
    });
    let guardians: Vec<Id> = people
        .guardians
        .iter()
        .map(|plan| {
            world.add_person(Person {
                part: Part::Guardian,
                given: plan.given.clone(),
                family: plan.family.clone(),
                birth: None,
                civic: None,
                marking: plan.marking,
                emails: plan.emails.iter().map(|address| (address.clone(), "Privat")).collect(),
                phones: plan
                    .phones
                    .iter()
                    .map(|value| Number { value: value.clone(), kind: "Hem", mobile: true })
                    .collect(),
                responsibles: Vec::new(),
                enrolments: Vec::new(),
            })
        })
        .collect();
    for (number, plan) in people.schools.iter().enumerate() {
        let school = world.add_organisation(Organisation {
            name: format!("{} (skola)", plan.name),
            kind: "Skola",
            parent: Some(top),
            code: format!("SK{:03}", number + 1),
            unit_code: None,
            types: Vec::new(),
        });
        let unit = world.add_organisation(Organisation {
            name: plan.name.clone(),
            kind: "Skolenhet",
            parent: Some(school),
            code: format!("SE{:03}", number + 1),
            unit_code: Some(format!("{:08}", 99_000_000 + number)),
            types: vec![if plan.upper { "GY" } else { "GR" }],
        });
        let mut school = Founding { world, unit, plan, guardians: &guardians, start };
        school.build(times, days, seed, number);
    }
    world.set_now(now);
    world.news = News::default();
}

/// The autumn term's or the spring term's first day.
fn term_start(today: Date) -> Date {
    let month = if today.month() >= 8 { 8 } else { 1 };
    jiff::civil::date(today.year(), month, 15)
}

struct Founding<'a> {
    world: &'a mut World,
    unit: Id,
    plan: &'a SchoolPlan,
    guardians: &'a [Id],
    start: Date,
}

impl Founding<'_> {
    fn build(&mut self, times: &Times, days: Days, seed: u64, number: usize) {
        let school_type = if self.plan.upper { "GY" } else { "GR" };
        let mut staff: Vec<Id> = Vec::new();
        for (role, name) in [
            ("Rektor", "Rektor"),
            ("Kurator", "Kurator"),
            ("Skolsköterska", "Skolskoterska"),
            ("Skoladministratör", "Expedition"),
        ] {
            let plan = StaffPlan {
                given: name.into(),
                family: self.plan.name.clone(),
                email: format!(
                    "{}.{}@skola.example",
                    name.to_lowercase(),
                    super::names::plain(&self.plan.name)
                ),
                phone: None,
            };
            staff.push(self.member(&plan, role));
        }
        let teachers: Vec<Id> =
            self.plan.classes.iter().map(|class| self.member_of(class)).collect();
        staff.extend(&teachers);
        let persons: Vec<Id> =
            staff.iter().filter_map(|duty| Some(self.world.duties.get(*duty)?.is.person)).collect();
        let all_staff = self.group("Personal", "Personalgrupp", None, persons, Vec::new());
        let conference = self.activity("Konferens", "Läraraktivitet", all_staff, &staff);
        let classes: Vec<Class> = (0..self.plan.classes.len())
            .map(|place| self.class(place, &teachers, school_type))
            .collect();
        if !days.lessons {
            return;
        }
        let mut chance = Chance::new(seed, &format!("history {number}"));
        for day in -i64::from(days.back)..=i64::from(days.ahead) {
            let Ok(date) = times.today.checked_add(day.days()) else { continue };
            let weekend = date.weekday().to_monday_zero_offset() >= 5;
            // Today is a school day whatever it is: somebody wants to try now.
            if weekend && day != 0 {
                continue;
            }
            for (place, class) in classes.iter().enumerate() {
                self.day(times, date, place, class, &teachers);
            }
            self.lesson(times, date, conference, CONFERENCE);
            if day < 0 {
                self.history(&mut chance, times, date);
            }
        }
    }

    fn member_of(&mut self, class: &ClassPlan) -> Id {
        self.member(&class.mentor, "Lärare")
    }

    /// A person and their duty; the duty.
    fn member(&mut self, plan: &StaffPlan, role: &'static str) -> Id {
        let phone = plan.phone.clone();
        let person = self.world.add_person(Person {
            part: Part::Staff,
            given: plan.given.clone(),
            family: plan.family.clone(),
            birth: None,
            civic: None,
            marking: Marking::Ingen,
            emails: vec![(plan.email.clone(), "Skola personal")],
            phones: phone
                .into_iter()
                .map(|value| Number { value, kind: "Arbete", mobile: true })
                .collect(),
            responsibles: Vec::new(),
            enrolments: Vec::new(),
        });
        let letters = |name: &str| name.chars().take(2).collect::<String>().to_uppercase();
        self.world.add_duty(Duty {
            person,
            school: self.unit,
            role,
            signature: letters(&plan.given) + &letters(&plan.family),
            start: self.start.saturating_sub(Span::new().years(2)),
        })
    }

    fn group(
        &mut self,
        name: &str,
        kind: &'static str,
        school_type: Option<&'static str>,
        members: Vec<Id>,
        mentors: Vec<Id>,
    ) -> Id {
        self.world.add_group(Group {
            name: name.to_owned(),
            kind,
            school: self.unit,
            school_type,
            members,
            mentors,
            start: self.start,
        })
    }

    fn activity(&mut self, name: &str, kind: &'static str, group: Id, teachers: &[Id]) -> Id {
        self.world.add_activity(Activity {
            name: name.to_owned(),
            kind,
            groups: vec![group],
            teachers: teachers.to_vec(),
            school: self.unit,
            start: self.start,
        })
    }

    fn class(&mut self, place: usize, teachers: &[Id], school_type: &'static str) -> Class {
        let plan = &self.plan.classes[place];
        let pupils: Vec<Id> = plan.pupils.iter().map(|pupil| self.pupil(pupil, plan)).collect();
        let (mentor, name) = (teachers[place], &plan.name);
        let of = Some(school_type);
        let class = self.group(name, "Klass", of, pupils.clone(), vec![mentor]);
        let half = pupils.len().div_ceil(2);
        let first = pupils[..half].to_vec();
        self.group(&format!("{name} mentorsgrupp"), "Mentor", of, first, vec![mentor]);
        let mentor_time =
            self.activity(&format!("Mentorstid {name}"), "Elevaktivitet", class, &[mentor]);
        let lunch = self.activity(&format!("Lunch {name}"), "Övrigt", class, &[]);
        let subjects = SUBJECTS
            .iter()
            .enumerate()
            .map(|(number, subject)| {
                let title = format!("{subject} {name}");
                let group = self.group(&title, "Undervisning", of, pupils.clone(), Vec::new());
                let teacher = teachers[(place + number) % teachers.len()];
                self.activity(&title, "Undervisning", group, &[teacher])
            })
            .collect();
        Class { mentor, mentor_time, lunch, subjects }
    }

    fn pupil(&mut self, plan: &super::population::PupilPlan, class: &ClassPlan) -> Id {
        let school_type = if self.plan.upper { "GY" } else { "GR" };
        let number = self.world.persons.len();
        let digits = plan.birth.strftime("%Y%m%d").to_string();
        // A temporary number has letters, so that it is nobody's.
        let letter = char::from(b'A' + u8::try_from(number / 100 % 26).unwrap_or(0));
        let civic = format!("{digits}T{letter}{:02}", number % 100);
        let mut emails = vec![(
            super::names::mail(&plan.given, &plan.family, 500_000 + number)
                .replace("@example.se", "@elev.example.se"),
            "Skola elev",
        )];
        emails.extend(plan.email.clone().map(|address| (address, "Privat")));
        let responsibles: Vec<(Id, Relation)> = plan
            .guardians
            .iter()
            .filter_map(|(place, relation)| Some((*self.guardians.get(*place)?, *relation)))
            .collect();
        self.world.add_person(Person {
            part: Part::Pupil,
            given: plan.given.clone(),
            family: plan.family.clone(),
            birth: Some(plan.birth),
            civic: Some(civic),
            marking: plan.marking,
            emails,
            phones: Vec::new(),
            responsibles,
            enrolments: vec![Enrolment {
                school: self.unit,
                year: class.year,
                kind: school_type,
                start: self.start,
            }],
        })
    }

    fn lesson(&mut self, times: &Times, day: Date, activity: Id, (from, to): (i32, i32)) -> Id {
        self.world.add_lesson(Lesson {
            activity,
            school: self.unit,
            start: times.at(day, from),
            end: times.at(day, to),
            minutes: to - from,
            cancelled: false,
            exempt: Vec::new(),
            substitutes: Vec::new(),
        })
    }

    fn day(&mut self, times: &Times, day: Date, place: usize, class: &Class, teachers: &[Id]) {
        self.lesson(times, day, class.mentor_time, MENTOR_TIME);
        let mut lessons = Vec::new();
        for (number, block) in BLOCKS.into_iter().enumerate() {
            let weekday = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0);
            let subject = class.subjects[(number + weekday * 3 + place) % class.subjects.len()];
            lessons.push(self.lesson(times, day, subject, block));
            if number == 2 {
                self.lesson(times, day, class.lunch, LUNCH);
            }
        }
        if place != 0 {
            return;
        }
        // The first class has one of everything: a lesson that is cancelled, one with a substitute, a
        // pupil who need not come and one who may come later.
        let pupils: Vec<Id> = self
            .world
            .lessons
            .get(lessons[1])
            .map(|lesson| self.world.pupils_at(&lesson.is).into_iter().collect())
            .unwrap_or_default();
        let now = self.world.now();
        if let Some(lesson) = self.world.lessons.change(lessons[3], now) {
            lesson.cancelled = true;
        }
        if let Some(lesson) = self.world.lessons.change(lessons[2], now) {
            let substitute = teachers.last().copied().filter(|last| *last != class.mentor);
            lesson.substitutes = substitute.map(|duty| (duty, true)).into_iter().collect();
        }
        let planned = self
            .world
            .lessons
            .get(lessons[2])
            .and_then(|lesson| self.world.activities.get(lesson.is.activity))
            .and_then(|activity| activity.is.teachers.first().copied());
        if let (Some(planned), Some(lesson)) = (planned, self.world.lessons.change(lessons[2], now))
            && !lesson.substitutes.is_empty()
        {
            lesson.substitutes.retain(|(duty, _)| *duty != planned);
            lesson.substitutes.insert(0, (planned, false));
        }
        if let (Some(lesson), [.., partly, away]) =
            (self.world.lessons.change(lessons[1], now), pupils.as_slice())
        {
            lesson.exempt = vec![
                Exempt { pupil: *away, participates: false, minutes: None },
                Exempt { pupil: *partly, participates: true, minutes: Some(30) },
            ];
        }
    }

    /// A day that has passed: all registers were taken.
    fn history(&mut self, chance: &mut Chance, times: &Times, day: Date) {
        let (from, to) = (times.at(day, 0), times.at(day, 23 * 60));
        let lessons: Vec<(Id, Lesson)> = self
            .world
            .lessons
            .iter()
            .filter(|row| row.is.school == self.unit && row.is.start >= from && row.is.end <= to)
            .map(|row| (row.id, row.is.clone()))
            .collect();
        for (id, lesson) in lessons {
            let activity = self.world.activities.get(lesson.activity).map(|row| row.is.clone());
            let Some(activity) = activity.filter(Activity::has_register) else {
                continue;
            };
            if lesson.cancelled {
                continue;
            }
            let reporter = activity
                .teachers
                .first()
                .and_then(|duty| Some(self.world.duties.get(*duty)?.is.person));
            self.world.set_now(lesson.start);
            for pupil in self.world.pupils_at(&lesson) {
                let length = lesson.minutes;
                let minutes = match chance.below(100) {
                    0 => Minutes::invalid(length),
                    1 => Minutes::late(length, 5.min(length)),
                    2..6 => Minutes::valid(length),
                    _ => Minutes::present(length),
                };
                let reason = (minutes == Minutes::valid(length)).then(|| "Sjuk".to_owned());
                self.world.add_attendance(Attendance {
                    lesson: id,
                    activity: lesson.activity,
                    pupil,
                    school: self.unit,
                    reporter,
                    reported: true,
                    minutes,
                    reason,
                    reported_at: Some(lesson.start),
                });
            }
        }
    }
}
