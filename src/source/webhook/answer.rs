//! What the sender of events is told. Says nothing of the people in them.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer to a request with events: written only after all that is counted here is durable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HookAnswer {
    /// Events taken now.
    pub accepted: u32,
    /// Events taken before, under the same `id`.
    pub duplicate: u32,
    /// Events that were not taken, in the order they were sent. Sending them again unchanged gives
    /// the same result.
    pub rejected: Vec<Rejected>,
}

/// An event that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejected {
    /// Its place in the array, from 0; 0 for a single event.
    pub index: u32,
    /// Its `id`, where one could be read.
    pub id: Option<String>,
    /// Where the fault is and what would be right.
    pub error: String,
}

/// The body of every refusal that has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorAnswer {
    /// What was wrong and what to do about it.
    pub error: String,
}

impl HookAnswer {
    /// 202 when anything was taken, now or before; 422 when all were refused.
    pub fn status(&self) -> StatusCode {
        if self.accepted > 0 || self.duplicate > 0 {
            StatusCode::ACCEPTED
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_good_event_makes_the_request_good() {
        let rejected = vec![Rejected { index: 0, id: None, error: "x".to_owned() }];
        for (accepted, duplicate, status) in [(1, 0, 202), (0, 1, 202), (0, 0, 422)] {
            let answer = HookAnswer { accepted, duplicate, rejected: rejected.clone() };
            assert_eq!(answer.status().as_u16(), status);
        }
    }

    #[test]
    fn is_written_as_documented() {
        let answer = HookAnswer {
            accepted: 2,
            duplicate: 1,
            rejected: vec![Rejected { index: 3, id: None, error: "mark: is missing".to_owned() }],
        };
        assert_eq!(
            serde_json::to_string(&answer).unwrap(),
            r#"{"accepted":2,"duplicate":1,"rejected":[{"index":3,"id":null,"error":"mark: is missing"}]}"#
        );
    }
}
