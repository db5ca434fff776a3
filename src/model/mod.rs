//! The nouns of the field as plain values: ids, phone numbers, lessons, observations, occasions,
//! notifications, reasons. May do no I/O, read no clock and no randomness, and import no other room.

pub mod accord;
mod account;
mod address;
mod case_number;
pub mod case_word;
mod civic;
mod daily;
mod duty;
pub mod endpoint;
mod firing;
mod hex;
mod id;
mod ladder_counts;
mod lesson;
mod locale;
mod near;
mod notification;
mod observation;
mod occasion;
mod outcome;
mod period;
mod planned;
mod programme;
mod rate;
mod reason;
mod register;
pub mod same_day;
mod secret;
mod silencing;
mod staff_role;
mod term;
mod term_counts;
mod time;
pub mod unseen;
mod volume;
mod watch;
mod week;

pub use accord::{Accord, AccordAbout, AccordEnd, Reports};
pub use account::OnBehalfOf;
pub use address::{Address, Channel, EmailAddress, Phone};
pub use case_number::{case_number, read_case_number};
pub use case_word::{CaseWhat, CaseWord, MentorTold};
pub use civic::looks_civic;
pub use daily::RosterFault;
pub use duty::{Duty, DutyAct, DutyEvent, DutyState};
pub use endpoint::{Endpoint, EndpointError, PlainHttp};
pub use firing::{Firing, Retracted};
pub use hex::hex;
pub use id::{
    EventId, GroupId, GuardianId, IdError, LessonId, MAX_ID_BYTES, NotificationId, ProviderId,
    PupilId, SchoolId, SourceId, StaffId,
};
pub use ladder_counts::{LadderCounts, OldestDuty, OwnerCounts, StepCounts};
pub use lesson::{Lesson, Mark, Minutes};
pub use locale::Locale;
pub use near::did_you_mean;
pub use notification::{
    Attempt, AttemptResult, CorrectionKind, Notification, Purpose, Recipient, State, TaskKind,
};
pub use observation::{AdvanceNotice, Fact, LessonReport, NoticeKind, Observation};
pub use occasion::LessonState;
pub use outcome::{Lookup, Outcome, Receipt, ReceiptStatus, WireError};
pub use period::Period;
pub use planned::Planned;
pub use programme::SessionRecord;
pub use rate::Rate;
pub use reason::Reason;
pub use register::{Register, Silence, Stood};
pub use secret::{SHORTEST_SECRET, is_guessable};
pub use silencing::{SilencedTarget, Silencing, covering};
pub use staff_role::StaffRole;
pub use term::{NoTerm, TermName};
pub use term_counts::TermCounts;
pub use time::{Clock24, local_date};
pub use unseen::shown;
pub use volume::{
    AT_ONCE, Below, Exceeded, Hold, HoldAct, HoldCause, HoldDecision, HoldId, HoldScope, HoldThen,
    MENDED_AFTER, Missing, MissingAt, Stand, TIME_OUT, Usual, stand,
};
pub use watch::{Quiet, Watch, is_ahead};
pub use week::{NoWeek, WeekName};
