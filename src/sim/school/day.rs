//! The day that unfolds: who is ill, late or simply not there, which registers are taken when and which
//! are forgotten, and what guardians say when. Planned whole from the seed; then done, one thing at its
//! time.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Shared;
use super::acts::Act;
use super::chance::Chance;
use super::id::Id;
use super::quirks::Quirks;
use super::rows::{Lesson, Minutes};
use super::times::Times;
use super::world::World;

/// How a pupil spends the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    There,
    /// Ill, and the guardian has said so.
    Ill,
    /// On leave.
    Leave,
    /// Not there, and nobody has said anything.
    Missing,
}

/// What will happen, in order.
pub(super) fn plan(
    world: &World,
    quirks: &Quirks,
    times: &Times,
    seed: u64,
) -> Vec<(Timestamp, Act)> {
    let mut chance = Chance::new(seed, "day");
    let mut planned = Planned { acts: Vec::new(), minute: times.minute, quirks };
    let (morning, evening) = (times.at(times.today, 420), times.at(times.today, 1_080));
    let mut fates: BTreeMap<Id, Fate> = BTreeMap::new();
    let lessons = world.lessons.iter().filter(|row| {
        (morning..evening).contains(&row.is.start)
            && !row.is.cancelled
            && world
                .activities
                .get(row.is.activity)
                .is_some_and(|activity| activity.is.has_register())
    });
    for lesson in lessons {
        for pupil in world.pupils_at(&lesson.is) {
            let fate = *fates.entry(pupil).or_insert_with(|| match chance.below(1_000) {
                0..30 => Fate::Ill,
                30..35 => Fate::Leave,
                35..50 => Fate::Missing,
                _ => Fate::There,
            });
            planned.pupil(&mut chance, pupil, (lesson.id, &lesson.is), fate);
        }
        planned.register(&mut chance, lesson.id, &lesson.is);
    }
    for (pupil, fate) in fates {
        if matches!(fate, Fate::Ill | Fate::Leave) {
            let act = Act::Notice {
                pupil: pupil.to_string(),
                start: morning,
                end: evening,
                leave: fate == Fate::Leave,
            };
            planned.acts.push((morning, act));
        }
    }
    planned.acts.sort_by_key(|(at, _)| *at);
    planned.acts
}

struct Planned<'a> {
    acts: Vec<(Timestamp, Act)>,
    minute: SignedDuration,
    quirks: &'a Quirks,
}

impl Planned<'_> {
    fn add(&mut self, from: Timestamp, minutes: i64, act: Act) {
        let after = i32::try_from(minutes).map(|minutes| self.minute.saturating_mul(minutes));
        let at = from.saturating_add(after.unwrap_or_default()).unwrap_or(from);
        self.acts.push((at, act));
    }

    /// Registers: most are taken in the first minutes, a few at the end, a few never.
    fn register(&mut self, chance: &mut Chance, id: Id, is: &Lesson) {
        let lesson = id.to_string();
        let length = i64::from(is.minutes);
        match chance.below(100) {
            0..3 => {
                self.acts.retain(|(_, act)| !marks(act, &lesson));
            }
            3..8 => self.add(is.start, (length - 2).max(1), Act::Report { lesson }),
            _ => {
                self.add(is.start, chance.between(0, 1), Act::Open { lesson: lesson.clone() });
                let last = (length - 1).clamp(5, 8);
                self.add(is.start, chance.between(5, last), Act::Report { lesson });
            }
        }
    }

    fn pupil(&mut self, chance: &mut Chance, pupil: Id, (id, is): (Id, &Lesson), fate: Fate) {
        let (pupil, lesson) = (pupil.to_string(), id.to_string());
        let length = is.minutes;
        let fate = match fate {
            // Now and then somebody leaves out one lesson.
            Fate::There if chance.per_mille(6) => Fate::Missing,
            fate => fate,
        };
        let soon = chance.between(2, 4);
        let mark = |minutes, reason: Option<&str>| Act::Mark {
            pupil: pupil.clone(),
            lesson: lesson.clone(),
            minutes,
            reported: false,
            reason: reason.map(str::to_owned),
        };
        match fate {
            Fate::Ill => self.add(is.start, soon, mark(Minutes::valid(length), Some("Sjuk"))),
            Fate::Leave => self.add(is.start, soon, mark(Minutes::valid(length), Some("Ledig"))),
            Fate::There if chance.per_mille(15) && length > 20 => {
                self.add(is.start, soon, mark(Minutes::invalid(length), None));
                let late = chance.between(5, 20);
                let late_minutes = i32::try_from(late).unwrap_or(5);
                let act = Act::Arrive { pupil, lesson, late: late_minutes };
                self.add(is.start, late, act);
            }
            Fate::There => {}
            Fate::Missing => {
                self.add(is.start, soon, mark(Minutes::invalid(length), None));
                let after = if self.quirks.late_excuse {
                    Some(i64::from(length) + chance.between(5, 40))
                } else {
                    (chance.per_mille(300) && length > 20)
                        .then(|| chance.between(12, i64::from(length) - 5))
                };
                if let Some(after) = after {
                    self.add(is.start, after, Act::Excuse { pupil, lesson, reason: None });
                }
            }
        }
    }
}

/// Whether an act belongs to the register of this lesson.
fn marks(act: &Act, of: &str) -> bool {
    match act {
        Act::Mark { lesson, .. } | Act::Arrive { lesson, .. } | Act::Excuse { lesson, .. } => {
            lesson == of
        }
        _ => false,
    }
}

/// Lets it happen, until it is over or the school stops.
pub(super) async fn unfold(shared: Arc<Shared>, plan: Vec<(Timestamp, Act)>) {
    for (at, act) in plan {
        let wait = at.duration_since(shared.clock.now());
        if wait.is_positive() && !shared.pause(wait).await {
            return;
        }
        if shared.stop.is_cancelled() {
            return;
        }
        // What somebody has changed by hand meanwhile may leave nothing to do: a mark that is gone.
        let _: Result<_, super::ActError> = shared.act(act);
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::sim::school::found::{Days, found};
    use crate::sim::school::population::Population;

    #[test]
    fn a_day_has_everything_and_is_the_same_for_the_same_seed() {
        let today = date(2026, 11, 26);
        let zone = TimeZone::get("Europe/Stockholm").expect("bundled");
        let minute = SignedDuration::from_mins(1);
        let times = Times { zone: zone.clone(), today, begin: None, minute };
        let people = Population::made_up(500, 1, 7, today);
        let mut world = World::new(7, zone, times.at(today, 300));
        found(&mut world, &people, &times, Days { back: 0, ahead: 0, lessons: true }, 7);
        let of = |seed| plan(&world, &Quirks::default(), &times, seed);
        let acts = of(1);
        assert_eq!(acts, of(1));
        assert_ne!(acts, of(2));
        assert!(acts.is_sorted_by_key(|(at, _)| *at));
        let count = |wanted: fn(&Act) -> bool| acts.iter().filter(|(_, act)| wanted(act)).count();
        for (what, count) in [
            ("open", count(|act| matches!(act, Act::Open { .. }))),
            ("report", count(|act| matches!(act, Act::Report { .. }))),
            ("arrive", count(|act| matches!(act, Act::Arrive { .. }))),
            ("excuse", count(|act| matches!(act, Act::Excuse { .. }))),
            ("leave", count(|act| matches!(act, Act::Notice { leave: true, .. }))),
            ("ill", count(|act| matches!(act, Act::Notice { leave: false, .. }))),
        ] {
            assert!(count > 0, "{what}");
        }
        let registers = world.lessons.iter().filter(|row| {
            let activity = world.activities.get(row.is.activity).expect("there");
            activity.is.has_register() && !row.is.cancelled
        });
        let reports = count(|act| matches!(act, Act::Report { .. }));
        assert!(reports < registers.count(), "some are forgotten");
    }
}
