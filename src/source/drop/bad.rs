//! Rows that could not be taken, and files of which nothing was: kept beside the reason, so that nothing is lost and
//! somebody can mend it. A reason names lines and columns, never what stands there. Blocking.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::file::Open;
use super::folder::{self, About, REASON, REJECTED};
use super::records::{Fault, Row};
use super::troubles::NOTHING;
use super::values::Bad;
use crate::model::hex;

/// Lines that a reason has at most.
const MOST: usize = 1_000;

/// The bad rows of one file, so far.
pub struct BadRows {
    folder: PathBuf,
    begun: Option<(fs::File, PathBuf)>,
    count: u64,
    reasons: Vec<String>,
    hash: Sha256,
}

impl BadRows {
    /// None yet.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            begun: None,
            count: 0,
            reasons: Vec::new(),
            hash: Sha256::new(),
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Keeps some rows as they stood.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn keep(&mut self, open: &Open, rows: &[(Row, Bad)]) -> io::Result<()> {
        for (row, bad) in rows {
            if self.begun.is_none() {
                let (mut file, path) = folder::begin(&self.folder)?;
                file.write_all(&open.head())?;
                self.begun = Some((file, path));
            }
            let bytes = open.as_it_stood(row);
            self.hash.update(&bytes);
            if let Some((file, _)) = &mut self.begun {
                file.write_all(&bytes)?;
            }
            self.count += 1;
            if self.reasons.len() < MOST {
                self.reasons.push(line(row.line, bad));
            }
        }
        Ok(())
    }

    /// Gives the rows and their reasons the names by which they are found; the name of the rows.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn finish(mut self, name: &str, good: u64) -> io::Result<String> {
        let Some((file, unfinished)) = self.begun.take() else { return Ok(String::new()) };
        let digest = hex(self.hash.clone().finalize().as_slice());
        let placed = folder::end(&self.folder, &file, &unfinished, name, &digest)?;
        let text = format!(
            "{} of the {} rows of {name} could not be taken; the others were.\nThese rows are in {placed} beside this file, \
             under the same head. Mend them, or what the reasons say, and put {placed} back into the folder.\n\n{}",
            self.count,
            self.count + good,
            self.listed()
        );
        reason(&self.folder, &placed, &text)?;
        Ok(placed)
    }

    /// Leaves nothing behind, where the file goes aside as a whole; the reasons.
    pub fn cancel(mut self) -> String {
        if let Some((_, unfinished)) = self.begun.take() {
            // It is passed over, and the next one takes its place.
            let _: io::Result<()> = fs::remove_file(unfinished);
        }
        self.listed()
    }

    fn listed(&self) -> String {
        let mut text = self.reasons.join("\n") + "\n";
        let more = self.count.saturating_sub(self.reasons.len() as u64);
        if more > 0 {
            let _ = writeln!(text, "and {more} more");
        }
        text
    }
}

fn line(number: usize, bad: &Bad) -> String {
    let column = bad.column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
    format!("line {number}{column}: {}; {}", bad.what, bad.remedy)
}

fn reason(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    folder::write(folder, REJECTED, &format!("{name}{REASON}"), text.as_bytes(), None)?;
    Ok(())
}

/// Puts a file aside of which nothing was taken, with the reason beside it; its name there.
///
/// # Errors
/// When it cannot be moved; then it is where it was.
pub fn reject(
    folder: &Path,
    path: &Path,
    digest: &str,
    why: &str,
    about: &About,
) -> io::Result<String> {
    let name = folder::put_aside(folder, path, REJECTED, digest, about)?;
    let text = format!("{NOTHING}{name} was taken.\n\n{why}\n");
    reason(folder, &name, &text)?;
    Ok(name)
}

/// The reason for a file that cannot be used.
pub fn why(fault: &Fault) -> String {
    let line = fault.line.map(|line| format!("line {line}: ")).unwrap_or_default();
    format!("{line}the file {}; {}", fault.what, fault.remedy)
}
