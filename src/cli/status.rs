//! `upprop status`, `upprop queue`, `upprop rejected` and `upprop statistics`: how the gateway is, what waits, what was refused,
//! what became of how many.

use std::fmt::Write as _;
use std::process::ExitCode;

use http::Method;
use jiff::{SpanRound, Timestamp, Unit};
use serde::de::DeserializeOwned;

use super::ask::{Asked, ask};
use super::holds::hold_told;
use super::suspend::suspension_told;
use super::times::local;
use crate::env::Clock as _;
use crate::env::clock::SystemClock;
use crate::model::SourceId;
use crate::operate::counters::{self, Statistics};
use crate::operate::queue::Queue;
use crate::operate::rejected::AllRejected;
use crate::operate::status::{AtAccount, AtSchool, AtSource, LastHour, OurDelay, Status, Trouble};

/// Arguments of each.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    asked: Asked,
}

/// Runs `upprop status`.
///
/// # Errors
/// None that is not an exit code.
pub async fn status(args: StatusArgs) -> anyhow::Result<ExitCode> {
    show::<Status>(args, "/v1/status", status_told).await
}

/// Runs `upprop queue`.
///
/// # Errors
/// None that is not an exit code.
pub async fn queue(args: StatusArgs) -> anyhow::Result<ExitCode> {
    show::<Queue>(args, "/v1/queue", queue_told).await
}

/// Runs `upprop rejected`.
///
/// # Errors
/// None that is not an exit code.
pub async fn rejected(args: StatusArgs) -> anyhow::Result<ExitCode> {
    show::<AllRejected>(args, "/v1/rejected", |all, _| rejected_told(all)).await
}

/// Runs `upprop statistics`.
///
/// # Errors
/// None that is not an exit code.
pub async fn statistics(args: StatusArgs) -> anyhow::Result<ExitCode> {
    show::<Statistics>(args, "/v1/statistics", |all, _| statistics_told(all)).await
}

fn statistics_told(all: &Statistics) -> String {
    let mut out = String::new();
    for day in &all.days {
        let _ = writeln!(out, "{} {}", day.date, day.school);
        for (kind, count) in &day.messages {
            let _ = writeln!(out, "  {count:>8}  {kind}");
        }
        for (how, count) in &day.registers {
            let _ = writeln!(out, "  {count:>8}  registers {how}");
        }
        if let Some(share) = counters::in_time(&day.registers) {
            let _ = writeln!(out, "  {share:>6} %  registers taken in time");
        }
    }
    for erased in &all.erasures {
        let _ = writeln!(
            out,
            "{}  {} rows of a pupil of {} erased by {}",
            local(erased.at),
            erased.rows,
            erased.school,
            erased.by
        );
    }
    if out.is_empty() {
        out.push_str("Nothing is counted yet.\n");
    }
    out
}

async fn show<T: DeserializeOwned>(
    args: StatusArgs,
    path: &str,
    told: impl Fn(&T, Timestamp) -> String,
) -> anyhow::Result<ExitCode> {
    match ask::<T>(&args.asked, Method::GET, path).await {
        Ok(None) => {}
        Ok(Some(document)) => print!("{}", told(&document, SystemClock::new().now())),
        Err(error) => return Ok(ExitCode::from(error.code())),
    }
    Ok(ExitCode::SUCCESS)
}

fn status_told(status: &Status, now: Timestamp) -> String {
    let mut out = String::new();
    match status.running_since {
        Some(since) => {
            let _ = writeln!(out, "upprop {} runs, {}", status.version, since_when(since, now));
        }
        None => {
            let _ = writeln!(out, "upprop does NOT run; this is what its store says");
        }
    }
    let free = status.free_bytes.map(|b| format!(", {} MiB free", b >> 20)).unwrap_or_default();
    match &status.why_not {
        None => drop(writeln!(out, "store    takes work{free}")),
        Some(why) => drop(writeln!(out, "store    takes NO work: {why}")),
    }
    if let Some(pupils) = status.pupils {
        let empty = if pupils == 0 { ": NOBODY can be told; load a directory" } else { "" };
        let _ = writeln!(out, "people   {pupils} pupils in the directory{empty}");
    }
    if !status.directory_held_back.is_empty() {
        let _ = writeln!(
            out,
            "         the directory that came last is HELD BACK; the former is in force:"
        );
    }
    for line in &status.directory_held_back {
        let _ = writeln!(out, "         {line}");
    }
    for suspension in &status.suspensions {
        let _ = writeln!(out, "\n{}", suspension_told(suspension));
    }
    for hold in &status.holds {
        let _ = writeln!(out, "\nHELD: {}", hold_told(hold));
    }
    let _ = writeln!(out, "\nschools");
    for school in &status.schools {
        let _ = writeln!(out, "  {}", school_told(school, now));
    }
    let _ = writeln!(out, "\naccounts");
    for account in &status.accounts {
        let _ = writeln!(out, "  {}", account_told(account, now));
    }
    if !status.sources.is_empty() {
        let _ = writeln!(out, "\nsources");
    }
    for (source, last) in &status.sources {
        let last = last.map_or("no event in the last weeks".into(), |at| {
            format!("last heard {}", since_when(at, now))
        });
        match status.contacts.get(source) {
            Some(contact) => out.push_str(&source_told(source, contact, &last, now)),
            None => drop(writeln!(out, "  {source}: {last}")),
        }
    }
    if let Some(ours) = &status.our_delay {
        let OurDelay { messages, median_seconds, worst_seconds } = ours;
        let _ = writeln!(
            out,
            "  our part, from seen to taken by a provider: {messages} message(s) in the last hour, half within \
             {median_seconds} s, the slowest {worst_seconds} s"
        );
    }
    let _ = write!(out, "\n{}", queue_told(&status.queue, now));
    out
}

fn source_told(source: &SourceId, found: &AtSource, last: &str, now: Timestamp) -> String {
    let mut out = String::new();
    let asked = found.asked_every_seconds.is_some();
    let last = match found.last_answer {
        None if asked => "has not answered yet".into(),
        Some(at) if asked => format!("last answered {}", since_when(at, now)),
        _ => last.to_owned(),
    };
    let _ = write!(out, "  {source}: {last} ({}: {})", found.kind, found.gives.join(", "));
    if let Some(at) = found.last_news {
        let _ = write!(out, "; last news {}", since_when(at, now));
    }
    out.push('\n');
    if let Some(hour) = &found.last_hour {
        let LastHour { marks, median_seconds, worst_seconds, ahead } = hour;
        if *marks > 0 {
            let _ = writeln!(
                out,
                "    its part, from recorded to seen: {marks} mark(s) in the last hour, half within \
                 {median_seconds} s, the slowest {worst_seconds} s"
            );
        }
        if *ahead > 0 {
            let _ = writeln!(
                out,
                "    {ahead} mark(s) were recorded after they came: its clock is ahead; have it set by NTP"
            );
        }
    }
    if let Some(ahead) = found.clock_ahead_seconds.filter(|ahead| ahead.abs() > 60) {
        let (ahead, word) = (ahead.abs(), if ahead > 0 { "ahead of" } else { "behind" });
        // Others have a trouble of their own for it.
        let meant = if found.kind == "ss12000" {
            "; marks go on being read by its own clock; have both set by NTP"
        } else {
            ""
        };
        let _ = writeln!(out, "    its clock is {ahead} s {word} ours{meant}");
    }
    for (school, at) in &found.silent_at {
        let _ = writeln!(
            out,
            "    SILENT about {school}: IT and the team were told {}",
            since_when(*at, now)
        );
    }
    for (kind, Trouble { what, remedy, since, times, .. }) in &found.troubles {
        let _ = writeln!(
            out,
            "    WRONG ({kind}): {what} (since {}, {times} times)\n      → {remedy}",
            since_when(*since, now)
        );
    }
    out
}

fn school_told(s: &AtSchool, now: Timestamp) -> String {
    let kept = match s.mode.as_str() {
        "shadow" => format!("shadow: {} would have gone today", s.kept_by_mode),
        "guests" => format!(
            "guests ({} listed): {} gone today, {} more would have",
            s.guests, s.gone, s.kept_by_mode
        ),
        mode => format!("{mode}: {} gone today", s.gone),
    };
    let by = match (&s.live_by, s.live_since) {
        (Some(by), Some(at)) => {
            let when = since_when(at, now);
            format!("; live {when} by {by}, while configuration says {}", s.configured)
        }
        _ => String::new(),
    };
    let registers = counters::in_time(&s.registers)
        .map(|share| {
            let of = |how: &str| s.registers.get(how).copied().unwrap_or_default();
            let (late, untaken) = (of("late"), of("untaken"));
            format!("; registers {share} % in time, {late} late, {untaken} untaken")
        })
        .unwrap_or_default();
    let day = if s.no_school_today { "; NO SCHOOL DAY" } else { "" };
    let silences = match s.silences {
        0 => String::new(),
        count => format!("; silences in force: {count} (upprop silence list)"),
    };
    let numbers = format!("{} under way, {} failed", s.under_way, s.failed);
    format!("{}  {kept}, {numbers}{by}{registers}{day}{silences}", s.school)
}

fn account_told(a: &AtAccount, now: Timestamp) -> String {
    let mut words = format!("{}: {}", a.account, a.state);
    if let Some(since) = a.since {
        let code = a.code.as_deref().unwrap_or_default();
        let _ = write!(words, " {} ({code})", since_when(since, now));
        if let Some(next) = a.next_try {
            let _ = write!(words, ", tried again {}", since_when(next, now));
        }
    }
    if let Some(at) = a.last_accepted {
        let _ = write!(words, ", last took a message {}", since_when(at, now));
    } else {
        words.push_str(", has taken no message that is kept");
    }
    words
}

fn queue_told(queue: &Queue, now: Timestamp) -> String {
    let mut out = String::new();
    if queue.lanes.is_empty() {
        let _ = writeln!(out, "nothing waits");
    } else {
        let _ = writeln!(out, "waiting");
    }
    for lane in &queue.lanes {
        let _ = write!(out, "  {}: {} due, {} later", lane.lane, lane.due, lane.later);
        if let Some(oldest) = lane.oldest_due {
            let _ = write!(out, "; the oldest is due {}", since_when(oldest, now));
        }
        if let Some(oldest) = lane.oldest_made {
            let _ = write!(out, "; the oldest was made {}", since_when(oldest, now));
        }
        if let Some(next) = lane.next {
            let _ = write!(out, "; the next {}", since_when(next, now));
        }
        let _ = writeln!(out);
        for (reason, count) in &lane.reasons {
            let _ = writeln!(out, "    {count} {reason}");
        }
    }
    for id in &queue.held {
        let _ = writeln!(
            out,
            "  HELD in doubt: {id}; `upprop message show {id}`, then retry or cancel it"
        );
    }
    out
}

fn rejected_told(all: &AllRejected) -> String {
    let mut out = String::new();
    if all.rejected.is_empty() {
        return "no event was refused lately\n".into();
    }
    for r in &all.rejected {
        let pupil = r.pupil.as_ref().map(|p| format!(", pupil {p}")).unwrap_or_default();
        let event = r.event.as_deref().unwrap_or("without an id");
        let _ = writeln!(out, "{}  {}  event {event}{pupil}: {}", local(r.at), r.source, r.why);
    }
    out
}

/// `3m 20s ago`, `in 2h`, `now`.
fn since_when(at: Timestamp, now: Timestamp) -> String {
    let apart = now.duration_since(at);
    let span = jiff::Span::try_from(apart.abs())
        .and_then(|span| span.round(SpanRound::new().largest(Unit::Hour).smallest(Unit::Second)));
    let Ok(span) = span else { return at.to_string() };
    if span.is_zero() {
        "now".into()
    } else if apart.is_negative() {
        format!("in {span:#}")
    } else {
        format!("{span:#} ago")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_apart_is_told_with_what_it_means() {
        let now = Timestamp::UNIX_EPOCH;
        let source = SourceId::new("hub").expect("id");
        let told = |kind: &str, ahead| {
            let found: AtSource = serde_json::from_value(serde_json::json!({
                "kind": kind, "gives": ["attendance"], "asked-every-seconds": 15, "last-answer": null,
                "last-news": null, "last-recorded": null, "clock-ahead-seconds": ahead,
                "last-hour": null, "silent-at": {}, "troubles": {}
            }))
            .expect("a source");
            source_told(&source, &found, "", now)
        };
        let meant = "marks go on being read by its own clock; have both set by NTP";
        let out = told("ss12000", 7_199);
        assert!(
            out.contains("its clock is 7199 s ahead of ours; ") && out.contains(meant),
            "{out}"
        );
        assert!(told("ss12000", -61).contains("61 s behind ours"));
        assert!(!told("ss12000", 60).contains("clock"));
        assert!(!told("edlevo", 7_199).contains(meant), "it has a trouble for that");
    }
}
