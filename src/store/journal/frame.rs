//! One frame of the journal: a group of writes under one checksum. Pure: bytes in, bytes out.
//!
//! ```text
//! length   u32   of what follows the checksum
//! checksum u32   CRC32C of the length field and of what follows
//! sequence u64   of the group
//! count    u32   of writes; per write:
//!   key length u16, value length u32 (all ones: the key is removed), key, value
//! ```
//!
//! Little-endian throughout. The length is under the checksum and no frame is empty, so neither
//! zeros nor a flipped length can pass for a frame.

use bytes::Bytes;

use crate::store::MAX_BATCH_BYTES;

/// Length and checksum.
pub const HEAD_BYTES: usize = 8;
/// Sequence and count.
const FIXED_BYTES: usize = 12;
/// No frame is longer than this, head included: a full group of one-byte keys, each with 6 bytes
/// before it, and some air.
pub const MAX_FRAME_BYTES: usize = 8 * MAX_BATCH_BYTES;
/// The value length that means removal.
const REMOVED: u32 = u32::MAX;

/// What a group says beside its writes: the last group that sled was known to have when it was written,
/// eight bytes, big-endian. No row of a store has this key.
const FLUSHED: &[u8] = b"\0flushed";

/// One write: a key and what it holds afterwards.
pub type Write = (Vec<u8>, Option<Bytes>);

/// A group of writes as read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Of the group: the first is 1, and each next is one higher.
    pub sequence: u64,
    /// In order; a later write of the same key stands.
    pub writes: Vec<Write>,
}

impl Frame {
    /// Takes out what it says of sled: the last group that sled was known to have.
    pub fn take_flushed(&mut self) -> Option<u64> {
        let at = self.writes.iter().position(|(key, _)| key == FLUSHED)?;
        let (_, value) = self.writes.remove(at);
        value.and_then(|bytes| <[u8; 8]>::try_from(&*bytes).ok()).map(u64::from_be_bytes)
    }

    /// How many bytes it takes in the journal.
    pub fn bytes(&self) -> usize {
        let rows = self.writes.iter().map(|(k, v)| 6 + k.len() + v.as_ref().map_or(0, Bytes::len));
        HEAD_BYTES + FIXED_BYTES + rows.sum::<usize>()
    }
}

/// A frame in the making.
#[derive(Debug)]
pub struct Draft {
    bytes: Vec<u8>,
    count: u32,
}

impl Default for Draft {
    fn default() -> Self {
        Self { bytes: vec![0; HEAD_BYTES + FIXED_BYTES], count: 0 }
    }
}

impl Draft {
    /// Adds a write. Keys and values must be within the limits of a batch.
    pub fn push(&mut self, key: &[u8], value: Option<&[u8]>) {
        let key_length = u16::try_from(key.len()).expect("batches hold no key this long");
        let value_length = value.map_or(REMOVED, |value| {
            u32::try_from(value.len()).expect("batches hold no value this long")
        });
        self.bytes.extend_from_slice(&key_length.to_le_bytes());
        self.bytes.extend_from_slice(&value_length.to_le_bytes());
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        self.count += 1;
    }

    /// Says that sled is known to have this group and all before it.
    pub fn push_flushed(&mut self, sequence: u64) {
        self.push(FLUSHED, Some(&sequence.to_be_bytes()));
    }

    /// Bytes so far, head included.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it holds no write.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The finished frame, for the group of this sequence.
    pub fn seal(mut self, sequence: u64) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len() - HEAD_BYTES).expect("groups are bounded");
        self.bytes[..4].copy_from_slice(&length.to_le_bytes());
        self.bytes[8..16].copy_from_slice(&sequence.to_le_bytes());
        self.bytes[16..20].copy_from_slice(&self.count.to_le_bytes());
        let checksum = checksum(&self.bytes);
        self.bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
        self.bytes
    }
}

/// The checksum of a whole frame, its own field left out.
fn checksum(frame: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&frame[..4]), &frame[HEAD_BYTES..])
}

/// Why no frame starts here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// The bytes end before the frame does.
    #[error("a frame is cut short")]
    CutShort,
    /// A length that no frame has.
    #[error("a frame has an impossible length")]
    Length,
    /// The bytes are not what was written.
    #[error("a frame's checksum does not match")]
    Checksum,
    /// The checksum fits and the content does not: another program wrote it.
    #[error("a frame's content does not fit its length")]
    Content,
}

/// How many bytes follow the head of a frame.
///
/// # Errors
/// [`Bad::CutShort`] or [`Bad::Length`]; a length that is returned is safe to read into memory.
pub fn rest_bytes(head: &[u8]) -> Result<usize, Bad> {
    let length = u32_at(head, 0).ok_or(Bad::CutShort)? as usize;
    let possible = FIXED_BYTES..=MAX_FRAME_BYTES - HEAD_BYTES;
    if possible.contains(&length) { Ok(length) } else { Err(Bad::Length) }
}

/// The bytes of the frame at the start of `bytes`, checksum verified.
fn verified(bytes: &[u8]) -> Result<&[u8], Bad> {
    let frame = bytes.get(..HEAD_BYTES + rest_bytes(bytes)?).ok_or(Bad::CutShort)?;
    if u32_at(frame, 4) == Some(checksum(frame)) { Ok(frame) } else { Err(Bad::Checksum) }
}

/// The frame at the start of `bytes`, and how many bytes it takes.
///
/// # Errors
/// See [`Bad`].
pub fn read(bytes: &[u8]) -> Result<(Frame, usize), Bad> {
    let frame = verified(bytes)?;
    let mut rest = &frame[HEAD_BYTES..];
    let mut take = |count: usize| {
        let taken = rest.split_off(..count).ok_or(Bad::Content)?;
        Ok::<_, Bad>(taken)
    };
    let sequence = u64::from_le_bytes(array(take(8)?));
    let count = u32::from_le_bytes(array(take(4)?));
    let mut writes = Vec::new();
    for _ in 0..count {
        let key = usize::from(u16::from_le_bytes(array(take(2)?)));
        let value = u32::from_le_bytes(array(take(4)?));
        let key = take(key)?.to_vec();
        let value = match value {
            REMOVED => None,
            length => Some(Bytes::copy_from_slice(take(length as usize)?)),
        };
        writes.push((key, value));
    }
    if rest.is_empty() { Ok((Frame { sequence, writes }, frame.len())) } else { Err(Bad::Content) }
}

/// Where, after a bad frame at the start of `bytes`, a whole frame of a later group starts. The
/// bad one's length cannot be trusted, so every offset is tried; a checksum is calculated only
/// where the sequence could be right.
pub fn later_frame(bytes: &[u8], after: u64) -> Option<usize> {
    (1..bytes.len()).find(|&at| {
        let rest = &bytes[at..];
        u64_at(rest, HEAD_BYTES)
            .is_some_and(|sequence| sequence > after && sequence - after < u64::from(u32::MAX))
            && verified(rest).is_ok()
    })
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("taken with this length")
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|field| u32::from_le_bytes(array(field)))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8).map(|field| u64::from_le_bytes(array(field)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealed(sequence: u64, writes: &[Write]) -> Vec<u8> {
        let mut draft = Draft::default();
        for (key, value) in writes {
            draft.push(key, value.as_deref());
        }
        draft.seal(sequence)
    }

    fn writes() -> impl Strategy<Value = Vec<Write>> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..40);
        let value = prop::option::of(bytes().prop_map(Bytes::from));
        prop::collection::vec((bytes(), value), 0..6)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(sequence: u64, writes in writes(), after: Vec<u8>) {
            let mut bytes = sealed(sequence, &writes);
            let length = bytes.len();
            bytes.extend(after);
            prop_assert_eq!(read(&bytes), Ok((Frame { sequence, writes }, length)));
        }

        #[test]
        fn no_flipped_bit_passes(writes in writes(), bit: prop::sample::Index) {
            let mut bytes = sealed(1, &writes);
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(read(&bytes).is_err());
        }

        #[test]
        fn no_shortened_frame_passes(writes in writes(), length: prop::sample::Index) {
            let bytes = sealed(1, &writes);
            let cut = length.index(bytes.len());
            prop_assert_eq!(read(&bytes[..cut]), Err(Bad::CutShort));
        }

        #[test]
        fn anything_at_all_is_read_without_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
            let _ = later_frame(&bytes, 0);
        }
    }

    #[test]
    fn zeros_are_no_frame() {
        assert_eq!(read(&[0; 64]), Err(Bad::Length));
    }

    #[test]
    fn a_later_frame_is_found_behind_a_broken_length() {
        let mut bytes = sealed(5, &[(b"k".to_vec(), None)]);
        let second = bytes.len();
        bytes.extend(sealed(6, &[]));
        bytes[0] = 0xff;
        assert_eq!(later_frame(&bytes, 5), Some(second));
        assert_eq!(later_frame(&bytes, 6), None, "not a later group");
    }

    #[test]
    fn the_largest_group_fits() {
        let mut draft = Draft::default();
        for key in 0..=MAX_BATCH_BYTES {
            draft.push(&[u8::try_from(key % 256).unwrap()], None);
        }
        assert!(draft.len() <= MAX_FRAME_BYTES);
        assert!(read(&draft.seal(1)).is_ok());
    }
}
