//! Taking a school from its guests to everybody: what must be so beforehand, and what would change. Decides
//! whether it may; whoever asked does it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::delivery::accounts::Account;
use crate::delivery::suspension::Suspensions;
use crate::directory::{Directory, Mode, Protection, School};
use crate::model::{Notification, ProviderId, Reason, SchoolId, State};
use crate::store::{Kv, ledger, tables};

/// What an operator asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Wanted {
    /// Although no guest has got a message of it.
    #[serde(default)]
    pub without_guest_stage: bool,
}

/// Whether a school may go live, and why not. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GoLive {
    /// [`FORMAT`].
    pub format: u32,
    /// Which school.
    pub school: SchoolId,
    /// The mode in force.
    pub mode: String,
    /// What configuration says.
    pub configured: String,
    /// Since when it is live by an operator's word; none: it is not.
    pub since: Option<Timestamp>,
    /// By whose.
    pub by: Option<String>,
    /// Whether all that must be so is so.
    pub ready: bool,
    /// What was looked at, in order.
    pub findings: Vec<Finding>,
    /// Pupils of the school whose guardians, or who themselves, would be told.
    pub pupils: usize,
    /// Messages that guests mode has kept back so far; they stay cancelled.
    pub kept_back: u64,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// `mode`, `guest-stage`, `directory`, `account` or `suspension`.
    pub about: String,
    /// Whether it is as it must be.
    pub good: bool,
    /// How it is, and what to do about it.
    pub words: String,
}

fn finding(about: &str, good: bool, words: String) -> Finding {
    Finding { about: about.into(), good, words }
}

/// Looks at a school. Goes through all messages.
///
/// # Errors
/// [`OperateError::NotNow`] when there is no such school, or the store's.
pub async fn look(
    kv: &dyn Kv,
    directory: &Directory,
    accounts: &[ProviderId],
    school: &SchoolId,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<GoLive, OperateError> {
    let Some(school) = directory.schools.get(school) else {
        let known: Vec<&str> = directory.schools.keys().map(SchoolId::as_str).collect();
        return Err(OperateError::NotNow(format!(
            "no school has that id in the configuration; there are: {}",
            known.join(", ")
        )));
    };
    let stage = Stage::of(kv, school).await?;
    let mut findings = vec![mode(school), stage.finding(wanted)];
    let (pupils, people) = people(directory, school);
    findings.push(people);
    findings.extend(troubles(kv, school, accounts).await?);
    let suspensions = Suspensions::load(kv, now).await?;
    for kept in suspensions.all().iter().filter(|s| s.scope.concerns(&school.id)) {
        let words = format!("sending is suspended ({}): `upprop resume` first", kept.scope);
        findings.push(finding("suspension", false, words));
    }
    Ok(GoLive {
        format: FORMAT,
        school: school.id.clone(),
        mode: school.mode.as_str().into(),
        configured: school.configured_mode().as_str().into(),
        since: school.gone_live.as_ref().map(|row| row.at),
        by: school.gone_live.as_ref().map(|row| row.by.clone()),
        ready: findings.iter().all(|f| f.good),
        findings,
        pupils,
        kept_back: stage.kept_back,
    })
}

fn mode(school: &School) -> Finding {
    let (good, words) = match (school.configured_mode(), &school.gone_live) {
        (Mode::Guests, None) => (true, "configuration says guests".into()),
        (Mode::Guests, Some(row)) => {
            (false, format!("it has gone live already, {} by {}", row.at, row.by))
        }
        (Mode::Shadow, _) => (
            false,
            "configuration says shadow, which has the last word: write mode = \"guests\" with your own \
             addresses in `guests`, reload, and see what they get"
                .into(),
        ),
        (Mode::Live, _) => (false, "configuration says live: it is live already".into()),
    };
    finding("mode", good, words)
}

/// What guests mode has let out and kept back of a school's own messages; tests are none.
#[derive(Default)]
struct Stage {
    arrived: u64,
    kept_back: u64,
}

impl Stage {
    async fn of(kv: &dyn Kv, school: &School) -> Result<Self, OperateError> {
        let mut stage = Self::default();
        ledger::each(kv, tables::NOTIFICATIONS, |_, value| {
            let Ok(n) = ledger::decode::<Notification>(value) else { return };
            if n.school != school.id || n.purpose.is_about_nobody() {
                return;
            }
            let to_guest = n.address.as_ref().is_some_and(|to| school.guests.contains(to));
            if matches!(n.state, State::Accepted | State::Delivered) && to_guest {
                stage.arrived += 1;
            }
            if n.state == State::Cancelled && n.state_reason == Some(Reason::NotAGuest) {
                stage.kept_back += 1;
            }
        })
        .await?;
        Ok(stage)
    }

    fn finding(&self, wanted: &Wanted) -> Finding {
        let (good, words) = match (self.arrived, wanted.without_guest_stage) {
            (0, false) => (
                false,
                "no guest has got a message about a pupil yet (a test is none): put your own address on a pupil \
                 who is yours to try with, or say --without-guest-stage"
                    .into(),
            ),
            (0, true) => (true, "no guest has got a message; left out as asked for".into()),
            (n, _) => (true, format!("messages that guests have got: {n}")),
        };
        finding("guest-stage", good, words)
    }
}

/// How many pupils the school has, and whether it is known whom nothing may be sent about.
fn people(directory: &Directory, school: &School) -> (usize, Finding) {
    let pupils = directory.roster.pupils.get(&school.id);
    let all = pupils.map_or(0, std::collections::BTreeMap::len);
    let of = |protection| {
        let pupils = pupils.into_iter().flat_map(|pupils| pupils.values());
        pupils.filter(|p| p.protection == protection).count()
    };
    let (free, unknown) = (of(Protection::None), of(Protection::Unknown));
    let (good, words) = match (all, free) {
        (0, _) => (false, "the directory has no pupil of this school: load it".into()),
        (_, 0) if unknown > 0 => (
            false,
            format!(
                "the directory does not say of any of {all} pupils whether they are protected, so nothing would be \
                 sent: fill the column `protection`"
            ),
        ),
        _ => (
            true,
            format!(
                "{all} pupils; of {unknown} it is not known whether they are protected, and they count as protected"
            ),
        ),
    };
    (free, finding("directory", good, words))
}

/// The account of everybody's mail.
const MAIL: &str = "mail";

/// Accounts of the school that refuse to send.
async fn troubles(
    kv: &dyn Kv,
    school: &School,
    accounts: &[ProviderId],
) -> Result<Vec<Finding>, OperateError> {
    let mut found = Vec::new();
    let of_school =
        |id: &&ProviderId| school.sms_provider.as_ref() == Some(*id) || id.as_str() == MAIL;
    for id in accounts.iter().filter(of_school) {
        let row = ledger::read::<Account>(kv, &tables::account(id)).await?;
        let Some(trouble) = row.filter(|a| a.reason == Reason::ChannelStopped) else { continue };
        let words = format!(
            "account {id} refuses to send ({}): mend credentials, credit or sender",
            trouble.code
        );
        found.push(finding("account", false, words));
    }
    if found.is_empty() {
        let words = match &school.sms_provider {
            Some(id) => format!("no account is stopped; texts go by {id}"),
            None => "no account is stopped; the school has none for texts".into(),
        };
        found.push(finding("account", true, words));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::delivery::suspension::{Scope, Suspension};
    use crate::delivery::testing::{notification, school};
    use crate::directory::go_live::GoneLive;
    use crate::directory::phone::PhoneRules;
    use crate::model::{Address, Phone};
    use crate::store::ledger::Unit;
    use crate::store::{Commit, MemoryStore};

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).expect("time")
    }

    fn guest() -> Address {
        Address::Phone(Phone::new("+46701740605").expect("phone"))
    }

    fn directory(change: impl Fn(&mut School), protection: &str) -> Directory {
        let elks = Some(ProviderId::new("elks").expect("id"));
        let mut school = School { mode: Mode::Guests, sms_provider: elks, ..school() };
        school.guests = [guest()].into();
        change(&mut school);
        let body = serde_json::json!({
            "pupils": [{"id": "p", "school": "s", "given-name": "Alva", "protection": protection}],
            "guardians": [{"pupil": "p", "school": "s", "guardian": "g", "may-receive": true}],
        });
        let known = [school.id.clone()].into();
        let body = body.to_string();
        let rules = PhoneRules::default();
        let loaded = crate::directory::json::load_json(body.as_bytes(), &known, &rules, now());
        let roster = Arc::new(loaded.expect("a roster").roster);
        Directory { schools: Arc::new([(school.id.clone(), school)].into()), roster }
    }

    /// What is not as it must be, with a guest who has got a message unless told otherwise.
    async fn bad(
        directory: &Directory,
        arrived: bool,
        wanted: &Wanted,
        trouble: bool,
        suspended: bool,
    ) -> Vec<String> {
        let kv = MemoryStore::new();
        let mut unit = Unit::new(&kv);
        let state = if arrived { State::Accepted } else { State::Cancelled };
        let n = Notification { state, address: Some(guest()), ..notification("g") };
        unit.write(tables::notification(&n.id), &n);
        let test =
            Notification { purpose: crate::model::Purpose::Test, state: State::Delivered, ..n };
        let test = Notification { id: crate::model::NotificationId::of(&["test"]), ..test };
        unit.write(tables::notification(&test.id), &test);
        let elks = ProviderId::new("elks").expect("id");
        if trouble {
            let account = Account {
                until: now(),
                failures: 1,
                reason: Reason::ChannelStopped,
                code: "http-401".into(),
                since: now(),
                failed_at: now(),
            };
            unit.write(tables::account(&elks), &account);
        }
        if suspended {
            let (reason, by) = ("x".into(), "uid 0".into());
            let until = now() + jiff::SignedDuration::from_hours(1);
            let kept = Suspension { scope: Scope::All, reason, by, since: now(), until };
            unit.write(Suspension::row(&kept.scope), &kept);
        }
        assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
        let id = school().id;
        let found = look(&kv, directory, &[elks], &id, wanted, now()).await.expect("found");
        let bad: Vec<String> =
            found.findings.into_iter().filter(|f| !f.good).map(|f| f.about).collect();
        assert_eq!(found.ready, bad.is_empty());
        bad
    }

    #[tokio::test]
    async fn each_thing_that_must_be_so_is_looked_at() {
        let asked = Wanted::default();
        let good = directory(|_| {}, "none");
        assert!(bad(&good, true, &asked, false, false).await.is_empty());
        assert_eq!(bad(&good, false, &asked, false, false).await, ["guest-stage"]);
        let without = Wanted { without_guest_stage: true };
        assert!(bad(&good, false, &without, false, false).await.is_empty());
        assert_eq!(bad(&good, true, &asked, true, false).await, ["account"]);
        assert_eq!(bad(&good, true, &asked, false, true).await, ["suspension"]);
        assert_eq!(
            bad(&directory(|_| {}, "unknown"), true, &asked, false, false).await,
            ["directory"]
        );
        let nobody = Directory { roster: Arc::default(), ..good.clone() };
        assert_eq!(bad(&nobody, true, &asked, false, false).await, ["directory"]);
        for change in [
            (|s: &mut School| s.mode = Mode::Shadow) as fn(&mut School),
            |s| s.mode = Mode::Live,
            |s| {
                s.mode = Mode::Live;
                s.gone_live = Some(GoneLive { at: Timestamp::UNIX_EPOCH, by: "uid 0".into() });
            },
        ] {
            let other = directory(change, "none");
            assert_eq!(bad(&other, true, &asked, false, false).await, ["mode"]);
        }
    }
}
