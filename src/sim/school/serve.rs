//! The requests of the school: who is let in, where a path leads, and answers as a server in trouble
//! gives them. What the paths do stands in `lists`, `lookups`, `subscriptions` and `control`.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::asked::Line;
use super::id::Id;
use super::query::{Query, Refusal};
use super::quirks::Quirks;
use super::rows::{
    Activity, Attendance, Duty, Group, Lesson, Notice, Organisation, Person, Resource,
};
use super::world::World;
use super::{Shared, Silence, control, lists, lookups};
use crate::sim::http::{Answer, Asked, Dropped, Serve, json, typed, whole};

/// Where the interface lies.
pub(super) const BASE: &str = "/v2.0/";
/// Where tokens are had.
pub(super) const TOKEN: &str = "/token";
/// Where the school is steered.
const CONTROL: &str = "/_school";
/// Largest body taken.
const BODY: usize = 4 << 20;
/// What a proxy or a login page says instead of JSON.
const PAGE: &str = "<!doctype html><title>Logga in</title><p>Logga in för att fortsätta.";

impl Serve for Shared {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Answer, Dropped> {
        let (head, body) = request.into_parts();
        let asked = match whole(body, BODY).await {
            Ok(body) => Asked { head, body },
            Err(answer) => return Ok(answer),
        };
        let path = asked.head.uri.path().to_owned();
        if let Some(rest) = path.strip_prefix(CONTROL) {
            return Ok(control::answer(&self, &asked, rest));
        }
        self.fall_silent().await?;
        let at = self.clock.now();
        let answer = if path == TOKEN { self.token(&asked) } else { self.serve(&asked, &path) };
        let line = Line {
            at,
            endpoint: format!("{} {}", asked.head.method, without_ids(&path)),
            query: asked.head.uri.query().unwrap_or_default().to_owned(),
            status: answer.status().as_u16(),
        };
        self.asked().note(line);
        Ok(answer)
    }

    fn date(&self) -> Timestamp {
        self.skewed(self.clock.now())
    }

    fn stop(&self) -> &CancellationToken {
        &self.stop
    }
}

/// The path with `{id}` for what was an id, without the base.
fn without_ids(path: &str) -> String {
    let path = path.strip_prefix(BASE.trim_end_matches('/')).unwrap_or(path);
    let parts: Vec<&str> = path
        .split('/')
        .map(|part| if part.parse::<Id>().is_ok() { "{id}" } else { part })
        .collect();
    parts.join("/")
}

impl Shared {
    /// The server's own clock.
    pub(super) fn skewed(&self, now: Timestamp) -> Timestamp {
        let minutes = self.quirks().skew_minutes;
        now.saturating_add(SignedDuration::from_mins(minutes.into())).unwrap_or(now)
    }

    async fn fall_silent(&self) -> Result<(), Dropped> {
        loop {
            let silence = *self.silence.borrow();
            match silence {
                Silence::Answers | Silence::Unavailable => return Ok(()),
                Silence::Drops => return Err(Dropped),
                Silence::Hangs => {
                    let mut changed = self.silence.subscribe();
                    tokio::select! {
                        () = self.stop.cancelled() => return Err(Dropped),
                        _ = changed.changed() => {}
                    }
                }
            }
        }
    }

    fn token(&self, asked: &Asked) -> Answer {
        let quirks = self.quirks();
        if quirks.html_token {
            return page(StatusCode::OK);
        }
        if asked.head.method != Method::POST {
            return refusal(&Refusal::WrongMethod, &quirks);
        }
        let given = self.door().token(&asked.head.headers, &asked.body, self.clock.now());
        match given {
            Ok(token) => json(&token),
            Err((status, error)) => with_status(json(&error), status),
        }
    }

    fn serve(self: &Arc<Self>, asked: &Asked, path: &str) -> Answer {
        let quirks = self.quirks();
        if *self.silence.borrow() == Silence::Unavailable {
            return page(StatusCode::SERVICE_UNAVAILABLE);
        }
        match self.served(asked, path, &quirks) {
            Ok((status, Some(value))) => with_status(json(&value), status),
            Ok((status, None)) => with_status(Answer::default(), status),
            Err(refused) => refusal(&refused, &quirks),
        }
    }

    fn served(
        self: &Arc<Self>,
        asked: &Asked,
        path: &str,
        quirks: &Quirks,
    ) -> Result<(u16, Option<Value>), Refusal> {
        let now = self.clock.now();
        if !self.door().admits(&asked.head.headers, now) {
            return Err(Refusal::Unauthorized);
        }
        let path = path.strip_prefix(BASE).ok_or(Refusal::NotFound)?;
        let parts: Vec<&str> = path.split('/').collect();
        let family = parts[0];
        if !serves(quirks, family) {
            return Err(Refusal::NotFound);
        }
        if let Some(scale) = quirks.throttle
            && !self.asked().admits(family, scale, now)
        {
            return Err(Refusal::Throttled);
        }
        let query = Query::parse(asked.head.uri.query().unwrap_or_default())?;
        if family == "subscriptions" {
            return self.subscriptions(asked, &parts[1..], &query, quirks);
        }
        let world = self.world();
        let most = self.page;
        let value = match (&asked.head.method, parts.as_slice()) {
            (&Method::GET, ["deletedEntities"]) => lists::deleted(&world, &query, most),
            (&Method::GET, [list]) => listed(list, &world, quirks, &query, most),
            (&Method::GET, [list, id]) => by_id(list, &world, quirks, &query, id),
            (&Method::POST, [list, "lookup"]) => {
                looked_up(list, &world, quirks, &query, &asked.body)
            }
            _ => Err(Refusal::WrongMethod),
        };
        Ok((200, Some(value?)))
    }
}

fn serves(quirks: &Quirks, family: &str) -> bool {
    match family {
        "attendances" | "absences" | "calendarEvents" => quirks.serves_days(),
        "subscriptions" => !quirks.directory_only,
        _ => true,
    }
}

fn listed(
    list: &str,
    world: &World,
    quirks: &Quirks,
    query: &Query,
    most: usize,
) -> Result<Value, Refusal> {
    match resource(list)? {
        Resource::Organisation => lists::list::<Organisation>(world, quirks, query, most),
        Resource::Person => lists::list::<Person>(world, quirks, query, most),
        Resource::Group => lists::list::<Group>(world, quirks, query, most),
        Resource::Duty => lists::list::<Duty>(world, quirks, query, most),
        Resource::Activity => lists::list::<Activity>(world, quirks, query, most),
        Resource::CalendarEvent => lists::list::<Lesson>(world, quirks, query, most),
        Resource::Attendance => lists::list::<Attendance>(world, quirks, query, most),
        Resource::Notice => lists::list::<Notice>(world, quirks, query, most),
    }
}

fn by_id(
    list: &str,
    world: &World,
    quirks: &Quirks,
    query: &Query,
    id: &str,
) -> Result<Value, Refusal> {
    match resource(list)? {
        Resource::Organisation => lists::one::<Organisation>(world, quirks, query, id),
        Resource::Person => lists::one::<Person>(world, quirks, query, id),
        Resource::Group => lists::one::<Group>(world, quirks, query, id),
        Resource::Duty => lists::one::<Duty>(world, quirks, query, id),
        Resource::Activity => lists::one::<Activity>(world, quirks, query, id),
        Resource::CalendarEvent => lists::one::<Lesson>(world, quirks, query, id),
        Resource::Attendance => lists::one::<Attendance>(world, quirks, query, id),
        Resource::Notice => lists::one::<Notice>(world, quirks, query, id),
    }
}

fn looked_up(
    list: &str,
    world: &World,
    quirks: &Quirks,
    query: &Query,
    body: &Bytes,
) -> Result<Value, Refusal> {
    match resource(list)? {
        Resource::Organisation => lookups::by_ids::<Organisation>(world, quirks, query, body),
        Resource::Person => lookups::persons(world, quirks, query, body),
        Resource::Group => lookups::by_ids::<Group>(world, quirks, query, body),
        Resource::Duty => lookups::by_ids::<Duty>(world, quirks, query, body),
        Resource::Activity => lookups::activities(world, quirks, query, body),
        Resource::CalendarEvent => lookups::lessons(world, quirks, query, body),
        Resource::Attendance => lookups::attendances(world, quirks, query, body),
        Resource::Notice => lookups::by_ids::<Notice>(world, quirks, query, body),
    }
}

fn resource(path: &str) -> Result<Resource, Refusal> {
    Resource::ALL.into_iter().find(|one| one.path() == path).ok_or(Refusal::NotFound)
}

fn with_status(mut answer: Answer, status: u16) -> Answer {
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    answer
}

fn page(status: StatusCode) -> Answer {
    typed(status, "text/html; charset=utf-8", Bytes::from_static(PAGE.as_bytes()))
}

fn refusal(refused: &Refusal, quirks: &Quirks) -> Answer {
    let status = refused.status();
    let mut answer = match refused.body() {
        Some(_) if quirks.html_errors => with_status(page(StatusCode::OK), status),
        Some(body) => with_status(json(&body), status),
        None => with_status(Answer::default(), status),
    };
    if *refused == Refusal::Unauthorized {
        let challenge = HeaderValue::from_static("Bearer");
        answer.headers_mut().insert(http::header::WWW_AUTHENTICATE, challenge);
    }
    if refused.body().is_none() {
        answer.headers_mut().remove(CONTENT_TYPE);
    }
    answer
}
