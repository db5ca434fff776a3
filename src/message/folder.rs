//! Reads an operator's template folder: which files it has, which of them upprop knows, which are
//! missing from a new language. The only file of the room that reads from disk; checks no template.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::catalogue;
use super::clean;
use super::templates::TemplateProblem;
use crate::model::Locale;

/// Longest template, in bytes.
const LONGEST: u64 = 64 * 1024;
/// Folders inside one another before the search stops: `email/sv/` and one to complain about.
const DEEPEST: usize = 3;

/// One template as read.
pub(super) struct Source {
    /// Where it came from, for people.
    pub shown: String,
    /// What it says.
    pub text: String,
}

/// What a folder holds.
#[derive(Default)]
pub(super) struct Folder {
    /// By template name.
    pub sources: BTreeMap<String, Source>,
    /// Languages that it has texts in.
    pub locales: BTreeSet<Locale>,
    /// What is wrong with it.
    pub problems: Vec<TemplateProblem>,
}

/// Reads every file whose name does not begin with a dot.
pub(super) fn read(root: &Path, built_in: &BTreeSet<&str>) -> Folder {
    let mut folder = Folder::default();
    let mut files = Vec::new();
    list(root, DEEPEST, &mut files, &mut folder.problems);
    files.sort();
    for path in files {
        let Some(name) = template_name(root, &path) else {
            folder.problems.push(problem(
                &path,
                "has a name that is not text",
                "rename it, or move it out of the template folder",
            ));
            continue;
        };
        match known(&name) {
            Ok(locale) => folder.locales.extend(locale),
            Err(remedy) => {
                folder.problems.push(problem(&path, "is not a template upprop knows", &remedy));
                continue;
            }
        }
        match text(&path) {
            Ok(text) => {
                let shown = path.display().to_string();
                folder.sources.insert(name, Source { shown, text });
            }
            Err(what) => folder.problems.push(problem(&path, &what, "correct or remove the file")),
        }
    }
    for locale in &folder.locales {
        let is_there =
            |name: &String| folder.sources.contains_key(name) || built_in.contains(name.as_str());
        // Texts to staff it may lack, but not some of them.
        let to_staff =
            catalogue::names(locale).any(|n| !catalogue::is_read_at_home(&n) && is_there(&n));
        let missing: Vec<String> = catalogue::names(locale)
            .filter(|name| to_staff || catalogue::is_read_at_home(name))
            .filter(|name| !is_there(name))
            .filter(|name| !folder.problems.iter().any(|p| Path::new(&p.file) == root.join(name)))
            .collect();
        if !missing.is_empty() {
            folder.problems.push(problem(
                root,
                &format!("the language {locale} is not complete; missing: {}", missing.join(", ")),
                "add the files, starting from those of the nearest language, or remove the language",
            ));
        }
    }
    folder
}

fn problem(path: &Path, message: &str, remedy: &str) -> TemplateProblem {
    TemplateProblem {
        file: clean::plain(&path.display().to_string()),
        line: None,
        message: message.to_owned(),
        remedy: remedy.to_owned(),
    }
}

fn list(dir: &Path, depth: usize, files: &mut Vec<PathBuf>, problems: &mut Vec<TemplateProblem>) {
    let entries = std::fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(problem(
                dir,
                &format!("cannot be read: {error}"),
                "check that the folder exists and that upprop may read it",
            ));
            return;
        }
    };
    for entry in entries {
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if path.is_dir() && depth > 0 {
            list(&path, depth - 1, files, problems);
        } else {
            files.push(path);
        }
    }
}

fn template_name(root: &Path, path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> =
        path.strip_prefix(root).ok()?.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

fn text(path: &Path) -> Result<String, String> {
    let about = std::fs::metadata(path).map_err(|e| format!("cannot be read: {e}"))?;
    // A pipe or a device may have no end, or never begin.
    if !about.is_file() {
        return Err("is not an ordinary file".into());
    }
    let size = about.len();
    if size > LONGEST {
        return Err(format!("is {size} bytes long; a template may be {LONGEST}"));
    }
    let bytes = std::fs::read(path).map_err(|e| format!("cannot be read: {e}"))?;
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n"))
}

/// The language a template name belongs to, none for the shared page; or what to do about a name
/// that is not known.
fn known(name: &str) -> Result<Option<Locale>, String> {
    if name == catalogue::PAGE || name == catalogue::WEB_PAGE {
        return Ok(None);
    }
    let layout =
        "the layout is sms/<language>/<file> and email/<language>/<file>, as sms/sv/absence.txt";
    let [folder, tag, file] = name.split('/').collect::<Vec<_>>()[..] else {
        let pages = [catalogue::PAGE, catalogue::WEB_PAGE];
        return Err(did_you_mean(name, pages).unwrap_or_else(|| layout.to_owned()));
    };
    let folders = ["sms", "email", catalogue::WEB];
    if !folders.contains(&folder) {
        return Err(did_you_mean(folder, folders).unwrap_or_else(|| layout.into()));
    }
    let locale = match Locale::new(tag) {
        Ok(locale) if locale.as_str() == tag => locale,
        Ok(locale) => {
            return Err(format!("name the folder {locale} instead of {}", clean::plain(tag)));
        }
        Err(_) => return Err(format!("{} is not a language tag, as sv or fi", clean::plain(tag))),
    };
    if catalogue::files_in(folder).any(|known| known == file) {
        return Ok(Some(locale));
    }
    Err(did_you_mean(file, catalogue::files_in(folder)).unwrap_or_else(|| {
        let all: Vec<&str> = catalogue::files_in(folder).collect();
        format!("the files are {}", all.join(", "))
    }))
}

/// A question with the nearest of some names, when one is near.
pub(super) fn did_you_mean<'a>(
    found: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    names
        .into_iter()
        .map(|name| (strsim::osa_distance(found, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 1.max(name.chars().count() / 3))
        .map(|(_, name)| format!("did you mean {name}?"))
}
