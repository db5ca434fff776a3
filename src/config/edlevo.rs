//! `[edlevo.<id>]`: Edlevo's Absence API, version 2, as a source of attendance.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::SignedDuration;
use secrecy::SecretString;

use super::address::{base_url, judge};
use super::http_provider::{self, ClientIdentity, HttpAuth};
use super::problem::did_you_mean;
use super::reader::Reader;
use super::source::url_id;
use crate::model::{SchoolId, SourceId};

/// One installation that is asked.
#[derive(Debug, Clone)]
pub struct Edlevo {
    /// The address that the name of an operation is added to, without a slash at the end.
    pub url: String,
    /// The licence key; none: something else lets us in.
    pub key: Option<SecretString>,
    /// What the parameter with the key is called.
    pub key_name: String,
    /// As whom, besides.
    pub auth: HttpAuth,
    /// As whom to TLS, where it asks.
    pub identity: Option<ClientIdentity>,
    /// PEM file of roots to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// For a whole call, to the last byte of the answer.
    pub timeout: SignedDuration,
    /// The operation of each school form.
    pub operations: Vec<String>,
    /// Those of schools that are not asked for with all of them.
    pub school_operations: BTreeMap<SchoolId, Vec<String>>,
    /// Names of the parameters: unit, first and last day.
    pub parameters: [String; 3],
    /// Schools, and the ids of their units there.
    pub schools: BTreeMap<SchoolId, String>,
    /// How long from one question to the next.
    pub poll: SignedDuration,
    /// How many days are asked for, today the last.
    pub days: u32,
    /// Whether a lesson that comes every week has one id.
    pub lessons_recur: bool,
}

impl Edlevo {
    pub(super) fn read_all(root: &Reader<'_>, schools: &[String]) -> BTreeMap<SourceId, Self> {
        let mut all = BTreeMap::new();
        for (name, reader) in root.tables("edlevo") {
            let source = Self::read(&reader, schools);
            match url_id(&name) {
                Ok(()) => {
                    if let (Ok(id), Some(source)) = (SourceId::new(name), source) {
                        all.insert(id, source);
                    }
                }
                Err(remedy) => {
                    reader
                        .error_at_head(format!("{name:?} cannot be the name of a source"), remedy);
                }
            }
            reader.finish();
        }
        all
    }

    /// None: what is required is not there, or cannot be used.
    fn read(reader: &Reader<'_>, schools: &[String]) -> Option<Self> {
        let url = reader.parsed(
            "url",
            "an address, as \"https://edlevo.example.se/Absence/v2\"",
            base_url,
        );
        if let Some(url) = &url {
            judge(reader, "url", url, "the key and pupils' absence");
        }
        let url = reader.require("url", url, "\"https://…\"");
        let key = reader.secret("key-file");
        let key_name = name_of(reader, "key-name").unwrap_or("LicenseKey".into());
        let auth = http_provider::auth(reader);
        if let Some(auth) = &auth {
            http_provider::idle_auth(reader, auth);
        }
        let identity = http_provider::identity(reader);
        let operations = reader.list("operations", false, OPERATION, |text| {
            if is_operation(text) { Ok(text.to_owned()) } else { Err(None) }
        });
        if operations.as_ref().is_some_and(Vec::is_empty) {
            reader.error(
                "operations",
                "`operations` is empty: nothing is asked",
                "name those of the schools' forms",
            );
        }
        let operations =
            reader.require("operations", operations, "[\"GetCompulsorySchoolAbsence\"]");
        misspelt(reader, "operations", operations.iter().flatten());
        let parameter = |key, usual: &str| name_of(reader, key).unwrap_or(usual.into());
        let units = units(reader, schools);
        let school_operations = school_operations(reader, &units);
        misspelt(reader, "school-operations", school_operations.values().flatten());
        let source = Self {
            url: url.unwrap_or_default(),
            key,
            key_name,
            auth: auth.clone().unwrap_or(HttpAuth::None),
            identity,
            ca_file: reader.path("ca-file"),
            timeout: reader
                .duration("timeout", "1s", "10m")
                .unwrap_or(SignedDuration::from_mins(1)),
            operations: operations.unwrap_or_default(),
            school_operations,
            parameters: [
                parameter("unit-parameter", "UnitId"),
                parameter("start-parameter", "StartDate"),
                parameter("end-parameter", "EndDate"),
            ],
            schools: units,
            poll: reader.duration("poll", "1s", "1h").unwrap_or(SignedDuration::from_mins(1)),
            days: reader.integer("days", 1..=7).unwrap_or(2),
            lessons_recur: reader
                .choice("lesson-ids", &[("occurrence", false), ("recurring", true)])
                .unwrap_or(false),
        };
        let is_whole = auth.is_some() && !source.url.is_empty() && !source.operations.is_empty();
        is_whole.then_some(source)
    }
}

const OPERATION: &str = "names of operations, as [\"GetCompulsorySchoolAbsence\"]";

/// The operations that are known. There are others: one for each school form.
const KNOWN: [&str; 2] = ["GetCompulsorySchoolAbsence", "GetUpperSecondarySchoolAbsence"];

/// Warns of names that are almost known ones.
fn misspelt<'n>(reader: &Reader<'_>, key: &'static str, names: impl Iterator<Item = &'n String>) {
    for name in names {
        let slips = |known: &&&str| (1..=3).contains(&strsim::levenshtein(name, known));
        if let Some(near) = KNOWN.iter().find(slips) {
            reader.warn(
                key,
                format!(
                    "`{key}` names {name:?}, which is not known; known are {}",
                    KNOWN.join(", ")
                ),
                format!("did you mean {near:?}?"),
            );
        }
    }
}

fn is_operation(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Operations of single schools.
fn school_operations(
    reader: &Reader<'_>,
    units: &BTreeMap<SchoolId, String>,
) -> BTreeMap<SchoolId, Vec<String>> {
    const KEY: &str = "school-operations";
    let mut all = BTreeMap::new();
    for (school, text) in reader.texts(KEY) {
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        let known = SchoolId::new(school.as_str()).ok().filter(|id| units.contains_key(id));
        let Some(id) = known else {
            reader.error(
                KEY,
                format!("`{KEY}` names {school:?}, which is not in `schools` of this source"),
                "add its unit there, or remove it",
            );
            continue;
        };
        if names.iter().all(|name| is_operation(name)) {
            all.insert(id, names);
        } else {
            reader.error(
                KEY,
                format!("`{KEY}` of {school} cannot be used"),
                "write names of operations with commas between, as \"GetCompulsorySchoolAbsence\"",
            );
        }
    }
    all
}

/// A name as it stands in an address.
fn name_of(reader: &Reader<'_>, key: &'static str) -> Option<String> {
    reader.parsed(key, "a name of letters, digits, - and _", |text| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        let good = !text.is_empty() && text.bytes().all(plain);
        if good { Ok(text.to_owned()) } else { Err(None) }
    })
}

/// Schools by the ids of their units.
fn units(reader: &Reader<'_>, schools: &[String]) -> BTreeMap<SchoolId, String> {
    let mut units: BTreeMap<SchoolId, String> = BTreeMap::new();
    for (school, unit) in reader.texts("schools") {
        if !schools.contains(&school) {
            let remedy = match did_you_mean(&school, schools.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add [schools.{school}], or remove it"),
            };
            reader.error(
                "schools",
                format!("`schools` names {school:?}, which is no school of this file"),
                remedy,
            );
        } else if unit.trim().is_empty() {
            reader.error(
                "schools",
                format!("`schools` has no unit for {school}"),
                "write the unit's id in Edlevo",
            );
        } else if units.values().any(|other| other.eq_ignore_ascii_case(&unit)) {
            reader.error(
                "schools",
                format!("`schools` has the unit of {school} twice"),
                "write each school's own",
            );
        } else if let Ok(id) = SchoolId::new(school) {
            units.insert(id, unit);
        }
    }
    if units.is_empty() && !reader.is_faulty("schools") {
        reader.error(
            "schools",
            format!("no `schools` {}: nobody is asked for", reader.title()),
            "add schools = { SCHOOL = \"the id of its unit\" }",
        );
    }
    units
}

#[cfg(test)]
mod tests {
    use crate::config::{Loader, Secrets, load_text};

    const GOOD: &str = "auth = \"none\"\nurl = \"https://e.example.se/v2/\"\noperations = [\"GetX\"]\nschools = { a = \"u\" }\n";

    #[test]
    fn what_is_wrong_is_told_with_its_key() {
        let loader =
            Loader { credentials_dir: None, base_dir: "/".into(), secrets: Secrets::Skipped };
        let read = |text: &str| {
            let school = "[schools.a]\nname = \"A\"\nphone = \"112\"\n";
            load_text(
                "u",
                &format!("[edlevo.e]\n{text}{school}[sources.w]\nbearer-file = \"t\"\n"),
                &loader,
            )
        };
        let good = read(GOOD);
        let config = good.config.unwrap_or_else(|| panic!("{:#?}", good.problems));
        let (id, source) = config.edlevo.first_key_value().expect("one");
        assert_eq!((id.as_str(), source.url.as_str()), ("e", "https://e.example.se/v2"));
        let own = "school-operations = { a = \"GetY, GetZ\" }\n";
        let config = read(&format!("{own}{GOOD}")).config.expect("good");
        assert_eq!(
            config
                .edlevo
                .values()
                .next()
                .and_then(|e| e.school_operations.values().next())
                .map(Vec::as_slice),
            Some(&["GetY".to_owned(), "GetZ".to_owned()][..])
        );
        let slips = [
            ("[\"GetX\"]", "[\"GetCompulsorySchoolAbsense\"]", true),
            ("[\"GetX\"]", "[\"getUpperSecondarySchoolAbsence\"]", true),
            ("url", "school-operations = { a = \"GetCompulsorySchoolAbsenc\" }\nurl", true),
            ("[\"GetX\"]", "[\"GetCompulsorySchoolAbsence\"]", false),
            ("[\"GetX\"]", "[\"GetCompulsorySpecialSchoolAbsence\"]", false),
        ];
        for (from, to, is_told) in slips {
            let found = read(&GOOD.replacen(from, to, 1)).problems;
            let told = found.iter().any(|p| p.message.contains("known are GetCompulsory"));
            assert_eq!(told, is_told, "{to}: {found:#?}");
        }
        for (from, to, key) in [
            ("https:", "http:", "edlevo.e.url"),
            ("url = \"https://e.example.se/v2/\"\n", "", "edlevo.e.url"),
            ("[\"GetX\"]", "[]", "edlevo.e.operations"),
            ("[\"GetX\"]", "[\"Get?X\"]", "edlevo.e.operations"),
            ("operations = [\"GetX\"]\n", "", "edlevo.e.operations"),
            ("{ a =", "{ b =", "edlevo.e.schools"),
            ("\"u\"", "\" \"", "edlevo.e.schools"),
            ("url", "school-operations = { b = \"GetX\" }\nurl", "edlevo.e.school-operations"),
            ("url", "school-operations = { a = \"Get?X\" }\nurl", "edlevo.e.school-operations"),
            ("schools = { a = \"u\" }\n", "", "edlevo.e.schools"),
            ("url", "poll = \"0s\"\nurl", "edlevo.e.poll"),
            ("url", "days = 0\nurl", "edlevo.e.days"),
            ("url", "lesson-ids = \"week\"\nurl", "edlevo.e.lesson-ids"),
            ("url", "key-name = \"a b\"\nurl", "edlevo.e.key-name"),
            ("\"none\"", "\"bearer\"", "edlevo.e.token-file"),
            ("auth = \"none\"\n", "", "edlevo.e.auth"),
            ("url", "licence = \"a\"\nurl", "edlevo.e.licence"),
        ] {
            let report = read(&GOOD.replacen(from, to, 1));
            assert!(report.config.is_none(), "{from} → {to}");
            let found: Vec<_> =
                report.problems.iter().map(|problem| problem.key.as_str()).collect();
            assert!(found.contains(&key), "{from} → {to}: {:#?}", report.problems);
        }
        let both = load_text(
            "u",
            &format!(
                "[edlevo.w]\n{GOOD}[sources.w]\nbearer-file = \"t\"\n[schools.a]\nname = \"A\"\nphone = \"112\"\n"
            ),
            &loader,
        );
        assert!(both.problems.iter().any(|p| p.message.contains("twice")), "{:#?}", both.problems);
    }
}
