//! `GET` of a resource: its filters, its pages, one by id. Pure: a question and the world in, an answer
//! or a refusal out.

use std::collections::BTreeSet;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::filters::{Keep, Listed};
use super::id::Id;
use super::query::{Dated, Query, Refusal, bad};
use super::quirks::{Quirks, TokenRule};
use super::render::{Pen, hollow};
use super::rows::Resource;
use super::table::Row;
use super::world::World;

/// Where the next page begins, and of which question. Travels as base64 of JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    /// The list.
    of: String,
    /// The filters.
    ask: String,
    /// Behind the row with this number, or this id.
    number: Option<u64>,
    id: Option<Id>,
    /// Behind so many, of what is sorted.
    skip: usize,
}

impl Place {
    fn token(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn read(token: &str) -> Option<Self> {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(token).ok()?).ok()
    }
}

/// Answers `GET /{resource}`. `most`: rows on a page where nothing is said.
pub(super) fn list<T: Listed>(
    world: &World,
    quirks: &Quirks,
    query: &Query,
    most: usize,
) -> Result<Value, Refusal> {
    let place = placed::<T>(quirks, query)?;
    let limit = query.limit(most)?;
    let asked = match &place {
        Some(place) => Query::parse(&place.ask)?,
        None => query.clone(),
    };
    asked.only(T::FILTERS)?;
    let keep = T::keep(world, quirks, &asked)?;
    let dated = Dated::of(&asked)?;
    let pen = Pen {
        world,
        quirks,
        names: asked.flag("expandReferenceNames")?,
        expand: asked.expand(T::EXPAND)?,
    };
    let page = match asked.one("sortkey")? {
        Some(key) => sorted::<T>(&pen, &keep, &dated, key, place.as_ref(), limit)?,
        None => unsorted::<T>(&pen, &keep, &dated, place.as_ref(), limit),
    };
    let Page { mut rows, next } = page;
    if rows.is_empty() && place.is_none() && T::RESOURCE == Resource::CalendarEvent {
        if quirks.empty_is_400 {
            return bad("no_match", "No calendar events were found");
        }
    } else if quirks.null_references && place.is_none() {
        rows.push(hollow(T::RESOURCE, &pen));
    }
    let ask = asked.filters();
    let of = T::RESOURCE.path().to_owned();
    let next = if let Some(next) = next {
        Some(Place { of, ask, ..next }.token())
    } else if !quirks.endless_token {
        None
    } else if let Some(token) = query.one("pageToken")? {
        Some(token.to_owned())
    } else {
        Some(Place { of, ask, number: None, id: None, skip: 0 }.token())
    };
    Ok(json!({ "data": rows, "pageToken": next }))
}

/// The place a page token names, when it may be used as it is.
fn placed<T: Listed>(quirks: &Quirks, query: &Query) -> Result<Option<Place>, Refusal> {
    let Some(token) = query.one("pageToken")? else { return Ok(None) };
    let Some(place) = Place::read(token).filter(|place| place.of == T::RESOURCE.path()) else {
        return bad("page_token", "this pageToken was not given by this list");
    };
    let given = query.filters();
    match quirks.tokens {
        TokenRule::Alone if !given.is_empty() => {
            bad("page_token", "pageToken may be combined with limit only")
        }
        TokenRule::WithFilters if given != place.ask => {
            bad("page_token", "pageToken needs the same filters as the first page")
        }
        TokenRule::Either if !given.is_empty() && given != place.ask => {
            bad("page_token", "pageToken belongs to other filters")
        }
        _ => Ok(Some(place)),
    }
}

struct Page {
    rows: Vec<Value>,
    next: Option<Place>,
}

fn unsorted<T: Listed>(
    pen: &Pen<'_>,
    keep: &Keep<'_, T>,
    dated: &Dated,
    place: Option<&Place>,
    limit: usize,
) -> Page {
    let table = T::table(pen.world);
    let rows: Box<dyn Iterator<Item = (u64, &Row<T>)>> = if pen.quirks.out_of_order {
        Box::new(table.shuffled(place.and_then(|place| place.id)))
    } else {
        Box::new(table.made(place.and_then(|place| place.number)))
    };
    let mut found = rows
        .filter(|(_, row)| dated.admits(row.created, row.modified) && keep(row))
        .take(limit + 1);
    let page: Vec<_> = found.by_ref().take(limit).collect();
    let more = found.next().is_some();
    let next = more.then(|| {
        // With the last row once more, the next page begins behind the last but one.
        let back = usize::from(pen.quirks.repeated_rows && page.len() > 1);
        let last = page.get(page.len() - 1 - back);
        Place {
            of: String::new(),
            ask: String::new(),
            number: last.map(|(number, _)| *number),
            id: last.map(|(_, row)| row.id),
            skip: 0,
        }
    });
    Page { rows: page.into_iter().map(|(_, row)| T::written(row, pen)).collect(), next }
}

fn sorted<T: Listed>(
    pen: &Pen<'_>,
    keep: &Keep<'_, T>,
    dated: &Dated,
    key: &str,
    place: Option<&Place>,
    limit: usize,
) -> Result<Page, Refusal> {
    let mut rows: Vec<&Row<T>> = T::table(pen.world)
        .iter()
        .filter(|row| dated.admits(row.created, row.modified) && keep(row))
        .collect();
    if !T::sort(&mut rows, key) {
        return bad("sortkey", format!("sortkey={key:?} is not possible here"));
    }
    let skip = place.map_or(0, |place| place.skip);
    let more = rows.len() > skip + limit;
    let page: Vec<&Row<T>> = rows.into_iter().skip(skip).take(limit).collect();
    let back = usize::from(pen.quirks.repeated_rows && page.len() > 1);
    let next = more.then(|| Place {
        of: String::new(),
        ask: String::new(),
        number: None,
        id: None,
        skip: skip + page.len() - back,
    });
    Ok(Page { rows: page.into_iter().map(|row| T::written(row, pen)).collect(), next })
}

/// Answers `GET /{resource}/{id}`.
pub(super) fn one<T: Listed>(
    world: &World,
    quirks: &Quirks,
    query: &Query,
    id: &str,
) -> Result<Value, Refusal> {
    let id: Id = match id.parse() {
        Ok(id) => id,
        Err(_) => return bad("id", format!("{id:?} is no uuid")),
    };
    let names = query.flag("expandReferenceNames")?;
    let pen = Pen { world, quirks, names, expand: query.expand(T::EXPAND)? };
    let row = T::table(world).get(id).ok_or(Refusal::NotFound)?;
    Ok(T::written(row, &pen))
}

/// Answers `GET /deletedEntities`.
pub(super) fn deleted(world: &World, query: &Query, most: usize) -> Result<Value, Refusal> {
    let token = query.one("pageToken")?;
    let (ask, skip) = match token {
        None => (query.clone(), 0),
        Some(token) => match Place::read(token).filter(|place| place.of == "deletedEntities") {
            Some(place) => (Query::parse(&place.ask)?, place.skip),
            None => return bad("page_token", "this pageToken was not given by this list"),
        },
    };
    if token.is_some() && !query.filters().is_empty() {
        return bad("page_token", "pageToken may be combined with limit only");
    }
    ask.only(&["after", "entities"])?;
    let after = ask.moment("after")?;
    let wanted = ask.words("entities");
    let known: BTreeSet<&str> = Resource::ALL.iter().map(|resource| resource.name()).collect();
    for word in wanted.iter().flatten() {
        if !known.contains(word) {
            return bad("entities", format!("entities={word:?} is not known"));
        }
    }
    let limit = query.limit(most)?;
    let found: Vec<_> = world
        .gone
        .iter()
        .filter(|gone| after.is_none_or(|after| gone.at > after))
        .filter(|gone| wanted.as_ref().is_none_or(|words| words.contains(gone.resource.name())))
        .skip(skip)
        .collect();
    let mut data = json!({});
    for resource in Resource::ALL {
        let ids: Vec<Id> = found
            .iter()
            .take(limit)
            .filter(|gone| gone.resource == resource)
            .map(|gone| gone.id)
            .collect();
        data[resource.deleted_key()] = json!(ids);
    }
    let next = (found.len() > limit).then(|| {
        let of = "deletedEntities".to_owned();
        Place { of, ask: ask.filters(), number: None, id: None, skip: skip + limit }.token()
    });
    Ok(json!({ "data": data, "pageToken": next }))
}
