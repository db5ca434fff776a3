//! `further-lessons`, `end-of-day-at`, `week-line-at`, `most-a-day` and `siblings…` of `[defaults]` and of a school.

use jiff::civil::Time;

use super::clock::clock_time;
use super::layers::Layers;
use super::problem::Severity;
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
        week_line: from
            .get(|r| r.parsed("week-line-at", "a time as \"15:30\"", clock_time))
            .unwrap_or(usual.week_line),
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
        at.note(Severity::Warning, "end-of-day-at", message, remedy);
    }
    if is_quiet(school.fatigue.week_line) {
        let message = format!(
            "school {} tells the week at {}, which is within its `quiet-hours`: it would leave the next morning",
            school.id,
            school.fatigue.week_line.strftime("%H:%M")
        );
        let remedy = "write a `week-line-at` outside `quiet-hours`";
        at.note(Severity::Warning, "week-line-at", message, remedy);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Loader, Secrets, load_text};
    use crate::model::SchoolId;

    fn school(keys: &str) -> Result<School, Vec<String>> {
        let text =
            format!("[schools.bjork]\nname = \"B\"\nphone = \"112\"\nmode = \"shadow\"\n{keys}");
        let base_dir = std::path::PathBuf::from("/");
        let loader = Loader { credentials_dir: None, base_dir, secrets: Secrets::Skipped };
        let report = load_text("t.toml", &text, &loader);
        let id = SchoolId::new("bjork").expect("id");
        let of = |config: Config| config.schools.get(&id).cloned();
        let told = ["end-of-day-at", "week-line-at", "further-lessons"];
        let errors = report.problems.iter().filter(|p| {
            let of_these = told.iter().any(|key| p.key.ends_with(key));
            p.severity == Severity::Error || of_these
        });
        let errors: Vec<String> = errors.map(ToString::to_string).collect();
        if errors.is_empty() {
            Ok(report.config.and_then(of).expect("a school"))
        } else {
            Err(errors)
        }
    }

    #[test]
    fn a_schools_choice_is_read() {
        assert_eq!(school("").expect("good").fatigue, Fatigue::default());
        let chosen = school(
            "further-lessons = \"end-of-day\"\nend-of-day-at = \"16:00\"\nmost-a-day = 3\nweek-line-at = \"14:45\"\n\
             siblings = \"merged\"\nsiblings-gather = \"90s\"\n",
        );
        let expected = Fatigue {
            further: FurtherLessons::EndOfDay,
            end_of_day: Time::constant(16, 0, 0, 0),
            week_line: Time::constant(14, 45, 0, 0),
            most_a_day: Some(3),
            merges_siblings: true,
            siblings_gather: jiff::SignedDuration::from_secs(90),
        };
        assert_eq!(chosen.expect("good").fatigue, expected);
        assert_eq!(school("most-a-day = 0\n").expect("good").fatigue.most_a_day, None);
    }

    #[test]
    fn what_contradicts_itself_is_told() {
        for (keys, says) in [
            ("end-of-day-at = \"21:30\"\n", "within its `quiet-hours`"),
            ("end-of-day-at = \"06:59\"\n", "within its `quiet-hours`"),
            ("quiet-hours = \"15:00-16:00\"\n", "within its `quiet-hours`"),
            ("week-line-at = \"06:00\"\n", "tells the week at 06:00"),
            ("further-lessons = \"team\"\n", "no `team-email`"),
            ("further-lessons = \"never\"\n", "further-lessons"),
        ] {
            let errors = school(keys).expect_err(keys);
            assert!(errors.iter().any(|e| e.contains(says)), "{keys}: {errors:?}");
        }
        for good in [
            "end-of-day-at = \"21:30\"\nquiet-hours = \"off\"\n",
            "end-of-day-at = \"21:30\"\nmost-a-day = 0\n",
            "end-of-day-at = \"07:00\"\n",
        ] {
            assert!(school(good).is_ok(), "{good}");
        }
    }
}
