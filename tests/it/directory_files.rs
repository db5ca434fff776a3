//! Files of the directory that cannot be used: cut off, in another encoding, empty, or wrong in
//! their rows. The daemon says what is wrong and keeps what it has; `directory check` says the same.

use crate::inlet::{file, put_file};
use crate::world::{Setup, upprop};

const UNUSABLE: &str = "directory load cannot be used";

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_file_changes_nothing_and_is_told() {
    let world = Setup::default().start().await;
    let pupils = file(&world, "directory/pupils.csv");
    let guardians = file(&world, "directory/guardians.csv");
    let latin1: Vec<u8> =
        pupils.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
    let quote = pupils.replace("Alva", "\"Alva");
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(pupils.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let rows = guardians.replace("070-174 06 05", "Alvas mamma").replace("nils,s1", "nisse,s1");
    let table: [(&str, Vec<u8>, &[&str]); 7] = [
        ("pupils.csv", latin1, &["pupils.csv line 6", "Latin-1"]),
        ("pupils.csv", utf16, &["UTF-16"]),
        ("pupils.csv", quote.into_bytes(), &["pupils.csv line 2"]),
        ("pupils.csv", Vec::new(), &["pupils.csv"]),
        ("pupils.csv", b"id,school,given-name\n".to_vec(), &["pupils.csv"]),
        ("guardians.csv", b"pupil;school\n".to_vec(), &["guardians.csv", "guardian"]),
        ("guardians.csv", rows.into_bytes(), &["guardians.csv line"]),
    ];
    for (round, (name, bytes, words)) in table.into_iter().enumerate() {
        put_file(&world, &format!("directory/{name}"), bytes);
        let config = world.config().display().to_string();
        let (code, out, err) = upprop(&["directory", "check", "--config", &config]);
        let said = format!("{out}{err}");
        for words in words {
            assert!(said.contains(words), "{round}: {words:?} in {said}");
        }
        for secret in ["Alva", "174 06", "1740605", "hem.example", "mamma", "Vuxen"] {
            assert!(!said.contains(secret), "{round}: {secret} in {said}");
        }
        if name == "pupils.csv" {
            assert_eq!(code, 65, "{said}");
            world.logged(UNUSABLE, round + 1).await;
        }
        put_file(&world, "directory/pupils.csv", &pupils);
        put_file(&world, "directory/guardians.csv", &guardians);
    }
    assert!(!world.log().contains("mamma") && !world.log().contains("Alva"), "{}", world.log());
    world.quiet(0).await;
}
