//! Timelines of what the attendance team is told, what is taken back, and what is told anew.

use super::*;

impl Bench {
    fn report(&mut self, clock: &str) -> Vec<String> {
        self.now = at(clock);
        self.lesson.report = Some(LessonReport { reported_by: clock.into(), note: None });
        self.lesson.reported_at = Some(self.now);
        self.decide()
    }
}

/// What the team was told and what was taken back, without what is not told to guardians.
fn to_team(done: Vec<String>) -> Vec<String> {
    done.into_iter().filter(|line| line.contains("staff:")).collect()
}

const ALERT: [&str; 1] = ["team-alert staff:AttendanceTeam"];
const TAKEN_BACK: [&str; 1] = ["correction staff:AttendanceTeam"];

#[test]
fn an_alert_that_was_taken_back_is_made_anew_when_it_is_so_again() {
    let notice = AdvanceNotice { from: at("08:00"), to: at("15:00"), kind: NoticeKind::Notified };
    // The alert has left: the last word must not be a correction that is no longer true.
    let mut b = Bench::minor();
    assert_eq!(to_team(b.report("09:19")), ALERT);
    b.send_all(State::Accepted);
    b.notices.push(notice);
    assert_eq!(to_team(b.decide()), TAKEN_BACK);
    b.send_all(State::Accepted);
    b.notices.clear();
    assert_eq!(to_team(b.decide()), ALERT);
    b.send_all(State::Accepted);
    b.notices.push(notice);
    assert_eq!(to_team(b.decide()), TAKEN_BACK);
    // The alert has not left.
    let mut b = Bench::minor();
    b.report("09:19");
    b.notices.push(notice);
    let cancelled = ["cancel team-alert staff:AttendanceTeam: advance-notice"];
    assert_eq!(to_team(b.decide()), cancelled);
    b.notices.clear();
    assert_eq!(to_team(b.decide()), ALERT);
    // Another teacher says so after the correction.
    let mut b = Bench::minor();
    b.report("09:19");
    b.send_all(State::Accepted);
    assert_eq!(to_team(b.mark("09:20", Mark::Present)), TAKEN_BACK);
    b.send_all(State::Accepted);
    assert_eq!(to_team(b.report("09:25")), ALERT);
}

#[test]
fn a_correction_that_a_report_called_back_is_made_when_the_report_is_over() {
    let mut b = Bench::minor();
    b.report("09:19");
    b.send_all(State::Accepted);
    assert_eq!(to_team(b.mark("09:20", Mark::Present)), TAKEN_BACK);
    // A report comes before it leaves, so the claim drops it.
    b.report("09:21");
    for n in b.told.iter_mut().filter(|n| n.purpose == Purpose::Correction) {
        n.state = State::Cancelled;
        n.state_reason = Some(Reason::MarkChanged);
    }
    assert_eq!(to_team(b.decide()), [""; 0], "the alert stands");
    assert_eq!(to_team(b.mark("09:30", Mark::Present)), TAKEN_BACK);
}

#[test]
fn an_alert_kept_back_by_the_mode_is_not_made_again() {
    let mut b = Bench::minor();
    b.report("09:19");
    for n in &mut b.told {
        n.state = State::Cancelled;
        n.state_reason = Some(Reason::ShadowMode);
    }
    assert_eq!(to_team(b.report("09:20")), [""; 0]);
}

#[test]
fn the_task_about_a_protected_pupil_stands_as_long_as_the_report() {
    const TASK: [&str; 1] = ["staff-task protected staff:AttendanceTeam"];
    let mut b = Bench::new(Protection::Protected, Some(date(2013, 5, 4)));
    assert_eq!(to_team(b.report("09:19")), TASK);
    // Made before the report, and heard after it.
    b.lesson.mark = Some(Mark::Present);
    b.lesson.recorded_at = Some(at("09:00"));
    assert_eq!(to_team(b.decide()), [""; 0], "it still waits");
    assert_eq!(to_team(b.mark("09:20", Mark::Unexcused)), [""; 0], "it says so already");
    // A mark made after the report is the last word.
    let cancelled = ["cancel staff-task staff:AttendanceTeam: present"];
    assert_eq!(to_team(b.mark("09:21", Mark::Present)), cancelled);
    assert_eq!(to_team(b.report("09:22")), TASK, "called back, and so all the same");
    b.send_all(State::Accepted);
    assert_eq!(to_team(b.report("09:23")), [""; 0]);
    assert_eq!(to_team(b.mark("09:24", Mark::Unexcused)), TASK, "another alarm");
}

#[test]
fn a_pupil_protected_by_a_source_alone_is_like_one_of_the_directory() {
    let mut b = Bench::minor();
    assert_eq!(b.mark("08:21", Mark::Unexcused), BOTH);
    // It is learnt while the messages wait.
    b.protected = true;
    let told = b.decide();
    assert_eq!(
        told[..2],
        ["cancel absence guardian:g1: protected", "cancel absence guardian:g2: protected"]
    );
    assert_eq!(told[2..], ["staff-task protected staff:AttendanceTeam", "suppress: protected"]);
    b.now = at("09:30");
    let end = b.decide();
    assert!(
        end.iter().all(|line| !line.contains("team-alert") && !line.contains("staff-task")),
        "{end:?}"
    );
}
