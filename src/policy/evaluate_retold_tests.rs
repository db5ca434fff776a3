//! Timelines of what a reader was told last: a correction is put right again where it is no longer so, once for each
//! thing told, and nothing is said that the reader knows.

use proptest::prelude::*;

use super::*;

impl Bench {
    /// The kinds of the corrections that were made and not called back, to one reader.
    fn kinds(&self) -> Vec<CorrectionKind> {
        let reader = Recipient::Guardian(GuardianId::new("g1").expect("id"));
        let stands = |n: &&Notification| n.recipient == reader && n.state != State::Cancelled;
        self.told.iter().filter(stands).filter_map(|n| n.correction).collect()
    }
}

/// Everybody was told that the pupil is missing.
fn alarmed() -> Bench {
    let mut b = Bench::minor();
    assert_eq!(b.mark("08:21", Mark::Unexcused), BOTH);
    b.send_all(State::Accepted);
    b
}

fn notice() -> AdvanceNotice {
    AdvanceNotice { from: at("08:00"), to: at("15:00"), kind: NoticeKind::Notified }
}

#[test]
fn the_last_word_is_what_counts() {
    use CorrectionKind::{ExcusedByMark, LeftEarly, WasThere};
    for sent_as in [State::Accepted, State::Delivered, State::InDoubt, State::Held] {
        let mut b = alarmed();
        for (clock, mark, told) in [
            ("08:30", Mark::Excused, true),
            ("08:31", Mark::Present, true),
            // All of it was there.
            ("08:32", Mark::Late, false),
            ("08:33", Mark::LeftEarly, false),
            ("08:34", Mark::Excused, true),
            ("08:35", Mark::Excused, false),
            ("08:36", Mark::LeftEarly, true),
            ("08:37", Mark::OtherActivity, false),
            // Nobody knows: what was told stands.
            ("08:38", Mark::Unknown, false),
            ("08:39", Mark::Excused, true),
        ] {
            let made = b.mark(clock, mark);
            let expected: &[&str] = if told { &CORRECT_BOTH } else { &[] };
            assert_eq!(made, expected, "{clock} {mark:?} {sent_as:?}");
            b.send_all(sent_as);
        }
        let kinds = [ExcusedByMark, WasThere, ExcusedByMark, LeftEarly, ExcusedByMark];
        assert_eq!(b.kinds(), kinds, "{sent_as:?}");
        assert!(
            b.told[2..]
                .iter()
                .all(|n| b.told[..2].iter().any(|t| n.corrects == Some(t.id.clone())))
        );
        assert_eq!(b.mark("08:40", Mark::Unexcused), BOTH, "and a new alarm");
    }
}

#[test]
fn a_cancelled_lesson_is_no_excuse() {
    let mut b = alarmed();
    b.mark("08:30", Mark::Excused);
    b.send_all(State::Accepted);
    b.lesson.cancelled = true;
    assert_eq!(b.decide(), CORRECT_BOTH);
    b.send_all(State::Accepted);
    b.lesson.cancelled = false;
    assert_eq!(b.mark("08:32", Mark::Present), [""; 0]);
    assert_eq!(b.kinds(), [CorrectionKind::ExcusedByMark, CorrectionKind::Cancelled]);
}

#[test]
fn a_mark_alone_is_not_thanked_for_and_a_notice_is() {
    let mut b = alarmed();
    b.notices.push(notice());
    b.mark("08:30", Mark::Excused);
    assert_eq!(b.kinds(), [CorrectionKind::Excused]);
    let mut b = alarmed();
    b.mark("08:30", Mark::Excused);
    assert_eq!(b.kinds(), [CorrectionKind::ExcusedByMark]);
    // The notice comes before it left: the better word.
    b.notices.push(notice());
    b.decide();
    assert_eq!(b.kinds(), [CorrectionKind::Excused]);
    b.send_all(State::Accepted);
    // Withdrawn: the absence is excused all the same.
    b.notices.clear();
    assert_eq!(b.decide(), [""; 0]);
}

#[test]
fn a_second_correction_settles_and_is_called_back_like_the_first() {
    let mut b = alarmed();
    b.school.correction_settle = SignedDuration::from_mins(2);
    b.mark("08:30", Mark::Excused);
    b.send_all(State::Accepted);
    b.mark("08:40", Mark::Present);
    let last = b.told.last().expect("one");
    assert_eq!((last.due_at, last.state_reason), (at("08:42"), Some(Reason::Settling)));
    assert_eq!(
        b.mark("08:41", Mark::Late),
        [
            "cancel correction guardian:g1: replaced",
            "cancel correction guardian:g2: replaced",
            "correction guardian:g1",
            "correction guardian:g2"
        ]
    );
    let called_back = [
        "cancel correction guardian:g1: mark-changed",
        "cancel correction guardian:g2: mark-changed",
    ];
    assert_eq!(b.mark("08:42", Mark::Excused), called_back, "what was told is so again");
    assert_eq!(b.mark("08:43", Mark::Present), CORRECT_BOTH);
    assert_eq!(b.mark("08:44", Mark::Unknown), called_back, "nobody knows any more");
    assert_eq!(b.mark("08:45", Mark::Present), CORRECT_BOTH);
    let ids: std::collections::BTreeSet<_> = b.told.iter().map(|n| n.id.clone()).collect();
    assert_eq!(ids.len(), b.told.len(), "each has an id of its own");
}

#[test]
fn one_that_failed_after_another_had_left_is_not_counted() {
    let mut b = alarmed();
    b.mark("08:30", Mark::Excused);
    b.send_all(State::InDoubt);
    b.mark("08:31", Mark::Present);
    b.send_all(State::Accepted);
    for n in b.told.iter_mut().filter(|n| n.state == State::InDoubt) {
        n.state = State::Undelivered;
    }
    assert_eq!(b.mark("08:32", Mark::Late), [""; 0]);
    assert_eq!(b.mark("08:33", Mark::Excused), CORRECT_BOTH);
}

#[test]
fn an_alarm_that_did_not_arrive_leaves_the_last_word_to_the_correction_before_it() {
    let mut b = alarmed();
    b.mark("08:30", Mark::Excused);
    b.send_all(State::Accepted);
    assert_eq!(b.mark("08:31", Mark::Unexcused), BOTH);
    b.send_all(State::Undelivered);
    assert_eq!(b.mark("08:32", Mark::Present), CORRECT_BOTH);
    assert_eq!(b.told.last().and_then(|n| n.corrects.as_ref()), Some(&b.told[1].id));
}

#[test]
fn a_correction_that_failed_is_not_made_again_and_the_trail_says_why() {
    for (state, reason) in
        [(State::Undelivered, Reason::AlreadyTold), (State::Expired, Reason::Expired)]
    {
        let mut b = Bench::minor();
        b.mark("08:21", Mark::Unexcused);
        b.send_all(State::Accepted);
        b.mark("08:22", Mark::Late);
        for n in b.told.iter_mut().filter(|n| n.purpose == Purpose::Correction) {
            n.state = state;
            n.state_reason = (state == State::Expired).then_some(reason);
        }
        let plan = b.evaluate();
        let reasons: Vec<_> = plan.decisions.iter().map(|d| (d.act, d.reason)).collect();
        assert_eq!(reasons, [("keep", reason); 2], "{state:?}");
        assert_eq!(plan.make, []);
    }
}

/// What a reader believes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Missing,
    Away,
    There,
}

fn word(n: &Notification) -> Option<Word> {
    match (n.purpose, n.correction) {
        (Purpose::Absence, _) => Some(Word::Missing),
        (Purpose::Correction, Some(kind)) if kind.is_away() => Some(Word::Away),
        (Purpose::Correction, Some(_)) => Some(Word::There),
        _ => None,
    }
}

/// What is so; none: nobody knows.
fn truth(mark: Mark, notified: bool, cancelled: bool) -> Option<Word> {
    match mark {
        _ if cancelled => Some(Word::There),
        Mark::Present | Mark::OtherActivity | Mark::LeftEarly | Mark::Late => Some(Word::There),
        Mark::Excused => Some(Word::Away),
        Mark::Unexcused | Mark::Unknown if notified => Some(Word::Away),
        Mark::Unexcused => Some(Word::Missing),
        Mark::Unknown => None,
    }
}

/// A mark, whether the absence is notified, whether the lesson is cancelled, and what becomes of each of the two
/// readers' messages.
type Step = (Mark, bool, bool, [u8; 2]);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let marks = prop_oneof![
        4 => Just(Mark::Unexcused), 2 => Just(Mark::Excused), 2 => Just(Mark::Present),
        1 => Just(Mark::Late), 1 => Just(Mark::LeftEarly), 1 => Just(Mark::OtherActivity),
        1 => Just(Mark::Unknown),
    ];
    let seldom = || prop::bool::weighted(0.15);
    prop::collection::vec((marks, seldom(), seldom(), [0_u8..20, 0_u8..20]), 1..30)
}

proptest! {
    #[test]
    fn the_last_word_is_true_and_none_is_said_twice(steps in steps()) {
        let mut b = Bench::minor();
        let readers = ["guardian:g1", "guardian:g2"];
        let mut words: [Vec<Word>; 2] = Default::default();
        let mut failed = [false; 2];
        let last = steps.len();
        // In the end everything leaves that waits.
        let end = steps.last().map(|step| (step.0, step.1, step.2, [0; 2])).expect("one");
        for (minute, (mark, notified, cancelled, outcomes)) in steps.into_iter().chain([end]).enumerate() {
            b.notices = notified.then(notice).into_iter().collect();
            b.lesson.cancelled = cancelled;
            let before = b.told.len();
            b.mark(&format!("08:{:02}", 21 + minute), mark);
            prop_assert!(b.told[before..].iter().all(|n| n.channel == Channel::Sms), "{:?}", b.told);
            for (reader, outcome) in outcomes.into_iter().enumerate() {
                let state = match outcome {
                    0..10 => State::Accepted,
                    10..13 => State::InDoubt,
                    13 => State::Undelivered,
                    _ => continue,
                };
                let waits = |n: &&mut Notification| {
                    n.state == State::Waiting && n.recipient.key() == readers[reader]
                };
                for n in b.told.iter_mut().filter(waits) {
                    n.state = state;
                    match word(n) {
                        _ if state == State::Undelivered => failed[reader] = true,
                        Some(word) => words[reader].push(word),
                        None => {}
                    }
                }
            }
            for (reader, words) in words.iter().enumerate() {
                prop_assert!(words.first().is_none_or(|word| *word == Word::Missing), "{:?}", words);
                prop_assert!(words.windows(2).all(|two| two[0] != two[1]), "{:?}", words);
                let Some(truth) = truth(mark, notified, cancelled).filter(|_| minute == last) else {
                    continue;
                };
                // What failed is staff's.
                let told = words.last().map_or(truth == Word::Missing, |word| *word != truth);
                prop_assert!(failed[reader] || !told, "{:?}, and it is {:?}", words, truth);
            }
        }
    }
}
