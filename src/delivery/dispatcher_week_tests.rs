//! A line a week: the team at once each time, and one message when the week is over, of what is so by then.

use super::*;

fn on(text: &str) -> Timestamp {
    format!("2026-11-{text}:00+01:00").parse().expect("a time")
}

/// When the week is told.
fn line() -> Timestamp {
    on("27T15:30")
}

async fn marked(b: &mut Bench, id: &str, start: &str, mark: Mark) {
    let (id, start) = (LessonId::new(id).expect("id"), on(start));
    let end = start + SignedDuration::from_mins(60);
    b.hear(Fact::Marked {
        pupil: PupilId::new("p").expect("id"),
        lesson: Lesson { id, start, end, label: None },
        mark,
        minutes: None,
        register_closed: None,
        recorded_at: b.clock.now(),
        recorded_by: None,
    })
    .await;
    b.work().await;
}

/// Missing on Monday once, and on Wednesday twice.
async fn a_week(b: &mut Bench) {
    marked(b, "l1", "23T08:20", Mark::Unexcused).await;
    b.set_to(on("25T08:30"));
    marked(b, "l2", "25T08:20", Mark::Unexcused).await;
    b.set_to(on("25T10:50"));
    marked(b, "l3", "25T10:40", Mark::Unexcused).await;
}

async fn at_the_line(b: &mut Bench) {
    b.set_to(line() - SignedDuration::from_secs(1));
    b.work().await;
    b.set_to(line());
    b.work().await;
}

#[tokio::test]
async fn the_team_knows_at_once_and_the_home_has_one_message_when_the_week_is_over() {
    let mut b = bench(FurtherLessons::Each);
    agreed(&b, Reports::LineAWeek).await;
    a_week(&mut b).await;
    let alerts = of(&b, Purpose::TeamAlert).await;
    assert_eq!((b.texts(), alerts.len()), (0, 3));
    assert!(alerts.iter().all(|n| n.reason == Reason::PhoneFirst), "{alerts:#?}");
    for n in of(&b, Purpose::Absence).await {
        assert_eq!((n.due_at, n.state_reason), (line(), Some(Reason::InWeekLine)));
    }
    at_the_line(&mut b).await;
    let bodies = b.bodies();
    let [body] = &bodies[..] else { panic!("one message: {bodies:?}") };
    let says = "Den 23/11-25/11 saknades Alva utan anmälan på 3 lektioner \
                (23/11 08.20-09.20, 25/11 08.20-09.20 10.40-11.40). Frågor:";
    assert!(body.contains(&form(says)), "{says} in {body}");
    let absences = of(&b, Purpose::Absence).await;
    assert!(absences.iter().all(|n| n.state == State::Accepted), "{absences:#?}");
    // What is put right afterwards is put right to whoever was told of it.
    b.set_to(on("27T15:40"));
    marked(&mut b, "l3", "25T10:40", Mark::Present).await;
    assert_eq!(b.texts(), 2, "{:?}", b.bodies());
    // The next week has its own.
    b.set_to(on("30T08:30"));
    marked(&mut b, "l4", "30T08:20", Mark::Unexcused).await;
    b.set_to("2026-12-04T15:30:00+01:00".parse().expect("a time"));
    b.work().await;
    let last = b.bodies().pop().expect("a text");
    assert!(b.texts() == 3 && last.contains(&form("2026-11-30 saknades Alva")), "{last}");
}

#[tokio::test]
async fn what_is_excused_by_then_is_not_named_and_where_nothing_is_left_nothing_leaves() {
    for left in [1, 0] {
        let mut b = bench(FurtherLessons::Each);
        agreed(&b, Reports::LineAWeek).await;
        a_week(&mut b).await;
        b.set_to(on("26T09:00"));
        marked(&mut b, "l1", "23T08:20", Mark::Excused).await;
        marked(&mut b, "l2", "25T08:20", Mark::Present).await;
        if left == 0 {
            marked(&mut b, "l3", "25T10:40", Mark::Excused).await;
        }
        at_the_line(&mut b).await;
        assert_eq!(b.texts(), left, "{:?}", b.bodies());
        for body in b.bodies() {
            let says = form("2026-11-25 saknades Alva utan anmälan kl 10.40-11.40.");
            assert!(body.contains(&says), "{body}");
        }
    }
}

#[tokio::test]
async fn who_may_not_be_told_any_more_when_it_leaves_is_not_told() {
    for protected in [true, false] {
        let mut b = bench(FurtherLessons::Each);
        agreed(&b, Reports::LineAWeek).await;
        a_week(&mut b).await;
        let directory = b.directory.load_full();
        let mut people = directory.roster.as_ref().clone();
        for pupil in people.pupils.get_mut(&school().id).expect("a school").values_mut() {
            if protected {
                pupil.protection = Protection::Protected;
            } else {
                pupil.guardians[0].deny = true;
            }
        }
        let schools = directory.schools.clone();
        b.directory.store(Arc::new(Directory { schools, roster: Arc::new(people) }));
        at_the_line(&mut b).await;
        assert_eq!(b.texts(), 0, "{:?}", b.bodies());
    }
}

#[tokio::test]
async fn what_is_agreed_otherwise_meanwhile_holds_for_what_comes_and_what_was_kept_is_told() {
    let mut b = bench(FurtherLessons::Each);
    agreed(&b, Reports::LineAWeek).await;
    a_week(&mut b).await;
    b.set_to(on("26T08:00"));
    agreed(&b, Reports::EveryLesson).await;
    b.set_to(on("26T08:30"));
    marked(&mut b, "l4", "26T08:20", Mark::Unexcused).await;
    assert_eq!(b.texts(), 1, "at once: {:?}", b.bodies());
    at_the_line(&mut b).await;
    let last = b.bodies().pop().expect("a text");
    assert!(b.texts() == 2 && last.contains("23%2F11-25%2F11"), "{last}");
    // Whoever is phoned first from now on is not written to at all.
    let mut b = bench(FurtherLessons::Each);
    agreed(&b, Reports::LineAWeek).await;
    a_week(&mut b).await;
    b.set_to(on("26T08:00"));
    agreed(&b, Reports::PhoneFirst).await;
    at_the_line(&mut b).await;
    assert_eq!(b.texts(), 0, "{:?}", b.bodies());
}

#[tokio::test]
async fn a_text_that_would_be_too_long_says_how_many_lessons_there_were_each_day() {
    let mut b = bench(FurtherLessons::Each);
    agreed(&b, Reports::LineAWeek).await;
    for day in 23..=26 {
        for hour in 8..=14 {
            let start = format!("{day}T{hour:02}:00");
            b.set_to(on(&start));
            marked(&mut b, &format!("l{day}-{hour}"), &start, Mark::Unexcused).await;
        }
    }
    at_the_line(&mut b).await;
    let bodies = b.bodies();
    let [body] = &bodies[..] else { panic!("one message: {bodies:?}") };
    let says = "på 28 lektioner (23/11: 7, 24/11: 7, 25/11: 7, 26/11: 7).";
    assert!(body.contains(&form(says)), "{body}");
    let row = of(&b, Purpose::Absence).await;
    assert!(row.iter().all(|n| n.state == State::Accepted), "{row:#?}");
    let size = row.iter().map(|n| crate::store::codec::encode(1, n).len()).max();
    assert!(size < Some(crate::store::MAX_VALUE_BYTES / 4 * 3), "{size:?}");
}

/// As it stands in the request to the provider.
fn form(text: &str) -> String {
    let pair = serde_urlencoded::to_string([("t", text)]).expect("a form");
    pair[2..].to_owned()
}
