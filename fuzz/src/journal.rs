//! Frames of the journal: what is read is written again as the same bytes, and nothing passes that was
//! not written. The first byte says whether the checksum is put right, without which nothing would be
//! read at all.

use upprop::store::journal::frame::{Draft, HEAD_BYTES, MAX_FRAME_BYTES, later_frame, read};

/// The check.
pub fn check(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let mut bytes = rest.to_vec();
    if first % 2 == 1 {
        seal(&mut bytes);
    }
    let result = read(&bytes);
    assert_eq!(result, read(&bytes), "the same bytes, the same frame");
    if let Ok((frame, length)) = &result {
        assert!(*length <= bytes.len() && *length <= MAX_FRAME_BYTES);
        let mut draft = Draft::default();
        for (key, value) in &frame.writes {
            draft.push(key, value.as_deref());
        }
        assert_eq!(draft.seal(frame.sequence), bytes[..*length], "written again");
        let place = usize::from(*first) * 7 % length;
        for cut in [0, place, length - 1] {
            assert!(read(&bytes[..cut]).is_err(), "a part of a frame passes");
        }
        bytes[place] ^= 1 << (first / 2 % 8);
        assert!(read(&bytes[..*length]).is_err(), "a changed frame passes");
    }
    let after = u64::from(*first);
    if let Some(at) = later_frame(&bytes, after) {
        // Its content may be another program's, but its checksum fits.
        let found = read(&bytes[at..]);
        assert!(at > 0 && !matches!(found, Err(upprop::store::journal::frame::Bad::Checksum)));
        assert!(found.is_err() || found.is_ok_and(|(frame, _)| frame.sequence > after));
    }
}

/// Puts the length and the checksum of the bytes in their head.
fn seal(bytes: &mut [u8]) {
    let Some(length) = bytes.len().checked_sub(HEAD_BYTES) else { return };
    let Ok(length) = u32::try_from(length) else { return };
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..4]), &bytes[HEAD_BYTES..]);
    bytes[4..8].copy_from_slice(&sum.to_le_bytes());
}
