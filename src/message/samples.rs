//! Made-up facts of every kind a text can be made from. Templates are tried on them at load, and
//! previews show them; nothing here is about anybody.

use jiff::Timestamp;

use super::facts::{GuardianFacts, PersonMissed, TeamCase, TeamGuardian, TeamLesson, task_word};
use crate::model::{CorrectionKind, Purpose, Reason, TaskKind};

/// One set of facts with a name for people.
pub(super) struct Sample {
    /// `absence, adult, yesterday`.
    pub name: String,
    /// Absence or correction.
    pub purpose: Purpose,
    /// The facts.
    pub facts: GuardianFacts,
}

/// The ordinary case: a lesson today, first message.
pub(super) fn guardian(pupil: &str, school: &str, phone: &str) -> GuardianFacts {
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
        correction: String::new(),
        arrived: String::new(),
        school: school.into(),
        phone: phone.into(),
        people: Vec::new(),
        count: 0,
        short: false,
        past_tense: false,
    }
}

/// Of a message about several lessons of one pupil.
fn several(facts: &GuardianFacts, times: &[&str]) -> GuardianFacts {
    let one = PersonMissed { pupil: facts.pupil.clone(), times: times.join(", ") };
    GuardianFacts { people: vec![one], count: times.len(), past_tense: true, ..facts.clone() }
}

/// Messages about several pupils, now and when the day is over.
pub(super) fn siblings(school: &str, phone: &str) -> Vec<Sample> {
    let base = guardian("Alva", school, phone);
    let person =
        |pupil: &str, times: &str| PersonMissed { pupil: pupil.into(), times: times.into() };
    let all = [("Alva", "08.20, 10.10"), ("Nils", "08.30"), ("Åke", "09.40")];
    let mut samples = Vec::new();
    for (many, past_tense) in [(2, false), (3, false), (2, true), (3, true)] {
        let people = all.iter().take(many).map(|(pupil, times)| person(pupil, times)).collect();
        let facts = GuardianFacts { people, count: many + 1, past_tense, ..base.clone() };
        samples.push(sample(Purpose::Absence, facts, "", vec!["siblings"]));
    }
    samples
}

/// Every combination that a guardian's or adult pupil's message can be made from.
pub(super) fn guardians(pupil: &str, school: &str, phone: &str) -> Vec<Sample> {
    let base = guardian(pupil, school, phone);
    let mut samples = Vec::new();
    for adult in [false, true] {
        for (day, word) in [("", ""), ("yesterday", "yesterday"), ("2026-11-20", "earlier day")] {
            let over = !day.is_empty();
            let facts = GuardianFacts { adult, over, day: day.into(), ..base.clone() };
            for bits in 0..8_u8 {
                let flags = [bits & 1 != 0, bits & 2 != 0, bits & 4 != 0];
                let [further, renewed, late] = flags;
                let seen_late = if late && day.is_empty() { "11.02" } else { "" };
                let facts = GuardianFacts {
                    further,
                    renewed,
                    late_registration: late && !day.is_empty(),
                    seen_late: seen_late.into(),
                    over: over || late,
                    ..facts.clone()
                };
                let late = if day.is_empty() { "came late" } else { "registered late" };
                let words = ["further", "renewed", late];
                let set = words.into_iter().zip(flags).filter_map(|(word, on)| on.then_some(word));
                samples.push(sample(Purpose::Absence, facts, word, set.collect()));
            }
            // To a pupil of age it is what the register says, whenever that is read.
            if day.is_empty() && !adult {
                let facts = GuardianFacts { over: true, ..facts.clone() };
                samples.push(sample(Purpose::Absence, facts, word, vec!["over"]));
            }
            for (kind, arrived) in [
                (CorrectionKind::WasThere, ""),
                (CorrectionKind::Arrived, "08.45"),
                (CorrectionKind::Arrived, ""),
                (CorrectionKind::Excused, ""),
                (CorrectionKind::Cancelled, ""),
                (CorrectionKind::LeftEarly, ""),
                (CorrectionKind::ExcusedByMark, ""),
            ] {
                let correction = GuardianFacts::correction_word(Some(kind));
                let mut words = vec![correction.as_str()];
                words.extend((!arrived.is_empty()).then_some("time known"));
                let facts = GuardianFacts {
                    correction: correction.clone(),
                    arrived: arrived.into(),
                    ..facts.clone()
                };
                samples.push(sample(Purpose::Correction, facts, word, words));
            }
        }
    }
    samples
}

/// Messages about several lessons of one pupil, and lines about one more.
pub(super) fn digests(pupil: &str, school: &str, phone: &str) -> Vec<Sample> {
    let base = guardian(pupil, school, phone);
    let mut samples = Vec::new();
    for adult in [false, true] {
        for (day, word) in [("", ""), ("yesterday", "yesterday"), ("2026-11-20", "earlier day")] {
            let facts = GuardianFacts { adult, day: day.into(), ..base.clone() };
            for further in [false, true] {
                let facts = GuardianFacts { further, ..facts.clone() };
                for (times, what) in
                    [(&["13.00"][..], "digest of one"), (&["08.20", "10.10", "13.00"], "digest")]
                {
                    let mut words = vec![what];
                    words.extend(further.then_some("further"));
                    samples.push(sample(Purpose::Absence, several(&facts, times), word, words));
                }
            }
            let short = GuardianFacts {
                short: true,
                past_tense: false,
                further: true,
                ..several(&facts, &["10.10"])
            };
            samples.push(sample(Purpose::Absence, short, word, vec!["short"]));
        }
    }
    samples
}

fn sample(purpose: Purpose, facts: GuardianFacts, day: &str, set: Vec<&str>) -> Sample {
    let mut words = vec![purpose.as_str()];
    words.extend(facts.adult.then_some("adult"));
    words.extend((!day.is_empty()).then_some(day));
    words.extend(set);
    Sample { name: words.join(", "), purpose, facts }
}

/// One full case.
pub(super) fn team_case() -> TeamCase {
    TeamCase {
        version: 1,
        kind: Purpose::TeamAlert.as_str().into(),
        case: "K7QM2XP".into(),
        school: "bjork".into(),
        school_name: "Björkskolan".into(),
        pupil: "p-17".into(),
        pupil_name: "Alva Ek".into(),
        class: "7B".into(),
        date: "2026-11-23".into(),
        reason: Reason::NotArrivedByLessonEnd.as_str(),
        correction: String::new(),
        task: String::new(),
        lessons: vec![
            TeamLesson {
                id: "l-1".into(),
                label: "Ma 7B".into(),
                start: "08.20".into(),
                end: "09.20".into(),
                mark: "unexcused".into(),
                subject: true,
                reported_by: "kaj".into(),
                note: "Brukar komma med buss 4.".into(),
            },
            TeamLesson {
                id: "l-2".into(),
                label: String::new(),
                start: "10.10".into(),
                end: "11.00".into(),
                mark: "unknown".into(),
                subject: false,
                reported_by: String::new(),
                note: String::new(),
            },
        ],
        of_age: false,
        age_unknown: false,
        guardians: vec![
            TeamGuardian {
                name: "Bo Ek".into(),
                phone: "070-174 06 06".into(),
                told: "delivered".into(),
                told_at: "08.31".into(),
                failed: Vec::new(),
            },
            TeamGuardian {
                name: "Cleo Ek".into(),
                phone: "070-174 06 07".into(),
                told: "not-entitled".into(),
                told_at: String::new(),
                failed: Vec::new(),
            },
        ],
        mentor: "Dag Lund".into(),
        link: String::new(),
        made_at: Timestamp::UNIX_EPOCH,
    }
}

/// Every kind of case, full and as empty as it can be.
pub(super) fn team_cases() -> Vec<TeamCase> {
    let full = team_case();
    let reported = Reason::ReportedByTeacher.as_str();
    let mut cases = vec![
        TeamCase { reason: reported.clone(), ..full.clone() },
        TeamCase { of_age: true, ..full.clone() },
        TeamCase {
            guardians: vec![TeamGuardian {
                failed: vec!["sms".into(), "email".into()],
                ..full.guardians[0].clone()
            }],
            ..full.clone()
        },
        TeamCase { age_unknown: true, ..full.clone() },
        TeamCase { link: "https://upprop.example.se/case/x".into(), ..full.clone() },
        TeamCase { reason: Reason::PhoneFirst.as_str(), ..full.clone() },
        TeamCase { kind: Purpose::TeamUpdate.as_str().into(), reason: reported, ..full.clone() },
    ];
    for kind in [
        CorrectionKind::WasThere,
        CorrectionKind::Arrived,
        CorrectionKind::Excused,
        CorrectionKind::Cancelled,
        CorrectionKind::LeftEarly,
        CorrectionKind::ExcusedByMark,
    ] {
        cases.push(TeamCase {
            kind: Purpose::Correction.as_str().into(),
            correction: GuardianFacts::correction_word(Some(kind)),
            reason: Reason::ToldOtherwise.as_str(),
            ..full.clone()
        });
    }
    for (kind, reason) in [
        (TaskKind::Protected, Reason::Protected),
        (TaskKind::NobodyReached, Reason::NoContact),
        (TaskKind::NobodyReached, Reason::StaffMustAct),
        (TaskKind::UnknownPupil, Reason::UnknownPupil),
        (TaskKind::HeldInDoubt, Reason::HeldInDoubt),
        (TaskKind::NotPutRight, Reason::TriesUsed),
        (TaskKind::CheckNumber, Reason::BadContact),
    ] {
        cases.push(TeamCase {
            kind: Purpose::StaffTask.as_str().into(),
            task: task_word(Some(kind)),
            reason: reason.as_str(),
            ..full.clone()
        });
    }
    cases.push(full);
    let empty: Vec<TeamCase> = cases
        .iter()
        .map(|case| TeamCase {
            pupil_name: String::new(),
            class: String::new(),
            mentor: String::new(),
            lessons: Vec::new(),
            guardians: Vec::new(),
            ..case.clone()
        })
        .collect();
    cases.extend(empty);
    cases
}
