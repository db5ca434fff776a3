//! Asking before an act that cannot be taken back. One question for all commands: put to whoever sits at a
//! terminal, answered by `--yes` everywhere else. May not act itself, and prints nothing but the question.

use std::io::{BufRead, IsTerminal as _, Write};
use std::process::ExitCode;

use super::exit;

/// The flag of every command that asks.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Yes {
    /// Do it without asking.
    #[arg(long)]
    pub yes: bool,
}

/// Asks; answers with the exit code to end with when nothing is to be done: 2 where nobody can be asked, 1
/// when the answer was no. `question` says what will happen, and to how much.
///
/// # Errors
/// When the terminal cannot be read or written.
pub fn confirm(yes: Yes, question: &str) -> std::io::Result<Result<(), ExitCode>> {
    if yes.yes {
        return Ok(Ok(()));
    }
    // Who redirects the questions away cannot see what is agreed to.
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        eprintln!(
            "upprop: {question}\nupprop: nobody can be asked here, so nothing was done; add --yes"
        );
        return Ok(Err(ExitCode::from(exit::USAGE)));
    }
    if asked(question, &mut std::io::stdin().lock(), &mut std::io::stderr().lock())? {
        return Ok(Ok(()));
    }
    eprintln!("upprop: nothing was done");
    Ok(Err(ExitCode::from(exit::GENERAL)))
}

/// Puts the question and reads the answer; an empty one, or the end of the input, is no.
fn asked(question: &str, from: &mut impl BufRead, to: &mut impl Write) -> std::io::Result<bool> {
    write!(to, "{question} [y/N] ")?;
    to.flush()?;
    let mut answer = String::new();
    from.read_line(&mut answer)?;
    let answer = answer.trim().to_lowercase();
    Ok(matches!(answer.as_str(), "y" | "yes" | "j" | "ja"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        for (said, expected) in [
            ("y\n", true),
            (" Yes \n", true),
            ("J\n", true),
            ("ja", true),
            ("\n", false),
            ("", false),
            ("n\n", false),
            ("yes please\n", false),
            ("no\ny\n", false),
        ] {
            let mut shown = Vec::new();
            let answer = asked("Do it?", &mut said.as_bytes(), &mut shown).expect("an answer");
            assert_eq!(answer, expected, "{said:?}");
            assert_eq!(shown, b"Do it? [y/N] ");
        }
    }

    #[test]
    fn the_flag_answers_for_whoever_gave_it() {
        assert!(confirm(Yes { yes: true }, "Do it?").expect("no terminal is needed").is_ok());
    }
}
