//! Walking down an error to what lies under it. Errors of TLS travel inside `io::Error`, whose
//! `source` steps over them.

use std::{error::Error, io};

/// The error and everything under it, outermost first.
pub(super) fn causes(error: &dyn Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| match cause.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as _),
        None => cause.source(),
    })
}

/// What TLS found wrong, if it was TLS.
pub(super) fn tls(error: &dyn Error) -> Option<&rustls::Error> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Whether the other side has refused the certificate that we showed, or showed none of. It says so
/// before it reads anything of a request, in TLS 1.3 as well, where it comes after our handshake
/// (RFC 8446 §4.4.2.4 and §6.2).
pub(super) fn refuses_certificate(error: &dyn Error) -> bool {
    use rustls::AlertDescription::{
        AccessDenied, BadCertificate, CertificateExpired, CertificateRequired, CertificateRevoked,
        CertificateUnknown, UnknownCA, UnsupportedCertificate,
    };
    matches!(
        tls(error),
        Some(rustls::Error::AlertReceived(
            AccessDenied
                | BadCertificate
                | CertificateExpired
                | CertificateRequired
                | CertificateRevoked
                | CertificateUnknown
                | UnknownCA
                | UnsupportedCertificate
        ))
    )
}

/// The innermost failure of the network that says of what kind it is.
pub(super) fn io_kind(error: &dyn Error) -> Option<io::ErrorKind> {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .map(io::Error::kind)
        .filter(|kind| *kind != io::ErrorKind::Other)
        .last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    #[test]
    fn finds_what_io_errors_hide() {
        let hidden = io::Error::other(io::Error::new(
            io::ErrorKind::InvalidData,
            rustls::Error::DecryptError,
        ));
        assert_eq!(tls(&Outer(hidden)), Some(&rustls::Error::DecryptError));
        let refused = Outer(io::Error::other(io::Error::from(io::ErrorKind::ConnectionRefused)));
        assert_eq!(io_kind(&refused), Some(io::ErrorKind::ConnectionRefused));
        assert_eq!(tls(&refused), None);
    }
}
