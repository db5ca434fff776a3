//! The answer of Edlevo's Absence API as what it says, without judging it: which pupil, which lesson, which
//! reason. Reads by name and nesting, whatever stands beside; takes no comment and no name of a person. Pure.
//!
//! Names and nesting: the vendor's schema `tieto-edu-absence-v2.xsd` (namespace `http://open.tieto.com/edu/absence/v2`).
//! Namespaces are not compared, and an attribute is read as the element of its name would be.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event as Xml};

/// Deeper than any answer is.
const MAX_DEPTH: usize = 32;
/// Longer than any value that is read.
const MAX_VALUE_BYTES: usize = 1024;
/// More than a large school's two days hold.
const MAX_EVENTS: usize = 500_000;

/// What an answer says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// What time it is there, as it is written.
    pub datetime: Option<String>,
    /// Each lesson of each pupil.
    pub events: Vec<Event>,
    /// Events without a lesson, as those of preschools: nothing is made of them.
    pub without_lesson: u64,
}

/// One pupil at one lesson, every value as it is written; empty: not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The pupil.
    pub person: String,
    /// The lesson's start.
    pub start: String,
    /// Its end.
    pub stop: String,
    /// The school unit.
    pub unit: String,
    /// The lesson.
    pub lesson: String,
    /// Who registered it.
    pub registered_by: String,
    /// `Valid`, `Invalid`, `LateArrival`, `Present`.
    pub reason: String,
    /// Minutes missed.
    pub minutes: String,
    /// Minutes planned.
    pub lesson_minutes: String,
    /// The course's or subject's code, and its name.
    pub course: [String; 2],
    /// The group's or class's name.
    pub group: String,
}

/// Why an answer cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It ends before it is whole, or is no XML.
    #[error("it is not well-formed XML at byte {0}")]
    NotXml(u64),
    /// It is not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// It says what its entities mean: no answer needs that, and a few lines of it may fill any memory.
    #[error("it brings a document type of its own (<!DOCTYPE>), which is not read")]
    DocumentType,
    /// It names an entity that XML does not know.
    #[error("it names an entity that XML does not know, at byte {0}")]
    Entity(u64),
    /// It is deeper or longer than any answer.
    #[error("it is nested deeper, or holds more, than any answer can")]
    TooMuch,
    /// It is something else.
    #[error("it holds no <persons>: it is not an answer about absence")]
    SomethingElse,
}

/// Reads it.
///
/// # Errors
/// See [`Unreadable`]; nothing of it is then to be used.
pub fn read(bytes: &[u8]) -> Result<Answer, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::NotUtf8)?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut found = Found::default();
    let mut path: Vec<String> = Vec::new();
    let mut value = String::new();
    let mut whole = false;
    loop {
        let broken = |reader: &Reader<&[u8]>| Unreadable::NotXml(reader.error_position());
        match reader.read_event().map_err(|_| broken(&reader))? {
            Xml::Start(tag) => {
                if path.len() >= MAX_DEPTH {
                    return Err(Unreadable::TooMuch);
                }
                path.push(name(tag.local_name().into_inner()));
                value.clear();
                found.open(&path, &tag).ok_or_else(|| broken(&reader))?;
            }
            Xml::Empty(tag) => {
                path.push(name(tag.local_name().into_inner()));
                found.open(&path, &tag).ok_or_else(|| broken(&reader))?;
                found.close(&path)?;
                path.pop();
                whole |= path.is_empty();
            }
            Xml::End(_) => {
                if let [.., parent, own] = path.as_slice() {
                    found.value(parent, own, &value);
                }
                found.close(&path)?;
                path.pop();
                value.clear();
                whole |= path.is_empty();
            }
            Xml::Text(text) => append(&mut value, &text),
            Xml::CData(text) => append(&mut value, &text),
            Xml::GeneralRef(entity) => {
                let at = reader.buffer_position();
                let character = entity.resolve_char_ref().map_err(|_| Unreadable::Entity(at))?;
                match (character, quick_xml::escape::resolve_xml_entity(&entity)) {
                    (Some(character), _) => append(&mut value, character.encode_utf8(&mut [0; 4])),
                    (None, Some(meant)) => append(&mut value, meant),
                    (None, None) => return Err(Unreadable::Entity(at)),
                }
            }
            Xml::DocType(_) => return Err(Unreadable::DocumentType),
            Xml::Comment(_) | Xml::Decl(_) | Xml::PI(_) => {}
            Xml::Eof if !whole => return Err(broken(&reader)),
            Xml::Eof if !found.is_answer => return Err(Unreadable::SomethingElse),
            Xml::Eof => return Ok(found.answer),
        }
    }
}

/// Case is not compared: the schema writes all in small letters.
fn name(local: &str) -> String {
    local[..local.floor_char_boundary(64)].to_ascii_lowercase()
}

/// Values that are read are short; of others the beginning is enough not to be taken for one.
fn append(value: &mut String, more: &str) {
    if value.len() <= MAX_VALUE_BYTES {
        let end = more.floor_char_boundary(MAX_VALUE_BYTES);
        value.push_str(&more[..end]);
    }
}

#[derive(Default)]
struct Found {
    answer: Answer,
    is_answer: bool,
    person: String,
    event: Event,
    has_lesson: bool,
}

impl Found {
    /// A tag begins; none: its attributes cannot be read.
    fn open(&mut self, path: &[String], tag: &BytesStart<'_>) -> Option<()> {
        let own = path.last().map_or("", String::as_str);
        match own {
            "persons" => self.is_answer = true,
            "person" => self.person.clear(),
            "event" => (self.event, self.has_lesson) = (Event::default(), false),
            "schoolevent" => self.has_lesson = true,
            _ => {}
        }
        for attribute in tag.attributes() {
            let attribute = attribute.ok()?;
            let key = name(attribute.key.local_name().into_inner());
            let value = quick_xml::escape::unescape(&attribute.value).ok()?;
            self.value(own, &key, &value[..value.floor_char_boundary(MAX_VALUE_BYTES)]);
        }
        Some(())
    }

    /// A value stands in `parent` under its own name.
    fn value(&mut self, parent: &str, own: &str, value: &str) {
        let value = value.trim();
        let Event { start, stop, unit, lesson, registered_by, reason, .. } = &mut self.event;
        let place = match (parent, own) {
            ("properties", "datetime") => self.answer.datetime.insert(String::new()),
            ("person", "personid") => &mut self.person,
            ("event", "start") => start,
            ("event", "stop") => stop,
            ("event", "unitid") => unit,
            ("schoolevent", "lessonid") => lesson,
            ("schoolevent", "registeredby") => registered_by,
            ("schoolevent", "reason") => reason,
            ("schoolevent", "minutes") => &mut self.event.minutes,
            ("schoolevent", "lessonminutes") => &mut self.event.lesson_minutes,
            ("schoolevent", "courseorsubjectcode") => &mut self.event.course[0],
            ("schoolevent", "courseorsubjectname") => &mut self.event.course[1],
            ("schoolevent", "grouporclassname") => &mut self.event.group,
            _ => return,
        };
        value.clone_into(place);
    }

    /// A tag ends.
    fn close(&mut self, path: &[String]) -> Result<(), Unreadable> {
        if path.last().is_none_or(|own| own != "event") {
            return Ok(());
        }
        if !self.has_lesson {
            self.answer.without_lesson += 1;
            return Ok(());
        }
        if self.answer.events.len() >= MAX_EVENTS {
            return Err(Unreadable::TooMuch);
        }
        let mut event = std::mem::take(&mut self.event);
        event.person.clone_from(&self.person);
        self.answer.events.push(event);
        Ok(())
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
