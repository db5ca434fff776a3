//! What the summary of an all-day event says of school: that there is none, nothing of it, or more than that. One class's
//! study day, or a person whose name ends as a closed word does, must not keep the whole school silent.

/// The word that stands for every all-day event.
pub const ALL: &str = "*";

/// Beside a closed word these say nothing more. Numbers of weeks and years are others.
const NEUTRAL: [&str; 28] = [
    "alla",
    "dag",
    "dagar",
    "dagen",
    "elev",
    "elever",
    "eleverna",
    "för",
    "har",
    "hela",
    "ht",
    "ledig",
    "lediga",
    "och",
    "samt",
    "skola",
    "skolan",
    "skolor",
    "skolorna",
    "stängd",
    "stängda",
    "stängt",
    "v",
    "vecka",
    "veckor",
    "vt",
    "är",
    "läsåret",
];

/// Fewest letters before a closed word that is the end of a longer one: "höstlov", but not "Olov".
const BEGINNING: usize = 2;

/// What a summary says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// There is no school.
    Closed,
    /// That, and more: perhaps for whom, or that it is not so.
    More,
    /// Nothing of it.
    Nothing,
}

/// Reads a summary. `words`: those that close, alone or as the end of a longer word; one that is the whole summary
/// closes whatever stands in it, and [`ALL`] always does.
pub(super) fn says(summary: &str, words: &[String]) -> Says {
    let summary = plain(summary);
    let words: Vec<String> =
        words.iter().map(|word| plain(word)).filter(|word| !word.is_empty()).collect();
    if words.iter().any(|word| word == ALL || *word == summary) {
        return Says::Closed;
    }
    let is_closed = |part: &str| words.iter().any(|word| ends_with(part, word));
    // A question is not yet so.
    let (mut closed, mut more, mut of_weeks) = (false, summary.contains('?'), false);
    for whole in summary.split(|c: char| !c.is_alphanumeric() && c != '-') {
        let parts: Vec<&str> = whole.split('-').filter(|part| !part.is_empty()).collect();
        // "Jul-lov" is one word, "9C-lov" is two.
        if let Some((last, before)) = parts.split_last()
            && is_closed(last)
            && before.iter().all(|part| is_beginning(part))
        {
            closed = true;
            of_weeks = false;
            continue;
        }
        for part in parts {
            if is_closed(part) {
                closed = true;
                of_weeks = false;
            } else if is_number(part) {
                // One digit alone may be a school year.
                more |= !of_weeks && part.len() < 2;
            } else {
                of_weeks = matches!(part, "v" | "vecka" | "veckor") || is_numbered(part, "v");
                let term = is_numbered(part, "ht") || is_numbered(part, "vt");
                more |= !NEUTRAL.contains(&part) && !of_weeks && !term;
            }
        }
    }
    match (closed, more) {
        (true, false) => Says::Closed,
        (true, true) => Says::More,
        (false, _) => Says::Nothing,
    }
}

/// In small letters, on one line, with one blank between words, and without the file's escapes.
fn plain(text: &str) -> String {
    let text = text.to_lowercase().replace("\\n", " ").replace('\\', "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn ends_with(part: &str, word: &str) -> bool {
    part.strip_suffix(word).is_some_and(|begin| begin.is_empty() || is_beginning(begin))
}

fn is_beginning(part: &str) -> bool {
    part.chars().count() >= BEGINNING && part.chars().all(char::is_alphabetic)
}

fn is_number(part: &str) -> bool {
    part.bytes().all(|b| b.is_ascii_digit())
}

/// `v44`, `ht26`.
fn is_numbered(part: &str, begin: &str) -> bool {
    part.strip_prefix(begin).is_some_and(|rest| !rest.is_empty() && is_number(rest))
}

#[cfg(test)]
mod tests {
    use super::super::ics::CLOSED_WORDS;
    use super::*;

    fn said(summary: &str) -> Says {
        says(summary, &CLOSED_WORDS.map(str::to_owned))
    }

    #[test]
    fn a_day_is_closed_where_nothing_else_is_said() {
        for summary in [
            "Lov",
            "LOV",
            "Höstlov",
            "Höstlov v 44",
            "Höstlov v.44",
            "Sportlov (vecka 9)",
            "Sportlov v8-9",
            "Jul-lov",
            "Jullov 2026/2027",
            "Studiedag",
            "Studiedag - alla elever lediga",
            "Studiedag\\, skolan stängd",
            "Lov för alla elever!",
            "Skolan är stängd",
            "Helgdag 2026-12-25",
            "Sommarlov VT27",
            "Studiedag och lovdag",
        ] {
            assert_eq!(said(summary), Says::Closed, "{summary}");
        }
    }

    #[test]
    fn a_closed_word_beside_others_closes_nothing() {
        for summary in [
            "Studiedag 9C",
            "Studiedag åk 9",
            "Studiedag 7-9",
            "Studiedag F-3",
            "9C-lov",
            "INGET LOV",
            "Klassresa 7A (7B har lov)",
            "Fritids stängt",
            "Studiedag Ekskolan",
            "Sista dag före lov",
            "Lovdag? Fråga rektor",
        ] {
            assert_eq!(said(summary), Says::More, "{summary}");
        }
        for summary in [
            "Konsert med Olov",
            "Kjell-Olov fyller år",
            "Lovskola",
            "Skolfoto",
            "",
            "Elever lediga",
            "9",
        ] {
            assert_eq!(said(summary), Says::Nothing, "{summary}");
        }
    }

    #[test]
    fn a_whole_summary_and_all_of_them_can_be_named() {
        let words = ["Studiedag  7-9".to_owned(), "Skolan är\\, stängd".into()];
        assert_eq!(says("studiedag 7-9", &words), Says::Closed);
        assert_eq!(says("Studiedag 7-9 och mer", &words), Says::Nothing);
        assert_eq!(says("Skolan är, stängd", &words), Says::Closed);
        assert_eq!(says("Konsert med Olov", &[ALL.into()]), Says::Closed);
    }
}
