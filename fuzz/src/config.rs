//! Configuration files: what is wrong is told with its place, once, and in one line each.

use upprop::config::{Loader, Report, Secrets, Severity, load_text};

/// The check.
pub fn check(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let report = read(text);
    let again = read(text);
    assert_eq!(report.problems, again.problems, "the same file, the same problems");
    assert_eq!(report.config.is_none(), report.count(Severity::Error) > 0);
    let lines = text.lines().count().max(1);
    for problem in &report.problems {
        assert!(problem.line.is_none_or(|line| (1..=lines + 1).contains(&line)), "{problem}");
        assert_eq!(problem.line.is_some(), problem.column.is_some(), "{problem}");
        if problem.severity == Severity::Error {
            assert!(problem.remedy.is_some(), "no remedy: {problem}");
        }
        super::input::is_one_line(&problem.to_string());
        assert!(problem.to_string().len() <= 2_000 + text.len(), "{problem}");
    }
    let mut once = report.problems.clone();
    once.dedup();
    assert_eq!(once.len(), report.problems.len(), "told twice");
    // A good file stays good, whatever stands in its comments.
    if report.config.is_some() {
        let more = format!("# made up: [x] = \"\n{text}\n# {{\n");
        assert_eq!(read(&more).count(Severity::Error), 0);
    }
}

fn read(text: &str) -> Report {
    let loader = Loader {
        credentials_dir: None,
        base_dir: "/nonexistent".into(),
        secrets: Secrets::Skipped,
    };
    load_text("upprop.toml", text, &loader)
}
