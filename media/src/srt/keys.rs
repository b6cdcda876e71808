//! Key material and decryption (draft-sharabayko-srt-01, 3.2.2 and 6).

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod sender;

use std::num::NonZero;

use aes_kw::{KeyInit as _, KwAes128, KwAes192, KwAes256};
use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;

use super::packet::KeySlot;
use super::seq::Seq;

/// The least and the most bytes of a passphrase (libsrt: HAICRYPT_SECRET_MAX_SZ).
pub const PASSPHRASE: std::ops::RangeInclusive<usize> = 10..=79;
/// Rounds of PBKDF2 (6.1.4).
const ROUNDS: NonZero<u32> = NonZero::new(2048).expect("not zero");
const SALT: usize = 16;
/// Bytes before the wrapped keys.
const HEAD: usize = 16 + SALT;
/// What wrapping adds.
const WRAP: usize = 8;
const LONGEST_KEY: usize = 32;

/// What a key message is refused with: the word of its answer (3.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum KeyState {
    /// No passphrase was set here.
    NoSecret = 3,
    /// The passphrases differ.
    BadSecret = 4,
}

/// A key message taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMessage {
    both: bool,
    slot: KeySlot,
    length: usize,
    salt: [u8; SALT],
    wrapped: Vec<u8>,
    /// As it came: the answer is the same.
    bytes: Vec<u8>,
}

impl KeyMessage {
    /// None for what is no key message, or has another cipher than AES in counter mode.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let head: &[u8; HEAD] = bytes.first_chunk()?;
        // Version 1, a message of key material, the signature.
        if head[..3] != [0x12, 0x20, 0x29] || head[8] != 2 || head[9] != 0 {
            return None;
        }
        let (both, slot, keys) = match head[3] & 3 {
            1 => (false, KeySlot::Even, 1),
            2 => (false, KeySlot::Odd, 1),
            3 => (true, KeySlot::Even, 2),
            _ => return None,
        };
        let length = usize::from(head[15]) * 4;
        if usize::from(head[14]) * 4 != SALT || !matches!(length, 16 | 24 | 32) {
            return None;
        }
        let wrapped = bytes.get(HEAD..HEAD + keys * length + WRAP)?.to_vec();
        let salt = *head.last_chunk::<SALT>()?;
        Some(Self { both, slot, length, salt, wrapped, bytes: bytes.to_vec() })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The key that others are wrapped with; making it takes some half a millisecond.
#[derive(Clone)]
struct WrappingKey {
    length: usize,
    salt: [u8; SALT],
    key: [u8; LONGEST_KEY],
}

impl WrappingKey {
    fn derive(passphrase: &[u8], length: usize, salt: [u8; SALT]) -> Self {
        let mut key = [0; LONGEST_KEY];
        let (algorithm, part) = (pbkdf2::PBKDF2_HMAC_SHA1, &salt[SALT - 8..]);
        pbkdf2::derive(algorithm, ROUNDS, part, passphrase, &mut key[..length]);
        Self { length, salt, key }
    }

    /// The keys in a message; none if another passphrase wrapped them.
    fn unwrap<'a>(&self, wrapped: &[u8], out: &'a mut [u8; 2 * LONGEST_KEY]) -> Option<&'a [u8]> {
        let room = &mut out[..wrapped.len().checked_sub(WRAP)?];
        let key = &self.key[..self.length];
        match self.length {
            16 => KwAes128::new_from_slice(key).ok()?.unwrap_key(wrapped, room).ok(),
            24 => KwAes192::new_from_slice(key).ok()?.unwrap_key(wrapped, room).ok(),
            _ => KwAes256::new_from_slice(key).ok()?.unwrap_key(wrapped, room).ok(),
        }
    }
}

/// One key that packets are encrypted with.
struct StreamKey {
    cipher: EncryptingKey,
    salt: [u8; SALT],
}

/// What a connection decrypts with.
pub struct Keys {
    passphrase: Vec<u8>,
    wrapping: WrappingKey,
    even: Option<StreamKey>,
    odd: Option<StreamKey>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("length", &self.wrapping.length).finish_non_exhaustive()
    }
}

impl Keys {
    /// Takes the keys out of a caller's first message. This takes half a millisecond.
    /// None if its passphrase is another.
    pub fn unwrap(passphrase: &str, message: &KeyMessage) -> Option<Self> {
        let passphrase = passphrase.as_bytes().to_vec();
        let wrapping = WrappingKey::derive(&passphrase, message.length, message.salt);
        let mut keys = Self { passphrase, wrapping, even: None, odd: None };
        keys.take(message).then_some(keys)
    }

    /// The length of the keys in bits.
    pub(crate) fn bits(&self) -> usize {
        self.wrapping.length * 8
    }

    /// Whether [`Keys::refresh`] would have to make the wrapping key anew.
    pub(crate) fn is_costly(&self, message: &KeyMessage) -> bool {
        message.salt != self.wrapping.salt || message.length != self.wrapping.length
    }

    /// Takes new keys; false if another passphrase wrapped them.
    pub(crate) fn refresh(&mut self, message: &KeyMessage) -> bool {
        if !self.is_costly(message) {
            return self.take(message);
        }
        let wrapping = WrappingKey::derive(&self.passphrase, message.length, message.salt);
        let before = std::mem::replace(&mut self.wrapping, wrapping);
        let taken = self.take(message);
        if !taken {
            self.wrapping = before;
        }
        taken
    }

    fn take(&mut self, message: &KeyMessage) -> bool {
        let mut room = [0; 2 * LONGEST_KEY];
        let Some(keys) = self.wrapping.unwrap(&message.wrapped, &mut room) else { return false };
        let mut made = keys.chunks(message.length).map(|key| stream_key(key, message.salt));
        if message.both {
            let (Some(Some(even)), Some(Some(odd))) = (made.next(), made.next()) else {
                return false;
            };
            (self.even, self.odd) = (Some(even), Some(odd));
            return true;
        }
        let Some(Some(key)) = made.next() else { return false };
        match message.slot {
            KeySlot::Even => self.even = Some(key),
            KeySlot::Odd => self.odd = Some(key),
        }
        true
    }

    /// Decrypts a packet's payload in place; false if its key never came.
    pub(crate) fn decrypt(&self, slot: KeySlot, seq: Seq, payload: &mut [u8]) -> bool {
        let key = match slot {
            KeySlot::Even => &self.even,
            KeySlot::Odd => &self.odd,
        };
        key.as_ref().is_some_and(|key| key.apply(seq, payload))
    }
}

fn stream_key(key: &[u8], salt: [u8; SALT]) -> Option<StreamKey> {
    let algorithm: &Algorithm = match key.len() {
        16 => &AES_128,
        24 => &AES_192,
        32 => &AES_256,
        _ => return None,
    };
    let cipher = UnboundCipherKey::new(algorithm, key).and_then(EncryptingKey::ctr).ok()?;
    Some(StreamKey { cipher, salt })
}

impl StreamKey {
    /// Encrypts or decrypts: the key stream of the packet is added to its payload (6.2.2).
    fn apply(&self, seq: Seq, payload: &mut [u8]) -> bool {
        let mut iv = [0; 16];
        iv[10..14].copy_from_slice(&seq.value().to_be_bytes());
        for (byte, salt) in iv[..14].iter_mut().zip(&self.salt) {
            *byte ^= salt;
        }
        let context = EncryptionContext::Iv128(FixedLength::from(iv));
        self.cipher.less_safe_encrypt(payload, context).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::sender::SenderKeys;
    use super::*;

    #[test]
    fn keys_of_every_length_decrypt() {
        for length in [16, 24, 32] {
            let sender = SenderKeys::new("a passphrase", length);
            let message =
                KeyMessage::parse(&sender.message(&[KeySlot::Even, KeySlot::Odd])).unwrap();
            assert!(Keys::unwrap("another passphrase", &message).is_none());
            let keys = Keys::unwrap("a passphrase", &message).unwrap();
            assert_eq!(keys.bits(), length * 8);
            for slot in [KeySlot::Even, KeySlot::Odd] {
                let mut payload = *b"the quick brown fox jumps over the lazy dog";
                sender.encrypt(slot, Seq::new(9), &mut payload);
                assert!(keys.decrypt(slot, Seq::new(9), &mut payload));
                assert_eq!(&payload, b"the quick brown fox jumps over the lazy dog");
            }
        }
    }

    #[test]
    fn a_key_that_never_came_decrypts_nothing() {
        let sender = SenderKeys::new("a passphrase", 16);
        let message = KeyMessage::parse(&sender.message(&[KeySlot::Even])).unwrap();
        let keys = Keys::unwrap("a passphrase", &message).unwrap();
        assert!(!keys.decrypt(KeySlot::Odd, Seq::new(0), &mut [0; 4]));
    }

    /// RFC 3394, 4.1: 128 bits of key data with a 128-bit key.
    #[test]
    fn wrapping_is_the_standard_one() {
        let key = std::array::from_fn(|i| if i < 16 { i as u8 } else { 0 });
        let wrapping = WrappingKey { length: 16, salt: [0; SALT], key };
        let wrapped: Vec<u8> = vec![
            0x1f, 0xa6, 0x8b, 0x0a, 0x81, 0x12, 0xb4, 0x47, 0xae, 0xf3, 0x4b, 0xd8, 0xfb, 0x5a,
            0x7b, 0x82, 0x9d, 0x3e, 0x86, 0x23, 0x71, 0xd2, 0xcf, 0xe5,
        ];
        let mut room = [0; 2 * LONGEST_KEY];
        let plain = wrapping.unwrap(&wrapped, &mut room).unwrap();
        let expected: Vec<u8> = (0..16).map(|i| i * 0x11).collect();
        assert_eq!(plain, expected);
    }

    #[test]
    fn broken_messages_are_told() {
        let whole = SenderKeys::new("a passphrase", 16).message(&[KeySlot::Even]);
        assert!(KeyMessage::parse(&whole).is_some());
        assert!(KeyMessage::parse(&whole[..whole.len() - 1]).is_none(), "cut");
        for (at, value) in [(0, 0x22), (3, 0), (8, 3), (14, 2), (15, 5), (15, 8)] {
            let mut broken = whole.clone();
            broken[at] = value;
            assert!(KeyMessage::parse(&broken).is_none(), "byte {at} is {value}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn no_message_is_too_strange(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            cut in 0..4usize,
        ) {
            let sender = SenderKeys::new("a passphrase", 16);
            let good = sender.message(&[KeySlot::Even, KeySlot::Odd]);
            let mut bytes = good.clone();
            bytes.truncate(good.len() - cut);
            for (at, value) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            let mut keys = Keys::unwrap("a passphrase", &KeyMessage::parse(&good).unwrap()).unwrap();
            if let Some(message) = KeyMessage::parse(&bytes) {
                keys.refresh(&message);
            }
            // Whatever came of it, the keys of before or those of the message are there.
            prop_assert!(keys.decrypt(KeySlot::Even, Seq::new(1), &mut [0; 8]));
        }
    }
}
