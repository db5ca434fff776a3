//! What no message to a home may show: anything about another guardian of anybody. And what the store may not keep of those
//! who are protected in the end.

use std::collections::BTreeSet;

use upprop::model::{Notification, Purpose};
use upprop::store::{Kv, MemoryStore, after_prefix, ledger, tables};

use super::people::Contact;
use super::script::Script;
use super::stage::Sent;

/// Letters and digits alone, so that no way of writing a number hides it; a leading `+46` as people write it.
fn plain(text: &str) -> String {
    let all: String = text.chars().filter(|c| c.is_alphanumeric() || "@+".contains(*c)).collect();
    all.replace("+46", "0").to_lowercase()
}

fn traces(name: &str, contact: &Contact) -> Vec<String> {
    let household = contact.household.as_ref().map(|home| format!("home{home}"));
    [Some(name.to_owned()), contact.phone.clone(), contact.email.clone(), household]
        .into_iter()
        .flatten()
        .map(|text| plain(&text))
        .collect()
}

/// Fails on a message to a guardian, or to a number that was agreed on, that shows anything of another.
pub fn check(script: &Script, sent: &[Sent]) {
    for message in sent.iter().filter(|message| message.to != "team") {
        let text = plain(&message.text);
        for (name, contact) in script.guardians.iter().filter(|(name, _)| **name != message.to) {
            for trace in traces(name, contact) {
                assert!(!text.contains(&trace), "{}: {message} shows {name}", script.title);
            }
        }
    }
}

/// Fails where a message about one of these pupils is over and still knows where it went; those that were agreed on aside.
pub fn is_redacted(script: &Script, kv: &MemoryStore, protected: BTreeSet<&str>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let from = tables::NOTIFICATIONS;
    let rows = runtime.block_on(kv.scan(from, &after_prefix(from), usize::MAX)).expect("rows");
    for (_, row) in rows {
        let n: Notification = ledger::decode(&row).expect("a message");
        let to_home = matches!(n.purpose, Purpose::Absence | Purpose::Correction);
        if to_home && n.state.is_final() && protected.contains(n.pupil.as_str()) {
            assert_eq!(n.address, None, "{}: kept of {}", script.title, n.pupil);
        }
    }
}
