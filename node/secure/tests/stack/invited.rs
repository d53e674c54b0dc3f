//! Groups that are joined by invitation: each is one place, in the order of the joins.

use crate::bribed::Bribed;
use crate::net::{Net, name, registry};
use crate::rules::{peer_id, refusal};
use cenacle_builtin::{Draft, Invitation};
use cenacle_core::{Event as Plain, Input, Service};
use cenacle_plugin::{JoinRequest, Member, ModuleSource, Options, TOKEN_LEN, Use, Value};
use cenacle_secure::{Charter, Event};
use ed25519_zebra::SigningKey;
use std::sync::Arc;

/// A time long after all that these tests live through, in seconds.
const LATER: u64 = 1_700_100_000;

/// A group that node 0 invites to.
fn by_invitation(net: &Net) -> Charter {
    let issuers = Value::List(vec![peer_id(&net.nodes[0].id.key)]);
    net.charter_with("tgdh", "chacha20poly1305", "invitation", &[("issuers", issuers)])
}

/// Of node 0 for these nodes: the place of that number.
fn invite(net: &Net, holders: &[usize], place: u8, expires_s: u64) -> String {
    let mut keys: Vec<_> = holders.iter().map(|&holder| net.nodes[holder].id.key).collect();
    keys.sort_unstable();
    let draft = Draft {
        overlay: "test".to_owned(),
        group: "ops".to_owned(),
        issuer: net.nodes[0].id.key,
        holders: keys,
        id: [place; 16],
        expires_s,
    };
    // The key of the first node of these tests.
    let key = SigningKey::from([1; 32]);
    let signature = key.sign(&draft.to_be_signed().unwrap()).to_bytes();
    Invitation::new(draft, signature).unwrap().to_string()
}

fn was_refused(net: &Net, number: usize) -> bool {
    let refused = |event: &Event| matches!(event, Event::Plain(Plain::Refused(_)));
    net.nodes[number].told.iter().any(refused)
}

#[test]
fn who_is_invited_comes_in_and_others_are_told_why_not() {
    let mut net = Net::new(4);
    let charter = by_invitation(&net);
    net.join(0, &charter);
    net.seconds(1);
    let invitation = invite(&net, &[1], 1, LATER);
    net.join_as(1, &charter, false, &invitation);
    net.join_as(2, &charter, false, &invitation);
    net.join(3, &charter);
    net.seconds(1);
    net.agree(&[0, 1]);
    assert_eq!(refusal(&net, 2).0, "invitation-other-holder");
    let (code, detail) = refusal(&net, 3);
    assert_eq!(code, "invitation-missing");
    assert!(detail.contains(&peer_id(&net.nodes[3].id.key)), "{detail}");
    assert!(net.views(2).is_empty() && net.views(3).is_empty());
    net.send(1, Service::Agreed, "thank you");
    net.seconds(1);
    assert_eq!(net.heard(0), ["thank you"]);
}

#[test]
fn an_invitation_expires_by_the_leaders_time() {
    let mut net = Net::new(3);
    let charter = by_invitation(&net);
    net.join(0, &charter);
    net.seconds(1);
    let now = net.now.0 / 1_000_000;
    let (soon, late) = (invite(&net, &[1], 1, now + 3), invite(&net, &[2], 2, now + 3));
    net.join_as(1, &charter, false, &soon);
    net.seconds(5);
    net.join_as(2, &charter, false, &late);
    net.seconds(1);
    assert_eq!(refusal(&net, 2).0, "invitation-expired");
    // Who is in stays in.
    net.agree(&[0, 1]);
}

#[test]
fn a_place_is_taken_once_and_its_holder_may_come_again() {
    let mut net = Net::new(3);
    let charter = by_invitation(&net);
    net.join(0, &charter);
    net.seconds(1);
    let invitation = invite(&net, &[1, 2], 1, LATER);
    net.join_as(1, &charter, false, &invitation);
    net.seconds(1);
    net.agree(&[0, 1]);
    net.leave(1);
    net.seconds(1);
    net.join_as(2, &charter, false, &invitation);
    net.seconds(1);
    let (code, detail) = refusal(&net, 2);
    assert_eq!(code, "invitation-used");
    assert!(detail.contains(&peer_id(&net.nodes[1].id.key)), "{detail}");
    net.join_as(1, &charter, false, &invitation);
    net.seconds(1);
    net.agree(&[0, 1]);
}

#[test]
fn who_crashed_and_restarted_comes_in_again() {
    let mut net = Net::new(3);
    let charter = by_invitation(&net);
    net.join(0, &charter);
    net.seconds(1);
    let invitation = invite(&net, &[2, 1], 1, LATER);
    net.join_as(2, &charter, false, &invitation);
    net.seconds(1);
    net.agree(&[0, 2]);
    net.kill(2);
    net.add_as(2, 2);
    net.seconds(2);
    net.join_as(3, &charter, false, &invitation);
    net.seconds(2);
    net.agree(&[0, 3]);
    net.join_as(1, &charter, false, &invitation);
    net.seconds(1);
    assert_eq!(refusal(&net, 1).0, "invitation-used");
}

#[test]
fn of_two_parts_that_took_the_same_place_the_earlier_one_has_it() {
    for first_is_in_the_larger_part in [true, false] {
        // Node 0 invites; its part has a member more.
        let mut net = Net::new(5);
        let charter = by_invitation(&net);
        let invitation = invite(&net, &[1, 2], 1, LATER);
        let (three, four) = (invite(&net, &[3], 3, LATER), invite(&net, &[4], 4, LATER));
        net.join(0, &charter);
        net.join_as(3, &charter, false, &three);
        net.join_as(4, &charter, false, &four);
        net.seconds(1);
        net.part(&[&[0, 1, 4], &[2, 3]]);
        net.seconds(4);
        net.agree(&[0, 4]);
        let (first, second) = if first_is_in_the_larger_part { (1, 2) } else { (2, 1) };
        net.join_as(first, &charter, false, &invitation);
        net.seconds(1);
        net.join_as(second, &charter, false, &invitation);
        net.seconds(1);
        net.agree(&[0, 1, 4]);
        net.agree(&[2, 3]);
        net.part(&[]);
        net.seconds(4);
        let (code, detail) = refusal(&net, second);
        assert_eq!(code, "used-before");
        assert!(detail.contains("come with another"), "{detail}");
        assert!(!was_refused(&net, first));
        net.agree(&[0, first, 3, 4]);
        // What both parts knew is known now: nobody else takes the place.
        net.join_as(second, &charter, false, &invitation);
        net.seconds(1);
        assert_eq!(refusal(&net, second).0, "invitation-used");
        net.send(first, Service::Agreed, "it is mine");
        net.seconds(1);
        assert_eq!(net.heard(3).last().map(String::as_str), Some("it is mine"));
    }
}

#[test]
fn places_that_a_part_gave_away_are_known_after_the_merge() {
    let mut net = Net::new(4);
    let charter = by_invitation(&net);
    let (mine, shared) = (invite(&net, &[1], 1, LATER), invite(&net, &[2, 3], 2, LATER));
    net.join(0, &charter);
    net.join_as(1, &charter, false, &mine);
    net.seconds(1);
    net.part(&[&[0, 3], &[1, 2]]);
    net.seconds(4);
    net.join_as(2, &charter, false, &shared);
    net.seconds(1);
    net.agree(&[1, 2]);
    net.part(&[]);
    net.seconds(4);
    net.agree(&[0, 1, 2]);
    net.join_as(3, &charter, false, &shared);
    net.seconds(1);
    assert_eq!(refusal(&net, 3).0, "invitation-used");
}

#[test]
fn a_second_member_needs_an_invitation_of_its_own() {
    let mut net = Net::new(2);
    let charter = by_invitation(&net);
    net.join(0, &charter);
    net.seconds(1);
    let invitation = invite(&net, &[1], 1, LATER);
    net.join_as(1, &charter, false, &invitation);
    net.seconds(1);
    net.agree(&[0, 1]);
    let join = |net: &mut Net, evidence: &str| {
        let join = cenacle_secure::SecureJoin {
            local: 7,
            charter: charter.clone(),
            evidence: evidence.to_owned().into(),
            above: Default::default(),
            manual_flush: false,
        };
        net.join_whole(1, join);
        net.seconds(1);
    };
    join(&mut net, &invitation);
    assert_eq!(refusal(&net, 1).0, "invitation-used");
    let another = invite(&net, &[1], 2, LATER);
    join(&mut net, &format!("{invitation}\n{another}"));
    assert_eq!(net.last_view(0).view.members.len(), 3);
    net.input(1, Input::Leave { group: name(), local: 7 });
    net.seconds(1);
    assert_eq!(net.last_view(0).view.members.len(), 2);
}

/// What the policy notes when the node 1 comes in by this.
fn used_by_one(net: &Net, evidence: &str) -> Use {
    let key = net.nodes[1].id.key;
    let module = registry().policy("invitation").unwrap();
    let issuers = Value::List(vec![peer_id(&net.nodes[0].id.key)]);
    let given = [("issuers".to_owned(), issuers)].into();
    let options = Options::check("invitation", &module.descriptor().options, &given).unwrap();
    let request = JoinRequest {
        overlay: "test".to_owned(),
        group: "ops".to_owned(),
        member: Member { id: cenacle_plugin::MemberId::new(b"bob").unwrap(), public_key: key },
        evidence: evidence.into(),
        time_s: 0,
        used: Vec::new(),
    };
    let [one] = &module.create(&options).unwrap().uses(&request)[..] else { panic!("one use") };
    one.clone()
}

#[test]
fn who_lets_itself_in_is_put_out_whatever_its_table_says() {
    // Nothing; something made up; the place that node 1 has, with its proof and without.
    for lie in 0..4 {
        let mut net = Net::new(2);
        let charter = by_invitation(&net);
        let invitation = invite(&net, &[1], 1, LATER);
        let true_use = used_by_one(&net, &invitation);
        net.join(0, &charter);
        net.join_as(1, &charter, false, &invitation);
        net.seconds(1);
        net.agree(&[0, 1]);
        net.part(&[&[0, 1], &[2]]);
        net.bribed = Some(Arc::new(Bribed(match lie {
            0 => Vec::new(),
            1 => vec![Use { token: [7; TOKEN_LEN], until_s: LATER, proof: vec![7; 150] }],
            2 => vec![true_use],
            _ => vec![Use { proof: Vec::new(), ..true_use }],
        })));
        net.add(1);
        net.join(2, &charter);
        net.seconds(2);
        assert_eq!(net.views(2).len(), 1);
        net.part(&[]);
        net.seconds(4);
        // It finds itself welcome; nobody else does.
        net.agree(&[0, 1]);
        let seen = (0..2).flat_map(|number| net.views(number));
        let mut members = seen.flat_map(|view| &view.view.members);
        assert!(members.all(|member| *member != net.member(2)), "{lie}");
        // What was made up is forgotten: the place is that of node 1, who comes again.
        net.leave(1);
        net.seconds(1);
        net.join_as(1, &charter, false, &invitation);
        net.seconds(1);
        net.agree(&[0, 1]);
    }
}

#[test]
fn who_founds_the_group_by_itself_is_judged_by_those_it_meets() {
    let mut net = Net::new(2);
    let charter = by_invitation(&net);
    let invitation = invite(&net, &[1], 1, LATER);
    net.part(&[&[0, 1], &[2]]);
    net.bribed = Some(Arc::new(Bribed(Vec::new())));
    net.add(1);
    net.join(2, &charter);
    net.seconds(2);
    assert_eq!(net.views(2).len(), 1);
    // Nobody else is in the group yet.
    net.part(&[]);
    net.seconds(4);
    net.join_as(1, &charter, false, &invitation);
    net.seconds(1);
    net.agree(&[1]);
    net.join(0, &charter);
    net.seconds(1);
    net.agree(&[0, 1]);
}

#[test]
fn members_stay_when_their_invitations_are_over() {
    let mut net = Net::new(4);
    let charter = by_invitation(&net);
    let now = net.now.0 / 1_000_000;
    let (mine, next) = (invite(&net, &[1], 1, now + 3), invite(&net, &[2], 2, LATER));
    net.join(0, &charter);
    net.join_as(1, &charter, false, &mine);
    net.seconds(1);
    net.part(&[&[0, 3], &[1, 2]]);
    // More than the day after which a use that is over is forgotten.
    net.pass(90_000_000_000);
    net.seconds(4);
    net.join_as(2, &charter, false, &next);
    net.seconds(1);
    net.agree(&[1, 2]);
    net.part(&[]);
    net.seconds(4);
    net.agree(&[0, 1, 2]);
}
