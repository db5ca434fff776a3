//! Tables of numbers as they stand in registers. Mobiles and landlines are those PTS keeps for fiction
//! (070-174 06 05…99, 08-465 004 00…99, 031-390 06 00…49); the rest are examples of a kind.

use proptest::prelude::*;

use super::*;

fn read(raw: &str) -> Result<Normalised, PhoneError> {
    normalise(raw, &PhoneRules::default())
}

#[test]
fn ways_to_write_a_mobile() {
    for raw in [
        "0701740605",
        "070-174 06 05",
        "070/174 06 05",
        "0701/740605",
        "070.174.06.05",
        "(070) 174 06 05",
        "070\u{a0}174\u{a0}06\u{a0}05",
        "070\u{2011}174\u{2013}06\u{2014}05",
        "+46701740605",
        "+46 70 174 06 05",
        "+46 (0)70 174 06 05",
        "+46(0)701740605",
        "0046701740605",
        "0046 (0)70-174 06 05",
        "tel:+46-70-174-06-05",
        "TEL: 0701740605",
        " \u{202a}+46701740605\u{202c} ",
        "+46 70\u{ad}174 06 05",
        "٠٧٠١٧٤٠٦٠٥",
        "۰۷۰۱۷۴۰۶۰۵",
        "０７０１７４０６０５",
        "＋46701740605",
    ] {
        let number = read(raw).unwrap_or_else(|e| panic!("{raw:?} {e}"));
        assert_eq!(number.phone.expose(), "+46701740605", "{raw:?}");
        assert_eq!((number.kind, number.warning), (PhoneKind::Mobile, None), "{raw:?}");
    }
}

#[test]
fn assumptions_are_told() {
    for (raw, warning) in [
        ("46701740605", PhoneWarning::PlusMissing),
        ("46 70 174 06 05", PhoneWarning::PlusMissing),
        ("701740605", PhoneWarning::ZeroMissing),
        ("+460701740605", PhoneWarning::TrunkZero),
        ("00460701740605", PhoneWarning::TrunkZero),
    ] {
        let number = read(raw).unwrap_or_else(|e| panic!("{raw:?} {e}"));
        assert_eq!(number.phone.expose(), "+46701740605", "{raw:?}");
        assert_eq!(number.warning, Some(warning), "{raw:?}");
    }
}

#[test]
fn every_fictional_number_is_a_mobile() {
    for last in 605..=699 {
        let number = read(&format!("0701740{last}")).expect("fictional");
        assert_eq!(number.kind, PhoneKind::Mobile, "{last}");
    }
}

#[test]
fn numbers_no_text_goes_to() {
    for (raw, kind) in [
        ("08-465 004 01", PhoneKind::FixedLine),
        ("031-390 06 05", PhoneKind::FixedLine),
        ("074-010 00 00", PhoneKind::Other),
        ("075-100 00 00", PhoneKind::Other),
        ("077-000 00 00", PhoneKind::Other),
        ("010-100 00 00", PhoneKind::Other),
        ("020-000 000", PhoneKind::Other),
        ("0900-100 000", PhoneKind::Other),
        ("0939-100 000", PhoneKind::Other),
        ("0944-100 000", PhoneKind::Other),
    ] {
        let number = read(raw).unwrap_or_else(|e| panic!("{raw:?} {e}"));
        assert_eq!(number.kind, kind, "{raw:?}");
    }
}

#[test]
fn what_cannot_be_read() {
    use PhoneError as E;
    for (raw, error) in [
        ("", E::Empty),
        (" - ", E::Empty),
        ("070-174 06 05 / 070-174 06 06", E::TwoNumbers),
        ("0701740605/0701740606", E::TwoNumbers),
        ("0701740605, 0701740606", E::TwoNumbers),
        ("0701740605;0701740606", E::TwoNumbers),
        ("0701740605 eller 0701740606", E::TwoNumbers),
        ("0701740605 0701740606", E::TwoNumbers),
        ("0701740605\n0701740606", E::TwoNumbers),
        ("+46701740605+46701740606", E::TwoNumbers),
        ("08-465 004 01 ankn 12", E::Extension),
        ("08-465 004 01 ext. 12", E::Extension),
        ("0846500401x12", E::Extension),
        ("tel:+46-8-465-004-01;ext=12", E::Extension),
        ("0846500401#12", E::Extension),
        ("0701740605 (mamma)", E::Letters),
        ("070I740605", E::Letters),
        ("okänt", E::Letters),
        ("070*1740605", E::Sign),
        ("070+1740605", E::Sign),
        ("+46+701740605", E::Sign),
        ("112", E::NoPrefix),
        ("1740605", E::NoPrefix),
        ("0701", E::Invalid),
        ("07017406051", E::Invalid),
        ("+46", E::Invalid),
        ("0000000000", E::Invalid),
        ("+46701740605123456", E::Invalid),
        ("+12025550123", E::Country(1)),
        ("+79000000000", E::Country(7)),
        ("0088213300000", E::Country(882)),
    ] {
        assert_eq!(read(raw), Err(error), "{raw:?}");
        assert!(!error.remedy().is_empty());
    }
}

#[test]
fn the_list_of_countries_decides() {
    let nobody = PhoneRules { countries: BTreeSet::new() };
    assert_eq!(normalise("0701740605", &nobody), Err(PhoneError::Country(46)));
    let all: Vec<u16> = PhoneRules::default().countries.into_iter().collect();
    assert_eq!(all.len(), DEFAULT_COUNTRIES.len(), "a country is listed twice");
    // Examples of libphonenumber's metadata, not subscribers.
    for (raw, kind) in [
        ("+4740612345", PhoneKind::Mobile),
        ("+358 41 2345678", PhoneKind::Mobile),
        ("+45 32 12 34 56", PhoneKind::Mobile),
        ("+380 50 123 4567", PhoneKind::Mobile),
        ("+44 7400 123456", PhoneKind::Mobile),
        ("+48 512 345 678", PhoneKind::Mobile),
        ("+44 121 234 5678", PhoneKind::FixedLine),
    ] {
        assert_eq!(read(raw).map(|n| n.kind), Ok(kind), "{raw:?}");
    }
}

proptest! {
    #[test]
    fn what_comes_out_goes_in_again(
        raw in prop_oneof![
            "[0-9+() /.-]{0,18}",
            "(\\+|00)?(46|45|47|358|49|39|44|380)(\\(0\\)|0)?[0-9 -]{5,12}",
            "0[0-9]{6,10}",
            "\\PC{0,24}",
        ]
    ) {
        if let Ok(number) = read(&raw) {
            let again = read(number.phone.expose()).expect("E.164 is read");
            prop_assert_eq!(&again.phone, &number.phone);
            prop_assert_eq!(again.kind, number.kind);
            prop_assert_eq!(again.warning, None);
        }
    }
}
