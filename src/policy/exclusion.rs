//! Lessons and people that are left out: no school that day, a silence that the school has asked for, the guardian
//! who made the mark. Pure. What has been told is put right all the same.

use std::collections::BTreeSet;

use super::evaluate::{Situation, cancel_waiting, staff_task};
use super::plan::Plan;
use super::standing::Standing;
use crate::directory::entitled::reach;
use crate::directory::{Protection, Pupil, Roster, School};
use crate::model::{
    Address, GuardianId, Lesson, Notification, Purpose, Reason, Recipient, Silencing, StaffId,
    State, TaskKind, covering, local_date,
};

/// Why nobody is told of a lesson. `silencings`: those that concern the pupil.
pub fn of_lesson(school: &School, lesson: &Lesson, silencings: &[Silencing]) -> Option<Reason> {
    if !school.is_school_day(local_date(lesson.start, &school.zone)) {
        return Some(Reason::NoSchoolDay);
    }
    (!covering(silencings, lesson, &school.zone).is_empty()).then_some(Reason::Silenced)
}

/// Whether a message is left out with its lesson: what says, or comes of it, that a pupil is missing. Corrections are
/// not, nor what says nothing of the pupil, nor what staff must do about a message that has left.
pub fn leaves_out(n: &Notification) -> bool {
    matches!(
        n.purpose,
        Purpose::Absence | Purpose::TeamAlert | Purpose::TeamUpdate | Purpose::AskToRing
    ) || n.task == Some(TaskKind::NobodyReached)
}

/// Why a pupil may not be named to staff.
pub(super) fn hidden(s: &Situation<'_>, pupil: Option<&Pupil>) -> Option<Reason> {
    match pupil {
        None => Some(Reason::UnknownPupil),
        Some(_) if s.protected => Some(Reason::Protected),
        Some(pupil) => match pupil.protection {
            Protection::None => None,
            Protection::Protected => Some(Reason::Protected),
            Protection::Unknown => Some(Reason::ProtectionUnknown),
        },
    }
}

/// Plans that nobody is told of the lesson, where somebody would be.
pub(super) fn leave_out(
    s: &Situation<'_>,
    pupil: Option<&Pupil>,
    standing: Standing,
    reason: Reason,
    plan: &mut Plan,
) {
    let missing = standing == Standing::Missing;
    let noticed = matches!(standing, Standing::NotMissing { reason: Reason::AdvanceNotice, .. });
    if !missing && (noticed || !s.lesson.report_stands()) {
        return;
    }
    for n in s.told.iter().filter(|n| n.state == State::Waiting) {
        if n.purpose == Purpose::Correction && missing {
            plan.cancel(n, Reason::MarkChanged);
        } else if leaves_out(n) && !plan.cancel.iter().any(|(id, _)| *id == n.id) {
            plan.cancel(n, reason);
        }
    }
    plan.suppress(None, reason);
    let fresh = s.lesson.lesson.end.saturating_add(s.school.stale_after);
    if let (Some(hidden), true) = (hidden(s, pupil), fresh.is_ok_and(|fresh| s.now <= fresh)) {
        staff_task(s, hidden, plan);
    }
}

/// Whether a guardian of a pupil is the member of staff who made the mark: the one who can be reached where that
/// member can. Of two who share an address only the one who has no other, so that both are never left out for one.
pub fn made_the_mark(
    school: &School,
    roster: &Roster,
    pupil: &Pupil,
    recorded_by: Option<&str>,
    guardian: &GuardianId,
) -> bool {
    if !school.mutes_marking_guardian {
        return false;
    }
    let staff = recorded_by.and_then(|id| roster.staff.get(&StaffId::new(id).ok()?));
    let Some(staff) = staff.filter(|s| s.school.as_ref().is_none_or(|of| *of == school.id)) else {
        return false;
    };
    let phone = staff.phone.clone().map(Address::Phone);
    let of_staff: BTreeSet<Address> =
        phone.into_iter().chain(staff.email.clone().map(Address::Email)).collect();
    let reached = |id: &GuardianId| -> BTreeSet<Address> {
        roster.guardians.get(id).map(reach).into_iter().flatten().collect()
    };
    let own = reached(guardian);
    if own.is_disjoint(&of_staff) {
        return false;
    }
    let mut others = pupil.guardians.iter().map(|link| &link.guardian).filter(|id| *id != guardian);
    own.is_subset(&of_staff) || others.all(|id| reached(id).is_disjoint(&of_staff))
}

/// The same of a recipient of a message in a situation; what still waits for them is called back.
pub(super) fn is_muted(
    s: &Situation<'_>,
    pupil: Option<&Pupil>,
    recipient: &Recipient,
    plan: &mut Plan,
) -> bool {
    let (Some(pupil), Recipient::Guardian(guardian)) = (pupil, recipient) else { return false };
    let by = s.lesson.recorded_by.as_deref();
    if !made_the_mark(s.school, s.roster, pupil, by, guardian) {
        return false;
    }
    cancel_waiting(s, plan, |n| n.recipient == *recipient, Reason::MadeTheMark);
    plan.suppress(Some(recipient.clone()), Reason::MadeTheMark);
    true
}

#[cfg(test)]
#[path = "exclusion_tests.rs"]
mod tests;
