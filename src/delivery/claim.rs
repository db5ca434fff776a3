//! Truth at the moment of sending: whether a waiting notification may leave now, must wait, or must
//! not leave at all. Pure.

use jiff::{SignedDuration, Timestamp};

use crate::directory::entitled::{self, Candidate, Entitled, Known};
use crate::directory::{Mode, Protection, Pupil, QuietEnd, Roster, School};
use crate::model::{
    Accord, Address, AdvanceNotice, LessonState, Locale, Notification, Purpose, Reason, Recipient,
    Reports, State, TaskKind, accord, local_date,
};
use crate::policy::{self, Standing, agreed, exclusion, hours, last_word, standing};

/// Pause before a correction looks again at a message that is on the wire this moment.
const ON_THE_WIRE: SignedDuration = SignedDuration::from_secs(2);

/// Pause before a correction that the mode keeps back looks whether the school is live again.
const ANOTHER_MODE: SignedDuration = SignedDuration::from_mins(1);

/// Everything a claim depends on.
#[derive(Clone, Copy)]
pub struct Claim<'a> {
    /// Now.
    pub now: Timestamp,
    /// The notification, as stored.
    pub notification: &'a Notification,
    /// The school's settings; none when it is no longer configured.
    pub school: Option<&'a School>,
    /// Everybody.
    pub roster: &'a Roster,
    /// The lesson, as stored.
    pub lesson: &'a LessonState,
    /// The pupil's notices.
    pub notices: &'a [AdvanceNotice],
    /// Every notification made for the lesson.
    pub told: &'a [Notification],
    /// Whether a source says that the pupil is protected, whatever the directory says.
    pub protected: bool,
    /// Why nobody is told of the lesson.
    pub exclusion: Option<Reason>,
    /// What was agreed about the pupil.
    pub accords: &'a [Accord],
    /// Whether a provider has rejected an address as such.
    pub is_bad: &'a dyn Fn(&Address) -> bool,
}

/// What becomes of the claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Make the text and send it.
    Send {
        /// Where to.
        address: Address,
        /// In which language, first choice first.
        language: Locale,
    },
    /// Look again later.
    Defer {
        /// When.
        until: Timestamp,
        /// Why.
        reason: Reason,
    },
    /// It will never leave.
    Drop {
        /// Its last state.
        state: State,
        /// Why.
        reason: Reason,
        /// Others may have to be told instead: decide about the lesson again.
        decide_again: bool,
    },
}

fn drop(reason: Reason) -> Verdict {
    Verdict::Drop { state: State::Cancelled, reason, decide_again: false }
}

fn drop_and_decide(reason: Reason) -> Verdict {
    Verdict::Drop { state: State::Cancelled, reason, decide_again: true }
}

/// What the mode keeps back. A correction waits for another mode: it is about a message that has left.
fn by_mode(c: &Claim<'_>, reason: Reason) -> Verdict {
    if c.notification.purpose == Purpose::Correction {
        let until = c.now.saturating_add(ANOTHER_MODE).unwrap_or(Timestamp::MAX);
        return Verdict::Defer { until, reason };
    }
    drop(reason)
}

/// Asks every rule again, in a fixed order: deadline, truth, what is left out, mode, who, guests, lesson's start,
/// quiet hours.
pub fn claim(c: &Claim<'_>) -> Verdict {
    let n = c.notification;
    if c.now >= n.deadline {
        return Verdict::Drop {
            state: State::Expired,
            reason: Reason::Expired,
            decide_again: false,
        };
    }
    // A name mistyped at a reload must not lay to rest what waits, which nobody would decide anew.
    let Some(school) = c.school else {
        let until = c.now.saturating_add(ANOTHER_MODE).unwrap_or(Timestamp::MAX);
        return Verdict::Defer { until, reason: Reason::UnknownSchool };
    };
    if let Some(verdict) = untrue(c) {
        return verdict;
    }
    if let Some(reason) = left_out(c, school) {
        return drop(reason);
    }
    if school.mode == Mode::Shadow {
        return by_mode(c, Reason::ShadowMode);
    }
    let pupil = c.roster.pupil(&school.id, &n.pupil);
    let (address, language) = match recipient(c, school, pupil) {
        Ok(found) => found,
        Err(verdict) => return verdict,
    };
    if school.mode == Mode::Guests && !school.guests.contains(&address) {
        return by_mode(c, Reason::NotAGuest);
    }
    if matches!(n.purpose, Purpose::Absence | Purpose::TeamAlert) {
        // Whether it is news depends on what became of the correction before it.
        if let Some(until) = correction_under_way(c, &address) {
            return Verdict::Defer { until, reason: Reason::InDoubt };
        }
        if has_been_told(c, &address) {
            return drop(Reason::AlreadyTold);
        }
    }
    if matches!(n.purpose, Purpose::Absence | Purpose::AskToRing) {
        // It may have been moved since.
        if c.now < c.lesson.lesson.start {
            return Verdict::Defer { until: c.lesson.lesson.start, reason: Reason::NotBegun };
        }
    }
    let to_family = !matches!(n.recipient, Recipient::Staff(_));
    let quiet = school.quiet_hours.and_then(|q| hours::quiet_until(q, school, c.now));
    if to_family && let Some(until) = quiet {
        return Verdict::Defer { until, reason: Reason::QuietHours };
    }
    if is_dropped(n, school) {
        // Expired, not called back: the team is to phone.
        let reason = Reason::QuietHoursOver;
        return Verdict::Drop { state: State::Expired, reason, decide_again: false };
    }
    Verdict::Send { address, language }
}

/// Whether a message waited for quiet hours to end, at a school that wants nothing sent then. Who was told what is not
/// so is put right all the same.
fn is_dropped(n: &Notification, school: &School) -> bool {
    school.time.quiet_end == QuietEnd::Drop
        && n.purpose == Purpose::Absence
        && n.state_reason == Some(Reason::QuietHours)
}

/// Why the message is left out: with its lesson, because its reader is phoned first, or made the mark.
fn left_out(c: &Claim<'_>, school: &School) -> Option<Reason> {
    let n = c.notification;
    if let Some(reason) = c.exclusion.filter(|_| exclusion::leaves_out(n)) {
        return Some(reason);
    }
    if n.purpose != Purpose::Absence {
        return None;
    }
    let today = local_date(c.now, &school.zone);
    if accord::reports(c.accords, &n.recipient, today) == Some(Reports::PhoneFirst) {
        return Some(Reason::PhoneFirst);
    }
    let Recipient::Guardian(guardian) = &n.recipient else { return None };
    let pupil = c.roster.pupil(&school.id, &n.pupil)?;
    let by = c.lesson.recorded_by.as_deref();
    exclusion::made_the_mark(school, c.roster, pupil, by, guardian).then_some(Reason::MadeTheMark)
}

/// Whether this address has the same news by another row: the directory has since given the number to
/// somebody else, or the guardian another id.
fn has_been_told(c: &Claim<'_>, address: &Address) -> bool {
    let corrected = |t: &Notification| {
        c.told.iter().any(|k| k.corrects.as_ref() == Some(&t.id) && k.may_have_arrived())
    };
    c.told.iter().any(|t| {
        t.id != c.notification.id
            && t.purpose == c.notification.purpose
            && t.address.as_ref() == Some(address)
            && t.state.may_have_arrived()
            && !corrected(t)
    })
}

/// When to look again while a correction to the same reader has no outcome yet.
fn correction_under_way(c: &Claim<'_>, address: &Address) -> Option<Timestamp> {
    let same = |k: &&Notification| {
        k.purpose == Purpose::Correction
            && (k.recipient == c.notification.recipient || k.address.as_ref() == Some(address))
    };
    c.told.iter().filter(same).filter_map(|k| under_way(c, k)).max()
}

/// When to look again at a message whose attempt has no outcome yet.
fn under_way(c: &Claim<'_>, n: &Notification) -> Option<Timestamp> {
    let again = match n.state {
        State::Sending => c.now,
        State::InDoubt => c.now.max(n.due_at),
        _ => return None,
    };
    Some(again.saturating_add(ON_THE_WIRE).unwrap_or(Timestamp::MAX))
}

/// Whether what the message says is no longer so.
fn untrue(c: &Claim<'_>) -> Option<Verdict> {
    let n = c.notification;
    let now = standing(c.lesson, c.notices, c.now);
    match n.purpose {
        Purpose::Absence | Purpose::AskToRing => match now {
            Standing::NotMissing { reason, .. } => Some(drop(reason)),
            // Kept for the new alarm while it was on the wire, and it did not arrive.
            Standing::Missing if n.revision != c.lesson.revision => {
                Some(drop_and_decide(Reason::Replaced))
            }
            Standing::Missing => None,
        },
        Purpose::Correction => outdated(c, now),
        Purpose::TeamAlert | Purpose::TeamUpdate => match now {
            Standing::Missing => None,
            Standing::NotMissing { reason, .. } => {
                let stands = c.lesson.report_stands() && reason != Reason::AdvanceNotice;
                (!stands).then(|| drop(reason))
            }
        },
        Purpose::StaffTask => match (n.task, now) {
            (Some(TaskKind::NobodyReached), Standing::NotMissing { reason, .. }) => {
                Some(drop(reason))
            }
            _ => None,
        },
        // What was recorded of a case is so, whatever the mark says; see `intake::case_words`. The others say nothing of a
        // pupil; see `guest` and `notice`.
        Purpose::CaseFeedback
        | Purpose::Test
        | Purpose::RegisterNudge
        | Purpose::RegisterUntaken
        | Purpose::RegisterTaken
        | Purpose::RegisterDigest
        | Purpose::SourceAlert
        | Purpose::SourceClear
        | Purpose::NotReached
        | Purpose::RosterAudit
        | Purpose::VolumeHold
        | Purpose::Missed
        | Purpose::DayReport
        | Purpose::TermReport
        | Purpose::LadderReport
        | Purpose::DutyList
        | Purpose::ProgrammeReminder
        | Purpose::LadderStep
        | Purpose::Duty
        | Purpose::DutyReminder
        | Purpose::DutyOverdue
        | Purpose::DutyDocumented
        | Purpose::LadderRetracted
        | Purpose::PupilLeft => None,
    }
}

/// Whether a correction says what is no longer so, or what its reader knows.
fn outdated(c: &Claim<'_>, now: Standing) -> Option<Verdict> {
    let n = c.notification;
    let Standing::NotMissing { reason, correction: Some(kind) } = now else {
        return Some(drop(Reason::MarkChanged));
    };
    if n.recipient_is_staff() && c.lesson.report_stands() && reason != Reason::AdvanceNotice {
        return Some(drop(Reason::MarkChanged));
    }
    if n.correction != Some(kind) {
        return Some(drop_and_decide(Reason::Replaced));
    }
    let Some(of) = &n.corrects else { return Some(drop(Reason::NothingToCorrect)) };
    let told = c.told.iter().find(|t| t.id == *of);
    let before = || last_word::corrections(c.told, of).filter(|k| k.id != n.id);
    // Only those who were told are put right: wait until that is known, or known to be unknowable.
    if let Some(until) = told.into_iter().chain(before()).filter_map(|t| under_way(c, t)).max() {
        return Some(Verdict::Defer { until, reason: Reason::InDoubt });
    }
    let is_news =
        told.is_some_and(Notification::may_have_arrived) && last_word::is_news(before(), kind);
    // An earlier alarm may be the last that arrived.
    (!is_news).then(|| drop_and_decide(Reason::NothingToCorrect))
}

fn recipient(
    c: &Claim<'_>,
    school: &School,
    pupil: Option<&Pupil>,
) -> Result<(Address, Locale), Verdict> {
    let n = c.notification;
    if let Recipient::Staff(role) = n.recipient {
        let content_free = n.task.is_some_and(TaskKind::is_content_free);
        if !content_free {
            match pupil.map(|p| p.protection) {
                None => return Err(drop_and_decide(Reason::UnknownPupil)),
                Some(_) if c.protected => return Err(drop_and_decide(Reason::Protected)),
                Some(Protection::Protected) => return Err(drop_and_decide(Reason::Protected)),
                Some(Protection::Unknown) => {
                    return Err(drop_and_decide(Reason::ProtectionUnknown));
                }
                Some(Protection::None) => {}
            }
        }
        let email = entitled::staff(school, pupil, c.roster, role);
        return email.map(|e| (Address::Email(e), school.locale.clone())).ok_or(Verdict::Drop {
            state: State::Rejected,
            reason: Reason::NoContact,
            decide_again: false,
        });
    }
    let Some(pupil) = pupil else { return Err(drop_and_decide(Reason::UnknownPupil)) };
    let today = local_date(c.now, &school.zone);
    if n.purpose == Purpose::AskToRing {
        let number = agreed::number(school, pupil, c.roster, c.accords, today);
        let number = number.ok_or_else(|| drop_and_decide(Reason::NotEntitled))?;
        return Ok((Address::Phone(number), school.locale.clone()));
    }
    if c.protected {
        return Err(drop_and_decide(Reason::Protected));
    }
    // Whoever was told is put right, though somebody else of the home is told by now.
    let whole_homes = n.purpose == Purpose::Correction;
    let unreached = policy::unreached(c.told, c.lesson.revision);
    let known = Known { accords: c.accords, unreached, whole_homes };
    let (candidates, otherwise) = match entitled::recipients(school, pupil, c.roster, today, &known)
    {
        Entitled::Nobody(reason) => return Err(drop_and_decide(reason)),
        Entitled::Guardians { candidates, .. } => (candidates, Reason::NotEntitled),
        Entitled::Adult(candidates) => (candidates, Reason::Adult),
    };
    let same = candidates.iter().find(|x| x.recipient == n.recipient);
    // A correction goes where the first message went, even if the contact has changed since, and
    // whatever id its holder has by now.
    if let (Purpose::Correction, Some(address)) = (n.purpose, &n.address) {
        let holds =
            |x: &&Candidate| x.contact.as_ref().is_ok_and(|addresses| addresses.contains(address));
        let reader = same.or_else(|| candidates.iter().find(holds));
        let reader = reader.ok_or_else(|| drop_and_decide(otherwise))?;
        return Ok((address.clone(), reader.language.clone()));
    }
    let candidate = same.cloned().ok_or_else(|| drop_and_decide(otherwise))?;
    address(c, candidate)
}

fn address(c: &Claim<'_>, candidate: Candidate) -> Result<(Address, Locale), Verdict> {
    let addresses = candidate.contact.map_err(drop_and_decide)?;
    let on_channel = addresses.into_iter().find(|a| a.channel() == c.notification.channel);
    match on_channel {
        None => Err(drop_and_decide(Reason::NoContact)),
        Some(address) if (c.is_bad)(&address) => Err(Verdict::Drop {
            state: State::Rejected,
            reason: Reason::BadContact,
            decide_again: false,
        }),
        Some(address) => Ok((address, candidate.language)),
    }
}

#[cfg(test)]
#[path = "claim_tests.rs"]
mod tests;
