//! A gateway that asks for a client certificate: the account that has one is let in, and it alone shows
//! it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, Stream};
use upprop::env::wire::install_crypto;

use crate::inlet::{amend, put_file};
use crate::world::{Setup, World};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/env/fixtures").join(name)
}

/// A gateway that takes texts over TLS from those who show a certificate, and tells what it took.
#[expect(clippy::disallowed_methods, reason = "a test's server is no part of the daemon")]
fn gateway() -> (u16, mpsc::Receiver<String>) {
    install_crypto();
    let certificate = |name: &str| CertificateDer::from_pem_file(fixture(name)).expect("PEM");
    let mut roots = RootCertStore::empty();
    roots.add(certificate("client-ca.pem")).expect("an authority");
    let clients = WebPkiClientVerifier::builder(Arc::new(roots)).build().expect("a verifier");
    let key = PrivateKeyDer::from_pem_file(fixture("server.key")).expect("PEM");
    let config = ServerConfig::builder()
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![certificate("server.pem")], key)
        .expect("certificate and key");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut tls = ServerConnection::new(config.clone()).expect("TLS");
            let mut tls = Stream::new(&mut tls, &mut stream);
            let mut read = Vec::new();
            let mut piece = [0; 4096];
            // The field after the text is the last of the form.
            while !read.windows(6).any(|w| w == b"&to=%2") {
                match tls.read(&mut piece) {
                    Ok(size @ 1..) => read.extend_from_slice(&piece[..size]),
                    _ => break,
                }
            }
            let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nID: 7";
            let _ = tls.write_all(answer.as_bytes());
            tls.conn.send_close_notify();
            let _ = tls.flush();
            let _ = tell.send(String::from_utf8_lossy(&read).into_owned());
        }
    });
    (port, told)
}

async fn world(port: u16, with: &str) -> World {
    let mut world = Setup::default().prepare();
    for name in ["client.pem", "client.key"] {
        put_file(&world, &format!("secrets/{name}"), std::fs::read(fixture(name)).expect("PEM"));
    }
    let table = format!(
        "[providers.gw]\nkind = \"http\"\nurl = \"https://localhost:{port}/send\"\nauth = \"none\"\n\
         fields = {{ text = \"{{text}}\", to = \"{{to}}\" }}\n\
         reference-at = \"^ID: ([0-9]+)$\"\n{with}\n[sources.src]"
    );
    amend(&world, "[sources.src]", &table);
    let authority = fixture("ca.pem");
    amend(&world, "[http]", &format!("[http]\nca-file = \"{}\"", authority.display()));
    amend(&world, "sms-provider = \"elks\"", "sms-provider = \"gw\"");
    world.start().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_certificate_is_let_in() {
    let (port, told) = gateway();
    let files = "client-certificate-file = \"secrets/client.pem\"\n\
                 client-key-file = \"secrets/client.key\"";
    let known = world(port, files).await;
    known.accept(&known.marked("nils", "l1", "unexcused", 5)).await;
    known.logged("outcome=\"accepted\"", 1).await;
    let asked = told.recv().expect("the gateway runs");
    assert!(asked.starts_with("POST /send ") && asked.contains("46701740607"), "{asked}");
    assert!(!known.log().contains("PRIVATE KEY"), "no secret is logged");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_none_is_not_and_nothing_is_taken_for_sent() {
    let (port, told) = gateway();
    let stranger = world(port, "").await;
    stranger.accept(&stranger.marked("nils", "l1", "unexcused", 5)).await;
    let asked = tokio::task::block_in_place(|| told.recv()).expect("the gateway runs");
    assert_eq!(asked, "", "nothing was read from a stranger");
    stranger.logged("outcome=", 1).await;
    assert_eq!(stranger.lines("outcome=\"accepted\""), 0, "{}", stranger.log());
}
