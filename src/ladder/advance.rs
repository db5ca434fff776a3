//! What of a ladder is reached now against what was fired before: what fires, what is taken back, and when to ask
//! again. The only door of this room for whoever writes rows. Pure.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date};

use super::{History, Ladder};
use crate::calendar::Calendar;
use crate::model::{Firing, NotificationId, PupilId, Reason, SchoolId};

/// What is known of a pupil that filters ask for.
#[derive(Debug, Clone)]
pub struct Who<'a> {
    /// The school.
    pub school: &'a SchoolId,
    /// The school's form, as configured; empty: not known.
    pub form: &'a str,
    /// The school's calendar; none: every day from Monday to Friday may be a school day.
    pub calendar: Option<&'a Calendar>,
    /// The pupil.
    pub pupil: &'a PupilId,
    /// The school year.
    pub year: Option<u8>,
    /// The date of birth.
    pub birth_date: Option<Date>,
}

/// What the ladder is asked of.
#[derive(Debug, Clone)]
pub struct Situation<'a> {
    /// The ladder in force.
    pub ladder: &'a Ladder,
    /// Of whom.
    pub who: Who<'a>,
    /// What is known of the lessons.
    pub history: &'a History,
    /// What was fired of this ladder before, also what was taken back; of other versions of it too.
    pub fired: &'a [Firing],
    /// Those of them of which somebody still has a duty to do.
    pub open: &'a BTreeSet<NotificationId>,
    /// Now, for what is made.
    pub now: Timestamp,
}

/// What is to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advance {
    /// Steps reached, whose firings are not known yet.
    pub fire: Vec<Firing>,
    /// Firings that are not so, or not so any more, and why.
    pub retract: Vec<(NotificationId, Reason)>,
    /// The first day, after today, on whose end it may come out otherwise though nothing is heard; none: no day.
    pub look_again: Option<Date>,
    /// It may come out otherwise at the end of today.
    pub look_tonight: bool,
}
