//! The limits hold over all restarts and wrong clocks: worked out over windows of true time.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Oracle, is_alarm};

/// What was permitted may have been asked a moment later; and a clock that is wrong by less than two
/// seconds is followed at a start only.
const LATE: i64 = 250 + 2_000;

impl Oracle<'_> {
    /// Of the account, of each school, and to each recipient.
    pub fn limits(&mut self) {
        let asked = self.world.outside.asked.lock().expect("asked").clone();
        let mut account = Vec::new();
        let mut schools: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
        let mut recipients: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
        for a in &asked {
            let Some(n) = self.known.get(&a.notification) else { continue };
            if a.is_text {
                account.push(a.truth);
                schools.entry(n.school.to_string()).or_default().push(a.truth);
            }
            if is_alarm(n) {
                recipients.entry(a.to.clone()).or_default().push(a.truth);
            }
        }
        let plan = &self.world.plan;
        let (rate, cap) = (plan.rate, plan.cap);
        let rates: Vec<_> = plan.schools.iter().map(|s| (s.id, s.rate)).collect();
        self.limit(ACCOUNT, "account", rate, &account);
        for (school, rate) in rates {
            if let (Some(rate), Some(times)) = (rate, schools.get(school)) {
                self.limit(SCHOOL, school, rate, times);
            }
        }
        if let Some(cap) = cap {
            for (to, times) in &recipients {
                self.limit(RECIPIENT, to, cap, times);
            }
        }
    }

    fn limit(&mut self, promise: &'static str, whose: &str, rate: (u64, u64), times: &[Timestamp]) {
        let mut times = times.to_vec();
        times.sort_unstable();
        let forward = self.world.forward.lock().expect("forward").clone();
        let (per_hour, burst) = rate;
        let spacing = 3_600_000 / i64::try_from(per_hour).expect("small");
        let burst = usize::try_from(burst).expect("small");
        for (i, first) in times.iter().enumerate() {
            for (j, last) in times.iter().enumerate().skip(i + burst) {
                let took = i64::try_from(last.duration_since(*first).as_millis()).expect("small");
                // A clock that goes forward lets at most a whole burst go.
                let steps = forward.iter().filter(|at| first <= at && *at <= last).count();
                let most = burst * (1 + steps);
                let free = i64::try_from(j - i).expect("small");
                let free = (free - i64::try_from(most).expect("small")) + 1;
                let kept = took + LATE >= free.max(0) * spacing;
                if j == i + burst && took < 2 * spacing {
                    // Here it was at its limit.
                    self.world.tally.count(promise);
                }
                if !kept {
                    let words = format!("{promise}: {whose}: {} within {took} ms", j - i + 1);
                    self.wrong.push(words);
                    return;
                }
            }
        }
    }
}

pub const ACCOUNT: &str = "the account's limit holds where it is met";
pub const SCHOOL: &str = "a school's limit holds where it is met";
pub const RECIPIENT: &str = "a recipient's limit holds where it is met";
