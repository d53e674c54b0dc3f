//! Peer ids as text: base58 (alphabet of Bitcoin) of the identity multihash of the protobuf encoding
//! of an Ed25519 public key (libp2p's specification of peer ids). All of them begin with `12D3KooW`.

/// Identity multihash of 36 bytes; protobuf: field 1 (key type) is 1 (Ed25519), field 2 has 32 bytes.
const PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

const KEY_LEN: usize = 32;
const LEN: usize = PREFIX.len() + KEY_LEN;

/// The public key in a peer id, or in words why `text` is none. Exactly one text stands for a key.
pub(super) fn parse(text: &str) -> Result<[u8; KEY_LEN], &'static str> {
    let mut bytes = [0; LEN];
    let len = bs58::decode(text).onto(&mut bytes[..]).map_err(|error| match error {
        bs58::decode::Error::BufferTooSmall => "it is too long for a peer id",
        _ => "it has a character that base58 does not have",
    })?;
    if len < LEN {
        return Err("it is too short for a peer id: is its end missing?");
    }
    let (prefix, key) = bytes.split_first_chunk().ok_or("it is too short for a peer id")?;
    if *prefix != PREFIX {
        return Err("it is not the peer id of an Ed25519 key");
    }
    key.try_into().map_err(|_| "it is too short for a peer id")
}

/// The peer id of a public key.
pub(super) fn show(key: &[u8; KEY_LEN]) -> String {
    let mut bytes = PREFIX.to_vec();
    bytes.extend_from_slice(key);
    bs58::encode(bytes).into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_one_text() {
        for key in [[0; 32], [0xff; 32], *b"an example of thirty-two bytes.."] {
            let text = show(&key);
            assert!(text.starts_with("12D3KooW"), "{text}");
            assert_eq!(text.len(), 52);
            assert_eq!(parse(&text), Ok(key));
        }
    }

    /// The Ed25519 peer id that libp2p's specification of peer ids gives as an example.
    #[test]
    fn published_example() {
        let text = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
        let hex = "2ffa35a99d3a3cfbb17bb7c1dc5561b18a8dcca4df38dc613ea859c37eb1336b";
        let key = std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap());
        assert_eq!(parse(text), Ok(key));
        assert_eq!(show(&key), text);
    }

    #[test]
    fn others_are_refused() {
        let text = show(&[7; 32]);
        for bad in [
            "",
            " ",
            "12D3KooW",
            // SHA-256 of an RSA key, the other common form.
            "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
            &text[1..],
            &text[..51],
            &format!("{text}1"),
            &format!("1{text}"),
            &format!(" {text}"),
            &format!("{text}\n"),
            &text.replace('K', "l"),
            &text.to_lowercase(),
            // The same prefix but for the key type, secp256k1.
            &bs58::encode([&[0x00, 0x24, 0x08, 0x02, 0x12, 0x20][..], &[7; 32]].concat())
                .into_string(),
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
