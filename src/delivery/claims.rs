//! The dispatcher's part that takes waiting messages: which of those that are due can go now, and their
//! claims in as few commits as can be. What a claim decides is `prepare`'s.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::dispatcher::{Dispatcher, Left, PAGE};
use super::prepare::{self, Job, Prepared};
use super::shared::Account;
use super::{aside, send};
use crate::model::{Channel, NotificationId, ProviderId, SchoolId};
use crate::store::ledger::{self, Unit};
use crate::store::rows::Due;
use crate::store::tables::{self, Lane};
use crate::store::{Commit, MAX_BATCH_BYTES, StoreError};

/// Most rows claimed in one turn.
const MOST: usize = 1024;

impl Dispatcher {
    /// Due rows of a lane whose account has room, and whether any were left. However many of one account
    /// wait, those of another behind them are found.
    pub(super) async fn pick(
        &self,
        lane: Lane,
        now: Timestamp,
        taken: &mut BTreeMap<ProviderId, usize>,
        rows: &mut Vec<(Vec<u8>, NotificationId)>,
    ) -> Result<Left, StoreError> {
        let channel = lane.channel();
        if !self.any_room(channel, now, taken) {
            return Ok(true);
        }
        let mut left = false;
        self.walk(lane, now, |key, id, account| {
            if let Some(account) = account {
                let used = taken.entry(account.id().clone()).or_default();
                if *used >= self.shared.room(account, now) {
                    left = true;
                    return ControlFlow::Continue(());
                }
                *used += 1;
            }
            rows.push((key.to_vec(), id));
            if rows.len() >= MOST || !self.any_room(channel, now, taken) {
                left = true;
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })
        .await?;
        Ok(left)
    }

    /// For each account in trouble that is to be tried again: what goes first by its lane, and at every
    /// other try what has been due longest, whatever its lane. A message that alone is at fault must
    /// not be the only one that is tried. Returns whether one could not be tried now.
    pub(super) async fn probe(
        &self,
        now: Timestamp,
        taken: &mut BTreeMap<ProviderId, usize>,
        rows: &mut Vec<(Vec<u8>, NotificationId)>,
    ) -> Result<Left, StoreError> {
        let mut left = false;
        let failures = |id: &ProviderId| {
            self.shared.gate(id, |g| g.trouble.as_ref().map(|trouble| trouble.failures))
        };
        let texts = self.shared.providers.values().map(Account::Sms);
        for tried in texts.chain(self.shared.mail.as_ref().map(Account::Mail)) {
            let Some(failures) = failures(tried.id()) else { continue };
            if self.shared.room(tried, now) == 0 {
                left = true;
                continue;
            }
            let by_lane = failures % 2 == 1;
            let mut oldest: Option<(Vec<u8>, NotificationId)> = None;
            for lane in Lane::ALL.into_iter().filter(|l| l.carries(tried.channel())) {
                self.walk(lane, now, |key, id, account| {
                    if account.is_none_or(|account| account.id() != tried.id()) {
                        return ControlFlow::Continue(());
                    }
                    let due = |key: &[u8]| tables::due_time(key);
                    if oldest.as_ref().is_none_or(|(former, _)| due(key) < due(former)) {
                        oldest = Some((key.to_vec(), id));
                    }
                    ControlFlow::Break(())
                })
                .await?;
                if by_lane && oldest.is_some() {
                    break;
                }
            }
            if let Some(row) = oldest {
                *taken.entry(tried.id().clone()).or_default() += 1;
                rows.push(row);
            }
        }
        Ok(left)
    }

    /// Shows the due rows of a lane in order, each with the account it goes by. Those of schools at
    /// their limit and those that are suspended are passed over, those that cannot be read are put aside.
    async fn walk<'a>(
        &'a self,
        lane: Lane,
        now: Timestamp,
        mut visit: impl FnMut(&[u8], NotificationId, Option<Account<'a>>) -> ControlFlow<()> + Send,
    ) -> Result<(), StoreError> {
        let channel = lane.channel();
        let suspended = self.shared.under_way.suspended.load_full();
        if suspended.shuts(channel) {
            return Ok(());
        }
        let directory = self.shared.directory.load_full();
        let end = lane.due_until(now);
        let mut from = lane.prefix();
        loop {
            let page = self.shared.kv.scan(&from, &end, PAGE).await?;
            for (key, value) in &page {
                let (id, school) = match ledger::decode::<Due>(value) {
                    Ok(Due::Claim { id, school }) => (id, school),
                    Ok(_) => continue,
                    Err(StoreError::Damaged(why)) => {
                        aside::put(&self.shared, key, &why).await?;
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                if channel == Channel::Sms && self.shared.under_way.is_school_shut(&school, now) {
                    continue;
                }
                if suspended.of(&school, channel).is_some() {
                    continue;
                }
                let school = directory.schools.get(&school);
                let account = school.and_then(|s| self.shared.account(s, channel));
                if visit(key, id, account).is_break() {
                    return Ok(());
                }
            }
            let Some((last, _)) = page.last().filter(|_| page.len() == PAGE) else {
                return Ok(());
            };
            from = [last.as_slice(), &[0]].concat();
        }
    }

    fn any_room(
        &self,
        channel: Channel,
        now: Timestamp,
        taken: &BTreeMap<ProviderId, usize>,
    ) -> bool {
        let room = |account: Account<'_>| {
            self.shared.room(account, now) > taken.get(account.id()).copied().unwrap_or(0)
        };
        match channel {
            Channel::Sms if self.shared.providers.is_empty() => true,
            Channel::Sms => self.shared.providers.values().any(|p| room(Account::Sms(p))),
            Channel::Email => self.shared.mail.as_ref().is_none_or(|m| room(Account::Mail(m))),
        }
    }

    /// Claims rows in as few commits as their size allows; those of a commit that conflicts are
    /// claimed one by one.
    pub(super) async fn claim(
        &self,
        rows: Vec<(Vec<u8>, NotificationId)>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut worked = false;
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            let (count, done) = match self.claim_some(rest, now).await {
                Ok(done) => done,
                // One of them cannot be read; which, shows when they are claimed one by one.
                Err(StoreError::Damaged(_)) => (rest.len(), None),
                Err(error) => return Err(error),
            };
            match done {
                Some(moved) => worked |= moved,
                None => {
                    for row in &rest[..count] {
                        worked |= self.claim_one(row, now).await?;
                    }
                }
            }
            rest = &rest[count..];
        }
        Ok(worked)
    }

    /// Claims one row. One that somebody changes this moment is due again at the next look.
    async fn claim_one(
        &self,
        row: &(Vec<u8>, NotificationId),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        match self.claim_some(std::slice::from_ref(row), now).await {
            Ok((_, done)) => Ok(done.unwrap_or(true)),
            Err(StoreError::Damaged(why)) => {
                aside::put(&self.shared, &row.0, &why).await?;
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns how many rows were looked at, and whether anything moved; none: conflict.
    #[tracing::instrument(
        target = "upprop::trace", name = "claim", skip_all, fields(rows = rows.len())
    )]
    async fn claim_some(
        &self,
        rows: &[(Vec<u8>, NotificationId)],
        now: Timestamp,
    ) -> Result<(usize, Option<bool>), StoreError> {
        let shared = &self.shared;
        let mut unit = Unit::new(shared.kv.as_ref());
        let mut jobs: Vec<Job> = Vec::new();
        let mut count = 0;
        let mut moved = false;
        let mut suspended = false;
        let mut accounts_shut: Vec<(ProviderId, Timestamp)> = Vec::new();
        let mut schools_shut: Vec<(SchoolId, Timestamp)> = Vec::new();
        for (row, id) in rows {
            if unit.bytes() > MAX_BATCH_BYTES / 2 {
                break;
            }
            count += 1;
            match prepare::prepare(shared, &mut unit, row, id, now).await? {
                Prepared::Job(job) => {
                    moved = true;
                    jobs.push(job);
                }
                Prepared::Settled => moved = true,
                Prepared::Suspended => suspended = true,
                Prepared::Limited { account, until } => accounts_shut.push((account, until)),
                Prepared::SchoolLimited { school, until } => schools_shut.push((school, until)),
            }
        }
        // Nothing may have moved and a limit's cell be drawn back all the same.
        if (moved || unit.bytes() > 0) && unit.commit().await? == Commit::Conflict {
            return Ok((count, None));
        }
        // Only now: a limit may have been met because of permits that a conflict would have undone.
        for (account, until) in accounts_shut {
            shared.gate(&account, |g| g.limited_until = Some(until));
        }
        // Another school's rows may stand behind those of one that is at its limit, or suspended since
        // this look began.
        let worked = moved || suspended || !schools_shut.is_empty();
        for (school, until) in schools_shut {
            shared.under_way.shut_school(school, until);
        }
        for job in jobs {
            shared.under_way.depart(&job.id, &job.account);
            let shared = shared.clone();
            self.start(async move { send::run(shared, job).await });
        }
        Ok((count, Some(worked)))
    }
}
