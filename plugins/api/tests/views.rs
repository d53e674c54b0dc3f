//! What a view change accepts, and what follows from it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use cenacle_plugin::{
    Class, Error, Family, MAX_MEMBER_ID, MAX_MEMBERS, Member, MemberId, Share, ViewChange,
    from_cbor, to_cbor,
};

fn member(number: u32) -> Member {
    let id = MemberId::new(&number.to_be_bytes()).unwrap();
    Member { id, public_key: [7; 32] }
}

fn members(numbers: &[u32]) -> Vec<Member> {
    numbers.iter().map(|number| member(*number)).collect()
}

fn class(members: &[u32], left: &[u32]) -> Class {
    let left = left.iter().map(|number| member(*number).id).collect();
    Class { members: members.to_vec(), left }
}

fn refused(result: Result<ViewChange, Error>) -> &'static str {
    match result {
        Err(Error::BadChange(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn joined_and_left_follow_from_the_classes() {
    // 5 never confirmed the epoch of 1 and 2, so it left their class and comes back by itself.
    let classes = vec![class(&[0, 2], &[5, 9]), class(&[1], &[]), class(&[3], &[8, 9])];
    let change = ViewChange::new(1, members(&[1, 5, 2, 4]), classes).unwrap();
    assert_eq!(change.base(), [0, 2]);
    assert_eq!(change.joined(), [1, 3]);
    assert_eq!(change.left(), [member(9).id, member(8).id]);
    assert_eq!(change.my_class(), [1]);
    assert_eq!(change.seen_by(2).unwrap().my_class(), [0, 2]);
    assert!(!change.is_afresh());
}

#[test]
fn afresh_continues_nothing() {
    let change = ViewChange::afresh(0, members(&[1, 2, 3])).unwrap();
    assert!(change.is_afresh());
    assert_eq!(change.classes().len(), 3);
    assert_eq!(change.joined(), [1, 2]);
}

#[test]
fn contradictions_are_refused() {
    let view = || members(&[1, 2, 3]);
    let all = || vec![class(&[0, 1, 2], &[])];
    let cases: [(Result<ViewChange, Error>, &str); 11] = [
        (ViewChange::new(0, Vec::new(), Vec::new()), "a view has at least one member"),
        (ViewChange::new(3, view(), all()), "the instance's own position is not in the view"),
        (ViewChange::new(0, members(&[1, 2, 1]), all()), "a member is in the view twice"),
        (ViewChange::new(0, view(), Vec::new()), "classes do not hold each member once"),
        (ViewChange::new(0, view(), vec![class(&[], &[])]), "a class is empty"),
        (
            ViewChange::new(0, view(), vec![class(&[1, 0, 2], &[])]),
            "a class is not by growing position",
        ),
        (
            ViewChange::new(0, view(), vec![class(&[0, 1, 2], &[]), class(&[1], &[])]),
            "classes do not hold each member once",
        ),
        (
            ViewChange::new(0, view(), vec![class(&[0, 1, 3], &[])]),
            "classes do not hold each member once",
        ),
        (
            ViewChange::new(0, view(), vec![class(&[0, 1, 2], &[2])]),
            "a departed member is there twice",
        ),
        (
            ViewChange::new(0, view(), vec![class(&[0, 1, 2], &[8, 8])]),
            "a departed member is there twice",
        ),
        (
            ViewChange::new(0, view(), all()).and_then(|change| change.refreshed_by(3)),
            "the refresher is not in the view",
        ),
    ];
    for (result, why) in cases {
        assert_eq!(refused(result), why);
    }
}

#[test]
fn shares_are_one_a_member_and_bounded() {
    let change = || ViewChange::new(0, members(&[1, 2, 3]), vec![class(&[0, 1, 2], &[])]).unwrap();
    let share = |member: u32, len: usize| Share { member, body: vec![1; len] };
    let good = change().with_shares(vec![share(0, 3), share(2, 1024)]).unwrap();
    assert_eq!(good.share_of(0), Some([1, 1, 1].as_slice()));
    assert_eq!(good.share_of(1), None);
    for bad in [
        vec![share(1, 1), share(1, 1)],
        vec![share(2, 1), share(0, 1)],
        vec![share(3, 1)],
        vec![share(0, 1025)],
    ] {
        assert_eq!(change().with_shares(bad).unwrap_err().family(), Family::WrongCall);
    }
}

#[test]
fn too_many_members_are_a_limit() {
    let count = u32::try_from(MAX_MEMBERS).unwrap();
    let numbers: Vec<u32> = (0..=count).collect();
    let error = ViewChange::afresh(0, members(&numbers)).unwrap_err();
    assert_eq!(error, Error::TooManyMembers { got: MAX_MEMBERS + 1, max: MAX_MEMBERS });
    assert_eq!(error.family(), Family::Limit);
    assert!(ViewChange::afresh(0, members(&numbers[..MAX_MEMBERS])).is_ok());
}

#[test]
fn names_are_bounded() {
    for bad in [0, MAX_MEMBER_ID + 1] {
        assert!(matches!(MemberId::new(&vec![1; bad]), Err(Error::BadLength { .. })));
    }
    assert!(MemberId::new(&[1; MAX_MEMBER_ID]).is_ok());
}

#[test]
fn the_cbor_form_is_checked_like_the_call() {
    let classes = vec![class(&[0, 2], &[9]), class(&[1], &[])];
    let change = ViewChange::new(1, members(&[1, 2, 3]), classes).unwrap();
    let change = change.refreshed_by(2).unwrap();
    let bytes = to_cbor(&change).unwrap();
    assert_eq!(from_cbor::<ViewChange>(&bytes).unwrap(), change);
    // Every single changed byte is either refused or reads as a change that is consistent.
    for at in 0..bytes.len() {
        for value in [0, 1, 2, 0x20, 0x60, 0x80, 0xa0, 0xf6, 0xff] {
            let mut touched = bytes.clone();
            touched[at] = value;
            if let Ok(other) = from_cbor::<ViewChange>(&touched) {
                let again = from_cbor::<ViewChange>(&to_cbor(&other).unwrap()).unwrap();
                assert_eq!(again, other);
            }
        }
    }
}
