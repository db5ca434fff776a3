//! `upprop why`: the whole trail of a pupil's last days, in the order in which things happened.

use std::fmt::Write as _;
use std::process::ExitCode;

use http::Method;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;

use super::ask::{Asked, encoded, fetch, read};
use super::{exit, why_lesson};
use crate::model::{LessonId, Mark, NoticeKind, PupilId, is_ahead};
use crate::operate::clocks::{Clocks, Stand};
use crate::operate::message::Message;
use crate::operate::registers::WhyLesson;
use crate::operate::rejected::Rejected;
use crate::operate::why::{AtDay, AtLesson, AtNotice, AtSchool, Line, Why};
use crate::store::rows::OperatorAct;

/// Arguments of `upprop why`.
#[derive(Debug, clap::Args)]
pub struct WhyArgs {
    /// The pupil's id, as the school system has it.
    #[arg(value_parser = pupil, required_unless_present = "lesson")]
    pub pupil: Option<PupilId>,
    /// The day, as 2026-11-23. Without it: the last days of which anything is known.
    pub date: Option<Date>,
    /// How many days of which anything is known, up to the one named or today [default: 1 with a day, else 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=366))]
    pub days: Option<u16>,
    /// Tell of the register of one lesson instead: who was asked for it, and who was told that it is not taken
    #[arg(long, value_name = "ID", value_parser = lesson, conflicts_with_all = ["pupil", "date", "days"])]
    pub lesson: Option<LessonId>,
    #[command(flatten)]
    asked: Asked,
}

fn pupil(text: &str) -> Result<PupilId, String> {
    PupilId::new(text.trim())
        .map_err(|error| format!("it {error}; give the pupil's id as the school system has it"))
}

fn lesson(text: &str) -> Result<LessonId, String> {
    LessonId::new(text.trim())
        .map_err(|error| format!("it {error}; give the lesson's id as the school system has it"))
}

/// Runs the command.
///
/// # Errors
/// None that is not an exit code.
pub async fn run(args: WhyArgs) -> anyhow::Result<ExitCode> {
    if let Some(lesson) = &args.lesson {
        let path = format!("/v1/why-lesson/{}", encoded(lesson.as_str()));
        let told = |why: &WhyLesson| (why_lesson::told(why), !why.schools.is_empty());
        return Ok(show(&args.asked, &path, told).await);
    }
    let Some(pupil) = &args.pupil else { return Ok(ExitCode::from(exit::USAGE)) };
    let date = args.date.map(|date| format!("date={date}&")).unwrap_or_default();
    let days = args.days.map(|days| format!("days={days}")).unwrap_or_default();
    let path = format!("/v1/why/{}?{date}{days}", encoded(pupil.as_str()));
    Ok(show(&args.asked, &path, |why: &Why| (told(why), why.is_known())).await)
}

/// Asks, prints the answer, and tells whether anything is known. `told`: the words, and whether there is.
async fn show<T: DeserializeOwned>(
    asked: &Asked,
    path: &str,
    told: impl Fn(&T) -> (String, bool),
) -> ExitCode {
    let body = match fetch(asked, Method::GET, path).await {
        Ok(body) => body,
        Err(error) => return ExitCode::from(error.code()),
    };
    let known = match (read::<T>(&body), asked.json) {
        (Ok(document), json) => {
            let (words, known) = told(&document);
            if !json {
                print!("{words}");
            }
            known
        }
        // It has been printed as it came.
        (Err(_), true) => true,
        (Err(error), false) => return ExitCode::from(error.code()),
    };
    if known { ExitCode::SUCCESS } else { ExitCode::from(exit::GENERAL) }
}

/// The document in words.
pub fn told(why: &Why) -> String {
    let mut out = String::new();
    if why.days.is_empty() {
        return format!(
            "Nothing is known of pupil {}: no event was taken about this id, and none refused from which it could \
             be read. Check the id, and see `upprop rejected`.\n",
            why.pupil
        );
    }
    let _ = writeln!(out, "Pupil {}", why.pupil);
    for day in &why.days {
        at_day(&mut out, day);
    }
    if !why.notices.is_empty() {
        let _ = writeln!(out, "\nAdvance notices");
        why.notices.iter().for_each(|notice| at_notice(&mut out, notice));
    }
    if !why.other_days.is_empty() {
        let days: Vec<String> = why.other_days.iter().map(ToString::to_string).collect();
        let _ = writeln!(out, "\nOther days: {}", days.join(", "));
    }
    out
}

fn at_day(out: &mut String, day: &AtDay) {
    let _ = writeln!(out, "\n{}", day.date.strftime("%A %Y-%m-%d"));
    if day.schools.is_empty() && day.rejected.is_empty() {
        let _ = writeln!(out, "  Nothing is known of that day.");
    }
    for school in &day.schools {
        at_school(out, school, day.date);
    }
    if !day.rejected.is_empty() {
        let zone = day.schools.first().map_or(TimeZone::UTC, |s| zone(&s.zone));
        let when = When { zone, day: Some(day.date) };
        let _ = writeln!(out, "\nRefused");
        day.rejected.iter().for_each(|refused| at_refused(out, refused, &when));
    }
}

fn at_notice(out: &mut String, notice: &AtNotice) {
    let when = When { zone: zone(&notice.zone), day: None };
    let kind = match notice.kind {
        NoticeKind::Notified => "notified absence",
        NoticeKind::Leave => "leave",
    };
    let (from, to) = (short(notice.from, &when), short(notice.to, &when));
    let act = if notice.withdrawn { "WITHDRAWN" } else { "given" };
    let at = notice.recorded_at.map(|at| format!(" {}", short(at, &when))).unwrap_or_default();
    let _ = writeln!(
        out,
        "  {kind} {from} to {to} ({}), {act}{at}, school {}",
        notice.zone, notice.school
    );
}

fn at_school(out: &mut String, school: &AtSchool, day: Date) {
    let when = When { zone: zone(&school.zone), day: Some(day) };
    let _ = writeln!(out, "School {} (times in {})", school.school, school.zone);
    if let Some(why) = &school.no_school {
        let _ = writeln!(out, "No school that day, by the calendar in force: {why}");
    }
    let _ = writeln!(out, "\nHeard and decided");
    school.trail.iter().for_each(|line| at_line(out, line, &when));
    if !school.acts.is_empty() {
        let _ = writeln!(out, "\nOperators");
    }
    for act in &school.acts {
        let _ = writeln!(out, "  {}  {}", clock(act.at, &when), act_told(act, &when));
    }
    for lesson in &school.lessons {
        at_lesson(out, lesson, &when);
    }
    if !school.tests.is_empty() {
        let _ = writeln!(out, "\nTests");
    }
    school.tests.iter().for_each(|message| at_message(out, message, &when));
    if !school.steps.is_empty() {
        let _ = writeln!(out, "\nSteps of ladders");
    }
    school.steps.iter().for_each(|message| at_message(out, message, &when));
}

fn act_told(act: &OperatorAct, when: &When) -> String {
    let until = act.until.map(|at| format!(" until {}", clock(at, when))).unwrap_or_default();
    let reason = if act.reason.is_empty() { String::new() } else { format!(": {}", act.reason) };
    let scope = act.scope.strip_prefix("silence:").unwrap_or(&act.scope);
    format!("{} {scope} by {}{until}{reason}", act.act, act.by)
}

pub(super) fn at_line(out: &mut String, line: &Line, when: &When) {
    let from = match (&line.source, &line.event) {
        (Some(source), Some(event)) => format!(" from {source}, event {event}"),
        (Some(source), None) => format!(" from {source}"),
        _ => String::new(),
    };
    let lesson = line.lesson.as_ref().map(|l| format!(", lesson {l}")).unwrap_or_default();
    let _ = writeln!(out, "  {}  {}{from}{lesson}", clock(line.at, when), line.heard);
    if line.decisions.is_empty() {
        let _ = writeln!(out, "            nothing to do");
    }
    for d in &line.decisions {
        let whom = if d.recipient.is_empty() { "everybody" } else { &d.recipient };
        let message = d.message.as_ref().map(|m| format!(" [{m}]")).unwrap_or_default();
        let _ = writeln!(out, "            {} {whom}: {} ({}){message}", d.act, d.rule, d.reason);
    }
    if !line.silences.is_empty() {
        let _ = writeln!(out, "            silence {}", line.silences.join(", "));
    }
}

fn at_lesson(out: &mut String, lesson: &AtLesson, when: &When) {
    let mark = lesson.mark.map_or_else(|| "no mark".to_owned(), word);
    let missing = if lesson.missing { ", counts as missing" } else { "" };
    let _ = writeln!(
        out,
        "\nLesson {} {}–{}: {mark}{missing}",
        lesson.id,
        short(lesson.start, when),
        short(lesson.end, when)
    );
    if let Some(line) = delays(lesson, when) {
        let _ = writeln!(out, "  {line}");
    }
    if let Some(clocks) = &lesson.clocks {
        at_clocks(out, clocks, when);
    }
    if lesson.messages.is_empty() {
        let _ = writeln!(out, "  no message was made");
    }
    lesson.messages.iter().for_each(|message| at_message(out, message, when));
}

/// When the mark in force was made, when it came, and when a provider first took a message about it: whose the
/// delay was.
fn delays(lesson: &AtLesson, when: &When) -> Option<String> {
    let recorded = lesson.recorded_at?;
    let seen = lesson.received_at;
    let ahead =
        if is_ahead(seen.duration_since(recorded)) { " by a clock that is ahead" } else { "" };
    let mut line = format!("recorded {}{ahead}, seen {}", clock(recorded, when), clock(seen, when));
    let about = lesson.messages.iter().filter(|m| m.created_at >= seen);
    let accepted = about
        .flat_map(|m| &m.attempts)
        .filter(|attempt| attempt.outcome.as_deref() == Some("accepted"));
    if let Some(at) = accepted.filter_map(|attempt| attempt.at).min() {
        let _ = write!(line, ", at the provider {}", clock(at, when));
    }
    Some(line)
}

/// How long upprop took, and apart from it whether somebody at home was told on the day.
fn at_clocks(out: &mut String, clocks: &Clocks, when: &When) {
    if let Some(ms) = clocks.told_after_ms {
        let _ = writeln!(
            out,
            "  service goal: at the provider {}.{:03} s after upprop knew",
            ms / 1000,
            ms % 1000
        );
    }
    let how = match (clocks.told_at, clocks.phoned_at) {
        (told, Some(phoned)) if told.is_none_or(|told| phoned < told) => {
            Some(format!("home knows, by what staff recorded at {}", clock(phoned, when)))
        }
        (told, _) => told.map(|at| format!("home was told at {}", clock(at, when))),
    };
    let _ = match (clocks.same_day, how) {
        (Stand::Told, Some(how)) => writeln!(out, "  the same day: {how}"),
        (Stand::Missed, Some(how)) => writeln!(out, "  the same day: MISSED, {how}"),
        (Stand::Missed, None) => {
            writeln!(out, "  the same day: MISSED, and home has not been told since")
        }
        (Stand::Open | Stand::Told, _) => {
            let last = clocks.day_ends.saturating_sub(jiff::SignedDuration::from_mins(1));
            let last = last.unwrap_or(clocks.day_ends);
            writeln!(
                out,
                "  the same day: home has not been told yet; there is time until {}",
                short(last, when)
            )
        }
    };
}

/// One message in words.
pub fn at_message(out: &mut String, m: &Message, when: &When) {
    let corrects = m.corrects.as_ref().map(|id| format!(" of {id}")).unwrap_or_default();
    let because = m.state_reason.map(|r| format!(": {}", r.in_words())).unwrap_or_default();
    let _ = writeln!(
        out,
        "  [{}] {}{corrects} to {} by {}: {}{because}",
        m.id,
        m.purpose.as_str(),
        m.recipient,
        m.channel.as_str(),
        m.state.as_str().to_uppercase()
    );
    let _ =
        writeln!(out, "            made {}: {}", clock(m.created_at, when), m.reason.in_words());
    if let Some(other) = &m.carried_by {
        let _ = writeln!(out, "            told by one message with [{other}]");
    }
    for other in &m.carries {
        let _ = writeln!(out, "            told [{other}] too");
    }
    for attempt in &m.attempts {
        let came = match (&attempt.outcome, attempt.at) {
            (Some(outcome), Some(at)) => {
                let code = attempt.code.as_ref().map(|c| format!(" ({c})")).unwrap_or_default();
                format!("{outcome}{code} {}", clock(at, when))
            }
            _ => "no outcome yet".into(),
        };
        let read_in = if attempt.languages.is_empty() {
            String::new()
        } else {
            format!(" in {}", attempt.languages.join(" and "))
        };
        let _ = writeln!(
            out,
            "            tried {} by {}{read_in}: {came}",
            clock(attempt.started_at, when),
            attempt.account
        );
    }
    if let Some(due) = m.due_at {
        let _ = writeln!(out, "            looked at next {}", clock(due, when));
    }
}

fn at_refused(out: &mut String, refused: &Rejected, when: &When) {
    let event = refused.event.as_deref().unwrap_or("without an id");
    let at = clock(refused.at, when);
    let _ = writeln!(out, "  {at}  event {event} from {}: {}", refused.source, refused.why);
}

fn word(mark: Mark) -> String {
    serde_json::to_value(mark).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

pub(super) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// How times are told: in a zone, with the day where it is not the one that is spoken of.
pub struct When {
    /// The zone.
    pub zone: TimeZone,
    /// The day that is spoken of.
    pub day: Option<Date>,
}

fn clock(at: Timestamp, when: &When) -> String {
    told_at(at, when, "%H:%M:%S")
}

pub(super) fn short(at: Timestamp, when: &When) -> String {
    told_at(at, when, "%H:%M")
}

fn told_at(at: Timestamp, when: &When, form: &str) -> String {
    let at = at.to_zoned_datetime(when.zone.clone());
    let day = if when.day == Some(at.date()) { String::new() } else { format!("{} ", at.date()) };
    format!("{day}{}", at.strftime(form))
}
