//! When so many pupils are missing at once that a person must look before guardians are told: a school's limits.

use jiff::SignedDuration;

use crate::model::HoldThen;

/// A school's limits. Each may be off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumeRules {
    /// More of a class than so many per cent.
    pub class: Option<u8>,
    /// More of the school than so many per cent.
    pub school: Option<u8>,
    /// More of the school than so many per cent, said by one source within a quarter of an hour.
    pub source: Option<u8>,
    /// More than so many times what is usual at that weekday and hour.
    pub usual: Option<u32>,
    /// Fewer of a class are never held; of the school, fewer than twice as many.
    pub least: u32,
    /// How long the first message about a pupil at a lesson waits, so that marks that come with it are counted.
    pub gather: SignedDuration,
    /// How long a hold waits for a person.
    pub timeout: SignedDuration,
    /// What becomes of it then.
    pub then: HoldThen,
}

impl Default for VolumeRules {
    /// Of a class of 24, 13: no school's usual morning, and any class's trip. Kept when nobody decides: a message that
    /// should not have left cannot be called back, and one that did not leave is a task that people have until the
    /// day's end.
    fn default() -> Self {
        Self {
            class: Some(50),
            school: Some(15),
            source: Some(25),
            usual: Some(5),
            least: 5,
            gather: SignedDuration::from_secs(3),
            timeout: SignedDuration::from_mins(30),
            then: HoldThen::Keep,
        }
    }
}

impl VolumeRules {
    /// No limit at all.
    pub fn off() -> Self {
        Self { class: None, school: None, source: None, usual: None, ..Self::default() }
    }

    /// Whether there is any limit.
    pub fn any(&self) -> bool {
        self.class.is_some()
            || self.school.is_some()
            || self.source.is_some()
            || self.usual.is_some()
    }

    /// How long marks are gathered; nothing where nothing is counted.
    pub fn gathering(&self) -> SignedDuration {
        if self.any() { self.gather } else { SignedDuration::ZERO }
    }

    /// Fewer of the school are never held.
    pub fn least_of_school(&self) -> u32 {
        self.least.saturating_mul(2)
    }
}
