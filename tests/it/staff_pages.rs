//! A world with pages for staff: its configuration, mentors, links out of mails, and forms filled in as a browser would.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use jiff::SignedDuration;
use reqwest::redirect::Policy;
use serde_json::Value;
use upprop::env::{Clock as _, SystemClock};

use crate::inlet::{Answer, amend};
use crate::world::{Setup, World, upprop, within};

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
