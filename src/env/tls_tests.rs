//! Both doors over real TLS: whom they trust, and that nothing is said to others.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, mpsc},
    time::Duration,
};

use bytes::Bytes;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::{
    MailEnvelope, ReqwestWire, Wire as _, WireError, WireSettings,
    mail::SmtpTransport,
    wire::{ClientIdentity, DoorSettings, install_crypto},
};
use crate::{
    channel::email::{MailSettings, TlsMode},
    model::{EmailAddress, OnBehalfOf, Outcome, ProviderId},
};

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "src/env/fixtures", name].iter().collect()
}

/// Serves one connection on its own thread, and tells what it was sent once TLS stood.
fn serve(
    talk: fn(TcpStream, Arc<ServerConfig>) -> std::io::Result<String>,
) -> (u16, mpsc::Receiver<String>) {
    install_crypto();
    serve_as(Arc::new(rustls::server::NoClientAuth), talk)
}

/// So, asking clients who they are.
#[expect(clippy::disallowed_methods, reason = "a test's server is no part of the daemon")]
fn serve_as(
    clients: Arc<dyn ClientCertVerifier>,
    talk: fn(TcpStream, Arc<ServerConfig>) -> std::io::Result<String>,
) -> (u16, mpsc::Receiver<String>) {
    let chain = vec![CertificateDer::from_pem_file(fixture("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(fixture("server.key")).unwrap();
    let config =
        ServerConfig::builder().with_client_cert_verifier(clients).with_single_cert(chain, key);
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let _ = tell.send(talk(stream, config).unwrap_or_default());
    });
    (port, told)
}

fn tls(stream: TcpStream, config: Arc<ServerConfig>) -> StreamOwned<ServerConnection, TcpStream> {
    StreamOwned::new(ServerConnection::new(config).unwrap(), stream)
}

fn web(stream: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<String> {
    let mut stream = tls(stream, config);
    let mut read = vec![0; 4096];
    let size = stream.read(&mut read)?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
    stream.flush()?;
    Ok(String::from_utf8_lossy(&read[..size]).into_owned())
}

/// The dialogue inside TLS, after the greeting or after `STARTTLS`.
fn relay(
    stream: StreamOwned<ServerConnection, TcpStream>,
    greeting: &str,
) -> std::io::Result<String> {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(greeting.as_bytes())?;
    let mut heard = String::new();
    loop {
        let start = heard.len();
        if stream.read_line(&mut heard)? == 0 {
            return Ok(heard);
        }
        let reply = match &heard[start..] {
            line if line.starts_with("EHLO") => "250-relay\r\n250 AUTH PLAIN\r\n",
            line if line.starts_with("AUTH") => "235 ok\r\n",
            "DATA\r\n" => "354 go\r\n",
            ".\r\n" => {
                stream.get_mut().write_all(b"250 ok\r\n")?;
                return Ok(heard);
            }
            line if line.starts_with("MAIL") || line.starts_with("RCPT") => "250 ok\r\n",
            _ => continue,
        };
        stream.get_mut().write_all(reply.as_bytes())?;
    }
}

fn implicit(stream: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<String> {
    relay(tls(stream, config), "220 relay\r\n")
}

fn starttls(mut stream: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<String> {
    stream.write_all(b"220 relay\r\n")?;
    let mut lines = BufReader::new(stream.try_clone()?);
    for reply in ["250-relay\r\n250 STARTTLS\r\n", "220 go\r\n"] {
        lines.read_line(&mut String::new())?;
        stream.write_all(reply.as_bytes())?;
    }
    relay(tls(stream, config), "")
}

async fn get(url: String, ca_file: Option<PathBuf>) -> Result<u16, WireError> {
    let wire = ReqwestWire::new(&WireSettings {
        ca_file,
        timeout: Duration::from_secs(10),
        ..WireSettings::default()
    })
    .unwrap();
    let request = http::Request::get(url).body(Bytes::new()).unwrap();
    wire.call(request).await.map(|answer| answer.status().as_u16())
}

#[tokio::test]
async fn the_wire_trusts_its_own_authority_and_no_stranger() {
    let (port, told) = serve(web);
    let own = Some(fixture("ca.pem"));
    assert_eq!(get(format!("https://localhost:{port}/x"), own.clone()).await, Ok(200));
    assert!(told.recv().unwrap().starts_with("GET /x HTTP/1.1\r\n"));

    for (what, host, ca_file) in
        [("unknown authority", "localhost", None), ("another name", "127.0.0.1", own)]
    {
        let (port, told) = serve(web);
        let error = get(format!("https://{host}:{port}/x"), ca_file).await.unwrap_err();
        assert!(
            matches!(&error, WireError::NotSent(why) if why.contains("certificate")),
            "{what}: {error}"
        );
        assert_eq!(told.recv().unwrap(), "", "{what}");
    }
}

#[tokio::test]
async fn an_account_shows_its_certificate_and_others_do_not() {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(fixture("client-ca.pem")).unwrap()).unwrap();
    install_crypto();
    let clients = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
    let read = |name: &str| std::fs::read_to_string(fixture(name)).unwrap();
    let account = ProviderId::new("gw").unwrap();
    let identity =
        ClientIdentity { certificate: read("client.pem"), key: read("client.key").into() };
    let door = DoorSettings { identity: Some(identity), ..DoorSettings::default() };
    let settings = WireSettings {
        ca_file: Some(fixture("ca.pem")),
        timeout: Duration::from_secs(10),
        accounts: [(account.clone(), door)].into(),
        ..WireSettings::default()
    };
    let wire = ReqwestWire::new(&settings).unwrap();
    for known in [true, false] {
        let (port, told) = serve_as(clients.clone(), web);
        let mut request =
            http::Request::get(format!("https://localhost:{port}/x")).body(Bytes::new()).unwrap();
        if known {
            request.extensions_mut().insert(OnBehalfOf(account.clone()));
        }
        assert_eq!(wire.call(request).await.is_ok(), known);
        assert_eq!(told.recv().unwrap().starts_with("GET /x "), known);
    }

    let mut broken = settings;
    broken.accounts.get_mut(&account).unwrap().identity.as_mut().unwrap().key =
        read("server.key").into();
    let said = ReqwestWire::new(&broken).unwrap_err().to_string();
    assert!(said.contains("[providers.gw]") && said.contains("client-key-file"), "{said}");
}

#[tokio::test]
async fn mail_trusts_its_own_authority_and_no_stranger() {
    let accepted = Outcome::Accepted { reference: None, parts: None };
    let refused = |phase: &str| Outcome::Retry {
        after: None,
        code: format!("tls-{phase}"),
        provider_wide: true,
    };
    let own = Some(fixture("ca.pem"));
    for (mode, host, ca_file, expected) in [
        (TlsMode::Implicit, "localhost", own.clone(), accepted.clone()),
        (TlsMode::Starttls, "localhost", own.clone(), accepted),
        (TlsMode::Implicit, "127.0.0.1", own.clone(), refused("connect")),
        (TlsMode::Starttls, "127.0.0.1", own, refused("starttls")),
        (TlsMode::Implicit, "localhost", None, refused("connect")),
        (TlsMode::Starttls, "localhost", None, refused("starttls")),
    ] {
        let (port, told) = serve(if mode == TlsMode::Implicit { implicit } else { starttls });
        let smtp = SmtpTransport::new(MailSettings {
            host: host.into(),
            port,
            tls: mode,
            credentials: Some(("narvaro".into(), "hemligt".into())),
            ca_file: ca_file.clone(),
            timeout: Duration::from_secs(10),
            data_timeout: Duration::from_secs(10),
            max_connections: 1,
            hello_name: "upprop.example".into(),
        })
        .unwrap();
        let address = |text| EmailAddress::new(text).unwrap();
        let envelope =
            MailEnvelope { from: address("studs@skola.example"), to: address("asa@example.se") };
        let message = Bytes::from_static(b"Subject: x\r\n\r\nHej\r\n");
        assert_eq!(smtp.deliver(&envelope, message).await, expected, "{mode:?} {host} {ca_file:?}");
        let heard = told.recv().unwrap();
        assert_eq!(heard.contains("Subject: x"), expected.class() == "accepted");
        assert_eq!(heard.contains("AUTH PLAIN"), expected.class() == "accepted");
    }
}
