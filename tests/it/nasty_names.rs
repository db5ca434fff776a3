//! Names and notes that would break a text, a header or a page if they were believed: line breaks,
//! template and HTML marks, characters that turn the direction of writing, 300 characters.

use crate::inlet::put_file;
use crate::world::{Setup, TEAM, World};

const NASTY: &[&str] = &[
    "Al\r\nBcc: thief@example.se\r\n\r\nva",
    "{{ 7*7 }}{% include \"x\" %}",
    "<script>alert(1)</script>",
    "\u{202e}avlA\u{2066}\u{200b}",
    "=?utf-8?q?x?= , ; \" ' \\",
];

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

async fn named(name: &str) -> World {
    let mut world = Setup::default().prepare();
    let cell = quoted(name);
    let pupils = format!(
        "id,school,class,given-name,family-name,birth-date,protection\n\
         nasty,s1,{cell},{cell},{cell},2012-01-15,none\nnils,s1,7B,Nils,Test,2012-01-15,none\n"
    );
    let guardians = format!(
        "pupil,school,guardian,name,phone,email,channel,may-receive\n\
         nasty,s1,g-1,{cell},070-174 06 05,,sms,yes\n\
         nasty,s1,g-2,{cell},,g2@hem.example,email,yes\n\
         nils,s1,g-nils,Test,070-174 06 07,,sms,yes\n"
    );
    put_file(&world, "directory/pupils.csv", pupils);
    put_file(&world, "directory/guardians.csv", guardians);
    world.start().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_name_is_an_order() {
    for name in NASTY {
        let mut world = named(name).await;
        let mut report = world.marked("nasty", "l1", "unexcused", 3700);
        let event = report.clone();
        let fields = report.as_object_mut().expect("an object");
        fields.remove("mark");
        fields.remove("recorded_at");
        report["type"] = "lesson.report".into();
        report["id"] = world.event_id().into();
        report["reported_by"] = "t-1".into();
        report["note"] = (*name).into();
        if name.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r')) {
            world.accept(&report).await;
            world.messages(1).await;
        }
        world.accept(&event).await;
        let all = world.messages(3).await;
        let plain: String = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let seen = plain.replace(['\u{202e}', '\u{2066}', '\u{200b}'], "");
        for message in &all {
            assert!(
                [TEAM, "+46701740605", "g2@hem.example"].contains(&&*message.to),
                "{message:?}"
            );
            let broken = message.headers.keys().any(|name| name.eq_ignore_ascii_case("bcc"));
            assert!(!broken, "a header came of a name: {message:?}");
            assert!(message.text.contains(&seen), "as it was written: {}", message.text);
            for unseen in ['\u{202e}', '\u{2066}', '\u{200b}'] {
                assert!(!message.text.contains(unseen), "{}", message.text);
            }
            let raw =
                String::from_utf8_lossy(&message.raw).replace("=\r\n", "").replace("=3D", "=");
            let html = raw.split_once("text/html").map_or("", |(_, html)| html);
            assert!(!html.contains("<script>"), "{html}");
        }
        let sms = World::texts(&all);
        assert!(!sms[0].1.contains('\n'), "one line: {}", sms[0].1);
        let told = all.len();
        world.quiet(told).await;
        assert_eq!(world.stop(), Some(0));
        let log = world.log();
        assert!(
            !log.contains("thief") && !log.contains("alert(1)") && !log.contains("avlA"),
            "{log}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_300_characters_does_not_silence_the_guardian() {
    let world = named(&"Å".repeat(300)).await;
    world.accept(&world.marked("nasty", "l1", "unexcused", 5)).await;
    let all = world.messages(2).await;
    for message in &all {
        assert!(message.text.contains("ÅÅÅ"), "{}", message.text);
    }
    let parts = all.iter().find_map(|m| m.parts).expect("a text");
    assert!(parts <= 3, "{parts}");
    world.quiet(2).await;
}
