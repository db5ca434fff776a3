//! Subscriptions: made, extended, listed, deleted, and ended by time. Callbacks are carried in
//! `callbacks`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::Shared;
use super::id::Id;
use super::query::{Query, Refusal, bad};
use super::quirks::Quirks;
use crate::sim::http::Asked;
use crate::sim::target::Target;

/// What can be subscribed to.
const RESOURCES: [&str; 18] = [
    "Absence",
    "AttendanceEvent",
    "Attendance",
    "Grade",
    "CalendarEvent",
    "AttendanceSchedule",
    "Resource",
    "Room",
    "Activity",
    "Duty",
    "Placement",
    "StudyPlan",
    "Programme",
    "Syllabus",
    "SchoolUnitOffering",
    "Group",
    "Person",
    "Organisation",
];
/// What Edlevo tells of.
const EDLEVO: [&str; 3] = ["Organisation", "Placement", "Duty"];

/// One subscription, and how telling went.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Subscription {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) target: String,
    pub(super) resources: BTreeSet<String>,
    pub(super) expires: Timestamp,
    /// Callbacks that were answered as they must be.
    pub(super) told: u64,
    /// Callbacks that were given up.
    pub(super) failed: u64,
    /// Calls, with those that were repeated.
    pub(super) calls: u64,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Subscriptions {
    all: BTreeMap<Id, Subscription>,
    seed: u64,
    serial: u64,
    lasts: SignedDuration,
}

impl Subscriptions {
    pub(super) fn new(seed: u64, lasts: SignedDuration) -> Self {
        Self { all: BTreeMap::new(), seed, serial: 0, lasts }
    }

    /// Those that have not ended.
    pub(super) fn current(&mut self, now: Timestamp) -> impl Iterator<Item = &Subscription> {
        self.forget(now);
        self.all.values()
    }

    fn forget(&mut self, now: Timestamp) {
        self.all.retain(|_, one| one.expires > now);
    }

    pub(super) fn note(&mut self, id: Id, told: bool, calls: u64) {
        if let Some(one) = self.all.get_mut(&id) {
            one.calls += calls;
            if told {
                one.told += 1;
            } else {
                one.failed += 1;
            }
        }
    }

    /// Ends all of them, as a server that was set up anew.
    pub(super) fn end(&mut self) {
        self.all.clear();
    }

    fn until(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.lasts).unwrap_or(now)
    }
}

impl Shared {
    /// Answers below `/subscriptions`; `rest` is what stands behind it.
    pub(super) fn subscriptions(
        self: &Arc<Self>,
        asked: &Asked,
        rest: &[&str],
        query: &Query,
        quirks: &Quirks,
    ) -> Result<(u16, Option<Value>), Refusal> {
        let now = self.skewed(self.clock.now());
        let shown = |one: &Subscription| {
            let zone = self.world().zone.clone();
            written(one, &zone)
        };
        let mut all = self.subscribers();
        all.forget(now);
        let parsed = |id: &str| match id.parse::<Id>() {
            Ok(id) => Ok(id),
            Err(_) => bad("id", format!("{id:?} is no uuid")),
        };
        match (&asked.head.method, rest) {
            (&Method::GET, []) => {
                query.only(&[])?;
                let rows: Vec<Value> = all.current(now).map(shown).collect();
                Ok((200, Some(json!({ "data": rows, "pageToken": null }))))
            }
            (&Method::POST, []) => {
                let (name, target, resources) = read(&asked.body, quirks)?;
                all.serial += 1;
                let id = Id::of(all.seed, "subscription", all.serial);
                let expires = all.until(now);
                let one = Subscription {
                    id,
                    name,
                    target,
                    resources,
                    expires,
                    told: 0,
                    failed: 0,
                    calls: 0,
                };
                let answer = shown(&one);
                all.all.insert(id, one);
                Ok((201, Some(answer)))
            }
            (&Method::GET, [id]) => {
                let one = all.all.get(&parsed(id)?).ok_or(Refusal::NotFound)?;
                Ok((200, Some(shown(one))))
            }
            (&Method::PATCH, [id]) => {
                if !asked.body.is_empty() {
                    return bad("body", "a subscription is extended without a body");
                }
                let expires = all.until(now);
                let one = all.all.get_mut(&parsed(id)?).ok_or(Refusal::NotFound)?;
                one.expires = expires;
                Ok((200, Some(shown(one))))
            }
            (&Method::DELETE, [id]) => match all.all.remove(&parsed(id)?) {
                Some(_) => Ok((204, None)),
                None => Err(Refusal::NotFound),
            },
            _ => Err(Refusal::WrongMethod),
        }
    }
}

fn written(one: &Subscription, zone: &jiff::tz::TimeZone) -> Value {
    let resources: Vec<Value> =
        one.resources.iter().map(|resource| json!({ "resource": resource })).collect();
    let expires = one.expires.display_with_offset(zone.to_offset(one.expires)).to_string();
    json!({
        "id": one.id,
        "name": one.name,
        "target": one.target,
        "expires": expires,
        "resourceTypes": resources,
    })
}

fn read(body: &[u8], quirks: &Quirks) -> Result<(String, String, BTreeSet<String>), Refusal> {
    let body: Value = match serde_json::from_slice(body) {
        Ok(body) => body,
        Err(error) => return bad("body", format!("the body is not JSON: {error}")),
    };
    let (Some(name), Some(target), Some(types)) =
        (body["name"].as_str(), body["target"].as_str(), body["resourceTypes"].as_array())
    else {
        return bad("body", "name, target and resourceTypes must all be given");
    };
    let mut resources = BTreeSet::new();
    for one in types {
        let word = if quirks.plain_resources { one.as_str() } else { one["resource"].as_str() };
        let known: &[&str] = if quirks.edlevo { &EDLEVO } else { &RESOURCES };
        match word {
            Some(word) if known.contains(&word) => resources.insert(word.to_owned()),
            _ => return bad("resource_type", format!("{one} is no resource type here")),
        };
    }
    if Target::new(target).is_none() {
        return bad("target", "this stand-in calls http:// on this machine only");
    }
    Ok((name.to_owned(), target.to_owned(), resources))
}
