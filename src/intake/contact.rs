//! How the contact with each source is: when it last answered, how new what it says is, and what is wrong with
//! it, in words, for whoever looks at how the gateway is. Kept in memory; what a restart must not forget is written
//! by whoever keeps watch, and put back here at the start.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::delays::{Delays, LastHour};
use crate::model::{SchoolId, SourceId};

/// Something that is wrong with a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Trouble {
    /// What is wrong, without personal data.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
    /// Since when.
    pub since: Timestamp,
    /// When it was last so.
    pub last: Timestamp,
    /// How often.
    pub times: u64,
}

/// The contact with one source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Contact {
    /// When it last gave an answer, a file, or an event that could be used.
    pub answered: Option<Timestamp>,
    /// When something new last came of that.
    pub news: Option<Timestamp>,
    /// The newest time at which something was recorded, by the source's clock.
    pub recorded: Option<Timestamp>,
    /// When something new last came of that about attendance, by school.
    #[serde(default)]
    pub schools: BTreeMap<SchoolId, Timestamp>,
    /// When it last answered for the marks of a school, by school; of a source that is asked for them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub marks_answered: BTreeMap<SchoolId, Timestamp>,
    /// How far its clock is ahead of ours, in seconds; where it says what time it is.
    pub clock_ahead_seconds: Option<i64>,
    /// How it is asked, in words, by what for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, String>,
    /// What is wrong, by kind: a stable word, which is a label of metrics too.
    pub troubles: BTreeMap<String, Trouble>,
}

#[derive(Debug, Default)]
struct Kept {
    contact: Contact,
    /// The most that its clock can be ahead of ours.
    ahead_at_most: Option<SignedDuration>,
    delays: Delays,
}

/// The contacts with all sources. Each clone is the same.
#[derive(Debug, Clone, Default)]
pub struct Contacts(Arc<Mutex<BTreeMap<SourceId, Kept>>>);

impl Contacts {
    fn with<T>(&self, source: &SourceId, act: impl FnOnce(&mut Contact) -> T) -> T {
        self.kept(source, |kept| act(&mut kept.contact))
    }

    fn kept<T>(&self, source: &SourceId, act: impl FnOnce(&mut Kept) -> T) -> T {
        let mut contacts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(contacts.entry(source.clone()).or_default())
    }

    /// It gave an answer, a file, or an event that could be used.
    pub fn answered(&self, source: &SourceId, now: Timestamp) {
        self.with(source, |c| c.answered = c.answered.max(Some(now)));
    }

    /// Something new came of it, recorded then by the source's clock.
    pub fn news(&self, source: &SourceId, recorded: Option<Timestamp>, now: Timestamp) {
        self.with(source, |c| {
            c.news = c.news.max(Some(now));
            c.recorded = c.recorded.max(recorded);
        });
    }

    /// That was about attendance at a school.
    pub fn attendance(&self, source: &SourceId, school: &SchoolId, now: Timestamp) {
        self.with(source, |c| match c.schools.get_mut(school) {
            Some(last) => *last = now.max(*last),
            None => drop(c.schools.insert(school.clone(), now)),
        });
    }

    /// It was asked for the marks of a school and has answered, whether there was anything new or not.
    pub fn marks_answered(&self, source: &SourceId, school: &SchoolId, now: Timestamp) {
        self.with(source, |c| {
            c.marks_answered.insert(school.clone(), now);
        });
    }

    /// When it last answered for the marks of a school.
    pub fn marks_answered_at(&self, source: &SourceId, school: &SchoolId) -> Option<Timestamp> {
        self.with(source, |c| c.marks_answered.get(school).copied())
    }

    /// A mark was on its way so long; negative: recorded, by the source's clock, after it came.
    pub fn delay(&self, source: &SourceId, delay: SignedDuration, now: Timestamp) {
        self.kept(source, |kept| kept.delays.add(delay, now));
    }

    /// How long marks were on their way in the last hour; none: there was none.
    pub fn last_hour(&self, source: &SourceId, now: Timestamp) -> Option<LastHour> {
        self.kept(source, |kept| kept.delays.last_hour(now))
    }

    /// How it is asked for something.
    pub fn note(&self, source: &SourceId, what: &str, words: String) {
        self.with(source, |c| drop(c.notes.insert(what.to_owned(), words)));
    }

    /// What time it was there, to the second, at some moment between a question and its answer.
    pub fn clock(&self, source: &SourceId, theirs: Timestamp, asked: Timestamp, now: Timestamp) {
        let least = theirs.duration_since(now);
        let most =
            theirs.duration_since(asked.min(now)).saturating_add(SignedDuration::from_secs(1));
        // Clocks that may agree are taken to.
        let ahead = SignedDuration::ZERO.clamp(least, most);
        self.kept(source, |kept| {
            kept.contact.clock_ahead_seconds = Some(ahead.as_secs());
            kept.ahead_at_most = Some(most);
        });
    }

    /// The most that its clock can be ahead of ours; none: it does not say what time it is, or the clocks may agree.
    pub fn ahead_at_most(&self, source: &SourceId) -> Option<SignedDuration> {
        let apart = |kept: &mut Kept| kept.contact.clock_ahead_seconds.is_some_and(|s| s != 0);
        self.kept(source, |kept| kept.ahead_at_most.filter(|_| apart(kept)))
    }

    /// How far its clock is ahead of ours, where it says what time it is.
    pub fn ahead(&self, source: &SourceId) -> Option<SignedDuration> {
        self.with(source, |c| c.clock_ahead_seconds.map(SignedDuration::from_secs))
    }

    /// Something is wrong with it. Returns whether it was not so before.
    pub fn trouble(
        &self,
        source: &SourceId,
        kind: &str,
        what: String,
        remedy: String,
        now: Timestamp,
    ) -> bool {
        self.with(source, |c| {
            if let Some(known) = c.troubles.get_mut(kind) {
                known.times += 1;
                (known.what, known.remedy, known.last) = (what, remedy, now);
                return false;
            }
            let new = Trouble { what, remedy, since: now, last: now, times: 1 };
            c.troubles.insert(kind.to_owned(), new);
            true
        })
    }

    /// That is not wrong any more. Returns whether it was.
    pub fn well(&self, source: &SourceId, kind: &str) -> bool {
        self.with(source, |c| c.troubles.remove(kind).is_some())
    }

    /// How the contact with a source is.
    pub fn of(&self, source: &SourceId) -> Contact {
        self.with(source, |c| c.clone())
    }

    /// As a former process knew it; what is known already stands where it is newer.
    pub fn restore(&self, source: &SourceId, former: &Contact) {
        self.with(source, |c| {
            c.answered = c.answered.max(former.answered);
            c.news = c.news.max(former.news);
            c.recorded = c.recorded.max(former.recorded);
        });
        for (school, at) in &former.schools {
            self.attendance(source, school, *at);
        }
    }

    /// Forgets sources that are not among these: nobody asks them any more.
    pub fn keep(&self, sources: &BTreeSet<SourceId>) {
        let mut contacts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        contacts.retain(|source, _| sources.contains(source));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_kept_until_it_is_well() {
        let (contacts, source) = (Contacts::default(), SourceId::new("s").expect("id"));
        let at = |s| Timestamp::from_second(s).expect("time");
        let trouble =
            |s| contacts.trouble(&source, "token", format!("no {s}"), "ask".into(), at(s));
        assert!(trouble(1));
        assert!(!trouble(5));
        let found = contacts.of(&source).troubles["token"].clone();
        assert_eq!((found.since, found.last, found.times), (at(1), at(5), 2));
        assert_eq!(found.what, "no 5");
        assert!(contacts.well(&source, "token") && !contacts.well(&source, "token"));
        contacts.news(&source, Some(at(3)), at(9));
        contacts.news(&source, Some(at(2)), at(8));
        // They may agree: it was told to the second, and it took a second to be told.
        contacts.clock(&source, at(20), at(20), at(22));
        assert_eq!(contacts.ahead(&source), Some(SignedDuration::ZERO));
        assert_eq!(contacts.ahead_at_most(&source), None);
        contacts.clock(&source, at(7200), at(0), at(2));
        assert_eq!(contacts.ahead_at_most(&source), Some(SignedDuration::from_secs(7201)));
        let now = contacts.of(&source);
        assert_eq!((now.recorded, now.news), (Some(at(3)), Some(at(9))));
        assert_eq!((now.clock_ahead_seconds, now.troubles.len()), (Some(7198), 0));
    }

    #[test]
    fn what_a_former_process_knew_does_not_take_the_place_of_what_is_newer() {
        let (contacts, source) = (Contacts::default(), SourceId::new("s").expect("id"));
        let (at, school) =
            (|s| Timestamp::from_second(s).expect("time"), SchoolId::new("a").expect("id"));
        contacts.answered(&source, at(7));
        let schools = BTreeMap::from([(school.clone(), at(4))]);
        let former =
            Contact { answered: Some(at(5)), news: Some(at(4)), schools, ..Contact::default() };
        contacts.restore(&source, &former);
        let now = contacts.of(&source);
        assert_eq!(
            (now.answered, now.news, now.schools[&school]),
            (Some(at(7)), Some(at(4)), at(4))
        );
        contacts.keep(&BTreeSet::new());
        assert_eq!(contacts.of(&source), Contact::default());
    }
}
