//! What a school has chosen about whom it tells: one message for each home or each guardian, and the sender of the texts
//! that name nobody. Reads keys; decides nothing.

use super::layers::Layers;
use super::sender::{SENDER, sender_id};
use crate::directory::{Homes, PeopleRules};

pub(super) fn read(from: &Layers<'_, '_>) -> PeopleRules {
    let homes = [("separate", Homes::Separate), ("merged", Homes::Merged)];
    PeopleRules {
        homes: from.get(|r| r.choice("homes", &homes)).unwrap_or_default(),
        neutral_sender_id: from.get(|r| r.parsed("neutral-sender-id", SENDER, sender_id)),
    }
}
