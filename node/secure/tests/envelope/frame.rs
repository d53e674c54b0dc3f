//! Frames of what a module has sealed itself: they keep strays away and prove nothing.

use crate::common::{FIFO, View, context_of};
use cenacle_plugin::MAX_BODY;
use cenacle_secure::{EnvelopeError, FRAME_OVERHEAD, Framed, is_frame};

fn written(view: &View, from: u32, to: u32, body: &[u8]) -> Vec<u8> {
    Framed::write(&view.context, &view.ring, from, to, body).unwrap()
}

fn read<'a>(view: &View, me: u32, bytes: &'a [u8]) -> Result<Framed<'a>, EnvelopeError> {
    Framed::read(&view.context, &view.ring, me, bytes)
}

#[test]
fn a_frame_arrives_and_nobody_takes_it_for_an_envelope() {
    let view = View::new(3);
    let bytes = written(&view, 1, 2, b"sealed");
    assert_eq!(bytes.len(), FRAME_OVERHEAD + 6);
    assert!(is_frame(&bytes));
    let framed = read(&view, 2, &bytes).unwrap();
    assert_eq!((framed.claimed_sender(), framed.body()), (1, b"sealed".as_slice()));
    let refused = view.opener(2).open(&bytes).unwrap_err();
    assert_eq!(refused, EnvelopeError::UnknownVersion { got: 129 });
}

#[test]
fn an_envelope_is_no_frame() {
    let view = View::new(3);
    let bytes = view.sealer(1).seal(FIFO, b"signed").unwrap();
    assert!(!is_frame(&bytes) && !is_frame(&[]));
    assert_eq!(read(&view, 2, &bytes), Err(EnvelopeError::UnknownVersion { got: 1 }));
}

#[test]
fn strays_are_told() {
    let view = View::new(3);
    let bytes = written(&view, 1, 2, b"x");
    let (tag, other) = (view.context.tag(), context_of(&view.ring, 1));
    assert_eq!(Framed::read(&other, &view.ring, 2, &bytes), Err(EnvelopeError::ForeignRun { tag }));
    assert_eq!(read(&view, 0, &bytes), Err(EnvelopeError::WrongRecipient { from: 1, to: 2 }));
    for length in 0..FRAME_OVERHEAD {
        let result = read(&view, 2, &bytes[..length]);
        assert_eq!(result, Err(EnvelopeError::TooShort { got: length }));
    }
    let mut stranger = bytes.clone();
    stranger[10] = 9;
    assert_eq!(read(&view, 2, &stranger), Err(EnvelopeError::UnknownSender { from: 9 }));
}

#[test]
fn bounds_are_kept() {
    let view = View::new(3);
    let long = vec![0; MAX_BODY + 1];
    let write = |from, to, body: &[u8]| Framed::write(&view.context, &view.ring, from, to, body);
    assert_eq!(write(0, 1, &long), Err(EnvelopeError::BodyTooLong { got: MAX_BODY + 1 }));
    assert_eq!(write(0, 3, b"x"), Err(EnvelopeError::NoSuchMember { position: 3 }));
    assert_eq!(write(3, 0, b"x"), Err(EnvelopeError::NoSuchMember { position: 3 }));
    let mut bytes = written(&view, 0, 1, &long[1..]);
    assert!(read(&view, 1, &bytes).is_ok());
    bytes.push(0);
    assert_eq!(read(&view, 1, &bytes), Err(EnvelopeError::TooLong { got: bytes.len() }));
}
