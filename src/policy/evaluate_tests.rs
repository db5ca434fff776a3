//! Timelines of one lesson: what is planned for each state of what was told, and that planning
//! twice plans nothing new.

use jiff::civil::date;

use super::*;
use crate::directory::{Guardian, GuardianLink, Protection};
use crate::model::{
    Attempt, CorrectionKind, EmailAddress, GuardianId, Lesson, LessonId, LessonReport, Mark,
    NoticeKind, Phone, ProviderId, SchoolId,
};

#[path = "evaluate_again_tests.rs"]
mod again;
#[path = "evaluate_exclusion_tests.rs"]
mod left_out;
#[path = "evaluate_operator_tests.rs"]
mod operator;
#[path = "evaluate_people_tests.rs"]
mod people;
#[path = "evaluate_retold_tests.rs"]
mod retold;
#[path = "evaluate_team_tests.rs"]
mod team;

/// One lesson with everything around it, kept as the store would keep it.
struct Bench {
    school: School,
    roster: Roster,
    pupil: PupilId,
    lesson: LessonState,
    notices: Vec<AdvanceNotice>,
    told: Vec<Notification>,
    now: Timestamp,
    protected: bool,
    exclusion: Option<Reason>,
    accords: Vec<Accord>,
    rung: bool,
}

fn at(clock: &str) -> Timestamp {
    format!("2026-11-23T{clock}:00+01:00").parse().expect("time")
}

impl Bench {
    fn new(protection: Protection, birth: Option<Date>) -> Self {
        let school = School {
            team_email: Some(EmailAddress::new("team@example.se").expect("email")),
            ..crate::delivery::testing::school()
        };
        let pupil = PupilId::new("p").expect("id");
        let mut roster = Roster::default();
        let mut links = Vec::new();
        for (id, phone) in [("g1", "+46701740605"), ("g2", "+46701740606")] {
            let id = GuardianId::new(id).expect("id");
            links.push(GuardianLink::of(id.clone(), true, false));
            roster.guardians.insert(
                id.clone(),
                Guardian {
                    id,
                    name: None,
                    phone: Some(Phone::new(phone).expect("phone")),
                    phone_is_mobile: true,
                    email: None,
                    channel: None,
                    language: None,
                    household: None,
                },
            );
        }
        let row = Pupil {
            id: pupil.clone(),
            school: school.id.clone(),
            class: None,
            given_name: "Alva".into(),
            family_name: None,
            birth_date: birth,
            protection,
            mentor: None,
            phone: None,
            phone_is_mobile: true,
            email: Some(EmailAddress::new("p@example.se").expect("email")),
            channel: None,
            language: None,
            groups: Vec::new(),
            year: None,
            home_municipality: None,
            flagged: false,
            guardians: links,
        };
        roster.pupils.entry(school.id.clone()).or_default().insert(pupil.clone(), row);
        let lesson = Lesson {
            id: LessonId::new("l").expect("id"),
            start: at("08:20"),
            end: at("09:20"),
            label: None,
        };
        Self {
            school,
            roster,
            pupil,
            lesson: LessonState::new(lesson, at("08:21")),
            notices: Vec::new(),
            told: Vec::new(),
            now: at("08:21"),
            protected: false,
            exclusion: None,
            accords: Vec::new(),
            rung: false,
        }
    }

    fn minor() -> Self {
        Self::new(Protection::None, Some(date(2013, 5, 4)))
    }

    fn mark(&mut self, clock: &str, mark: Mark) -> Vec<String> {
        self.now = at(clock);
        self.lesson.mark = Some(mark);
        self.lesson.recorded_at = Some(self.now);
        self.lesson.received_at = self.now;
        self.decide()
    }

    /// Evaluates, keeps the plan, requires that evaluating again makes nothing new, and says what
    /// was made and cancelled.
    fn decide(&mut self) -> Vec<String> {
        let plan = self.evaluate();
        let mut done: Vec<String> = plan
            .cancel
            .iter()
            .map(|(id, reason)| {
                let n = self.told.iter_mut().find(|n| n.id == *id).expect("told");
                n.state = State::Cancelled;
                n.state_reason = Some(*reason);
                format!("cancel {} {}: {reason}", n.purpose.as_str(), n.recipient.key())
            })
            .collect();
        for n in &plan.make {
            let kind = n.task.map(|t| format!(" {}", t.as_str())).unwrap_or_default();
            done.push(format!("{}{kind} {}", n.purpose.as_str(), n.recipient.key()));
        }
        done.extend(
            plan.decisions
                .iter()
                .filter(|d| d.act == "suppress")
                .map(|d| format!("suppress: {}", d.reason)),
        );
        self.lesson.missing = plan.missing;
        self.lesson.revision = plan.revision;
        self.told.extend(plan.make);
        let again = self.evaluate();
        assert_eq!(again.make, [], "deciding twice makes nothing new");
        assert_eq!(again.cancel, []);
        done
    }

    fn evaluate(&self) -> Plan {
        evaluate(&Situation {
            now: self.now,
            school: &self.school,
            roster: &self.roster,
            pupil: &self.pupil,
            date: date(2026, 11, 23),
            lesson: &self.lesson,
            notices: &self.notices,
            told: &self.told,
            missing_elsewhere: false,
            duty_elsewhere: false,
            protected: self.protected,
            exclusion: self.exclusion,
            accords: &self.accords,
            rung: self.rung,
        })
    }

    /// Everything that waits leaves, and ends in `state`.
    fn send_all(&mut self, state: State) {
        for n in self.told.iter_mut().filter(|n| n.state == State::Waiting) {
            n.state = state;
            n.attempts.push(Attempt {
                started_at: self.now,
                account: ProviderId::new("a").expect("id"),
                text_sha256: None,
                languages: Vec::new(),
                result: None,
            });
        }
    }
}

const BOTH: [&str; 2] = ["absence guardian:g1", "absence guardian:g2"];
const CORRECT_BOTH: [&str; 2] = ["correction guardian:g1", "correction guardian:g2"];

#[test]
fn told_then_late_then_corrected_once() {
    for sent_as in [State::Sending, State::Accepted, State::Delivered, State::InDoubt, State::Held]
    {
        let mut b = Bench::minor();
        assert_eq!(b.mark("08:21", Mark::Unexcused), BOTH);
        b.send_all(sent_as);
        assert_eq!(b.mark("08:40", Mark::Late), CORRECT_BOTH, "{sent_as:?}");
        assert!(b.told[2..].iter().all(|n| n.correction == Some(CorrectionKind::Arrived)));
        b.send_all(State::Accepted);
        assert_eq!(b.mark("08:41", Mark::Present), [""; 0], "one correction only");
    }
}

#[test]
fn a_mark_mended_in_time_tells_nobody() {
    let mut b = Bench::minor();
    b.mark("08:21", Mark::Unexcused);
    assert_eq!(
        b.mark("08:22", Mark::Present),
        ["cancel absence guardian:g1: present", "cancel absence guardian:g2: present"]
    );
    assert_eq!(b.mark("08:23", Mark::Excused), ["suppress: excused"]);
}

#[test]
fn flapping_marks_leave_each_told_state_corrected_once() {
    let mut b = Bench::minor();
    b.mark("08:21", Mark::Unexcused);
    b.send_all(State::Accepted);
    assert_eq!(b.mark("08:22", Mark::Present), CORRECT_BOTH);
    // Back before the correction left: it is called back, and what was told is true again.
    assert_eq!(
        b.mark("08:23", Mark::Unexcused),
        [
            "cancel correction guardian:g1: mark-changed",
            "cancel correction guardian:g2: mark-changed"
        ]
    );
    // And away again: a new correction of the same message.
    assert_eq!(b.mark("08:24", Mark::Present), CORRECT_BOTH);
    b.send_all(State::Accepted);
    // Back after the correction left: a renewed alarm, and one correction of that.
    assert_eq!(b.mark("08:25", Mark::Unexcused), BOTH);
    b.send_all(State::Accepted);
    assert_eq!(b.mark("08:26", Mark::Present), CORRECT_BOTH);
}

#[test]
fn a_notice_suppresses_corrects_and_its_withdrawal_tells_again() {
    let notice = AdvanceNotice { from: at("08:00"), to: at("15:00"), kind: NoticeKind::Notified };
    let mut b = Bench::minor();
    b.notices.push(notice);
    assert_eq!(b.mark("08:21", Mark::Unexcused), ["suppress: advance-notice"]);
    b.notices.clear();
    assert_eq!(b.decide(), BOTH, "withdrawn: it is so after all");
    b.send_all(State::Delivered);
    b.notices.push(notice);
    assert_eq!(b.decide(), CORRECT_BOTH);
    assert!(b.told[2..].iter().all(|n| n.correction == Some(CorrectionKind::Excused)));
}

#[test]
fn nobody_where_in_doubt_but_staff_once() {
    for (protection, birth, reason, task) in [
        (Protection::Protected, Some(date(2013, 1, 1)), "protected", "protected"),
        (Protection::Unknown, Some(date(2013, 1, 1)), "protection-unknown", "protected"),
        (Protection::None, None, "age-unknown", "nobody-reached"),
    ] {
        let mut b = Bench::new(protection, birth);
        assert_eq!(
            b.mark("08:21", Mark::Unexcused),
            [format!("staff-task {task} staff:AttendanceTeam"), format!("suppress: {reason}")]
        );
        b.send_all(State::Accepted);
        b.now = at("09:20");
        let end = b.decide();
        assert!(
            end.iter().all(|l| !l.contains("absence") && !l.contains("protected staff")),
            "{end:?}"
        );
    }
    let mut b = Bench::minor();
    b.roster.pupils.clear();
    assert_eq!(
        b.mark("08:21", Mark::Unexcused),
        ["staff-task unknown-pupil staff:AttendanceTeam", "suppress: unknown-pupil"]
    );
}

#[test]
fn an_adult_is_told_instead_of_guardians() {
    let mut b = Bench::new(Protection::None, Some(date(2008, 11, 23)));
    assert_eq!(b.mark("08:21", Mark::Unexcused), ["absence pupil", "suppress: adult"]);
    assert_eq!(b.told[0].channel, Channel::Email);
}

#[test]
fn the_team_hears_once_when_the_lesson_ends() {
    let mut b = Bench::minor();
    b.mark("08:21", Mark::Unexcused);
    assert_eq!(b.evaluate().look_again, Some(at("09:20")));
    b.send_all(State::Accepted);
    b.now = at("09:20");
    assert_eq!(b.decide(), ["team-alert staff:AttendanceTeam"]);
    b.send_all(State::Accepted);
    // A report without a note adds nothing; one with a note adds one line, once.
    b.now = at("09:21");
    b.lesson.report = Some(LessonReport { reported_by: "t".into(), note: None });
    b.lesson.reported_at = Some(b.now);
    assert_eq!(b.decide(), [""; 0]);
    b.lesson.report =
        Some(LessonReport { reported_by: "t".into(), note: Some("sågs i korridoren".into()) });
    assert_eq!(b.decide(), ["team-update staff:AttendanceTeam"]);
    // Came late after all: both guardians and the team are put right.
    b.send_all(State::Accepted);
    let mut right = b.mark("09:30", Mark::Late);
    right.sort();
    assert_eq!(
        right,
        ["correction guardian:g1", "correction guardian:g2", "correction staff:AttendanceTeam"]
    );
}

#[test]
fn a_report_alone_alerts_the_team_and_not_the_guardians() {
    let mut b = Bench::minor();
    b.now = at("09:19");
    b.lesson.report = Some(LessonReport { reported_by: "t".into(), note: Some("n".into()) });
    b.lesson.reported_at = Some(b.now);
    let made = b.decide();
    assert_eq!(made, ["team-alert staff:AttendanceTeam", "suppress: unknown-mark"]);
    b.now = at("09:20");
    let later = b.decide();
    assert_eq!(later, ["suppress: unknown-mark"], "one alert");
}

#[test]
fn old_news_is_the_teams_while_somebody_can_make_good_of_it_and_then_history() {
    let task = "staff-task nobody-reached staff:AttendanceTeam";
    for (hours, made) in [
        (25, vec![task, "suppress: stale", "suppress: stale"]),
        (49, vec!["suppress: stale", "suppress: stale"]),
    ] {
        let mut b = Bench::minor();
        b.lesson.mark = Some(Mark::Unexcused);
        b.now = at("09:20") + SignedDuration::from_hours(hours);
        assert_eq!(b.decide(), made, "after {hours} h");
    }
}

#[test]
fn grace_and_a_lesson_yet_to_begin_only_move_the_due_time() {
    let mut b = Bench::minor();
    b.school.grace = SignedDuration::from_mins(3);
    b.mark("08:21", Mark::Unexcused);
    assert_eq!(b.told[0].due_at, at("08:24"));
    assert_eq!(b.told[0].state_reason, Some(Reason::Grace));
    let mut b = Bench::minor();
    b.mark("08:10", Mark::Unexcused);
    assert_eq!(b.told[0].due_at, at("08:20"));
}

#[test]
fn what_was_told_is_put_right_when_the_mark_has_stood() {
    let mut b = Bench::minor();
    b.school.correction_settle = SignedDuration::from_mins(2);
    b.mark("08:21", Mark::Unexcused);
    for n in &mut b.told {
        n.state = State::Delivered;
    }
    let waiting = |b: &Bench| -> Vec<Timestamp> {
        b.told.iter().filter(|n| n.state == State::Waiting).map(|n| n.due_at).collect()
    };
    b.mark("08:30", Mark::Present);
    assert_eq!(waiting(&b), [at("08:32"); 2]);
    assert_eq!(b.told.last().expect("one").state_reason, Some(Reason::Settling));
    // It comes back to what was told: that stands, and nothing is said.
    b.mark("08:31", Mark::Unexcused);
    assert_eq!(waiting(&b), []);
    b.mark("08:40", Mark::Late);
    b.mark("08:41", Mark::Present);
    assert_eq!(waiting(&b), [at("08:43"); 2], "of the last mark alone");
    let kept = b.told.iter().filter(|n| n.state == State::Waiting);
    let kinds: Vec<_> = kept.map(|n| n.correction).collect();
    assert_eq!(kinds, [Some(CorrectionKind::WasThere); 2]);
}

#[test]
fn nights_when_clocks_change_neither_lengthen_nor_shorten_a_wait() {
    let time = |t: &str| -> Timestamp { t.parse().expect("time") };
    for (day, start, end, marked, due) in [
        // The half hour after half past two, the first time and the second.
        (
            date(2026, 10, 25),
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:30:00+01:00",
            "2026-10-25T02:55:00+02:00",
            "2026-10-25T02:05:00+01:00",
        ),
        (
            date(2026, 10, 25),
            "2026-10-25T02:30:00+01:00",
            "2026-10-25T03:30:00+01:00",
            "2026-10-25T02:35:00+01:00",
            "2026-10-25T02:45:00+01:00",
        ),
        (
            date(2027, 3, 28),
            "2027-03-28T01:30:00+01:00",
            "2027-03-28T03:30:00+02:00",
            "2027-03-28T01:55:00+01:00",
            "2027-03-28T03:05:00+02:00",
        ),
    ] {
        let mut b = Bench::minor();
        b.school.grace = SignedDuration::from_mins(10);
        b.lesson.lesson.start = time(start);
        b.lesson.lesson.end = time(end);
        b.now = time(marked);
        b.lesson.mark = Some(Mark::Unexcused);
        b.lesson.received_at = b.now;
        let plan = evaluate(&Situation {
            now: b.now,
            school: &b.school,
            roster: &b.roster,
            pupil: &b.pupil,
            date: day,
            lesson: &b.lesson,
            notices: &[],
            told: &[],
            missing_elsewhere: false,
            duty_elsewhere: false,
            protected: false,
            exclusion: None,
            accords: &[],
            rung: false,
        });
        assert_eq!(plan.make.len(), 2);
        for n in &plan.make {
            assert_eq!((n.due_at, n.urgent), (time(due), true), "of today: {start}");
            assert_eq!(n.deadline, time(end) + b.school.stale_after);
        }
        assert_eq!(plan.look_again, Some(time(end)));
        assert_eq!(local_date(time(start), &b.school.zone), day);
    }
}
