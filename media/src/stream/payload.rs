//! What a packet carries, shared by all who keep it.

use std::collections::VecDeque;
use std::fmt;
use std::mem::MaybeUninit;
use std::ops::Deref;

use bytes::{Buf, Bytes, BytesMut};

use crate::ahead::{Ahead, room_ahead};
use crate::uninit::make_behind;

/// Payloads of one source lie one behind the other in pieces of so many bytes: some fifty packets
/// of the picture. The last of them that is kept keeps the whole piece.
const PIECE: usize = 1 << 16;
/// Pieces of a source that are kept for what it sends next: two seconds of 60 Mbit/s.
const PIECES: usize = 256;
/// One that needs fewer of them for a group of pictures gives them back: others have more use for
/// them, of hundreds of sources.
const FEW: usize = 32;
/// What is asked for ahead of a train of packets: its first one's room.
const FIRST: usize = 1_200;

/// What follows the header of an RTP packet. A clone shares the bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload(Bytes);

impl Payload {
    /// The same bytes in memory of their own: for what is kept long after its neighbours.
    #[must_use]
    pub(crate) fn alone(&self) -> Self {
        self[..].into()
    }

    /// What is left of it behind so many bytes, which are there.
    #[must_use]
    pub(crate) fn after(mut self, bytes: usize) -> Self {
        self.0.advance(bytes);
        self
    }

    /// Its first bytes, so many of which are there.
    #[must_use]
    pub(crate) fn until(mut self, bytes: usize) -> Self {
        self.0.truncate(bytes);
        self
    }

    /// A part of its bytes.
    #[must_use]
    pub(crate) fn part(&self, bytes: &[u8]) -> Self {
        Self(self.0.slice_ref(bytes))
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

/// Where a source's payloads are put, so that a packet costs no allocation of its own, and a group of
/// pictures none where the one before it lay.
#[derive(Debug, Default)]
pub(crate) struct Payloads {
    piece: Option<BytesMut>,
    /// Pieces that are full, in the order in which they became so.
    full: VecDeque<BytesMut>,
}

impl Payloads {
    /// Keeps a payload that is made of these.
    pub(crate) fn join(&mut self, parts: &[&[u8]]) -> Payload {
        let length = parts.iter().map(|part| part.len()).sum();
        if length > PIECE {
            return parts.concat().into();
        }
        let piece = self.piece(length);
        parts.iter().for_each(|part| piece.extend_from_slice(part));
        Payload(piece.split().freeze())
    }

    /// Keeps a payload of so many bytes, which `make` fills where it is kept, unless it fails.
    pub(crate) fn make<E>(
        &mut self,
        length: usize,
        make: impl FnOnce(&mut [MaybeUninit<u8>]) -> Result<&mut [u8], E>,
    ) -> Result<Payload, E> {
        if length > PIECE {
            let mut own = Vec::with_capacity(length);
            return make_behind(&mut own, length, make).map(|()| own.into());
        }
        let piece = self.piece(length);
        // Nobody was there since the group of pictures before: what comes next is mostly as long.
        room_ahead(piece.as_ptr().wrapping_add(length), length);
        make_behind(piece, length, make).map(|()| Payload(piece.split().freeze()))
    }

    /// Where there is room for so many bytes, at most a piece: nothing is in it.
    fn piece(&mut self, length: usize) -> &mut BytesMut {
        let fits = |piece: &BytesMut| piece.capacity() >= length;
        if !self.piece.as_ref().is_some_and(fits) {
            let next = self.next();
            self.full.extend(self.piece.replace(next));
        }
        self.piece.get_or_insert_default()
    }

    /// An empty piece.
    fn next(&mut self) -> BytesMut {
        let fresh = || BytesMut::with_capacity(PIECE);
        let Some(mut oldest) = self.full.pop_front() else { return fresh() };
        if oldest.try_reclaim(PIECE) {
            let is_free = |piece: &mut BytesMut| piece.try_reclaim(PIECE);
            while self.full.len() < FEW && self.full.pop_front_if(is_free).is_some() {}
            return oldest;
        }
        // Where it is not, those after it are hardly: they come free together, with the next key
        // frame. One that is kept for ever has to be got rid of some time.
        if self.full.len() + 1 < PIECES {
            self.full.push_front(oldest);
        }
        fresh()
    }
}

impl Ahead for Payloads {
    fn ahead(&self, depth: u8) {
        if let Some(piece) = self.piece.as_ref().filter(|_| depth == 1) {
            room_ahead(piece.as_ptr(), FIRST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Payloads {
        /// Keeps a payload.
        fn put(&mut self, payload: &[u8]) -> Payload {
            self.join(&[payload])
        }
    }

    #[test]
    fn what_could_not_be_made_takes_no_room() {
        let mut payloads = Payloads::default();
        let first = payloads.put(&[1; 10]);
        for length in [0, 7, PIECE - 10, PIECE + 1] {
            let failed = payloads.make(length, |room| {
                room.fill(MaybeUninit::new(9));
                Err(length)
            });
            assert_eq!(failed, Err(length));
        }
        let made = payloads.make(3, |room| Ok::<_, ()>(room.write_copy_of_slice(&[2, 3, 4])));
        let made = made.unwrap();
        assert_eq!((&first[..], &made[..]), (&[1; 10][..], &[2, 3, 4][..]));
        assert_eq!(first.as_ptr().wrapping_add(10), made.as_ptr());
        let long =
            payloads.make(PIECE + 1, |room| Ok::<_, ()>(room.write_copy_of_slice(&[5; PIECE + 1])));
        assert!(long.is_ok_and(|long| long[..] == [5; PIECE + 1]));
    }

    #[test]
    fn payloads_stay_what_they_are() {
        let mut payloads = Payloads::default();
        let lengths = (0..2_000usize).map(|n| n * 37 % 1_201).chain([PIECE, PIECE + 1, 0, 3]);
        let lengths: Vec<usize> = lengths.collect();
        let kept: Vec<Payload> = lengths
            .iter()
            .enumerate()
            .map(|(index, length)| payloads.put(&vec![index as u8; *length]))
            .collect();
        for (index, (payload, length)) in kept.iter().zip(&lengths).enumerate() {
            assert!(payload.len() == *length && payload.iter().all(|byte| *byte == index as u8));
        }
    }

    #[test]
    fn parts_are_joined() {
        let mut payloads = Payloads::default();
        assert_eq!(payloads.join(&[&[1], &[], &[2, 3]])[..], [1, 2, 3]);
        assert_eq!(payloads.join(&[&[4; PIECE], &[5]]).len(), PIECE + 1);
    }

    /// Where the payloads of so many pieces lie.
    fn places(payloads: &mut Payloads, kept: &mut Vec<Payload>, pieces: usize) -> Vec<*const u8> {
        let made: Vec<Payload> = (0..pieces).map(|_| payloads.put(&[7; PIECE])).collect();
        let places = made.iter().map(|payload| payload.as_ptr()).collect();
        kept.extend(made);
        places
    }

    #[test]
    fn a_group_of_pictures_lies_where_the_one_before_lay_once_nobody_has_that() {
        let (mut payloads, mut kept) = (Payloads::default(), Vec::new());
        let first = places(&mut payloads, &mut kept, FEW);
        let second = places(&mut payloads, &mut kept, FEW);
        assert!(second.iter().all(|place| !first.contains(place)), "the first is still there");
        kept.drain(..FEW);
        assert_eq!(places(&mut payloads, &mut kept, FEW), first);
        assert!(kept.iter().all(|payload| payload.iter().all(|byte| *byte == 7)));
    }

    #[test]
    fn a_light_source_keeps_no_pieces_that_are_free() {
        let (mut payloads, mut kept) = (Payloads::default(), Vec::new());
        places(&mut payloads, &mut kept, 20);
        kept.drain(..10);
        places(&mut payloads, &mut kept, 1);
        assert_eq!((payloads.full.len(), kept.len()), (10, 11));
    }

    #[test]
    fn what_is_kept_for_ever_keeps_its_own_piece_and_few_others_are_kept_for_nothing() {
        let (mut payloads, mut kept) = (Payloads::default(), Vec::new());
        places(&mut payloads, &mut kept, 1);
        let mut others = Vec::new();
        places(&mut payloads, &mut others, 2 * PIECES);
        assert!(payloads.full.len() <= PIECES);
        others.clear();
        let first = places(&mut payloads, &mut others, 5);
        others.clear();
        places(&mut payloads, &mut others, PIECES + 1 - 5);
        others.clear();
        assert_eq!(places(&mut payloads, &mut others, 5), first, "they are used again and again");
        assert!(kept[0].iter().all(|byte| *byte == 7));
    }

    #[test]
    fn neighbours_share_memory_until_one_is_to_be_alone() {
        let mut payloads = Payloads::default();
        let (first, second) = (payloads.put(&[1; 10]), payloads.put(&[2; 10]));
        assert_eq!(first.as_ptr().wrapping_add(10), second.as_ptr());
        let alone = second.alone();
        assert!(alone == second && alone.as_ptr() != second.as_ptr());
    }
}
