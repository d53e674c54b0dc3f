//! What the fuzz target `engine` does with its input, and the ordinary tests when they replay it: the
//! bytes are a script of what a network and its worst members may do to three engines. It knows the
//! public face of `cenacle-core` alone, and the frames from outside.

mod forge;
mod room;
mod script;

pub use forge::{ballot_value, control, node_value, put_number, relay};
pub use room::{HEADER, Packet, Room, SIZE, node, settings};

use bytes::Bytes;
use cenacle_core::{Input, MemberId, Service};
use forge::mutate;
use room::{group, join};
use script::Script;
use std::time::Duration;

/// Steps of one script, so that an input ends in time.
const MAX_STEPS: usize = 400;

/// Runs a script. Panics where an engine breaks its word.
pub fn play(data: &[u8]) {
    let mut script = Script { bytes: data };
    let mut room = Room::new();
    room.honest = script.byte() & 1 == 1;
    for _ in 0..MAX_STEPS {
        if script.bytes.is_empty() {
            break;
        }
        step(&mut room, &mut script);
    }
    if room.honest {
        room.reading = true;
        // Whatever strangers say and the network does: the members find each other again.
        for number in 0..SIZE {
            for other in (0..SIZE).filter(|&other| other != number) {
                room.input(number, Input::Connected { node: node(other) }).expect("a fact");
            }
        }
        // What the last silence made them suspect shows within seconds.
        room.run(5_000, |_| false);
        assert!(room.run(60_000, |room| room.is_one()), "do not settle: {:?}", room.engines);
        for number in 0..SIZE {
            // It may be a member still; it may be on its way out, and try again later.
            let _ = room.input(number, join(1, 0));
        }
        room.run(1_000, |_| false);
        for number in 0..SIZE {
            let _ = room.input(number, join(1, 0));
        }
        room.run(1_000, |_| false);
        let before = room.delivered.clone();
        let service = Service::Agreed;
        let body = Bytes::from_static(b"the last word");
        let send = Input::Send { group: group(1), local: 7, service, body };
        room.input(0, send).expect("an open group");
        let told = |room: &Room| room.delivered.iter().zip(&before).all(|(now, then)| now > then);
        let heard = room.run(10_000, told);
        assert!(heard, "not delivered: {:?} {before:?} {:#?}", room.delivered, room.engines);
    } else {
        room.run(1_500, |_| false);
    }
}

fn step(room: &mut Room, script: &mut Script<'_>) {
    let code = script.byte();
    match code % 16 {
        0 => {
            for _ in 0..=script.byte() % 16 {
                room.deliver();
            }
            room.drain();
        }
        1 => drop(room.wire.pop_front()),
        2 => {
            if let Some(packet) = room.wire.pop_front() {
                room.wire.push_back(packet.clone());
                room.wire.push_front(packet);
            }
        }
        3 => {
            // A reordered network.
            let by = script.byte() % room.wire.len().max(1);
            room.wire.rotate_left(by);
        }
        4 | 5 => {
            // Somebody touches the next frame, or a liar sends it.
            let Some(packet) = room.wire.pop_front() else { return };
            let frame = mutate(room, script, packet.frame);
            let from = if room.honest { SIZE + packet.from } else { packet.from };
            room.frame(from, packet.to, frame);
        }
        6..=8 => {
            let (who, which) = (script.byte(), script.byte());
            let Some(frame) = room.seen.get(which % room.seen.len().max(1)).cloned() else {
                return;
            };
            let frame = if who & 0x80 == 0 { mutate(room, script, frame) } else { frame };
            let from = if room.honest { SIZE + who % 2 } else { who % (SIZE + 2) };
            room.frame(from, who / 8, frame);
        }
        9 => {
            // From whole cloth.
            let (who, kind) = (script.byte(), script.byte());
            let like = room.latest(|k| (k == 9) == (kind % 10 == 9));
            let mut frame = vec![1, (kind % 11) as u8];
            frame.extend_from_slice(like.as_ref().map_or(&[0; 8], |f| &f[2..HEADER]));
            let count = script.byte() % 64;
            frame.extend(script.bytes(count));
            let from = if room.honest { SIZE + who % 2 } else { who % (SIZE + 2) };
            room.frame(from, who / 8, frame.into());
        }
        10 | 11 => command(room, script),
        12 => {
            let by = [0, 1, 4, 20, 60, 300, 1_500, 12_000][script.byte() % 8];
            room.now = room.now + Duration::from_millis(by);
            room.tick();
        }
        13 => {
            let who = script.byte();
            let limit = if room.honest { SIZE } else { SIZE + 1 };
            let peer = node(who / 8 % limit);
            let closed = Input::Closed { node: peer };
            let input = if who & 4 == 0 { closed } else { Input::Connected { node: peer } };
            room.courted |= who & 4 != 0 && who / 8 % limit >= SIZE;
            let _ = room.hostile(who % SIZE, input);
        }
        14 => {
            let ms = [1, 10, 100, 1_000][script.byte() % 4];
            room.run(ms, |_| false);
        }
        _ => {
            // Through another member.
            let (who, which) = (script.byte(), script.byte());
            let Some(frame) = room.seen.get(which % room.seen.len().max(1)).cloned() else {
                return;
            };
            let inner = mutate(room, script, frame);
            if let Some(frame) = relay(room, who / 4 % 5, who / 32, &inner) {
                let from = if room.honest { SIZE + who % 2 } else { who % (SIZE + 1) };
                room.frame(from, who / 8, frame);
            }
        }
    }
}

fn command(room: &mut Room, script: &mut Script<'_>) {
    let (what, size) = (script.byte(), script.byte());
    let number = what / 8 % SIZE;
    let (group, local) = (group(size), [0, 0, 1, 7][what / 32 % 4]);
    // Now and then in pieces, and too large.
    let length = [size, size * 10, size * 256, 40_000 + size * 256][size / 4 % 4];
    let body = Bytes::from(vec![size as u8; length]);
    let services =
        [Service::Unreliable, Service::Fifo, Service::Causal, Service::Agreed, Service::Safe];
    let service = services[size / 3 % 5];
    let input = match what % 8 {
        0 => join(size, local),
        1 => Input::Leave { group, local },
        2 => {
            let to = MemberId { node: node(size / 4 % (SIZE + 1)), local: 0 };
            Input::Unicast { group, local, to, body }
        }
        3 => Input::FlushOk { group, local, blob: body.slice(..body.len().min(300)) },
        4 => Input::Consumed { bytes: std::mem::take(&mut room.unread[number]) },
        5 if size > 250 && !room.honest => Input::Shutdown,
        _ => Input::Send { group, local, service, body },
    };
    let _ = room.hostile(number, input);
    if what & 0x80 != 0 {
        room.drain();
    }
}
