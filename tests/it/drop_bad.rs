//! Bad files in a drop folder: one that is too large, one that is no text, one that is written to while it is read, rows
//! that make no sense. Each is seen in `status` under the source's name with what to do; the daemon goes on.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use upprop::env::{Clock as _, SystemClock};

use crate::world::{Setup, World, soon, upprop, within};

/// More than this the memory may not grow over files of 200 MB.
const GROWN_MIB: u64 = 64;

fn path(world: &World, name: &str) -> PathBuf {
    world.folder.path().join("files").join(name)
}

fn status(world: &World) -> String {
    let config = world.config();
    let args = ["status", "--config", config.to_str().expect("a path")];
    let (_, out, err) = tokio::task::block_in_place(|| upprop(&args));
    assert_eq!(err, "", "{out}");
    out
}

/// Waits until `status` tells of a trouble of the source, or no more; what it tells of it, with what to do.
async fn trouble(world: &World, kind: &str, is: bool) -> String {
    let clock = SystemClock::new();
    within(kind, async {
        loop {
            let out = status(world);
            // What is told below its name is told of it: no other source is told of.
            let told = out.split("  files").nth(1).unwrap_or_else(|| panic!("{out}"));
            let told = told.split(&format!("WRONG ({kind}): ")).nth(1);
            if told.is_some() == is {
                let lines = told.map(|told| told.lines().take(2).collect::<Vec<_>>().join("\n"));
                return lines.unwrap_or_default();
            }
            clock.sleep_until(soon(&clock)).await;
        }
    })
    .await
}

async fn there(world: &World, name: &str) -> String {
    let clock = SystemClock::new();
    within(name, async {
        loop {
            if let Ok(text) = fs::read_to_string(path(world, name)) {
                return text;
            }
            clock.sleep_until(soon(&clock)).await;
        }
    })
    .await
}

/// The daemon's process: the only one with this configuration among its words.
fn process(world: &World) -> PathBuf {
    let config = world.config().display().to_string();
    let all = fs::read_dir("/proc").expect("proc").flatten().map(|entry| entry.path());
    let is_it = |path: &PathBuf| {
        let words = fs::read(path.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).split('\0').any(|word| word == config)
    };
    all.into_iter().find(is_it).expect("the daemon runs")
}

fn peak_mib(process: &Path) -> u64 {
    let text = fs::read_to_string(process.join("status")).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

fn is_open(process: &Path, file: &Path) -> bool {
    let open = fs::read_dir(process.join("fd")).expect("it runs").flatten();
    open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|of| of == file)
}

async fn begin() -> (World, Timestamp) {
    let extra = "[drop.files]\nfolder = \"files\"\ngives = [\"schedule\", \"attendance\"]\npoll = \"1s\"\nstill = \"1s\"\n\
                 patience = \"2s\"\nlargest = \"150 MiB\"\n";
    let mut world = Setup { extra: extra.into(), ..Setup::default() }.prepare();
    fs::create_dir(path(&world, "")).expect("folder");
    world.start().await;
    let start = Timestamp::from_second(SystemClock::new().now().as_second() - 60).expect("time");
    let end = start + SignedDuration::from_hours(1);
    let plan = format!("groups;school;start;end\n7B;s1;{start};{end}\n");
    fs::write(path(&world, "schedule.csv"), plan).expect("written");
    there(&world, "done/schedule.csv").await;
    (world, start)
}

const HEAD: &str = "school;pupil;group;start;mark\n";

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_too_large_or_no_text_are_refused_in_little_memory() {
    let (mut world, start) = begin().await;
    let process = process(&world);
    let before = peak_mib(&process);
    for (name, mib) in [("attendance-large.csv", 200), ("attendance-hollow.csv", 140)] {
        let file = fs::File::create(path(&world, name)).expect("created");
        file.set_len(mib << 20).expect("made larger");
    }
    let reason = there(&world, "rejected/attendance-large.csv.reason.txt").await;
    assert!(reason.contains("is larger than `largest`"), "{reason}");
    let reason = there(&world, "rejected/attendance-hollow.csv.reason.txt").await;
    assert!(reason.contains("line 1: the file"), "{reason}");
    let told = trouble(&world, "rejected-file", true).await;
    assert!(told.contains("attendance-hollow.csv was not taken"), "{told}");
    assert!(told.contains("reason.txt in the folder rejected"), "{told}");
    let row = format!("{HEAD}s1;nils;7B;{start};unexcused\n");
    fs::write(path(&world, "attendance.csv"), row).expect("written");
    assert_eq!(world.messages(1).await[0].to, "+46701740607");
    let after = peak_mib(&process);
    assert!(after < before + GROWN_MIB, "{before} MiB, then {after} MiB");
    // A good file does not hide the one, nor the other when one is taken away.
    fs::remove_file(path(&world, "rejected/attendance-hollow.csv")).expect("removed");
    let clock = SystemClock::new();
    within("the other to be told", async {
        while !trouble(&world, "rejected-file", true).await.contains("attendance-large.csv") {
            clock.sleep_until(soon(&clock)).await;
        }
    })
    .await;
    fs::remove_file(path(&world, "rejected/attendance-large.csv")).expect("removed");
    trouble(&world, "rejected-file", false).await;
    assert_eq!(world.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_written_to_while_it_is_read_is_told_of_and_taken_when_it_is_not() {
    let (mut world, start) = begin().await;
    let process = process(&world);
    let name = path(&world, "attendance.csv");
    let row = format!("s1;nils;7B;{start};present\n");
    fs::write(&name, format!("{HEAD}{}", row.repeat(60_000))).expect("written");
    let mut file = fs::File::options().append(true).open(&name).expect("there");
    let clock = SystemClock::new();
    within("a file that is being read", async {
        while world.lines("was changed while it was read") == 0 {
            if is_open(&process, &name) {
                file.write_all(row.as_bytes()).expect("written");
            }
            clock.sleep_until(clock.now() + SignedDuration::from_millis(2)).await;
        }
    })
    .await;
    let told = trouble(&world, "rewritten-file", true).await;
    assert!(told.contains("attendance.csv") && told.contains("write under another name"), "{told}");
    file.write_all(row.replace("present", "unexcused").as_bytes()).expect("written");
    drop(file);
    assert_eq!(world.messages(1).await[0].to, "+46701740607", "the last row is read too");
    trouble(&world, "rewritten-file", false).await;
    there(&world, "done/attendance.csv").await;
    world.quiet(1).await;
    assert_eq!(world.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_make_no_sense_are_told_of_and_the_others_taken() {
    let (mut world, start) = begin().await;
    let rows = [
        format!(r#"{{"school":"s1","pupil":"nils","group":"7B","start":"{start}","mark":"unexcused"}}"#),
        format!(r#"{{"school":"s1","pupil":null,"group":"7B","start":"{start}","mark":"unexcused"}}"#),
        format!(r#"{{"school":"s1","pupil":"alva","group":"7B","start":"{start}","unexcused-minutes":-20}}"#),
        r#"{"school":"s1","pupil":"alva","group":"7B","start":"1895-01-01T08:00:00Z","mark":"unexcused"}"#.into(),
        r#"{"school":"s1","pupil":"alva","lesson":null,"group":null,"start":null,"mark":null}"#.into(),
        "null".into(),
    ];
    fs::write(path(&world, "attendance.jsonl"), rows.join("\n") + "\n").expect("written");
    assert_eq!(world.messages(1).await[0].to, "+46701740607");
    let reason = there(&world, "rejected/attendance.jsonl.reason.txt").await;
    for words in [
        "5 of the 6 rows",
        "line 2, column pupil: is empty",
        "line 3, column unexcused-minutes: is not a whole number of minutes",
        "line 4, column start:",
        "line 5: names no lesson",
        "line 6: is no JSON object",
    ] {
        assert!(reason.contains(words), "{words}: {reason}");
    }
    let told = trouble(&world, "bad-rows", true).await;
    assert!(told.contains("5 rows of attendance.jsonl could not be taken"), "{told}");
    assert!(told.contains("attendance.jsonl.reason.txt"), "{told}");
    let metrics = format!("http://{}/metrics", world.address);
    let metrics = world.client().get(metrics).send().await.expect("an answer");
    let metrics = metrics.text().await.expect("text");
    let counted = r#"upprop_events_total{source="files",outcome="rejected"} 5"#;
    assert!(metrics.contains(counted), "{metrics}");
    world.quiet(1).await;
    assert_eq!(world.stop(), Some(0));
}
