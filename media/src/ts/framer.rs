//! Finding frames in bytes that may be cut anywhere, by headers that say how long their frames are.

/// A larger rest is no frame: the headers of AAC have 13 bits for the length.
const MOST: usize = (1 << 13) + 16;

/// Bytes that are not a whole frame yet.
#[derive(Debug, Default)]
pub(super) struct Framer {
    rest: Vec<u8>,
    /// The rest begins where a frame has ended.
    locked: bool,
}

/// How a kind of frame is told.
pub(super) trait Framing {
    /// Bytes of a header.
    const HEAD: usize;

    /// The length of the frame that a header begins, with the header; none if it is no header.
    fn length(head: &[u8]) -> Option<usize>;
}

impl Framer {
    /// Forgets a frame under way: something was lost.
    pub(super) fn reset(&mut self) {
        self.rest.clear();
        self.locked = false;
    }

    /// Takes bytes, and gives out the frames that are whole, each with where it began: so many
    /// bytes into what was given, or before it where that is negative.
    pub(super) fn push<F: Framing>(&mut self, bytes: &[u8], mut frame: impl FnMut(&[u8], i64)) {
        let before = self.rest.len() as i64;
        self.rest.extend_from_slice(bytes);
        let mut at = 0;
        while at + F::HEAD <= self.rest.len() {
            match look::<F>(&self.rest[at..]) {
                Found::Frame(length) => {
                    frame(&self.rest[at..at + length], at as i64 - before);
                    at += length;
                    self.locked = true;
                }
                Found::Nothing => {
                    at += 1;
                    self.locked = false;
                }
                Found::Begun if self.locked => break,
                // What looks like the beginning of a long frame may be none: a whole one behind it,
                // with another behind that, is the better guess.
                Found::Begun => match certain::<F>(&self.rest[at + 1..]) {
                    Some(further) => at += 1 + further,
                    None => break,
                },
            }
        }
        self.rest.drain(..at);
        if self.rest.len() > MOST {
            self.reset();
        }
    }
}

enum Found {
    /// A frame of this length.
    Frame(usize),
    /// A header, and not yet all that belongs to it.
    Begun,
    Nothing,
}

fn look<F: Framing>(bytes: &[u8]) -> Found {
    let Some(length) = bytes.get(..F::HEAD).and_then(F::length) else { return Found::Nothing };
    if bytes.len() < length {
        return Found::Begun;
    }
    // What has no frame behind it is none.
    match bytes.get(length..length + F::HEAD).map(F::length) {
        Some(None) => Found::Nothing,
        Some(Some(_)) | None => Found::Frame(length),
    }
}

/// Where a frame begins that has the header of another behind it.
fn certain<F: Framing>(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len()).find(|at| {
        let Found::Frame(length) = look::<F>(&bytes[*at..]) else { return false };
        at + length + F::HEAD <= bytes.len()
    })
}
