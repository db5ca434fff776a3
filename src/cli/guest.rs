//! `upprop test send`: one message over the whole path to a guest, and what becomes of it.

use std::process::ExitCode;

use http::Method;
use jiff::{SignedDuration, Timestamp};

use super::ask::{Asked, NoAnswer, ask_daemon, encoded};
use super::exit;
use crate::env::Clock as _;
use crate::env::clock::SystemClock;
use crate::model::{Channel, Reason, SchoolId, State};
use crate::operate::guest::Test;
use crate::operate::message::Message;

/// Between two looks at what has become of it.
const LOOK: SignedDuration = SignedDuration::from_millis(200);
/// Longest wait.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);

/// Arguments of `upprop test`.
#[derive(Debug, clap::Args)]
pub struct TestArgs {
    #[command(subcommand)]
    command: TestCommand,
}

#[derive(Debug, clap::Subcommand)]
enum TestCommand {
    /// Sends one test to a guest of a school, by the channel that the address is of, and tells what becomes of
    /// it: the same row, limits, provider and delivery report as any message, and about no pupil.
    ///
    /// Exit code 0: the provider or the relay took it, or a report says that it arrived; 1: not so; 69: no
    /// daemon runs, and nobody else sends.
    Send(SendArgs),
}

#[derive(Debug, clap::Args)]
struct SendArgs {
    /// A number or an e-mail address that stands in the school's `guests`.
    #[arg(long, value_name = "GUEST")]
    to: String,
    /// As which school; without it: the one whose guest it is.
    #[arg(long, value_name = "ID")]
    school: Option<String>,
    /// How long to wait for what becomes of it; at most 10m.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = wait)]
    wait: SignedDuration,
    #[command(flatten)]
    asked: Asked,
}

fn wait(text: &str) -> Result<SignedDuration, String> {
    let read = text.parse::<SignedDuration>().map_err(|_| "write 60s or 5m".to_owned())?;
    if read.is_negative() || read > LONGEST {
        return Err("write 0s to 10m".into());
    }
    Ok(read)
}

/// Runs the command.
///
/// # Errors
/// None that is not an exit code.
pub async fn run(args: TestArgs) -> anyhow::Result<ExitCode> {
    let TestCommand::Send(args) = args.command;
    let school = match args.school.map(SchoolId::new).transpose() {
        Ok(school) => school,
        Err(error) => {
            eprintln!("upprop: --school: {error}");
            return Ok(ExitCode::from(exit::USAGE));
        }
    };
    let test = Test { to: args.to, school };
    match send(&args.asked, &test, args.wait).await {
        Ok(message) => {
            if args.asked.json {
                println!("{}", serde_json::to_string(&message)?);
            }
            let advice = advice(&message);
            if has_gone(&message) {
                return Ok(ExitCode::SUCCESS);
            }
            eprintln!("upprop: {advice}");
            Ok(ExitCode::from(exit::GENERAL))
        }
        Err(error) => Ok(ExitCode::from(error.code())),
    }
}

/// Has the test made and follows it until it has come to something, or the wait is over.
async fn send(asked: &Asked, test: &Test, wait: SignedDuration) -> Result<Message, NoAnswer> {
    let clock = SystemClock::new();
    let until = clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
    let mut message: Message = ask_daemon(asked, Method::POST, "/v1/tests", Some(test)).await?;
    let path = format!("/v1/messages/{}", encoded(message.id.as_str()));
    let tell = |words: String| {
        if !asked.json {
            println!("{words}");
        }
    };
    tell(format!(
        "test {} to a guest of school {}, by {}",
        message.id,
        message.school,
        message.channel.as_str()
    ));
    let mut told = String::new();
    loop {
        let now = told_as(&message);
        if now != told {
            tell(now.clone());
            told = now;
        }
        if is_over(&message) || clock.now() >= until {
            return Ok(message);
        }
        clock.sleep_until(clock.now().saturating_add(LOOK).unwrap_or(Timestamp::MAX)).await;
        message = ask_daemon(asked, Method::GET, &path, None::<&Test>).await?;
    }
}

/// Whether there is nothing more to wait for. A relay reports nothing once it has taken a mail.
fn is_over(m: &Message) -> bool {
    let taken = m.state == State::Accepted && m.channel == Channel::Email;
    // A stopped account is tried every five minutes.
    let stopped = m.state_reason == Some(Reason::ChannelStopped);
    m.state.is_final() || m.state == State::Held || taken || stopped
}

fn has_gone(m: &Message) -> bool {
    matches!(m.state, State::Accepted | State::Delivered)
}

fn told_as(m: &Message) -> String {
    let because = m.state_reason.map(|r| format!(": {}", r.in_words())).unwrap_or_default();
    let code = code(m).map(|code| format!(" ({code})")).unwrap_or_default();
    format!("  {}{because}{code}", m.state.as_str())
}

/// The provider's last word.
fn code(m: &Message) -> Option<&str> {
    m.attempts.last().and_then(|attempt| attempt.code.as_deref())
}

/// What to do when it has not gone.
fn advice(m: &Message) -> String {
    let id = &m.id;
    let code = code(m).unwrap_or("no code");
    match (m.state, m.state_reason) {
        (State::Waiting, Some(Reason::ChannelStopped)) => format!(
            "the account refuses to send, or there is none ({code}): mend credentials, credit or sender; \
             it is tried again by itself"
        ),
        (State::Waiting, Some(Reason::ProviderAway | Reason::RetryLater)) => {
            format!("the provider could not take it ({code}); it is tried again for ten minutes")
        }
        (State::Waiting, Some(Reason::RateLimited)) => {
            "a limit on messages to this recipient is used up; wait, or raise `recipient-rate`"
                .into()
        }
        (State::Waiting, Some(Reason::Suspended)) => {
            "sending is suspended; `upprop resume` ends it".into()
        }
        (State::Waiting, _) => "it still waits: its account is stopped (`upprop status` says why, `upprop self-test` \
                                what to do) or at its limit, or others are before it (`upprop queue`)"
            .into(),
        (State::Sending, _) => format!("no answer yet; ask again with `upprop message show {id}`"),
        (State::InDoubt | State::Held, _) => format!(
            "nobody knows whether it was taken ({code}): see whether it came, and check the network to the \
             provider"
        ),
        (State::Rejected, Some(Reason::TemplateFailed)) => {
            "its text could not be made; `upprop check` says why".into()
        }
        (State::Rejected, _) => {
            format!(
                "the provider refuses it ({code}): check the address, the sender and the account"
            )
        }
        (State::Undelivered, _) => {
            "the provider took it and reports that it did not arrive: check the number".into()
        }
        (State::Expired, _) => {
            "it could not leave within ten minutes; see `upprop status` for why".into()
        }
        (State::Cancelled, Some(Reason::ShadowMode)) => {
            "the school is in shadow mode by now, which sends nothing".into()
        }
        (State::Cancelled, Some(Reason::NotAGuest)) => {
            "the address is no longer among the school's guests".into()
        }
        (State::Cancelled, _) => "an operator called it back".into(),
        (State::Accepted | State::Delivered, _) => String::new(),
    }
}
