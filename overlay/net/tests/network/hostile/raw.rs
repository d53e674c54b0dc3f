//! The protocols by hand: sockets, Noise, the handshake of an open overlay, yamux, multistream.

use async_std::net::TcpStream;
use cenacle_core::NodeId;
use cenacle_net::{Identity, Multiaddr};
use futures::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, SinkExt, StreamExt,
    channel::{mpsc, oneshot},
    future::poll_fn,
};
use libp2p::{core::upgrade::OutboundConnectionUpgrade, identity, noise};
use std::{net::SocketAddr, task::Poll, time::Duration};

type Secured = noise::Output<TcpStream>;

/// What the overlay `lab` is called by those who let everyone in.
fn tag() -> [u8; 32] {
    blake3::derive_key("cenacle 2026 overlay open tag v1", b"lab")
}

pub(crate) fn topic() -> String {
    let topic = blake3::derive_key("cenacle 2026 overlay gossip topic v1", &tag());
    format!("cenacle/1/{}", blake3::Hash::from_bytes(topic).to_hex())
}

pub(crate) fn socket_of(address: &Multiaddr) -> SocketAddr {
    let words: Vec<_> = address.to_string().split('/').map(str::to_owned).collect();
    format!("{}:{}", words[2], words[4]).parse().unwrap()
}

/// Someone who has a secure channel, and nothing else.
pub(crate) struct Stranger {
    channel: Secured,
}

impl Stranger {
    pub(crate) async fn connect(address: &Multiaddr) -> Self {
        Self::connect_as(address, &identity::Keypair::generate_ed25519()).await
    }

    async fn connect_as(address: &Multiaddr, key: &identity::Keypair) -> Self {
        let mut socket = TcpStream::connect(socket_of(address)).await.unwrap();
        select(&mut socket, "/noise").await.unwrap();
        let noise = noise::Config::new(key).unwrap();
        let (_, channel) = noise.upgrade_outbound(socket, "/noise").await.unwrap();
        Self { channel }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = self.channel.write_all(bytes).await;
        let _ = self.channel.flush().await;
    }

    /// A message of the handshake.
    pub(crate) async fn say(&mut self, message: &[u8]) {
        let mut bytes = u16::try_from(message.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend(message);
        self.write(&bytes).await;
    }

    /// The next message, or none when the channel is closed.
    pub(crate) async fn hear(&mut self) -> Option<Vec<u8>> {
        let channel = &mut self.channel;
        let read = async {
            let mut length = [0; 2];
            channel.read_exact(&mut length).await.ok()?;
            let mut message = vec![0; u16::from_be_bytes(length).into()];
            channel.read_exact(&mut message).await.ok()?;
            Some(message)
        };
        async_std::future::timeout(Duration::from_secs(20), read).await.expect("it hangs")
    }
}

pub(crate) fn greeting(kind: u8, tag: [u8; 32]) -> Vec<u8> {
    let mut out = vec![1];
    out.extend(b"cenacle\0");
    out.extend([1, 1, kind]);
    out.extend(tag);
    out.extend([3; 32]);
    out
}

/// Someone who was let in.
pub(crate) struct Insider {
    pub(crate) identity: Identity,
    incarnation: u64,
    wants: mpsc::Sender<oneshot::Sender<yamux::Stream>>,
    _driven: async_std::task::JoinHandle<()>,
}

impl Insider {
    pub(crate) async fn connect(address: &Multiaddr, incarnation: u64) -> Self {
        let identity = Identity::generate().unwrap();
        let mut seed = identity.secret_seed().unwrap();
        let key = identity::Keypair::ed25519_from_bytes(&mut seed[..]).unwrap();
        let mut stranger = Stranger::connect_as(address, &key).await;
        stranger.say(&greeting(0, tag())).await;
        assert_eq!(stranger.hear().await.unwrap()[0], 1);
        stranger.say(&[vec![2], vec![0; 32]].concat()).await;
        assert_eq!(stranger.hear().await.unwrap()[0], 3);
        let mut introduction = vec![3];
        introduction.extend(incarnation.to_be_bytes());
        introduction.extend([4; 16]);
        introduction.extend([0; 32]);
        introduction.extend([0, 0]);
        stranger.say(&introduction).await;
        assert_eq!(stranger.hear().await, Some(vec![4]));
        let mut channel = stranger.channel;
        select(&mut channel, "/yamux/1.0.0").await.unwrap();
        let mut config = yamux::Config::default();
        config.set_max_num_streams(1000);
        let connection = yamux::Connection::new(channel, config, yamux::Mode::Client);
        let (wants, wanted) = mpsc::channel(1);
        let driven = async_std::task::spawn(drive(connection, wanted));
        Self { identity, incarnation, wants, _driven: driven }
    }

    pub(crate) fn node(&self) -> NodeId {
        NodeId { key: self.identity.public_key(), incarnation: self.incarnation }
    }

    /// A stream on which nothing has been said; none if the connection is closed.
    pub(crate) async fn bare_stream(&mut self) -> Option<yamux::Stream> {
        let (answer, stream) = oneshot::channel();
        self.wants.send(answer).await.ok()?;
        stream.await.ok()
    }

    /// A stream of a protocol.
    pub(crate) async fn stream(&mut self, protocol: &str) -> yamux::Stream {
        let mut stream = self.bare_stream().await.unwrap();
        select(&mut stream, protocol).await.unwrap();
        stream
    }
}

/// Speaks the protocols of frames and gossip and no other, and reads what comes.
async fn answer_to(mut stream: yamux::Stream) {
    loop {
        let mut length = [0];
        if stream.read_exact(&mut length).await.is_err() {
            return;
        }
        let mut word = vec![0; length[0].into()];
        if stream.read_exact(&mut word).await.is_err() {
            return;
        }
        let known = [&b"/multistream/1.0.0"[..], b"/cenacle/frames/1", b"/meshsub/"];
        let knows = known.iter().any(|known| word.starts_with(known));
        let word = if knows { word } else { b"na\n".to_vec() };
        let last = word.starts_with(b"/cenacle") || word.starts_with(b"/meshsub");
        let answer = [vec![u8::try_from(word.len()).unwrap()], word].concat();
        if stream.write_all(&answer).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        if last {
            let mut sink = vec![0; 4096];
            while matches!(stream.read(&mut sink).await, Ok(1..)) {}
            return;
        }
    }
}

/// Moves the connection, answers streams of the other side, and opens what is wanted.
async fn drive(
    mut connection: yamux::Connection<Secured>,
    mut wanted: mpsc::Receiver<oneshot::Sender<yamux::Stream>>,
) {
    let mut answer = None;
    poll_fn(|cx| {
        loop {
            if answer.is_none()
                && let Poll::Ready(next) = wanted.poll_next_unpin(cx)
            {
                answer = next;
            }
            if answer.is_some() {
                match connection.poll_new_outbound(cx) {
                    Poll::Ready(Ok(stream)) => {
                        let _ = answer.take().unwrap().send(stream);
                        continue;
                    }
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => {}
                }
            }
            match connection.poll_next_inbound(cx) {
                Poll::Ready(Some(Ok(stream))) => drop(async_std::task::spawn(answer_to(stream))),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
}

/// multistream-select, as who dials.
async fn select(io: &mut (impl AsyncRead + AsyncWrite + Unpin), protocol: &str) -> Option<()> {
    for word in ["/multistream/1.0.0", protocol] {
        let mut bytes = vec![u8::try_from(word.len() + 1).unwrap()];
        bytes.extend(word.as_bytes());
        bytes.push(b'\n');
        io.write_all(&bytes).await.ok()?;
    }
    io.flush().await.ok()?;
    for word in ["/multistream/1.0.0", protocol] {
        let mut length = [0];
        io.read_exact(&mut length).await.ok()?;
        let mut bytes = vec![0; length[0].into()];
        io.read_exact(&mut bytes).await.ok()?;
        assert_eq!(bytes.strip_suffix(b"\n").unwrap(), word.as_bytes());
    }
    Some(())
}

/// A frame of a stream.
pub(crate) fn frame(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(bytes.len()).unwrap().to_le_bytes().to_vec();
    out[3] = kind;
    out.extend(bytes);
    out
}

/// An announcement of this insider.
pub(crate) fn announcement(insider: &Insider, sequence: u64, bytes: &[u8]) -> Vec<u8> {
    announcement_as(insider, insider.node(), sequence, bytes)
}

/// An announcement in the name of `origin`, with the insider's signature.
pub(crate) fn announcement_as(
    insider: &Insider,
    origin: NodeId,
    sequence: u64,
    bytes: &[u8],
) -> Vec<u8> {
    let mut out = vec![1];
    out.extend(origin.key);
    out.extend(origin.incarnation.to_be_bytes());
    out.extend(sequence.to_be_bytes());
    out.extend([1, 0, 0]);
    out.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend(bytes);
    let mut signed = b"cenacle 2026 frame envelope v1\0\0".to_vec();
    signed.extend(tag());
    signed.extend(blake3::hash(&out).as_bytes());
    out.extend(insider.identity.sign(&signed).unwrap());
    out
}

/// A message of gossipsub: an RPC in protobuf behind its length.
pub(crate) fn message(topic: &str, data: &[u8]) -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| {
        let mut out = vec![number << 3 | 2];
        varint(&mut out, bytes.len());
        out.extend(bytes);
        out
    };
    let message = [field(2, data), field(4, topic.as_bytes())].concat();
    let rpc = field(2, &message);
    let mut out = Vec::new();
    varint(&mut out, rpc.len());
    out.extend(rpc);
    out
}

fn varint(out: &mut Vec<u8>, mut number: usize) {
    while number >= 128 {
        out.push(u8::try_from(number % 128).unwrap() | 128);
        number /= 128;
    }
    out.push(u8::try_from(number).unwrap());
}
