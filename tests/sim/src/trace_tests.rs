//! Tests of the trace writer.

use super::*;
use crate::{naming, random::Random};
use cenacle_core::{Ballot, Position};

fn member(place: usize, local: u32) -> MemberId {
    MemberId { node: naming::node(&Random::new(1), place, 1), local }
}

fn view(members: Vec<MemberId>) -> View {
    let proposer = member(0, 0).node;
    let order = Order { epoch: 2, position: Position::new(7, 3) };
    View {
        id: ViewId { order, proposer },
        configuration: Ballot { epoch: 2, proposer },
        semantics: Semantics::Vs,
        transitional: members.clone(),
        members,
        classes: Vec::new(),
        blobs: Vec::new(),
        charter: bytes::Bytes::new(),
        record: bytes::Bytes::new(),
    }
}

fn story(trace: &mut Trace) {
    let (a, view) = (member(0, 0), view(vec![member(0, 0)]));
    trace.start(0, a.node);
    trace.join(1, 0, a, Semantics::Vs);
    trace.view(2, 0, a, &view, None);
    let sent = Sent { number: 1, view: Some(view.id), service: Service::Agreed, to: None };
    trace.send(3, 0, a, &sent);
    let received = Received {
        from: a,
        number: 1,
        view: view.id,
        service: Service::Agreed,
        order: Some(view.id.order),
        bytes: 200,
    };
    trace.message(18_446_744_073_709_551_615, 0, a, &received);
}

#[test]
fn the_names_are_those_of_display() {
    let mut trace = Trace::new(&["g".into()]);
    trace.to_memory();
    story(&mut trace);
    trace.finish().unwrap();
    let (a, view) = (member(0, 0), view(vec![member(0, 0)]));
    let lines: Vec<&str> = trace.text().lines().collect();
    assert_eq!(lines.len(), 5);
    let expected = format!(
        "{{\"time_us\":2,\"member\":\"{a}\",\"group\":\"g\",\"event\":\"view\",\"view\":\"{id}\",\
         \"order\":[2,{position}],\"configuration\":\"{configuration}\",\"members\":[\"{a}\"],\
         \"transitional\":[\"{a}\"]}}",
        id = view.id,
        position = view.id.order.position.as_u64(),
        configuration = view.configuration,
    );
    assert_eq!(lines[2], expected);
    assert!(lines[3].contains(&format!("\"message\":\"{a}#1\"")), "{}", lines[3]);
    assert!(lines[4].starts_with("{\"time_us\":18446744073709551615,"), "{}", lines[4]);
}

#[test]
fn the_oracle_reads_every_line() {
    let mut trace = Trace::new(&["g".into()]);
    trace.to_oracle(Oracle::new(cenacle_oracle::Options::default()));
    story(&mut trace);
    let a = member(0, 0);
    let id = view(vec![]).id;
    trace.of_view(20, 0, a, "transitional", Some(id));
    trace.of_view(21, 0, a, "flush_request", Some(id));
    trace.of_view(22, 0, a, "flush_ok", None);
    trace.leave(23, 0, a);
    trace.refused(24, 0, member(1, 0), "charter", "a \"quote\",\na line");
    trace.warning(25, a.node, "suspected", "silent\\");
    trace.crash(26, a);
    let to = Sent { number: 2, view: None, service: Service::Unicast, to: Some(member(2, 1)) };
    trace.send(27, 0, member(3, 4), &to);
    let report = trace.finish().unwrap().unwrap();
    assert_eq!((report.events, report.deliveries), (13, 1));
}

#[test]
fn digests_tell_traces_apart() {
    let traces = [1_u64, 2].map(|time| {
        let mut trace = Trace::new(&["g".into()]);
        trace.crash(time, member(0, 0));
        trace.finish().unwrap();
        trace.digest()
    });
    assert_ne!(traces[0], traces[1]);
}
