//! Every built-in cipher passes the suite, with the vectors that were published for it.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use cenacle_builtin::ciphers;
use cenacle_plugin::conformance::{CipherVector, cipher_suite};
use cenacle_plugin::{CipherKey, CipherModule, Error, Nonce, Options, Properties, Secret};
use std::sync::Arc;

fn module(name: &str) -> Arc<dyn CipherModule> {
    ciphers().into_iter().find(|module| module.descriptor().name == name).expect("built in")
}

fn key_of(name: &str, key: [u8; 32]) -> Box<dyn CipherKey> {
    module(name)
        .create(&Options::default())
        .and_then(|cipher| cipher.key(&Secret::new(key)))
        .expect("every key is good")
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("two hexadecimal digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn vector(name: &str, [key, nonce, header, plain, text, tag]: [&str; 6]) -> CipherVector {
    CipherVector {
        name: name.to_owned(),
        key: hex(key).try_into().expect("32 bytes"),
        nonce: hex(nonce).try_into().expect("12 bytes"),
        header: hex(header),
        plain: hex(plain),
        sealed: [hex(text), hex(tag)].concat(),
    }
}

fn passes(name: &str, vectors: &[CipherVector]) {
    if let Err(failures) = cipher_suite(&*module(name), vectors) {
        panic!("{failures}");
    }
}

#[test]
fn chacha20poly1305_passes() {
    let section_2_8_2 = vector(
        "RFC 8439, section 2.8.2",
        [
            "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
            "070000004041424344454647",
            "50515253c0c1c2c3c4c5c6c7",
            "4c616469657320616e642047656e746c656d656e206f662074686520636c6173
             73206f66202739393a204966204920636f756c64206f6666657220796f75206f
             6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73
             637265656e20776f756c642062652069742e",
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
             3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
             92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
             3ff4def08e4b7a9de576d26586cec64b6116",
            "1ae10b594f09e26a7e902ecbd0600691",
        ],
    );
    let appendix_a_5 = vector(
        "RFC 8439, appendix A.5",
        [
            "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0",
            "000000000102030405060708",
            "f33388860000000000004e91",
            "496e7465726e65742d4472616674732061726520647261667420646f63756d65
             6e74732076616c696420666f722061206d6178696d756d206f6620736978206d
             6f6e74687320616e64206d617920626520757064617465642c207265706c6163
             65642c206f72206f62736f6c65746564206279206f7468657220646f63756d65
             6e747320617420616e792074696d652e20497420697320696e617070726f7072
             6961746520746f2075736520496e7465726e65742d4472616674732061732072
             65666572656e6365206d6174657269616c206f7220746f206369746520746865
             6d206f74686572207468616e206173202fe2809c776f726b20696e2070726f67
             726573732e2fe2809d",
            "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2
             4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf
             332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855
             9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4
             b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e
             af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a
             0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10
             49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29
             a6ad5cb4022b02709b",
            "eead9d67890cbb22392336fea1851f38",
        ],
    );
    passes("chacha20poly1305", &[section_2_8_2, appendix_a_5]);
}

/// McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, and four of NIST's
/// validation vectors (CAVP, `gcmEncryptExtIV256.rsp`).
#[test]
fn aes256gcm_passes() {
    const ZERO: &str = "0000000000000000000000000000000000000000000000000000000000000000";
    const KEY: &str = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
    const NONCE: &str = "cafebabefacedbaddecaf888";
    let vectors = [
        vector(
            "McGrew and Viega, test case 13",
            [ZERO, &ZERO[..24], "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"],
        ),
        vector(
            "McGrew and Viega, test case 14",
            [
                ZERO,
                &ZERO[..24],
                "",
                &ZERO[..32],
                "cea7403d4d606b6e074ec5d3baf39d18",
                "d0d1c8a799996bf0265b98b5d48ab919",
            ],
        ),
        vector(
            "McGrew and Viega, test case 15",
            [
                KEY,
                NONCE,
                "",
                "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
                 1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                 8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
                "b094dac5d93471bdec1a502270e3cc6c",
            ],
        ),
        vector(
            "McGrew and Viega, test case 16",
            [
                KEY,
                NONCE,
                "feedfacedeadbeeffeedfacedeadbeefabaddad2",
                "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
                 1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                 8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
                "76fc6ece0f4e1768cddf8853bb2d551b",
            ],
        ),
        vector(
            "CAVP, no text, no header, count 0",
            [
                "b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4",
                "516c33929df5a3284ff463d7",
                "",
                "",
                "",
                "bdc1ac884d332457a1d2664f168c76f0",
            ],
        ),
        vector(
            "CAVP, 408 bits of text, 720 bits of header",
            [
                "c624feb6cb0d78d634b627134c692f0bf5debf84d8639e22ff27ce2ace49d438",
                "a54f4f1204255f6b312222cd",
                "d9099ba6be50dca77e0b9803766ad993132479fbab43b8f4126a7f9ef673ac0c
                 af2de235e1e84ad9fe505c43d1ac779f5072c025c14ea0d930ce39db8c5930ba
                 ada23b3e4654470e559fcb6eb1c133a77318b87cc7913e12d404",
                "ec34f45c1b70fd56518cc5c404cc13330ab7d51c10f4d2cfeb26b097ae768971
                 91ec1b3953b0086e425c7da221d29f65d5ccf3",
                "713d28a5123d65e82cca6e7fd919e1e5e3bdaab12ae715cf8b7c974eb5f62be8
                 c3b42637074c6b891f6c6033eb4b7e61db9f0b",
                "01ededff6e4d1dce4ac790218e208ebe",
            ],
        ),
        vector(
            "CAVP, 408 bits of text, 720 bits of header, the next",
            [
                "1afc68b32596198ae0f3a8612751c2413322e8054ff2ac6bede3d4a1ee20ee62",
                "356860e76e794492de6a68f3",
                "205e44009e0ef963838aff615b35c9f1271d487cf719677d956718bce8ab676c
                 ceb636ad381432c5c790c26b07051b661a2fec4e607f9644f84993c8335db21a
                 e36b6008bab2883ad7541809bf5f49272295c1c1f1cf8c678553",
                "293041038f9e8edee23d2f18bce87b522380f1fa18b3021830a54ab891da8548
                 095228ed9860176152e27945d66254f0db8590",
                "e06109680d5fefd345665ec9a5b2e7bf3ece3af1b62841a95c453e7753b5a1d6
                 d8a10b3c6c42df1f23832b74e74871821f1c0b",
                "953d8d04f70e2af055ac902a455235b2",
            ],
        ),
    ];
    passes("aes256gcm", &vectors);
}

/// No vector was published for this use of keyed BLAKE3, so the tag is made again here from its
/// description.
#[test]
fn blake3_mac_passes() {
    let (key, nonce, header, plain) = ([5; 32], [6; 12], b"header".to_vec(), b"text".to_vec());
    let described = [
        &12u64.to_le_bytes()[..],
        &nonce,
        &6u64.to_le_bytes(),
        &header,
        &4u64.to_le_bytes(),
        &plain,
    ]
    .concat();
    let sealed = [&plain[..], blake3::keyed_hash(&key, &described).as_bytes()].concat();
    let name = "as described".to_owned();
    passes("blake3-mac", &[CipherVector { name, key, nonce, header, plain, sealed }]);
}

#[test]
fn every_cipher_is_listed_once_and_says_whether_it_hides() {
    let names: Vec<_> = ciphers()
        .iter()
        .map(|module| {
            let descriptor = module.descriptor();
            let confidential = match descriptor.properties {
                Properties::Cipher { confidential, .. } => confidential,
                _ => panic!("{descriptor:?}"),
            };
            (descriptor.name.clone(), confidential)
        })
        .collect();
    let expected = [("chacha20poly1305", true), ("aes256gcm", true), ("blake3-mac", false)];
    assert_eq!(names, expected.map(|(name, confidential)| (name.to_owned(), confidential)));
}

/// The library beneath compares tags before it decrypts; should it ever stop, this says so.
#[test]
fn a_refused_message_is_left_alone_whatever_its_length() {
    for module in ciphers() {
        let key = key_of(&module.descriptor().name, [1; 32]);
        for len in [0, 1, 63, 64, 65, 1000, 70_000] {
            let mut sealed = vec![0xab; len];
            key.seal(Nonce::from_counter(1), b"h", &mut sealed).expect("short");
            let before = sealed.clone();
            let opened = key.open(Nonce::from_counter(2), b"h", &mut sealed);
            assert_eq!(opened, Err(Error::DoesNotOpen));
            assert_eq!(sealed, before);
        }
    }
}

#[test]
fn ciphers_do_not_open_each_others_messages() {
    let names: Vec<_> = ciphers().iter().map(|m| m.descriptor().name.clone()).collect();
    for one in &names {
        let mut sealed = b"text".to_vec();
        key_of(one, [1; 32]).seal(Nonce::from_counter(1), b"", &mut sealed).expect("short");
        for other in names.iter().filter(|other| *other != one) {
            let opened =
                key_of(other, [1; 32]).open(Nonce::from_counter(1), b"", &mut sealed.clone());
            assert_eq!(opened, Err(Error::DoesNotOpen), "{one} by {other}");
        }
    }
}
