//! What the self-test tries, from configuration: a request for each account that sends nothing, where mail goes, the
//! schools' zones and texts.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri};

use super::settings;
use crate::config::{Config, HttpAuth, MailTransport, ProviderKind};
use crate::directory::School;
use crate::env::Env;
use crate::message::{Templates, preview};
use crate::model::{OnBehalfOf, ProviderId};
use crate::operate::self_test::{AccountProbe, Line, MailProbe, Probes, Trial};

/// The longest that one check over the network may take, whatever is configured for sending.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is tried. `unread`: tables whose secrets could not be read here.
pub fn probes(config: &Config, env: &Env, unread: BTreeSet<String>) -> Probes {
    let mail_to = match config.mail.as_ref().map(|mail| &mail.transport) {
        None => MailProbe::None,
        Some(MailTransport::File(folder)) => MailProbe::Folder(folder.clone()),
        Some(MailTransport::Smtp(_)) => MailProbe::Relay,
    };
    let schools = config.schools.values();
    Probes {
        wire: env.wire.clone(),
        mail: env.mail.clone(),
        accounts: accounts(config),
        sources: super::sources::probes(config, env.clock.now()),
        mail_to,
        unread,
        zones: schools.map(|school| (school.id.clone(), school.zone.clone())).collect(),
        texts: texts(config),
        control: config.server.control.clone(),
        public_url: config.public_url.is_some(),
        patience: PATIENCE,
    }
}

fn accounts(config: &Config) -> Vec<AccountProbe> {
    // What they refuse has ended the start already.
    let apis = settings::providers(config).unwrap_or_default();
    let one = |(id, provider): (&ProviderId, &crate::config::Provider)| {
        let own = apis.get(id).and_then(|provider| provider.api.account());
        let (request, trial) = match (&provider.kind, own) {
            (_, Some(request)) => (request, Trial::Login),
            (ProviderKind::Http(http), None) => {
                let token = matches!(http.auth, HttpAuth::Token(_));
                let mut request = Request::head(origin(&http.url)?).body(Bytes::new()).ok()?;
                if token || http.identity.is_some() {
                    request.extensions_mut().insert(OnBehalfOf(id.clone()));
                }
                (request, if token { Trial::Token } else { Trial::Reach })
            }
            (ProviderKind::Elks(_), None) => return None,
        };
        Some(AccountProbe { id: id.clone(), request, trial })
    };
    config.providers.iter().filter_map(one).collect()
}

/// The root of a gateway's host: what stands behind it may be a place where texts are sent.
fn origin(url: &str) -> Option<Uri> {
    let host_at = url.find("://")? + 3;
    let end = url[host_at..].find(['/', '?']).map_or(url.len(), |at| host_at + at);
    format!("{}/", &url[..end]).parse().ok()
}

fn texts(config: &Config) -> Box<dyn Fn() -> Line + Send + Sync> {
    let folder = config.templates.clone();
    let schools: Vec<School> = config.schools.values().cloned().collect();
    Box::new(move || {
        let (check, remedy) = ("templates", "`upprop check` says where, and what to do");
        let templates = match Templates::load(folder.as_deref()) {
            Ok(templates) => templates,
            Err(found) => {
                return Line::failed(check, format!("{} problem(s) in them", found.len()), remedy);
            }
        };
        let mut rendered = 0;
        for school in &schools {
            let (id, most) = (&school.id, school.max_parts);
            // What does not fit in another language goes out in this one.
            let own = [templates.wording(school, &school.locale).schools].into();
            match preview::previews(&templates, school, &own) {
                Ok(previews) if preview::too_long(&previews, most).is_empty() => {
                    rendered += previews.len();
                }
                Ok(_) => {
                    return Line::failed(
                        check,
                        format!("a text of school {id} is too long"),
                        remedy,
                    );
                }
                Err(_) => {
                    return Line::failed(
                        check,
                        format!("the texts of school {id} cannot be made"),
                        remedy,
                    );
                }
            }
        }
        Line::ok(check, format!("{rendered} texts of {} school(s) rendered", schools.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_asked_at_its_root_alone() {
        for (url, root) in [
            ("https://sms.example.se/from/{from}/send?version=2", "https://sms.example.se/"),
            ("https://sms.example.se:8443?to={to}", "https://sms.example.se:8443/"),
            ("http://127.0.0.1:9", "http://127.0.0.1:9/"),
        ] {
            assert_eq!(origin(url).map(|uri| uri.to_string()).as_deref(), Some(root));
        }
    }
}
