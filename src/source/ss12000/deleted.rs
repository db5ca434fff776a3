//! Ids of what is gone.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::client::Client;
use super::fault::{Fault, kinds};
use super::settings::Resource;

/// Ids of what is gone, by what it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Persons.
    pub persons: BTreeSet<String>,
    /// Groups.
    pub groups: BTreeSet<String>,
    /// Duties.
    pub duties: BTreeSet<String>,
    /// Organisations.
    pub organisations: BTreeSet<String>,
    /// Activities.
    pub activities: BTreeSet<String>,
    /// Lessons.
    pub calendar_events: BTreeSet<String>,
    /// Marks.
    pub attendances: BTreeSet<String>,
    /// Advance notices.
    pub absences: BTreeSet<String>,
    /// There may be more: its pages did not end as they should. What it says is so all the same.
    pub cut_short: bool,
}

impl Deleted {
    /// Whether nothing is gone.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn take(&mut self, mut data: Map<String, Value>) {
        // The standard's own misspelling, and what it means.
        let lists: [(&[&str], &mut BTreeSet<String>); 8] = [
            (&["persons"], &mut self.persons),
            (&["groups"], &mut self.groups),
            (&["duties"], &mut self.duties),
            (&["organisations"], &mut self.organisations),
            (&["activitites", "activities"], &mut self.activities),
            (&["calendarEvents", "calendareEvents"], &mut self.calendar_events),
            (&["attendances"], &mut self.attendances),
            (&["absences"], &mut self.absences),
        ];
        for (names, list) in lists {
            for name in names {
                let Some(Value::Array(ids)) = data.remove(*name) else { continue };
                list.extend(ids.into_iter().filter_map(|id| match id {
                    Value::String(id) => Some(id),
                    Value::Object(mut object) => match object.remove("id") {
                        Some(Value::String(id)) => Some(id),
                        _ => None,
                    },
                    _ => None,
                }));
            }
        }
    }
}

/// See [`Client::deleted`].
pub(super) async fn deleted(
    client: &Client,
    after: Timestamp,
    kinds: &[&str],
) -> Result<Deleted, Fault> {
    let after = after.to_string();
    let query: Vec<(&str, &str)> = [("after", after.as_str())]
        .into_iter()
        .chain(kinds.iter().map(|kind| ("entities", *kind)))
        .collect();
    let mut pages = client.pages(Resource::DeletedEntities, &query);
    let mut found = Deleted::default();
    loop {
        match pages.next_data().await {
            Ok(Some(data)) => match data.value() {
                Ok(Value::Object(data)) => {
                    client.answered(Resource::DeletedEntities);
                    found.take(data);
                }
                // Nothing is gone.
                Ok(Value::Array(ids)) if ids.is_empty() => {
                    client.answered(Resource::DeletedEntities);
                }
                _ => return Err(pages.unread("its `data` holds no lists of ids")),
            },
            Ok(None) => return Ok(found),
            Err(Fault::Failed(wrong)) if wrong.kind == kinds::PAGING => {
                found.cut_short = true;
                return Ok(found);
            }
            Err(fault) => return Err(fault),
        }
    }
}
