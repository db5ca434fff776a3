//! Reads the cells of a row and keeps what is wrong with them: a bad contact is a warning and left
//! empty, a bad id, school, role or yes-or-no is fatal.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date};

use super::phone::{PhoneKind, PhoneRules, normalise};
use super::problem::{LoadError, Place, RosterProblem};
use super::{Period, Protection, field};
use crate::model::{Channel, EmailAddress, GroupId, IdError, Locale, Phone, SchoolId, StaffRole};

/// What rows are checked against.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The schools in configuration.
    pub schools: &'a BTreeSet<SchoolId>,
    /// Which numbers are taken.
    pub phone: &'a PhoneRules,
    /// When the load is made.
    pub now: Timestamp,
}

/// Cells of one load, and everything found wrong with them.
pub(super) struct Reader<'a> {
    context: Context<'a>,
    fatal: Vec<RosterProblem>,
    warnings: Vec<RosterProblem>,
}

/// A cell that holds something.
fn filled(cell: Option<&str>) -> Option<&str> {
    cell.map(str::trim).filter(|c| !c.is_empty())
}

impl<'a> Reader<'a> {
    /// Starts with what was wrong before any cell was read.
    pub(super) fn new(context: Context<'a>, fatal: Vec<RosterProblem>) -> Self {
        Self { context, fatal, warnings: Vec::new() }
    }

    /// Hands out the warnings.
    ///
    /// # Errors
    /// When anything was fatal.
    pub(super) fn finish(mut self) -> Result<Vec<RosterProblem>, LoadError> {
        self.fatal.sort_by_key(|p| p.place);
        if self.fatal.is_empty() {
            Ok(self.warnings)
        } else {
            Err(LoadError { problems: self.fatal })
        }
    }

    /// Keeps something fatal.
    pub(super) fn fail(&mut self, problem: RosterProblem) {
        self.fatal.push(problem);
    }

    /// Keeps something odd.
    pub(super) fn warn(&mut self, problem: RosterProblem) {
        self.warnings.push(problem);
    }

    /// Fatal: a required cell is empty.
    pub(super) fn empty(&mut self, place: Place, column: &'static str) {
        self.fail(RosterProblem::at(place, "is empty", "fill it in").column(column));
    }

    /// A required id.
    pub(super) fn id<T>(
        &mut self,
        place: Place,
        column: &'static str,
        cell: &str,
        make: fn(&str) -> Result<T, IdError>,
    ) -> Option<T> {
        make(cell.trim())
            .map_err(|error| {
                let remedy = "give an id of 1 to 128 bytes";
                self.fail(RosterProblem::at(place, error.to_string(), remedy).column(column));
            })
            .ok()
    }

    /// An id that may be left out.
    pub(super) fn optional_id<T>(
        &mut self,
        place: Place,
        column: &'static str,
        cell: Option<String>,
        make: fn(&str) -> Result<T, IdError>,
    ) -> Option<T> {
        filled(cell.as_deref()).and_then(|text| self.id(place, column, text, make))
    }

    /// A school in configuration.
    pub(super) fn school(&mut self, place: Place, cell: &str) -> Option<SchoolId> {
        let id = self.id(place, "school", cell, |t| SchoolId::new(t))?;
        if self.context.schools.contains(&id) {
            return Some(id);
        }
        // Cells may be somebody's data when columns are misnamed: they are not repeated.
        let what = "is not a school in the configuration";
        let remedy = "correct the id, or add the school to the configuration";
        self.fail(RosterProblem::at(place, what, remedy).column("school"));
        None
    }

    /// A name, cleaned.
    pub(super) fn name(
        &mut self,
        place: Place,
        column: &'static str,
        cell: Option<String>,
    ) -> Option<String> {
        let (name, cleaned) = field::name(&cell?);
        let remedy = "correct it in the source";
        if cleaned.stripped {
            let what = "held line breaks, control or invisible characters, which were taken out";
            self.warn(RosterProblem::at(place, what, remedy).column(column));
        }
        if cleaned.cut {
            let what = format!("is longer than {} characters and was cut", field::MAX_NAME);
            self.warn(RosterProblem::at(place, what, remedy).column(column));
        }
        Some(name).filter(|n| !n.is_empty())
    }

    /// A number and whether it takes texts; a bad one is left out.
    pub(super) fn phone(&mut self, place: Place, cell: Option<String>) -> (Option<Phone>, bool) {
        let Some(text) = filled(cell.as_deref()) else { return (None, true) };
        let mut warn = |what: String, remedy: &str| {
            self.warnings.push(RosterProblem::at(place, what, remedy).column("phone"));
        };
        match normalise(text, self.context.phone) {
            Ok(number) => {
                if let Some(warning) = number.warning {
                    warn(warning.to_string(), "correct it in the source");
                }
                let mobile = number.kind == PhoneKind::Mobile;
                if !mobile {
                    warn(
                        "is not a mobile number, so no text is sent to it".into(),
                        "give a mobile",
                    );
                }
                (Some(number.phone), mobile)
            }
            Err(error) => {
                warn(format!("{error}, and is left out"), error.remedy());
                (None, true)
            }
        }
    }

    /// An address; a bad one is left out.
    pub(super) fn email(&mut self, place: Place, cell: Option<String>) -> Option<EmailAddress> {
        let text = filled(cell.as_deref())?;
        EmailAddress::new(text)
            .map_err(|error| {
                let what = format!("{error}, and is left out");
                self.warn(RosterProblem::at(place, what, "correct it").column("email"));
            })
            .ok()
    }

    /// A language; a bad one is left out.
    pub(super) fn language(&mut self, place: Place, cell: Option<String>) -> Option<Locale> {
        let text = filled(cell.as_deref())?;
        Locale::new(text)
            .map_err(|error| {
                let what = format!("{error}, and is left out");
                self.warn(RosterProblem::at(place, what, "correct it").column("language"));
            })
            .ok()
    }

    /// A channel, if one is preferred.
    pub(super) fn channel(&mut self, place: Place, cell: Option<String>) -> Option<Channel> {
        let text = filled(cell.as_deref())?;
        let channel = field::channel(text);
        if channel.is_none() {
            self.word(place, "channel", "sms, email or nothing");
        }
        channel
    }

    /// A role.
    pub(super) fn role(&mut self, place: Place, cell: &str) -> Option<StaffRole> {
        let role = field::role(cell);
        if role.is_none() {
            let words =
                "attendance-team, mentor, student-health-team, principal, teacher or office";
            self.word(place, "role", words);
        }
        role
    }

    /// Yes or no; `default` for an empty cell, none: it may not be empty.
    pub(super) fn truth(
        &mut self,
        place: Place,
        column: &'static str,
        cell: Option<String>,
        default: Option<bool>,
    ) -> Option<bool> {
        let value = match filled(cell.as_deref()) {
            Some(text) => field::truth(text),
            None => default,
        };
        if value.is_none() {
            self.word(place, column, "yes or no");
        }
        value
    }

    /// Groups, in order and each once; one that cannot be an id is left out.
    pub(super) fn groups(&mut self, place: Place, cells: Vec<String>) -> Vec<GroupId> {
        let mut groups = Vec::new();
        for text in cells.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
            match GroupId::new(text) {
                Ok(group) => groups.push(group),
                Err(error) => {
                    let what = format!("holds a group that {error}, which is left out");
                    let remedy = "write groups as the schedule has them, with | between them";
                    self.warn(RosterProblem::at(place, what, remedy).column("groups"));
                }
            }
        }
        groups.sort();
        groups.dedup();
        groups
    }

    /// School year; what is none is left out.
    pub(super) fn year(&mut self, place: Place, cell: Option<String>) -> Option<u8> {
        let text = filled(cell.as_deref())?;
        let year = field::year(text);
        if year.is_none() {
            let what = "is not a school year, and is left out";
            let remedy = "write 0 (förskoleklass) to 10";
            self.warn(RosterProblem::at(place, what, remedy).column("year"));
        }
        year
    }

    /// The code of a municipality; what is none is left out.
    pub(super) fn municipality(
        &mut self,
        place: Place,
        column: &'static str,
        cell: Option<String>,
    ) -> Option<String> {
        let text = filled(cell.as_deref())?;
        let is_code = text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
        if !is_code {
            let what = "is not the code of a municipality, and is left out";
            let remedy = "write its four digits, as 0180";
            self.warn(RosterProblem::at(place, what, remedy).column(column));
        }
        is_code.then(|| text.to_owned())
    }

    /// Protection; any word but the known ones closes the pupil.
    pub(super) fn protection(&mut self, place: Place, cell: Option<String>) -> Protection {
        field::protection(cell.as_deref().unwrap_or_default()).unwrap_or_else(|| {
            let what = "is none of the words for protection, so nobody is told about this pupil";
            let remedy = "write none, protected or unknown";
            self.warn(RosterProblem::at(place, what, remedy).column("protection"));
            Protection::Unknown
        })
    }

    /// A date of birth, if there is one.
    pub(super) fn birth_date(&mut self, place: Place, cell: Option<String>) -> Option<Date> {
        let text = filled(cell.as_deref())?;
        field::birth_date(text, self.context.now)
            .map_err(|what| {
                let remedy = "write the date alone, as 2013-05-04, without identity number";
                self.fail(RosterProblem::at(place, what, remedy).column("birth-date"));
            })
            .ok()
    }

    /// The days between two cells; none: a day cannot be read, or the last is before the first. Whoever reads
    /// that as fewer days than were meant tells nobody too many; `what` says what comes of it.
    pub(super) fn period(
        &mut self,
        place: Place,
        columns: [&'static str; 2],
        cells: [Option<String>; 2],
        what: &str,
    ) -> Option<Period> {
        let mut whole = true;
        let [from, to] = [0, 1].map(|side| {
            let text = filled(cells[side].as_deref())?;
            let day = field::day(text);
            if let Err(words) = day {
                whole = false;
                let remedy = "write the day as 2026-11-23, or leave it empty";
                let what = format!("{words}, so {what}");
                self.warn(RosterProblem::at(place, what, remedy).column(columns[side]));
            }
            day.ok()
        });
        let period = Period { from, to };
        if period.is_never() {
            let what = format!("is before the first day, so {what}");
            let remedy = "correct one of the two";
            self.warn(RosterProblem::at(place, what, remedy).column(columns[1]));
        }
        Some(period).filter(|period| whole && !period.is_never())
    }

    fn word(&mut self, place: Place, column: &'static str, words: &str) {
        let remedy = format!("write {words}");
        let what = "is not one of the words it may hold";
        self.fail(RosterProblem::at(place, what, remedy).column(column));
    }
}
