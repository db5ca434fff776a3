//! What the page of duties shows, from the rows as they are now: what its mail told of, as far as the mail's recipient has
//! it still, what has happened to it, and what can be said of it. Of a pupil who is or may be protected now nothing but
//! the numbers of case and duty. Reads only.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::case_page::{Look, Pages};
use super::duty_list;
use super::facts::full_name;
use super::shared::Shared;
use crate::directory::{Directory, Pupil, Roster, School, entitled};
use crate::intake::duty_words::{offered, state};
use crate::intake::{duties, ladders};
use crate::ladder::duty::Say;
use crate::message::duty_page::{PageDuty, PageEvent};
use crate::message::page_link::Page;
use crate::message::thread::case_number;
use crate::model::{
    Duty, DutyAct, DutyEvent, Firing, Locale, Notification, NotificationId, PupilId, Purpose,
    Recipient, SchoolId, StaffId, StaffRole,
};
use crate::store::ledger::Unit;
use crate::store::{Kv, StoreError, tables};

/// Duties that may be shown.
#[derive(Debug)]
pub struct OpenDuties {
    /// To whom their link was mailed: what is said by it is said by them.
    pub by: String,
    /// The school.
    pub school: SchoolId,
    /// The school's language.
    pub locale: Locale,
    /// The number of the case that the mail was about; empty: of more than one.
    pub case: String,
    /// They, the first due first.
    pub duties: Vec<OpenDuty>,
    /// How many more there are than a page shows.
    pub more: usize,
}

/// One of them.
#[derive(Debug)]
pub struct OpenDuty {
    /// The row.
    pub row: Duty,
    /// As the page shows it; its form is not filled in.
    pub shown: PageDuty,
    /// What can be said of it; nothing where it is hidden.
    pub offered: Vec<Say>,
}

/// The link that a message carries; none: it carries none.
pub(super) fn link(shared: &Shared, n: &Notification) -> Option<String> {
    let pages = shared.settings.pages.as_ref()?;
    has_page(n).then(|| pages.links.link(Page::Duty, &n.id, n.created_at))
}

/// Whether a message tells of duties that can be worked on.
fn has_page(n: &Notification) -> bool {
    matches!(
        n.purpose,
        Purpose::Duty | Purpose::DutyReminder | Purpose::DutyOverdue | Purpose::DutyList
    )
}

/// The duties that a message told of and its recipient has now, the first due first, and how many more there are; of a
/// list, what its recipient has. None: the rows that it was made from are gone.
///
/// # Errors
/// When the store fails.
async fn duties_of(
    kv: &dyn Kv,
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    n: &Notification,
    now: Timestamp,
) -> Result<Option<(Vec<Duty>, usize)>, StoreError> {
    if n.purpose == Purpose::DutyList {
        return duty_list::on_page(kv, unit, directory, school, n, now).await.map(Some);
    }
    let Some(firing) = ladders::firing_of(unit, n).await? else { return Ok(None) };
    let pupil = directory.roster.pupil(&n.school, &n.pupil);
    let mut found = Vec::new();
    for rule in &firing.duties {
        let id = Duty::id_of(&firing.id, rule);
        let row: Option<Duty> = unit.peek(&tables::duty_of(&n.school, &n.pupil, &id)).await?;
        found.extend(row.filter(|row| {
            let owner = entitled::in_role(school, pupil, &directory.roster, false, row.owner);
            owner.is_some_and(|owner| owner.recipient == n.recipient)
        }));
    }
    found.sort_by(|a, b| (a.due_at, &a.id).cmp(&(b.due_at, &b.id)));
    Ok(Some((found, 0)))
}

/// Looks at the duties of a message. `language`: the one that was asked for, instead of the school's.
///
/// # Errors
/// When the store fails.
pub async fn look(
    shared: &Shared,
    pages: &Pages,
    id: &NotificationId,
    language: Option<&Locale>,
    now: Timestamp,
) -> Result<Look<OpenDuties>, StoreError> {
    let mut unit = Unit::new(shared.kv.as_ref());
    let found: Option<Notification> = unit.peek(&tables::notification(id)).await?;
    let Some(n) = found.filter(has_page) else { return Ok(Look::Gone) };
    let directory = shared.directory.load_full();
    let Some(school) = directory.schools.get(&n.school) else { return Ok(Look::Gone) };
    // A list of duties of many is of no one case.
    let about_one = n.purpose.is_of_ladder();
    let number = if about_one { case_number(&n.school, &n.pupil, n.date) } else { String::new() };
    // A step may be reached long before somebody is reminded of what is to be done.
    let closes = n.created_at.saturating_add(pages.closes_after);
    if closes.is_ok_and(|closes| now >= closes) {
        return Ok(Look::Closed(number));
    }
    let pupil = directory.roster.pupil(&n.school, &n.pupil);
    if about_one && ladders::is_hidden(&unit, school, pupil, &n.pupil, now).await? {
        return Ok(Look::Hidden(number));
    }
    let kv = shared.kv.as_ref();
    let Some((rows, more)) = duties_of(kv, &mut unit, &directory, school, &n, now).await? else {
        return Ok(Look::Gone);
    };
    let by = n.recipient.key();
    let locale = language.unwrap_or(&school.locale);
    let mut pupils: BTreeMap<PupilId, About<'_>> = BTreeMap::new();
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        if !pupils.contains_key(&row.pupil) {
            let about = About::read(&unit, &directory, school, &row.pupil, now).await?;
            pupils.insert(row.pupil.clone(), about);
        }
        let Some(about) = pupils.get(&row.pupil) else { continue };
        all.push(about.open((school, &directory.roster), row, &by, locale));
    }
    Ok(Look::Open(Box::new(OpenDuties {
        by,
        school: school.id.clone(),
        locale: school.locale.clone(),
        case: number,
        duties: all,
        more,
    })))
}

/// What is known of one pupil.
struct About<'a> {
    /// None: nothing may be said.
    pupil: Option<&'a Pupil>,
    firings: Vec<Firing>,
}

impl<'a> About<'a> {
    async fn read(
        unit: &Unit<'_>,
        directory: &'a Directory,
        school: &School,
        id: &PupilId,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let known = directory.roster.pupil(&school.id, id);
        let hidden = ladders::is_hidden(unit, school, known, id, now).await?;
        let climbed = ladders::Climbed::read(unit, &school.id, id).await?;
        Ok(Self { pupil: known.filter(|_| !hidden), firings: climbed.firings })
    }

    fn open(
        &self,
        (school, roster): (&School, &Roster),
        row: Duty,
        by: &str,
        locale: &Locale,
    ) -> OpenDuty {
        let firing = self.firings.iter().find(|firing| firing.id == row.firing);
        let case = firing.map(|firing| case_number(&school.id, &row.pupil, firing.day));
        let shown = PageDuty {
            id: row.id.to_string(),
            number: row.number(),
            case: case.unwrap_or_default(),
            hidden: true,
            ..PageDuty::default()
        };
        let Some(pupil) = self.pupil else {
            return OpenDuty { row, shown, offered: Vec::new() };
        };
        let stands = firing.is_some_and(Firing::stands);
        let offered = offered(school, &row, stands, by);
        let shown = PageDuty {
            hidden: false,
            pupil: full_name(pupil),
            class: pupil.class.clone().unwrap_or_default(),
            taken_back: !stands,
            says: offered.iter().map(|say| say.as_str().to_owned()).collect(),
            ..told((school, roster), &row, locale, shown)
        };
        OpenDuty { row, shown, offered }
    }
}

/// What is told of a duty, whoever it is about.
fn told(
    (school, roster): (&School, &Roster),
    row: &Duty,
    locale: &Locale,
    shown: PageDuty,
) -> PageDuty {
    let locale = locale.as_str();
    let ladder = school.ladders.version(&row.ladder, row.version);
    let step = ladder.and_then(|ladder| ladder.step(&row.step));
    let rule = duties::rule_of(school, row);
    let place = rule.and_then(|rule| rule.documents.as_ref());
    let called = |text: Option<&crate::ladder::Text>, id: &str| {
        text.map_or(id, |text| text.of(locale)).to_owned()
    };
    let event = |event: &DutyEvent| PageEvent {
        at: clock(event.at, school),
        what: event.what.as_str().into(),
        to: match event.what {
            DutyAct::HandedOver { to } => to.as_str().into(),
            _ => String::new(),
        },
        by: event.by.as_deref().map(|by| whose(roster, by)).unwrap_or_default(),
        why: event.why.clone().unwrap_or_default(),
    };
    PageDuty {
        school: school.name.clone(),
        ladder: called(ladder.map(|ladder| &ladder.title), &row.ladder),
        version: row.version.to_string(),
        step: called(step.map(|step| &step.title), &row.step),
        what: called(rule.map(|rule| &rule.text), &row.rule),
        due: clock(row.due_at, school),
        state: row.state.as_str().into(),
        taken_by: row.taken_by.as_deref().map(|by| whose(roster, by)).unwrap_or_default(),
        place: place.map(|place| place.place.of(locale).to_owned()).unwrap_or_default(),
        documented: row.documented_at.map(|at| clock(at, school)).unwrap_or_default(),
        events: row.history.iter().rev().map(event).collect(),
        seen: state(row),
        ..shown
    }
}

/// `2026-11-23 10.31`, by the school's clock.
fn clock(at: Timestamp, school: &School) -> String {
    at.to_zoned_datetime(school.zone.clone()).strftime("%Y-%m-%d %H.%M").to_string()
}

/// The role by whose link something was said: never who. `staff`: whose role is not known; `operator`: it was typed.
fn whose(roster: &Roster, by: &str) -> String {
    const ROLES: [StaffRole; 9] = [
        StaffRole::Mentor,
        StaffRole::AttendanceTeam,
        StaffRole::StudentHealthTeam,
        StaffRole::Principal,
        StaffRole::HeadOfEducation,
        StaffRole::HomeMunicipality,
        StaffRole::Teacher,
        StaffRole::Operations,
        StaffRole::Office,
    ];
    if let Some(id) = by.strip_prefix("member:") {
        let known = StaffId::new(id).ok().and_then(|id| roster.staff.get(&id));
        return known.map_or("staff", |member| member.role.as_str()).to_owned();
    }
    let role = ROLES.iter().find(|role| Recipient::Staff(**role).key() == by);
    role.map_or("operator", |role| role.as_str()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_told_and_never_who() {
        let mut roster = Roster::default();
        let id = StaffId::new("lena").expect("an id");
        let staff = crate::directory::Staff {
            id: id.clone(),
            school: None,
            role: StaffRole::Mentor,
            municipality: None,
            name: Some("Lena Alm".into()),
            email: None,
            phone: None,
        };
        roster.staff.insert(id.clone(), staff);
        for (by, role) in [
            (Recipient::Member(id).key().as_str(), "mentor"),
            ("member:gone", "staff"),
            (Recipient::Staff(StaffRole::AttendanceTeam).key().as_str(), "attendance-team"),
            (Recipient::Staff(StaffRole::Principal).key().as_str(), "principal"),
            ("uid 0", "operator"),
            ("Lena Alm", "operator"),
        ] {
            assert_eq!(whose(&roster, by), role, "{by}");
        }
    }
}
