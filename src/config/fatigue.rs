//! `further-lessons`, `end-of-day-at`, `most-a-day` and `siblings…` of `[defaults]` and of a school.

use jiff::civil::Time;

use super::problem::Severity;
use super::school::{Layers, clock_time};
use crate::directory::{Fatigue, FurtherLessons, School};

/// Reads a school's choice.
pub(super) fn read(from: &Layers<'_, '_>) -> Fatigue {
    let usual = Fatigue::default();
    let further = [
        ("each", FurtherLessons::Each),
        ("short", FurtherLessons::Short),
        ("end-of-day", FurtherLessons::EndOfDay),
        ("team", FurtherLessons::Team),
    ];
    let siblings = [("separate", false), ("merged", true)];
    Fatigue {
        further: from.get(|r| r.choice("further-lessons", &further)).unwrap_or(usual.further),
        end_of_day: from
            .get(|r| r.parsed("end-of-day-at", "a time as \"15:45\"", clock_time))
            .unwrap_or(usual.end_of_day),
        most_a_day: from
            .get(|r| r.integer("most-a-day", 0..=1000))
            .map_or(usual.most_a_day, |most| Some(most).filter(|most| *most > 0)),
        merges_siblings: from
            .get(|r| r.choice("siblings", &siblings))
            .unwrap_or(usual.merges_siblings),
        siblings_gather: from
            .get(|r| r.duration("siblings-gather", "0s", "30m"))
            .unwrap_or(usual.siblings_gather),
    }
}

/// Tells what contradicts itself.
pub(super) fn judge(school: &School, at: &Layers<'_, '_>) {
    let Fatigue { further, end_of_day, most_a_day, .. } = school.fatigue;
    let kept = further == FurtherLessons::EndOfDay || most_a_day.is_some();
    let is_quiet = |time: Time| {
        school.quiet_hours.is_some_and(|quiet| {
            if quiet.from > quiet.to {
                time >= quiet.from || time < quiet.to
            } else {
                (quiet.from..quiet.to).contains(&time)
            }
        })
    };
    if kept && is_quiet(end_of_day) {
        let message = format!(
            "school {} tells what it keeps for the end of the day at {}, which is within its `quiet-hours`: it would \
             leave the next morning",
            school.id,
            end_of_day.strftime("%H:%M")
        );
        let remedy = "write an `end-of-day-at` outside `quiet-hours`";
        at.note(Severity::Error, "end-of-day-at", message, remedy);
    }
    if further == FurtherLessons::Team && school.team_email.is_none() {
        let message = format!(
            "school {} leaves further lessons to its attendance team, and has no `team-email`: nobody may be told of them",
            school.id
        );
        let remedy = "add a `team-email`, or write further-lessons = \"end-of-day\"";
        at.note(Severity::Error, "further-lessons", message, remedy);
    }
}
