//! Guardians of one home, told once for all of them. Pure. Who is not known to live with another is a home alone.

use std::collections::BTreeSet;

use super::Roster;
use super::entitled::Candidate;
use crate::model::{GuardianId, Reason, Recipient};

/// Keeps one candidate of each home: the first who can be reached, or else the first. Returns those who are told
/// through another, with the reason. `unreached`: those whose message is known not to have arrived.
pub(super) fn merge(
    candidates: &mut Vec<Candidate>,
    roster: &Roster,
    unreached: &BTreeSet<GuardianId>,
) -> Vec<(GuardianId, Reason)> {
    let home = |candidate: &Candidate| match &candidate.recipient {
        Recipient::Guardian(id) => roster.guardians.get(id).and_then(|g| g.household.as_deref()),
        _ => None,
    };
    let can_be_reached = |candidate: &&Candidate| match &candidate.recipient {
        Recipient::Guardian(id) => candidate.contact.is_ok() && !unreached.contains(id),
        _ => true,
    };
    let names: BTreeSet<&str> = candidates.iter().filter_map(home).collect();
    let mut chosen: BTreeSet<Recipient> = BTreeSet::new();
    for name in names {
        let of_home = || candidates.iter().filter(|candidate| home(candidate) == Some(name));
        let first = of_home().find(can_be_reached).or_else(|| of_home().next());
        chosen.extend(first.map(|candidate| candidate.recipient.clone()));
    }
    let mut through_another = Vec::new();
    candidates.retain(|candidate| {
        let told = home(candidate).is_none() || chosen.contains(&candidate.recipient);
        if let (false, Recipient::Guardian(id)) = (told, &candidate.recipient) {
            through_another.push((id.clone(), Reason::HomeTold));
        }
        told
    });
    through_another
}
