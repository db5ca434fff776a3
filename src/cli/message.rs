//! `upprop message`: one message shown, called back, or sent again. What changes anything asks first, or
//! wants `--yes` where nobody can be asked.

use std::process::ExitCode;

use http::Method;
use jiff::tz::TimeZone;

use super::ask::{Asked, ask};
use super::confirm::{Yes, confirm};
use super::why;
use crate::model::{NotificationId, Purpose};
use crate::operate::message::Message;

/// Arguments of `upprop message`.
#[derive(Debug, clap::Args)]
pub struct MessageArgs {
    #[command(subcommand)]
    command: MessageCommand,
}

#[derive(Debug, clap::Subcommand)]
enum MessageCommand {
    /// Shows a message: for whom, why, and what became of each try.
    Show {
        /// Its id, as `upprop why` and the log have it.
        #[arg(value_parser = message)]
        id: NotificationId,
        #[command(flatten)]
        asked: Asked,
    },
    /// Calls a waiting message back, or lays one to rest that is held in doubt.
    Cancel(Acted),
    /// Sends a message again: one that is held in doubt, that failed, or that waits for its next try.
    ///
    /// One that is in doubt may have arrived: its reader may then get it twice.
    Retry(Acted),
}

#[derive(Debug, clap::Args)]
struct Acted {
    /// Its id, as `upprop why` and the log have it.
    #[arg(value_parser = message)]
    id: NotificationId,
    #[command(flatten)]
    yes: Yes,
    #[command(flatten)]
    asked: Asked,
}

fn message(text: &str) -> Result<NotificationId, &'static str> {
    NotificationId::parse(text.trim())
        .map_err(|_| "a message's id has 32 hexadecimal digits; `upprop why PUPIL` shows them")
}

/// Runs the command.
///
/// # Errors
/// None that is not an exit code.
pub async fn run(args: MessageArgs) -> anyhow::Result<ExitCode> {
    let (method, path, asked) = match args.command {
        MessageCommand::Show { id, asked } => (Method::GET, format!("/v1/messages/{id}"), asked),
        MessageCommand::Cancel(acted) => {
            if let Err(code) = confirm(acted.yes, "Call this message back?")? {
                return Ok(code);
            }
            (Method::POST, format!("/v1/messages/{}/cancel", acted.id), acted.asked)
        }
        MessageCommand::Retry(acted) => {
            let question =
                "Send this message now? If an earlier try is in doubt it may arrive twice.";
            if let Err(code) = confirm(acted.yes, question)? {
                return Ok(code);
            }
            (Method::POST, format!("/v1/messages/{}/retry", acted.id), acted.asked)
        }
    };
    match ask::<Message>(&asked, method, &path).await {
        Ok(None) => {}
        Ok(Some(message)) => {
            let mut out = String::new();
            let zone = TimeZone::system();
            let named = zone.iana_name().unwrap_or("this machine's zone").to_owned();
            let when = why::When { zone, day: None };
            why::at_message(&mut out, &message, &when);
            if message.purpose == Purpose::Test {
                print!("a test of {}, about no pupil (times in {named})\n{out}", message.date);
            } else if message.purpose.is_of_ladder() {
                print!(
                    "pupil {}, a step of a ladder that was reached on {} (times in {named})\n{out}",
                    message.pupil, message.date
                );
            } else if message.purpose.is_notice() {
                print!(
                    "a notice of {} about {}, about no pupil (times in {named})\n{out}",
                    message.date,
                    about(&message)
                );
            } else {
                print!(
                    "pupil {}, lesson {} of {} (times in {named})\n{out}",
                    message.pupil, message.lesson, message.date
                );
            }
        }
        Err(error) => return Ok(ExitCode::from(error.code())),
    }
    Ok(ExitCode::SUCCESS)
}

/// What a notice is about.
fn about(message: &Message) -> String {
    match message.purpose {
        Purpose::RegisterDigest => "registers of the day".into(),
        Purpose::NotReached => "those of whom nobody was reached".into(),
        Purpose::Missed => "those of whom nobody was told on the day".into(),
        Purpose::RosterAudit => "audit of the directory".into(),
        Purpose::TermReport => "a term in numbers".into(),
        Purpose::LadderReport => "the ladder of the week".into(),
        Purpose::DutyList => "duties that are left".into(),
        Purpose::DayReport => "the absences of the day".into(),
        Purpose::ProgrammeReminder => format!("sessions in class {}", message.lesson),
        Purpose::VolumeHold => format!("hold {}", message.lesson),
        Purpose::SourceAlert | Purpose::SourceClear => format!("source {}", message.lesson),
        _ => format!("the register of lesson {}", message.lesson),
    }
}
