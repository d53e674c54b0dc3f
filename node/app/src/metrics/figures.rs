//! A node's status in Prometheus' text form.

use crate::node::Status;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::fmt;

/// The text of a scrape.
pub(super) fn text(status: Status) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("cenacle");
    registry.register_collector(Box::new(Figures(status)));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Figures(Status);

/// A name and a value each.
type Labels = Vec<(&'static str, String)>;

impl Collector for Figures {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut out = Out(encoder);
        self.engine(&mut out)?;
        self.groups(&mut out)?;
        self.network(&mut out)?;
        self.peers(&mut out)
    }
}

impl Figures {
    fn engine(&self, out: &mut Out<'_>) -> fmt::Result {
        let Status { figures, memory, members, .. } = &self.0;
        out.counter("frames_taken", "Frames that the engine has taken", figures.frames)?;
        out.counter("messages_delivered", "Messages delivered to members", figures.delivered)?;
        out.counter("installations", "Configurations installed", figures.installations)?;
        out.gauge("configuration_nodes", "Nodes of the configuration", members.len())?;
        let leads = usize::from(self.0.leader() == self.0.node);
        out.gauge("leads", "Whether this node leads the configuration", leads)?;
        let operational = usize::from(self.0.operational);
        out.gauge("operational", "Whether no next configuration is being agreed", operational)?;
        out.gauge("engine_held_bytes", "Bytes that the engine holds", memory.held)?;
        out.gauge("engine_limit_bytes", "The most that the engine may hold", memory.limit)?;
        out.gauge("unread_bytes", "Events that the application has not read", self.0.unread)?;
        out.counter("notices_dropped", "Notices that nobody read", self.0.notices_dropped)?;
        let drops = self.0.drops().into_iter();
        out.counters(
            "drops",
            "What was dropped or refused, by layer and reason",
            drops.map(|(layer, reason, count)| {
                (vec![("layer", layer.to_owned()), ("reason", reason.to_owned())], count)
            }),
        )
    }

    fn groups(&self, out: &mut Out<'_>) -> fmt::Result {
        let labels = |group: &crate::node::GroupStatus| -> Labels {
            vec![("group", group.name.to_string()), ("member", group.member.to_string())]
        };
        let groups = || self.0.groups.iter();
        out.gauge("groups", "Members of this node in groups", self.0.groups.len())?;
        out.gauges(
            "view_members",
            "Members of the group's view; 0 without one",
            groups().map(|group| (labels(group), group.members.len())),
        )?;
        out.gauges(
            "group_unread_bytes",
            "Events that the member's application has not read",
            groups().map(|group| (labels(group), group.unread)),
        )?;
        out.gauges(
            "group_queued_bytes",
            "Messages that wait for room in the engine",
            groups().map(|group| (labels(group), group.queued)),
        )?;
        out.gauges(
            "group_state",
            "1 for the state that the member is in",
            groups().map(|group| {
                let mut labels = labels(group);
                labels.push(("state", group.state.to_string()));
                (labels, 1)
            }),
        )
    }

    fn network(&self, out: &mut Out<'_>) -> fmt::Result {
        let network = &self.0.network;
        out.counter("network_frames_received", "Frames received", network.frames_in)?;
        out.counter("network_received_bytes", "Their bytes", network.bytes_in)?;
        out.counter("network_frames_sent", "Frames sent, for each peer", network.frames_out)?;
        out.counter("network_sent_bytes", "Their bytes", network.bytes_out)?;
        out.gauge("network_inbox_bytes", "Bytes that wait for the engine", network.inbox_bytes)?;
        out.gauge("network_gossip_bytes", "Bytes that wait to be gossiped", network.gossip_bytes)?;
        out.gauge(
            "network_gossips",
            "Whether multicasts are gossiped",
            usize::from(network.gossip),
        )?;
        out.gauge("network_known_peers", "Peers in the address book", network.known)?;
        out.gauge("network_peers", "Peers that are connected or members", network.peers.len())
    }

    fn peers(&self, out: &mut Out<'_>) -> fmt::Result {
        let peers = || self.0.network.peers.iter();
        let labels = |peer: &cenacle_net::Peer| -> Labels {
            vec![("peer", peer.peer_id.to_string()), ("path", peer.path.as_str().to_owned())]
        };
        out.gauges(
            "peer_queue_bytes",
            "Bytes that wait for the peer",
            peers().map(|peer| (labels(peer), peer.queue_bytes)),
        )?;
        out.seconds(
            "peer_round_trip",
            "The last measured round trip",
            peers().filter_map(|peer| Some((labels(peer), peer.round_trip?.as_secs_f64()))),
        )
    }
}

struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let metric = ConstCounter::new(value);
        metric.encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    fn gauge(&mut self, name: &str, help: &str, value: usize) -> fmt::Result {
        let metric = ConstGauge::new(number(value));
        metric.encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    fn counters(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = (Labels, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn gauges(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = (Labels, usize)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            ConstGauge::new(number(value)).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn seconds(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = (Labels, f64)>,
    ) -> fmt::Result {
        let unit = prometheus_client::registry::Unit::Seconds;
        let mut family = self.0.encode_descriptor(name, help, Some(&unit), MetricType::Gauge)?;
        for (labels, value) in values {
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

fn number(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
