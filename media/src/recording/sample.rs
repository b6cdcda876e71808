//! The bytes of a sample, where they came to lie.

use crate::stream::Payload;

/// A piece that is shorter is copied: to name it costs as much.
const SHORT: usize = 64;

/// A piece of a sample.
#[derive(Debug, Clone)]
enum Piece {
    /// So many of its own bytes, those that come next.
    Own(usize),
    Shared(Payload),
}

/// A frame as a file has it: mostly pieces of the packets that it came in, which stay where they are,
/// and a few bytes of its own between them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    own: Vec<u8>,
    pieces: Vec<Piece>,
    length: usize,
}

/// A place in a sample, until something before it is taken away.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    own: usize,
    pieces: usize,
    length: usize,
}

impl Sample {
    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// How many bytes are behind a mark.
    pub(super) fn len_after(&self, mark: Mark) -> usize {
        self.length - mark.length
    }

    /// The end of it: what is put behind it can be taken away again.
    pub(super) fn mark(&mut self) -> Mark {
        // What comes next is not to become part of a piece before the mark.
        self.pieces.push(Piece::Own(0));
        Mark { own: self.own.len(), pieces: self.pieces.len() - 1, length: self.length }
    }

    /// Takes away what was put behind a mark.
    pub(super) fn truncate(&mut self, mark: Mark) {
        self.own.truncate(mark.own);
        self.pieces.truncate(mark.pieces);
        self.length = mark.length;
    }

    /// Its own bytes behind a mark, as far as they were put there before anything else.
    pub(super) fn own_after(&mut self, mark: Mark) -> &mut [u8] {
        &mut self.own[mark.own..]
    }

    /// Puts bytes behind it, which are copied.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.own.extend_from_slice(bytes);
        self.length += bytes.len();
        match self.pieces.last_mut() {
            Some(Piece::Own(length)) => *length += bytes.len(),
            _ => self.pieces.push(Piece::Own(bytes.len())),
        }
    }

    /// Puts a payload behind it, or what is left of one, which stays where it is.
    pub(crate) fn share(&mut self, payload: Payload) {
        if payload.len() < SHORT {
            return self.put(&payload);
        }
        self.length += payload.len();
        self.pieces.push(Piece::Shared(payload));
    }

    /// Puts another behind it.
    pub(crate) fn append(&mut self, mut other: Self) {
        if let [Piece::Own(_)] = other.pieces[..] {
            return self.put(&other.own); // many short ones are still one piece
        }
        self.own.append(&mut other.own);
        self.pieces.append(&mut other.pieces);
        self.length += other.length;
    }

    /// What it is made of, in order. Pieces may be empty.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let mut own = &self.own[..];
        self.pieces.iter().map(move |piece| match piece {
            Piece::Own(length) => {
                let (bytes, rest) = own.split_at(*length);
                own = rest;
                bytes
            }
            Piece::Shared(payload) => payload,
        })
    }

    /// What was put behind a mark, in one piece.
    pub(super) fn copy_after(&self, mark: Mark) -> Vec<u8> {
        let before = mark.length;
        let mut all = Vec::with_capacity(self.length);
        self.pieces().for_each(|piece| all.extend_from_slice(piece));
        all.split_off(before)
    }
}

#[cfg(test)]
impl From<Vec<u8>> for Sample {
    fn from(bytes: Vec<u8>) -> Self {
        let mut sample = Self::default();
        sample.put(&bytes);
        sample
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Sample {
        pub(crate) fn copied(&self) -> Vec<u8> {
            self.pieces().flatten().copied().collect()
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Put(Vec<u8>),
        Share(Vec<u8>),
        Mark,
        Truncate,
        Append(Vec<u8>, Vec<u8>),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..2 * SHORT);
        let step = prop_oneof![
            bytes().prop_map(Step::Put),
            bytes().prop_map(Step::Share),
            Just(Step::Mark),
            Just(Step::Truncate),
            (bytes(), bytes()).prop_map(|(own, shared)| Step::Append(own, shared)),
        ];
        proptest::collection::vec(step, 0..40)
    }

    proptest! {
        #[test]
        fn it_is_what_was_put_into_it(steps in steps()) {
            let (mut sample, mut model) = (Sample::default(), Vec::new());
            let mut mark = None;
            for step in steps {
                match step {
                    Step::Put(bytes) => {
                        sample.put(&bytes);
                        model.extend(bytes);
                    }
                    Step::Share(bytes) => {
                        sample.share(bytes.as_slice().into());
                        model.extend(bytes);
                    }
                    Step::Mark => mark = Some((sample.mark(), model.len())),
                    Step::Truncate => {
                        if let Some((mark, length)) = mark.take() {
                            prop_assert_eq!(sample.copy_after(mark), &model[length..]);
                            sample.truncate(mark);
                            model.truncate(length);
                        }
                    }
                    Step::Append(own, shared) => {
                        let mut other = Sample::from(own.clone());
                        other.share(shared.as_slice().into());
                        sample.append(other);
                        model.extend(own.into_iter().chain(shared));
                    }
                }
                prop_assert_eq!(sample.len(), model.len());
                prop_assert_eq!(sample.copied(), model.clone());
            }
        }
    }

    #[test]
    fn a_long_piece_stays_where_it_is_and_a_short_one_keeps_nothing_else() {
        let (long, short): (Payload, Payload) =
            ([1; SHORT].as_slice().into(), [2; SHORT - 1].as_slice().into());
        let mut sample = Sample::default();
        sample.share(long.clone());
        sample.share(short.clone());
        let places: Vec<*const u8> = sample.pieces().map(<[u8]>::as_ptr).collect();
        assert!(places[0] == long.as_ptr() && places[1] != short.as_ptr());
    }
}
