//! `upprop manual`: writes manual pages and completions, for those who make packages. All is made from the
//! command line itself, the table of exit codes and the shipped configuration, so that none can be stale.

mod settings;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use super::exit;

/// The section of pages about the commands of an administrator.
const SECTION: &str = "8";

/// What stands in the FILES section: the paths of the package.
const FILES: &[(&str, &str)] = &[
    ("/etc/upprop/upprop.toml", "The configuration; see upprop.toml(5)."),
    (
        "/etc/upprop/credentials/",
        "One file for each secret that the configuration names, for root alone; systemd hands them to the daemon.",
    ),
    ("/etc/upprop/templates/", "A place for texts of your own, once `templates` names it."),
    ("/usr/share/upprop/templates/", "The texts that are built in, to copy from."),
    (
        "/var/lib/upprop/",
        "The store and its journal, the copies that upgrades make, and the control socket. Personal data.",
    ),
    (
        "/var/spool/upprop/directory/",
        "A place for pupils.csv, guardians.csv and staff.csv, written by members of the group upprop-drop.",
    ),
    (
        "/var/spool/upprop/files/",
        "A place for files of marks, schedules and advance notices, once [drop.NAME] names it; written by the same.",
    ),
];

/// Arguments of `upprop manual`.
#[derive(Debug, clap::Args)]
pub struct ManualArgs {
    /// The folder to write man8, man5 and completions into; it is made where it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The day that the pages bear, as 2026-11-25.
    #[arg(long, value_name = "DATE")]
    date: Option<jiff::civil::Date>,
}

/// Writes all pages and completions of `command`.
///
/// # Errors
/// None that is not an exit code.
pub fn run(args: &ManualArgs, command: &Command) -> anyhow::Result<ExitCode> {
    let date = args.date.map(|date| date.to_string()).unwrap_or_default();
    let written = pages(command, &date).and_then(|mut files| {
        files.extend(completions(command));
        for (path, text) in files {
            write(&args.out.join(path), &text)?;
        }
        Ok(())
    });
    match written {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("upprop manual: {error:#}");
            Ok(ExitCode::from(exit::CANNOT_CREATE))
        }
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The command without what is not for everybody.
fn shown(command: &Command) -> Command {
    let top = Command::new("upprop")
        .version(env!("CARGO_PKG_VERSION"))
        .about(command.get_about().cloned().unwrap_or_default())
        .subcommand_required(true)
        .disable_help_subcommand(true);
    top.subcommands(command.get_subcommands().filter(|sub| !sub.is_hide_set()).cloned())
}

/// Every page, by its path.
fn pages(command: &Command, date: &str) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut top = shown(command);
    top.build();
    let mut found = vec![(Path::new("man5/upprop.toml.5").into(), settings::page(date))];
    add_pages(&top, None, date, &mut found)?;
    Ok(found)
}

fn add_pages(
    command: &Command,
    parent: Option<&str>,
    date: &str,
    found: &mut Vec<(PathBuf, String)>,
) -> anyhow::Result<()> {
    let name = page_name(command);
    for sub in command.get_subcommands() {
        add_pages(sub, Some(&name), date, found)?;
    }
    let man = Man::new(command.clone())
        .section(SECTION)
        .date(date)
        .source(concat!("upprop ", env!("CARGO_PKG_VERSION")))
        .manual("Attendance notification gateway");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut page = String::from_utf8(page).context("a page that is not UTF-8")?;
    page.push_str(&around(command, parent).render());
    found.push((format!("man{SECTION}/{name}.{SECTION}").into(), once(&page)));
    Ok(())
}

/// A page with what every part of it opens with only once.
fn once(page: &str) -> String {
    let preamble = Roff::default().render();
    format!("{preamble}{}", page.replace(&preamble, ""))
}

/// What every page has and no command line knows.
fn around(command: &Command, parent: Option<&str>) -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in exit::ALL {
        page.control("TP", []).text([bold(code.to_string())]).text([roman(*meaning)]);
    }
    page.control("SH", ["FILES"]);
    for (path, what) in FILES {
        page.control("TP", []).text([italic(*path)]).text(settings::inline(what));
    }
    let mut others: Vec<String> =
        command.get_subcommands().map(|sub| format!("{}({SECTION})", page_name(sub))).collect();
    others.extend(parent.map(|parent| format!("{parent}({SECTION})")));
    if parent.is_some_and(|parent| parent != "upprop") {
        others.push(format!("upprop({SECTION})"));
    }
    others.extend(["upprop.toml(5)", "journalctl(1)", "systemctl(1)"].map(String::from));
    page.control("SH", ["SEE ALSO"]).text([roman(others.join(", "))]);
    page
}

fn page_name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

/// Completions for each shell, by their paths.
fn completions(command: &Command) -> Vec<(PathBuf, String)> {
    let shells = [
        (Shell::Bash, "completions/bash/upprop"),
        (Shell::Zsh, "completions/zsh/_upprop"),
        (Shell::Fish, "completions/fish/upprop.fish"),
    ];
    let made = shells.map(|(shell, path)| {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut shown(command), "upprop", &mut text);
        (path.into(), String::from_utf8_lossy(&text).into_owned())
    });
    made.into()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn page(path: &str) -> String {
        let pages = pages(&Cli::command(), "2026-11-25").expect("pages");
        let found = pages.into_iter().find(|(found, _)| found == Path::new(path));
        found.unwrap_or_else(|| panic!("no {path}")).1
    }

    #[test]
    fn every_command_has_a_page_and_hidden_ones_none() {
        fn names(command: &Command, name: &str, found: &mut Vec<PathBuf>) {
            found.push(format!("man8/{name}.8").into());
            for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
                names(sub, &format!("{name}-{}", sub.get_name()), found);
            }
        }
        let mut expected = vec![PathBuf::from("man5/upprop.toml.5")];
        names(&Cli::command(), "upprop", &mut expected);
        let pages = pages(&Cli::command(), "").expect("pages");
        let mut found: Vec<_> = pages.into_iter().map(|(path, _)| path).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        assert!(found.contains(&"man8/upprop-message-retry.8".into()), "{found:?}");
    }

    #[test]
    fn a_page_tells_all_exit_codes_files_and_other_pages() {
        for path in ["man8/upprop.8", "man8/upprop-check.8", "man8/upprop-store-rebuild.8"] {
            let page = page(path);
            let codes = page.split(".SH \"EXIT STATUS\"").nth(1).expect("exit codes");
            for (code, _) in exit::ALL {
                assert!(codes.contains(&format!("\n\\fB{code}\\fR\n")), "{code} in {path}: {page}");
            }
            for (file, _) in FILES {
                assert!(page.contains(&file.replace('-', "\\-")), "{file} in {path}");
            }
            assert!(page.contains("upprop.toml(5)") && page.contains("2026-11-25"), "{page}");
            assert_eq!(page.matches(".ds Aq '").count(), 1, "{page}");
        }
        let rebuild = page("man8/upprop-store-rebuild.8");
        assert!(rebuild.contains("upprop\\-store(8), upprop(8)"), "{rebuild}");
        assert!(page("man8/upprop.8").contains("upprop\\-store(8)"));
    }

    #[test]
    fn each_shell_completes_what_everybody_may_use() {
        for (path, text) in completions(&Cli::command()) {
            assert!(text.contains("rebuild") && text.contains("trial"), "{}", path.display());
            assert!(!text.contains("manual"), "{}: {text}", path.display());
        }
    }
}
