//! The line between two peers, and somebody who sits on it.

use async_std::io::{ReadExt, WriteExt};
use async_std::net::{TcpListener, TcpStream};
use async_std::task::{JoinHandle, spawn};
use futures::StreamExt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// More than this is not kept: a demo says a few hundred bytes.
const MOST: usize = 16 << 20;
const BLOCK: usize = 16 << 10;

/// A line that hands everything on and keeps a copy, as anybody on the way can.
pub(crate) struct Line {
    /// Where one connects instead of to the peer itself.
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl Line {
    /// A line to the peer at `to`.
    pub(crate) async fn to(to: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heard);
        let task = spawn(async move {
            let mut incoming = listener.incoming();
            while let Some(Ok(near)) = incoming.next().await {
                if let Ok(far) = TcpStream::connect(to).await {
                    spawn(carry(near.clone(), far.clone(), Arc::clone(&kept)));
                    spawn(carry(far, near, Arc::clone(&kept)));
                }
            }
        });
        Ok(Self { address, heard, task })
    }

    /// All that has passed so far, both ways.
    pub(crate) fn heard(&self) -> Vec<u8> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes no more connections.
    pub(crate) async fn close(self) {
        self.task.cancel().await;
    }
}

/// One direction, until it ends.
async fn carry(mut from: TcpStream, mut to: TcpStream, kept: Arc<Mutex<Vec<u8>>>) {
    let mut block = vec![0; BLOCK];
    while let Ok(length) = from.read(&mut block).await {
        let some = block.get(..length).unwrap_or_default();
        if some.is_empty() {
            break;
        }
        {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < MOST {
                kept.extend_from_slice(some);
            }
        }
        if to.write_all(some).await.is_err() {
            break;
        }
    }
    // Either end may have gone already.
    let _ = to.shutdown(std::net::Shutdown::Both);
}
