//! Values for the tests of this room.

use jiff::{SignedDuration, Timestamp, civil::date, tz::TimeZone};

use crate::directory::{Mode, School, SubjectIdentity};
use crate::model::{
    Channel, GuardianId, LessonId, Locale, Notification, NotificationId, PupilId, Purpose, Reason,
    Recipient, SchoolId, State,
};

/// A waiting first notice to one guardian by text.
pub fn notification(guardian: &str) -> Notification {
    let now = Timestamp::from_second(1_800_000_000).expect("time");
    Notification {
        id: NotificationId::of(&[guardian]),
        school: SchoolId::new("s").expect("id"),
        pupil: PupilId::new("p").expect("id"),
        date: date(2027, 1, 15),
        lesson: LessonId::new("l").expect("id"),
        purpose: Purpose::Absence,
        reason: Reason::UnexcusedAbsence,
        correction: None,
        task: None,
        corrects: None,
        revision: 1,
        urgent: true,
        recipient: Recipient::Guardian(GuardianId::new(guardian).expect("id")),
        channel: Channel::Sms,
        address: None,
        state: State::Waiting,
        state_reason: None,
        created_at: now,
        due_at: now,
        deadline: now.saturating_add(SignedDuration::from_hours(8)).expect("time"),
        attempts: Vec::new(),
        tries: 0,
        empty_lookups: 0,
        lookups: 0,
        reference: None,
        carried_by: None,
        carries: Vec::new(),
    }
}

/// A live school with no account, no team and no quiet hours.
pub fn school() -> School {
    School {
        id: SchoolId::new("s").expect("id"),
        name: "Björkskolan".into(),
        mode: Mode::Live,
        gone_live: None,
        zone: TimeZone::get("Europe/Stockholm").expect("zone"),
        locale: Locale::swedish(),
        team_email: None,
        phone: "070-174 06 89".into(),
        sender_id: "Bjorkskolan".into(),
        grace: SignedDuration::ZERO,
        correction_settle: SignedDuration::ZERO,
        guests: std::collections::BTreeSet::new(),
        quiet_hours: None,
        stale_after: SignedDuration::from_hours(24),
        sms_provider: None,
        sms_rate: None,
        operations_email: None,
        registers: crate::directory::RegisterRules::default(),
        daily: crate::directory::DailyLists::default(),
        time: crate::directory::TimeRules::default(),
        subject_identity: SubjectIdentity::None,
        volume: crate::directory::VolumeRules::off(),
        fatigue: crate::directory::Fatigue::off(),
        max_parts: 3,
        languages: crate::directory::LanguageRules::default(),
        calendar: None,
        mutes_marking_guardian: false,
        people: crate::directory::PeopleRules::default(),
        ladders: crate::directory::LadderRules::default(),
        programmes: crate::directory::ProgrammeRules::default(),
    }
}
