//! A copy of this machine to install things on: its root as the lower layer of an overlay whose upper one is in
//! memory, in mount and network namespaces of their own, which end with the value. Needs root.

use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::world::DEADLINE;

/// Mounts everything, says so, and stays until its input ends: with the test, however that ends.
const HOLD: &str = r#"
set -e
ip link set lo up
mount -t tmpfs -o size=2g tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs -o mode=755 tmpfs "$1/root/run"
exec chroot "$1/root" sh -c "echo entered; exec cat"
"#;

/// The copy.
pub struct ScratchRoot {
    holder: Child,
    _folder: tempfile::TempDir,
}

/// What a command said and how it ended.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl ScratchRoot {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut holder = Command::new("unshare")
            .args(["--mount", "--net", "--propagation", "private", "sh", "-c", HOLD, "sh"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        assert_eq!(line, "entered\n", "the copy of the root cannot be made; see above");
        Self { holder, _folder: folder }
    }

    /// The place outside of a path inside.
    pub fn path(&self, inside: &str) -> PathBuf {
        format!("/proc/{}/root{inside}", self.holder.id()).into()
    }

    pub fn read(&self, inside: &str) -> String {
        let read = std::fs::read_to_string(self.path(inside));
        read.unwrap_or_else(|error| panic!("{inside}: {error}"))
    }

    pub fn has(&self, inside: &str) -> bool {
        self.path(inside).symlink_metadata().is_ok()
    }

    /// A shell inside, as root, with a deadline.
    fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("nsenter");
        let target = self.holder.id().to_string();
        command
            .args(["--target", &target, "--mount", "--net", "--root", "--wd", "timeout", "-k", "5"])
            .arg(DEADLINE.as_secs().to_string())
            .args(["bash", "-euo", "pipefail", "-c", script])
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    /// Runs a script, however it ends.
    pub fn run(&self, script: &str) -> Said {
        let output = self.shell(script).output().expect("nsenter");
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a script that must go well; what it printed.
    pub fn good(&self, script: &str) -> String {
        let said = self.run(script);
        assert_eq!(said.code, 0, "{script}\n{}{}", said.out, said.err);
        said.out + &said.err
    }

    /// Starts the daemon as the unit would, and waits until it is ready.
    pub fn daemon(&self) -> Daemon<'_> {
        let at = "/run/notify";
        let _ = std::fs::remove_file(self.path(at));
        let socket = UnixDatagram::bind(self.path(at)).expect("a socket");
        socket.set_read_timeout(Some(DEADLINE)).expect("a deadline");
        self.good(&format!("chmod 666 {at}"));
        let script = "umask 077; echo $$ >/run/daemon.pid; export NOTIFY_SOCKET=/run/notify \
             CREDENTIALS_DIRECTORY=/run/credentials; exec setpriv --reuid=upprop --regid=upprop --init-groups \
             --inh-caps=-all --bounding-set=-all --no-new-privs upprop run /etc/upprop/upprop.toml \
             2>>/run/daemon.log";
        let child = self.shell(script).spawn().expect("nsenter");
        let mut daemon = Daemon { root: self, child };
        let mut bytes = [0; 512];
        loop {
            if let Some(status) = daemon.child.try_wait().expect("wait") {
                panic!("the daemon ended with {status}:\n{}", self.read("/run/daemon.log"));
            }
            match socket.recv(&mut bytes) {
                Ok(n) if String::from_utf8_lossy(&bytes[..n]).lines().any(|l| l == "READY=1") => {
                    return daemon;
                }
                Ok(_) => {}
                Err(error) => {
                    panic!("it is not ready: {error}:\n{}", self.read("/run/daemon.log"));
                }
            }
        }
    }
}

impl Drop for ScratchRoot {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// A daemon that runs inside; it ends with the value.
pub struct Daemon<'r> {
    root: &'r ScratchRoot,
    child: Child,
}

impl Daemon<'_> {
    /// Stops it as systemd does.
    pub fn stop(mut self) -> ExitStatus {
        self.root.good("kill -TERM $(cat /run/daemon.pid)");
        // `timeout` inside ends it at last.
        self.child.wait().expect("an end")
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.root.run("kill -KILL $(cat /run/daemon.pid)");
            let _ = self.child.wait();
        }
    }
}
