//! Messages about no one pupil: what such a row is, and that the same one has the same id however often it is made.
//! Pure; decides nothing.

use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::directory::School;
use crate::model::{
    Channel, LessonId, Notification, NotificationId, PupilId, Purpose, Reason, Recipient, Silence,
    SourceId, StaffRole, State, local_date,
};

/// Stands where other messages have a pupil.
pub const NO_PUPIL: &str = "upprop-notice";

/// How long a notice to the team or to IT is worth sending.
const DEADLINE: SignedDuration = SignedDuration::from_hours(24);

/// What makes a notice the one that it is.
#[derive(Debug, Clone)]
pub struct Notice<'a> {
    /// What it is for; one of which [`Purpose::is_notice`] holds.
    pub purpose: Purpose,
    /// Why.
    pub reason: Reason,
    /// To whom.
    pub recipient: Recipient,
    /// By which way.
    pub channel: Channel,
    /// What it is about, where other messages have a lesson.
    pub about: &'a LessonId,
    /// The day it is about, in the school's zone.
    pub date: Date,
    /// What tells it from others about the same on the same day; empty: there are no others.
    pub which: String,
}

impl Notice<'_> {
    /// The id of its row.
    pub fn id(&self, school: &School) -> NotificationId {
        NotificationId::of(&[
            "notice",
            school.id.as_str(),
            self.purpose.as_str(),
            self.about.as_str(),
            &self.date.to_string(),
            &self.recipient.key(),
            self.channel.as_str(),
            &self.which,
        ])
    }

    /// Its row, due now.
    pub fn row(&self, school: &School, now: Timestamp) -> Notification {
        Notification {
            id: self.id(school),
            school: school.id.clone(),
            pupil: PupilId::new(NO_PUPIL).expect("a good id"),
            date: self.date,
            lesson: self.about.clone(),
            purpose: self.purpose,
            reason: self.reason,
            correction: None,
            task: None,
            corrects: None,
            revision: 0,
            urgent: false,
            recipient: self.recipient.clone(),
            channel: self.channel,
            address: None,
            state: State::Waiting,
            state_reason: None,
            created_at: now,
            due_at: now,
            deadline: now.saturating_add(DEADLINE).unwrap_or(Timestamp::MAX),
            attempts: Vec::new(),
            tries: 0,
            empty_lookups: 0,
            lookups: 0,
            reference: None,
            carried_by: None,
            carries: Vec::new(),
        }
    }
}

/// That a source is silent about a school ([`Purpose::SourceAlert`]), or speaks again ([`Purpose::SourceClear`]): to
/// those of `roles`, IT only where configuration says who that is. Each silence has its own, once.
pub fn of_silence(
    school: &School,
    source: &SourceId,
    silence: &Silence,
    purpose: Purpose,
    roles: &[StaffRole],
    now: Timestamp,
) -> Vec<Notification> {
    // Both kinds of id take the same texts.
    let Ok(about) = LessonId::new(source.as_str()) else { return Vec::new() };
    let which = silence.noticed_at.to_string();
    let reason = match purpose {
        Purpose::SourceClear => Reason::SourceHeard,
        _ => Reason::SourceSilent,
    };
    let to = |role: &StaffRole| {
        let notice = Notice {
            purpose,
            reason,
            recipient: Recipient::Staff(*role),
            channel: Channel::Email,
            about: &about,
            date: local_date(silence.noticed_at, &school.zone),
            which: which.clone(),
        };
        notice.row(school, now)
    };
    let is_there =
        |role: &&StaffRole| **role != StaffRole::Operations || school.operations_email.is_some();
    roles.iter().filter(is_there).map(to).collect()
}

/// Who is told of a source from which marks come.
pub const TOLD: [StaffRole; 2] = [StaffRole::Operations, StaffRole::AttendanceTeam];

/// The alert that an all-clear takes back.
pub fn alert_of(school: &School, clear: &Notification, silence: &Silence) -> NotificationId {
    let which = silence.noticed_at.to_string();
    Notice {
        purpose: Purpose::SourceAlert,
        reason: Reason::SourceSilent,
        recipient: clear.recipient.clone(),
        channel: clear.channel,
        about: &clear.lesson,
        date: clear.date,
        which,
    }
    .id(school)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::testing::school;
    use crate::model::EmailAddress;

    #[test]
    fn a_silence_is_told_to_each_once() {
        let at = |s: i64| Timestamp::from_second(1_800_000_000 + s).expect("time");
        let silence = Silence {
            noticed_at: at(0),
            since: None,
            lessons: 31,
            marks: true,
            unreachable: false,
            over_at: None,
        };
        let source = SourceId::new("ss12000").expect("id");
        let made = |school: &School, silence: &Silence, purpose, now| {
            of_silence(school, &source, silence, purpose, &TOLD, now)
        };
        let mut school = school();
        let team = made(&school, &silence, Purpose::SourceAlert, at(1));
        assert_eq!(team.len(), 1, "nobody is IT");
        school.operations_email = EmailAddress::new("it@example.se").ok();
        let both = made(&school, &silence, Purpose::SourceAlert, at(1));
        assert_eq!(both.len(), 2);
        assert_ne!(both[0].id, both[1].id);
        let again = made(&school, &silence, Purpose::SourceAlert, at(99));
        assert_eq!(both[0].id, again[0].id, "made twice it is the same");
        let another = Silence { noticed_at: at(5), ..silence.clone() };
        assert_ne!(made(&school, &another, Purpose::SourceAlert, at(5))[0].id, both[0].id);
        for (clear, alert) in
            made(&school, &silence, Purpose::SourceClear, at(50)).iter().zip(&both)
        {
            assert_eq!(alert_of(&school, clear, &silence), alert.id);
            assert_ne!(clear.id, alert.id);
        }
    }
}
