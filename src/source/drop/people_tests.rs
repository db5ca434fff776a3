//! Files of the directory, in each layout.

use super::*;
use crate::directory::Protection;
use crate::model::{GroupId, GuardianId, PupilId};
use crate::source::drop::folder;
use crate::source::drop::settings::{Meaning, Order, Repeats, Writing};
use crate::source::drop::text::Encoding;

fn around(layout: Layout) -> Around {
    let minute = jiff::SignedDuration::from_mins(1);
    let settings = Settings {
        folder: PathBuf::new(),
        names: BTreeMap::new(),
        schools: None,
        poll: minute,
        still: minute,
        patience: minute,
        together: minute,
        order: Order::Time,
        repeats: Repeats::Known,
        largest: 1 << 20,
        keep: minute,
        writing: Writing {
            encoding: Encoding::Utf8,
            delimiter: None,
            head: true,
            columns: BTreeMap::new(),
            layout,
        },
        meaning: Meaning {
            marks: BTreeMap::new(),
            notices: BTreeMap::new(),
            schools: [("björkskolan".to_owned(), SchoolId::new("bjork").expect("id"))].into(),
            times: Vec::new(),
            provisional: false,
        },
    };
    Around {
        settings,
        schools: [SchoolId::new("bjork").expect("id")].into(),
        phone: PhoneRules::default(),
        key: b"key".to_vec(),
        now: "2026-11-26T07:00:00Z".parse().expect("time"),
    }
}

fn loaded(layout: Layout, files: &[(Kind, &str)]) -> Result<(Loaded, usize), String> {
    let folder = tempfile::tempdir().expect("folder");
    let parts = files.iter().map(|(kind, text)| {
        let path = folder.path().join(format!("{}.csv", kind.as_str()));
        std::fs::write(&path, text).expect("write");
        let about = folder::about(&path).expect("there").expect("there");
        Part { kind: *kind, path, about }
    });
    let made = load(&parts.collect::<Vec<_>>(), &around(layout));
    made.map(|made| (made.loaded, made.passed_over)).map_err(|error| match error {
        NoDirectory::File(_, Stopped::Bad(fault)) => fault.to_string(),
        NoDirectory::File(_, Stopped::Io(error)) => error.to_string(),
        NoDirectory::Rows(error) => error.to_string(),
    })
}

fn pupil(loaded: &Loaded, id: &str) -> crate::directory::Pupil {
    let school = SchoolId::new("bjork").expect("id");
    loaded.roster.pupil(&school, &PupilId::new(id).expect("id")).expect("there").clone()
}

#[test]
fn our_own_columns() {
    let pupils = "id;school;given-name;class;protection;groups;year;flagged\np1;Björkskolan;Alva;7B;ingen;Ma 7|Sv 7;7;ja\np2;;Nils;;;;;\n";
    let guardians = "pupil;guardian;may-receive;phone\np1;g1;yes;070-174 06 05\n";
    let (found, _) =
        loaded(Layout::Upprop, &[(Kind::Pupils, pupils), (Kind::Guardians, guardians)])
            .expect("good");
    let alva = pupil(&found, "p1");
    let groups: Vec<_> = alva.groups.iter().map(GroupId::as_str).collect();
    assert_eq!((groups, alva.year, alva.flagged), (vec!["Ma 7", "Sv 7"], Some(7), true));
    assert_eq!((alva.guardians.len(), alva.protection), (1, Protection::None));
    assert_eq!(pupil(&found, "p2").protection, Protection::Unknown);
    for (pupils, words) in [
        ("id;school;given-name\np1;bjork\n", "pupils.csv line 2: has 2 cells"),
        ("id;school;given-nam\np1;bjork;Alva\n", "did you mean given-name?"),
        ("id;school;given-name\np1;tall;Alva\n", "is not a school in the configuration"),
    ] {
        let files = [(Kind::Pupils, pupils), (Kind::Guardians, guardians)];
        let error = loaded(Layout::Upprop, &files).expect_err(words);
        assert!(error.contains(words) && !error.contains("Alva"), "{error}");
    }
}

#[test]
fn guardians_as_skola24_has_them_are_found_by_a_number_that_is_not_kept() {
    let pupils = "id;school;given-name;protection;civic-number\np1;bjork;Alva;ingen;20130504-1234\np2;bjork;Elin;;1205045678\n";
    let guardians = "201305041234;198001011111;Eva;Ek;eva@hem.example;0701740605\n\
                     130504-1234;800202-2222;Ulf;Ek;;0701740606\n\
                     201205045678;8001011111;Eva;Ek;eva@hem.example;0701740605\n\
                     199901010000;8001011111;Eva;Ek;eva@hem.example;0701740605\n";
    let files = [(Kind::Pupils, pupils), (Kind::Guardians, guardians)];
    let (found, passed_over) = loaded(Layout::Skola24Guardians, &files).expect("good");
    assert_eq!((pupil(&found, "p1").guardians.len(), pupil(&found, "p2").guardians.len()), (2, 1));
    assert_eq!((found.roster.guardians.len(), passed_over), (2, 1));
    let all = format!("{:?}", found.roster);
    assert!(!all.contains("8001011111") && !all.contains("0504"), "{all}");
    // It says nothing of protection: who has none from elsewhere is not told.
    assert_eq!(pupil(&found, "p2").protection, Protection::Unknown);
    let without =
        [(Kind::Pupils, "id;school;given-name\np1;bjork;Alva\n"), (Kind::Guardians, guardians)];
    let error = loaded(Layout::Skola24Guardians, &without).expect_err("no number");
    assert!(error.contains("civic-number"), "{error}");
    assert_ne!(unreadable("8001011111", b"a"), unreadable("8001011111", b"b"));
}

const USERS: &str = "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,givenName,familyName,email,sms,phone,agentSourcedIds,grades\n\
    s1,active,,true,o1,student,a,Alva,Ek,,,,\"g1,g2\",07\n\
    s2,active,,true,o9,student,b,Nils,Ek,,,,,\n\
    s3,tobedeleted,,true,o1,student,c,Elin,Ek,,,,,\n\
    g1,active,,true,o1,parent,d,Eva,Ek,eva@hem.example,070-174 06 05,,,\n\
    g2,active,,true,o1,relative,e,Mor,Mor,,070-174 06 06,,s1,\n\
    g3,active,,true,o1,guardian,f,Ulf,Ek,,,070-174 06 07,s1,\n\
    t1,active,,true,o1,teacher,g,Tove,Lär,tove@skola.example,,,,\n";

#[test]
fn one_roster() {
    let files = |users: &'static str| {
        [
            (Kind::Users, users),
            (
                Kind::Orgs,
                "sourcedId,name,type,identifier\no1,Björkskolan,school,1\no9,Annan,school,2\n",
            ),
            (
                Kind::Classes,
                "sourcedId,title,schoolSourcedId,classType\nc1,7B,o1,homeroom\nc2,Ma 7,o1,scheduled\n",
            ),
            (
                Kind::Enrollments,
                "sourcedId,classSourcedId,userSourcedId,role\ne1,c1,s1,student\ne2,c2,s1,student\ne3,c1,t1,teacher\n",
            ),
            (Kind::Demographics, "sourcedId,birthDate\ns1,2013-05-04\n"),
        ]
    };
    let (found, passed_over) = loaded(Layout::OneRoster, &files(USERS)).expect("good");
    assert_eq!((found.roster.pupil_count(), passed_over), (1, 1));
    let alva = pupil(&found, "s1");
    assert_eq!((alva.class.as_deref(), alva.year), (Some("7B"), Some(7)));
    assert_eq!(alva.mentor.as_ref().map(crate::model::StaffId::as_str), Some("t1"));
    assert_eq!(alva.birth_date, Some(jiff::civil::date(2013, 5, 4)));
    assert_eq!(alva.protection, Protection::Unknown, "it has no word for protection");
    let may = |id: &str| {
        let id = GuardianId::new(id).expect("id");
        alva.guardians.iter().find(|link| link.guardian == id).map(|link| link.may_receive)
    };
    assert_eq!((may("g1"), may("g2"), may("g3")), (Some(true), Some(false), Some(true)));
    assert!(!found.had_protection_column);
}

#[test]
fn the_examples_that_ship_make_a_directory() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/examples");
    let parts = [Kind::Pupils, Kind::Guardians, Kind::Staff].map(|kind| {
        let path = folder.join(format!("{}.csv", kind.as_str()));
        let about = folder::about(&path).expect("readable").expect("there");
        Part { kind, path, about }
    });
    let Made { loaded: found, passed_over, unended } =
        load(&parts, &around(Layout::Upprop)).unwrap_or_else(|_| panic!("good"));
    assert_eq!(unended, []);
    assert_eq!((found.roster.pupil_count(), found.roster.staff.len(), passed_over), (2, 1, 0));
    assert_eq!(found.warnings, []);
}
