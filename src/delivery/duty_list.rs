//! The dispatcher's part that tells, once a school day, each who has duties that are overdue, or done and not documented,
//! of all of them in one mail. Which they are is `ladder`'s; here rows are read, when the lists are made and again when each
//! leaves.
//!
//! What it costs: when the lists are made, the school's duties are read once, and of each pupil who has one that is left two
//! rows more. When one leaves, a mailbox's reads the same, of which a school has as many as roles; a mentor's only the
//! duties about the mentor's own pupils.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, Time};

use super::daily::NAMED;
use super::ladder_notice::who;
use super::reports::{self, Report};
use crate::directory::{Directory, Pupil, Roster, School, entitled};
use crate::intake::{duties, ladders};
use crate::ladder::duty::list::{self, Left, Listed};
use crate::ladder::{DutyRule, SchoolDays};
use crate::message::duty_list::{DutyListFacts, LeftFacts};
use crate::message::thread;
use crate::model::{
    Duty, DutyAct, EmailAddress, Firing, LessonId, Notification, PupilId, Purpose, Reason,
    Recipient, StaffId, StaffRole, local_date,
};
use crate::policy::daily;
use crate::store::ledger::{self, Unit};
use crate::store::{Kv, MAX_BATCH_BYTES, StoreError, after_prefix, tables};

/// When duties are looked through at a school that wants no lists: those of pupils who have left are ended all the same.
const MORNING: Time = Time::constant(8, 0, 0, 0);

/// When a school's duties are looked through next; none: it follows no ladder.
pub(super) fn next(school: &School, now: Timestamp) -> Option<Timestamp> {
    let time = school.ladders.duty_list.unwrap_or(MORNING);
    ladders::has_any(school).then(|| daily::next(time, school, now))
}

/// Whose list it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Whose {
    recipient: Recipient,
    /// Of which municipality: each has its own staff for its pupils. None: it is of the school's own.
    municipality: Option<String>,
}

impl Whose {
    /// Stands where other notices have what they are about.
    fn about(&self) -> Option<LessonId> {
        let purpose = Purpose::DutyList.as_str();
        match &self.municipality {
            None => Some(reports::about(Purpose::DutyList)),
            Some(code) => LessonId::new(format!("{purpose}-{code}")).ok(),
        }
    }

    fn of(n: &Notification) -> Self {
        let rest = n.lesson.as_str().strip_prefix(Purpose::DutyList.as_str());
        let municipality = rest.and_then(|rest| rest.strip_prefix('-')).map(str::to_owned);
        Self { recipient: n.recipient.clone(), municipality }
    }
}

/// A duty that is left, and whose it is.
struct Owed<'a> {
    duty: Duty,
    firing: Firing,
    listed: Listed,
    pupil: &'a Pupil,
    hidden: bool,
    instead: bool,
    whose: Whose,
}

/// Which duties are read.
enum Scope<'a> {
    /// Those about all pupils of the school.
    School,
    /// Those about some.
    Pupils(Vec<&'a PupilId>),
}

impl<'a> Scope<'a> {
    /// Those among which a list's are.
    fn of(n: &Notification, school: &School, roster: &'a Roster) -> Self {
        let Recipient::Member(id) = &n.recipient else { return Self::School };
        let has = |pupil: &&Pupil| pupil.mentor.as_ref() == Some::<&StaffId>(id);
        let pupils = roster.pupils.get(&school.id).into_iter().flat_map(BTreeMap::values);
        Self::Pupils(pupils.filter(has).map(|pupil| &pupil.id).collect())
    }

    async fn read(&self, kv: &dyn Kv, school: &School) -> Result<Vec<Duty>, StoreError> {
        let mut all: Vec<Duty> = Vec::new();
        let prefixes = match self {
            Self::School => vec![tables::duties_at(&school.id)],
            Self::Pupils(ids) => ids.iter().map(|id| tables::duties(&school.id, id)).collect(),
        };
        for prefix in prefixes {
            // One that cannot be read keeps nobody from hearing of the others; `store check` tells of it.
            ledger::each(kv, &prefix, |_, row| all.extend(ledger::decode::<Duty>(row).ok()))
                .await?;
        }
        Ok(all)
    }
}

/// What is left of some duties, with whose it is; those about one pupil stand together in `all`. `is_left` says of a duty
/// what is.
async fn left<'a>(
    unit: &Unit<'_>,
    directory: &'a Directory,
    school: &School,
    all: Vec<Duty>,
    is_left: impl Fn(&Duty, Option<&DutyRule>) -> Option<Listed>,
    now: Timestamp,
) -> Result<Vec<Owed<'a>>, StoreError> {
    let roster = &directory.roster;
    let mut found: Vec<Owed<'_>> = Vec::new();
    let mut of: Option<(PupilId, bool, Vec<Firing>)> = None;
    for duty in all {
        let Some(listed) = is_left(&duty, duties::rule_of(school, &duty)) else { continue };
        // Of somebody who has left nothing need be done.
        let Some(pupil) = roster.pupil(&school.id, &duty.pupil) else { continue };
        if of.as_ref().is_none_or(|(id, ..)| *id != duty.pupil) {
            let hidden = ladders::is_hidden(unit, school, Some(pupil), &duty.pupil, now).await?;
            let from = tables::firings(&school.id, &duty.pupil);
            let firings = unit.peek_range(&from, &after_prefix(&from), usize::MAX).await?;
            of = Some((duty.pupil.clone(), hidden, firings));
        }
        let Some((_, hidden, firings)) = &of else { continue };
        // Of a step that was taken back nobody need write down anything.
        let firing = firings.iter().find(|firing| firing.id == duty.firing && firing.stands());
        let Some(firing) = firing.cloned() else { continue };
        let role = entitled::in_role(school, Some(pupil), roster, *hidden, duty.owner);
        let Some(role) = role else { continue };
        let is_elsewhere = role.recipient == Recipient::Staff(StaffRole::HomeMunicipality);
        let home = pupil.home_municipality.clone();
        let municipality = home.filter(|_| is_elsewhere);
        let whose = Whose { recipient: role.recipient, municipality };
        let (hidden, instead) = (*hidden, role.instead);
        found.push(Owed { duty, firing, listed, pupil, hidden, instead, whose });
    }
    Ok(found)
}

/// Makes the lists of a day, and has the duties ended of pupils who are not at the school any more. True: there are more
/// than fit in one commit, and the rest is to follow at once.
///
/// # Errors
/// When the store fails.
pub(super) async fn tell(
    kv: &dyn Kv,
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    date: Date,
    now: Timestamp,
) -> Result<bool, StoreError> {
    // A directory that is not loaded yet has nobody.
    if directory.roster.pupil_count() == 0 {
        return Ok(false);
    }
    let all = Scope::School.read(kv, school).await?;
    let is_gone = |duty: &&Duty| {
        duty.state.is_open() && directory.roster.pupil(&school.id, &duty.pupil).is_none()
    };
    // By one of them all of a pupil's are ended.
    let gone: BTreeMap<&PupilId, &Duty> =
        all.iter().filter(is_gone).map(|duty| (&duty.pupil, duty)).collect();
    for duty in gone.values() {
        if unit.bytes() > MAX_BATCH_BYTES / 4 {
            return Ok(true);
        }
        duties::look_now(unit, duty, now).await?;
    }
    if school.ladders.duty_list.is_none() {
        return Ok(false);
    }
    let mut owed: BTreeMap<Whose, Vec<Date>> = BTreeMap::new();
    let hours = duties::hours(school);
    let is_listed = |duty: &Duty, rule: Option<&DutyRule>| list::listed(duty, rule, &hours, now);
    for of in left(unit, directory, school, all, is_listed, now).await? {
        owed.entry(of.whose).or_default().push(local_date(of.listed.owed, &school.zone));
    }
    if owed.is_empty() {
        unit.decided("suppress", Reason::NothingToList);
    }
    let (days, first) = (SchoolDays(school.calendar.as_deref()), school.is_first_of_week(date));
    for (whose, since) in owed {
        // A municipality that is no part of an id is none.
        let Some(about) = whose.about() else { continue };
        if !list::is_told_on(date, first, days, since) {
            continue;
        }
        if unit.bytes() > MAX_BATCH_BYTES / 2 {
            return Ok(true);
        }
        let (purpose, reason) = (Purpose::DutyList, Reason::DutiesLeft);
        let report = Report { purpose, reason, about: &about, date };
        reports::mail(unit, school, report, whose.recipient, now).await?;
    }
    Ok(false)
}

/// What whoever got a list can work on now, as [`list::page`] has it: what is theirs to do or to document, and what has been
/// done since. And how many more there are.
///
/// # Errors
/// When the store fails.
pub(super) async fn on_page(
    kv: &dyn Kv,
    unit: &Unit<'_>,
    directory: &Directory,
    school: &School,
    n: &Notification,
    now: Timestamp,
) -> Result<(Vec<Duty>, usize), StoreError> {
    let rows = Scope::of(n, school, &directory.roster).read(kv, school).await?;
    let whose = Whose::of(n);
    let is_shown = |duty: &Duty, rule: Option<&DutyRule>| list::on_page(duty, rule, n.created_at);
    let mut all = left(unit, directory, school, rows, is_shown, now).await?;
    all.retain(|of| of.whose == whose);
    Ok(list::page(all.into_iter().map(|of| (of.duty, of.listed.left)).collect()))
}

/// What a list says now; none: nothing is left.
///
/// # Errors
/// When the store fails.
pub(super) async fn facts(
    kv: &dyn Kv,
    unit: &Unit<'_>,
    directory: &Directory,
    school: &School,
    n: &Notification,
    now: Timestamp,
) -> Result<Option<DutyListFacts>, StoreError> {
    let rows = Scope::of(n, school, &directory.roster).read(kv, school).await?;
    let whose = Whose::of(n);
    let hours = duties::hours(school);
    let is_listed = |duty: &Duty, rule: Option<&DutyRule>| list::listed(duty, rule, &hours, now);
    let mut all = left(unit, directory, school, rows, is_listed, now).await?;
    all.retain(|of| of.whose == whose);
    if all.is_empty() {
        return Ok(None);
    }
    let owed = || all.iter().map(|of| local_date(of.listed.owed, &school.zone));
    let days = SchoolDays(school.calendar.as_deref());
    let mut facts = DutyListFacts {
        school: school.name.clone(),
        date: n.date.to_string(),
        weekly: !list::is_told_on(n.date, false, days, owed()),
        command: format!("upprop duty list --school {} --overdue", school.id),
        ..DutyListFacts::default()
    };
    all.sort_by(|a, b| (a.listed.since, &a.duty.id).cmp(&(b.listed.since, &b.duty.id)));
    for of in &all {
        if of.hidden {
            facts.unnamed += 1;
        } else if facts.duties.len() == NAMED {
            facts.more += 1;
        } else {
            facts.duties.push(told(school, of));
            facts.missing(of.instead, of.duty.owner);
        }
    }
    Ok(Some(facts))
}

fn told(school: &School, of: &Owed<'_>) -> LeftFacts {
    let Owed { duty, firing, listed, pupil, .. } = of;
    let locale = school.locale.as_str();
    let rule = duties::rule_of(school, duty);
    let place = rule.and_then(|rule| rule.documents.as_ref());
    LeftFacts {
        case: thread::case_number(&duty.school, &duty.pupil, firing.day),
        who: who(school.ladders.mail, Some(*pupil)),
        number: duty.number(),
        what: rule.map_or(duty.rule.as_str(), |rule| rule.text.of(locale)).to_owned(),
        since: local_date(listed.since, &school.zone).to_string(),
        place: place.map_or_else(String::new, |place| place.place.of(locale).to_owned()),
        undocumented: listed.left == Left::Undocumented,
        restored: duty.has(DutyAct::PutBack),
    }
}

/// Where a list goes that is a role's.
pub(super) fn address(
    n: &Notification,
    role: StaffRole,
    school: &School,
    roster: &Roster,
) -> Option<EmailAddress> {
    let home = Whose::of(n).municipality;
    let lives_there = |pupil: &&Pupil| pupil.home_municipality == home;
    let pupils = roster.pupils.get(&school.id).into_iter().flat_map(BTreeMap::values);
    let pupil = home.as_ref().and_then(|_| pupils.into_iter().find(lives_there));
    entitled::staff(school, pupil, roster, role)
}
