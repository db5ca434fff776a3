//! Those who speak to the daemon, each until it is answered: the school systems, the export that puts the
//! directory, and the provider with its delivery reports.

use std::collections::VecDeque;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::clock::{SimClock, pause};
use crate::life::World;
use crate::outside::Report;
use crate::plan::Event;
use crate::settings::{API_TOKEN, TOKENS};

/// All of them, in one life of the daemon.
pub struct Senders<'a> {
    world: &'a World,
    router: Router,
    clock: &'a SimClock,
    /// What was not acknowledged before, and is sent again at once.
    again: VecDeque<Event>,
    under_way: FuturesUnordered<LocalBoxFuture<'a, ()>>,
    /// Versions of the directory that this life has been given, or is being given.
    put: usize,
}

async fn text(body: Body) -> Value {
    let bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    serde_json::from_slice(&bytes).unwrap_or_default()
}

impl<'a> Senders<'a> {
    pub fn new(world: &'a World, router: Router, clock: &'a SimClock) -> Self {
        let acknowledged = world.acknowledged.lock().expect("acknowledged");
        let now = clock.truth();
        let late = world.plan.events.iter().filter(|e| e.at <= now);
        let again = late.filter(|e| !acknowledged.contains_key(&e.id)).cloned().collect();
        drop(acknowledged);
        world.todo.lock().expect("events").retain(|e| e.at > now);
        let answered = |(_, answered): &&(_, Option<Timestamp>)| answered.is_some();
        let put = world.loaded.lock().expect("loaded").iter().filter(answered).count();
        Self { world, router, clock, again, under_way: FuturesUnordered::new(), put }
    }

    /// Whether nobody waits for an answer.
    pub fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Waits for the next that is done.
    pub async fn answer(&mut self) {
        if self.under_way.next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Begins whatever is to be sent now.
    pub fn send(&mut self, now: Timestamp) {
        let mut due: Vec<Event> = self.again.drain(..).collect();
        {
            let mut todo = self.world.todo.lock().expect("events");
            let count = todo.iter().take_while(|e| e.at <= now).count();
            due.extend(todo.drain(..count));
        }
        // The polled system tells all it has at once, in an order of its own.
        let (mut polled, own): (Vec<_>, Vec<_>) = due.into_iter().partition(|e| e.source == "poll");
        polled.reverse();
        for event in own {
            self.post("src", vec![event]);
        }
        if !polled.is_empty() {
            self.post("poll", polled);
        }
        // One after the other: the export does not overtake itself.
        let answered = {
            let loaded = self.world.loaded.lock().expect("loaded");
            self.put == 0
                || loaded.get(self.put - 1).is_some_and(|(_, answered)| answered.is_some())
        };
        if answered && self.world.plan.rosters.get(self.put).is_some_and(|(at, _)| *at <= now) {
            self.load(self.put);
            self.put += 1;
        }
        let mut reports = self.world.outside.reports.lock().expect("reports");
        let (due, rest): (Vec<_>, Vec<_>) = reports.drain(..).partition(|r| r.at <= now);
        reports.extend(rest);
        drop(reports);
        for report in due {
            self.report(report);
        }
    }

    /// When there is something to be sent next.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let event = self.world.todo.lock().expect("events").front().map(|e| e.at);
        let reports = self.world.outside.reports.lock().expect("reports");
        let report = reports.iter().map(|r| r.at).min();
        let load = self.world.plan.rosters.get(self.put).map(|(at, _)| *at);
        event.into_iter().chain(report).chain(load).filter(|at| *at > now).min()
    }

    /// Posts events until they are taken.
    fn post(&self, source: &'static str, events: Vec<Event>) {
        let (world, router, clock) = (self.world, self.router.clone(), self.clock);
        let token = TOKENS.iter().find(|(name, _)| *name == source).expect("a source").1;
        let body: Vec<Value> = events.iter().map(|e| e.body.clone()).collect();
        let body = if body.len() == 1 { body[0].clone() } else { body.into() }.to_string();
        let known = {
            let acknowledged = world.acknowledged.lock().expect("acknowledged");
            events.iter().filter(|e| acknowledged.contains_key(&e.id)).count()
        };
        self.under_way.push(Box::pin(async move {
            let answer = loop {
                let request = Request::post(format!("/hooks/{source}"))
                    .header("authorization", format!("Bearer {token}"))
                    .header("content-type", "application/json")
                    .body(Body::from(body.clone()))
                    .expect("a request");
                let answer = router.clone().oneshot(request).await.expect("an answer");
                match answer.status() {
                    StatusCode::ACCEPTED => break text(answer.into_body()).await,
                    StatusCode::SERVICE_UNAVAILABLE => pause(5_000).await,
                    other => panic!("{other} for {body}: {}", text(answer.into_body()).await),
                }
            };
            let count = |what: &str| answer[what].as_u64().and_then(|n| usize::try_from(n).ok());
            let (accepted, duplicate) = (count("accepted"), count("duplicate"));
            world.tally.add(KNOWN, u64::try_from(known).expect("small"));
            let all = accepted.zip(duplicate).map(|(accepted, duplicate)| accepted + duplicate);
            if all != Some(events.len()) || duplicate < Some(known) {
                let words = format!("{KNOWN}: {known} of {}, and {answer}", events.len());
                world.outside.wrong.lock().expect("wrong").push(words);
            }
            let mut acknowledged = world.acknowledged.lock().expect("acknowledged");
            for event in events {
                acknowledged.entry(event.id).or_insert_with(|| clock.truth());
            }
        }));
    }

    /// Puts a version of the directory until it is in force, and confirms it where that is asked for.
    fn load(&self, version: usize) {
        let (world, router, clock) = (self.world, self.router.clone(), self.clock);
        let body = world.plan.rosters[version].1.body(&world.plan.schools).to_string();
        self.under_way.push(Box::pin(async move {
            // A load is read on another thread. Let everybody come to rest before, so that it makes no
            // difference when that is done.
            for _ in 0..500 {
                tokio::task::yield_now().await;
            }
            {
                let mut loaded = world.loaded.lock().expect("loaded");
                loaded.truncate(version);
                // An earlier life may have taken it already.
                loaded.push((world.plan.rosters[version].0, None));
            }
            let mut confirm = String::new();
            loop {
                let put = Request::put(format!("/api/directory{confirm}"))
                    .header("authorization", format!("Bearer {API_TOKEN}"))
                    .header("content-type", "application/json")
                    .body(Body::from(body.clone()))
                    .expect("a request");
                let answer = router.clone().oneshot(put).await.expect("an answer");
                match answer.status() {
                    StatusCode::OK => break,
                    StatusCode::SERVICE_UNAVAILABLE => pause(5_000).await,
                    StatusCode::CONFLICT => {
                        world.tally.count(CONFIRMED);
                        let digest = text(answer.into_body()).await["confirm"].clone();
                        confirm = format!("?confirm={}", digest.as_str().expect("a digest"));
                    }
                    other => panic!("{other}: {}", text(answer.into_body()).await),
                }
            }
            world.loaded.lock().expect("loaded")[version].1 = Some(clock.truth());
        }));
    }

    /// Posts a delivery report. Most providers come again when it is put off, and give up in the end.
    fn report(&self, report: Report) {
        let (world, router) = (self.world, self.router.clone());
        let posted = (report.notification.clone(), report.status);
        world.outside.posted.lock().expect("posted").push(posted);
        self.under_way.push(Box::pin(async move {
            let post = Request::post(&report.path)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(Body::from(report.body()))
                .expect("a request");
            let answer = router.oneshot(post).await.expect("an answer");
            if answer.status().is_success() {
                let taken = (report.notification, report.reference, report.status);
                world.outside.taken.lock().expect("taken").push(taken);
            } else if world.outside.chance.percent(70) {
                let at = report.at + SignedDuration::from_secs(30);
                world.tally.count(AGAIN);
                world.outside.reports.lock().expect("reports").push_back(Report { at, ..report });
            } else {
                world.tally.count(LOST);
            }
        }));
    }
}

const KNOWN: &str = "an event that was acknowledged before is answered as a duplicate";
/// Promises that are looked at here.
pub const CHECKS: &[&str] = &[KNOWN];

const CONFIRMED: &str = "directory is taken only when it is confirmed";
const AGAIN: &str = "report is put off, and comes again";
const LOST: &str = "report is put off, and never comes again";
/// What can happen here.
pub const FAULTS: &[&str] = &[CONFIRMED, AGAIN, LOST];
