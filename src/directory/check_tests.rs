//! Tables of rows: what is fatal, what is odd, and what comes of it.

use std::collections::BTreeSet;

use super::*;
use crate::directory::Protection;
use crate::directory::phone::PhoneRules;

fn pupil_row(id: &str) -> PupilRow {
    PupilRow {
        id: id.into(),
        school: "bjork".into(),
        given_name: "Alva".into(),
        birth_date: Some("2013-05-04".into()),
        protection: Some("none".into()),
        ..PupilRow::default()
    }
}

fn guardian_row(pupil: &str, guardian: &str) -> GuardianRow {
    GuardianRow {
        pupil: pupil.into(),
        school: "bjork".into(),
        guardian: guardian.into(),
        phone: Some("070-174 06 05".into()),
        may_receive: "ja".into(),
        ..GuardianRow::default()
    }
}

fn staff_row(id: &str) -> StaffRow {
    StaffRow { id: id.into(), role: "mentor".into(), ..StaffRow::default() }
}

fn run(
    pupils: Vec<PupilRow>,
    guardians: Vec<GuardianRow>,
    staff: Vec<StaffRow>,
) -> Result<Loaded, LoadError> {
    fn placed<T>(list: &'static str, rows: Vec<T>) -> Vec<(Place, T)> {
        rows.into_iter().enumerate().map(|(at, row)| (Place::Line(list, at + 2), row)).collect()
    }
    let schools: BTreeSet<SchoolId> = ["bjork", "al"].map(|s| SchoolId::new(s).expect("id")).into();
    let context = Context {
        schools: &schools,
        phone: &PhoneRules::default(),
        now: "2026-11-23T07:00:00Z".parse().expect("time"),
    };
    let rows = Rows {
        had_protection_column: pupils.iter().any(|p| p.protection.is_some()),
        pupils: placed("pupils", pupils),
        guardians: placed("guardians", guardians),
        staff: placed("staff", staff),
        pupils_incomplete: false,
    };
    check(rows, context, Vec::new())
}

fn id(text: &str) -> PupilId {
    PupilId::new(text).expect("id")
}

fn only(loaded: &Loaded) -> &Pupil {
    loaded.roster.pupils.values().flat_map(BTreeMap::values).next().expect("a pupil")
}

#[test]
fn days_of_guardians() {
    let row = |guardian: &str, from: &str, to: &str| GuardianRow {
        from: Some(from.into()),
        to: Some(to.into()),
        ..guardian_row("p1", guardian)
    };
    let denied = |guardian: &str, deny: &str, from: &str, to: &str| GuardianRow {
        deny: Some(deny.into()),
        deny_from: Some(from.into()),
        deny_to: Some(to.into()),
        ..guardian_row("p1", guardian)
    };
    let guardians = vec![
        row("a", "2026-11-23", " 20261231 "),
        row("b", "", ""),
        row("c", "i höst", ""),
        row("d", "", "2026-02-30"),
        row("e", "2026-12-01", "2026-11-30"),
        denied("f", "ja", "", "2026-11-23"),
        denied("g", "ja", "", "snart"),
        denied("h", "", "2026-11-23", ""),
        denied("i", "nej", "", "2026-11-23"),
    ];
    let loaded = run(vec![pupil_row("p1")], guardians, Vec::new()).expect("good");
    let told = |day: &str| -> Vec<&str> {
        let day = day.parse().expect("a day");
        let links = &only(&loaded).guardians;
        links.iter().filter(|l| l.is_open(day)).map(|l| l.guardian.as_str()).collect()
    };
    assert_eq!(told("2026-11-22"), ["b"]);
    assert_eq!(told("2026-11-23"), ["a", "b"]);
    assert_eq!(told("2026-12-31"), ["a", "b", "f"]);
    assert_eq!(told("2027-01-01"), ["b", "f"]);
    let closed =
        |id: &str| only(&loaded).guardians.iter().any(|l| l.guardian.as_str() == id && l.deny);
    assert!(["f", "g", "h", "i"].into_iter().all(closed) && !closed("c"));
    let never = "so this guardian is not told about this pupil";
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    let day = "write the day as 2026-11-23, or leave it empty";
    let both = "write yes, or leave out deny-from and deny-to";
    assert_eq!(
        warnings,
        [
            format!("guardians line 4, column from: is not a date, {never}; {day}"),
            format!("guardians line 5, column to: is not a day of the calendar, {never}; {day}"),
            format!(
                "guardians line 6, column to: is before the first day, {never}; correct one of the two"
            ),
            format!("guardians line 8, column deny-to: is not a date, {never}; {day}"),
            format!(
                "guardians line 9, column deny: has days of a denial and no denial, {never}; {both}"
            ),
            format!(
                "guardians line 10, column deny: has days of a denial and no denial, {never}; {both}"
            ),
        ]
    );
}

#[test]
fn a_good_load() {
    let pupils = vec![
        PupilRow { mentor: Some("m1".into()), ..pupil_row("p1") },
        PupilRow { school: "al".into(), ..pupil_row("p1") },
    ];
    let guardians = vec![
        guardian_row("p1", "g2"),
        guardian_row("p1", "g1"),
        GuardianRow { school: "al".into(), deny: Some("yes".into()), ..guardian_row("p1", "g1") },
    ];
    let loaded = run(pupils, guardians, vec![staff_row("m1")]).expect("good");
    assert_eq!(loaded.warnings, []);
    assert!(loaded.had_protection_column);
    assert_eq!((loaded.roster.pupil_count(), loaded.roster.guardians.len()), (2, 2));
    let links = |school: &str| {
        let school = SchoolId::new(school).expect("id");
        let pupil = loaded.roster.pupil(&school, &id("p1")).expect("pupil");
        pupil.guardians.iter().map(|l| (l.guardian.to_string(), l.deny)).collect::<Vec<_>>()
    };
    assert_eq!(links("bjork"), [("g2".to_owned(), false), ("g1".to_owned(), false)]);
    assert_eq!(links("al"), [("g1".to_owned(), true)]);
    assert!(loaded.roster.loaded_at.is_some());
    assert_eq!(loaded.digest.len(), 64);
}

#[test]
fn bad_contacts_are_left_out() {
    let row = |phone: &str, email: &str, language: &str| GuardianRow {
        phone: Some(phone.into()),
        email: Some(email.into()),
        language: Some(language.into()),
        ..guardian_row("p", "g")
    };
    for (row, words, phone) in [
        (row("0701740605 / 0701740606", "", ""), vec!["two numbers"], (false, true)),
        (row("070-vet ej", "", ""), vec!["letters"], (false, true)),
        (row("08-465 004 01", "", ""), vec!["not a mobile"], (true, false)),
        (row("701740605", "", ""), vec!["first 0"], (true, true)),
        (row("", "inte en adress", ""), vec!["e-mail"], (false, true)),
        (row("", "a@example.se", "svenska!"), vec!["language"], (false, true)),
        (row("070", "@", "?"), vec!["complete number", "e-mail", "language"], (false, true)),
    ] {
        let loaded = run(vec![pupil_row("p")], vec![row], vec![]).expect("only odd");
        assert_eq!(loaded.warnings.len(), words.len(), "{:?}", loaded.warnings);
        for (warning, word) in loaded.warnings.iter().zip(&words) {
            assert!(warning.to_string().contains(word), "{warning}");
            assert_eq!(warning.place, Place::Line("guardians", 2));
        }
        let guardian = loaded.roster.guardians.values().next().expect("kept");
        assert_eq!((guardian.phone.is_some(), guardian.phone_is_mobile), phone);
    }
}

#[test]
fn doubt_about_protection_closes() {
    for (word, protection, warnings) in [
        (Some("ingen"), Protection::None, 0),
        (Some("Sekretessmarkering"), Protection::Protected, 0),
        (Some("skyddad folkbokföring"), Protection::Protected, 0),
        (Some(""), Protection::Unknown, 0),
        (Some("nej"), Protection::Unknown, 1),
        (None, Protection::Unknown, 1),
    ] {
        let row = PupilRow { protection: word.map(Into::into), ..pupil_row("p") };
        let loaded = run(vec![row], vec![guardian_row("p", "g")], vec![]).expect("good");
        assert_eq!(only(&loaded).protection, protection, "{word:?}");
        assert_eq!(loaded.warnings.len(), warnings, "{word:?} {:?}", loaded.warnings);
        assert_eq!(loaded.had_protection_column, word.is_some());
    }
}

#[test]
fn everything_fatal_is_told_at_once() {
    let pupils = vec![
        pupil_row("p"),
        pupil_row("p"),
        PupilRow { school: "okand".into(), ..pupil_row("q") },
        PupilRow { given_name: " \u{200b} ".into(), ..pupil_row("r") },
        PupilRow { birth_date: Some("20130504-1234".into()), ..pupil_row("s") },
        PupilRow { channel: Some("fax".into()), ..pupil_row("t") },
        pupil_row(""),
    ];
    let guardians = vec![
        guardian_row("p", "g"),
        guardian_row("p", "g"),
        guardian_row("nobody", "g"),
        GuardianRow { may_receive: "kanske".into(), ..guardian_row("p", "h") },
        GuardianRow { may_receive: String::new(), ..guardian_row("p", "i") },
        GuardianRow { deny: Some("x".into()), ..guardian_row("p", "j") },
        GuardianRow { phone: None, ..guardian_row("r", "g") },
    ];
    let staff = vec![
        staff_row("m"),
        staff_row("m"),
        StaffRow { role: "vaktmästare".into(), ..staff_row("n") },
        StaffRow { school: Some("okand".into()), ..staff_row("o") },
    ];
    let error = run(pupils, guardians, staff).expect_err("fatal");
    let told: Vec<String> = error
        .problems
        .iter()
        .map(|p| format!("{} {}: {}", p.place, p.column.unwrap_or("-"), p.what))
        .collect();
    assert_eq!(
        told,
        [
            "guardians line 3 -: the same guardian of the same pupil was given before, at guardians line 2",
            "guardians line 4 pupil: there is no such pupil of that school",
            "guardians line 5 may-receive: is not one of the words it may hold",
            "guardians line 6 may-receive: is not one of the words it may hold",
            "guardians line 7 deny: is not one of the words it may hold",
            "guardians line 8 -: the guardian's contact data differ from those at guardians line 2",
            "pupils line 3 -: the same pupil was given before, at pupils line 2",
            "pupils line 4 school: is not a school in the configuration",
            "pupils line 5 given-name: is empty",
            "pupils line 6 birth-date: is not a date",
            "pupils line 7 channel: is not one of the words it may hold",
            "pupils line 8 id: is empty",
            "staff line 3 -: the same member of staff was given before, at staff line 2",
            "staff line 4 role: is not one of the words it may hold",
            "staff line 5 school: is not a school in the configuration",
        ]
    );
    for value in ["1234", "fax", "kanske", "vaktmästare", "0701740605", "Alva"] {
        assert!(!error.to_string().contains(value), "{value} is repeated");
    }
}

#[test]
fn names_come_out_harmless() {
    for (raw, name, warnings) in [
        ("Alva\r\nEk", "Alva Ek", 1),
        ("{{ secret }}", "{{ secret }}", 0),
        ("<script>", "<script>", 0),
        ("\u{202e}avlA", "avlA", 1),
        (&"x".repeat(300), &"x".repeat(100), 1),
    ] {
        let row = PupilRow { given_name: raw.into(), ..pupil_row("p") };
        let loaded = run(vec![row], vec![guardian_row("p", "g")], vec![]).expect("good");
        assert_eq!(only(&loaded).given_name, name);
        assert_eq!(loaded.warnings.len(), warnings, "{raw:?}");
    }
}

#[test]
fn mentors_who_are_missing_are_told_once() {
    let row = |id: &str| PupilRow { mentor: Some("m9".into()), ..pupil_row(id) };
    let loaded = run(vec![row("p"), row("q")], vec![guardian_row("p", "g")], vec![]);
    let warnings = loaded.expect("good").warnings;
    assert_eq!(warnings.len(), 1);
    let place = Place::Line("pupils", 2);
    assert_eq!((warnings[0].place, warnings[0].column), (place, Some("mentor")));
}

#[test]
fn a_pupil_larger_than_a_row_is_refused() {
    let long = |at: usize| format!("{}{at:03}", "g".repeat(125));
    let guardians = |n: usize| (0..n).map(|at| guardian_row("p", &long(at))).collect();
    assert!(run(vec![pupil_row("p")], guardians(15), vec![]).is_ok());
    let error = run(vec![pupil_row("p")], guardians(30), vec![]).expect_err("too many");
    assert_eq!(error.problems.len(), 1);
    assert!(error.problems[0].what.contains("more guardians than can be kept"));
}

#[test]
fn staff_numbers_are_for_texts_only() {
    let row = StaffRow { phone: Some("08-465 004 01".into()), ..staff_row("m") };
    let loaded = run(vec![pupil_row("p")], vec![guardian_row("p", "g")], vec![row]).expect("good");
    assert!(loaded.roster.staff.values().all(|s| s.phone.is_none()));
    assert_eq!(loaded.warnings.len(), 1);
}
