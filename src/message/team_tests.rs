//! The mails of the attendance team as people read them, and what a closed case may not tell.

use super::facts::{TeamCase, TeamGuardian, TeamLesson};
use super::{MailText, RenderError, Templates, samples};
use crate::directory::SubjectIdentity;
use crate::model::Locale;

fn mail(tag: &str, case: &TeamCase, identity: SubjectIdentity) -> MailText {
    Templates::builtin().render_team_mail(&Locale::new(tag).unwrap(), case, identity).unwrap()
}

#[test]
fn an_alert_is_all_that_a_person_needs_in_order_to_ring() {
    let alert = mail("sv", &samples::team_case(), SubjectIdentity::None);
    assert_eq!(alert.subject, "Ej anlänt: 1 elev, ärende K7QM2XP");
    assert_eq!(
        alert.text,
        "Eleven hade inte kommit när lektionen slutade. Ring vårdnadshavarna i dag.

Ingen närvaro var registrerad vid lektionens slut.

Elev: Alva Ek
Klass: 7B
Skola: Björkskolan
Datum: 2026-11-23
Mentor: Dag Lund
Ärende: K7QM2XP

Lektioner
- kl 08.20-09.20, Ma 7B: frånvarande utan anmälan (gäller det här ärendet)
  Rapporterat av: kaj
  Anteckning: Brukar komma med buss 4.
- kl 10.10-11.00: inte registrerad

Vårdnadshavare
- Bo Ek, 070-174 06 06: meddelandet har kommit fram kl 08.31
- Cleo Ek: får inte meddelas, ring inte

Skickat automatiskt av upprop.
"
    );
    for cell in [
        "<caption>Lektioner</caption>",
        "<th scope=\"row\">Bo Ek</th><td>070-174 06 06</td>",
        "<th scope=\"row\">Cleo Ek</th><td></td><td>får inte meddelas, ring inte</td>",
        "<th scope=\"col\">Anteckning</th>",
    ] {
        assert!(alert.html.contains(cell), "{cell} not in {}", alert.html);
    }
    for remote in ["http", "style=", "<img", "<script", "src="] {
        assert!(!alert.html.contains(remote), "{remote}");
    }
}

#[test]
fn subjects_follow_the_schools_choice_and_keep_the_conversation() {
    let alert = samples::team_case();
    let update = TeamCase { kind: "team-update".into(), ..alert.clone() };
    let correction =
        TeamCase { kind: "correction".into(), correction: "arrived".into(), ..alert.clone() };
    for (tag, case, identity, subject) in [
        ("sv", &alert, SubjectIdentity::Initials, "Ej anlänt: A.E., 7B, ärende K7QM2XP"),
        ("sv", &alert, SubjectIdentity::Name, "Ej anlänt: Alva Ek, 7B, ärende K7QM2XP"),
        ("en", &alert, SubjectIdentity::None, "Not arrived: 1 pupil, case K7QM2XP"),
        // A prefix in brackets is no part of the base subject (RFC 5256 §2.1).
        ("sv", &update, SubjectIdentity::None, "[Komplettering] Ej anlänt: 1 elev, ärende K7QM2XP"),
        (
            "sv",
            &correction,
            SubjectIdentity::None,
            "[Har kommit] Ej anlänt: 1 elev, ärende K7QM2XP",
        ),
        (
            "en",
            &correction,
            SubjectIdentity::None,
            "[Has arrived] Not arrived: 1 pupil, case K7QM2XP",
        ),
    ] {
        assert_eq!(mail(tag, case, identity).subject, subject);
    }
}

#[test]
fn a_task_about_a_protected_pupil_has_no_content() {
    let case = TeamCase {
        kind: "staff-task".into(),
        task: "protected".into(),
        reason: "protected".into(),
        ..samples::team_case()
    };
    let task = mail("sv", &case, SubjectIdentity::Name);
    assert_eq!(task.subject, "Kontrollera ärende i elevregistret (K7QM2XP)");
    assert_eq!(
        task.text,
        "Kontrollera ärende i elevregistret.\n\nÄrende: K7QM2XP\n\nSkickat automatiskt av upprop.\n"
    );
    let unknown = TeamCase { task: "unknown-pupil".into(), ..case.clone() };
    for (case, identified) in [(&case, false), (&unknown, true)] {
        for tag in ["sv", "en"] {
            let task = mail(tag, case, SubjectIdentity::Name);
            let all = format!("{} {} {}", task.subject, task.text, task.html);
            for secret in ["Alva", "Ek", "7B", "Björk", "bjork", "Dag Lund", "08.20", "070", "2026"]
            {
                assert!(!all.contains(secret), "{secret} in {all}");
            }
            assert_eq!(all.contains("p-17"), identified, "{all}");
        }
    }
}

#[test]
fn tasks_say_what_has_failed() {
    let nobody = TeamCase {
        kind: "staff-task".into(),
        task: "nobody-reached".into(),
        reason: "age-unknown".into(),
        ..samples::team_case()
    };
    let task = mail("en", &nobody, SubjectIdentity::None);
    assert_eq!(task.subject, "Nobody reached: 1 pupil, case K7QM2XP");
    assert!(task.text.starts_with(
        "Nobody could be told of the absence. Call today.\n\nThe pupil's age is not known, so it \
         cannot be decided whom to tell.\n\nPupil: Alva Ek\n"
    ));
    let doubt = TeamCase { task: "held-in-doubt".into(), ..nobody };
    let task = mail("sv", &doubt, SubjectIdentity::Initials);
    assert_eq!(task.subject, "Oklart om ett meddelande kom fram: A.E., 7B, ärende K7QM2XP");
}

#[test]
fn words_the_templates_do_not_know_and_long_days_are_shown() {
    let base = samples::team_case();
    let lesson =
        TeamLesson { mark: "sent_home".into(), note: "x".repeat(500), ..base.lessons[0].clone() };
    let guardian = TeamGuardian { told: "by-pigeon".into(), ..base.guardians[0].clone() };
    let case = TeamCase { lessons: vec![lesson; 40], guardians: vec![guardian; 20], ..base };
    let alert = mail("sv", &case, SubjectIdentity::None);
    for text in [&alert.text, &alert.html] {
        assert_eq!(text.matches("sent_home").count(), 40);
        assert_eq!(text.matches("by-pigeon").count(), 20);
    }
}

#[test]
fn a_kind_of_case_there_is_not_is_refused() {
    let case = TeamCase { kind: "other".into(), ..samples::team_case() };
    let made =
        Templates::builtin().render_team_mail(&Locale::swedish(), &case, SubjectIdentity::None);
    assert_eq!(made, Err(RenderError::NoTemplate("a case of kind \"other\"".into())));
}

#[test]
fn who_is_to_be_rung_is_told_with_what_speaks_for_and_against() {
    let base = samples::team_case();
    let both = |case: &TeamCase| {
        let mail = mail("sv", case, SubjectIdentity::None);
        [mail.text, mail.html]
    };
    let failed = TeamGuardian { failed: vec!["sms".into()], ..base.guardians[0].clone() };
    for text in both(&TeamCase { guardians: vec![failed], ..base.clone() }) {
        assert!(text.contains("kl 08.31; SMS kom inte fram"), "{text}");
    }
    for text in both(&TeamCase { of_age: true, ..base.clone() }) {
        assert!(text.contains("Ring eleven i dag") && text.contains("Eleven är myndig"), "{text}");
    }
    for text in both(&TeamCase { age_unknown: true, ..base }) {
        assert!(text.contains("Födelsedatum saknas"), "{text}");
    }
}
