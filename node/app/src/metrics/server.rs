//! As much HTTP as a scrape needs: `GET /metrics`, one request a connection.

use super::figures;
use crate::Error;
use crate::node::{NodeShared, Task, request_status, spawn, timeout};
use async_io::Async;
use futures::{AsyncReadExt, AsyncWriteExt};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The most bytes of a request's head: Prometheus sends a few hundred.
const MAX_HEAD: usize = 8 << 10;
/// Time for a request and its answer: half of the shortest usual scrape interval.
const LIMIT: Duration = Duration::from_secs(5);
/// Connections at once; more are closed at once. A scraper uses one.
const MAX_CONNECTIONS: usize = 8;
/// What a scrape takes, in the form's newest version.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves figures until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    task: Option<Task<()>>,
}

impl Server {
    /// Listens at `address`.
    pub(crate) fn start(address: SocketAddr, shared: Arc<NodeShared>) -> Result<Self, Error> {
        let listener = Async::<TcpListener>::bind(address)
            .map_err(|source| Error::Metrics { address, source: Arc::new(source) })?;
        if let Ok(address) = listener.get_ref().local_addr() {
            log::info!("figures are served at http://{address}/metrics");
        }
        Ok(Self { task: Some(spawn(serve(listener, shared))) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            // Cancelled by being told so: what it waits for is gone with it.
            spawn(async move { task.cancel().await });
        }
    }
}

async fn serve(listener: Async<TcpListener>, shared: Arc<NodeShared>) {
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                log::debug!("no connection to the figures: {error}");
                // Such as too many open files: others may close some.
                async_io::Timer::after(Duration::from_millis(100)).await;
                continue;
            }
        };
        if open.fetch_add(1, Ordering::AcqRel) >= MAX_CONNECTIONS {
            open.fetch_sub(1, Ordering::AcqRel);
            continue;
        }
        let (shared, open) = (Arc::clone(&shared), Arc::clone(&open));
        spawn(async move {
            if let Some(Err(error)) = timeout(LIMIT, answer(stream, &shared)).await {
                log::debug!("a request for figures broke off: {error}");
            }
            open.fetch_sub(1, Ordering::AcqRel);
        });
    }
}

async fn answer(mut stream: Async<TcpStream>, shared: &NodeShared) -> std::io::Result<()> {
    let Some(head) = read_head(&mut stream).await? else {
        return respond(&mut stream, "431 Request Header Fields Too Large", "", "too large\n")
            .await;
    };
    let mut words = head.split(|byte| *byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    if path != b"/metrics" {
        return respond(&mut stream, "404 Not Found", "", "figures are at /metrics\n").await;
    }
    if method != b"GET" {
        return respond(&mut stream, "405 Method Not Allowed", "Allow: GET\r\n", "GET\n").await;
    }
    let text = match request_status(shared).await {
        Ok(status) => figures::text(status).ok(),
        Err(_) => None,
    };
    match text {
        Some(text) => {
            let kind = format!("Content-Type: {TEXT}\r\n");
            respond(&mut stream, "200 OK", &kind, &text).await
        }
        None => respond(&mut stream, "503 Service Unavailable", "", "the node has stopped\n").await,
    }
}

/// What stands before the empty line; `None` if that is too much.
async fn read_head(stream: &mut Async<TcpStream>) -> std::io::Result<Option<Vec<u8>>> {
    let (mut head, mut part) = (Vec::new(), [0; 1024]);
    loop {
        let read = stream.read(&mut part).await?;
        head.extend_from_slice(part.get(..read).unwrap_or_default());
        if head.windows(4).any(|end| end == b"\r\n\r\n") {
            return Ok(Some(head));
        }
        if head.len() > MAX_HEAD {
            return Ok(None);
        }
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

async fn respond(
    stream: &mut Async<TcpStream>,
    status: &str,
    fields: &str,
    body: &str,
) -> std::io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{fields}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.close().await
}
