//! `[providers.<id>]`: the accounts that texts go through.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use secrecy::SecretString;

use super::address::{base_url, judge};
use super::http_provider::HttpProvider;
use super::reader::Reader;
use super::secret::{is_guessable, is_path_segment};
use super::source::url_id;
use super::words;
use crate::model::{ProviderId, Rate, SHORTEST_SECRET};

/// 46elks (providers.md §2).
#[derive(Debug, Clone)]
pub struct Elks {
    /// Start of every address; no slash at the end.
    pub url: String,
    /// API username.
    pub username: SecretString,
    /// API password.
    pub password: SecretString,
    /// Whether the provider keeps the text in its history.
    pub keep_text: bool,
}

/// What is spoken.
#[derive(Debug, Clone)]
pub enum ProviderKind {
    /// 46elks.
    Elks(Elks),
    /// Any gateway that takes a text in one HTTP request.
    Http(Box<HttpProvider>),
}

/// One provider account.
#[derive(Debug, Clone)]
pub struct Provider {
    /// What is spoken.
    pub kind: ProviderKind,
    /// Most texts a span, each of which holds; at least one.
    pub rates: Vec<Rate>,
    /// After how many failed texts in a row to one number the school is asked to check it.
    pub check_number_after: NonZeroU32,
    /// The part of the receipt address that nobody can guess; none: no receipts.
    pub receipt_secret: Option<SecretString>,
}

/// Just under 46elks' 100 a minute, so that order is decided here and not in its queue.
const RATE: &str = "90/min, burst 10";
/// Failed texts in a row that make a number doubtful: a telephone that is off fails once or twice.
const CHECK_NUMBER_AFTER: NonZeroU32 = NonZeroU32::new(3).expect("not zero");
/// Most rates of an account; each is a row that is written with every text.
const MOST_RATES: usize = 4;
/// 46elks queues above this, without an error (providers.md §2).
const ELKS_PER_MINUTE: f64 = 100.0;

impl Provider {
    pub(super) fn read_all(root: &Reader<'_>, public_url: bool) -> BTreeMap<ProviderId, Self> {
        let mut all = BTreeMap::new();
        for (name, reader) in root.tables("providers") {
            let provider = Self::read(&reader, public_url);
            if let Err(remedy) = url_id(&name) {
                reader.error_at_head(
                    format!("{name:?} cannot be the name of a provider: it becomes part of a URL"),
                    remedy,
                );
            } else if let (Some(provider), Ok(id)) = (provider, ProviderId::new(name)) {
                all.insert(id, provider);
            }
            reader.finish();
        }
        all
    }

    fn read(reader: &Reader<'_>, public_url: bool) -> Option<Self> {
        #[derive(Clone, Copy)]
        enum Kind {
            Elks,
            Http,
        }
        let kind = reader.choice("kind", &[("46elks", Kind::Elks), ("http", Kind::Http)]);
        let kind = reader.require("kind", kind, "\"46elks\"");
        let rates = rates(reader);
        let receipt_secret = reader.secret("receipt-secret-file");
        let check = reader.integer("check-number-after", 1..=100).and_then(NonZeroU32::new);
        let check_number_after = check.unwrap_or(CHECK_NUMBER_AFTER);
        let unfit = |secret: &SecretString| is_guessable(secret) || !is_path_segment(secret);
        if receipt_secret.as_ref().is_some_and(unfit) {
            reader.error(
                "receipt-secret-file",
                format!("`receipt-secret-file`: the secret must stand in an address: {SHORTEST_SECRET} or more of A–Z, a–z, 0–9, - . _ ~"),
                "make one with `openssl rand -hex 32`",
            );
        }
        if receipt_secret.is_none() && !reader.has("receipt-secret-file") && public_url {
            reader.warn(
                "receipt-secret-file",
                "no `receipt-secret-file`: delivery reports are not taken, so undelivered texts go unnoticed",
                "add receipt-secret-file = \"name\"",
            );
        }
        let kind = match kind {
            Some(Kind::Elks) => elks(reader).map(ProviderKind::Elks),
            Some(Kind::Http) => {
                HttpProvider::read(reader).map(|http| ProviderKind::Http(Box::new(http)))
            }
            None => {
                // Unknown kinds have unknown keys; one problem is enough.
                reader.excuse_all();
                None
            }
        }?;
        if let (ProviderKind::Elks(elks), Some(rates)) = (&kind, &rates) {
            let too_fast = |rate: &Rate| {
                f64::from(rate.count.get()) * 60.0 / rate.per.as_secs_f64() > ELKS_PER_MINUTE
            };
            if rates.iter().all(too_fast) && elks.url.ends_with("46elks.com") {
                let all: Vec<_> = rates.iter().copied().map(words::rate_text).collect();
                reader.warn(
                    "rate",
                    format!(
                        "{} is above 46elks' usual 100 a minute, beyond which it queues in silence",
                        all.join(" and ")
                    ),
                    format!("write rate = \"{RATE}\", unless your account has a higher limit"),
                );
            }
        }
        let rates = rates.unwrap_or_else(|| vec![words::rate(RATE).expect("written by us")]);
        Some(Self { kind, rates, check_number_after, receipt_secret })
    }
}

/// One rate, or several that all hold; warns of bursts above their counts.
fn rates(reader: &Reader<'_>) -> Option<Vec<Rate>> {
    let expected = "a rate as \"90/min\" or \"10/min, burst 3\", or a list of rates";
    let parse = |text: &str| words::rate(text).map_err(|words::Misspelt(write)| write);
    let rates = reader.list("rate", false, expected, parse)?;
    if !(1..=MOST_RATES).contains(&rates.len()) {
        reader.error(
            "rate",
            format!("`rate` has {} rates, expected 1–{MOST_RATES}", rates.len()),
            "write those that the account has, as [\"10/s\", \"5000/day\"]",
        );
        return None;
    }
    for rate in rates.iter().filter(|rate| rate.burst > rate.count) {
        reader.warn(
            "rate",
            format!(
                "`rate` lets {} come at once, more than the {} of its whole span",
                rate.burst, rate.count
            ),
            format!("write a burst of {} or less", rate.count),
        );
    }
    Some(rates)
}

/// The address that texts are posted to; an error when it is neither TLS nor this machine, or nowhere.
pub(super) fn url(
    reader: &Reader<'_>,
    parse: impl Fn(&str) -> Result<String, Option<String>>,
) -> Option<String> {
    let url = reader.parsed("url", "an address, as \"https://sms.example.se\"", parse)?;
    judge(reader, "url", &url, "numbers, names and the password");
    Some(url)
}

fn elks(reader: &Reader<'_>) -> Option<Elks> {
    let url = url(reader, base_url).unwrap_or_else(|| "https://api.46elks.com".into());
    let username = reader.secret("username-file");
    let password = reader.secret("password-file");
    let keep_text = reader.boolean("keep-text").unwrap_or(false);
    let username = reader.require("username-file", username, "\"46elks-username\"");
    let password = reader.require("password-file", password, "\"46elks-password\"");
    Some(Elks { url, username: username?, password: password?, keep_text })
}
