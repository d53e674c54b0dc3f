//! Bodies of messages: who sent them when, and a filling by which a receiver notices any change.

use crate::naming;
use bytes::Bytes;
use cenacle_core::MemberId;

const MAGIC: u8 = 0xce;
const HEAD: usize = 23;
const TINY: u8 = 0x5a;

/// A body of this length. One that is too short for a head says nothing.
pub(crate) fn make(sender: MemberId, time: u64, length: usize) -> Bytes {
    if length < HEAD {
        return Bytes::from(vec![TINY; length]);
    }
    let mut body = Vec::with_capacity(length);
    body.push(MAGIC);
    body.extend_from_slice(&time.to_le_bytes());
    body.extend_from_slice(&who(sender));
    body.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    body.resize(length, filling(time, sender));
    Bytes::from(body)
}

/// When a body was made, if it tells; or what is wrong with it.
pub(crate) fn check(body: &[u8], from: MemberId) -> Result<Option<u64>, &'static str> {
    let Some((head, filled)) = body.split_at_checked(HEAD) else {
        let whole = body.iter().all(|byte| *byte == TINY);
        return if whole { Ok(None) } else { Err("a tiny body is not what was sent") };
    };
    let time = head.get(1..9).and_then(|time| time.try_into().ok()).map(u64::from_le_bytes);
    let Some(time) = time.filter(|_| head.first() == Some(&MAGIC)) else {
        return Err("a body does not begin as it was sent");
    };
    if head.get(9..19) != Some(who(from).as_slice()) {
        return Err("a body is of another sender");
    }
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
    if head.get(19..) != Some(length.as_slice()) {
        return Err("a body has another length than was sent");
    }
    let filling = filling(time, from);
    if filled.iter().any(|byte| *byte != filling) {
        return Err("a body is not what was sent");
    }
    Ok(Some(time))
}

fn who(member: MemberId) -> [u8; 10] {
    let place = u16::try_from(naming::place(member.node)).unwrap_or(u16::MAX).to_le_bytes();
    let life = u32::try_from(member.node.incarnation).unwrap_or(u32::MAX).to_le_bytes();
    let local = member.local.to_le_bytes();
    let mut who = [0; 10];
    for (to, from) in who.iter_mut().zip(place.into_iter().chain(life).chain(local)) {
        *to = from;
    }
    who
}

fn filling(time: u64, sender: MemberId) -> u8 {
    // Every bit of the time changes the highest byte.
    let [.., high] =
        (time ^ u64::from(sender.local)).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    high
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn a_change_is_noticed() {
        let sender = MemberId { node: naming::node(&Random::new(1), 3, 2), local: 1 };
        let other = MemberId { local: 2, ..sender };
        for length in [0, 1, 22, 23, 24, 1000] {
            let body = make(sender, 77, length);
            assert_eq!(body.len(), length);
            assert_eq!(check(&body, sender), Ok((length >= 23).then_some(77)));
            if length >= 23 {
                assert!(check(&body, other).is_err());
                assert!(check(&body[..length - 1], sender).is_err());
            }
            for at in 0..length {
                let mut touched = body.to_vec();
                touched[at] ^= 1;
                // The time is no secret: touching it shows in the filling, if there is any.
                let caught = check(&touched, sender).is_err();
                assert!(caught || length == 23 && (1..9).contains(&at), "{length} {at}");
            }
        }
    }
}
