//! `[store]`, `[server]`, `[directory]`, `[log]` and `[telemetry]`: what the daemon stands on.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use jiff::SignedDuration;

use super::address::{base_url, http_url, judge};
use super::reader::Reader;
use super::words::Share;

/// Where durable state is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The folder.
    pub dir: PathBuf,
    /// Free bytes on its disk below which intake and sending stop.
    pub low_water_bytes: u64,
    /// The engine's page cache, in bytes.
    pub cache_bytes: u64,
    /// How long closed journal segments are kept.
    pub journal_keep: SignedDuration,
}

impl Store {
    pub(super) fn read(reader: Reader<'_>) -> Self {
        let loader = reader.context.loader;
        let store = Self {
            dir: reader.path("dir").unwrap_or_else(|| loader.path("/var/lib/upprop")),
            low_water_bytes: reader.size("low-water", "64 MiB", "1024 GiB").unwrap_or(512 << 20),
            cache_bytes: reader.size("cache", "1 MiB", "64 GiB").unwrap_or(8 << 20),
            journal_keep: reader
                .duration("journal-keep", "1d", "3660d")
                .unwrap_or(SignedDuration::from_hours(30 * 24)),
        };
        reader.finish();
        store
    }
}

/// How the daemon is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Address and port.
    pub listen: SocketAddr,
    /// The socket at which operators are answered.
    pub control: PathBuf,
    /// Largest request body, in bytes.
    pub max_body_bytes: u64,
    /// Most connections at once.
    pub max_connections: u32,
    /// How long a client may take for its request's head.
    pub header_timeout: SignedDuration,
    /// How long a client may take for its request's body.
    pub body_timeout: SignedDuration,
    /// How long an answer may take; then the sender is told to come again (503).
    pub answer_timeout: SignedDuration,
    /// How long a stop waits for requests and sends under way.
    pub drain_limit: SignedDuration,
}

/// Longest path of a Unix socket, in bytes (unix(7), `sun_path`).
const LONGEST_SOCKET: usize = 107;

impl Server {
    /// `store`: the store's folder, where the socket is unless told otherwise.
    pub(super) fn read(reader: Reader<'_>, store: &Path) -> Self {
        let seconds = SignedDuration::from_secs;
        let server = Self {
            listen: reader
                .parsed("listen", "an address and a port, as \"127.0.0.1:8750\"", |text| {
                    text.parse().map_err(|_| listen_suggestion(text))
                })
                .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8750))),
            control: reader.path("control").unwrap_or_else(|| store.join("control.sock")),
            max_body_bytes: reader.size("max-body", "1 KiB", "64 MiB").unwrap_or(1 << 20),
            max_connections: reader.integer("max-connections", 1..=65_535).unwrap_or(256),
            header_timeout: reader.duration("header-timeout", "1s", "5m").unwrap_or(seconds(15)),
            body_timeout: reader.duration("body-timeout", "1s", "5m").unwrap_or(seconds(10)),
            answer_timeout: reader.duration("answer-timeout", "1s", "5m").unwrap_or(seconds(14)),
            drain_limit: reader.duration("drain-limit", "1s", "5m").unwrap_or(seconds(20)),
        };
        if server.control.as_os_str().len() > LONGEST_SOCKET {
            reader.error_at_head(
                format!("the control socket {} has too long a path", server.control.display()),
                format!("write a path of at most {LONGEST_SOCKET} bytes as `control` of [server]"),
            );
        }
        if reader.has("listen") && !server.listen.ip().is_loopback() {
            reader.warn(
                "listen",
                format!("`listen` is {}, which other machines reach without TLS", server.listen),
                "listen on 127.0.0.1 behind a proxy that ends TLS, unless the network itself is closed",
            );
        }
        reader.finish();
        server
    }
}

/// `8750`, `:8750` and `localhost:8750` are told what to write instead.
fn listen_suggestion(text: &str) -> Option<String> {
    let port = text.rsplit(':').next()?.parse::<u16>().ok()?;
    let host = text.strip_suffix(&port.to_string())?.trim_end_matches(':');
    matches!(host, "" | "localhost").then(|| format!("127.0.0.1:{port}"))
}

/// How providers are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// For name look-up, TCP and TLS together.
    pub connect_timeout: SignedDuration,
    /// For a whole call, to the last byte of the answer.
    pub timeout: SignedDuration,
    /// Proxy for all calls; the environment's are not used.
    pub proxy: Option<String>,
    /// PEM file of roots to trust besides the system's.
    pub ca_file: Option<PathBuf>,
}

impl Http {
    pub(super) fn read(
        reader: Reader<'_>,
        judge_timeout: impl Fn(&Reader<'_>, SignedDuration),
    ) -> Self {
        let proxy = |text: &str| {
            let url = base_url(text)?;
            let port = url.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok());
            if port { Ok(url) } else { Err(Some(format!("{url}:8080"))) }
        };
        let http = Self {
            connect_timeout: reader
                .duration("connect-timeout", "1s", "1m")
                .unwrap_or(SignedDuration::from_secs(5)),
            timeout: reader
                .duration("timeout", "1s", "2m")
                .unwrap_or(SignedDuration::from_secs(20)),
            proxy: reader.parsed(
                "proxy",
                "a proxy with its port, as \"http://proxy.example.se:8080\"",
                proxy,
            ),
            ca_file: reader.path("ca-file"),
        };
        judge_timeout(&reader, http.timeout);
        reader.finish();
        http
    }
}

/// Where pupils, guardians and staff come from, and when a new load is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The folder of `pupils.csv`, `guardians.csv` and `staff.csv`; none: pushed over the API only.
    pub folder: Option<PathBuf>,
    /// How often the folder is looked at, besides when it says that it changed.
    pub poll: SignedDuration,
    /// A load with this much fewer pupils than the last is held back.
    pub max_drop_pupils: Share,
    /// A load with this much fewer guardians that can be reached is held back.
    pub max_drop_contacts: Share,
    /// Calling codes that texts may go to, without the plus.
    pub phone_countries: Vec<u16>,
}

/// The Nordic countries, the EU and EEA, the United Kingdom and Ukraine (providers.md §11).
const PHONE_COUNTRIES: [u16; 33] = [
    46, 45, 47, 354, 358, 30, 31, 32, 33, 34, 36, 39, 40, 43, 44, 48, 49, 351, 352, 353, 356, 357,
    359, 370, 371, 372, 380, 385, 386, 420, 421, 423, 41,
];

impl Directory {
    pub(super) fn read(reader: Reader<'_>) -> Self {
        let code = |text: &str| {
            let digits = text.strip_prefix('+').unwrap_or_default();
            let good = (1..=3).contains(&digits.len()) && !digits.starts_with('0');
            let bare = text.trim_start_matches("00");
            digits.parse::<u16>().ok().filter(|_| good).ok_or_else(|| {
                bare.parse::<u16>().ok().filter(|n| (1..=999).contains(n)).map(|n| format!("+{n}"))
            })
        };
        let directory = Self {
            folder: reader.path("folder"),
            poll: reader.duration("poll", "1s", "1d").unwrap_or(SignedDuration::from_mins(1)),
            max_drop_pupils: reader.share("max-drop-pupils").unwrap_or(Share::percent(20)),
            max_drop_contacts: reader.share("max-drop-contacts").unwrap_or(Share::percent(20)),
            phone_countries: reader
                .list("phone-countries", false, "calling codes, as [\"+46\", \"+47\"]", code)
                .unwrap_or_else(|| PHONE_COUNTRIES.to_vec()),
        };
        if directory.phone_countries.is_empty() {
            reader.warn(
                "phone-countries",
                "`phone-countries` is empty: no text will go to anybody",
                "write [\"+46\"]",
            );
        }
        reader.finish();
        directory
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One line of words.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// How.
    pub format: LogFormat,
    /// Which, in the language of `tracing_subscriber::EnvFilter`.
    pub filter: String,
}

impl Log {
    pub(super) fn read(reader: Reader<'_>) -> Self {
        let log = Self {
            format: reader
                .choice("format", &[("text", LogFormat::Text), ("json", LogFormat::Json)])
                .unwrap_or(LogFormat::Text),
            filter: reader
                .parsed("filter", "a log filter, as \"info\" or \"warn,upprop=debug\"", |text| {
                    tracing_subscriber::EnvFilter::builder()
                        .parse(text)
                        .map(|_| text.to_owned())
                        .map_err(|_| None)
                })
                .unwrap_or_else(|| "info".into()),
        };
        reader.finish();
        log
    }
}

/// Where traces go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// A collector that takes OTLP over HTTP; none: no traces.
    pub otlp_endpoint: Option<String>,
}

impl Telemetry {
    pub(super) fn read(reader: Reader<'_>) -> Self {
        let expected = "a collector's address, as \"http://127.0.0.1:4318/v1/traces\"";
        let otlp_endpoint = reader.parsed("otlp-endpoint", expected, http_url);
        if let Some(url) = &otlp_endpoint {
            judge(&reader, "otlp-endpoint", url, "ids of schools and messages");
        }
        reader.finish();
        Self { otlp_endpoint }
    }
}
