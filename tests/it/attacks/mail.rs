//! What would become a header, a recipient, a page's code, a formula or another mail if it were
//! believed: in the configuration, the directory and the events, all the way to the mailbox.

use mail_parser::MessageParser;
use serde_json::Value;
use upprop::sim::sink::Received;

use crate::inlet::{amend, put_file};
use crate::world::{Setup, TEAM, World, upprop};

/// A line break and a header, as TOML and JSON write them.
const BREAK: &str = "x\\r\\nBcc: thief@example.se";

#[tokio::test]
async fn nothing_in_the_configuration_is_a_header_or_a_command() {
    let world = Setup::default().prepare();
    let config = std::fs::read_to_string(world.config()).expect("the configuration");
    for (table, key) in [
        ("[mail]", "from"),
        ("[mail]", "reply-to"),
        ("[mail]", "from-name"),
        ("[mail]", "message-id-domain"),
        ("[mail]", "hello-name"),
        ("[mail]", "host"),
        ("[mail]", "username"),
        ("[schools.s1]", "name"),
        ("[schools.s1]", "phone"),
        ("[schools.s1]", "sender-id"),
        ("[schools.s1]", "team-email"),
        ("[schools.s1]", "guests"),
        ("[providers.elks]", "url"),
        ("[http]", "proxy"),
    ] {
        for bad in [BREAK, "x\\u0085\\u0000y", "x\\u001b[2Jy"] {
            let (before, after) = config.split_once(table).expect("a table");
            let (own, rest) = after.split_once("\n[").unwrap_or((after, ""));
            let kept: String = own
                .lines()
                .filter(|line| line.split(" =").next() != Some(key))
                .flat_map(|line| [line, "\n"])
                .collect();
            let value = if key == "guests" { format!("[\"{bad}\"]") } else { format!("\"{bad}\"") };
            let text = format!("{before}{table}\n{key} = {value}{kept}\n[{rest}");
            put_file(&world, "upprop.toml", text.trim_end_matches('['));
            let (code, out, err) = upprop(&["check", &world.config().display().to_string()]);
            let said = format!("{out}{err}");
            assert_eq!(code, 78, "{key} {bad}: {said}");
            assert!(said.contains(&format!("`{key}`")), "{key} {bad}: {said}");
            assert!(!said.contains(['\r', '\0', '\u{85}', '\u{1b}']), "{key} {bad}: {said}");
        }
    }
}

/// What people and systems may write, and somebody may take for something else.
const EVIL: &[&str] = &[
    "x\r\n.\r\nMAIL FROM:<thief@example.se>\r\nRCPT TO:<thief@example.se>\r\nDATA",
    "x\n.\nQUIT\n",
    ".",
    "=?utf-8?q?=0D=0ABcc:_thief=40example.se?=",
    "=?utf-8?b?DQpCY2M6IHRoaWVmQGV4YW1wbGUuc2U=?=",
    "--alternative-0--\r\nContent-Type: text/html\r\n\r\n<script>",
    "</td><img src=x onerror=alert(1)>\"'`&lt;script&gt;",
    "{{ pupil }}{% include \"../../secrets/token\" %}{# #}${7*7}<%= 7*7 %>",
    "=HYPERLINK(\"http://example.se\")",
    "+1+1|cmd",
    "@SUM(1)",
    "-2+3",
    "\tx",
    "\u{202e}gro.elpmaxe\u{2066}",
];

/// A school whose pupil and guardian are called so, and whose mails say it in the subject too.
async fn school(name: &str) -> World {
    let mut world = Setup::default().prepare();
    let cell = format!("\"{}\"", name.replace('"', "\"\""));
    put_file(
        &world,
        "directory/pupils.csv",
        format!(
            "id,school,class,given-name,family-name,birth-date,protection\n\
             evil,s1,{cell},{cell},{cell},2012-01-15,none\nnils,s1,7B,Nils,Test,2012-01-15,none\n"
        ),
    );
    put_file(
        &world,
        "directory/guardians.csv",
        format!(
            "pupil,school,guardian,name,phone,email,channel,may-receive\n\
             evil,s1,g-1,{cell},,g1@hem.example,email,yes\n\
             nils,s1,g-n,Test,070-174 06 07,,sms,yes\n"
        ),
    );
    amend(&world, "[schools.s1]\n", "[schools.s1]\nsubject-identity = \"name\"\n");
    world.start().await;
    world
}

/// What holds for each mail, whatever it is about.
fn judge(mail: &Received, name: &str) {
    assert!([TEAM, "g1@hem.example"].contains(&&*mail.to), "{name:?}: {mail:?}");
    assert_eq!(mail.from, "franvaro@skola.example");
    for field in mail.headers.keys() {
        let known = [
            "From",
            "To",
            "Reply-To",
            "Subject",
            "Date",
            "Message-ID",
            "MIME-Version",
            "Auto-Submitted",
            "X-Auto-Response-Suppress",
            "Content-Language",
            "In-Reply-To",
            "References",
            "Content-Type",
        ];
        assert!(known.contains(&field.as_str()), "{field} came of {name:?}");
    }
    let raw = String::from_utf8_lossy(&mail.raw);
    assert!(!raw.split("\r\n").any(|line| line.contains(['\r', '\n', '\0'])), "{name:?}: {raw}");
    let read = MessageParser::default().parse(&mail.raw).expect("a mail");
    // Nobody has ended a part and begun another.
    let parts = 3 + 2 * usize::from(mail.to == TEAM);
    assert_eq!(read.parts.len(), parts, "{name:?}: {raw}");
    let html = read.body_html(0).expect("a page");
    for code in ["<script", "<img", "onerror=alert(1)>\""] {
        assert!(!html.contains(code), "{name:?}: {html}");
    }
    // A subject is decoded once by who reads it: it says what the name says, and no more.
    let subject = mail.subject.as_deref().expect("a subject");
    assert!(!subject.contains(['\r', '\n', '\u{202e}', '\u{2066}']), "{name:?}: {subject:?}");
    if name.starts_with("=?") && mail.to == TEAM {
        assert!(subject.contains("= ?utf-8?"), "{name:?} is text, not an encoded word: {raw}");
    }
    // Sheets open what they know; they are given nothing of the kind (CSV, or a name that says so).
    for attachment in &mail.attachments {
        let own = serde_json::to_value(attachment).expect("JSON").to_string();
        assert!(own.contains("application/json") && own.contains(".json\""), "{name:?}: {own}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_notes_stay_text_all_the_way_to_the_mailbox() {
    for name in EVIL {
        let mut world = school(name).await;
        let mut event = world.marked("evil", "l1", "unexcused", 3700);
        let mut report = event.clone();
        for key in ["mark", "recorded_at"] {
            report.as_object_mut().expect("an object").remove(key);
        }
        report["type"] = "lesson.report".into();
        report["id"] = world.event_id().into();
        report["reported_by"] = "t-1".into();
        report["note"] = (*name).into();
        if !name.contains(char::is_control) {
            event["lesson"]["label"] = (*name).into();
            report["lesson"]["label"] = (*name).into();
        }
        world.accept(&report).await;
        world.messages(1).await;
        world.accept(&event).await;
        let all = world.messages(2).await;
        for mail in &all {
            judge(mail, name);
        }
        world.quiet(2).await;
        assert_eq!(world.stop(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_could_be_headers_are_ids_or_are_refused() {
    let world = Setup::default().start().await;
    let good = world.marked("nils", "l1", "unexcused", 5);
    let evil = "x\r\nBcc: thief@example.se";
    for pointer in ["/id", "/school", "/pupil", "/lesson/id", "/lesson/label", "/mark", "/type"] {
        let mut event = good.clone();
        if pointer == "/lesson/label" {
            event["lesson"]["label"] = evil.into();
        } else {
            *event.pointer_mut(pointer).expect("a field") = evil.into();
        }
        let (status, answer) = world.post(&event).await;
        assert_eq!(status, 422, "{pointer}: {answer}");
        assert!(!answer.to_string().contains("\\r\\n"), "{pointer}: {answer}");
    }
    let mut event = good.clone();
    event["recorded_by"] = Value::from(evil);
    let (status, answer) = world.post(&event).await;
    assert_eq!(status, 422, "{answer}");
    world.quiet(0).await;
}
