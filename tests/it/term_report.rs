//! `upprop report term`: the running gateway counts a term; what is shown hides small counts and names nobody.

use jiff::ToSpan as _;
use serde_json::Value;

use crate::world::{Setup, upprop};
use upprop::env::{Clock as _, SystemClock};

#[tokio::test(flavor = "multi_thread")]
async fn a_term_is_counted_and_shown_without_small_counts() {
    let zone = jiff::tz::TimeZone::get("Europe/Stockholm").expect("zone");
    let today = SystemClock::new().now().to_zoned_datetime(zone).date();
    let days = format!("{}..{}", today - 3.days(), today + 3.days());
    let setup = Setup {
        extra: format!("[calendars.year]\nterms = [\"{days}\"]\n"),
        school: "calendar = \"year\"\nterm-report-at = \"off\"\n".into(),
        ..Setup::default()
    };
    let world = setup.start().await;
    for lesson in 0..6 {
        world.accept(&world.marked("alva", &format!("l{lesson}"), "unexcused", 60)).await;
    }
    world.accept(&world.marked("nils", "l0", "excused", 60)).await;
    // Two at home are told of each.
    world.messages(12).await;
    let config = world.config().display().to_string();
    let page = world.folder.path().join("term.html").display().to_string();
    let ask = |more: &[&str]| {
        let args = ["report", "term", "--school", "s1", "--config", &config];
        tokio::task::block_in_place(|| upprop(&[&args[..], more].concat()))
    };
    let (code, out, err) = ask(&["--json"]);
    assert_eq!(code, 0, "{err}");
    let json: Value = serde_json::from_str(&out).expect("JSON");
    let sum = |key: &str| -> u64 {
        let all = json["counts"][key].as_object().expect("counts");
        all.values().filter_map(Value::as_u64).sum()
    };
    assert_eq!((sum("unexcused-by-week"), sum("excused-by-week")), (6, 1), "{json:#}");
    assert_eq!((sum("unexcused-by-hour"), sum("minutes")), (6, 12), "{json:#}");
    let (code, out, err) = ask(&["--html", &page, "--language", "sv"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("Lektioner med ogiltig frånvaro") && out.contains("<5"), "{out}");
    let html = std::fs::read_to_string(&page).expect("a page");
    assert!(html.contains("<svg") && html.contains("&lt;5"), "{html}");
    for personal in ["Alva", "Nils", "alva", "nils", "174 06"] {
        assert!(!html.contains(personal) && !out.contains(personal), "{personal}");
    }
    let (code, _, err) = ask(&["--term", "2019-autumn"]);
    assert!(code != 0 && err.contains("2019-autumn") && err.contains("`terms`"), "{code} {err}");
}
