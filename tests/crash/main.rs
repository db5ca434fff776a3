//! What the process, the machine and the disk may do at any moment, done to the real binary and to the
//! real store. `UPPROP_KILLS` and `UPPROP_OS_CRASHES` say how often; each test adds its line to a table.

mod clients;
mod dice;
mod disk_full_as_root;
mod disk_low_as_root;
mod kills;
#[path = "../it/load.rs"]
mod load;
mod loop_disk;
mod os_crash_as_root;
mod os_crash_daemon_as_root;
#[path = "../it/people.rs"]
mod people;
mod reckoning;
mod table;
mod transitions;
#[path = "../it/world.rs"]
#[expect(dead_code, reason = "shared with the tests of behaviour, which use all of it")]
mod world;
mod writer;
