//! The command line as it is written: words, not yet meanings.

use clap::{Parser, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Parser)]
#[command(
    name = "cenacle",
    version,
    about = "Secure group communication for peers",
    arg_required_else_help = false,
    max_term_width = 100,
    after_help = "Examples:\n  cenacle demo\n  cenacle init --dir alice\n  cenacle join ops --config alice/cenacle.toml\n  \
                  cenacle bench keys --sizes 10"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a node: events on standard output, commands on standard input
    #[command(long_about = RUN)]
    Run(Run),
    /// Run a node in one group: what you type, the others read
    #[command(long_about = JOIN)]
    Join(Join),
    /// Make an invitation to a group, for a peer to show when it joins
    #[command(long_about = INVITE)]
    Invite(Invite),
    /// Make a configuration file, an identity and an overlay's secret, to begin with
    Init(Init),
    /// Print the peer id and the listening addresses
    Id(Id),
    /// Tell everything that is wrong with a configuration, and open nothing
    Check(Check),
    /// List the modules that groups can choose: key agreement, ciphers, policies
    Plugins(Plugins),
    /// Measure
    #[command(
        arg_required_else_help = false,
        after_help = "Example:\n  cenacle bench keys --module tgdh --sizes 10"
    )]
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
    /// Show in a few seconds what a secure group is: no set-up needed
    Demo(Demo),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Costs and times of key agreement, beside the modules' contracts and the papers' figures
    #[command(long_about = KEYS)]
    Keys(Keys),
    /// The papers' rekeying experiments again: joins, leaves and the leader's death, cache cold or warm
    #[command(long_about = REKEY_STUDY)]
    RekeyStudy(RekeyStudy),
    /// Throughput and latency of multicast between processes
    #[cfg(target_os = "linux")]
    Multicast(Multicast),
    /// The time from a join, leave, crash, partition or merge to the last member's view
    #[cfg(target_os = "linux")]
    Views(Views),
    /// What nodes use that have nothing to do
    #[cfg(target_os = "linux")]
    #[command(long_about = IDLE)]
    Idle(Idle),
    /// A process of the other benchmarks
    #[cfg(target_os = "linux")]
    #[command(hide = true)]
    Member,
}

/// Where the members of a benchmark are.
#[cfg(target_os = "linux")]
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// loopback, or veth: a network namespace for each member, joined by a bridge (as root)
    #[arg(long, value_name = "NAME", default_value = "loopback")]
    pub(crate) network: String,
    /// tcp or quic
    #[arg(long, value_name = "NAME", default_value = "tcp")]
    pub(crate) transport: String,
    /// auto, direct or gossip
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub(crate) dissemination: String,
    /// Silence that the failure detector forgives [default: 1000]
    #[arg(long, value_name = "MS")]
    pub(crate) suspect_after_ms: Option<String>,
    /// The key agreement module of the group; none: no keys, no encryption of its own
    #[arg(long, value_name = "NAME", default_value = "none")]
    pub(crate) module: String,
    /// The cipher of a group with keys
    #[arg(long, value_name = "NAME", default_value = "chacha20poly1305")]
    pub(crate) cipher: String,
}

#[cfg(target_os = "linux")]
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cenacle bench multicast --size 100,1024 --seconds 2
  cenacle bench multicast --module tgdh --cipher aes256gcm --size 1024
  cenacle bench multicast --nodes 5 --senders all --network veth --json")]
pub(crate) struct Multicast {
    /// How many members, 1 to 100
    #[arg(long, value_name = "N", default_value = "3")]
    pub(crate) nodes: String,
    /// How many send; all, or a number
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,all")]
    pub(crate) senders: Vec<String>,
    /// Bytes of a message
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "100,1024,8192,65536")]
    pub(crate) size: Vec<String>,
    /// fifo, causal, agreed or safe
    #[arg(long, value_name = "NAME", default_value = "agreed")]
    pub(crate) service: String,
    /// How long each flood lasts
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) seconds: String,
    #[command(flatten)]
    pub(crate) place: Place,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(target_os = "linux")]
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cenacle bench views --repetitions 5 --module tgdh
  cenacle bench views --nodes 5 --network veth --json

Partition and merge need --network veth.")]
pub(crate) struct Views {
    /// How many members, 3 to 50
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) nodes: String,
    /// How often everything happens
    #[arg(long, value_name = "N", default_value = "10")]
    pub(crate) repetitions: String,
    /// How many groups all members are in, 1 to 1000; a time is that of the last group's view. With
    /// several, nobody leaves one of them alone
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) groups: String,
    #[command(flatten)]
    pub(crate) place: Place,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// What the figures mean; shown by `--help`, not by `-h`.
#[cfg(target_os = "linux")]
const IDLE: &str = "\
What nodes use that have nothing to do: processor time and bytes sent, of the leader and of the
others.

The nodes form one overlay and one group, rest for --settle seconds, and are then measured for
--seconds. `cpu_percent` is of one core. Per second, bytes that a node sends: `bytes_out_per_s` in
frames, as its status counts them; `tcp_bytes_per_s` all that it gives to TCP, with encryption,
multiplexing, pings and gossip (--network veth and TCP only); `wire_bytes_per_s` with the headers
of TCP, IP and Ethernet and with acknowledgements (--network veth only). Of each the median over
the nodes of a role and the largest.";

#[cfg(target_os = "linux")]
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cenacle bench idle
  cenacle bench idle --nodes 10 --network veth --seconds 60 --json")]
pub(crate) struct Idle {
    /// How many nodes, 2 to 100
    #[arg(long, value_name = "N", default_value = "10")]
    pub(crate) nodes: String,
    /// How long is measured
    #[arg(long, value_name = "N", default_value = "30")]
    pub(crate) seconds: String,
    /// How long they rest before that, 0 to 600
    #[arg(long, value_name = "N", default_value = "10")]
    pub(crate) settle: String,
    #[command(flatten)]
    pub(crate) place: Place,
    /// One JSON object a line, for each role
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which configuration a command reads.
#[derive(Debug, clap::Args)]
pub(crate) struct Configured {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = cenacle::config::FILE_NAME)]
    pub(crate) config: PathBuf,
    /// A key of [node], [overlay] or [metrics] in place of the file's and the environment's
    ///
    /// Text stands without quotation marks, lists have commas between their items. Can be repeated.
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cenacle init --dir alice --name alice         # the first node of an overlay
  cenacle init --dir bob --psk cenacle.psk      # another one, with the first one's secret
  ssh first cat alice/cenacle.psk | cenacle init --dir bob --psk -

Nothing is ever overwritten.")]
pub(crate) struct Init {
    /// The folder, made if need be
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// What the node's members are shown as, 1 to 64 bytes [default: the peer id]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// A copy of the secret of the overlay to take part in; -: from standard input [default: a new one]
    #[arg(long, value_name = "FILE")]
    pub(crate) psk: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cenacle id --config alice/cenacle.toml
  cenacle id --config alice/cenacle.toml --json")]
pub(crate) struct Id {
    #[command(flatten)]
    pub(crate) configured: Configured,
    /// One JSON object: peer, addresses
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cenacle check --config alice/cenacle.toml
  cenacle check --config alice/cenacle.toml --set overlay.mdns=false --json

The environment counts too: CENACLE_NODE__NAME is `name` in [node]. The status is 1 when something
is wrong.")]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) configured: Configured,
    /// One JSON object: ok, problems (file, line, column, key, problem, way_out), remarks
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cenacle plugins\n  cenacle plugins --json")]
pub(crate) struct Plugins {
    /// One JSON object a line: kind, name, version, origin, summary, properties, options
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cenacle demo\n  cenacle demo --nodes 8 --key-agreement gdh --cipher aes256gcm"
)]
pub(crate) struct Demo {
    /// How many members come together, 3 to 20
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) nodes: String,
    /// The module that agrees on keys; `cenacle plugins` lists them
    #[arg(long, value_name = "NAME", default_value = "tgdh")]
    pub(crate) key_agreement: String,
    /// The module that seals messages; `cenacle plugins` lists them
    #[arg(long, value_name = "NAME", default_value = "chacha20poly1305")]
    pub(crate) cipher: String,
}

/// What goes in and out; shown by `--help`, not by `-h`.
const RUN: &str = "\
Run a node that joins every group of its configuration.

Events go to standard output, one a line, messages for the operator to standard error (CENACLE_LOG
says which; default: warnings). Commands come from standard input, one JSON object a line:

  {\"send\":{\"group\":\"ops\",\"text\":\"hello\",\"service\":\"agreed\"}}
  {\"join\":\"ops\"}  {\"leave\":\"ops\"}  {\"flush_ok\":\"ops\"}  {\"status\":{}}

A service is unreliable, fifo, causal, agreed or safe; with \"to\", a member's name, the message goes
to that member alone; \"data\" instead of \"text\" takes bytes in base64. A command with \"id\" is
answered by `done` or `refused` with the same id. SIGINT, SIGTERM and the end of the input leave all
groups, after what was sent, and stop.";

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cenacle run --config alice.toml
  cenacle run --config alice.toml --json < commands > events")]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) configured: Configured,
    /// Events as JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// What goes in and out; shown by `--help`, not by `-h`.
const JOIN: &str = "\
Run a node in one group of its configuration.

Every line of standard input is an agreed message to the group, and what happens in the group is told
on standard output. With --json, events and commands are those of `cenacle run --json`. SIGINT,
SIGTERM and the end of the input leave the group, after what was sent, and stop.";

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cenacle join ops --config alice.toml
  echo hello | cenacle join ops --config alice.toml")]
pub(crate) struct Join {
    /// The group, by its name in the configuration
    pub(crate) group: String,
    #[command(flatten)]
    pub(crate) configured: Configured,
    /// Events and commands as JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// What an invitation is; shown by `--help`, not by `-h`.
const INVITE: &str = "\
Make an invitation to a group, for a peer to show when it joins.

The group's policy must be `invitation`, or made of it, and this node one of its issuers. The
invitation is printed, one line of text; whoever gets it writes it into a file and names that as
`evidence_file` of the group. It is of no use to anybody but the peers that it is for.

It is one place in the group, for whichever of its peers comes first. That peer may come again, such
as after a restart, until the invitation expires; then it needs another. Who is in the group stays
there.";

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cenacle invite ops --for 12D3KooW… > ops.invitation
  cenacle invite ops --for 12D3KooW… --expires 30d --config alice.toml --json")]
pub(crate) struct Invite {
    /// The group, by its name in the configuration
    pub(crate) group: String,
    /// The peer id of whom it is for, as `cenacle id` prints it there; up to 8, for one of them
    #[arg(long = "for", value_name = "PEER,…", value_delimiter = ',', required = true)]
    pub(crate) holders: Vec<String>,
    /// How long it lets its peer in, 1s to 3650d
    #[arg(long, value_name = "TIME", default_value = "7d")]
    pub(crate) expires: String,
    #[command(flatten)]
    pub(crate) configured: Configured,
    /// One JSON object: overlay, group, issuer, holders, expires_s, invitation
    #[arg(long)]
    pub(crate) json: bool,
}

/// What the figures mean; shown by `--help`, not by `-h`.
const KEYS: &str = "\
Costs and times of key agreement, beside the modules' contracts and the papers' figures.

Counts come from a run without time, in which messages travel round by round; they are the
same every time. Rounds, exponentiations, signatures and verifications are those of the
longest chain of dependent work; messages and bytes are those of all members, bytes with
envelopes, and a multicast counts once. `exponentiations` are those of the protocol proper:
making one's own share and checking what others published have columns of their own, and so
have products (with exponentiations by small numbers). `confirmations` are the messages by
which members confirm the key: a value from each to the leader, and the leader's one to all.
Modules that keep secure channels have columns more: `channels` that were set up,
`channels_cached` that were there, messages that the module `sealed` and nobody signed (in
`messages` and `bytes` too), and `acknowledgements`, which are in the times and in no other
count.

Times come from runs in which every message is signed and verified. Each member works on one
thread, as if it had a machine of its own and messages took no time: `time_critical_us` is
the longest chain of work, `time_total_us` the work of all members together; each is the
median over the repetitions, of processor time. Confirmation is not in them, nor is what a
member does once a view whatever the module is (checking the members' keys, preparing to sign
and to verify): that is `view_setup_us` at the oldest member, which keeps the keys that it has
from the view before, and `newcomer_setup_us` at one that has none.

What the work of all members consists of is measured in as many runs more, by the wall's clock;
of each part the run counts in which it took least. `exponentiations_us` has decoding their
bases and encoding and hashing their results in it, `signatures_us` signing and verifying,
envelopes included; then there are `products_us`, and `other_us`, which is everything else,
sealing and acknowledging too;
`other_percent` puts that beside `time_total_us`.

A contract is met to the unit (`exactly`) or not exceeded (`at-most`), as `bound` says. The
status is 1 when one is broken.";

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cenacle bench keys --sizes 10,100
  cenacle bench keys --module gdh,tgdh --event join,leave --sizes 50
  cenacle bench keys --module ckd --group modp-1024 --sizes 20 --json")]
pub(crate) struct Keys {
    /// Key agreement modules [default: all]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) module: Vec<String>,
    /// The group of Diffie-Hellman [default: ristretto255]
    ///
    /// Besides those of `cenacle plugins`, modp-512 and modp-1024 can be measured, to compare with
    /// old figures; a node refuses them.
    #[arg(long, value_name = "NAME")]
    pub(crate) group: Option<String>,
    /// Members before the change, 1 to 1024; after it for build
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "2,5,10,20,50,100")]
    pub(crate) sizes: Vec<String>,
    /// build, join, leave, merge, partition, refresh, leader-leave [default: all]
    ///
    /// Who leaves is the member in the middle of the seniority, or the oldest; a merge brings half
    /// as many members again; in a partition every second one leaves.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) event: Vec<String>,
    /// How many runs are timed [default: 3 to 51, fewer where one takes long]
    #[arg(long, value_name = "N")]
    pub(crate) repetitions: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// What the figures mean; shown by `--help`, not by `-h`.
const REKEY_STUDY: &str = "\
The experiments of Rodeh, Birman and Dolev's \"A study of group rekeying\" again, with all modules.

Three stories: `all-one` (members that were alone become one group), `join-leave` (one leaves,
another joins, one new key), `leader-dies` (the oldest goes). A join-leave is played for the
oldest and for others spread evenly over the group; each of those stands for its neighbours, and
`mean` is the mean over all members, `worst` the worst that was tried. Modules that keep secure
channels are played with the channels that earlier changes left (`warm`) and without (`cold`).
`binary/as-needed` sets channels up on the way of the key, as in the paper.

`load` is the exponentiations of all members, `latency` those one after the other, both without
making one's own share (`own_shares`), as in the paper. Acknowledgements are in no column but
their own. Counts are the same every time; times (`critical_us`: longest chain of work,
`total_us`: all work) come from runs of their own, signatures and acknowledgements included.

The `window` lines are Figure 5: of 45 members three that lead nothing fail, one after the other,
then three leaders; `window_us` is how long the old key is in use after each, in work alone:
detecting the failure and the network's delays come on top, `rounds` times. `paper_ms` is what the
paper would reckon for that latency: 80 ms, and 40 ms an exponentiation.";

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cenacle bench rekey-study --module basic,binary,dist --sizes 10,45
  cenacle bench rekey-study --json > study.json")]
pub(crate) struct RekeyStudy {
    /// Key agreement modules [default: all]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) module: Vec<String>,
    /// The group of Diffie-Hellman [default: ristretto255]
    #[arg(long, value_name = "NAME")]
    pub(crate) group: Option<String>,
    /// Members, 4 to 512
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        default_value = "4,8,12,16,20,25,30,35,40,45,50,60,70,80,90,100"
    )]
    pub(crate) sizes: Vec<String>,
    /// How many leavers are tried in a group, the leader among them [default: 12; of contributory
    /// modules 4]
    #[arg(long, value_name = "N")]
    pub(crate) samples: Option<String>,
    /// Leave Figure 5 out
    #[arg(long)]
    pub(crate) no_window: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}
