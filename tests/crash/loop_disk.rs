//! A small ext4 file system in a file, mounted through a loop device: one that can be filled, and one
//! that can be shut down as a crash of the machine would. Only root can have it.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::load::say;

/// A mounted file system of its own.
pub struct LoopDisk {
    image: PathBuf,
    at: PathBuf,
    _folder: tempfile::TempDir,
}

impl LoopDisk {
    /// Whether this machine lets us. Where it does not, says so past the harness, since a test that
    /// did nothing must not pass in silence; under `CI=true` it fails instead.
    pub fn can_be_had(test: &str) -> bool {
        let missing = Self::missing();
        if let Some(what) = missing {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "{test} must run here, and cannot: {what}"
            );
            say(format_args!("{test}: SKIPPED, nothing was tested: {what}"));
        }
        missing.is_none()
    }

    fn missing() -> Option<&'static str> {
        let root = fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
        let tool = |name: &str, argument: &str| Command::new(name).arg(argument).output().is_ok();
        match () {
            () if !root => Some("only root can mount"),
            () if !Path::new("/dev/loop-control").exists() => Some("there are no loop devices"),
            () if !tool("mkfs.ext4", "-V") => Some("mkfs.ext4 (package e2fsprogs) is missing"),
            () if !tool("xfs_io", "-V") => Some("xfs_io (package xfsprogs) is missing"),
            () => None,
        }
    }

    /// Makes and mounts one of `mib` MiB at the folder `at`, which must exist.
    pub fn mounted(mib: u64, at: &Path) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let image = folder.path().join("image");
        File::create(&image).and_then(|file| file.set_len(mib << 20)).expect("image");
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(&image));
        let disk = Self { image, at: at.to_owned(), _folder: folder };
        disk.mount();
        disk
    }

    /// Mounts it again; ext4 then replays its journal, as at a boot.
    pub fn mount(&self) {
        run(Command::new("mount").args(["-t", "ext4", "-o", "loop"]).args([&self.image, &self.at]));
    }

    /// Unmounts it; nobody may have a file open on it.
    pub fn unmount(&self) {
        run(Command::new("umount").arg(&self.at));
    }

    /// Stops all writing at once: what has not reached the disk by now never does, ext4's own journal
    /// included (`FS_IOC_SHUTDOWN` with `NOLOGFLUSH`, which is `shutdown` of `xfs_io` without `-f`).
    pub fn crash(&self) {
        run(Command::new("xfs_io").args(["-x", "-c", "shutdown"]).arg(&self.at));
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        // After a panic a process may still have files open; the mount goes when it does.
        let _ = Command::new("umount").arg("-l").arg(&self.at).output();
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect("the command is installed");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {words}");
}
