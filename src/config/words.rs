//! Durations, rates, sizes and shares as an operator writes them, and back. Pure: a text that
//! means one thing but is spelled another way is refused with the right spelling, so that one
//! file has one style and a slip of the unit is never guessed at in silence.

use std::fmt::Write as _;
use std::num::NonZeroU32;

use jiff::SignedDuration;

use crate::model::Rate;

/// Why a text was not taken: what to write instead, where that can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misspelt(pub Option<String>);

/// Longest duration a configuration may hold: ten years, in milliseconds.
pub const LONGEST_MS: u64 = 3_660 * DAY;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The units a duration is written in, longest first.
const UNITS: [(&str, u64); 5] = [("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ms", 1)];
/// The units a rate is written per, longest first.
const PER: [(&str, u64); 4] = [("day", DAY), ("h", HOUR), ("min", MINUTE), ("s", SECOND)];

/// What people write for a unit, in English and Swedish.
fn unit_ms(word: &str) -> Option<u64> {
    Some(match word.to_lowercase().as_str() {
        "ms" | "msec" | "millis" | "millisecond" | "milliseconds" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" | "sek" | "sekund" | "sekunder" => SECOND,
        "m" | "min" | "mins" | "minute" | "minutes" | "minut" | "minuter" => MINUTE,
        "h" | "hr" | "hrs" | "hour" | "hours" | "t" | "tim" | "timme" | "timmar" => HOUR,
        "d" | "day" | "days" | "dag" | "dagar" | "dygn" => DAY,
        "w" | "week" | "weeks" | "v" | "vecka" | "veckor" => 7 * DAY,
        _ => return None,
    })
}

/// One number with its unit.
struct Token<'t> {
    number: &'t str,
    unit: &'t str,
}

/// Splits `1h 30m` into its tokens; none when it is not a row of numbers and units.
fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut rest = text.trim();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        if number.is_empty() || !number.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        found.push(Token { number, unit });
        rest = after.trim_start_matches([' ', ',']);
    }
    (!found.is_empty()).then_some(found)
}

/// `number × unit` in milliseconds; a decimal fraction is taken when it gives a whole number.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut ms = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    if !fraction.is_empty() {
        let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        let part = fraction.parse::<u64>().ok()?.checked_mul(unit)?;
        if part % scale != 0 {
            return None;
        }
        ms = ms.checked_add(part / scale)?;
    }
    Some(ms)
}

fn whole(ms: u64) -> Option<SignedDuration> {
    (ms <= LONGEST_MS).then(|| SignedDuration::from_millis(ms.cast_signed()))
}

/// Reads `"20m"`, `"1h 30m"`, `"500ms"`, `"2d"`.
///
/// # Errors
/// When it is spelled another way (the right spelling is given) or means no duration at all.
pub fn duration(text: &str) -> Result<SignedDuration, Misspelt> {
    let tokens = tokens(text).ok_or(Misspelt(None))?;
    let mut sum = 0_u64;
    let mut last = u64::MAX;
    let mut exact = text.trim() == text && !text.contains(',');
    for token in &tokens {
        let unit = match token.unit {
            // A bare number says nothing about its unit, except that none of anything is none.
            "" if token.number == "0" => SECOND,
            "" => return Err(Misspelt(None)),
            word => unit_ms(word).ok_or(Misspelt(None))?,
        };
        exact &= UNITS.iter().any(|(name, _)| *name == token.unit)
            && unit < last
            && !token.number.contains('.');
        last = unit;
        sum =
            scaled(token.number, unit).and_then(|ms| sum.checked_add(ms)).ok_or(Misspelt(None))?;
    }
    let value = whole(sum).ok_or(Misspelt(None))?;
    if exact { Ok(value) } else { Err(Misspelt(Some(duration_text(value)))) }
}

/// Writes what [`duration`] reads, in whole milliseconds: `1h 30m`.
pub fn duration_text(value: SignedDuration) -> String {
    let mut rest = u64::try_from(value.as_millis()).unwrap_or(0);
    let mut out = String::new();
    for (name, unit) in UNITS {
        if rest / unit > 0 {
            let space = if out.is_empty() { "" } else { " " };
            let _ = write!(out, "{space}{}{name}", rest / unit);
            rest %= unit;
        }
    }
    if out.is_empty() { "0s".into() } else { out }
}

/// Reads `"90/min"`, `"5/h"`, `"1/30s"`, `"10/min, burst 3"`. Without a burst, `count` may come at once.
///
/// # Errors
/// When it is spelled another way (the right spelling is given) or means no rate at all.
pub fn rate(text: &str) -> Result<Rate, Misspelt> {
    let value = lenient_rate(&text.to_lowercase()).ok_or(Misspelt(None))?;
    let spaceless = |t: &str| t.replace(' ', "");
    let plain = rate_text(value);
    // A burst that says what goes without saying is not an error.
    let with_burst =
        format!("{},burst{}", spaceless(plain.split(',').next().unwrap_or("")), value.burst);
    let given = spaceless(text);
    if given == spaceless(&plain) || given == with_burst {
        Ok(value)
    } else {
        Err(Misspelt(Some(plain)))
    }
}

fn lenient_rate(text: &str) -> Option<Rate> {
    let (rate, burst) = match text.split_once("burst") {
        Some((rate, burst)) => (rate, Some(burst.trim_matches([' ', '=', ':']))),
        None => (text, None),
    };
    let rate = rate.trim_matches([' ', ',', ';']);
    let cut = rate.find(|c: char| !c.is_ascii_digit())?;
    let (count, per) = rate.split_at(cut);
    let per = per.trim();
    let per = ["/", "per ", "a ", "an ", "each ", "every ", "om ", "i "]
        .iter()
        .find_map(|lead| per.strip_prefix(lead))?
        .trim();
    let ms = match unit_ms(per) {
        Some(ms) => ms,
        None => match tokens(per)?.as_slice() {
            [one] => scaled(one.number, unit_ms(one.unit)?)?,
            _ => return None,
        },
    };
    if ms == 0 || ms % SECOND != 0 {
        return None;
    }
    let count: NonZeroU32 = count.parse().ok()?;
    let burst = burst.map_or(Some(count), |b| b.parse().ok())?;
    Some(Rate { count, per: whole(ms)?, burst })
}

/// Writes what [`rate`] reads; a burst equal to the count is left out.
pub fn rate_text(value: Rate) -> String {
    let ms = u64::try_from(value.per.as_millis()).unwrap_or(0);
    let (name, unit) = PER
        .into_iter()
        .find(|(_, unit)| ms >= *unit && ms.is_multiple_of(*unit))
        .unwrap_or(("s", SECOND));
    let many = if ms / unit == 1 { String::new() } else { (ms / unit).to_string() };
    let burst =
        if value.burst == value.count { String::new() } else { format!(", burst {}", value.burst) };
    format!("{}/{many}{name}{burst}", value.count)
}

/// The units of a size, largest first (IEC 80000-13).
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Reads `"256 MiB"` into bytes.
///
/// # Errors
/// When it is spelled another way (the right spelling is given) or means no size at all.
pub fn size(text: &str) -> Result<u64, Misspelt> {
    let tokens = tokens(text).ok_or(Misspelt(None))?;
    let [Token { number, unit }] = tokens.as_slice() else { return Err(Misspelt(None)) };
    let scale = match unit.to_lowercase().as_str() {
        "b" | "byte" | "bytes" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err(Misspelt(None)),
    };
    let bytes = scaled(number, scale).ok_or(Misspelt(None))?;
    let exact = SIZES.iter().any(|(name, _)| name == unit) && !number.contains('.');
    if exact { Ok(bytes) } else { Err(Misspelt(Some(size_text(bytes)))) }
}

/// Writes what [`size`] reads, in the largest unit that gives a whole number.
pub fn size_text(bytes: u64) -> String {
    let (name, unit) = SIZES
        .into_iter()
        .find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit))
        .unwrap_or(("B", 1));
    format!("{} {name}", bytes / unit)
}

/// A part of a whole, 0–100 per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    percent: u8,
}

impl Share {
    /// So many per cent; more than a hundred is a hundred.
    pub const fn percent(percent: u8) -> Self {
        Self { percent: if percent > 100 { 100 } else { percent } }
    }

    /// 0–100.
    pub const fn whole_percent(self) -> u8 {
        self.percent
    }

    /// 0.0–1.0.
    pub fn fraction(self) -> f64 {
        f64::from(self.percent) / 100.0
    }
}

/// Reads `"20%"`.
///
/// # Errors
/// When it is spelled another way (the right spelling is given), or is not 0–100 whole per cent.
pub fn share(text: &str) -> Result<Share, Misspelt> {
    let percent = |t: &str| t.trim().parse::<u8>().ok().filter(|p| *p <= 100);
    if let Some(found) = text.strip_suffix('%').and_then(percent) {
        return Ok(Share::percent(found));
    }
    let lower = text.to_lowercase();
    let words = ["per cent", "percent", "procent", "pct"];
    let stripped = words.iter().find_map(|w| lower.trim().strip_suffix(w)).and_then(percent);
    let fraction = lower
        .trim()
        .strip_prefix("0.")
        .filter(|digits| (1..=2).contains(&digits.len()))
        .and_then(|digits| percent(&format!("{digits:0<2}")));
    Err(Misspelt(stripped.or(fraction).map(|p| format!("{p}%"))))
}

#[cfg(test)]
mod tests;
