//! The CBOR form of events and actions is a contract: loaded modules of older builds read it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use cenacle_plugin::{
    Action, Class, Error, Event, Input, Member, MemberId, Order, Secret, ViewChange, Work,
    from_cbor, to_cbor,
};
use std::sync::Arc;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn event(input: Input) -> Event {
    Event { time_us: 258, random: Secret::new([0xab; 32]), input }
}

const HEAD: &str = "a36774696d655f757319010266\
    72616e646f6d5820abababababababababababababababababababababababababababababababab\
    65696e707574";

fn holds(input: Input, form: &str) {
    let event = event(input);
    let bytes = to_cbor(&event).unwrap();
    assert_eq!(hex(&bytes), format!("{HEAD}{form}"));
    assert_eq!(from_cbor::<Event>(&bytes).unwrap(), event);
}

#[test]
fn events() {
    holds(Input::Confirmed, "69636f6e6669726d6564");
    holds(Input::Abort, "6561626f7274");
    holds(Input::Offer, "656f66666572");
    holds(Input::Resume, "66726573756d65");
    holds(
        Input::Message { from: 3, body: vec![1, 2] },
        "a1676d657373616765a26466726f6d0364626f6479420102",
    );
    holds(
        Input::Sealed { from: 3, body: vec![1, 2] },
        "a1667365616c6564a26466726f6d0364626f6479420102",
    );
}

#[test]
fn a_view_change() {
    let member = Member { id: MemberId::new(&[1]).unwrap(), public_key: [2; 32] };
    let class = Class { members: vec![0], left: vec![MemberId::new(&[9]).unwrap()] };
    let change = ViewChange::new(0, vec![member], vec![class]).unwrap();
    let form = [
        "a1666368616e6765a8",
        "626d6500",
        "676d656d6265727381a26269644101",
        "6a7075626c69635f6b65795820",
        "0202020202020202020202020202020202020202020202020202020202020202",
        "67636c617373657381a2676d656d626572738100646c656674814109",
        "666a6f696e656480",
        "646c656674814109",
        "66616672657368f4",
        "69726566726573686572f6",
        "6673686172657380",
    ];
    holds(Input::Change(Arc::new(change.clone())), &form.concat());
    // The name of the run comes last, where there is one.
    let named = [
        "a1666368616e6765a9".to_owned(),
        form[1..].concat(),
        format!("6372756e5820{}", "07".repeat(32)),
    ];
    holds(Input::Change(Arc::new(change.named([7; 32]))), &named.concat());
}

#[test]
fn actions() {
    let actions = vec![
        Action::Unicast { to: 1, body: vec![7] },
        Action::Multicast { order: Order::Fifo, body: vec![8] },
        Action::Multicast { order: Order::Agreed, body: Vec::new() },
        Action::Install(Secret::new([0xcd; 32])),
        Action::Resume,
        Action::Sealed { to: 2, body: vec![5] },
        Action::Acknowledge { to: 0, body: vec![6] },
        Action::Offer(vec![9]),
        Action::Count(Work {
            exponentiations: 4,
            own_share: 3,
            checks: 2,
            products: 1,
            ..Work::default()
        }),
    ];
    let bytes = to_cbor(&actions).unwrap();
    let form = [
        "89",
        "a167756e6963617374a262746f0164626f64794107",
        "a1696d756c746963617374a2656f726465726466\
         69666f64626f64794108",
        "a1696d756c746963617374a2656f726465726661677265656464626f647940",
        "a167696e7374616c6c5820cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        "66726573756d65",
        "a1667365616c6564a262746f0264626f64794105",
        "a16b61636b6e6f776c65646765a262746f0064626f64794106",
        "a1656f666665724109",
        "a165636f756e74a46f6578706f6e656e74696174696f6e73046\
         96f776e5f7368617265036663\
         6865636b73026870726f647563747301",
    ];
    assert_eq!(hex(&bytes), form.concat());
    assert_eq!(from_cbor::<Vec<Action>>(&bytes).unwrap(), actions);
}

#[test]
fn unknown_fields_and_kinds_are_refused() {
    // {"time_us": 0, "random": …, "input": "confirmed", "more": 1} and an input of no known kind.
    let more = format!("a4{}69636f6e6669726d6564646d6f726501", &HEAD[2..]);
    let kind = format!("{HEAD}66626f74746c65");
    for text in [more, kind] {
        let bytes: Vec<u8> = (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect();
        assert!(matches!(from_cbor::<Event>(&bytes), Err(Error::Malformed(_))));
    }
}
