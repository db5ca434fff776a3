//! How often a source can be asked within what its vendor lets: computed from the requests that one round of marks, or
//! one reading of the schedule or the directory, needs. Pure.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::attendance::Way;
use super::settings::{Resource, Settings};
use crate::model::Rate;

/// Longest interval of marks, and longest time in which a schedule is read, that still serves: less often would be
/// another kind of service.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(1);
/// How much of a budget rounds may use: pages, lessons that are asked for by their id and callbacks need the rest.
const SHARE: f64 = 0.8;

/// Requests that one round needs, by resource.
pub type Needs = BTreeMap<Resource, u32>;

/// What a round needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// How marks are asked for.
    pub way: Way,
    /// At how many schools.
    pub schools: u32,
    /// Whether advance notices are asked for.
    pub notices: bool,
    /// Whether deleted rows are.
    pub deletes: bool,
    /// Look-ups for each school.
    pub batches: u32,
}

impl Round {
    /// Requests, a page for each list.
    pub fn needs(&self) -> Needs {
        let marks = match self.way {
            Way::Listing | Way::CalendarEvents => self.schools,
            _ => self.schools.saturating_mul(self.batches.max(1)),
        };
        let mut needs = Needs::from([(self.way.resource(), marks)]);
        if self.notices {
            needs.insert(Resource::Absences, self.schools);
        }
        if self.deletes {
            needs.insert(Resource::DeletedEntities, 1);
        }
        needs
    }
}

/// What is asked for besides, in a span: the schedule.
pub fn schedule_needs(schools: u32) -> Needs {
    [(Resource::CalendarEvents, schools), (Resource::DeletedEntities, 1)].into()
}

/// The least that one reading of what has changed in the directory asks for: a page for each list, persons by each of
/// what they are to a school.
pub fn directory_needs(schools: u32) -> Needs {
    let persons = schools.saturating_mul(3);
    [
        (Resource::Groups, schools),
        (Resource::Duties, schools),
        (Resource::Persons, persons),
        (Resource::DeletedEntities, 1),
    ]
    .into()
}

/// How often, and what keeps it from being as often as wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// From one round to the next.
    pub every: SignedDuration,
    /// Whose budget does not let it be as wanted.
    pub kept_by: Option<Resource>,
}

/// The interval that budgets let, `wanted` at best. `besides` is asked for once in every `besides_every`.
pub fn interval(
    wanted: SignedDuration,
    needs: &Needs,
    besides: &Needs,
    besides_every: SignedDuration,
    settings: &Settings,
) -> Interval {
    let mut found = Interval { every: wanted, kept_by: None };
    for (resource, requests) in needs {
        let Some(rate) = settings.budget(*resource) else { continue };
        let others = besides.get(resource).copied().unwrap_or(0);
        let used = f64::from(others) / besides_every.as_secs_f64().max(1.0);
        let most = per_second(rate) * SHARE;
        // A budget that the schedule alone uses up leaves marks a tenth of it.
        let left = (most - used).max(most / 10.0);
        found.keep(*resource, f64::from(*requests) / left);
    }
    found
}

/// How often something can be read that needs so much, `wanted` at best: in the time that all its requests take.
pub fn reading(wanted: SignedDuration, needs: &Needs, settings: &Settings) -> Interval {
    let mut found = Interval { every: wanted, kept_by: None };
    for (resource, requests) in needs {
        let Some(rate) = settings.budget(*resource) else { continue };
        found.keep(*resource, f64::from(*requests) / per_second(rate));
    }
    found
}

impl Interval {
    /// Not oftener than once in so many seconds.
    fn keep(&mut self, resource: Resource, seconds: f64) {
        // A hair above a whole number is that number.
        let seconds = (seconds - 1e-6).ceil();
        let every = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::MAX);
        if every > self.every {
            *self = Self { every, kept_by: Some(resource) };
        }
    }
}

fn per_second(rate: &Rate) -> f64 {
    f64::from(rate.count.get()) / rate.per.as_secs_f64().max(0.001)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::super::settings::skola24_budgets;
    use super::super::testing::settings;
    use super::*;

    #[test]
    fn budgets_keep_what_is_wanted_where_they_must() {
        let skola24 = Settings { budgets: skola24_budgets(), ..settings() };
        let free = settings();
        let day =
            super::super::settings::never_more(NonZeroU32::MIN, SignedDuration::from_hours(24));
        let daily = Settings { budgets: [("*".to_owned(), day)].into(), ..settings() };
        let (wanted, schedule) = (SignedDuration::from_secs(15), SignedDuration::from_mins(5));
        for (way, schools, batches, settings, secs, kept_by) in [
            (Way::Listing, 1, 1, &free, 15, None),
            (Way::Listing, 500, 1, &free, 15, None),
            (Way::Listing, 10, 1, &skola24, 15, None),
            (Way::Listing, 40, 1, &skola24, 38, Some(Resource::Attendances)),
            (Way::LookupCalendare, 10, 2, &skola24, 19, Some(Resource::Attendances)),
            (Way::CalendarEvents, 1, 1, &skola24, 15, None),
            (Way::CalendarEvents, 10, 1, &skola24, 116, Some(Resource::CalendarEvents)),
            // Longer than serves, and told so.
            (Way::CalendarEvents, 1_000, 1, &skola24, 83_334, Some(Resource::CalendarEvents)),
            (Way::Listing, 1, 1, &daily, 1_080_000, Some(Resource::DeletedEntities)),
        ] {
            let round = Round { way, schools, notices: true, deletes: true, batches };
            let besides = schedule_needs(schools);
            let found = interval(wanted, &round.needs(), &besides, schedule, settings);
            assert_eq!(
                (found.every.as_secs(), found.kept_by),
                (secs, kept_by),
                "{way:?} {schools} {batches}"
            );
        }
    }

    #[test]
    fn more_schools_are_never_asked_more_often() {
        let skola24 = Settings { budgets: skola24_budgets(), ..settings() };
        let wanted = SignedDuration::from_secs(15);
        let mut before = SignedDuration::ZERO;
        for schools in 1..200 {
            let way = Way::CalendarEvents;
            let round = Round { way, schools, notices: true, deletes: true, batches: 1 };
            let besides = schedule_needs(schools);
            let mins = SignedDuration::from_mins(5);
            let found = interval(wanted, &round.needs(), &besides, mins, &skola24).every;
            assert!(found >= before, "{schools}");
            before = found;
        }
    }

    #[test]
    fn what_is_read_takes_the_time_of_all_its_requests() {
        let skola24 = Settings { budgets: skola24_budgets(), ..settings() };
        let (second, ten) = (SignedDuration::from_secs(1), SignedDuration::from_mins(10));
        for (wanted, needs, settings, secs, kept_by) in [
            (second, schedule_needs(1), &settings(), 1, None),
            (second, schedule_needs(1), &skola24, 7, Some(Resource::CalendarEvents)),
            (ten, schedule_needs(90), &skola24, 600, None),
            (ten, schedule_needs(91), &skola24, 607, Some(Resource::CalendarEvents)),
            (second, directory_needs(2), &skola24, 9, Some(Resource::Persons)),
        ] {
            let found = reading(wanted, &needs, settings);
            assert_eq!((found.every.as_secs(), found.kept_by), (secs, kept_by), "{needs:?}");
        }
    }
}
