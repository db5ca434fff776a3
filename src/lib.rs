//! Attendance notification gateway. This file lists the rooms; `tests/it/architecture.rs` holds the
//! arrows between them.
//!
//! # The journey of one absence
//!
//! ```text
//! web::hooks::post(source, headers, body)
//!   source::webhook               signature over the raw bytes, then bytes to Observations (pure)
//!   intake::accept(observation)   one unit of work over the rows of one lesson of one pupil
//!     occasion::mark_lesson       what is true now; the same in any order (pure)
//!     policy::evaluate            what was told against what is true: the Plan, with reasons (pure)
//!     ladder::advance             which steps the absence reaches, and which are taken back (pure)
//!     store::Kv::commit           lesson, notifications, steps, duties, due rows and trail; durable on return
//!   202 only now
//! delivery::Dispatcher            wakes when a row is due
//!   delivery::claim               policy asked again at the moment of sending (pure)
//!   message::render               the text, made now
//!   store::Kv::commit             the start of the attempt and the limits it used
//!   channel encodes, env sends    the only door out
//!   delivery::settle              the outcome (pure), and its commit
//! web::receipts::take             delivery reports: delivery::receive, and its commit
//! ```

pub mod app;
pub mod calendar;
pub mod channel;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod directory;
pub mod env;
pub mod intake;
pub mod ladder;
pub mod lifecycle;
pub mod limits;
pub mod message;
pub mod metrics;
pub mod model;
pub mod occasion;
pub mod operate;
pub mod policy;
pub mod programme;
pub mod report;
pub mod sim;
pub mod simulate;
pub mod source;
pub mod store;
pub mod web;
