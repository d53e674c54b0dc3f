//! One event as a JSON object.

use super::label::Label;
use crate::node::{Event, Message, Modules, Status, View};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cenacle_core::{GroupName, MemberId, Order, Semantics, Service};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeMap;

/// One line of events.
///
/// ```
/// use cenacle::event::{Body, Line};
///
/// let text = r#"{"time_us":7,"member":"1a2b3c4d.9/0","group":"ops","event":"leave"}"#;
/// let line: Line = serde_json::from_str(text)?;
/// assert_eq!(line.body, Body::Leave);
/// assert_eq!(serde_json::to_string(&line)?, text);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Microseconds since the Unix epoch, by this node's clock; never to be compared between nodes.
    pub time_us: u64,
    /// Whose event it is: a member, or the node where no group is concerned.
    pub member: Label,
    /// The group, unless the event is the node's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub group: Option<GroupName>,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Body {
    /// The node has started.
    Start {
        /// Its key as libp2p spells it.
        peer: String,
        /// Where it listens.
        addresses: Vec<String>,
    },
    /// The member wants in.
    Join {
        /// What the group promises.
        semantics: Semantics,
    },
    /// The member has left.
    Leave,
    /// The process was killed; who killed it writes this.
    Crash,
    /// A message has got its number and its view.
    Send {
        /// Its name.
        message: Label,
        /// Its view; none if the sender of an EVS group is no member.
        view: Option<Label>,
        /// How it travels.
        #[serde(with = "word")]
        service: Service,
        /// The addressee of a unicast.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        to: Option<Label>,
    },
    /// A message is delivered.
    Message {
        /// Its name.
        message: Label,
        /// The receiver's present view.
        view: Label,
        /// Its sender.
        from: Label,
        /// How it travelled.
        #[serde(with = "word")]
        service: Service,
        /// Its place, if it is agreed or safe.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        order: Option<(u64, u64)>,
        /// What it says.
        #[serde(flatten)]
        content: Content,
    },
    /// A view.
    View {
        /// Its name.
        view: Label,
        /// Its place: configuration's epoch, position.
        order: (u64, u64),
        /// The configuration that installed it.
        configuration: Label,
        /// Its members by seniority.
        members: Vec<Label>,
        /// Those that come from the same view.
        transitional: Vec<Label>,
        /// The fingerprint of its key, of a group with keys.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        key: Option<String>,
        /// What two people read to each other to compare members and charter, of a group with keys.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        safety: Option<String>,
        /// What members go by, of those that have said so.
        #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
        names: BTreeMap<String, String>,
        /// What agrees the key, encrypts, and decides.
        #[serde(default)]
        modules: Modules,
    },
    /// The transitional signal.
    Transitional {
        /// The view that ends.
        view: Label,
    },
    /// The next view wants to come.
    FlushRequest {
        /// The view that ends.
        view: Label,
    },
    /// The application has answered.
    FlushOk {
        /// The view that ends.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        view: Option<Label>,
    },
    /// A command, or the member, was refused.
    Refused {
        /// A word that programs can compare.
        reason: String,
        /// A sentence.
        detail: String,
        /// The command's.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        id: Option<serde_json::Value>,
    },
    /// How the member stands.
    State {
        /// A word: `offline`, `discovering`, `agreeing`, `secure`, `insecure`, `read_only`.
        state: String,
    },
    /// What the node is doing.
    Status(Box<StatusBody>),
    /// A command is done.
    Done {
        /// The command's.
        id: serde_json::Value,
    },
    /// State for a newcomer is under way.
    Transfer {
        /// So many bytes are here.
        bytes: u64,
        /// Of so many.
        total: u64,
    },
    /// Something went wrong, or may.
    Warning {
        /// A word that programs can compare.
        reason: String,
        /// A sentence.
        detail: String,
    },
}

/// A service as one word.
mod word {
    use super::Service;
    use crate::event::command::service_of;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(
        service: &Service,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(service.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Service, D::Error> {
        let word = String::deserialize(deserializer)?;
        service_of(&word).ok_or_else(|| de::Error::custom("no service has this name"))
    }
}

/// What a message says: text if it is UTF-8, otherwise bytes in base64.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// UTF-8.
    #[serde(serialize_with = "write_text", deserialize_with = "read_text")]
    Text(Bytes),
    /// Anything else.
    #[serde(serialize_with = "write_data", deserialize_with = "read_data")]
    Data(Bytes),
}

impl Content {
    /// Of these bytes.
    pub fn new(body: Bytes) -> Self {
        match std::str::from_utf8(&body) {
            Ok(_) => Self::Text(body),
            Err(_) => Self::Data(body),
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &Bytes {
        let (Self::Text(body) | Self::Data(body)) = self;
        body
    }
}

fn write_text<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(std::str::from_utf8(body).unwrap_or_default())
}

fn read_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    String::deserialize(deserializer).map(Bytes::from)
}

fn write_data<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(body))
}

fn read_data<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map(Bytes::from).map_err(de::Error::custom)
}

impl Body {
    /// What a member is told, in this form.
    pub fn of(member: MemberId, event: Event) -> Self {
        match event {
            Event::State(state) => Self::State { state: state.as_str().to_owned() },
            Event::View(view) => Self::of_view(&view),
            Event::Message(message) => Self::of_message(message),
            Event::Sent(sent) => Self::Send {
                message: Label::Message(member, sent.number),
                view: sent.view.map(Label::View),
                service: sent.service,
                to: sent.to.map(Label::Member),
            },
            Event::Transitional { view } => Self::Transitional { view: Label::View(view) },
            Event::FlushRequest { view } => Self::FlushRequest { view: Label::View(view) },
            Event::Left => Self::Leave,
            Event::Refused(refusal) => {
                Self::Refused { reason: refusal.code, detail: refusal.detail, id: None }
            }
            Event::NotSent { service, reason } => Self::Warning {
                reason: "not_sent".to_owned(),
                detail: format!(
                    "a message ({}) was accepted and not sent: {reason}",
                    service.as_str()
                ),
            },
        }
    }

    fn of_view(view: &View) -> Self {
        let labels = |members: &[MemberId]| members.iter().copied().map(Label::Member).collect();
        Self::View {
            view: Label::View(view.id),
            order: numbers(view.id.order),
            configuration: Label::Configuration(view.configuration),
            members: labels(&view.members),
            transitional: labels(&view.transitional),
            key: view.key.is_some().then(|| view.key.to_string()),
            safety: view.safety.clone(),
            names: view.names.iter().map(|(m, name)| (m.to_string(), name.clone())).collect(),
            modules: view.modules.clone(),
        }
    }

    fn of_message(message: Message) -> Self {
        Self::Message {
            message: Label::Message(message.from, message.number),
            view: Label::View(message.view),
            from: Label::Member(message.from),
            service: message.service,
            order: message.order.map(numbers),
            content: Content::new(message.body),
        }
    }
}

fn numbers(order: Order) -> (u64, u64) {
    (order.epoch, order.position.as_u64())
}

/// What a node is doing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StatusBody {
    /// The configuration's name.
    pub configuration: Label,
    /// Its leader.
    pub leader: Label,
    /// Its nodes by rank.
    pub nodes: Vec<Label>,
    /// Whether no next configuration is being agreed.
    pub operational: bool,
    /// The groups of this node.
    pub groups: Vec<StatusGroup>,
    /// The peers.
    pub peers: Vec<PeerStatus>,
    /// Traffic and queues.
    pub network: NetworkStatus,
    /// Drops by reason, `engine.…` and `network.…`.
    pub drops: BTreeMap<String, u64>,
}

/// A group of this node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StatusGroup {
    /// Its name.
    pub name: GroupName,
    /// This node's member.
    pub member: Label,
    /// How it stands.
    pub state: String,
    /// Its view.
    pub view: Option<Label>,
    /// The view's members.
    pub members: Vec<Label>,
    /// Bytes of events that are not read.
    pub unread: u64,
    /// Bytes of messages that wait for room.
    pub queued: u64,
}

/// A peer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PeerStatus {
    /// The node.
    pub node: Label,
    /// Its key as libp2p spells it.
    pub peer: String,
    /// Where it can be reached.
    pub addresses: Vec<String>,
    /// How frames go to it: `tcp`, `quic`, `relay`, `gossip`, `none`.
    pub path: String,
    /// Whether it is in the configuration.
    pub member: bool,
    /// The round trip in microseconds, where it has been measured.
    pub round_trip_us: Option<u64>,
    /// Bytes that wait for it.
    pub queue: u64,
}

/// Traffic and queues.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NetworkStatus {
    /// Where this node listens.
    pub listening: Vec<String>,
    /// Whether multicasts are gossiped.
    pub gossip: bool,
    /// Frames received.
    pub frames_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Frames sent.
    pub frames_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// Bytes that wait for the engine.
    pub inbox: u64,
    /// Bytes that the engine holds.
    pub held: u64,
    /// Bytes of events that the application has not read.
    pub unread: u64,
}

impl From<&Status> for StatusBody {
    fn from(status: &Status) -> Self {
        let (network, count) = (&status.network, |number: usize| number as u64);
        let drops = status.drops().into_iter();
        Self {
            configuration: Label::Configuration(status.configuration),
            leader: Label::Node(status.leader()),
            nodes: status.members.iter().copied().map(Label::Node).collect(),
            operational: status.operational,
            groups: status.groups.iter().map(StatusGroup::from).collect(),
            peers: network.peers.iter().map(PeerStatus::from).collect(),
            network: NetworkStatus {
                listening: network.listening.iter().map(ToString::to_string).collect(),
                gossip: network.gossip,
                frames_in: network.frames_in,
                bytes_in: network.bytes_in,
                frames_out: network.frames_out,
                bytes_out: network.bytes_out,
                inbox: count(network.inbox_bytes),
                held: count(status.memory.held),
                unread: count(status.unread),
            },
            drops: drops.map(|(layer, reason, n)| (format!("{layer}.{reason}"), n)).collect(),
        }
    }
}

impl From<&crate::node::GroupStatus> for StatusGroup {
    fn from(group: &crate::node::GroupStatus) -> Self {
        Self {
            name: group.name.clone(),
            member: Label::Member(group.member),
            state: group.state.as_str().to_owned(),
            view: group.view.map(Label::View),
            members: group.members.iter().copied().map(Label::Member).collect(),
            unread: group.unread as u64,
            queued: group.queued as u64,
        }
    }
}

impl From<&cenacle_net::Peer> for PeerStatus {
    fn from(peer: &cenacle_net::Peer) -> Self {
        let micros =
            |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self {
            node: Label::Node(peer.node),
            peer: peer.peer_id.to_string(),
            addresses: peer.addresses.iter().map(ToString::to_string).collect(),
            path: peer.path.as_str().to_owned(),
            member: peer.member,
            round_trip_us: peer.round_trip.map(micros),
            queue: peer.queue_bytes as u64,
        }
    }
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
