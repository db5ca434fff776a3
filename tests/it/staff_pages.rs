//! A world with pages for staff: its configuration, mentors, links out of mails, and forms filled in as a browser would.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use jiff::SignedDuration;
use reqwest::redirect::Policy;
use serde_json::Value;
use upprop::env::{Clock as _, SystemClock};
use upprop::message::page_link::{Page, PageLinks};
use upprop::model::NotificationId;

use crate::inlet::{Answer, amend};
use crate::metrics::scrape;
use crate::world::{Setup, World, soon, upprop, within};

pub const MENTOR: &str = "mentor@skola.example";
/// What links are signed with.
pub const SECRET: &str = "pages-secret-0123456789abcdef-0123456789";

/// A world with pages, where pupils have a mentor; not started.
pub fn prepared(setup: Setup, more: &str) -> World {
    let world = setup.prepare();
    let secret = world.folder.path().join("secrets/pages");
    fs::write(&secret, SECRET).expect("secret");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("mode");
    let table = format!(
        "[pages]\nurl = \"http://{}\"\nsecret-file = \"secrets/pages\"\n{more}\n[store]",
        world.address
    );
    amend(&world, "[store]", &table);
    mentored(&world, "");
    world
}

/// Writes the directory anew: everybody but `lonely` has a mentor.
pub fn mentored(world: &World, lonely: &str) {
    let folder = world.folder.path().join("directory");
    let pupils = fs::read_to_string(folder.join("pupils.csv")).expect("pupils");
    let with = |line: &str| match line.rsplit_once(',') {
        Some((head, "")) if !line.starts_with(&format!("{lonely},")) => format!("{head},m-1\n"),
        _ => format!("{line}\n"),
    };
    fs::write(folder.join("pupils.csv"), pupils.lines().map(with).collect::<String>())
        .expect("pupils");
    let staff = format!("id,school,role,name,email,phone\nm-1,s1,mentor,Lena Alm,{MENTOR},\n");
    fs::write(folder.join("staff.csv"), staff).expect("staff");
}

/// A started one.
pub async fn world() -> World {
    let mut world = prepared(Setup::default(), "");
    world.start().await;
    world
}

/// A mark about a lesson that has ended just now.
pub fn ended(world: &World, pupil: &str, lesson: &str) -> Value {
    let end = SystemClock::new().now() - SignedDuration::from_secs(1);
    world.marked_between(pupil, lesson, "unexcused", end - SignedDuration::from_mins(40), end)
}

/// The link in a mail's text.
pub fn link(text: &str) -> String {
    let at = text.find("http://").expect("a link in the mail");
    text[at..].split_whitespace().next().expect("a link").to_owned()
}

/// The text of a mail.
pub fn text(raw: &[u8]) -> String {
    let mail = mail_parser::MessageParser::default().parse(raw).expect("a mail");
    mail.body_text(0).expect("a text").into_owned()
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().expect("a client")
}

async fn answered(request: reqwest::RequestBuilder) -> Answer {
    let answer = within("an answer", request.send()).await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, text: answer.text().await.expect("a body") }
}

/// Opens a link.
pub async fn get(link: &str) -> Answer {
    answered(client().get(link)).await
}

/// Asks for a link's head.
pub async fn head(link: &str) -> Answer {
    answered(client().head(link)).await
}

/// Sends fields to a link as a form does.
pub async fn post(link: &str, fields: &[(&str, &str)]) -> Answer {
    let body = serde_urlencoded::to_string(fields).expect("a form");
    let kind = "application/x-www-form-urlencoded";
    answered(client().post(link).header("content-type", kind).body(body)).await
}

/// The value of a hidden field of a page.
pub fn hidden(page: &str, name: &str) -> String {
    let field = format!("name=\"{name}\" value=\"");
    let rest = page.split(&field).nth(1).expect("a hidden field");
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// Fills in a form of a page that was got, and sends it.
pub async fn fill(link: &str, page: &str, act: &str, fields: &[(&str, &str)]) -> Answer {
    let (form, state) = (hidden(page, "form"), hidden(page, "state"));
    let own = [("act", act), ("form", &*form), ("state", &*state)];
    post(link, &[&own[..], fields].concat()).await
}

/// Opens a link and records a word by it.
pub async fn record(link: &str, what: &str, note: &str) -> Answer {
    let page = get(link).await;
    assert_eq!(page.status, 200, "{}", page.text);
    fill(link, &page.text, "word", &[("what", what), ("note", note)]).await
}

/// Runs a command over the world's configuration and requires that it succeeds.
pub fn done(world: &World, args: &[&str]) -> String {
    let config = world.config();
    let all = [args, &["--config", config.to_str().expect("a path")]].concat();
    let (code, out, err) = upprop(&all);
    assert_eq!(code, 0, "{args:?}\n{out}{err}\n{}", world.log());
    out
}

/// Opens a link two hundred times, and shows that this has changed nothing of a pupil and written nothing.
pub async fn storm(world: &World, link: &str, pupil: &str) {
    let counted = async || {
        let text = scrape(world).await;
        let of = |line: &&str| {
            line.starts_with("upprop_store_commit_seconds_count")
                || line.starts_with("upprop_decisions")
        };
        text.lines().filter(of).map(str::to_owned).collect::<Vec<_>>()
    };
    let export = || {
        let text = done(world, &["export", pupil, "--school", "s1"]);
        let mut all: Value = serde_json::from_str(&text).expect("JSON");
        all["made-at"] = Value::Null;
        all
    };
    let (before, rows) = (counted().await, export());
    assert!(before.iter().any(|line| line.contains("commit")), "{before:?}");
    let mut opened = tokio::task::JoinSet::new();
    for i in 0..200 {
        let link = link.to_owned();
        opened.spawn(async move {
            let answer = if i % 4 == 0 { head(&link).await } else { get(&link).await };
            answer.status
        });
        if i % 20 == 19 {
            while let Some(status) = opened.join_next().await {
                assert_eq!(status.expect("an answer"), 200);
            }
        }
    }
    assert_eq!(counted().await, before, "a look is no commit");
    assert_eq!(export(), rows);
}

/// Waits until a link answers otherwise than with a page.
pub async fn shut(link: &str) -> Answer {
    let clock = SystemClock::new();
    within("the link to be shut", async {
        loop {
            let page = get(link).await;
            if page.status != 200 {
                return page;
            }
            clock.sleep_until(soon(&clock)).await;
        }
    })
    .await
}

/// Has a pupil protected from the next look at the directory on.
pub fn protect(world: &World, pupil: &str) {
    let file = world.folder.path().join("directory/pupils.csv");
    let pupils = fs::read_to_string(&file).expect("pupils");
    let with = |line: &str| {
        let of = line.starts_with(&format!("{pupil},"));
        if of { line.replace(",none,", ",protected,") + "\n" } else { format!("{line}\n") }
    };
    let changed: String = pupils.lines().map(with).collect();
    assert_ne!(changed, pupils, "{pupil} is there");
    fs::write(&file, changed).expect("pupils");
}

/// A link of the past or of the future, as this gateway makes them.
pub fn signed(world: &World, secret: &str, page: Page, id: &str, ago: SignedDuration) -> String {
    let secret = secrecy::SecretString::from(secret.to_owned());
    let url = format!("http://{}", world.address);
    let links = PageLinks::new(&url, &secret, SignedDuration::from_hours(1));
    links.link(page, &NotificationId::of(&[id]), SystemClock::new().now() - ago)
}
