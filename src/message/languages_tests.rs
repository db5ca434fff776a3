//! Every language, text and case as people read them; which language a reader gets, and what takes its
//! place.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::*;
use crate::directory::testing;
use crate::message::guest::TestFacts;
use crate::message::samples::{self, Sample};
use crate::message::sms::Encoding;

const SCHOOL: &str = "Björkskolan";
const PHONE: &str = "070-174 06 05";
static BUILTIN: LazyLock<Templates> = LazyLock::new(Templates::builtin);

fn locale(tag: &str) -> Locale {
    Locale::new(tag).expect("a tag")
}

fn school(mode: Mode, change: impl Fn(&mut School)) -> School {
    let mut school = School { mode, ..testing::settings() };
    change(&mut school);
    school
}

fn sample(name: &str, pupil: &str) -> Sample {
    let mut all = samples::guardians(pupil, SCHOOL, PHONE);
    all.swap_remove(all.iter().position(|sample| sample.name == name).expect(name))
}

fn text(tag: &str, pupil: &str, name: &str) -> String {
    let Sample { purpose, facts, .. } = sample(name, pupil);
    BUILTIN.render_sms(&locale(tag), purpose, &facts, 3).expect(name).text
}

/// A time, a date and the like, as each language writes it.
fn values(facts: &GuardianFacts, dotted: bool) -> Vec<String> {
    let time = |text: &str| if dotted { text.to_owned() } else { text.replace('.', ":") };
    let times = [&facts.start, &facts.seen_late, &facts.arrived].map(|text| time(text));
    let date = facts.day.starts_with('2').then(|| facts.day.clone());
    times.into_iter().filter(|text| !text.is_empty()).chain(date).collect()
}

#[test]
fn every_text_of_every_language_says_what_the_swedish_one_says() {
    for tag in BUILTIN.locales() {
        let dotted = ["sv", "fi"].contains(&tag.as_str());
        for name in ["Alva", "نیلوفر"] {
            for Sample { name: case, purpose, facts } in samples::guardians(name, SCHOOL, PHONE) {
                let sms = BUILTIN.render_sms(tag, purpose, &facts, 3).expect(&case);
                let mail = BUILTIN.render_guardian_mail(tag, purpose, &facts).expect(&case);
                let swedish = Locale::swedish();
                let own = BUILTIN.render_sms(&swedish, purpose, &facts, 3).expect(&case).text;
                let own_mail =
                    BUILTIN.render_guardian_mail(&swedish, purpose, &facts).expect(&case);
                let plain = [(&sms.text, &own), (&mail.text, &own_mail.text)];
                for (text, swedish) in plain {
                    for value in
                        [SCHOOL, PHONE].map(str::to_owned).into_iter().chain(values(&facts, dotted))
                    {
                        assert!(text.contains(&value), "{tag} {case}: no {value} in {text}");
                    }
                    assert_eq!(text.contains(name), swedish.contains(name), "{tag} {case}: {text}");
                    for sign in
                        ["{", "}", "%", "None", "none", "true", "false", "http", "was-there"]
                    {
                        assert!(!text.contains(sign), "{tag} {case}: {sign} in {text}");
                    }
                }
                assert!(!mail.subject.is_empty() && !mail.subject.contains(name), "{tag} {case}");
                assert!(sms.parts.parts <= 3, "{tag} {case}: {:?} {}", sms.parts, sms.text);
            }
        }
    }
}

#[test]
fn every_fact_changes_every_language() {
    for tag in BUILTIN.locales() {
        let mut absences = BTreeSet::new();
        let mut corrections = BTreeSet::new();
        let (mut tried, mut corrected) = (0, 0);
        for Sample { purpose, facts, .. } in samples::guardians("Alva", SCHOOL, PHONE) {
            let sms = BUILTIN.render_sms(tag, purpose, &facts, 3).expect("a text").text;
            let mail = BUILTIN.render_guardian_mail(tag, purpose, &facts).expect("a mail");
            if purpose == Purpose::Correction {
                corrected += 1;
                corrections.insert((sms, mail.text));
            } else {
                tried += 1;
                absences.insert((sms, mail.text));
            }
        }
        assert_eq!((absences.len(), corrections.len()), (tried, corrected), "{tag}");
    }
}

#[test]
fn every_text_about_several_lessons_says_whom_and_when_in_every_language() {
    for tag in BUILTIN.locales() {
        let dotted = ["sv", "fi"].contains(&tag.as_str());
        let mut all = BTreeSet::new();
        let digests = samples::digests("Alva", SCHOOL, PHONE);
        let tried = digests.len();
        for sample in digests.iter().chain(&samples::siblings(SCHOOL, PHONE)) {
            let Sample { name: case, purpose, facts } = sample;
            let sms = BUILTIN.render_sms(tag, *purpose, facts, 3).expect(case);
            let mail = BUILTIN.render_guardian_mail(tag, *purpose, facts).expect(case);
            for text in [&sms.text, &mail.text] {
                for one in &facts.people {
                    let colons = one.times.replace('.', ":");
                    let times = if dotted { &one.times } else { &colons };
                    let named = facts.adult || text.contains(&one.pupil);
                    assert!(named && text.contains(times.as_str()), "{tag} {case}: {text}");
                }
                assert!(text.contains(SCHOOL) && text.contains(PHONE), "{tag} {case}: {text}");
                for sign in ["{", "}", "%", "none", "true", "false"] {
                    assert!(!text.contains(sign), "{tag} {case}: {sign} in {text}");
                }
            }
            let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let html = words(&mail.html).join(" ");
            assert_eq!(flat(&mail.text), flat(&html), "{tag} {case}");
            assert!(!mail.subject.contains("Alva"), "{tag} {case}");
            if sms.parts.parts > 1 && tag.as_str() == "sv" {
                assert!(facts.people.len() > 1 || facts.adult || facts.further, "{}", sms.text);
            }
            all.insert(sms.text);
        }
        // A line about one more lesson says nothing of the day: of three, one for each of the two readers.
        assert!(all.len() + 6 > tried, "{tag}: {} of {tried}", all.len());
    }
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
fn both_parts_of_a_mail_say_the_same_and_each_language_has_its_way() {
    for tag in BUILTIN.locales() {
        let way = if ["ar", "fa"].contains(&tag.as_str()) { "rtl" } else { "ltr" };
        let head = format!("<!doctype html>\n<html lang=\"{tag}\" dir=\"{way}\">\n");
        for Sample { name, purpose, facts } in samples::guardians("Alva", SCHOOL, PHONE) {
            let mail = BUILTIN.render_guardian_mail(tag, purpose, &facts).expect(&name);
            let plain: Vec<String> = mail.text.split_whitespace().map(str::to_owned).collect();
            assert_eq!(words(&mail.html), plain, "{tag} {name}");
            assert!(mail.html.starts_with(&head), "{}", mail.html);
        }
    }
}

#[test]
fn a_test_says_which_school_it_is_of() {
    let facts = TestFacts::sample(SCHOOL, PHONE);
    for tag in BUILTIN.locales() {
        let sms = BUILTIN.render_test_sms(tag, &facts, 3).expect("a text");
        let mail = BUILTIN.render_test_mail(tag, &facts).expect("a mail");
        for text in [&sms.text, &mail.text] {
            assert!(text.contains(SCHOOL) && text.contains(PHONE), "{tag}: {text}");
            assert!(text.contains("10.42") || text.contains("10:42"), "{tag}: {text}");
            assert!(!text.contains(['{', '}', '%']), "{tag}: {text}");
        }
        assert!(mail.subject.contains(SCHOOL), "{}", mail.subject);
        let plain: Vec<String> = mail.text.split_whitespace().map(str::to_owned).collect();
        assert_eq!(words(&mail.html), plain, "{tag}");
    }
}

#[test]
fn finnish_and_somali_fit_where_swedish_fits() {
    for tag in ["fi", "so"] {
        for sample in samples::guardians("Alva", SCHOOL, PHONE) {
            let made = BUILTIN.render_sms(&locale(tag), sample.purpose, &sample.facts, 3);
            let made = made.expect("a text");
            assert_eq!(made.parts.encoding, Encoding::Gsm7, "{}", made.text);
            assert!(made.parts.parts <= 2, "{}", made.text);
        }
    }
    assert_eq!(
        text("fi", "Alva", "absence"),
        "Hei! Alva: läsnäoloa ei ole merkitty klo 08.20, eikä meillä ole poissaoloilmoitusta. \
         Tiedätkö, missä Alva on? Soita 070-174 06 05. Björkskolan"
    );
}

#[test]
fn what_is_written_the_other_way_is_isolated_and_nothing_else() {
    let isolate = |text: &str| format!("\u{2068}{text}\u{2069}");
    for tag in ["ar", "fa"] {
        let text = text(tag, "Åsa", "absence, earlier day");
        for value in ["Åsa", SCHOOL, PHONE, "2026-11-20"] {
            assert!(text.contains(&isolate(value)), "{tag}: {value} in {text}");
        }
        let own = self::text(tag, "نیلوفر", "absence");
        assert!(!own.contains(&isolate("نیلوفر")) && own.contains(&isolate(PHONE)), "{own}");
        let mail = BUILTIN.render_guardian_mail(
            &locale(tag),
            Purpose::Absence,
            &samples::guardian("Åsa", SCHOOL, PHONE),
        );
        let mail = mail.expect("a mail");
        for part in [&mail.text, &mail.html] {
            assert!(part.contains(&isolate("Åsa")) && part.contains(&isolate(PHONE)), "{part}");
        }
    }
    for tag in ["sv", "en", "fi", "pl", "uk", "so", "ku", "ti"] {
        assert!(!text(tag, "Åsa", "absence").contains(['\u{2068}', '\u{2069}']), "{tag}");
        let text = text(tag, "نیلوفر", "absence");
        assert!(text.contains(&isolate("نیلوفر")), "{tag}: {text}");
        assert_eq!(text.matches('\u{2068}').count(), text.matches("نیلوفر").count());
    }
}

#[test]
fn a_name_that_is_cut_keeps_its_isolate_whole() {
    let name = "عبدالرحمنالطويلجداجدا محمد".repeat(2);
    for (tag, name) in [("sv", name.as_str()), ("ar", "Alexandra-Konstantina Maximiliana")] {
        for max_parts in 2..=5 {
            let facts = samples::guardian(name, SCHOOL, PHONE);
            let made = BUILTIN.shortest_sms(&[&locale(tag)], Purpose::Absence, &facts, max_parts);
            let made = made.expect("a text").text;
            let mut open = 0;
            for c in made.chars() {
                match c {
                    '\u{2068}' => open += 1,
                    '\u{2069}' => open -= 1,
                    _ => {}
                }
                assert!((0..=1).contains(&open), "{made}");
            }
            assert_eq!(open, 0, "{made}");
        }
    }
}

#[test]
fn what_nobody_has_read_goes_to_nobody_of_a_live_school() {
    let (fi, sv) = (locale("fi"), Locale::swedish());
    let plain = |_: &mut School| {};
    let got = |school: &School, tag: &str| {
        let wording = BUILTIN.wording(school, &locale(tag));
        (wording.language.to_string(), wording.instead)
    };
    for mode in [Mode::Shadow, Mode::Guests] {
        assert_eq!(got(&school(mode, plain), "fi"), ("fi".into(), None), "{mode:?}");
    }
    let live = school(Mode::Live, plain);
    assert_eq!(got(&live, "fi"), ("sv".into(), Some(Instead::NotReviewed)));
    assert_eq!(got(&live, "en"), ("en".into(), None));
    assert_eq!(got(&live, "xx"), ("sv".into(), Some(Instead::NoTexts)));
    let read = school(Mode::Live, |s| s.languages.reviewed = [fi.clone()].into());
    assert_eq!(got(&read, "fi"), ("fi".into(), None));
    assert_eq!(got(&read, "ar"), ("sv".into(), Some(Instead::NotReviewed)));
    // A school's own language is no better, and a school that writes in English falls back on it.
    let finnish = school(Mode::Live, |s| s.locale = fi.clone());
    assert_eq!(BUILTIN.wording(&finnish, &fi).schools, sv);
    let english = school(Mode::Live, |s| s.locale = locale("en"));
    assert_eq!(got(&english, "fi"), ("en".into(), Some(Instead::NotReviewed)));
}

fn both(tag: &str) -> Wording {
    let school = school(Mode::Guests, |s| s.languages.translations = Translations::WithSchools);
    BUILTIN.wording(&school, &locale(tag))
}

#[test]
fn the_schools_language_stands_below_where_it_fits() {
    let facts = samples::guardian("Åsa", SCHOOL, PHONE);
    let texts = |tag, max_parts| {
        let made = BUILTIN.worded_sms(&both(tag), Purpose::Absence, &facts, max_parts);
        let (text, languages) = made.expect("a text");
        (text, languages.iter().map(Locale::to_string).collect::<Vec<_>>().join(" "))
    };
    let one = |tag| text(tag, "Åsa", "absence");
    let (made, languages) = texts("fi", 3);
    assert_eq!(languages, "fi sv");
    assert_eq!(made.text, format!("{}\n\n{}", one("fi"), one("sv")));
    assert_eq!((made.parts.encoding, made.parts.parts), (Encoding::Gsm7, 2));
    // The whole is counted: 16-bit units from the Arabic half on.
    let (made, languages) = texts("ar", 5);
    assert_eq!((languages.as_str(), made.parts.encoding), ("ar sv", Encoding::Ucs2));
    let units = u32::try_from(made.text.encode_utf16().count()).expect("short");
    assert_eq!(made.parts.units, units);
    assert!(made.parts.parts > 3, "{made:?}");
    let (alone, languages) = texts("ar", 3);
    assert_eq!((languages.as_str(), alone.text), ("ar", one("ar")));
    assert_eq!(texts("sv", 3).0.text, one("sv"), "it is not said twice");
    let (short, languages) = texts("uk", 1);
    assert_eq!((languages.as_str(), short.text), ("sv", one("sv")), "what does not fit is Swedish");
}

#[test]
fn a_mail_in_both_languages_has_each_in_its_way() {
    let facts = samples::guardian("Åsa", SCHOOL, PHONE);
    let (mail, languages) =
        BUILTIN.worded_mail(&both("ar"), Purpose::Absence, &facts).expect("a mail");
    assert_eq!(languages, [locale("ar"), Locale::swedish()]);
    let own = |tag: &str| {
        BUILTIN.render_guardian_mail(&locale(tag), Purpose::Absence, &facts).expect("a mail")
    };
    let (ar, sv) = (own("ar"), own("sv"));
    assert_eq!(mail.subject, format!("{} / {}", ar.subject, sv.subject));
    assert_eq!(mail.text, format!("{}\n* * *\n\n{}", ar.text, sv.text));
    assert!(mail.html.starts_with("<!doctype html>\n<html lang=\"ar\" dir=\"rtl\">"));
    assert!(
        mail.html.contains("<hr>\n<div lang=\"sv\" dir=\"ltr\">\n<p>Hej!</p>"),
        "{}",
        mail.html
    );
    assert_eq!(mail.html.matches("</body>").count(), 1, "{}", mail.html);
    let plain: Vec<String> =
        mail.text.replace("* * *", "").split_whitespace().map(str::to_owned).collect();
    assert_eq!(words(&mail.html), plain);
}
