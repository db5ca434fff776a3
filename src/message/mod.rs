//! Templates to text: rendering, SMS encoding and parts, mail structure. Pure but for reading the
//! template folder at load; may not know recipients, stores or clocks.

pub mod clean;
pub mod facts;
pub mod sms;
