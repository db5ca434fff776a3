//! Lists and reports as rows: one mail to each who is to get one, made once however often it is asked for. What stands in
//! them, and whether anything does, is said elsewhere; it is looked up again when the mail leaves.

use jiff::{Timestamp, civil::Date};

use crate::directory::{Directory, School, entitled};
use crate::intake::case::enqueue;
use crate::model::{Channel, LessonId, Notification, Purpose, Reason, Recipient, StaffRole};
use crate::policy::notice::Notice;
use crate::store::ledger::Unit;
use crate::store::{StoreError, tables};

/// What is reported.
#[derive(Debug, Clone, Copy)]
pub(super) struct Report<'a> {
    /// What the mail is for.
    pub purpose: Purpose,
    /// Why it is made.
    pub reason: Reason,
    /// What tells it from others of its purpose and day.
    pub about: &'a LessonId,
    /// Its day, in the school's zone.
    pub date: Date,
}

/// Stands where other notices have what they are about.
pub(super) fn about(purpose: Purpose) -> LessonId {
    LessonId::new(purpose.as_str()).expect("a good id")
}

/// Has a report mailed to one recipient.
///
/// # Errors
/// When the store fails.
pub(super) async fn mail(
    unit: &mut Unit<'_>,
    school: &School,
    report: Report<'_>,
    recipient: Recipient,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Report { purpose, reason, about, date } = report;
    let channel = Channel::Email;
    let which = String::new();
    let notice = Notice { purpose, reason, recipient, channel, about, date, which };
    let new = notice.row(school, now);
    // Those that are there already take no room in the commit.
    if unit.peek::<Notification>(&tables::notification(&new.id)).await?.is_some() {
        return Ok(());
    }
    let known: Option<Notification> = unit.read(&tables::notification(&new.id)).await?;
    if known.is_none() {
        unit.decided("notify", reason);
        enqueue(unit, &new);
    }
    Ok(())
}

/// Has a report mailed to the team and to the principal.
///
/// # Errors
/// When the store fails.
pub(super) async fn mail_both(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    report: Report<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    for role in [StaffRole::AttendanceTeam, StaffRole::Principal] {
        // A school whose principal is not known has a team, which is told when it has no address.
        let is_there = entitled::staff(school, None, &directory.roster, role).is_some();
        if role == StaffRole::AttendanceTeam || is_there {
            mail(unit, school, report, Recipient::Staff(role), now).await?;
        }
    }
    Ok(())
}
