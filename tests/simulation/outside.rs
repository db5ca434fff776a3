//! Everything outside the daemon that outlives it: what a provider of texts and a mail relay took, what was
//! asked of them, and the delivery reports that are to come.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use crate::chance::Chance;
use crate::plan::{Plan, Trouble};
use crate::tally::Tally;

/// A submission as it came in.
#[derive(Debug, Clone)]
pub struct Asked {
    /// When it really was.
    pub truth: Timestamp,
    /// When it was by the daemon's clock.
    pub clock: Timestamp,
    /// Number or address.
    pub to: String,
    /// The id of the notification.
    pub notification: String,
    pub is_text: bool,
}

/// A message that was taken.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub asked: Asked,
    /// When it was taken, really.
    pub at: Timestamp,
    /// Whether it reached its reader.
    pub reached: bool,
    pub text: String,
    /// When the provider's history has it, really.
    pub listed: Timestamp,
    /// The provider's id.
    pub reference: String,
}

/// A delivery report to be posted.
pub struct Report {
    /// When, really.
    pub at: Timestamp,
    pub path: String,
    pub reference: String,
    pub notification: String,
    pub status: &'static str,
}

impl Report {
    pub fn body(&self) -> String {
        format!("id={}&status={}", self.reference, self.status)
    }
}

/// All of it.
pub struct Outside {
    pub chance: Chance,
    /// Of a hundred submissions so many go wrong.
    trouble: u64,
    outages: Vec<(Timestamp, Timestamp, &'static str, Trouble)>,
    healed: AtomicBool,
    pub tally: Arc<Tally>,
    pub asked: Mutex<Vec<Asked>>,
    pub arrived: Mutex<Vec<Arrived>>,
    pub reports: Mutex<VecDeque<Report>>,
    /// Reports that were posted: notification, status.
    pub posted: Mutex<Vec<(String, &'static str)>>,
    /// Reports that were answered as taken: notification, reference, status.
    pub taken: Mutex<Vec<(String, String, &'static str)>>,
    /// What was seen at the wire that may never be.
    pub wrong: Mutex<Vec<String>>,
    /// Told when there is a report more.
    pub reported: Notify,
}

impl Outside {
    pub fn new(plan: &Plan, trouble: u64, tally: Arc<Tally>) -> Self {
        Self {
            chance: Chance::new(plan.seed, "outside"),
            trouble,
            outages: plan.outages.clone(),
            healed: AtomicBool::new(false),
            tally,
            asked: Mutex::default(),
            arrived: Mutex::default(),
            reports: Mutex::default(),
            posted: Mutex::default(),
            taken: Mutex::default(),
            wrong: Mutex::default(),
            reported: Notify::new(),
        }
    }

    /// From now on everything is well.
    pub fn heal(&self) {
        self.healed.store(true, Ordering::Relaxed);
    }

    /// Whether this one goes wrong.
    pub fn goes_wrong(&self) -> bool {
        !self.healed.load(Ordering::Relaxed) && self.chance.percent(self.trouble)
    }

    /// What is the matter with `sms` or `mail` now.
    pub fn outage(&self, who: &str, now: Timestamp) -> Option<Trouble> {
        let on =
            |(from, to, whose, _): &&(_, _, &str, _)| *from <= now && now < *to && *whose == who;
        self.outages.iter().find(on).map(|(.., what)| *what)
    }

    /// Whether a number is none: so it is for some, for ever.
    pub fn is_no_number(&self, to: &str) -> bool {
        Chance::new(self.trouble, to).percent(6)
    }

    /// Takes a text, and plans what is reported of it.
    pub fn take(&self, mut message: Arrived, whendelivered: &str) {
        const MANY: [&[&str]; 9] = [
            &[],
            &["sent"],
            &["delivered"],
            &["delivered"],
            &["delivered", "delivered"],
            &["sent", "delivered"],
            &["failed"],
            &["sent", "failed"],
            &["failed", "delivered"],
        ];
        let unreachable = Chance::new(self.trouble + 1, &message.asked.to).percent(6);
        let reports = match self.chance.pick(&MANY) {
            _ if unreachable => &["failed"],
            reports => *reports,
        };
        message.reached = !reports.contains(&"failed") || reports.contains(&"delivered");
        let path = whendelivered.splitn(4, '/').nth(3).map(|p| format!("/{p}")).unwrap_or_default();
        match reports {
            [] => self.tally.count(NEVER),
            ["delivered", "delivered"] => self.tally.count(TWICE),
            ["failed", "delivered"] => self.tally.count(BOTH),
            _ => {}
        }
        for (i, status) in reports.iter().enumerate() {
            // Before the answer, with it, or much later; so one may overtake the other.
            let secs: i64 = *self.chance.pick(&[0, 0, 3, 40, 4_000]);
            let at = message.at + SignedDuration::from_secs(secs);
            let mut waiting = self.reports.lock().expect("reports");
            let same = |r: &&Report| r.notification == message.asked.notification;
            if i > 0 && waiting.iter().rev().find(same).is_some_and(|former| former.at > at) {
                self.tally.count(OVERTAKEN);
            }
            waiting.push_back(Report {
                at,
                path: path.clone(),
                reference: message.reference.clone(),
                notification: message.asked.notification.clone(),
                status,
            });
            if secs == 0 {
                self.tally.count(EARLY);
            }
            if *status == "failed" {
                self.tally.count(FAILED);
            }
        }
        self.reported.notify_one();
        self.arrived.lock().expect("arrived").push(message);
    }
}

const NEVER: &str = "delivery is never reported";
const TWICE: &str = "delivery is reported twice";
const BOTH: &str = "failure and delivery are both reported";
const EARLY: &str = "report before the answer";
const OVERTAKEN: &str = "report overtakes the one before it";
const FAILED: &str = "failure is reported";
/// What reports are like.
pub const REPORTS: &[&str] = &[NEVER, TWICE, BOTH, EARLY, OVERTAKEN, FAILED];
