//! What is known of one source before it is asked: where it is, who we are to it, how often it may be asked and
//! where it is known to leave the standard. Pure.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use bytes::Bytes;
use http::header::ACCEPT;
use http::request::Builder;
use http::{HeaderName, HeaderValue, Method, Request};
use jiff::SignedDuration;

use crate::model::{Endpoint, OnBehalfOf, ProviderId, Rate, SourceId};

/// A collection of the standard that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// School units and what is above them.
    Organisations,
    /// Pupils, guardians and staff.
    Persons,
    /// Classes and other groups.
    Groups,
    /// Who works where as what.
    Duties,
    /// What lessons are of.
    Activities,
    /// Lessons.
    CalendarEvents,
    /// Marks.
    Attendances,
    /// Advance notices.
    Absences,
    /// Ids of what is gone.
    DeletedEntities,
    /// Where the source tells us that something has changed.
    Subscriptions,
}

impl Resource {
    /// All.
    pub const ALL: [Self; 10] = [
        Self::Organisations,
        Self::Persons,
        Self::Groups,
        Self::Duties,
        Self::Activities,
        Self::CalendarEvents,
        Self::Attendances,
        Self::Absences,
        Self::DeletedEntities,
        Self::Subscriptions,
    ];

    /// Its path below the base, which is its name in budgets too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organisations => "organisations",
            Self::Persons => "persons",
            Self::Groups => "groups",
            Self::Duties => "duties",
            Self::Activities => "activities",
            Self::CalendarEvents => "calendarEvents",
            Self::Attendances => "attendances",
            Self::Absences => "absences",
            Self::DeletedEntities => "deletedEntities",
            Self::Subscriptions => "subscriptions",
        }
    }
}

/// Where a source is known to leave the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quirks {
    /// Where no calendar event matches, it answers 400.
    pub empty_is_400: bool,
}

/// How one source is asked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which.
    pub source: SourceId,
    /// Its base, as written: paths differ.
    pub base: Endpoint,
    /// The header that shows who we are, where it is the same for every request.
    pub header: Option<(HeaderName, HeaderValue)>,
    /// The door of the wire that requests go through.
    pub door: ProviderId,
    /// Most rows of a page that are asked for; none: as many as the source gives.
    pub page_size: Option<u32>,
    /// Most ids of one look-up.
    pub lookup_size: usize,
    /// How often each resource may be asked for, by its name; `*` is for those not named.
    pub budgets: BTreeMap<String, Rate>,
    /// What it is known for.
    pub quirks: Quirks,
}

impl Settings {
    /// How often a resource may be asked for; none: as often as we like.
    pub fn budget(&self, resource: Resource) -> Option<&Rate> {
        self.budgets.get(resource.as_str()).or_else(|| self.budgets.get("*"))
    }

    /// A request to a path below the base, with what shows who we are.
    pub(super) fn request(&self, method: Method, path: &str, query: &str) -> Builder {
        let request = Request::builder()
            .method(method)
            .uri(self.base.join(path, query))
            .header(ACCEPT, "application/json")
            .extension(OnBehalfOf(self.door.clone()));
        match &self.header {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    }

    /// A question that changes nothing, for whoever tries whether we are let in: one organisation.
    pub fn probe(&self) -> Request<Bytes> {
        let path = format!("/{}", Resource::Organisations.as_str());
        let request = self.request(Method::GET, &path, "limit=1").body(Bytes::new());
        request.expect("address and headers were checked")
    }
}

/// A limit of so many in any span: spaced so that no span, however it lies, holds more, with a fifth of
/// them at once.
pub fn never_more(count: NonZeroU32, per: SignedDuration) -> Rate {
    let burst = NonZeroU32::new(count.get() / 5).unwrap_or(NonZeroU32::MIN);
    let spaced = NonZeroU32::new(count.get() - burst.get() + 1).unwrap_or(NonZeroU32::MIN);
    Rate { count: spaced, per, burst }
}

/// What Skola24 takes in 60 seconds, by its users: it answers 429 beyond that, without saying for how long.
pub fn skola24_budgets() -> BTreeMap<String, Rate> {
    let minute = SignedDuration::from_mins(1);
    [
        (Resource::Organisations, 25),
        (Resource::Groups, 100),
        (Resource::Activities, 100),
        (Resource::Persons, 50),
        (Resource::CalendarEvents, 10),
        (Resource::Attendances, 100),
    ]
    .into_iter()
    .filter_map(|(resource, count)| {
        Some((resource.as_str().to_owned(), never_more(NonZeroU32::new(count)?, minute)))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{self, Permit};

    #[test]
    fn no_span_holds_more_than_the_limit() {
        let minute = SignedDuration::from_mins(1);
        for count in [1, 2, 5, 10, 25, 100] {
            let rate = never_more(NonZeroU32::new(count).expect("count"), minute);
            let start: jiff::Timestamp = "2026-11-23T07:00:00Z".parse().expect("time");
            let (mut cell, mut at, mut permits) = (None, start, Vec::new());
            while at < start + SignedDuration::from_mins(5) {
                match limits::check(&rate, cell, at) {
                    Permit::Now(next) => {
                        cell = Some(next);
                        permits.push(at);
                    }
                    Permit::NotBefore { until, .. } => at = until,
                }
            }
            for from in &permits {
                let span = permits.iter().filter(|p| *p >= from && **p < *from + minute);
                assert!(span.count() <= count as usize, "{count}");
            }
            assert!(permits.len() >= 4 * count as usize * 3 / 4, "{count}: {}", permits.len());
        }
    }
}
