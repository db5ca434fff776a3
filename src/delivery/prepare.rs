//! One waiting notification, claimed inside a unit of work: policy again, limits, text, and the
//! start of the attempt written ahead.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;

use super::after_restore;
use super::claim::{self, Claim, Verdict};
use super::failure;
use super::guest;
use super::notice;
use super::render::{self, Made, Making, Of, Wired};
use super::settle;
use super::shared::{Account, Shared};
use super::suspension;
use super::volume::{self, Gate};
use crate::channel::sms::text_sha256;
use crate::directory::{Directory, School};
use crate::intake::case::{self, Case, CaseKey, due_row};
use crate::intake::{Heard, decide};
use crate::limits::{self, Permit};
use crate::model::{
    Address, Channel, Notification, NotificationId, ProviderId, Purpose, Rate, Reason, SchoolId,
    State, hex,
};
use crate::store::StoreError;
use crate::store::ledger::Unit;
use crate::store::rows::{Due, SentTo};
use crate::store::tables::{self, Lane};

/// Pause before a message whose school has no account is looked at again.
const NO_ACCOUNT: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

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
        is_bad: &|address| bad.contains(address),
    });
    let may_have_left = matches!(verdict, Verdict::Send { .. })
        && after_restore::may_have_left(unit, &n, &case).await?;
    match (verdict, school) {
        (Verdict::Send { address, .. }, Some(school)) if may_have_left => {
            n.address = Some(address);
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
        (Verdict::Send { address, language }, Some(school)) => {
            if is_held(shared, unit, (&directory, school), &n, &case, now).await? {
                return Ok(Prepared::Settled);
            }
            let text = Of::Case(&case);
            let making = Sendable { directory: &directory, school, text, address, language };
            send(shared, unit, n, &making, now).await
        }
        (Verdict::Defer { until, reason }, _) => {
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

/// Whether a message is held, or discarded, because far too many would be told.
async fn is_held(
    shared: &Shared,
    unit: &mut Unit<'_>,
    (directory, school): (&Directory, &School),
    n: &Notification,
    case: &Case,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if n.purpose != Purpose::Absence {
        return Ok(false);
    }
    match volume::gate(shared, unit, directory, school, n, case.lesson.lesson.start, now).await? {
        Gate::Free => return Ok(false),
        Gate::Held(until, hold) => {
            volume::note(unit, n, &hold, ("hold", Reason::HeldForVolume), now);
            postpone(unit, n.clone(), until, Reason::HeldForVolume);
        }
        Gate::Discarded(hold) => {
            volume::note(unit, n, &hold, ("cancel", Reason::DiscardedByStaff), now);
            ended(unit, &mut n.clone(), State::Cancelled, Reason::DiscardedByStaff);
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
            let making = Sendable { directory, school, text: Of::Test, address, language };
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
            let facts = notice::facts(&directory.roster, school, &n, &about, now);
            let making = Sendable { directory, school, text: Of::Notice(facts), address, language };
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
            Ok(Prepared::Settled)
        }
        (Verdict::Send { .. }, None) => Ok(Prepared::Settled),
    }
}

struct Sendable<'a> {
    directory: &'a Directory,
    school: &'a School,
    text: Of<'a>,
    address: Address,
    language: crate::model::Locale,
}

async fn send(
    shared: &Shared,
    unit: &mut Unit<'_>,
    mut n: Notification,
    s: &Sendable<'_>,
    now: Timestamp,
) -> Result<Prepared, StoreError> {
    let Some(account) = shared.account(s.school, n.channel) else {
        tracing::error!(
            school = %n.school, channel = n.channel.as_str(),
            "no account is configured for this channel; messages wait"
        );
        let until = now.saturating_add(NO_ACCOUNT).unwrap_or(Timestamp::MAX);
        postpone(unit, n, until, Reason::ChannelStopped);
        return Ok(Prepared::Settled);
    };
    // The cap guards a family, or a teacher, against a flood. The team's inbox gets as many cases as there
    // are, and what was told wrongly is put right however much was told.
    let capped = matches!(n.purpose, Purpose::Absence | Purpose::Test | Purpose::RegisterNudge);
    let cells = match permits(shared, unit, account, s, capped, now).await? {
        Allowed::Yes(cells) => cells,
        Allowed::AccountNotBefore(until) => {
            return Ok(Prepared::Limited { account: account.id().clone(), until });
        }
        Allowed::SchoolNotBefore(until) => {
            return Ok(Prepared::SchoolLimited { school: n.school, until });
        }
        Allowed::RecipientNotBefore(until) => {
            postpone(unit, n, until, Reason::RateLimited);
            return Ok(Prepared::Settled);
        }
    };
    let making = Making {
        shared,
        directory: s.directory,
        school: s.school,
        text: &s.text,
        n: &n,
        account,
        address: &s.address,
        language: &s.language,
        now,
    };
    let Made { wired, languages } = match render::render(unit, &making).await? {
        Ok(made) => made,
        Err(error) => {
            tracing::error!(
                notification = %n.id, purpose = n.purpose.as_str(), %error,
                "the text could not be made; mend the template and check it with `upprop check`"
            );
            unit.delete(due_row(&n));
            settle::fail(&mut n, Reason::TemplateFailed, false);
            unit.decided("reject", Reason::TemplateFailed);
            unit.write(tables::notification(&n.id), &n);
            failure::follow(shared, unit, &n, Reason::TemplateFailed, now).await?;
            return Ok(Prepared::Settled);
        }
    };
    for (key, cell) in cells {
        unit.write_raw(key, cell.to_be_bytes().to_vec().into());
    }
    unit.delete(due_row(&n));
    // A second try is late because of the first.
    let might_leave =
        n.attempts.first().map_or_else(|| n.created_at.max(n.due_at), |first| first.started_at);
    n.address = Some(s.address.clone());
    settle::start(&mut n, account.id(), text_digest(&wired), &shared.settings, now);
    if let Some(attempt) = n.attempts.last_mut() {
        attempt.languages = languages;
    }
    let sent = SentTo { id: n.id.clone(), reference: None };
    unit.write(tables::sent_to(account.id(), &s.address, now, &n.id), &sent);
    unit.write(tables::due(Lane::Timer, n.due_at, n.id.as_str()), &Due::Resolve(n.id.clone()));
    unit.write(tables::notification(&n.id), &n);
    Ok(Prepared::Job(Job { id: n.id, account: account.id().clone(), wired, might_leave }))
}

/// SHA-256 of a text message's text; mail is told apart by its Message-ID.
fn text_digest(wired: &Wired) -> Option<String> {
    let Wired::Sms(message) = wired else { return None };
    Some(text_sha256(&message.text))
}

/// Moves a waiting notification's due row.
fn postpone(unit: &mut Unit<'_>, mut n: Notification, until: Timestamp, reason: Reason) {
    unit.delete(due_row(&n));
    n.due_at = until;
    n.state_reason = Some(reason);
    unit.decided("hold", reason);
    case::enqueue(unit, &n);
}

enum Allowed {
    Yes(Vec<(Vec<u8>, u64)>),
    AccountNotBefore(Timestamp),
    SchoolNotBefore(Timestamp),
    RecipientNotBefore(Timestamp),
}

/// Asks the limits of the account, the school and the recipient; all must permit before any is used.
async fn permits(
    shared: &Shared,
    unit: &mut Unit<'_>,
    account: Account<'_>,
    s: &Sendable<'_>,
    capped: bool,
    now: Timestamp,
) -> Result<Allowed, StoreError> {
    let mut cells = Vec::new();
    let mut shut = None;
    for (at, rate) in account.rates().iter().enumerate() {
        let gate = match at {
            0 => format!("account:{}", account.id()),
            _ => format!("account:{}:{at}", account.id()),
        };
        match ask(unit, &gate, rate, now).await? {
            Permitted::Yes(key, cell) => cells.push((key, cell)),
            Permitted::No(until) => shut = shut.max(Some(until)),
        }
    }
    if let Some(until) = shut {
        return Ok(Allowed::AccountNotBefore(until));
    }
    let school_rate = match s.address.channel() {
        Channel::Sms => s.school.sms_rate.as_ref(),
        Channel::Email => None,
    };
    let recipient = {
        use sha2::Digest as _;
        let digest = sha2::Sha256::digest(s.address.key().as_bytes());
        format!("recipient:{}", hex(&digest.as_slice()[..12]))
    };
    let recipient_rate = shared.settings.recipient_rate.as_ref().filter(|_| capped);
    if let Some(rate) = school_rate {
        match ask(unit, &format!("school:{}", s.school.id), rate, now).await? {
            Permitted::Yes(key, cell) => cells.push((key, cell)),
            Permitted::No(until) => return Ok(Allowed::SchoolNotBefore(until)),
        }
    }
    if let Some(rate) = recipient_rate {
        match ask(unit, &recipient, rate, now).await? {
            Permitted::Yes(key, cell) => cells.push((key, cell)),
            Permitted::No(until) => return Ok(Allowed::RecipientNotBefore(until)),
        }
    }
    Ok(Allowed::Yes(cells))
}

enum Permitted {
    Yes(Vec<u8>, u64),
    No(Timestamp),
}

async fn ask(
    unit: &mut Unit<'_>,
    gate: &str,
    rate: &Rate,
    now: Timestamp,
) -> Result<Permitted, StoreError> {
    let key = tables::cell(gate);
    let stored = unit.read_raw(&key).await?;
    let cell = stored.as_deref().and_then(|b| <[u8; 8]>::try_from(b).ok()).map(u64::from_be_bytes);
    Ok(match limits::check(rate, cell, now) {
        Permit::Now(next) => Permitted::Yes(key, next),
        Permit::NotBefore { until, drawn_back } => {
            if let Some(cell) = drawn_back {
                unit.write_raw(key, cell.to_be_bytes().to_vec().into());
            }
            Permitted::No(until)
        }
    })
}
