//! Texts about no one pupil: registers that are not taken, sources that say nothing, sessions of programmes, and the lists
//! of the day. No name of a pupil can reach the others: their facts have no place for one.

use minijinja::value::{Serde, Value};
use serde::Serialize;
use serde_json::Value as Json;

use super::clean::{self, SMS_NAME};
use super::daily::{self, NotReachedFacts, RosterFacts};
use super::day_report::{self, DayReportFacts};
use super::duty_list::{self, DutyListFacts};
use super::engine::Failure;
use super::hold::{self, HoldFacts};
use super::ladder::{self, LadderFacts};
use super::ladder_report::{self, LadderReportFacts};
use super::programme::{self, ProgrammeFacts};
use super::render::{self, MailText, RenderError, SmsText};
use super::sms;
use super::term_report::{self, TermFacts};
use super::{Templates, engine, team};
use crate::model::{Locale, Purpose};

/// The facts of one register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegisterFacts {
    /// The school's name.
    pub school: String,
    /// What the lesson is called; empty: nothing.
    pub lesson: String,
    /// Classes of those who were to come; empty: not known.
    pub class: String,
    /// The lesson's day where it is not today, `2026-11-20`; empty: today.
    pub day: String,
    /// `08.20`, the school's zone.
    pub start: String,
    /// `09.20`, the school's zone.
    pub end: String,
    /// Names of those who teach; empty: not known.
    pub teacher: String,
    /// How many pupils were to come.
    pub pupils: usize,
    /// Whether that is known.
    pub pupils_known: bool,
    /// When the register was taken, `09.31`; empty: it is not.
    pub taken: String,
}

/// The facts of a digest of registers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DigestFacts {
    /// The school's name.
    pub school: String,
    /// The day of the digest, `2026-11-20`.
    pub date: String,
    /// The lessons, in the order of their start.
    pub lessons: Vec<DigestLesson>,
    /// How many more there are than are named.
    pub more: usize,
    /// How many registers were not taken.
    pub untaken: usize,
    /// How many were taken late.
    pub late: usize,
    /// How many lessons of the day have ended whose registers count.
    pub ended: usize,
}

/// One lesson of a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DigestLesson {
    /// What it is called; empty: nothing.
    pub lesson: String,
    /// As in [`RegisterFacts`].
    pub class: String,
    /// As in [`RegisterFacts`].
    pub day: String,
    /// As in [`RegisterFacts`].
    pub start: String,
    /// As in [`RegisterFacts`].
    pub end: String,
    /// As in [`RegisterFacts`].
    pub teacher: String,
    /// The register is not taken; else it was taken late.
    pub untaken: bool,
    /// When it was taken; empty: it is not.
    pub taken: String,
}

/// The facts of a source that says nothing, or speaks again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceFacts {
    /// The school's name.
    pub school: String,
    /// The source, as it is called in configuration.
    pub source: String,
    /// It does not answer at all.
    pub unreachable: bool,
    /// When the last mark had come, or when it last answered, `09.10`; empty: not known.
    pub since: String,
    /// The day of that where it is not the day of the notice; else empty.
    pub day: String,
    /// Lessons that had ended since then; 0: that is not counted.
    pub lessons: u32,
    /// When a mark came again; empty: none has.
    pub over: String,
}

/// What a notice is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum NoticeFacts {
    /// One register.
    Register(RegisterFacts),
    /// A digest of registers.
    Digest(DigestFacts),
    /// A source.
    Source(SourceFacts),
    /// Those of whom nobody was reached.
    NotReached(NotReachedFacts),
    /// Those of whom nobody was told on the day.
    Missed(NotReachedFacts),
    /// An audit of the directory.
    Roster(RosterFacts),
    /// Messages that are held.
    Hold(Box<HoldFacts>),
    /// A school day.
    DayReport(DayReportFacts),
    /// A term.
    Term(Box<TermFacts>),
    /// Sessions of programmes in one class.
    Programme(ProgrammeFacts),
    /// A step of a ladder.
    Ladder(Box<LadderFacts>),
    /// Duties that are left.
    DutyList(DutyListFacts),
    /// The ladders of a week.
    LadderReport(Box<LadderReportFacts>),
}

impl Templates {
    /// A notice about a register as a text message of at most `max_parts` parts; what the lesson is called is
    /// left out where the text would take more.
    ///
    /// # Errors
    /// See [`RenderError`].
    pub fn render_register_sms(
        &self,
        locale: &Locale,
        purpose: Purpose,
        facts: &RegisterFacts,
        max_parts: u32,
    ) -> Result<SmsText, RenderError> {
        let made = self.register_sms(locale, purpose, facts, max_parts)?;
        let parts = made.parts.parts;
        if parts > max_parts {
            let file = render::sms_name(self.pick_for_staff(&[locale]), purpose);
            return Err(RenderError::TooLong { file, parts, max_parts });
        }
        Ok(made)
    }

    /// As [`Self::render_register_sms`], however long.
    pub(super) fn register_sms(
        &self,
        locale: &Locale,
        purpose: Purpose,
        facts: &RegisterFacts,
        max_parts: u32,
    ) -> Result<SmsText, RenderError> {
        if purpose != Purpose::RegisterNudge {
            return Err(RenderError::NoTemplate(format!("{} by text", purpose.as_str())));
        }
        let line = |text: &String| clean::line(text, SMS_NAME);
        let mut facts = RegisterFacts {
            school: line(&facts.school),
            lesson: line(&facts.lesson),
            class: line(&facts.class),
            teacher: line(&facts.teacher),
            ..facts.clone()
        };
        if facts.school.is_empty() {
            return Err(RenderError::Missing("the school's name"));
        }
        let locale = self.pick_for_staff(&[locale]);
        let mut made = text(self, locale, purpose, &facts)?;
        if sms::count(&made).parts > max_parts {
            facts.lesson = String::new();
            made = text(self, locale, purpose, &facts)?;
        }
        let parts = sms::count(&made);
        Ok(SmsText { text: made, parts })
    }

    /// A notice as a mail.
    ///
    /// # Errors
    /// See [`RenderError`].
    pub fn render_notice_mail(
        &self,
        locale: &Locale,
        purpose: Purpose,
        facts: &NoticeFacts,
    ) -> Result<MailText, RenderError> {
        let fits = match facts {
            NoticeFacts::Register(_) => matches!(
                purpose,
                Purpose::RegisterNudge | Purpose::RegisterUntaken | Purpose::RegisterTaken
            ),
            NoticeFacts::Digest(_) => purpose == Purpose::RegisterDigest,
            NoticeFacts::Hold(_) => purpose == Purpose::VolumeHold,
            NoticeFacts::Ladder(_) => purpose.is_of_ladder(),
            NoticeFacts::Source(_) => {
                matches!(purpose, Purpose::SourceAlert | Purpose::SourceClear)
            }
            NoticeFacts::NotReached(_) => purpose == Purpose::NotReached,
            NoticeFacts::Missed(_) => purpose == Purpose::Missed,
            NoticeFacts::Roster(_) => purpose == Purpose::RosterAudit,
            NoticeFacts::DayReport(_) => purpose == Purpose::DayReport,
            NoticeFacts::Term(_) => purpose == Purpose::TermReport,
            NoticeFacts::Programme(_) => purpose == Purpose::ProgrammeReminder,
            NoticeFacts::DutyList(_) => purpose == Purpose::DutyList,
            NoticeFacts::LadderReport(_) => purpose == Purpose::LadderReport,
        };
        if !fits {
            return Err(RenderError::NoTemplate(format!("{} of these facts", purpose.as_str())));
        }
        Ok(mail(self, self.pick_for_staff(&[locale]), purpose, facts)?)
    }
}

/// A text message from clean facts.
fn text(
    templates: &Templates,
    locale: &Locale,
    purpose: Purpose,
    facts: &RegisterFacts,
) -> Result<String, Failure> {
    let name = render::sms_name(locale, purpose);
    let text = engine::render(&templates.env, &name, Value::from(Serde(facts)))?;
    render::required(name, render::tidy(&sms::fold(&text)))
}

/// A mail; the facts are cleaned here.
fn mail(
    templates: &Templates,
    locale: &Locale,
    purpose: Purpose,
    facts: &NoticeFacts,
) -> Result<MailText, Failure> {
    let facts: Json = team::cleaned(serde_json::to_value(facts).unwrap_or_default());
    render::mail(templates, locale, purpose.as_str(), &Value::from(Serde(facts)))
}

/// One register, as templates are tried on it.
pub(super) fn sample_register(lesson: &str, school: &str) -> RegisterFacts {
    RegisterFacts {
        school: school.into(),
        lesson: lesson.into(),
        class: "7B".into(),
        day: String::new(),
        start: "08.20".into(),
        end: "09.20".into(),
        teacher: "Kim Holm".into(),
        pupils: 24,
        pupils_known: true,
        taken: String::new(),
    }
}

/// A digest, as templates are tried on it.
pub(super) fn sample_digest() -> DigestFacts {
    let lesson = DigestLesson {
        lesson: "Ma 7B".into(),
        class: "7B".into(),
        day: String::new(),
        start: "08.20".into(),
        end: "09.20".into(),
        teacher: "Kim Holm".into(),
        untaken: true,
        taken: String::new(),
    };
    let late = DigestLesson { untaken: false, taken: "08.41".into(), ..lesson.clone() };
    DigestFacts {
        school: "Björkskolan".into(),
        date: "2026-11-20".into(),
        lessons: vec![lesson, late],
        more: 0,
        untaken: 1,
        late: 1,
        ended: 31,
    }
}

/// A silent source, as templates are tried on it.
pub(super) fn sample_source() -> SourceFacts {
    SourceFacts {
        school: "Björkskolan".into(),
        source: "skolsystem".into(),
        unreachable: false,
        since: "09.10".into(),
        day: String::new(),
        lessons: 31,
        over: String::new(),
    }
}

/// Facts of every kind, each with what it is for.
fn samples() -> Vec<(Purpose, NoticeFacts)> {
    let full = sample_register("Ma 7B", "Björkskolan");
    let bare = RegisterFacts {
        lesson: String::new(),
        class: String::new(),
        day: "2026-11-20".into(),
        teacher: String::new(),
        pupils: 0,
        pupils_known: false,
        taken: "09.31".into(),
        ..full.clone()
    };
    let mut all = Vec::new();
    for purpose in [Purpose::RegisterNudge, Purpose::RegisterUntaken, Purpose::RegisterTaken] {
        all.push((purpose, NoticeFacts::Register(full.clone())));
        all.push((purpose, NoticeFacts::Register(bare.clone())));
    }
    let mut late = sample_digest();
    late.lessons.remove(0);
    late.lessons[0].day = "2026-11-19".into();
    (late.untaken, late.more, late.late) = (0, 3, 4);
    for digest in [sample_digest(), late] {
        all.push((Purpose::RegisterDigest, NoticeFacts::Digest(digest)));
    }
    let holds = hold::samples().into_iter();
    all.extend(holds.map(|facts| (Purpose::VolumeHold, NoticeFacts::Hold(Box::new(facts)))));
    for purpose in [
        Purpose::LadderStep,
        Purpose::Duty,
        Purpose::DutyReminder,
        Purpose::DutyOverdue,
        Purpose::DutyDocumented,
        Purpose::LadderRetracted,
        Purpose::PupilLeft,
    ] {
        let steps = ladder::samples().into_iter();
        all.extend(steps.map(|facts| (purpose, NoticeFacts::Ladder(Box::new(facts)))));
    }
    let source = sample_source();
    let unknown = SourceFacts {
        since: String::new(),
        day: "2026-11-19".into(),
        lessons: 1,
        over: "10.02".into(),
        ..source.clone()
    };
    for purpose in [Purpose::SourceAlert, Purpose::SourceClear] {
        all.push((purpose, NoticeFacts::Source(source.clone())));
        all.push((purpose, NoticeFacts::Source(unknown.clone())));
        let unreachable = SourceFacts { unreachable: true, lessons: 0, ..unknown.clone() };
        all.push((purpose, NoticeFacts::Source(unreachable)));
        all.push((purpose, NoticeFacts::Source(SourceFacts { lessons: 0, ..source.clone() })));
    }
    let lists = daily::not_reached_samples().into_iter();
    all.extend(lists.map(|facts| (Purpose::NotReached, NoticeFacts::NotReached(facts))));
    let lists = daily::not_reached_samples().into_iter();
    all.extend(lists.map(|facts| (Purpose::Missed, NoticeFacts::Missed(facts))));
    let audits = daily::roster_samples().into_iter();
    all.extend(audits.map(|facts| (Purpose::RosterAudit, NoticeFacts::Roster(facts))));
    let reports = day_report::samples().into_iter();
    all.extend(reports.map(|facts| (Purpose::DayReport, NoticeFacts::DayReport(facts))));
    let term = Box::new(term_report::sample());
    all.push((Purpose::TermReport, NoticeFacts::Term(term)));
    let reminders = programme::samples().into_iter();
    let of = |facts| (Purpose::ProgrammeReminder, NoticeFacts::Programme(facts));
    all.extend(reminders.map(of));
    let lists = duty_list::samples().into_iter();
    all.extend(lists.map(|facts| (Purpose::DutyList, NoticeFacts::DutyList(facts))));
    let reports = ladder_report::samples().into_iter();
    let of = |facts| (Purpose::LadderReport, NoticeFacts::LadderReport(Box::new(facts)));
    all.extend(reports.map(of));
    all
}

/// What is wrong with a language's templates of them, tried on samples.
pub(super) fn faults(templates: &Templates, locale: &Locale) -> Vec<Failure> {
    let mut found = Vec::new();
    for (purpose, facts) in samples() {
        if let (Purpose::RegisterNudge, NoticeFacts::Register(register)) = (purpose, &facts) {
            found.extend(text(templates, locale, purpose, register).err());
        }
        found.extend(mail(templates, locale, purpose, &facts).err());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::sms::Encoding;

    fn locales() -> [Locale; 2] {
        ["sv", "en"].map(|tag| Locale::new(tag).expect("a tag"))
    }

    #[test]
    fn every_notice_is_made_in_every_language_with_the_same_words_in_both_parts() {
        let templates = Templates::builtin();
        for locale in locales() {
            for (purpose, facts) in samples() {
                let mail = templates.render_notice_mail(&locale, purpose, &facts).expect("a mail");
                assert!(!mail.subject.is_empty() && mail.subject.chars().count() < 80, "{mail:?}");
                let words = |text: &str| {
                    let mut plain = String::new();
                    let mut inside = false;
                    for c in text.chars() {
                        match c {
                            '<' => inside = true,
                            '>' => (inside, plain) = (false, plain + " "),
                            c if !inside => plain.push(c),
                            _ => {}
                        }
                    }
                    plain
                        .replace("&#x2f;", "/")
                        .replace("&lt;", "<")
                        .split_whitespace()
                        .collect::<Vec<_>>()
                        .join(" ")
                };
                let html = words(mail.html.split("<body>").nth(1).expect("a body"));
                for line in mail.text.lines().filter(|line| !line.is_empty()) {
                    // A table has no colons and no commas.
                    for part in line.split([':', ',']).map(str::trim) {
                        assert!(html.contains(part), "{purpose:?} {locale}: {part:?} in {html}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_came_from_outside_is_no_markup_and_no_second_line() {
        let templates = Templates::builtin();
        let facts = sample_register("<b>Ma\r\nBcc: x@example.se", "Björkskolan");
        for locale in locales() {
            for purpose in [Purpose::RegisterNudge, Purpose::RegisterUntaken] {
                let facts = NoticeFacts::Register(facts.clone());
                let mail = templates.render_notice_mail(&locale, purpose, &facts).expect("a mail");
                assert!(!mail.html.contains("<b>") && !mail.subject.contains('\n'), "{mail:?}");
            }
        }
    }

    #[test]
    fn a_text_fits_and_names_the_lesson_where_there_is_room() {
        let templates = Templates::builtin();
        for locale in locales() {
            let made = |lesson: &str| {
                let facts = sample_register(lesson, "Björkskolan");
                templates.render_register_sms(&locale, Purpose::RegisterNudge, &facts, 1)
            };
            let text = made("Ma 7B").expect("one part");
            assert!(text.text.contains("08.20") && text.text.contains("(Ma 7B)"), "{text:?}");
            assert_eq!(text.parts.encoding, Encoding::Gsm7);
            let text = made(&"Ж".repeat(60)).expect("one part, without it");
            assert!(!text.text.contains('('), "{text:?}");
            let unnamed = sample_register("Ma", " ");
            let purpose = Purpose::RegisterNudge;
            assert!(templates.render_register_sms(&locale, purpose, &unnamed, 1).is_err());
        }
        let facts = sample_register("Ma", "Björkskolan");
        let sv = Locale::swedish();
        let other = templates.render_register_sms(&sv, Purpose::RegisterUntaken, &facts, 3);
        assert!(matches!(other, Err(RenderError::NoTemplate(_))), "{other:?}");
        let facts = NoticeFacts::Register(facts);
        let other = templates.render_notice_mail(&sv, Purpose::SourceAlert, &facts);
        assert!(matches!(other, Err(RenderError::NoTemplate(_))), "{other:?}");
    }
}
