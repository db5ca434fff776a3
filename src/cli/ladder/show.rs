//! `upprop ladder show`: a ladder in plain sentences.

use std::process::ExitCode;

use clap::ValueEnum;

use super::named;
use crate::cli::exit;
use crate::ladder::sentences::{Tongue, told};

/// Arguments of `upprop ladder show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// A file, or a ladder that comes with upprop: plan, eskilstuna, danderyd, bollnas, falkenberg
    #[arg(value_name = "FILE|NAME")]
    named: String,
    /// The language of the sentences
    #[arg(long, value_enum, default_value = "sv")]
    language: Language,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    /// Swedish
    Sv,
    /// English
    En,
}

/// Prints it, or what is wrong with it.
pub fn run(args: &ShowArgs) -> ExitCode {
    let tongue = match args.language {
        Language::Sv => Tongue::Swedish,
        Language::En => Tongue::English,
    };
    match named::plan(&args.named) {
        Ok(plan) => {
            print!("{}", told(&plan.ladder, tongue));
            ExitCode::SUCCESS
        }
        Err(problems) => {
            for problem in problems {
                eprintln!("{problem}");
            }
            ExitCode::from(exit::GENERAL)
        }
    }
}
