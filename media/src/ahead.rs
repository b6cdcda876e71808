//! Memory that is needed soon, asked for while there is something else to do.
//!
//! What belongs to a session lies in dozens of places. With hundreds of sessions they have left the
//! caches by the time its next packets come, and to wait for one after the other takes longer than
//! all that is done with the packets. Asked for together they come side by side.
//!
//! What lies behind a pointer can be asked for only once the pointer is there: so it goes by depth.
//! At first all that is known by name, for all whose turn is next; then what these point to, and so
//! on.

use std::collections::VecDeque;

/// How many pointers away what is asked for lies at most.
pub(crate) const DEPTHS: u8 = 3;
/// Bytes that come together.
const LINE: usize = 64;

/// Something that lies in several places.
pub(crate) trait Ahead {
    /// Asks for what lies so many pointers away, at depth 0 for the value itself. What leads there
    /// is best asked for some time before.
    fn ahead(&self, depth: u8);
}

/// Asks for a value's own memory.
pub(crate) fn ahead<T: ?Sized>(value: &T) {
    room_ahead(std::ptr::from_ref(value).cast(), size_of_val(value));
}

/// Asks for the room of so many bytes, which need not be there.
pub(crate) fn room_ahead(start: *const u8, bytes: usize) {
    for offset in (0..bytes).step_by(LINE) {
        line(start.wrapping_add(offset));
    }
}

/// Asks for the end of a queue, where the next one will be put.
pub(crate) fn end_ahead<T>(queue: &VecDeque<T>) {
    if let Some(last) = queue.back() {
        ahead(last);
        line(std::ptr::from_ref(last).wrapping_add(1).cast());
    }
}

#[cfg(target_arch = "x86_64")]
fn line(at: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: it is a hint that changes nothing which a program can see, and any address will do;
    // it is part of SSE, and that of every x86-64.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
}

/// The hint of other processors is not in the standard library yet.
#[cfg(not(target_arch = "x86_64"))]
fn line(_: *const u8) {}
