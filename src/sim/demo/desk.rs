//! A school system that is asked: the day's people and lessons at a made-up school that serves SS 12000,
//! and what is said there.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::daemon::look_later;
use super::people::{self, ALL, CLASS, MENTOR, Pupil, SCHOOL_NAME};
use super::sender::{AROUND, Lesson, Word};
use super::{DemoError, within};
use crate::env::Clock;
use crate::sim::school::{
    Act, ClassPlan, GuardianPlan, Marking, Population, PupilPlan, Quirks, Relation, School,
    SchoolPlan, SchoolSettings, StaffPlan,
};

/// What the school office does.
pub struct Desk {
    school: Arc<School>,
    clock: Arc<dyn Clock>,
    /// Ids of the lessons at the school, by ours.
    lessons: BTreeMap<&'static str, String>,
}

/// Settings for a school with the people of the story, and no lessons yet.
pub fn school_settings(today: Date, zone: TimeZone, quirks: Quirks) -> SchoolSettings {
    SchoolSettings {
        population: Some(population(today)),
        timetable: false,
        zone,
        quirks,
        ..SchoolSettings::default()
    }
}

fn population(today: Date) -> Population {
    let mut guardians = Vec::new();
    let mut pupils = Vec::new();
    for pupil in ALL {
        let mut of = Vec::new();
        for guardian in pupil.guardians {
            let (given, family) = guardian.name.split_once(' ').unwrap_or((guardian.name, ""));
            let some = |text: &str| {
                let text = (!text.is_empty()).then(|| text.to_owned());
                text.into_iter().collect::<Vec<_>>()
            };
            of.push((guardians.len(), Relation::Guardian));
            guardians.push(GuardianPlan {
                given: given.into(),
                family: family.into(),
                phones: some(guardian.phone),
                emails: some(guardian.email),
                marking: Marking::Ingen,
            });
        }
        let marking = if pupil.protected { Marking::Sekretessmarkering } else { Marking::Ingen };
        pupils.push(PupilPlan {
            given: pupil.name.into(),
            family: pupil.family.into(),
            birth: people::birth(today),
            marking,
            email: None,
            guardians: of,
        });
    }
    let (given, family) = MENTOR.0.split_once(' ').unwrap_or((MENTOR.0, ""));
    let mentor = StaffPlan {
        given: given.into(),
        family: family.into(),
        email: MENTOR.1.into(),
        phone: None,
    };
    let class = ClassPlan { name: CLASS.into(), year: 7, mentor, pupils };
    let school = SchoolPlan { name: SCHOOL_NAME.into(), upper: false, classes: vec![class] };
    Population { municipality: "Granby kommun".into(), schools: vec![school], guardians }
}

fn full(pupil: &Pupil) -> String {
    format!("{} {}", pupil.name, pupil.family)
}

fn not_taken(error: crate::sim::school::ActError) -> DemoError {
    DemoError::NotTaken(error.to_string())
}

impl Desk {
    /// The office of this school.
    pub fn new(school: Arc<School>, clock: Arc<dyn Clock>) -> Self {
        Self { school, clock, lessons: BTreeMap::new() }
    }

    /// The lesson at the school, put on the timetable the first time it is named.
    fn lesson(&mut self, lesson: &Lesson) -> Result<String, DemoError> {
        if let Some(known) = self.lessons.get(lesson.id) {
            return Ok(known.clone());
        }
        let act = Act::AddLesson {
            group: CLASS.into(),
            name: lesson.label.into(),
            start: lesson.start,
            end: lesson.end,
            kind: None,
        };
        let done = self.school.act(act).map_err(not_taken)?;
        let id = done.id.map(|id| id.to_string()).unwrap_or_default();
        self.lessons.insert(lesson.id, id.clone());
        Ok(id)
    }

    /// Does what is said. Which rows there are of it.
    pub(super) fn say(
        &mut self,
        lesson: &Lesson,
        words: &[Word],
    ) -> Result<Vec<(&'static Pupil, String)>, DemoError> {
        let id = self.lesson(lesson)?;
        let mut rows = Vec::new();
        for word in words {
            let lesson_id = id.clone();
            let act = match *word {
                Word::Absent(pupil) => {
                    rows.push((pupil, id.clone()));
                    Act::Absent { pupil: full(pupil), lesson: lesson_id, reported: true }
                }
                Word::Late(pupil, late) => {
                    Act::Arrive { pupil: full(pupil), lesson: lesson_id, late }
                }
                Word::There(pupil) => {
                    Act::Arrive { pupil: full(pupil), lesson: lesson_id, late: 0 }
                }
                Word::Leave(pupil) => Act::Notice {
                    pupil: full(pupil),
                    start: lesson.start - AROUND,
                    end: lesson.end + AROUND,
                    leave: true,
                },
                // The standard has no place for it.
                Word::Note(..) => continue,
            };
            self.school.act(act).map_err(not_taken)?;
        }
        Ok(rows)
    }

    /// Rows are deleted and made anew, with the same contents and other ids.
    pub(super) fn recreate(&self, rows: &[(&'static Pupil, String)]) -> Result<(), DemoError> {
        for (pupil, lesson) in rows {
            let act = Act::Recreate { pupil: full(pupil), lesson: lesson.clone() };
            self.school.act(act).map_err(not_taken)?;
        }
        Ok(())
    }

    /// Puts a lesson on the timetable.
    pub(super) fn announce(&mut self, lesson: &Lesson) -> Result<(), DemoError> {
        self.lesson(lesson).map(|_| ())
    }

    /// How long a new lesson may take to be read: a vendor's limits put it off.
    pub(super) fn reading(&self) -> i64 {
        if self.school.quirks().throttle.is_some() { 45 } else { 15 }
    }

    /// Returns when the daemon knows who goes here, and what is marked so far.
    pub(super) async fn opened(&self) -> Result<(), DemoError> {
        self.asked("for everybody", Timestamp::MIN, is_people).await?;
        self.settled().await
    }

    /// Returns when the daemon has begun two rounds: with the second it had stored the first. A round asks
    /// for notices before it asks for marks.
    pub(super) async fn settled(&self) -> Result<(), DemoError> {
        for _ in 0..2 {
            self.asked("for marks", self.clock.now(), |endpoint| endpoint == "GET /absences")
                .await?;
        }
        Ok(())
    }

    /// Returns when something has been asked since, and answered.
    async fn asked(
        &self,
        what: &str,
        since: Timestamp,
        is: fn(&str) -> bool,
    ) -> Result<(), DemoError> {
        let was_asked = || {
            let lines = self.school.requests();
            let mut lines = lines.iter().rev().take_while(|line| line.at > since);
            lines.any(|line| line.status == 200 && is(&line.endpoint))
        };
        within(&format!("the daemon to ask {what}"), async {
            while !was_asked() {
                look_later(self.clock.as_ref()).await;
            }
        })
        .await
    }
}

fn is_people(endpoint: &str) -> bool {
    matches!(endpoint, "GET /persons" | "POST /persons/lookup")
}
