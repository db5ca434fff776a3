//! Bytes to letters, piece by piece, and back. What is not text is an error, never a guess: a wrong letter may be
//! a wrong pupil.

/// How bytes stand for letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// Windows-1252, and ISO 8859-1 in all that people write.
    Windows1252,
    /// UTF-16, low byte first; known by its byte order mark.
    Utf16Low,
    /// UTF-16, high byte first; known by its byte order mark.
    Utf16High,
}

/// What 0x80 to 0x9f stand for in Windows-1252; 0: nothing.
const UPPER: [u16; 32] = [
    0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039,
    0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc,
    0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178,
];

/// Turns bytes into text as they come.
pub struct Decoder {
    encoding: Encoding,
    is_begun: bool,
    /// Bytes of a letter that is not whole yet.
    rest: Vec<u8>,
}

impl Decoder {
    /// For a file in this encoding, unless it begins with a byte order mark.
    pub fn new(encoding: Encoding) -> Self {
        Self { encoding, is_begun: false, rest: Vec::new() }
    }

    /// In what the file is written. Known after the first bytes.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Adds the text of some bytes. The first must be at least four, or all there are.
    ///
    /// # Errors
    /// In words that continue "the file …", when they are no text.
    pub fn push(&mut self, mut bytes: &[u8], text: &mut String) -> Result<(), &'static str> {
        if !self.is_begun {
            self.is_begun = true;
            if bytes.starts_with(b"PK\x03\x04") {
                return Err("is an Excel workbook or a zip archive, not a list as text");
            }
            for (mark, encoding) in [
                (&b"\xef\xbb\xbf"[..], Encoding::Utf8),
                (b"\xff\xfe", Encoding::Utf16Low),
                (b"\xfe\xff", Encoding::Utf16High),
            ] {
                if let Some(after) = bytes.strip_prefix(mark) {
                    (self.encoding, bytes) = (encoding, after);
                }
            }
        }
        self.rest.extend_from_slice(bytes);
        let used = match self.encoding {
            Encoding::Utf8 => utf8(&self.rest, text)?,
            Encoding::Windows1252 => windows(&self.rest, text)?,
            Encoding::Utf16Low => utf16(&self.rest, u16::from_le_bytes, text)?,
            Encoding::Utf16High => utf16(&self.rest, u16::from_be_bytes, text)?,
        };
        self.rest.drain(..used);
        Ok(())
    }

    /// At the end of the file.
    ///
    /// # Errors
    /// When it ends within a letter.
    pub fn finish(&self) -> Result<(), &'static str> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err("ends in the middle of a letter: it was cut off")
        }
    }
}

const NO_NUL: &str = "holds NUL bytes: it is no text, or UTF-16 without a byte order mark";

fn utf8(bytes: &[u8], text: &mut String) -> Result<usize, &'static str> {
    let good = match std::str::from_utf8(bytes) {
        Ok(good) => good,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => {
            return Err(
                "is not UTF-8; if it is written by an older Windows program, set encoding = \"windows-1252\"",
            );
        }
    };
    if good.contains('\0') {
        return Err(NO_NUL);
    }
    text.push_str(good);
    Ok(good.len())
}

fn windows(bytes: &[u8], text: &mut String) -> Result<usize, &'static str> {
    for byte in bytes {
        let letter = match byte {
            0 => return Err(NO_NUL),
            0x80..=0x9f => char::from_u32(u32::from(UPPER[usize::from(byte - 0x80)])),
            _ => Some(char::from(*byte)),
        };
        match letter {
            Some('\0') | None => return Err("holds a byte that means nothing in Windows-1252"),
            Some(letter) => text.push(letter),
        }
    }
    Ok(bytes.len())
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, text: &mut String) -> Result<usize, &'static str> {
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair)).collect();
    // The first half of a pair waits for the second.
    let whole = match units.last() {
        Some(last) if (0xd800..0xdc00).contains(last) => units.len() - 1,
        _ => units.len(),
    };
    for letter in char::decode_utf16(units[..whole].iter().copied()) {
        match letter {
            Ok('\0') => return Err(NO_NUL),
            Ok(letter) => text.push(letter),
            Err(_) => return Err("is not UTF-16, though its byte order mark says so"),
        }
    }
    Ok(whole * 2)
}

/// The bytes of a text that was read in this encoding.
pub fn encode(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Windows1252 => text.chars().map(windows_byte).collect(),
        Encoding::Utf16Low => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Encoding::Utf16High => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    }
}

/// The byte order mark that a file of this encoding is known by.
pub fn mark(encoding: Encoding) -> &'static [u8] {
    match encoding {
        Encoding::Utf8 | Encoding::Windows1252 => b"",
        Encoding::Utf16Low => b"\xff\xfe",
        Encoding::Utf16High => b"\xfe\xff",
    }
}

fn windows_byte(letter: char) -> u8 {
    let code = u32::from(letter);
    if let Some(at) = UPPER.iter().position(|known| *known != 0 && u32::from(*known) == code) {
        return 0x80 + u8::try_from(at).unwrap_or_default();
    }
    u8::try_from(code).unwrap_or(b'?')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], encoding: Encoding, step: usize) -> Result<String, &'static str> {
        let (mut decoder, mut text) = (Decoder::new(encoding), String::new());
        let first = bytes.len().min(step.max(4));
        decoder.push(&bytes[..first], &mut text)?;
        for piece in bytes[first..].chunks(step) {
            decoder.push(piece, &mut text)?;
        }
        decoder.finish()?;
        Ok(text)
    }

    #[test]
    fn what_is_no_text_says_so() {
        for (bytes, encoding, words) in [
            (&b"id;n\n\xc5sa"[..], Encoding::Utf8, "windows-1252"),
            (b"id\0;n", Encoding::Utf8, "NUL"),
            (b"i\0d\0;\0", Encoding::Windows1252, "NUL"),
            (b"ab\x81", Encoding::Windows1252, "means nothing"),
            (b"PK\x03\x04abc", Encoding::Utf8, "Excel"),
            (b"\xff\xfea", Encoding::Utf8, "cut off"),
            (b"\xff\xfea\0\0\xdc", Encoding::Utf8, "not UTF-16"),
            ("Å".as_bytes().split_last().expect("two").1, Encoding::Utf8, "cut off"),
        ] {
            let error = read(bytes, encoding, 1).expect_err(words);
            assert!(error.contains(words), "{error}");
        }
        assert_eq!(read(b"\xef\xbb\xbf\xc3\x85", Encoding::Windows1252, 1).as_deref(), Ok("Å"));
        assert_eq!(read(b"\x80\xc5\xe5", Encoding::Windows1252, 1).as_deref(), Ok("€Åå"));
        assert_eq!(read(b"", Encoding::Utf8, 1).as_deref(), Ok(""));
    }

    proptest! {
        #[test]
        fn text_comes_back_in_any_pieces(text in "[a-zåäöÅ€ –;\n😀]{0,40}", step in 1usize..7) {
            for encoding in [Encoding::Utf8, Encoding::Utf16Low, Encoding::Utf16High] {
                let bytes = [mark(encoding), &encode(&text, encoding)].concat();
                let as_told = if encoding == Encoding::Utf8 { Encoding::Utf8 } else { Encoding::Windows1252 };
                prop_assert_eq!(read(&bytes, as_told, step), Ok(text.clone()));
            }
            let plain = text.replace('😀', "");
            let bytes = encode(&plain, Encoding::Windows1252);
            prop_assert_eq!(read(&bytes, Encoding::Windows1252, step), Ok(plain));
        }
    }
}
