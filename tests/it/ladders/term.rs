//! Every ladder that ships over a made-up term of 300 pupils: all that comes of it stands in `NAME.term.txt`, and nothing
//! else comes; and it is what a slow recount of the marks says.
//!
//! After a ladder was changed on purpose, `UPPROP_WRITE_TABLES=1 cargo nextest run --test it` writes the tables anew, to
//! be read before they are kept.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::{Date, date};
use upprop::ladder::read::read;
use upprop::ladder::{Became, Course, Happened, Ladder, Who, shipped};
use upprop::model::{PupilId, SchoolId};

use super::oracle::{self, Reached};
use super::table::table;
use super::world::{FIRST, LAST, Marks, Pupil, calendar, days, lessons, pupils};

/// How the gateway is asked: when something is heard, and when it has asked to be; or every evening besides.
#[derive(Clone, Copy, PartialEq)]
enum Asked {
    WhenDue,
    EveryEvening,
}

/// What happened, and each step reached at last with its day.
struct Lived {
    happened: Vec<Happened>,
    standing: Vec<(Date, String)>,
}

fn live(ladder: &Ladder, pupil: &Pupil, asked: Asked) -> Lived {
    let calendar = calendar();
    let (school, id) =
        (SchoolId::new("skolan").expect("an id"), PupilId::new(&*pupil.name).expect("an id"));
    let who = Who {
        school: &school,
        form: "grundskola",
        calendar: Some(&calendar),
        pupil: &id,
        year: Some(8),
        birth_date: Some(date(2012, 5, 1)),
    };
    let mut course = Course::new(ladder, who, FIRST);
    let mut known: BTreeMap<Date, Marks> = BTreeMap::new();
    for day in days(FIRST, LAST) {
        if let Some(marks) = pupil.marks.get(&day) {
            for (at, mark) in marks.iter().enumerate() {
                course.know(day, lessons(marks, at + 1));
                if *mark != 'P' {
                    course.ask(day, false);
                }
            }
            known.insert(day, *marks);
        }
        for explained in pupil.explained.get(&day).into_iter().flatten() {
            let marks = known.get_mut(explained).expect("a day before");
            *marks = marks.map(|mark| if mark == 'U' { 'E' } else { mark });
            let marks = *marks;
            course.know(*explained, lessons(&marks, marks.len()));
            course.ask(day, false);
        }
        if asked == Asked::EveryEvening || course.is_due(day) {
            course.ask(day, true);
        }
    }
    let mut standing: Vec<(Date, String)> = Vec::new();
    for firing in course.fired().iter().filter(|firing| firing.stands()) {
        standing.push((firing.day, firing.step.clone()));
    }
    standing.sort();
    Lived { happened: course.happened, standing }
}

/// The marks as they are at last.
fn at_last(pupil: &Pupil) -> BTreeMap<Date, Marks> {
    let explained: Vec<Date> =
        pupil.explained.range(..=LAST).flat_map(|(_, days)| days.clone()).collect();
    let put_right = |(day, marks): (&Date, &Marks)| {
        let excused = explained.contains(day);
        (*day, marks.map(|mark| if mark == 'U' && excused { 'E' } else { mark }))
    };
    pupil.marks.iter().map(put_right).collect()
}

/// Lives through the term, and holds what came to the recount and to the table.
fn tried(name: &str, recount: fn(&BTreeMap<Date, Marks>) -> Reached) {
    let text = shipped(name).expect("it ships").text;
    let ladder = read(text).unwrap_or_else(|faults| panic!("{faults:#?}")).ladder;
    let mut all = Vec::new();
    let mut wrong = Vec::new();
    let mut with_corrections = 0;
    for (at, pupil) in pupils().iter().enumerate() {
        let lived = live(&ladder, pupil, Asked::WhenDue);
        let mut expected: Vec<(Date, String)> = recount(&at_last(pupil))
            .into_iter()
            .map(|(day, step)| (day, step.to_owned()))
            .collect();
        expected.sort();
        if pupil.explained.is_empty() {
            if lived.standing != expected {
                wrong.push(format!("{}: {:?}, recounted {expected:?}", pupil.name, lived.standing));
            }
        } else {
            // A step that people were told of keeps the day on which they were, when other absence carries it.
            with_corrections += 1;
            let steps = |of: &[(Date, String)]| {
                let mut steps: Vec<String> = of.iter().map(|(_, step)| step.clone()).collect();
                steps.sort();
                steps
            };
            let (own, other) = (steps(&lived.standing), steps(&expected));
            if own != other {
                wrong.push(format!("{}, put right: {own:?}, recounted {other:?}", pupil.name));
            }
        }
        // Whoever asks more often hears no more.
        if at % 10 == 0 {
            let often = live(&ladder, pupil, Asked::EveryEvening);
            if often.standing != lived.standing {
                wrong.push(format!("{}: asked every evening {:?}", pupil.name, often.standing));
            }
        }
        all.push((pupil.name.clone(), lived.happened));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(with_corrections > 20, "{with_corrections} pupils with corrections");
    for step in &ladder.steps {
        let reached = |one: &Happened| one.step == step.id && one.became == Became::Reached;
        let count = all.iter().flat_map(|(_, all)| all).filter(|one| reached(one)).count();
        assert!(count >= 2, "step {} is reached {count} times: the term shows too little", step.id);
    }
    hold(name, &table(&ladder, &all));
}

/// Holds a table to the one that is kept.
fn hold(name: &str, table: &str) {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/ladders/{name}.term.txt"));
    if std::env::var_os("UPPROP_WRITE_TABLES").is_some() {
        std::fs::write(&file, table).expect("written");
        return;
    }
    let kept = std::fs::read_to_string(&file).expect("a table");
    for (at, (got, kept)) in table.lines().zip(kept.lines()).enumerate() {
        assert_eq!(got, kept, "{}:{}", file.display(), at + 1);
    }
    assert_eq!(table.lines().count(), kept.lines().count(), "{}", file.display());
}

#[test]
fn the_plan_over_a_term() {
    tried("plan", oracle::plan);
}

#[test]
fn eskilstuna_over_a_term() {
    tried("eskilstuna", oracle::eskilstuna);
}

#[test]
fn danderyd_over_a_term() {
    tried("danderyd", oracle::danderyd);
}

#[test]
fn bollnas_over_a_term() {
    tried("bollnas", oracle::bollnas);
}

#[test]
fn falkenberg_over_a_term() {
    tried("falkenberg", oracle::falkenberg);
}
