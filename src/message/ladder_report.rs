//! The report of a week of ladders: its numbers as templates see them, and as tables for `upprop report ladder`. Counts of
//! pupils are hidden here where they are small. What people have to do is not: those who read it work with those very cases.

use jiff::civil::Date;
use serde::Serialize;

use crate::model::{LadderCounts, Locale, StaffRole};
use crate::report::{Number, Page, Section, Table};

/// A week in numbers, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LadderReportFacts {
    /// The school's name.
    pub school: String,
    /// The first day, `2026-11-16`.
    pub from: String,
    /// The last day.
    pub to: String,
    /// The week of the year (ISO 8601) that the last day is in.
    pub week: i8,
    /// Whether there are more weeks than that one in it: there was no school in some.
    pub more_weeks: bool,
    /// The steps of the ladders, in their order.
    pub steps: Vec<StepFacts>,
    /// Duties that were made.
    pub made: u64,
    /// Duties that were done in time.
    pub in_time: u64,
    /// Duties that were done later.
    pub late: u64,
    /// Duties to be done now.
    pub open: u64,
    /// How many of them are overdue.
    pub overdue: u64,
    /// How many of them are calls home.
    pub calls: u64,
    /// The same by role.
    pub owners: Vec<OwnerFacts>,
    /// What has been overdue for longest.
    pub oldest: Vec<OldestFacts>,
}

/// A step. Its numbers are `<5` where they are small.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepFacts {
    /// What the ladder is called.
    pub ladder: String,
    /// What the step is called.
    pub step: String,
    /// How often it was reached.
    pub reached: String,
    /// How many of these were taken back.
    pub taken_back: String,
    /// How many pupils stand on it in this term.
    pub pupils: String,
}

/// What those in a role have to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnerFacts {
    /// The role.
    pub role: String,
    /// Duties to be done.
    pub open: u64,
    /// How many of them are overdue.
    pub overdue: u64,
}

/// A duty that is overdue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OldestFacts {
    /// The case number.
    pub case: String,
    /// What people call it by.
    pub number: String,
    /// What is to be done.
    pub what: String,
    /// The role that has it.
    pub role: String,
    /// Since which day, `2026-11-16`.
    pub since: String,
}

impl LadderReportFacts {
    /// Of one school, from a Monday to a Sunday.
    pub fn new(school: &str, from: Date, to: Date, counts: LadderCounts) -> Self {
        let shown = |count| Number::of(count, false).to_string();
        let steps = counts.steps.into_iter().map(|step| StepFacts {
            ladder: step.ladder_title,
            step: step.title,
            reached: shown(step.reached),
            taken_back: shown(step.taken_back),
            pupils: shown(step.pupils),
        });
        let owners = counts.owners.iter().map(|(role, of)| OwnerFacts {
            role: role.as_str().into(),
            open: of.open,
            overdue: of.overdue,
        });
        let oldest = counts.oldest.into_iter().map(|duty| OldestFacts {
            case: duty.case,
            number: duty.number,
            what: duty.what,
            role: duty.owner.as_str().into(),
            since: duty.since.to_string(),
        });
        Self {
            school: school.to_owned(),
            from: from.to_string(),
            to: to.to_string(),
            week: to.iso_week_date().week(),
            more_weeks: (to - from).get_days() > 6,
            steps: steps.collect(),
            made: counts.made,
            in_time: counts.in_time,
            late: counts.late,
            open: counts.owners.values().map(|of| of.open).sum(),
            overdue: counts.owners.values().map(|of| of.overdue).sum(),
            calls: counts.calls,
            owners: owners.collect(),
            oldest: oldest.collect(),
        }
    }

    /// As tables, in Swedish, or in English for all others.
    pub fn page(&self, locale: &Locale) -> Page {
        let swedish = locale.as_str() == "sv";
        let w = |sv: &str, en: &str| if swedish { sv.to_owned() } else { en.to_owned() };
        let section = |title: String, head: Vec<String>, rows: Vec<Vec<String>>| Section {
            title,
            lead: String::new(),
            table: Table { head, rows },
            plots: Vec::new(),
        };
        let step = |of: &StepFacts| {
            let name = format!("{}: {}", of.ladder, of.step);
            vec![name, of.reached.clone(), of.taken_back.clone(), of.pupils.clone()]
        };
        let numbers = [
            (w("Nya", "New"), self.made),
            (w("Gjorda i tid", "Done in time"), self.in_time),
            (w("Gjorda för sent", "Done late"), self.late),
            (w("Kvar nu", "To be done now"), self.open),
            (w("Av dem inte gjorda i tid", "Of these overdue"), self.overdue),
            (w("Av dem samtal hem", "Of these calls home"), self.calls),
        ];
        let number = |(name, count): (String, u64)| vec![name, count.to_string()];
        let owner =
            |of: &OwnerFacts| vec![of.role.clone(), of.open.to_string(), of.overdue.to_string()];
        let oldest = |of: &OldestFacts| {
            vec![
                of.case.clone(),
                of.number.clone(),
                of.since.clone(),
                of.role.clone(),
                of.what.clone(),
            ]
        };
        Page {
            language: w("sv", "en"),
            title: format!(
                "{}, {}",
                w("Veckorapport om handlingsplanen", "The week's ladders"),
                self.school
            ),
            lead: vec![format!("{} – {}", self.from, self.to)],
            sections: vec![
                section(
                    w("Steg", "Steps"),
                    vec![
                        String::new(),
                        w("nådda", "reached"),
                        w("återtagna", "taken back"),
                        w("elever i termin", "pupils this term"),
                    ],
                    self.steps.iter().map(step).collect(),
                ),
                section(
                    w("Uppgifter", "Duties"),
                    vec![String::new(), String::new()],
                    numbers.into_iter().map(number).collect(),
                ),
                section(
                    w("Hos vem", "With whom"),
                    vec![String::new(), w("kvar", "to be done"), w("inte gjorda i tid", "overdue")],
                    self.owners.iter().map(owner).collect(),
                ),
                section(
                    w("Äldst", "Oldest"),
                    vec![
                        w("ärende", "case"),
                        w("nummer", "number"),
                        w("sedan", "since"),
                        w("hos", "with"),
                        w("att göra", "to do"),
                    ],
                    self.oldest.iter().map(oldest).collect(),
                ),
            ],
            notes: (
                w("Att veta om siffrorna", "About these figures"),
                vec![
                    w(
                        "Antal elever och steg under 5 visas som <5, så att ingen enskild elev kan kännas igen.",
                        "Counts of pupils and steps below 5 are shown as <5, so that no single pupil can be recognised.",
                    ),
                    w(
                        "Vad som är kvar, och var elever står, är som det är nu.",
                        "What is to be done, and where pupils stand, is as it is now.",
                    ),
                    w(
                        "Elever med skyddade personuppgifter, och de som inte längre går på skolan, är inte med.",
                        "Pupils whose personal data are protected, and those who have left the school, are left out.",
                    ),
                ],
            ),
            figures: w("Siffrorna", "The figures"),
        }
    }

    /// Whether there is nothing to tell.
    pub fn is_nothing(&self) -> bool {
        let any = self.steps.iter().any(|step| step.reached != "0");
        !any && self.made + self.in_time + self.late + self.open == 0
    }
}

/// Weeks, as templates are tried on them.
pub(super) fn samples() -> Vec<LadderReportFacts> {
    let step = |step: &str, reached: u64, taken_back, pupils| StepFacts {
        ladder: "Handlingsplanen".into(),
        step: step.into(),
        reached: Number::of(reached, false).to_string(),
        taken_back: Number::of(taken_back, false).to_string(),
        pupils: Number::of(pupils, false).to_string(),
    };
    let owner =
        |role: StaffRole, open, overdue| OwnerFacts { role: role.as_str().into(), open, overdue };
    let full = LadderReportFacts {
        school: "Björkskolan".into(),
        from: "2026-11-16".into(),
        to: "2026-11-22".into(),
        week: 47,
        more_weeks: false,
        steps: vec![step("Ogiltigt tillfälle", 17, 3, 12), step("Över en vecka", 1, 0, 2)],
        made: 21,
        in_time: 14,
        late: 2,
        open: 9,
        overdue: 3,
        calls: 4,
        owners: vec![owner(StaffRole::AttendanceTeam, 7, 1), owner(StaffRole::Mentor, 2, 2)],
        oldest: vec![OldestFacts {
            case: "K7QM2XP".into(),
            number: "AB12CD3".into(),
            what: "Tala med eleven".into(),
            role: StaffRole::Mentor.as_str().into(),
            since: "2026-11-09".into(),
        }],
    };
    let quiet = LadderReportFacts {
        from: "2026-10-19".into(),
        to: "2026-11-01".into(),
        week: 44,
        more_weeks: true,
        open: 0,
        overdue: 0,
        calls: 0,
        owners: Vec::new(),
        oldest: Vec::new(),
        ..full.clone()
    };
    vec![full, quiet]
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::Templates;
    use super::super::notice::NoticeFacts;
    use super::*;
    use crate::model::{OwnerCounts, Purpose, StepCounts};
    use crate::report::plain;

    #[test]
    fn small_counts_of_pupils_are_told_nowhere_and_those_of_duties_are() {
        let step = StepCounts {
            ladder: "plan".into(),
            ladder_title: "Planen".into(),
            step: "first".into(),
            title: "Första".into(),
            reached: 7,
            taken_back: 2,
            pupils: 4,
        };
        let counts = LadderCounts {
            steps: vec![step],
            made: 3,
            owners: [(StaffRole::Principal, OwnerCounts { open: 2, overdue: 1 })].into(),
            ..LadderCounts::default()
        };
        let facts = LadderReportFacts::new("S", date(2026, 11, 16), date(2026, 11, 22), counts);
        assert!(!facts.is_nothing() && !facts.more_weeks);
        assert_eq!((facts.week, facts.open, facts.overdue), (47, 2, 1));
        for tag in ["sv", "en"] {
            let locale = Locale::new(tag).expect("a tag");
            let shown = plain(&facts.page(&locale));
            assert!(shown.contains("<5") && shown.contains("principal"), "{shown}");
            let row = shown.lines().find(|line| line.contains("Planen: Första")).expect("a row");
            assert_eq!(row.split_whitespace().skip(2).collect::<Vec<_>>(), ["7", "<5", "<5"]);
            let facts = NoticeFacts::LadderReport(Box::new(facts.clone()));
            let mail = Templates::builtin()
                .render_notice_mail(&locale, Purpose::LadderReport, &facts)
                .expect("a mail");
            assert!(mail.text.contains("<5") && mail.html.contains("&lt;5"), "{}", mail.text);
        }
        let nothing = LadderReportFacts::new(
            "S",
            date(2026, 10, 19),
            date(2026, 11, 1),
            LadderCounts::default(),
        );
        assert!(nothing.is_nothing() && nothing.more_weeks);
    }

    #[test]
    fn a_report_names_its_week_and_what_waits_for_whom() {
        let [full, quiet] = &samples()[..] else { panic!("two") };
        let made = |tag: &str, facts: &LadderReportFacts| {
            let locale = Locale::new(tag).expect("a tag");
            let facts = NoticeFacts::LadderReport(Box::new(facts.clone()));
            let mail =
                Templates::builtin().render_notice_mail(&locale, Purpose::LadderReport, &facts);
            let mail = mail.expect("a mail");
            (mail.subject, mail.text.replace("\r\n", "\n"))
        };
        let (subject, text) = made("sv", full);
        assert_eq!(subject, "Handlingsplanen vecka 47: 9 uppgifter kvar, 3 inte gjorda i tid");
        for words in [
            "Ogiltigt tillfälle (Handlingsplanen)\nNådda: 17, Återtagna: <5, Elever: 12\n",
            "närvaroteam\nKvar: 7, Inte gjorda i tid: 1\n",
            "Ärende: K7QM2XP, Sedan: 2026-11-09, Hos: mentor, Att göra: Tala med eleven, Nummer: AB12CD3\n",
        ] {
            assert!(text.contains(words), "{words:?} is not in\n{text}");
        }
        let (subject, text) = made("en", quiet);
        assert_eq!(subject, "The plan, to week 44: nothing left to do");
        assert!(text.contains("2026-10-19 - 2026-11-01") && !text.contains("Case:"), "{text}");
        for tag in ["sv", "en"] {
            for facts in samples() {
                assert!(!made(tag, &facts).1.contains("\n\n\n"), "{}", made(tag, &facts).1);
            }
        }
    }
}
