//! Secrets as text, in constant places of memory: what is written is zeroised.

use zeroize::Zeroizing;

/// 32 bytes as 64 lower-case hexadecimal digits.
pub(crate) fn write(bytes: &[u8; 32]) -> Zeroizing<String> {
    // Room for all of it at once: a string that grows leaves its old place behind.
    let mut text = Zeroizing::new(String::with_capacity(64));
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    text
}

/// 64 hexadecimal digits, nothing around them.
pub(crate) fn read(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = Zeroizing::new([0_u8; 32]);
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            let value = u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
            *byte = (*byte << 4) | value;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_written_is_read() {
        let bytes: [u8; 32] = std::array::from_fn(|i| u8::try_from(i * 8 + 1).unwrap());
        let text = super::write(&bytes);
        assert!(text.starts_with("010911"));
        assert_eq!(*super::read(&text).unwrap(), bytes);
        assert!(super::read(&text[1..]).is_none());
        assert!(super::read(&text.replace('9', "x")).is_none());
        assert!(super::read(&"é".repeat(32)).is_none());
    }
}
