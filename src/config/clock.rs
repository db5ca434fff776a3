//! Times of the day as an operator writes them. Pure.

use jiff::civil::Time;

/// A time, or none for "off".
pub(super) fn digest_time(text: &str) -> Result<Option<Time>, Option<String>> {
    if text == "off" { Ok(None) } else { clock_time(text).map(Some) }
}

/// A time of the day.
pub(super) fn clock_time(text: &str) -> Result<Time, Option<String>> {
    let plain = text.replace('.', ":");
    let time = Time::strptime("%H:%M", &plain).map_err(|_| None)?;
    let right = time.strftime("%H:%M").to_string();
    if right == text { Ok(time) } else { Err(Some(right)) }
}
