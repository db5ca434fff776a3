//! What is reached of ladders when all has been said: recounted from the last truth of each lesson, with the duties that
//! come of it, and those who were told of it or of its being taken back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use upprop::model::{CaseWhat, CaseWord, Duty, DutyState, Firing, Notification, Purpose, State};
use upprop::store::{ledger, tables};

use super::Oracle;
use super::truth::{Case, Truth};
use crate::plan::zone;

/// A step and the day on which it is reached.
type Step = (Date, &'static str);
/// What was recorded of each pupil and day.
type Words = BTreeMap<(String, Date), Vec<CaseWord>>;

impl Oracle<'_> {
    /// Everything about ladders.
    pub fn climbed(&mut self) {
        let mut firings: BTreeMap<String, Vec<Firing>> = BTreeMap::new();
        for firing in self.table::<Firing>(tables::FIRINGS) {
            firings.entry(firing.pupil.to_string()).or_default().push(firing);
        }
        let mut duties: BTreeMap<String, Vec<Duty>> = BTreeMap::new();
        for duty in self.table::<Duty>(tables::DUTIES) {
            duties.entry(duty.firing.to_string()).or_default().push(duty);
        }
        let mut words: BTreeMap<(String, Date), Vec<CaseWord>> = BTreeMap::new();
        for word in self.table::<CaseWord>(tables::CASE_WORDS) {
            words.entry((word.pupil.to_string(), word.date)).or_default().push(word);
        }
        let pupils = &self.world.plan.rosters[0].1.pupils;
        let all: Vec<(String, usize)> =
            pupils.iter().map(|(id, pupil)| (id.clone(), pupil.school)).collect();
        for (pupil, school) in all {
            let found = firings.remove(&pupil).unwrap_or_default();
            let school = &self.world.plan.schools[school];
            let expected =
                if school.has_ladder { self.recount(&pupil, &words) } else { BTreeSet::new() };
            let stand = found.iter().filter(|firing| firing.stands());
            let stands: Vec<(Date, &str)> = stand.map(|f| (f.day, f.step.as_str())).collect();
            let once: BTreeSet<(Date, &str)> = stands.iter().copied().collect();
            let kept = once == expected && once.len() == stands.len();
            if !expected.is_empty() {
                self.check(REACHED, kept, || format!("{pupil}: {stands:?}, and not {expected:?}"));
            } else if !found.is_empty() || !kept {
                self.check(TAKEN_BACK, kept, || format!("{pupil}: {stands:?} stands"));
            }
            for firing in found {
                let of_it = duties.remove(firing.id.as_str()).unwrap_or_default();
                let known = words.get(&(pupil.clone(), firing.day));
                let reached = |all: &Vec<CaseWord>| all.iter().any(|word| word.what.home_knows());
                self.duties(&firing, &of_it, known.is_some_and(reached));
                self.told_of(&firing, &of_it);
            }
        }
    }

    fn table<T: serde::de::DeserializeOwned>(&self, prefix: &[u8]) -> Vec<T> {
        let rows = self.rows.iter().filter(|(key, _)| key.starts_with(prefix));
        rows.map(|(_, row)| ledger::decode::<T>(row).expect("a row")).collect()
    }

    /// The steps that a pupil's lessons come to.
    fn recount(&self, pupil: &str, words: &Words) -> BTreeSet<Step> {
        let of_pupil = self.cases.iter().filter(|((who, _), _)| who == pupil);
        let mut starts: Vec<Timestamp> = of_pupil
            .filter(|((_, lesson), case)| self.is_unexcused(pupil, lesson, case))
            .filter(|(_, case)| !is_explained(pupil, case, words))
            .map(|(_, case)| case.start)
            .collect();
        starts.sort_unstable();
        let day = |at: &Timestamp| at.to_zoned_datetime(zone()).date();
        let mut found: BTreeSet<Step> = starts.iter().map(|at| (day(at), "each-day")).collect();
        found.extend(starts.get(2).map(|at| (day(at), "third-lesson")));
        found
    }

    /// Whether it was missed without a valid reason: as marked, or as reported where nobody could tell.
    fn is_unexcused(&self, pupil: &str, lesson: &str, case: &Case<'_>) -> bool {
        let reported = || {
            let events =
                self.world.plan.events.iter().filter(|e| e.body["type"] == "lesson.report");
            let mut of_it =
                events.filter(|e| e.body["pupil"] == pupil && e.body["lesson"]["id"] == lesson);
            of_it.next().is_some()
        };
        let unknown = case.last_mark() == Some("unknown");
        match case.last() {
            Truth::Missing => true,
            Truth::Unknown => unknown && reported(),
            Truth::Away | Truth::There => false,
        }
    }

    /// One of each rule, open while the step stands and nobody has done it, and not after.
    fn duties(&mut self, firing: &Firing, duties: &[Duty], reached: bool) {
        let rules: Vec<&str> = duties.iter().map(|duty| duty.rule.as_str()).collect();
        let all = if firing.step == "each-day" { ["call"] } else { ["talk"] };
        let said = self.world.done.lock().expect("done").contains(firing.pupil.as_str());
        let state = |duty: &Duty| match duty.state {
            DutyState::Open | DutyState::Taken | DutyState::Overdue => firing.stands(),
            DutyState::Done => said || (reached && duty.rule == "call"),
            DutyState::NotNeeded => said || !firing.stands(),
        };
        let kept = rules == all && duties.iter().all(state);
        self.check(DUTIES, kept, || format!("{} {}: {duties:?}", firing.step, firing.id));
        if duties.iter().any(|duty| duty.state == DutyState::Done) {
            self.world.tally.count(DONE);
        }
    }

    /// Who was told of a step, and of its being taken back.
    fn told_of(&mut self, firing: &Firing, duties: &[Duty]) {
        let school = self.world.plan.schools.iter().find(|s| s.id == firing.school.as_str());
        let pupil = firing.pupil.as_str();
        let mut rosters = self.world.plan.rosters.iter();
        let open = rosters.all(|(_, r)| r.pupils[pupil].protection == "none");
        if school.is_none_or(|school| school.mode != "live") || !open {
            return;
        }
        let ids: BTreeSet<&str> = firing
            .notifications
            .iter()
            .chain(duties.iter().flat_map(|duty| &duty.notifications))
            .map(upprop::model::NotificationId::as_str)
            .collect();
        let came: BTreeSet<&str> =
            self.arrived.iter().map(|m| m.asked.notification.as_str()).collect();
        let notices: Vec<Notification> =
            ids.iter().filter_map(|id| self.known.get(*id)).cloned().collect();
        let came = |n: &Notification| came.contains(n.id.as_str());
        let back = |n: &Notification| n.purpose == Purpose::LadderRetracted;
        let words = || {
            let told = notices
                .iter()
                .map(|n| (n.purpose, &n.recipient, n.state, n.state_reason, n.doubts()));
            format!("{} {}: {:?}", firing.step, firing.id, told.collect::<Vec<_>>())
        };
        if firing.stands() {
            if !duties.iter().any(|duty| duty.state.is_open()) {
                return;
            }
            // Whose duty it was first may have heard of it too late, when somebody else had it.
            let duty = |n: &Notification| {
                matches!(n.purpose, Purpose::Duty | Purpose::DutyOverdue) && came(n)
            };
            // What nobody knows of any more is a person's to look at.
            let held = |n: &Notification| n.state == State::Held;
            let kept = notices.iter().any(|n| duty(n) || held(n));
            self.check(TOLD, kept, words);
            return;
        }
        let knows: BTreeSet<_> =
            notices.iter().filter(|n| came(n) && !back(n)).map(|n| n.recipient.key()).collect();
        let hears: BTreeSet<_> =
            notices.iter().filter(|n| came(n) && back(n)).map(|n| n.recipient.key()).collect();
        // It was reached again before that was told.
        let again = |n: &&Notification| back(n) && n.state == State::Cancelled;
        let spared: BTreeSet<_> = notices.iter().filter(again).map(|n| n.recipient.key()).collect();
        // Whether that arrived is not known.
        let doubted = |n: &&Notification| !back(n) && n.doubts() > 0;
        let may_know: BTreeSet<_> =
            notices.iter().filter(doubted).map(|n| n.recipient.key()).collect();
        let kept = hears.iter().all(|who| knows.contains(who) || may_know.contains(who))
            && knows.iter().all(|who| hears.contains(who) || spared.contains(who));
        if !knows.is_empty() {
            self.check(UNTOLD, kept, words);
        }
    }
}

/// Whether the home has explained it when it was phoned, at that lesson or later. The last word counts.
fn is_explained(pupil: &str, case: &Case<'_>, words: &Words) -> bool {
    let day = case.start.to_zoned_datetime(zone()).date();
    let of_day = words.get(&(pupil.to_owned(), day)).into_iter().flatten();
    let last = of_day.filter(|word| word.what.is_outcome()).max_by_key(|word| (word.at, &word.id));
    last.is_some_and(|word| word.what == CaseWhat::Explained && case.start <= word.at)
}

pub const REACHED: &str = "the steps that stand are those that the lessons come to, each once";
pub const TAKEN_BACK: &str = "no step stands that the lessons do not come to";
pub const DUTIES: &str = "a step has its duties, open while it stands and no longer";
pub const DONE: &str = "  of which staff have done one";
pub const TOLD: &str = "whoever has a duty is told of it";
pub const UNTOLD: &str =
    "whoever was told of a step that was taken back is told so, and nobody else";
