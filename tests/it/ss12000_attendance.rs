//! Marks that are asked for by SS 12000: told once, put right once, and never of what was so before.

use upprop::sim::school::Act;

use crate::hub::{Hub, in_minutes};
use crate::world::{TEAM, upprop};

const FAST: &str = "attendance-poll = \"1s\"\nschedule-poll = \"1s\"";

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_becomes_a_text_and_is_put_right() {
    let hub = Hub::start("", 3, FAST).await;
    let lesson = hub.lesson("Ma", 5);
    hub.absent(0, &lesson);
    let texts = hub.told(0, 1).await;
    assert!(texts[0].contains("är inte registrerad"), "{texts:?}");
    hub.act(Act::Arrive { pupil: hub.pupil(0), lesson: lesson.clone(), late: 8 });
    let texts = hub.told(0, 2).await;
    assert!(texts[1].contains("kom ") && texts[1].contains("till lektionen"), "{texts:?}");
    // A register that is open tells nobody, until it is closed.
    hub.act(Act::Absent { pupil: hub.pupil(1), lesson: lesson.clone(), reported: false });
    hub.world.quiet(2).await;
    hub.act(Act::Report { lesson: lesson.clone() });
    hub.told(1, 1).await;
    // The whole lesson is cancelled after that.
    hub.act(Act::Cancel { lesson, cancelled: true });
    let texts = hub.told(1, 2).await;
    assert!(texts[1].contains("inställd"), "{texts:?}");
    // Whoever had come was told so already.
    hub.world.quiet(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_excuse_as_a_row_made_anew_is_one_correction() {
    for way in ["auto", "calendar-events", "lookup"] {
        let lines = format!("{FAST}\nattendance = \"{way}\"");
        let hub = Hub::prepare("recreate", 2, &lines);
        let lesson = hub.lesson("Ma", 5);
        let mut hub = hub;
        hub.world.start().await;
        hub.asked().await;
        hub.absent(0, &lesson);
        hub.told(0, 1).await;
        hub.excuse(0, &lesson);
        let texts = hub.told(0, 2).await;
        assert!(texts[1].contains("är nu registrerad av skolan som giltig"), "{way}: {texts:?}");
        hub.world.quiet(2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advance_notice_suppresses_until_it_is_withdrawn() {
    let hub = Hub::start("", 2, FAST).await;
    let lesson = hub.lesson("Ma", 5);
    let notice = hub.school.act(Act::Notice {
        pupil: hub.pupil(0),
        start: in_minutes(-60),
        end: in_minutes(120),
        leave: false,
    });
    let notice = notice.expect("a notice").id.expect("its id");
    hub.absent(0, &lesson);
    hub.absent(1, &lesson);
    hub.told(1, 1).await;
    hub.world.quiet(1).await;
    hub.act(Act::WithdrawNotice { notice });
    hub.told(0, 1).await;
    hub.world.quiet(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_so_at_first_contact_is_told_to_nobody() {
    let mut hub = Hub::prepare("", 3, FAST);
    let lesson = hub.lesson("Ma", 5);
    hub.absent(0, &lesson);
    hub.world.start().await;
    hub.asked().await;
    hub.absent(1, &lesson);
    hub.told(1, 1).await;
    hub.world.quiet(1).await;
    // Nor twice after a restart.
    hub.world.kill();
    std::fs::remove_file(hub.world.folder.path().join("log")).expect("the log");
    hub.world.start().await;
    hub.asked().await;
    hub.absent(2, &lesson);
    hub.told(2, 1).await;
    hub.world.quiet(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_told_of_and_the_rest_goes_on() {
    let hub = Hub::start("messy", 3, FAST).await;
    let lesson = hub.lesson("Ma", 5);
    hub.absent(0, &lesson);
    hub.told(0, 1).await;
    hub.world.logged("something is wrong with the source", 1).await;
    assert!(hub.world.lines("bad-rows") > 0, "{}", hub.world.log());
    hub.world.quiet(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_have_one_task_for_a_pupil_whom_only_the_mark_protects() {
    let mut hub = Hub::start("", 3, FAST).await;
    let hidden = hub.protected[0].id.to_string();
    let missing = |hub: &Hub, lesson: &str| {
        let (pupil, lesson) = (hidden.clone(), lesson.to_owned());
        hub.act(Act::Absent { pupil, lesson, reported: true });
    };
    let lesson = hub.lesson("Ma", 5);
    missing(&hub, &lesson);
    let all = hub.world.messages(1).await;
    assert_eq!((all[0].to.as_str(), all[0].attachments.len()), (TEAM, 0));
    let subject = all[0].subject.as_deref().unwrap_or_default();
    assert!(subject.starts_with("Kontrollera ärende i elevregistret ("), "{subject}");
    hub.world.quiet(1).await;
    hub.world.kill();
    std::fs::remove_file(hub.world.folder.path().join("log")).expect("the log");
    hub.world.start().await;
    hub.asked().await;
    // Somebody else at the same lesson, and the same pupil at another one.
    hub.absent(1, &lesson);
    hub.told(1, 1).await;
    let other = hub.lesson("Sv", 3);
    missing(&hub, &other);
    let all = hub.world.messages(4).await;
    assert_eq!(all.iter().filter(|mail| mail.to == TEAM).count(), 2);
    hub.world.quiet(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn minutes_that_make_no_sense_are_shown_as_bad_rows() {
    let hub = Hub::start("negative-minutes", 3, FAST).await;
    let lesson = hub.lesson("Ma", 5);
    hub.act(Act::Arrive { pupil: hub.pupil(0), lesson, late: 0 });
    hub.world.logged("negative-minutes", 1).await;
    let config = hub.world.config();
    let (_, status, _) = upprop(&["status", "--config", config.to_str().expect("a path")]);
    let told = [
        "hub",
        "WRONG (bad-rows): ",
        "cannot be read and are left out",
        "→ show this to the vendor",
    ];
    assert!(told.iter().all(|words| status.contains(words)), "{status}");
}
