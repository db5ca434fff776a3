//! What people call what the figures are of, Swedish and English; programs know the same by stable words. Texts only.

use super::words::Words;
use crate::model::{Channel, Purpose, StaffRole, TaskKind};
use crate::simulate::HoldEnd;

/// Both, as figures take them.
pub(super) fn both(words: Words) -> [String; 2] {
    [words.0.to_owned(), words.1.to_owned()]
}

pub(super) fn channel(channel: Channel) -> Words {
    match channel {
        Channel::Sms => ("sms", "text"),
        Channel::Email => ("mejl", "mail"),
    }
}

pub(super) fn purpose(purpose: Purpose) -> Words {
    match purpose {
        Purpose::Absence => ("larm hem", "alarm home"),
        Purpose::Correction => ("rättelse hem", "correction home"),
        Purpose::TeamAlert => ("larm till närvaroteamet", "alert to the attendance team"),
        Purpose::TeamUpdate => ("tillägg till ett larm", "addition to an alert"),
        Purpose::StaffTask => ("uppgift för personal", "task for staff"),
        Purpose::Test => ("provmeddelande", "test message"),
        Purpose::RegisterNudge => ("påminnelse om närvarotagning", "reminder to take a register"),
        Purpose::RegisterUntaken => ("närvaro inte tagen", "register not taken"),
        Purpose::RegisterTaken => ("närvaro tagen efteråt", "register taken after all"),
        Purpose::RegisterDigest => ("lista: närvaro inte tagen", "list: registers not taken"),
        Purpose::SourceAlert => ("källa tyst", "source silent"),
        Purpose::SourceClear => ("källa hörs igen", "source heard again"),
        Purpose::NotReached => ("lista: hem som inte nåtts", "list: homes not reached"),
        Purpose::RosterAudit => ("lista: fel i elevregistret", "list: faults in the directory"),
        Purpose::VolumeHold => ("stopp: för många saknas", "hold: too many are missing"),
        Purpose::Missed => ("lista: ingen underrättad i går", "list: nobody told yesterday"),
        Purpose::DayReport => ("dagens rapport", "report of the day"),
        Purpose::TermReport => ("terminens rapport", "report of the term"),
        Purpose::LadderReport => ("veckans rapport om trappan", "report of the ladder"),
        Purpose::DutyList => ("lista: åtgärder som är kvar", "list: duties that are left"),
        Purpose::ProgrammeReminder => ("påminnelse om program", "reminder of a programme"),
        Purpose::AskToRing => ("ring skolan", "please ring the school"),
        Purpose::LadderStep => ("steg på trappan nått", "step of the ladder reached"),
        Purpose::Duty => ("åtgärd att göra", "duty to do"),
        Purpose::DutyReminder => ("påminnelse om åtgärd", "reminder of a duty"),
        Purpose::DutyOverdue => ("åtgärd inte gjord i tid", "duty not done in time"),
        Purpose::DutyDocumented => ("åtgärd dokumenterad", "duty documented"),
        Purpose::LadderRetracted => ("steg återtaget", "step taken back"),
        Purpose::PupilLeft => ("elev har slutat", "pupil has left"),
        Purpose::CaseFeedback => ("återkoppling till mentor", "word to the mentor"),
    }
}

pub(super) fn task(kind: TaskKind) -> Words {
    match kind {
        TaskKind::Protected => ("skyddad elev", "protected pupil"),
        TaskKind::NobodyReached => ("ingen kunde nås", "nobody could be reached"),
        TaskKind::UnknownPupil => ("okänd elev", "unknown pupil"),
        TaskKind::HeldInDoubt => ("oklart om det kom fram", "unknown whether it arrived"),
        TaskKind::NotPutRight => ("rättelse kom inte fram", "correction did not arrive"),
        TaskKind::CheckNumber => ("nummer att kontrollera", "number to check"),
    }
}

pub(super) fn hold(end: HoldEnd) -> Words {
    match end {
        HoldEnd::Mended => ("närvaron rättades", "the register was mended"),
        HoldEnd::Released => ("släpptes", "released"),
        HoldEnd::Kept => ("hölls kvar", "kept"),
    }
}

pub(super) fn role(role: StaffRole) -> Words {
    match role {
        StaffRole::Mentor => ("mentor", "mentor"),
        StaffRole::AttendanceTeam => ("närvaroteamet", "attendance team"),
        StaffRole::StudentHealthTeam => ("elevhälsoteamet", "student health team"),
        StaffRole::Principal => ("rektor", "principal"),
        StaffRole::HeadOfEducation => ("skolchef", "head of education"),
        StaffRole::HomeMunicipality => ("hemkommunen", "home municipality"),
        StaffRole::Teacher => ("undervisande lärare", "teacher"),
        StaffRole::Operations => ("driften", "operations"),
        StaffRole::Office => ("expeditionen", "office"),
    }
}
