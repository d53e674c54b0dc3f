//! `cenacle bench member`: one process of a benchmark.

use super::words::{Flooded, Order, Part, Rested, Wire, Word, cpu_us, now_us, wire};
use crate::failure::Failure;
use bytes::{BufMut, Bytes, BytesMut};
use cenacle::{
    Admission, Builder, Event, Group, GroupOptions, Message, Node, Psk, Sender, Service,
};
use futures::channel::mpsc::{Receiver, channel};
use futures::stream::{Map, SelectAll};
use futures::{FutureExt, SinkExt, StreamExt, select_biased};
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::time::Duration;

/// The group of all benchmarks, and the beginning of the names of further ones.
const GROUP: &str = "bench";
/// A message begins with a byte of kind, a number and a time.
const HEAD: usize = 17;
const DATA: u8 = 0;
const END: u8 = 1;
/// Pings before those that are measured.
const WARM: u64 = 50;

/// The smallest message of a benchmark.
pub(crate) const SMALLEST: usize = HEAD;

/// Runs until told to stop.
pub(crate) fn member() -> Result<(), Failure> {
    let part = io::stdin().lock().lines().next().transpose()?.unwrap_or_default();
    let part: Part = serde_json::from_str(&part).map_err(|error| {
        Failure::Usage(format!("`bench member` is run by the other benchmarks: {error}"))
    })?;
    async_std::task::block_on(async {
        // In a task of the runtime, as an application's: this thread would have to be woken for every
        // event, and to wake the others for every message.
        match async_std::task::spawn(act(part)).await {
            Ok(()) => Ok(()),
            Err(why) => {
                say(&Word::Failed { why: why.clone() })?;
                Err(Failure::Failed(why))
            }
        }
    })
}

async fn act(part: Part) -> Result<(), String> {
    let node = builder(&part)?.start().await.map_err(text)?;
    let address = node.listening().await.ok_or("the node has stopped")?;
    let address = format!("{address}/p2p/{}", node.peer_id());
    say(&Word::Listening { address }).map_err(text)?;
    let group = node.join(GROUP).await.map_err(text)?;
    let mut others = SelectAll::new();
    for number in 1..part.groups {
        let other = node.join(&other(number)).await.map_err(text)?;
        others.push(other.map(Box::new(move |event| (number, event)) as Numbered));
    }
    let sizes = vec![0; part.groups];
    let mut member = Member { group, others, sizes, outside: false, early: None };
    let mut orders = orders();
    loop {
        select_biased! {
            done = member.stand_by().fuse() => done?,
            order = orders.next() => match order {
                None | Some(Order::Stop) => break,
                Some(Order::Rest { millis, begin_us }) => rest(&node, millis, begin_us).await?,
                Some(Order::Join) => member.enter(node.join(GROUP).await.map_err(text)?),
                Some(order) => member.carry_out(order).await?,
            },
        }
    }
    stop(node, member.group).await;
    Ok(())
}

fn builder(part: &Part) -> Result<Builder, String> {
    let mut engine =
        cenacle_core::Settings::new(cenacle::NodeId { key: [0; 32], incarnation: 0 }, GROUP);
    engine.priority = part.priority;
    if let Some(millis) = part.suspect_after_ms {
        engine.suspect_after = Duration::from_millis(millis);
        engine.heartbeat = engine.heartbeat.min(engine.suspect_after / 4);
    }
    let psk: Psk = part.psk.parse().map_err(text)?;
    let mut builder = Node::builder()
        .overlay(GROUP)
        .admission(Admission::Psk(psk))
        .dissemination(super::dissemination(&part.dissemination).ok_or("no such dissemination")?)
        .engine(engine)
        .group(group(GROUP, part)?)
        .listen(part.listen.parse().map_err(text)?);
    for number in 1..part.groups {
        builder = builder.group(group(&other(number), part)?);
    }
    for address in &part.bootstrap {
        builder = builder.bootstrap(address.parse().map_err(text)?);
    }
    Ok(builder)
}

/// The name of a further group.
fn other(number: usize) -> String {
    format!("{GROUP}-{number}")
}

fn group(name: &str, part: &Part) -> Result<GroupOptions, String> {
    let Some((key_agreement, cipher)) = &part.modules else {
        return GroupOptions::insecure(name).map_err(text);
    };
    let group = GroupOptions::secure(name).map_err(text)?;
    Ok(group.key_agreement(key_agreement, BTreeMap::new()).cipher(cipher, BTreeMap::new()))
}

/// Orders from standard input; the stream ends with it.
fn orders() -> Receiver<Order> {
    let (mut sender, orders) = channel(4);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let order = line.ok().and_then(|line| serde_json::from_str(&line).ok());
            let Some(order) = order else { break };
            if futures::executor::block_on(sender.send(order)).is_err() {
                break;
            }
        }
    });
    orders
}

async fn stop(node: Node, group: Group) {
    drop(group);
    node.stop().await;
}

/// Does nothing for so long, and tells what the node did meanwhile.
async fn rest(node: &Node, millis: u64, begin_us: u64) -> Result<(), String> {
    pause_until(begin_us).await;
    let bytes_out = async || node.status().await.map(|status| status.network.bytes_out);
    let (frames, cpu, before) = (bytes_out().await.map_err(text)?, cpu_us(), wire());
    let begun_us = now_us();
    pause_until(begin_us + millis * 1000).await;
    let (micros, cpu_micros, after) = (now_us() - begun_us, cpu_us() - cpu, wire());
    let status = node.status().await.map_err(text)?;
    let wire = Wire {
        bytes: after.bytes.saturating_sub(before.bytes),
        packets: after.packets.saturating_sub(before.packets),
    };
    let frame_bytes = status.network.bytes_out.saturating_sub(frames);
    let leads = status.leader() == status.node;
    say(&Word::Rested(Rested { micros, cpu_micros, frame_bytes, wire, leads })).map_err(text)
}

fn say(word: &Word) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, word)?;
    out.write_all(b"\n")?;
    out.flush()
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// A further group, by its number.
type Other = Map<Group, Numbered>;
type Numbered = Box<dyn FnMut(Event) -> (usize, Event) + Send>;

struct Member {
    group: Group,
    others: SelectAll<Other>,
    /// Members of the present view of each group.
    sizes: Vec<usize>,
    /// It has left the group.
    outside: bool,
    /// A message that was faster than the order to expect it: orders come by another way.
    early: Option<Message>,
}

impl Member {
    /// Follows the group until the next order; ends with each event. Does not read on behind an early
    /// message, so that what follows it waits in the group's queue.
    async fn stand_by(&mut self) -> Result<(), String> {
        if self.early.is_some() || self.outside {
            return std::future::pending().await;
        }
        select_biased! {
            event = self.group.next().fuse() => match event {
                Some(Event::Message(message)) => self.early = Some(message),
                Some(event) => self.tell(0, &event)?,
                None => return Err("the group has ended".to_owned()),
            },
            (number, event) = self.others.select_next_some() => self.tell(number, &event)?,
        }
        Ok(())
    }

    /// Views are told as they come, and when those of all groups have as many members; what else
    /// happens outside of a measurement is of no interest.
    fn tell(&mut self, number: usize, event: &Event) -> Result<(), String> {
        let Event::View(view) = event else { return Ok(()) };
        let members = view.members.len();
        if let Some(size) = self.sizes.get_mut(number) {
            *size = members;
        }
        if self.sizes.iter().any(|size| *size != members) {
            return Ok(());
        }
        say(&Word::View { members, at_us: now_us() }).map_err(text)
    }

    async fn carry_out(&mut self, order: Order) -> Result<(), String> {
        match order {
            Order::Flood { size, millis, begin_us, service, sends, senders } => {
                let until_us = begin_us + millis * 1000;
                let service = parse(&service)?;
                pause_until(begin_us).await;
                let (cpu, before) = (cpu_us(), wire());
                let sender = sends.then(|| {
                    let flood = flood(self.group.sender(), service, size, until_us);
                    async_std::task::spawn(flood)
                });
                let mut counted = self.count(senders, begin_us).await?;
                if let Some(sender) = sender {
                    sender.await?;
                }
                counted.cpu_micros = cpu_us() - cpu;
                counted.wire_bytes = wire().bytes.saturating_sub(before.bytes);
                say(&Word::Flooded(counted)).map_err(text)
            }
            Order::Ping { size, count, pace_ms, service, sends } => {
                let service = parse(&service)?;
                let latencies_us = match sends {
                    true => self.ping(size, count, pace_ms, service).await?,
                    false => self.await_pings().await?,
                };
                say(&Word::Pinged { latencies_us }).map_err(text)
            }
            Order::Leave => self.leave().await,
            Order::Rest { .. } | Order::Join | Order::Stop => Ok(()),
        }
    }

    async fn leave(&mut self) -> Result<(), String> {
        self.group.start_leaving().map_err(text)?;
        while self.group.next().await.is_some() {}
        self.outside = true;
        Ok(())
    }

    fn enter(&mut self, group: Group) {
        (self.group, self.outside) = (group, false);
    }

    async fn next_message(&mut self) -> Result<Message, String> {
        if let Some(message) = self.early.take() {
            return Ok(message);
        }
        loop {
            match self.group.next().await {
                Some(Event::Message(message)) => return Ok(message),
                Some(Event::View(view)) => self.tell(0, &Event::View(view))?,
                Some(Event::NotSent { reason, .. }) => return Err(reason.to_string()),
                Some(_) => {}
                None => return Err("the group has ended".to_owned()),
            }
        }
    }

    /// Counts until every sender has said that it has sent all.
    async fn count(&mut self, senders: usize, begin_us: u64) -> Result<Flooded, String> {
        let mut came = BTreeMap::new();
        let mut ended = 0;
        let mut last = begin_us;
        let mut flooded = Flooded {
            delivered: 0,
            lost: 0,
            micros: 0,
            cpu_micros: 0,
            wire_bytes: 0,
            order: 0xcbf2_9ce4_8422_2325,
        };
        while ended < senders {
            let message = self.next_message().await?;
            let (kind, number, _) = read(&message.body).ok_or("a message of nobody here")?;
            let count: &mut u64 = came.entry(message.from).or_default();
            let [a, b, c, d, ..] = message.from.node.key;
            let name = u64::from(u32::from_le_bytes([a, b, c, d]));
            flooded.order = (flooded.order ^ name ^ (number << 32)).wrapping_mul(0x0100_0000_01b3);
            if kind == END {
                flooded.lost += number.saturating_sub(*count);
                ended += 1;
            } else {
                *count += 1;
                flooded.delivered += 1;
                // The clock is asked now and then: it costs as much as a small message.
                if flooded.delivered.is_multiple_of(64) {
                    last = now_us();
                }
            }
        }
        flooded.micros = last.max(now_us()) - begin_us;
        Ok(flooded)
    }

    async fn ping(
        &mut self,
        size: usize,
        count: usize,
        pace_ms: u64,
        service: Service,
    ) -> Result<Vec<u32>, String> {
        let (me, mut latencies) = (self.group.member(), Vec::with_capacity(count));
        for number in 0..WARM + count as u64 {
            if pace_ms > 0 {
                async_std::task::sleep(Duration::from_millis(pace_ms)).await;
            }
            self.group.send(write(DATA, number, size), service).await.map_err(text)?;
            // Nothing else is under way: the next one waits until all have it and have said so.
            let mut lacking = self.group.view().map_or(1, |view| view.members.len());
            while lacking > 0 {
                let message = self.next_message().await?;
                if message.from == me {
                    latencies.extend(latency(&message, number));
                }
                lacking -= 1;
            }
        }
        self.group.send(write(END, 0, HEAD), service).await.map_err(text)?;
        while self.next_message().await?.body.first() != Some(&END) {}
        latencies.sort_unstable();
        Ok(latencies)
    }

    async fn await_pings(&mut self) -> Result<Vec<u32>, String> {
        let mut latencies = Vec::new();
        loop {
            let message = self.next_message().await?;
            match read(&message.body) {
                Some((DATA, number, _)) => {
                    latencies.extend(latency(&message, number));
                    let answer = write(DATA, number, HEAD);
                    self.group.unicast(message.from, answer).await.map_err(text)?;
                }
                _ => break,
            }
        }
        latencies.sort_unstable();
        Ok(latencies)
    }
}

/// Sends as fast as it goes until then, and says how much that was.
async fn flood(sender: Sender, service: Service, size: usize, until_us: u64) -> Result<(), String> {
    let mut sent = 0_u64;
    loop {
        if sent.is_multiple_of(16) && now_us() >= until_us {
            break;
        }
        sender.send(write(DATA, sent, size), service).await.map_err(text)?;
        sent += 1;
    }
    sender.send(write(END, sent, HEAD), service).await.map_err(text)
}

fn write(kind: u8, number: u64, size: usize) -> Bytes {
    let mut body = BytesMut::with_capacity(size.max(HEAD));
    body.put_u8(kind);
    body.put_u64(number);
    body.put_u64(now_us());
    body.resize(size.max(HEAD), 0);
    body.freeze()
}

fn read(body: &[u8]) -> Option<(u8, u64, u64)> {
    let (kind, rest) = body.split_first()?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let time = rest.first_chunk::<8>()?;
    Some((*kind, u64::from_be_bytes(*number), u64::from_be_bytes(*time)))
}

/// How long the message took, if it is not one of the first.
fn latency(message: &Message, number: u64) -> Option<u32> {
    let (_, _, sent) = read(&message.body).filter(|_| number >= WARM)?;
    u32::try_from(now_us().saturating_sub(sent)).ok()
}

fn parse(service: &str) -> Result<Service, String> {
    super::service(service).ok_or_else(|| format!("{service} is no service of a benchmark"))
}

async fn pause_until(time_us: u64) {
    let left = time_us.saturating_sub(now_us());
    async_std::task::sleep(Duration::from_micros(left)).await;
}
