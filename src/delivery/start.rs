//! The start of an attempt: limits, text, and what is written ahead of the first byte, for a message of which it has been
//! decided that it leaves now, and for those that leave with it.

use jiff::Timestamp;

use super::carried::{self, Along};
use super::failure;
use super::fatigue::{self, Kind};
use super::prepare::{Job, Prepared};
use super::render::{self, Made, Making, Of, Wired};
use super::settle;
use super::shared::{Account, Shared};
use crate::channel::sms::text_sha256;
use crate::directory::{Directory, School};
use crate::intake::case::{self, due_row};
use crate::limits::{self, Permit};
use crate::model::{Address, Channel, Locale, Notification, Purpose, Rate, Reason, hex};
use crate::store::StoreError;
use crate::store::ledger::Unit;
use crate::store::rows::{Due, SentTo};
use crate::store::tables::{self, Lane};

/// Pause before a message whose school has no account is looked at again.
const NO_ACCOUNT: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// A message that may leave, and what it is made from.
pub(super) struct Sendable<'a> {
    /// The directory in force.
    pub directory: &'a Directory,
    /// Its school.
    pub school: &'a School,
    /// What its text is made from.
    pub text: Of<'a>,
    /// Where to.
    pub address: Address,
    /// In which language.
    pub language: Locale,
    /// How it is told.
    pub told: Told,
}

/// How a message is told.
pub(super) struct Told {
    /// How it is worded.
    pub kind: Kind,
    /// To be noted when it leaves.
    pub counted: Option<(Vec<u8>, u64)>,
    /// Those that leave with it.
    pub along: Vec<Along>,
}

impl Told {
    /// By itself, as ever.
    pub fn alone() -> Self {
        Self { kind: Kind::Plain, counted: None, along: Vec::new() }
    }
}

/// Asks the limits, makes the text, and writes the start of the attempt.
///
/// # Errors
/// When the store fails.
pub(super) async fn send(
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
            if matches!(s.told.kind, Kind::Digest | Kind::Week) {
                // What a day's cap kept back must not be too old when the flood guard lets it go.
                n.deadline = n.deadline.max(fatigue::worth_until(s.school, until));
            }
            postpone(unit, n, until, Reason::RateLimited);
            return Ok(Prepared::Settled);
        }
    };
    let (mut kind, mut along) = (s.told.kind, s.told.along.clone());
    let made = loop {
        let making = Making {
            shared,
            directory: s.directory,
            school: s.school,
            text: &s.text,
            n: &n,
            account,
            address: &s.address,
            language: &s.language,
            kind,
            along: &along,
            now,
        };
        match render::render(unit, &making).await? {
            Ok(made) => break Ok(made),
            // What does not fit leaves by itself, and in the end as any message does.
            Err(_) if along.pop().is_some() => {}
            Err(error) if kind != Kind::Plain => {
                tracing::warn!(
                    notification = %n.id, %error,
                    "the text about several lessons could not be made; each is told by itself. Mend the template \
                     `absence-digest`"
                );
                kind = Kind::Plain;
            }
            Err(error) => break Err(error),
        }
    };
    let Made { wired, languages } = match made {
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
    for (key, cell) in cells.into_iter().chain(s.told.counted.clone()) {
        unit.write_raw(key, cell.to_be_bytes().to_vec().into());
    }
    unit.delete(due_row(&n));
    // A second try is late because of the first.
    let might_leave =
        n.attempts.first().map_or_else(|| n.created_at.max(n.due_at), |first| first.started_at);
    n.address = Some(s.address.clone());
    settle::start(&mut n, account.id(), text_digest(&wired), &shared.settings, now);
    n.carries = along.iter().map(|one| one.n.id.clone()).collect();
    if let Some(attempt) = n.attempts.last_mut() {
        attempt.languages = languages;
        let attempt = attempt.clone();
        for one in along {
            carried::begin(unit, &n, one.n, &attempt, &shared.settings, now);
        }
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
pub(super) fn postpone(unit: &mut Unit<'_>, mut n: Notification, until: Timestamp, reason: Reason) {
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
