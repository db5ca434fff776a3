//! The dispatcher's part that looks at registers when they are due: the teacher is asked, the team told at once or
//! in its digest. What is decided is policy's; here it is written down, many registers in a commit.

use jiff::{SignedDuration, Timestamp};

use super::aside;
use super::dispatcher::Dispatcher;
use super::watch::Plan;
use crate::directory::{Directory, Nudge, School, entitled};
use crate::intake::case::enqueue;
use crate::intake::{Contacts, Heard, look_again_at, registers, silence};
use crate::model::{
    LessonId, Notification, Reason, Recipient, Register, SchoolId, StaffId, StaffRole, Stood,
    local_date,
};
use crate::policy::notice::Notice;
use crate::policy::register::{self, Act, Members};
use crate::store::ledger::Unit;
use crate::store::rows::Decision;
use crate::store::{Commit, MAX_BATCH_BYTES, StoreError, tables};

/// Registers looked at in one commit.
const TOGETHER: usize = 32;
/// Before a register is looked at again whose school is not configured at the moment.
const LATER: SignedDuration = SignedDuration::from_mins(5);
/// Until a source that has not answered for a register is looked at again.
const SOON: SignedDuration = SignedDuration::from_secs(15);
/// How long after a lesson its register waits for that.
const LONGEST_UNHEARD: SignedDuration = SignedDuration::from_mins(30);
/// For so long a school that is not configured is waited for.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What is looked at.
#[derive(Debug, Clone)]
pub(super) enum Look {
    /// One register.
    Register(SchoolId, LessonId),
    /// Those at a lesson that was cancelled, or is held after all.
    Replanned(SchoolId, LessonId),
    /// All that were left for a digest.
    Digest(SchoolId, Timestamp),
}

impl Dispatcher {
    /// Looks at registers and digests that are due.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn look(
        &self,
        rows: &[(Vec<u8>, Look)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut rest = rows;
        while !rest.is_empty() {
            let (count, done) = match self.look_at_some(rest, now).await {
                Ok(done) => done,
                Err(StoreError::Damaged(_)) => (rest.len().min(TOGETHER), false),
                Err(error) => return Err(error),
            };
            if !done {
                for one in &rest[..count] {
                    match self.look_at_some(std::slice::from_ref(one), now).await {
                        // One that somebody changes this moment is due again at the next look.
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
        Ok(())
    }

    /// As many as fit in one commit. Returns how many, and whether it was written; false: conflict.
    async fn look_at_some(
        &self,
        rows: &[(Vec<u8>, Look)],
        now: Timestamp,
    ) -> Result<(usize, bool), StoreError> {
        let directory = self.shared.directory.load_full();
        let mut unit = Unit::new(self.shared.kv.as_ref());
        let (mut count, mut stood) = (0, Vec::new());
        for (row, look) in rows.iter().take(TOGETHER) {
            if unit.bytes() > MAX_BATCH_BYTES / 2 {
                break;
            }
            count += 1;
            unit.delete(row.clone());
            match look {
                Look::Register(school, lesson) => {
                    let (plan, contacts) = (&self.shared.settings.watch, &self.shared.contacts);
                    let how =
                        one(&mut unit, &directory, (plan, contacts), (school, lesson), now).await?;
                    stood.extend(how.map(|how| (school.clone(), how)));
                }
                Look::Replanned(school, lesson) => {
                    let row = tables::register(school, lesson);
                    let known: Option<Register> = unit.peek(&row).await?;
                    let (Some(school), Some(register)) = (directory.schools.get(school), known)
                    else {
                        continue;
                    };
                    let pupils = directory.roster.pupils.get(&school.id);
                    let pupils = pupils.into_iter().flat_map(|all| all.keys());
                    look_again_at(&mut unit, school, &register, pupils, now).await?;
                }
                Look::Digest(id, at) => match directory.schools.get(id) {
                    Some(school) => digest(&mut unit, school, *at, now).await?,
                    // It may be back at the next reload.
                    None if now.duration_since(*at) < DAY => {
                        let again = now.saturating_add(LATER).unwrap_or(Timestamp::MAX);
                        registers::make_digest(&mut unit, id, *at, again);
                    }
                    None => {}
                },
            }
        }
        let done = unit.commit().await? == Commit::Done;
        if done {
            for (school, how) in stood {
                self.shared.metrics.register(&school, how);
            }
        }
        Ok((count, done))
    }
}

/// Looks at one register. Returns how it stood, where its lesson is over and counts.
async fn one(
    unit: &mut Unit<'_>,
    directory: &Directory,
    (plan, contacts): (&Plan, &Contacts),
    (id, lesson): (&SchoolId, &LessonId),
    now: Timestamp,
) -> Result<Option<Stood>, StoreError> {
    let key = tables::register(id, lesson);
    let Some(mut row) = unit.read::<Register>(&key).await? else { return Ok(None) };
    // Its plan has moved since, and it is due at another time.
    if row.look_at.is_none_or(|at| at > now) {
        return Ok(None);
    }
    let Some(school) = directory.schools.get(id) else {
        // It may be back at the next reload; of a lesson that is long over nobody need hear.
        let recent = now.duration_since(row.lesson.end) < DAY;
        let again = now.saturating_add(LATER).ok().filter(|_| recent);
        registers::look_again(unit, id, &mut row, again);
        unit.write(key, &row);
        return Ok(None);
    };
    let waits = register::not_awaited_on_its_day(&row, school).is_none()
        && register::taken_at(&row, school).is_none();
    let members = if waits {
        registers::awaited(unit, &directory.roster, school, &row).await?.members
    } else {
        Members::default()
    };
    // What was registered at the lesson's end is asked for a little later.
    let settled = row.lesson.end.saturating_add(plan.settles(id)).unwrap_or(Timestamp::MAX);
    if waits && now >= row.lesson.end && now < settled {
        registers::look_again(unit, id, &mut row, Some(settled));
        unit.write(key, &row);
        return Ok(None);
    }
    // A source that has not answered since may have it: teachers would be asked for what they did.
    let moment = if now < row.lesson.end { register::ask_at(&row, school) } else { row.lesson.end };
    let patience = row.lesson.end.saturating_add(LONGEST_UNHEARD).unwrap_or(Timestamp::MAX);
    if waits
        && now < patience
        && !plan.is_heard(contacts, id, moment)
        && !silence::is_any(unit, id).await?
    {
        let again = now.saturating_add(SOON).unwrap_or(Timestamp::MAX);
        let again = if now < row.lesson.end { again.min(row.lesson.end) } else { again };
        registers::look_again(unit, id, &mut row, Some(again));
        unit.write(key, &row);
        return Ok(None);
    }
    if waits && members.unknown && now < row.lesson.end {
        tracing::warn!(
            school = %id, %lesson,
            "it is not known who is to come to a planned lesson; its register is waited for all the same: look whether \
             the directory has groups, and compare their ids with those of the schedule"
        );
    }
    let mut judged = register::judge(&row, &members, school, now);
    // The team knows of the source, and would get a mail for each lesson and another when its marks come.
    if judged.act == Act::Tell
        && register::next_digest(school, now).is_some()
        && silence::is_any(unit, id).await?
    {
        (judged.act, judged.reason) = (Act::Digest, Some(Reason::SourceSilent));
    }
    let date = local_date(row.lesson.start, &school.zone);
    let mut decisions = Vec::new();
    match judged.act {
        Act::Nothing => {}
        Act::Nudge => nudge(unit, directory, school, &row, &mut decisions, now).await?,
        Act::Tell => {
            let mut alert = registers::alert(&row.lesson, date).row(school, now);
            let stale = row.lesson.end.saturating_add(school.stale_after);
            alert.deadline = stale.unwrap_or(Timestamp::MAX);
            make(unit, alert, &mut decisions).await?;
        }
        Act::Digest => {
            row.digest_at = registers::leave_for_digest(unit, school, &row, now).await?;
            if row.digest_at.is_none() && judged.stood == Some(Stood::Untaken) {
                decisions.push(suppressed("", Reason::InDigest));
            }
        }
    }
    if let (true, Some(reason)) = (decisions.is_empty(), judged.reason) {
        let act = if row.digest_at.is_some() { "digest" } else { "suppress" };
        let team = Recipient::Staff(StaffRole::AttendanceTeam).key();
        let recipient = if act == "digest" { team } else { String::new() };
        decisions.push(Decision { act: act.into(), recipient, reason, notification: None });
        unit.decided(act, reason);
    }
    registers::count(unit, id, date, row.stood, judged.stood).await?;
    row.stood = judged.stood;
    registers::look_again(unit, id, &mut row, judged.look_at);
    unit.write(key, &row);
    if !decisions.is_empty() {
        let over = now >= row.lesson.end;
        let heard = Heard::own(if over { "lesson-end" } else { "register-due" });
        registers::trail(unit, id, lesson, &heard, decisions, now);
    }
    Ok(judged.stood)
}

fn suppressed(recipient: &str, reason: Reason) -> Decision {
    let recipient = recipient.to_owned();
    Decision { act: "suppress".into(), recipient, reason, notification: None }
}

/// Asks the teachers in force for the register, each once a day by whichever way.
async fn nudge(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    row: &Register,
    decisions: &mut Vec<Decision>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let way = school.registers.nudge;
    if way == Nudge::Off {
        return Ok(());
    }
    // Where nothing comes from a source, nobody knows what is not taken; teachers would be asked for what they did.
    if silence::is_any(unit, &school.id).await? {
        decisions.push(suppressed("", Reason::SourceSilent));
        unit.decided("suppress", Reason::SourceSilent);
        return Ok(());
    }
    let date = local_date(row.lesson.start, &school.zone);
    let teachers = register::teachers(row);
    if teachers.is_empty() {
        decisions.push(suppressed("", Reason::NoContact));
        unit.decided("suppress", Reason::NoContact);
    }
    for teacher in teachers {
        let addresses = entitled::member(&directory.roster, teacher, way);
        let Some(first) = addresses.first() else {
            let recipient = Recipient::Member(teacher.clone()).key();
            decisions.push(suppressed(&recipient, Reason::NoContact));
            unit.decided("suppress", Reason::NoContact);
            continue;
        };
        let by = |channel| nudge_of(row, date, teacher, channel);
        let other = tables::notification(&by(first.channel().other()).id(school));
        if let Some(known) = unit.read::<Notification>(&other).await? {
            decisions.push(kept(&known));
            continue;
        }
        let mut new = by(first.channel()).row(school, now);
        new.deadline = row.lesson.end;
        make(unit, new, decisions).await?;
    }
    Ok(())
}

fn nudge_of<'a>(
    row: &'a Register,
    date: jiff::civil::Date,
    teacher: &StaffId,
    channel: crate::model::Channel,
) -> Notice<'a> {
    registers::nudge(&row.lesson.id, date, teacher.clone(), channel)
}

fn kept(known: &Notification) -> Decision {
    Decision {
        act: "keep".into(),
        recipient: known.recipient.key(),
        reason: Reason::AlreadyTold,
        notification: Some(known.id.clone()),
    }
}

/// Writes a notice that is not there yet.
async fn make(
    unit: &mut Unit<'_>,
    new: Notification,
    decisions: &mut Vec<Decision>,
) -> Result<(), StoreError> {
    let known: Option<Notification> = unit.read(&tables::notification(&new.id)).await?;
    if let Some(known) = known {
        decisions.push(kept(&known));
        return Ok(());
    }
    decisions.push(Decision {
        act: "notify".into(),
        recipient: new.recipient.key(),
        reason: new.reason,
        notification: Some(new.id.clone()),
    });
    unit.decided("notify", new.reason);
    enqueue(unit, &new);
    Ok(())
}

/// Makes a digest of what was left for it, where any of that is still so.
async fn digest(
    unit: &mut Unit<'_>,
    school: &School,
    at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let about = registers::nothing_special();
    let new = registers::digest(school, &about, at).row(school, now);
    let known: Option<Notification> = unit.read(&tables::notification(&new.id)).await?;
    let left = registers::of_digest(unit, school, at).await?;
    if known.is_some() || !left.iter().any(|row| register::is_in_digest(row, school, at)) {
        return Ok(());
    }
    unit.decided("notify", new.reason);
    enqueue(unit, &Notification { created_at: at, ..new });
    Ok(())
}
