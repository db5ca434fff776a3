//! Templates of an operator: the first line of the head is `file: …`, the rest its text. What loads makes
//! texts of any names, within bounds; what does not says where and why.

use std::fs;

use upprop::message::RenderError;
use upprop::message::Templates;
use upprop::message::facts::GuardianFacts;
use upprop::model::{Locale, Purpose};

use super::input::{NAME, headers, parted};

/// The longest text that is made, in bytes.
const TEXT: usize = 1 << 20;

/// The check.
pub fn check(data: &[u8]) {
    let (head, text) = parted(data);
    let headers = headers(head);
    let file = headers.get("file").and_then(|value| value.to_str().ok());
    let file = file.filter(|name| is_plain(name)).unwrap_or("sms/sv/absence.txt");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(file);
    fs::create_dir_all(path.parent().expect("in the folder")).expect("a folder");
    fs::write(&path, text).expect("a file");
    match Templates::load(Some(folder.path())) {
        Ok(templates) => makes_texts(&templates),
        Err(problems) => {
            assert!(!problems.is_empty(), "a refusal says why");
            for problem in problems {
                assert!(!problem.message.is_empty() && !problem.remedy.is_empty(), "{problem}");
                assert!(problem.to_string().len() <= 2_000 + 2 * data.len(), "{problem}");
            }
        }
    }
}

/// Whether it names a file below the folder.
fn is_plain(name: &str) -> bool {
    let plain = |part: &str| {
        let letters = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        !part.is_empty() && part.len() <= 40 && !part.starts_with('.') && part.bytes().all(letters)
    };
    name.split('/').count() <= 4 && name.split('/').all(plain)
}

fn makes_texts(templates: &Templates) {
    for pupil in [NAME, "{{ 7 * 7 }} <b>&", "Åsa-Märta \u{202e}\r\nBcc: x", "Ж"] {
        for (purpose, correction) in [
            (Purpose::Absence, ""),
            (Purpose::Correction, "was-there"),
            (Purpose::Correction, "arrived"),
            (Purpose::Correction, "left-early"),
            (Purpose::Correction, "excused-by-school"),
        ] {
            let facts = facts(pupil, correction);
            let sv = Locale::swedish();
            match templates.render_sms(&sv, purpose, &facts, 3) {
                Ok(sms) => {
                    assert!(sms.parts.parts <= 3 && sms.text.len() <= TEXT);
                    assert!(!sms.text.contains("49"), "a name was read as a template");
                    let control = |c: char| c.is_control() && c != '\n';
                    assert!(!sms.text.contains(control), "{:?}", sms.text);
                }
                Err(error) => is_discreet(&error),
            }
            match templates.render_guardian_mail(&sv, purpose, &facts) {
                Ok(mail) => {
                    assert!(mail.text.len() <= TEXT && mail.html.len() <= TEXT);
                    assert!(!mail.subject.contains(char::is_control), "{:?}", mail.subject);
                    assert!(!mail.html.contains("<b>&"), "a name is no HTML");
                }
                Err(error) => is_discreet(&error),
            }
        }
    }
}

fn is_discreet(error: &RenderError) {
    let words = error.to_string();
    assert!(!words.contains(NAME) && words.len() <= 500, "{words}");
}

fn facts(pupil: &str, correction: &str) -> GuardianFacts {
    GuardianFacts {
        pupil: pupil.into(),
        adult: false,
        start: "08.20".into(),
        day: String::new(),
        further: false,
        renewed: false,
        late_registration: false,
        seen_late: String::new(),
        over: false,
        correction: correction.into(),
        arrived: String::new(),
        school: "Björkskolan".into(),
        phone: "070-174 06 05".into(),
        people: Vec::new(),
        count: 0,
        short: false,
        past_tense: false,
    }
}
