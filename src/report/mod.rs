//! Reports for people who look rather than read: tables and plots in one page that stands by itself. Pure: values in,
//! text out. No script, nothing from outside, and every plot has its figures as a table beside it; small counts are
//! hidden by [`Number`] before anything is drawn. Knows nothing of what is reported.

mod escape;
mod number;
mod page;
mod plain;
mod plot;
mod scale;

pub use number::{LEAST, Number};
pub use page::{Page, Section, Table};
pub use plain::plain;
pub use plot::{Kind, Plot, Series};
