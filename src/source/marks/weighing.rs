//! Whether what is said is news beside what was said before. Pure.

use jiff::{SignedDuration, Timestamp};

use super::{Said, Stand};
use crate::model::{Mark, NotificationId};
use crate::store::rows::LastSaid;

/// The row to write where it says something new; none: it is known, or older than what is. `there` is the latest that
/// it can be by the source's clock.
pub(super) fn news(
    said: &Said,
    known: Option<&LastSaid>,
    now: Timestamp,
    there: Timestamp,
) -> Option<LastSaid> {
    let digest = digest(said);
    let same = known.is_some_and(|k| k.digest == digest);
    // Only what the same clock says is compared: what was taken back, or has no date, is dated by ours.
    // What is dated later than it is there was dated before that clock was put right.
    let then = |k: &LastSaid| k.dated.filter(|at| *at <= there);
    let dates = known.and_then(|k| said.recorded_at.zip(then(k)));
    let older = dates.is_some_and(|(said, known)| said < known);
    // Two rows of the same instant are both there: the one that alarms nobody stands.
    let beside = known.is_some_and(|k| {
        dates.is_some_and(|(said, known)| said == known)
            && said.row.is_some()
            && k.row.is_some()
            && k.row != said.row
            && (k.mark != Some(Mark::Unexcused) || said.mark == Mark::Unexcused)
    });
    if same || ((older || beside) && !said.replaces) {
        return None;
    }
    let after = |k: &LastSaid| {
        k.recorded_at.saturating_add(SignedDuration::from_micros(1)).unwrap_or(Timestamp::MAX)
    };
    // What is said now must come after what was said before, or that would stand.
    let recorded_at = match known {
        Some(k) => said.recorded_at.unwrap_or(now).max(after(k)),
        None => said.recorded_at.unwrap_or(now),
    };
    Some(LastSaid {
        digest,
        changes: known.map_or(0, |k| k.changes + 1),
        recorded_at,
        dated: said.recorded_at,
        written_at: None,
        row: said.row.clone(),
        at: now,
        mark: Some(said.mark),
        minutes: said.minutes,
    })
}

/// What a file's row is, beside what was said before.
pub(in crate::source) enum Weighed {
    /// Nothing: the same, or older.
    Known,
    /// The same, said later than before: what was said in between is older. To be remembered.
    Later(LastSaid),
    /// Something new, and to be remembered once it is taken.
    New(LastSaid),
}

/// Weighs what stands in a file. When it was said is what its row says, or when the file was written; of the rows
/// of one file, the lower is the later. So a file may come late, twice, and be read again from any row on.
pub(in crate::source) fn weigh(
    digest: &str,
    recorded_at: Option<Timestamp>,
    (at, file, line): &Stand,
    known: Option<&LastSaid>,
    now: Timestamp,
) -> Weighed {
    let when = recorded_at.unwrap_or(*at);
    let row = Some(format!("{file}:{line}"));
    let new = |changes, recorded_at| LastSaid {
        digest: digest.to_owned(),
        changes,
        recorded_at,
        dated: Some(when),
        written_at: Some(*at),
        row: row.clone(),
        at: now,
        mark: None,
        minutes: None,
    };
    let Some(known) = known else { return Weighed::New(new(0, when)) };
    // What was said before may have been dated later than its file said, to come after what was there.
    let known_when = known.dated.unwrap_or(known.recorded_at);
    let before = (known_when, known.written_at.unwrap_or(known_when));
    if known.digest == digest {
        let is_later = (when, *at) > before;
        let later = || LastSaid {
            mark: known.mark,
            minutes: known.minutes,
            ..new(known.changes, when.max(known.recorded_at))
        };
        return if is_later { Weighed::Later(later()) } else { Weighed::Known };
    }
    let parts = known.row.as_deref().and_then(|row| row.split_once(':'));
    let above = parts.filter(|(of, _)| of == file).and_then(|(_, above)| above.parse().ok());
    let is_old = match above {
        Some(above) if recorded_at.is_none() || when == known_when => *line <= above,
        // Of two that were recorded at one time the one in the later file stands.
        _ => (when, *at) < before,
    };
    if is_old {
        return Weighed::Known;
    }
    let after = known.recorded_at.saturating_add(SignedDuration::from_micros(1));
    Weighed::New(new(known.changes + 1, when.max(after.unwrap_or(Timestamp::MAX))))
}

/// What is said, to be compared.
pub(super) fn digest(said: &Said) -> String {
    let Said { lesson, mark, minutes, register_closed, recorded_at, recorded_by, row, .. } = said;
    let text = format!(
        "{mark:?} {minutes:?} {register_closed:?} {recorded_at:?} {recorded_by:?} {row:?} {} {} {:?}",
        lesson.start, lesson.end, lesson.label
    );
    let protected = if said.protected { "protected" } else { "" };
    let text = text + protected;
    NotificationId::of(&[&text]).as_str().to_owned()
}
