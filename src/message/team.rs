//! What of a case may leave the house: for a protected pupil nothing but its number. Makes the values
//! templates see, the subject's word for the pupil, and the attachment; renders nothing itself.

use serde_json::Value;

use super::clean::{self, MAIL_NAME, MAIL_TEXT};
use super::facts::TeamCase;
use crate::directory::SubjectIdentity;
use crate::model::TaskKind;

/// The name of the machine-readable part of a mail to the team.
pub const ATTACHMENT: &str = "case.json";

/// What has become of the message to somebody who must not be rung: the guardian is denied, or the
/// pupil is of age (see `Reason`).
const NOT_TO_CALL: [&str; 2] = ["not-entitled", "adult"];

/// The attachment: the case as JSON (see `schema`). None for a case that must be content-free.
pub fn attachment(case: &TeamCase) -> Option<Vec<u8>> {
    if is_closed(case) {
        return None;
    }
    serde_json::to_vec_pretty(&without_secrets(case)).ok()
}

/// Whether the case is of a pupil who is, or may be, protected: the mail then tells that there is
/// something to look at, and where, and nothing else (law.md §5).
pub fn is_closed(case: &TeamCase) -> bool {
    case.task == TaskKind::Protected.as_str() || case.task == TaskKind::UnknownPupil.as_str()
}

/// The first part of the template's name for a case.
pub(super) fn stem(case: &TeamCase) -> Option<&'static str> {
    match case.kind.as_str() {
        "team-alert" => Some("team-alert"),
        "team-update" => Some("team-update"),
        "correction" => Some("team-correction"),
        "staff-task" => Some("staff-task"),
        _ => None,
    }
}

/// The case as templates see it: cleaned, with `_` in names, since `-` is minus there, and with
/// `who`, the subject's word for the pupil.
pub(super) fn values(case: &TeamCase, identity: SubjectIdentity) -> Value {
    let mut values = serde_json::to_value(without_secrets(case)).unwrap_or_default();
    if let Value::Object(fields) = &mut values {
        fields.insert("who".into(), who(case, identity).into());
    }
    cleaned(values)
}

/// For a protected pupil only the case number is left, for an unknown one also the id; and nobody
/// who may not be told has a number. No template can then tell more, whoever wrote it.
pub(super) fn without_secrets(case: &TeamCase) -> TeamCase {
    if !is_closed(case) {
        let mut case = case.clone();
        for guardian in &mut case.guardians {
            if NOT_TO_CALL.contains(&guardian.told.as_str()) {
                guardian.phone = String::new();
            }
        }
        return case;
    }
    let protected = case.task == TaskKind::Protected.as_str();
    TeamCase {
        version: case.version,
        kind: case.kind.clone(),
        case: case.case.clone(),
        school: String::new(),
        school_name: String::new(),
        pupil: if protected { String::new() } else { case.pupil.clone() },
        pupil_name: String::new(),
        class: String::new(),
        date: String::new(),
        reason: case.reason.clone(),
        correction: String::new(),
        task: case.task.clone(),
        lessons: Vec::new(),
        of_age: false,
        age_unknown: false,
        guardians: Vec::new(),
        mentor: String::new(),
        link: String::new(),
        made_at: case.made_at,
    }
}

pub(super) fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean::line(&text, MAIL_TEXT)),
        Value::Array(items) => items.into_iter().map(cleaned).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name.replace('-', "_"), cleaned(value)))
            .collect(),
        other => other,
    }
}

/// What a subject says of the pupil; empty: nothing.
fn who(case: &TeamCase, identity: SubjectIdentity) -> String {
    if is_closed(case) {
        return String::new();
    }
    named(&case.pupil_name, &case.class, identity)
}

/// A subject's word for somebody of this name and class; empty: nothing.
pub(super) fn named(name: &str, class: &str, identity: SubjectIdentity) -> String {
    let name = clean::line(name, MAIL_NAME);
    let name = match identity {
        SubjectIdentity::None => return String::new(),
        SubjectIdentity::Name => name,
        SubjectIdentity::Initials => name
            .split_whitespace()
            .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()))
            .fold(String::new(), |out, initial| format!("{out}{}.", initial.to_uppercase())),
    };
    let class = clean::line(class, MAIL_NAME);
    if name.is_empty() || class.is_empty() { name } else { format!("{name}, {class}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::samples;

    #[test]
    fn a_closed_case_holds_nothing_to_tell() {
        for (task, kept) in [("protected", vec![]), ("unknown-pupil", vec!["p-17"])] {
            let case = TeamCase { task: task.into(), ..samples::team_case() };
            assert_eq!(attachment(&case), None);
            let text = values(&case, SubjectIdentity::Name).to_string();
            for secret in
                ["bjork", "Björkskolan", "p-17", "Alva", "7B", "2026", "Ma", "buss", "Bo", "Dag"]
            {
                assert_eq!(text.contains(secret), kept.contains(&secret), "{task} {secret}");
            }
        }
        assert!(attachment(&samples::team_case()).is_some());
    }

    #[test]
    fn nobody_who_may_not_be_told_has_a_number() {
        let mut case = samples::team_case();
        for told in NOT_TO_CALL {
            case.guardians[0].told = told.into();
            let json = String::from_utf8(attachment(&case).unwrap()).unwrap();
            let shown = values(&case, SubjectIdentity::Name).to_string();
            assert!(!json.contains("070-") && !shown.contains("070-"), "{json}");
            assert!(json.contains("Bo Ek"));
        }
    }

    #[test]
    fn subjects_say_as_much_as_they_may() {
        let case = samples::team_case();
        let dashed = TeamCase { pupil_name: "åsa-mi\r\nvon Ek".into(), ..case.clone() };
        let nameless = TeamCase { pupil_name: String::new(), ..case.clone() };
        let classless = TeamCase { class: String::new(), ..case.clone() };
        for (case, identity, text) in [
            (&case, SubjectIdentity::None, ""),
            (&case, SubjectIdentity::Initials, "A.E., 7B"),
            (&case, SubjectIdentity::Name, "Alva Ek, 7B"),
            (&dashed, SubjectIdentity::Initials, "Å.V.E., 7B"),
            (&dashed, SubjectIdentity::Name, "åsa-mi von Ek, 7B"),
            (&nameless, SubjectIdentity::Name, ""),
            (&classless, SubjectIdentity::Name, "Alva Ek"),
        ] {
            assert_eq!(who(case, identity), text);
        }
    }
}
