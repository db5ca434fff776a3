//! Rows to a directory, by tables: one small school, and one thing otherwise in each case.

use serde_json::{Value, json};

use super::*;
use crate::directory::entitled::{self, Entitled};
use crate::directory::{Mode, RegisterRules, School, SubjectIdentity};
use crate::model::{EmailAddress, Locale, Phone};

const NOW: &str = "2026-11-23T07:00:00Z";

/// A school with one class, one pupil with two guardians, and a mentor.
fn rows() -> Value {
    json!({
        "organisations": [
            { "id": "k", "organisationType": "Huvudman" },
            { "id": "o1", "schoolUnitCode": "12345678", "parentOrganisation": { "id": "k" } },
            { "id": "o1b", "parentOrganisation": { "id": "o1" } },
            { "id": "o2", "parentOrganisation": { "id": "k" } }
        ],
        "persons": [
            { "id": "p1", "givenName": "Alva", "familyName": "Ek", "birthDate": "2013-05-04",
              "securityMarking": "Ingen",
              "enrolments": [{ "enroledAt": { "id": "o1" }, "schoolYear": 7, "schoolType": "GR",
                               "startDate": "2024-08-18" }],
              "responsibles": [
                  { "person": { "id": "g1" }, "relationType": "Vårdnadshavare" },
                  { "person": { "id": "g2" }, "relationType": "Vårdnadshavare" },
                  { "person": { "id": "g3" }, "relationType": "Utsedd behörig" }] },
            { "id": "g1", "givenName": "Eva", "familyName": "Ek", "securityMarking": "Ingen",
              "phoneNumbers": [{ "value": "08-123 456 78", "type": "Hem", "mobile": false },
                               { "value": "070-174 06 05", "type": "Hem", "mobile": true }],
              "emails": [{ "value": "eva@example.se", "type": "Privat" }] },
            { "id": "g2", "givenName": "Bo", "securityMarking": "Ingen",
              "phoneNumbers": [{ "value": "+46701740606", "type": "Arbete" }] },
            { "id": "g3", "givenName": "Mormor", "securityMarking": "Ingen",
              "phoneNumbers": [{ "value": "+46701740607", "type": "Hem" }] },
            { "id": "t1", "givenName": "Maj", "familyName": "Lund", "securityMarking": "Ingen",
              "phoneNumbers": [{ "value": "+46701740608", "type": "Arbete" },
                               { "value": "+46701740609", "type": "Hem" }],
              "emails": [{ "value": "hem@example.se", "type": "Privat" },
                         { "value": "maj@skola.example", "type": "Skola personal" }] }
        ],
        "groups": [
            { "id": "c", "displayName": "7B", "groupType": "Klass", "organisation": { "id": "o1b" },
              "startDate": "2026-08-18", "groupMemberships": [{ "person": { "id": "p1" } }],
              "_embedded": { "assignmentRoles": [
                  { "duty": { "id": "d1" }, "assignmentRoleType": "Mentor", "startDate": "2026-08-18" }] } },
            { "id": "m", "displayName": "Matte", "groupType": "Undervisning", "organisation": { "id": "o1" },
              "groupMemberships": [{ "person": { "id": "p1" }, "startDate": "2026-08-18",
                                     "endDate": "2026-11-23" }] }
        ],
        "duties": [
            { "id": "d1", "person": { "id": "t1" }, "dutyAt": { "id": "o1" }, "dutyRole": "Lärare",
              "startDate": "2020-08-01" }
        ]
    })
}

fn plan() -> Plan {
    let zone = TimeZone::get("Europe/Stockholm").expect("zone");
    Plan {
        schools: [(school(), ("12345678".to_owned(), zone))].into(),
        relations: vec![RelationType::Guardian],
        phone: PhoneRules::default(),
    }
}

fn school() -> SchoolId {
    SchoolId::new("bjork").expect("id")
}

fn known(rows: &Value) -> Known {
    fn read<T: serde::de::DeserializeOwned>(rows: &Value) -> Vec<T> {
        serde_json::from_value(rows.clone()).expect("rows")
    }
    let mut known = Known::default();
    known.take_organisations(read(&rows["organisations"]));
    known.take_groups(read(&rows["groups"]));
    known.take_duties(read(&rows["duties"]));
    known.take_persons(read(&rows["persons"]));
    known
}

fn joined_at(rows: &Value, now: &str) -> Loaded {
    let (known, plan) = (known(rows), plan());
    let units = Units::find(&plan, &known);
    join(&known, &units, &plan, now.parse().expect("time"))
}

/// The pupil, with something otherwise.
fn with(change: impl FnOnce(&mut Value)) -> (Loaded, Option<Pupil>) {
    let mut rows = rows();
    change(&mut rows);
    let loaded = joined_at(&rows, NOW);
    let pupil = loaded.roster.pupil(&school(), &PupilId::new("p1").expect("id")).cloned();
    (loaded, pupil)
}

/// Whom a message about the pupil would reach.
fn told(loaded: &Loaded, pupil: &Pupil) -> Vec<String> {
    let school = School {
        id: school(),
        name: "Björkskolan".into(),
        mode: Mode::Live,
        gone_live: None,
        zone: TimeZone::UTC,
        locale: Locale::swedish(),
        team_email: None,
        phone: "070-174 06 89".into(),
        sender_id: "Bjorkskolan".into(),
        grace: jiff::SignedDuration::ZERO,
        correction_settle: jiff::SignedDuration::ZERO,
        guests: BTreeSet::new(),
        quiet_hours: None,
        stale_after: jiff::SignedDuration::from_hours(24),
        sms_provider: None,
        sms_rate: None,
        subject_identity: SubjectIdentity::None,
        volume: crate::directory::VolumeRules::off(),
        fatigue: crate::directory::Fatigue::default(),
        max_parts: 3,
        languages: crate::directory::LanguageRules::default(),
        calendar: None,
        mutes_marking_guardian: false,
        people: crate::directory::PeopleRules::default(),
        ladders: crate::directory::LadderRules::default(),
        programmes: crate::directory::ProgrammeRules::default(),
        operations_email: None,
        registers: RegisterRules::default(),
        daily: crate::directory::DailyLists::default(),
        time: crate::directory::TimeRules::default(),
    };
    let today = jiff::civil::date(2026, 11, 23);
    match entitled::recipients(&school, pupil, &loaded.roster, today, &entitled::Known::default()) {
        Entitled::Guardians { candidates, .. } => {
            candidates.iter().map(|c| format!("{:?}", c.recipient)).collect()
        }
        Entitled::Adult(_) => vec!["adult".into()],
        Entitled::Nobody(_) => Vec::new(),
    }
}

#[test]
fn a_pupil_with_class_groups_mentor_and_guardians() {
    let (loaded, pupil) = with(|_| {});
    let pupil = pupil.expect("a pupil");
    assert_eq!((pupil.class.as_deref(), pupil.year), (Some("7B"), Some(7)));
    assert_eq!(pupil.birth_date, Some(jiff::civil::date(2013, 5, 4)));
    assert_eq!(pupil.protection, Protection::None);
    let groups: Vec<_> = pupil.groups.iter().map(GroupId::as_str).collect();
    assert_eq!(groups, ["c", "m"], "the last day of a membership is in it");
    let mentor = &loaded.roster.staff[pupil.mentor.as_ref().expect("a mentor")];
    assert_eq!(mentor.id.as_str(), "d1", "lessons name teachers by their duty");
    assert_eq!(mentor.email.as_ref().map(EmailAddress::expose), Some("maj@skola.example"));
    assert_eq!(mentor.phone.as_ref().map(Phone::expose), Some("+46701740608"), "at work");
    assert_eq!(mentor.role, StaffRole::Teacher);
    assert_eq!(told(&loaded, &pupil).len(), 2, "nobody who only fetches the pupil");
    let eva = &loaded.roster.guardians[&GuardianId::new("g1").expect("id")];
    assert_eq!(eva.phone.as_ref().map(Phone::expose), Some("+46701740605"), "the mobile");
    assert!(loaded.had_protection_column && loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

#[test]
fn who_is_a_pupil_today() {
    let enrolment = |key: &'static str, value: Value| {
        move |rows: &mut Value| rows["persons"][0]["enrolments"][0][key] = value
    };
    let person =
        |key: &'static str, value: Value| move |rows: &mut Value| rows["persons"][0][key] = value;
    let here = |change: Box<dyn FnOnce(&mut Value)>| with(change).1.is_some();
    for (change, expected) in [
        (Box::new(enrolment("endDate", json!("2026-11-23"))) as Box<dyn FnOnce(&mut Value)>, true),
        (Box::new(enrolment("endDate", json!("2026-11-22"))), false),
        (Box::new(enrolment("startDate", json!("2026-11-24"))), false),
        (Box::new(enrolment("startDate", Value::Null)), true),
        (Box::new(enrolment("cancelled", json!(true))), false),
        (Box::new(enrolment("enroledAt", json!({ "id": "o2" }))), false),
        (Box::new(enrolment("enroledAt", json!({ "id": "o1b" }))), true),
        (Box::new(enrolment("enroledAt", Value::Null)), false),
        (Box::new(person("personStatus", json!("Avliden"))), false),
        (Box::new(person("personStatus", json!("Utvandrad"))), false),
        (Box::new(person("personStatus", json!("Aktiv"))), true),
        (Box::new(person("personStatus", json!("Ny"))), true),
    ] {
        assert_eq!(here(change), expected);
    }
    let late = joined_at(&rows(), "2026-11-23T23:30:00Z");
    let pupil = late.roster.pupil(&school(), &PupilId::new("p1").expect("id")).expect("pupil");
    assert_eq!(pupil.groups.len(), 1, "in the school's zone it is the 24th");
}

#[test]
fn protection_is_the_strictest_word_and_none_is_not_known() {
    let marked = |pointer: &'static str, word: Value| {
        move |rows: &mut Value| {
            let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
            rows.pointer_mut(parent).expect("there")[key] = word;
        }
    };
    for (pointer, word, expected) in [
        ("/persons/0/securityMarking", json!("Ingen"), Protection::None),
        ("/persons/0/securityMarking", json!(" INGEN "), Protection::None),
        ("/persons/0/securityMarking", json!("Sekretessmarkering"), Protection::Protected),
        ("/persons/0/securityMarking", json!("Skyddad folkbokföring"), Protection::Protected),
        ("/persons/0/securityMarking", json!("Kanske"), Protection::Unknown),
        ("/persons/0/securityMarking", Value::Null, Protection::Unknown),
        (
            "/groups/1/groupMemberships/0/person/securityMarking",
            json!("Sekretessmarkering"),
            Protection::Protected,
        ),
        ("/groups/1/groupMemberships/0/person/securityMarking", json!("Ingen"), Protection::None),
        ("/groups/1/groupMemberships/0/person/securityMarking", json!("?"), Protection::Unknown),
    ] {
        let (loaded, pupil) = with(marked(pointer, word.clone()));
        let pupil = pupil.expect("a pupil");
        assert_eq!(pupil.protection, expected, "{pointer} {word}");
        assert_eq!(told(&loaded, &pupil).is_empty(), expected != Protection::None, "{word}");
    }
    let (loaded, _) = with(|rows| {
        rows["persons"][0].as_object_mut().expect("one").remove("securityMarking");
    });
    assert!(!loaded.had_protection_column, "the brake sees that it is gone");
    assert!(loaded.warnings.iter().any(|w| w.what.contains("who is protected")));
    let (_, pupil) = with(|rows| rows["persons"][0]["givenName"] = Value::Null);
    assert_eq!(pupil.expect("still a pupil").protection, Protection::Unknown);
}

#[test]
fn guardians_who_are_not_written_to() {
    for (key, value, left) in [
        ("securityMarking", json!("Sekretessmarkering"), 1),
        ("securityMarking", json!("Skyddad folkbokföring"), 1),
        ("personStatus", json!("Avliden"), 1),
        ("personStatus", json!("Utvandrad"), 2),
        ("securityMarking", Value::Null, 2),
    ] {
        let (loaded, pupil) = with(|rows| rows["persons"][1][key] = value.clone());
        let pupil = pupil.expect("a pupil");
        assert_eq!(told(&loaded, &pupil).len(), left, "{key} {value}");
        let eva = &loaded.roster.guardians[&GuardianId::new("g1").expect("id")];
        assert_eq!(eva.phone.is_none() && eva.email.is_none(), left == 1, "no address is kept");
    }
    let (loaded, pupil) = with(|rows| {
        rows["persons"][0]["responsibles"][0]["person"]["securityMarking"] =
            json!("Sekretessmarkering");
    });
    assert_eq!(told(&loaded, &pupil.expect("a pupil")).len(), 1, "wherever it is said");
    let (loaded, pupil) = with(|rows| {
        rows["persons"].as_array_mut().expect("list").remove(1);
    });
    assert_eq!(told(&loaded, &pupil.expect("a pupil")).len(), 1);
    assert!(loaded.warnings.iter().any(|w| w.what.contains("1 guardians are named")));
}

#[test]
fn mentors_from_either_side_and_only_while_they_are() {
    let mentor = |pupil: Option<Pupil>| pupil.expect("a pupil").mentor.is_some();
    let no_role = |rows: &mut Value| rows["groups"][0]["_embedded"] = Value::Null;
    assert!(!mentor(with(no_role).1));
    let by_duty = |rows: &mut Value| {
        no_role(rows);
        rows["duties"][0]["assignmentRole"] =
            json!([{ "group": { "id": "c" }, "assignmentRoleType": "Mentor" }]);
    };
    assert!(mentor(with(by_duty).1));
    for (pointer, value) in [
        ("/groups/0/_embedded/assignmentRoles/0/endDate", json!("2026-11-22")),
        ("/groups/0/_embedded/assignmentRoles/0/assignmentRoleType", json!("Schemaläggare")),
        ("/duties/0/endDate", json!("2026-06-30")),
        ("/groups/0/endDate", json!("2026-06-30")),
    ] {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        let (_, pupil) = with(|rows| rows.pointer_mut(parent).expect("there")[key] = value);
        assert!(!mentor(pupil), "{pointer}");
    }
    let (loaded, _) = with(|rows| rows["duties"][0]["dutyRole"] = json!("Rektor"));
    assert!(loaded.roster.staff.values().all(|s| s.role == StaffRole::Principal));
}

#[test]
fn years_only_where_they_count_from_nought_to_ten() {
    for (form, year, expected) in [
        (json!("GR"), json!(3), Some(3)),
        (json!("FKLASS"), json!(0), Some(0)),
        (json!("GY"), json!(1), None),
        (Value::Null, json!(10), Some(10)),
        (json!("GR"), json!(-1), None),
        (json!("GR"), json!(1895), None),
        (json!("GR"), Value::Null, None),
    ] {
        let (_, pupil) = with(|rows| {
            rows["persons"][0]["enrolments"][0]["schoolType"] = form.clone();
            rows["persons"][0]["enrolments"][0]["schoolYear"] = year.clone();
        });
        assert_eq!(pupil.expect("a pupil").year, expected, "{form} {year}");
    }
}

#[test]
fn organisations_by_id_by_code_from_below_and_unread() {
    let (mut rows, mut plan) = (rows(), plan());
    let of = |units: &Units| units.of.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(of(&Units::find(&plan, &known(&rows))), ["o1", "o1b"]);
    let zone = TimeZone::UTC;
    plan.schools.insert(school(), ("o2".into(), zone.clone()));
    assert_eq!(of(&Units::find(&plan, &known(&rows))), ["o2"]);
    plan.schools.insert(school(), ("nowhere".into(), zone));
    assert_eq!(Units::find(&plan, &known(&rows)).unknown, [school()]);
    rows["organisations"] = json!([]);
    assert_eq!(of(&Units::find(&plan, &known(&rows))), ["nowhere"], "it is taken for an id");
    rows["organisations"] = json!([
        { "id": "a", "parentOrganisation": { "id": "b" } },
        { "id": "b", "parentOrganisation": { "id": "a" } }]);
    assert!(of(&Units::find(&plan, &known(&rows))).is_empty(), "a circle ends");
}

#[test]
fn what_is_newer_stays_and_what_a_changed_duty_says_counts() {
    let mut known = known(&rows());
    let group = |modified: &str, name: &str| {
        serde_json::from_value(json!({ "id": "c", "displayName": name,
            "meta": { "modified": modified } }))
        .expect("a group")
    };
    known.take_groups(vec![group("2026-11-23T08:00:00Z", "8B")]);
    known.take_groups(vec![group("2026-11-23T07:00:00Z", "7B")]);
    assert_eq!(known.groups["c"].display_name.as_deref(), Some("8B"), "pages overtake each other");
    assert_eq!(known.newest, "2026-11-23T08:00:00Z".parse().ok());

    let mut rows = rows();
    rows["duties"][0]["assignmentRole"] =
        json!([{ "group": { "id": "c" }, "assignmentRoleType": "Mentor" }]);
    let mut known = super::tests::known(&rows);
    let mut duty = known.duties["d1"].clone();
    duty.assignment_roles.clear();
    known.take_changed_duties(vec![*duty]);
    let (plan, now) = (plan(), NOW.parse().expect("time"));
    let loaded = join(&known, &Units::find(&plan, &known), &plan, now);
    let pupil = loaded.roster.pupil(&school(), &PupilId::new("p1").expect("id"));
    assert_eq!(pupil.expect("a pupil").mentor, None, "no mentor any more, by the duty");
}
