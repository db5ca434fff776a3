//! What a request asks, read strictly: an unknown parameter, a moment that is none or an id that is none
//! is refused, so that a client's mistake is seen here and not at a vendor. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::id::Id;

/// Why a request is not answered as it hoped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 400.
    Bad(&'static str, String),
    /// 403.
    Forbidden(&'static str),
    /// 404.
    NotFound,
    /// 405.
    WrongMethod,
    /// 503 of a lookup.
    TooLarge(usize),
    /// 401.
    Unauthorized,
    /// 429 and nothing else.
    Throttled,
}

impl Refusal {
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Bad(..) => 400,
            Self::Unauthorized => 401,
            Self::Forbidden(_) => 403,
            Self::NotFound => 404,
            Self::WrongMethod => 405,
            Self::Throttled => 429,
            Self::TooLarge(_) => 503,
        }
    }

    /// The error of the standard; some have no body.
    pub(super) fn body(&self) -> Option<Value> {
        let (code, message) = match self {
            Self::Bad(code, message) => (*code, message.clone()),
            Self::Forbidden(message) => ("forbidden", (*message).to_owned()),
            Self::Unauthorized => ("unauthorized", "The token is missing, wrong or expired".into()),
            Self::WrongMethod => ("method", "Not with this method".into()),
            Self::TooLarge(rows) => {
                ("too_large", format!("{rows} rows are too many; ask for less"))
            }
            Self::NotFound | Self::Throttled => return None,
        };
        Some(json!({ "code": code, "message": message }))
    }
}

pub(super) fn bad<T>(code: &'static str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Bad(code, message.into()))
}

/// Parameters that every list knows.
const COMMON: [&str; 8] = [
    "limit",
    "pageToken",
    "meta.created.before",
    "meta.created.after",
    "meta.modified.before",
    "meta.modified.after",
    "expandReferenceNames",
    "expand",
];

/// The parameters of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads what stands behind the question mark.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        match serde_urlencoded::from_str(text) {
            Ok(pairs) => Ok(Self { pairs }),
            Err(error) => bad("query", format!("the query cannot be read: {error}")),
        }
    }

    /// Refuses what neither is common nor in `known`.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        for (name, _) in &self.pairs {
            if !COMMON.contains(&name.as_str()) && !known.contains(&name.as_str()) {
                return bad("unknown_parameter", format!("{name} is no parameter here"));
            }
        }
        Ok(())
    }

    /// All but the page token and the limit, as they were written.
    pub(super) fn filters(&self) -> String {
        let rest: Vec<_> =
            self.pairs.iter().filter(|(name, _)| name != "pageToken" && name != "limit").collect();
        serde_urlencoded::to_string(rest).unwrap_or_default()
    }

    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() {
            return bad("repeated", format!("{name} may be given once"));
        }
        Ok(first)
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.pairs.iter().filter(move |(given, _)| given == name);
        named.map(|(_, value)| value.as_str())
    }

    pub(super) fn id(&self, name: &str) -> Result<Option<Id>, Refusal> {
        self.one(name)?.map(|text| id(name, text)).transpose()
    }

    pub(super) fn ids(&self, name: &str) -> Result<Option<BTreeSet<Id>>, Refusal> {
        let found: BTreeSet<Id> =
            self.all(name).map(|text| id(name, text)).collect::<Result<_, _>>()?;
        Ok((!found.is_empty()).then_some(found))
    }

    pub(super) fn words(&self, name: &str) -> Option<BTreeSet<&str>> {
        let found: BTreeSet<&str> = self.all(name).collect();
        (!found.is_empty()).then_some(found)
    }

    pub(super) fn moment(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        match text.parse() {
            Ok(at) => Ok(Some(at)),
            // A plus sign that was not escaped has become a space by now.
            Err(_) => bad("date_time", format!("{name}={text:?} is no date-time with an offset")),
        }
    }

    pub(super) fn date(&self, name: &str) -> Result<Option<Date>, Refusal> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        match text.parse::<Date>() {
            Ok(date) if text.len() == 10 => Ok(Some(date)),
            _ => bad("date", format!("{name}={text:?} is no date")),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.one(name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => bad("boolean", format!("{name}={other:?} is neither true nor false")),
        }
    }

    /// What is to be expanded, of what can be.
    pub(super) fn expand(&self, known: &[&str]) -> Result<BTreeSet<&str>, Refusal> {
        for word in self.all("expand") {
            if !known.contains(&word) {
                return bad("expand", format!("expand={word:?} is not possible here"));
            }
        }
        Ok(self.all("expand").collect())
    }

    /// Rows on a page; `most` where nothing is said.
    pub(super) fn limit(&self, most: usize) -> Result<usize, Refusal> {
        match self.one("limit")?.map(str::parse::<usize>) {
            None => Ok(most),
            Some(Ok(limit)) if limit > 0 => Ok(limit.min(most)),
            Some(_) => bad("limit", "limit must be a number from 1"),
        }
    }
}

fn id(name: &str, text: &str) -> Result<Id, Refusal> {
    text.parse().or_else(|_| bad("id", format!("{name}={text:?} is no uuid")))
}

/// The bounds on `meta` that every list knows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Dated {
    created: (Option<Timestamp>, Option<Timestamp>),
    modified: (Option<Timestamp>, Option<Timestamp>),
}

impl Dated {
    pub(super) fn of(query: &Query) -> Result<Self, Refusal> {
        Ok(Self {
            created: (query.moment("meta.created.after")?, query.moment("meta.created.before")?),
            modified: (query.moment("meta.modified.after")?, query.moment("meta.modified.before")?),
        })
    }

    /// After is exclusive, before is not.
    pub(super) fn admits(&self, created: Timestamp, modified: Timestamp) -> bool {
        let within = |at: Timestamp, (after, before): (Option<Timestamp>, Option<Timestamp>)| {
            after.is_none_or(|after| at > after) && before.is_none_or(|before| at <= before)
        };
        within(created, self.created) && within(modified, self.modified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::parse(text).expect("readable")
    }

    #[test]
    fn a_mistake_is_refused_and_named() {
        let refused = |refusal: Refusal| match refusal {
            Refusal::Bad(code, _) => code,
            other => panic!("{other:?}"),
        };
        let at = "meta.modified.after";
        assert_eq!(
            refused(query("colour=red").only(&["student"]).unwrap_err()),
            "unknown_parameter"
        );
        // The plus sign was not escaped.
        let moment = query("meta.modified.after=2026-11-26T08:00:00+01:00").moment(at);
        assert_eq!(refused(moment.unwrap_err()), "date_time");
        let moment = query("meta.modified.after=2026-11-26T08:00:00%2B01:00").moment(at);
        assert_eq!(moment.expect("good").expect("there").to_string(), "2026-11-26T07:00:00Z");
        assert_eq!(refused(query("limit=0").limit(9).unwrap_err()), "limit");
        assert_eq!(refused(query("expand=members").expand(&["activity"]).unwrap_err()), "expand");
        assert_eq!(refused(query("student=7").id("student").unwrap_err()), "id");
        assert_eq!(refused(query("a=1&a=2").one("a").unwrap_err()), "repeated");
        assert_eq!(refused(query("f=yes").flag("f").unwrap_err()), "boolean");
        assert_eq!(refused(query("d=2026-11-26T00:00").date("d").unwrap_err()), "date");
    }

    #[test]
    fn after_is_exclusive_and_before_is_not() {
        let dated = Dated::of(&query(
            "meta.modified.after=2026-11-26T08:00:00Z&meta.modified.before=2026-11-26T09:00:00Z",
        ))
        .expect("good");
        let at = |text: &str| text.parse::<Timestamp>().expect("time");
        let early = at("2026-01-01T00:00:00Z");
        for (modified, admitted) in [
            ("2026-11-26T08:00:00Z", false),
            ("2026-11-26T08:00:00.001Z", true),
            ("2026-11-26T09:00:00Z", true),
            ("2026-11-26T09:00:00.001Z", false),
        ] {
            assert_eq!(dated.admits(early, at(modified)), admitted, "{modified}");
        }
    }
}
