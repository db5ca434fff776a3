//! Merging observations into occasions. Pure: the same observations in any order and any number
//! give the same lesson state.

mod merge;

pub use merge::{Change, Marking, mark_lesson, notice_is_late, report_lesson};
