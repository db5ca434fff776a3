//! The account that a request to a provider is made for.

use super::ProviderId;

/// Stands among a request's extensions (`http::Extensions`) and is never sent: the wire adds what it
/// keeps for that account, a token or a client certificate. A request without it is sent as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnBehalfOf(pub ProviderId);
