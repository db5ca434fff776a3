//! SS 12000
pub mod marks;
