//! `cargo bench --bench gateway`: the daemon's speed and memory beside what the machine itself can do,
//! measured in the same run. Prints a table of medians; ends with 1 when a goal is missed.
//!
//! `-- [PART …] [--rounds N] [--quick]`: parts are `closed`, `open`, `idle`, `waiting`, `million`,
//! `pupils`, `morning` and `mail`; none named: all. `--quick` measures less of each, to see that
//! everything works; its figures mean little.
#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark measures time, and runs beside the program"
)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people"
)]

mod ceiling;
mod client;
mod closed;
mod daemon;
mod machine;
mod mail;
mod morning;
mod open;
mod provider;
mod pupils;
mod stats;
mod table;
mod waiting;

use std::time::Duration;

use provider::Provider;
use table::Table;

const PARTS: [&str; 8] =
    ["closed", "open", "idle", "waiting", "million", "pupils", "morning", "mail"];

const USAGE: &str = "cargo bench --bench gateway -- [PART …] [--rounds N] [--quick]";

struct Asked {
    parts: Vec<&'static str>,
    rounds: usize,
    quick: bool,
}

fn asked() -> Result<Asked, String> {
    let mut asked = Asked { parts: Vec::new(), rounds: 1, quick: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            // Cargo's own.
            "--bench" => {}
            "--help" | "-h" => {
                println!("{USAGE}\nparts, all when none is named: {}", PARTS.join(", "));
                std::process::exit(0)
            }
            "--quick" => asked.quick = true,
            "--rounds" => {
                let number = words.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
                asked.rounds = number.ok_or("--rounds takes a number above 0")?;
            }
            option if option.starts_with('-') => {
                return Err(format!("no option is called {option:?}: {USAGE}"));
            }
            part => {
                let known = PARTS.into_iter().find(|known| *known == part);
                let unknown =
                    || format!("no part is called {part:?}; there are {}", PARTS.join(", "));
                asked.parts.push(known.ok_or_else(unknown)?);
            }
        }
    }
    if asked.parts.is_empty() {
        asked.parts = PARTS.to_vec();
    }
    if asked.parts.contains(&"mail")
        && let Some(tool) = mail::missing()
    {
        return Err(format!("mail needs {tool}, of Debian's package postfix"));
    }
    Ok(asked)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    if std::env::args().nth(1).is_some_and(|word| word == ceiling::SERVE) {
        return ceiling::serve().await;
    }
    let asked = asked().unwrap_or_else(|why| {
        eprintln!("{why}");
        std::process::exit(2)
    });
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let dir = dir.path();
    println!("{}", machine::describe(dir));
    let (prompt, slow) =
        (Provider::start(Duration::ZERO), Provider::start(Duration::from_millis(20)));
    let mut table = Table::default();
    let less = |all: usize, few: usize| if asked.quick { few } else { all };
    for round in 1..=asked.rounds {
        for part in &asked.parts {
            eprintln!("round {round} of {}: {part}", asked.rounds);
            let findings = match *part {
                "closed" => closed::measure(dir, &prompt, less(40_000, 4_000)).await,
                "open" => open::measure(dir, &prompt, less(20, 3)).await,
                "idle" => waiting::idle(dir).await,
                "waiting" => waiting::waiting(dir, 100_000).await,
                "million" => waiting::waiting(dir, less(1_000_000, 200_000)).await,
                "pupils" => pupils::measure(dir, &prompt, less(20_000, 3_000)).await,
                "morning" => morning::measure(dir, &slow, less(10, 1)).await,
                _ => mail::measure(dir, less(20_000, 2_000)).await,
            };
            table.add(findings);
        }
    }
    let (text, missed) = table.show();
    print!("{text}");
    if missed > 0 {
        println!("{missed} goals are missed");
        std::process::exit(1);
    }
}
