//! The directory as files and as JSON: what is taken is whole and comes back from its rows; what is not
//! is refused without a word about anybody.

use std::collections::BTreeSet;

use upprop::directory::csv::{Files, load_csv};
use upprop::directory::json::load_json;
use upprop::directory::phone::PhoneRules;
use upprop::directory::snapshot::{MAX_ROW, digest, from_rows, to_rows};
use upprop::directory::{LoadError, Loaded, RosterProblem};
use upprop::model::{Phone, SchoolId};

use super::input::{is_one_line, tells_nothing};
use super::webhook::now;

/// The longest problem told.
const WORDS: usize = 1_000;

fn schools() -> BTreeSet<SchoolId> {
    ["bjork", "alm"].into_iter().map(|id| SchoolId::new(id).expect("an id")).collect()
}

/// The check of files: they stand one after the other, each after the first with a line `=====` before
/// it.
pub fn check_csv(data: &[u8]) {
    let files = parts(data, b"=====\n");
    let file = |at: usize| files.get(at).copied();
    let load = || {
        let files = Files {
            pupils: file(0).unwrap_or_default(),
            guardians: file(1).unwrap_or_default(),
            staff: file(2),
        };
        load_csv(files, &schools(), &PhoneRules::default(), now())
    };
    judge(load(), load(), data);
}

/// The check of JSON.
pub fn check_json(data: &[u8]) {
    let load = || load_json(data, &schools(), &PhoneRules::default(), now());
    judge(load(), load(), data);
}

fn judge(one: Result<Loaded, LoadError>, two: Result<Loaded, LoadError>, data: &[u8]) {
    match (one, two) {
        (Ok(one), Ok(two)) => {
            assert_eq!(one.digest, two.digest, "the same bytes, the same people");
            one.warnings.iter().for_each(|problem| is_discreet(problem, data));
            is_whole(&one);
        }
        (Err(one), Err(two)) => {
            assert_eq!(one, two, "the same bytes, the same problems");
            assert!(!one.problems.is_empty(), "a refusal says why");
            one.problems.iter().for_each(|problem| is_discreet(problem, data));
        }
        _ => panic!("taken and refused"),
    }
}

/// The name of a column nobody knows is repeated, cut short; nothing else is.
fn is_discreet(problem: &RosterProblem, data: &[u8]) {
    let words = problem.to_string();
    for (start, end) in [("has the unknown column \"", "\"; "), ("unknown field `", "`, expected ")]
    {
        let Some((before, rest)) = words.split_once(start) else { continue };
        let (shown, after) = rest.rsplit_once(end).expect("it ends");
        assert!(shown.chars().count() <= 30, "{words}");
        is_one_line(shown);
        tells_nothing(before, data, WORDS);
        return tells_nothing(after, data, WORDS);
    }
    tells_nothing(&words, data, WORDS);
}

fn is_whole(loaded: &Loaded) {
    let roster = &loaded.roster;
    let rows: Vec<_> = to_rows(roster).collect();
    assert!(rows.iter().all(|(key, value)| key.len() < 1_000 && value.len() <= MAX_ROW));
    let back = from_rows(rows.into_iter()).expect("its own rows");
    assert_eq!(digest(&back, loaded.had_protection_column), loaded.digest, "from its rows");
    assert!(roster.pupil_count() > 0, "nobody at all is taken for a mistake");
    let known = schools();
    for (school, pupils) in &roster.pupils {
        assert!(known.contains(school));
        for pupil in pupils.values() {
            assert_eq!(&pupil.school, school);
            assert!(pupil.phone.as_ref().is_none_or(is_e164));
            // Every link leads to somebody.
            assert!(pupil.guardians.iter().all(|l| roster.guardians.contains_key(&l.guardian)));
        }
    }
    assert!(roster.guardians.values().all(|g| g.phone.as_ref().is_none_or(is_e164)));
}

fn is_e164(phone: &Phone) -> bool {
    phone.expose().strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

fn parts<'a>(mut data: &'a [u8], between: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    while let Some(at) = data.windows(between.len()).position(|window| window == between) {
        parts.push(&data[..at]);
        data = &data[at + between.len()..];
    }
    parts.push(data);
    parts
}
