//! The daemon's log at its most talkative, over a day with everything in it: nobody's name, number,
//! address or note stands there, nor any secret.

use serde_json::json;
use upprop::sim::sink::Faults;

use crate::inlet::{put_file, send};
use crate::world::{API_TOKEN, SIGNING, Setup, TOKEN, World};

fn nobody_in(log: &str) {
    for secret in [
        "Alva",
        "Nils",
        "Maj",
        "Hemlig",
        "Okänd",
        "Ensam",
        "Vera",
        "Vuxen",
        "701740",
        "174 06",
        "@",
        "korridoren",
        "Slöjd",
        "är inte registrerad",
        TOKEN,
        API_TOKEN,
        SIGNING,
        "u-test",
        "p-test",
        "receipt-secret",
    ] {
        assert!(!log.contains(secret), "{secret:?} in the log:\n{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_day_leaves_nobody_in_the_log() {
    for format in ["text", "json"] {
        // The rooms' own words at every level; the libraries' at the level of the shipped file.
        let extra = format!("[log]\nformat = \"{format}\"\nfilter = \"info,upprop=trace\"\n");
        let mut world = Setup { extra, ..Setup::default() }
            .family("sms", "070-174 06 91", "fel@hem.example", "sms")
            .family("nej", "070-174 06 92", "permfail@hem.example", "sms")
            .start()
            .await;
        for pupil in ["alva", "nils", "mail", "hemlig", "okand", "ensam", "vuxen", "sms", "nej"] {
            let mut event = world.marked(pupil, "l1", "unexcused", 3700);
            event["lesson"]["label"] = "Slöjd".into();
            world.accept(&event).await;
        }
        let mut report = world.marked("nils", "l1", "unexcused", 3700);
        let fields = report.as_object_mut().expect("an object");
        fields.remove("mark");
        fields.remove("recorded_at");
        report["type"] = "lesson.report".into();
        report["reported_by"] = "t-1".into();
        report["note"] = "Nils sågs i korridoren".into();
        world.accept(&report).await;
        let bad =
            json!({"type": "attendance.marked", "id": "Alva Test", "mark": "Vera", "x": "Maj"});
        assert_eq!(world.post(&bad).await.0, 422);
        send(&world, "/hooks/src", &[("authorization", "Bearer Alva")], "Maj").await;
        send(&world, "/hooks/Alva", &[], "Maj").await;
        send(&world, "/receipts/elks/Alva", &[], "to=%2B46701740605").await;
        put_file(
            &world,
            "directory/staff.csv",
            "id,role,name,email\nx,Alva,Vera,maj@hem.example\n",
        );
        world.logged("directory load cannot be used", 1).await;
        world.sink.set_faults(Faults::default());
        world.accept(&world.marked("alva", "l1", "present", 3700)).await;
        world.accept(&world.marked("mail", "l1", "late", 3700)).await;
        within_corrections(&world).await;
        assert_eq!(world.stop(), Some(0));
        world.start().await;
        assert_eq!(world.stop(), Some(0));
        nobody_in(&world.log());
        assert!(world.lines("notification") > 20, "the log says what happens:\n{}", world.log());
    }
}

async fn within_corrections(world: &World) {
    let met = world.sink.until(|all| {
        let to = |address: &str| all.iter().filter(|m| m.to == address).count();
        to("+46701740605") == 2 && to("+46701740606") == 2 && to("maj.g@hem.example") == 2
    });
    crate::world::within("the corrections", met).await;
}
