//! The made-up school of the demo: who is at it, who is told about whom, and a clock on which it is
//! morning. Numbers are those reserved for fiction. Pure.

use std::fmt::Write as _;

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};

/// The school's id in configuration and events.
pub const SCHOOL: &str = "bjorkskolan";
/// The name guardians read.
pub const SCHOOL_NAME: &str = "Björkskolan";
/// What a text comes from.
pub const SENDER: &str = "Bjorkskolan";
/// The attendance team's inbox.
pub const TEAM: &str = "narvaroteam@skola.example";

/// The class everybody is in.
pub(super) const CLASS: &str = "7B";
/// Its mentor: name and address.
pub(super) const MENTOR: (&str, &str) = ("Lena Alm", "mentor@skola.example");
/// The hour at which the day is played, whatever it is outside.
const HOUR: i32 = 8;

/// Who answers for a pupil.
#[derive(Debug)]
pub struct Guardian {
    /// For staff.
    pub name: &'static str,
    /// A number, or nothing.
    pub phone: &'static str,
    /// An address, or nothing.
    pub email: &'static str,
    /// Language tag.
    pub language: &'static str,
}

/// Who is at the school.
#[derive(Debug)]
pub struct Pupil {
    /// Id in the directory and in events.
    pub id: &'static str,
    /// The name guardians read.
    pub name: &'static str,
    /// For staff.
    pub family: &'static str,
    /// Whether personal data is protected.
    pub protected: bool,
    /// Who is told.
    pub guardians: &'static [Guardian],
}

const fn texts(name: &'static str, phone: &'static str, language: &'static str) -> Guardian {
    Guardian { name, phone, email: "", language }
}

const fn pupil(
    id: &'static str,
    name: &'static str,
    family: &'static str,
    guardians: &'static [Guardian],
) -> Pupil {
    Pupil { id, name, family, protected: false, guardians }
}

/// Absent; one guardian reads Swedish, the other English.
pub const ALVA: Pupil = pupil(
    "p-alva",
    "Alva",
    "Ek",
    &[texts("Maria Ek", "+46701740605", "sv"), texts("Daniel Shaw", "+46701740606", "en")],
);
/// Comes late.
pub const NILS: Pupil =
    pupil("p-nils", "Nils", "Lind", &[texts("Karin Lind", "+46701740607", "sv")]);
/// Protected.
pub const MAJA: Pupil = Pupil {
    protected: true,
    ..pupil("p-maja", "Maja", "Rönn", &[texts("Åsa Rönn", "+46701740608", "sv")])
};
/// On leave.
pub const VILLE: Pupil =
    pupil("p-ville", "Ville", "Alm", &[texts("Jari Alm", "+46701740609", "sv")]);
/// Absent while the provider is away.
pub const OMAR: Pupil =
    pupil("p-omar", "Omar", "Sälg", &[texts("Layla Sälg", "+46701740610", "en")]);
/// The same.
pub const ELIN: Pupil = pupil("p-elin", "Elin", "Gran", &[texts("Per Gran", "+46701740611", "sv")]);
/// The same.
pub const IDA: Pupil = pupil("p-ida", "Ida", "Bok", &[texts("Eva Bok", "+46701740612", "sv")]);
/// The same, and there after all before the text could leave.
pub const HUGO: Pupil = pupil("p-hugo", "Hugo", "En", &[texts("Lars En", "+46701740613", "sv")]);
/// Does not come before the lesson ends.
pub const SARA: Pupil =
    pupil("p-sara", "Sara", "Hassel", &[texts("Mona Hassel", "+46701740614", "sv")]);
/// The last of the day; one guardian reads texts, the other mail.
pub const ASTRID: Pupil = pupil(
    "p-astrid",
    "Astrid",
    "Lönn",
    &[
        texts("Olle Lönn", "+46701740615", "sv"),
        Guardian { name: "Emma Ask", phone: "", email: "emma.ask@hem.example", language: "en" },
    ],
);

/// Everybody.
pub const ALL: [&Pupil; 10] =
    [&ALVA, &NILS, &MAJA, &VILLE, &OMAR, &ELIN, &IDA, &HUGO, &SARA, &ASTRID];

/// When all of them were born.
pub(super) fn birth(today: Date) -> Date {
    today.saturating_sub(Span::new().years(13).months(3))
}

/// `pupils.csv`, `guardians.csv` and `staff.csv` on a day.
pub fn directory(today: Date) -> [(&'static str, String); 3] {
    let birth = birth(today);
    let mut pupils =
        "id,school,class,given-name,family-name,birth-date,protection,mentor\n".to_owned();
    let mut guardians =
        "pupil,school,guardian,name,phone,email,channel,language,may-receive,deny\n".to_owned();
    for Pupil { id, name, family, protected, guardians: list } in ALL {
        let protection = if *protected { "protected" } else { "none" };
        let _ =
            writeln!(pupils, "{id},{SCHOOL},{CLASS},{name},{family},{birth},{protection},s-mentor");
        for (number, Guardian { name, phone, email, language }) in (1..).zip(*list) {
            let channel = if phone.is_empty() { "email" } else { "sms" };
            let _ = writeln!(
                guardians,
                "{id},{SCHOOL},g-{id}-{number},{name},{phone},{email},{channel},{language},yes,no"
            );
        }
    }
    let staff = format!(
        "id,school,role,name,email,phone\n\
         s-mentor,{SCHOOL},mentor,{},{},\n\
         s-team,{SCHOOL},attendance-team,Närvaroteamet,{TEAM},\n",
        MENTOR.0, MENTOR.1
    );
    [("pupils.csv", pupils), ("guardians.csv", guardians), ("staff.csv", staff)]
}

/// A time zone in which it is between eight and nine in the morning, and its IANA name: the day is
/// the same at whatever hour it is played, and does not end in the middle of it.
pub fn morning(now: Timestamp) -> (String, TimeZone) {
    let hour = i32::from(now.to_zoned_datetime(TimeZone::UTC).hour());
    let ahead = match HOUR - hour {
        hours @ ..-12 => hours + 24,
        hours => hours,
    };
    // West is positive in these names (tzdata, file `etcetera`).
    let name = if ahead == 0 { "Etc/GMT".to_owned() } else { format!("Etc/GMT{:+}", -ahead) };
    let offset = i8::try_from(ahead).expect("between -12 and 11");
    (name, TimeZone::fixed(Offset::constant(offset)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_is_always_morning() {
        for hour in 0..24 {
            let now = Timestamp::from_second(1_800_000_000 + hour * 3_600 + 1_799).expect("time");
            let (name, zone) = morning(now);
            assert_eq!(now.to_zoned_datetime(zone.clone()).hour(), 8, "{name}");
            let named = TimeZone::get(&name).expect("an IANA name");
            assert_eq!(named.to_datetime(now), zone.to_datetime(now), "{name}");
        }
    }

    #[test]
    fn nobody_shares_a_number_and_all_are_fiction() {
        let guardians: Vec<_> = ALL.iter().flat_map(|p| p.guardians).collect();
        let phones: BTreeSet<_> =
            guardians.iter().map(|g| g.phone).filter(|p| !p.is_empty()).collect();
        assert_eq!(phones.len(), guardians.iter().filter(|g| !g.phone.is_empty()).count());
        // The last ten misbehave in the sink.
        assert!(phones.iter().all(|p| ("+46701740605"..="+46701740689").contains(p)), "{phones:?}");
    }

    #[test]
    fn every_row_has_every_cell() {
        for (file, text) in directory(jiff::civil::date(2026, 11, 23)) {
            let cells = |line: &str| line.split(',').count();
            let wanted = cells(text.lines().next().expect("a head"));
            assert!(text.lines().all(|line| cells(line) == wanted), "{file}: {text}");
        }
    }
}
