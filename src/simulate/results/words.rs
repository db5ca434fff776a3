//! The words of the results, Swedish and English. Texts only.

/// In which language results are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Swedish.
    Sv,
    /// English.
    En,
}

impl Language {
    /// As HTML has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sv => "sv",
            Self::En => "en",
        }
    }
}

impl std::str::FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "sv" => Ok(Self::Sv),
            "en" => Ok(Self::En),
            _ => Err("write sv or en".into()),
        }
    }
}

/// Swedish, English.
pub(super) type Words = (&'static str, &'static str);

pub(super) fn of<'a>(words: (&'a str, &'a str), language: Language) -> &'a str {
    match language {
        Language::Sv => words.0,
        Language::En => words.1,
    }
}

pub(super) const TITLE: Words =
    ("En termin genom uppropets regler", "A term through the rules of upprop");
pub(super) const DATA: Words = ("Underlag", "Data");
pub(super) const TERM: Words = ("Termin", "Term");
pub(super) const SEED: Words = ("Frö", "Seed");
pub(super) const UNDELIVERED: Words = ("Sms som inte kommer fram", "Texts that are not delivered");
pub(super) const NOTES: Words = ("Att veta om siffrorna", "About these figures");
pub(super) const FIGURES: Words = ("Siffrorna", "The figures");
pub(super) const DIFFERENCE: Words = ("skillnad", "difference");
pub(super) const SMALL: Words = (
    "Antal under 5 visas som <5 och ritas som 2,5, så att ingen enskild elev kan kännas igen.",
    "Counts below 5 are shown as <5 and drawn as 2.5, so that no single pupil can be recognised.",
);

/// What is otherwise than with the daemon.
pub(super) const CHANGED: [Words; 5] = [
    (
        "Alla skolor räknas som skarpa, vilket läge de än har.",
        "Every school counts as live, whatever its mode.",
    ),
    (
        "Varje skola har sms-kontots gränser för sig; den tätaste minuten visar vad de är tillsammans.",
        "Each school has the account's limits for itself; the busiest minute shows what they are together.",
    ),
    (
        "Sms-konton talar som 46elks, och inget lämnar programmet.",
        "Accounts of texts speak as 46elks does, and nothing leaves the program.",
    ),
    (
        "Ingen källa frågas eller bevakas: det som hörs står i underlaget.",
        "No source is asked or watched: what is heard is in the data.",
    ),
    (
        "Ingen på skolan gör något: stopp slutar som när ingen tittar, och åtgärder blir ogjorda.",
        "Nobody at the school acts: holds end as they do when nobody looks, and duties stay undone.",
    ),
];
