//! The template engine as upprop uses it: strict, bounded, and silent about values. Turns named
//! sources into an environment and engine errors into places; may read no files.

use std::error::Error as _;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

/// Steps one rendering may take; the longest built-in one takes some hundreds. Ends endless loops.
const FUEL: u64 = 50_000;

/// Where and how a template failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The template's name.
    pub name: String,
    /// Counted from 1.
    pub line: Option<usize>,
    /// The class of the error; never holds a value.
    pub class: String,
    /// More, which may quote a value: for sample data only.
    pub detail: String,
}

impl Failure {
    /// The innermost engine error: an error in an included file is that file's.
    pub fn of(error: &Error, name: &str) -> Self {
        let mut inner = error;
        while let Some(next) = inner.source().and_then(|e| e.downcast_ref::<Error>()) {
            inner = next;
        }
        let class = inner.kind().to_string();
        Self {
            name: inner.name().unwrap_or(name).to_owned(),
            line: inner.line(),
            detail: inner.detail().map_or_else(|| class.clone(), |d| format!("{class}: {d}")),
            class,
        }
    }
}

/// An environment with no templates yet.
pub(super) fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    // Debug information would carry the values of the moment into error texts.
    env.set_debug(false);
    env.set_auto_reload(false);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .expect("the default delimiters are distinct"),
    );
    env.set_auto_escape_callback(|name| {
        let ending = name.rsplit('.').next();
        if ending == Some("html") { AutoEscape::Html } else { AutoEscape::None }
    });
    env.set_formatter(|out, state, value| {
        if value.is_none() {
            return Err(Error::new(ErrorKind::InvalidOperation, "a value is null"));
        }
        minijinja::escape_formatter(out, state, value)
    });
    env.set_path_join_callback(|name, parent| join(name, parent).into());
    env
}

/// Names in `include`, `import` and `extends` are relative to the file they stand in.
fn join(name: &str, parent: &str) -> String {
    let mut parts: Vec<&str> = parent.split('/').collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

/// Renders one template.
pub(super) fn render(env: &Environment<'_>, name: &str, values: Value) -> Result<String, Failure> {
    env.get_template(name)
        .and_then(|template| template.render(values))
        .map_err(|error| Failure::of(&error, name))
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn run(name: &'static str, source: &'static str) -> Result<String, Failure> {
        let mut env = environment();
        env.add_template(name, source).map_err(|e| Failure::of(&e, name))?;
        let nothing: Option<u8> = None;
        render(&env, name, context! { pupil => "<Alva> {{ x }}", nothing })
    }

    #[test]
    fn escapes_html_alone_and_reads_no_value_as_a_template() {
        assert_eq!(run("a.txt", "{{ pupil }}").unwrap(), "<Alva> {{ x }}");
        assert_eq!(run("a.html", "{{ pupil }}").unwrap(), "&lt;Alva&gt; {{ x }}");
    }

    #[test]
    fn refuses_null_undefined_and_endless() {
        for (source, line) in [
            ("\n{{ nothing }}", 2),
            ("{{ missing }}", 1),
            ("\n\n{% if missing %}{% endif %}", 3),
            ("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}", 1),
            ("{% include 'gone.txt' %}", 1),
            ("{% if %}", 1),
        ] {
            let failure = run("sms/sv/a.txt", source).unwrap_err();
            assert_eq!(
                (failure.name.as_str(), failure.line),
                ("sms/sv/a.txt", Some(line)),
                "{source}"
            );
            assert!(!failure.class.contains("Alva"));
        }
    }

    #[test]
    fn names_are_relative() {
        assert_eq!(join("_case.txt", "email/sv/team-alert.txt"), "email/sv/_case.txt");
        assert_eq!(join("../_page.html", "email/sv/absence.html"), "email/_page.html");
        assert_eq!(join("../../../../a", "email/sv/absence.html"), "a");
    }
}
