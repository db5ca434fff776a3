//! Behaviour of the whole: the real binary against real parts. One behaviour a file, one binary.

mod architecture;
mod channel_stopped;
mod deadline;
mod demo;
mod disk_low_as_root;
mod faults;
mod in_doubt;
mod kills;
mod limits;
mod load;
mod loop_disk;
mod order;
mod os_crash_as_root;
mod outage;
mod postfix;
mod postfix_as_root;
mod rebuild;
mod receipts;
mod siblings;
mod sms_answers;
mod smtp_answers;
mod stopping;
mod world;
