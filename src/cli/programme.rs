//! `upprop programme`: which sessions of preventive programmes are due in which class, which were held, and which are moved.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;

use http::Method;
use jiff::civil::Date;

use super::ask::{Asked, NoAnswer, ask, ask_with, encoded};
use crate::model::{SchoolId, TermName};
use crate::operate::programmes::{
    self, Act, AtClass, AtSchool, AtSession, Overview, Recorded, Stand,
};

/// Where the daemon answers.
const PATH: &str = "/v1/programmes";

/// Arguments of `upprop programme`.
#[derive(Debug, Clone, clap::Args)]
pub struct ProgrammeArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum What {
    /// Show the sessions of each class: when each is due, was held, or is moved to.
    List(List),
    /// Record that a session was held.
    Held(Held),
    /// Move a session to another day of its term; reminders go by that day then.
    Move(Move),
    /// Take back what was last recorded of a session: that it was held, or else that it is moved.
    Undo(Undo),
}

#[derive(Debug, Clone, clap::Args)]
struct List {
    /// Of one school only.
    #[arg(long, value_name = "ID", value_parser = school)]
    school: Option<SchoolId>,
    /// Of this term, as 2026-autumn; none: the present or the next one.
    #[arg(long, value_name = "TERM", value_parser = term)]
    term: Option<TermName>,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Clone, clap::Args)]
struct Which {
    /// The school, as the configuration has it.
    #[arg(value_name = "SCHOOL", value_parser = school)]
    school: SchoolId,
    /// The class, as the directory has it.
    #[arg(value_name = "CLASS")]
    class: String,
    /// The number of the session.
    #[arg(value_name = "SESSION")]
    session: u32,
    /// The programme's id, where the class has several with a session of that number.
    #[arg(long, value_name = "ID")]
    programme: Option<String>,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Clone, clap::Args)]
struct Held {
    #[command(flatten)]
    which: Which,
    /// On which day, as 2026-11-20; none: today.
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
}

#[derive(Debug, Clone, clap::Args)]
struct Move {
    #[command(flatten)]
    which: Which,
    /// To which day, as 2026-11-27.
    #[arg(long, value_name = "DATE")]
    to: Date,
}

#[derive(Debug, Clone, clap::Args)]
struct Undo {
    #[command(flatten)]
    which: Which,
    /// In this term, as 2026-autumn; none: the present or the next one.
    #[arg(long, value_name = "TERM", value_parser = term)]
    term: Option<TermName>,
}

fn school(text: &str) -> Result<SchoolId, String> {
    SchoolId::new(text.trim()).map_err(|error| format!("it {error}"))
}

fn term(text: &str) -> Result<TermName, String> {
    TermName::try_from(text.trim().to_owned()).map_err(|error| format!("it {error}"))
}

/// Runs the command.
///
/// # Errors
/// None that is not an exit code.
pub async fn run(args: ProgrammeArgs) -> anyhow::Result<ExitCode> {
    let said = match args.what {
        What::List(List { school, term, asked }) => {
            let mut query = Vec::new();
            query.extend(school.map(|id| format!("school={}", encoded(id.as_str()))));
            query.extend(term.map(|term| format!("term={term}")));
            let path = format!("{PATH}?{}", query.join("&"));
            let all = ask::<Overview>(&asked, Method::GET, &path).await;
            all.map(|all| all.map(|all| listed(&all)))
        }
        What::Held(Held { which, on }) => record(which, Act::Held, on, None).await,
        What::Move(Move { which, to }) => record(which, Act::Move, Some(to), None).await,
        What::Undo(Undo { which, term }) => record(which, Act::Undo, None, term).await,
    };
    Ok(match said {
        Ok(said) => {
            print!("{}", said.unwrap_or_default());
            ExitCode::SUCCESS
        }
        Err(error) => ExitCode::from(error.code()),
    })
}

async fn record(
    which: Which,
    act: Act,
    day: Option<Date>,
    term: Option<TermName>,
) -> Result<Option<String>, NoAnswer> {
    let Which { school, class, session, programme, asked } = which;
    let body = programmes::Asked { act, school, class, session, programme, day, term };
    let done = ask_with::<Recorded>(&asked, Method::POST, PATH, &body).await?;
    Ok(done.map(|done| recorded(&done)))
}

fn recorded(done: &Recorded) -> String {
    let Recorded { school, class, session, .. } = done;
    let mut out = format!(
        "Class {class} of school {school}, {} {} ({}): {}.\n",
        session.programme,
        session.number,
        session.title,
        stand(session)
    );
    if done.known {
        out += "It was recorded so already.\n";
    }
    if done.class_unseen {
        out += "No daemon runs: whether there is such a class was not looked at.\n";
    }
    out
}

fn listed(all: &Overview) -> String {
    let mut out = String::new();
    for school in &all.schools {
        at_school(&mut out, school);
    }
    if all.schools.is_empty() {
        out += "No school runs a programme: none is named in `files` of [programmes], or each school says `programmes = false`.\n";
    }
    out
}

fn at_school(out: &mut String, school: &AtSchool) {
    if !out.is_empty() {
        out.push('\n');
    }
    let Some(term) = school.term else {
        let _ = writeln!(
            out,
            "School {}: its calendar has no such term in its `terms`, so nothing is planned.",
            school.school
        );
        return;
    };
    let programmes: Vec<&str> = school.programmes.iter().map(String::as_str).collect();
    let programmes =
        if programmes.is_empty() { "no programme".into() } else { programmes.join(", ") };
    let _ = writeln!(out, "School {}, {term}: {programmes}", school.school);
    for class in &school.classes {
        at_class(out, class);
    }
    if school.classes.is_empty() {
        out.push_str("  No class of its grades is in the directory, and nothing is recorded.\n");
    }
}

fn at_class(out: &mut String, class: &AtClass) {
    let mentors = match class.mentors {
        0 => "no mentor known".to_owned(),
        1 => "1 mentor".to_owned(),
        many => format!("{many} mentors"),
    };
    let _ = writeln!(out, "  {} ({mentors})", class.class);
    let ids: BTreeSet<&str> = class.sessions.iter().map(|one| one.programme.as_str()).collect();
    for one in &class.sessions {
        let of = if ids.len() > 1 { format!("{} ", one.programme) } else { String::new() };
        let _ = writeln!(
            out,
            "    {of}{}  week {:>2}, by {}  {}: {}",
            one.number,
            one.week,
            one.planned,
            stand(one),
            one.title
        );
    }
}

/// How a session stands, in words.
fn stand(one: &AtSession) -> String {
    let moved = one.moved_to.map(|to| format!("moved to {to}"));
    match (one.stand, one.held) {
        (Stand::Held, Some(held)) => format!("held {held}"),
        (Stand::Overdue, _) => {
            let moved = moved.map(|moved| format!("{moved}, ")).unwrap_or_default();
            format!("{moved}NOT RECORDED AS HELD")
        }
        _ => moved.unwrap_or_else(|| "not held yet".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn session(number: u32, stand: Stand, held: Option<Date>, moved: Option<Date>) -> AtSession {
        AtSession {
            programme: "7tjugo".into(),
            number,
            title: "Sömn".into(),
            week: 37,
            planned: date(2026, 9, 11),
            stand,
            held,
            moved_to: moved,
            by: None,
            at: None,
        }
    }

    #[test]
    fn an_overview_is_classes_with_their_sessions() {
        let (held, moved) = (Some(date(2026, 9, 10)), Some(date(2026, 9, 18)));
        let class = AtClass {
            class: "4A".into(),
            mentors: 1,
            sessions: vec![
                session(1, Stand::Held, held, moved),
                session(2, Stand::Moved, None, moved),
                session(3, Stand::Overdue, None, moved),
                session(4, Stand::Overdue, None, None),
                session(5, Stand::Planned, None, None),
            ],
        };
        let school = |id: &str, term: Option<&str>, classes| AtSchool {
            school: SchoolId::new(id).expect("id"),
            programmes: ["7tjugo".to_owned()].into(),
            term: term.map(|name| TermName::try_from(name.to_owned()).expect("a term")),
            classes,
        };
        let all = Overview {
            format: 1,
            schools: vec![
                school("bjork", Some("2026-autumn"), vec![class]),
                school("ek", Some("2026-autumn"), Vec::new()),
                school("al", None, Vec::new()),
            ],
        };
        let expected = "School bjork, 2026-autumn: 7tjugo
  4A (1 mentor)
    1  week 37, by 2026-09-11  held 2026-09-10: Sömn
    2  week 37, by 2026-09-11  moved to 2026-09-18: Sömn
    3  week 37, by 2026-09-11  moved to 2026-09-18, NOT RECORDED AS HELD: Sömn
    4  week 37, by 2026-09-11  NOT RECORDED AS HELD: Sömn
    5  week 37, by 2026-09-11  not held yet: Sömn

School ek, 2026-autumn: 7tjugo
  No class of its grades is in the directory, and nothing is recorded.

School al: its calendar has no such term in its `terms`, so nothing is planned.
";
        assert_eq!(listed(&all), expected);
    }
}
