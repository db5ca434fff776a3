//! Headless Chromium, steered by its own protocol over a pipe: opens pages, evaluates expressions in them, and ends with
//! the test. Nothing is downloaded and no port is opened; see `tests/run` for where Chromium comes from.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::world::within;

/// Chromium's own names, the leanest first.
const PROGRAMS: [&str; 2] = ["chromium-headless-shell", "chromium"];

/// A browser with one page.
pub struct Browser {
    /// Killed when it goes.
    _child: Child,
    _profile: tempfile::TempDir,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    serial: u64,
    session: String,
}

impl Browser {
    /// Starts it with an empty page, as wide as a telephone.
    pub async fn start() -> Self {
        let is_there = |name: &&&str| {
            let mut look = std::process::Command::new("sh");
            look.args(["-c", &format!("command -v {name}")]).stdout(Stdio::null());
            look.status().is_ok_and(|status| status.success())
        };
        let program = PROGRAMS.iter().find(is_there);
        let program = program.expect("this test needs Chromium: `sudo tests/run` installs it");
        let profile = tempfile::tempdir().expect("a folder");
        // It reads its orders from descriptor 3 and answers on 4.
        let line = format!(
            "exec {program} --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
             --no-proxy-server --user-data-dir={} --remote-debugging-pipe about:blank 3<&0 4>&1 </dev/null >/dev/null",
            profile.path().display()
        );
        let mut child = Command::new("sh")
            .args(["-c", &line])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("Chromium starts");
        let (to, from) =
            (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let from = BufReader::new(from);
        let session = String::new();
        let mut browser = Self { _child: child, _profile: profile, to, from, serial: 0, session };
        let page = browser.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": page["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach).await;
        browser.session = attached["sessionId"].as_str().expect("a session").to_owned();
        browser.call("Page.enable", json!({})).await;
        let size = json!({"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true});
        browser.call("Emulation.setDeviceMetricsOverride", size).await;
        // The pages are to work without.
        browser.scripts(false).await;
        browser
    }

    /// Whether scripts run.
    async fn scripts(&mut self, run: bool) {
        self.call("Emulation.setScriptExecutionDisabled", json!({"value": !run})).await;
    }

    async fn read(&mut self) -> Value {
        let mut bytes = Vec::new();
        let read = self.from.read_until(0, &mut bytes);
        let count = within("Chromium's answer", read).await.expect("a pipe");
        assert!(count > 0, "Chromium has ended");
        bytes.pop();
        serde_json::from_slice(&bytes).expect("JSON")
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.serial += 1;
        let mut order = json!({"id": self.serial, "method": method, "params": params});
        if !self.session.is_empty() {
            order["sessionId"] = self.session.as_str().into();
        }
        let mut line = order.to_string().into_bytes();
        line.push(0);
        self.to.write_all(&line).await.expect("a pipe");
        loop {
            let answer = self.read().await;
            if answer["id"] == self.serial {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// Waits for an event of the page.
    async fn event(&mut self, name: &str) {
        while self.read().await["method"] != name {}
    }

    /// Opens a page and waits until it is there.
    pub async fn open(&mut self, url: &str) {
        let went = self.call("Page.navigate", json!({"url": url})).await;
        assert!(went["errorText"].is_null(), "{url}: {went}");
        self.event("Page.loadEventFired").await;
    }

    /// The value of an expression in the page; of a promise, what comes of it.
    pub async fn eval(&mut self, expression: &str) -> Value {
        let params = json!({
            "expression": expression, "returnByValue": true, "awaitPromise": true,
        });
        let answer = self.call("Runtime.evaluate", params).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression:.80}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Clicks what a selector finds, as a finger would, and nothing else.
    pub async fn click(&mut self, selector: &str) {
        let quoted = json!(selector);
        let place = format!(
            "(() => {{ const e = document.querySelector({quoted}); e.scrollIntoView({{block: 'center'}}); \
             const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        );
        let at = self.eval(&place).await;
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({
                "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1,
            });
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Clicks what leads to another page, and waits until that is there.
    pub async fn follow(&mut self, selector: &str) {
        self.click(selector).await;
        self.event("Page.loadEventFired").await;
    }

    /// Types into what has the focus.
    pub async fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text})).await;
    }

    /// What axe-core finds wrong with the page by the rules of WCAG 2.2 AA and good practice: rule and element each.
    pub async fn axe(&mut self) -> Vec<String> {
        self.scripts(true).await;
        self.eval(include_str!("axe/axe.min.js")).await;
        let found = self
            .eval(
                "axe.run().then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ': ' + n.html + ' ' + n.failureSummary)))",
            )
            .await;
        self.scripts(false).await;
        let found = found.as_array().expect("a list");
        found.iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Nothing is wrong with the page, and it is no wider than the screen.
    pub async fn is_good(&mut self, what: &str) {
        let found = self.axe().await;
        assert!(found.is_empty(), "{what}:\n{}", found.join("\n\n"));
        let wide = self.eval("document.documentElement.scrollWidth - innerWidth").await;
        assert_eq!(wide, 0, "{what} is wider than the screen");
    }

    /// The same of a page in both languages.
    pub async fn is_good_in_both(&mut self, link: &str, what: &str) {
        for lang in ["sv", "en"] {
            self.open(&format!("{link}?lang={lang}")).await;
            assert_eq!(self.eval("document.documentElement.lang").await, lang, "{what}");
            self.is_good(&format!("{what} in {lang}")).await;
        }
    }

    /// What the page says.
    pub async fn says(&mut self) -> String {
        let said = self.eval("document.querySelector('main').innerText").await;
        said.as_str().expect("a text").to_owned()
    }
}
