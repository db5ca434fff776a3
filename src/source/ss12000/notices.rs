//! Advance notices (`/absences`): they suppress, so they are asked for before the marks. The source neither withdraws
//! nor says why: a notice that is over shows as another end, or as an id among what is deleted. What was last said of
//! each row is a row here, so that the former span can be taken back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::attendance::is_possible;
use super::book::Place;
use super::client::Client;
use super::fault::Fault;
use super::rows::{self, Bad};
use super::schedule::{cursor, theirs};
use super::settings::Resource;
use super::timetable::is_likely;
use super::types::{Absence, AbsenceType};
use crate::intake::IntakeError;
use crate::model::{
    AdvanceNotice, EventId, Fact, NoticeKind, NotificationId, Observation, PupilId, SchoolId,
};
use crate::source::marks::Offering;
use crate::store::ledger::{self, Unit};
use crate::store::rows::NoticeSaid;
use crate::store::{Commit, StoreError, after_prefix, tables};

/// How long after its end a notice is remembered.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Rows read at once.
const PAGE: usize = 1_000;

/// A row of the source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    row: String,
    school: SchoolId,
    pupil: PupilId,
}

/// The notices of one source.
pub(super) struct Notices {
    said: BTreeMap<Key, NoticeSaid>,
    offered: bool,
}

impl Notices {
    /// What was last said, from the store.
    pub async fn load(offering: &Offering) -> Result<Self, StoreError> {
        let (kv, table) = (offering.intake.kv(), tables::NOTICES_SAID);
        let (mut from, to, mut said) = (table.to_vec(), after_prefix(table), BTreeMap::new());
        let oldest = offering.intake.clock().now().saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        loop {
            let page = kv.scan(&from, &to, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            from = [last.as_slice(), &[0]].concat();
            for (key, value) in page {
                let Some(([school, pupil, source], row)) = tables::parts::<3>(&key) else {
                    continue;
                };
                let ids = (SchoolId::new(school), PupilId::new(pupil), std::str::from_utf8(row));
                let notice: NoticeSaid = match ledger::decode(&value) {
                    Ok(notice) => notice,
                    // It is offered again with the next answer, as if it had not been said.
                    Err(StoreError::Damaged(why)) => {
                        tracing::error!(source = %offering.source, why, "what a source said cannot be read");
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                if let (Ok(school), Ok(pupil), Ok(row)) = ids
                    && source == offering.source.as_str()
                    && notice.notice.to >= oldest
                {
                    said.insert(Key { row: row.to_owned(), school, pupil }, notice);
                }
            }
        }
        Ok(Self { said, offered: true })
    }

    /// Whether the source gives notices at all.
    pub fn are_offered(&self) -> bool {
        self.offered
    }

    /// It is asked again whether it gives them.
    pub fn ask_again(&mut self) {
        self.offered = true;
    }

    /// Asks once, after what is deleted is known.
    pub async fn round(
        &mut self,
        client: &Client,
        offering: &Offering,
        places: &[Place],
        deleted: &BTreeSet<String>,
        overlap: SignedDuration,
        bad: &mut Bad,
    ) -> Result<u64, Fault> {
        let mut changed = self.offer_waiting(offering).await?;
        for place in places {
            if !self.offered {
                break;
            }
            let (part, now) = (format!("absences {}", place.school), client.clock().now());
            let known = offering.cursor(&part).await?;
            let first = known.is_none();
            let Some((found, all)) = ask(client, place, known.as_ref(), now, overlap, bad).await?
            else {
                tracing::info!(source = %offering.source, "the source gives no advance notices");
                self.offered = false;
                break;
            };
            let mut newest = known.as_ref().and_then(|k| k.after);
            for row in found {
                newest = newest.max(row.meta.modified.filter(|at| is_possible(*at, now)));
                changed += u64::from(self.take(offering, place, &row, first, bad).await?);
            }
            if !all {
                continue;
            }
            let next =
                cursor(known, newest.unwrap_or(theirs(client, now)).min(theirs(client, now)));
            offering.set_cursor(&part, &next).await?;
        }
        let gone: Vec<Key> =
            self.said.keys().filter(|key| deleted.contains(&key.row)).cloned().collect();
        for key in gone {
            changed += 1;
            self.withdraw(offering, &key, None).await?;
            self.forget(offering, &key).await?;
        }
        Ok(changed)
    }

    /// Takes one row. Whether it says something new.
    async fn take(
        &mut self,
        offering: &Offering,
        place: &Place,
        row: &Absence,
        first: bool,
        bad: &mut Bad,
    ) -> Result<bool, Fault> {
        let (pupil, notice) = match notice(row) {
            Ok(read) => read,
            Err(why) => {
                bad.add(format!("an advance notice: {why}"));
                return Ok(false);
            }
        };
        let school = school_of(offering, place, &pupil);
        let key = Key { row: row.id.to_string(), school, pupil };
        let modified_at = row.meta.modified.filter(|at| is_likely(*at));
        let known = self.said.get(&key).cloned();
        if known.as_ref().is_some_and(|k| {
            (k.notice == notice && !k.waits)
                || k.modified_at.zip(modified_at).is_some_and(|(k, n)| n < k)
        }) {
            return Ok(false);
        }
        if known.is_some_and(|k| k.notice != notice && !k.waits) {
            self.withdraw(offering, &key, modified_at).await?;
        }
        let mut said = NoticeSaid { notice, modified_at, waits: false };
        match tell(offering, &key, &said, false, first).await? {
            Ok(()) => {}
            Err(_) => said.waits = true,
        }
        self.remember(offering, key, said).await?;
        Ok(true)
    }

    /// Offers what waits for its pupil to be known.
    async fn offer_waiting(&mut self, offering: &Offering) -> Result<u64, Fault> {
        let waiting: Vec<(Key, NoticeSaid)> = self
            .said
            .iter()
            .filter(|(_, said)| said.waits)
            .map(|(key, said)| (key.clone(), said.clone()))
            .collect();
        let mut taken = 0;
        for (key, said) in waiting {
            let directory = offering.intake.directory().load_full();
            if directory.roster.pupil(&key.school, &key.pupil).is_none() {
                continue;
            }
            if tell(offering, &key, &said, false, false).await?.is_ok() {
                self.remember(offering, key, NoticeSaid { waits: false, ..said }).await?;
                taken += 1;
            }
        }
        Ok(taken)
    }

    /// Takes back what a row said, unless another says the same.
    async fn withdraw(
        &self,
        offering: &Offering,
        key: &Key,
        at: Option<Timestamp>,
    ) -> Result<(), Fault> {
        let Some(known) = self.said.get(key).filter(|known| !known.waits) else { return Ok(()) };
        let twin = self.said.iter().any(|(other, said)| {
            other != key
                && (&other.school, &other.pupil) == (&key.school, &key.pupil)
                && said.notice == known.notice
                && !said.waits
        });
        if !twin {
            let said = NoticeSaid { modified_at: at, ..known.clone() };
            // Who is not in the directory any more has no notice that counts.
            let _: Result<(), String> = tell(offering, key, &said, true, false).await?;
        }
        Ok(())
    }

    async fn remember(
        &mut self,
        offering: &Offering,
        key: Key,
        said: NoticeSaid,
    ) -> Result<(), StoreError> {
        let mut unit = Unit::new(offering.intake.kv().as_ref());
        unit.write(key.table(offering), &said);
        let _: Commit = unit.commit().await?;
        self.said.insert(key, said);
        Ok(())
    }

    async fn forget(&mut self, offering: &Offering, key: &Key) -> Result<(), StoreError> {
        let mut unit = Unit::new(offering.intake.kv().as_ref());
        unit.delete(key.table(offering));
        let _: Commit = unit.commit().await?;
        self.said.remove(key);
        Ok(())
    }
}

impl Key {
    fn table(&self, offering: &Offering) -> Vec<u8> {
        tables::notice_said(&self.school, &self.pupil, &offering.source, &self.row)
    }
}

/// All rows that may have changed, and whether there are no more; none: the source does not give notices.
async fn ask(
    client: &Client,
    place: &Place,
    known: Option<&crate::store::rows::Cursor>,
    now: Timestamp,
    overlap: SignedDuration,
    bad: &mut Bad,
) -> Result<Option<(Vec<Absence>, bool)>, Fault> {
    // At first contact those that are not over yet, whenever they were made.
    let day = SignedDuration::from_hours(24);
    let month = day * 30;
    let since = match known.and_then(|k| k.after) {
        Some(after) => vec![("meta.modified.after", after.saturating_sub(overlap))],
        None => vec![
            ("endTime.onOrAfter", now.saturating_sub(day)),
            ("meta.modified.after", now.saturating_sub(month)),
        ],
    };
    for (filter, at) in since {
        let at = at.unwrap_or(Timestamp::MIN).to_string();
        let mut query = place.filter();
        query.push((filter, &at));
        let mut pages = client.pages(Resource::Absences, &query);
        let (mut found, mut cut) = (Vec::new(), false);
        loop {
            match pages.next_of_some(&mut cut).await {
                Ok(Some(page)) => found.extend(rows::read::<Absence>(page, bad)),
                Ok(None) => return Ok(Some((found, !cut))),
                Err(Fault::BadRequest { .. }) => break,
                Err(Fault::NotOffered { .. }) => return Ok(None),
                Err(fault) => return Err(fault),
            }
        }
    }
    Ok(None)
}

/// The school that the pupil goes to: what asks for one school is answered with those below it too.
fn school_of(offering: &Offering, place: &Place, pupil: &PupilId) -> SchoolId {
    let directory = offering.intake.directory().load();
    if directory.roster.pupil(&place.school, pupil).is_some() {
        return place.school.clone();
    }
    let mut schools = directory.schools.keys();
    let at = schools.find(|school| directory.roster.pupil(school, pupil).is_some());
    at.unwrap_or(&place.school).clone()
}

/// Reads a row.
fn notice(row: &Absence) -> Result<(PupilId, AdvanceNotice), &'static str> {
    let student = row.student.as_ref().ok_or("no-pupil")?;
    let pupil = PupilId::new(student.id.clone()).map_err(|_| "pupil-id")?;
    let (Some(from), Some(to)) = (row.start_time, row.end_time) else { return Err("no-times") };
    if to <= from || !is_likely(from) || !is_likely(to) {
        return Err("impossible-times");
    }
    let kind = match row.kind {
        Some(AbsenceType::Leave) => NoticeKind::Leave,
        // It says that the pupil is away and somebody knows, whatever its name.
        Some(AbsenceType::Reported | AbsenceType::Other(_)) | None => NoticeKind::Notified,
    };
    Ok((pupil, AdvanceNotice { from, to, kind }))
}

/// Tells the core. The inner error: it is refused, since the pupil is not known.
async fn tell(
    offering: &Offering,
    key: &Key,
    said: &NoticeSaid,
    withdrawn: bool,
    first: bool,
) -> Result<Result<(), String>, Fault> {
    let now = offering.intake.clock().now();
    let event = NotificationId::of(&[
        "notice",
        key.school.as_str(),
        key.pupil.as_str(),
        &key.row,
        &said.notice.from.to_string(),
        &said.notice.to.to_string(),
        if withdrawn { "withdrawn" } else { "given" },
        &now.as_nanosecond().to_string(),
    ]);
    let observation = Observation {
        source: offering.source.clone(),
        event: EventId::new(event.as_str()).map_err(|_| Fault::Stopped)?,
        school: key.school.clone(),
        fact: Fact::Notified {
            pupil: key.pupil.clone(),
            notice: said.notice,
            withdrawn,
            recorded_at: said.modified_at,
        },
    };
    let accepted = if first {
        offering.intake.learn(&observation).await
    } else {
        offering.intake.accept(&observation).await
    };
    match accepted {
        Ok(_) => {
            offering.meter.accepted(None);
            offering.contacts.news(&offering.source, said.modified_at, now);
            Ok(Ok(()))
        }
        Err(IntakeError::Rejected(why)) => Ok(Err(why)),
        Err(IntakeError::Store(error)) => Err(error.into()),
    }
}
