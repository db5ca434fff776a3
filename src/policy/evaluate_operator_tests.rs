//! Timelines of what an operator has called back: it does not come again by itself, and another alarm does.

use super::*;

impl Bench {
    /// An operator calls back everything that waits; of what was held in doubt, an attempt stays.
    fn call_back(&mut self, in_doubt: bool) {
        if in_doubt {
            self.send_all(State::Waiting);
        }
        for n in self.told.iter_mut().filter(|n| n.state == State::Waiting) {
            n.state = State::Cancelled;
            n.state_reason = Some(Reason::OperatorCancelled);
        }
    }

    fn at_lesson_end(&mut self) -> Vec<String> {
        self.now = at("09:20");
        self.decide()
    }
}

const BOTH: [&str; 2] = ["absence guardian:g1", "absence guardian:g2"];

#[test]
fn an_alarm_that_was_called_back_comes_again_only_as_another_alarm() {
    for in_doubt in [false, true] {
        let mut b = Bench::minor();
        assert_eq!(b.mark("08:21", Mark::Unexcused), BOTH);
        b.call_back(in_doubt);
        assert_eq!(b.mark("08:30", Mark::Unexcused), [""; 0], "the same alarm, {in_doubt}");
        assert_eq!(b.evaluate().again, [], "the same alarm, {in_doubt}");
        let there = b.mark("08:35", Mark::Present);
        let corrections = there.iter().filter(|line| line.starts_with("correction")).count();
        assert_eq!(corrections, if in_doubt { 2 } else { 0 }, "{there:?}");
        b.send_all(State::Accepted);
        assert_eq!(b.mark("08:40", Mark::Unexcused), BOTH, "another alarm, {in_doubt}");
    }
}

#[test]
fn it_does_not_come_by_the_other_channel_either() {
    let mut b = Bench::minor();
    b.mark("08:21", Mark::Unexcused);
    b.call_back(false);
    for (id, guardian) in &mut b.roster.guardians {
        guardian.phone = None;
        guardian.email = Some(EmailAddress::new(format!("{id}@example.se")).expect("email"));
    }
    assert_eq!(b.mark("08:30", Mark::Unexcused), [""; 0]);
}

#[test]
fn what_was_called_back_from_the_team_stays_so_until_another_alarm() {
    for in_doubt in [false, true] {
        let mut b = Bench::minor();
        b.mark("08:21", Mark::Unexcused);
        b.send_all(State::Accepted);
        assert_eq!(b.at_lesson_end(), ["team-alert staff:AttendanceTeam"]);
        b.call_back(in_doubt);
        assert_eq!(b.at_lesson_end(), [""; 0]);
        assert_eq!(b.evaluate().again, []);
        b.mark("09:25", Mark::Present);
        b.send_all(State::Accepted);
        let anew = b.mark("09:26", Mark::Unexcused);
        assert!(anew.contains(&"team-alert staff:AttendanceTeam".to_owned()), "{anew:?}");

        let mut b = Bench::new(Protection::Protected, Some(date(2013, 5, 4)));
        b.mark("08:21", Mark::Unexcused);
        b.call_back(in_doubt);
        assert_eq!(b.mark("08:22", Mark::Unexcused), ["suppress: protected"]);
        assert_eq!(b.evaluate().again, []);
    }
}

#[test]
fn a_correction_that_was_called_back_is_not_made_again() {
    let mut b = Bench::minor();
    b.mark("08:21", Mark::Unexcused);
    b.send_all(State::Accepted);
    b.mark("08:30", Mark::Present);
    b.call_back(false);
    assert_eq!(b.mark("08:31", Mark::Present), [""; 0]);
}
