//! Which organisation of the source each school is: configuration has its id, or its school unit code.

use std::collections::BTreeMap;

use super::book::Place;
use super::client::Client;
use super::fault::{Fault, Wrong};
use super::rows::{self, Bad};
use super::settings::Resource;
use super::types::Organisation;
use crate::model::SchoolId;

/// The trouble with a school that the source does not know.
const UNKNOWN: &str = "unknown-school";

/// Finds the organisation of each school. One that is not found is taken as written, and told of.
///
/// # Errors
/// See [`Fault`].
pub async fn resolve(client: &Client, schools: &[(SchoolId, String)]) -> Result<Vec<Place>, Fault> {
    let place = |school: &SchoolId, organisation: &str| Place {
        school: school.clone(),
        organisation: Some(organisation.to_owned()),
    };
    if schools.iter().all(|(_, written)| is_uuid(written)) {
        return Ok(schools.iter().map(|(school, written)| place(school, written)).collect());
    }
    let (mut bad, mut ids, mut cut) = (Bad::default(), BTreeMap::new(), false);
    let mut pages = client.pages(Resource::Organisations, &[]);
    loop {
        let page = match pages.next_of_some(&mut cut).await {
            Ok(Some(page)) => page,
            Ok(None) | Err(Fault::NotOffered { .. } | Fault::BadRequest { .. }) => break,
            Err(fault) => return Err(fault),
        };
        for found in rows::read::<Organisation>(page, &mut bad) {
            let id = found.id.to_string();
            if let Some(code) = found.school_unit_code {
                ids.insert(code.to_string(), id.clone());
            }
            ids.insert(id.clone(), id);
        }
    }
    let unknown = schools.iter().filter(|(_, written)| !ids.contains_key(written)).count();
    if unknown == 0 || ids.is_empty() {
        client.well(Resource::Organisations, UNKNOWN);
    } else {
        let what = format!("it does not know the organisations of {unknown} of the schools");
        let remedy = "check `schools`: write the id of each organisation, or its school unit code";
        client.tell(Resource::Organisations, &Wrong::new(UNKNOWN, what, remedy));
    }
    let found = schools.iter().map(|(school, written)| {
        place(school, ids.get(written).map_or(written.as_str(), String::as_str))
    });
    Ok(found.collect())
}

/// Whether it can only be an id.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}
