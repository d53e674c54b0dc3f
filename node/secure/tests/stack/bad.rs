//! Records that were changed, repeated, or come from elsewhere.

use bytes::Bytes;
use cenacle_core::{MemberId, NodeId, Service};
use cenacle_plugin::{Cipher, Member, Options, Secret};
use cenacle_secure::{Epoch, KeyRing, Reader, RecordError, Run, Writer};

fn member(number: u8) -> MemberId {
    MemberId { node: NodeId { key: [number; 32], incarnation: 1 }, local: 0 }
}

fn epoch(secret: u8) -> Epoch {
    let id = cenacle_plugin::MemberId::new(b"a").unwrap();
    let public_key = *crate::net::signer(0).public_key();
    let ring = KeyRing::new(&[Member { id, public_key }]).unwrap();
    let run =
        Run { suite: "s", group: b"g", view: b"v", members: &ring, charter: &[0; 32], number: 0 };
    Epoch::new(&run.context().unwrap(), &[0; 32], &Secret::new([secret; 32]))
}

fn ciphers() -> Vec<Box<dyn Cipher>> {
    let create = |module: std::sync::Arc<dyn cenacle_plugin::CipherModule>| {
        module.create(&Options::defaults(&module.descriptor().options)).unwrap()
    };
    cenacle_builtin::ciphers().into_iter().map(create).collect()
}

fn pair(cipher: &dyn Cipher) -> (Writer, Reader) {
    let members = [member(1), member(2)];
    let writer = Writer::new(&epoch(1), cipher, 1 << 20, &members[0]).unwrap();
    (writer, Reader::new(&epoch(1), cipher, &members, members[1]).unwrap())
}

fn one(writer: &mut Writer, way: Service, text: &'static str) -> Bytes {
    let to = (way == Service::Unicast).then(|| member(2));
    writer.seal(way, to.as_ref(), way, 1, &[Bytes::from_static(text.as_bytes())]).unwrap()
}

#[test]
fn a_record_is_opened_once_and_in_order() {
    for cipher in ciphers() {
        let (mut writer, mut reader) = pair(&*cipher);
        let from = member(1);
        for way in [Service::Fifo, Service::Unreliable, Service::Unicast] {
            let records: Vec<_> =
                ["one", "two", "three"].map(|text| one(&mut writer, way, text)).into();
            let opened = reader.open(&from, way, &records[0]).unwrap();
            assert_eq!((opened.messages[0].as_ref(), opened.service), (b"one".as_slice(), way));
            reader.open(&from, way, &records[2]).unwrap();
            for late in &records {
                let again = reader.open(&from, way, late);
                assert!(matches!(again, Err(RecordError::Replayed { .. })), "{again:?}");
            }
        }
    }
}

#[test]
fn no_bit_of_a_record_can_be_changed() {
    for cipher in ciphers() {
        let (mut writer, mut reader) = pair(&*cipher);
        let record = one(&mut writer, Service::Agreed, "text");
        for bit in 0..(record.len() - 1) * 8 {
            let mut changed = record.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(reader.open(&member(1), Service::Agreed, &changed.into()).is_err(), "{bit}");
        }
        for length in 0..record.len() {
            assert!(reader.open(&member(1), Service::Agreed, &record.slice(..length)).is_err());
        }
        assert!(reader.open(&member(1), Service::Agreed, &record).is_ok(), "nothing was spent");
    }
}

#[test]
fn a_record_counts_for_its_sender_its_way_and_its_addressee_alone() {
    for cipher in ciphers() {
        let (mut writer, mut reader) = pair(&*cipher);
        let record = one(&mut writer, Service::Agreed, "text");
        assert!(reader.open(&member(2), Service::Agreed, &record).is_err(), "another sender");
        assert_eq!(
            reader.open(&member(3), Service::Agreed, &record),
            Err(RecordError::NotAMember(member(3)))
        );
        for way in [Service::Safe, Service::Fifo, Service::Unreliable, Service::Unicast] {
            assert!(reader.open(&member(1), way, &record).is_err(), "{way:?}");
        }
        let to_two = one(&mut writer, Service::Unicast, "text");
        let members = [member(1), member(2), member(3)];
        let mut third = Reader::new(&epoch(1), &*cipher, &members, member(3)).unwrap();
        assert!(third.open(&member(1), Service::Unicast, &to_two).is_err(), "another addressee");
        let mut other = Reader::new(&epoch(2), &*cipher, &members, member(2)).unwrap();
        let opened = other.open(&member(1), Service::Agreed, &record);
        assert!(matches!(opened, Err(RecordError::OtherKey { .. })), "another key");
    }
}

#[test]
fn a_key_seals_no_more_than_its_cipher_allows() {
    let cipher = &ciphers()[0];
    let mut writer = Writer::new(&epoch(1), &**cipher, 3, &member(1)).unwrap();
    (0..3).for_each(|_| drop(one(&mut writer, Service::Fifo, "x")));
    let body = [Bytes::from_static(b"x")];
    let spent = writer.seal(Service::Fifo, None, Service::Fifo, 4, &body);
    assert_eq!(spent, Err(RecordError::Spent));
    assert_eq!(writer.sealed(), 3);
}
