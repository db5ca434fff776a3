//! The dispatcher's part that serves timers: lessons that have ended and attempts in doubt.

use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};

use super::dispatcher::{Dispatcher, Left, PAGE};
use super::ladders::Climb;
use super::registers::Look;
use super::{Shared, aside, daily, hold_life, redact, resolve};
use crate::intake::case::{Case, CaseKey, look_again};
use crate::intake::{Heard, decide, further, history, ladders};
use crate::model::{ProviderId, local_date};
use crate::store::ledger::{self, Unit};
use crate::store::rows::Due;
use crate::store::tables::Lane;
use crate::store::{Commit, MAX_BATCH_BYTES, StoreError};

/// Timers dealt with in one commit.
const TIMERS: usize = 32;
/// Before the end of a lesson is looked at again whose school is not configured at the moment.
const LATER: SignedDuration = SignedDuration::from_mins(5);
/// Until a lesson is looked at again whose source has not answered since it ended.
const SOON: SignedDuration = SignedDuration::from_secs(15);
/// How long after its end that is waited for.
const LONGEST_UNHEARD: SignedDuration = SignedDuration::from_mins(5);
/// Days for which a school that is not configured is waited for; longer than any school tells guardians of a lesson (`stale-after`).
const RECENT: i64 = 8;

fn is_recent(key: &CaseKey, now: Timestamp) -> bool {
    let end = key.date.saturating_add(RECENT.days());
    local_date(now, &TimeZone::UTC) <= end
}

impl Dispatcher {
    /// Lesson ends and attempts in doubt that are due; those on the wire this moment are left.
    #[allow(clippy::too_many_lines, reason = "one arm for each")]
    pub(super) async fn timers(&self, now: Timestamp, left: &mut Left) -> Result<bool, StoreError> {
        let lane = Lane::Timer;
        let rows = self.shared.kv.scan(&lane.prefix(), &lane.due_until(now), PAGE).await?;
        let (mut ends, mut looks, mut climbs) = (Vec::new(), Vec::new(), Vec::new());
        let mut worked = false;
        for (key, value) in rows {
            let due = match ledger::decode::<Due>(&value) {
                Ok(due) => due,
                Err(StoreError::Damaged(why)) => {
                    aside::put(&self.shared, &key, &why).await?;
                    worked = true;
                    continue;
                }
                Err(error) => return Err(error),
            };
            match due {
                Due::LessonEnd { school, pupil, date, lesson } => {
                    ends.push((key, CaseKey { school, pupil, date, lesson }));
                }
                Due::Register { school, lesson } => {
                    looks.push((key, Look::Register(school, lesson)));
                }
                Due::Replanned { school, lesson } => {
                    looks.push((key, Look::Replanned(school, lesson)));
                }
                Due::RegisterDigest { school, at } => looks.push((key, Look::Digest(school, at))),
                Due::Daily { school, list, at } => {
                    worked = true;
                    match self.make_list(&key, (&school, list, at), now).await {
                        // One row that cannot be read does not end all later lists.
                        Err(StoreError::Damaged(why)) => {
                            aside::put(&self.shared, &key, &why).await?;
                            daily::begin(&self.shared).await?;
                        }
                        other => drop(other?),
                    }
                }
                Due::Hold { school, date, id } => {
                    worked = true;
                    match hold_life::tend(&self.shared, &key, (&school, date, &id), now).await {
                        Err(StoreError::Damaged(why)) => {
                            aside::put(&self.shared, &key, &why).await?;
                        }
                        other => other?,
                    }
                }
                Due::Redact { school, pupil } => {
                    worked = true;
                    redact::tend(&self.shared, &key, (&school, &pupil), now).await?;
                }
                Due::Ladder { school, pupil } => {
                    climbs.push((key, Climb::Ladders(school, pupil)));
                }
                Due::Duty { school, pupil, id } => {
                    climbs.push((key, Climb::Duty(school, pupil, id)));
                }
                Due::Watch => {
                    worked = true;
                    self.look_at_sources(&key, now).await?;
                }
                Due::Resolve(id) | Due::Claim { id, .. } => {
                    if self.shared.under_way.is_on_the_wire(&id) {
                        *left = true;
                        continue;
                    }
                    worked = true;
                    let account = ProviderId::new("resolve").map_err(|e| {
                        StoreError::Failed(format!("a fixed account name is refused: {e}"))
                    })?;
                    self.shared.under_way.depart(&id, &account);
                    let shared = self.shared.clone();
                    self.start(async move {
                        let result = match resolve::run(&shared, &key, id.clone()).await {
                            Err(StoreError::Damaged(why)) => aside::put(&shared, &key, &why).await,
                            other => other,
                        };
                        shared.land(&id);
                        result
                    });
                }
            }
        }
        worked |= !looks.is_empty() || !climbs.is_empty();
        self.look(&looks, now).await?;
        self.climb(&climbs, now).await?;
        let mut rest = ends.as_slice();
        while !rest.is_empty() {
            worked = true;
            let (count, done) = match self.lesson_ends(rest, now).await {
                Ok(done) => done,
                Err(StoreError::Damaged(_)) => (rest.len().min(TIMERS), false),
                Err(error) => return Err(error),
            };
            if !done {
                for one in &rest[..count] {
                    match self.lesson_ends(std::slice::from_ref(one), now).await {
                        Ok(_) => {}
                        Err(StoreError::Damaged(why)) => {
                            aside::put(&self.shared, &one.0, &why).await?;
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            rest = &rest[count..];
        }
        Ok(worked)
    }

    /// Whether a source may know of somebody who came before the lesson's end, and has not been asked since. Not for
    /// long: the team phones home the same day.
    fn is_unheard(&self, key: &CaseKey, end: Timestamp, now: Timestamp) -> bool {
        let patience = end.saturating_add(LONGEST_UNHEARD).unwrap_or(Timestamp::MAX);
        let Shared { settings, contacts, .. } = self.shared.as_ref();
        (end..patience).contains(&now) && !settings.watch.is_heard(contacts, &key.school, end)
    }

    /// Decides lessons that have ended, as many as fit in one commit. Returns how many, and whether it
    /// was written; false: conflict.
    async fn lesson_ends(
        &self,
        ends: &[(Vec<u8>, CaseKey)],
        now: Timestamp,
    ) -> Result<(usize, bool), StoreError> {
        let directory = self.shared.directory.load_full();
        let mut unit = Unit::new(self.shared.kv.as_ref());
        let mut count = 0;
        for (row, key) in ends.iter().take(TIMERS) {
            // Long notes and many guardians make a case large; a batch over the limit would stop the
            // daemon, and stop it again after each restart.
            if unit.bytes() > MAX_BATCH_BYTES / 2 {
                break;
            }
            count += 1;
            unit.delete(row.clone());
            let Some(school) = directory.schools.get(&key.school) else {
                // It may be back at the next reload; what is older is no news under any school's rule.
                if is_recent(key, now) {
                    let again = now.saturating_add(LATER).unwrap_or(Timestamp::MAX);
                    look_again(&mut unit, key, again);
                }
                continue;
            };
            further::let_go(&mut unit, school, key, now).await?;
            if let Some(case) = Case::load(&mut unit, &directory.roster, key).await? {
                if self.is_unheard(key, case.lesson.lesson.end, now) {
                    let again = now.saturating_add(SOON).unwrap_or(Timestamp::MAX);
                    look_again(&mut unit, key, again);
                    continue;
                }
                let climbs = ladders::has_any(school) && history::may_count(&case.lesson);
                let heard = Heard::own("lesson-end");
                decide(&mut unit, &directory, school, case, &heard, now);
                if climbs {
                    let of = (directory.as_ref(), school);
                    let depth = history::Depth::Marks;
                    ladders::climb(&mut unit, of, &key.pupil, depth, &heard, now).await?;
                }
            }
        }
        Ok((count, unit.commit().await? == Commit::Done))
    }
}
