//! The ways to a peer: TCP and QUIC, by name too, and circuits through relays; all of them secured,
//! then through the handshake.

use crate::{
    error::Error,
    hello::{
        Role,
        gatekeeper::{Gatekeeper, admit_muxed},
    },
    muxer::Yamux,
    shared::Shared,
};
use either::Either::Left;
use libp2p::{
    PeerId, Transport,
    core::{
        ConnectedPoint, Endpoint,
        muxing::StreamMuxerBox,
        transport::{
            Boxed,
            timeout::{TransportTimeout, TransportTimeoutError},
        },
        upgrade::{SelectUpgrade, Version},
    },
    dns, identity, noise, quic, relay, tcp, tls,
};
use std::{io, sync::Arc};

/// What the swarm dials and listens with.
pub(crate) type Transports = Boxed<(PeerId, StreamMuxerBox)>;

type Secure = Gatekeeper<SelectUpgrade<tls::Config, noise::Config>>;

/// Builds all transports; `circuits` comes from the relay client.
pub(crate) fn build(
    keypair: &identity::Keypair,
    circuits: relay::client::Transport,
    shared: &Arc<Shared>,
) -> Result<Transports, Error> {
    let limits = &shared.limits;
    let yamux = Yamux::new(limits.max_streams, limits.receive_window);
    let secure = secure(keypair, shared)?;
    // A lost SYN is repeated after a second by the kernel: a new dial is faster.
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true));
    let tcp = TransportTimeout::with_outgoing_timeout(tcp, limits.connect)
        .map_err(|error| match error {
            TransportTimeoutError::Other(error) => error,
            other => io::Error::new(io::ErrorKind::TimedOut, other.to_string()),
        })
        .upgrade(Version::V1Lazy)
        .authenticate(secure.clone())
        .multiplex(yamux.clone())
        .timeout(limits.handshake)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        .map_err(|error| match error {
            // Of the socket: its kind tells a refusal.
            TransportTimeoutError::Other(Left(Left(error))) => error,
            // Of the handshakes: the other side has broken off.
            TransportTimeoutError::Other(other) => {
                io::Error::new(io::ErrorKind::ConnectionAborted, other.to_string())
            }
            other => io::Error::new(io::ErrorKind::TimedOut, other.to_string()),
        });
    let gate = shared.clone();
    let quic = quic::tokio::Transport::new(quic_config(keypair, shared))
        .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)))
        .and_then(move |(peer, muxer), point| admit_muxed(peer, muxer, role(&point), gate));
    let quic = TransportTimeout::new(quic, limits.handshake);
    let direct = quic
        .or_transport(tcp)
        .map(|either, _| either.into_inner())
        .map_err(|error| error.right_or_else(io::Error::other));
    let circuits = circuits
        .upgrade(Version::V1Lazy)
        .authenticate(secure)
        .multiplex(yamux)
        .timeout(limits.handshake)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let named = dns::tokio::Transport::system(direct)
        .map_err(|error| Error::Transport { what: "DNS", detail: error.to_string() })?
        .map_err(plain);
    let all = circuits
        .or_transport(named)
        .map(|either, _| either.into_inner())
        .map_err(|error| error.right_or_else(io::Error::other));
    Ok(all.boxed())
}

/// TLS before Noise: AES-GCM is faster than ChaCha20-Poly1305 where the processor knows it.
fn secure(keypair: &identity::Keypair, shared: &Arc<Shared>) -> Result<Secure, Error> {
    let tls = tls::Config::new(keypair)
        .map_err(|error| Error::Transport { what: "TLS", detail: error.to_string() })?;
    let noise = noise::Config::new(keypair)
        .map_err(|error| Error::Transport { what: "Noise", detail: error.to_string() })?;
    Ok(Gatekeeper::new(SelectUpgrade::new(tls, noise), shared.clone()))
}

fn quic_config(keypair: &identity::Keypair, shared: &Arc<Shared>) -> quic::Config {
    let limits = &shared.limits;
    let mut config = quic::Config::new(keypair);
    config.handshake_timeout = limits.handshake;
    config.max_concurrent_stream_limit = u32::try_from(limits.max_streams).unwrap_or(u32::MAX);
    config.max_connection_data = u32::try_from(limits.receive_window).unwrap_or(u32::MAX);
    config.max_stream_data = config.max_connection_data / 2;
    config
}

/// Who speaks first: the dialler, or, when a hole is punched, who was told to.
fn role(point: &ConnectedPoint) -> Role {
    match point {
        ConnectedPoint::Dialer { role_override: Endpoint::Dialer, .. } => Role::Initiator,
        ConnectedPoint::Dialer { role_override: Endpoint::Listener, .. }
        | ConnectedPoint::Listener { .. } => Role::Responder,
    }
}

/// The socket's error, if that is what it is. Of several addresses behind a name it is the one that
/// is no refusal, if there is one: then not all have refused.
fn plain(error: dns::Error<io::Error>) -> io::Error {
    match error {
        dns::Error::Transport(error) => error,
        dns::Error::Dial(errors) => {
            let mut errors: Vec<_> = errors.into_iter().map(plain).collect();
            let milder = errors.iter().position(|error| !is_refusal(error.kind())).unwrap_or(0);
            if milder < errors.len() {
                errors.swap_remove(milder)
            } else {
                io::Error::other("no address to dial")
            }
        }
        other => io::Error::other(other.to_string()),
    }
}

/// Whether nobody serves there: refused, or taken and closed again.
pub(crate) fn is_refusal(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
    )
}
