//! What a source that is asked, or that hands over files, is taken for: `gives = ["schedule", "attendance"]`.

use super::reader::Reader;

/// What is taken from a source; each of the three by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gives {
    /// Pupils, guardians and staff.
    pub directory: bool,
    /// Which lessons there are.
    pub schedule: bool,
    /// Marks and advance notices.
    pub attendance: bool,
}

impl Gives {
    /// Reads `gives`; an error where it is missing or empty.
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        let word = |text: &str| match text {
            "directory" | "schedule" | "attendance" => Ok(text.to_owned()),
            _ => Err(super::did_you_mean(text, ["directory", "schedule", "attendance"])
                .map(str::to_owned)),
        };
        let expected = "a list of \"directory\", \"schedule\" and \"attendance\"";
        let words = reader.list("gives", false, expected, word);
        let words = reader.require("gives", words, "[\"attendance\"]").unwrap_or_default();
        if words.is_empty() && !reader.is_faulty("gives") && reader.has("gives") {
            reader.error(
                "gives",
                "`gives` is empty: nothing is taken from the source",
                "name what it gives",
            );
        }
        let has = |wanted: &str| words.iter().any(|word| word == wanted);
        Self {
            directory: has("directory"),
            schedule: has("schedule"),
            attendance: has("attendance"),
        }
    }
}
