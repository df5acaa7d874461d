//! How freed memory is kept.

/// Passes allocate and free the same tens of megabytes over and over. By default, glibc gives them back
/// to the system each time, which then clears them anew, page by page, which takes a good part of a step.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn keep() {
    const MIB: i32 = 1 << 20;
    // SAFETY: it sets parameters; what it refuses stays as it was.
    #[allow(unsafe_code)]
    unsafe {
        // The most that it takes. What is larger is mapped and unmapped by itself.
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 * MIB);
        // More than any network's pass takes.
        libc::mallopt(libc::M_TRIM_THRESHOLD, 1024 * MIB);
        libc::mallopt(libc::M_TOP_PAD, 64 * MIB);
    }
}

/// Other systems' allocators are left as they are.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn keep() {}
