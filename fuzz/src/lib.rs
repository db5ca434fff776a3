//! What every decoder must do with any bytes at all: a check for each. The fuzzer calls them with what
//! it finds to be new, `tests/it/decoders.rs` with the kept corpus and what it makes of it.
//!
//! A check is a statement about the decoder, and panics where it does not hold. Inputs are texts where
//! they can be, so that the corpus can be read: a head of `name: value` lines, an empty line, the rest.

pub mod answers;
pub mod calendar;
pub mod cloudevents;
pub mod config;
pub mod directory;
pub mod drop;
pub mod input;
pub mod journal;
pub mod phone;
pub mod receipts;
pub mod rows;
pub mod signature;
pub mod smtp;
pub mod templates;
pub mod webhook;

/// A decoder and what is known of it.
#[derive(Clone, Copy)]
pub struct Decoder {
    /// Of the target, and of its folder in `corpus/`.
    pub name: &'static str,
    /// Panics where the decoder does not do as it must.
    pub check: fn(&[u8]),
    /// How many changed inputs a short run tries: few where one takes long.
    pub tries: u32,
}

const fn decoder(name: &'static str, check: fn(&[u8]), tries: u32) -> Decoder {
    Decoder { name, check, tries }
}

/// All of them.
pub const DECODERS: [Decoder; 16] = [
    decoder("answers", answers::check, 2_000),
    decoder("calendar", calendar::check, 1_000),
    decoder("cloudevents", cloudevents::check, 2_000),
    decoder("config", config::check, 500),
    decoder("directory_csv", directory::check_csv, 1_000),
    decoder("directory_json", directory::check_json, 1_000),
    decoder("drop", drop::check, 2_000),
    decoder("journal", journal::check, 2_000),
    decoder("phone", phone::check, 1_000),
    decoder("receipts", receipts::check, 2_000),
    decoder("rows", rows::check, 2_000),
    decoder("signature", signature::check, 2_000),
    decoder("smtp", smtp::check, 200),
    decoder("smtp_reply", smtp::check_reply, 2_000),
    decoder("templates", templates::check, 30),
    decoder("webhook", webhook::check, 2_000),
];
