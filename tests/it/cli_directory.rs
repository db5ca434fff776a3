//! `upprop directory check`: what would keep people from being told, by id and never by name.

use crate::inlet::{amend, put_file};
use crate::world::{Setup, upprop};

const PERSONAL: &[&str] =
    &["Alva", "Nils", "Hemlig", "Okänd", "Ensam", "Vera", "Vuxen", "174 06", "701740", "@", "2012"];

#[tokio::test(flavor = "multi_thread")]
async fn findings_name_ids_and_remedies_and_nobody() {
    let mut world = Setup::default().prepare();
    let config = world.config().display().to_string();
    let (code, out, err) = upprop(&["directory", "check", "--config", &config]);
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    // Nobody can be told of one, protection of another is unknown, a third is of age.
    for id in ["ensam", "okand", "vuxen"] {
        assert!(out.contains(id), "{id}:\n{out}");
    }
    for word in PERSONAL {
        assert!(!out.contains(word), "{word}:\n{out}");
    }
    // Another folder, and one that cannot be used: all that is wrong, and no daemon needed.
    let other = world.folder.path().join("other").display().to_string();
    std::fs::create_dir(&other).expect("a folder");
    put_file(&world, "other/pupils.csv", "id,school,given-name\np1,s9,Alva\np1,s1,\n,s1,Nils\n");
    put_file(&world, "other/guardians.csv", "pupil,school,guardian,may-receive\nx,s1,g,maybe\n");
    let (code, out, err) = upprop(&["directory", "check", "--config", &config, &other]);
    assert_eq!((code, out.as_str()), (65, ""), "{err}");
    for place in
        ["pupils.csv line 2", "pupils.csv line 3", "pupils.csv line 4", "guardians.csv line 2"]
    {
        assert!(err.contains(place), "{place}:\n{err}");
    }
    for word in PERSONAL {
        assert!(!err.contains(word), "{word}:\n{err}");
    }
    // With the daemon running: the store is not touched.
    world.start().await;
    assert_eq!(upprop(&["directory", "check", "--config", &config]).0, 1);
    assert_eq!(world.stop(), Some(0));
    amend(&world, "folder = \"directory\"\n", "");
    let (code, _, err) = upprop(&["directory", "check", "--config", &config]);
    assert_eq!(code, 78);
    assert!(err.contains("upprop directory check FOLDER"), "{err}");
}
