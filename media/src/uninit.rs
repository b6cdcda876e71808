//! Bytes that are made where they stay.

use std::mem::MaybeUninit;

use bytes::BufMut;

/// Appends so many bytes to a buffer that has room for them. They are made there by `make`, which
/// gives back what it was given, filled. Where that fails nothing is appended.
pub(crate) fn make_behind<E>(
    buf: &mut impl BufMut,
    length: usize,
    make: impl FnOnce(&mut [MaybeUninit<u8>]) -> Result<&mut [u8], E>,
) -> Result<(), E> {
    // SAFETY: nothing is read from it, and only what is initialised is written there.
    let room = unsafe { buf.chunk_mut().as_uninit_slice_mut() };
    let room = &mut room[..length];
    let at = room.as_ptr().cast();
    let made = make(room)?;
    assert!(made.as_ptr() == at && made.len() == length, "something else was made");
    // SAFETY: what was made is initialised, and lies just behind the buffer's end.
    unsafe { buf.advance_mut(length) };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_appended() {
        let mut buf = Vec::with_capacity(8);
        buf.push(1);
        let place = buf.as_ptr();
        make_behind(&mut buf, 3, |room| Ok::<_, ()>(room.write_copy_of_slice(&[2, 3, 4]))).unwrap();
        assert_eq!((&buf[..], buf.as_ptr()), (&[1, 2, 3, 4][..], place));
        assert_eq!(make_behind(&mut buf, 3, |_| Err(7)), Err(7));
        assert_eq!(buf, [1, 2, 3, 4]);
    }

    #[test]
    #[should_panic(expected = "something else")]
    fn less_than_was_asked_for_is_a_defect() {
        let mut buf = Vec::with_capacity(8);
        let _ =
            make_behind(&mut buf, 3, |room| Ok::<_, ()>(room[..2].write_copy_of_slice(&[1, 2])));
    }
}
