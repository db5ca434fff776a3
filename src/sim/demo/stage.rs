//! Where the story is told: says what happens, waits for the messages that must come of it, shows
//! each as its reader sees it, and keeps count.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::checks::{self, Expected, Report, Told};
use super::daemon::{Daemon, look_later};
use super::sender::{Lesson, Said, Sender, Word};
use super::{DemoError, within};
use crate::env::Clock;
use crate::sim::sink::{Faults, HttpFault, HttpRule, Received, Sink, show_in};

/// More refusals than any outage of the story has.
const MANY: u64 = 1_000_000;
const WIDTH: usize = 74;

/// The parts of the world and the account of what happened.
pub struct Stage<'a> {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The school's zone.
    pub zone: TimeZone,
    /// The provider and the mail server.
    pub sink: &'a Sink,
    /// The daemon.
    pub daemon: &'a mut Daemon,
    /// The school system.
    pub sender: Sender,
    /// Where the story is shown.
    pub out: &'a mut dyn Write,
    /// Whether somebody reads along and needs time to.
    pub paced: bool,
    /// What came out so far.
    pub report: Report,
    /// Steps so far.
    steps: u32,
    /// Messages that were expected and came, by the sink's id.
    taken: BTreeSet<String>,
    /// Whether the last that was shown is a message.
    after_message: bool,
}

impl<'a> Stage<'a> {
    /// Sets the stage; nothing runs yet.
    pub fn new(
        clock: Arc<dyn Clock>,
        zone: TimeZone,
        sink: &'a Sink,
        daemon: &'a mut Daemon,
        sender: Sender,
        out: &'a mut dyn Write,
        paced: bool,
    ) -> Self {
        let (report, taken) = (Report::default(), BTreeSet::new());
        Self {
            clock,
            zone,
            sink,
            daemon,
            sender,
            out,
            paced,
            report,
            steps: 0,
            taken,
            after_message: false,
        }
    }

    /// Begins a step.
    pub(super) fn step(&mut self, title: &str) -> Result<(), DemoError> {
        self.steps += 1;
        let head = format!("── {}. {title} ", self.steps);
        let rest = "─".repeat(WIDTH.saturating_sub(head.chars().count()));
        writeln!(self.out, "\n{head}{rest}")?;
        self.after_message = false;
        Ok(())
    }

    /// Says what happens, with the time of the day.
    pub(super) fn say(&mut self, what: &str) -> Result<(), DemoError> {
        let now = self.clock.now().to_zoned_datetime(self.zone.clone());
        if std::mem::take(&mut self.after_message) {
            writeln!(self.out)?;
        }
        let mut margin = now.strftime("%H:%M:%S").to_string();
        for line in wrapped(what, WIDTH - 10) {
            writeln!(self.out, "{margin:<8}  {line}")?;
            margin.clear();
        }
        self.out.flush()?;
        Ok(())
    }

    /// Has the school system say something new. When it was said, and what.
    pub(super) async fn tell(
        &mut self,
        lesson: &Lesson,
        words: &[Word],
    ) -> Result<(Timestamp, Said), DemoError> {
        let at = self.clock.now();
        Ok((at, self.sender.say(lesson, words).await?))
    }

    /// Has it say again what it said before, and counts how much was known.
    pub(super) async fn tell_again(&mut self, said: &Said) -> Result<u32, DemoError> {
        let (known, new) = self.sender.say_again(said).await?;
        if new > 0 {
            self.problem("an event that was taken before was taken again".into());
        }
        if self.sender.tells_duplicates() {
            self.report.counts.duplicates += usize::try_from(known).unwrap_or(0);
        }
        Ok(known)
    }

    /// Waits for messages and shows each, with the seconds since `since`.
    pub(super) async fn shows(
        &mut self,
        about: &'static str,
        since: Timestamp,
        expected: &[Expected],
    ) -> Result<Vec<Arc<Received>>, DemoError> {
        let found = |messages: &[_]| checks::find(messages, &self.taken, expected);
        let all = |messages: &[_]| found(messages).iter().all(Option::is_some);
        let what = format!("the messages about {about}");
        let messages = tokio::select! {
            messages = within(&what, self.sink.until(all)) => messages?,
            error = self.daemon.ended() => return Err(error),
        };
        let mut came: Vec<_> = found(&messages).into_iter().flatten().zip(expected).collect();
        came.sort_by_key(|(message, _)| message.received_at);
        for (message, expected) in &came {
            let ms = checks::ms(since, message.received_at);
            writeln!(self.out, "\n{} s later", seconds(ms))?;
            write!(self.out, "{}", show_in(message, &self.zone))?;
            self.after_message = true;
            self.taken.insert(message.id.clone());
            self.report.messages.push(Told {
                about,
                class: expected.class,
                kind: expected.kind,
                ms,
                message: message.id.clone(),
            });
        }
        self.out.flush()?;
        Ok(came.into_iter().map(|(message, _)| message).collect())
    }

    /// Shows what came and was not expected.
    pub(super) fn show_rest(&mut self, all: &[Arc<Received>]) -> Result<(), DemoError> {
        for message in all.iter().filter(|message| !self.taken.contains(&message.id)) {
            writeln!(self.out, "\nNobody should have been sent this:")?;
            write!(self.out, "{}", show_in(message, &self.zone))?;
        }
        Ok(())
    }

    /// Lets whoever reads along read.
    pub(super) async fn read_for(&mut self, seconds: i64) {
        if self.paced {
            let until = self.clock.now() + SignedDuration::from_secs(seconds);
            self.clock.sleep_until(until).await;
        }
    }

    /// The provider answers every text with 503 from now on.
    pub(super) fn outage(&self) {
        let rule = HttpRule::new(HttpFault::Unavailable).next(MANY);
        self.sink.set_faults(Faults { http: vec![rule], ..Faults::default() });
    }

    /// The provider works again.
    pub(super) fn recovery(&self) {
        self.sink.set_faults(Faults::default());
    }

    /// Waits until the outage has met `n` attempts.
    pub(super) async fn refused(&self, n: u64) -> Result<(), DemoError> {
        let left = || self.sink.faults().http.first().and_then(|rule| rule.when.remaining);
        within("the provider to be asked", async {
            while left().is_some_and(|left| MANY - left < n) {
                look_later(self.clock.as_ref()).await;
            }
        })
        .await
    }

    /// Notes what went wrong.
    pub(super) fn problem(&mut self, what: String) {
        self.report.problems.push(what);
    }
}

/// Milliseconds as seconds. Two clocks of one machine may give a little less than nothing.
pub(super) fn seconds(ms: i64) -> String {
    let ms = ms.max(0);
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

/// Lines of at most `width` letters, broken between words.
fn wrapped(text: &str, width: usize) -> impl Iterator<Item = String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is always one");
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        let lines: Vec<_> = wrapped("ett två tre fyra", 7).collect();
        assert_eq!(lines, ["ett två", "tre", "fyra"]);
        assert_eq!(wrapped("frånvaroanmälan", 3).collect::<Vec<_>>(), ["frånvaroanmälan"]);
    }

    #[test]
    fn milliseconds_as_seconds() {
        for (ms, text) in [(7, "0.007"), (12_345, "12.345"), (-1, "0.000")] {
            assert_eq!(seconds(ms), text);
        }
    }
}
