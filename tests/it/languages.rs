//! Languages that nobody has read whose language it is: used while a school tries upprop out, and by a live
//! school only when it says that they were read; what `upprop check` tells of them, and what texts cost.

use serde_json::Value;

use crate::inlet::{Kept, amend};
use crate::world::{Setup, World, upprop};

const FINNISH: &str = "Hei! Aino: läsnäoloa ei ole merkitty";
const SWEDISH: &str = "Hej! Aino är inte registrerad som närvarande";
const NUMBER: &str = "+46701740620";

/// A school with one guardian whose language is this one, in a mode and with keys of the school.
fn school(mode: &'static str, language: &str, keys: &str) -> Setup {
    let mut setup =
        Setup { mode, school: format!("guests = [\"{NUMBER}\"]\n{keys}"), ..Setup::default() };
    setup.pupils.push(("aino".into(), "Aino".into(), "2012-02-15".into(), "none".into()));
    let row = format!("aino,s1,g-aino,Vuxen Test,070-174 06 20,,sms,{language},yes,no");
    setup.guardians.push(row);
    setup
}

/// The text that the guardian gets, and the languages that it is recorded with.
async fn told(setup: Setup) -> (String, Vec<String>) {
    let (text, languages, _) = told_and_logged(setup).await;
    (text, languages)
}

/// The same, and what the daemon wrote to its log.
async fn told_and_logged(setup: Setup) -> (String, Vec<String>, String) {
    let mut world = setup.start().await;
    world.accept(&world.marked("aino", "l1", "unexcused", 5)).await;
    let texts = World::texts(&world.messages(1).await);
    assert_eq!(texts[0].0, NUMBER);
    let config = world.config().display().to_string();
    let (code, why, err) = upprop(&["why", "aino", "--config", &config]);
    assert_eq!((code, err.as_str()), (0, ""), "{why}");
    assert_eq!(world.stop(), Some(0));
    let told = Kept::open(world.folder.path()).notifications().await;
    let languages = told[0].attempts[0].languages.iter().map(ToString::to_string);
    let languages: Vec<String> = languages.collect();
    let shown = format!(" in {}: ", languages.join(" and "));
    assert!(why.contains(&shown), "{shown:?} is not in:\n{why}");
    (texts[0].1.clone(), languages, world.log())
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_read_what_nobody_has_reviewed() {
    let (text, languages) = told(school("guests", "fi", "")).await;
    assert!(text.starts_with(FINNISH) && text.ends_with("Björkskolan"), "{text}");
    assert_eq!(languages, ["fi"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_school_writes_in_its_own_language_until_the_texts_are_reviewed() {
    let (text, languages) = told(school("live", "fi", "")).await;
    assert!(text.starts_with(SWEDISH), "{text}");
    assert_eq!(languages, ["sv"]);
    let (text, languages) = told(school("live", "fi", "reviewed-languages = [\"fi\"]\n")).await;
    assert!(text.starts_with(FINNISH), "{text}");
    assert_eq!(languages, ["fi"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn swedish_stands_below_where_the_school_says_so_and_alone_where_there_are_no_texts() {
    let (text, languages) = told(school("guests", "fi", "translations = \"with-swedish\"\n")).await;
    let (first, second) = text.split_once("\n\n").expect("two texts");
    assert!(first.starts_with(FINNISH) && second.starts_with(SWEDISH), "{text}");
    assert_eq!(languages, ["fi", "sv"]);
    let (text, languages, log) = told_and_logged(school("guests", "xx", "")).await;
    assert!(text.starts_with(SWEDISH), "{text}");
    assert_eq!(languages, ["sv"]);
    let line = log.lines().find(|line| line.contains("there are no texts in a reader's language"));
    let line = line.expect("a warning in the log");
    assert!(line.contains("language=xx") && !line.contains("aino"), "{line}");
}

/// What `upprop check` says of languages: severity, key, message.
fn checked(world: &World, args: &[&str]) -> Vec<(String, String, String)> {
    let config = world.config().display().to_string();
    let (code, out, err) = upprop(&[&["check", "--json"], args, &[&config]].concat());
    assert!(code <= 1 && err.is_empty(), "{out}{err}");
    let json: Value = serde_json::from_str(&out).expect("JSON");
    let field = |problem: &Value, key| problem[key].as_str().unwrap_or_default().to_owned();
    let all = json["problems"].as_array().expect("problems").iter();
    all.map(|p| (field(p, "severity"), field(p, "key"), field(p, "message"))).collect()
}

/// The severity and key of the one message that holds these words.
fn of(problems: &[(String, String, String)], words: &str) -> (String, String) {
    let found: Vec<_> = problems.iter().filter(|(_, _, message)| message.contains(words)).collect();
    assert_eq!(found.len(), 1, "{words:?} in {problems:#?}");
    (found[0].0.clone(), found[0].1.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_who_is_written_to_in_another_language_and_what_to_do() {
    let world = school("guests", "fi", "").prepare();
    let unread = "1 reader has the language fi, whose texts no native reader has reviewed";
    let at = |severity: &str, key: &str| (severity.to_owned(), format!("schools.s1.{key}"));
    assert_eq!(of(&checked(&world, &[]), unread), at("note", "reviewed-languages"));
    amend(&world, "mode = \"guests\"", "mode = \"live\"");
    let problems = checked(&world, &[]);
    assert_eq!(of(&problems, unread), at("warning", "reviewed-languages"));
    assert_eq!(of(&problems, "is written to in sv"), at("warning", "reviewed-languages"));
    amend(&world, "mode = \"live\"", "mode = \"live\"\nreviewed-languages = [\"fi\"]");
    assert!(!checked(&world, &[]).iter().any(|(_, _, message)| message.contains("reviewed")));
    // Where the directory cannot be seen, all that are not reviewed are named.
    amend(&world, "folder = \"directory\"\n", "");
    let problems = checked(&world, &[]);
    let all = "no native reader has reviewed the texts in ar, fa, ku, pl, so, ti, uk:";
    assert_eq!(of(&problems, all), at("note", "reviewed-languages"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_language_that_there_is_not_is_never_passed_over_in_silence() {
    let world = school("guests", "xx", "").prepare();
    let told = "school s1: 1 reader has the language xx, in which there are no texts, and is written to in sv";
    let found = of(&checked(&world, &[]), told);
    assert_eq!(found, ("warning".to_owned(), "schools.s1.language".to_owned()));
    let config = world.config().display().to_string();
    let (code, out, _) = upprop(&["directory", "check", "--config", &config]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains(told) && out.contains("correct the language"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_shows_what_each_text_takes_and_costs() {
    let world = school("guests", "fi", "price-per-part = \"0.35 SEK\"\n").prepare();
    let shown = |args: &[&str]| {
        let texts = checked(&world, args).into_iter().map(|(_, _, message)| message);
        texts.filter(|m| m.starts_with("school s1, texts in ")).collect::<Vec<_>>()
    };
    let in_use = shown(&[]);
    let languages: Vec<&str> = in_use.iter().map(|m| &m[20..22]).collect();
    assert_eq!(languages, ["en", "fi", "sv"], "{in_use:#?}");
    assert!(in_use[1].contains("absence 1-2 parts"), "{}", in_use[1]);
    assert!(in_use[1].contains("test 1 part (0.35 SEK)"), "{}", in_use[1]);
    for what in ["test", "absence", "correction"] {
        assert!(in_use.iter().all(|m| m.contains(&format!("{what} "))), "{what}: {in_use:#?}");
    }
    assert_eq!(shown(&["--languages"]).len(), 10);
    amend(&world, "price-per-part = \"0.35 SEK\"\n", "");
    assert!(!shown(&[]).iter().any(|message| message.contains("SEK")));
}
