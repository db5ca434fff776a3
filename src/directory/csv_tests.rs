//! Tables of files: what is read, and what is said of those that cannot be.

use proptest::prelude::*;

use super::*;
use crate::directory::Protection;

const PUPILS: &str = "\
id;School;Given Name;birth_date;protection
p1;bjork;Alva;2013-05-04;ingen
p2;bjork;Åke;2012-01-02;sekretessmarkering
";
const GUARDIANS: &str = "\
pupil,school,guardian,may-receive,phone,email
p1,bjork,g1,ja,070-174 06 05,
p2,bjork,g1,nej,070-174 06 05,
";

fn load(pupils: &[u8], guardians: &[u8], staff: Option<&[u8]>) -> Result<Loaded, LoadError> {
    let schools = [SchoolId::new("bjork").expect("id")].into();
    let now = "2026-11-23T07:00:00Z".parse().expect("time");
    load_csv(Files { pupils, guardians, staff }, &schools, &PhoneRules::default(), now)
}

fn pupils(text: &str) -> Result<Loaded, LoadError> {
    load(text.as_bytes(), GUARDIANS.as_bytes(), None)
}

#[test]
fn files_of_any_export() {
    let staff = "id,role,email\nm1,mentor,m@example.se\n";
    let plain = load(PUPILS.as_bytes(), GUARDIANS.as_bytes(), Some(staff.as_bytes()));
    let plain = plain.expect("good");
    assert_eq!((plain.roster.pupil_count(), plain.roster.staff.len()), (2, 1));
    let crlf = PUPILS.replace('\n', "\r\n");
    let commas = PUPILS.replace(';', ",");
    let marked = format!("\u{feff}{PUPILS}");
    let excel = format!("{PUPILS};;;;\r\n\r\n");
    for text in [&crlf, &commas, &marked, &excel] {
        let loaded = load(text.as_bytes(), GUARDIANS.as_bytes(), Some(staff.as_bytes()));
        let loaded = loaded.unwrap_or_else(|e| panic!("{text:?}\n{e}"));
        assert_eq!((loaded.warnings, loaded.digest), (vec![], plain.digest.clone()), "{text:?}");
    }
}

#[test]
fn an_empty_staff_file_is_fine_with_a_header() {
    let with = |staff: &str| load(PUPILS.as_bytes(), GUARDIANS.as_bytes(), Some(staff.as_bytes()));
    assert!(with("id,role\n").is_ok());
    assert!(with("").is_err());
}

#[test]
fn files_that_cannot_be_read() {
    let header = PUPILS.lines().next().expect("header");
    for (text, what) in [
        (String::new(), "pupils.csv: is empty; export"),
        ("\u{feff}\r\n".into(), "pupils.csv: is empty; export"),
        (format!("{header}\n"), "pupils.csv: has a header and no rows;"),
        (format!("{PUPILS}p3;bjork;Al"), "pupils.csv line 4: has 3 cells where the header has 5"),
        (format!("{PUPILS}p3;bjork;\"Al"), "pupils.csv line 4: opens a quotation mark that is"),
        (format!("{PUPILS}p3;bjork;\"A\"lva;;"), "pupils.csv line 4: has text after a closing"),
        (format!("{PUPILS}p3;bjork;A;;;;"), "pupils.csv line 4: has 7 cells where the header"),
        ("id;school\np1;bjork\n".into(), "pupils.csv line 1: lacks the column given-name;"),
        (
            PUPILS.replace("birth_date", "birthdate"),
            "pupils.csv line 1: has the unknown column \"birthdate\"; did you mean birth-date?",
        ),
        (
            PUPILS.replace("birth_date", "skostorlek"),
            "pupils.csv line 1: has the unknown column \"skostorlek\"; use only: id, school,",
        ),
        (
            PUPILS.replace("birth_date", "sko\u{202e}storlek, som ingen har frågat efter"),
            "pupils.csv line 1: has the unknown column \"skostorlek,-som-ingen-har-fråg\"; use only:",
        ),
        (PUPILS.replace("birth_date", "ID"), "pupils.csv line 1: has the column id twice; remove"),
    ] {
        let error = pupils(&text).expect_err(what).to_string();
        assert!(error.lines().any(|line| line.starts_with(what)), "{what}\n{error}");
    }
}

#[test]
fn other_encodings_are_named() {
    let latin1: Vec<u8> =
        PUPILS.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
    let utf16: Vec<u8> = PUPILS.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, what) in [
        (latin1, "pupils.csv line 3: is not UTF-8; it seems to be Latin-1"),
        (utf16, "pupils.csv line 1: is in UTF-16"),
    ] {
        let error = load(&bytes, GUARDIANS.as_bytes(), None).expect_err(what);
        // References to pupils prove nothing here and are not told of.
        assert_eq!(error.problems.len(), 1, "{error}");
        assert!(error.to_string().starts_with(what), "{error}");
        assert!(error.to_string().contains("save it as UTF-8"));
    }
}

#[test]
fn a_file_without_header_is_not_repeated() {
    let (_, text) = PUPILS.split_once('\n').expect("a header");
    let error = pupils(text).expect_err("no header").to_string();
    assert!(error.contains("no header line"), "{error}");
    assert!(!error.contains("Alva"), "{error}");
}

#[test]
fn guardians_without_rows_are_not_taken() {
    let header = GUARDIANS.lines().next().expect("header");
    for (text, what) in
        [(header, "guardians.csv: has a header and no rows"), ("", "guardians.csv: is empty")]
    {
        let error = load(PUPILS.as_bytes(), text.as_bytes(), None).expect_err(what).to_string();
        assert!(error.starts_with(what) && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn all_files_are_told_of_together() {
    let error = load(b"id\n1\n", b"", Some(b"id,role\nx,y\n")).expect_err("all wrong").to_string();
    for file in ["pupils.csv", "guardians.csv", "staff.csv"] {
        assert!(error.contains(file), "{file}\n{error}");
    }
}

#[test]
fn a_missing_protection_column_is_kept_in_mind() {
    let text = "id,school,given-name\np1,bjork,Alva\np2,bjork,Åke\n";
    let loaded = pupils(text).expect("good");
    assert!(!loaded.had_protection_column);
    assert_eq!(loaded.warnings.len(), 1);
    assert_eq!(loaded.warnings[0].place, Place::File("pupils.csv"));
}

#[test]
fn names_over_lines_are_one_row() {
    let text = PUPILS.replace("Alva", "\"Al;va\r\n{{x}}\"");
    let loaded = pupils(&text).expect("good");
    let names: Vec<_> = loaded
        .roster
        .pupils
        .values()
        .flat_map(|s| s.values().map(|p| p.given_name.clone()))
        .collect();
    assert_eq!(names, ["Al;va {{x}}", "Åke"]);
    assert_eq!(loaded.warnings.len(), 1);
}

proptest! {
    /// Cut within a row: told; cut between rows: fewer pupils, which the brake sees.
    #[test]
    fn a_cut_file_never_makes_other_people(cut in 0..PUPILS.len()) {
        let guardians = b"pupil,school,guardian,may-receive\np1,bjork,g1,yes\n";
        if let Ok(loaded) = load(&PUPILS.as_bytes()[..cut], guardians, None) {
            let whole = load(PUPILS.as_bytes(), GUARDIANS.as_bytes(), None).expect("good");
            for (id, pupil) in loaded.roster.pupils.values().flatten() {
                let same = whole.roster.pupil(&pupil.school, id).expect("one of the whole file");
                prop_assert_eq!(&same.given_name, &pupil.given_name);
                // The last cell may be cut: then nobody is told.
                let protection = pupil.protection;
                prop_assert!([same.protection, Protection::Unknown].contains(&protection));
            }
        }
    }

    #[test]
    fn no_bytes_are_too_odd(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        at in 0..PUPILS.len(),
    ) {
        let _ = load(&bytes, &bytes, Some(&bytes));
        let mut mixed = PUPILS.as_bytes().to_vec();
        mixed.splice(at..at, bytes);
        let _ = load(&mixed, GUARDIANS.as_bytes(), None);
    }
}
