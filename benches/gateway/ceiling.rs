//! What the machine itself can do, measured in the same run as the gateway: a bare hyper server that
//! reads the same requests and answers as many bytes, and the disk's own flush of as many bytes.

use std::convert::Infallible;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::stats::Times;

/// The argument that makes this program the bare server.
pub const SERVE: &str = "--serve-bare";

/// A bare hyper server, in a process of its own as the gateway is.
pub struct Bare {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

impl Bare {
    /// Starts it.
    pub fn start() -> Self {
        let program = std::env::current_exe().expect("this program");
        let child =
            Command::new(program).arg(SERVE).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("the bare server starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("its address");
        Self { address: line.trim().parse().expect("an address"), child }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until killed.
pub async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let _ = request.into_body().collect().await;
    let body = Bytes::from_static(br#"{"accepted":1,"duplicate":0,"rejected":[]}"#);
    let answer = Response::builder().status(202).header("content-type", "application/json");
    Ok(answer.body(Full::new(body)).expect("a response"))
}

/// Times of `count` durable appends of `bytes` to one file on the store's disk: write, `fdatasync`; one
/// after the other, or with a pause between them.
pub fn flushes(dir: &Path, bytes: usize, count: usize, pause: Duration) -> Times {
    let path = dir.join("flushes");
    let file = File::create(&path).expect("a file");
    let block = vec![b'x'; bytes];
    let mut times = Vec::with_capacity(count);
    let began = Instant::now();
    let mut at = 0;
    // A slow disk is measured as well by fewer.
    while times.len() < count && (times.len() < 50 || began.elapsed() < Duration::from_secs(3)) {
        let start = Instant::now();
        file.write_all_at(&block, at).expect("room");
        file.sync_data().expect("a disk");
        times.push(start.elapsed());
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
        at += bytes as u64;
    }
    let _ = std::fs::remove_file(path);
    Times::new(times)
}
