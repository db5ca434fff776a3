//! Notices about no one pupil: registers, silent sources, holds and the lists of the day. Whether what one says is still so when it would leave, to
//! whom it goes, and what it may say, all from the rows as they are then.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::claim::Verdict;
use super::daily;
use super::hold_facts::{self, HeldNow};
use super::shared::Shared;
use super::{
    day_report, duty_list, failure, ladder_notice, ladder_report, programmes, term_report,
};
use crate::directory::{Directory, Mode, Nudge, Roster, School, entitled};
use crate::intake::case;
use crate::intake::registers::{self, Awaited};
use crate::message::notice::NoticeFacts;
use crate::model::{
    Address, Hold, HoldDecision, HoldId, Notification, Purpose, Reason, Recipient, Register,
    Silence, SourceId, State, local_date,
};
use crate::policy::notice::{self, Notice};
use crate::policy::register::{self, Members};
use crate::store::ledger::Unit;
use crate::store::{Kv, StoreError, tables};

/// Before a notice that its school's absence, or a message under way, keeps back is looked at again.
const LATER: SignedDuration = SignedDuration::from_mins(1);
/// Before an all-clear looks again at an alert that is on the wire this moment.
const ON_THE_WIRE: SignedDuration = SignedDuration::from_secs(2);

/// What a notice is about, as it is now.
pub(super) enum About<'a> {
    /// A register, with those who are to be in it.
    Register(Box<Register>, Members<'a>),
    /// The registers since the last digest.
    Digest(Vec<(Register, Members<'a>)>),
    /// A source.
    Silence(Silence),
    /// A list of the day, and whether anybody is on it.
    List(Box<NoticeFacts>, bool),
    /// Messages that are held, and what is told of them.
    Hold(Box<Hold>, HeldNow),
    /// A step of a ladder.
    Step(Box<ladder_notice::Step>),
    /// The rows that it was made from are gone.
    Gone,
}

/// Reads what a notice is about.
///
/// # Errors
/// When the store fails.
pub(super) async fn about<'a>(
    kv: &dyn Kv,
    unit: &mut Unit<'_>,
    directory: &'a Directory,
    school: &School,
    n: &Notification,
    now: Timestamp,
) -> Result<About<'a>, StoreError> {
    Ok(match n.purpose {
        Purpose::SourceAlert | Purpose::SourceClear => {
            let Ok(source) = SourceId::new(n.lesson.as_str()) else { return Ok(About::Gone) };
            let row: Option<Silence> = unit.read(&tables::silence(&school.id, &source)).await?;
            row.map_or(About::Gone, About::Silence)
        }
        Purpose::NotReached => {
            let found = daily::not_reached(unit, directory, school, n.date, now).await?;
            let any = !found.people.is_empty() || found.unnamed > 0;
            About::List(Box::new(NoticeFacts::NotReached(found)), any)
        }
        Purpose::Missed => {
            let found = daily::missed(unit, directory, school, n.date, now).await?;
            let any = !found.people.is_empty() || found.unnamed > 0;
            About::List(Box::new(NoticeFacts::Missed(found)), any)
        }
        Purpose::RosterAudit => match daily::roster(unit, directory, school, n.date, now).await? {
            Some(found) => {
                let any = !found.is_nothing();
                About::List(Box::new(NoticeFacts::Roster(found)), any)
            }
            None => About::Gone,
        },
        Purpose::DayReport => {
            let found = day_report::facts(unit, directory, school, n.date, now).await?;
            let any = !found.is_nothing();
            About::List(Box::new(NoticeFacts::DayReport(found)), any)
        }
        Purpose::TermReport => term_report::about(unit, directory, school, n.date).await?,
        Purpose::LadderReport => {
            let found = ladder_report::facts(kv, directory, school, n.date, now).await?;
            let any = !found.is_nothing();
            About::List(Box::new(NoticeFacts::LadderReport(Box::new(found))), any)
        }
        Purpose::DutyList => match duty_list::facts(kv, unit, directory, school, n, now).await? {
            Some(found) => About::List(Box::new(NoticeFacts::DutyList(found)), true),
            None => About::Gone,
        },
        Purpose::ProgrammeReminder => match programmes::facts(unit, directory, school, n).await? {
            Some(found) => About::List(Box::new(NoticeFacts::Programme(found)), true),
            None => About::Gone,
        },
        Purpose::VolumeHold => {
            let Ok(id) = HoldId::try_from(n.lesson.to_string()) else { return Ok(About::Gone) };
            let row: Option<Hold> = unit.read(&tables::hold(&school.id, n.date, &id)).await?;
            let Some(hold) = row else { return Ok(About::Gone) };
            let seen = hold_facts::look(kv, &directory.roster, Some(school), &hold).await?;
            About::Hold(Box::new(hold), seen)
        }
        purpose if purpose.is_of_ladder() => {
            let found = ladder_notice::about(unit, directory, school, n, now).await?;
            found.map_or(About::Gone, |step| About::Step(Box::new(step)))
        }
        Purpose::RegisterDigest => {
            let found = registers::of_digest(unit, school, n.created_at).await?;
            let with_members = |register: Register| {
                // Nothing is said of the others but how many there are.
                let named = register::is_in_digest(&register, school, n.created_at);
                let members =
                    named.then(|| register::members_of(&directory.roster, &school.id, &register));
                (register, members.unwrap_or_default())
            };
            About::Digest(found.into_iter().map(with_members).collect())
        }
        _ => {
            let key = tables::register(&school.id, &n.lesson);
            match unit.read::<Register>(&key).await? {
                None => About::Gone,
                Some(row) => {
                    let Awaited { members, .. } =
                        registers::awaited(unit, &directory.roster, school, &row).await?;
                    About::Register(Box::new(row), members)
                }
            }
        }
    })
}

/// What a claim of a notice depends on.
pub(super) struct Claim<'a> {
    /// Now.
    pub now: Timestamp,
    /// The notice, as stored.
    pub n: &'a Notification,
    /// The school; none when it is no longer configured.
    pub school: Option<&'a School>,
    /// Everybody.
    pub roster: &'a Roster,
    /// What it is about.
    pub about: &'a About<'a>,
    /// The alert that it takes back, for one that does.
    pub takes_back: Option<&'a Notification>,
    /// Whether a provider has rejected an address as such.
    pub bad: &'a BTreeSet<Address>,
}

/// Asks every rule again: deadline, truth, mode, who, guests.
pub(super) fn claim(c: &Claim<'_>) -> Verdict {
    let drop = |state, reason| Verdict::Drop { state, reason, decide_again: false };
    let n = c.n;
    if c.now >= n.deadline {
        return drop(State::Expired, Reason::Expired);
    }
    let Some(school) = c.school else {
        let until = c.now.saturating_add(LATER).unwrap_or(Timestamp::MAX);
        return Verdict::Defer { until, reason: Reason::UnknownSchool };
    };
    if let Some(reason) = untrue(c, school) {
        return drop(State::Cancelled, reason);
    }
    if matches!(n.purpose, Purpose::RegisterTaken | Purpose::SourceClear) {
        // Only those who were told are told that it is over: wait until that is known.
        match c.takes_back {
            Some(told) if matches!(told.state, State::Sending | State::InDoubt) => {
                let again = c.now.max(told.due_at).saturating_add(ON_THE_WIRE);
                let until = again.unwrap_or(Timestamp::MAX);
                return Verdict::Defer { until, reason: Reason::InDoubt };
            }
            Some(told) if told.may_have_arrived() => {}
            _ => return drop(State::Cancelled, Reason::NothingToCorrect),
        }
    }
    if let About::Step(step) = c.about
        && let Some(verdict) = step.not_told(n, c.now)
    {
        return verdict;
    }
    if school.mode == Mode::Shadow {
        return drop(State::Cancelled, Reason::ShadowMode);
    }
    let address = match address(c, school) {
        Some(address) if c.bad.contains(&address) => {
            return drop(State::Rejected, Reason::BadContact);
        }
        Some(address) => address,
        None => return drop(State::Rejected, Reason::NoContact),
    };
    if school.mode == Mode::Guests && !school.guests.contains(&address) {
        return drop(State::Cancelled, Reason::NotAGuest);
    }
    Verdict::Send { address, language: school.locale.clone() }
}

fn address(c: &Claim<'_>, school: &School) -> Option<Address> {
    if c.n.purpose.is_of_ladder() {
        return ladder_notice::address(c.n, school, c.roster);
    }
    match &c.n.recipient {
        Recipient::Staff(role) if c.n.purpose == Purpose::DutyList => {
            duty_list::address(c.n, *role, school, c.roster).map(Address::Email)
        }
        Recipient::Staff(role) => {
            entitled::staff(school, None, c.roster, *role).map(Address::Email)
        }
        Recipient::Member(id) => {
            let all = entitled::member(c.roster, id, preferred(school, c.n));
            all.into_iter().find(|address| address.channel() == c.n.channel)
        }
        Recipient::Guardian(_) | Recipient::Pupil | Recipient::Guest | Recipient::Agreed => None,
    }
}

/// How a member of staff is told of it: of registers as the school has chosen, of anything else by mail.
fn preferred(school: &School, n: &Notification) -> Nudge {
    if goes_by_mail_alone(n.purpose) { Nudge::Email } else { school.registers.nudge }
}

/// Whether nobody is told of it by text.
fn goes_by_mail_alone(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::ProgrammeReminder | Purpose::DutyList) || purpose.is_of_ladder()
}

/// Why what a notice says is no longer so.
fn untrue(c: &Claim<'_>, school: &School) -> Option<Reason> {
    let n = c.n;
    match (n.purpose, c.about) {
        (Purpose::RegisterNudge | Purpose::RegisterUntaken, About::Register(row, members)) => {
            let moved = local_date(row.lesson.start, &school.zone) != n.date;
            if let Some(reason) = register::not_awaited_on_its_day(row, school) {
                Some(reason)
            } else if register::taken_at(row, school).is_some() {
                Some(Reason::RegisterTaken)
            } else if moved {
                Some(Reason::Replaced)
            } else if members.is_empty() {
                Some(Reason::NobodyToCome)
            } else if n.purpose == Purpose::RegisterUntaken {
                // Moved to later in the day: it is looked at when it is over.
                (c.now < row.lesson.end).then_some(Reason::Replaced)
            } else if c.now >= row.lesson.end {
                Some(Reason::Stale)
            } else if c.now < register::ask_at(row, school) {
                Some(Reason::Replaced)
            } else {
                // Somebody else may stand in by now.
                let teaches = |id| register::teachers(row).contains(id);
                let still = matches!(&n.recipient, Recipient::Member(id) if teaches(id));
                let off = school.registers.nudge == Nudge::Off;
                (!still || off).then_some(Reason::Replaced)
            }
        }
        (Purpose::RegisterTaken, About::Register(row, _)) => {
            register::taken_at(row, school).is_none().then_some(Reason::RegisterNotTaken)
        }
        (Purpose::RegisterDigest, About::Digest(all)) => all
            .iter()
            .all(|(row, _)| !register::is_in_digest(row, school, n.created_at))
            .then_some(Reason::RegisterTaken),
        (Purpose::SourceAlert, About::Silence(row)) => {
            let same = is_of(row, n);
            (!same || row.over_at.is_some()).then_some(Reason::SourceHeard)
        }
        (Purpose::SourceClear, About::Silence(row)) => {
            let same = is_of(row, n);
            (!same || row.over_at.is_none()).then_some(Reason::SourceSilent)
        }
        (
            Purpose::NotReached
            | Purpose::RosterAudit
            | Purpose::Missed
            | Purpose::DayReport
            | Purpose::TermReport
            | Purpose::LadderReport
            | Purpose::DutyList
            | Purpose::ProgrammeReminder,
            About::List(_, any),
        ) => (!any).then_some(Reason::NothingToList),
        // Done, held, moved or somebody else's by now.
        (Purpose::ProgrammeReminder | Purpose::DutyList, About::Gone) => {
            Some(Reason::NothingToList)
        }
        (Purpose::VolumeHold, About::Hold(hold, _)) if hold.over_at.is_some() => {
            Some(hold.decisions.last().map_or(Reason::MarkChanged, HoldDecision::reason))
        }
        (Purpose::VolumeHold, About::Hold(..)) => None,
        (_, About::Step(step)) => step.untrue(n, school, c.roster),
        _ => Some(Reason::NothingToCorrect),
    }
}

/// Whether a notice is of this silence, and not of one that has been before it.
fn is_of(row: &Silence, n: &Notification) -> bool {
    row.noticed_at <= n.created_at
        && row.over_at.is_none_or(|at| n.purpose == Purpose::SourceAlert || at <= n.created_at)
}

/// The alert that a notice takes back, for one that does.
///
/// # Errors
/// When the store fails.
pub(super) async fn takes_back(
    unit: &mut Unit<'_>,
    school: &School,
    n: &Notification,
    about: &About<'_>,
) -> Result<Option<Notification>, StoreError> {
    let id = match (n.purpose, about) {
        (Purpose::RegisterTaken, About::Register(row, _)) => {
            registers::alert(&row.lesson, n.date).id(school)
        }
        (Purpose::SourceClear, About::Silence(row)) => notice::alert_of(school, n, row),
        _ => return Ok(None),
    };
    unit.read(&tables::notification(&id)).await
}

/// Follows up a notice that will never arrive: to one member of staff the other way is tried, once.
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
    let school = directory.schools.get(&n.school);
    // One in doubt may have arrived; of one that is too old nobody need hear.
    let other_way =
        !matches!(reason, Reason::HeldInDoubt | Reason::Expired) && !goes_by_mail_alone(n.purpose);
    if let (Recipient::Member(id), Some(school), true) = (&n.recipient, school, other_way) {
        let channel = n.channel.other();
        let all = entitled::member(&directory.roster, id, school.registers.nudge);
        let other = Notice {
            purpose: n.purpose,
            reason: n.reason,
            recipient: n.recipient.clone(),
            channel,
            about: &n.lesson,
            date: n.date,
            which: String::new(),
        };
        let known: Option<Notification> =
            unit.read(&tables::notification(&other.id(school))).await?;
        if known.is_none() && all.iter().any(|address| address.channel() == channel) {
            let mut row = other.row(school, now);
            row.deadline = n.deadline;
            case::enqueue(unit, &row);
            unit.decided("notify", reason);
            return Ok(());
        }
    }
    tracing::error!(
        notification = %n.id, school = %n.school, purpose = n.purpose.as_str(), %reason,
        "staff could not be reached; check their addresses, and the settings of mail and texts"
    );
    Ok(())
}

/// Which of a notice's addresses providers have rejected.
///
/// # Errors
/// When the store fails.
pub(super) async fn bad_addresses(
    unit: &Unit<'_>,
    directory: &Directory,
    school: &School,
    n: &Notification,
    now: Timestamp,
) -> Result<BTreeSet<Address>, StoreError> {
    if n.purpose.is_of_ladder() && matches!(n.recipient, Recipient::Member(_)) {
        let address = ladder_notice::address(n, school, &directory.roster);
        return failure::bad_among(unit, address, now).await;
    }
    let Recipient::Member(id) = &n.recipient else { return Ok(BTreeSet::new()) };
    let all = entitled::member(&directory.roster, id, preferred(school, n));
    failure::bad_among(unit, all, now).await
}

#[cfg(test)]
#[path = "notice_tests.rs"]
mod tests;
