//! Notices of ladders: whether what one says is still so when it would leave, and what it may say, all from the rows as
//! they are then. A pointer by default: what is to be done, by when and where, and of whom only a case number.

use jiff::{SignedDuration, Timestamp};

use super::claim::Verdict;
use super::shared::Shared;
use crate::directory::{Directory, LadderMail, Pupil, School, entitled};
use crate::intake::{duties, ladders};
use crate::message::ladder::{DutyFacts, LadderFacts};
use crate::message::thread;
use crate::model::{
    Address, Clock24, Duty, DutyAct, DutyState, Firing, Notification, Purpose, Reason, Recipient,
    StaffRole, State, local_date,
};
use crate::store::ledger::Unit;
use crate::store::{StoreError, tables};

/// Before one that takes back looks again at what is on the wire this moment.
const ON_THE_WIRE: SignedDuration = SignedDuration::from_secs(2);

/// What a notice of a ladder is about, as it is now.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// The step that was reached.
    firing: Firing,
    /// Its duties.
    duties: Vec<Duty>,
    /// Nothing may be said of the pupil.
    pub hidden: bool,
    /// What the recipient was told of the step.
    told: Vec<Notification>,
    /// More calls fall due in an hour than the school wants.
    full: bool,
    /// How many duties ended with the pupil's leaving.
    ended: usize,
}

/// Reads what a notice is about; none: the rows that it was made from are gone.
///
/// # Errors
/// When the store fails.
pub(super) async fn about(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    n: &Notification,
    now: Timestamp,
) -> Result<Option<Step>, StoreError> {
    let Some(firing) = ladders::firing_of(unit, n).await? else { return Ok(None) };
    let mut duties = Vec::new();
    for rule in &firing.duties {
        let id = Duty::id_of(&firing.id, rule);
        duties.extend(unit.read::<Duty>(&tables::duty_of(&n.school, &n.pupil, &id)).await?);
    }
    let known = directory.roster.pupil(&n.school, &n.pupil);
    let hidden = ladders::is_hidden(unit, school, known, &n.pupil, now).await?;
    let mut told = Vec::new();
    if n.purpose == Purpose::LadderRetracted {
        let of_duties = duties.iter().flat_map(|duty| &duty.notifications);
        for id in firing.notifications.iter().chain(of_duties) {
            let row: Option<Notification> = unit.peek(&tables::notification(id)).await?;
            told.extend(row.filter(|row| {
                row.recipient == n.recipient && row.purpose != Purpose::LadderRetracted
            }));
        }
    }
    let mut full = false;
    for duty in duties.iter().filter(|duty| duty.state.is_open()) {
        full |= duties::is_full(unit, school, duty).await?;
    }
    let mut ended = 0;
    if n.purpose == Purpose::PupilLeft {
        let all = ladders::Climbed::read(unit, &n.school, &n.pupil).await?;
        let left = |duty: &&Duty| {
            duty.history.last().is_some_and(|event| event.what == DutyAct::PupilLeft)
        };
        ended = all.duties.iter().filter(left).count();
    }
    Ok(Some(Step { firing, duties, hidden, told, full, ended }))
}

impl Step {
    /// The duties that the recipient has.
    fn of<'a>(
        &'a self,
        recipient: &'a Recipient,
        school: &'a School,
        directory: (&'a crate::directory::Roster, Option<&'a Pupil>),
    ) -> impl Iterator<Item = (&'a Duty, bool)> {
        let (roster, pupil) = directory;
        self.duties.iter().filter_map(move |duty| {
            let found = entitled::in_role(school, pupil, roster, self.hidden, duty.owner)?;
            (found.recipient == *recipient).then_some((duty, found.instead))
        })
    }

    /// Why what a notice says is no longer so; none: it is.
    pub fn untrue(
        &self,
        n: &Notification,
        school: &School,
        roster: &crate::directory::Roster,
    ) -> Option<Reason> {
        // Whom somebody may not be told of any more, the principal is told of.
        if self.hidden && n.recipient != Recipient::Staff(StaffRole::Principal) {
            return Some(Reason::Protected);
        }
        let pupil = roster.pupil(&n.school, &n.pupil);
        let has = |is: &dyn Fn(&Duty) -> bool| {
            self.of(&n.recipient, school, (roster, pupil)).any(|(duty, _)| is(duty))
        };
        let stands = self.firing.stands();
        match n.purpose {
            Purpose::LadderRetracted => None,
            Purpose::PupilLeft => (self.ended == 0).then_some(Reason::NothingToList),
            _ if !stands => self.firing.retracted.as_ref().map(|retracted| retracted.reason),
            Purpose::DutyOverdue => {
                let is_overdue = |duty: &Duty| duty.state == DutyState::Overdue;
                (!has(&is_overdue)).then_some(Reason::DutyOver)
            }
            Purpose::DutyDocumented => {
                let any = self.duties.iter().any(|duty| duty.documented_at.is_some());
                (!any).then_some(Reason::NothingToList)
            }
            // Somebody has done it already, or it is not theirs any more.
            Purpose::Duty | Purpose::DutyReminder => {
                (!has(&|duty| duty.state.is_open())).then_some(Reason::DutyOver)
            }
            _ => None,
        }
    }

    /// For one that takes back: why it does not leave now, since what it takes back has not arrived, or nobody knows yet.
    pub fn not_told(&self, n: &Notification, now: Timestamp) -> Option<Verdict> {
        if n.purpose != Purpose::LadderRetracted {
            return None;
        }
        let is_open = |told: &Notification| matches!(told.state, State::Sending | State::InDoubt);
        if self.told.iter().any(|told| told.may_have_arrived() && !is_open(told)) {
            return None;
        }
        if self.told.iter().any(is_open) {
            let until = now.saturating_add(ON_THE_WIRE).unwrap_or(Timestamp::MAX);
            return Some(Verdict::Defer { until, reason: Reason::InDoubt });
        }
        let (state, reason) = (State::Cancelled, Reason::NothingToCorrect);
        Some(Verdict::Drop { state, reason, decide_again: false })
    }

    /// What the notice may say.
    pub fn facts(
        &self,
        n: &Notification,
        school: &School,
        roster: &crate::directory::Roster,
        now: Timestamp,
    ) -> LadderFacts {
        let pupil = roster.pupil(&n.school, &n.pupil).filter(|_| !self.hidden);
        let case = thread::case_number(&n.school, &n.pupil, self.firing.day);
        let mut facts = LadderFacts {
            school: school.name.clone(),
            case,
            hidden: self.hidden,
            ended: self.ended,
            ..LadderFacts::default()
        };
        // Nothing else leaves of somebody of whom nothing may be said.
        if self.hidden {
            let own = self.duties.iter().filter(|duty| concerns(n.purpose, duty));
            facts.numbers = own.map(Duty::number).collect();
            return facts;
        }
        let Firing { ladder: name, version, step: id, .. } = &self.firing;
        let locale = school.locale.as_str();
        let ladder = school.ladders.version(name, *version);
        let step = ladder.and_then(|ladder| ladder.step(id));
        let called = |text: Option<&crate::ladder::Text>, id: &str| {
            text.map_or(id, |text| text.of(locale)).to_owned()
        };
        facts.ladder = called(ladder.map(|ladder| &ladder.title), name);
        facts.version = version.to_string();
        facts.step = called(step.map(|step| &step.title), id);
        facts.who = who(school.ladders.mail, pupil);
        facts.full = self.full;
        let today = local_date(now, &school.zone);
        let is_initial = matches!(n.purpose, Purpose::LadderStep | Purpose::Duty);
        for told in step.iter().flat_map(|step| &step.notify).filter(|_| is_initial) {
            let found = entitled::in_role(school, pupil, roster, false, told.role);
            if let Some(found) = found.filter(|found| found.recipient == n.recipient) {
                facts.told.push(told.text.of(locale).to_owned());
                facts.missing(found.instead, told.role);
            }
        }
        let all = match n.purpose {
            // Those concerned are not those whose duty it was.
            Purpose::DutyDocumented => self.duties.iter().map(|duty| (duty, false)).collect(),
            _ => self.of(&n.recipient, school, (roster, pupil)).collect::<Vec<_>>(),
        };
        for (duty, instead) in all.into_iter().filter(|(duty, _)| concerns(n.purpose, duty)) {
            let rule = duties::rule_of(school, duty);
            let day = local_date(duty.due_at, &school.zone);
            let time = Clock24::of(duty.due_at, &school.zone).to_string();
            let from = duty.history.iter().rev().find_map(|event| match event.what {
                DutyAct::HandedOver { .. } => rule.map(|rule| rule.owner.as_str().to_owned()),
                _ => None,
            });
            let place = rule.and_then(|rule| rule.documents.as_ref());
            facts.missing(instead, duty.owner);
            facts.duties.push(DutyFacts {
                number: duty.number(),
                what: called(rule.map(|rule| &rule.text), &duty.rule),
                day: if day == today { String::new() } else { day.to_string() },
                time,
                place: place.map_or_else(String::new, |place| place.place.of(locale).to_owned()),
                // Whoever it was handed over to has time of their own.
                overdue: duty.state == DutyState::Overdue && duty.due_at <= now,
                done: duty.state == DutyState::Done,
                from: from.unwrap_or_default(),
                restored: duty.has(DutyAct::PutBack),
            });
        }
        facts
    }
}

/// Whether a notice tells of a duty.
fn concerns(purpose: Purpose, duty: &Duty) -> bool {
    match purpose {
        Purpose::Duty | Purpose::DutyReminder => duty.state.is_open(),
        Purpose::DutyOverdue => duty.state == DutyState::Overdue,
        Purpose::DutyDocumented => duty.documented_at.is_some(),
        _ => false,
    }
}

/// Whom it is about, as far as the school wants that in mail.
pub(super) fn who(mail: LadderMail, pupil: Option<&Pupil>) -> String {
    let Some(pupil) = pupil else { return String::new() };
    let class = pupil.class.as_deref().map(|class| format!(", {class}")).unwrap_or_default();
    let family = pupil.family_name.as_deref().unwrap_or_default();
    match mail {
        LadderMail::Pointer => String::new(),
        LadderMail::Initials => {
            let first = |name: &str| name.chars().next();
            let initials = [first(&pupil.given_name), first(family)].into_iter().flatten();
            initials.fold(String::new(), |out, initial| out + initial.to_string().as_str() + ".")
                + &class
        }
        LadderMail::Name => format!("{} {family}", pupil.given_name).trim_end().to_owned() + &class,
    }
}

/// Where a notice of a ladder goes.
pub(super) fn address(
    n: &Notification,
    school: &School,
    roster: &crate::directory::Roster,
) -> Option<Address> {
    let mail = match &n.recipient {
        Recipient::Staff(role) => {
            let pupil = roster.pupil(&n.school, &n.pupil);
            entitled::staff(school, pupil, roster, *role)
        }
        Recipient::Member(id) => roster.staff.get(id).and_then(|staff| staff.email.clone()),
        _ => None,
    };
    mail.map(Address::Email)
}

/// Follows up a notice that did not leave since its recipient may not be told of the pupil any more.
///
/// # Errors
/// When the store fails.
pub(super) async fn follow(
    shared: &Shared,
    unit: &mut Unit<'_>,
    n: &Notification,
    reason: Reason,
    now: Timestamp,
) -> Result<(), StoreError> {
    let directory = shared.directory.load_full();
    match directory.schools.get(&n.school) {
        Some(school) if n.purpose.is_of_ladder() && reason == Reason::Protected => {
            ladders::redirect(unit, school, n, now).await
        }
        _ => Ok(()),
    }
}
