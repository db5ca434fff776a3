//! What no message to a home may show: anything about another guardian of anybody.

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
