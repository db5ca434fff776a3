//! Holds back a load that looks like a broken export: one that would tell what must not be told, or
//! silently stop telling. Pure; a person lets exactly that content through by its digest.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Guardian, GuardianLink, Loaded, Protection, Pupil, Roster, snapshot};
use crate::model::{GuardianId, PupilId, SchoolId, StaffId};

/// Schools with fewer pupils than this are judged only as part of the whole.
const SMALL_SCHOOL: usize = 10;
/// More protected pupils than this losing their mark at once, or guardians losing their denial, is
/// never taken unseen.
const MAX_UNMARKED: usize = 5;

/// How far a load may fall behind the one before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BrakeRules {
    /// Largest share of pupils that may be gone or newly of unknown protection, 0 to 1.
    pub max_drop_pupils: f64,
    /// Largest share of guardians who can be told that may be gone, 0 to 1.
    pub max_drop_contacts: f64,
}

impl Default for BrakeRules {
    fn default() -> Self {
        Self { max_drop_pupils: 0.2, max_drop_contacts: 0.2 }
    }
}

/// What a load changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Change {
    /// Pupils, guardians and staff who were not there.
    pub added: usize,
    /// Those who are no longer there.
    pub removed: usize,
    /// Those with other data than before.
    pub changed: usize,
    /// How many pupils there are now.
    pub pupils: usize,
    /// How many guardians there are now.
    pub guardians: usize,
}

/// A load held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why, one line each; ids of schools and counts only.
    pub causes: Vec<String>,
    /// What lets this content through when it is right.
    pub digest: String,
}

/// Judges a load against the roster in force. The first load is always taken.
///
/// # Errors
/// When the load looks like a broken export and was not confirmed by its digest.
pub fn judge(
    old: &Roster,
    new: &Loaded,
    rules: &BrakeRules,
    confirmed: Option<&str>,
) -> Result<Change, Refusal> {
    let mut causes = causes(old, new, rules);
    if causes.is_empty() || confirmed == Some(new.digest.as_str()) {
        Ok(change(old, &new.roster))
    } else {
        causes.extend(quieter(old, &new.roster));
        Err(Refusal { causes, digest: new.digest.clone() })
    }
}

fn causes(old: &Roster, new: &Loaded, rules: &BrakeRules) -> Vec<String> {
    let mut causes = Vec::new();
    let known = |p: &Pupil| p.protection != Protection::Unknown;
    if !new.had_protection_column && pupils(old).any(known) {
        causes.push("the column protection is gone: nothing says who is protected".to_owned());
    }
    let marked: Vec<&Pupil> =
        pupils(old).filter(|p| p.protection == Protection::Protected).collect();
    let unmarked = marked.iter().filter(|p| {
        let now = new.roster.pupil(&p.school, &p.id);
        now.is_some_and(|now| now.protection == Protection::None)
    });
    let unmarked = unmarked.count();
    if is_too_many(unmarked, marked.len()) {
        causes.push(format!("{unmarked} of {} protected pupils are no longer", marked.len()));
    }
    let (denied, freed) = denials(old, &new.roster);
    if is_too_many(freed, denied) {
        causes.push(format!("{freed} of {denied} denied guardians may be told"));
    }
    let (ending, endless) = made_endless(old, &new.roster);
    if is_too_many(endless, ending) {
        causes.push(format!("{endless} of {ending} temporary guardians have no last day any more"));
    }
    let (staff, gone) = staff_gone(old, &new.roster);
    if share(gone, staff) > rules.max_drop_contacts {
        causes.push(format!("{gone} of {staff} addresses of staff are gone"));
    }
    let (before, after) = (Tally::of(old), Tally::of(&new.roster));
    let all = Tally::whole(&before);
    all.compare(&Tally::whole(&after), rules, "in all", &mut causes);
    for (school, tally) in before.iter().filter(|(_, t)| t.pupils.len() >= SMALL_SCHOOL) {
        let empty = Tally::default();
        let now = after.get(school).unwrap_or(&empty);
        tally.compare(now, rules, &format!("at {school}"), &mut causes);
    }
    causes
}

/// What a load would hide that it may not while it is held back, for whoever decides about it.
fn quieter(old: &Roster, new: &Roster) -> Option<String> {
    let (mut hidden, mut denied) = (0, 0);
    for now in pupils(new) {
        let Some(was) = old.pupil(&now.school, &now.id) else { continue };
        let open = was.protection == Protection::None;
        hidden += usize::from(open && now.protection == Protection::Protected);
        let refused = |p: &Pupil| -> BTreeSet<GuardianId> {
            p.guardians.iter().filter(|l| l.deny).map(|l| l.guardian.clone()).collect()
        };
        denied += refused(now).difference(&refused(was)).count();
    }
    (hidden + denied > 0).then(|| {
        format!(
            "until it is confirmed or mended, {hidden} pupils whom it protects and {denied} guardians \
             whom it denies are told as before"
        )
    })
}

/// How many members of staff had an address, and how many of them have none any more.
fn staff_gone(old: &Roster, new: &Roster) -> (usize, usize) {
    let reached = |roster: &Roster| -> BTreeSet<StaffId> {
        roster.staff.values().filter(|s| s.email.is_some()).map(|s| s.id.clone()).collect()
    };
    let before = reached(old);
    (before.len(), before.difference(&reached(new)).count())
}

fn is_too_many(unmarked: usize, of: usize) -> bool {
    unmarked > MAX_UNMARKED || unmarked * 2 > of
}

/// How many guardians were denied, and how many of them may now be told of the same pupil: a lost
/// column `deny` reads as that.
fn denials(old: &Roster, new: &Roster) -> (usize, usize) {
    let (mut denied, mut freed) = (0, 0);
    for pupil in pupils(old) {
        let now = new.pupil(&pupil.school, &pupil.id);
        for link in pupil.guardians.iter().filter(|l| l.deny) {
            denied += 1;
            let mut same = now
                .into_iter()
                .flat_map(|p| &p.guardians)
                .filter(|l| l.guardian == link.guardian)
                .peekable();
            freed += usize::from(same.peek().is_some() && same.all(|l| l.may_receive && !l.deny));
        }
    }
    (denied, freed)
}

/// How many guardians were to be told until a day, and how many of them may now be told of the same pupil for
/// ever: a lost column `to` reads as that.
fn made_endless(old: &Roster, new: &Roster) -> (usize, usize) {
    let (mut ending, mut endless) = (0, 0);
    for pupil in pupils(old) {
        let now = new.pupil(&pupil.school, &pupil.id);
        for link in pupil.guardians.iter().filter(|l| l.may_receive && l.receives.to.is_some()) {
            ending += 1;
            let mut same = now.into_iter().flat_map(|p| &p.guardians);
            let lasts = |l: &GuardianLink| l.may_receive && !l.deny && l.receives.to.is_none();
            endless += usize::from(same.any(|l| l.guardian == link.guardian && lasts(l)));
        }
    }
    (ending, endless)
}

fn pupils(roster: &Roster) -> impl Iterator<Item = &Pupil> {
    roster.pupils.values().flat_map(BTreeMap::values)
}

/// Who there is and who can be told, of one school or all.
#[derive(Default, Clone)]
struct Tally<'a> {
    pupils: BTreeSet<(&'a SchoolId, &'a PupilId)>,
    contacts: BTreeSet<(&'a SchoolId, &'a PupilId, &'a GuardianId)>,
    unknown: usize,
}

impl<'a> Tally<'a> {
    fn of(roster: &'a Roster) -> BTreeMap<&'a SchoolId, Self> {
        let mut schools: BTreeMap<&SchoolId, Self> = BTreeMap::new();
        for pupil in pupils(roster) {
            let tally = schools.entry(&pupil.school).or_default();
            tally.pupils.insert((&pupil.school, &pupil.id));
            tally.unknown += usize::from(pupil.protection == Protection::Unknown);
            for link in pupil.guardians.iter().filter(|l| l.may_receive && !l.deny) {
                if roster.guardians.get(&link.guardian).is_some_and(Guardian::is_reachable) {
                    tally.contacts.insert((&pupil.school, &pupil.id, &link.guardian));
                }
            }
        }
        schools
    }

    fn whole(schools: &BTreeMap<&'a SchoolId, Self>) -> Self {
        schools.values().cloned().fold(Self::default(), |mut all, school| {
            all.pupils.extend(school.pupils);
            all.contacts.extend(school.contacts);
            all.unknown += school.unknown;
            all
        })
    }

    fn compare(&self, now: &Self, rules: &BrakeRules, at: &str, causes: &mut Vec<String>) {
        let mut gone = |what: &str, gone: usize, of: usize, limit: f64| {
            if share(gone, of) > limit {
                let (part, most) = (share(gone, of) * 100.0, limit * 100.0);
                causes
                    .push(format!("{gone} of {of} {what} {at} ({part:.0} %, at most {most:.0} %)"));
            }
        };
        let pupils = self.pupils.difference(&now.pupils).count();
        gone("pupils are gone", pupils, self.pupils.len(), rules.max_drop_pupils);
        let contacts = self.contacts.difference(&now.contacts).count();
        let what = "guardians can no longer be told";
        gone(what, contacts, self.contacts.len(), rules.max_drop_contacts);
        let (was, is) =
            (share(self.unknown, self.pupils.len()), share(now.unknown, now.pupils.len()));
        if !self.pupils.is_empty() && is - was > rules.max_drop_pupils {
            let (total, unknown, before) = (now.pupils.len(), now.unknown, self.unknown);
            causes.push(format!(
                "{unknown} of {total} pupils are of unknown protection {at}, {before} of {} before",
                self.pupils.len()
            ));
        }
    }
}

/// A part of a whole, 0 of nothing.
fn share(part: usize, whole: usize) -> f64 {
    let float = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    if whole == 0 { 0.0 } else { float(part) / float(whole) }
}

fn change(old: &Roster, new: &Roster) -> Change {
    let rows = |roster: &Roster| snapshot::to_rows(roster).collect::<BTreeMap<_, _>>();
    let (before, after) = (rows(old), rows(new));
    let added = after.keys().filter(|key| !before.contains_key(*key)).count();
    let removed = before.keys().filter(|key| !after.contains_key(*key)).count();
    let other = |(key, value): &(&String, &Vec<u8>)| before.get(*key).is_some_and(|b| b != *value);
    Change {
        added,
        removed,
        changed: after.iter().filter(other).count(),
        pupils: new.pupil_count(),
        guardians: new.guardians.len(),
    }
}

#[cfg(test)]
#[path = "brake_tests.rs"]
mod tests;
