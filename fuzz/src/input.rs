//! How a check reads its input, and what no error may say.

use http::{HeaderMap, HeaderName, HeaderValue};

/// A name that stands for everybody's: the corpus has it wherever a person is named, and no error may
/// repeat it.
pub const NAME: &str = "Qvixzy";

/// The head of an input and the rest: the head ends with the first empty line.
pub fn parted(data: &[u8]) -> (&[u8], &[u8]) {
    match data.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (&[], data),
    }
}

/// The lines `name: value` of a head as headers; what is none is passed over, as a server would have
/// refused it.
pub fn headers(head: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in head.split(|b| *b == b'\n') {
        let Some(at) = line.iter().position(|b| *b == b':') else { continue };
        let value = line[at + 1..].trim_ascii();
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(&line[..at]), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    headers
}

/// Panics when words that go to a log or to a stranger are longer than `most`, hold what could end a
/// line or turn the writing, or say anything of a person: the name of the corpus, or six digits in a
/// row that stand in the input too.
pub fn tells_nothing(words: &str, input: &[u8], most: usize) {
    assert!(words.len() <= most, "{} bytes of words: {words:.300}", words.len());
    assert!(!words.contains(NAME), "a name is told: {words}");
    is_one_line(words);
    // How a number is written, which is nobody's.
    for run in digits(&words.replace("+46701740605", "")) {
        assert!(!contains(input, run.as_bytes()), "{run} is told: {words}");
    }
}

/// Panics when words hold a control character, or one that turns the direction of writing.
pub fn is_one_line(words: &str) {
    let bad =
        |c: &char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert_eq!(words.chars().find(bad), None, "{words:?}");
}

/// The runs of six digits or more.
fn digits(words: &str) -> impl Iterator<Item = &str> {
    words.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() >= 6)
}

/// Whether bytes stand in others.
pub fn contains(all: &[u8], some: &[u8]) -> bool {
    all.windows(some.len()).any(|window| window == some)
}
