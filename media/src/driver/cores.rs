//! A core for each fan-out thread.
//!
//! A thread that stays where it is finds what it needs in that core's caches, and is not moved beside
//! another one in the middle of a picture.

/// The cores that this process may use.
#[cfg(target_os = "linux")]
fn allowed() -> Vec<usize> {
    use rustix::thread::{CpuSet, sched_getaffinity};

    let set = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
    (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
}

#[cfg(not(target_os = "linux"))]
fn allowed() -> Vec<usize> {
    Vec::new()
}

/// Keeps the calling thread on one core.
#[cfg(target_os = "linux")]
pub(super) fn stay_on(core: usize) {
    use rustix::thread::{CpuSet, sched_setaffinity};

    let mut set = CpuSet::new();
    set.set(core);
    if let Err(error) = sched_setaffinity(None, &set) {
        // Where a sandbox forbids it, it works as well and costs a little more.
        tracing::debug!(%error, core, "a thread cannot be kept on its core");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn stay_on(_: usize) {}

/// Which core each of so many threads is to stay on; none where they are not as many as the cores: a
/// few of them are better left to whoever knows which cores are free.
pub(super) fn of(threads: usize) -> Vec<Option<usize>> {
    let cores = allowed();
    let own = threads > 1 && cores.len() == threads;
    (0..threads).map(|index| cores.get(index).copied().filter(|_| own)).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_stays_on_its_core() {
        for core in allowed() {
            std::thread::spawn(move || {
                stay_on(core);
                assert_eq!(allowed(), [core]);
            })
            .join()
            .unwrap();
        }
    }

    #[test]
    fn threads_have_cores_of_their_own_where_there_are_as_many() {
        let cores = allowed();
        assert_eq!(of(cores.len() + 1), vec![None; cores.len() + 1]);
        assert_eq!(of(1), [None], "one has all of them");
        if cores.len() > 1 {
            assert_eq!(of(cores.len()), cores.iter().copied().map(Some).collect::<Vec<_>>());
        }
    }
}
