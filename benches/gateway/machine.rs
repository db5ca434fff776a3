//! What a figure was measured on, and what a process takes: memory and CPU from `/proc`, by `proc(5)`.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// Kernel clock ticks a second, `sysconf(_SC_CLK_TCK)`: 100 on every Linux this runs on.
const TICKS: u32 = 100;

/// The machine in a line.
pub fn describe(dir: &Path) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| {
            line.strip_prefix("model name")?.split_once(": ").map(|(_, v)| v.to_owned())
        })
        .unwrap_or_else(|| "unknown CPU".into());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = read("/proc/meminfo")
        .lines()
        .find_map(|line| {
            line.strip_prefix("MemTotal:")?.trim().split(' ').next()?.parse::<u64>().ok()
        })
        .map_or(0, |kib| kib >> 20);
    let kernel = read("/proc/sys/kernel/osrelease");
    let busy = read("/proc/loadavg");
    let busy = busy.split(' ').next().unwrap_or_default();
    format!(
        "{cpu}, {cores} cores, {memory} GiB; Linux {}; store on {}; load before: {busy}",
        kernel.trim(),
        file_system(dir)
    )
}

/// The file system a folder is on: the longest mount point it lies under.
fn file_system(dir: &Path) -> String {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let found = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let (_device, at, kind) = (fields.next()?, fields.next()?, fields.next()?);
        dir.starts_with(at).then_some((at.len(), kind.to_owned()))
    });
    found.max_by_key(|(length, _)| *length).map_or_else(|| "unknown".into(), |(_, kind)| kind)
}

/// Resident memory of a process, in bytes; 0 when it is gone.
pub fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kib = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse::<u64>().ok()
    });
    kib.unwrap_or(0) * 1024
}

/// CPU time a process has used, user and system.
pub fn cpu(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in brackets may hold spaces; what follows it does not.
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<u32>().ok()).unwrap_or(0);
    Duration::from_secs(1) * (ticks(11) + ticks(12)) / TICKS
}
