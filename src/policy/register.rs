//! The register of a lesson: whether it is taken, who is to be in it, and who is told that it is not. Pure.
//! Guardians are never told of a register, whatever it says.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::directory::{Pupil, Roster, School};
use crate::model::{Planned, PupilId, Reason, Register, SchoolId, StaffId, Stood, local_date};

/// How long before a lesson its register may be begun. A mark made sooner says nothing of who is there.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// How long a plan that comes in the midst of a lesson, or of the marks before it, is given before it is judged.
const SETTLE: SignedDuration = SignedDuration::from_mins(2);

/// Most days between a lesson's start and its end in a plan that is believed.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// When the register was taken: begun, or closed without. None: it is not, as far as is known.
pub fn taken_at(register: &Register, school: &School) -> Option<Timestamp> {
    let start = register.lesson.start;
    let begun = register.begun_at.filter(|at| is_of_lesson(*at, start));
    // By the source's clock, which may be wrong by hours, but hardly by days.
    let day = local_date(start, &school.zone);
    let closed = register.closed_at.filter(|at| local_date(*at, &school.zone) >= day);
    begun.into_iter().chain(closed).min()
}

/// Whether a mark that came then is of a lesson that starts then, and not of where the lesson stood before it was
/// moved.
pub fn is_of_lesson(at: Timestamp, start: Timestamp) -> bool {
    start.saturating_sub(AHEAD).unwrap_or(Timestamp::MIN) <= at
}

/// Those who are to be in a register.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members<'a> {
    /// In the order of their ids.
    pub pupils: Vec<&'a Pupil>,
    /// It cannot be told who they are: the plan names nobody, or the directory has no groups, or other ones.
    pub unknown: bool,
}

/// Who is planned to come.
pub fn members<'a>(roster: &'a Roster, school: &SchoolId, planned: &Planned) -> Members<'a> {
    let Some(all) = roster.pupils.get(school) else { return Members::default() };
    let named = |id: &str| planned.groups.iter().any(|group| group.as_str() == id);
    let is_in = |pupil: &Pupil| {
        planned.also.contains(&pupil.id)
            || pupil.groups.iter().any(|group| named(group.as_str()))
            || pupil.class.as_deref().is_some_and(named)
    };
    let (mut pupils, mut any) = (Vec::new(), false);
    for pupil in all.values().filter(|pupil| is_in(pupil)) {
        any = true;
        if !planned.except.contains(&pupil.id) {
            pupils.push(pupil);
        }
    }
    let nobody_named = planned.groups.is_empty() && planned.also.is_empty();
    // Else a directory without groups would make every lesson an empty one.
    let unknown = !any && (nobody_named || all.values().all(|pupil| pupil.groups.is_empty()));
    Members { pupils, unknown }
}

/// Whether the directory has anybody of whom the plan says that they come, or do not.
pub fn names_somebody(roster: &Roster, school: &SchoolId, planned: &Planned) -> bool {
    let whole = Planned { except: BTreeSet::new(), ..planned.clone() };
    !members(roster, school, &whole).pupils.is_empty()
}

/// As [`members`]; nobody where the lesson is not planned.
pub fn members_of<'a>(roster: &'a Roster, school: &SchoolId, register: &Register) -> Members<'a> {
    let planned = register.planned.as_ref();
    planned.map(|planned| members(roster, school, planned)).unwrap_or_default()
}

impl Members<'_> {
    /// Whether nobody comes, and that is known.
    pub fn is_empty(&self) -> bool {
        self.pupils.is_empty() && !self.unknown
    }

    /// Without those who are known to be elsewhere.
    pub fn without(&mut self, away: &BTreeSet<PupilId>) {
        self.pupils.retain(|pupil| !away.contains(&pupil.id));
    }
}

/// What is to be done about a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Nothing, at least not now.
    Nothing,
    /// The teachers are asked for it.
    Nudge,
    /// The team is told at once.
    Tell,
    /// The team is told with all others.
    Digest,
}

/// What follows from how a register stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// What to do.
    pub act: Act,
    /// Why; none where there was nothing to decide.
    pub reason: Option<Reason>,
    /// How it stands, once the lesson is over and counts.
    pub stood: Option<Stood>,
    /// When to look again.
    pub look_at: Option<Timestamp>,
}

impl Judgement {
    fn nothing(reason: Option<Reason>, look_at: Option<Timestamp>) -> Self {
        Self { act: Act::Nothing, reason, stood: None, look_at }
    }
}

/// When the register is to be begun; at the lesson's end at the latest.
pub fn ask_at(register: &Register, school: &School) -> Timestamp {
    let lesson = &register.lesson;
    let after = lesson.start.saturating_add(school.registers.after).unwrap_or(Timestamp::MAX);
    after.min(lesson.end)
}

/// Why nobody waits for the register, whoever is to come; none: somebody does.
pub fn not_awaited(register: &Register) -> Option<Reason> {
    match &register.planned {
        None => Some(Reason::NotRegistered),
        Some(planned) if planned.cancelled => Some(Reason::LessonCancelled),
        Some(planned) if !planned.registered => Some(Reason::NotRegistered),
        Some(_) => None,
    }
}

/// The same, or that it is no school day.
pub fn not_awaited_on_its_day(register: &Register, school: &School) -> Option<Reason> {
    not_awaited(register).or_else(|| {
        let day = local_date(register.lesson.start, &school.zone);
        (!school.is_school_day(day)).then_some(Reason::NoSchoolDay)
    })
}

/// When a register is first looked at whose plan has just come; none: never. What was over before it was known is
/// no news to anybody, unless it is pending: it was planned before, and was to be looked at.
pub fn first_look(
    register: &Register,
    school: &School,
    now: Timestamp,
    is_pending: bool,
) -> Option<Timestamp> {
    let lesson = &register.lesson;
    let too_long = lesson.end.duration_since(lesson.start) > LONGEST;
    let is_history = lesson.end <= now && !is_pending;
    if not_awaited(register).is_some() || is_history || too_long {
        return None;
    }
    let ask_at = ask_at(register, school);
    let settled = now.saturating_add(SETTLE).unwrap_or(Timestamp::MAX);
    Some(if ask_at < settled && lesson.start < now { settled } else { ask_at })
}

/// Judges a register. `members`: those who come, without those on leave.
pub fn judge(
    register: &Register,
    members: &Members<'_>,
    school: &School,
    now: Timestamp,
) -> Judgement {
    let (lesson, rules) = (&register.lesson, &school.registers);
    if let Some(reason) = not_awaited_on_its_day(register, school) {
        return Judgement::nothing(Some(reason), None);
    }
    let ask_at = ask_at(register, school);
    let taken = taken_at(register, school).filter(|at| *at <= now.max(lesson.end));
    if now < ask_at {
        return Judgement::nothing(None, Some(ask_at));
    }
    let complete =
        if register.closed_at.is_some() { Reason::RegisterTaken } else { Reason::RegisterBegun };
    if now < lesson.end {
        let end = Some(lesson.end);
        return match taken {
            Some(_) => Judgement::nothing(Some(complete), end),
            None if members.is_empty() => Judgement::nothing(Some(Reason::NobodyToCome), end),
            None => Judgement {
                act: Act::Nudge,
                reason: Some(Reason::RegisterNotTaken),
                stood: None,
                look_at: end,
            },
        };
    }
    let over = |act, reason, stood| Judgement {
        act,
        reason: Some(reason),
        stood: Some(stood),
        look_at: None,
    };
    match taken {
        Some(at) if at < ask_at => over(Act::Nothing, complete, Stood::InTime),
        Some(at) if at <= lesson.end => over(Act::Digest, complete, Stood::Late),
        // Since the lesson ended, and nobody was told of it before.
        Some(_) => over(Act::Nothing, complete, Stood::Late),
        None if members.is_empty() => Judgement::nothing(Some(Reason::NobodyToCome), None),
        None => {
            let fresh = lesson.end.saturating_add(school.stale_after).unwrap_or(Timestamp::MAX);
            let at_once = now <= fresh && cannot_wait(members, rules.low_grades);
            let (act, reason) = if at_once {
                (Act::Tell, Reason::RegisterUntaken)
            } else {
                (Act::Digest, Reason::InDigest)
            };
            over(act, reason, Stood::Untaken)
        }
    }
}

/// Whether somebody among them must be asked after at once.
pub fn cannot_wait(members: &Members<'_>, low_grades: Option<(u8, u8)>) -> bool {
    members.pupils.iter().any(|pupil| {
        let low = low_grades
            .zip(pupil.year)
            .is_some_and(|((from, to), year)| (from..=to).contains(&year));
        pupil.flagged || low
    })
}

/// Whom the register is asked of: those who teach today, each once.
pub fn teachers(register: &Register) -> BTreeSet<&StaffId> {
    register.planned.iter().flat_map(|planned| &planned.teachers).collect()
}

/// Whether a digest names a lesson: it was left for it, and its register is still not taken, or was taken late.
pub fn is_in_digest(row: &Register, school: &School, digest: Timestamp) -> bool {
    let no_school = not_awaited_on_its_day(row, school) == Some(Reason::NoSchoolDay);
    if row.digest_at != Some(digest) || no_school {
        return false;
    }
    match row.stood {
        Some(Stood::Late) => true,
        Some(Stood::Untaken) => not_awaited(row).is_none() && taken_at(row, school).is_none(),
        Some(Stood::InTime) | None => false,
    }
}

/// The first digest at or after an instant; none: the school has none.
pub fn next_digest(school: &School, from: Timestamp) -> Option<Timestamp> {
    let mut day = local_date(from, &school.zone);
    for _ in 0..3 {
        let of_day = school.registers.digest.iter().filter_map(|time| {
            let local = school.zone.to_ambiguous_zoned_datetime(day.to_datetime(*time));
            local.compatible().ok().map(|local| local.timestamp())
        });
        if let Some(at) = of_day.filter(|at| *at >= from).min() {
            return Some(at);
        }
        day = day.tomorrow().ok()?;
    }
    None
}

#[cfg(test)]
#[path = "register_tests.rs"]
mod tests;
