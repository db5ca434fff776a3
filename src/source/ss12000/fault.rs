//! What can go wrong with a source, as a stable kind, words without personal data, and what to do about it. Pure.

use crate::store::StoreError;

/// Something that is wrong with a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// A stable word: a label of metrics.
    pub kind: &'static str,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Wrong {
    /// Puts one together.
    pub fn new(kind: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind, what: what.into(), remedy: remedy.into() }
    }
}

/// Kinds of trouble that the client tells of, and takes back itself.
pub mod kinds {
    /// No token is to be had.
    pub const TOKEN: &str = "token";
    /// Nobody is there, or the connection breaks.
    pub const UNREACHABLE: &str = "unreachable";
    /// A certificate, theirs or ours, is not good.
    pub const CERTIFICATE: &str = "certificate";
    /// We are not let in, or not to this.
    pub const NOT_LET_IN: &str = "not-let-in";
    /// Asked more often than it wants.
    pub const RATE: &str = "rate";
    /// What is asked for waits for our own budget.
    pub const BUDGET: &str = "budget";
    /// Our own budget lets marks be asked for too seldom.
    pub const PACE: &str = "pace";
    /// It is there, and cannot answer.
    pub const BUSY: &str = "busy";
    /// What it answers cannot be read.
    pub const ANSWER: &str = "answer";
    /// It refuses what it is asked.
    pub const REFUSED: &str = "refused";
    /// Its pages do not end.
    pub const PAGING: &str = "paging";
    /// Rows of it cannot be read.
    pub const BAD_ROWS: &str = "bad-rows";
    /// Its directory cannot be put in force.
    pub const DIRECTORY: &str = "directory";
}

/// Why there is no answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// We were told to stop.
    Stopped,
    /// Our own store failed.
    Store(StoreError),
    /// The source does not offer this (403, 404, 405, 501): perhaps it does in another way. Not told of yet.
    NotOffered {
        /// The status.
        status: u16,
        /// What was asked for.
        what: String,
    },
    /// The source does not take the question (400, 422): perhaps it takes another. Not told of yet.
    BadRequest {
        /// The status.
        status: u16,
        /// The code of its answer, if it is a plain word.
        code: Option<String>,
        /// Whether its words speak of the question, and not of there being nothing.
        names_question: bool,
        /// What was asked for.
        what: String,
    },
    /// There is more to answer than the source can: less is to be asked for at a time.
    TooMuch,
    /// Something is wrong, and has been told of.
    Failed(Wrong),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Fault {
    /// What is to be told of, where nothing has been told yet.
    pub(super) fn untold(&self) -> Option<Wrong> {
        match self {
            Self::NotOffered { status, what } => Some(Wrong::new(
                kinds::NOT_LET_IN,
                format!("it answers {status} to {what}"),
                "ask the vendor to let this client in to it, or take it from elsewhere (`gives`)",
            )),
            Self::BadRequest { status, code, what, .. } => {
                let remedy = if what.ends_with("/lookup") {
                    "check `url` and `vendor`, and ask the vendor how many ids one look-up may hold (`lookup-size`)"
                } else {
                    "check `url` and `vendor`; if they are right, show this to the vendor"
                };
                let code = code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
                Some(Wrong::new(
                    kinds::REFUSED,
                    format!("it answers {status}{code} to {what}"),
                    remedy,
                ))
            }
            Self::Stopped | Self::Store(_) | Self::TooMuch | Self::Failed(_) => None,
        }
    }
}
