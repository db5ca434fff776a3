//! The filters, expansions and orders of each list, as the standard has them. Pure.

mod days;
mod directory;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::id::Id;
use super::query::{Query, Refusal, bad};
use super::quirks::Quirks;
use super::render::Written;
use super::rows::Resource;
use super::table::{Row, Table};
use super::world::World;

/// Whether a row is asked for.
pub(super) type Keep<'a, T> = Box<dyn Fn(&Row<T>) -> bool + 'a>;

/// A resource with a list.
pub(super) trait Listed: Written {
    /// Parameters beside the common ones.
    const FILTERS: &[&str];
    const EXPAND: &[&str];

    fn table(world: &World) -> &Table<Self>;

    /// Reads the filters.
    fn keep<'a>(
        world: &'a World,
        quirks: &Quirks,
        query: &'a Query,
    ) -> Result<Keep<'a, Self>, Refusal>;

    /// Orders rows; false when there is no such order.
    fn sort(rows: &mut [&Row<Self>], key: &str) -> bool {
        let _ = (rows, key);
        false
    }
}

fn newest_first<T>(rows: &mut [&Row<T>]) -> bool {
    rows.sort_by(|a, b| b.modified.cmp(&a.modified).then(a.id.cmp(&b.id)));
    true
}

/// The organisations asked for with all below them.
fn organisations(
    world: &World,
    quirks: &Quirks,
    query: &Query,
    resource: Resource,
) -> Result<Option<BTreeSet<Id>>, Refusal> {
    let Some(asked) = query.ids("organisation")? else {
        if quirks.organisation_required {
            return bad("organisation", format!("{} need organisation=", resource.path()));
        }
        return Ok(None);
    };
    Ok(Some(asked.into_iter().flat_map(|top| world.below(top)).collect()))
}

fn within(set: Option<&BTreeSet<Id>>, id: Id) -> bool {
    set.is_none_or(|set| set.contains(&id))
}

/// `NAME.onOrBefore` and `NAME.onOrAfter`, of dates. What has no date is always within.
#[derive(Debug, Clone, Copy)]
struct Dates(Option<Date>, Option<Date>);

impl Dates {
    fn of(query: &Query, name: &str) -> Result<Self, Refusal> {
        Ok(Self(
            query.date(&format!("{name}.onOrAfter"))?,
            query.date(&format!("{name}.onOrBefore"))?,
        ))
    }

    fn admit(self, date: Option<Date>) -> bool {
        date.is_none_or(|date| {
            self.0.is_none_or(|from| date >= from) && self.1.is_none_or(|to| date <= to)
        })
    }
}

/// The same, of moments.
#[derive(Debug, Clone, Copy)]
struct Moments(Option<Timestamp>, Option<Timestamp>);

impl Moments {
    fn of(query: &Query, name: &str) -> Result<Self, Refusal> {
        Ok(Self(
            query.moment(&format!("{name}.onOrAfter"))?,
            query.moment(&format!("{name}.onOrBefore"))?,
        ))
    }

    fn admit(self, at: Timestamp) -> bool {
        self.0.is_none_or(|from| at >= from) && self.1.is_none_or(|to| at <= to)
    }

    /// As the text on absences has it: after is exclusive.
    fn admit_after(self, at: Timestamp) -> bool {
        self.0.is_none_or(|from| at > from) && self.1.is_none_or(|to| at <= to)
    }
}
