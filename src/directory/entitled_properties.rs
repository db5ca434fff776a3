//! What holds for every pupil and every set of guardians.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::directory::GuardianLink;
use crate::model::{PupilId, SchoolId};

const TODAY: Date = date(2026, 11, 23);

fn number(n: u32) -> Phone {
    Phone::new(format!("+467017406{n:02}")).expect("fictional number")
}

fn email(n: u32) -> EmailAddress {
    EmailAddress::new(format!("a{n}@example.se")).expect("address")
}

fn channels() -> impl Strategy<Value = Option<Channel>> {
    prop_oneof![Just(None), Just(Some(Channel::Sms)), Just(Some(Channel::Email))]
}

prop_compose! {
    // Few numbers and addresses, so that they are shared often.
    fn guardians()(
        id in "[a-e]", phone in prop::option::of(5u32..8), mail in prop::option::of(0u32..3),
        phone_is_mobile in prop::bool::weighted(0.8), channel in channels(),
    ) -> Guardian {
        Guardian {
            id: GuardianId::new(id).expect("id"),
            name: None,
            phone: phone.map(number),
            phone_is_mobile,
            email: mail.map(email),
            channel,
            language: None,
            household: None,
        }
    }
}

prop_compose! {
    // `f` is never in the roster.
    fn links()(
        id in "[a-f]",
        may_receive in prop::bool::weighted(0.8),
        deny in prop::bool::weighted(0.2),
    ) -> GuardianLink {
        GuardianLink::of(GuardianId::new(id).expect("id"), may_receive, deny)
    }
}

prop_compose! {
    fn pupils()(
        guardians in prop::collection::vec(links(), 0..7),
        protection in prop_oneof![
            6 => Just(Protection::None), 1 => Just(Protection::Protected), 1 => Just(Protection::Unknown)
        ],
        birth_date in prop_oneof![
            4 => Just(Some(date(2013, 5, 4))), 2 => Just(Some(date(2008, 2, 29))), 1 => Just(None)
        ],
        phone in prop::option::of(5u32..9), mail in prop::option::of(0u32..4),
        phone_is_mobile: bool, channel in channels(),
    ) -> Pupil {
        Pupil {
            id: PupilId::new("p").expect("id"),
            school: SchoolId::new("s").expect("id"),
            class: None,
            given_name: "Alva".into(),
            family_name: None,
            birth_date,
            protection,
            mentor: None,
            phone: phone.map(number),
            phone_is_mobile,
            email: mail.map(email),
            channel,
            language: None,
            groups: Vec::new(),
            year: None,
            home_municipality: None,
            flagged: false,
            guardians,
        }
    }
}

/// Every address of a guardian, whether it may be used or not.
fn all_of(guardian: &Guardian) -> Vec<Address> {
    addresses(guardian.phone.as_ref(), true, guardian.email.as_ref()).collect()
}

proptest! {
    #[test]
    fn closed_on_any_doubt_and_each_address_once(
        list in prop::collection::vec(guardians(), 0..7), pupil in pupils(),
    ) {
        let mut roster = Roster::default();
        roster.guardians.extend(list.into_iter().map(|g| (g.id.clone(), g)));
        let denied = |id: &GuardianId| pupil.guardians.iter().any(|l| l.deny && l.guardian == *id);
        let forbidden: Vec<Address> =
            roster.guardians.values().filter(|g| denied(&g.id)).flat_map(all_of).collect();
        let entitled = recipients(&tests::school(), &pupil, &roster, TODAY, &Known::default());
        if pupil.protection != Protection::None || pupil.birth_date.is_none() {
            prop_assert!(matches!(entitled, Entitled::Nobody(_)));
            return Ok(());
        }
        let (candidates, refused) = match entitled {
            Entitled::Nobody(reason) => {
                prop_assert_eq!(reason, Reason::NoEntitledGuardian);
                return Ok(());
            }
            Entitled::Adult(candidates) => {
                prop_assert_eq!(candidates.len(), 1);
                for address in candidates[0].contact.iter().flatten() {
                    let of = |l: &GuardianLink| roster.guardians.get(&l.guardian).map(all_of);
                    prop_assert!(!pupil.guardians.iter().filter_map(of).flatten().any(|a| a == *address));
                }
                return Ok(());
            }
            Entitled::Guardians { candidates, refused } => (candidates, refused),
        };
        // Every linked guardian is spoken of once: as told, or as refused with a reason.
        let mut spoken_of: Vec<GuardianId> = refused.iter().map(|(id, _)| id.clone()).collect();
        let mut used = BTreeSet::new();
        for candidate in &candidates {
            let Recipient::Guardian(id) = &candidate.recipient else { panic!("not a guardian") };
            spoken_of.push(id.clone());
            let guardian = &roster.guardians[id];
            prop_assert!(!denied(id));
            prop_assert!(pupil.guardians.iter().any(|l| l.may_receive && l.guardian == *id));
            for address in candidate.contact.iter().flatten() {
                prop_assert!(used.insert(address.clone()), "one address, two messages");
                prop_assert!(!forbidden.contains(address));
                prop_assert!(all_of(guardian).contains(address));
                prop_assert!(address.channel() == Channel::Email || guardian.phone_is_mobile);
            }
        }
        let linked: BTreeSet<GuardianId> = pupil.guardians.iter().map(|l| l.guardian.clone()).collect();
        prop_assert_eq!(spoken_of.len(), linked.len());
        prop_assert_eq!(spoken_of.into_iter().collect::<BTreeSet<_>>(), linked);
        // Already told means so: each of the guardian's addresses is where somebody is told first.
        let firsts: Vec<&Address> =
            candidates.iter().filter_map(|c| c.contact.as_ref().ok()?.first()).collect();
        for (id, _) in refused.iter().filter(|(_, reason)| *reason == Reason::AlreadyTold) {
            let reachable = reach(&roster.guardians[id]);
            let open = reachable.iter().filter(|a| !forbidden.contains(a));
            prop_assert!(open.into_iter().all(|a| firsts.contains(&a)));
        }
    }
}
