//! When each source was last heard, as far as this process knows: kept in memory, for whoever looks at how
//! the gateway is. Promises nothing after a restart.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::model::SourceId;

/// Shared by the doors and whoever looks.
#[derive(Debug, Clone, Default)]
pub struct LastHeard(Arc<Mutex<BTreeMap<SourceId, Timestamp>>>);

impl LastHeard {
    /// A source was heard.
    pub fn note(&self, source: &SourceId, at: Timestamp) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match heard.get_mut(source) {
            Some(last) => *last = at.max(*last),
            None => drop(heard.insert(source.clone(), at)),
        }
    }

    /// When it was last heard.
    pub fn last(&self, source: &SourceId) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(source).copied()
    }
}
