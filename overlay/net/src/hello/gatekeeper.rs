//! The handshake as a part of the transport: what it refuses never becomes a connection.

use super::{Handshake, Introduced, MAX_MESSAGE, Ours, Refused, Role, Step, refusal};
use crate::{keys, shared::Shared, status::Drop};
use futures::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, FutureExt,
    future::{self, BoxFuture},
    io::{BufReader, BufWriter},
};
use libp2p::{
    PeerId,
    core::{
        UpgradeInfo,
        muxing::{StreamMuxerBox, StreamMuxerExt},
        upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade},
    },
};
use std::{io, pin::pin, sync::Arc, task::Poll};

/// Bytes that are read from a socket at once: two records of TLS. rustls reads 4 KiB by itself.
const READ: usize = 32 << 10;
/// Bytes that are written at once: what the muxer sends at a time, with its header. Without it the
/// header would be a record and a system call of its own.
const WRITE: usize = crate::muxer::SPLIT + 64;

/// A secure channel's upgrade, with the handshake behind it.
#[derive(Clone)]
pub(crate) struct Gatekeeper<U> {
    inner: U,
    shared: Arc<Shared>,
}

impl<U> Gatekeeper<U> {
    pub(crate) fn new(inner: U, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<U: UpgradeInfo> UpgradeInfo for Gatekeeper<U> {
    type Info = U::Info;
    type InfoIter = U::InfoIter;

    fn protocol_info(&self) -> Self::InfoIter {
        self.inner.protocol_info()
    }
}

/// What TLS and Noise give: the peer and one of two channels.
type Either<A, B> = future::Either<(PeerId, A), (PeerId, B)>;
/// The channel after the handshake; writes are gathered.
pub(crate) type Channel<A, B> = BufWriter<future::Either<A, B>>;

impl<C, U, A, B> InboundConnectionUpgrade<C> for Gatekeeper<U>
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    U: InboundConnectionUpgrade<BufReader<C>, Output = Either<A, B>>,
    U::Future: Send + 'static,
    U::Error: std::error::Error + Send + Sync + 'static,
{
    type Output = (PeerId, Channel<A, B>);
    type Error = io::Error;
    type Future = BoxFuture<'static, Result<Self::Output, io::Error>>;

    fn upgrade_inbound(self, socket: C, info: Self::Info) -> Self::Future {
        let socket = BufReader::with_capacity(READ, socket);
        let secured = self.inner.upgrade_inbound(socket, info);
        let shared = self.shared;
        async move { admit(secured.await, Role::Responder, shared).await }.boxed()
    }
}

impl<C, U, A, B> OutboundConnectionUpgrade<C> for Gatekeeper<U>
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    U: OutboundConnectionUpgrade<BufReader<C>, Output = Either<A, B>>,
    U::Future: Send + 'static,
    U::Error: std::error::Error + Send + Sync + 'static,
{
    type Output = (PeerId, Channel<A, B>);
    type Error = io::Error;
    type Future = BoxFuture<'static, Result<Self::Output, io::Error>>;

    fn upgrade_outbound(self, socket: C, info: Self::Info) -> Self::Future {
        let socket = BufReader::with_capacity(READ, socket);
        let secured = self.inner.upgrade_outbound(socket, info);
        let shared = self.shared;
        async move { admit(secured.await, Role::Initiator, shared).await }.boxed()
    }
}

async fn admit<A, B, E>(
    secured: Result<Either<A, B>, E>,
    role: Role,
    shared: Arc<Shared>,
) -> io::Result<(PeerId, Channel<A, B>)>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
    E: std::error::Error + Send + Sync + 'static,
{
    let (peer, channel) = secured.map_err(io::Error::other)?.factor_first();
    let mut channel = BufWriter::with_capacity(WRITE, channel);
    shake(&mut channel, peer, role, &shared).await?;
    Ok((peer, channel))
}

/// The handshake on the first stream of a connection that comes with a muxer (QUIC).
pub(crate) async fn admit_muxed(
    peer: PeerId,
    mut muxer: StreamMuxerBox,
    role: Role,
    shared: Arc<Shared>,
) -> io::Result<(PeerId, StreamMuxerBox)> {
    let shaken = async {
        let mut stream = future::poll_fn(|cx| match role {
            Role::Initiator => muxer.poll_outbound_unpin(cx),
            Role::Responder => muxer.poll_inbound_unpin(cx),
        })
        .await?;
        let mut shaking = pin!(shake(&mut stream, peer, role, &shared));
        future::poll_fn(|cx| {
            // The muxer moves when it is asked; what it tells is told again later.
            if let Poll::Ready(Err(error)) = muxer.poll_unpin(cx) {
                return Poll::Ready(Err(error));
            }
            shaking.as_mut().poll(cx)
        })
        .await
    };
    shaken.await?;
    Ok((peer, muxer))
}

/// Runs the handshake on a channel that both sides' keys are proved on.
async fn shake(
    channel: &mut (impl AsyncRead + AsyncWrite + Unpin),
    peer: PeerId,
    role: Role,
    shared: &Shared,
) -> io::Result<()> {
    let Some(key) = keys::key_of(&peer) else {
        shared.refused(peer, Refused::Malformed, false);
        return Err(io::Error::other("the peer's key is not an Ed25519 key"));
    };
    let (outcome, by_them) = exchange(channel, peer, key, role, shared).await;
    match outcome {
        Ok(introduced) => {
            shared.admit(key, introduced);
            Ok(())
        }
        Err(Failure::Refused(refused)) => {
            shared.refused(peer, refused, by_them);
            Err(io::Error::other(refused))
        }
        Err(Failure::Io(error)) => {
            shared.figures.dropped(Drop::Handshake);
            Err(error)
        }
    }
}

enum Failure {
    Refused(Refused),
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The outcome, and whether it was the other side that refused.
async fn exchange(
    channel: &mut (impl AsyncRead + AsyncWrite + Unpin),
    peer: PeerId,
    key: [u8; 32],
    role: Role,
    shared: &Shared,
) -> (Result<Introduced, Failure>, bool) {
    let mut refused_by_us = false;
    let outcome = async {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(|_| io::Error::other("no random bytes"))?;
        let ours = Ours {
            role,
            key: shared.node.key,
            peer_key: key,
            nonce,
            incarnation: shared.node.incarnation,
            instance: shared.instance,
            record: shared.record().to_vec(),
        };
        let (mut handshake, first) = Handshake::new(&shared.entry, ours);
        if let Some(first) = first {
            write(channel, &first).await?;
        }
        loop {
            let message = read(channel).await?;
            let told = message.first() == Some(&255);
            // Who is not in the list is told so, and nothing else.
            let step = if !shared.entry.allows(&peer) && !told {
                Err(Refused::Admission)
            } else {
                handshake.receive(&message, |theirs| shared.judge(&key, theirs))
            };
            match step {
                Ok(Step::Send(message)) => write(channel, &message).await?,
                Ok(Step::Done(last, introduced)) => {
                    if let Some(last) = last {
                        write(channel, &last).await?;
                    }
                    return Ok(introduced);
                }
                Err(refused) => {
                    if !told {
                        refused_by_us = true;
                        write(channel, &refusal(refused)).await?;
                        // The other side reads why before the connection breaks.
                        let _ = channel.close().await;
                    }
                    return Err(Failure::Refused(refused));
                }
            }
        }
    }
    .await;
    (outcome, !refused_by_us)
}

async fn write(channel: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    channel.write_all(&length.to_be_bytes()).await?;
    channel.write_all(message).await?;
    channel.flush().await
}

async fn read(channel: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    channel.read_exact(&mut length).await?;
    let length = usize::from(u16::from_be_bytes(length));
    if length > MAX_MESSAGE {
        return Err(io::Error::other("a message of the handshake is too long"));
    }
    let mut message = vec![0; length];
    channel.read_exact(&mut message).await?;
    Ok(message)
}
