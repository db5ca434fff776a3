//! An SMS provider that does nothing but answer as 46elks does and remember when each text came. A
//! server of this process, so that one clock measures from the mark to the text.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// A provider that runs until the process ends.
pub struct Provider {
    /// Where it listens.
    pub address: SocketAddr,
    came: Arc<Mutex<BTreeMap<String, Vec<Instant>>>>,
}

impl Provider {
    /// Starts one whose answers take `delay`, on a thread of its own.
    pub fn start(delay: Duration) -> Self {
        let came = Arc::<Mutex<BTreeMap<String, Vec<Instant>>>>::default();
        let (told, address) = std::sync::mpsc::channel();
        let seen = came.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                told.send(listener.local_addr().expect("an address")).expect("somebody waits");
                loop {
                    let (stream, _) = listener.accept().await.expect("a connection");
                    let _ = stream.set_nodelay(true);
                    let seen = seen.clone();
                    tokio::spawn(async move {
                        let answer =
                            service_fn(move |request| answer(request, seen.clone(), delay));
                        let _ = hyper::server::conn::http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), answer)
                            .await;
                    });
                }
            });
        });
        Self { address: address.recv().expect("the provider started"), came }
    }

    /// When each pupil's texts came, by the given name; empties it.
    pub fn take(&self) -> BTreeMap<String, Vec<Instant>> {
        std::mem::take(&mut *self.came.lock().expect("came"))
    }

    /// How many texts have come since the last [`Self::take`].
    pub fn count(&self) -> usize {
        self.came.lock().expect("came").values().map(Vec::len).sum()
    }
}

async fn answer(
    request: Request<Incoming>,
    seen: Arc<Mutex<BTreeMap<String, Vec<Instant>>>>,
    delay: Duration,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let came = Instant::now();
    let body =
        request.into_body().collect().await.map_or_else(|_| Bytes::new(), Collected::to_bytes);
    let body = String::from_utf8_lossy(&body).into_owned();
    let serial = {
        let mut seen = seen.lock().expect("came");
        seen.entry(name(&body)).or_default().push(came);
        SERIAL.fetch_add(1, Ordering::Relaxed)
    };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let text = format!(
        r#"{{"id":"s{serial:x}","status":"created","direction":"outgoing","from":"Bjorkskolan","to":"+46701740605","parts":1,"cost":3500}}"#
    );
    let answer = Response::builder().header("content-type", "application/json");
    Ok(answer.body(Full::new(Bytes::from(text))).expect("a response"))
}

static SERIAL: AtomicU64 = AtomicU64::new(1);

/// The pupil that a text in a form is about: the made-up given names start with `Qv`.
fn name(body: &str) -> String {
    let at = body.find("Qv").unwrap_or(body.len());
    body[at..].chars().take_while(char::is_ascii_alphanumeric).collect()
}
