//! A ladder in plain sentences, for people who decide whether it is theirs: what is said here is made of what the program
//! means, not of what somebody wrote beside it. Pure.

mod english;
mod swedish;

use std::fmt::Write as _;

use super::plan::{Allowed, Condition, DoneBy, DutyRule, Filter, Ladder, Latch, Step, Text};
use crate::model::StaffRole;

/// The language of the sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    /// Swedish.
    Swedish,
    /// English.
    English,
}

/// The words that differ by language.
trait Words {
    /// When a step is reached, as the end of "… when".
    fn condition(&self, condition: &Condition) -> String;
    fn latch(&self, latch: &Latch, when: &Condition) -> String;
    fn filter(&self, filter: &Filter) -> String;
    fn role(&self, role: StaffRole) -> &'static str;
    fn due(&self, due: Allowed) -> String;
    fn remind(&self, remind: Allowed) -> String;
    fn done(&self, done: DoneBy) -> &'static str;
    fn hand_over(&self, to: Option<StaffRole>) -> String;
    fn text<'t>(&self, text: &'t Text) -> &'t str;
    /// What a line begins with.
    fn label(&self, label: Label) -> &'static str;
}

#[derive(Debug, Clone, Copy)]
enum Label {
    From,
    Source,
    When,
    Often,
    For,
    Told,
    Duty,
    Due,
    Remind,
    Done,
    Otherwise,
    Documented,
    Then,
}

/// A ladder in sentences, with a line for each thing that it says.
pub fn told(ladder: &Ladder, tongue: Tongue) -> String {
    let words: &dyn Words = match tongue {
        Tongue::Swedish => &swedish::Swedish,
        Tongue::English => &english::English,
    };
    let mut out = String::new();
    let _ = writeln!(out, "{} ({})", words.text(&ladder.title), ladder.name);
    let _ = writeln!(out, "{}: {}", words.label(Label::From), ladder.from);
    let _ = writeln!(out, "{}: {}", words.label(Label::Source), ladder.source);
    for (at, one) in ladder.steps.iter().enumerate() {
        let _ = writeln!(out, "\n{}. {} ({})", at + 1, words.text(&one.title), one.id);
        step(&mut out, one, words);
    }
    out
}

/// When a step is reached, in a sentence.
pub fn reached(condition: &Condition, tongue: Tongue) -> String {
    match tongue {
        Tongue::Swedish => swedish::Swedish.condition(condition),
        Tongue::English => english::English.condition(condition),
    }
}

fn step(out: &mut String, step: &Step, words: &dyn Words) {
    let line = |label: Label, text: &str| format!("   {}: {text}\n", words.label(label));
    out.push_str(&line(Label::When, &words.condition(&step.when)));
    out.push_str(&line(Label::Often, &words.latch(&step.latch, &step.when)));
    if step.filter != Filter::default() {
        out.push_str(&line(Label::For, &words.filter(&step.filter)));
    }
    for notify in &step.notify {
        let text = format!("{}: {}", words.role(notify.role), words.text(&notify.text));
        out.push_str(&line(Label::Told, &text));
    }
    for one in &step.duties {
        let text = format!("{} ({}): {}", words.role(one.owner), one.id, words.text(&one.text));
        out.push_str(&line(Label::Duty, &text));
        duty(out, one, words);
    }
}

fn duty(out: &mut String, duty: &DutyRule, words: &dyn Words) {
    let mut line = |label: Label, text: &str| {
        let _ = writeln!(out, "      {}: {text}", words.label(label));
    };
    line(Label::Due, &words.due(duty.due));
    if let Some(remind) = duty.remind {
        line(Label::Remind, &words.remind(remind));
    }
    line(Label::Done, words.done(duty.done));
    line(Label::Otherwise, &words.hand_over(duty.hand_over));
    if let Some(documents) = &duty.documents {
        line(Label::Documented, words.text(&documents.place));
        let told: Vec<&str> = documents.tell.iter().map(|role| words.role(*role)).collect();
        if !told.is_empty() {
            line(Label::Then, &told.join(", "));
        }
    }
}

/// `a`, `a or b`, `a, b or c`.
fn listed(parts: &[String], last: &str) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

/// `3` and its noun, in one or the other number.
fn many(number: u32, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ladder::read::read;

    const TEXT: &str = r#"name = "x"
title = { sv = "Trappan", en = "The ladder" }
from = 2026-08-01
source = "S"
[[step]]
id = "a"
title = { sv = "Ett", en = "One" }
for = { years = "7..9", forms = ["grundskola", "anpassad grundskola"], ages = "12..17" }
when = { any-of = [ { count = "excused", unit = "occasion", at-least = 3, within = "term" }, { continuous = "any", more-than = "5 school days" }, { share = "any", more-than = "20 %", within = "28 days", least-scheduled = "10 h", least-taken = "80 %", of = "schedule" } ] }
once = "term"
cool-down = "14 days"
[[step.notify]]
role = "mentor"
text = { sv = "Hej.", en = "Hello." }
[[step.duty]]
id = "ring"
owner = "attendance-team"
do = { sv = "Ring hem.", en = "Phone home." }
due = "2 school days"
remind = "1 school day"
done = "home-reached"
if-not-done = "principal"
documents = { where = { sv = "elevloggen", en = "the pupil log" }, tell = ["mentor", "principal"] }
[[step]]
id = "b"
title = { sv = "Två", en = "Two" }
when = { after = "a", wait = "14 days", until = "28 days", still = "open" }
re-arm = "10 school days"
[[step.notify]]
role = "head-of-education"
text = { sv = "Hej.", en = "Hello." }
[[step]]
id = "c"
title = { sv = "Tre", en = "Three" }
when = { every = "unexcused", unit = "day" }
[[step.duty]]
id = "see"
owner = "principal"
do = { sv = "Se efter.", en = "Look." }
due = "same day"
"#;

    #[test]
    fn a_ladder_in_swedish() {
        let ladder = read(TEXT).expect("good").ladder;
        let expected = "\
Trappan (x)
Gäller från: 2026-08-01
Källa: S

1. Ett (a)
   Nås när: minst 3 tillfällen med giltig frånvaro under terminen, eller minst 6 skoldagar i följd med frånvaro (giltig eller ogiltig), eller mer än 20 % frånvaro (giltig eller ogiltig) av schemalagd tid under de senaste 28 dagarna, när minst 10 h lektioner har hållits och närvaron är tagen på minst 80 % av dem
   Hur ofta: högst en gång per termin, och inte igen inom 14 dagar
   Gäller: årskurs 7–9; 12–17 år; skolform grundskola eller anpassad grundskola
   Meddelas: mentor: Hej.
   Åtgärd: närvaroteamet (ring): Ring hem.
      Senast: inom 2 skoldagar
      Påminnelse: 1 skoldag innan
      Räknas som gjord: när hemmet är nått, eller frånvaron är förklarad
      Annars: går över till rektor
      Dokumenteras: elevloggen
      Får veta att det finns: mentor, rektor

2. Två (b)
   Nås när: steg a har nåtts, 14 dagar har gått (men inte mer än 28), och en åtgärd i det steget ännu inte är gjord
   Hur ofta: igen först när villkoret inte har gällt på 10 skoldagar i rad
   Meddelas: skolchef: Hej.

3. Tre (c)
   Nås när: varje dag med ogiltig frånvaro
   Hur ofta: en gång för varje
   Åtgärd: rektor (see): Se efter.
      Senast: samma dag
      Räknas som gjord: när någon säger det
      Annars: får den som har åtgärden veta det, och den står i listan varje skolmorgon
";
        assert_eq!(told(&ladder, Tongue::Swedish), expected);
    }

    #[test]
    fn a_ladder_in_english() {
        let ladder = read(TEXT).expect("good").ladder;
        let expected = "\
The ladder (x)
In force from: 2026-08-01
Source: S

1. One (a)
   Reached when: at least 3 occasions of excused absence in the term, or at least 6 school days in a row of absence (excused or not), or more than 20 % absence (excused or not) of scheduled time in the last 28 days, where at least 10 h of lessons were held and the register of at least 80 % of them was taken
   How often: once a term at most, and not again within 14 days
   For: years 7–9; ages 12–17; form of school grundskola or anpassad grundskola
   Told: mentor: Hello.
   Duty: attendance team (ring): Phone home.
      Due: within 2 school days
      Reminder: 1 school day before
      Counts as done: when the home was reached, or the absence is explained
      Otherwise: handed over to the principal
      Documented: the pupil log
      Told that it is there: mentor, principal

2. Two (b)
   Reached when: step a was reached, 14 days have passed (but no more than 28), and a duty of that step is not done yet
   How often: again only when it has not been so on 10 school days in a row
   Told: head of education: Hello.

3. Three (c)
   Reached when: each day with unexcused absence
   How often: once for each
   Duty: principal (see): Look.
      Due: the same day
      Counts as done: when somebody says so
      Otherwise: its owner is told, and it stands in the owner's list of each school morning
";
        assert_eq!(told(&ladder, Tongue::English), expected);
    }
}
