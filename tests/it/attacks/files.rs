//! Files that others may put beside ours: pipes nobody writes to, devices without an end, links that
//! lead elsewhere, names that lead out of a folder. And who may read what we write.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use rustix::fs::{CWD, Mode, mkfifoat};

use crate::inlet::{amend, file, put_file};
use crate::world::{Setup, TOKEN, World, upprop};

const UNUSABLE: &str = "directory load cannot be used";

/// Makes something at a path.
type Put<'a> = &'a dyn Fn(&Path);

/// Puts something else where a file is.
fn instead(path: &Path, put: impl Fn(&Path)) {
    let _ = fs::remove_file(path);
    put(path);
}

fn pipe(path: &Path) {
    mkfifoat(CWD, path, Mode::from(0o600)).expect("a pipe");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_or_a_device_in_the_directory_folder_holds_nothing_up() {
    let mut world = Setup::default().start().await;
    let pupils = file(&world, "directory/pupils.csv");
    let path = world.folder.path().join("directory/pupils.csv");
    let endless = |path: &Path| symlink("/dev/zero", path).expect("a link");
    for (round, put) in [&pipe as Put<'_>, &endless].into_iter().enumerate() {
        instead(&path, put);
        world.logged(UNUSABLE, round + 1).await;
        world.logged("pupils.csv: cannot be read", round + 1).await;
        instead(&path, |_| put_file(&world, "directory/pupils.csv", &pupils));
        world.accept(&world.marked("nils", &format!("l{round}"), "unexcused", 5)).await;
        world.messages(round + 1).await;
    }
    // Nor where a confirmation is looked for.
    pipe(&world.folder.path().join("directory/confirm.txt"));
    put_file(&world, "directory/pupils.csv", pupils.replace("Alva", "Alvina"));
    world.logged("directory in force", 2).await;
    // Nothing waits for the pipe when all is to end.
    assert_eq!(world.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_out_of_the_directory_folder_shows_nothing_of_what_it_leads_to() {
    let world = Setup::default().start().await;
    let path = world.folder.path().join("directory/pupils.csv");
    instead(&path, |path| symlink("../secrets/token", path).expect("a link"));
    world.logged(UNUSABLE, 1).await;
    let config = world.config().display().to_string();
    let (code, out, err) = upprop(&["directory", "check", "--config", &config]);
    assert_eq!(code, 65, "{out}{err}");
    let said = format!("{out}{err}{}", world.log());
    assert!(!said.contains(&TOKEN[..8]), "{said}");
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.quiet(1).await;
}

/// What `upprop check` says of a world that does not run.
fn checked(world: &World) -> (i32, String) {
    let (code, out, err) = upprop(&["check", &world.config().display().to_string()]);
    (code, format!("{out}{err}"))
}

#[tokio::test]
async fn a_secret_is_an_ordinary_file_of_its_owner() {
    let world = Setup::default().prepare();
    let path = world.folder.path().join("secrets/token");
    let (code, said) = checked(&world);
    assert!(code <= 1, "{said}");
    let mode = |mode: u32| {
        move |path: &Path| {
            fs::write(path, TOKEN).expect("write");
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("mode");
        }
    };
    let (open, shared) = (mode(0o644), mode(0o660));
    let device = |path: &Path| symlink("/dev/zero", path).expect("a link");
    let folder = |path: &Path| symlink("/", path).expect("a link");
    let cases: [(Put<'_>, &str); 5] = [
        (&open, "has mode 0644: others may read it"),
        (&shared, "has mode 0660: others may read it"),
        (&pipe, "is not a file"),
        (&device, "is not a file"),
        (&folder, "is not a file"),
    ];
    for (put, words) in cases {
        instead(&path, put);
        let (code, said) = checked(&world);
        assert_eq!(code, 78, "{said}");
        assert!(said.contains(words), "{words}: {said}");
        assert!(!said.contains(TOKEN), "{said}");
    }
}

#[tokio::test]
async fn nothing_in_the_template_folder_leads_out_of_it() {
    let world = Setup::default().prepare();
    amend(&world, "[store]", "templates = \"own\"\n[store]");
    let sms = world.folder.path().join("own/sms/sv");
    fs::create_dir_all(&sms).expect("a folder");
    let path = sms.join("absence.txt");
    let own = |text: &'static str| move |path: &Path| fs::write(path, text).expect("write");
    let good = "{{ pupil }} {{ start }} {{ phone }} {{ school }}";
    instead(&path, own(good));
    let (code, said) = checked(&world);
    assert!(code <= 1, "{said}");
    let (up, absolute) = (
        own("{% include \"../../../secrets/token\" %}"),
        own("{% include \"/etc/passwd\" %}{{ pupil }}"),
    );
    let extends = own("{% extends \"../../../../etc/passwd\" %}");
    let device = |path: &Path| symlink("/dev/zero", path).expect("a link");
    let cases: [Put<'_>; 5] = [&up, &absolute, &extends, &pipe, &device];
    for (at, put) in cases.into_iter().enumerate() {
        instead(&path, put);
        let (code, said) = checked(&world);
        assert_eq!(code, 78, "{at}: {said}");
        assert!(!said.contains("root:") && !said.contains(TOKEN), "{at}: {said}");
    }
    instead(&path, own(good));
    for name in ["..\\absence.txt", "absence.txt\u{202e}", "absence\n.txt", "..absence.txt "] {
        fs::write(sms.join(name), good).expect("write");
    }
    let (code, said) = checked(&world);
    assert_eq!(code, 78, "{said}");
    assert!(!said.contains('\u{202e}'), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn others_on_the_machine_read_nothing_of_what_is_written() {
    let mut world = Setup::default().prepare();
    // As a unit's StateDirectory= is made, and as operators make folders.
    for name in ["state", "out"] {
        let path = world.folder.path().join(name);
        fs::create_dir(&path).expect("a folder");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode");
    }
    amend(&world, "[mail]\n", "[mail]\ntransport = \"file\"\nfolder = \"out\"\n");
    for key in ["host = ", "port = ", "tls = \"none\"", "timeout = ", "data-timeout = "] {
        let text = file(&world, "upprop.toml");
        let mail = text.split("[mail]").nth(1).expect("a table");
        let line = mail.lines().find(|line| line.starts_with(key)).expect("a line").to_owned();
        let (before, after) = text.split_once("[mail]").expect("a table");
        let after = after.replacen(&format!("{line}\n"), "", 1);
        put_file(&world, "upprop.toml", format!("{before}[mail]{after}"));
    }
    world.start().await;
    world.accept(&world.marked("mail", "l1", "unexcused", 5)).await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    world.logged("outcome=\"accepted\"", 2).await;
    assert_eq!(world.stop(), Some(0));
    let (mut open, mut seen) = (Vec::new(), 0);
    for name in ["state", "out"] {
        readable(&world.folder.path().join(name), &mut seen, &mut open);
    }
    assert!(seen >= 4, "a database, a journal and a mail: {seen}");
    assert_eq!(open, Vec::<String>::new());
}

/// The files below a folder that others can reach and read.
fn readable(folder: &Path, seen: &mut usize, open: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let about = fs::symlink_metadata(&path).expect("about it");
        *seen += 1;
        let shut = about.mode().trailing_zeros() >= 6;
        if about.is_dir() && !shut {
            readable(&path, seen, open);
        } else if !about.is_dir() && !shut {
            open.push(path.display().to_string());
        }
    }
}
