//! The made-up pupils of the tests' school. Numbers are reserved for fiction.

/// One pupil as a row of `pupils.csv` and its guardians.
pub struct PupilRow {
    pub id: &'static str,
    pub name: &'static str,
    pub birth: &'static str,
    pub protection: &'static str,
    /// `(guardian, phone, email, channel, language, may-receive, deny)`
    pub guardians: &'static [Guardian],
}

pub type Guardian = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

/// No limit on how many may be missing at once: tests have everybody missing.
pub const CALM: &str = r#"correction-settle = "0s"
ladder-settle = "0s"
not-reached-at = "off"
missed-at = "off"
same-day-report-at = "off"
term-report-at = "off"
duty-list-at = "off"
ladder-report-at = "off"
roster-audit-at = "off"
volume-class = "off"
volume-school = "off"
volume-source = "off"
volume-usual = 0
most-a-day = 0"#;

/// What the tests' school looks like unless a test says otherwise.
pub const PUPILS: &[PupilRow] = &[
    PupilRow {
        id: "alva",
        name: "Alva",
        birth: "2013-05-04",
        protection: "none",
        guardians: &[
            ("g-alva-1", "070-174 06 05", "", "sms", "sv", "yes", "no"),
            ("g-alva-2", "070-174 06 06", "", "sms", "en", "yes", "no"),
        ],
    },
    PupilRow {
        id: "nils",
        name: "Nils",
        birth: "2012-01-15",
        protection: "none",
        guardians: &[("g-nils", "070-174 06 07", "nils.g@hem.example", "sms", "sv", "yes", "no")],
    },
    PupilRow {
        id: "mail",
        name: "Maj",
        birth: "2012-02-15",
        protection: "none",
        guardians: &[("g-mail", "", "maj.g@hem.example", "email", "sv", "yes", "no")],
    },
    PupilRow {
        id: "hemlig",
        name: "Hemlig",
        birth: "2012-02-15",
        protection: "protected",
        guardians: &[("g-hemlig", "070-174 06 08", "", "sms", "sv", "yes", "no")],
    },
    PupilRow {
        id: "okand",
        name: "Okänd",
        birth: "2012-02-15",
        protection: "",
        guardians: &[("g-okand", "070-174 06 09", "", "sms", "sv", "yes", "no")],
    },
    PupilRow {
        id: "ensam",
        name: "Ensam",
        birth: "2012-02-15",
        protection: "none",
        guardians: &[("g-ensam", "070-174 06 10", "", "sms", "sv", "yes", "yes")],
    },
    PupilRow {
        id: "vuxen",
        name: "Vera",
        birth: "2004-02-15",
        protection: "none",
        guardians: &[("g-vuxen", "070-174 06 11", "", "sms", "sv", "yes", "no")],
    },
];
