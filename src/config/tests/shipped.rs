//! The file that ships: it explains every key, shows the defaults, and can be used.

use super::*;

/// The shipped file with its examples uncommented: lines that start `#key =` or `#[table]`.
fn uncommented() -> String {
    let example = |line: &str| {
        line.strip_prefix('#')
            .filter(|rest| rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()))
            .map(str::to_owned)
    };
    SHIPPED.lines().map(|line| example(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
fn the_file_as_shipped_has_warnings_only() {
    let report = read(SHIPPED);
    assert_eq!(report.count(Severity::Error), 0, "{:?}", report.problems);
    assert_eq!(report.count(Severity::Warning), 2, "{:?}", report.problems);
}

#[test]
fn the_file_as_shipped_parses_with_every_example_uncommented() {
    let report = read(&uncommented());
    assert_eq!(report.count(Severity::Error), 0, "{:#?}", report.problems);
    let config = report.config.expect("no errors");
    assert_eq!((config.providers.len(), config.sources.len(), config.schools.len()), (2, 1, 1));
    assert_eq!((config.drop.len(), config.edlevo.len()), (1, 1));
}

#[test]
fn the_file_as_shipped_shows_the_defaults() {
    let told = read(&uncommented()).config.expect("no errors");
    let untold = read("").config.expect("no errors");
    assert_eq!(told.store, untold.store);
    assert_eq!(told.retention, untold.retention);
    assert_eq!(told.server, untold.server);
    assert_eq!(Directory { folder: None, ..told.directory.clone() }, untold.directory);
    assert_eq!(told.log, untold.log);
    assert_eq!(Http { proxy: None, ca_file: None, ..told.http.clone() }, untold.http);
    assert_eq!(told.delivery, untold.delivery);
    assert_eq!(told.watch, untold.watch);
    // What has no default is an example; the rest of a school must be the same.
    let school = |config: &Config| {
        let mut school = config.schools.values().next().expect("one").clone();
        (school.guests, school.team_email, school.phone, school.sms_provider) = Default::default();
        school.operations_email = None;
        school.daily.office_email = None;
        school.people.neutral_sender_id = None;
        (school.ladders.versions, school.ladders.since) = Default::default();
        school.ladders.form = String::new();
        school.programmes.runs.clear();
        (school.languages.reviewed, school.languages.price) = Default::default();
        (school.operations_email, school.calendar) = (None, None);
        format!("{school:?}")
    };
    let bare = read("[schools.bjorkskolan]\nname = \"Björkskolan\"\nphone = \"112\"\n")
        .config
        .expect("no errors");
    assert_eq!(school(&told), school(&bare));
    // Accounts, mail and sources: what is left out must not change the rest.
    let elks = "[providers.elks]\nkind = \"46elks\"\nusername-file = \"u\"\npassword-file = \"p\"\nreceipt-secret-file = \"r\"\n";
    let brief = read(elks).config.expect("no errors");
    let elks = ProviderId::new("elks").expect("id");
    assert_eq!(format!("{:?}", told.providers[&elks]), format!("{:?}", brief.providers[&elks]));
}

#[test]
fn every_key_that_is_known_stands_in_the_file_as_shipped() {
    let probe = "[providers.a]\nkind = \"46elks\"\n[providers.b]\nkind = \"http\"\n[sources.a]\n[ss12000.a]\n[drop.a]\n[edlevo.a]\n[calendars.a]\n[schools.a]\n";
    // A school's keys are explained once, under [defaults], and http accounts share some of 46elks'.
    let known: BTreeSet<String> = read(probe)
        .known_keys
        .into_iter()
        .map(|key| if key == "schools.*.name" { key } else { key.replace("schools.*", "defaults") })
        .collect();
    let mut table = String::new();
    let mut shown = BTreeSet::new();
    for line in uncommented().lines() {
        if let Some(head) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let top = head.split('.').next().unwrap_or_default();
            table = if head.contains('.') { format!("{top}.*.") } else { format!("{top}.") };
            shown.insert(top.to_owned());
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            shown.insert(format!("{table}{key}"));
        }
    }
    let missing: Vec<_> = known.difference(&shown).collect();
    assert!(missing.is_empty(), "not explained in config/upprop.toml: {missing:?}");
    let unknown: Vec<_> = shown.difference(&known).collect();
    assert!(unknown.is_empty(), "explained in config/upprop.toml, but not known: {unknown:?}");
}
