//! Advance notices (`/absences`): they suppress, so they are asked for before the marks. The source neither withdraws
//! nor says why: a notice that is over shows as another end, or as an id among what is deleted. What was last said of
//! each row is a row here, so that the former span can be taken back.

mod row;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::attendance::is_possible;
use super::book::Place;
use super::client::Client;
use super::fault::Fault;
use super::person::says_protected;
use super::rows::{self, Bad};
use super::schedule::{cursor, theirs};
use super::settings::Resource;
use super::timetable::is_likely;
use super::types::Absence;
use crate::intake::{Beside, IntakeError};
use crate::model::{AdvanceNotice, EventId, Fact, NotificationId, Observation, PupilId, SchoolId};
use crate::source::marks::Offering;
use crate::store::ledger::{self, Unit};
use crate::store::rows::NoticeSaid;
use crate::store::{Commit, StoreError, after_prefix, codec, tables};

/// How long after its end a notice is remembered.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);
/// When it is asked again for notices that it has never given, and that it does not give any more.
const NOT_OFFERED: SignedDuration = SignedDuration::from_hours(24);
const REFUSED: SignedDuration = SignedDuration::from_mins(5);
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
    /// Schools that the source gives no notices of.
    refused: BTreeMap<SchoolId, Refusal>,
    offered: bool,
}

/// The source does not give a school's notices.
#[derive(Debug, Clone, Copy)]
struct Refusal {
    /// When it is asked again.
    until: Timestamp,
    /// It gave them before: something is wrong.
    is_new: bool,
}

/// What one round found.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Notices that are new or otherwise.
    pub changed: u64,
    /// Schools whose notices could not be read: who is reported there is not known.
    pub unread: BTreeSet<SchoolId>,
    /// Whose rows say that there is protection.
    pub protected: BTreeSet<(SchoolId, PupilId)>,
    /// What failed first.
    pub failed: Option<Fault>,
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
        Ok(Self { said, refused: BTreeMap::new(), offered: true })
    }

    /// Whether the source gives notices at all.
    pub fn are_offered(&self) -> bool {
        self.offered
    }

    /// It is asked again whether it gives them.
    pub fn ask_again(&mut self) {
        self.refused.clear();
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
    ) -> Result<Round, Fault> {
        let oldest = client.clock().now().saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        self.said.retain(|_, said| said.notice.to >= oldest || !said.former.is_empty());
        let changed = self.offer_waiting(offering).await?;
        let mut round = Round { changed, ..Round::default() };
        // What a stop came between.
        let halves: Vec<Key> = self
            .said
            .iter()
            .filter(|(_, said)| !said.former.is_empty())
            .map(|(key, _)| key.clone())
            .collect();
        for key in halves {
            self.withdraw_former(offering, &key).await?;
        }
        for place in places {
            let client = client.for_school(place.organisation.as_deref());
            let now = client.clock().now();
            if let Some(refusal) = self.refused.get(&place.school).filter(|r| now < r.until) {
                round.unread.extend(refusal.is_new.then(|| place.school.clone()));
                continue;
            }
            let protected = &mut round.protected;
            match self.of_place(&client, offering, place, overlap, (bad, protected)).await {
                Ok(changed) => round.changed += changed,
                Err(fault @ Fault::Failed(_)) => {
                    round.unread.insert(place.school.clone());
                    round.failed.get_or_insert(fault);
                }
                Err(fault) => return Err(fault),
            }
        }
        self.offered = places.iter().any(|place| !self.refused.contains_key(&place.school));
        let gone: Vec<Key> =
            self.said.keys().filter(|key| deleted.contains(&key.row)).cloned().collect();
        for key in gone {
            round.changed += 1;
            self.withdraw(offering, &key).await?;
        }
        Ok(round)
    }

    /// Asks for those of one school that came since: whoever was reported before a mark was made must not count as
    /// missing by it. What cannot be read then has been read shortly before.
    pub async fn once_more(
        &mut self,
        client: &Client,
        offering: &Offering,
        place: &Place,
        overlap: SignedDuration,
    ) -> Result<u64, Fault> {
        if self.refused.contains_key(&place.school) {
            return Ok(0);
        }
        // What is found besides is found again with the next round, and counted.
        let (mut bad, mut protected) = (Bad::default(), BTreeSet::new());
        let besides = (&mut bad, &mut protected);
        match self.of_place(&client.impatient(), offering, place, overlap, besides).await {
            Err(Fault::Failed(_)) => Ok(0),
            done => done,
        }
    }

    /// The notices of one school. How many are new or otherwise.
    async fn of_place(
        &mut self,
        client: &Client,
        offering: &Offering,
        place: &Place,
        overlap: SignedDuration,
        (bad, protected): (&mut Bad, &mut BTreeSet<(SchoolId, PupilId)>),
    ) -> Result<u64, Fault> {
        let (part, now) = (format!("absences {}", place.school), client.clock().now());
        let known = offering.cursor(&part).await?;
        let first = known.is_none();
        let asked = ask(client, place, known.as_ref(), now, overlap, bad).await;
        if let Err(fault @ (Fault::NotOffered { .. } | Fault::BadRequest { .. })) = asked {
            let wait = if first { NOT_OFFERED } else { REFUSED };
            let until = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
            self.refused.insert(place.school.clone(), Refusal { until, is_new: !first });
            if first {
                let (source, school) = (&offering.source, &place.school);
                tracing::info!(%source, %school, "the source gives no advance notices");
                return Ok(0);
            }
            // It gave them before, so it is no matter of what is offered.
            return Err(client.give_up(Resource::Absences, fault));
        }
        let (found, all) = asked?;
        self.refused.remove(&place.school);
        let (mut changed, mut newest) = (0, known.as_ref().and_then(|k| k.after));
        for row in found {
            newest = newest.max(row.meta.modified.filter(|at| is_possible(*at, now)));
            if let Some(student) = row.student.as_ref().filter(|student| says_protected(student))
                && let Ok(pupil) = PupilId::new(student.id.clone())
            {
                protected.insert((school_of(offering, &place.school, &pupil), pupil));
            }
            changed += u64::from(self.take(offering, place, &row, first, bad).await?);
        }
        if all {
            let newest = newest.unwrap_or(theirs(client, now)).min(theirs(client, now));
            offering.set_cursor(&part, &cursor(known, newest)).await?;
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
        let (pupil, notice) = match row::notice(row) {
            Ok((pupil, Some(notice))) => (pupil, notice),
            Ok((pupil, None)) => {
                let school = school_of(offering, &place.school, &pupil);
                let key = Key { row: row.id.to_string(), school, pupil };
                if !self.said.contains_key(&key) {
                    return Ok(false);
                }
                self.withdraw(offering, &key).await?;
                return Ok(true);
            }
            Err(why) => {
                bad.add(format!("an advance notice: {why}"));
                return Ok(false);
            }
        };
        let school = school_of(offering, &place.school, &pupil);
        let key = Key { row: row.id.to_string(), school, pupil };
        let protected = row.student.as_ref().is_some_and(says_protected);
        let modified_at = row.meta.modified.filter(|at| is_likely(*at));
        let known = self.said.get(&key).cloned();
        if known.as_ref().is_some_and(|k| {
            (k.notice == notice && !k.waits && (k.protected || !protected))
                || k.modified_at.zip(modified_at).is_some_and(|(k, n)| n < k)
        }) {
            return Ok(false);
        }
        let protected = protected || known.as_ref().is_some_and(|k| k.protected);
        let mut former = Vec::new();
        if let Some(known) = known {
            former = known.former;
            former.extend(Some(known.notice).filter(|_| !known.waits));
            former.retain(|before| *before != notice);
        }
        // The new span first: between the two, nobody may count as missing from a lesson that both suppress.
        let said = NoticeSaid { notice, modified_at, waits: false, protected, former };
        self.give(offering, &key, said, first).await?;
        self.withdraw_former(offering, &key).await?;
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
            taken += u64::from(self.give(offering, &key, said, false).await?);
        }
        Ok(taken)
    }

    /// Says a notice, or has it wait for its pupil. Whether it is said.
    async fn give(
        &mut self,
        offering: &Offering,
        key: &Key,
        said: NoticeSaid,
        first: bool,
    ) -> Result<bool, Fault> {
        let said = NoticeSaid { waits: false, ..said };
        let notice = (said.notice, said.modified_at);
        if tell(offering, key, notice, Tone::Given { first }, Some(&said)).await? {
            self.said.insert(key.clone(), said);
            return Ok(true);
        }
        self.remember(offering, key, NoticeSaid { waits: true, ..said }).await?;
        Ok(false)
    }

    /// Takes back what a row said before.
    async fn withdraw_former(&mut self, offering: &Offering, key: &Key) -> Result<(), Fault> {
        while let Some(known) = self.said.get(key).filter(|known| !known.former.is_empty()) {
            let mut left = known.clone();
            let notice = (left.former.remove(0), left.modified_at);
            // Who is not in the directory any more has no notice that counts.
            let is_told = !self.has_twin(key, &notice.0)
                && tell(offering, key, notice, Tone::Withdrawn, Some(&left)).await?;
            if is_told {
                self.said.insert(key.clone(), left);
            } else {
                self.remember(offering, key, left).await?;
            }
        }
        Ok(())
    }

    /// Takes back all that a row said, and knows it no more.
    async fn withdraw(&mut self, offering: &Offering, key: &Key) -> Result<(), Fault> {
        self.withdraw_former(offering, key).await?;
        let Some(known) = self.said.get(key) else { return Ok(()) };
        let is_told = !known.waits
            && !self.has_twin(key, &known.notice)
            && tell(offering, key, (known.notice, None), Tone::Withdrawn, None).await?;
        if !is_told {
            let mut unit = Unit::new(offering.intake.kv().as_ref());
            unit.delete(key.table(offering));
            let _: Commit = unit.commit().await?;
        }
        self.said.remove(key);
        Ok(())
    }

    /// Whether another row says the same.
    fn has_twin(&self, key: &Key, notice: &AdvanceNotice) -> bool {
        self.said.iter().any(|(other, said)| {
            other != key
                && (&other.school, &other.pupil) == (&key.school, &key.pupil)
                && said.notice == *notice
                && !said.waits
        })
    }

    async fn remember(
        &mut self,
        offering: &Offering,
        key: &Key,
        said: NoticeSaid,
    ) -> Result<(), StoreError> {
        let mut unit = Unit::new(offering.intake.kv().as_ref());
        unit.write(key.table(offering), &said);
        let _: Commit = unit.commit().await?;
        self.said.insert(key.clone(), said);
        Ok(())
    }
}

impl Key {
    fn table(&self, offering: &Offering) -> Vec<u8> {
        tables::notice_said(&self.school, &self.pupil, &offering.source, &self.row)
    }
}

/// All rows that may have changed, and whether there are no more.
async fn ask(
    client: &Client,
    place: &Place,
    known: Option<&crate::store::rows::Cursor>,
    now: Timestamp,
    overlap: SignedDuration,
    bad: &mut Bad,
) -> Result<(Vec<Absence>, bool), Fault> {
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
    let mut refused = None;
    for (filter, at) in since {
        let at = at.unwrap_or(Timestamp::MIN).to_string();
        let mut query = place.filter();
        query.push((filter, &at));
        let mut pages = client.pages(Resource::Absences, &query);
        let (mut found, mut cut) = (Vec::new(), false);
        loop {
            match pages.next_of_some(&mut cut).await {
                Ok(Some(page)) => found.extend(rows::read::<Absence>(page, bad)),
                Ok(None) => return Ok((found, !cut)),
                Err(fault @ Fault::BadRequest { .. }) => {
                    refused = Some(fault);
                    break;
                }
                Err(fault) => return Err(fault),
            }
        }
    }
    Err(refused.unwrap_or(Fault::TooMuch))
}

/// The school that the pupil goes to: what asks for one school is answered with those below it too, and pupils of one
/// have lessons at another. The one that was asked for, where nobody knows the pupil.
pub(super) fn school_of(offering: &Offering, asked_for: &SchoolId, pupil: &PupilId) -> SchoolId {
    let directory = offering.intake.directory().load();
    if directory.roster.pupil(asked_for, pupil).is_some() {
        return asked_for.clone();
    }
    let mut schools = directory.schools.keys();
    let at = schools.find(|school| directory.roster.pupil(school, pupil).is_some());
    at.unwrap_or(asked_for).clone()
}

/// How a notice is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tone {
    Given { first: bool },
    Withdrawn,
}

/// Tells the core, with what is to be remembered of the row in the same commit: a notice that is told and not
/// remembered would never be taken back. Whether it is told: else it is refused, since the pupil is not known.
async fn tell(
    offering: &Offering,
    key: &Key,
    (notice, recorded_at): (AdvanceNotice, Option<Timestamp>),
    tone: Tone,
    remembered: Option<&NoticeSaid>,
) -> Result<bool, Fault> {
    let now = offering.intake.clock().now();
    let withdrawn = tone == Tone::Withdrawn;
    let event = NotificationId::of(&[
        "notice",
        key.school.as_str(),
        key.pupil.as_str(),
        &key.row,
        &notice.from.to_string(),
        &notice.to.to_string(),
        if withdrawn { "withdrawn" } else { "given" },
        &now.as_nanosecond().to_string(),
    ]);
    let observation = Observation {
        source: offering.source.clone(),
        event: EventId::new(event.as_str()).map_err(|_| Fault::Stopped)?,
        school: key.school.clone(),
        fact: Fact::Notified { pupil: key.pupil.clone(), notice, withdrawn, recorded_at },
    };
    let row = remembered.map(|said| codec::encode(ledger::ROW_VERSION, said));
    let beside = [(key.table(offering), row)];
    let learn = tone == Tone::Given { first: true };
    let protected = remembered.is_some_and(|said| said.protected);
    let with = Beside { learn, protected, rows: &beside };
    match offering.intake.accept_beside(&observation, with).await {
        Ok(_) => {
            offering.meter.accepted(None);
            offering.contacts.news(&offering.source, recorded_at, now);
            Ok(true)
        }
        Err(IntakeError::Rejected(_)) => Ok(false),
        Err(IntakeError::Store(error)) => Err(error.into()),
    }
}
