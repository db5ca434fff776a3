//! Mail over SMTP: structure in, outcome out.
