//! Staff of schools with a ladder: they take duties on, do them, and record what they have found out by phoning, by the
//! routes that operators have. Drawn from the seed beside the plan.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use jiff::{Timestamp, civil::Date};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use upprop::web::control::Operator;

use crate::chance::Chance;
use crate::clock::SimClock;
use crate::life::World;
use crate::plan::{Plan, instant};

/// What they record of a case.
const WORDS: [&str; 4] = ["reached", "no-answer", "explained", "explained"];
/// What they say of a duty.
const SAYS: [&str; 5] = ["take", "no-answer", "done", "done", "not-needed"];

/// Something that somebody does, and when, really.
#[derive(Clone)]
pub struct Deed {
    pub at: Timestamp,
    day: Date,
    school: &'static str,
    pupil: String,
    /// What is said, and whether it is of the case, or of a duty that is open.
    says: &'static str,
    of_case: bool,
}

/// The deeds of a seed's days, in order.
pub fn draw(plan: &Plan) -> Vec<Deed> {
    let c = Chance::new(plan.seed, "staff");
    let mut deeds = Vec::new();
    let pupils: Vec<(&String, &'static str)> = (plan.rosters[0].1.pupils.iter())
        .filter(|(_, pupil)| plan.schools[pupil.school].has_ladder)
        .map(|(id, pupil)| (id, plan.schools[pupil.school].id))
        .collect();
    for day in plan.days.iter().filter(|_| !pupils.is_empty()) {
        for _ in 0..c.roll(0..=12) {
            let (pupil, school) = *c.pick(&pupils);
            let of_case = c.percent(50);
            let says = if of_case { *c.pick(&WORDS) } else { *c.pick(&SAYS) };
            let at = instant(*day, c.roll(9 * 60..=21 * 60));
            deeds.push(Deed { at, day: *day, school, pupil: pupil.clone(), says, of_case });
        }
    }
    deeds.sort_by_key(|deed| deed.at);
    deeds
}

/// Does what is due; what the store does not take now is done later.
pub async fn act(world: &World, operators: &Router, clock: &SimClock) {
    loop {
        let next = world.deeds.lock().expect("deeds").front().cloned();
        let Some(deed) = next.filter(|deed| deed.at <= clock.truth()) else { return };
        let status = if deed.of_case {
            word(operators, &deed).await
        } else {
            duty(world, operators, &deed).await
        };
        match status {
            Some(StatusCode::OK) => {
                world.tally.count(if deed.of_case { RECORDED } else { SAID });
            }
            // There is no such case or duty, or it cannot follow.
            None | Some(StatusCode::CONFLICT | StatusCode::NOT_FOUND) => {}
            Some(_) => return,
        }
        world.deeds.lock().expect("deeds").pop_front();
    }
}

async fn word(operators: &Router, deed: &Deed) -> Option<StatusCode> {
    let body = json!({
        "pupil": deed.pupil, "school": deed.school, "date": deed.day.to_string(), "what": deed.says,
    });
    Some(ask(operators, "POST", "/v1/case", &body).await.0)
}

async fn duty(world: &World, operators: &Router, deed: &Deed) -> Option<StatusCode> {
    let path = format!("/v1/duties?school={}", deed.school);
    let (status, open) = ask(operators, "GET", &path, &Value::Null).await;
    if status != StatusCode::OK {
        return Some(status);
    }
    let mut open = open["duties"].as_array().expect("duties").iter();
    let duty = open.find(|duty| duty["pupil"] == deed.pupil.as_str())?;
    let number = duty["number"].as_str().expect("a number");
    if matches!(deed.says, "done" | "not-needed") {
        // It may be written by one that dies before it can say so.
        world.done.lock().expect("done").insert(deed.pupil.clone());
    }
    let body = json!({"say": deed.says, "why": "because"});
    Some(ask(operators, "POST", &format!("/v1/duties/{number}"), &body).await.0)
}

async fn ask(operators: &Router, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path);
    let request =
        request.header("content-type", "application/json").extension(Operator("uid 0".into()));
    let request = request.body(Body::from(body.to_string())).expect("a request");
    let answer = operators.clone().oneshot(request).await.expect("an answer");
    let status = answer.status();
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 22).await.expect("a body");
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

const RECORDED: &str = "staff record what came of a case";
const SAID: &str = "staff say something of a duty";
/// What they do.
pub const ACTS: &[&str] = &[RECORDED, SAID];
