//! A day of files: uploads that stall, names that change, repeats, bad rows and bad files, a late file, a kill in the
//! middle of one. Every message that is expected comes once, and no other.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use upprop::env::{Clock as _, SystemClock};

use crate::world::{DEADLINE, Setup, World, soon};

/// Pupils of whom one file tells while the daemon is killed.
const MANY: usize = 30;

struct Day {
    world: World,
    start: Timestamp,
}

impl Day {
    fn begin() -> Self {
        let extra = r#"
[drop.files]
folder = "files"
gives = ["schedule", "attendance"]
poll = "1s"
still = "1s"
patience = "3s"
repeats = "known"
marks = { "O" = "unexcused", "N" = "present" }
attendance-columns = { school = "=s1", pupil = "Elev", group = "Klass", start = "Start", mark = "Kod" }
schedule-columns = { groups = "Klass" }
"#;
        let mut setup = Setup { extra: extra.into(), ..Setup::default() };
        for n in 0..MANY {
            setup =
                setup.family(&format!("many-{n}"), &format!("070-174 06 {}", 20 + n), "", "sms");
        }
        let world = setup.prepare();
        let now = SystemClock::new().now();
        // To the second, as files have it.
        let start = Timestamp::from_second(now.as_second() - 60).expect("time");
        let day = Self { world, start };
        fs::create_dir(day.path("")).expect("folder");
        // What lies there before the first start is over, and known.
        let over = start - SignedDuration::from_hours(3);
        let plan = format!(
            "Klass;school;start;end\n7A;s1;{over};{}\n",
            over + SignedDuration::from_hours(1)
        );
        day.put("schedule-history.csv", &plan);
        day.put("attendance-history.csv", &format!("Elev;Klass;Start;Kod\nnils;7A;{over};O\n"));
        day
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.folder.path().join("files").join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("write");
    }

    /// Rows of marks at the lesson of now.
    fn rows(&self, marks: &[(&str, &str)]) -> String {
        let row = |(pupil, code): &(&str, &str)| format!("{pupil};7B;{};{code}\n", self.start);
        marks.iter().map(row).collect()
    }

    fn file(&self, marks: &[(&str, &str)]) -> String {
        format!("Elev;Klass;Start;Kod\n{}", self.rows(marks))
    }

    /// Waits until a file is there.
    async fn there(&self, name: &str) -> String {
        let clock = SystemClock::new();
        let path = self.path(name);
        let seen = async {
            loop {
                if let Ok(text) = fs::read_to_string(&path) {
                    return text;
                }
                clock.sleep_until(soon(&clock)).await;
            }
        };
        let Ok(text) = tokio::time::timeout(DEADLINE, seen).await else {
            panic!("{name} did not come; the folder: {:?}\n{}", self.names(), self.world.log());
        };
        text
    }

    fn names(&self) -> Vec<String> {
        let inner = ["", "done", "rejected"].map(|inner| self.path(inner));
        let entries = inner.iter().filter_map(|path| fs::read_dir(path).ok()).flatten().flatten();
        entries.map(|entry| entry.path().display().to_string()).collect()
    }

    /// A writer that pauses for longer than a file must be still.
    async fn stall(&self) {
        let clock = SystemClock::new();
        clock.sleep_until(clock.now() + SignedDuration::from_millis(1_700)).await;
    }

    /// Who has been told, in order.
    async fn told(&self, n: usize) -> Vec<String> {
        self.world.messages(n).await.iter().map(|message| message.to.clone()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::too_many_lines, reason = "one day, in its order")]
async fn every_message_of_a_day_of_files_comes_once() {
    let mut day = Day::begin();
    day.world.start().await;
    day.there("done/attendance-history.csv").await;
    let plan = format!(
        "Klass;school;start;end;label\n7B;s1;{};{};Ma 7B\n",
        day.start,
        day.start + SignedDuration::from_hours(1)
    );
    day.put("schedule.csv", &plan);
    day.there("done/schedule.csv").await;

    // An upload that stalls in the middle of a row is not taken until it is whole.
    let text = day.file(&[("alva", "O"), ("mail", "N")]);
    let mut file = fs::File::create(day.path("attendance-1.csv")).expect("create");
    file.write_all(&text.as_bytes()[..text.len() - 3]).expect("write");
    day.stall().await;
    assert_eq!(day.world.sink.count(), 0, "half a file was taken");
    file.write_all(&text.as_bytes()[text.len() - 3..]).expect("write");
    drop(file);
    let told = day.told(2).await;
    assert!(
        told.iter().all(|to| ["+46701740605", "+46701740606"].contains(&to.as_str())),
        "{told:?}"
    );
    day.there("done/attendance-1.csv").await;

    // One that stalls where a row ends looks whole. What its writer adds when it has been put aside is taken too.
    let mut file = fs::File::create(day.path("attendance-2.csv")).expect("create");
    file.write_all(day.file(&[("mail", "O")]).as_bytes()).expect("write");
    day.there("done/attendance-2.csv").await;
    assert_eq!(day.told(3).await[2], "maj.g@hem.example");
    file.write_all(day.rows(&[("nils", "O")]).as_bytes()).expect("write");
    drop(file);
    assert_eq!(day.told(4).await[3], "+46701740607");

    // The same again, under another name and under its own.
    day.put("attendance-1-again.csv", &text);
    day.put("attendance-1.csv", &text);
    let note = day.there("done/attendance-1-again.csv.note.txt").await;
    assert!(note.contains("taken already"), "{note}");
    day.there("done/attendance-1.csv.note.txt").await;

    // Renamed into place; some rows are bad, and stay with their reasons.
    let mixed = day.file(&[("alva", "N"), ("ingen", "O"), ("nils", "Ledig")]);
    day.put("attendance-3.csv.part", &mixed);
    fs::rename(day.path("attendance-3.csv.part"), day.path("attendance-3.csv")).expect("rename");
    let told = day.told(6).await;
    assert!(told[4..].iter().all(|to| to.starts_with("+4670174060")), "{told:?}");
    let reason = day.there("rejected/attendance-3.csv.reason.txt").await;
    for words in ["1 of the 3 rows", "line 4, column mark"] {
        assert!(reason.contains(words), "{words}: {reason}");
    }
    assert!(!reason.contains("Ledig"), "{reason}");
    // Who is not in the directory may be tomorrow.
    day.world.logged("1 marks wait for pupils whom the directory does not know", 1).await;
    let kept = fs::read_to_string(day.path("rejected/attendance-3.csv")).expect("kept");
    assert!(kept.starts_with("Elev;Klass;Start;Kod") && kept.contains("nils;7B"), "{kept}");
    assert!(!kept.contains("ingen"), "{kept}");

    // A file that cannot be trusted is rejected whole.
    day.put("attendance-bad.csv", &format!("{}\"alva;7B\n", day.file(&[("alva", "O")])));
    let reason = day.there("rejected/attendance-bad.csv.reason.txt").await;
    assert!(reason.contains("line 3: the file opens a quotation mark"), "{reason}");

    // A late file says what was so before: Alva is there since.
    day.put("late.part", &day.file(&[("alva", "O"), ("mail", "O")]));
    let late = fs::File::options().append(true).open(day.path("late.part")).expect("open");
    let written = late.metadata().and_then(|about| about.modified()).expect("time");
    late.set_modified(written - Duration::from_mins(10)).expect("time");
    drop(late);
    fs::rename(day.path("late.part"), day.path("attendance-late.csv")).expect("rename");
    day.there("done/attendance-late.csv").await;

    // To and fro: Nils came, and is missing again.
    for (name, code, n) in [("attendance-4.csv", "N", 7), ("attendance-5.csv", "O", 8)] {
        // No file but this one holds just this row: the whole day is exported again.
        day.put(name, &day.file(&[("alva", "N"), ("mail", "O"), ("nils", code)]));
        assert_eq!(day.told(n).await[n - 1], "+46701740607");
    }

    // A log that puts right what it says above: nobody is told of what is above.
    day.put("attendance-log.csv", &day.file(&[("many-0", "O"), ("many-0", "N")]));
    day.there("done/attendance-log.csv").await;
    day.world.quiet(8).await;

    // Killed in the middle of a file.
    let ids: Vec<String> = (0..MANY).map(|n| format!("many-{n}")).collect();
    let marks: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "O")).collect();
    day.put("attendance-6.csv", &day.file(&marks));
    let first = tokio::time::timeout(DEADLINE, day.world.sink.received(10)).await;
    assert!(first.is_ok(), "the first of many came:\n{}", day.world.log());
    day.world.kill();
    day.put("attendance-7.csv", &day.file(&marks).replace(";O\n", ";O\r\n"));
    day.world.start().await;
    // One more than these: what shows that it is quiet.
    let told = day.told(9 + MANY).await;
    for n in 0..MANY {
        let number = format!("+467017406{}", 20 + n);
        assert_eq!(told.iter().filter(|to| **to == number).count(), 1, "{number}: {told:?}");
    }
    day.there("done/attendance-7.csv").await;
    day.world.quiet(9 + MANY).await;

    let left: Vec<_> = fs::read_dir(day.path("")).expect("folder").flatten().collect();
    let left: Vec<_> = left.iter().filter(|entry| entry.path().is_file()).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(day.world.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_moved_is_taken_once_all_the_same() {
    let mut day = Day::begin();
    // Something else stands where done is to be.
    day.put("done", "");
    day.world.start().await;
    day.world.logged("cannot be moved", 1).await;
    let end = day.start + SignedDuration::from_hours(1);
    day.put("schedule.csv", &format!("Klass;school;start;end\n7B;s1;{};{end}\n", day.start));
    day.put("attendance-1.csv", &day.file(&[("nils", "O")]));
    day.told(1).await;
    day.world.kill();
    day.world.start().await;
    fs::remove_file(day.path("done")).expect("remove");
    day.there("done/attendance-1.csv").await;
    day.world.quiet(1).await;
    assert_eq!(day.world.stop(), Some(0));
}
