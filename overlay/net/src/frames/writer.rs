//! Writes what waits in a link's queue to a stream, in large blocks.

use super::codec::{HEADER, Kind, header};
use crate::{
    figures::Figures,
    links::{Link, Outgoing},
};
use bytes::{Buf, Bytes, BytesMut};
use futures::AsyncWrite;
use libp2p::Stream;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// Small frames are gathered to this much for one write: what the muxer sends at once.
pub(crate) const BLOCK: usize = 64 << 10;
/// Larger frames are written from where they are.
const COPY: usize = 16 << 10;

/// The writing side of a stream.
#[derive(Debug)]
pub(crate) struct Writer {
    stream: Stream,
    /// Gathered and not yet written, then `large`.
    block: BytesMut,
    large: Bytes,
    /// Frames of the gathered block, to count them if they are lost.
    frames: u64,
    dirty: bool,
}

impl Writer {
    /// `incarnation` opens the stream; `record` follows.
    pub(crate) fn new(stream: Stream, incarnation: u64, record: &[u8]) -> Self {
        let mut block = BytesMut::with_capacity(4 << 10);
        block.extend_from_slice(&incarnation.to_le_bytes());
        if let Some(header) = header(Kind::Record, record.len()) {
            block.extend_from_slice(&header);
            block.extend_from_slice(record);
        }
        Self { stream, block, large: Bytes::new(), frames: 0, dirty: true }
    }

    /// Writes what waits until the stream takes no more. Ready only with an error.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        link: &Link,
        figures: &Figures,
    ) -> Poll<io::Error> {
        loop {
            if let Err(error) = ready!(self.poll_drain(cx)) {
                return Poll::Ready(error);
            }
            if !self.gather(link, figures) {
                return self.poll_flushed(cx);
            }
        }
    }

    /// Writes the rest of what was gathered and closes the writing side.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.stream).poll_close(cx)
    }

    /// Frames that were taken from the queue and may not have been written.
    pub(crate) fn unwritten(&self) -> u64 {
        if self.block.is_empty() && self.large.is_empty() { 0 } else { self.frames }
    }

    /// Whether something is gathered, or written and not flushed.
    pub(crate) fn is_busy(&self) -> bool {
        self.dirty || !self.block.is_empty() || !self.large.is_empty()
    }

    fn poll_flushed(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if self.dirty {
            match ready!(Pin::new(&mut self.stream).poll_flush(cx)) {
                Ok(()) => self.dirty = false,
                Err(error) => return Poll::Ready(error),
            }
        }
        Poll::Pending
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.block.is_empty() {
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.block))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.block.advance(count);
        }
        while !self.large.is_empty() {
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.large))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.large.advance(count);
        }
        Poll::Ready(Ok(()))
    }

    /// Takes frames from the queue; false if there are none.
    fn gather(&mut self, link: &Link, figures: &Figures) -> bool {
        self.frames = 0;
        self.block.clear();
        let mut bytes = 0;
        let mut queue = link.queue();
        while self.block.len() < BLOCK && self.large.is_empty() {
            let Some(Outgoing { kind, frame }) = queue.pop() else { break };
            let Some(header) = header(kind, frame.len()) else { continue };
            bytes += frame.len();
            self.frames += 1;
            self.block.extend_from_slice(&header);
            if frame.len() > COPY {
                self.large = frame;
            } else {
                self.block.extend_from_slice(&frame);
            }
        }
        drop(queue);
        if self.frames == 0 {
            return false;
        }
        self.dirty = true;
        figures.sent(usize::try_from(self.frames).unwrap_or(usize::MAX), bytes);
        debug_assert!(!self.block.is_empty() && HEADER > 0, "a frame has a header");
        true
    }
}
