//! Reads the rows of a source's directory: all of them, or those that have changed. Finds out by which questions
//! they are had, and remembers it. Decides nothing about them.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::client::Client;
use super::fault::{Fault, kinds};
use super::join::{Plan, Units};
use super::known::Known;
use super::rows::{self, Bad};
use super::sent::Sent;
use super::settings::Resource;
use super::types::{Duty, Group, Organisation, Person};

/// How persons are had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// Listed where that is allowed, else looked up.
    #[default]
    Auto,
    /// Listed.
    List,
    /// Looked up.
    Lookup,
}

/// By which of several questions persons are had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Question {
    /// Those of the schools, by what they are to them.
    #[default]
    Related,
    /// Everybody.
    All,
    /// Those whom groups and duties name.
    Named,
}

/// What persons may be to a school.
const RELATIONS: [&str; 3] = ["enrolment", "responsibleFor.enrolment", "duty"];
/// In how many readings of what has changed everybody is looked up anew, where persons are not listed.
const TURNS: usize = 6;
/// Questions for groups, the best first: of the organisation, with their roles.
const GROUPS: [(bool, bool); 3] = [(true, true), (true, false), (false, false)];
/// Questions for duties: of the organisation.
const DUTIES: [(bool, bool); 2] = [(true, false), (false, false)];

/// Reads one source's directory.
pub(super) struct Reading {
    client: Client,
    plan: Plan,
    way: Way,
    question: Question,
    groups: usize,
    duties: usize,
    deletions: bool,
    /// Persons who are named and cannot be found; asked for again with the next full reading.
    absent: BTreeSet<CompactString>,
    /// Who is looked up next of those who are known.
    turn: CompactString,
    bad: BTreeMap<Resource, Bad>,
}

/// Whether another question may do where this one did not.
fn may_ask_otherwise(fault: &Fault) -> bool {
    matches!(fault, Fault::NotOffered { .. } | Fault::BadRequest { .. })
}

impl Reading {
    pub fn new(client: Client, plan: Plan, way: Way) -> Self {
        let question = if way == Way::Lookup { Question::Named } else { Question::default() };
        let (absent, bad) = (BTreeSet::new(), BTreeMap::new());
        let turn = CompactString::default();
        Self {
            client,
            plan,
            way,
            question,
            groups: 0,
            duties: 0,
            deletions: true,
            absent,
            turn,
            bad,
        }
    }

    /// All of it.
    pub async fn everything(&mut self) -> Result<(Known, Units), Fault> {
        self.bad.clear();
        self.absent.clear();
        let mut known = Known::default();
        self.organisations(&mut known).await?;
        let units = Units::find(&self.plan, &known);
        self.groups(&mut known, &units, None).await?;
        self.duties(&mut known, &units, None).await?;
        self.persons(&mut known, &units, None).await?;
        self.tell_bad(true);
        Ok((known, units))
    }

    /// What has changed since `after`, and what is gone since `gone_after`. Returns whether anything is otherwise.
    pub async fn changes(
        &mut self,
        known: &mut Known,
        units: &Units,
        after: Timestamp,
        gone_after: Timestamp,
    ) -> Result<bool, Fault> {
        self.bad.clear();
        let mut any = false;
        // First: what is deleted and made anew under the same id is there.
        if self.deletions {
            match self.client.deleted(gone_after, &["Person", "Group", "Duty"]).await {
                Ok(gone) => any |= known.remove(&gone),
                Err(fault) if may_ask_otherwise(&fault) => self.deletions = false,
                Err(fault) => return Err(fault),
            }
        }
        any |= self.groups(known, units, Some(after)).await?;
        any |= self.duties(known, units, Some(after)).await?;
        any |= self.persons(known, units, Some(after)).await?;
        self.tell_bad(false);
        Ok(any)
    }

    async fn organisations(&mut self, known: &mut Known) -> Result<(), Fault> {
        let listed = self
            .list(Resource::Organisations, &[], |rows: Vec<Organisation>| {
                known.take_organisations(rows);
            })
            .await;
        match listed {
            // Then configuration must name them by their ids.
            Err(Fault::NotOffered { .. }) => known.organisations = None,
            Err(fault) => return Err(self.client.give_up(Resource::Organisations, fault)),
            Ok(()) => {
                known.organisations.get_or_insert_default();
            }
        }
        Ok(())
    }

    async fn groups(
        &mut self,
        known: &mut Known,
        units: &Units,
        after: Option<Timestamp>,
    ) -> Result<bool, Fault> {
        let mut rows = Vec::new();
        let at = self.groups;
        self.groups = self.by_unit(Resource::Groups, &GROUPS, at, units, after, &mut rows).await?;
        rows.retain(|group: &Group| {
            group.organisation.as_ref().is_some_and(|unit| units.of.contains_key(&unit.id))
        });
        Ok(known.take_groups(rows))
    }

    async fn duties(
        &mut self,
        known: &mut Known,
        units: &Units,
        after: Option<Timestamp>,
    ) -> Result<bool, Fault> {
        let mut rows = Vec::new();
        let at = self.duties;
        self.duties = self.by_unit(Resource::Duties, &DUTIES, at, units, after, &mut rows).await?;
        rows.retain(|duty: &Duty| {
            duty.duty_at.as_ref().is_some_and(|unit| units.of.contains_key(&unit.id))
        });
        Ok(match after {
            None => known.take_duties(rows),
            Some(_) => known.take_changed_duties(rows),
        })
    }

    /// Lists what belongs to our organisations by the first of these questions that the source takes.
    async fn by_unit<T: DeserializeOwned>(
        &mut self,
        resource: Resource,
        questions: &[(bool, bool)],
        from: usize,
        units: &Units,
        after: Option<Timestamp>,
        rows: &mut Vec<T>,
    ) -> Result<usize, Fault> {
        let after = after.map(|after| after.to_string());
        let heads: Vec<&str> = units.heads.values().map(CompactString::as_str).collect();
        let mut at = from;
        loop {
            let (by_unit, with_roles) = questions[at];
            let units: Vec<Option<&str>> =
                if by_unit { heads.iter().copied().map(Some).collect() } else { vec![None] };
            let mut failed = None;
            rows.clear();
            for unit in units {
                let mut query: Vec<(&str, &str)> = Vec::new();
                query.extend(unit.map(|unit| ("organisation", unit)));
                query.extend(after.as_deref().map(|after| ("meta.modified.after", after)));
                query.extend(with_roles.then_some(("expand", "assignmentRoles")));
                if let Err(fault) = self.list(resource, &query, |some| rows.extend(some)).await {
                    failed = Some(fault);
                    break;
                }
            }
            match failed {
                None => return Ok(at),
                Some(fault) if may_ask_otherwise(&fault) && at + 1 < questions.len() => at += 1,
                Some(fault) => return Err(self.client.give_up(resource, fault)),
            }
        }
    }

    async fn persons(
        &mut self,
        known: &mut Known,
        units: &Units,
        after: Option<Timestamp>,
    ) -> Result<bool, Fault> {
        let mut any = false;
        loop {
            let listed = match self.question {
                Question::Related => self.related(known, units, after).await,
                Question::All => self.all(known, after).await,
                Question::Named => break,
            };
            match listed {
                Ok(some) => {
                    any |= some;
                    break;
                }
                Err(Fault::BadRequest { .. }) if self.question == Question::Related => {
                    self.question = Question::All;
                }
                Err(fault) if may_ask_otherwise(&fault) && self.way == Way::Auto => {
                    tracing::info!(source = %self.client.settings().source,
                        "persons cannot be listed and are looked up");
                    self.question = Question::Named;
                }
                Err(fault) => return Err(self.client.give_up(Resource::Persons, fault)),
            }
        }
        if self.question == Question::Named {
            if after.is_some() {
                any |= self.refresh(known).await?;
            }
            any |= self.look_up(known, &known.named()).await?;
        }
        let schools: BTreeSet<CompactString> = units.of.keys().cloned().collect();
        let needed = known.needed(&schools, &self.plan.relations);
        any |= self.look_up(known, &needed).await?;
        // Guardians of those who were looked up now.
        let needed = known.needed(&schools, &self.plan.relations);
        any |= self.look_up(known, &needed).await?;
        known.retain(&known.needed(&schools, &self.plan.relations));
        self.client.well(Resource::Persons, kinds::NOT_LET_IN);
        Ok(any)
    }

    async fn related(
        &mut self,
        known: &mut Known,
        units: &Units,
        after: Option<Timestamp>,
    ) -> Result<bool, Fault> {
        let after = after.map(|after| after.to_string());
        let mut any = false;
        for unit in units.heads.values() {
            for relation in RELATIONS {
                let mut query = vec![
                    ("relationship.entity.type", relation),
                    ("relationship.organisation", unit.as_str()),
                ];
                query.extend(after.as_deref().map(|after| ("meta.modified.after", after)));
                let take = |rows: Vec<Person>| any |= known.take_persons(rows);
                self.list(Resource::Persons, &query, take).await?;
            }
        }
        Ok(any)
    }

    async fn all(&mut self, known: &mut Known, after: Option<Timestamp>) -> Result<bool, Fault> {
        let after = after.map(|after| after.to_string());
        let query: Vec<(&str, &str)> =
            after.as_deref().map(|after| ("meta.modified.after", after)).into_iter().collect();
        let mut any = false;
        let take = |rows: Vec<Person>| any |= known.take_persons(rows);
        self.list(Resource::Persons, &query, take).await?;
        Ok(any)
    }

    /// Looks up those of these persons who are not known.
    async fn look_up(
        &mut self,
        known: &mut Known,
        ids: &BTreeSet<CompactString>,
    ) -> Result<bool, Fault> {
        let missing: Vec<CompactString> = ids
            .iter()
            .filter(|id| !known.persons.contains_key(*id) && !self.absent.contains(*id))
            .cloned()
            .collect();
        let any = self.ask_for(known, &missing).await?;
        self.absent.extend(missing.into_iter().filter(|id| !known.persons.contains_key(id)));
        Ok(any)
    }

    /// Looks up some of those who are known, in turn: what is said of their protection must not wait for the night
    /// where they cannot be listed by what has changed.
    async fn refresh(&mut self, known: &mut Known) -> Result<bool, Fault> {
        let share = known.persons.len().div_ceil(TURNS);
        let from = std::mem::take(&mut self.turn);
        let rest = known.persons.range(from..).map(|(id, _)| id);
        let mut ids: Vec<CompactString> = rest.take(share + 1).cloned().collect();
        if ids.len() > share {
            self.turn = ids.pop().unwrap_or_default();
        }
        self.ask_for(known, &ids).await
    }

    async fn ask_for(&mut self, known: &mut Known, ids: &[CompactString]) -> Result<bool, Fault> {
        let mut any = false;
        let ids = ids.iter().map(ToString::to_string);
        let mut lookup = self.client.lookup(Resource::Persons, "ids", ids, &[]);
        loop {
            match lookup.next().await {
                Ok(None) => return Ok(any),
                Ok(Some(found)) => {
                    let rows = self.read(Resource::Persons, found);
                    any |= known.take_persons(rows);
                }
                // Listed ones are there; the others are missing, and said to be.
                Err(fault) if may_ask_otherwise(&fault) && self.question != Question::Named => {
                    return Ok(any);
                }
                Err(fault) => return Err(self.client.give_up(Resource::Persons, fault)),
            }
        }
    }

    /// Lists rows.
    async fn list<T: DeserializeOwned>(
        &mut self,
        resource: Resource,
        query: &[(&str, &str)],
        mut take: impl FnMut(Vec<T>),
    ) -> Result<(), Fault> {
        let mut pages = self.client.pages(resource, query);
        while let Some(page) = pages.next().await? {
            take(self.read(resource, page));
        }
        Ok(())
    }

    fn read<T: DeserializeOwned>(&mut self, resource: Resource, page: Vec<Sent>) -> Vec<T> {
        // A row that is null is no row, and nobody's loss.
        let page = page.into_iter().filter(|row| !row.is_null()).collect();
        rows::read(page, self.bad.entry(resource).or_default())
    }

    fn tell_bad(&self, all: bool) {
        for resource in
            [Resource::Organisations, Resource::Groups, Resource::Duties, Resource::Persons]
        {
            match self.bad.get(&resource).and_then(|bad| bad.wrong(resource)) {
                Some(wrong) => self.client.tell(resource, &wrong),
                None if all => self.client.well(resource, kinds::BAD_ROWS),
                None => {}
            }
        }
    }
}
