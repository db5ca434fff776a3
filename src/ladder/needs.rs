//! What a ladder asks of the school that follows it: how far back its rules look, whether they need terms, and whether they
//! need a schedule. Pure.

use super::plan::{After, Condition, Ladder, Once, Span, Still};

/// From the first lesson of a school year to its last, in days: it begins in August and ends in June (skolförordningen
/// 3 kap. 3 §). What follows on a step is asked in the same school year.
const SCHOOL_YEAR: u32 = 320;

/// What a ladder needs to be known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// So many days back of marks, today included, and the step that looks so far.
    pub marks: (u32, String),
    /// The same of the schedule: where a share is one of it. Nothing: none.
    pub schedule: Option<(u32, String)>,
    /// A step that asks for the term.
    pub terms: Option<String>,
    /// The longest run of school days that is asked for, and by which step; nothing: none.
    pub run: Option<(u16, String)>,
    /// A step that asks for the form of school.
    pub form: Option<String>,
}

/// How far back one look goes.
struct Look<'a> {
    /// The longest term of the school's calendar, in days.
    term: u32,
    /// How long a step stands at most, for those that look back to it.
    since: u32,
    step: &'a str,
    needs: &'a mut Needs,
}

impl Needs {
    /// Of a ladder. `term`: the school's longest term, in days.
    pub fn of(ladder: &Ladder, term: u32) -> Self {
        let mut needs = Self::default();
        for step in &ladder.steps {
            let mut look = Look { term, since: SCHOOL_YEAR, step: &step.id, needs: &mut needs };
            look.condition(&step.when);
            if step.latch.once == Once::Term {
                needs.terms.get_or_insert_with(|| step.id.clone());
            }
            if !step.filter.forms.is_empty() {
                needs.form.get_or_insert_with(|| step.id.clone());
            }
        }
        needs
    }
}

impl Look<'_> {
    fn days(&mut self, span: &Span) -> u32 {
        match span {
            Span::Day => 1,
            Span::Days(days) => u32::from(*days),
            Span::Term => {
                self.needs.terms.get_or_insert_with(|| self.step.to_owned());
                self.term
            }
            Span::SchoolYear => SCHOOL_YEAR,
            Span::Since(_) => self.since,
        }
    }

    fn marks(&mut self, days: u32) {
        if days > self.needs.marks.0 {
            self.needs.marks = (days, self.step.to_owned());
        }
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Count(count) => {
                let days = self.days(&count.within);
                self.marks(days);
            }
            Condition::Every { .. } => self.marks(1),
            Condition::Share(share) => {
                let days = self.days(&share.within);
                self.marks(days);
                if share.by_schedule
                    && self.needs.schedule.as_ref().is_none_or(|(most, _)| days > *most)
                {
                    self.needs.schedule = Some((days, self.step.to_owned()));
                }
            }
            Condition::Continuous(run) => {
                // Five in a week, and a break of one more week.
                self.marks(u32::from(run.at_least).div_ceil(5) * 7 + 7);
                if self.needs.run.as_ref().is_none_or(|(most, _)| run.at_least > *most) {
                    self.needs.run = Some((run.at_least, self.step.to_owned()));
                }
            }
            Condition::After(after) => self.after(after),
            Condition::AnyOf(parts) | Condition::AllOf(parts) => {
                for part in parts {
                    self.condition(part);
                }
            }
        }
    }

    fn after(&mut self, after: &After) {
        let stands = after.until.map_or(SCHOOL_YEAR, u32::from);
        self.marks(u32::from(after.wait) + 1);
        if let Still::Holds(condition) = &after.still {
            let outer = std::mem::replace(&mut self.since, stands);
            self.condition(condition);
            self.since = outer;
        }
    }
}

impl Condition {
    /// The steps that it names.
    pub fn steps(&self) -> Vec<&str> {
        match self {
            Self::Count(count) => since(&count.within),
            Self::Share(share) => since(&share.within),
            Self::Every { .. } | Self::Continuous(_) => Vec::new(),
            Self::After(after) => {
                let mut names = vec![after.step.as_str()];
                if let Still::Holds(condition) = &after.still {
                    names.extend(condition.steps());
                }
                names
            }
            Self::AnyOf(parts) | Self::AllOf(parts) => parts.iter().flat_map(Self::steps).collect(),
        }
    }
}

fn since(span: &Span) -> Vec<&str> {
    match span {
        Span::Since(step) => vec![step],
        Span::Day | Span::Days(_) | Span::Term | Span::SchoolYear => Vec::new(),
    }
}
