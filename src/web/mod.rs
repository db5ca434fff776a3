//! What others reach over HTTP: the accept loop, the published descriptions, the answers. May not
//! decide anything about pupils; that is `intake`'s and what lies left of it.

pub mod hooks_response;
pub mod openapi;
pub mod server;
