//! Steps reached, taken back and reached again: tables over made-up terms, and properties over any of them.

use std::fmt::Write as _;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::ladder::testing::{calendar, history};
use crate::ladder::{Absent, After, Attended, Count, Filter, Latch, Once, Run, Share, Text, Unit};
use crate::model::Retracted;

fn step(id: &str, when: Condition, once: Once) -> Step {
    Step {
        id: id.into(),
        title: Text::default(),
        filter: Filter::default(),
        when,
        latch: Latch { once, cool_down: 0 },
        notify: Vec::new(),
        duties: Vec::new(),
    }
}

fn ladder(steps: Vec<Step>) -> Ladder {
    let (name, title, source) = ("plan".into(), Text::default(), String::new());
    Ladder { name, title, from: date(2026, 8, 1), source, steps }
}

fn count(of: Absent, unit: Unit, at_least: u16, within: Span) -> Condition {
    Condition::Count(Count { of, unit, at_least, within })
}

const UNTIL_FALSE: Once = Once::UntilFalseFor(1);

/// What the store keeps: firings, as they are made and taken back.
#[derive(Default)]
struct Kept {
    fired: Vec<Firing>,
    open: BTreeSet<NotificationId>,
    log: Vec<String>,
    since: Option<Date>,
}

impl Kept {
    fn ask(&mut self, ladder: &Ladder, until: Option<Date>, history: &History) -> Advance {
        let calendar = calendar();
        let (school, pupil) = (SchoolId::new("bjork").unwrap(), PupilId::new("p1").unwrap());
        let who = Who {
            school: &school,
            form: "",
            calendar: Some(&calendar),
            pupil: &pupil,
            year: Some(7),
            birth_date: Some(date(2013, 9, 15)),
        };
        let now = Timestamp::UNIX_EPOCH;
        let s = Situation {
            ladder,
            since: self.since,
            until,
            who,
            history,
            fired: &self.fired,
            open: &self.open,
            now,
        };
        let found = advance(&s);
        for (id, reason) in &found.retract {
            let one = self.fired.iter_mut().find(|one| one.id == *id).expect("known");
            one.retracted = Some(Retracted { at: now, reason: *reason });
            self.log.push(format!("{} back {}", history.today, one.step));
        }
        for (id, because) in &found.changed {
            let one = self.fired.iter_mut().find(|one| one.id == *id).expect("known");
            one.because.clone_from(because);
        }
        for one in &found.fire {
            let on =
                if one.day == history.today { String::new() } else { format!(" of {}", one.day) };
            self.log.push(format!("{} {}{on}", history.today, one.step));
        }
        self.fired.extend(found.fire.iter().cloned());
        found
    }

    /// Asks at the end of every day of a text.
    fn days(mut self, ladder: &Ladder, text: &str) -> Self {
        let whole = history(text);
        for day in whole.days.keys().copied().collect::<Vec<_>>() {
            self.ask(ladder, None, &upto(&whole, day));
        }
        self
    }

    fn log(&self) -> Vec<&str> {
        self.log.iter().map(|line| line.strip_prefix("2026-").unwrap_or(line)).collect()
    }
}

fn upto(whole: &History, day: Date) -> History {
    let days = whole.days.range(..=day).map(|(day, seen)| (*day, seen.clone())).collect();
    History { days, today: day, ..whole.clone() }
}

/// So many school days from one on, all with the same five lessons.
fn spell(from: &str, count: usize, lessons: &str) -> String {
    let calendar = calendar();
    let mut day: Date = from.parse().unwrap();
    let (mut text, mut done) = (String::new(), 0);
    while done < count {
        if SchoolDays(Some(&calendar)).has(day) {
            let _ = writeln!(text, "{day} {lessons}");
            done += 1;
        }
        day = day.tomorrow().unwrap();
    }
    text
}

#[test]
fn the_third_excused_occasion_of_a_term() {
    let third = count(Absent::Excused, Unit::Occasion, 3, Span::Term);
    let plan = ladder(vec![step("third", third, Once::Term)]);
    let two =
        "2026-09-01 E P P P P\n2026-09-02 P P P P P\n2026-09-08 E E E E E\n2026-09-09 P P P P P\n";
    assert!(Kept::default().days(&plan, two).log().is_empty());
    let three = format!("{two}2026-09-15 P P P P E\n2026-09-16 P P P P P\n2026-10-01 E P P P P\n");
    assert_eq!(Kept::default().days(&plan, &three).log(), ["09-15 third"], "once a term");
    let spring = "2027-01-11 E P P P P\n2027-01-12 E P E P E\n";
    let kept = Kept::default().days(&plan, &format!("{three}{spring}"));
    assert_eq!(kept.log(), ["09-15 third", "2027-01-12 third"], "and again in the next");
}

#[test]
fn what_was_put_right_takes_a_step_back_and_the_same_absence_brings_it_again() {
    let third = count(Absent::Excused, Unit::Occasion, 3, Span::Term);
    let plan = ladder(vec![step("third", third, Once::Term)]);
    let lines =
        |first: &str| history(&format!("{first}\n2026-09-08 E P E P P\n2026-09-15 P P P P P"));
    let (was, is) = (lines("2026-09-01 E P P P P"), lines("2026-09-01 P P P P P"));
    let mut kept = Kept::default();
    for history in [&was, &is, &is, &was, &was] {
        kept.ask(&plan, None, history);
    }
    let day = "09-15 third of 2026-09-08";
    assert_eq!(kept.log(), [day, "09-15 back third", day]);
    assert_eq!(kept.fired.iter().map(|one| one.revision).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(kept.fired[0].because, [date(2026, 9, 1), date(2026, 9, 8)]);
    let other = history(
        "2026-09-01 P P P P P\n2026-09-08 E P E P P\n2026-09-14 E P P P P\n2026-09-15 P P P P P",
    );
    kept.ask(&plan, None, &other);
    assert_eq!(kept.log().len(), 3, "reached on a later day now, and once a term all the same");
}

#[test]
fn each_unexcused_occasion() {
    let every = Condition::Every { of: Absent::Unexcused, unit: Unit::Occasion };
    let plan = ladder(vec![step("each", every, UNTIL_FALSE)]);
    let text =
        "2026-09-01 U P U P P\n2026-09-02 P P P P U\n2026-09-03 U U P P P\n2026-09-04 U P P P P";
    let mut kept = Kept::default().days(&plan, text);
    let each = ["09-01 each", "09-01 each", "09-02 each", "09-04 each"];
    assert_eq!(kept.log(), each);
    // Its first lesson was a mistake: the occasion is the same, and began later.
    let mended =
        "2026-09-01 U P U P P\n2026-09-02 P P P P P\n2026-09-03 U U P P P\n2026-09-04 U P P P P";
    kept.ask(&plan, None, &history(mended));
    assert_eq!(kept.log(), each);
}

#[test]
fn more_than_a_week_over_a_break() {
    let long = Condition::Continuous(Run { of: Absent::Any, at_least: 6 });
    let plan = ladder(vec![step("long", long, UNTIL_FALSE)]);
    let before = spell("2026-10-19", 2, "P P P P P");
    let away = spell("2026-10-21", 6, "E E E E E");
    let said = |text: &str| Kept::default().days(&plan, text).log.clone();
    assert_eq!(said(&format!("{before}{away}")), ["2026-11-04 long"], "a week of break between");
    assert!(said(&format!("{before}{}", spell("2026-10-21", 5, "E E E E E"))).is_empty());
    let came = format!("{before}{}2026-10-28 P E E E E\n", spell("2026-10-21", 3, "E E E E E"));
    let came = format!("{came}{}", spell("2026-11-02", 4, "E E E E E"));
    assert!(said(&came).is_empty(), "one hour at school breaks it");
    let unknown = away.replace("2026-11-02 E E E E E", "2026-11-02 - - - - -");
    let unknown = format!("{before}{unknown}2026-11-05 E E E E U\n");
    assert_eq!(
        said(&unknown),
        ["2026-11-05 long"],
        "a day without registers neither breaks nor counts"
    );
}

#[test]
fn a_day_that_goes_on_is_no_whole_day() {
    let long = Condition::Continuous(Run { of: Absent::Any, at_least: 2 });
    let plan = ladder(vec![step("long", long, UNTIL_FALSE)]);
    let mut today = history(&spell("2026-09-01", 2, "E E E E E"));
    today.today_is_over = false;
    let mut kept = Kept::default();
    let asked = kept.ask(&plan, None, &today);
    assert!(kept.log().is_empty() && asked.look_tonight);
    today.today_is_over = true;
    assert!(!kept.ask(&plan, None, &today).look_tonight);
    assert_eq!(kept.log(), ["09-02 long"]);
}

fn share(at_least: u16, within: Span) -> Condition {
    Condition::Share(Share {
        of: Absent::Any,
        at_least,
        more_than: true,
        within,
        least_minutes: 600,
        least_taken: 800,
        by_schedule: true,
    })
}

#[test]
fn a_share_says_nothing_of_few_hours_or_few_registers() {
    let plan = ladder(vec![step("share", share(200, Span::Days(28)), Once::UntilFalseFor(5))]);
    let log = |text: &str| Kept::default().days(&plan, text).log.clone();
    let fifth = spell("2026-09-01", 10, "E P P P P");
    assert!(log(&fifth).is_empty(), "exactly a fifth is not more than a fifth");
    assert_eq!(log(&format!("{fifth}2026-09-15 E E P P P")), ["2026-09-15 share"]);
    assert_eq!(log(&spell("2026-09-01", 2, "E E P P P")), ["2026-09-02 share"]);
    assert!(log(&spell("2026-09-01", 1, "E E P P P")).is_empty(), "five hours are few");
    assert!(log(&spell("2026-09-01", 9, "E E - - -")).is_empty(), "too few registers");
    let mut kept = Kept::default();
    let asked = kept.ask(&plan, None, &history("2026-09-01 E E P P P"));
    assert_eq!(asked.look_again, Some(date(2026, 9, 2)), "it may speak with more hours");
}

#[test]
fn a_step_follows_on_another() {
    let long = Condition::Continuous(Run { of: Absent::Any, at_least: 3 });
    let still = Still::Holds(share(150, Span::Since("long".into())));
    let after = |wait, until, still| {
        Condition::After(Box::new(After { step: "long".into(), wait, until, still }))
    };
    let plan = ladder(vec![
        step("long", long, UNTIL_FALSE),
        step("still", after(14, None, still), UNTIL_FALSE),
        step("undone", after(5, Some(20), Still::Open), UNTIL_FALSE),
    ]);
    let text =
        format!("{}{}", spell("2026-09-01", 3, "E E E E E"), spell("2026-09-04", 12, "P P P P E"));
    let mut kept = Kept::default();
    let whole = history(&text);
    let mut looks = Vec::new();
    for day in whole.days.keys().copied().collect::<Vec<_>>() {
        looks.push(kept.ask(&plan, None, &upto(&whole, day)).look_again);
        let open = kept.fired.iter().filter(|one| one.step == "long").map(|one| one.id.clone());
        kept.open = open.collect();
    }
    assert_eq!(kept.log(), ["09-03 long", "09-08 undone", "09-17 still"]);
    assert_eq!(looks[2], Some(date(2026, 9, 8)), "the day on which it is asked first");
    // The first is put right: so are those after it.
    let mended = history(&text.replace("2026-09-02 E E E E E", "2026-09-02 P E E E E"));
    kept.ask(&plan, None, &mended);
    let back = ["09-21 back long", "09-21 back still", "09-21 back undone"];
    assert_eq!(kept.log()[3..], back);
}

#[test]
fn what_was_so_before_a_ladder_came_is_not_fired_by_it() {
    let third = |at_least| count(Absent::Any, Unit::Day, at_least, Span::Term);
    let mut plan = ladder(vec![step("third", third(3), Once::Term)]);
    plan.from = date(2026, 9, 7);
    let text = spell("2026-09-01", 3, "E P P P P");
    let log = |plan: &Ladder, text: &str| Kept::default().days(plan, text).log.clone();
    let on = format!("{text}{}", spell("2026-09-07", 3, "E P P P P"));
    assert!(log(&plan, &on).is_empty(), "it was so on the third");
    plan.steps = vec![step("third", third(5), Once::Term)];
    assert_eq!(log(&plan, &on), ["2026-09-08 third"], "days before it count");
    let late = Kept { since: Some(date(2026, 9, 9)), ..Kept::default() };
    assert!(late.days(&plan, &on).log().is_empty(), "the school began later");
}

#[test]
fn a_later_version_neither_repeats_nor_takes_back() {
    let third = |at_least| count(Absent::Any, Unit::Day, at_least, Span::Term);
    let first = ladder(vec![step("third", third(2), Once::Term)]);
    let second = Ladder {
        from: date(2026, 9, 7),
        steps: vec![step("third", third(4), Once::Term)],
        ..first.clone()
    };
    let whole = history(&spell("2026-09-03", 6, "E P P P P"));
    let mut kept = Kept::default();
    for day in whole.days.keys().copied().collect::<Vec<_>>() {
        let upto = upto(&whole, day);
        kept.ask(&first, Some(second.from), &upto);
        if day >= second.from {
            kept.ask(&second, None, &upto);
        }
    }
    assert_eq!(kept.log(), ["09-04 third"]);
    // The first version still looks after what it fired.
    let mended = history(&spell("2026-09-03", 1, "E P P P P"));
    let mended = History { today: date(2026, 9, 10), ..mended };
    kept.ask(&second, None, &mended);
    kept.ask(&first, Some(second.from), &mended);
    assert_eq!(kept.log(), ["09-04 third", "09-10 back third"]);
}

#[test]
fn what_is_kept_no_longer_takes_nothing_back() {
    let third = count(Absent::Any, Unit::Day, 2, Span::SchoolYear);
    let plan = ladder(vec![step("third", third, Once::SchoolYear)]);
    let mut kept = Kept::default().days(&plan, &spell("2026-09-01", 2, "E P P P P"));
    let late = History { since: date(2026, 9, 2), ..history("2026-11-09 P P P P P") };
    kept.ask(&plan, None, &late);
    assert_eq!(kept.log(), ["09-02 third"]);
}

#[test]
fn filters_ask_for_the_year_and_the_age_on_the_day() {
    let once = || count(Absent::Any, Unit::Day, 1, Span::Day);
    let with = |filter| Step { filter, ..step("one", once(), UNTIL_FALSE) };
    let text = "2026-09-14 E P P P P\n2026-09-15 P P P P P\n2026-09-16 E P P P P";
    for (what, filter, log) in [
        (
            "year",
            Filter { years: Some((7, 9)), ..Filter::default() },
            vec!["09-14 one", "09-16 one"],
        ),
        ("another year", Filter { years: Some((0, 6)), ..Filter::default() }, vec![]),
        (
            "a form that is not known",
            Filter { forms: vec!["x".into()], ..Filter::default() },
            vec![],
        ),
        (
            "13 from the 15th on",
            Filter { ages: Some((13, 15)), ..Filter::default() },
            vec!["09-16 one"],
        ),
        ("12 before", Filter { ages: Some((7, 12)), ..Filter::default() }, vec!["09-14 one"]),
    ] {
        let plan = ladder(vec![with(filter)]);
        assert_eq!(Kept::default().days(&plan, text).log(), log, "{what}");
    }
}

fn is_nothing(found: &Advance) -> bool {
    found.fire.is_empty() && found.retract.is_empty() && found.changed.is_empty()
}

fn any_ladder() -> Ladder {
    let after = Condition::After(Box::new(After {
        step: "third".into(),
        wait: 3,
        until: None,
        still: Still::Holds(count(Absent::Any, Unit::Day, 2, Span::Since("third".into()))),
    }));
    let long = Condition::Continuous(Run { of: Absent::Any, at_least: 3 });
    ladder(vec![
        step("each", Condition::Every { of: Absent::Unexcused, unit: Unit::Occasion }, UNTIL_FALSE),
        step("third", count(Absent::Excused, Unit::Occasion, 3, Span::Term), Once::Term),
        step("long", Condition::AnyOf(vec![long, share(300, Span::Days(14))]), UNTIL_FALSE),
        step("after", after, UNTIL_FALSE),
    ])
}

fn text_of(days: &[[u8; 5]]) -> String {
    let mut text = String::new();
    for (line, day) in spell("2026-09-01", days.len(), "").lines().zip(days) {
        text.push_str(line.trim());
        for lesson in day {
            text.push_str(["", " P", " P", " P", " E", " U", " -", " L"][usize::from(*lesson)]);
        }
        text.push('\n');
    }
    text
}

proptest! {
    /// However a term came to be what it is, every step stands as it would had it been known at once, and nothing is
    /// left to be done.
    #[test]
    fn corrections_end_where_the_truth_is(
        days in prop::collection::vec(prop::array::uniform5(1u8..8), 1..25),
        wrong in prop::collection::vec((0usize..25, 0usize..5, 1u8..8), 0..12),
    ) {
        let plan = any_ladder();
        let whole = history(&text_of(&days));
        let mut was = days.clone();
        for (day, lesson, mark) in &wrong {
            if let Some(day) = was.get_mut(*day) {
                day[*lesson] = *mark;
            }
        }
        let mistaken = history(&text_of(&was));
        let mut kept = Kept::default();
        for day in mistaken.days.keys().copied().collect::<Vec<_>>() {
            kept.ask(&plan, None, &upto(&mistaken, day));
        }
        kept.ask(&plan, None, &whole);
        let again = kept.ask(&plan, None, &whole);
        prop_assert!(is_nothing(&again), "{again:?}");
        let mut known = Kept::default();
        known.ask(&plan, None, &whole);
        let standing = |kept: &Kept, step: &str| {
            kept.fired.iter().filter(|one| one.stands() && one.step == step).count()
        };
        for step in ["each", "third"] {
            prop_assert_eq!(standing(&kept, step), standing(&known, step), "{}", step);
        }
    }

    /// Asked once more with the same days, nothing follows; and no two firings have one id.
    #[test]
    fn asked_again_it_says_nothing(days in prop::collection::vec(prop::array::uniform5(1u8..8), 1..25)) {
        let plan = any_ladder();
        let whole = history(&text_of(&days));
        let mut kept = Kept::default();
        for day in whole.days.keys().copied().collect::<Vec<_>>() {
            kept.ask(&plan, None, &upto(&whole, day));
            let again = kept.ask(&plan, None, &upto(&whole, day));
            prop_assert!(is_nothing(&again), "{again:?}");
        }
        let ids: BTreeSet<_> = kept.fired.iter().map(|one| &one.id).collect();
        prop_assert_eq!(ids.len(), kept.fired.len());
    }

    /// What comes later does not undo what was reached: only what is put right does.
    #[test]
    fn nothing_is_taken_back_where_nothing_is_put_right(days in prop::collection::vec(prop::array::uniform5(1u8..8), 1..25)) {
        let kept = Kept::default().days(&any_ladder(), &text_of(&days));
        prop_assert!(kept.fired.iter().all(Firing::stands), "{:?}", kept.log());
    }
}

#[test]
fn untaken_lessons_are_what_they_say() {
    assert_eq!(history("2026-09-01 - P").of(date(2026, 9, 1))[0].attended, Attended::Untaken);
}

fn share_or_once() -> Ladder {
    let once = count(Absent::Unexcused, Unit::Occasion, 1, Span::Day);
    let any = Condition::AnyOf(vec![once, share(200, Span::Days(10))]);
    ladder(vec![step("either", any, UNTIL_FALSE)])
}

#[test]
fn without_the_schedule_a_first_step_is_reached_and_none_is_judged_by_it() {
    let plan = share_or_once();
    let blind = |text: &str| History { unmarked: Unmarked::NotRead, ..history(text) };
    let mut kept = Kept::default();
    let asked = kept.ask(&plan, None, &blind("2026-09-01 P P P P P\n2026-09-02 U P P P P"));
    assert_eq!(kept.log(), ["09-02 either"], "at once, since nothing was reached before");
    assert!(asked.unasked);
    // Another occasion may be the same step still: whether it is, the schedule tells.
    let more = "2026-09-02 U P P P P\n2026-09-03 P P P P P\n2026-09-04 U P P P P";
    assert!(kept.ask(&plan, None, &blind(more)).fire.is_empty());
    assert!(!kept.ask(&plan, None, &history(more)).unasked);
    assert_eq!(kept.log(), ["09-02 either", "09-04 either"]);
    // Nor is anything taken back.
    let mended = "2026-09-02 P P P P P\n2026-09-03 P P P P P\n2026-09-04 P P P P P";
    assert!(kept.ask(&plan, None, &blind(mended)).retract.is_empty());
    assert_eq!(kept.ask(&plan, None, &history(mended)).retract.len(), 2);
}

#[test]
fn where_plans_are_kept_no_longer_nothing_is_judged_by_them() {
    let plan = ladder(vec![step("share", share(200, Span::Days(10)), UNTIL_FALSE)]);
    let reached = spell("2026-09-01", 4, "E E P P P");
    let mut kept = Kept::default().days(&plan, &reached);
    assert_eq!(kept.log(), ["09-02 share"]);
    // Of the days before the 20th only what was marked is known.
    let old = "2026-09-01 E\n2026-09-02 P\n2026-09-03 E\n";
    let after = |first: Date, text: &str| History {
        unmarked: Unmarked::From(first),
        ..history(&format!("{old}{text}"))
    };
    let unheard = after(date(2026, 9, 20), &spell("2026-09-21", 3, "P P P P P"));
    assert!(kept.ask(&plan, None, &unheard).retract.is_empty(), "nobody can say");
    let known = after(date(2026, 7, 1), &spell("2026-09-21", 3, "P P P P P"));
    assert_eq!(kept.ask(&plan, None, &known).retract.len(), 1, "all of it is known");
    let early = after(date(2026, 9, 20), &spell("2026-09-21", 3, "E E P P P"));
    assert!(kept.ask(&plan, None, &early).fire.is_empty(), "ten days are not known yet");
    let later = after(date(2026, 9, 20), &spell("2026-09-21", 8, "P P P P P"));
    let mut later = History { today: date(2026, 10, 2), ..later };
    later.days.extend(history(&spell("2026-10-01", 2, "E E E E E")).days);
    assert_eq!(kept.ask(&plan, None, &later).fire.len(), 1, "they are");
}
