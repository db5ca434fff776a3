//! `upprop sink`: shows on the terminal what guardians and the attendance team would get, and sends
//! nothing anywhere.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::tz::TimeZone;
use tokio_util::task::TaskTracker;

use crate::env::Clock;
use crate::sim::sink::{
    Faults, HttpRule, Latency, LatencyWhen, Plan, Receipts, Sink, SinkSettings, SmtpRule, show_in,
};

/// Run a text message provider and a mail server on this machine that show what they are sent.
#[derive(Debug, Clone, clap::Args)]
pub struct SinkArgs {
    /// Where texts are taken (the 46elks protocol); the sink is steered and read here too
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8751")]
    pub http: SocketAddr,
    /// Where mail is taken
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8752")]
    pub smtp: SocketAddr,
    /// Show nothing; `GET /messages` still lists everything
    #[arg(long, short)]
    pub quiet: bool,
    /// How long each answer to a text takes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub latency: u64,
    /// Fail texts, as 503:next=3, drop-after-storing:every=50, 429:share=0.1,retry-after=5; repeatable
    #[arg(long, value_name = "FAULT[:NAME=VALUE,…]")]
    pub fail: Vec<HttpRule>,
    /// Fail mail, as rcpt:450:next=1, end-of-data:drop, greeting:421; repeatable
    #[arg(long, value_name = "AT:FAULT[:NAME=VALUE,…]")]
    pub fail_mail: Vec<SmtpRule>,
    /// What is reported about texts: none, delivered, sent-then-delivered, failed, twice, late-sent,
    /// before-answer or unknown-id
    #[arg(long, value_name = "PLAN", default_value = "delivered")]
    pub receipts: Plan,
    /// How long each report is held back, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub receipt_delay: u64,
    /// Begin as a provider that is down
    #[arg(long)]
    pub outage: bool,
}

impl SinkArgs {
    fn faults(&self) -> Faults {
        Faults {
            outage: self.outage,
            latency: Latency { ms: self.latency, when: LatencyWhen::BeforeStoring },
            http: self.fail.clone(),
            smtp: self.fail_mail.clone(),
            receipts: Receipts {
                plan: self.receipts,
                delay_ms: self.receipt_delay,
                ..Receipts::default()
            },
            ..Faults::default()
        }
    }
}

/// Runs until Ctrl-C.
///
/// # Errors
/// When an address cannot be listened on, or standard output cannot be written.
pub async fn run(args: SinkArgs, clock: Arc<dyn Clock>) -> anyhow::Result<ExitCode> {
    let zone = TimeZone::system();
    let print: Option<crate::sim::sink::Print> = (!args.quiet).then(|| {
        Box::new(move |message: &_| {
            // Whoever closed the terminal does not want to see it; the list keeps it all the same.
            let _ = writeln!(std::io::stdout().lock(), "{}", show_in(message, &zone));
        }) as _
    });
    let settings = SinkSettings { http: args.http, smtp: args.smtp, faults: args.faults(), print };
    let tasks = TaskTracker::new();
    let sink = Sink::start(settings, clock, tasks.clone())
        .context("the sink cannot start; choose other addresses with --http and --smtp")?;
    writeln!(
        std::io::stdout().lock(),
        "Texts  {url}/a1/sms   (46elks; any name and password)\n\
         Mail   {smtp}            (SMTP without TLS)\n\
         List   {url}/messages\n\
         Faults {url}/faults   (GET, PUT)\n\
         Ctrl-C ends.\n",
        url = sink.url(),
        smtp = sink.smtp_addr(),
    )?;
    tokio::signal::ctrl_c().await.context("cannot listen for Ctrl-C")?;
    let count = sink.count();
    sink.stop().await;
    tasks.close();
    tasks.wait().await;
    writeln!(std::io::stdout().lock(), "\n{count} messages were received.")?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;
    use crate::sim::sink::HttpFault;

    fn args(line: &str) -> Result<SinkArgs, clap::Error> {
        let command = SinkArgs::augment_args(clap::Command::new("sink").no_binary_name(true));
        SinkArgs::from_arg_matches(&command.try_get_matches_from(line.split(' '))?)
    }

    #[test]
    fn what_is_typed_goes_wrong() {
        let line =
            "--fail 503:next=3 --fail late --fail-mail rcpt:450 --receipts twice --latency 20";
        let faults = args(line).expect("good").faults();
        let http = [HttpRule::new(HttpFault::Unavailable).next(3), HttpRule::new(HttpFault::Late)];
        assert_eq!((faults.http.as_slice(), faults.smtp.len()), (&http[..], 1));
        assert_eq!((faults.receipts.plan, faults.latency.ms), (Plan::Twice, 20));
        assert_eq!(args("--quiet").expect("good").faults(), Faults::default());
        let words = args("--fail rain").expect_err("no such fault").to_string();
        assert!(words.contains("unknown variant `rain`"), "{words}");
    }
}
