//! The set of templates in force: built in, overridden file by file by an operator's folder, and
//! tried on samples before any is used. A set is never changed; a new one is loaded and swapped in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use minijinja::Environment;

use super::folder::{Folder, Source, did_you_mean};
use super::{catalogue, engine, feedback, folder, guest, notice, page, render, samples};
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
    /// Those that have texts to staff too.
    complete: BTreeSet<Locale>,
    /// Those of which a text says that no native reader has reviewed it.
    unreviewed: BTreeSet<Locale>,
    swedish: Locale,
}

impl Templates {
    /// The templates upprop comes with.
    pub fn builtin() -> Self {
        Self::load(None).expect("the built-in templates pass their checks: a test loads them")
    }

    /// The built-in templates, with those of a folder of the same layout (`sms/sv/absence.txt`) in
    /// their place. A folder may add a language, which must then have all texts that are read at home,
    /// and may have those to staff. Names that begin with a dot are left alone.
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
        let built_in = catalogue::builtin().map(|(name, _)| name).collect();
        let own = folder.map(|f| folder::read(f, &built_in)).unwrap_or_default();
        let Folder { sources: own, locales: touched, mut problems } = own;
        let another_page =
            [catalogue::PAGE, catalogue::WEB_PAGE].iter().any(|page| own.contains_key(*page));
        sources.extend(own);

        let mut env = engine::environment();
        for (name, source) in &sources {
            problems.extend(add(&mut env, name, source));
        }
        let templates = Self::of(env, &sources);
        // With a file missing or unread, trying the samples would only repeat that.
        if problems.is_empty() {
            // A translation that is as it came has been tried by a test.
            let tried = |l: &&Locale| {
                another_page || touched.contains(*l) || !templates.unreviewed.contains(*l)
            };
            problems.extend(templates.try_samples(&sources, templates.locales().filter(tried)));
        }
        if problems.is_empty() { Ok(templates) } else { Err(problems) }
    }

    fn of(env: Environment<'static>, sources: &BTreeMap<String, Source>) -> Self {
        let locales: BTreeSet<Locale> =
            sources.keys().filter_map(|name| catalogue::locale(name)).collect();
        let has_all =
            |locale: &&Locale| catalogue::names(locale).all(|name| sources.contains_key(&name));
        let is_marked = |(name, source): (&String, &Source)| {
            let marked = source.text.starts_with(catalogue::NOT_REVIEWED);
            catalogue::locale(name).filter(|_| marked)
        };
        Self {
            env,
            complete: locales.iter().filter(has_all).cloned().collect(),
            unreviewed: sources.iter().filter_map(is_marked).collect(),
            locales,
            swedish: Locale::swedish(),
        }
    }

    /// The languages there are for those at home.
    pub fn locales(&self) -> impl Iterator<Item = &Locale> {
        self.locales.iter()
    }

    /// Whether those at home can be written to in a language.
    pub fn has(&self, locale: &Locale) -> bool {
        self.locales.contains(locale)
    }

    /// Whether there are texts to staff in a language.
    pub fn is_complete(&self, locale: &Locale) -> bool {
        self.complete.contains(locale)
    }

    /// Whether no text in a language says that nobody has read it whose language it is.
    pub fn is_reviewed(&self, locale: &Locale) -> bool {
        !self.unreviewed.contains(locale)
    }

    /// The first of the wanted languages that there is for those at home; else Swedish.
    pub fn pick(&self, wanted: &[&Locale]) -> &Locale {
        wanted.iter().find_map(|locale| self.locales.get(*locale)).unwrap_or(&self.swedish)
    }

    /// The first of the wanted languages that there is for staff; else Swedish.
    pub fn pick_for_staff(&self, wanted: &[&Locale]) -> &Locale {
        wanted.iter().find_map(|locale| self.complete.get(*locale)).unwrap_or(&self.swedish)
    }

    fn try_samples<'l>(
        &self,
        sources: &BTreeMap<String, Source>,
        languages: impl Iterator<Item = &'l Locale>,
    ) -> Vec<TemplateProblem> {
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
        for locale in languages {
            let (school, phone) = ("Björkskolan", "070-174 06 05");
            let together = samples::digests("Alva", school, phone).into_iter();
            let together = together.chain(samples::siblings(school, phone));
            for sample in samples::guardians("Alva", school, phone).into_iter().chain(together) {
                note(render::sms(self, locale, sample.purpose, &sample.facts).err());
                note(render::guardian_mail(self, locale, sample.purpose, &sample.facts).err());
            }
            for failure in guest::faults(self, locale) {
                note(Some(failure));
            }
            if !self.is_complete(locale) {
                continue;
            }
            let to_staff = notice::faults(self, locale).into_iter();
            let to_staff = to_staff.chain(feedback::faults(self, locale));
            for failure in to_staff.chain(page::faults(self, locale)) {
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
            ("sms/sv/readme", "", None, "not a template", "the files are absence-digest.txt"),
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
    fn a_new_language_must_have_what_is_read_at_home_and_all_or_nothing_of_what_staff_read() {
        let dir = folder(&[("sms/nb/absence.txt", "Hei {{ pupil }} {{ phone }}")]);
        let problems = Templates::load(Some(dir.path())).unwrap_err();
        assert_eq!(problems.len(), 1);
        let message = &problems[0].message;
        assert!(
            message.contains("missing: sms/nb/absence-digest.txt, sms/nb/correction.txt, sms/nb/test.txt, email/nb/"),
            "{message}"
        );
        assert!(!message.contains("team") && !message.contains("register"), "{message}");

        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let copy = |wanted: &dyn Fn(&str) -> bool| {
            for name in catalogue::names(&Locale::swedish()).filter(|name| wanted(name)) {
                let to = dir.path().join(name.replace("/sv/", "/nb/"));
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                if !to.exists() {
                    fs::copy(root.join(&name), to).unwrap();
                }
            }
        };
        copy(&catalogue::is_read_at_home);
        let (nb, sv) = (Locale::new("nb").unwrap(), Locale::swedish());
        let templates = Templates::load(Some(dir.path())).unwrap();
        assert_eq!((templates.pick(&[&nb]), templates.pick_for_staff(&[&nb])), (&nb, &sv));
        assert!(templates.is_reviewed(&nb), "it is the operator's own");
        let facts = samples::guardian("Aino", "Björkskolan", "070-174 06 05");
        let sms = templates.render_sms(&nb, crate::model::Purpose::Absence, &facts, 3).unwrap();
        assert_eq!(sms.text, "Hei Aino 070-174 06 05");

        copy(&|name| name == "sms/sv/register-nudge.txt");
        let problems = Templates::load(Some(dir.path())).unwrap_err();
        let message = &problems[0].message;
        assert!(message.contains("missing: email/nb/_case.html, "), "{message}");
        copy(&|_| true);
        let templates = Templates::load(Some(dir.path())).unwrap();
        assert_eq!(templates.pick_for_staff(&[&nb]), &nb);
    }

    #[test]
    fn a_translation_that_came_with_us_is_tried_and_not_reviewed() {
        let templates = Templates::builtin();
        let sources = catalogue::builtin().map(|(name, text)| {
            let source = Source { shown: name.to_owned(), text: text.to_owned() };
            (name.to_owned(), source)
        });
        assert_eq!(templates.try_samples(&sources.collect(), templates.locales()), []);
        let of = |wanted: &dyn Fn(&Locale) -> bool| {
            let tags = templates.locales().filter(|l| wanted(l)).map(Locale::as_str);
            tags.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of(&|l| templates.is_reviewed(l)), "en sv");
        assert_eq!(of(&|l| templates.is_complete(l)), "en sv");
        assert_eq!(of(&|_| true), "ar en fa fi ku pl so sv ti uk");
        // Whoever has one read takes the mark out of all of its texts.
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let dir = folder(&[]);
        let fi = Locale::new("fi").unwrap();
        let home = catalogue::names(&fi).filter(|name| catalogue::is_read_at_home(name));
        for (at, name) in home.enumerate() {
            let templates = Templates::load(Some(dir.path())).unwrap();
            assert!(!templates.is_reviewed(&fi), "after {at} texts");
            let text = fs::read_to_string(root.join(&name)).unwrap();
            let to = dir.path().join(&name);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, text.replace(catalogue::NOT_REVIEWED, "{#")).unwrap();
        }
        assert!(Templates::load(Some(dir.path())).unwrap().is_reviewed(&fi));
    }

    #[test]
    fn a_text_of_a_translation_is_tried_when_it_is_anothers() {
        let (file, line, message, _) = complaint("sms/fi/absence.txt", "\n{{ pupil.name }}");
        assert_eq!((file.as_str(), line), ("sms/fi/absence.txt", Some(2)), "{message}");
        let page =
            "{% block body %}{% endblock %}\n{% if direction == 'rtl' %}{{ locale.x }}{% endif %}";
        let (file, line, message, _) = complaint(catalogue::PAGE, page);
        assert_eq!((file.as_str(), line), (catalogue::PAGE, Some(2)), "{message}");
    }
}
