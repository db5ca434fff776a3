//! `upprop consent` and `upprop agreement`: what was agreed about one pupil, entered, shown and revoked.

use std::fmt::Write as _;
use std::process::ExitCode;

use http::Method;

use super::ask::{Asked, NoAnswer, ask, ask_with, encoded};
use super::times::local;
use crate::model::{Accord, AccordAbout, GuardianId, PupilId, Reports, SchoolId};
use crate::operate::accords::{Accords, Agreed, NewAccord};
use crate::operate::reports::AskedReports;

const PATH: &str = "/v1/accords";

/// Arguments of `upprop consent`.
#[derive(Debug, clap::Args)]
pub struct ConsentArgs {
    #[command(subcommand)]
    what: Consent,
}

#[derive(Debug, clap::Subcommand)]
enum Consent {
    /// Enter that a pupil who is 18 or older consents that a guardian is told. The pupil is told as well.
    Add(Box<AddConsent>),
    /// Show consents that are not over.
    List(List),
    /// Revoke a consent, at once.
    Revoke(End),
}

/// Arguments of `upprop agreement`.
#[derive(Debug, clap::Args)]
pub struct AgreementArgs {
    #[command(subcommand)]
    what: Agreement,
}

#[derive(Debug, clap::Subcommand)]
enum Agreement {
    /// Enter that one verified number of a protected pupil's home may be asked to ring.
    ///
    /// The text says to ring and nothing else, once a day, from `neutral-sender-id`. The duty for staff stays.
    Add(Box<AddAgreement>),
    /// Enter how a pupil's home is told of absence from now on, as the attendance team has agreed with it. A case's page
    /// does the same.
    Messages(Box<AddReports>),
    /// Show agreements that are not over: these, and those on how a home is told that the team has made on a case's page.
    List(List),
    /// End an agreement, at once.
    End(End),
}

#[derive(Debug, clap::Args)]
struct Whom {
    /// The school, as the configuration has it.
    #[arg(long, value_name = "ID", value_parser = school)]
    school: SchoolId,
    /// The pupil, as the school system has the id.
    #[arg(long, value_name = "ID", value_parser = pupil)]
    pupil: PupilId,
    /// The first day, as 2026-11-23; without it, at once.
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// The last day; without it, until it is revoked.
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, clap::Args)]
struct AddConsent {
    #[command(flatten)]
    whom: Whom,
    /// Which guardian, as the directory has the id.
    #[arg(long, value_name = "ID", value_parser = guardian)]
    guardian: GuardianId,
    /// Who took the consent down, in a few words, as a role. It is kept and shown.
    #[arg(long, value_name = "TEXT")]
    recorded_by: String,
}

#[derive(Debug, clap::Args)]
struct AddAgreement {
    #[command(flatten)]
    whom: Whom,
    /// The number.
    #[arg(long, value_name = "NUMBER")]
    phone: String,
    /// Who has verified it, in a few words, as a role. It is kept and shown.
    #[arg(long, value_name = "TEXT")]
    verified_by: String,
}

#[derive(Debug, clap::Args)]
struct AddReports {
    /// The school, as the configuration has it.
    #[arg(long, value_name = "ID", value_parser = school)]
    school: SchoolId,
    /// The pupil, as the school system has the id.
    #[arg(long, value_name = "ID", value_parser = pupil)]
    pupil: PupilId,
    /// How: every-lesson, line-a-day (the first lesson at once, the rest when the day is over), line-a-week (all of the
    /// week on its last school day; the team is told at once and phones the same day), or phone-first (no message; the team
    /// is told at once).
    #[arg(long, value_name = "WORD", value_parser = how)]
    how: Reports,
    /// Which guardian it is about; without it, everybody who is told.
    #[arg(long, value_name = "ID", value_parser = guardian)]
    guardian: Option<GuardianId>,
    /// The last day, in this school year and no more than 200 days ahead.
    #[arg(long, value_name = "DAY")]
    to: String,
    /// Who has agreed on it with the home, in a few words, as a role. It is kept and shown.
    #[arg(long, value_name = "TEXT")]
    recorded_by: String,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, clap::Args)]
struct List {
    /// Of one school only.
    #[arg(long, value_name = "ID", value_parser = school)]
    school: Option<SchoolId>,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, clap::Args)]
struct End {
    /// The id that `list` shows.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    asked: Asked,
}

fn school(text: &str) -> Result<SchoolId, String> {
    SchoolId::new(text.trim()).map_err(|error| format!("it {error}"))
}

fn pupil(text: &str) -> Result<PupilId, String> {
    PupilId::new(text.trim())
        .map_err(|error| format!("it {error}; give the pupil's id as the school system has it"))
}

fn guardian(text: &str) -> Result<GuardianId, String> {
    GuardianId::new(text.trim())
        .map_err(|error| format!("it {error}; give the guardian's id as the directory has it"))
}

/// Runs `upprop consent`.
///
/// # Errors
/// None that is not an exit code.
pub async fn consent(args: ConsentArgs) -> anyhow::Result<ExitCode> {
    Ok(ended(match args.what {
        Consent::Add(add) => {
            let (guardian, recorded_by) = (Some(add.guardian), add.recorded_by);
            add.whom.add(guardian, None, recorded_by).await
        }
        Consent::List(list) => list.run("consent").await,
        Consent::Revoke(end) => end.run("consent").await,
    }))
}

/// Runs `upprop agreement`.
///
/// # Errors
/// None that is not an exit code.
pub async fn agreement(args: AgreementArgs) -> anyhow::Result<ExitCode> {
    Ok(ended(match args.what {
        Agreement::Add(add) => add.whom.add(None, Some(add.phone), add.verified_by).await,
        Agreement::Messages(add) => add.run().await,
        Agreement::List(list) => list.run("agreement").await,
        Agreement::End(end) => end.run("agreement").await,
    }))
}

fn how(text: &str) -> Result<Reports, String> {
    let all = Reports::ALL.map(Reports::as_str);
    Reports::parse(text.trim()).ok_or_else(|| format!("it is none of {}", all.join(", ")))
}

fn ended(said: Result<Option<String>, NoAnswer>) -> ExitCode {
    match said {
        Ok(said) => {
            print!("{}", said.unwrap_or_default());
            ExitCode::SUCCESS
        }
        Err(error) => ExitCode::from(error.code()),
    }
}

impl Whom {
    async fn add(
        self,
        guardian: Option<GuardianId>,
        phone: Option<String>,
        recorded_by: String,
    ) -> Result<Option<String>, NoAnswer> {
        let Self { school, pupil, from, to, asked } = self;
        let body = NewAccord { school, pupil, guardian, phone, recorded_by, from, to };
        let done = ask_with::<Agreed>(&asked, Method::POST, PATH, &body).await?;
        Ok(done.map(|done| entered(&done.accord)))
    }
}

impl AddReports {
    async fn run(self) -> Result<Option<String>, NoAnswer> {
        let Self { school, pupil, how, guardian, to, recorded_by, asked } = self;
        let body = AskedReports { school, pupil, how, guardian, to, recorded_by };
        let path = format!("{PATH}/reports");
        let done = ask_with::<Agreed>(&asked, Method::POST, &path, &body).await?;
        Ok(done.map(|done| entered(&done.accord)))
    }
}

impl List {
    async fn run(self, kind: &str) -> Result<Option<String>, NoAnswer> {
        let which =
            self.school.map_or_else(String::new, |id| format!("?school={}", encoded(id.as_str())));
        let path = format!("{PATH}/{kind}{which}");
        let all = ask::<Accords>(&self.asked, Method::GET, &path).await?;
        Ok(all.map(|all| listed(&all, kind)))
    }
}

impl End {
    async fn run(self, kind: &str) -> Result<Option<String>, NoAnswer> {
        let path = format!("{PATH}/{kind}/{}", encoded(self.id.trim()));
        let done = ask::<Agreed>(&self.asked, Method::DELETE, &path).await?;
        Ok(done.map(|done| {
            let waits = match done.accord.about {
                AccordAbout::Reports { .. } => {
                    "From now on home is told as the school tells everybody; what was kept for a message about a day or a week is still told with it."
                }
                AccordAbout::Guardian(_) | AccordAbout::Number(_) => {
                    "What waits for it is not sent; what has left has."
                }
            };
            format!("Over: {}.\n{waits}\n", in_words(&done.accord))
        }))
    }
}

fn entered(accord: &Accord) -> String {
    let (kind, end) = match accord.about {
        AccordAbout::Guardian(_) => ("The pupil is told as well.", "consent revoke"),
        AccordAbout::Number(_) => {
            ("The text names nobody and nothing. The duty for staff stays.", "agreement end")
        }
        AccordAbout::Reports { .. } => ("It is followed from now on.", "agreement end"),
    };
    format!("Entered: {}.\n{kind}\nEnd it with `upprop {end} {}`.\n", in_words(accord), accord.id)
}

fn listed(all: &Accords, kind: &str) -> String {
    let mut out = String::new();
    for accord in &all.accords {
        let _ = writeln!(
            out,
            "{}  {}\n              {} (by {}, {})",
            accord.id,
            in_words(accord),
            accord.recorded_by,
            accord.by,
            local(accord.since)
        );
    }
    if all.accords.is_empty() {
        let _ = writeln!(out, "No {kind}.");
    }
    if all.over > 0 {
        let _ = writeln!(out, "Over, and kept until retention removes them: {}.", all.over);
    }
    out
}

/// One of them in a line. Of a number only its end is shown.
fn in_words(accord: &Accord) -> String {
    let about = match &accord.about {
        AccordAbout::Guardian(id) => format!("guardian {id} may be told of pupil {}", accord.pupil),
        AccordAbout::Reports { how, to } => {
            let to = to.as_ref().map_or("everybody at home".into(), |id| format!("guardian {id}"));
            let how = match how {
                Reports::EveryLesson => "is told of every lesson",
                Reports::LineADay => "is told of further lessons when the day is over",
                Reports::LineAWeek => {
                    "is phoned the same day, and told of the week when it is over,"
                }
                Reports::PhoneFirst => "is phoned first, and not written to",
            };
            format!("{to} {how} about pupil {}", accord.pupil)
        }
        AccordAbout::Number(phone) => {
            let all = phone.expose();
            let end = all.get(all.len().saturating_sub(2)..).unwrap_or_default();
            format!(
                "the number that ends in {end} may be asked to ring about pupil {}",
                accord.pupil
            )
        }
    };
    let mut out = format!("{about} of school {}", accord.school);
    if let Some(from) = accord.days.from {
        let _ = write!(out, ", from {from}");
    }
    if let Some(to) = accord.days.to {
        let _ = write!(out, ", to {to}");
    }
    out
}
