//! The sender's side of the keys, for tests and for the fuzz targets.

use aes_kw::{KeyInit as _, KwAes128, KwAes192, KwAes256};

use super::super::packet::{Body, Data, HEADER, KeySlot, Packet};
use super::super::seq::Seq;
use super::{SALT, WRAP, WrappingKey, stream_key};

/// What a sender encrypts with, and tells.
pub(crate) struct SenderKeys {
    wrapping: WrappingKey,
    keys: [Vec<u8>; 2],
}

impl SenderKeys {
    /// Keys of so many bytes, drawn.
    #[cfg(test)]
    pub(crate) fn new(passphrase: &str, length: usize) -> Self {
        let key = || (0..length).map(|_| rand::random()).collect();
        Self::with(passphrase, std::array::from_fn(|_| rand::random()), [key(), key()])
    }

    /// These keys, the even one and the odd one.
    pub(crate) fn with(passphrase: &str, salt: [u8; SALT], keys: [Vec<u8>; 2]) -> Self {
        let wrapping = WrappingKey::derive(passphrase.as_bytes(), keys[0].len(), salt);
        Self { wrapping, keys }
    }

    /// Another key in a slot.
    #[cfg(test)]
    pub(crate) fn renew(&mut self, slot: KeySlot) {
        let length = self.keys[slot as usize].len();
        self.put(slot, (0..length).map(|_| rand::random()).collect());
    }

    /// This key in a slot, as long as the one before.
    pub(crate) fn put(&mut self, slot: KeySlot, key: Vec<u8>) {
        assert_eq!(key.len(), self.wrapping.length);
        self.keys[slot as usize] = key;
    }

    /// The message with one key, or with both.
    pub(crate) fn message(&self, slots: &[KeySlot]) -> Vec<u8> {
        let kk = slots.iter().map(|slot| 1 << (*slot as u8)).sum();
        let length = self.wrapping.length;
        let mut out = vec![0x12, 0x20, 0x29, kk, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 4];
        out.push((length / 4) as u8);
        out.extend_from_slice(&self.wrapping.salt);
        let plain: Vec<u8> =
            slots.iter().flat_map(|slot| self.keys[*slot as usize].clone()).collect();
        let mut wrapped = vec![0; plain.len() + WRAP];
        let (key, fits) = (&self.wrapping.key[..length], "a key of this length");
        let done = match length {
            16 => KwAes128::new_from_slice(key).expect(fits).wrap_key(&plain, &mut wrapped),
            24 => KwAes192::new_from_slice(key).expect(fits).wrap_key(&plain, &mut wrapped),
            _ => KwAes256::new_from_slice(key).expect(fits).wrap_key(&plain, &mut wrapped),
        };
        done.expect("room for what is wrapped");
        out.extend_from_slice(&wrapped);
        out
    }

    /// Encrypts the payload of the packet with this number.
    pub(crate) fn encrypt(&self, slot: KeySlot, seq: Seq, payload: &mut [u8]) {
        let key = stream_key(&self.keys[slot as usize], self.wrapping.salt);
        assert!(key.expect("a key of this length").apply(seq, payload));
    }

    /// Encrypts what a datagram carries, if its header says that it is encrypted.
    pub(crate) fn seal(&self, datagram: &mut [u8]) {
        let (slot, seq) = match Packet::parse(datagram).map(|packet| packet.body) {
            Some(Body::Data(Data { seq, key: Some(slot), payload: [_, ..], .. })) => (slot, seq),
            _ => return,
        };
        self.encrypt(slot, seq, &mut datagram[HEADER..]);
    }
}
