//! A scenario as it is written down for people: who there is, what happens and when, and every message that is
//! expected. Its sentences are read here and nowhere else; `tests/scenarios/README.md` lists them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use serde::Deserialize;

use super::acts::Act;
use super::people::{self, Contact, Pupil};

/// A file of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub scenario: Vec<Written>,
}

/// One scenario, as written.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    pub title: String,
    /// The day of times without a date.
    #[serde(default = "monday")]
    pub day: Date,
    /// `Alva, born 2013-05-01, class 8A, guardians Maria and Erik`.
    #[serde(default = "alva")]
    pub pupils: Vec<String>,
    /// `Maria, text`.
    #[serde(default = "parents")]
    pub guardians: Vec<String>,
    /// `Math 08:20-09:20`.
    #[serde(default = "lessons")]
    pub lessons: Vec<String>,
    /// The school's own settings, as in `upprop.toml`.
    #[serde(default)]
    pub school: toml::Table,
    /// Other tables of `upprop.toml`.
    #[serde(default)]
    pub besides: toml::Table,
    pub happens: Vec<String>,
    pub expected: Vec<String>,
}

fn monday() -> Date {
    Date::constant(2026, 11, 23)
}

fn alva() -> Vec<String> {
    vec!["Alva, born 2013-05-01, class 8A, guardians Maria and Erik".into()]
}

fn parents() -> Vec<String> {
    vec!["Maria, text".into(), "Erik, text".into()]
}

fn lessons() -> Vec<String> {
    vec!["Math 08:20-09:20".into(), "Art 09:40-10:40".into(), "Music 13:00-14:00".into()]
}

/// A lesson of the day.
#[derive(Debug, Clone)]
pub struct Lesson {
    pub from: Time,
    pub to: Time,
    /// By its id.
    pub school: String,
}

/// A span of hours.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: Time,
    to: Time,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub at: DateTime,
    /// `text` or `mail`.
    pub by: String,
    pub to: String,
    /// Pieces that stand in it in this order.
    pub says: Vec<String>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let says = self.says.join(" … ");
        write!(
            f,
            "{} {} {} to {}: {says}",
            self.at.date(),
            self.at.time().strftime("%H:%M"),
            self.by,
            self.to
        )
    }
}

/// One scenario, understood.
pub struct Script {
    pub title: String,
    pub day: Date,
    pub pupils: Vec<Pupil>,
    pub guardians: BTreeMap<String, Contact>,
    pub lessons: BTreeMap<String, Lesson>,
    pub school: toml::Table,
    pub besides: toml::Table,
    pub acts: Vec<(DateTime, Act)>,
    pub expected: Vec<Line>,
}

pub type Read<T> = Result<T, String>;

impl Script {
    /// Understands a scenario; else says which sentence is not one.
    pub fn read(written: &Written) -> Read<Self> {
        let day = written.day;
        let mut guardians = BTreeMap::new();
        for (at, text) in written.guardians.iter().enumerate() {
            let (name, contact) = people::guardian(text, at, &guardians)?;
            guardians.insert(name, contact);
        }
        let mut pupils = Vec::new();
        for text in &written.pupils {
            if let Some(class) = text.strip_prefix("class ") {
                let (class, of) = class.split_once(" of ").ok_or("class 8A of how many?")?;
                let of: usize = of.parse().map_err(|_| format!("{of:?} is no number"))?;
                for n in 1..=of {
                    let (pupil, home) = people::one_of_many(class, n);
                    guardians.insert(pupil.guardians[0].clone(), home);
                    pupils.push(pupil);
                }
                continue;
            }
            let pupil = people::pupil(text, pupils.len())?;
            if let Some(unknown) = pupil.guardians.iter().find(|g| !guardians.contains_key(*g)) {
                return Err(format!("{text:?}: {unknown} is no guardian"));
            }
            pupils.push(pupil);
        }
        let lessons = written.lessons.iter().map(|text| lesson(text)).collect::<Read<_>>()?;
        let mut script = Self {
            title: written.title.clone(),
            day,
            pupils,
            guardians,
            lessons,
            school: written.school.clone(),
            besides: written.besides.clone(),
            acts: Vec::new(),
            expected: Vec::new(),
        };
        for text in &written.happens {
            let (at, rest) = when(text, day)?;
            let act = script.act(rest, at).map_err(|why| format!("{text:?}: {why}"))?;
            script.acts.push((at, act));
        }
        if !script.acts.is_sorted_by_key(|(at, _)| *at) {
            return Err("what happens is not in order of time".into());
        }
        for text in &written.expected {
            let lines = script.lines(text)?;
            script.expected.extend(lines);
        }
        Ok(script)
    }

    /// A sentence of what is expected: `24 × 09:20 mail to team: …` stands for as many, `each home of 8A` for all.
    fn lines(&self, text: &str) -> Read<Vec<Line>> {
        let (count, text) = match text.split_once(" × ") {
            Some((count, text)) => (count.parse().map_err(|_| "how many?")?, text),
            None => (1, text),
        };
        let line = line(text, self.day)?;
        let Some(class) = line.to.strip_prefix("each home of ") else {
            return Ok(vec![line; count]);
        };
        let of_class = self.pupils.iter().filter(|pupil| pupil.class == class);
        let homes = of_class.flat_map(|pupil| &pupil.guardians);
        Ok(homes.map(|home| Line { to: home.clone(), ..line.clone() }).collect())
    }

    fn act(&self, text: &str, at: DateTime) -> Read<Act> {
        if let Some(rest) = text.strip_prefix("silence about ") {
            let (about, span) = rest.rsplit_once(' ').ok_or("from when to when?")?;
            let Span { from, to } = span_of(span)?;
            let (from, to) = (at.date().to_datetime(from), at.date().to_datetime(to));
            let class = about.strip_prefix("class ").map(str::to_owned);
            let pupil = match (&class, about) {
                (Some(_), _) | (None, "everybody") => None,
                (None, pupil) => Some(self.pupil(pupil)?),
            };
            return Ok(Act::Silence { class, pupil, from, to });
        }
        match text {
            "the team releases what is held" => return Ok(Act::Decide { release: true }),
            "the team discards what is held" => return Ok(Act::Decide { release: false }),
            "the gateway restarts" => return Ok(Act::Restart),
            "a backup is taken" => return Ok(Act::Backup),
            "the backup is put back" => return Ok(Act::PutBack),
            "the provider of texts is away" => return Ok(Act::Texts { work: false }),
            "the provider of texts is back" => return Ok(Act::Texts { work: true }),
            _ => {}
        }
        if let Some(to) = text.strip_prefix("the text to ") {
            return match to.split_once(' ') {
                Some((to, "is delivered")) => Ok(Act::Reported { to: to.into(), delivered: true }),
                Some((to, "is not delivered")) => {
                    Ok(Act::Reported { to: to.into(), delivered: false })
                }
                _ => Err("is delivered, or is not delivered?".into()),
            };
        }
        if let Some(text) = text.strip_prefix("session ") {
            return session(text, at.date());
        }
        for (word, kind) in [("notice for ", "notified"), ("leave for ", "leave")] {
            if let Some(rest) = text.strip_prefix(word) {
                return self.notice(rest, kind, at);
            }
        }
        if let Some(rest) = text.strip_prefix("the teacher says that ") {
            let (pupil, rest) = rest.split_once(" never came to ").ok_or("never came to what?")?;
            let (lesson, note) = match rest.split_once(": ") {
                Some((lesson, note)) => (lesson, Some(note.to_owned())),
                None => (rest, None),
            };
            return Ok(Act::Report {
                pupil: self.pupil(pupil)?,
                lesson: self.lesson(lesson)?,
                note,
            });
        }
        if let Some(act) = self.accord(text)? {
            return Ok(act);
        }
        if let Some((whose, number)) = text.split_once(" gets the number ") {
            return Ok(Act::Number { whose: whose.into(), is: number.into() });
        }
        for (words, is) in [(" may not be told about ", true), (" may be told about ", false)] {
            if let Some((guardian, pupil)) = text.split_once(words) {
                if !self.guardians.contains_key(guardian) {
                    return Err(format!("{guardian} is no guardian"));
                }
                return Ok(Act::Deny { guardian: guardian.into(), pupil: self.pupil(pupil)?, is });
            }
        }
        for (words, is) in [
            (" becomes protected", "protected"),
            (" is protected no longer", "none"),
            (" may be protected, nobody knows", "unknown"),
        ] {
            if let Some(pupil) = text.strip_suffix(words) {
                return Ok(Act::Protection { pupil: self.pupil(pupil)?, is });
            }
        }
        if let Some((pupil, class)) = text.split_once(" moves to class ") {
            return Ok(Act::Class { pupil: self.pupil(pupil)?, is: class.into() });
        }
        if let Some((pupil, school)) = text.split_once(" moves to the school ") {
            return Ok(Act::School { pupil: self.pupil(pupil)?, is: school.to_lowercase() });
        }
        if let Some(pupil) = text.strip_suffix(" leaves the school") {
            return Ok(Act::Leaves { pupil: self.pupil(pupil)? });
        }
        self.mark(text)
    }

    /// A sentence about what is agreed, if it is one.
    fn accord(&self, text: &str) -> Read<Option<Act>> {
        for (words, kind) in [
            (" takes back the consent", "consent"),
            ("'s home takes back the agreement", "agreement"),
        ] {
            if let Some(pupil) = text.strip_suffix(words) {
                return Ok(Some(Act::Revoke { pupil: self.pupil(pupil)?, kind }));
            }
        }
        if let Some((what, pupil)) =
            text.strip_prefix("the team records ").and_then(|rest| rest.split_once(" of "))
        {
            return Ok(Some(Act::Recorded {
                pupil: self.pupil(pupil)?,
                what: what.replace(' ', "-"),
            }));
        }
        let (text, to) = match text.split_once(", until ") {
            Some((text, to)) => (text, Some(to.to_owned())),
            None => (text, None),
        };
        for (words, how) in [
            ("'s home agrees on every lesson", "every-lesson"),
            ("'s home agrees on a line a day", "line-a-day"),
            ("'s home agrees on a line a week", "line-a-week"),
            ("'s home agrees to be phoned first", "phone-first"),
        ] {
            let Some((pupil, with)) = text.split_once(words) else { continue };
            let guardian = match with.strip_prefix(", with ") {
                None if !with.is_empty() => return Err(format!("{with:?}: with whom?")),
                guardian => guardian.map(str::to_owned),
            };
            let to = to.ok_or("until when?")?;
            return Ok(Some(Act::Reports { pupil: self.pupil(pupil)?, how, guardian, to }));
        }
        if let Some((pupil, rest)) = text.split_once(" consents that ") {
            let guardian = rest.strip_suffix(" is told").ok_or("that who is told?")?;
            let (pupil, guardian) = (self.pupil(pupil)?, Some(guardian.to_owned()));
            return Ok(Some(Act::Agree { pupil, guardian, phone: None, to }));
        }
        if let Some((pupil, rest)) = text.split_once("'s home agrees that ") {
            let phone = rest.strip_suffix(" is asked to ring").ok_or("that which number?")?;
            let (pupil, phone) = (self.pupil(pupil)?, Some(phone.to_owned()));
            return Ok(Some(Act::Agree { pupil, guardian: None, phone, to }));
        }
        Ok(None)
    }

    fn mark(&self, text: &str) -> Read<Act> {
        let (pupil, rest) = text.split_once(" is ").ok_or("this is no sentence that is known")?;
        let (rest, by) = match rest.split_once(", marked by ") {
            Some((rest, by)) => (rest, Some(by.to_owned())),
            None => (rest, None),
        };
        let (rest, recorded) = match rest.split_once(", marked at ") {
            Some((rest, time)) => (rest, Some(moment(time, self.day)?)),
            None => (rest, None),
        };
        let (mark, lesson) = rest.split_once(" at ").ok_or("at which lesson?")?;
        let (lesson, on) = match lesson.split_once(" of ") {
            Some((lesson, on)) => (lesson, on.parse().map_err(|_| format!("{on:?} is no date"))?),
            None => (lesson, self.day),
        };
        let late = mark.strip_prefix("late by ").and_then(|m| m.strip_suffix(" minutes"));
        let minutes = late.map(|m| m.parse().map_err(|_| "how many minutes?")).transpose()?;
        let mark = match mark {
            "missing" => "unexcused",
            "present" => "present",
            "excused" => "excused",
            "late" => "late",
            _ if late.is_some() => "late",
            "gone early" => "left_early",
            "elsewhere for school" => "other_activity",
            "not registered" => "unknown",
            other => return Err(format!("{other:?} is no mark")),
        };
        let pupils = match pupil.strip_prefix("everybody of ") {
            Some(class) => {
                let of_class = self.pupils.iter().filter(|pupil| pupil.class == class);
                of_class.map(|pupil| pupil.name.clone()).collect()
            }
            None => vec![self.pupil(pupil)?],
        };
        let lesson = self.lesson(lesson)?;
        Ok(Act::Mark { pupils, mark, minutes, lesson, on, recorded, by })
    }

    fn notice(&self, text: &str, kind: &'static str, at: DateTime) -> Read<Act> {
        let (text, withdrawn) = match text.strip_suffix(" is withdrawn") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let (pupil, span) = text.split_once(' ').ok_or("for which time?")?;
        let (day, span) = match span.split_once(' ') {
            Some((day, span)) => (day.parse().map_err(|_| format!("{day:?} is no date"))?, span),
            None => (at.date(), span),
        };
        let Span { from, to } = span_of(span)?;
        let (from, to) = (day.to_datetime(from), day.to_datetime(to));
        Ok(Act::Notice { pupil: self.pupil(pupil)?, kind, from, to, withdrawn })
    }

    fn pupil(&self, name: &str) -> Read<String> {
        let known = self.pupils.iter().any(|pupil| pupil.name == name);
        known.then(|| name.to_owned()).ok_or_else(|| format!("{name:?} is no pupil"))
    }

    /// The schools there are, by their ids.
    pub fn schools(&self) -> BTreeSet<String> {
        let of_pupils = self.pupils.iter().flat_map(|pupil| pupil.schools.iter().cloned());
        let of_lessons = self.lessons.values().map(|lesson| lesson.school.clone());
        of_pupils.chain(of_lessons).collect()
    }

    fn lesson(&self, name: &str) -> Read<String> {
        let known = self.lessons.contains_key(name);
        known.then(|| name.to_owned()).ok_or_else(|| format!("{name:?} is no lesson"))
    }
}

fn time(text: &str) -> Read<Time> {
    Time::strptime("%H:%M", text)
        .or_else(|_| Time::strptime("%H:%M:%S", text))
        .map_err(|_| format!("{text:?} is no time"))
}

/// `08:20`, `08:20:15`, or `2026-11-24 08:20`.
fn moment(text: &str, day: Date) -> Read<DateTime> {
    match text.split_once(' ') {
        Some((date, clock)) => {
            let date: Date = date.parse().map_err(|_| format!("{date:?} is no date"))?;
            Ok(date.to_datetime(time(clock)?))
        }
        None => Ok(day.to_datetime(time(text)?)),
    }
}

/// The time at the head of a sentence, and the rest of it.
fn when(text: &str, day: Date) -> Read<(DateTime, &str)> {
    let dated = text.get(4..5) == Some("-");
    let head = text.match_indices(' ').nth(usize::from(dated)).map(|(at, _)| at);
    let head = head.ok_or_else(|| format!("{text:?} does not begin with a time"))?;
    Ok((moment(&text[..head], day)?, text[head..].trim_start()))
}

/// `1 of 4A was held`, or `1 of 4A is moved to 2026-09-30`.
fn session(text: &str, today: Date) -> Read<Act> {
    let (number, rest) = text.split_once(" of ").ok_or("of which class?")?;
    let session = number.parse().map_err(|_| "which session?")?;
    if let Some(class) = rest.strip_suffix(" was held") {
        return Ok(Act::Session { act: "held", class: class.into(), session, day: today });
    }
    let (class, day) = rest.split_once(" is moved to ").ok_or("held, or moved to when?")?;
    let day = day.parse().map_err(|_| format!("{day:?} is no date"))?;
    Ok(Act::Session { act: "move", class: class.into(), session, day })
}

fn span_of(text: &str) -> Read<Span> {
    let (from, to) = text.split_once('-').ok_or_else(|| format!("{text:?} is no span"))?;
    Ok(Span { from: time(from)?, to: time(to)? })
}

fn lesson(text: &str) -> Read<(String, Lesson)> {
    let (text, school) = match text.split_once(" at ") {
        Some((text, school)) => (text, school.to_lowercase()),
        None => (text, people::SCHOOL.to_owned()),
    };
    let (name, span) = text.rsplit_once(' ').ok_or_else(|| format!("{text:?} is no lesson"))?;
    let Span { from, to } = span_of(span)?;
    Ok((name.to_owned(), Lesson { from, to, school }))
}

fn line(text: &str, day: Date) -> Read<Line> {
    let (at, rest) = when(text, day)?;
    let wrong = || format!("{text:?}: write TIME text|mail to NAME: WORDS … WORDS");
    let (by, rest) = rest.split_once(" to ").ok_or_else(wrong)?;
    let (to, says) = rest.split_once(": ").ok_or_else(wrong)?;
    if !matches!(by, "text" | "mail") {
        return Err(wrong());
    }
    let says = says.split('…').map(|part| part.trim().to_owned()).collect();
    Ok(Line { at, by: by.into(), to: to.into(), says })
}
