//! A school's own table over `[defaults]`: which of the two a value is from, and where its problem is noted.

use super::problem::Severity;
use super::reader::Reader;

/// A school's own table over the defaults.
pub(super) struct Layers<'r, 'a> {
    pub(super) own: &'r Reader<'a>,
    pub(super) defaults: &'r Reader<'a>,
}

impl<'a> Layers<'_, 'a> {
    /// Both are read, so that both are checked; the school's own wins.
    pub(super) fn get<T>(&self, read: impl Fn(&Reader<'a>) -> Option<T>) -> Option<T> {
        let inherited = read(self.defaults);
        read(self.own).or(inherited)
    }

    /// Whether the value was refused, wherever it stands.
    pub(super) fn is_faulty(&self, key: &'static str) -> bool {
        self.own.is_faulty(key) || self.defaults.is_faulty(key)
    }

    /// Notes a problem where the value stands, or at the school's head.
    pub(super) fn note(
        &self,
        severity: Severity,
        key: &'static str,
        message: String,
        remedy: &str,
    ) {
        let inherited = !self.own.has(key) && self.defaults.has(key);
        let place = if inherited { self.defaults } else { self.own };
        place.note(severity, key, message, remedy);
    }
}
