//! The tables: one prefix each in the one keyspace, and how their keys are made. Keys are ordered so
//! that what is read together lies together. Texts in keys end with a NUL, which no identifier
//! can hold.

#[path = "tables_of_accords.rs"]
mod of_accords;
#[path = "tables_of_cases.rs"]
mod of_cases;
#[path = "tables_of_ladders.rs"]
mod of_ladders;
#[path = "tables_of_programmes.rs"]
mod of_programmes;
#[path = "tables_of_registers.rs"]
mod of_registers;
#[path = "tables_of_silences.rs"]
mod of_silences;
#[path = "tables_of_sources.rs"]
mod of_sources;
#[path = "tables_of_volume.rs"]
mod of_volume;

use jiff::{Timestamp, civil::Date};
use sha2::{Digest, Sha256};

pub use super::lane::Lane;
use crate::model::{
    Address, AdvanceNotice, EventId, LessonId, NoticeKind, NotificationId, ProviderId, PupilId,
    SchoolId, SourceId,
};
pub use of_accords::*;
pub use of_cases::*;
pub use of_ladders::*;
pub use of_programmes::*;
pub use of_registers::*;
pub use of_silences::*;
pub use of_sources::*;
pub use of_volume::*;

fn key(prefix: &str, parts: &[&str]) -> Vec<u8> {
    let mut key = prefix.as_bytes().to_vec();
    for part in parts {
        key.extend_from_slice(part.as_bytes());
        key.push(0);
    }
    key
}

/// Observations seen, by source and event id. Value: [`super::rows::Seen`].
pub fn seen(source: &SourceId, event: &EventId) -> Vec<u8> {
    key("se/", &[source.as_str(), event.as_str()])
}

/// Every observation seen of one source.
pub fn seen_from(source: &SourceId) -> Vec<u8> {
    key("se/", &[source.as_str()])
}

/// Every observation seen.
pub const SEEN: &[u8] = b"se/";

/// Webhook deliveries answered, by source and delivery id. Value: [`super::rows::Seen`].
pub fn webhook_id(source: &SourceId, id: &str) -> Vec<u8> {
    let digest = Sha256::digest(id.as_bytes());
    let mut key = key("wi/", &[source.as_str()]);
    key.extend_from_slice(digest.as_slice());
    key
}

/// Every webhook delivery answered.
pub const WEBHOOK_IDS: &[u8] = b"wi/";

/// One pupil's lesson. Value: `LessonState`.
pub fn lesson(school: &SchoolId, pupil: &PupilId, date: Date, lesson: &LessonId) -> Vec<u8> {
    key("le/", &[school.as_str(), pupil.as_str(), &date.to_string(), lesson.as_str()])
}

/// All of one pupil's lessons of one day.
pub fn day(school: &SchoolId, pupil: &PupilId, date: Date) -> Vec<u8> {
    key("le/", &[school.as_str(), pupil.as_str(), &date.to_string()])
}

/// All of one pupil's lessons.
pub fn lessons(school: &SchoolId, pupil: &PupilId) -> Vec<u8> {
    key("le/", &[school.as_str(), pupil.as_str()])
}

/// The day of a lesson, from its key.
pub fn lesson_date(key: &[u8]) -> Option<Date> {
    std::str::from_utf8(key.split(|byte| *byte == 0).nth(2)?).ok()?.parse().ok()
}

/// One pupil's day: a counter that every change of the day moves, so that two decisions about one
/// day cannot both stand. Value: [`super::rows::Day`].
pub fn occasion(school: &SchoolId, pupil: &PupilId, date: Date) -> Vec<u8> {
    key("oc/", &[school.as_str(), pupil.as_str(), &date.to_string()])
}

/// One advance notice. Value: [`super::rows::Notice`]. Ordered by its end.
pub fn notice(school: &SchoolId, pupil: &PupilId, notice: &AdvanceNotice) -> Vec<u8> {
    let mut key = notices_ending_after(school, pupil, notice.to);
    key.extend_from_slice(&time(notice.from));
    key.push(match notice.kind {
        NoticeKind::Notified => b'n',
        NoticeKind::Leave => b'l',
    });
    key
}

/// Where one pupil's notices that end at or after `at` begin.
pub fn notices_ending_after(school: &SchoolId, pupil: &PupilId, at: Timestamp) -> Vec<u8> {
    let mut key = notices(school, pupil);
    key.extend_from_slice(&time(at));
    key
}

/// All of one pupil's notices.
pub fn notices(school: &SchoolId, pupil: &PupilId) -> Vec<u8> {
    key("an/", &[school.as_str(), pupil.as_str()])
}

/// A counter that every change of a pupil's notices moves. Value: [`super::rows::Day`].
pub fn notice_guard(school: &SchoolId, pupil: &PupilId) -> Vec<u8> {
    key("ag/", &[school.as_str(), pupil.as_str()])
}

/// A source that says nothing of a school though it should. Value: [`super::rows::Silence`].
pub fn silence(school: &SchoolId, source: &SourceId) -> Vec<u8> {
    key("si/", &[school.as_str(), source.as_str()])
}

/// Every silence of a school.
pub fn silences(school: &SchoolId) -> Vec<u8> {
    key("si/", &[school.as_str()])
}

/// Every silence.
pub const SILENCES: &[u8] = b"si/";

/// One notification. Value: `Notification`.
pub fn notification(id: &NotificationId) -> Vec<u8> {
    key("no/", &[id.as_str()])
}

/// Every notification.
pub const NOTIFICATIONS: &[u8] = b"no/";

/// A provider's reference. Value: the notification's id.
pub fn reference(account: &ProviderId, reference: &str) -> Vec<u8> {
    let digest = Sha256::digest(reference.as_bytes());
    let mut key = key("pr/", &[account.as_str()]);
    key.extend_from_slice(digest.as_slice());
    key
}

/// An attempt to send to one address by one account, by its start. Value: [`super::rows::SentTo`].
pub fn sent_to(
    account: &ProviderId,
    address: &Address,
    at: Timestamp,
    id: &NotificationId,
) -> Vec<u8> {
    let mut key = sent_to_since(account, address, at);
    key.extend_from_slice(id.as_str().as_bytes());
    key
}

/// Where attempts that started at or after `at` begin.
pub fn sent_to_since(account: &ProviderId, address: &Address, at: Timestamp) -> Vec<u8> {
    let mut key = sent_to_prefix(account, address);
    key.extend_from_slice(&time(at));
    key
}

/// All attempts to send to one address by one account.
pub fn sent_to_prefix(account: &ProviderId, address: &Address) -> Vec<u8> {
    let mut key = key("st/", &[account.as_str()]);
    key.extend_from_slice(&address_digest(address));
    key
}

/// An address a provider has rejected. Value: [`super::rows::BadContact`].
pub fn bad_contact(address: &Address) -> Vec<u8> {
    let mut key = b"bc/".to_vec();
    key.extend_from_slice(&address_digest(address));
    key
}

/// Failures in a row to an address. Value: [`super::rows::Failing`].
pub fn failing(address: &Address) -> Vec<u8> {
    let mut key = FAILING.to_vec();
    key.extend_from_slice(&address_digest(address));
    key
}

/// All rows of [`failing`].
pub const FAILING: &[u8] = b"fa/";

fn address_digest(address: &Address) -> Vec<u8> {
    Sha256::digest(address.key().as_bytes()).as_slice().to_vec()
}

/// Every account in trouble.
pub const ACCOUNTS: &[u8] = b"ac/";

/// A limiter cell. Value: the theoretical arrival time in Unix nanoseconds, eight bytes.
pub fn cell(gate: &str) -> Vec<u8> {
    key("li/", &[gate])
}

/// Every limiter cell.
pub const CELLS: &[u8] = b"li/";

/// How an account is. Value: `delivery::accounts::Account`.
pub fn account(account: &ProviderId) -> Vec<u8> {
    key("ac/", &[account.as_str()])
}

/// One line of the trail of a pupil.
pub fn audit(school: &SchoolId, pupil: &PupilId, at: Timestamp, unique: &str) -> Vec<u8> {
    let mut key = key("au/", &[school.as_str(), pupil.as_str()]);
    key.extend_from_slice(&time(at));
    key.extend_from_slice(unique.as_bytes());
    key
}

/// The whole trail of a pupil.
pub fn audit_prefix(school: &SchoolId, pupil: &PupilId) -> Vec<u8> {
    key("au/", &[school.as_str(), pupil.as_str()])
}

/// Every trail.
pub const AUDIT: &[u8] = b"au/";

/// An event that was refused, by time. Value: [`super::rows::Rejection`].
pub fn rejected(source: &SourceId, at: Timestamp, index: u32) -> Vec<u8> {
    let mut key = REJECTED.to_vec();
    key.extend_from_slice(&time(at));
    key.extend_from_slice(source.as_str().as_bytes());
    key.push(0);
    key.extend_from_slice(&index.to_be_bytes());
    key
}

/// Every event that was refused.
pub const REJECTED: &[u8] = b"rj/";

/// That the store was put back from a backup. Value: [`super::rows::Restored`].
pub const RESTORED: &[u8] = b"rs/";

/// An erasure that was done, by time. Value: [`super::rows::Erased`].
pub fn erased(at: Timestamp, school: &SchoolId) -> Vec<u8> {
    let mut key = ERASED.to_vec();
    key.extend_from_slice(&time(at));
    key.extend_from_slice(school.as_str().as_bytes());
    key
}

/// Every erasure.
pub const ERASED: &[u8] = b"er/";

/// What became of a school's messages of one day, in numbers. Value: [`super::rows::Counted`].
pub fn counters(school: &SchoolId, date: Date) -> Vec<u8> {
    key("ct/", &[school.as_str(), &date.to_string()])
}

/// Every day's numbers.
pub const COUNTERS: &[u8] = b"ct/";

/// Every table: where it begins, and its name for people.
pub const TABLES: &[(&[u8], &str)] = &[
    (b"ac/", "accounts in trouble"),
    (b"ag/", "guards of advance notices"),
    (b"an/", "advance notices"),
    (b"as/", "due rows put aside"),
    (b"au/", "trail"),
    (b"bc/", "rejected addresses"),
    (b"cs/", "consents and agreements"),
    (b"ct/", "counters"),
    (b"cu/", "cursors"),
    (b"cw/", "words on cases"),
    (b"dh/", "calls by hour"),
    (b"di/", "directory"),
    (b"du/", "due rows"),
    (b"dy/", "duties"),
    (b"er/", "erasures"),
    (b"fa/", "failing numbers"),
    (b"fi/", "files taken"),
    (b"gl/", "schools gone live"),
    (b"gs/", "lessons by group"),
    (b"hg/", "guards of silences"),
    (b"ho/", "holds"),
    (b"hu/", "silences"),
    (b"la/", "other ids of lessons"),
    (b"ld/", "steps reached"),
    (b"le/", "lessons"),
    (b"li/", "limits"),
    (b"ls/", "last said"),
    (b"ma/", "missing at once"),
    (b"mk/", "marks that wait"),
    (b"mm/", "missed"),
    (b"no/", "messages"),
    (b"ns/", "notices said"),
    (b"oc/", "days"),
    (b"op/", "operators' acts"),
    (b"pb/", "the self-test's row"),
    (b"pg/", "sessions of programmes"),
    (b"pr/", "providers' references"),
    (b"ra/", "roster audits"),
    (b"rd/", "lessons by day"),
    (b"rg/", "registers"),
    (b"rj/", "refused events"),
    (b"rs/", "restores"),
    (b"rt/", "trails of registers"),
    (b"sb/", "subscriptions"),
    (b"se/", "events seen"),
    (b"si/", "silent sources"),
    (b"sk/", "keys of sources"),
    (b"so/", "sources"),
    (b"st/", "attempts by address"),
    (b"su/", "suspensions"),
    (b"wi/", "deliveries seen"),
];

/// Where a pupil's rows of a table begin whose keys begin with school and pupil.
pub fn of_pupil(table: &[u8], school: &SchoolId, pupil: &PupilId) -> Vec<u8> {
    let mut start = table.to_vec();
    for part in [school.as_str(), pupil.as_str()] {
        start.extend_from_slice(part.as_bytes());
        start.push(0);
    }
    start
}

/// The texts that a key begins with after its table's prefix, each ended by a NUL, and what follows them.
pub fn parts<const N: usize>(key: &[u8]) -> Option<([&str; N], &[u8])> {
    let mut rest = key.get(3..)?;
    let mut found = [""; N];
    for part in &mut found {
        let end = rest.iter().position(|&byte| byte == 0)?;
        *part = std::str::from_utf8(&rest[..end]).ok()?;
        rest = &rest[end + 1..];
    }
    Some((found, rest))
}

/// The time that eight bytes of a key stand for.
pub fn time_of(bytes: &[u8]) -> Option<Timestamp> {
    let bytes: [u8; 8] = bytes.get(..8)?.try_into().ok()?;
    let micros = u64::from_be_bytes(bytes) ^ (1 << 63);
    Timestamp::from_microsecond(i64::from_be_bytes(micros.to_be_bytes())).ok()
}

/// Every register.
pub const REGISTERS: &[u8] = b"rg/";
/// Every lesson.
pub const LESSONS: &[u8] = b"le/";
/// Every pupil's day.
pub const DAYS: &[u8] = b"oc/";
/// Every advance notice.
pub const NOTICES: &[u8] = b"an/";
/// Every guard of a pupil's notices.
pub const NOTICE_GUARDS: &[u8] = b"ag/";
/// Every provider's reference.
pub const REFERENCES: &[u8] = b"pr/";
/// Every attempt by address.
pub const SENT_TO: &[u8] = b"st/";
/// Every rejected address.
pub const BAD_CONTACTS: &[u8] = b"bc/";
/// Every due row.
pub const ALL_DUE: &[u8] = DUE;
/// Sending suspended, by scope as `delivery::suspension` writes it. Value: its `Suspension`.
pub fn suspension(scope: &str) -> Vec<u8> {
    [SUSPENSIONS, scope.as_bytes(), &[0]].concat()
}

/// Every suspension.
pub const SUSPENSIONS: &[u8] = b"su/";

/// That a school has gone live. Value: `directory::go_live::GoneLive`.
pub fn gone_live(school: &SchoolId) -> Vec<u8> {
    [GONE_LIVE, school.as_str().as_bytes(), &[0]].concat()
}

/// Every school that has gone live.
pub const GONE_LIVE: &[u8] = b"gl/";

/// What an operator did to the whole, by time. Value: [`super::rows::OperatorAct`].
pub fn operator_act(at: Timestamp, unique: &str) -> Vec<u8> {
    let mut key = OPERATOR_ACTS.to_vec();
    key.extend_from_slice(&time(at));
    key.extend_from_slice(unique.as_bytes());
    key
}

/// Everything that operators did to the whole.
pub const OPERATOR_ACTS: &[u8] = b"op/";

/// The row that a self-test writes and removes. Value: [`super::rows::Seen`].
pub const PROBE: &[u8] = b"pb/self-test";

/// Directory rows; large and loadable again, so the journal leaves them out.
pub const DIRECTORY: &[u8] = b"di/";

pub(super) const DUE: &[u8] = b"du/";

/// A due row. Value: [`super::rows::Due`].
pub fn due(lane: Lane, at: Timestamp, unique: &str) -> Vec<u8> {
    let mut key = lane.prefix();
    key.extend_from_slice(&time(at));
    key.extend_from_slice(unique.as_bytes());
    key
}

/// Where a due row that cannot be worked on waits. Value: as it was.
pub fn aside(due_row: &[u8]) -> Vec<u8> {
    [ASIDE, due_row].concat()
}

/// Every due row that was put aside.
pub const ASIDE: &[u8] = b"as/";

/// A due row's name for people: the id it ends with.
pub fn due_name(key: &[u8]) -> String {
    key.get(12..).map(|id| String::from_utf8_lossy(id).into_owned()).unwrap_or_default()
}

/// When a due row is due.
pub fn due_time(key: &[u8]) -> Option<Timestamp> {
    time_of(key.get(4..12)?)
}

/// Microseconds since 1970, big-endian, the sign flipped so that earlier sorts first.
pub(super) fn time(at: Timestamp) -> [u8; 8] {
    let micros = u64::from_be_bytes(at.as_microsecond().to_be_bytes());
    (micros ^ (1 << 63)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_rows_sort_by_time_and_give_it_back() {
        let times = ["1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2026-11-23T07:20:00.5Z"];
        let keys: Vec<_> =
            times.iter().map(|t| due(Lane::Sms, t.parse().expect("time"), "x")).collect();
        assert!(keys.is_sorted());
        for (key, t) in keys.iter().zip(times) {
            assert_eq!(due_time(key), Some(t.parse().expect("time")));
        }
    }

    #[test]
    fn every_table_is_listed() {
        let here = include_str!("tables.rs").split("#[cfg(test)]").next().expect("code");
        let others = [
            include_str!("tables_of_accords.rs"),
            include_str!("tables_of_programmes.rs"),
            include_str!("tables_of_ladders.rs"),
            include_str!("tables_of_cases.rs"),
            include_str!("tables_of_registers.rs"),
            include_str!("tables_of_silences.rs"),
            include_str!("tables_of_sources.rs"),
            include_str!("tables_of_volume.rs"),
        ];
        let code = [here, &others.concat()].concat();
        let listed: std::collections::BTreeSet<_> =
            TABLES.iter().map(|(prefix, _)| std::str::from_utf8(prefix).expect("ASCII")).collect();
        let named = code.split('"').filter(|word| word.len() == 3 && word.ends_with('/'));
        let named: std::collections::BTreeSet<_> = named.collect();
        assert_eq!(named, listed, "tables and their list differ");
        assert!(TABLES.is_sorted() && listed.len() == TABLES.len());
    }

    #[test]
    fn a_key_comes_apart_again() {
        let (school, lesson) = (SchoolId::new("s").expect("id"), LessonId::new("l").expect("id"));
        let key = register(&school, &lesson);
        assert_eq!(parts::<2>(&key), Some((["s", "l"], &[][..])));
        assert_eq!(parts::<3>(&key), None);
        let at: Timestamp = "2026-11-23T07:20:00.5Z".parse().expect("time");
        assert_eq!(time_of(&time(at)), Some(at));
    }

    #[test]
    fn no_id_reaches_into_another_ones_range() {
        let school = SchoolId::new("s").expect("id");
        let date = jiff::civil::date(2026, 11, 23);
        let short = day(&school, &PupilId::new("p1").expect("id"), date);
        let long = day(&school, &PupilId::new("p10").expect("id"), date);
        assert!(!long.starts_with(&short));
        assert_eq!(lesson_date(&short), Some(date));
    }
}
