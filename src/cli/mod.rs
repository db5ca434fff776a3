//! The command line: one file a command. Parses, calls, prints; what it does is done by the rooms.

pub mod accord;
mod ask;
pub mod case;
pub mod check;
mod check_calendars;
mod check_drop;
mod check_ladders;
mod check_languages;
mod check_places;
mod check_programmes;
mod check_rooms;
mod check_texts;
pub mod config;
mod confirm;
pub mod demo;
pub mod directory;
mod duty;
pub mod exit;
pub mod fake_school;
pub mod go_live;
pub mod guest;
pub mod holds;
pub mod init;
mod journal;
pub mod ladder;
mod ladder_preview;
mod ladder_pupil;
mod logging;
pub mod manual;
pub mod message;
mod notify;
mod owner;
pub mod programme;
mod progress;
pub mod pupil;
pub mod reload;
mod reloading;
pub mod report;
pub mod run;
pub mod self_test;
pub mod silence;
mod silence_import;
pub mod simulate;
pub mod sink;
pub mod status;
pub mod store;
pub mod suspend;
mod times;
mod traces;
mod versions;
pub mod why;
mod why_lesson;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::env::Clock as _;
use crate::env::clock::SystemClock;

/// Attendance notification gateway: tells guardians and the attendance team, at once and once, when
/// a pupil is missing.
#[derive(Debug, Parser)]
#[command(name = "upprop", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play a made-up school day with the real daemon: no network, about a minute.
    ///
    /// Exit code 0: everybody was told what they should be, once, and nobody else anything; 1: not
    /// so, and the folder with the daemon's log is kept.
    Demo(demo::DemoArgs),
    /// Write a commented configuration, or with --trial all that a try needs.
    Init(init::InitArgs),
    /// Check a configuration: all problems at once, every template rendered, SMS parts counted.
    Check(check::CheckArgs),
    /// Look at what the configuration comes to.
    Config(config::ConfigArgs),
    /// Try all that sending needs, without sending anything: store, clock, zones, texts, accounts, mail.
    ///
    /// Exit code 1: something failed.
    SelfTest(self_test::SelfTestArgs),
    /// Run the daemon.
    Run(run::RunArgs),
    /// Run a local SMS provider and mail server that show what arrives.
    Sink(sink::SinkArgs),
    /// Run a made-up school with a server of SS 12000, to try upprop on.
    FakeSchool(Box<fake_school::FakeSchoolArgs>),
    /// Look at the directory of pupils, guardians and staff, and let one through that is held back.
    Directory(directory::DirectoryArgs),
    /// Look after the store.
    Store(store::StoreArgs),
    /// Tell why something was sent to whom, or not sent: the whole trail of a pupil's last days, or of a lesson's
    /// register.
    ///
    /// Exit code 1: nothing is known of the pupil, of the day, or of the lesson.
    Why(why::WhyArgs),
    /// Show how the gateway is: schools, accounts, sources, what waits.
    Status(status::StatusArgs),
    /// Have the daemon read its configuration, secrets, texts and directory again: all or nothing.
    ///
    /// Exit code 0: in force; 78: it has errors, all of which are told, and the former goes on; 69: no
    /// daemon runs.
    Reload(reload::ReloadArgs),
    /// Show what waits, and why.
    Queue(status::StatusArgs),
    /// Show events that were refused.
    Rejected(status::StatusArgs),
    /// Write down everything that is kept about one pupil, to be handed out.
    Export(pupil::ExportArgs),
    /// Erase everything that is kept about one pupil.
    Forget(pupil::ForgetArgs),
    /// Show how many messages there were, by day, outcome and reason, also of days that are gone.
    Statistics(status::StatusArgs),
    /// Let nothing leave for a while: of a school, by a channel, or at all. Messages wait.
    Suspend(suspend::SuspendArgs),
    /// End a suspension early.
    Resume(suspend::ResumeArgs),
    /// Have nobody told of some lessons: a trip, a study day of one class, a pupil who by agreement is not there.
    Silence(silence::SilenceArgs),
    /// Sessions of preventive programmes: which are due in which class, which were held, and which are moved.
    Programme(programme::ProgrammeArgs),
    /// Guardians of a pupil who is 18 or older, told because the pupil consents.
    Consent(accord::ConsentArgs),
    /// What was agreed with a home: that one number of a protected pupil's may be asked to ring, or how it is told.
    Agreement(accord::AgreementArgs),
    /// What people have to do because of a ladder: list it, take it on, tick it.
    Duty(duty::DutyArgs),
    /// Ladders: what one means, whether the examples in it hold, and how far a pupil is up those of its school.
    Ladder(ladder::LadderArgs),
    /// What came of a case, one pupil on one day: shown, and recorded by those who have no mail with a link.
    Case(case::CaseArgs),
    /// Look at messages that are held because far too many pupils are missing, and let them go or discard them.
    Holds(holds::HoldsArgs),
    /// Take a school from its guests to everybody, or back.
    GoLive(go_live::GoLiveArgs),
    /// See whether messages arrive: send a test to a guest.
    Test(guest::TestArgs),
    /// Show one message, call it back, or send it again.
    Message(message::MessageArgs),
    /// Live through a term again, or one that is made up: what would have been sent, held and corrected, and what it
    /// would have cost. Nothing is sent.
    ///
    /// Exit code 65: the data cannot be used; 78: a configuration has errors.
    Simulate(Box<simulate::SimulateArgs>),
    /// Reports: a term in numbers.
    Report(report::ReportArgs),
    /// Write manual pages and completions, for a package.
    #[command(hide = true)]
    Manual(manual::ManualArgs),
}

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    end_quietly_when_nobody_reads();
    let cli = Cli::parse();
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("upprop: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Ends a command whose output is no longer wanted, as `upprop status | head -3`: the standard library panics
/// when it cannot print.
fn end_quietly_when_nobody_reads() {
    let otherwise = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let words = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
        if words.starts_with("failed printing to std") && words.contains("Broken pipe") {
            std::process::exit(exit::BROKEN_PIPE.into());
        }
        otherwise(panic);
    }));
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(args) => runtime()?.block_on(demo::run(args, Arc::new(SystemClock::new()))),
        Command::Init(args) => {
            init::run(&args, SystemClock::new().now(), &mut crate::env::random::fill)
        }
        Command::Manual(args) => manual::run(&args, &Cli::command()),
        Command::Check(args) => {
            let rooms = |report: &_| check_rooms::asked(report, args.languages);
            check::run(&args, run::credentials_dir(), &rooms)
        }
        Command::SelfTest(args) => runtime()?.block_on(self_test::run(args)),
        Command::Config(args) => config::run(&args),
        Command::Ladder(args) => runtime()?.block_on(ladder::run(args)),
        Command::Directory(args) => runtime()?.block_on(directory::run(args)),
        Command::Store(args) => runtime()?.block_on(store::run(args)),
        Command::Why(args) => runtime()?.block_on(why::run(args)),
        Command::Status(args) => runtime()?.block_on(status::status(args)),
        Command::Reload(args) => runtime()?.block_on(reload::run(args)),
        Command::Queue(args) => runtime()?.block_on(status::queue(args)),
        Command::Rejected(args) => runtime()?.block_on(status::rejected(args)),
        Command::Export(args) => runtime()?.block_on(pupil::export(args)),
        Command::Forget(args) => runtime()?.block_on(pupil::forget(args)),
        Command::Statistics(args) => runtime()?.block_on(status::statistics(args)),
        Command::Suspend(args) => runtime()?.block_on(suspend::suspend(args)),
        Command::Resume(args) => runtime()?.block_on(suspend::resume(args)),
        Command::Silence(args) => runtime()?.block_on(silence::run(args)),
        Command::Programme(args) => runtime()?.block_on(programme::run(args)),
        Command::Consent(args) => runtime()?.block_on(accord::consent(args)),
        Command::Agreement(args) => runtime()?.block_on(accord::agreement(args)),
        Command::Duty(args) => runtime()?.block_on(duty::run(args)),
        Command::Case(args) => runtime()?.block_on(case::run(args)),
        Command::Holds(args) => runtime()?.block_on(holds::run(args)),
        Command::GoLive(args) => runtime()?.block_on(go_live::run(args)),
        Command::Test(args) => runtime()?.block_on(guest::run(args)),
        Command::Message(args) => runtime()?.block_on(message::run(args)),
        Command::Report(args) => runtime()?.block_on(report::run(args)),
        Command::Simulate(args) => simulate::run(&args),
        Command::Run(args) => {
            let runtime = runtime()?;
            let ended = runtime.block_on(run::run(args));
            // Work on the whole store that is still under way is safe to leave, and may take minutes.
            runtime.shutdown_timeout(std::time::Duration::from_secs(1));
            ended
        }
        Command::FakeSchool(args) => {
            runtime()?.block_on(fake_school::run(*args, Arc::new(SystemClock::new())))
        }
        Command::Sink(args) => runtime()?.block_on(sink::run(args, Arc::new(SystemClock::new()))),
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
