//! The figures of one run, by section. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::words::{Language, Words};
use super::{About, names};
use crate::model::{Channel, Purpose, StaffRole, State, Stood};
use crate::report::{LEAST, Number};
use crate::simulate::{HoldEnd, Tally};

/// An amount, in ten-thousandths of a unit of a currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Money {
    /// In ten-thousandths.
    pub amount: u64,
    /// As `SEK`.
    pub currency: String,
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figure {
    /// Its stable name, in JSON.
    pub key: String,
    /// What it is.
    pub words: Words,
    /// What it is of, behind the words: in Swedish and in English.
    pub more: [String; 2],
    pub value: Value,
}

/// What a figure can be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// The other run has it, this one does not.
    Nothing,
    /// How many.
    Count(Number),
    /// Thousandths of something.
    Share(u64),
    /// Tenths of something.
    Tenths(u64),
    /// Minutes.
    Minutes(u32),
    /// What it costs.
    Money(Money),
}

fn point(language: Language) -> char {
    match language {
        Language::Sv => ',',
        Language::En => '.',
    }
}

impl Value {
    pub fn shown(&self, language: Language) -> String {
        let point = point(language);
        match self {
            Self::Nothing => "–".into(),
            Self::Count(number) => number.to_string(),
            Self::Share(thousandths) => {
                format!("{}{point}{} %", thousandths / 10, thousandths % 10)
            }
            Self::Tenths(tenths) => format!("{}{point}{}", Number::Exact(tenths / 10), tenths % 10),
            Self::Minutes(minutes) => format!("{minutes} min"),
            Self::Money(money) => {
                let (whole, rest) = (money.amount / 10_000, money.amount % 10_000 / 100);
                format!("{}{point}{rest:02} {}", Number::Exact(whole), money.currency)
            }
        }
    }

    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Nothing => serde_json::Value::Null,
            Self::Count(number) => number.json(),
            Self::Share(thousandths) => decimal(*thousandths, 1000),
            Self::Tenths(tenths) => decimal(*tenths, 10),
            Self::Minutes(minutes) => (*minutes).into(),
            Self::Money(money) => decimal(money.amount, 10_000),
        }
    }

    fn plain(&self) -> Option<i128> {
        match self {
            Self::Count(Number::Exact(count)) => Some(i128::from(*count)),
            Self::Share(n) | Self::Tenths(n) => Some(i128::from(*n)),
            Self::Minutes(n) => Some(i128::from(*n)),
            Self::Money(money) => Some(i128::from(money.amount)),
            Self::Nothing | Self::Count(Number::Small | Number::None) => None,
        }
    }

    /// The other less this one; nothing where a small count could be told from it.
    pub fn difference(&self, other: &Self, language: Language) -> String {
        let (Some(one), Some(two)) = (self.plain(), other.plain()) else {
            return if self == other { "=".into() } else { "–".into() };
        };
        if one == two {
            return "=".into();
        }
        let sign = if two > one { '+' } else { '−' };
        let by = u64::try_from((two - one).unsigned_abs()).unwrap_or(u64::MAX);
        let by = match self {
            Self::Share(_) => Self::Share(by),
            Self::Tenths(_) => Self::Tenths(by),
            Self::Minutes(_) => Self::Minutes(u32::try_from(by).unwrap_or(u32::MAX)),
            Self::Money(money) => {
                Self::Money(Money { amount: by, currency: money.currency.clone() })
            }
            Self::Count(_) | Self::Nothing => Self::Count(Number::Exact(by)),
        };
        format!("{sign}{}", by.shown(language))
    }
}

#[allow(clippy::cast_precision_loss, reason = "figures of a report are far smaller")]
fn decimal(of: u64, unit: u64) -> serde_json::Value {
    (of as f64 / unit as f64).into()
}

/// What figures are made with.
struct Making {
    exact: bool,
    figures: Vec<Figure>,
}

impl Making {
    fn push(&mut self, key: &str, words: Words, value: Value) {
        let (key, more) = (key.to_owned(), [String::new(), String::new()]);
        self.figures.push(Figure { key, words, more, value });
    }

    fn more(&mut self, key: &str, words: Words, more: &str, count: u64) {
        self.named(key, words, (more, [more.to_owned(), more.to_owned()]), count);
    }

    /// One of several: its stable name, and what people call it.
    fn named(&mut self, key: &str, words: Words, (of, names): (&str, [String; 2]), count: u64) {
        let (key, more) = (format!("{key}-{of}"), names.map(|name| format!(": {name}")));
        let value = Value::Count(Number::of(count, self.exact));
        self.figures.push(Figure { key, words, more, value });
    }

    fn count(&mut self, key: &str, words: Words, count: u64) {
        self.push(key, words, Value::Count(Number::of(count, self.exact)));
    }

    /// A share; nothing where it would tell a small count.
    fn share(&mut self, key: &str, words: Words, part: u64, of: u64) {
        let is_small = !self.exact && (1..LEAST).contains(&part);
        let value =
            if of == 0 || is_small { Value::Nothing } else { Value::Share(part * 1000 / of) };
        self.push(key, words, value);
    }

    fn done(&mut self) -> Vec<Figure> {
        std::mem::take(&mut self.figures)
    }
}

fn sum<K>(of: &BTreeMap<K, u64>) -> u64 {
    of.values().sum()
}

/// The least number of minutes within which so many per cent are.
pub(super) fn within(delay: &BTreeMap<u32, u64>, percent: u64) -> u32 {
    let all = sum(delay);
    let mut so_far = 0;
    for (minutes, count) in delay {
        so_far += count;
        if so_far * 100 >= all * percent {
            return *minutes;
        }
    }
    0
}

/// Messages that left, of a channel.
fn of_channel(tally: &Tally, channel: Channel) -> u64 {
    tally.sent.iter().filter(|((.., by), _)| *by == channel).map(|(_, count)| count).sum()
}

pub(super) fn of(tally: &Tally, about: &About) -> Vec<(Words, Vec<Figure>)> {
    let mut m = Making { exact: about.exact, figures: Vec::new() };
    let mut sections = Vec::new();
    m.push("schools", ("Skolor", "Schools"), Value::Count(Number::Exact(tally.schools)));
    m.count("pupils", ("Elever", "Pupils"), tally.pupils);
    m.count("marks", ("Registreringar som hördes", "Marks heard"), tally.marks);
    m.count("notices", ("Frånvaroanmälningar som hördes", "Advance notices heard"), tally.notices);
    m.count(
        "refused",
        ("Uppgifter som inte kunde tas", "Facts that could not be taken"),
        tally.refused,
    );
    m.count(
        "excused",
        ("Lektioner med giltig frånvaro", "Lessons missed with a valid reason"),
        sum(&tally.excused),
    );
    m.count(
        "unexcused",
        ("Lektioner med ogiltig frånvaro", "Lessons missed without one"),
        sum(&tally.unexcused),
    );
    sections.push((("Det som hände", "What happened"), m.done()));

    messages(&mut m, tally, about);
    sections.push((("Meddelanden", "Messages"), m.done()));

    alarms(&mut m, tally);
    sections.push((("Larm hem", "Alarms home"), m.done()));

    team(&mut m, tally);
    sections.push((("Arbete för skolan", "Work for the school"), m.done()));

    ladder(&mut m, tally);
    sections.push((("Frånvarotrappan", "The ladder"), m.done()));
    sections
}

fn messages(m: &mut Making, tally: &Tally, about: &About) {
    let days: BTreeSet<Date> = tally.sent.keys().map(|(day, ..)| *day).collect();
    let texts = of_channel(tally, Channel::Sms);
    let parts = sum(&tally.parts);
    m.count("texts", ("Sms", "Texts"), texts);
    m.count("parts", ("Sms-delar", "Parts of texts"), parts);
    if let Some(price) = &about.price {
        let amount = price.amount.saturating_mul(parts);
        m.push(
            "cost",
            ("Kostnad för sms", "Cost of texts"),
            Value::Money(Money { amount, ..price.clone() }),
        );
    }
    m.count("mails", ("Mejl", "Mails"), of_channel(tally, Channel::Email));
    let all = sum(&tally.sent);
    if !days.is_empty() {
        let tenths = all * 10 / u64::try_from(days.len()).unwrap_or(1);
        m.push("per-day", ("Meddelanden per dag", "Messages a day"), Value::Tenths(tenths));
    }
    let mut by_day: BTreeMap<Date, u64> = BTreeMap::new();
    for ((day, ..), count) in &tally.sent {
        *by_day.entry(*day).or_default() += count;
    }
    let most = by_day.values().max().copied().unwrap_or_default();
    m.count("busiest-day", ("Den tätaste dagen", "The busiest day"), most);
    let minute = tally.texts_by_minute.values().max().copied().unwrap_or_default();
    m.count(
        "busiest-minute",
        ("Sms den tätaste minuten, alla skolor", "Texts in the busiest minute, all schools"),
        minute,
    );
    let mut by_purpose: BTreeMap<(Purpose, Channel), u64> = BTreeMap::new();
    for ((_, purpose, channel), count) in &tally.sent {
        *by_purpose.entry((*purpose, *channel)).or_default() += count;
    }
    for ((purpose, channel), count) in by_purpose {
        let key = format!("{} ({})", purpose.as_str(), channel.as_str());
        let (sv, en) = names::channel(channel);
        let called = names::purpose(purpose);
        let called = [format!("{} ({sv})", called.0), format!("{} ({en})", called.1)];
        m.named("sent", ("av dem", "of them"), (&key, called), count);
    }
}

fn alarms(m: &mut Making, tally: &Tally) {
    let of = |state: State| tally.alarms.get(&state).copied().unwrap_or_default();
    let left = sum(&tally.delay);
    m.count("alarms", ("Larm som gick ut", "Alarms that left"), left);
    m.count(
        "received",
        ("Kom fram, så vitt leverantören vet", "Arrived, as far as the provider knows"),
        of(State::Delivered),
    );
    m.count(
        "taken-by-mail",
        ("Togs av mejlservern", "Taken by the mail server"),
        of(State::Accepted),
    );
    let lost = of(State::Undelivered) + of(State::Rejected);
    m.count("not-received", ("Kom inte fram", "Did not arrive"), lost);
    m.count(
        "called-back",
        ("Återkallade innan de gick", "Called back before they left"),
        of(State::Cancelled),
    );
    m.count("expired", ("För gamla för att gå", "Too old to leave"), of(State::Expired));
    m.count("corrected", ("Rättade efteråt", "Corrected afterwards"), tally.corrected);
    m.share(
        "corrected-share",
        ("Andel som rättades", "Share that was corrected"),
        tally.corrected,
        left,
    );
    if left > 0 {
        m.push(
            "delay-median",
            ("Från registrering till sändning, mitten", "From mark to sending, the median"),
            Value::Minutes(within(&tally.delay, 50)),
        );
        m.push(
            "delay-90",
            ("Nio av tio inom", "Nine of ten within"),
            Value::Minutes(within(&tally.delay, 90)),
        );
    }
    for least in [1, 3, 10, 25] {
        let pupils = tally.told_of.range(least..).map(|(_, count)| count).sum();
        m.more(
            "pupils-told-of",
            (
                "Elever med larm om så många lektioner eller fler",
                "Pupils with alarms about so many lessons or more",
            ),
            &least.to_string(),
            pupils,
        );
    }
}

fn team(m: &mut Making, tally: &Tally) {
    let cases = sum(&tally.team);
    m.count("cases", ("Ärenden till närvaroteamen", "Cases for the attendance teams"), cases);
    let days: BTreeSet<Date> = tally.team.keys().map(|(day, _)| *day).collect();
    let school_days = u64::try_from(days.len()).unwrap_or_default() * tally.schools;
    if let Some(tenths) = (cases * 10).checked_div(school_days) {
        let words = ("Per skola och dag", "Per school and day");
        m.push("cases-per-school-day", words, Value::Tenths(tenths));
    }
    m.count(
        "cases-peak",
        ("Som mest på en timme på en skola", "The most in one hour at one school"),
        tally.team_peak,
    );
    for (kind, count) in &tally.tasks {
        let called = (kind.as_str(), names::both(names::task(*kind)));
        m.named("task", ("Uppgifter", "Tasks"), called, *count);
    }
    for end in [HoldEnd::Mended, HoldEnd::Released, HoldEnd::Kept] {
        let (holds, pupils) = tally.holds.get(&end).copied().unwrap_or_default();
        let called = || (end.as_str(), names::both(names::hold(end)));
        m.named(
            "holds",
            ("Stopp för att för många saknas", "Holds because too many are missing"),
            called(),
            holds,
        );
        m.named("held", ("Elever i dem", "Pupils in them"), called(), pupils);
    }
    for (stood, words) in [
        (Stood::InTime, ("Närvaro tagen i tid", "Registers taken in time")),
        (Stood::Late, ("Närvaro tagen sent", "Registers taken late")),
        (Stood::Untaken, ("Närvaro inte tagen", "Registers not taken")),
    ] {
        let count = tally.registers.get(&stood).copied().unwrap_or_default();
        m.count(&format!("registers-{}", stood.as_str()), words, count);
    }
}

fn ladder(m: &mut Making, tally: &Tally) {
    let mut steps: BTreeMap<String, u64> = BTreeMap::new();
    for ((step, _), count) in &tally.steps {
        *steps.entry(format!("{}/{}", step.ladder, step.step)).or_default() += count;
    }
    for (step, count) in steps {
        m.more("steps", ("Steget nåddes", "Step reached"), &step, count);
    }
    for (step, count) in &tally.retracted {
        let step = format!("{}/{}", step.ladder, step.step);
        m.more("retracted", ("Steget togs tillbaka", "Step taken back"), &step, *count);
    }
    for (step, count) in &tally.flagged {
        let step = format!("{}/{}", step.ladder, step.step);
        m.more("flagged", ("Elever på steget", "Pupils on the step"), &step, *count);
    }
    let mut duties: BTreeMap<StaffRole, u64> = BTreeMap::new();
    for ((role, _), count) in &tally.duties {
        *duties.entry(*role).or_default() += count;
    }
    let called = |role: StaffRole| (role.as_str(), names::both(names::role(role)));
    for (role, count) in duties {
        m.named("duties", ("Åtgärder för", "Duties of"), called(role), count);
    }
    for (role, count) in &tally.handed_over {
        let words = ("Inte gjorda i tid, överlämnade till", "Not done in time, handed over to");
        m.named("handed-over", words, called(*role), *count);
    }
}
