//! Operators suspend sending for a while, and resume it early or not: drawn from the seed beside the plan, so
//! that the days stay as they are without it.

use jiff::{SignedDuration, Timestamp, civil::Date};
use upprop::delivery::suspension::Scope;
use upprop::env::Clock as _;
use upprop::operate::OperateError;
use upprop::operate::suspensions::{self, Suspend};
use upprop::store::Kv;

use crate::chance::Chance;
use crate::clock::SimClock;
use crate::life::World;
use crate::plan::{instant, zone};

/// What an operator does, and when, really.
#[derive(Clone)]
pub struct Act {
    pub at: Timestamp,
    scope: Scope,
    /// For how many minutes; none: resumes.
    minutes: Option<u64>,
}

/// A suspension that was answered.
#[derive(Clone)]
pub struct Held {
    pub scope: Scope,
    /// When it was answered, really.
    pub answered: Timestamp,
    /// When it ends, by the daemon's clock.
    pub until: Timestamp,
    /// When it began to be ended or changed, really.
    pub ending: Option<Timestamp>,
}

/// The acts of a seed's days, in order.
pub fn draw(seed: u64, days: &[Date], schools: &[&str]) -> Vec<Act> {
    let c = Chance::new(seed, "holds");
    let mut acts = Vec::new();
    for day in days.iter().filter(|_| c.percent(40)) {
        let scope = match c.roll(0..=3) {
            0 => "all".to_owned(),
            1 => "channel:sms".to_owned(),
            2 => "channel:email".to_owned(),
            _ => format!("school:{}", c.pick(schools)),
        };
        let scope: Scope = scope.parse().expect("a scope");
        let from = c.roll(8 * 60..=14 * 60);
        let minutes = *c.pick(&[2, 20, 60, 180]);
        let at = instant(*day, from);
        acts.push(Act { at, scope: scope.clone(), minutes: Some(minutes) });
        if c.percent(50) {
            acts.push(Act { at: instant(*day, from + c.roll(1..=minutes)), scope, minutes: None });
        }
    }
    acts.sort_by_key(|act| act.at);
    acts
}

/// Does what is due; what the store does not take now is done later.
pub async fn act(world: &World, kv: &dyn Kv, clock: &SimClock) {
    loop {
        let next = world.acts.lock().expect("acts").front().cloned();
        let Some(act) = next.filter(|act| act.at <= clock.truth()) else { return };
        let began = clock.truth();
        for held in world.held.lock().expect("held").iter_mut() {
            if held.scope == act.scope {
                held.ending = held.ending.or(Some(began));
            }
        }
        let done = match act.minutes {
            None => suspensions::resume(kv, &act.scope, "uid 0", clock.now()).await,
            Some(minutes) => {
                let asked = Suspend {
                    scope: act.scope.clone(),
                    reason: "maintenance".into(),
                    until: None,
                    r#for: Some(format!("{minutes}m")),
                };
                suspensions::suspend(kv, &asked, &zone(), "uid 0", clock.now()).await
            }
        };
        match done {
            Ok(done) if act.minutes.is_some() => {
                world.tally.count(SUSPENDED);
                let (scope, until) = (act.scope, done.suspension.until);
                let answered = clock.truth();
                world.held.lock().expect("held").push(Held {
                    scope,
                    answered,
                    until,
                    ending: None,
                });
            }
            Ok(_) => world.tally.count(RESUMED),
            // It has ended by itself, or was resumed by one that died before it could say so.
            Err(OperateError::NotNow(_)) => {}
            Err(_) => return,
        }
        world.acts.lock().expect("acts").pop_front();
    }
}

/// How far apart a claim and its call may be.
pub const SLACK: SignedDuration = SignedDuration::from_millis(100);

const SUSPENDED: &str = "an operator suspends sending";
const RESUMED: &str = "an operator resumes sending";
/// What operators do here.
pub const ACTS: &[&str] = &[SUSPENDED, RESUMED];
