//! `upprop fake-school`, the real command: it prints where it is, pages a list, misbehaves as told, and
//! calls back.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::world::{signal, upprop, within};

/// The command and where it listens.
struct School {
    child: Child,
    url: String,
    client: reqwest::Client,
    /// Kept open: it says goodbye.
    _output: BufReader<ChildStdout>,
}

impl School {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_upprop"))
            .args(["fake-school", "--listen", "127.0.0.1:0", "--bearer", "known"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let url = loop {
            let mut line = String::new();
            let n = output.read_line(&mut line).expect("a line");
            assert!(n > 0, "it ended without the lines for the configuration");
            if let Some(url) = line.trim_end().strip_prefix("url = \"") {
                break url.trim_end_matches('"').to_owned();
            }
        };
        upprop::env::wire::install_crypto();
        Self { child, url, client: reqwest::Client::new(), _output: output }
    }

    async fn asked(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request.bearer_auth("known").send().await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.bytes().await.expect("a body");
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.asked(self.client.get(format!("{}/{path}", self.url))).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = if path.starts_with('/') {
            self.url.replace("/v2.0", path)
        } else {
            format!("{}/{path}", self.url)
        };
        self.asked(self.client.post(url).body(body.to_string())).await
    }
}

impl Drop for School {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_list_is_paged_and_a_change_is_called_back() {
    let mut school = School::start(&["--pupils", "30", "--seed", "3", "--now"]);
    let (status, page) = school.get("persons?limit=20").await;
    assert_eq!(status, 200, "{page}");
    let mut rows = page["data"].as_array().expect("rows").clone();
    let mut token = page["pageToken"].as_str().map(str::to_owned);
    while let Some(more) = token {
        let (_, page) = school.get(&format!("persons?pageToken={more}&limit=20")).await;
        rows.extend(page["data"].as_array().expect("rows").clone());
        token = page["pageToken"].as_str().map(str::to_owned);
    }
    let pupils = rows.iter().filter(|row| row["enrolments"] != json!([])).count();
    assert_eq!(pupils, 30);
    let ids: std::collections::BTreeSet<_> = rows.iter().map(|row| row["id"].as_str()).collect();
    assert_eq!(ids.len(), rows.len(), "nobody comes twice");

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let target = format!("http://{}/told", listener.local_addr().expect("an address"));
    let wish = json!({
        "name": "test", "target": target, "resourceTypes": [{"resource": "Attendance"}],
    });
    assert_eq!(school.post("subscriptions", &wish).await.0, 201);
    let (_, lessons) =
        school.asked(school.client.get(school.url.replace("/v2.0", "/_school/lessons"))).await;
    let lesson = lessons
        .as_array()
        .expect("lessons")
        .iter()
        .find(|lesson| lesson["register"] == true && lesson["cancelled"] == false);
    let lesson = lesson.expect("one with a register");
    let act = json!({"act": "absent", "pupil": lesson["pupils"][0], "lesson": lesson["id"]});
    assert_eq!(school.post("/_school/act", &act).await.0, 200);
    let told = within("the callback", async {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        let mut text = String::new();
        while !text.contains("deletedEntities") {
            let mut bytes = [0; 1024];
            let n = stream.read(&mut bytes).await.expect("more");
            assert!(n > 0, "{text}");
            text.push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
        let done = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        done.expect("answered");
        text
    })
    .await;
    assert!(told.contains(r#""modifiedEntites":["Attendance"]"#), "{told}");
    let path = format!("attendances?calendarEvent={}", lesson["id"].as_str().expect("an id"));
    let (_, marks) = school.get(&path).await;
    assert_eq!(marks["data"][0]["student"]["id"], lesson["pupils"][0]);

    assert!(signal("INT", &school.child.id().to_string()));
    assert_eq!(school.child.wait().expect("it ends").code(), Some(0));
}

#[tokio::test]
async fn it_misbehaves_as_told_and_says_how_it_can() {
    let school = School::start(&["--quirks", "skola24,modifiedEntities"]);
    assert_eq!(school.get("persons").await.0, 403);
    let (status, answer) = school.post("persons/lookup", &json!({"ids": []})).await;
    assert_eq!((status, answer["code"].as_str()), (400, Some("body")));
    let (code, list, stderr) = upprop(&["fake-school", "--quirks", "list"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(list.contains("skola24") && list.contains("null-references"), "{list}");
    let (code, _, stderr) = upprop(&["fake-school", "--quirks", "rain"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("\"rain\" is no quirk"), "{stderr}");
}
