//! The rules of a batch that every store shares: its limits, and when its requirements hold. Pure.

use bytes::Bytes;

use super::{Batch, MAX_BATCH_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES, StoreError};

impl Batch {
    /// Whether nothing is to be written. Such a batch only waits, or only asks.
    pub fn is_read_only(&self) -> bool {
        self.write.is_empty()
    }

    /// Checks the limits that every store keeps.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], naming the limit but no key or value.
    pub fn check_limits(&self) -> Result<(), StoreError> {
        let too_large = |what: &str, bytes, limit| {
            Err(StoreError::TooLarge { what: format!("{what} is over {limit} bytes"), bytes })
        };
        for (key, value) in &self.write {
            if key.len() > MAX_KEY_BYTES {
                return too_large("a key", key.len(), MAX_KEY_BYTES);
            }
            let value = value.as_ref().map_or(0, Bytes::len);
            if value > MAX_VALUE_BYTES {
                return too_large("a value", value, MAX_VALUE_BYTES);
            }
        }
        match self.bytes() {
            bytes if bytes > MAX_BATCH_BYTES => too_large("a batch", bytes, MAX_BATCH_BYTES),
            _ => Ok(()),
        }
    }

    /// Whether every requirement holds, with `is` telling whether a key holds a value, byte for byte,
    /// or nothing.
    ///
    /// # Errors
    /// Those of `is`.
    pub fn holds<E>(
        &self,
        mut is: impl FnMut(&[u8], Option<&[u8]>) -> Result<bool, E>,
    ) -> Result<bool, E> {
        for (key, was) in &self.expect {
            if !is(key, was.as_deref())? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
