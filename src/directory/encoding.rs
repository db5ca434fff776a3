//! Bytes of a file to text: UTF-8 and nothing else, with words for what it seems to be instead. A
//! wrong guess would put a wrong name into a message, so nothing is guessed.

use super::problem::{Place, RosterProblem};

const SAVE_AS: &str =
    "save it as UTF-8 (in Excel: Save as, \"CSV UTF-8 (comma delimited)\") and send it again";

/// The text of a file, without byte order mark.
///
/// # Errors
/// When it is not UTF-8: the line of the first wrong byte, and what the file seems to be.
pub fn utf8<'a>(file: &'static str, bytes: &'a [u8]) -> Result<&'a str, RosterProblem> {
    if bytes.starts_with(b"PK\x03\x04") {
        let what = "is an Excel workbook or a zip archive, not a CSV file";
        return Err(RosterProblem::at(Place::File(file), what, SAVE_AS));
    }
    let sample = &bytes[..bytes.len().min(256)];
    let zeros = sample.split(|b| *b == 0).count() - 1;
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || zeros * 4 > sample.len()
    {
        return Err(RosterProblem::at(Place::Line(file, 1), "is in UTF-16, not UTF-8", SAVE_AS));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let good = &bytes[..error.valid_up_to()];
        let line = good.split(|b| *b == b'\n').count();
        let what = match bytes[error.valid_up_to()] {
            // å ä ö Å Ä Ö é ü of ISO 8859-1 and Windows-1252.
            0xe5 | 0xe4 | 0xf6 | 0xc5 | 0xc4 | 0xd6 | 0xe9 | 0xfc => {
                "is not UTF-8; it seems to be Latin-1 (Windows-1252, \"ANSI\")"
            }
            // The same letters in code page 850 of the DOS console.
            0x86 | 0x84 | 0x94 | 0x8f | 0x8e | 0x99 => {
                "is not UTF-8; it seems to be in a code page of the DOS console"
            }
            _ => "is not UTF-8",
        };
        RosterProblem::at(Place::Line(file, line), what, SAVE_AS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_utf8_is_text() {
        assert_eq!(utf8("f", "\u{feff}åäö".as_bytes()), Ok("åäö"));
        assert_eq!(utf8("f", b""), Ok(""));
        let utf16 = |s: &str| s.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        for (bytes, line, words) in [
            (b"id\nAlva\n\xc5sa\n".to_vec(), Some(3), "Latin-1"),
            (b"id\n\x8fsa\n".to_vec(), Some(2), "DOS"),
            ([b"\xff\xfe".to_vec(), utf16("id;school")].concat(), Some(1), "UTF-16"),
            (utf16("id;school"), Some(1), "UTF-16"),
            (b"id\n\xff".to_vec(), Some(2), "not UTF-8"),
            (b"PK\x03\x04....".to_vec(), None, "Excel"),
        ] {
            let problem = utf8("f", &bytes).expect_err(words);
            assert!(problem.what.contains(words), "{problem}");
            assert_eq!(problem.place, line.map_or(Place::File("f"), |l| Place::Line("f", l)));
            assert!(problem.remedy.contains("UTF-8"));
        }
    }
}
