//! One connection's frames, driven by the connection's task.

use super::{
    block::Blocks,
    codec::Kind,
    writer::{BLOCK, Writer},
};
use crate::{
    desk::Arrived,
    links::{Link, Port, Pushed},
    shared::Shared,
    status::Drop,
};
use bytes::Bytes;
use futures::AsyncRead;
use libp2p::{
    Stream, StreamProtocol,
    core::upgrade::ReadyUpgrade,
    swarm::{
        ConnectionHandler, ConnectionHandlerEvent, SubstreamProtocol,
        handler::{ConnectionEvent, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};
use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
};

/// The version in it is that of the frames' form; the handshake has agreed on it.
pub(crate) const PROTOCOL: StreamProtocol = StreamProtocol::new("/cenacle/frames/1");
/// Read at one go, before other connections have their turn.
const BUDGET: usize = 1 << 20;
/// A peer whose stream could not be opened so many times in a row does not speak the protocol.
const MAX_FAILURES: u32 = 3;

/// What the behaviour is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// The connection is of no use, or of another life of the peer: close it.
    Useless,
}

type Event = ConnectionHandlerEvent<ReadyUpgrade<StreamProtocol>, (), Verdict>;

/// The handler of one connection.
#[derive(Debug)]
pub(crate) struct Handler {
    shared: Arc<Shared>,
    link: Arc<Link>,
    port: Arc<Port>,
    outbound: Outbound,
    inbound: Option<Inbound>,
    failures: u32,
    /// The stream has been ended, and no other is opened.
    finishing: bool,
    useless: bool,
    told: bool,
}

#[derive(Debug)]
enum Outbound {
    None,
    Requested,
    Open(Writer),
    /// Another connection is the port: writes the rest out.
    Closing(Writer),
}

#[derive(Debug)]
struct Inbound {
    stream: Stream,
    blocks: Blocks,
}

/// How a turn of reading ended.
#[derive(PartialEq, Eq)]
enum Turn {
    Waits,
    Budget,
    Ended,
    Useless,
}

impl Handler {
    pub(crate) fn new(shared: Arc<Shared>, link: Arc<Link>, port: Arc<Port>) -> Self {
        Self {
            shared,
            link,
            port,
            outbound: Outbound::None,
            inbound: None,
            failures: 0,
            finishing: false,
            useless: false,
            told: false,
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Option<Event> {
        let active = self.port.active.load(Ordering::SeqCst) && !self.is_finished();
        match std::mem::replace(&mut self.outbound, Outbound::None) {
            Outbound::None if active && !self.useless => {
                self.outbound = Outbound::Requested;
                let protocol = SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ());
                return Some(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
            }
            Outbound::Open(mut writer) if active => {
                match writer.poll(cx, &self.link, &self.shared.figures) {
                    Poll::Pending => self.outbound = Outbound::Open(writer),
                    Poll::Ready(error) => self.lost(&writer, &error),
                }
            }
            Outbound::Open(mut writer) | Outbound::Closing(mut writer) => {
                match writer.poll_close(cx) {
                    Poll::Pending => self.outbound = Outbound::Closing(writer),
                    Poll::Ready(Ok(())) => self.finishing = self.shared.is_stopping(),
                    Poll::Ready(Err(error)) => self.lost(&writer, &error),
                }
            }
            waiting => self.outbound = waiting,
        }
        None
    }

    /// This node stops, and there is nothing more to write.
    fn is_finished(&self) -> bool {
        let writes = match &self.outbound {
            Outbound::Open(writer) | Outbound::Closing(writer) => writer.is_busy(),
            // Opened even if nothing waits: its end is what the peer answers.
            Outbound::None => !self.finishing,
            Outbound::Requested => true,
        };
        self.shared.is_stopping() && !writes && self.link.queue().is_empty()
    }

    /// A stream broke. It is opened again as long as the connection holds.
    fn lost(&mut self, writer: &Writer, error: &std::io::Error) {
        log::debug!("stream to {} broke: {error}", self.link.node);
        self.shared.figures.dropped_many(Drop::PeerGone, writer.unwritten());
        self.failed();
    }

    fn failed(&mut self) {
        self.failures += 1;
        self.useless = self.failures >= MAX_FAILURES;
        // Opened again at the next poll.
        self.port.waker.wake();
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) {
        let Some(inbound) = &mut self.inbound else { return };
        match inbound.poll(cx, &self.shared, &self.link) {
            Turn::Waits => {}
            Turn::Budget => cx.waker().wake_by_ref(),
            Turn::Ended => {
                self.inbound = None;
                // It may wait for this before it closes the connection.
                let limit = self.shared.limits.peer_queue;
                if self.link.push(Kind::Seen, Bytes::new(), limit) == Pushed::Taken {
                    self.link.wake();
                }
            }
            Turn::Useless => {
                self.inbound = None;
                self.useless = true;
            }
        }
    }
}

impl Inbound {
    /// Reads what is there and hands it up, unless the engine has too much already.
    fn poll(&mut self, cx: &mut Context<'_>, shared: &Arc<Shared>, link: &Arc<Link>) -> Turn {
        let (mut frames, mut read) = (Vec::new(), 0);
        let turn = loop {
            if read >= BUDGET {
                break Turn::Budget;
            }
            if !shared.inbox.has_room(&link.waiting, cx) {
                break Turn::Waits;
            }
            match Pin::new(&mut self.stream).poll_read(cx, self.blocks.room()) {
                Poll::Pending => break Turn::Waits,
                Poll::Ready(Ok(0)) => break Turn::Ended,
                Poll::Ready(Err(error)) => {
                    log::debug!("stream of {} broke: {error}", link.node);
                    break Turn::Ended;
                }
                Poll::Ready(Ok(count)) => {
                    self.blocks.read(count);
                    read += count;
                }
            }
            if let Err(reason) = self.cut(shared, link, &mut frames) {
                shared.figures.dropped(reason);
                log::debug!("closed the stream of {}: {reason}", link.node);
                break Turn::Useless;
            }
            // What is at hand goes up before more is read: the queue's limit holds.
            if read >= BLOCK && !frames.is_empty() {
                shared.frames(link.node, std::mem::take(&mut frames), &link.waiting);
            }
        };
        if read > 0 {
            link.hear();
        }
        shared.frames(link.node, frames, &link.waiting);
        turn
    }

    fn cut(
        &mut self,
        shared: &Arc<Shared>,
        link: &Arc<Link>,
        frames: &mut Vec<Bytes>,
    ) -> Result<(), Drop> {
        match self.blocks.opening() {
            None => return Ok(()),
            Some(incarnation) if incarnation == link.node.incarnation => {}
            Some(_) => return Err(Drop::Superseded),
        }
        while let Some((kind, frame)) = self.blocks.next().map_err(|_| Drop::TooLarge)? {
            match kind {
                Some(Kind::Engine) => frames.push(frame),
                Some(Kind::Announcement) => {
                    if let Err(reason) = shared.announcements.receive(shared, link, &frame) {
                        shared.figures.dropped(reason);
                    }
                }
                Some(Kind::Record) => {
                    shared.desk.record(Arrived { record: frame, from: link.node });
                }
                Some(Kind::Seen) => link.seen.store(true, Ordering::SeqCst),
                // Of a later version, whatever it is.
                None => shared.figures.dropped(Drop::Malformed),
            }
        }
        Ok(())
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = std::convert::Infallible;
    type ToBehaviour = Verdict;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ())
    }

    fn connection_keep_alive(&self) -> bool {
        self.port.active.load(Ordering::SeqCst) && !self.useless
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        // Before anything is looked at, so that nothing that happens meanwhile is missed.
        self.port.waker.register(cx.waker());
        self.poll_read(cx);
        if let Some(request) = self.poll_write(cx) {
            return Poll::Ready(request);
        }
        if self.useless && !self.told {
            self.told = true;
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(Verdict::Useless));
        }
        Poll::Pending
    }

    /// The connection closes. The muxer is not moved here, so what its stream does not take at once
    /// is lost; a stop waits for [`Link::seen`] before it closes anything.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Option<Verdict>> {
        let outbound = std::mem::replace(&mut self.outbound, Outbound::None);
        if let Outbound::Open(mut writer) | Outbound::Closing(mut writer) = outbound {
            let _ = writer.poll_close(cx);
            self.shared.figures.dropped_many(Drop::PeerGone, writer.unwritten());
        }
        Poll::Ready(None)
    }

    fn on_behaviour_event(&mut self, event: std::convert::Infallible) {
        match event {}
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<Self::InboundProtocol, Self::OutboundProtocol>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol, ..
            }) => {
                // One at a time. A peer opens another when it has closed the last, or broken it.
                if self.inbound.is_some() {
                    self.shared.figures.dropped(Drop::Malformed);
                    return;
                }
                let blocks = Blocks::new(self.shared.limits.max_frame);
                self.inbound = Some(Inbound { stream: protocol, blocks });
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol, ..
            }) => {
                self.failures = 0;
                let record = self.shared.record();
                let writer = Writer::new(protocol, self.shared.node.incarnation, &record);
                self.outbound = Outbound::Open(writer);
            }
            ConnectionEvent::DialUpgradeError(error) => {
                log::debug!("cannot open a stream to {}: {}", self.link.node, error.error);
                self.outbound = Outbound::None;
                self.failed();
            }
            _ => {}
        }
    }
}
