//! Every transition of the outbox that the daemon commits, with a day on which it happens and how that
//! day ends, whatever fails at that commit. The numbers are those of the outbox's table in the
//! reliability notes.

use upprop::model::{Channel, Purpose, State};

use super::failing::Transition;
use super::outside::{Answer, History, Said};
use Answer::{
    Away, Busy, Locked, Never, ReplyLost, RequestLost, Take, TakenAndDead, TakenButBusy,
    TakenButNever,
};
use Channel::{Email, Sms};
use State::{
    Accepted, Cancelled, Delivered, Expired, Held, InDoubt, Rejected, Sending, Undelivered, Waiting,
};

/// Rows of the table that nothing can commit here, and why.
pub const NOT_HERE: &[(&str, &str)] = &[
    (
        "10",
        "held -> waiting or failed: there is no command by which a person decides about a message",
    ),
    (
        "13",
        "in doubt or held -> expired: the provider is asked until the deadline, then it is held",
    ),
];

/// What the guardian can be reached by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Phone,
    Mail,
    PhoneThenMail,
    MailThenPhone,
}

/// What is heard from the school system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A mark.
    Mark(&'static str),
    /// A mark in the next lesson.
    MarkNext(&'static str),
    /// Another directory, in which the pupil is protected.
    Protected,
}

/// A transition and its day.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The number and what happens.
    pub name: &'static str,
    pub is: Transition,
    pub reach: Reach,
    pub grace: &'static str,
    pub stale_after: &'static str,
    /// How fast texts and mails may leave.
    pub rate: &'static str,
    pub texts: &'static [Answer],
    /// To the guardian; the team's are taken.
    pub mails: &'static [Answer],
    pub history: History,
    pub reports: &'static [Said],
    /// With seconds after the day began.
    pub heard: &'static [(i64, Heard)],
    /// Every notification in the end: purpose, channel, state, and how often it arrived.
    pub ends: &'static str,
}

const fn sms(from: State, to: State) -> Transition {
    let (from, purpose) = (Some(from), Purpose::Absence);
    Transition { from, to, purpose, channel: Sms, open: None }
}

const fn mail(from: State, to: State) -> Transition {
    Transition { channel: Email, ..sms(from, to) }
}

const fn made(purpose: Purpose, channel: Channel) -> Transition {
    Transition { from: None, to: Waiting, purpose, channel, open: None }
}

/// The next text waits, also across a start.
const ONE_AN_HOUR: &str = "1/h";

const MISSING: (i64, Heard) = (0, Heard::Mark("unexcused"));

const DAY: Row = Row {
    name: "",
    is: sms(Waiting, Sending),
    reach: Reach::Phone,
    grace: "0s",
    stale_after: "20h",
    rate: "60/min",
    texts: &[Take],
    mails: &[Take],
    history: History::Honest,
    reports: &[],
    heard: &[MISSING],
    ends: "absence sms accepted 1, team-alert email accepted 1",
};

/// All of them.
pub const ROWS: &[Row] = &[
    Row { name: "1 none -> waiting: an event", is: made(Purpose::Absence, Sms), ..DAY },
    Row {
        name: "1 none -> waiting: a correction",
        is: made(Purpose::Correction, Sms),
        heard: &[MISSING, (60, Heard::Mark("present"))],
        ends: "absence sms accepted 1, correction sms accepted 1",
        ..DAY
    },
    Row { name: "1 none -> waiting: lesson end", is: made(Purpose::TeamAlert, Email), ..DAY },
    Row {
        name: "1 none -> waiting: the other channel",
        is: made(Purpose::Absence, Email),
        reach: Reach::PhoneThenMail,
        texts: &[Never],
        ends: "absence email accepted 1, absence sms rejected 0, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "1 cancelled -> waiting: so again",
        is: mail(Cancelled, Waiting),
        reach: Reach::Mail,
        rate: ONE_AN_HOUR,
        mails: &[ReplyLost, Take],
        heard: &[MISSING, (300, Heard::Mark("present")), (600, Heard::Mark("unexcused"))],
        ends: "absence email accepted 1, correction email cancelled 0, team-alert email accepted 1",
        ..DAY
    },
    Row { name: "2 waiting -> sending: text", ..DAY },
    Row {
        name: "2 waiting -> sending: mail",
        is: mail(Waiting, Sending),
        reach: Reach::Mail,
        ends: "absence email accepted 1, team-alert email accepted 1",
        ..DAY
    },
    Row { name: "3 sending -> accepted: text", is: sms(Sending, Accepted), ..DAY },
    Row {
        name: "3 sending -> accepted: mail",
        is: mail(Sending, Accepted),
        reach: Reach::Mail,
        ends: "absence email accepted 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "4 sending -> waiting: refused for now",
        is: sms(Sending, Waiting),
        texts: &[Busy, Take],
        ..DAY
    },
    Row {
        name: "4 sending -> waiting: provider away",
        is: sms(Sending, Waiting),
        texts: &[Away, Take],
        ..DAY
    },
    Row {
        name: "4 sending -> waiting: account stopped",
        is: sms(Sending, Waiting),
        texts: &[Locked, Take],
        ..DAY
    },
    Row {
        name: "4 sending -> waiting: mail",
        is: mail(Sending, Waiting),
        reach: Reach::Mail,
        mails: &[Busy, Take],
        ends: "absence email accepted 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "5 sending -> rejected: text",
        is: sms(Sending, Rejected),
        reach: Reach::PhoneThenMail,
        texts: &[Never],
        ends: "absence email accepted 1, absence sms rejected 0, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "5 sending -> rejected: mail",
        is: mail(Sending, Rejected),
        reach: Reach::MailThenPhone,
        mails: &[Never],
        ends: "absence email rejected 0, absence sms accepted 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "6 sending -> in doubt: text",
        is: Transition { open: Some(false), ..sms(Sending, InDoubt) },
        texts: &[ReplyLost, Take],
        ..DAY
    },
    Row {
        name: "6 sending -> in doubt: mail",
        is: Transition { open: Some(false), ..mail(Sending, InDoubt) },
        reach: Reach::Mail,
        mails: &[ReplyLost, Take],
        ends: "absence email accepted 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "6 sending -> in doubt: at a start, text",
        is: Transition { open: Some(true), ..sms(Sending, InDoubt) },
        texts: &[TakenAndDead, Take],
        ..DAY
    },
    Row {
        name: "6 sending -> in doubt: at a start, mail",
        is: Transition { open: Some(true), ..mail(Sending, InDoubt) },
        reach: Reach::Mail,
        mails: &[TakenAndDead, Take],
        ends: "absence email accepted 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "7 in doubt -> accepted: looked up",
        is: sms(InDoubt, Accepted),
        texts: &[ReplyLost, Take],
        ..DAY
    },
    Row {
        name: "7 in doubt -> accepted: reported",
        is: sms(InDoubt, Accepted),
        texts: &[ReplyLost, Take],
        history: History::None,
        reports: &[(30, "sent")],
        ..DAY
    },
    Row {
        name: "7 in doubt -> delivered: reported",
        is: sms(InDoubt, Delivered),
        texts: &[ReplyLost, Take],
        reports: &[(30, "delivered")],
        ends: "absence sms delivered 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "7 held -> accepted: reported",
        is: sms(Held, Accepted),
        texts: &[ReplyLost, Take],
        history: History::None,
        reports: &[(3_000, "sent")],
        ends: "absence sms accepted 1, staff-task email accepted 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "7 held -> delivered: reported",
        is: sms(Held, Delivered),
        texts: &[ReplyLost, Take],
        history: History::None,
        reports: &[(3_000, "delivered")],
        ends: "absence sms delivered 1, staff-task email accepted 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "8 in doubt -> waiting: looked up twice",
        is: sms(InDoubt, Waiting),
        texts: &[RequestLost, Take],
        ..DAY
    },
    Row {
        name: "8 in doubt -> waiting: mail again",
        is: mail(InDoubt, Waiting),
        reach: Reach::Mail,
        mails: &[RequestLost, Take],
        ends: "absence email accepted 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "9 in doubt -> held: text",
        is: sms(InDoubt, Held),
        texts: &[ReplyLost, Take],
        history: History::None,
        ends: "absence sms held 1, staff-task email accepted 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "9 in doubt -> held: mail",
        is: mail(InDoubt, Held),
        reach: Reach::Mail,
        mails: &[ReplyLost],
        ends: "absence email held 1, staff-task email accepted 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "11 accepted -> delivered",
        is: sms(Accepted, Delivered),
        reports: &[(30, "delivered")],
        ends: "absence sms delivered 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "11 accepted -> undelivered",
        is: sms(Accepted, Undelivered),
        reach: Reach::PhoneThenMail,
        reports: &[(30, "failed")],
        ends: "absence email accepted 1, absence sms undelivered 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "11 sending -> accepted: reported first",
        is: Transition { open: Some(true), ..sms(Sending, Accepted) },
        reports: &[(0, "sent")],
        ..DAY
    },
    Row {
        name: "11 sending -> delivered: reported first",
        is: sms(Sending, Delivered),
        reports: &[(0, "delivered")],
        ends: "absence sms delivered 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "11 sending -> undelivered: reported first",
        is: sms(Sending, Undelivered),
        reach: Reach::PhoneThenMail,
        reports: &[(0, "failed")],
        ends: "absence email accepted 1, absence sms undelivered 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "11 in doubt -> undelivered: reported",
        is: sms(InDoubt, Undelivered),
        reach: Reach::PhoneThenMail,
        texts: &[ReplyLost, Take],
        reports: &[(30, "failed")],
        ends: "absence email accepted 1, absence sms undelivered 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "11 held -> undelivered: reported",
        is: sms(Held, Undelivered),
        reach: Reach::PhoneThenMail,
        texts: &[ReplyLost, Take],
        history: History::None,
        reports: &[(3_000, "failed")],
        ends: "absence email accepted 1, absence sms undelivered 1, staff-task email accepted 1, \
               team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "11 waiting -> accepted: taken after all",
        is: sms(Waiting, Accepted),
        rate: ONE_AN_HOUR,
        texts: &[TakenButBusy, Take],
        reports: &[(5, "sent")],
        ..DAY
    },
    Row {
        name: "11 waiting -> delivered: taken after all",
        is: sms(Waiting, Delivered),
        rate: ONE_AN_HOUR,
        texts: &[TakenButBusy, Take],
        reports: &[(5, "delivered")],
        ends: "absence sms delivered 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "11 waiting -> undelivered: taken after all",
        is: sms(Waiting, Undelivered),
        reach: Reach::PhoneThenMail,
        rate: ONE_AN_HOUR,
        texts: &[TakenButBusy, Take],
        reports: &[(5, "failed")],
        ends: "absence email accepted 1, absence sms undelivered 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "11 undelivered -> delivered: late",
        is: sms(Undelivered, Delivered),
        reach: Reach::PhoneThenMail,
        reports: &[(30, "failed"), (90, "delivered")],
        ends: "absence email accepted 1, absence sms delivered 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "11 rejected -> delivered: late",
        is: sms(Rejected, Delivered),
        reach: Reach::PhoneThenMail,
        texts: &[TakenButNever],
        reports: &[(90, "delivered")],
        ends: "absence email accepted 1, absence sms delivered 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "11 expired -> delivered: late",
        is: sms(Expired, Delivered),
        stale_after: "2h",
        rate: ONE_AN_HOUR,
        texts: &[TakenButBusy, Away],
        reports: &[(12_000, "delivered")],
        ends: "absence sms delivered 1, staff-task email accepted 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "11 cancelled -> delivered: late",
        is: sms(Cancelled, Delivered),
        rate: ONE_AN_HOUR,
        texts: &[TakenButBusy, Take],
        heard: &[MISSING, (5, Heard::Mark("present"))],
        reports: &[(90, "delivered")],
        ends: "absence sms delivered 1, correction sms accepted 1",
        ..DAY
    },
    Row {
        name: "12 waiting -> cancelled: an event",
        is: sms(Waiting, Cancelled),
        grace: "10m",
        heard: &[MISSING, (60, Heard::Mark("present"))],
        ends: "absence sms cancelled 0",
        ..DAY
    },
    Row {
        name: "12 waiting -> cancelled: asked again",
        is: sms(Waiting, Cancelled),
        grace: "10m",
        heard: &[MISSING, (60, Heard::Protected)],
        ends: "absence sms cancelled 0, staff-task email accepted 1",
        ..DAY
    },
    Row {
        name: "12 waiting -> rejected: number known as wrong",
        is: sms(Waiting, Rejected),
        reach: Reach::PhoneThenMail,
        texts: &[Never],
        heard: &[MISSING, (4_260, Heard::MarkNext("unexcused"))],
        ends: "absence email accepted 1, absence email accepted 1, absence sms rejected 0, \
               absence sms rejected 0, team-alert email accepted 1, team-alert email accepted 1",
        ..DAY
    },
    Row {
        name: "12 waiting -> expired",
        is: sms(Waiting, Expired),
        stale_after: "2h",
        texts: &[Away],
        ends: "absence sms expired 0, staff-task email accepted 1, team-alert email accepted 1",
        ..DAY
    },
];
