//! The process that writes to a store of its own until the disk is gone, and says what it was told is
//! durable: started anew for every crash of the machine.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use upprop::store::{Batch, Commit, Hardening, Kv as _, Settings, SledStore};

const TASKS: u64 = 8;
/// Said before the store is opened, and after.
const OPENING: &str = "opening";
const OPEN: &str = "open";

/// Where the writer finds its store. Set only for the process that [`Writer::start`] starts.
const DIR: &str = "UPPROP_TEST_WRITER_DIR";
const HARDENING: &str = "UPPROP_TEST_WRITER_HARDENING";
const ROUND: &str = "UPPROP_TEST_WRITER_ROUND";

/// How the store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// As the daemon does.
    Full,
    /// As the daemon does, but without the journal: what sled itself is worth then.
    NoJournal,
    /// sled's own flush, and nothing of ours.
    PlainFlush,
    /// Answered without any flush.
    NoFlush,
}

impl Guard {
    const ALL: [Self; 4] = [Self::Full, Self::NoJournal, Self::PlainFlush, Self::NoFlush];

    /// Settings for a store in `dir`, whose journal often begins another segment.
    pub fn settings(self, dir: &Path) -> Settings {
        let hardening = match self {
            Self::Full => Hardening::default(),
            Self::NoJournal => Hardening { journal: false, ..Hardening::default() },
            Self::PlainFlush => Hardening { sync_db: false, journal: false, wait_for_flush: true },
            Self::NoFlush => Hardening { sync_db: false, journal: false, wait_for_flush: false },
        };
        Settings {
            low_water_bytes: 1 << 20,
            journal_segment_bytes: 128 << 10,
            hardening,
            ..Settings::new(dir)
        }
    }

    /// Whether it promises to keep what it has acknowledged.
    pub fn promises(self) -> bool {
        matches!(self, Self::Full | Self::NoJournal)
    }
}

/// What one commit of the writer is about: found again from its name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    round: u64,
    task: u64,
    serial: u64,
}

impl Mark {
    /// The key of one of its two rows.
    pub fn key(self, part: &str) -> Vec<u8> {
        format!("w/{}/{}/{}/{part}", self.round, self.task, self.serial).into_bytes()
    }

    /// As long as an event with its rows.
    pub fn value(self) -> Vec<u8> {
        let length = usize::try_from(300 + self.serial % 100).expect("small");
        format!("{self:?} ").into_bytes().into_iter().cycle().take(length).collect()
    }

    /// Two rows, which come together or not at all, and the one before's second, which goes.
    fn batch(self) -> Batch {
        let mut batch = Batch::default();
        batch.put(self.key("a"), self.value());
        batch.put(self.key("b"), self.value());
        if let Some(serial) = self.serial.checked_sub(1) {
            batch.delete(Self { serial, ..self }.key("b"));
        }
        batch
    }

    fn parse(line: &str) -> Option<Self> {
        let mut numbers = line.strip_prefix("ack ")?.split(' ').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self { round: next()?, task: next()?, serial: next()? })
    }
}

/// Not a test: the process that writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writer() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let number = |name: &str| std::env::var(name).ok()?.parse::<usize>().ok();
    let guard = Guard::ALL[number(HARDENING).expect("a guard")];
    let round = number(ROUND).expect("a round") as u64;
    // The harness has written the test's name and no line end.
    println!("\n{OPENING}");
    // A disk that goes while it opens is no fault of the store's.
    let Ok(store) = SledStore::open(guard.settings(Path::new(&dir))) else { return };
    println!("{OPEN}");
    let task = |task: u64| {
        let store = &store;
        async move {
            for serial in 0.. {
                let mark = Mark { round, task, serial };
                match store.commit(mark.batch()).await {
                    Ok(Commit::Done) => println!("ack {round} {task} {serial}"),
                    Ok(Commit::Conflict) => unreachable!("nothing was required"),
                    Err(_) => return,
                }
            }
        }
    };
    futures_util::future::join_all((0..TASKS).map(task)).await;
}

/// A writer that runs.
pub struct Writer {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Writer {
    /// Starts one, and returns when it begins to open its store.
    pub fn start(guard: Guard, dir: &Path, round: u64) -> Self {
        let (_, module) = module_path!().split_once("::").expect("a module of this binary");
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args([&format!("{module}::writer"), "--exact", "--nocapture"])
            .env(DIR, dir)
            .env(HARDENING, (guard as usize).to_string())
            .env(ROUND, round.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the writer starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut writer = Self { child, out };
        while writer.line().expect("the writer lives") != OPENING {}
        writer
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.out.read_line(&mut line).ok().filter(|&read| read > 0);
        read.map(|_| line.trim_end().to_owned())
    }

    /// What it is told is durable, until it is told so `n` times.
    pub fn acknowledged(&mut self, n: u64) -> Vec<Mark> {
        let mut marks = Vec::new();
        while (marks.len() as u64) < n {
            let line = self.line().expect("the writer ended by itself");
            marks.extend(Mark::parse(&line));
        }
        marks
    }

    /// Ends it. Whether it had opened its store, as far as was not read before, and what else it was
    /// told is durable.
    pub fn end(mut self) -> (bool, Vec<Mark>) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
        let mut rest = Vec::new();
        let mut opened = false;
        while let Some(line) = self.line() {
            opened |= line == OPEN;
            rest.extend(Mark::parse(&line));
        }
        (opened, rest)
    }
}
