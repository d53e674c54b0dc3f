use super::*;
use cenacle_core::{NodeId, Position, ViewId};

fn member(byte: u8) -> MemberId {
    MemberId { node: NodeId { key: [byte; 32], incarnation: 9 }, local: 1 }
}

fn view() -> ViewId {
    ViewId { order: Order { epoch: 3, position: Position::new(2, 1) }, proposer: member(7).node }
}

fn line(body: Body) -> Line {
    let (member, group) = (Label::Member(member(7)), "ops".parse().ok());
    Line { time_us: 5, member, group, body }
}

/// Written, and the same when read back.
fn written(body: Body) -> String {
    let line = line(body);
    let text = serde_json::to_string(&line).unwrap();
    assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line, "{text}");
    text
}

#[test]
fn a_message_is_text_or_data() {
    let of = |body: &'static [u8]| {
        let (from, number, service) = (member(8), 4, Service::Agreed);
        let order = Some(view().order);
        let message = Message { from, number, view: view(), service, order, body: body.into() };
        written(Body::of(member(7), Event::Message(message)))
    };
    assert_eq!(
        of("h\u{e9}\"\n".as_bytes()),
        concat!(
            r#"{"time_us":5,"member":"07070707.9/1","group":"ops","event":"message","#,
            r#""message":"08080808.9/1#4","view":"3.131073@07070707.9","from":"08080808.9/1","#,
            r#""service":"agreed","order":[3,131073],"text":"hé\"\n"}"#
        )
    );
    assert!(of(&[0xff, 0x00]).ends_with(r#","data":"/wA="}"#));
}

#[test]
fn a_view_says_who_and_where() {
    let members = vec![member(7), member(8)];
    let configuration = cenacle_core::Ballot { epoch: 3, proposer: member(7).node };
    let (transitional, key) = (vec![member(7)], crate::node::Fingerprint::NONE);
    let names = [(member(8), "Grace".to_owned())].into();
    let modules = Modules::NONE;
    let view = View {
        id: view(),
        configuration,
        members,
        transitional,
        key,
        safety: None,
        names,
        modules,
    };
    let text = written(Body::of(member(7), Event::View(view)));
    assert!(text.contains(r#""event":"view","view":"3.131073@07070707.9","order":[3,131073]"#));
    assert!(text.contains(r#""members":["07070707.9/1","08080808.9/1"]"#), "{text}");
    assert!(text.contains(r#""transitional":["07070707.9/1"]"#) && !text.contains("\"key\""));
    assert!(text.contains(r#""names":{"08080808.9/1":"Grace"}"#), "{text}");
    let modules = r#""modules":{"key_agreement":"none","cipher":"none","policy":"none"}"#;
    assert!(text.contains(modules), "{text}");
}

#[test]
fn every_other_event_is_read_back() {
    let text = |text: &str| text.to_owned();
    let sent = |to| Body::Send {
        message: Label::Message(member(7), 1),
        view: Some(Label::View(view())),
        service: Service::Safe,
        to,
    };
    for body in [
        Body::Start { peer: text("12D3"), addresses: vec![text("/ip4/127.0.0.1/tcp/1")] },
        Body::Join { semantics: Semantics::Vs },
        Body::Leave,
        Body::Crash,
        sent(None),
        sent(Some(Label::Member(member(8)))),
        Body::Transitional { view: Label::View(view()) },
        Body::FlushRequest { view: Label::View(view()) },
        Body::FlushOk { view: None },
        Body::Refused { reason: text("a"), detail: text("b"), id: Some(serde_json::json!([1])) },
        Body::State { state: text("insecure") },
        Body::Done { id: serde_json::json!("x") },
        Body::Transfer { bytes: 1, total: 2 },
        Body::Warning { reason: text("a"), detail: text("b") },
    ] {
        written(body);
    }
}

/// The oracle reads these lines.
#[test]
fn the_oracle_takes_them() {
    let mut oracle = cenacle_oracle::Oracle::new(cenacle_oracle::Options::default());
    let join = serde_json::to_string(&line(Body::Join { semantics: Semantics::Vs })).unwrap();
    oracle.line(&join).unwrap();
    let leave = serde_json::to_string(&line(Body::Leave)).unwrap();
    oracle.line(&leave).unwrap();
}
