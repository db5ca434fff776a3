//! A test to a guest: one message over the whole path, asked for by an operator. It is written as any other
//! message is, and from there on the dispatcher's; what would keep it from leaving is said beforehand.

use serde::{Deserialize, Serialize};

use jiff::Timestamp;

use super::OperateError;
use super::message::Message;
use crate::delivery::guest;
use crate::delivery::suspension::Suspensions;
use crate::directory::phone::{PhoneRules, normalise};
use crate::directory::{Directory, Mode, School};
use crate::intake::case::enqueue;
use crate::model::{
    Address, Channel, EmailAddress, Notification, NotificationId, Phone, ProviderId, Reason,
    SchoolId,
};
use crate::store::ledger::Unit;
use crate::store::rows::{Audit, Decision};
use crate::store::{Commit, Kv, StoreError, tables};

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Test {
    /// A number or an e-mail address.
    pub to: String,
    /// As which school; none: the one whose guest it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school: Option<SchoolId>,
}

/// What a test depends on besides the store.
#[derive(Clone, Copy)]
pub struct Sending<'a> {
    /// Schools and people in force.
    pub directory: &'a Directory,
    /// Every account that messages go by.
    pub accounts: &'a [ProviderId],
}

/// Writes a test that is due now.
///
/// # Errors
/// [`OperateError::NotNow`] with what to do when it could not leave, or the store's. No address is told.
pub async fn send(
    kv: &dyn Kv,
    sending: Sending<'_>,
    asked: &Test,
    by: &str,
    now: Timestamp,
) -> Result<Message, OperateError> {
    let to = address(&asked.to).map_err(OperateError::NotNow)?;
    let school = as_school(sending.directory, asked.school.as_ref(), &to);
    let school = school.map_err(OperateError::NotNow)?;
    if let Some(words) = hindrance(sending, school, to.channel()) {
        return Err(OperateError::NotNow(words));
    }
    if let Some(kept) = Suspensions::load(kv, now).await?.of(&school.id, to.channel()) {
        return Err(OperateError::NotNow(format!(
            "sending is suspended ({}) until {}: {}; `upprop resume` ends it",
            kept.scope, kept.until, kept.reason
        )));
    }
    let made = guest::notification(school, to, now);
    let n = made.ok_or_else(|| StoreError::Failed("the fixed id of tests is refused".into()))?;
    let mut unit = Unit::new(kv);
    // The moment is part of its id: the same one is the same test.
    let _ = unit.read_raw(&tables::notification(&n.id)).await?;
    enqueue(&mut unit, &n);
    trail(&mut unit, &n, by, now);
    if unit.commit().await? == Commit::Conflict {
        return Err(StoreError::Busy("two tests at one moment; try again".into()).into());
    }
    tracing::info!(notification = %n.id, school = %n.school, act = "test", by, "operator");
    Ok(Message::from(&n))
}

fn trail(unit: &mut Unit<'_>, n: &Notification, by: &str, now: Timestamp) {
    let line = Audit {
        at: now,
        source: None,
        event: None,
        heard: format!("operator test {by}"),
        lesson: None,
        decisions: vec![Decision {
            act: "notify".into(),
            recipient: n.recipient.key(),
            reason: Reason::Test,
            notification: Some(n.id.clone()),
        }],
        silences: Vec::new(),
    };
    let unique = NotificationId::of(&["operator", "test", n.id.as_str()]);
    unit.write(tables::audit(&n.school, &n.pupil, now, unique.as_str()), &line);
}

fn address(text: &str) -> Result<Address, String> {
    if text.contains('@') {
        let address = EmailAddress::new(text.trim()).map(Address::Email);
        return address.map_err(|error| format!("the e-mail address {error}"));
    }
    let exact = Phone::new(text.replace([' ', '-'], "")).ok();
    let read = exact.map_or_else(|| normalise(text, &PhoneRules::default()).map(|n| n.phone), Ok);
    read.map(Address::Phone).map_err(|error| format!("the number {error}; {}", error.remedy()))
}

/// The school that a test to this address comes from.
fn as_school<'a>(
    directory: &'a Directory,
    wanted: Option<&SchoolId>,
    to: &Address,
) -> Result<&'a School, String> {
    let schools = &directory.schools;
    let add = "add it to `guests` in the configuration: a test goes to guests only";
    if let Some(id) = wanted {
        let known: Vec<&str> = schools.keys().map(SchoolId::as_str).collect();
        let school = schools.get(id).ok_or_else(|| {
            format!("no school has that id in the configuration; there are: {}", known.join(", "))
        })?;
        let is_guest = school.guests.contains(to);
        return if is_guest {
            Ok(school)
        } else {
            Err(format!("the address is not a guest of school {id}; {add}"))
        };
    }
    let hosts: Vec<&School> = schools.values().filter(|s| s.guests.contains(to)).collect();
    match hosts[..] {
        [school] => Ok(school),
        [] => Err(format!("the address is a guest of no school; {add}")),
        _ => {
            let ids: Vec<&str> = hosts.iter().map(|s| s.id.as_str()).collect();
            Err(format!(
                "the address is a guest of several schools; add --school, one of {}",
                ids.join(", ")
            ))
        }
    }
}

/// What would keep every message of a school by a channel from leaving.
fn hindrance(sending: Sending<'_>, school: &School, channel: Channel) -> Option<String> {
    let id = &school.id;
    if school.mode == Mode::Shadow {
        return Some(format!(
            "school {id} is in shadow mode, which sends nothing at all; write mode = \"guests\" for it first"
        ));
    }
    if channel == Channel::Sms {
        let has = school.sms_provider.as_ref().is_some_and(|p| sending.accounts.contains(p));
        if !has {
            return Some(format!(
                "school {id} has no provider for its texts; write sms-provider = \"…\" for it"
            ));
        }
    }
    (sending.directory.roster.pupil_count() == 0).then(|| {
        "no directory is in force, and nothing is sent before one is; load it, see `upprop status`".into()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::delivery::suspension::{Scope, Suspension};
    use crate::delivery::testing::school;
    use crate::directory::Roster;
    use crate::store::{MemoryStore, after_prefix};

    const NUMBER: &str = "+46701740605";

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).expect("time")
    }

    fn guests_of(mode: Mode, ids: &[&str]) -> Directory {
        let guests = [Address::Phone(Phone::new(NUMBER).expect("phone"))];
        let schools = ids.iter().map(|id| {
            let id = SchoolId::new(*id).expect("id");
            let sms_provider = Some(ProviderId::new("elks").expect("id"));
            let guests = guests.clone().into();
            (id.clone(), School { id, mode, guests, sms_provider, ..school() })
        });
        let body = br#"{"pupils": [{"id": "p", "school": "a", "given-name": "Alva"}], "guardians":
            [{"pupil": "p", "school": "a", "guardian": "g", "may-receive": true}]}"#;
        let known = [SchoolId::new("a").expect("id")].into();
        let loaded = crate::directory::json::load_json(body, &known, &PhoneRules::default(), now());
        let roster = Arc::new(loaded.expect("a roster").roster);
        Directory { schools: Arc::new(schools.collect()), roster }
    }

    async fn tried(
        kv: &MemoryStore,
        directory: &Directory,
        to: &str,
        school: Option<&str>,
    ) -> Result<Message, String> {
        let accounts = [ProviderId::new("elks").expect("id")];
        let sending = Sending { directory, accounts: &accounts };
        let school = school.map(|id| SchoolId::new(id).expect("id"));
        let asked = Test { to: to.into(), school };
        send(kv, sending, &asked, "uid 0", now()).await.map_err(|e| e.to_string())
    }

    #[tokio::test]
    async fn what_keeps_a_test_from_leaving_is_said_and_nothing_is_written() {
        let guests = guests_of(Mode::Guests, &["a"]);
        let without = |change: fn(&mut School)| {
            let mut schools = (*guests.schools).clone();
            schools.values_mut().for_each(change);
            Directory { schools: Arc::new(schools), ..guests.clone() }
        };
        let nobody = Directory { roster: Arc::new(Roster::default()), ..guests.clone() };
        for (directory, to, school, words) in [
            (guests.clone(), "+46701740606", None, "is a guest of no school; add it to `guests`"),
            (guests.clone(), "rektor@skola.example", None, "is a guest of no school"),
            (guests.clone(), "+46701740606", Some("a"), "is not a guest of school a"),
            (guests.clone(), NUMBER, Some("b"), "there are: a"),
            (guests.clone(), "nobody", None, "the number "),
            (guests.clone(), "a@", None, "the e-mail address "),
            (guests_of(Mode::Live, &["a", "b"]), NUMBER, None, "add --school, one of a, b"),
            (guests_of(Mode::Shadow, &["a"]), NUMBER, None, "write mode = \"guests\""),
            (without(|s| s.sms_provider = None), NUMBER, None, "has no provider"),
            (nobody, NUMBER, None, "no directory is in force"),
        ] {
            let kv = MemoryStore::new();
            let error = tried(&kv, &directory, to, school).await.expect_err(words);
            assert!(error.contains(words), "{words}: {error}");
            assert!(!error.contains("0606"), "no number is told: {error}");
            assert!(kv.scan(b"", &[0xff], 9).await.expect("rows").is_empty(), "{words}");
        }
        let kv = MemoryStore::new();
        let mut unit = Unit::new(&kv);
        let (reason, by) = ("maintenance".into(), "uid 0".into());
        let until = now() + jiff::SignedDuration::from_hours(1);
        let kept = Suspension { scope: Scope::All, reason, by, since: now(), until };
        unit.write(Suspension::row(&kept.scope), &kept);
        assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
        let error = tried(&kv, &guests, NUMBER, None).await.expect_err("suspended");
        assert!(error.contains("upprop resume") && error.contains("maintenance"), "{error}");
    }

    #[tokio::test]
    async fn a_test_is_a_message_that_is_due_and_stands_in_a_trail() {
        for mode in [Mode::Guests, Mode::Live] {
            let kv = MemoryStore::new();
            let made = tried(&kv, &guests_of(mode, &["a"]), "070-174 06 05", None).await;
            let made = made.expect("made");
            assert_eq!((made.recipient.as_str(), made.due_at), ("guest", Some(now())));
            let due = kv.scan(b"du/", &after_prefix(b"du/"), 9).await.expect("rows");
            let trail = kv.scan(tables::AUDIT, &after_prefix(tables::AUDIT), 9).await;
            assert_eq!((due.len(), trail.expect("rows").len()), (1, 1), "{mode:?}");
        }
    }
}
