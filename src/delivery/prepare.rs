//! One waiting notification, claimed inside a unit of work: policy again, limits, text, and the
//! start of the attempt written ahead.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;

use super::after_restore;
use super::carried;
use super::claim::{self, Claim, Verdict};
use super::failure;
use super::fatigue::{self, Turn};
use super::guest;
use super::ladder_notice;
use super::noted::note;
use super::notice;
use super::notice_facts;
use super::overdue;
use super::render::{Of, Wired};
use super::shared::Shared;
use super::start::{Sendable, Told, postpone, send};
use super::suspension;
use super::volume::{self, Gate};
use crate::directory::{Directory, School};
use crate::intake::case::{self, Case, CaseKey, due_row};
use crate::intake::{Heard, decide};
use crate::model::{
    Address, Locale, Notification, NotificationId, ProviderId, Purpose, Reason, SchoolId, State,
};
use crate::store::StoreError;
use crate::store::ledger::Unit;
use crate::store::tables;

/// A message whose start has been written and that may go once that is durable.
#[derive(Debug, Clone)]
pub struct Job {
    /// Which.
    pub id: NotificationId,
    /// By which account.
    pub account: ProviderId,
    /// What goes on the wire.
    pub wired: Wired,
    /// When it might have left: when what it tells was known, and nothing that is meant to keep it waiting
    /// did so any more.
    pub might_leave: Timestamp,
}

/// What became of one due row.
#[derive(Debug)]
pub enum Prepared {
    /// Ready to go after the commit.
    Job(Job),
    /// Dealt with without sending.
    Settled,
    /// Its account is at its limit; nothing of it was written.
    Limited {
        /// Which account.
        account: ProviderId,
        /// Until when.
        until: Timestamp,
    },
    /// An operator has suspended it; nothing of it was written.
    Suspended,
    /// Its school is at its limit; nothing of it was written.
    SchoolLimited {
        /// Which school.
        school: SchoolId,
        /// Until when.
        until: Timestamp,
    },
}

/// Claims one notification.
///
/// # Errors
/// When the store fails.
pub async fn prepare(
    shared: &Shared,
    unit: &mut Unit<'_>,
    row: &[u8],
    id: &NotificationId,
    now: Timestamp,
) -> Result<Prepared, StoreError> {
    let known = unit.read::<Notification>(&tables::notification(id)).await?;
    let Some(mut n) = known.filter(|n| n.state == State::Waiting && due_row(n) == row) else {
        unit.delete(row.to_vec());
        return Ok(Prepared::Settled);
    };
    if suspension::holds(unit, &n.school, n.channel, now).await? {
        return Ok(Prepared::Suspended);
    }
    if let Some(carrier) = carried::carrier(unit, &n).await? {
        return with_its_carrier(shared, unit, n, &carrier, now).await;
    }
    n.carried_by = None;
    let directory = shared.directory.load_full();
    let school = in_its_mode(unit, directory.schools.get(&n.school)).await?;
    let school = school.as_deref();
    if n.purpose == Purpose::Test {
        return test(shared, unit, n, (&directory, school), now).await;
    }
    if n.purpose.is_notice() {
        return about_no_pupil(shared, unit, n, (&directory, school), now).await;
    }
    let Some(case) = Case::load(unit, &directory.roster, &CaseKey::of(&n)).await? else {
        ended(unit, &mut n, State::Cancelled, Reason::MarkChanged);
        return Ok(Prepared::Settled);
    };
    let bad = failure::bad_addresses(unit, &directory, &n, now).await?;
    let verdict = claim::claim(&Claim {
        now,
        notification: &n,
        school,
        roster: &directory.roster,
        lesson: &case.lesson,
        notices: &case.notices,
        told: &case.told,
        protected: case.is_protected(now),
        exclusion: school.and_then(|school| case.exclusion(school)),
        accords: &case.accords,
        is_bad: &|address| bad.contains(address),
    });
    let may_have_left = matches!(verdict, Verdict::Send { .. })
        && after_restore::may_have_left(unit, &n, &case).await?;
    match (verdict, school) {
        (Verdict::Send { address, .. }, Some(school)) if may_have_left => {
            n.address = Some(address);
            doubt_after_restore(shared, unit, school, n, now).await
        }
        (Verdict::Send { address, language }, Some(school)) => {
            if is_held(shared, unit, (&directory, school), &n, &case, now).await? {
                return Ok(Prepared::Settled);
            }
            let class = directory.roster.pupil(&n.school, &n.pupil).and_then(|p| p.class.as_ref());
            let kv = shared.kv.as_ref();
            if overdue::is_listed(kv, unit, school, class, &n, now).await? {
                ended(unit, &mut n, State::Cancelled, Reason::InDigest);
                return Ok(Prepared::Settled);
            }
            let to = (address, language);
            tell(shared, unit, n, &case, (&directory, school), to, now).await
        }
        (Verdict::Defer { until, reason }, _) => {
            if let Some(school) = school
                .filter(|_| fatigue::is_kept(&n) || n.state_reason == Some(Reason::InWeekLine))
            {
                // What was kept back by day is not to be too old by morning.
                n.deadline = n.deadline.max(fatigue::worth_until(school, until));
            }
            postpone(unit, n, until, reason);
            Ok(Prepared::Settled)
        }
        (Verdict::Drop { state, reason, decide_again }, Some(school)) => {
            let expired_first = n.state_reason.take();
            ended(unit, &mut n, state, reason);
            tracing::info!(
                notification = %n.id, school = %n.school, purpose = n.purpose.as_str(),
                channel = n.channel.as_str(), %reason,
                waited_for = expired_first.map(tracing::field::display), "not sent"
            );
            if matches!(state, State::Expired | State::Rejected) {
                failure::follow(shared, unit, &n, reason, now).await?;
            } else if decide_again
                && let Some(case) = Case::load(unit, &directory.roster, &CaseKey::of(&n)).await?
            {
                let heard = Heard::own(&format!("claim {reason}"));
                decide(unit, &directory, school, case, &heard, now);
                // Somebody believes what is not so, and may not be written to any more.
                let needless = matches!(reason, Reason::Replaced | Reason::NothingToCorrect);
                if reason == Reason::NoContact || (n.purpose == Purpose::Correction && !needless) {
                    failure::follow(shared, unit, &n, reason, now).await?;
                }
            }
            Ok(Prepared::Settled)
        }
        (Verdict::Drop { state, reason, .. }, None) => {
            ended(unit, &mut n, state, reason);
            Ok(Prepared::Settled)
        }
        // Without a school nothing is sent.
        (Verdict::Send { .. }, None) => Ok(Prepared::Settled),
    }
}

/// One that is to be told with another that waits: that one goes first, and what it leaves behind is due still.
async fn with_its_carrier(
    shared: &Shared,
    unit: &mut Unit<'_>,
    n: Notification,
    carrier: &Notification,
    now: Timestamp,
) -> Result<Prepared, StoreError> {
    if carrier.due_at > now {
        let reason = carrier.state_reason.unwrap_or(Reason::ToldAlong);
        postpone(unit, n, carrier.due_at, reason);
        return Ok(Prepared::Settled);
    }
    Box::pin(prepare(shared, unit, &due_row(carrier), &carrier.id, now)).await
}

/// Sends what may leave, unless its recipient is told often enough that day; with those that may go along.
async fn tell(
    shared: &Shared,
    unit: &mut Unit<'_>,
    mut n: Notification,
    case: &Case,
    (directory, school): (&Directory, &School),
    (address, language): (Address, Locale),
    now: Timestamp,
) -> Result<Prepared, StoreError> {
    let here = (directory, school);
    let (kind, counted) = match fatigue::ask(unit, here, &n, case, &address, now).await? {
        Turn::Now(kind, counted) => (kind, counted),
        Turn::Later(until, reason) => {
            note(unit, &n, "claim", ("hold", reason), now);
            // It is worth telling when its digest leaves.
            n.deadline = n.deadline.max(fatigue::worth_until(school, until));
            postpone(unit, n, until, reason);
            return Ok(Prepared::Settled);
        }
        Turn::LeftToTeam => {
            note(unit, &n, "claim", ("cancel", Reason::LeftToTeam), now);
            ended(unit, &mut n, State::Cancelled, Reason::LeftToTeam);
            return Ok(Prepared::Settled);
        }
    };
    let along = carried::along(shared, unit, here, &n, (kind, &address), now).await?;
    let (text, told) = (Of::Case(case), Told { kind, counted, along });
    let making = Sendable { directory, school, text, address, language, told };
    send(shared, unit, n, &making, now).await
}

/// Holds a message that the store that is gone may have sent.
async fn doubt_after_restore(
    shared: &Shared,
    unit: &mut Unit<'_>,
    school: &School,
    mut n: Notification,
    now: Timestamp,
) -> Result<Prepared, StoreError> {
    let account = shared.account(school, n.channel).map(|account| account.id().clone());
    after_restore::hold(unit, &mut n, account.as_ref(), now);
    unit.decided("hold", Reason::HeldInDoubt);
    tracing::warn!(
        notification = %n.id, school = %n.school,
        "held: the store was restored since, and it may have been sent before"
    );
    failure::follow(shared, unit, &n, Reason::HeldInDoubt, now).await?;
    Ok(Prepared::Settled)
}

/// Whether a message is held, or discarded, because far too many would be told.
async fn is_held(
    shared: &Shared,
    unit: &mut Unit<'_>,
    (directory, school): (&Directory, &School),
    n: &Notification,
    case: &Case,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if !matches!(n.purpose, Purpose::Absence | Purpose::AskToRing) {
        return Ok(false);
    }
    match volume::gate(shared, unit, directory, school, n, case.lesson.lesson.start, now).await? {
        Gate::Free => return Ok(false),
        Gate::Held(until, hold) => {
            note(unit, n, &format!("hold {hold}"), ("hold", Reason::HeldForVolume), now);
            postpone(unit, n.clone(), until, Reason::HeldForVolume);
        }
        Gate::Released(hold, reason) => {
            if n.state_reason == Some(Reason::HeldForVolume) {
                note(unit, n, &format!("hold {hold}"), ("release", reason), now);
            }
            return Ok(false);
        }
        Gate::Discarded(hold, reason) => {
            note(unit, n, &format!("hold {hold}"), ("cancel", reason), now);
            ended(unit, &mut n.clone(), State::Cancelled, reason);
        }
    }
    Ok(true)
}

/// The school as its mode is by the rows: one that was taken back to its guests beside this claim is back.
async fn in_its_mode<'a>(
    unit: &mut Unit<'_>,
    school: Option<&'a School>,
) -> Result<Option<Cow<'a, School>>, StoreError> {
    let Some(school) = school else { return Ok(None) };
    let back = school.gone_live.is_some()
        && unit.read_raw(&tables::gone_live(&school.id)).await?.is_none();
    Ok(Some(if back { Cow::Owned(school.clone().as_configured()) } else { Cow::Borrowed(school) }))
}

/// Ends a waiting notification at the moment at which it would have left.
fn ended(unit: &mut Unit<'_>, n: &mut Notification, state: State, reason: Reason) {
    case::cancel(unit, n, state, reason);
    let act = match state {
        State::Expired => "expire",
        State::Rejected => "reject",
        _ => "cancel",
    };
    unit.decided(act, reason);
}

/// Claims a test to a guest.
async fn test(
    shared: &Shared,
    unit: &mut Unit<'_>,
    mut n: Notification,
    (directory, school): (&Directory, Option<&School>),
    now: Timestamp,
) -> Result<Prepared, StoreError> {
    match (guest::claim(&n, school, now), school) {
        (Ok(address), Some(school)) => {
            let language = school.locale.clone();
            let (text, told) = (Of::Test, Told::alone());
            let making = Sendable { directory, school, text, address, language, told };
            send(shared, unit, n, &making, now).await
        }
        (Err((state, reason)), _) => {
            tracing::info!(notification = %n.id, school = %n.school, %reason, "test not sent");
            ended(unit, &mut n, state, reason);
            Ok(Prepared::Settled)
        }
        (Ok(_), None) => Ok(Prepared::Settled),
    }
}

/// Claims a notice about no pupil.
async fn about_no_pupil(
    shared: &Shared,
    unit: &mut Unit<'_>,
    mut n: Notification,
    (directory, school): (&Directory, Option<&School>),
    now: Timestamp,
) -> Result<Prepared, StoreError> {
    let (mut about, mut takes_back, mut bad) = (notice::About::Gone, None, BTreeSet::new());
    if let Some(school) = school {
        let kv = shared.kv.as_ref();
        about = notice::about(kv, unit, directory, school, &n, now).await?;
        takes_back = notice::takes_back(unit, school, &n, &about).await?;
        bad = notice::bad_addresses(unit, directory, school, &n, now).await?;
    }
    let claim = notice::Claim {
        now,
        n: &n,
        school,
        roster: &directory.roster,
        about: &about,
        takes_back: takes_back.as_ref(),
        bad: &bad,
    };
    match (notice::claim(&claim), school) {
        (Verdict::Send { address, language }, Some(school)) => {
            let facts = notice_facts::facts(&directory.roster, school, &n, &about, now);
            let (text, told) = (Of::Notice(facts), Told::alone());
            let making = Sendable { directory, school, text, address, language, told };
            send(shared, unit, n, &making, now).await
        }
        (Verdict::Defer { until, reason }, _) => {
            postpone(unit, n, until, reason);
            Ok(Prepared::Settled)
        }
        (Verdict::Drop { state, reason, .. }, _) => {
            tracing::info!(
                notification = %n.id, school = %n.school, purpose = n.purpose.as_str(),
                channel = n.channel.as_str(), %reason, "notice not sent"
            );
            ended(unit, &mut n, state, reason);
            if matches!(state, State::Expired | State::Rejected) {
                notice::follow(shared, unit, &n, reason, now).await?;
            }
            ladder_notice::follow(shared, unit, &n, reason, now).await?;
            Ok(Prepared::Settled)
        }
        (Verdict::Send { .. }, None) => Ok(Prepared::Settled),
    }
}
