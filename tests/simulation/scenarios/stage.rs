//! One scenario on the whole daemon: simulated time, a store in memory, a provider and a relay that take everything
//! at once where the scenario does not say otherwise.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use http::header::DATE;
use http::{Method, Request, Response};
use jiff::civil::{DateTime, Time};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use upprop::app::App;
use upprop::config::Config;
use upprop::env::{Env, MailEnvelope, MailOutcome, MailWire, Pending, Wire, WireError};
use upprop::lifecycle::Lifecycle;
use upprop::web::control::Operator;

use super::acts::Act;
use super::backup::Disk;
use super::discreet;
use super::people::SCHOOL;
use super::roster::People;
use super::script::Script;
use crate::clock::{SimClock, pause};
use crate::life::texts;
use crate::plan::zone;
use crate::settings::{self, API_TOKEN, TOKENS};

/// How long it goes on after the last thing that happens: longer than any deadline.
const QUIET: SignedDuration = SignedDuration::from_hours(40);

/// A message that left.
#[derive(Debug, Clone)]
pub struct Sent {
    at: DateTime,
    pub by: &'static str,
    /// The name of whoever it is to.
    pub to: String,
    /// All of it on one line; a mail's subject first.
    pub text: String,
    /// Where its delivery is reported, and the provider's id.
    report: Option<(String, String)>,
}

impl Sent {
    /// When, to the minute, by the school's clock.
    pub fn minute(&self) -> DateTime {
        let time = Time::new(self.at.hour(), self.at.minute(), 0, 0).expect("a minute");
        self.at.date().to_datetime(time)
    }
}

impl std::fmt::Display for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { at, by, to, text, .. } = self;
        write!(f, "{} {} {by} to {to}: {text}", at.date(), at.time().strftime("%H:%M"))
    }
}

/// What takes messages, over all lives of the daemon.
#[derive(Default)]
struct Post {
    away: AtomicBool,
    sent: Mutex<Vec<Sent>>,
    names: Mutex<BTreeMap<String, String>>,
}

/// The same as one life of the daemon reaches it.
struct Door {
    post: Arc<Post>,
    clock: Arc<SimClock>,
}

fn local(at: Timestamp) -> DateTime {
    at.to_zoned_datetime(zone()).datetime()
}

fn instant(at: DateTime) -> Timestamp {
    zone().to_zoned_datetime(at).expect("a time").timestamp()
}

/// On one line.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Door {
    fn take(&self, by: &'static str, address: &str, text: &str, report: Option<(String, String)>) {
        let names = self.post.names.lock().expect("names");
        let to = names.get(address).cloned().unwrap_or_else(|| address.to_owned());
        let at = local(self.clock.truth());
        self.post.sent.lock().expect("sent").push(Sent { at, by, to, text: flat(text), report });
    }
}

impl Wire for Door {
    fn call(&self, request: Request<Bytes>) -> Pending<'_, Result<Response<Bytes>, WireError>> {
        Box::pin(async move {
            pause(20).await;
            let (status, body) = if self.post.away.load(Ordering::Relaxed) {
                (503, String::new())
            } else if request.method() == Method::POST {
                let form: Vec<(String, String)> =
                    serde_urlencoded::from_bytes(request.body()).expect("a form");
                let field = |name: &str| {
                    form.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default()
                };
                // The sender that does not tell the school is for these, and these have no other.
                let asks = field("message").starts_with("Hej! Ring 0");
                assert_eq!(field("from") == "Kontakt", asks, "{}", field("message"));
                let reference = format!("s{:032x}", self.post.sent.lock().expect("sent").len());
                let url = field("whendelivered");
                let path = url.splitn(4, '/').nth(3).map(|path| format!("/{path}"));
                let report = Some((path.unwrap_or_default(), reference.clone()));
                self.take("text", &field("to"), &field("message"), report);
                (200, json!({"id": reference, "status": "created"}).to_string())
            } else {
                (200, json!({"data": []}).to_string())
            };
            let date = self.clock.truth().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let answer = Response::builder().status(status).header(DATE, date);
            Ok(answer.body(Bytes::from(body)).expect("an answer"))
        })
    }
}

impl MailWire for Door {
    fn send<'a>(&'a self, envelope: &'a MailEnvelope, message: Bytes) -> Pending<'a, MailOutcome> {
        Box::pin(async move {
            pause(20).await;
            let mail = mail_parser::MessageParser::default().parse(&message[..]).expect("a mail");
            let body = mail.body_text(0).expect("a body");
            let text = format!("{} | {body}", mail.subject().unwrap_or_default());
            self.take("mail", envelope.to.expose(), &text, None);
            MailOutcome::Accepted { reference: None, parts: None }
        })
    }
}

fn config(script: &Script) -> Config {
    let mut school = toml::Table::new();
    for (key, value) in
        [("name", "Björkskolan"), ("mode", "live"), ("grace", "0s"), ("quiet-hours", "off")]
    {
        school.insert(key.into(), value.into());
    }
    school.extend(script.school.clone());
    let mut text = settings::text(&[], (100_000, 1_000), None);
    for id in script.schools() {
        let mut school = school.clone();
        if id != SCHOOL {
            school.insert("name".into(), "Ekskolan".into());
        }
        write!(text, "[schools.{id}]\n{school}").expect("a text");
    }
    text += &script.besides.to_string();
    settings::read(&text.replace("stale-after = \"20h\"\nnot-reached-at = \"off\"\n", ""))
}

/// One life's part of a scenario.
struct Life<'a> {
    script: &'a Script,
    post: &'a Post,
    disk: &'a mut Disk,
    people: &'a mut People,
    router: Router,
    operators: Router,
    /// Events so far, over all lives.
    count: &'a mut u32,
}

impl Life<'_> {
    async fn ask(&self, request: Request<Body>) -> StatusCode {
        let answer = self.router.clone().oneshot(request).await.expect("an answer");
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
        let title = &self.script.title;
        assert!(
            status.is_success() || status == StatusCode::CONFLICT,
            "{title}: {status} {body:?}"
        );
        if status == StatusCode::CONFLICT {
            let answer: Value = serde_json::from_slice(&body).expect("JSON");
            let digest = answer["confirm"].as_str().expect("a digest").to_owned();
            Box::pin(self.put(&format!("?confirm={digest}"))).await;
        }
        status
    }

    async fn put(&self, confirm: &str) {
        self.people.names(&mut self.post.names.lock().expect("names"));
        let request = Request::put(format!("/api/directory{confirm}"))
            .header("authorization", format!("Bearer {API_TOKEN}"))
            .header("content-type", "application/json")
            .body(Body::from(self.people.body().to_string()))
            .expect("a request");
        self.ask(request).await;
    }

    async fn event(&mut self, body: Value) {
        self.events(vec![body]).await;
    }

    /// Posts what comes together.
    async fn events(&mut self, mut all: Vec<Value>) {
        for body in &mut all {
            *self.count += 1;
            body["id"] = format!("e{}", self.count).into();
            if body["school"].is_null() {
                body["school"] = SCHOOL.into();
            }
        }
        let body = Value::from(all).to_string();
        let request = Request::post("/hooks/src")
            .header("authorization", format!("Bearer {}", TOKENS[0].1))
            .header("content-type", "application/json")
            .body(Body::from(body.clone()))
            .expect("a request");
        let status = self.ask(request).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{}: {body}", self.script.title);
    }

    /// Does what an operator does.
    async fn operate(&self, method: Method, path: &str, asked: Option<Value>) -> Value {
        let body = asked.map(|asked| asked.to_string()).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .extension(Operator("uid 0".into()))
            .body(Body::from(body.clone()))
            .expect("a request");
        let answer = self.operators.clone().oneshot(request).await.expect("an answer");
        let status = answer.status();
        let said = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
        assert!(status.is_success(), "{}: {path} {body}: {status} {said:?}", self.script.title);
        serde_json::from_slice(&said).expect("JSON")
    }

    fn lesson(&self, name: &str, on: jiff::civil::Date) -> Value {
        let lesson = &self.script.lessons[name];
        let at = |time| instant(on.to_datetime(time)).to_string();
        json!({"id": format!("{name}-{on}"), "start": at(lesson.from), "end": at(lesson.to)})
    }

    /// Does what the attendance team does after it has rung home.
    async fn team(&self, at: DateTime, act: &Act) {
        match act {
            Act::Reports { pupil, how, guardian, to } => {
                let asked = json!({
                    "school": SCHOOL, "pupil": pupil, "how": how, "guardian": guardian, "to": to,
                    "recorded-by": "the team",
                });
                self.operate(Method::POST, "/v1/accords/reports", Some(asked)).await;
            }
            Act::Recorded { pupil, what } => {
                let date = at.date().to_string();
                let asked = json!({"school": SCHOOL, "pupil": pupil, "date": date, "what": what});
                self.operate(Method::POST, "/v1/case", Some(asked)).await;
            }
            Act::Session { act, class, session, day } => {
                let asked = json!({
                    "act": act, "school": SCHOOL, "class": class, "session": session, "day": day,
                });
                self.operate(Method::POST, "/v1/programmes", Some(asked)).await;
            }
            _ => {}
        }
    }

    /// Does what happens; whether the daemon goes on.
    async fn act(&mut self, at: DateTime, act: &Act) -> bool {
        match act {
            Act::Restart | Act::PutBack => return false,
            Act::Backup => self.disk.backup(instant(at)),
            Act::Texts { work } => self.post.away.store(!work, Ordering::Relaxed),
            Act::Mark { pupils, mark, minutes, lesson, on, recorded, by } => {
                let mut all = Vec::new();
                for pupil in pupils {
                    let mut body = json!({
                        "type": "attendance.marked", "pupil": pupil, "mark": mark,
                        "lesson": self.lesson(lesson, *on),
                        "recorded_at": instant(recorded.unwrap_or(at)).to_string(),
                        "school": self.script.lessons[lesson].school,
                    });
                    if let Some(by) = by {
                        body["recorded_by"] = format!("t-{by}").into();
                    }
                    if let Some(minutes) = minutes {
                        body["minutes"] = json!({"absent": minutes, "scheduled": 60});
                    }
                    all.push(body);
                }
                self.events(all).await;
            }
            Act::Silence { class, pupil, from, to } => {
                let asked = json!({
                    "school": SCHOOL, "class": class, "pupil": pupil, "reason": "a trip",
                    "from": from.to_string(), "to": to.to_string(),
                });
                self.operate(Method::POST, "/v1/silences", Some(asked)).await;
            }
            Act::Agree { pupil, guardian, phone, to } => {
                if let Some(phone) = phone {
                    let mut names = self.post.names.lock().expect("names");
                    names.entry(phone.clone()).or_insert_with(|| "the number".into());
                }
                let asked = json!({
                    "school": SCHOOL, "pupil": pupil, "guardian": guardian, "phone": phone,
                    "to": to, "recorded-by": "the mentor",
                });
                self.operate(Method::POST, "/v1/accords", Some(asked)).await;
            }
            Act::Reports { .. } | Act::Recorded { .. } | Act::Session { .. } => {
                self.team(at, act).await;
            }
            Act::Revoke { pupil, kind } => {
                let all = self.operate(Method::GET, &format!("/v1/accords/{kind}"), None).await;
                for one in all["accords"].as_array().expect("accords") {
                    if one["pupil"] == *pupil {
                        let path =
                            format!("/v1/accords/{kind}/{}", one["id"].as_str().expect("an id"));
                        self.operate(Method::DELETE, &path, None).await;
                    }
                }
            }
            Act::Decide { release } => {
                let holds = self.operate(Method::GET, "/v1/holds", None).await;
                let act = if *release { "release" } else { "discard" };
                for hold in holds["holds"].as_array().expect("holds") {
                    let path = format!("/v1/holds/{}", hold["id"].as_str().expect("an id"));
                    let asked = json!({"act": act, "reason": "looked at"});
                    self.operate(Method::POST, &path, Some(asked)).await;
                }
            }
            Act::Notice { pupil, kind, from, to, withdrawn } => {
                self.event(json!({
                    "type": "absence.notified", "pupil": pupil, "kind": kind,
                    "from": instant(*from).to_string(), "to": instant(*to).to_string(),
                    "withdrawn": withdrawn, "recorded_at": instant(at).to_string(),
                }))
                .await;
            }
            Act::Report { pupil, lesson, note } => {
                self.event(json!({
                    "type": "lesson.report", "pupil": pupil, "reported_by": "t-1", "note": note,
                    "lesson": self.lesson(lesson, self.script.day),
                }))
                .await;
            }
            Act::Reported { to, delivered } => {
                let sent = self.post.sent.lock().expect("sent").clone();
                let last = sent.iter().rev().find(|sent| sent.to == *to && sent.report.is_some());
                let (path, id) = last.and_then(|sent| sent.report.clone()).expect("a text");
                let status = if *delivered { "delivered" } else { "failed" };
                let request = Request::post(path)
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(Body::from(format!("id={id}&status={status}")))
                    .expect("a request");
                self.ask(request).await;
            }
            people => {
                self.change(people);
                self.put("").await;
            }
        }
        true
    }

    fn change(&mut self, act: &Act) {
        match act {
            Act::Protection { pupil, is } => self.people.pupil(pupil).protection = is,
            Act::School { pupil, is } => self.people.pupil(pupil).schools = vec![is.clone()],
            Act::Class { pupil, is } => self.people.pupil(pupil).class.clone_from(is),
            Act::Deny { guardian, pupil, is } => {
                let denied = &mut self.people.pupil(pupil).denied;
                denied.retain(|name| name != guardian);
                if *is {
                    denied.push(guardian.clone());
                }
            }
            Act::Number { whose, is } => {
                let contact = match self.people.guardians.get_mut(whose) {
                    Some(contact) => contact,
                    None => &mut self.people.pupil(whose).own,
                };
                contact.phone = Some(is.clone());
            }
            Act::Leaves { pupil } => self.people.pupils.retain(|p| p.name != *pupil),
            _ => unreachable!("changes nobody"),
        }
    }
}

/// Plays it; everything that left, in order.
pub fn play(script: &Script) -> Vec<Sent> {
    let (post, config) = (Arc::new(Post::default()), config(script));
    let mut disk = Disk::default();
    post.names.lock().expect("names").insert("team@skola.example".into(), "team".into());
    let mut people = People { pupils: script.pupils.clone(), guardians: script.guardians.clone() };
    let first = script.acts.first().map_or(script.day.to_datetime(Time::midnight()), |(at, _)| *at);
    let mut began = instant(first) - SignedDuration::from_mins(10);
    let over = script.acts.last().map_or(began, |(at, _)| instant(*at)) + QUIET;
    let (mut done, mut count) = (0, 0);
    while began < over {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        began = runtime.block_on(async {
            let clock = Arc::new(SimClock::at(began, SignedDuration::ZERO));
            let door = Arc::new(Door { post: post.clone(), clock: clock.clone() });
            let env = Env { clock: clock.clone(), wire: door.clone(), mail: door };
            let (lifecycle, _faults) = Lifecycle::new();
            let put_back = script.acts.get(usize::wrapping_sub(done, 1));
            let put_back = matches!(put_back, Some((_, Act::PutBack)));
            if put_back {
                disk.put_back(began).await;
            }
            let app = App::with_templates(&config, texts(), env, disk.kv.clone(), lifecycle);
            let app = app.expect("it builds");
            app.prepare().await.expect("it is ready");
            let (router, operators) = (app.router(), app.operators());
            app.start(None, || {});
            let mut life = Life {
                script,
                post: &post,
                disk: &mut disk,
                people: &mut people,
                router,
                operators,
                count: &mut count,
            };
            // A backup is without the directory.
            if done == 0 || put_back {
                life.put("").await;
            }
            while let Some((at, act)) = script.acts.get(done) {
                clock.until(instant(*at)).await;
                done += 1;
                if !life.act(*at, act).await {
                    return clock.truth() + SignedDuration::from_secs(2);
                }
            }
            clock.until(over).await;
            over
        });
    }
    let sent = post.sent.lock().expect("sent").clone();
    discreet::check(script, &sent);
    let protected = people.pupils.iter().filter(|pupil| pupil.protection == "protected");
    discreet::is_redacted(
        script,
        disk.kv.as_ref(),
        protected.map(|pupil| pupil.name.as_str()).collect(),
    );
    sent
}
