//! yamux as libp2p's muxer. libp2p-yamux does the same, but hides the two settings that matter
//! here: the bound of the receive windows (1 GiB a connection there), and how much is sent at once
//! (16 KiB there, each piece a record, a system call and a wake-up).

use futures::{
    AsyncRead, AsyncWrite,
    future::{Ready, ready},
};
use libp2p::core::{
    UpgradeInfo,
    muxing::{StreamMuxer, StreamMuxerEvent},
    upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade},
};
use std::{
    collections::VecDeque,
    io,
    iter::{Once, once},
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// Bytes of a stream that are sent at once.
pub(crate) const SPLIT: usize = 64 << 10;

/// The muxer's settings.
#[derive(Clone)]
pub(crate) struct Yamux(yamux::Config);

impl Yamux {
    /// `window` is at least 256 KiB for each of `streams`, which the caller has checked: yamux
    /// panics otherwise.
    pub(crate) fn new(streams: usize, window: usize) -> Self {
        let mut config = yamux::Config::default();
        config.set_split_send_size(SPLIT);
        // In this order: each call checks against the other's present value.
        config.set_max_connection_receive_window(None);
        config.set_max_num_streams(streams);
        config.set_max_connection_receive_window(Some(window));
        Self(config)
    }
}

impl UpgradeInfo for Yamux {
    type Info = &'static str;
    type InfoIter = Once<&'static str>;

    fn protocol_info(&self) -> Self::InfoIter {
        once("/yamux/1.0.0")
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> InboundConnectionUpgrade<C> for Yamux {
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<Result<Muxer<C>, io::Error>>;

    fn upgrade_inbound(self, io: C, _: &'static str) -> Self::Future {
        ready(Ok(Muxer::new(yamux::Connection::new(io, self.0, yamux::Mode::Server))))
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> OutboundConnectionUpgrade<C> for Yamux {
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<Result<Muxer<C>, io::Error>>;

    fn upgrade_outbound(self, io: C, _: &'static str) -> Self::Future {
        ready(Ok(Muxer::new(yamux::Connection::new(io, self.0, yamux::Mode::Client))))
    }
}

/// One connection. yamux moves only when it is asked for inbound streams, so they are kept until
/// they are wanted; the configured number of streams bounds them.
pub(crate) struct Muxer<C> {
    connection: yamux::Connection<C>,
    inbound: VecDeque<yamux::Stream>,
    wanting: Option<Waker>,
}

impl<C: AsyncRead + AsyncWrite + Unpin> Muxer<C> {
    fn new(connection: yamux::Connection<C>) -> Self {
        Self { connection, inbound: VecDeque::new(), wanting: None }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<yamux::Stream, io::Error>> {
        self.connection.poll_next_inbound(cx).map(|next| match next {
            Some(Ok(stream)) => Ok(stream),
            Some(Err(error)) => Err(into_io(error)),
            None => Err(into_io(yamux::ConnectionError::Closed)),
        })
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> StreamMuxer for Muxer<C> {
    type Substream = yamux::Stream;
    type Error = io::Error;

    fn poll_inbound(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<yamux::Stream, io::Error>> {
        let this = self.get_mut();
        if let Some(stream) = this.inbound.pop_front() {
            return Poll::Ready(Ok(stream));
        }
        let next = this.poll_next(cx);
        if next.is_pending() {
            this.wanting = Some(cx.waker().clone());
        }
        next
    }

    fn poll_outbound(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<yamux::Stream, io::Error>> {
        self.get_mut().connection.poll_new_outbound(cx).map_err(into_io)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        self.get_mut().connection.poll_close(cx).map_err(into_io)
    }

    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, io::Error>> {
        let this = self.get_mut();
        while let Poll::Ready(stream) = this.poll_next(cx) {
            this.inbound.push_back(stream?);
            if let Some(waker) = this.wanting.take() {
                waker.wake();
            }
        }
        Poll::Pending
    }
}

fn into_io(error: yamux::ConnectionError) -> io::Error {
    match error {
        yamux::ConnectionError::Io(error) => error,
        other => io::Error::other(other),
    }
}
