//! Every decoder over the kept corpus of the fuzzer, and over what chance makes of it: a short run of
//! what `cargo fuzz` does for hours. `UPPROP_FUZZ_SEED` replays a run, `UPPROP_FUZZ_TIMES` lengthens it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

#[path = "../../fuzz/src/lib.rs"]
mod checks;

use checks::{DECODERS, Decoder};

/// Longest input that is made.
const LONGEST: usize = 16 << 10;
/// Largest corpus of one decoder, in bytes.
const MOST: u64 = 64 << 10;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The kept inputs of a decoder, by name.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = root().join("corpus").join(name);
    let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = files
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.display().to_string(), fs::read(&path).expect("readable")))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus for {name}");
    files
}

/// Runs a check, and says what it was run on where it fails.
fn holds(decoder: &Decoder, input: &[u8], from: &str) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (decoder.check)(input))) {
        let mut octal = String::new();
        for byte in input {
            write!(octal, "\\{byte:03o}").expect("memory takes it");
        }
        eprintln!("{} fails on {from}; the input, for printf '%b':\n{octal}", decoder.name);
        std::panic::resume_unwind(panic);
    }
}

fn decodes(name: &str) {
    let decoder = DECODERS.iter().find(|d| d.name == name).expect("a decoder");
    let kept = corpus(name);
    for (file, input) in &kept {
        holds(decoder, input, file);
    }
    let number = |name: &str| {
        let text = std::env::var_os(name)?;
        let number = text.to_str().and_then(|text| text.parse::<u64>().ok());
        Some(number.unwrap_or_else(|| panic!("{name} is a number, and not {}", text.display())))
    };
    let seed = number("UPPROP_FUZZ_SEED").unwrap_or_else(|| {
        let mut bytes = [0; 4];
        upprop::env::random::fill(&mut bytes);
        u32::from_le_bytes(bytes).into()
    });
    let times = number("UPPROP_FUZZ_TIMES").unwrap_or(1);
    assert!(times > 0, "UPPROP_FUZZ_TIMES is a number above 0");
    let tries = u64::from(decoder.tries) * times;
    println!("{name}: {} kept, {tries} made of them, UPPROP_FUZZ_SEED={seed}", kept.len());
    let mut chance = Chance(seed);
    for number in 0..tries {
        let input = changed(&mut chance, &kept);
        holds(decoder, &input, &format!("input {number} of UPPROP_FUZZ_SEED={seed}"));
    }
}

/// A stream of numbers (`SplitMix64`, Steele et al. 2014).
struct Chance(u64);

impl Chance {
    /// A number below `end`; 0 below 0.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let end = u64::try_from(end.max(1)).expect("small");
        usize::try_from((z ^ (z >> 31)) % end).expect("below a usize")
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// A part of a text.
fn part<'a>(chance: &mut Chance, of: &'a [u8]) -> &'a [u8] {
    let from = chance.below(of.len() + 1);
    let most = if chance.below(10) < 7 { 16 } else { of.len() };
    &of[from..(from + chance.below(most + 1)).min(of.len())]
}

/// What breaks readers: signs of every format, numbers at their edges, cut and overlong UTF-8.
const PIECES: [&[u8]; 28] = [
    b"\"",
    b"\\",
    b"\0",
    b"\n",
    b"\r\n",
    b"\n\n",
    b"{",
    b"}",
    b"[",
    b"]",
    b"{{",
    b"}}",
    b"{%",
    b",",
    b";",
    b"'",
    b"=",
    b"&",
    b"%",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"9999-12-31",
    b"\xff",
    b"\xc0\x80",
    b"\xef\xbb\xbf",
    "\u{202e}å😀".as_bytes(),
];

/// One of the kept, changed in a few places.
fn changed(chance: &mut Chance, kept: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut input = chance.pick(kept).1.clone();
    for _ in 0..=chance.below(4) {
        let at = chance.below(input.len() + 1);
        match chance.below(8) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << chance.below(8);
                }
            }
            1 => input.truncate(at),
            2 => {
                let until = (at + chance.below(16)).min(input.len());
                input.drain(at..until);
            }
            3 => {
                let piece = *chance.pick(&PIECES);
                input.splice(at..at, piece.iter().copied());
            }
            4 => {
                let copy = part(chance, &input).to_vec();
                input.splice(at..at, copy);
            }
            5 => {
                let other = {
                    let other = chance.pick(kept);
                    part(chance, &other.1).to_vec()
                };
                let until = (at + other.len()).min(input.len());
                input.splice(at..until, other);
            }
            6 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = u8::try_from(chance.below(256)).expect("a byte");
                }
            }
            _ => {
                let piece = part(chance, &input).repeat(chance.below(40));
                input.splice(at..at, piece);
            }
        }
        input.truncate(LONGEST);
    }
    input
}

macro_rules! decoders {
    ($($name:ident)*) => {
        $(#[test] fn $name() { decodes(stringify!($name)); })*

        #[test]
        fn every_decoder_has_a_corpus_a_target_and_a_test() {
            let tested: BTreeSet<String> = [$(stringify!($name)),*].map(str::to_owned).into();
            let known: BTreeSet<String> = DECODERS.map(|d| d.name.to_owned()).into();
            let names = |folder: &str, ending: &str| -> BTreeSet<String> {
                let files = fs::read_dir(root().join(folder)).expect(folder);
                let name = |e: fs::DirEntry| e.file_name().into_string().expect("a name");
                files.map(|e| name(e.expect("entry")).replace(ending, "")).collect()
            };
            assert_eq!(tested, known);
            assert_eq!(names("corpus", "-"), known);
            assert_eq!(names("fuzz_targets", ".rs"), known);
            let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
            let target = |name: &String| manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\""));
            assert!(known.iter().all(target));
        }
    };
}

decoders! {
    answers calendar cloudevents config directory_csv directory_json drop journal phone receipts rows signature
    smtp smtp_reply templates webhook
}

/// A lock file that has fallen behind is written anew, with whatever versions there are that day, by the
/// first who fuzzes.
#[test]
fn the_lock_file_of_the_fuzzer_knows_all_that_the_daemon_is_made_of() {
    let read = |path: PathBuf| -> toml::Table {
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        text.parse().expect("TOML")
    };
    let manifest = read(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    let lock = read(root().join("Cargo.lock"));
    let packages = lock["package"].as_array().expect("packages");
    let daemon = packages.iter().find(|package| package["name"].as_str() == Some("upprop"));
    let locked = daemon.expect("upprop")["dependencies"].as_array().expect("dependencies");
    // A name is followed by the version where there are several.
    let locked: BTreeSet<&str> =
        locked.iter().filter_map(|name| name.as_str()?.split(' ').next()).collect();
    let wanted = manifest["dependencies"].as_table().expect("dependencies");
    let wanted: BTreeSet<&str> = wanted.keys().map(String::as_str).collect();
    assert_eq!(locked, wanted, "fuzz/Cargo.lock: run `cargo update --workspace` in fuzz/");
}

/// No corpus holds a number that may be somebody's: Swedish mobiles are of the series that is given to
/// nobody (070-174 06 05 to 99), in whatever form they are written.
#[test]
fn the_corpora_are_small_and_about_nobody() {
    for decoder in DECODERS {
        let kept = corpus(decoder.name);
        let size: usize = kept.iter().map(|(_, input)| input.len()).sum();
        assert!(size as u64 <= MOST, "{}: {size} bytes", decoder.name);
        for (file, input) in kept {
            let text = String::from_utf8_lossy(&input);
            let digits: String = text.chars().filter(|c| !" -()./".contains(*c)).collect();
            for run in digits.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() >= 9) {
                let mobile = run.strip_prefix("0046").or(run.strip_prefix("46")).unwrap_or(run);
                let mobile = mobile.trim_start_matches('0');
                let somebodys = mobile.len() == 9 && mobile.starts_with('7');
                assert!(!somebodys || mobile.starts_with("7017406"), "{file}: {run}");
            }
        }
    }
}
