//! The school as it is at this moment: tables, what leads from one to another, what is gone, and what
//! subscribers have yet to hear. Changes are made in `acts`; nothing here waits or answers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::id::Id;
use super::rows::{
    Activity, Attendance, Duty, Group, Lesson, Notice, Organisation, Person, Resource,
};
use super::table::Table;

/// Something that was deleted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gone {
    pub(super) at: Timestamp,
    pub(super) resource: Resource,
    pub(super) id: Id,
}

/// What subscribers have yet to hear.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) modified: BTreeSet<Resource>,
    pub(super) deleted: bool,
}

/// All of it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) zone: TimeZone,
    pub(super) organisations: Table<Organisation>,
    pub(super) persons: Table<Person>,
    pub(super) groups: Table<Group>,
    pub(super) duties: Table<Duty>,
    pub(super) activities: Table<Activity>,
    pub(super) lessons: Table<Lesson>,
    pub(super) attendances: Table<Attendance>,
    pub(super) notices: Table<Notice>,
    pub(super) gone: Vec<Gone>,
    /// Persons who are not listed any more, though nobody deleted them.
    pub(super) lost: BTreeSet<Id>,
    pub(super) news: News,
    /// By lesson, then pupil.
    pub(super) marks: BTreeMap<Id, BTreeMap<Id, Id>>,
    pub(super) groups_of: BTreeMap<Id, Vec<Id>>,
    pub(super) activities_of: BTreeMap<Id, Vec<Id>>,
    pub(super) lessons_of: BTreeMap<Id, Vec<Id>>,
    /// Pupils, by who answers for them.
    pub(super) pupils_of: BTreeMap<Id, Vec<Id>>,
    seed: u64,
    serial: u64,
    /// The time that changes are dated with: the clock's, with the skew of the quirks.
    now: Timestamp,
}

impl World {
    /// Nobody and nothing.
    pub(super) fn new(seed: u64, zone: TimeZone, now: Timestamp) -> Self {
        Self {
            zone,
            organisations: Table::default(),
            persons: Table::default(),
            groups: Table::default(),
            duties: Table::default(),
            activities: Table::default(),
            lessons: Table::default(),
            attendances: Table::default(),
            notices: Table::default(),
            gone: Vec::new(),
            lost: BTreeSet::new(),
            news: News::default(),
            marks: BTreeMap::new(),
            groups_of: BTreeMap::new(),
            activities_of: BTreeMap::new(),
            lessons_of: BTreeMap::new(),
            pupils_of: BTreeMap::new(),
            seed,
            serial: 0,
            now: whole(now),
        }
    }

    /// What changes made from here on are dated with. To the millisecond, as it is written.
    pub(super) fn set_now(&mut self, now: Timestamp) {
        self.now = whole(now);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    fn new_id(&mut self) -> Id {
        self.serial += 1;
        Id::of(self.seed, "row", self.serial)
    }

    pub(super) fn add_organisation(&mut self, organisation: Organisation) -> Id {
        let id = self.new_id();
        self.organisations.insert(id, self.now, organisation);
        self.modified(Resource::Organisation);
        id
    }

    pub(super) fn add_person(&mut self, person: Person) -> Id {
        let id = self.new_id();
        for (guardian, _) in &person.responsibles {
            self.pupils_of.entry(*guardian).or_default().push(id);
        }
        self.persons.insert(id, self.now, person);
        self.modified(Resource::Person);
        id
    }

    pub(super) fn add_group(&mut self, group: Group) -> Id {
        let id = self.new_id();
        for member in &group.members {
            self.groups_of.entry(*member).or_default().push(id);
        }
        self.groups.insert(id, self.now, group);
        self.modified(Resource::Group);
        id
    }

    pub(super) fn add_duty(&mut self, duty: Duty) -> Id {
        let id = self.new_id();
        self.duties.insert(id, self.now, duty);
        self.modified(Resource::Duty);
        id
    }

    pub(super) fn add_activity(&mut self, activity: Activity) -> Id {
        let id = self.new_id();
        for group in &activity.groups {
            self.activities_of.entry(*group).or_default().push(id);
        }
        self.activities.insert(id, self.now, activity);
        self.modified(Resource::Activity);
        id
    }

    pub(super) fn add_lesson(&mut self, lesson: Lesson) -> Id {
        let id = self.new_id();
        self.lessons_of.entry(lesson.activity).or_default().push(id);
        self.lessons.insert(id, self.now, lesson);
        self.modified(Resource::CalendarEvent);
        id
    }

    pub(super) fn add_attendance(&mut self, attendance: Attendance) -> Id {
        let id = self.new_id();
        self.marks.entry(attendance.lesson).or_default().insert(attendance.pupil, id);
        self.attendances.insert(id, self.now, attendance);
        self.modified(Resource::Attendance);
        id
    }

    pub(super) fn add_notice(&mut self, notice: Notice) -> Id {
        let id = self.new_id();
        self.notices.insert(id, self.now, notice);
        self.modified(Resource::Notice);
        id
    }

    pub(super) fn modified(&mut self, resource: Resource) {
        self.news.modified.insert(resource);
    }

    /// Notes that a row is gone; the caller has removed it.
    pub(super) fn deleted(&mut self, resource: Resource, id: Id) {
        self.news.deleted = true;
        self.gone.push(Gone { at: self.now, resource, id });
    }

    /// Who is to be at a lesson, in order.
    pub(super) fn pupils_at(&self, lesson: &Lesson) -> BTreeSet<Id> {
        let groups = self.activities.get(lesson.activity).map(|row| &row.is.groups);
        let groups = groups.into_iter().flatten().filter_map(|group| self.groups.get(*group));
        let mut pupils: BTreeSet<Id> = groups.flat_map(|group| group.is.members.clone()).collect();
        for exempt in &lesson.exempt {
            if exempt.participates {
                pupils.insert(exempt.pupil);
            } else {
                pupils.remove(&exempt.pupil);
            }
        }
        pupils
    }

    /// The school unit a pupil is enrolled at.
    pub(super) fn school_of(&self, pupil: Id) -> Option<Id> {
        Some(self.persons.get(pupil)?.is.enrolments.first()?.school)
    }

    /// Where employments and courses are: at the unit, or at Edlevo at the school above it.
    pub(super) fn workplace(&self, unit: Id, edlevo: bool) -> Id {
        let above = || self.organisations.get(unit)?.is.parent;
        if edlevo { above().unwrap_or(unit) } else { unit }
    }

    /// An organisation and all below it.
    pub(super) fn below(&self, top: Id) -> BTreeSet<Id> {
        let mut found = BTreeSet::from([top]);
        loop {
            let more: Vec<Id> = self
                .organisations
                .iter()
                .filter(|row| row.is.parent.is_some_and(|parent| found.contains(&parent)))
                .map(|row| row.id)
                .filter(|id| !found.contains(id))
                .collect();
            if more.is_empty() {
                return found;
            }
            found.extend(more);
        }
    }

    /// The attendance of a pupil at a lesson.
    pub(super) fn mark_of(&self, lesson: Id, pupil: Id) -> Option<Id> {
        self.marks.get(&lesson)?.get(&pupil).copied()
    }
}

/// To the millisecond, downwards.
fn whole(at: Timestamp) -> Timestamp {
    let below = SignedDuration::from_nanos(i64::from(at.subsec_nanosecond()) % 1_000_000);
    at.saturating_sub(below).unwrap_or(at)
}
