//! Many pupils for one school, what the store holds when the daemon has stopped, and words past the
//! test harness.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Write as _;
use std::path::Path;

use upprop::model::Notification;
use upprop::store::{Kv as _, Settings, SledStore, after_prefix, ledger, tables};

use crate::world::Setup;

/// Says something past the test harness, which shows a passing test's output to nobody.
pub fn say(words: impl fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// A given name that no other pupil has: the texts about two pupils never read the same.
pub fn name(pupil: usize) -> String {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).expect("less than 26"));
    let [a, b, c, d] = [17_576, 676, 26, 1].map(|place| letter(pupil / place));
    format!("Qv{a}{b}{c}{d}")
}

/// Gives the school `n` more pupils, each with one guardian who is told by text. The provider keeps
/// texts, so that two to one number can be told apart.
pub fn enrol(setup: &mut Setup, n: usize) {
    setup.school.push_str("grace = \"0s\"\n");
    setup.provider.push_str("keep-text = true\n");
    for i in 0..n {
        let born = "2012-02-15".to_owned();
        setup.pupils.push((format!("q{i}"), name(i), born, "none".into()));
        let phone = format!("070-174 06 {}", 20 + i % 60);
        setup.guardians.push(format!("q{i},s1,h{i},Vuxen Test,{phone},,sms,sv,yes,no"));
    }
}

/// What a store holds that matters here.
#[derive(Debug, PartialEq)]
pub struct Kept {
    /// Every notification.
    pub notifications: Vec<Notification>,
    /// The keys of every event seen.
    pub seen: BTreeSet<Vec<u8>>,
}

impl Kept {
    /// Reads a store that no daemon has open.
    pub async fn read(dir: &Path) -> Self {
        let store = SledStore::open(Settings::new(dir)).expect("the store opens");
        let rows = |prefix: &'static [u8]| {
            let store = &store;
            let end = after_prefix(prefix);
            async move { store.scan(prefix, &end, usize::MAX).await.expect("rows") }
        };
        let decode = |(_, row): (_, bytes::Bytes)| ledger::decode(&row).expect("a notification");
        Self {
            notifications: rows(tables::NOTIFICATIONS).await.into_iter().map(decode).collect(),
            seen: rows(tables::SEEN).await.into_iter().map(|(key, _)| key).collect(),
        }
    }
}
