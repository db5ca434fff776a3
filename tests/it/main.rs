//! Behaviour of the whole: the real binary against real parts. One behaviour a file, one binary.

mod architecture;
mod disk_low;
mod kills;
mod load;
mod loop_disk;
mod os_crash;
mod rebuild;
mod siblings;
mod world;
