//! Writes what every target starts from into the folder that is its only argument: genuine
//! messages, and the corpus (an input a line, in hexadecimal), a file each.

use cenacle_plugin::{Action, Class, Event, Input, Order, Secret, ViewChange, Work, to_cbor};
use std::path::Path;
use std::sync::Arc;

fn main() {
    let folder = std::env::args().nth(1).expect("usage: seeds FOLDER");
    for name in ["tgdh", "gdh", "str", "bd", "ckd", "basic", "binary", "dist", "wgl"] {
        write(&folder, name, cenacle_fuzz::feeder(name).seeds());
    }
    write(&folder, "decoders", decoders());
    write(&folder, "engine", scripts());
}

/// Scripts of any bytes: every byte means something.
fn scripts() -> Vec<Vec<u8>> {
    let mut state = 7u64;
    let mut byte = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    };
    (1..=16).map(|length| (0..length * 32).map(|_| byte()).collect()).collect()
}

fn decoders() -> Vec<Vec<u8>> {
    let members = (0..4).map(cenacle_plugin::network::Network::member).collect();
    let classes = vec![
        Class { members: vec![0, 2], left: vec![cenacle_plugin::network::Network::member(9).id] },
        Class { members: vec![1], left: Vec::new() },
        Class { members: vec![3], left: Vec::new() },
    ];
    let change = ViewChange::new(1, members, classes).expect("a change").named([8; 32]);
    let change = change.refreshed_by(2);
    let inputs = [
        Input::Change(Arc::new(change.expect("a refresher"))),
        Input::Message { from: 2, body: vec![1, 2, 3] },
        Input::Sealed { from: 1, body: vec![4, 5, 6] },
        Input::Confirmed,
        Input::Resume,
    ];
    let events = inputs.map(|input| Event { time_us: 7, random: Secret::new([3; 32]), input });
    let actions = vec![
        Action::Unicast { to: 1, body: vec![1] },
        Action::Multicast { order: Order::Agreed, body: vec![2] },
        Action::Install(Secret::new([4; 32])),
        Action::Offer(vec![5]),
        Action::Resume,
        Action::Sealed { to: 2, body: vec![7] },
        Action::Acknowledge { to: 0, body: vec![8] },
        Action::Count(Work { exponentiations: 6, ..Work::default() }),
    ];
    let mut seeds: Vec<Vec<u8>> =
        events.iter().map(|event| to_cbor(event).expect("CBOR")).collect();
    seeds.push(to_cbor(&actions).expect("CBOR"));
    seeds
}

fn write(folder: &str, target: &str, mut seeds: Vec<Vec<u8>>) {
    let corpus = format!("{}/corpus/{target}.hex", env!("CARGO_MANIFEST_DIR"));
    let corpus = std::fs::read_to_string(corpus).expect("a corpus");
    let byte =
        |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex");
    seeds.extend(corpus.lines().map(|line| line.as_bytes().chunks(2).map(byte).collect()));
    let folder = Path::new(folder).join(target);
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for (number, seed) in seeds.iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number:04}")), seed).expect("a file");
    }
}
