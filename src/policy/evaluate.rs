//! One lesson of one pupil: what is true, what was told, and the difference.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::agreed;
use super::exclusion::{self, hidden};
use super::plan::Plan;
use super::put_right::put_right;
use super::stale;
use super::standing::{Standing, standing, task_for};
use crate::directory::entitled::{self, Candidate, Entitled, Known};
use crate::directory::{Pupil, Roster, School};
use crate::model::{
    Accord, AdvanceNotice, Channel, GuardianId, LessonState, Mark, Notification, NotificationId,
    PupilId, Purpose, Reason, Recipient, StaffRole, State, TaskKind, local_date,
};

/// How long a mail to staff, or a correction, is worth delivering.
const STAFF_DEADLINE: SignedDuration = SignedDuration::from_hours(24);

/// Everything a decision about one lesson depends on.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub struct Situation<'a> {
    /// Now.
    pub now: Timestamp,
    /// The school's settings.
    pub school: &'a School,
    /// Everybody.
    pub roster: &'a Roster,
    /// The pupil.
    pub pupil: &'a PupilId,
    /// The lesson's day in the school's zone.
    pub date: Date,
    /// The lesson, its `missing` and `revision` as last stored.
    pub lesson: &'a LessonState,
    /// The pupil's advance notices.
    pub notices: &'a [AdvanceNotice],
    /// Every notification made for this lesson, oldest first.
    pub told: &'a [Notification],
    /// Whether the pupil is missing at another lesson of the day too.
    pub missing_elsewhere: bool,
    /// Whether the team has a task about a mark of another lesson of the day that came too late.
    pub duty_elsewhere: bool,
    /// Whether a source says that the pupil is protected, whatever the directory says.
    pub protected: bool,
    /// Why nobody is told of the lesson.
    pub exclusion: Option<Reason>,
    /// What was agreed about the pupil.
    pub accords: &'a [Accord],
    /// Whether the home was asked to ring about another lesson of the day.
    pub rung: bool,
}

/// Plans the difference between what is true and what was told.
pub fn evaluate(s: &Situation<'_>) -> Plan {
    let standing = standing(s.lesson, s.notices, s.now);
    let missing = standing == Standing::Missing;
    let newly = missing && !s.lesson.missing;
    let mut plan =
        Plan { missing, revision: s.lesson.revision + u32::from(newly), ..Plan::default() };
    let pupil = s.roster.pupil(&s.school.id, s.pupil);
    match standing {
        Standing::Missing if s.lesson.taken_as_known => {
            plan.suppress(None, Reason::TakenAsKnown);
            return plan;
        }
        Standing::Missing if s.exclusion.is_some() => {}
        Standing::Missing => tell(s, pupil, &mut plan),
        Standing::NotMissing { .. } => put_right(s, standing, &mut plan),
    }
    match s.exclusion {
        Some(reason) => exclusion::leave_out(s, pupil, standing, reason, &mut plan),
        None => team(s, pupil, standing, &mut plan),
    }
    plan
}

/// Guardians, or the adult pupil, of a pupil who is missing.
fn tell(s: &Situation<'_>, pupil: Option<&Pupil>, plan: &mut Plan) {
    for correction in s.told.iter().filter(|n| n.purpose == Purpose::Correction) {
        if correction.state == State::Waiting {
            plan.cancel(correction, Reason::MarkChanged);
        }
    }
    if stale::is_too_old(s.school, s.lesson.lesson.end, s.now) {
        plan.suppress(None, Reason::Stale);
        stale::duty(s, pupil, plan);
        return;
    }
    let candidates = match entitled_to_hear(s, pupil, plan) {
        Ok(candidates) => candidates,
        Err(reason) => {
            cancel_waiting(s, plan, |_| true, reason);
            plan.suppress(None, reason);
            staff_task(s, reason, plan);
            if reason == Reason::Protected {
                agreed::ask_to_ring(s, pupil, plan);
            }
            return;
        }
    };
    let listed = |n: &Notification| candidates.iter().any(|c| c.recipient == n.recipient);
    cancel_waiting(s, plan, |n| !listed(n), Reason::NotEntitled);
    let mut reachable = false;
    for candidate in &candidates {
        if exclusion::is_muted(s, pupil, &candidate.recipient, plan) {
            reachable = true;
            continue;
        }
        if agreed::is_phoned(s, &candidate.recipient, plan) {
            reachable = true;
            continue;
        }
        match candidate.contact.as_ref().map(|addresses| addresses.first()) {
            Ok(Some(address)) => {
                reachable = true;
                tell_one(s, candidate, address.channel(), plan);
            }
            Ok(None) => plan.suppress(Some(candidate.recipient.clone()), Reason::NoContact),
            Err(reason) => plan.suppress(Some(candidate.recipient.clone()), *reason),
        }
    }
    if !reachable {
        staff_task(s, Reason::NoContact, plan);
    }
}

fn entitled_to_hear(
    s: &Situation<'_>,
    pupil: Option<&Pupil>,
    plan: &mut Plan,
) -> Result<Vec<Candidate>, Reason> {
    let pupil = pupil.ok_or(Reason::UnknownPupil)?;
    if s.protected {
        return Err(Reason::Protected);
    }
    let today = local_date(s.now, &s.school.zone);
    let unreached = unreached(s.told, s.lesson.revision.max(plan.revision));
    let known = Known { unreached, ..Known::of(s.accords) };
    match entitled::recipients(s.school, pupil, s.roster, today, &known) {
        Entitled::Nobody(reason) => Err(reason),
        Entitled::Adult(candidates) => {
            plan.suppress(None, Reason::Adult);
            Ok(candidates)
        }
        Entitled::Guardians { candidates, refused } => {
            for (guardian, reason) in refused {
                plan.suppress(Some(Recipient::Guardian(guardian)), reason);
            }
            Ok(candidates)
        }
    }
}

/// Guardians to whom every alarm of a revision has failed for good.
pub(crate) fn unreached(told: &[Notification], revision: u32) -> BTreeSet<GuardianId> {
    let mut failed = BTreeSet::new();
    let mut others = BTreeSet::new();
    let alarms = told.iter().filter(|n| n.purpose == Purpose::Absence && n.revision == revision);
    for n in alarms {
        let Recipient::Guardian(id) = &n.recipient else { continue };
        let has_failed = matches!(n.state, State::Undelivered | State::Rejected);
        if has_failed {
            failed.insert(id.clone())
        } else {
            others.insert(id.clone())
        };
    }
    failed.difference(&others).cloned().collect()
}

pub(super) fn cancel_waiting(
    s: &Situation<'_>,
    plan: &mut Plan,
    which: impl Fn(&Notification) -> bool,
    reason: Reason,
) {
    for n in s.told {
        if n.purpose == Purpose::Absence && n.state == State::Waiting && which(n) {
            plan.cancel(n, reason);
        }
    }
}

/// Whether a correction of `n` has, or may have, arrived.
pub(super) fn is_corrected(s: &Situation<'_>, n: &Notification) -> bool {
    s.told.iter().any(|c| c.corrects.as_ref() == Some(&n.id) && c.may_have_arrived())
}

/// Whether a message was called back after an attempt that may have arrived. When it is so again it is
/// the same message: whoever has it already can tell.
fn may_be_sent_again(n: &Notification) -> bool {
    n.state == State::Cancelled && n.may_have_arrived() && !is_operators_cancel(n)
}

/// Whether an operator called it back: that holds for the alarm it was about, whatever is heard of it. A pupil
/// who is missing again after having been there is another alarm.
fn is_operators_cancel(n: &Notification) -> bool {
    n.state == State::Cancelled && n.state_reason.is_some_and(Reason::is_operators_cancel)
}

/// One of `found` that an operator called back, of the alarm in force.
fn operators_word<'a>(
    mut found: impl Iterator<Item = &'a Notification>,
    plan: &Plan,
) -> Option<&'a Notification> {
    found.find(|n| n.revision == plan.revision && is_operators_cancel(n))
}

fn tell_one(s: &Situation<'_>, candidate: &Candidate, channel: Channel, plan: &mut Plan) {
    let about =
        |n: &&Notification| n.purpose == Purpose::Absence && n.recipient == candidate.recipient;
    let uncorrected = || s.told.iter().filter(about).filter(|told| !is_corrected(s, told));
    let stands =
        |told: &&Notification| told.state.may_have_arrived() || told.state == State::Waiting;
    let gathered = s.now.saturating_add(s.school.volume.gathering()).unwrap_or(s.now);
    if let Some(told) = uncorrected().find(stands) {
        let waits = told.state_reason.filter(|_| told.state == State::Waiting);
        plan.keep(told, waits.unwrap_or(Reason::AlreadyTold));
        return;
    }
    if let Some(told) = operators_word(s.told.iter().filter(about), plan) {
        plan.keep(told, told.state_reason.unwrap_or(Reason::OperatorCancelled));
        return;
    }
    if let Some(told) = uncorrected().find(|told| may_be_sent_again(told)) {
        plan.again(told, gathered);
        return;
    }
    let mut new = blank(s, plan.revision, Purpose::Absence, candidate.recipient.clone(), channel);
    new.reason = Reason::UnexcusedAbsence;
    new.id = notification_id(s, &new, "");
    if let Some(same) = s.told.iter().find(|n| n.id == new.id) {
        plan.keep(same, same.state_reason.unwrap_or(Reason::AlreadyTold));
        return;
    }
    // The mark may be older: a notice was withdrawn, a silence has ended, and others come with it.
    when_home_would_hear(s, gathered, &mut new);
    new.deadline = stale::deadline(s.school, s.lesson.lesson.end, s.now);
    new.urgent = !s.missing_elsewhere && s.date == local_date(s.now, &s.school.zone);
    plan.make(new);
}

/// Makes it due when the mark has settled, by `settled` at the earliest, and the lesson has begun.
fn when_home_would_hear(s: &Situation<'_>, settled: Timestamp, new: &mut Notification) {
    let grace = s.lesson.received_at.saturating_add(s.school.settling()).unwrap_or(s.now);
    let (settled, start) = (settled.max(grace), s.lesson.lesson.start);
    new.due_at = s.now.max(settled).max(start);
    if start > s.now.max(settled) {
        new.state_reason = Some(Reason::NotBegun);
    } else if settled > s.now {
        new.state_reason = Some(Reason::Grace);
    }
}

/// The attendance team: once per lesson and alarm, when the lesson has ended or the teacher says so.
fn team(s: &Situation<'_>, pupil: Option<&Pupil>, standing: Standing, plan: &mut Plan) {
    let noticed = matches!(standing, Standing::NotMissing { reason: Reason::AdvanceNotice, .. });
    let reported = s.lesson.report_stands() && !noticed;
    let missing = standing == Standing::Missing;
    let ended = s.now >= s.lesson.lesson.end;
    let phone_first = missing && agreed::is_phone_first(s, pupil);
    // A notice may cover the start and not the end.
    let unexcused = s.lesson.mark == Some(Mark::Unexcused);
    if (missing || (noticed && unexcused)) && !ended && !reported {
        plan.look_again = Some(s.lesson.lesson.end);
        if !phone_first {
            return;
        }
    }
    if !reported && !missing {
        return;
    }
    let stale =
        s.now > s.lesson.lesson.end.saturating_add(s.school.stale_after).unwrap_or(Timestamp::MAX);
    if stale {
        plan.suppress(Some(Recipient::Staff(StaffRole::AttendanceTeam)), Reason::Stale);
        return;
    }
    if let Some(reason) = hidden(s, pupil) {
        staff_task(s, reason, plan);
        return;
    }
    let team = Recipient::Staff(StaffRole::AttendanceTeam);
    let mut alert = blank(s, plan.revision, Purpose::TeamAlert, team.clone(), Channel::Email);
    alert.reason = match reported {
        true => Reason::ReportedByTeacher,
        false if phone_first => Reason::PhoneFirst,
        false => Reason::NotArrivedByLessonEnd,
    };
    if phone_first && !reported {
        when_home_would_hear(s, s.now, &mut alert);
    }
    let standing = alerts(s).find(|n| !is_taken_back(s, n));
    if let (None, Some(alert)) = (standing, operators_word(alerts(s), plan)) {
        plan.keep(alert, alert.state_reason.unwrap_or(Reason::OperatorCancelled));
        return;
    }
    let doubtful = alerts(s).find(|n| may_be_sent_again(n) && !is_corrected(s, n));
    if let (None, Some(doubtful)) = (standing, doubtful) {
        plan.again(doubtful, s.now);
        return;
    }
    let former = alerts(s).filter(|n| n.revision == plan.revision && is_taken_back(s, n)).count();
    let more = if former == 0 { String::new() } else { former.to_string() };
    alert.id = notification_id(s, &alert, &more);
    let Some(standing) = standing else {
        plan.make(alert);
        return;
    };
    let note = s.lesson.report.as_ref().and_then(|r| r.note.as_deref());
    match note {
        Some(note) if s.lesson.reported_at.is_some_and(|at| left_before(standing, at)) => {
            let mut update = blank(s, plan.revision, Purpose::TeamUpdate, team, Channel::Email);
            update.reason = Reason::ReportedByTeacher;
            update.id = notification_id(s, &update, note);
            if s.told.iter().all(|n| n.id != update.id) {
                plan.make(update);
            }
        }
        _ => plan.keep(standing, Reason::AlreadyTold),
    }
}

/// The alerts about this lesson.
fn alerts<'a>(s: &'a Situation<'_>) -> impl Iterator<Item = &'a Notification> {
    s.told.iter().filter(|n| n.purpose == Purpose::TeamAlert)
}

/// Whether an alert or task was corrected, or called back before it left because it was not so. One that
/// the mode kept back was decided and stands; so does one that could not be delivered.
fn is_taken_back(s: &Situation<'_>, n: &Notification) -> bool {
    let by_mode = matches!(n.state_reason, Some(Reason::ShadowMode | Reason::NotAGuest));
    (n.state == State::Cancelled && !by_mode) || is_corrected(s, n)
}

/// Whether a message was made into text before `at`, so that it cannot tell what came then.
fn left_before(n: &Notification, at: Timestamp) -> bool {
    n.state != State::Waiting && n.attempts.last().is_some_and(|a| a.started_at < at)
}

/// A task for staff, once per alarm; one that was called back before it left is made anew.
pub(super) fn staff_task(s: &Situation<'_>, reason: Reason, plan: &mut Plan) {
    let Some(kind) = task_for(reason) else { return };
    let mut new = task_notification(s, plan.revision, kind, reason);
    let tasks = || s.told.iter().filter(|n| n.task == Some(kind));
    let of_this = |n: &&Notification| n.revision == plan.revision;
    let stands = |n: &&Notification| !is_taken_back(s, n);
    // One that still waits says all that another would.
    let waits = |n: &&Notification| n.state == State::Waiting;
    if let Some(known) = tasks().filter(stands).find(|n| of_this(n) || waits(n)) {
        plan.keep(known, Reason::AlreadyTold);
        return;
    }
    if let Some(task) = operators_word(tasks(), plan) {
        plan.keep(task, task.state_reason.unwrap_or(Reason::OperatorCancelled));
        return;
    }
    let doubtful = tasks().filter(of_this).find(|n| may_be_sent_again(n) && !is_corrected(s, n));
    if let Some(doubtful) = doubtful {
        if plan.again.iter().all(|(id, _)| *id != doubtful.id) {
            plan.again(doubtful, s.now);
        }
        return;
    }
    let former = tasks().filter(of_this).count();
    if former > 0 {
        new.id = notification_id(s, &new, &format!("{} {former}", kind.as_str()));
    }
    if plan.make.iter().all(|n| n.id != new.id) {
        plan.make(new);
    }
}

/// A task for the attendance team about this lesson; the same one however often it is made.
pub(crate) fn task_notification(
    s: &Situation<'_>,
    revision: u32,
    kind: TaskKind,
    reason: Reason,
) -> Notification {
    let team = Recipient::Staff(StaffRole::AttendanceTeam);
    let mut new = blank(s, revision, Purpose::StaffTask, team, Channel::Email);
    new.task = Some(kind);
    new.reason = reason;
    new.id = notification_id(s, &new, kind.as_str());
    new
}

/// The same message to the same person by the other channel, made when the first channel failed.
pub(crate) fn fallback(s: &Situation<'_>, failed: &Notification) -> Notification {
    let channel = failed.channel.other();
    let mut new = blank(s, failed.revision, failed.purpose, failed.recipient.clone(), channel);
    new.reason = failed.reason;
    new.urgent = failed.urgent;
    new.created_at = failed.created_at;
    new.deadline = failed.deadline;
    new.id = notification_id(s, &new, "");
    new
}

/// The same message to the next of the same home, made when it cannot reach the one before. None where the school tells
/// every guardian anyway, or nobody of the home is left.
pub(crate) fn next_of_home(s: &Situation<'_>, failed: &Notification) -> Option<Notification> {
    let home = |recipient: &Recipient| match recipient {
        Recipient::Guardian(id) => s.roster.guardians.get(id).and_then(|g| g.household.as_deref()),
        _ => None,
    };
    let of_home = home(&failed.recipient)?;
    let pupil = s.roster.pupil(&s.school.id, s.pupil)?;
    let candidates = entitled_to_hear(s, Some(pupil), &mut Plan::default()).ok()?;
    let next = candidates.iter().find(|c| home(&c.recipient) == Some(of_home))?;
    let address = next.contact.as_ref().ok()?.first()?;
    let mut new =
        blank(s, failed.revision, failed.purpose, next.recipient.clone(), address.channel());
    new.reason = failed.reason;
    new.urgent = failed.urgent;
    new.created_at = failed.created_at;
    new.deadline = failed.deadline;
    new.id = notification_id(s, &new, "");
    s.told.iter().all(|n| n.id != new.id).then_some(new)
}

pub(super) fn blank(
    s: &Situation<'_>,
    revision: u32,
    purpose: Purpose,
    recipient: Recipient,
    channel: Channel,
) -> Notification {
    Notification {
        id: NotificationId::of(&[]),
        school: s.school.id.clone(),
        pupil: s.pupil.clone(),
        date: s.date,
        lesson: s.lesson.lesson.id.clone(),
        purpose,
        reason: Reason::StaffMustAct,
        correction: None,
        task: None,
        corrects: None,
        revision,
        urgent: false,
        recipient,
        channel,
        address: None,
        state: State::Waiting,
        state_reason: None,
        created_at: s.now,
        due_at: s.now,
        deadline: s.now.saturating_add(STAFF_DEADLINE).unwrap_or(Timestamp::MAX),
        attempts: Vec::new(),
        tries: 0,
        empty_lookups: 0,
        lookups: 0,
        reference: None,
        carried_by: None,
        carries: Vec::new(),
    }
}

pub(super) fn notification_id(s: &Situation<'_>, n: &Notification, more: &str) -> NotificationId {
    NotificationId::of(&[
        s.school.id.as_str(),
        s.pupil.as_str(),
        &s.date.to_string(),
        s.lesson.lesson.id.as_str(),
        n.purpose.as_str(),
        &n.recipient.key(),
        n.channel.as_str(),
        &n.revision.to_string(),
        more,
    ])
}

#[cfg(test)]
#[path = "evaluate_tests.rs"]
mod tests;
