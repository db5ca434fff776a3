//! One message as an operator sees it, and the two things an operator may do to it: call it back before it
//! leaves, and have it sent again. Both are decided on its row as it is at the commit.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::delivery::suspension::Suspensions;
use crate::intake::case::{due_row, enqueue};
use crate::model::{
    Channel, LessonId, Notification, NotificationId, Outcome, ProviderId, PupilId, Purpose, Reason,
    Recipient, SchoolId, State,
};
use crate::store::ledger::{self, Unit};
use crate::store::rows::{Audit, Decision};
use crate::store::{Commit, Kv, StoreError, tables};

/// How often an act is tried against somebody who changes the same row.
const TRIES: usize = 20;

/// One message. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Message {
    /// [`FORMAT`].
    pub format: u32,
    /// Its id.
    pub id: NotificationId,
    /// The school.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// The day of the lesson, in the school's zone.
    pub date: Date,
    /// The lesson.
    pub lesson: LessonId,
    /// What it is for.
    pub purpose: Purpose,
    /// Why it was made.
    pub reason: Reason,
    /// Who it is for, as `guardian:ID`, `pupil` or `staff:ROLE`.
    pub recipient: String,
    /// How it travels.
    pub channel: Channel,
    /// Where it is in its life.
    pub state: State,
    /// Why it is in that state, or still waits.
    pub state_reason: Option<Reason>,
    /// When upprop first knew of what it tells.
    pub created_at: Timestamp,
    /// When it is looked at next; none when nothing more happens by itself.
    pub due_at: Option<Timestamp>,
    /// When it stops being worth sending.
    pub deadline: Timestamp,
    /// The message that it corrects.
    pub corrects: Option<NotificationId>,
    /// The message that told its lesson too, or is to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried_by: Option<NotificationId>,
    /// Those whose lessons it told with its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carries: Vec<NotificationId>,
    /// Whether the recipient has it, or may have it.
    pub may_have_arrived: bool,
    /// Its last tries, oldest first.
    pub attempts: Vec<Try>,
}

/// One try to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Try {
    /// When it began.
    pub started_at: Timestamp,
    /// By which account.
    pub account: ProviderId,
    /// The languages of a text that is read at home, one below the other: `["ar", "sv"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// What came of it, as a class; none while it is under way.
    pub outcome: Option<String>,
    /// The provider's word, made a stable one.
    pub code: Option<String>,
    /// When that was known.
    pub at: Option<Timestamp>,
}

impl From<&Notification> for Message {
    fn from(n: &Notification) -> Self {
        let attempts = n.attempts.iter().map(|attempt| {
            let result = attempt.result.as_ref();
            Try {
                started_at: attempt.started_at,
                account: attempt.account.clone(),
                languages: attempt.languages.iter().map(ToString::to_string).collect(),
                outcome: result.map(|r| r.outcome.class().to_owned()),
                code: result.and_then(|r| code(&r.outcome)),
                at: result.map(|r| r.at),
            }
        });
        let moves = matches!(n.state, State::Waiting | State::Sending | State::InDoubt);
        Self {
            format: FORMAT,
            id: n.id.clone(),
            school: n.school.clone(),
            pupil: n.pupil.clone(),
            date: n.date,
            lesson: n.lesson.clone(),
            purpose: n.purpose,
            reason: n.reason,
            recipient: n.recipient.key(),
            channel: n.channel,
            state: n.state,
            state_reason: n.state_reason,
            created_at: n.created_at,
            due_at: moves.then_some(n.due_at),
            deadline: n.deadline,
            corrects: n.corrects.clone(),
            carried_by: n.carried_by.clone(),
            carries: n.carries.clone(),
            may_have_arrived: n.may_have_arrived(),
            attempts: attempts.collect(),
        }
    }
}

fn code(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Accepted { .. } => None,
        Outcome::Retry { code, .. }
        | Outcome::RejectMessage { code, .. }
        | Outcome::RejectChannel { code }
        | Outcome::InDoubt { code } => Some(code.clone()),
    }
}

impl Message {
    /// The same, with what an operator has suspended: its row stays as it is meanwhile.
    #[must_use]
    pub fn under(mut self, suspensions: &Suspensions, now: Timestamp) -> Self {
        let due = self.due_at.filter(|at| *at <= now && self.state == State::Waiting);
        if let (Some(_), Some(kept)) = (due, suspensions.of(&self.school, self.channel)) {
            self.state_reason = Some(Reason::Suspended);
            self.due_at = Some(kept.until);
        }
        self
    }
}

/// Shows one message.
///
/// # Errors
/// [`OperateError::NoMessage`], or when the store fails.
pub async fn show(
    kv: &dyn Kv,
    id: &NotificationId,
    now: Timestamp,
) -> Result<Message, OperateError> {
    let row = ledger::read::<Notification>(kv, &tables::notification(id)).await?;
    let row = row.ok_or_else(|| OperateError::NoMessage(id.clone()))?;
    Ok(Message::from(&row).under(&Suspensions::load(kv, now).await?, now))
}

/// What an operator may do to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// It never leaves, whatever is heard while the pupil stays missing; one that was held in doubt is laid to
    /// rest as it is. A pupil who was there and is missing again is another alarm, which is told.
    Cancel,
    /// It is sent now, whatever its tries; one in doubt may then arrive twice.
    Retry,
}

impl Act {
    /// The word in the trail and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
        }
    }

    fn reason(self) -> Reason {
        match self {
            Self::Cancel => Reason::OperatorCancelled,
            Self::Retry => Reason::OperatorRetried,
        }
    }
}

/// Carries an act out and writes it to the pupil's trail with who did it.
///
/// # Errors
/// [`OperateError::NotNow`] when its state forbids it, with what to do instead; or when there is no such
/// message, or the store fails.
pub async fn act(
    kv: &dyn Kv,
    id: &NotificationId,
    act: Act,
    by: &str,
    now: Timestamp,
) -> Result<Message, OperateError> {
    for _ in 0..TRIES {
        let mut unit = Unit::new(kv);
        let row = tables::notification(id);
        let mut n = unit
            .read::<Notification>(&row)
            .await?
            .ok_or_else(|| OperateError::NoMessage(id.clone()))?;
        let with_it = held_with(&mut unit, &n).await?;
        match act {
            Act::Cancel => cancel(&mut unit, &mut n)?,
            Act::Retry => retry(&mut unit, &mut n, now)?,
        }
        trail(&mut unit, &n, act, by, now);
        // It was one message: what is decided of it is decided of all that it told.
        for mut other in with_it {
            let done = match act {
                Act::Cancel => cancel(&mut unit, &mut other),
                Act::Retry => retry(&mut unit, &mut other, now),
            };
            if done.is_ok() {
                trail(&mut unit, &other, act, by, now);
            }
        }
        if unit.commit().await? == Commit::Done {
            tracing::info!(notification = %n.id, school = %n.school, act = act.as_str(), by, "operator");
            return Ok(Message::from(&n));
        }
    }
    Err(StoreError::Busy("the message keeps changing; try again".into()).into())
}

/// Those that are held, or failed, with a message that told them.
async fn held_with(unit: &mut Unit<'_>, n: &Notification) -> Result<Vec<Notification>, StoreError> {
    let mut found = Vec::new();
    if n.state == State::Waiting {
        return Ok(found);
    }
    for id in &n.carries {
        let other: Option<Notification> = unit.read(&tables::notification(id)).await?;
        found
            .extend(other.filter(|other| {
                other.carried_by.as_ref() == Some(&n.id) && other.state == n.state
            }));
    }
    Ok(found)
}

fn cancel(unit: &mut Unit<'_>, n: &mut Notification) -> Result<(), OperateError> {
    match n.state {
        State::Waiting => unit.delete(due_row(n)),
        State::Held => {}
        State::Sending | State::InDoubt => {
            return Err(OperateError::NotNow(
                "it is on its way, or nobody knows yet whether it is; wait until that is settled"
                    .into(),
            ));
        }
        state => return Err(over(state)),
    }
    n.state = State::Cancelled;
    n.state_reason = Some(Reason::OperatorCancelled);
    unit.write(tables::notification(&n.id), n);
    Ok(())
}

fn retry(unit: &mut Unit<'_>, n: &mut Notification, now: Timestamp) -> Result<(), OperateError> {
    match n.state {
        State::Waiting => unit.delete(due_row(n)),
        State::Held | State::Rejected | State::Undelivered => {}
        State::Sending | State::InDoubt => {
            return Err(OperateError::NotNow(
                "it is on its way, or nobody knows yet whether it is; wait until that is settled"
                    .into(),
            ));
        }
        state => return Err(over(state)),
    }
    if n.deadline <= now {
        return Err(OperateError::NotNow(format!(
            "its deadline was {}: what it says is no longer news; tell the recipient yourself",
            n.deadline
        )));
    }
    n.state = State::Waiting;
    n.state_reason = None;
    n.tries = 0;
    n.due_at = now;
    enqueue(unit, n);
    Ok(())
}

fn over(state: State) -> OperateError {
    OperateError::NotNow(format!("it is {}: nothing is to be done to it any more", state.as_str()))
}

fn trail(unit: &mut Unit<'_>, n: &Notification, act: Act, by: &str, now: Timestamp) {
    let line = Audit {
        at: now,
        source: None,
        event: None,
        heard: format!("operator {} {by}", act.as_str()),
        lesson: Some(n.lesson.clone()),
        decisions: vec![Decision {
            act: act.as_str().into(),
            recipient: Recipient::key(&n.recipient),
            reason: act.reason(),
            notification: Some(n.id.clone()),
        }],
        silences: Vec::new(),
    };
    unit.decided(act.as_str(), Reason::Operator);
    let unique = NotificationId::of(&["operator", act.as_str(), n.id.as_str()]);
    if n.purpose.is_notice() && !n.purpose.is_of_ladder() {
        unit.write(tables::register_line(&n.school, &n.lesson, now, unique.as_str()), &line);
        return;
    }
    unit.write(tables::audit(&n.school, &n.pupil, now, unique.as_str()), &line);
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::delivery::testing::notification;
    use crate::model::{Attempt, AttemptResult};
    use crate::store::{MemoryStore, after_prefix};

    async fn stored(n: &Notification) -> MemoryStore {
        let kv = MemoryStore::new();
        let mut unit = Unit::new(&kv);
        enqueue(&mut unit, n);
        if n.state != State::Waiting {
            unit.delete(due_row(n));
        }
        assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
        kv
    }

    async fn due_rows(kv: &MemoryStore) -> usize {
        kv.scan(b"du/", &after_prefix(b"du/"), 9).await.expect("rows").len()
    }

    fn in_state(state: State) -> Notification {
        Notification { state, ..notification("g1") }
    }

    #[tokio::test]
    async fn every_state_says_what_may_be_done() {
        let table = [
            (State::Waiting, Some(State::Cancelled), Some(State::Waiting)),
            (State::Held, Some(State::Cancelled), Some(State::Waiting)),
            (State::Rejected, None, Some(State::Waiting)),
            (State::Undelivered, None, Some(State::Waiting)),
            (State::Sending, None, None),
            (State::InDoubt, None, None),
            (State::Accepted, None, None),
            (State::Delivered, None, None),
            (State::Expired, None, None),
            (State::Cancelled, None, None),
        ];
        for (state, cancelled, retried) in table {
            for (what, expected) in [(Act::Cancel, cancelled), (Act::Retry, retried)] {
                let n = in_state(state);
                let kv = stored(&n).await;
                let now = n.deadline - SignedDuration::from_mins(1);
                let done = act(&kv, &n.id, what, "uid 0", now).await;
                assert_eq!(done.as_ref().ok().map(|m| m.state), expected, "{state:?} {what:?}");
                if done.is_err() {
                    assert_eq!(show(&kv, &n.id, now).await.expect("shown").state, state);
                    continue;
                }
                assert_eq!(due_rows(&kv).await, usize::from(what == Act::Retry), "{state:?}");
                let trail = tables::audit_prefix(&n.school, &n.pupil);
                let trail = kv.scan(&trail, &after_prefix(&trail), 9).await.expect("rows");
                let [(_, line)] = &trail[..] else { panic!("{state:?} {what:?}") };
                let line: Audit = ledger::decode(line).expect("a line");
                assert_eq!(line.decisions[0].reason, what.reason(), "{state:?}");
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_longer_news_is_not_sent_again() {
        let n = in_state(State::Held);
        let kv = stored(&n).await;
        let error = act(&kv, &n.id, Act::Retry, "uid 0", n.deadline).await.expect_err("too late");
        assert!(error.to_string().contains("deadline"), "{error}");
        assert!(act(&kv, &n.id, Act::Cancel, "uid 0", n.deadline).await.is_ok());
    }

    #[tokio::test]
    async fn one_laid_to_rest_in_doubt_still_counts_as_arrived() {
        let mut n = in_state(State::Held);
        let doubt = Outcome::InDoubt { code: "time-out".into() };
        n.attempts.push(Attempt {
            started_at: n.created_at,
            account: ProviderId::new("elks").expect("id"),
            text_sha256: None,
            languages: Vec::new(),
            result: Some(AttemptResult { at: n.created_at, outcome: doubt }),
        });
        let kv = stored(&n).await;
        let done = act(&kv, &n.id, Act::Cancel, "uid 0", n.created_at).await.expect("done");
        assert!(done.may_have_arrived, "a correction must still follow it");
    }

    #[tokio::test]
    async fn nothing_by_that_id_is_said() {
        let kv = MemoryStore::new();
        let id = NotificationId::of(&["x"]);
        let now = Timestamp::UNIX_EPOCH;
        assert!(matches!(show(&kv, &id, now).await, Err(OperateError::NoMessage(_))));
        let done = act(&kv, &id, Act::Cancel, "uid 0", now).await;
        assert!(matches!(done, Err(OperateError::NoMessage(_))));
    }
}
