//! The sentences in Swedish: short, and with the words that schools use.

use super::{Label, Words, listed, many};
use crate::ladder::plan::{
    Absent, After, Allowed, Condition, Count, DoneBy, Filter, Latch, Once, Run, Share, Span, Still,
    Text, Unit,
};
use crate::ladder::words::{minutes_text, share_text};
use crate::model::StaffRole;

pub(super) struct Swedish;

fn absence(of: Absent) -> &'static str {
    match of {
        Absent::Excused => "giltig frånvaro",
        Absent::Unexcused => "ogiltig frånvaro",
        Absent::Any => "frånvaro (giltig eller ogiltig)",
        Absent::Late => "sen ankomst",
        Absent::LeftEarly => "för tidigt avvikande",
    }
}

fn within(span: &Span) -> String {
    match span {
        Span::Day => "under dagen".into(),
        Span::Days(days) => format!("under de senaste {days} dagarna"),
        Span::Term => "under terminen".into(),
        Span::SchoolYear => "under läsåret".into(),
        Span::Since(step) => format!("sedan steg {step} nåddes"),
    }
}

fn units(number: u32, unit: Unit) -> String {
    match unit {
        Unit::Lesson => many(number, "lektion", "lektioner"),
        Unit::HalfDay => many(number, "halvdag", "halvdagar"),
        Unit::Day => many(number, "dag", "dagar"),
        Unit::Occasion => many(number, "tillfälle", "tillfällen"),
    }
}

fn share(share: &Share) -> String {
    let least = if share.more_than { "mer än" } else { "minst" };
    let whole = if share.by_schedule { "schemalagd tid" } else { "rapporterad tid" };
    format!(
        "{least} {} {} av {whole} {}, när minst {} lektioner har hållits och närvaron är tagen på minst {} av dem",
        share_text(share.at_least),
        absence(share.of),
        within(&share.within),
        minutes_text(share.least_minutes),
        share_text(share.least_taken),
    )
}

impl Swedish {
    fn after(&self, after: &After) -> String {
        let After { step, wait, until, still } = after;
        let passed = match (wait, until) {
            (0, None) => String::new(),
            (0, Some(until)) => {
                format!("inte mer än {} har gått", many((*until).into(), "dag", "dagar"))
            }
            (wait, None) => format!("{} har gått", many((*wait).into(), "dag", "dagar")),
            (wait, Some(until)) => {
                format!(
                    "{} har gått (men inte mer än {until})",
                    many((*wait).into(), "dag", "dagar")
                )
            }
        };
        let passed = if passed.is_empty() { passed } else { format!("{passed}, ") };
        let still = match still {
            Still::Open => "en åtgärd i det steget ännu inte är gjord".into(),
            Still::Holds(condition) => format!("det då är {}", self.condition(condition)),
        };
        format!("steg {step} har nåtts, {passed}och {still}")
    }
}

impl Words for Swedish {
    fn condition(&self, condition: &Condition) -> String {
        let all =
            |parts: &[Condition]| parts.iter().map(|part| self.condition(part)).collect::<Vec<_>>();
        match condition {
            Condition::Count(Count { of, unit, at_least, within: span }) => {
                let units = units((*at_least).into(), *unit);
                format!("minst {units} med {} {}", absence(*of), within(span))
            }
            Condition::Every { of, unit } => {
                let unit = match unit {
                    Unit::Lesson => "varje lektion",
                    Unit::HalfDay => "varje halvdag",
                    Unit::Day => "varje dag",
                    Unit::Occasion => "varje tillfälle",
                };
                format!("{unit} med {}", absence(*of))
            }
            Condition::Share(of) => share(of),
            Condition::Continuous(Run { of, at_least }) => {
                let days = many((*at_least).into(), "skoldag", "skoldagar");
                format!("minst {days} i följd med {}", absence(*of))
            }
            Condition::After(after) => self.after(after),
            Condition::AnyOf(parts) => all(parts).join(", eller "),
            Condition::AllOf(parts) => format!("allt detta: {}", all(parts).join(", och ")),
        }
    }

    fn latch(&self, latch: &Latch, when: &Condition) -> String {
        let often = match (when, latch.once) {
            (Condition::Every { .. }, _) => "en gång för varje".into(),
            (_, Once::Term) => "högst en gång per termin".into(),
            (_, Once::SchoolYear) => "högst en gång per läsår".into(),
            (_, Once::UntilFalseFor(1)) => "igen först när villkoret inte längre har gällt".into(),
            (_, Once::UntilFalseFor(days)) => {
                format!("igen först när villkoret inte har gällt på {days} skoldagar i rad")
            }
        };
        match latch.cool_down {
            0 => often,
            days => format!("{often}, och inte igen inom {}", many(days.into(), "dag", "dagar")),
        }
    }

    fn filter(&self, filter: &Filter) -> String {
        let mut parts = Vec::new();
        if let Some((from, to)) = filter.years {
            parts.push(format!("årskurs {from}–{to}"));
        }
        if let Some((from, to)) = filter.ages {
            parts.push(format!("{from}–{to} år"));
        }
        if !filter.forms.is_empty() {
            parts.push(format!("skolform {}", listed(&filter.forms, "eller")));
        }
        if !filter.schools.is_empty() {
            let schools: Vec<String> = filter.schools.iter().map(ToString::to_string).collect();
            parts.push(format!("skola {}", listed(&schools, "eller")));
        }
        parts.join("; ")
    }

    fn role(&self, role: StaffRole) -> &'static str {
        match role {
            StaffRole::Mentor => "mentor",
            StaffRole::AttendanceTeam => "närvaroteamet",
            StaffRole::StudentHealthTeam => "elevhälsoteamet",
            StaffRole::Principal => "rektor",
            StaffRole::HeadOfEducation => "skolchef",
            StaffRole::HomeMunicipality => "hemkommunen",
            StaffRole::Teacher => "undervisande lärare",
            StaffRole::Operations => "driften",
            StaffRole::Office => "expeditionen",
        }
    }

    fn due(&self, due: Allowed) -> String {
        match due {
            Allowed::SameDay => "samma dag".into(),
            Allowed::Hours(hours) => format!("inom {}", many(hours.into(), "timme", "timmar")),
            Allowed::SchoolDays(days) => {
                format!("inom {}", many(days.into(), "skoldag", "skoldagar"))
            }
        }
    }

    fn remind(&self, remind: Allowed) -> String {
        match remind {
            Allowed::SameDay => "samma dag".into(),
            Allowed::Hours(hours) => format!("{} innan", many(hours.into(), "timme", "timmar")),
            Allowed::SchoolDays(days) => {
                format!("{} innan", many(days.into(), "skoldag", "skoldagar"))
            }
        }
    }

    fn done(&self, done: DoneBy) -> &'static str {
        match done {
            DoneBy::Word => "när någon säger det",
            DoneBy::HomeReached => "när hemmet är nått, eller frånvaron är förklarad",
        }
    }

    fn hand_over(&self, to: Option<StaffRole>) -> String {
        to.map_or_else(
            || "får den som har åtgärden veta det, och den står i listan varje skolmorgon".into(),
            |role| format!("går över till {}", self.role(role)),
        )
    }

    fn text<'t>(&self, text: &'t Text) -> &'t str {
        &text.sv
    }

    fn label(&self, label: Label) -> &'static str {
        match label {
            Label::From => "Gäller från",
            Label::Source => "Källa",
            Label::When => "Nås när",
            Label::Often => "Hur ofta",
            Label::For => "Gäller",
            Label::Told => "Meddelas",
            Label::Duty => "Åtgärd",
            Label::Due => "Senast",
            Label::Remind => "Påminnelse",
            Label::Done => "Räknas som gjord",
            Label::Otherwise => "Annars",
            Label::Documented => "Dokumenteras",
            Label::Then => "Får veta att det finns",
        }
    }
}
