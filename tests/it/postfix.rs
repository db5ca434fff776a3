//! A Postfix of a test's own: its configuration, queue, mailboxes and port lie in one folder, and
//! its processes end with it. Needs root, as Postfix changes to other users; touches nothing of a
//! Postfix that the machine may run.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use upprop::env::{Clock as _, SystemClock};

use crate::world::{DEADLINE, free_port, soon};

/// A running Postfix that takes mail for `skola.example` and `hem.example` into Maildirs.
pub struct Postfix {
    folder: tempfile::TempDir,
    pub address: SocketAddr,
}

/// Reads into memory what the next request sees.
const ACCESS: &str = "access";

impl Postfix {
    /// Starts one with these mailboxes.
    pub fn start(mailboxes: &[&str]) -> Self {
        let root = fs::metadata("/proc/self").expect("/proc").uid() == 0;
        let installed = Command::new("postconf").arg("-h").arg("mail_version").output().is_ok();
        assert!(
            root && installed,
            "this test needs root and Postfix: `sudo tests/run` installs it and runs all tests"
        );
        let folder = tempfile::Builder::new().prefix("postfix-").tempdir().expect("folder");
        let postfix = Self { folder, address: free_port() };
        postfix.write(mailboxes);
        postfix.control("start");
        postfix
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, mailboxes: &[&str]) {
        let dir = self.folder.path();
        // Postfix's own users must get through to the queue and the mailboxes.
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).expect("mode");
        for name in ["queue", "data", "mail"] {
            fs::create_dir(self.path(name)).expect("folder");
        }
        owned_by(&self.path("data"), "postfix");
        owned_by(&self.path("mail"), "nobody");
        let mut maps = String::new();
        for address in mailboxes {
            let (local, domain) = address.split_once('@').expect("an address");
            writeln!(maps, "{address} {domain}/{local}/").expect("memory");
        }
        fs::write(self.path("mailboxes"), maps).expect("mailboxes");
        fs::write(self.path(ACCESS), "").expect("access");
        let (nobody, group) = user("nobody");
        let main = format!(
            "compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {dir}/log
maillog_file_prefixes = {dir}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.skola.example
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = skola.example, hem.example
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = texthash:{dir}/mailboxes
virtual_uid_maps = static:{nobody}
virtual_gid_maps = static:{group}
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access texthash:{dir}/{ACCESS}, reject_unauth_destination
# A connection that its client keeps open keeps its server's view of the maps.
smtpd_timeout = 2s
",
            dir = dir.display()
        );
        fs::write(self.path("main.cf"), main).expect("main.cf");
        fs::write(self.path("master.cf"), master(self.address)).expect("master.cf");
    }

    /// Answers a recipient so from now on, as `450 4.2.0 Mailbox busy`; none: takes the mail.
    pub fn answer(&self, recipient: &str, reply: Option<&str>) {
        let line = reply.map(|reply| format!("{recipient} {reply}\n")).unwrap_or_default();
        fs::write(self.path(ACCESS), line).expect("access");
        self.control("reload");
    }

    fn control(&self, what: &str) {
        let done = self.run(what);
        assert!(
            done.status.success(),
            "postfix {what}: {}\n{}",
            String::from_utf8_lossy(&done.stderr),
            self.log()
        );
    }

    fn run(&self, what: &str) -> Output {
        Command::new("postfix")
            .arg("-c")
            .arg(self.folder.path())
            .arg(what)
            .stdin(Stdio::null())
            .output()
            .expect("postfix runs")
    }

    /// What Postfix wrote to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Lines of the log that hold `words`.
    pub fn lines(&self, words: &str) -> usize {
        self.log().lines().filter(|line| line.contains(words)).count()
    }

    /// Waits until exactly `n` mails lie in a mailbox; in the order in which they came.
    pub async fn mailbox(&self, address: &str, n: usize) -> Vec<Vec<u8>> {
        let (local, domain) = address.split_once('@').expect("an address");
        let folder = self.path("mail").join(domain).join(local).join("new");
        let clock = SystemClock::new();
        let come = async {
            while count(&folder) < n {
                clock.sleep_until(soon(&clock)).await;
            }
        };
        let come = tokio::time::timeout(DEADLINE, come).await;
        assert!(come.is_ok(), "waited for {n} mails to {address}:\n{}", self.log());
        let mut mails: Vec<_> = fs::read_dir(&folder)
            .expect("a mailbox")
            .map(|entry| entry.expect("an entry").path())
            .map(|path| (fs::metadata(&path).expect("a mail").modified().expect("a time"), path))
            .collect();
        mails.sort();
        assert_eq!(mails.len(), n, "{}", self.log());
        mails.into_iter().map(|(_, path)| fs::read(path).expect("a mail")).collect()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // Knows its own processes by the lock file in its own queue.
        let done = self.run("stop");
        if std::thread::panicking() {
            eprintln!("--- log of Postfix ---\n{}\n{done:?}", self.log());
        }
    }
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// User and group id of a user of the system.
fn user(name: &str) -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").expect("users");
    let user = users.lines().find(|line| line.starts_with(&format!("{name}:"))).expect(name);
    let mut fields = user.split(':').skip(2).map(|field| field.parse().expect("a number"));
    (fields.next().expect("a user id"), fields.next().expect("a group id"))
}

fn owned_by(path: &Path, name: &str) {
    let (uid, gid) = user(name);
    chown(path, Some(uid), Some(gid)).expect("owner");
}

/// The services this needs, none of them in a chroot. See master(5).
fn master(address: SocketAddr) -> String {
    let mut text = format!("{address} inet n - n - - smtpd\n");
    // Name, type, private, unprivileged, (chroot,) wake-up time, most processes, command.
    for (name, kind, private, unprivileged, wakeup, limit, command) in [
        ("cleanup", "unix", "n", "-", "-", "0", "cleanup"),
        ("qmgr", "unix", "n", "-", "300", "1", "qmgr"),
        ("rewrite", "unix", "-", "-", "-", "-", "trivial-rewrite"),
        ("bounce", "unix", "-", "-", "-", "0", "bounce"),
        ("defer", "unix", "-", "-", "-", "0", "bounce"),
        ("trace", "unix", "-", "-", "-", "0", "bounce"),
        ("error", "unix", "-", "-", "-", "-", "error"),
        ("virtual", "unix", "-", "n", "-", "-", "virtual"),
        ("anvil", "unix", "-", "-", "-", "1", "anvil"),
        ("postlog", "unix-dgram", "n", "-", "-", "1", "postlogd"),
    ] {
        let service =
            format!("{name} {kind} {private} {unprivileged} n {wakeup} {limit} {command}");
        text.push_str(&service);
        text.push('\n');
    }
    text
}
