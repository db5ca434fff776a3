//! What a row of a backup becomes when it is put back. Between the backup and now a store that is gone went
//! on: what waited may have been sent, and what was on its way has come to an end that nobody here knows.
//! Nothing of it goes by itself.

use jiff::Timestamp;

use bytes::Bytes;

use crate::delivery::after_restore::suppose;
use crate::model::{
    Accord, AccordEnd, Duty, DutyAct, DutyEvent, Notification, NotificationId, ProviderId, Reason,
    State,
};
use crate::store::ledger::{self, ROW_VERSION};
use crate::store::rows::{Audit, Decision, Due, Restored};
use crate::store::{codec, tables};

/// How many messages became what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Held for a person.
    pub held: u64,
    /// Too late to be sent again; in doubt for good.
    pub expired: u64,
    /// Consents and agreements that are over now.
    pub ended: u64,
    /// Duties that may have been done since.
    pub duties: u64,
    /// Rows that could not be read, kept as they were.
    pub unreadable: u64,
}

/// Puts rows right, one after the other.
pub struct Settling<'a> {
    /// When the backup was taken.
    pub taken_at: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// By which account a message would go.
    pub account: &'a (dyn Fn(&Notification) -> Option<ProviderId> + Sync),
    /// What became of the messages so far.
    pub settled: Settled,
}

impl Settling<'_> {
    /// What a row becomes: itself, something else and more, or nothing.
    pub fn row(&mut self, key: Vec<u8>, value: Bytes) -> Vec<(Vec<u8>, Bytes)> {
        if key.starts_with(tables::ALL_DUE) || key.starts_with(tables::ASIDE) {
            // Messages are due no more; lessons end all the same.
            let goes = matches!(ledger::decode(&value), Ok(Due::Claim { .. } | Due::Resolve(_)));
            return if goes { Vec::new() } else { vec![(key, value)] };
        }
        if key.starts_with(tables::ACCORDS) {
            return vec![self.accord(key, value)];
        }
        if key.starts_with(tables::DUTIES) {
            return vec![self.duty(key, value)];
        }
        if !key.starts_with(tables::NOTIFICATIONS) {
            return vec![(key, value)];
        }
        let Ok(mut n) = ledger::decode::<Notification>(&value) else {
            self.settled.unreadable += 1;
            return vec![(key, value)];
        };
        if !matches!(n.state, State::Waiting | State::Sending | State::InDoubt) {
            return vec![(key, value)];
        }
        let account = (self.account)(&n);
        suppose(&mut n, account.as_ref(), self.taken_at, self.now);
        match n.state {
            State::Held => self.settled.held += 1,
            _ => self.settled.expired += 1,
        }
        let trail = self.trail(&n);
        vec![(key, codec::encode(ROW_VERSION, &n)), trail]
    }

    /// One that was taken back since must not come to life again: nobody but the pupil, or the home, can say that it holds.
    fn accord(&mut self, key: Vec<u8>, value: Bytes) -> (Vec<u8>, Bytes) {
        let Ok(mut accord) = ledger::decode::<Accord>(&value) else {
            self.settled.unreadable += 1;
            return (key, value);
        };
        if accord.ended.is_some() {
            return (key, value);
        }
        accord.ended = Some(AccordEnd { at: self.now, by: "restore".into() });
        self.settled.ended += 1;
        (key, codec::encode(ROW_VERSION, &accord))
    }

    /// One that is open here may have been done since: it stays open, since nobody can say, and says so.
    fn duty(&mut self, key: Vec<u8>, value: Bytes) -> (Vec<u8>, Bytes) {
        let Ok(mut duty) = ledger::decode::<Duty>(&value) else {
            self.settled.unreadable += 1;
            return (key, value);
        };
        if !duty.state.is_open() || duty.has(DutyAct::PutBack) {
            return (key, value);
        }
        let by = Some("restore".to_owned());
        duty.history.push(DutyEvent {
            at: self.now,
            what: DutyAct::PutBack,
            by,
            why: None,
            word: None,
        });
        self.settled.duties += 1;
        (key, codec::encode(ROW_VERSION, &duty))
    }

    fn trail(&self, n: &Notification) -> (Vec<u8>, Bytes) {
        let line = Audit {
            at: self.now,
            source: None,
            event: None,
            heard: "restored from a backup".into(),
            lesson: Some(n.lesson.clone()),
            decisions: vec![Decision {
                act: "keep".into(),
                recipient: n.recipient.key(),
                reason: Reason::HeldInDoubt,
                notification: Some(n.id.clone()),
            }],
            silences: Vec::new(),
        };
        let unique = NotificationId::of(&["restored", n.id.as_str()]);
        let key = tables::audit(&n.school, &n.pupil, self.now, unique.as_str());
        (key, codec::encode(ROW_VERSION, &line))
    }

    /// The row that says what happened, for whoever decides about lessons that had begun by then.
    pub fn mark(&self) -> (Vec<u8>, Bytes) {
        let row = Restored { at: self.now, taken_at: self.taken_at };
        (tables::RESTORED.to_vec(), codec::encode(ROW_VERSION, &row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::testing::notification;
    use crate::intake::case::{due_row, enqueue};
    use crate::store::{Commit, Kv as _, MemoryStore, after_prefix, ledger::Unit};

    #[test]
    fn a_consent_that_may_have_been_taken_back_since_is_over() {
        let n = notification("g1");
        let guardian = crate::model::GuardianId::new("g1").expect("an id");
        let accord = Accord {
            id: "0a1b2c3d4e5f".into(),
            school: n.school.clone(),
            pupil: n.pupil.clone(),
            about: crate::model::AccordAbout::Guardian(guardian),
            days: crate::model::Period::default(),
            recorded_by: "mentor".into(),
            by: "uid 0".into(),
            since: n.created_at,
            ended: None,
        };
        let row = codec::encode(ROW_VERSION, &accord);
        let mut settling = Settling {
            taken_at: n.created_at,
            now: n.created_at,
            account: &|_| None,
            settled: Settled::default(),
        };
        for ended in [1, 1] {
            let put = settling.row(tables::accord(&accord), row.clone());
            let back: Accord = ledger::decode(&put[0].1).expect("a row");
            let end = back.ended.expect("over");
            assert_eq!((end.at, end.by.as_str()), (n.created_at, "restore"));
            assert_eq!(settling.settled.ended, ended);
            // One that was over stays as it was.
            let again = settling.row(tables::accord(&accord), put[0].1.clone());
            assert_eq!(again, put);
            settling.settled.ended = 0;
        }
    }

    #[tokio::test]
    async fn what_waited_is_held_and_nothing_of_it_is_due() {
        let kv = MemoryStore::new();
        let mut unit = Unit::new(&kv);
        let waiting = notification("g1");
        enqueue(&mut unit, &waiting);
        let mut told = notification("g2");
        told.state = State::Delivered;
        unit.write(tables::notification(&told.id), &told);
        let end = tables::due(tables::Lane::Timer, told.due_at, "end");
        let due = Due::LessonEnd {
            school: told.school.clone(),
            pupil: told.pupil.clone(),
            date: told.date,
            lesson: told.lesson.clone(),
        };
        unit.write(end.clone(), &due);
        assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
        let mut settling = Settling {
            taken_at: waiting.created_at,
            now: waiting.created_at,
            account: &|_| ProviderId::new("elks").ok(),
            settled: Settled::default(),
        };
        let back = MemoryStore::new();
        let mut unit = Unit::new(&back);
        for (key, value) in kv.rows() {
            for (key, value) in settling.row(key, value) {
                unit.write_raw(key, value);
            }
        }
        assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
        assert_eq!(settling.settled, Settled { held: 1, ..Settled::default() });
        let read = |id| {
            let back = &back;
            async move {
                let key = tables::notification(id);
                ledger::read::<Notification>(back, &key).await.expect("read").expect("a row")
            }
        };
        assert_eq!(read(&waiting.id).await.state, State::Held);
        assert_eq!(read(&told.id).await, told);
        assert_eq!(back.get(&due_row(&waiting)).await.expect("read"), None);
        assert!(back.get(&end).await.expect("read").is_some());
        let trail = tables::audit_prefix(&waiting.school, &waiting.pupil);
        assert_eq!(back.scan(&trail, &after_prefix(&trail), 9).await.expect("rows").len(), 1);
    }
}
