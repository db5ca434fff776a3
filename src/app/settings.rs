//! What configuration means to each room: one function a room, no decisions.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::task::TaskTracker;

use super::gateway::{GatewayFault, GatewayProblem, gateway};
use super::housekeeping;
use super::refusals::Refusal;
use crate::channel::email::{MailSettings, TlsMode};
use crate::channel::sms::{ProviderKind, ProviderSettings, elks::ElksSettings, http::HttpSettings};
use crate::config::{self, Config};
use crate::delivery::case_page::Pages;
use crate::delivery::{self, MailAccount, Provider};
use crate::directory::Directory;
use crate::env::Clock;
use crate::env::mail::{MailFolder, MailTransport, SmtpTransport};
use crate::env::wire::{ClientIdentity, DoorSettings, TokenSettings, WireSettings};
use crate::message::page_link::PageLinks;
use crate::model::{Endpoint, PlainHttp, ProviderId};
use crate::operate::retention::Clocks;
use crate::source::webhook::AuthSettings;
use crate::store::Kv;
use crate::web::control::Control;
use crate::{directory, store, web};

/// Store.
pub fn store_settings(config: &Config) -> store::Settings {
    store::Settings {
        low_water_bytes: config.store.low_water_bytes,
        cache_bytes: config.store.cache_bytes,
        journal_keep: config.store.journal_keep,
        ..store::Settings::new(&config.store.dir)
    }
}

/// What operators are answered from, without a daemon around it.
pub fn control(
    config: &Config,
    kv: Arc<dyn Kv>,
    clock: Arc<dyn Clock>,
    directory: Arc<ArcSwap<Directory>>,
) -> Control {
    let mail = config.mail.as_ref().map(|mail| mail_account(mail).id);
    Control {
        kv,
        clock,
        directory,
        accounts: config.providers.keys().cloned().chain(mail).collect(),
        sources: super::sources::described(config),
        probes: None,
        tracker: TaskTracker::new(),
        running: None,
        embedded: Arc::default(),
        remains: remains(config),
        feed: None,
        reloads: None,
    }
}

/// What is kept how long.
pub(super) fn housekeeping(config: &Config) -> housekeeping::Plan {
    let kept = &config.retention;
    // All schools of a municipality have one clock.
    let zone = config.schools.values().next().map(|school| school.zone.clone());
    let zone = zone.or_else(|| TimeZone::get("Europe/Stockholm").ok()).unwrap_or(TimeZone::UTC);
    housekeeping::Plan {
        clocks: Clocks {
            contacts: kept.contacts,
            evidence: kept.evidence,
            counters: kept.counters,
        },
        journal_keep: config.store.journal_keep,
        backups: kept.backups.clone(),
        backups_keep: kept.backups_keep,
        compact: kept.compact.map(|when| (when, zone)),
    }
}

/// Where traces of a pupil are after an erasure, in words.
pub(super) fn remains(config: &Config) -> Vec<String> {
    let days = |span: jiff::SignedDuration| span.as_hours() / 24;
    let store = match config.retention.compact {
        Some(_) => "until the next compaction",
        None => "until `upprop store compact` is run: none is planned",
    };
    let mut remains = vec![
        format!(
            "the journal holds older versions of the rows for {} days, and the files of the store their bytes {store}; \
             `upprop store compact` removes both at once",
            days(config.store.journal_keep)
        ),
        format!(
            "backups in {}, and stores that a restore or a rebuild set aside in {} (`store.before-…`, \
             `journal.before-…`), hold them until they are {} days old; copies elsewhere are yours to remove",
            config.retention.backups.display(),
            config.store.dir.display(),
            days(config.retention.backups_keep)
        ),
        "the directory has the pupil as long as the school system's loads have; until then new events about the \
         pupil are taken as if nothing had been heard before, so take the pupil out of the source first"
            .into(),
        "rejected and failing numbers are kept as digests, without a pupil, until their time is out; providers keep \
         what their agreement says; the log holds opaque ids only"
            .into(),
    ];
    remains.extend(config.drop.values().map(|drop| {
        format!(
            "files in the folders done and rejected of {} hold what was exported until they are {} days old, and those \
             in current until the next export",
            drop.folder.display(),
            days(drop.keep)
        )
    }));
    remains
}

/// HTTP to providers.
pub fn wire_settings(config: &Config) -> WireSettings {
    WireSettings {
        connect_timeout: config.http.connect_timeout.unsigned_abs(),
        timeout: config.http.timeout.unsigned_abs(),
        proxy: config.http.proxy.clone(),
        ca_file: config.http.ca_file.clone(),
        accounts: config
            .providers
            .iter()
            .filter_map(|(id, provider)| Some((id.clone(), door(&provider.kind)?)))
            .chain(super::sources::doors(config))
            .collect(),
        ..WireSettings::default()
    }
}

/// What the wire adds for an account; none where it adds nothing.
fn door(kind: &config::ProviderKind) -> Option<DoorSettings> {
    let config::ProviderKind::Http(http) = kind else { return None };
    let (identity, token) = (http.identity.as_ref().map(identity), token(&http.auth));
    (identity.is_some() || token.is_some()).then_some(DoorSettings {
        identity,
        token,
        ..DoorSettings::default()
    })
}

/// Who we are to TLS.
pub(super) fn identity(own: &config::ClientIdentity) -> ClientIdentity {
    ClientIdentity { certificate: own.certificate.clone(), key: own.key.clone() }
}

/// Where tokens come from; none where nobody hands them out.
pub(super) fn token(auth: &config::HttpAuth) -> Option<TokenSettings> {
    let config::HttpAuth::Token(token) = auth else { return None };
    Some(TokenSettings {
        url: token.url.clone(),
        client_id: token.client_id.clone(),
        client_secret: token.client_secret.clone(),
        scope: token.scope.clone(),
        in_form: token.in_form,
    })
}

/// The mail transport.
///
/// # Errors
/// When the relay's settings contradict themselves or the folder cannot be made.
pub fn mail_transport(mail: &config::Mail) -> anyhow::Result<MailTransport> {
    match &mail.transport {
        config::MailTransport::File(folder) => Ok(MailTransport::File(MailFolder::new(folder)?)),
        config::MailTransport::Smtp(smtp) => {
            Ok(MailTransport::Smtp(Box::new(SmtpTransport::new(mail_settings(smtp))?)))
        }
    }
}

/// The relay.
pub(super) fn mail_settings(smtp: &config::Smtp) -> MailSettings {
    MailSettings {
        host: smtp.host.clone(),
        port: smtp.port,
        tls: match smtp.tls {
            config::Tls::StartTls => TlsMode::Starttls,
            config::Tls::Implicit => TlsMode::Implicit,
            config::Tls::None => TlsMode::None,
        },
        credentials: smtp.credentials.as_ref().map(|c| (c.user.clone(), c.secret.clone())),
        ca_file: smtp.ca_file.clone(),
        timeout: smtp.timeout.unsigned_abs(),
        data_timeout: smtp.data_timeout.unsigned_abs(),
        max_connections: usize::try_from(smtp.max_connections).unwrap_or(1),
        hello_name: smtp.hello_name.clone().unwrap_or_else(host_name),
    }
}

/// This host's name, for `EHLO`.
fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".into())
}

/// The mail account of the dispatcher.
pub(super) fn mail_account(mail: &config::Mail) -> MailAccount {
    MailAccount {
        id: ProviderId::new("mail").expect("a good id"),
        from: mail.from.clone(),
        from_name: Some(mail.from_name.clone()).filter(|name| !name.is_empty()),
        reply_to: mail.reply_to.clone(),
        domain: mail.message_id_domain.clone(),
        rate: Some(mail.rate),
    }
}

/// SMS accounts.
///
/// # Errors
/// When an adapter refuses settings: all that it refuses.
pub fn providers(config: &Config) -> Result<BTreeMap<ProviderId, Provider>, Vec<Refusal>> {
    let mut providers = BTreeMap::new();
    let mut faults = Vec::new();
    for (id, provider) in &config.providers {
        let kind = match provider_kind(id, &provider.kind) {
            Ok(kind) => kind,
            Err(GatewayProblem(found)) => {
                faults.extend(found.into_iter().map(|fault| Refusal {
                    table: format!("providers.{id}"),
                    key: fault.key,
                    message: fault.message,
                    remedy: fault.remedy.to_owned(),
                }));
                continue;
            }
        };
        let settings = ProviderSettings {
            id: id.clone(),
            kind,
            rates: provider.rates.clone(),
            receipt_secret: provider.receipt_secret.clone(),
        };
        providers.insert(
            id.clone(),
            Provider {
                id: id.clone(),
                api: Arc::from(settings.api()),
                rates: settings.rates.clone(),
                check_number_after: provider.check_number_after,
                receipt_url: receipt_url(config, id, provider.receipt_secret.as_ref()),
                ack: settings.receipt_ack(),
            },
        );
    }
    if faults.is_empty() { Ok(providers) } else { Err(faults) }
}

fn provider_kind(
    id: &ProviderId,
    kind: &config::ProviderKind,
) -> Result<ProviderKind, GatewayProblem> {
    match kind {
        config::ProviderKind::Http(http) => {
            let account = door(kind).map(|_| id.clone());
            let settings = HttpSettings { account, ..gateway(http)? };
            Ok(ProviderKind::Http(Box::new(settings)))
        }
        config::ProviderKind::Elks(elks) => {
            let base_url =
                Endpoint::parse(&elks.url, PlainHttp::LoopbackOnly).map_err(|error| {
                    let message = error.to_string();
                    GatewayProblem(vec![GatewayFault {
                        key: "url",
                        message,
                        remedy: "write https://…",
                    }])
                })?;
            Ok(ProviderKind::Elks(ElksSettings {
                base_url,
                username: elks.username.clone(),
                password: elks.password.clone(),
                keep_text: elks.keep_text,
            }))
        }
    }
}

fn receipt_url(config: &Config, id: &ProviderId, secret: Option<&SecretString>) -> Option<String> {
    let base = config.public_url.as_ref()?;
    Some(format!("{base}/receipts/{id}/{}", secret?.expose_secret()))
}

pub(super) fn receipt_secrets(config: &Config) -> BTreeMap<ProviderId, SecretString> {
    config
        .providers
        .iter()
        .filter_map(|(id, p)| Some((id.clone(), p.receipt_secret.clone()?)))
        .collect()
}

pub(super) fn delivery(config: &Config) -> delivery::Settings {
    let concurrency = usize::try_from(config.delivery.concurrency).unwrap_or(1);
    let mail = config.mail.as_ref().map(|m| match &m.transport {
        config::MailTransport::Smtp(smtp) => usize::try_from(smtp.max_connections).unwrap_or(1),
        config::MailTransport::File(_) => concurrency,
    });
    let defaults = delivery::Settings::default();
    delivery::Settings {
        sms_retry: config.delivery.sms_retry.clone(),
        email_retry: config.delivery.email_retry.clone(),
        settle: config.delivery.settle,
        sms_concurrency: concurrency,
        email_concurrency: mail.unwrap_or(concurrency),
        recipient_rate: config.delivery.recipient_rate,
        watch: delivery::watch::Plan {
            sources: super::sources::described(config),
            rules: delivery::watch::Rules {
                unreachable_after: config.watch.unreachable_after,
                lessons: config.watch.silent_lessons,
                silent_after: config.watch.silent_after,
                hours: config.watch.hours,
            },
        },
        pages: config.pages.as_ref().map(|pages| Pages {
            links: PageLinks::new(&pages.url, &pages.secret, pages.links_for),
            closes_after: config.retention.contacts,
        }),
        // What a provider shows after `settle` it shows after as long again.
        lookup_gap: defaults.lookup_gap.min(config.delivery.settle),
        ..defaults
    }
}

/// The directory.
pub fn directory_settings(config: &Config) -> directory::Settings {
    directory::Settings {
        folder: config.directory.folder.clone(),
        source: super::sources::directory(config),
        poll: config.directory.poll,
        brake: directory::brake::BrakeRules {
            max_drop_pupils: config.directory.max_drop_pupils.fraction(),
            max_drop_contacts: config.directory.max_drop_contacts.fraction(),
        },
        phone: directory::phone::PhoneRules {
            countries: config.directory.phone_countries.iter().copied().collect(),
        },
    }
}

pub(super) fn auth(source: &config::Source) -> AuthSettings {
    AuthSettings {
        bearer: source.bearer.clone(),
        basic: source.basic.iter().map(|c| (c.user.clone(), c.secret.clone())).collect(),
        signature: source.signature.clone(),
        tolerance: source.tolerance,
    }
}

pub(super) fn server(config: &Config) -> web::server::ServerSettings {
    let s = &config.server;
    web::server::ServerSettings {
        head_timeout: s.header_timeout,
        body_timeout: s.body_timeout,
        answer_timeout: s.answer_timeout,
        body_limit: web::LARGEST_DIRECTORY,
        connections: s.max_connections,
        drain: s.drain_limit,
        ..web::server::ServerSettings::default()
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
