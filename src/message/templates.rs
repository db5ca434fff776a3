//! The set of templates in force: built in, overridden file by file by an operator's folder, and
//! tried on samples before any is used. A set is never changed; a new one is loaded and swapped in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use minijinja::Environment;

use super::folder::{Folder, Source, did_you_mean};
use super::{catalogue, engine, folder, guest, notice, render, samples};
use crate::directory::SubjectIdentity;
use crate::model::Locale;

/// What is wrong with a template, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateProblem {
    /// The file, or the folder when a file is missing.
    pub file: String,
    /// Counted from 1, where the place is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for TemplateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}; {}", self.message, self.remedy)
    }
}

impl std::error::Error for TemplateProblem {}

/// Checked templates in one or more languages; Swedish and English always.
#[derive(Debug)]
pub struct Templates {
    pub(super) env: Environment<'static>,
    locales: BTreeSet<Locale>,
    swedish: Locale,
}

impl Templates {
    /// The templates upprop comes with.
    pub fn builtin() -> Self {
        Self::load(None).expect("the built-in templates pass their checks: a test loads them")
    }

    /// The built-in templates, with those of a folder of the same layout (`sms/sv/absence.txt`) in
    /// their place. A folder may add a language, which must then be complete. Names that begin with
    /// a dot are left alone.
    ///
    /// # Errors
    /// All that is wrong, at once: files that cannot be read or are not known, files missing from an
    /// added language, syntax, variables that do not exist, and texts that cannot be made from the
    /// samples.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<TemplateProblem>> {
        let mut sources: BTreeMap<String, Source> = catalogue::builtin()
            .map(|(name, text)| {
                let source = Source { shown: format!("built-in {name}"), text: text.to_owned() };
                (name.to_owned(), source)
            })
            .collect();
        let mut locales: BTreeSet<Locale> = sources
            .keys()
            .filter_map(|name| name.strip_prefix("sms/")?.split('/').next())
            .filter_map(|tag| Locale::new(tag).ok())
            .collect();
        let own = folder.map(|f| folder::read(f, &locales)).unwrap_or_default();
        let Folder { sources: own, locales: added, mut problems } = own;
        sources.extend(own);
        locales.extend(added);

        let mut env = engine::environment();
        for (name, source) in &sources {
            problems.extend(add(&mut env, name, source));
        }
        let templates = Self { env, locales, swedish: Locale::swedish() };
        // With a file missing or unread, trying the samples would only repeat that.
        if problems.is_empty() {
            problems.extend(templates.try_samples(&sources));
        }
        if problems.is_empty() { Ok(templates) } else { Err(problems) }
    }

    /// The languages there are.
    pub fn locales(&self) -> impl Iterator<Item = &Locale> {
        self.locales.iter()
    }

    /// The first of the wanted languages that there is; else Swedish.
    pub fn pick(&self, wanted: &[&Locale]) -> &Locale {
        wanted.iter().find_map(|locale| self.locales.get(*locale)).unwrap_or(&self.swedish)
    }

    fn try_samples(&self, sources: &BTreeMap<String, Source>) -> Vec<TemplateProblem> {
        let mut problems: Vec<TemplateProblem> = Vec::new();
        let mut note = |failure: Option<engine::Failure>| {
            let Some(failure) = failure else { return };
            let problem = TemplateProblem {
                file: shown(sources, &failure.name),
                line: failure.line,
                message: failure.detail,
                remedy: "correct the line, or remove the file to use the built-in text".into(),
            };
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        };
        for locale in &self.locales {
            for sample in samples::guardians("Alva", "Björkskolan", "070-174 06 05") {
                note(render::sms(self, locale, sample.purpose, &sample.facts).err());
                note(render::guardian_mail(self, locale, sample.purpose, &sample.facts).err());
            }
            for failure in
                guest::faults(self, locale).into_iter().chain(notice::faults(self, locale))
            {
                note(Some(failure));
            }
            for case in samples::team_cases() {
                for identity in
                    [SubjectIdentity::None, SubjectIdentity::Initials, SubjectIdentity::Name]
                {
                    note(render::team_mail(self, locale, &case, identity).err());
                }
            }
        }
        problems
    }
}

fn shown(sources: &BTreeMap<String, Source>, name: &str) -> String {
    sources.get(name).map_or_else(|| name.to_owned(), |source| source.shown.clone())
}

/// Compiles one template and compares what it asks for with what there is.
fn add(env: &mut Environment<'static>, name: &str, source: &Source) -> Vec<TemplateProblem> {
    if let Err(error) = env.add_template_owned(name.to_owned(), source.text.clone()) {
        let failure = engine::Failure::of(&error, name);
        return vec![TemplateProblem {
            file: source.shown.clone(),
            line: failure.line,
            message: failure.detail,
            remedy: "correct the line; the syntax is Jinja's".into(),
        }];
    }
    let Ok(template) = env.get_template(name) else { return Vec::new() };
    let known = catalogue::variables(name);
    let asked: BTreeSet<String> = template.undeclared_variables(false).into_iter().collect();
    asked
        .iter()
        .filter(|variable| !known.contains(*variable))
        .filter(|variable| !env.globals().any(|(global, _)| global == variable.as_str()))
        .map(|variable| TemplateProblem {
            file: source.shown.clone(),
            line: line_of(&source.text, variable),
            message: format!("there is no variable {variable}"),
            remedy: did_you_mean(variable, known.iter().map(String::as_str)).unwrap_or_else(|| {
                let all: Vec<&str> = known.iter().map(String::as_str).collect();
                format!("the variables are {}", all.join(", "))
            }),
        })
        .collect()
}

/// The first line on which a name stands as a word.
fn line_of(text: &str, name: &str) -> Option<usize> {
    let is_word = |line: &str| {
        line.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name)
    };
    text.lines().position(is_word).map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    /// What loading one file says: file within the folder, line, message, remedy.
    fn complaint(name: &str, text: &str) -> (String, Option<usize>, String, String) {
        let dir = folder(&[(name, text)]);
        let problems = Templates::load(Some(dir.path())).expect_err(text);
        let first = problems.first().unwrap();
        let file = Path::new(&first.file).strip_prefix(dir.path());
        let file = file.map_or(first.file.clone(), |f| f.display().to_string());
        (file, first.line, first.message.clone(), first.remedy.clone())
    }

    #[test]
    fn one_file_takes_the_place_of_one_built_in() {
        let dir = folder(&[
            ("sms/sv/absence.txt", "\u{feff}{{ pupil }} kl {{ start }}.\r\nRing {{ phone }}"),
            (".git/config", "not ours"),
        ]);
        let templates = Templates::load(Some(dir.path())).unwrap();
        let facts = samples::guardian("Alva", "Björkskolan", "070-174 06 05");
        let text = |tag: &str| {
            let locale = Locale::new(tag).unwrap();
            templates.render_sms(&locale, crate::model::Purpose::Absence, &facts, 3).unwrap().text
        };
        assert_eq!(text("sv"), "Alva kl 08.20.\nRing 070-174 06 05");
        assert!(text("en").starts_with("Hello!"));
    }

    #[test]
    fn what_is_wrong_is_told_with_place_and_remedy() {
        let sms = "sms/sv/absence.txt";
        for (name, text, line, message, remedy) in [
            (sms, "a\n{{ pupli }}", Some(2), "no variable pupli", "did you mean pupil?"),
            (sms, "a\n\n{% if adult %}", Some(3), "syntax error", "correct the line"),
            (sms, "{{ pupil.name }}", Some(1), "undefined", "correct the line"),
            (sms, "\n{{ none }}", Some(2), "null", "correct the line"),
            (sms, "{% if adult %}Hej{% endif %}", None, "the text is empty", "remove the file"),
            (sms, "{{ pupil|shout }}", Some(1), "filter", "correct the line"),
            (sms, "{% include 'absence.txt' %}", Some(1), "recursion", "correct the line"),
            ("sms/sv/abscence.txt", "", None, "not a template", "did you mean absence.txt?"),
            ("sms/sv/readme", "", None, "not a template", "the files are absence.txt"),
            ("smss/sv/absence.txt", "", None, "not a template", "did you mean sms?"),
            ("absence.txt", "", None, "not a template", "the layout is sms/<language>"),
            ("sms/sv-SE/absence.txt", "", None, "not a template", "name the folder sv"),
            ("email/sv/absence.subject.txt", "a\nb", None, "more than one line", "correct"),
            ("email/sv/team-alert.html", "{{ class }}{{ x }}", Some(1), "no variable x", "case"),
            ("email/sv/_case.txt", "{{ lessons[0].mark }}", Some(1), "undefined", "correct"),
        ] {
            let found = complaint(name, text);
            assert_eq!((found.0.as_str(), found.1), (name, line), "{text:?} {found:?}");
            assert!(found.2.contains(message) && found.3.contains(remedy), "{found:?}");
        }
        let dir = folder(&[(sms, "\n{{ pupli }}")]);
        let problem = Templates::load(Some(dir.path())).unwrap_err().remove(0).to_string();
        assert!(
            problem.ends_with("absence.txt:2: there is no variable pupli; did you mean pupil?")
        );
        let gone = Templates::load(Some(&dir.path().join("gone"))).unwrap_err();
        assert!(gone[0].message.contains("cannot be read"), "{gone:?}");
    }

    #[test]
    fn a_new_language_must_be_complete() {
        let dir = folder(&[("sms/fi/absence.txt", "Hei {{ pupil }} {{ phone }}")]);
        let problems = Templates::load(Some(dir.path())).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].message.contains(
            "missing: sms/fi/correction.txt, sms/fi/register-nudge.txt, sms/fi/test.txt, "
        ));

        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        for name in catalogue::names(&Locale::swedish()) {
            let to = dir.path().join(name.replace("/sv/", "/fi/"));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            if !to.exists() {
                fs::copy(root.join(&name), to).unwrap();
            }
        }
        let templates = Templates::load(Some(dir.path())).unwrap();
        let fi = Locale::new("fi").unwrap();
        assert_eq!(templates.pick(&[&fi]), &fi);
        let facts = samples::guardian("Aino", "Björkskolan", "070-174 06 05");
        let sms = templates.render_sms(&fi, crate::model::Purpose::Absence, &facts, 3).unwrap();
        assert_eq!(sms.text, "Hei Aino 070-174 06 05");
    }
}
