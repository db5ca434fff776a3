//! Tables of findings.
