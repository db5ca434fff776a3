//! What becomes of a hold while it is open and when it is decided about: it is looked at every minute, and ends when the
//! register was mended, when somebody decides, or as its school chose when nobody does. The team hears of one that grew,
//! and of one whose time is out. Decides of no message: that is asked again at the claim.

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::shared::Shared;
use super::volume::{look_at, mail, missing_on, next_look, waiting};
use crate::directory::{Directory, School};
use crate::intake::case::{CaseKey, due_row, enqueue, look_again};
use crate::intake::exclusions;
use crate::model::{
    Below, Hold, HoldAct, HoldDecision, HoldId, HoldThen, LessonState, MENDED_AFTER, Missing,
    Notification, SchoolId, Stand, TIME_OUT,
};
use crate::policy::exclusion;
use crate::policy::volume::{self, Sizes};
use crate::store::ledger::Unit;
use crate::store::{Commit, MAX_BATCH_BYTES, StoreError, tables};

/// Before a hold is looked at whose school is not configured at the moment.
const LATER: SignedDuration = SignedDuration::from_mins(5);
/// So long after it was made an open hold has nothing left to keep: every message is past its deadline, or old news.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 8);

/// Looks at a hold: whether it is over, and what it keeps no more; that is due at once, as much as fits in one commit.
/// Durable on return; what is left is due still.
///
/// # Errors
/// When the store fails.
pub(super) async fn tend(
    shared: &Shared,
    row: &[u8],
    (id, date, hold): (&SchoolId, Date, &HoldId),
    now: Timestamp,
) -> Result<(), StoreError> {
    let directory = shared.directory.load_full();
    let kv = shared.kv.as_ref();
    let mut unit = Unit::new(kv);
    let key = tables::hold(id, date, hold);
    let Some(mut hold) = unit.read::<Hold>(&key).await? else {
        unit.delete(row.to_vec());
        let _: Commit = unit.commit().await?;
        return Ok(());
    };
    let Some(school) = directory.schools.get(id) else {
        // It may be back at the next reload.
        unit.delete(row.to_vec());
        if now.duration_since(hold.made_at) < LONGEST {
            look_at(&mut unit, &hold, now.saturating_add(LATER).unwrap_or(Timestamp::MAX));
        }
        let _: Commit = unit.commit().await?;
        return Ok(());
    };
    let missing = missing_on(kv, id, date).await?;
    let known = hold.clone();
    if hold.over_at.is_none() {
        live(&mut unit, (&directory, school), &mut hold, &missing, now);
    }
    if hold != known {
        unit.write(key, &hold);
    }
    if hold.over_at.is_none() && now >= hold.until {
        remind(&mut unit, school, &hold, now).await?;
    }
    for one in missing.iter().filter(|one| hold.concerns(one)) {
        if unit.bytes() > MAX_BATCH_BYTES / 2 {
            let _: Commit = unit.commit().await?;
            return Ok(());
        }
        match hold.stand(one) {
            Stand::Free if hold.over_at.is_none() => {}
            // What is silenced since is decided anew: nobody needs to look at it any more.
            Stand::Held => {
                let (school_id, pupil, lesson) =
                    (id.clone(), one.pupil.clone(), one.lesson.clone());
                let case = CaseKey { school: school_id, pupil, date, lesson };
                if is_silenced(&mut unit, (&directory, school), &case).await? {
                    look_again(&mut unit, &case, now);
                }
            }
            Stand::Free | Stand::Released | Stand::Discarded => {
                let_go(&mut unit, (id, date), one, now).await?;
            }
        }
    }
    unit.delete(row.to_vec());
    if hold.over_at.is_none() {
        look_at(&mut unit, &hold, next_look(&hold, now));
    }
    let _: Commit = unit.commit().await?;
    Ok(())
}

/// What a minute, or its time-out, does to an open hold.
fn live(
    unit: &mut Unit<'_>,
    (directory, school): (&Directory, &School),
    hold: &mut Hold,
    missing: &[Missing],
    now: Timestamp,
) {
    let sizes = Sizes::of(&directory.roster, &school.id);
    let left = hold.kept(missing);
    let above = volume::is_above_still(hold, missing, &sizes, &school.volume);
    hold.below = match hold.below {
        _ if above => None,
        Some(below) if below.left == left => Some(below),
        _ => Some(Below { left, since: now }),
    };
    let mended = hold.below.is_some_and(|below| now.duration_since(below.since) >= MENDED_AFTER);
    if mended || now.duration_since(hold.made_at) > LONGEST {
        hold.over_at = Some(now);
        tracing::info!(
            school = %hold.school, hold = %hold.id, left,
            "a hold is over: so few of those who were counted are missing still that nobody would hold them"
        );
        return;
    }
    if left >= hold.counted.saturating_mul(2) {
        hold.counted = left;
        hold.of = hold.of.max(left);
        enqueue(unit, &mail(school, hold, &format!("grown to {left}"), now));
    }
    if now >= hold.until {
        time_out(unit, hold, now);
    }
}

/// What the school chose for a hold that nobody decided about.
fn time_out(unit: &mut Unit<'_>, hold: &mut Hold, now: Timestamp) {
    let act = match hold.then {
        HoldThen::Release => HoldAct::Release,
        HoldThen::Discard => HoldAct::Discard,
        HoldThen::Keep => return,
    };
    let (by, reason) = (TIME_OUT.to_owned(), String::new());
    let decision = HoldDecision { act, class: None, lesson: None, at: now, by, reason };
    unit.decided(act.as_str(), decision.reason());
    hold.decisions.push(decision);
    hold.over_at = Some(now);
    tracing::warn!(
        school = %hold.school, hold = %hold.id, act = act.as_str(),
        "nobody has decided about a hold; its school chose what becomes of it then"
    );
}

/// Tells the team once that nobody has decided about a hold that goes on.
async fn remind(
    unit: &mut Unit<'_>,
    school: &School,
    hold: &Hold,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mail = mail(school, hold, TIME_OUT, now);
    if unit.read::<Notification>(&tables::notification(&mail.id)).await?.is_none() {
        tracing::warn!(
            school = %hold.school, hold = %hold.id,
            "nobody has decided about a hold; its messages wait on until their deadlines"
        );
        unit.decided("notify", mail.reason);
        enqueue(unit, &mail);
    }
    Ok(())
}

/// Whether the school has asked for silence about a lesson since.
async fn is_silenced(
    unit: &mut Unit<'_>,
    (directory, school): (&Directory, &School),
    case: &CaseKey,
) -> Result<bool, StoreError> {
    let key = tables::lesson(&case.school, &case.pupil, case.date, &case.lesson);
    let Some(known) = unit.peek::<LessonState>(&key).await? else { return Ok(false) };
    let class = directory.roster.pupil(&school.id, &case.pupil).and_then(|p| p.class.as_deref());
    let of = (&case.pupil, class);
    let silencings = exclusions::of_pupil(unit, &school.id, of, known.lesson.start).await?;
    Ok(exclusion::of_lesson(school, &known.lesson, &silencings).is_some())
}

/// Has the messages about one pupil looked at at once. Another hold may keep them all the same.
async fn let_go(
    unit: &mut Unit<'_>,
    (school, date): (&SchoolId, Date),
    one: &Missing,
    now: Timestamp,
) -> Result<(), StoreError> {
    for mut n in waiting(unit, school, date, one).await? {
        if n.due_at <= now {
            continue;
        }
        // The commit requires that it still waits.
        let known = unit.read::<Notification>(&tables::notification(&n.id)).await?;
        if known.as_ref() == Some(&n) {
            unit.delete(due_row(&n));
            n.due_at = now;
            enqueue(unit, &n);
        }
    }
    Ok(())
}
