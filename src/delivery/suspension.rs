//! Sending suspended by an operator: everything, one channel, or one school, until a given time. A row
//! each, which every claim asks in its own commit, so that a suspension that is written holds from then
//! on. The rows of messages are left as they are: they are passed over, and looked at again when it ends.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Channel, SchoolId};
use crate::store::ledger::{self, Unit};
use crate::store::{Kv, StoreError, after_prefix, tables};

/// Most suspensions read; there are no more than schools, channels and one.
const MOST: usize = 10_000;

/// What is suspended. Written `all`, `channel:sms`, `channel:email` or `school:ID`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// Every message.
    All,
    /// Every message by one channel.
    Channel(Channel),
    /// Every message of one school: to guardians, pupils and staff.
    School(SchoolId),
}

impl Scope {
    /// Whether a message of a school by a channel is meant.
    pub fn covers(&self, school: &SchoolId, channel: Channel) -> bool {
        match self {
            Self::All => true,
            Self::Channel(of) => *of == channel,
            Self::School(of) => of == school,
        }
    }

    /// Whether a school is concerned, by whatever channel.
    pub fn concerns(&self, school: &SchoolId) -> bool {
        !matches!(self, Self::School(of) if of != school)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Channel(channel) => write!(f, "channel:{}", channel.as_str()),
            Self::School(school) => write!(f, "school:{school}"),
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "all" => Ok(Self::All),
            Some(("channel", "sms")) => Ok(Self::Channel(Channel::Sms)),
            Some(("channel", "email")) => Ok(Self::Channel(Channel::Email)),
            Some(("school", id)) => {
                SchoolId::new(id).map(Self::School).map_err(|e| format!("the school's id {e}"))
            }
            _ => Err("write all, channel:sms, channel:email or school:ID".into()),
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

/// One suspension, as stored. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Suspension {
    /// What is suspended.
    pub scope: Scope,
    /// Why, in the operator's words.
    pub reason: String,
    /// Who did it, as the system says: `uid 0`.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
}

impl Suspension {
    /// The row of a scope.
    pub fn row(scope: &Scope) -> Vec<u8> {
        tables::suspension(&scope.to_string())
    }

    /// Reads a row. One that cannot be read holds until somebody resumes: whoever suspended had a reason.
    fn read(scope: Scope, value: &[u8]) -> Result<Self, StoreError> {
        match ledger::decode(value) {
            Err(StoreError::Damaged(_)) => Ok(Self {
                scope,
                reason: "(its row is damaged; resume it, and suspend again if need be)".into(),
                by: "unknown".into(),
                since: Timestamp::UNIX_EPOCH,
                until: Timestamp::MAX,
            }),
            read => read,
        }
    }
}

/// The suspensions in force at one moment.
#[derive(Debug, Clone, Default)]
pub struct Suspensions(Vec<Suspension>);

impl Suspensions {
    /// Reads those that are in force at `now`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn load(kv: &dyn Kv, now: Timestamp) -> Result<Self, StoreError> {
        let prefix = tables::SUSPENSIONS;
        let mut found = Vec::new();
        for (key, value) in kv.scan(prefix, &after_prefix(prefix), MOST).await? {
            let scope = String::from_utf8_lossy(&key[prefix.len()..]);
            // A key that names nothing we know was made by nobody we know.
            let Ok(scope) = scope.trim_end_matches('\0').parse() else { continue };
            found.push(Suspension::read(scope, &value)?);
        }
        found.retain(|s| s.until > now);
        Ok(Self(found))
    }

    /// All of them.
    pub fn all(&self) -> &[Suspension] {
        &self.0
    }

    /// The one that keeps a message of a school by a channel longest; none: it may go.
    pub fn of(&self, school: &SchoolId, channel: Channel) -> Option<&Suspension> {
        self.0.iter().filter(|s| s.scope.covers(school, channel)).max_by_key(|s| s.until)
    }

    /// Whether every message by a channel waits, whatever its school.
    pub fn shuts(&self, channel: Channel) -> bool {
        self.0.iter().any(|s| match &s.scope {
            Scope::All => true,
            Scope::Channel(of) => *of == channel,
            Scope::School(_) => false,
        })
    }

    /// When the first of them ends.
    pub fn first_end(&self) -> Option<Timestamp> {
        self.0.iter().map(|s| s.until).min()
    }
}

/// Whether a message must wait now. The unit's commit fails if that changes meanwhile.
///
/// # Errors
/// When the store fails.
pub async fn holds(
    unit: &mut Unit<'_>,
    school: &SchoolId,
    channel: Channel,
    now: Timestamp,
) -> Result<bool, StoreError> {
    for scope in [Scope::All, Scope::Channel(channel), Scope::School(school.clone())] {
        let Some(value) = unit.read_raw(&Suspension::row(&scope)).await? else { continue };
        if Suspension::read(scope, &value)?.until > now {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Commit, MemoryStore};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("time")
    }

    fn school(id: &str) -> SchoolId {
        SchoolId::new(id).expect("id")
    }

    fn of(scope: &str, until: i64) -> Suspension {
        let scope = scope.parse().expect("a scope");
        let (reason, by) = ("maintenance".into(), "uid 0".into());
        Suspension { scope, reason, by, since: at(0), until: at(until) }
    }

    async fn stored(all: &[Suspension]) -> MemoryStore {
        let kv = MemoryStore::new();
        let mut unit = Unit::new(&kv);
        for one in all {
            unit.write(Suspension::row(&one.scope), one);
        }
        assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
        kv
    }

    #[test]
    fn scopes_are_written_as_they_are_read() {
        for text in ["all", "channel:sms", "channel:email", "school:s1", "school:a:b"] {
            assert_eq!(text.parse::<Scope>().expect(text).to_string(), text);
        }
        for text in ["", "al", "channel:fax", "school:", "school"] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn each_scope_keeps_what_it_says_and_nothing_else() {
        use Channel::{Email, Sms};
        for (scope, kept) in [
            ("all", [true, true, true, true]),
            ("channel:sms", [true, false, true, false]),
            ("channel:email", [false, true, false, true]),
            ("school:s1", [true, true, false, false]),
        ] {
            let kv = stored(&[of(scope, 10)]).await;
            let messages = [("s1", Sms), ("s1", Email), ("s10", Sms), ("s10", Email)];
            for ((id, channel), kept) in messages.into_iter().zip(kept) {
                let found = Suspensions::load(&kv, at(9)).await.expect("rows");
                assert_eq!(found.of(&school(id), channel).is_some(), kept, "{scope} {id}");
                for (now, kept) in [(9, kept), (10, false)] {
                    let mut unit = Unit::new(&kv);
                    let holds = holds(&mut unit, &school(id), channel, at(now)).await;
                    assert_eq!(holds.expect("rows"), kept, "{scope} {id} {channel:?} {now}");
                }
            }
            assert!(Suspensions::load(&kv, at(10)).await.expect("rows").all().is_empty());
        }
    }

    #[tokio::test]
    async fn the_longest_counts_and_the_first_that_ends_is_waited_for() {
        let kv = stored(&[of("all", 10), of("channel:sms", 30), of("school:s1", 20)]).await;
        let found = Suspensions::load(&kv, at(0)).await.expect("rows");
        let kept = found.of(&school("s1"), Channel::Sms).expect("one");
        assert_eq!((kept.until, found.first_end()), (at(30), Some(at(10))));
        assert!(found.shuts(Channel::Email));
        let later = Suspensions::load(&kv, at(15)).await.expect("rows");
        assert!(later.shuts(Channel::Sms) && !later.shuts(Channel::Email));
    }

    #[tokio::test]
    async fn a_suspension_written_beside_a_claim_undoes_it() {
        let kv = MemoryStore::new();
        let mut claim = Unit::new(&kv);
        let free = holds(&mut claim, &school("s1"), Channel::Sms, at(0)).await;
        assert!(!free.expect("rows"));
        claim.write(b"zz/".to_vec(), &1);
        let mut suspend = Unit::new(&kv);
        suspend.write(Suspension::row(&Scope::All), &of("all", 10));
        assert_eq!(suspend.commit().await.expect("commit"), Commit::Done);
        assert_eq!(claim.commit().await.expect("commit"), Commit::Conflict);
    }

    #[tokio::test]
    async fn one_that_cannot_be_read_holds() {
        let kv = MemoryStore::new();
        let mut unit = Unit::new(&kv);
        unit.write_raw(Suspension::row(&Scope::All), vec![1, 2, 3].into());
        assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
        let mut unit = Unit::new(&kv);
        assert!(holds(&mut unit, &school("s1"), Channel::Sms, at(0)).await.expect("rows"));
        assert_eq!(Suspensions::load(&kv, at(0)).await.expect("rows").all().len(), 1);
    }
}
