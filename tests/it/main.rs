//! Behaviour of the whole: the real binary against real parts. One behaviour a file, one binary.

mod architecture;
mod channel_stopped;
mod deadline;
mod demo;
mod faults;
mod in_doubt;
mod limits;
mod order;
mod outage;
mod postfix;
mod postfix_as_root;
mod receipts;
mod sms_answers;
mod smtp_answers;
mod stopping;
mod world;
