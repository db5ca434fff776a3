//! Behaviour of the whole: the real binary against real parts. One behaviour a file, one binary.

mod architecture;
mod bad_events;
mod cli_check;
mod cli_directory;
mod cli_init;
mod corrections;
mod credentials;
mod directory_brake;
mod directory_changes;
mod directory_files;
mod directory_put;
mod first_marks;
mod forms;
mod guardians;
mod inlet;
mod log_privacy;
mod modes;
mod nasty_names;
mod notices;
mod protected;
mod published;
mod same_event;
mod signatures;
mod team;
mod too_much;
mod world;
