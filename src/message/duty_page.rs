//! The page of duties: what is to be done, by when and where it is documented, how far it has come, what has happened, and
//! a form for each. Makes the values that the template sees, and what is served; decides nothing.

use serde::Serialize;
use serde_json::Value as Json;

use super::render::RenderError;
use super::{Templates, page, team};
use crate::model::Locale;

/// Something that happened to a duty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PageEvent {
    /// When, by the school's clock, `2026-11-23 10.31`.
    pub at: String,
    /// As `DutyAct`.
    pub what: String,
    /// The role to whom it was handed over; empty: it was not.
    pub to: String,
    /// By whose link: a role, or `staff` where that is not known; `operator`: it was typed; empty: by itself.
    pub by: String,
    /// What was written beside it; empty: nothing, or no longer kept.
    pub why: String,
}

/// One duty. Times are by the school's clock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PageDuty {
    /// What the form sends.
    pub id: String,
    /// What people call it by.
    pub number: String,
    /// The number of the case.
    pub case: String,
    /// Nothing may be said of the pupil: all else but `id`, `number` and `case` is empty.
    pub hidden: bool,
    /// The pupil's name.
    pub pupil: String,
    /// The pupil's class; empty: not known.
    pub class: String,
    /// The school's name.
    pub school: String,
    /// What the ladder is called.
    pub ladder: String,
    /// The day from which its version is in force, `2026-08-01`.
    pub version: String,
    /// What the step is called.
    pub step: String,
    /// Its step was taken back.
    pub taken_back: bool,
    /// What is to be done.
    pub what: String,
    /// By when, `2026-11-23 16.00`.
    pub due: String,
    /// As `DutyState`.
    pub state: String,
    /// The role by whose link it was taken on, as [`PageEvent::by`]; empty: nobody has.
    pub taken_by: String,
    /// Where it is documented; empty: it leaves nothing in writing.
    pub place: String,
    /// Since when that is there, `2026-11-23 10.31`; empty: it is not.
    pub documented: String,
    /// What has happened, the last first.
    pub events: Vec<PageEvent>,
    /// What can be said of it now, as `Say`.
    pub says: Vec<String>,
    /// What its form carries.
    pub form: String,
    /// The state that it was shown in.
    pub seen: String,
    /// What was chosen in its form.
    pub typed_say: String,
    /// What was written in its form.
    pub typed_why: String,
    /// What is wrong with what was chosen: `missing`, or nothing.
    pub error_say: String,
    /// What is wrong with what was written: `missing`, `long`, or nothing.
    pub error_why: String,
}

/// Everything that the page is made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DutyPageFacts {
    /// The number of the case that its mail was about; empty: of more than one.
    pub case: String,
    /// The duties.
    pub duties: Vec<PageDuty>,
    /// How many more there are than are shown.
    pub more: usize,
    /// What became of a form: `done`, `stale`, `refused`, `wrong`, or nothing.
    pub said: String,
    /// Longest words of a form, in characters.
    pub longest_why: usize,
}

impl Templates {
    /// The page of duties, as HTML.
    ///
    /// # Errors
    /// See [`RenderError`].
    pub fn render_duty_page(
        &self,
        locale: &Locale,
        facts: &DutyPageFacts,
    ) -> Result<String, RenderError> {
        Ok(page::page(self, self.pick_for_staff(&[locale]), "duty.html", values(facts))?)
    }
}

/// The page's values, cleaned.
pub(super) fn values(facts: &DutyPageFacts) -> Json {
    team::cleaned(serde_json::to_value(facts).unwrap_or_default())
}

/// A page with everything on it, as templates are tried on it.
pub(super) fn sample() -> DutyPageFacts {
    let event = |what: &str, by: &str| PageEvent {
        at: "2026-11-23 10.31".into(),
        what: what.into(),
        to: if what == "handed-over" { "principal".into() } else { String::new() },
        by: by.into(),
        why: if by.is_empty() { String::new() } else { "Ringer igen kl 14.".into() },
    };
    let events = [
        ("made", ""),
        ("taken", "attendance-team"),
        ("reminded", ""),
        ("overdue", ""),
        ("handed-over", ""),
        ("no-answer", "mentor"),
        ("done", "operator"),
        ("documented", "staff"),
        ("not-needed", "principal"),
        ("retracted", ""),
        ("restored", ""),
        ("reopened", "attendance-team"),
        ("pupil-left", ""),
        ("put-back", "operator"),
    ];
    let says = ["take", "done", "no-answer", "documented", "not-needed"];
    DutyPageFacts {
        case: "K7QM2XP".into(),
        duties: vec![PageDuty {
            id: "0123456789abcdef0123456789abcdef".into(),
            number: "AB12CD3".into(),
            case: "K7QM2XP".into(),
            pupil: "Alva Ek".into(),
            class: "7B".into(),
            school: "Björkskolan".into(),
            ladder: "Handlingsplanen".into(),
            version: "2026-08-01".into(),
            step: "Tredje tillfället".into(),
            what: "Ring hem".into(),
            due: "2026-11-23 16.00".into(),
            state: "open".into(),
            place: "elevloggen".into(),
            events: events.into_iter().map(|(what, by)| event(what, by)).collect(),
            says: says.map(str::to_owned).into(),
            form: "f".into(),
            seen: "s".into(),
            ..PageDuty::default()
        }],
        more: 0,
        said: String::new(),
        longest_why: 200,
    }
}

/// Pages of every kind.
pub(super) fn samples() -> Vec<DutyPageFacts> {
    let full = sample();
    let duty = full.duties[0].clone();
    let with = |duty: PageDuty| DutyPageFacts { duties: vec![duty], ..full.clone() };
    let mut all = vec![full.clone(), DutyPageFacts { duties: Vec::new(), ..full.clone() }];
    for state in ["taken", "overdue", "done", "not-needed"] {
        let over = matches!(state, "done" | "not-needed");
        all.push(with(PageDuty {
            state: state.into(),
            taken_by: "attendance-team".into(),
            documented: if over { "2026-11-23 10.40".into() } else { String::new() },
            taken_back: over,
            says: if over { Vec::new() } else { duty.says.clone() },
            ..duty.clone()
        }));
    }
    for said in ["done", "stale", "refused"] {
        all.push(DutyPageFacts { said: said.into(), ..full.clone() });
    }
    for (say, why) in [("missing", ""), ("", "missing"), ("", "long")] {
        let wrong = PageDuty {
            typed_say: "not-needed".into(),
            error_say: say.into(),
            error_why: why.into(),
            ..duty.clone()
        };
        all.push(DutyPageFacts { said: "wrong".into(), ..with(wrong) });
    }
    // Of several pupils, one of whom nothing may be said, and one of whom little is known.
    let hidden = PageDuty {
        id: "x".into(),
        number: "XY98ZW7".into(),
        case: "M4QN8RT".into(),
        hidden: true,
        ..PageDuty::default()
    };
    let bare = PageDuty {
        number: "ZZ11YY2".into(),
        pupil: String::new(),
        class: String::new(),
        place: String::new(),
        events: Vec::new(),
        ..duty.clone()
    };
    all.push(DutyPageFacts {
        case: String::new(),
        duties: vec![duty, hidden, bare],
        more: 3,
        ..full
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locales() -> [Locale; 2] {
        ["sv", "en"].map(|tag| Locale::new(tag).expect("a tag"))
    }

    #[test]
    fn a_page_has_a_form_for_each_duty_of_which_something_can_be_said_and_a_label_for_each_field() {
        let templates = Templates::builtin();
        for locale in locales() {
            for facts in samples() {
                let html = templates.render_duty_page(&locale, &facts).expect("a page");
                assert!(html.contains(&format!("<html lang=\"{locale}\"")), "{html}");
                for foreign in ["<script", "style=", "<style", "onclick", "src=", "http:", "https:"]
                {
                    assert!(!html.contains(foreign), "{foreign}: {html}");
                }
                assert_eq!(html.matches("<h1").count(), 1, "{html}");
                let forms = facts.duties.iter().filter(|duty| !duty.says.is_empty()).count();
                assert_eq!(html.matches("<form").count(), forms, "{html}");
                let id = |rest: &str| rest.split('"').next().unwrap_or_default().to_owned();
                let mut ids: Vec<String> = html.split(" id=\"").skip(1).map(id).collect();
                let count = ids.len();
                ids.sort_unstable();
                ids.dedup();
                assert_eq!(ids.len(), count, "an id that is there twice: {html}");
                let shown =
                    html.split("<input ").skip(1).filter(|f| !f.contains("type=\"hidden\""));
                for field in shown.filter_map(|field| field.split("id=\"").nth(1)) {
                    let id = field.split('"').next().unwrap_or_default();
                    assert!(html.contains(&format!("for=\"{id}\"")), "{id}: {html}");
                }
                // What happened is said in words.
                for word in
                    ["handed-over", "put-back", "reopened", "not-needed</strong>", "pupil-left"]
                {
                    assert!(!html.contains(&format!("<strong>{word}")), "{word}: {html}");
                }
            }
        }
    }

    #[test]
    fn what_came_from_outside_is_no_markup() {
        let templates = Templates::builtin();
        let mut facts = sample();
        let duty = &mut facts.duties[0];
        duty.events[1].why = "<b>\" onfocus=x".into();
        duty.pupil = "<i>Alva".into();
        duty.typed_why = "\"><script>".into();
        for locale in locales() {
            let html = templates.render_duty_page(&locale, &facts).expect("a page");
            for markup in ["<b>", "<i>Alva", "<script", "\" onfocus"] {
                assert!(!html.contains(markup), "{markup}: {html}");
            }
        }
    }

    #[test]
    fn each_thing_that_can_be_said_of_a_form_is_said_in_other_words() {
        let templates = Templates::builtin();
        for locale in locales() {
            let mut seen = std::collections::BTreeSet::new();
            for said in ["", "done", "stale", "refused", "wrong"] {
                let facts = DutyPageFacts { said: said.into(), ..sample() };
                let html = templates.render_duty_page(&locale, &facts).expect("a page");
                assert!(seen.insert(html), "{said} {locale}");
            }
        }
    }
}
