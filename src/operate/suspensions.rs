//! Sending suspended and resumed by an operator. Each is one commit of the suspension's row and of a line
//! that says who did it and why; the claims of messages ask the row.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::delivery::suspension::{Scope, Suspension, Suspensions};
use crate::model::{Notification, NotificationId, State, unseen::is_one_line};
use crate::store::ledger::{self, Unit};
use crate::store::rows::{Due, OperatorAct};
use crate::store::tables::{self, Lane};
use crate::store::{Commit, Kv, StoreError};

/// Longest a suspension may last: one that is forgotten must not keep a term's messages.
const LONGEST: SignedDuration = SignedDuration::from_hours(31 * 24);
/// Longest reason, in bytes: it is part of a small row.
const LONGEST_REASON: usize = 500;
/// How often an act is tried against somebody who changes the same row.
const TRIES: usize = 20;

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Suspend {
    /// What is to be suspended.
    pub scope: Scope,
    /// Why, in the operator's words. Not for names: it is shown to whoever asks why a message waits.
    pub reason: String,
    /// When it ends: RFC 3339, or a local time as `2026-11-27T07:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Or after how long, as `2h` or `1d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#for: Option<String>,
}

/// The answer to both acts. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Suspended {
    /// [`FORMAT`].
    pub format: u32,
    /// The one that was made, changed or ended.
    pub suspension: Suspension,
    /// Messages of its scope that were on their way at that moment: they are not stopped.
    pub on_the_wire: u64,
    /// All that are in force now, the new one among them.
    pub in_force: Vec<Suspension>,
}

/// Suspends, or gives a suspension of the same scope another end and reason. `zone` is that of a local
/// time.
///
/// # Errors
/// [`OperateError::NotNow`] in words when the end or the reason cannot be taken, or the store's.
pub async fn suspend(
    kv: &dyn Kv,
    asked: &Suspend,
    zone: &TimeZone,
    by: &str,
    now: Timestamp,
) -> Result<Suspended, OperateError> {
    let reason = asked.reason.trim();
    if reason.is_empty() || reason.len() > LONGEST_REASON || !is_one_line(reason) {
        return Err(OperateError::NotNow(format!(
            "the reason is one line of at most {LONGEST_REASON} bytes, as \"gateway maintenance\""
        )));
    }
    let until = until(asked, zone, now).map_err(OperateError::NotNow)?;
    for _ in 0..TRIES {
        let mut unit = Unit::new(kv);
        let row = Suspension::row(&asked.scope);
        // So that two at once do not both believe to have the last word.
        if let Ok(Some(former)) = unit.read::<Suspension>(&row).await
            && former.until > until
        {
            return Err(OperateError::NotNow(format!(
                "it is suspended until {} already, by {}; to end that earlier: `upprop resume`, and suspend anew",
                former.until, former.by
            )));
        }
        let suspension = Suspension {
            scope: asked.scope.clone(),
            reason: reason.to_owned(),
            by: by.to_owned(),
            since: now,
            until,
        };
        unit.write(row, &suspension);
        write_act(&mut unit, "suspend", &suspension, by, now);
        if unit.commit().await? == Commit::Done {
            tracing::warn!(scope = %suspension.scope, %until, by, "sending is suspended");
            return told(kv, suspension, now).await;
        }
    }
    Err(busy())
}

/// Ends a suspension early.
///
/// # Errors
/// [`OperateError::NotNow`] when there is none of that scope, or the store's.
pub async fn resume(
    kv: &dyn Kv,
    scope: &Scope,
    by: &str,
    now: Timestamp,
) -> Result<Suspended, OperateError> {
    for _ in 0..TRIES {
        let in_force = Suspensions::load(kv, now).await?;
        let Some(suspension) = in_force.all().iter().find(|s| s.scope == *scope).cloned() else {
            let others: Vec<String> = in_force.all().iter().map(|s| s.scope.to_string()).collect();
            let others = if others.is_empty() { "nothing".into() } else { others.join(", ") };
            return Err(OperateError::NotNow(format!(
                "{scope} is not suspended; what is: {others}"
            )));
        };
        let mut unit = Unit::new(kv);
        let row = Suspension::row(scope);
        if unit.read_raw(&row).await?.is_none() {
            continue;
        }
        unit.delete(row);
        write_act(&mut unit, "resume", &suspension, by, now);
        if unit.commit().await? == Commit::Done {
            tracing::warn!(%scope, by, "sending is resumed");
            return told(kv, suspension, now).await;
        }
    }
    Err(busy())
}

fn busy() -> OperateError {
    StoreError::Busy("somebody else changes the same suspension; try again".into()).into()
}

fn write_act(unit: &mut Unit<'_>, act: &str, s: &Suspension, by: &str, now: Timestamp) {
    let line = OperatorAct {
        at: now,
        by: by.to_owned(),
        act: act.to_owned(),
        scope: s.scope.to_string(),
        reason: s.reason.clone(),
        until: (act == "suspend").then_some(s.until),
    };
    let unique = NotificationId::of(&[act, &line.scope, by, &s.until.to_string()]);
    unit.write(tables::operator_act(now, unique.as_str()), &line);
}

async fn told(
    kv: &dyn Kv,
    suspension: Suspension,
    now: Timestamp,
) -> Result<Suspended, OperateError> {
    let mut open = Vec::new();
    ledger::each(kv, &Lane::Timer.prefix(), |_, value| {
        if let Ok(Due::Resolve(id)) = ledger::decode::<Due>(value) {
            open.push(id);
        }
    })
    .await?;
    let mut on_the_wire = 0;
    for id in open {
        let row = ledger::read::<Notification>(kv, &tables::notification(&id)).await;
        if let Ok(Some(n)) = row
            && n.state == State::Sending
            && suspension.scope.covers(&n.school, n.channel)
        {
            on_the_wire += 1;
        }
    }
    let in_force = Suspensions::load(kv, now).await?.all().to_vec();
    Ok(Suspended { format: FORMAT, suspension, on_the_wire, in_force })
}

/// When a suspension ends, or in words why that cannot be.
fn until(asked: &Suspend, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, String> {
    let until = match (&asked.until, &asked.r#for) {
        (Some(text), None) => moment(text, zone).ok_or_else(|| {
            format!("{text:?} is no time; write 2026-11-27T07:00, or RFC 3339 with its offset")
        })?,
        (None, Some(text)) => {
            let after = text
                .parse::<Span>()
                .ok()
                .and_then(|span| now.to_zoned_datetime(zone.clone()).checked_add(span).ok());
            let after = after.map(|at| at.timestamp());
            after.ok_or_else(|| format!("{text:?} is no span of time; write 30m, 2h or 1d"))?
        }
        _ => return Err("say until when, or for how long; one of the two".into()),
    };
    if until <= now {
        return Err(format!("{until} (UTC) is past; give a time to come"));
    }
    if until.duration_since(now) > LONGEST {
        return Err("that is more than 31 days; suspend for less, and again if need be".into());
    }
    Ok(until)
}

/// A moment with its offset, or of a clock in a zone.
fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| {
        let local: DateTime = text.parse().ok()?;
        Some(zone.to_ambiguous_zoned_datetime(local).compatible().ok()?.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::testing::notification;
    use crate::intake::case::due_row;
    use crate::model::Channel;
    use crate::store::{MemoryStore, after_prefix};

    fn now() -> Timestamp {
        "2026-11-26T14:00:00Z".parse().expect("time")
    }

    fn zone() -> TimeZone {
        TimeZone::get("Europe/Stockholm").expect("zone")
    }

    fn asked(scope: &str, until: Option<&str>, r#for: Option<&str>) -> Suspend {
        Suspend {
            scope: scope.parse().expect("a scope"),
            reason: "maintenance".into(),
            until: until.map(Into::into),
            r#for: r#for.map(Into::into),
        }
    }

    #[test]
    fn ends_are_read_in_the_school_s_zone_and_bounded() {
        for (until_text, for_text, end) in [
            (Some("2026-11-27T07:00"), None, Ok("2026-11-27T06:00:00Z")),
            (Some("2026-11-27T07:00:30+02:00"), None, Ok("2026-11-27T05:00:30Z")),
            (None, Some("2h"), Ok("2026-11-26T16:00:00Z")),
            (None, Some("1d"), Ok("2026-11-27T14:00:00Z")),
            (None, Some("90m"), Ok("2026-11-26T15:30:00Z")),
            (Some("07:00"), None, Err("is no time")),
            (Some("tomorrow"), None, Err("is no time")),
            (None, Some("soon"), Err("is no span of time")),
            (None, Some("-2h"), Err("is past")),
            (Some("2026-11-26T15:00"), None, Err("is past")),
            (None, Some("32d"), Err("more than 31 days")),
            (None, Some("9999999y"), Err("is no span")),
            (None, None, Err("one of the two")),
            (Some("2026-11-27T07:00"), Some("2h"), Err("one of the two")),
        ] {
            let found = until(&asked("all", until_text, for_text), &zone(), now());
            match end {
                Ok(end) => assert_eq!(found, Ok(end.parse().expect("time")), "{until_text:?}"),
                Err(words) => assert!(
                    found.as_ref().is_err_and(|e| e.contains(words)),
                    "{until_text:?} {for_text:?} {found:?}"
                ),
            }
        }
    }

    #[tokio::test]
    async fn both_acts_are_told_with_who_and_why() {
        let kv = MemoryStore::new();
        let made = suspend(&kv, &asked("all", None, Some("2h")), &zone(), "uid 0", now()).await;
        assert_eq!(made.expect("made").in_force.len(), 1);
        // Again: another end, not another suspension.
        let longer = suspend(&kv, &asked("all", None, Some("3h")), &zone(), "uid 7", now()).await;
        let longer = longer.expect("made");
        assert_eq!(longer.in_force, std::slice::from_ref(&longer.suspension));
        assert_eq!(longer.suspension.by, "uid 7");
        let other = "channel:sms".parse().expect("a scope");
        let error = resume(&kv, &other, "uid 0", now()).await.expect_err("none of that scope");
        assert!(error.to_string().contains("what is: all"), "{error}");
        let ended = resume(&kv, &Scope::All, "uid 0", now()).await.expect("ended");
        assert_eq!((ended.suspension, ended.in_force.len()), (longer.suspension, 0));
        assert!(resume(&kv, &Scope::All, "uid 0", now()).await.is_err(), "it is over");
        let end = after_prefix(tables::OPERATOR_ACTS);
        let lines = kv.scan(tables::OPERATOR_ACTS, &end, 9).await.expect("rows");
        let acts: Vec<OperatorAct> =
            lines.iter().map(|(_, value)| ledger::decode(value).expect("a line")).collect();
        let acts: Vec<&str> = acts.iter().map(|a| a.act.as_str()).collect();
        assert_eq!(acts.iter().filter(|act| **act == "suspend").count(), 2, "{acts:?}");
        assert!(acts.len() == 3 && acts.contains(&"resume"), "{acts:?}");
    }

    #[tokio::test]
    async fn a_reason_is_one_line() {
        let kv = MemoryStore::new();
        for reason in ["", "  ", "a\nb", &"x".repeat(501)] {
            let asked = Suspend { reason: reason.into(), ..asked("all", None, Some("2h")) };
            assert!(suspend(&kv, &asked, &zone(), "uid 0", now()).await.is_err(), "{reason:?}");
        }
    }

    #[tokio::test]
    async fn what_is_on_the_wire_is_told() {
        let kv = MemoryStore::new();
        let mut unit = Unit::new(&kv);
        for (guardian, state, channel) in [
            ("g1", State::Sending, Channel::Sms),
            ("g2", State::Sending, Channel::Email),
            ("g3", State::InDoubt, Channel::Sms),
        ] {
            let n = Notification { channel, state, ..notification(guardian) };
            unit.write(due_row(&n), &Due::Resolve(n.id.clone()));
            unit.write(tables::notification(&n.id), &n);
        }
        assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
        for (scope, expected) in [("all", 2), ("channel:sms", 1), ("school:s", 2), ("school:t", 0)]
        {
            let asked = asked(scope, None, Some("2h"));
            let made = suspend(&kv, &asked, &zone(), "uid 0", now()).await.expect("made");
            assert_eq!(made.on_the_wire, expected, "{scope}");
        }
    }
}
