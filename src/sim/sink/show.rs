//! A message as its reader sees it, for a terminal. What could steer the terminal or reorder the
//! line is shown as an escape. Pure.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::received::{Kind, Received};

/// Columns before a line is broken.
const WIDTH: usize = 72;

/// The message with its time in UTC.
pub fn show(message: &Received) -> String {
    show_in(message, &TimeZone::UTC)
}

/// The message with its time in the reader's zone. Open to the right, since a terminal and a program
/// seldom agree how wide a letter is.
pub fn show_in(message: &Received, zone: &TimeZone) -> String {
    let at = message
        .received_at
        .to_zoned_datetime(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S %Z")
        .to_string();
    let mut shown = String::new();
    let header = |name: &str| message.headers.get(name).map_or("", String::as_str);
    match message.kind {
        Kind::Sms => {
            let parts = match message.parts.unwrap_or(1) {
                1 => "1 part".to_owned(),
                n => format!("{n} parts"),
            };
            rule(&mut shown, '┌', &format!("SMS · {at} · {parts}"));
            line(&mut shown, &format!("{} → {}", message.from, message.to));
        }
        Kind::Email => {
            rule(&mut shown, '┌', &format!("Mail · {at}"));
            let from = Some(header("From")).filter(|from| !from.is_empty());
            line(&mut shown, &format!("From:    {}", from.unwrap_or(&message.from)));
            line(&mut shown, &format!("To:      {}", message.to));
            let subject = message.subject.as_deref().unwrap_or("(none)");
            line(&mut shown, &format!("Subject: {subject}"));
        }
    }
    rule(&mut shown, '├', "");
    message.text.trim_end().split('\n').for_each(|text| line(&mut shown, text));
    if !message.attachments.is_empty() {
        rule(&mut shown, '├', "Attached");
        for attached in &message.attachments {
            let (name, media, bytes) = (&attached.name, &attached.content_type, attached.bytes);
            line(&mut shown, &format!("{name} ({media}, {bytes} bytes)"));
        }
    }
    rule(&mut shown, '└', "");
    shown
}

fn rule(to: &mut String, corner: char, title: &str) {
    to.push(corner);
    let used = if title.is_empty() {
        0
    } else {
        let _ = write!(to, "─ {title} ");
        title.chars().count() + 3
    };
    to.extend(std::iter::repeat_n('─', (WIDTH + 1).saturating_sub(used)));
    to.push('\n');
}

/// Adds `text` with a border, broken between words where it is too wide.
fn line(to: &mut String, text: &str) {
    let text = escaped(text.trim_end_matches('\r'));
    let mut room = WIDTH;
    to.push_str("│ ");
    for word in text.split_inclusive(' ') {
        let width = word.trim_end().chars().count();
        if width > room && room < WIDTH {
            to.truncate(to.trim_end_matches(' ').len());
            to.push_str("\n│ ");
            room = WIDTH;
        }
        to.push_str(word);
        room = room.saturating_sub(word.chars().count());
    }
    to.truncate(to.trim_end_matches(' ').len());
    to.push('\n');
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if unseen(c) {
            let _ = write!(out, "{}", c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters, and those that are invisible or change direction (UAX #9 §2).
fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::sink::received::{Attachment, ReceiptState};

    fn sms(text: &str) -> Received {
        Received {
            kind: Kind::Sms,
            id: "s1".into(),
            from: "Ekskolan".into(),
            to: "+46701740605".into(),
            subject: None,
            text: text.into(),
            parts: Some(1),
            received_at: "2026-03-02T07:31:02Z".parse().expect("time"),
            headers: std::collections::BTreeMap::new(),
            attachments: Vec::new(),
            path: None,
            status: None,
            receipt: ReceiptState::None,
            receipts_posted: 0,
            raw: bytes::Bytes::new(),
        }
    }

    #[test]
    fn a_text_stands_in_its_box() {
        let zone = TimeZone::get("Europe/Stockholm").expect("bundled");
        let shown = show_in(&sms("Åsa saknas.\nRing 070-174 06 05."), &zone);
        let lines: Vec<_> = shown.lines().collect();
        assert!(lines[0].starts_with("┌─ SMS · 2026-03-02 08:31:02 CET · 1 part ──"), "{shown}");
        assert_eq!(lines[1], "│ Ekskolan → +46701740605");
        assert_eq!(lines[3..5], ["│ Åsa saknas.", "│ Ring 070-174 06 05."]);
        assert!(lines[0].chars().count() == 74 && lines[5].chars().count() == 74, "{shown}");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        let shown = show(&sms("a\u{1b}[2Jb\u{202e}c\u{2066}d\te\u{7}f"));
        assert!(shown.contains("a\\u{1b}[2Jb\\u{202e}c\\u{2066}d\\u{9}e\\u{7}f"), "{shown}");
        assert!(!shown.chars().any(|c| c != '\n' && unseen(c)));
    }

    #[test]
    fn long_lines_break_between_words() {
        let shown = show(&sms(&"ordning ".repeat(20)));
        assert!(shown.lines().all(|line| line.chars().count() <= WIDTH + 2), "{shown}");
        assert_eq!(shown.matches("ordning").count(), 20);
        let endless = "x".repeat(200);
        assert!(show(&sms(&endless)).contains(&endless), "a word is never broken");
    }

    #[test]
    fn attachments_are_named() {
        let mut mail = sms("Hej");
        mail.kind = Kind::Email;
        mail.subject = Some("Frånvaro".into());
        mail.attachments.push(Attachment {
            name: "a.json".into(),
            content_type: "application/json".into(),
            bytes: 7,
            text: None,
        });
        let shown = show(&mail);
        assert!(shown.contains("│ a.json (application/json, 7 bytes)"), "{shown}");
        assert!(shown.contains("│ Subject: Frånvaro"), "{shown}");
    }
}
