//! Whether a pupil counts as missing at a lesson, and if not, why not.

use jiff::Timestamp;

use crate::model::{AdvanceNotice, CorrectionKind, LessonState, Mark, Reason, TaskKind};

/// What is true of a pupil at a lesson right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Missing without a valid reason.
    Missing,
    /// Not so.
    NotMissing {
        /// Why not.
        reason: Reason,
        /// How somebody who was told otherwise is put right; none where nothing better is known.
        correction: Option<CorrectionKind>,
    },
}

/// What the mark and the advance notices together say at an instant. A mark that says where the pupil was comes
/// before a notice that says where the pupil was going to be.
pub fn standing(lesson: &LessonState, notices: &[AdvanceNotice], now: Timestamp) -> Standing {
    let not = |reason, correction| Standing::NotMissing { reason, correction };
    if lesson.cancelled {
        return not(Reason::LessonCancelled, Some(CorrectionKind::Cancelled));
    }
    match lesson.mark {
        Some(Mark::Present) => not(Reason::Present, Some(CorrectionKind::WasThere)),
        Some(Mark::OtherActivity) => not(Reason::OtherActivity, Some(CorrectionKind::WasThere)),
        Some(Mark::LeftEarly) => not(Reason::LeftEarly, Some(CorrectionKind::LeftEarly)),
        Some(Mark::Late) => not(Reason::Late, Some(CorrectionKind::Arrived)),
        // Nobody is thanked for a notice that did not come: if the excuse is made up, those at home must see it.
        Some(Mark::Excused)
            if notices.iter().any(|n| n.covers(&lesson.lesson, lesson.lesson.start)) =>
        {
            not(Reason::Excused, Some(CorrectionKind::Excused))
        }
        Some(Mark::Excused) => not(Reason::Excused, Some(CorrectionKind::ExcusedByMark)),
        Some(Mark::Unexcused | Mark::Unknown) | None
            if notices.iter().any(|n| n.covers(&lesson.lesson, now)) =>
        {
            not(Reason::AdvanceNotice, Some(CorrectionKind::Excused))
        }
        Some(Mark::Unexcused) => Standing::Missing,
        Some(Mark::Unknown) | None => not(Reason::UnknownMark, None),
    }
}

/// Which task staff get when nobody may be told for this reason; none where no task is called for.
pub fn task_for(reason: Reason) -> Option<TaskKind> {
    match reason {
        Reason::Protected | Reason::ProtectionUnknown => Some(TaskKind::Protected),
        Reason::UnknownPupil => Some(TaskKind::UnknownPupil),
        Reason::AgeUnknown
        | Reason::NoEntitledGuardian
        | Reason::NoContact
        | Reason::BadContact
        | Reason::Rejected
        | Reason::TriesUsed
        | Reason::Expired
        | Reason::Stale
        | Reason::QuietHoursOver
        | Reason::TemplateFailed => Some(TaskKind::NobodyReached),
        Reason::HeldInDoubt => Some(TaskKind::HeldInDoubt),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Lesson, LessonId, NoticeKind};

    #[test]
    fn a_notice_explains_what_it_covers() {
        let at = |s| Timestamp::from_second(s).expect("time");
        let lesson = Lesson {
            id: LessonId::new("l").expect("id"),
            start: at(100),
            end: at(200),
            label: None,
        };
        for (from, to, during, after) in [
            (0, 300, true, true),
            (100, 200, true, true),
            // Half of it, from either side.
            (0, 150, true, true),
            (150, 300, true, true),
            (120, 180, true, true),
            // The start, and over soon after.
            (0, 101, true, false),
            (100, 149, true, false),
            // Only the end, or only the middle.
            (151, 300, false, false),
            (120, 140, false, false),
            (0, 100, false, false),
            (200, 300, false, false),
        ] {
            let notice = AdvanceNotice { from: at(from), to: at(to), kind: NoticeKind::Notified };
            assert_eq!(notice.covers(&lesson, at(101)), during, "{from} {to}");
            assert_eq!(notice.covers(&lesson, at(200)), after, "{from} {to} at the end");
        }
    }

    #[test]
    fn every_mark_with_and_without_notice() {
        let at = |s| Timestamp::from_second(s).expect("time");
        let lesson = Lesson {
            id: LessonId::new("l").expect("id"),
            start: at(100),
            end: at(200),
            label: None,
        };
        let covering = AdvanceNotice { from: at(0), to: at(150), kind: NoticeKind::Leave };
        let over = AdvanceNotice { from: at(0), to: at(100), kind: NoticeKind::Leave };
        for (mark, without, with) in [
            (Some(Mark::Unexcused), "missing", "advance-notice"),
            (Some(Mark::Unknown), "unknown-mark", "advance-notice"),
            (None, "unknown-mark", "advance-notice"),
            (Some(Mark::Present), "present", "present"),
            (Some(Mark::Late), "late", "late"),
            (Some(Mark::Excused), "excused", "excused"),
            (Some(Mark::LeftEarly), "left-early", "left-early"),
            (Some(Mark::OtherActivity), "other-activity", "other-activity"),
        ] {
            let mut state = LessonState::new(lesson.clone(), at(100));
            state.mark = mark;
            let word = |notices: &[AdvanceNotice]| match standing(&state, notices, at(150)) {
                Standing::Missing => "missing".to_owned(),
                Standing::NotMissing { reason, .. } => reason.as_str(),
            };
            assert_eq!(word(&[]), without, "{mark:?}");
            assert_eq!(word(std::slice::from_ref(&over)), without, "{mark:?}: leave that is over");
            assert_eq!(word(std::slice::from_ref(&covering)), with, "{mark:?}");
            let cancelled = LessonState { cancelled: true, ..state.clone() };
            let Standing::NotMissing { reason, .. } = standing(&cancelled, &[], at(150)) else {
                panic!("missing from a lesson that does not take place");
            };
            assert_eq!(reason, Reason::LessonCancelled);
        }
    }
}
