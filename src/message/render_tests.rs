//! The built-in texts as people read them, and what must never get into one.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::message::samples;
use crate::message::sms::Encoding;

const SCHOOL: &str = "Björkskolan";
const PHONE: &str = "070-174 06 05";
/// Loaded once: loading tries every template on every sample.
static BUILTIN: LazyLock<Templates> = LazyLock::new(Templates::builtin);

fn locale(tag: &str) -> Locale {
    Locale::new(tag).unwrap()
}

fn sms_text(tag: &str, name: &str) -> String {
    let samples = samples::guardians("Alva", SCHOOL, PHONE);
    let sample = samples.iter().find(|s| s.name == name).expect(name);
    BUILTIN.render_sms(&locale(tag), sample.purpose, &sample.facts, 3).unwrap().text
}

#[test]
fn swedish_texts() {
    for (name, text) in [
        (
            "absence",
            "Hej! Alva är inte registrerad som närvarande kl 08.20 och vi saknar frånvaroanmälan. \
             Vet du var Alva är? Ring 070-174 06 05. Björkskolan",
        ),
        (
            "absence, further",
            "Alva är inte heller registrerad som närvarande kl 08.20 och vi saknar \
             frånvaroanmälan. Vet du var Alva är? Ring 070-174 06 05. Björkskolan",
        ),
        (
            "absence, renewed",
            "Ny uppgift: Alva är inte registrerad som närvarande kl 08.20 och vi saknar \
             frånvaroanmälan. Vet du var Alva är? Ring 070-174 06 05. Björkskolan",
        ),
        (
            "absence, yesterday",
            "I går kl 08.20 var Alva inte registrerad som närvarande och vi saknar \
             frånvaroanmälan. Frågor: 070-174 06 05. Björkskolan",
        ),
        (
            "absence, yesterday, registered late",
            "I går kl 08.20 var Alva inte registrerad som närvarande och vi saknar \
             frånvaroanmälan. Uppgiften registrerades i dag. Frågor: 070-174 06 05. Björkskolan",
        ),
        (
            "absence, earlier day, renewed",
            "Ny uppgift: den 2026-11-20 kl 08.20 var Alva inte registrerad som närvarande och vi \
             saknar frånvaroanmälan. Frågor: 070-174 06 05. Björkskolan",
        ),
        (
            "absence, adult",
            "Hej Alva! Du är registrerad som frånvarande kl 08.20 utan anmälan. Stämmer det inte, \
             kontakta din mentor eller 070-174 06 05. Björkskolan",
        ),
        (
            "correction, was-there",
            "Rättelse: Alva var närvarande kl 08.20. Bortse från vårt tidigare sms. Vi beklagar. \
             Björkskolan, 070-174 06 05",
        ),
        (
            "correction, arrived, time known",
            "Alva kom kl 08.45 till lektionen som började kl 08.20. Du behöver inte göra något. \
             Björkskolan, 070-174 06 05",
        ),
        (
            "correction, arrived",
            "Alva kom till lektionen som började kl 08.20. Du behöver inte göra något. \
             Björkskolan, 070-174 06 05",
        ),
        (
            "correction, excused",
            "Tack, vi har nu fått frånvaroanmälan för Alva kl 08.20. Du behöver inte göra något \
             mer. Björkskolan, 070-174 06 05",
        ),
        (
            "correction, left-early",
            "Alva var på lektionen som började kl 08.20 men gick innan den var slut. Har du \
             frågor, ring oss. Björkskolan, 070-174 06 05",
        ),
        (
            "correction, excused-by-school",
            "Frånvaron för Alva kl 08.20 är nu registrerad av skolan som giltig. Känner du inte \
             till det, ring oss. Björkskolan, 070-174 06 05",
        ),
        (
            "correction, adult, yesterday, excused-by-school",
            "Din frånvaro i går kl 08.20 är nu registrerad av skolan som giltig. Känner du inte \
             till det, ring oss. Björkskolan, 070-174 06 05",
        ),
    ] {
        assert_eq!(sms_text("sv", name), text);
    }
}

#[test]
fn english_texts() {
    for (name, text) in [
        (
            "absence",
            "Hello! Alva is not registered as present at 08:20 and we have no absence report. Do \
             you know where Alva is? Call 070-174 06 05. Björkskolan",
        ),
        (
            "absence, yesterday, further, registered late",
            "Yesterday at 08:20 Alva was not registered as present either and we have no absence \
             report. This was registered today. Questions: 070-174 06 05. Björkskolan",
        ),
        (
            "absence, came late",
            "Today at 08:20 Alva was not registered as present and we have no absence report. \
             This reached us at 11:02. Questions: 070-174 06 05. Björkskolan",
        ),
        (
            "absence, adult, renewed",
            "Update: you are registered as absent at 08:20 and we have no absence \
             report. If this is wrong, contact your mentor or 070-174 06 05. Björkskolan",
        ),
        (
            "correction, was-there",
            "Correction: Alva was present at 08:20. Please disregard our earlier text. We \
             apologise. Björkskolan, 070-174 06 05",
        ),
        (
            "correction, adult, excused",
            "Thank you, we now have an absence report for you at 08:20. You do not need to do \
             anything more. Björkskolan, 070-174 06 05",
        ),
    ] {
        assert_eq!(sms_text("en", name), text);
    }
}

#[test]
fn ordinary_texts_fit_one_part_with_a_long_name() {
    let templates = &*BUILTIN;
    for tag in ["sv", "en"] {
        for sample in samples::guardians("Alexanderina", SCHOOL, PHONE) {
            let text =
                templates.render_sms(&locale(tag), sample.purpose, &sample.facts, 3).unwrap();
            assert_eq!(text.parts.encoding, Encoding::Gsm7, "{}", text.text);
            assert!(text.parts.parts <= 2, "{}", text.text);
            let facts = &sample.facts;
            let late = facts.late_registration || !facts.seen_late.is_empty();
            let departures = [facts.further, facts.renewed, late];
            let departures = departures.into_iter().filter(|set| *set).count();
            let most = usize::from(sample.purpose == Purpose::Absence);
            if !facts.adult && departures + usize::from(!facts.day.is_empty()) <= most {
                assert_eq!(text.parts.parts, 1, "{tag} {} {}", sample.name, text.text);
            }
        }
    }
    let late = GuardianFacts {
        day: "yesterday".into(),
        late_registration: true,
        over: true,
        ..samples::guardian("Alexanderina", SCHOOL, PHONE)
    };
    let text = templates.render_sms(&locale("sv"), Purpose::Absence, &late, 3).unwrap();
    assert_eq!((text.parts.units, text.parts.parts), (160, 1), "{}", text.text);
}

#[test]
fn every_text_gives_the_number_and_never_accuses_or_speaks_past_an_adult() {
    let templates = &*BUILTIN;
    for tag in ["sv", "en"] {
        for sample in samples::guardians("Alva", SCHOOL, PHONE) {
            let sms = templates.render_sms(&locale(tag), sample.purpose, &sample.facts, 3).unwrap();
            let mail = templates
                .render_guardian_mail(&locale(tag), sample.purpose, &sample.facts)
                .unwrap();
            for text in [&sms.text, &mail.text, &mail.html] {
                assert!(text.contains(PHONE) && text.contains(SCHOOL), "{text}");
                for word in ["skolk", "ogiltig", "olovlig", "truan", "unexcused", "http", "None"] {
                    assert!(!text.contains(word), "{word} in {text}");
                }
                if sample.facts.adult {
                    assert!(!text.contains("Vet du var") && !text.contains("Do you know where"));
                }
            }
            assert!(!mail.subject.contains("Alva") && !mail.subject.contains(SCHOOL));
        }
    }
}

#[test]
fn a_guardians_mail() {
    let facts = samples::guardian("Alva", SCHOOL, PHONE);
    let mail = BUILTIN.render_guardian_mail(&locale("sv"), Purpose::Absence, &facts).unwrap();
    assert_eq!(mail.subject, "Meddelande om närvaro från skolan");
    assert_eq!(
        mail.text,
        "Hej!

Alva är inte registrerad som närvarande på lektionen kl 08.20 och vi saknar frånvaroanmälan.

Vet du var Alva är? Ring 070-174 06 05.

Om det finns en orsak som skolan inte har fått veta: gör en frånvaroanmälan på det vanliga \
         sättet. Skriv inte orsaken i ett svar på det här mejlet.

Hälsningar
Björkskolan

Meddelandet är skickat automatiskt. Har du fått det av misstag? Ring 070-174 06 05.
"
    );
    assert!(mail.html.starts_with("<!doctype html>\n<html lang=\"sv\" dir=\"ltr\">\n"));
    assert!(!mail.html.contains("http") && !mail.html.contains("style="));
}

/// The words of an HTML part, tags aside.
fn words(html: &str) -> Vec<String> {
    let body = html.split("<body>").nth(1).expect("a body");
    let mut text = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn plain_and_html_say_the_same() {
    let templates = &*BUILTIN;
    for tag in ["sv", "en"] {
        for sample in samples::guardians("Alva", SCHOOL, PHONE) {
            let mail = templates
                .render_guardian_mail(&locale(tag), sample.purpose, &sample.facts)
                .unwrap();
            let plain: Vec<String> = mail.text.split_whitespace().map(str::to_owned).collect();
            assert_eq!(words(&mail.html), plain, "{tag} {}", sample.name);
        }
        for case in samples::team_cases() {
            let mail =
                templates.render_team_mail(&locale(tag), &case, SubjectIdentity::None).unwrap();
            let letters = |text: &str| {
                text.split(|c: char| !c.is_alphanumeric())
                    .filter(|word| !word.is_empty())
                    .map(str::to_owned)
                    .collect::<std::collections::BTreeSet<_>>()
            };
            let (plain, mut html) = (letters(&mail.text), letters(&words(&mail.html).join(" ")));
            // A link is behind its words.
            let href = format!("href=\"{}\"", case.link);
            if !case.link.is_empty() && mail.html.replace("&#x2f;", "/").contains(&href) {
                html.extend(letters(&case.link));
            }
            // The table's column headings are the only words that the plain text has no need of.
            let headings = "Tid Lektion Registrering Rapporterat av Anteckning Namn Telefon \
                            Meddelande Time Lesson Registration Reported by Note Name Telephone \
                            Message";
            assert_eq!(plain.difference(&html).collect::<Vec<_>>(), Vec::<&String>::new());
            for word in html.difference(&plain) {
                assert!(headings.contains(word.as_str()), "{word} in {}", mail.html);
            }
        }
    }
}

#[test]
fn names_are_text_and_nothing_else() {
    let templates = &*BUILTIN;
    let facts = samples::guardian(
        "{{ school }}<script>alert('\u{202e}x')</script>\r\nBcc: y",
        SCHOOL,
        PHONE,
    );
    let sms = templates.render_sms(&locale("sv"), Purpose::Absence, &facts, 3).unwrap();
    assert!(
        sms.text.contains("Hej! {{ school }}<script>alert('x')</script> Bcc: y är"),
        "{}",
        sms.text
    );
    let mail = templates.render_guardian_mail(&locale("en"), Purpose::Absence, &facts).unwrap();
    assert!(!mail.html.contains("<script>"));
    assert!(mail.html.contains("{{ school }}&lt;script&gt;alert("), "{}", mail.html);

    let case = TeamCase {
        pupil_name: "Ola\r\nBcc: x@example.se".into(),
        class: "<b>7\nB</b>".into(),
        ..samples::team_case()
    };
    let mail = templates.render_team_mail(&locale("sv"), &case, SubjectIdentity::Name).unwrap();
    assert_eq!(mail.subject, "Ej anlänt: Ola Bcc: x@example.se, <b>7 B</b>, ärende K7QM2XP");
    assert!(mail.html.contains("&lt;b&gt;7 B&lt;&#x2f;b&gt;") && !mail.html.contains("<b>"));
}

#[test]
fn long_names_are_cut_and_missing_ones_refused() {
    let templates = &*BUILTIN;
    let long = samples::guardian(&"Å".repeat(200), SCHOOL, PHONE);
    let text = templates.render_sms(&locale("sv"), Purpose::Absence, &long, 3).unwrap().text;
    assert_eq!(text.matches('Å').count(), 120, "the name stands twice");
    for (facts, error) in [
        (
            samples::guardian("\u{202e} ", SCHOOL, PHONE),
            RenderError::Missing("the pupil's given name"),
        ),
        (samples::guardian("Alva", "", PHONE), RenderError::Missing("the school's name")),
        (samples::guardian("Alva", SCHOOL, " "), RenderError::Missing("the school's number")),
    ] {
        assert_eq!(templates.render_sms(&locale("sv"), Purpose::Absence, &facts, 3), Err(error));
    }
    let plain = samples::guardian("Alva", SCHOOL, PHONE);
    assert_eq!(
        templates.render_sms(&locale("sv"), Purpose::Correction, &plain, 3),
        Err(RenderError::Missing("the kind of correction"))
    );
    assert!(matches!(
        templates.render_sms(&locale("sv"), Purpose::TeamAlert, &plain, 3),
        Err(RenderError::NoTemplate(_))
    ));
}

#[test]
fn a_name_is_shortened_no_further_than_the_parts_ask_for() {
    let made = |name: &str, max_parts| {
        let facts = samples::guardian(name, SCHOOL, PHONE);
        BUILTIN.render_sms(&locale("sv"), Purpose::Absence, &facts, max_parts)
    };
    let name = "Željko-Matija Aleksandar Konstantin Maksimilijan";
    let whole = made(name, 4).unwrap();
    assert!(whole.text.contains(name) && whole.parts.parts == 4, "{whole:?}");
    let fitting = made(name, 3).unwrap();
    assert!(fitting.text.starts_with("Hej! Željko-Matija är inte"), "{fitting:?}");
    assert_eq!((fitting.parts.encoding, fitting.parts.parts), (Encoding::Ucs2, 3));
    let refused = made(name, 2).unwrap_err();
    assert_eq!(
        refused,
        RenderError::TooLong { file: "sms/sv/absence.txt".into(), parts: 3, max_parts: 2 }
    );
    assert!(
        refused.to_string().contains("raise `max-parts`") && !refused.to_string().contains("Ž")
    );
}

#[test]
fn a_language_there_is_not_is_swedish() {
    let templates = &*BUILTIN;
    let facts = samples::guardian("Alva", SCHOOL, PHONE);
    let text = templates.render_sms(&locale("xx"), Purpose::Absence, &facts, 3).unwrap().text;
    assert!(text.starts_with("Hej!"));
    let (xx, en) = (locale("xx"), locale("en"));
    assert_eq!(templates.pick(&[&xx, &en]), &en);
    assert_eq!(templates.pick(&[&xx]), &Locale::swedish());
    assert_eq!(templates.pick(&[]), &Locale::swedish());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_value_breaks_a_text(name in any::<String>(), class in any::<String>()) {
        let templates = &*BUILTIN;
        let facts = samples::guardian(&format!("A{name}"), SCHOOL, PHONE);
        let sms = templates.render_sms(&locale("sv"), Purpose::Absence, &facts, 3).unwrap();
        prop_assert!(!sms.text.chars().any(char::is_control));
        prop_assert_eq!(sms::fold(&sms.text), sms.text);
        let case = TeamCase { pupil_name: name, class, ..samples::team_case() };
        let mail = templates.render_team_mail(&locale("en"), &case, SubjectIdentity::Name).unwrap();
        prop_assert!(!mail.subject.chars().any(char::is_control));
    }
}
