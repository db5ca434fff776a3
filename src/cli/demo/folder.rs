//! A temporary folder of one's own, removed with all that is in it unless it is to be kept.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::env::random;

/// The folder.
pub(super) struct Folder {
    path: PathBuf,
    kept: bool,
}

impl Folder {
    /// Makes one that nobody else may enter.
    pub(super) fn make() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("upprop-demo-{}", random::token(9)));
        // Not recursive: a folder that is there already is somebody else's.
        DirBuilder::new().mode(0o700).create(&path).with_context(|| {
            format!("cannot make folder {}; TMPDIR names another place", path.display())
        })?;
        Ok(Self { path, kept: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// It stays.
    pub(super) fn keep(&mut self) {
        self.kept = true;
    }

    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            eprintln!("upprop: {} could not be removed: {error}", self.path.display());
        }
    }
}
