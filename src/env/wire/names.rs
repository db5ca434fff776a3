//! From names to addresses, by the system's own resolver, without those where no gateway can be: a name
//! is somebody else's to change. What is left is what the connection is made to; nobody looks it up a
//! second time.

use std::error::Error;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::env::cause;
use crate::model::endpoint;

/// The resolver of every client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names;

/// The name has addresses, but none where a gateway can be.
#[derive(Debug, thiserror::Error)]
#[error(
    "the host's name leads to addresses that are link-local, multicast, unspecified or a cloud's \
     metadata: no gateway is there"
)]
pub(super) struct NoService;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(fit(found.collect())?)
        })
    }
}

fn fit(found: Vec<SocketAddr>) -> Result<Addrs, NoService> {
    let all = found.len();
    let fit: Vec<SocketAddr> =
        found.into_iter().filter(|at| !endpoint::is_no_service(at.ip())).collect();
    if fit.is_empty() && all > 0 { Err(NoService) } else { Ok(Box::new(fit.into_iter())) }
}

/// Whether that was what went wrong.
pub(super) fn led_nowhere(error: &dyn Error) -> bool {
    cause::causes(error).any(<dyn Error>::is::<NoService>)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Finds a cloud's metadata by every name.
    struct Elsewhere;

    impl Resolve for Elsewhere {
        fn resolve(&self, _: Name) -> Resolving {
            let found = fit(vec!["169.254.169.254:0".parse().unwrap()]);
            Box::pin(async { Ok(found?) })
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_nowhere_is_told_of_and_not_called() {
        crate::env::wire::install_crypto();
        let client = reqwest::Client::builder().no_proxy().dns_resolver(Elsewhere).build().unwrap();
        let error = client.get("https://sms.example.se/").send().await.unwrap_err();
        let said = super::super::classify(&error);
        let expected = format!("{said:?}");
        assert!(matches!(said, crate::env::WireError::NotSent(_)), "{expected}");
        assert!(expected.contains("leads to addresses that are link-local"), "{expected}");
        assert!(!led_nowhere(&client.get("https://").send().await.unwrap_err()));
    }

    fn left(found: &[&str]) -> Result<Vec<String>, String> {
        let found = found.iter().map(|text| text.parse().unwrap()).collect();
        let fit = fit(found).map_err(|error| error.to_string())?;
        Ok(fit.map(|at| at.ip().to_string()).collect())
    }

    #[test]
    fn only_addresses_where_a_gateway_can_be_are_left() {
        let mixed = ["169.254.169.254:0", "192.0.2.1:0", "[fe80::1]:0", "[2001:db8::1]:0"];
        assert_eq!(left(&mixed), Ok(vec!["192.0.2.1".into(), "2001:db8::1".into()]));
        assert_eq!(left(&["10.1.2.3:0"]), Ok(vec!["10.1.2.3".into()]));
        assert_eq!(left(&[]), Ok(vec![]), "the name was not found");
        assert_eq!(left(&["[::ffff:169.254.169.254]:0", "0.0.0.0:0"]), Err(NoService.to_string()));
    }
}
