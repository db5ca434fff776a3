//! `upprop holds`: messages held because far too many pupils are missing at once, shown with their numbers, and
//! released or discarded, whole or by class and lesson.

use std::fmt::Write as _;
use std::process::ExitCode;

use http::Method;

use super::ask::{Asked, ask, ask_with};
use super::confirm::{Yes, confirm};
use super::exit;
use super::times::local;
use crate::model::{Exceeded, HoldAct, HoldId, HoldScope, HoldThen, LessonId};
use crate::operate::volume_holds::{Decide, Holds, InShort, Part, Shown};

/// Arguments of `upprop holds`.
#[derive(Debug, clap::Args)]
pub struct HoldsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show all holds, newest first.
    List(ListArgs),
    /// Show one with its numbers: which classes and lessons, what is usual, the limit, likely causes.
    Show(ShowArgs),
    /// Let its messages go. What has been put right meanwhile is not sent.
    Release(DecideArgs),
    /// Discard its messages: guardians are not told. Put the register right too, or the team is told at each lesson's
    /// end of who is still missing.
    Discard(DecideArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The hold's id, as `upprop holds list` and the mail show it.
    #[arg(value_name = "ID")]
    id: HoldId,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, clap::Args)]
struct DecideArgs {
    /// The hold's id, as `upprop holds list` and the mail show it.
    #[arg(value_name = "ID")]
    id: HoldId,
    /// This class only.
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// This lesson only.
    #[arg(long, value_name = "LESSON")]
    lesson: Option<String>,
    /// Why, for whoever asks later. Not for names: it is kept and shown.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    yes: Yes,
    #[command(flatten)]
    asked: Asked,
}

/// Runs the command.
///
/// # Errors
/// None that is not an exit code.
pub async fn run(args: HoldsArgs) -> anyhow::Result<ExitCode> {
    match args.what {
        What::List(args) => Ok(list(args).await),
        What::Show(args) => {
            let path = format!("/v1/holds/{}", args.id);
            Ok(match ask::<Shown>(&args.asked, Method::GET, &path).await {
                Ok(None) => ExitCode::SUCCESS,
                Ok(Some(shown)) => {
                    print!("{}", shown_told(&shown));
                    ExitCode::SUCCESS
                }
                Err(error) => ExitCode::from(error.code()),
            })
        }
        What::Release(args) => decide(args, HoldAct::Release).await,
        What::Discard(args) => decide(args, HoldAct::Discard).await,
    }
}

async fn list(args: ListArgs) -> ExitCode {
    match ask::<Holds>(&args.asked, Method::GET, "/v1/holds").await {
        Ok(None) => {}
        Ok(Some(all)) if all.holds.is_empty() => println!("Nothing is held, and nothing was."),
        Ok(Some(all)) => {
            for hold in &all.holds {
                println!("{}", hold_told(hold));
            }
        }
        Err(error) => return ExitCode::from(error.code()),
    }
    ExitCode::SUCCESS
}

async fn decide(args: DecideArgs, act: HoldAct) -> anyhow::Result<ExitCode> {
    let lesson = match args.lesson.as_deref().map(LessonId::new).transpose() {
        Ok(lesson) => lesson,
        Err(error) => {
            eprintln!("upprop: --lesson: {error}");
            return Ok(ExitCode::from(exit::USAGE));
        }
    };
    let path = format!("/v1/holds/{}", args.id);
    let part = part_in_words(args.class.as_deref(), lesson.as_ref());
    let question = match act {
        HoldAct::Release => format!("Tell the guardians of those held by {}{part}?", args.id),
        HoldAct::Discard => {
            format!("Never tell the guardians of those held by {}{part}?", args.id)
        }
    };
    if let Err(code) = confirm(args.yes, &question)? {
        return Ok(code);
    }
    let body = Decide { act, class: args.class, lesson, reason: args.reason };
    match ask_with::<Shown>(&args.asked, Method::POST, &path, &body).await {
        Ok(None) => {}
        Ok(Some(shown)) => print!("{}", decided_told(&shown, act)),
        Err(error) => return Ok(ExitCode::from(error.code())),
    }
    Ok(ExitCode::SUCCESS)
}

fn part_in_words(class: Option<&str>, lesson: Option<&LessonId>) -> String {
    let class = class.map(|class| format!(" in class {class}")).unwrap_or_default();
    let lesson = lesson.map(|lesson| format!(" at lesson {lesson}")).unwrap_or_default();
    class + &lesson
}

fn decided_told(shown: &Shown, act: HoldAct) -> String {
    let n = shown.concerned;
    let mut out = match act {
        HoldAct::Release => format!(
            "Released: {n} message(s) are looked at again at once, and leave where the pupil is still missing.\n"
        ),
        HoldAct::Discard => {
            format!(
                "Discarded: {n} message(s). Guardians are not told. Put the register right too.\n"
            )
        }
    };
    if act == HoldAct::Discard && shown.hold.told > 0 {
        let _ = writeln!(
            out,
            "Somebody at home of {} pupil(s) was told before they were held: they are told better when the register is put right.",
            shown.hold.told
        );
    }
    if shown.hold.over_at.is_none() {
        let left: u32 = shown.parts.iter().filter(|p| p.stands == "held").map(|p| p.pupils).sum();
        let _ =
            writeln!(out, "Still held: {left} pupil(s); see upprop holds show {}", shown.hold.id);
    }
    out
}

/// One hold in a line, with what to do about it.
pub(super) fn hold_told(hold: &InShort) -> String {
    let mut out = format!("{}  {}", hold.id, counted(hold));
    if hold.over_at.is_some() {
        let last = hold.decisions.last();
        let last = last.map(|d| format!("{} by {} {}", past(d.act), d.by, local(d.at)));
        let _ = write!(out, "; {}", last.unwrap_or_else(|| "over: the register was mended".into()));
        return out;
    }
    let then = match hold.then {
        HoldThen::Keep => "kept after that too",
        HoldThen::Release => "released then",
        HoldThen::Discard => "discarded then",
    };
    let _ = write!(
        out,
        "; {} pupil(s) now, {} message(s) wait until {} ({then}).\n  Look: upprop holds show {id}; then: \
         upprop holds release {id}, or upprop holds discard {id}",
        hold.left,
        hold.waiting,
        local(hold.until),
        id = hold.id
    );
    out
}

fn past(act: HoldAct) -> &'static str {
    match act {
        HoldAct::Release => "released",
        HoldAct::Discard => "discarded",
    }
}

/// `42 of 60 pupils in 8A, 8B, 8C of school bjorkskolan missing at lessons at 2026-11-26 08:20:00 CET`.
fn counted(hold: &InShort) -> String {
    let whom = match &hold.scope {
        HoldScope::Classes(classes) => {
            let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
            format!("in {} of school {}", classes.join(", "), hold.school)
        }
        HoldScope::School => format!("of school {}", hold.school),
        HoldScope::Source(source) => {
            format!("of school {}, all said by source {source},", hold.school)
        }
    };
    format!("{} of {} pupils {whom} missing at {}", hold.counted, hold.of, local(hold.start))
}

fn shown_told(shown: &Shown) -> String {
    let hold = &shown.hold;
    let mut out = format!("{}\n", hold_told(hold));
    let limit = match hold.why {
        Exceeded::Class(percent) => format!("{percent} % of a class (volume-class)"),
        Exceeded::School(percent) => format!("{percent} % of the school (volume-school)"),
        Exceeded::Source(percent) => {
            format!("{percent} % of the school by one source within 15 minutes (volume-source)")
        }
        Exceeded::Usual(times) => format!("{times} times what is usual (volume-usual)"),
    };
    let _ = writeln!(out, "  limit: {limit}");
    if let Some(usual) = hold.usual {
        let (whole, tenth) = (usual.tenths / 10, usual.tenths % 10);
        let weeks = usual.weeks;
        let _ =
            writeln!(out, "  usual at that weekday and hour: {whole}.{tenth} (of {weeks} weeks)");
    }
    for part in &shown.parts {
        let _ = writeln!(out, "  {}", part_told(part));
    }
    if hold.told > 0 {
        let _ = writeln!(out, "  somebody at home of {} of them was told before", hold.told);
    }
    for cause in &shown.causes {
        let _ = writeln!(out, "  perhaps: {}", cause.words);
    }
    for d in &hold.decisions {
        let part = part_in_words(d.class.as_deref(), d.lesson.as_ref());
        let why = if d.reason.is_empty() { String::new() } else { format!(": {}", d.reason) };
        let _ = writeln!(out, "  {}{part} by {} {}{why}", past(d.act), d.by, local(d.at));
    }
    out
}

fn part_told(part: &Part) -> String {
    let class = part.class.as_deref().unwrap_or("no class");
    let of = part.of.map(|of| format!(" of {of}")).unwrap_or_default();
    format!(
        "{class}, lesson {} at {}: {}{of}, {} message(s) wait, {}",
        part.lesson,
        local(part.start),
        part.pupils,
        part.waiting,
        part.stands
    )
}
