//! Steps of ladders as rows: one that was reached, with its duties and those who are told; one that is taken back, with
//! exactly those who were told of it. Each in the unit of work of what made it so, with a line of the pupil's trail.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::case::{cancel, enqueue};
use super::decide::Heard;
use super::duties;
use super::ladders::Climbed;
use crate::directory::{Directory, Pupil, School, entitled};
use crate::ladder::settle::{self, Settle};
use crate::ladder::{Advance, Ladder, Step};
use crate::model::{
    Channel, Duty, DutyAct, Firing, LessonId, Notification, NotificationId, PupilId, Purpose,
    Reason, Recipient, Retracted, SchoolId, State,
};
use crate::policy::notice::Notice;
use crate::store::ledger::{ROW_VERSION, Unit};
use crate::store::rows::{Audit, Decision};
use crate::store::{MAX_VALUE_BYTES, StoreError, codec, tables};

/// Most steps that are written in one commit.
const AT_ONCE: usize = 8;
/// How long a mail about a step is worth sending.
const WORTH: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Most notices that a row of a duty names.
pub(super) const REMEMBERED: usize = 24;

/// Whom and what a firing is about.
pub(super) struct At<'a> {
    /// Everybody.
    pub directory: &'a Directory,
    /// The school.
    pub school: &'a School,
    /// The pupil.
    pub pupil: &'a Pupil,
    /// Nothing may be said of the pupil.
    pub hidden: bool,
    /// The version of the ladder.
    pub ladder: &'a Ladder,
    /// Now.
    pub now: Timestamp,
}

/// Writes what a ladder has come to. True: there is more than fits in one commit, and the rest is to follow at once.
///
/// # Errors
/// When the store fails.
pub(super) async fn apply(
    unit: &mut Unit<'_>,
    at: &At<'_>,
    mut found: Advance,
    climbed: &mut Climbed,
    heard: &Heard,
) -> Result<bool, StoreError> {
    let more = found.retract.len() + found.fire.len() > AT_ONCE;
    if more {
        found.retract.truncate(AT_ONCE);
        found.fire.truncate(AT_ONCE - found.retract.len());
    }
    for (id, reason) in found.retract {
        let Some(index) = climbed.firings.iter().position(|firing| firing.id == id) else {
            continue;
        };
        let mut firing = climbed.firings[index].clone();
        retract(unit, at, &mut firing, &mut climbed.duties, reason, heard).await?;
        climbed.firings[index] = firing;
    }
    for (id, because) in found.changed {
        if let Some(firing) = climbed.firings.iter_mut().find(|firing| firing.id == id) {
            firing.because = because;
            unit.write(tables::firing(firing), firing);
        }
    }
    for firing in found.fire {
        let Some(step) = at.ladder.step(&firing.step) else { continue };
        let firing = fire(unit, at, step, firing, climbed, heard).await?;
        climbed.firings.push(firing);
    }
    Ok(more)
}

/// Writes a step that was reached: its duties, and who is told.
async fn fire(
    unit: &mut Unit<'_>,
    at: &At<'_>,
    step: &Step,
    mut firing: Firing,
    climbed: &mut Climbed,
    heard: &Heard,
) -> Result<Firing, StoreError> {
    let former = climbed.firings.iter().find(|one| {
        firing.revision > 0
            && one.revision + 1 == firing.revision
            && (&one.ladder, &one.step, &one.key) == (&firing.ladder, &firing.step, &firing.key)
    });
    let mut decisions = Vec::new();
    // With when the first duty of each is due, or reminded of before; none: they have none.
    let mut whom: BTreeMap<Recipient, Option<Timestamp>> = BTreeMap::new();
    let roster = &at.directory.roster;
    let in_role = |role| entitled::in_role(at.school, Some(at.pupil), roster, at.hidden, role);
    for told in step.notify.iter().filter_map(|told| in_role(told.role)) {
        whom.entry(told.recipient).or_default();
    }
    for rule in &step.duties {
        let before = former.and_then(|former| {
            let id = Duty::id_of(&former.id, &rule.id);
            climbed.duties.iter().find(|duty| duty.id == id)
        });
        let duty = duties::make(unit, at.school, &firing, rule, before, at.now).await?;
        unit.decided("duty", Reason::StepReached);
        decisions.push(Decision {
            act: "duty".into(),
            recipient: Recipient::Staff(duty.owner).key(),
            reason: Reason::StepReached,
            notification: None,
        });
        if duty.state.is_open()
            && let Some(owner) = in_role(duty.owner)
        {
            let first = duty.look_at.unwrap_or(duty.due_at);
            let known = whom.entry(owner.recipient).or_default();
            *known = Some(known.map_or(first, |known| known.min(first)));
        }
        climbed.duties.push(duty);
    }
    // Who has not yet read that it was taken back, hears of neither that nor this.
    let known = match former {
        Some(former) => call_back(unit, former).await?,
        None => BTreeMap::new(),
    };
    let wait = Settle { most: at.school.ladders.settle, least: at.school.settling() };
    let hours = duties::hours(at.school);
    for (recipient, first) in whom {
        let purpose = if first.is_some() { Purpose::Duty } else { Purpose::LadderStep };
        let new = notice(at.school, &firing, purpose, Reason::StepReached, recipient, "", at.now);
        if let Some(told) = known.get(&new.recipient) {
            decisions.push(decision("keep", &new.recipient, Reason::AlreadyTold, told));
            firing.notifications.push(told.clone());
            continue;
        }
        let leaves = Some((settle::until(wait, first, &hours, at.now), Reason::StepSettling));
        make(unit, new, leaves, &mut firing.notifications, &mut decisions).await?;
    }
    unit.write(tables::firing(&firing), &firing);
    trail(unit, &firing, "reached", heard, decisions, at.now);
    Ok(firing)
}

/// Calls back what tells that a step was taken back and has not left. Returns who knows of the step still.
async fn call_back(
    unit: &mut Unit<'_>,
    former: &Firing,
) -> Result<BTreeMap<Recipient, NotificationId>, StoreError> {
    let mut known = BTreeMap::new();
    for id in &former.notifications {
        let Some(mut n) = unit.read::<Notification>(&tables::notification(id)).await? else {
            continue;
        };
        let waits = n.state == State::Waiting && n.attempts.is_empty();
        if n.purpose == Purpose::LadderRetracted && waits {
            cancel(unit, &mut n, State::Cancelled, Reason::StepReached);
            let Some(told) = n.corrects else { continue };
            let row: Option<Notification> = unit.read(&tables::notification(&told)).await?;
            // A duty that somebody may not have heard of is told once more.
            let came = |row: Notification| matches!(row.state, State::Accepted | State::Delivered);
            if row.is_some_and(came) {
                known.insert(n.recipient, told);
            }
        }
    }
    Ok(known)
}

/// Takes a step back: its duties end, what has not left is called back, and exactly those who were told are told so.
async fn retract(
    unit: &mut Unit<'_>,
    at: &At<'_>,
    firing: &mut Firing,
    all: &mut [Duty],
    reason: Reason,
    heard: &Heard,
) -> Result<(), StoreError> {
    firing.retracted = Some(Retracted { at: at.now, reason });
    let mut told = firing.notifications.clone();
    for duty in all.iter_mut().filter(|duty| duty.firing == firing.id) {
        told.extend(duty.notifications.iter().cloned());
        duties::end(unit, at.school, duty, DutyAct::Retracted, at.now).await?;
    }
    let mut decisions = Vec::new();
    let mut whom: BTreeMap<Recipient, NotificationId> = BTreeMap::new();
    for id in told {
        let Some(mut n) = unit.read::<Notification>(&tables::notification(&id)).await? else {
            continue;
        };
        if n.state == State::Waiting {
            cancel(unit, &mut n, State::Cancelled, reason);
            unit.decided("cancel", reason);
            decisions.push(decision("cancel", &n.recipient, reason, &n.id));
        }
        if n.may_have_arrived() && n.purpose != Purpose::LadderRetracted {
            whom.entry(n.recipient).or_insert(n.id);
        }
    }
    for (recipient, told) in whom {
        let purpose = Purpose::LadderRetracted;
        let mut new = notice(at.school, firing, purpose, reason, recipient, "", at.now);
        new.corrects = Some(told);
        let leaves = at.now.saturating_add(at.school.correction_settle).unwrap_or(Timestamp::MAX);
        let leaves = Some((leaves, Reason::Settling));
        make(unit, new, leaves, &mut firing.notifications, &mut decisions).await?;
    }
    unit.write(tables::firing(firing), firing);
    trail(unit, firing, "taken back", heard, decisions, at.now);
    Ok(())
}

fn decision(
    act: &str,
    recipient: &Recipient,
    reason: Reason,
    notification: &NotificationId,
) -> Decision {
    let (act, recipient) = (act.to_owned(), recipient.key());
    Decision { act, recipient, reason, notification: Some(notification.clone()) }
}

/// A notice about a step that was reached, due now. `which` tells it from others of the same purpose.
pub(super) fn notice(
    school: &School,
    firing: &Firing,
    purpose: Purpose,
    reason: Reason,
    recipient: Recipient,
    which: &str,
    now: Timestamp,
) -> Notification {
    // Both kinds of id take the same texts.
    let about = LessonId::new(firing.id.as_str()).expect("hexadecimal digits are an id");
    let notice = Notice {
        purpose,
        reason,
        recipient,
        channel: Channel::Email,
        about: &about,
        date: firing.day,
        which: which.to_owned(),
    };
    let row = notice.row(school, now);
    let deadline = now.saturating_add(WORTH).unwrap_or(Timestamp::MAX);
    Notification { pupil: firing.pupil.clone(), deadline, ..row }
}

/// Writes a notice that is not there yet. `leaves`: when, and what it waits for until then; none: at once.
pub(super) async fn make(
    unit: &mut Unit<'_>,
    mut new: Notification,
    leaves: Option<(Timestamp, Reason)>,
    ids: &mut Vec<NotificationId>,
    decisions: &mut Vec<Decision>,
) -> Result<(), StoreError> {
    if !ids.contains(&new.id) {
        ids.push(new.id.clone());
    }
    if let Some(known) = unit.read::<Notification>(&tables::notification(&new.id)).await? {
        decisions.push(decision("keep", &known.recipient, Reason::AlreadyTold, &known.id));
        return Ok(());
    }
    if let Some((at, reason)) = leaves.filter(|(at, _)| *at > new.created_at) {
        (new.due_at, new.state_reason) = (at, Some(reason));
    }
    unit.decided("notify", new.reason);
    decisions.push(decision("notify", &new.recipient, new.reason, &new.id));
    enqueue(unit, &new);
    Ok(())
}

/// One line of the pupil's trail about a step: which, by which version, because of which days.
fn trail(
    unit: &mut Unit<'_>,
    firing: &Firing,
    what: &str,
    heard: &Heard,
    decisions: Vec<Decision>,
    now: Timestamp,
) {
    let days: Vec<String> = firing.because.iter().map(Date::to_string).collect();
    let Firing { ladder, version, step, .. } = firing;
    let because =
        if days.is_empty() { String::new() } else { format!(", because of {}", days.join(" ")) };
    let heard = Heard {
        what: format!("ladder {ladder} of {version}, step {step} {what}{because}"),
        ..heard.clone()
    };
    line(unit, (&firing.school, &firing.pupil), firing.id.as_str(), &heard, decisions, now);
}

/// Writes a line of a pupil's trail that is about no lesson.
pub(super) fn line(
    unit: &mut Unit<'_>,
    (school, pupil): (&SchoolId, &PupilId),
    about: &str,
    heard: &Heard,
    decisions: Vec<Decision>,
    now: Timestamp,
) {
    let mut line = Audit {
        at: now,
        source: heard.source.clone(),
        event: heard.event.clone(),
        heard: heard.what.clone(),
        lesson: None,
        decisions,
        silences: Vec::new(),
    };
    while codec::encode(ROW_VERSION, &line).len() > MAX_VALUE_BYTES
        && line.decisions.pop().is_some()
    {}
    let unique = NotificationId::of(&["ladder", about, &heard.what]);
    unit.write(tables::audit(school, pupil, now, unique.as_str()), &line);
}
