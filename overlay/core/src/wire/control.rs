//! Control frames: what is rare and may change shape, as CBOR.

use super::counts;
use crate::{
    configuration::Peer,
    ids::{Ballot, GroupName, MemberId, NodeId, Order, ViewId},
    input::Semantics,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// One control frame.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum Control {
    /// For the membership machine.
    Membership(Membership),
    /// For the groups machine of a member of the same configuration (named, since asks of another
    /// configuration mean nothing here).
    Ask(Ballot, Ask),
    /// Frame `inner`, of `origin`, wants to go to `to`: sent to a member with links to both.
    Relay {
        /// Who sent it.
        origin: NodeId,
        /// Where it goes.
        to: NodeId,
        /// The frame.
        inner: Bytes,
    },
}

/// What membership machines say to each other (docs/protocol.md section 6).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum Membership {
    /// A configuration exists.
    Beacon {
        /// Which.
        configuration: Ballot,
        /// Its leader.
        leader: Peer,
        /// How many nodes.
        size: u32,
    },
    /// A member heard this foreign beacon (to its leader).
    Heard {
        /// The foreign configuration.
        configuration: Ballot,
        /// Its leader.
        leader: Peer,
    },
    /// Do you hear me?
    Probe {
        /// Comes back.
        nonce: u64,
    },
    /// I hear you.
    ProbeReply {
        /// The probe's.
        nonce: u64,
        /// The highest epoch known.
        epoch: u64,
        /// The configuration installed.
        configuration: Ballot,
        /// Its members by rank, if the answering node leads it, else the answering node alone.
        members: Vec<Peer>,
    },
    /// Let us be a configuration.
    Propose {
        /// The ballot.
        ballot: Ballot,
        /// Who.
        nodes: Vec<NodeId>,
    },
    /// I follow; my past.
    Accept {
        /// The ballot.
        ballot: Ballot,
        /// What there is to recover.
        report: Report,
    },
    /// I do not follow.
    Reject {
        /// The ballot refused.
        ballot: Ballot,
        /// The highest promised here; the same or lower if the leader is alive.
        promised: Ballot,
    },
    /// How your old configuration ends.
    Recover {
        /// The ballot.
        ballot: Ballot,
        /// The plan for the receiver's old configuration.
        plan: Plan,
    },
    /// I have the whole target.
    Recovered {
        /// The ballot.
        ballot: Ballot,
    },
    /// It is.
    Install {
        /// The ballot, now the configuration's name.
        ballot: Ballot,
        /// Its members by rank.
        members: Vec<Peer>,
        /// Ranks that hold the same table, class by class.
        classes: Vec<Vec<u16>>,
    },
    /// I wait for this installation, and you have it.
    WantInstall {
        /// The ballot.
        ballot: Ballot,
    },
    /// I am going.
    Leaving,
    /// I have taken note.
    Farewell,
    /// To the acting leader: look after this node, I cannot reach it.
    Suspect {
        /// Who.
        node: NodeId,
    },
}

/// What a node brings to a recovery.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The configuration it comes from.
    pub(crate) configuration: Ballot,
    /// Its priority.
    pub(crate) priority: u32,
    /// The configuration in which its table last became whole.
    pub(crate) base: Ballot,
    /// The members of the old configuration, by rank.
    pub(crate) members: Vec<NodeId>,
    /// Complete entries per rank.
    #[serde(with = "counts")]
    pub(crate) complete: Vec<u64>,
    /// Effective promises per rank, at the complete prefix.
    #[serde(with = "counts")]
    pub(crate) promises: Vec<u64>,
    /// The stable vector it knows.
    #[serde(with = "counts")]
    pub(crate) stable: Vec<u64>,
}

/// How the survivors of one old configuration end it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The old configuration.
    pub(crate) configuration: Ballot,
    /// Ranks (of the old configuration) that go on.
    pub(crate) survivors: Vec<u16>,
    /// Where every stream ends.
    #[serde(with = "counts")]
    pub(crate) target: Vec<u64>,
    /// The rank of a survivor that has the stream up to there.
    pub(crate) holders: Vec<u16>,
    /// Joined promises.
    #[serde(with = "counts")]
    pub(crate) promises: Vec<u64>,
    /// Joined stability.
    #[serde(with = "counts")]
    pub(crate) stable: Vec<u64>,
}

/// What is asked of the leader; repeated until its effect is seen.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// I want to send ordered entries; my last turn had this number.
    Turn {
        /// The number of the asker's last grant in this configuration.
        last: u64,
    },
    /// From the leader: give your turn back when you can.
    Recall,
    /// To the leader, or from it: forward this rank's frames to me for a while.
    Subscribe {
        /// The origin.
        origin: u16,
    },
    /// Stamp my member's join.
    Join {
        /// The group.
        group: GroupName,
        /// Which member of the asker.
        local: u32,
        /// Which of that member's lives.
        life: u64,
        /// Its semantics.
        semantics: Semantics,
        /// Its charter.
        charter: Bytes,
        /// For the layer above.
        blob: Bytes,
    },
    /// Stamp my member's leave.
    Leave {
        /// The group.
        group: GroupName,
        /// Which member of the asker.
        local: u32,
        /// Which of that member's lives is over: a late copy does not put out its next one.
        life: u64,
        /// The end of the asker's stream: all that the member sent.
        end: u64,
    },
    /// My members have flushed.
    Flushed(Flushed),
    /// Stamp the renewal of a group that I have members in.
    Renew {
        /// The group.
        group: GroupName,
        /// The round that it has: in a later one it has had its new view.
        round: Order,
    },
    /// Put a member out of a group that I have members in.
    Expel {
        /// The group.
        group: GroupName,
        /// Who is to go.
        member: MemberId,
        /// Which of its lives.
        life: u64,
        /// Why.
        reason: String,
    },
}

/// A node's answer to a flush: its members in the group send nothing more in their view.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Flushed {
    /// The group.
    pub(crate) group: GroupName,
    /// The round it answers.
    pub(crate) round: Order,
    /// The view that its members leave; `None` if all are new.
    pub(crate) view: Option<ViewId>,
    /// Which of its members are in that view (the others in the table are new).
    pub(crate) locals: Vec<u32>,
    /// The nodes that moved together with it since that view.
    pub(crate) running: Vec<NodeId>,
    /// The end of its stream.
    pub(crate) end: u64,
    /// For the layer above, by local member.
    pub(crate) blobs: Vec<(u32, Bytes)>,
}

/// A control entry: ordered, in the leader's stream (tables: in their class's first node's).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum ControlEntry {
    /// From P on wait for this node's promises.
    Grant {
        /// Who may send ordered entries.
        rank: u16,
        /// Counts that node's turns, from 1.
        number: u64,
    },
    /// A member wants in.
    Join {
        /// The rank of its node.
        rank: u16,
        /// Which of its members.
        local: u32,
        /// Which of that member's lives.
        life: u64,
        /// The group.
        group: GroupName,
        /// Its semantics.
        semantics: Semantics,
        /// Its charter.
        charter: Bytes,
        /// For the layer above.
        blob: Bytes,
        /// The leader's clock, Unix microseconds.
        stamped_at: u64,
    },
    /// A member is out.
    Leave {
        /// The rank of its node.
        rank: u16,
        /// Which of its members.
        local: u32,
        /// Which of that member's lives is over.
        life: u64,
        /// The group.
        group: GroupName,
        /// Put out by the leader, for this reason.
        expelled: Option<String>,
    },
    /// A class's table.
    Table(Table),
    /// The next view of a group.
    InstallView(InstallView),
    /// A group changes its view and not its members.
    Renew {
        /// The group.
        group: GroupName,
        /// The round that this ends; in another one it says nothing.
        round: Order,
    },
}

/// The table of a class: all its groups, with the members of the class's own nodes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, Default)]
pub(crate) struct Table {
    /// Its groups.
    pub(crate) groups: Vec<TableGroup>,
}

/// One group in a table.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct TableGroup {
    /// Its name.
    pub(crate) group: GroupName,
    /// Its semantics.
    pub(crate) semantics: Semantics,
    /// Its charter.
    pub(crate) charter: Bytes,
    /// The record of the layer above.
    pub(crate) record: Bytes,
    /// Members by seniority: rank of the node in the new configuration, local number, join.
    pub(crate) rows: Vec<TableRow>,
}

/// One member in a table. A node counts the joins of its members: a member that joins again under
/// the same local number lives another life.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct TableRow {
    /// The rank of its node in the new configuration.
    pub(crate) rank: u16,
    /// Which of its members.
    pub(crate) local: u32,
    /// Which of that member's lives.
    pub(crate) life: u64,
    /// The order of its join.
    pub(crate) joined: Order,
    /// Its join's blob, until its first view.
    pub(crate) blob: Bytes,
}

/// The next view of a group; its members are the table's at the entry's position.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct InstallView {
    /// The group.
    pub(crate) group: GroupName,
    /// Ignored unless this is the group's round at the entry's position.
    pub(crate) round: Order,
    /// Indices into the table's members, class by class, each with its previous view.
    pub(crate) classes: Vec<(Option<ViewId>, Vec<u32>)>,
    /// Blobs by index into the table's members.
    pub(crate) blobs: Vec<(u32, Bytes)>,
}
