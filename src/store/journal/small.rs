//! A disk that is full or broken, for tests of whoever appends.

use std::{
    io,
    sync::{Arc, Mutex},
};

use super::writer::Medium;

/// A disk with little room, which may refuse to shrink its file or to sync it.
#[derive(Clone)]
pub(crate) struct Small(Arc<Mutex<Inner>>);

struct Inner {
    bytes: Vec<u8>,
    room: usize,
    shrinks: bool,
    syncs: bool,
}

impl Small {
    pub(crate) fn new(room: usize) -> Self {
        Self(Arc::new(Mutex::new(Inner { bytes: vec![], room, shrinks: true, syncs: true })))
    }
    pub(crate) fn set_room(&self, room: usize) {
        self.0.lock().unwrap().room = room;
    }
    pub(crate) fn stop_shrinking(&self) {
        self.0.lock().unwrap().shrinks = false;
    }
    pub(crate) fn stop_syncing(&self) {
        self.0.lock().unwrap().syncs = false;
    }
    pub(crate) fn length(&self) -> usize {
        self.0.lock().unwrap().bytes.len()
    }
}

impl Medium for Small {
    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        assert_eq!(disk.bytes.len() as u64, at, "no gap and no overwriting");
        let fits = bytes.len().min(disk.room.saturating_sub(disk.bytes.len()));
        disk.bytes.extend(&bytes[..fits]);
        if fits == bytes.len() { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }
    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        if !disk.shrinks {
            return Err(io::ErrorKind::Other.into());
        }
        disk.bytes.truncate(usize::try_from(length).unwrap());
        Ok(())
    }
    fn sync_data(&self) -> io::Result<()> {
        let syncs = self.0.lock().unwrap().syncs;
        if syncs { Ok(()) } else { Err(io::ErrorKind::Other.into()) }
    }
}
