//! Who is missing at which lesson's start, kept up with every decision: what the volume hold counts. Decides nothing.

use jiff::Timestamp;

use super::case::Case;
use super::decide::Heard;
use crate::model::MissingAt;
use crate::policy::Plan;
use crate::store::ledger::Unit;
use crate::store::tables;

/// Counts the pupil of a case among those who are missing, or no longer. What was so already when its source was
/// first asked, and what the school wants silence about, is told to nobody, and is not counted.
pub(super) fn note(
    unit: &mut Unit<'_>,
    case: &mut Case,
    plan: &Plan,
    class: Option<&String>,
    excluded: bool,
    heard: &Heard,
    now: Timestamp,
) {
    let counts = plan.missing && !case.lesson.taken_as_known && !excluded;
    let start = case.lesson.lesson.start;
    let row = |at| {
        let key = &case.key;
        tables::missing(&key.school, key.date, at, &key.pupil, &key.lesson)
    };
    match case.lesson.counted_at {
        Some(former) if counts && former == start => return,
        Some(former) => unit.delete(row(former)),
        None => {}
    }
    if counts {
        let (class, source) = (class.cloned(), heard.source.clone());
        unit.write(row(start), &MissingAt { class, source, since: now });
    }
    case.lesson.counted_at = counts.then_some(start);
}
