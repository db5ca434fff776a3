//! The accept loop: HTTP/1.1 with a limit on everything a stranger can make us hold (connections,
//! headers, bodies, time) and an orderly end. Routes, authentication and TLS are others'.
