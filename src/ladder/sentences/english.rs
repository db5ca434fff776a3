//! The sentences in English.

use super::{Label, Words, listed, many};
use crate::ladder::plan::{
    Absent, After, Allowed, Condition, Count, DoneBy, Filter, Latch, Once, Run, Share, Span, Still,
    Text, Unit,
};
use crate::ladder::words::{minutes_text, share_text};
use crate::model::StaffRole;

pub(super) struct English;

fn absence(of: Absent) -> &'static str {
    match of {
        Absent::Excused => "excused absence",
        Absent::Unexcused => "unexcused absence",
        Absent::Any => "absence (excused or not)",
        Absent::Late => "coming late",
        Absent::LeftEarly => "leaving early",
    }
}

fn within(span: &Span) -> String {
    match span {
        Span::Day => "on the day".into(),
        Span::Days(days) => format!("in the last {days} days"),
        Span::Term => "in the term".into(),
        Span::SchoolYear => "in the school year".into(),
        Span::Since(step) => format!("since step {step} was reached"),
    }
}

fn units(number: u32, unit: Unit) -> String {
    match unit {
        Unit::Lesson => many(number, "lesson", "lessons"),
        Unit::HalfDay => many(number, "half day", "half days"),
        Unit::Day => many(number, "day", "days"),
        Unit::Occasion => many(number, "occasion", "occasions"),
    }
}

fn share(share: &Share) -> String {
    let least = if share.more_than { "more than" } else { "at least" };
    let whole = if share.by_schedule { "scheduled time" } else { "reported time" };
    format!(
        "{least} {} {} of {whole} {}, where at least {} of lessons were held and the register of at least {} of them was taken",
        share_text(share.at_least),
        absence(share.of),
        within(&share.within),
        minutes_text(share.least_minutes),
        share_text(share.least_taken),
    )
}

impl English {
    fn after(&self, after: &After) -> String {
        let After { step, wait, until, still } = after;
        let passed = match (wait, until) {
            (0, None) => String::new(),
            (0, Some(until)) => {
                format!("no more than {} have passed", many((*until).into(), "day", "days"))
            }
            (wait, None) => format!("{} have passed", many((*wait).into(), "day", "days")),
            (wait, Some(until)) => {
                let wait = many((*wait).into(), "day", "days");
                format!("{wait} have passed (but no more than {until})")
            }
        };
        let passed = if passed.is_empty() { passed } else { format!("{passed}, ") };
        let still = match still {
            Still::Open => "a duty of that step is not done yet".into(),
            Still::Holds(condition) => format!("there is {}", self.condition(condition)),
        };
        format!("step {step} was reached, {passed}and {still}")
    }
}

impl Words for English {
    fn condition(&self, condition: &Condition) -> String {
        let all =
            |parts: &[Condition]| parts.iter().map(|part| self.condition(part)).collect::<Vec<_>>();
        match condition {
            Condition::Count(Count { of, unit, at_least, within: span }) => {
                let units = units((*at_least).into(), *unit);
                format!("at least {units} of {} {}", absence(*of), within(span))
            }
            Condition::Every { of, unit } => {
                let unit = match unit {
                    Unit::Lesson => "each lesson",
                    Unit::HalfDay => "each half day",
                    Unit::Day => "each day",
                    Unit::Occasion => "each occasion",
                };
                format!("{unit} with {}", absence(*of))
            }
            Condition::Share(of) => share(of),
            Condition::Continuous(Run { of, at_least }) => {
                let days = many((*at_least).into(), "school day", "school days");
                format!("at least {days} in a row of {}", absence(*of))
            }
            Condition::After(after) => self.after(after),
            Condition::AnyOf(parts) => all(parts).join(", or "),
            Condition::AllOf(parts) => format!("all of this: {}", all(parts).join(", and ")),
        }
    }

    fn latch(&self, latch: &Latch, when: &Condition) -> String {
        let often = match (when, latch.once) {
            (Condition::Every { .. }, _) => "once for each".into(),
            (_, Once::Term) => "once a term at most".into(),
            (_, Once::SchoolYear) => "once a school year at most".into(),
            (_, Once::UntilFalseFor(1)) => "again only when it has not been so any more".into(),
            (_, Once::UntilFalseFor(days)) => {
                format!("again only when it has not been so on {days} school days in a row")
            }
        };
        match latch.cool_down {
            0 => often,
            days => format!("{often}, and not again within {}", many(days.into(), "day", "days")),
        }
    }

    fn filter(&self, filter: &Filter) -> String {
        let mut parts = Vec::new();
        if let Some((from, to)) = filter.years {
            parts.push(format!("years {from}–{to}"));
        }
        if let Some((from, to)) = filter.ages {
            parts.push(format!("ages {from}–{to}"));
        }
        if !filter.forms.is_empty() {
            parts.push(format!("form of school {}", listed(&filter.forms, "or")));
        }
        if !filter.schools.is_empty() {
            let schools: Vec<String> = filter.schools.iter().map(ToString::to_string).collect();
            parts.push(format!("school {}", listed(&schools, "or")));
        }
        parts.join("; ")
    }

    fn role(&self, role: StaffRole) -> &'static str {
        match role {
            StaffRole::Mentor => "mentor",
            StaffRole::AttendanceTeam => "attendance team",
            StaffRole::StudentHealthTeam => "student health team",
            StaffRole::Principal => "principal",
            StaffRole::HeadOfEducation => "head of education",
            StaffRole::HomeMunicipality => "home municipality",
            StaffRole::Teacher => "teacher",
            StaffRole::Operations => "operations",
            StaffRole::Office => "office",
        }
    }

    fn due(&self, due: Allowed) -> String {
        match due {
            Allowed::SameDay => "the same day".into(),
            Allowed::Hours(hours) => format!("within {}", many(hours.into(), "hour", "hours")),
            Allowed::SchoolDays(days) => {
                format!("within {}", many(days.into(), "school day", "school days"))
            }
        }
    }

    fn remind(&self, remind: Allowed) -> String {
        match remind {
            Allowed::SameDay => "the same day".into(),
            Allowed::Hours(hours) => format!("{} before", many(hours.into(), "hour", "hours")),
            Allowed::SchoolDays(days) => {
                format!("{} before", many(days.into(), "school day", "school days"))
            }
        }
    }

    fn done(&self, done: DoneBy) -> &'static str {
        match done {
            DoneBy::Word => "when somebody says so",
            DoneBy::HomeReached => "when the home was reached, or the absence is explained",
        }
    }

    fn hand_over(&self, to: Option<StaffRole>) -> String {
        to.map_or_else(
            || "its owner is told, and it stands in the owner's list of each school morning".into(),
            |role| format!("handed over to the {}", self.role(role)),
        )
    }

    fn text<'t>(&self, text: &'t Text) -> &'t str {
        &text.en
    }

    fn label(&self, label: Label) -> &'static str {
        match label {
            Label::From => "In force from",
            Label::Source => "Source",
            Label::When => "Reached when",
            Label::Often => "How often",
            Label::For => "For",
            Label::Told => "Told",
            Label::Duty => "Duty",
            Label::Due => "Due",
            Label::Remind => "Reminder",
            Label::Done => "Counts as done",
            Label::Otherwise => "Otherwise",
            Label::Documented => "Documented",
            Label::Then => "Told that it is there",
        }
    }
}
