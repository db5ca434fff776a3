//! The table of what schools have recorded of the sessions of preventive programmes.

use super::key;
use crate::model::{SchoolId, SessionRecord, TermName};

/// The record of one session in one class and term. Value: `SessionRecord`.
pub fn session(row: &SessionRecord) -> Vec<u8> {
    let (term, session) = (row.term.to_string(), row.session.to_string());
    key("pg/", &[row.school.as_str(), &term, &row.programme, &row.class, &session])
}

/// All records of a school in a term.
pub fn sessions(school: &SchoolId, term: TermName) -> Vec<u8> {
    key("pg/", &[school.as_str(), &term.to_string()])
}

/// Every record of a session.
pub const SESSIONS: &[u8] = b"pg/";
