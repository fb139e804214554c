//! Where the text of a kernel comes from, which says what the driver's compiler may leave out.

/// Where the text of a kernel comes from. [`Origin::default`] is "from anybody".
///
/// Natively a text from anybody is compiled with all of wgpu's checks: every loop ends after 2^32 turns
/// at the latest, indices stay within their buffers, workgroup memory is cleared first. It gets no
/// matrix units, whose loads and stores are not checked. A browser checks whatever it is given, so
/// that the origin means nothing there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    compiler: bool,
}

impl Origin {
    /// Texts that Tegula's compiler made.
    ///
    /// # Safety
    /// Loops of these texts run without the guard that wgpu adds to each of them, and matrix units load
    /// and store without a check of bounds. Both is sound for what the compiler writes: its templates
    /// count their loops, every count ends, and their fragments lie within the memory that they are
    /// loaded from. So the text must be one that the compiler wrote, unaltered: compiled by this
    /// process, or kept by it where nobody else writes and verified since.
    #[expect(unsafe_code, reason = "whoever says so vouches for the text")]
    #[must_use]
    pub const unsafe fn compiler() -> Origin {
        Origin { compiler: true }
    }

    /// Whether it is Tegula's compiler.
    #[must_use]
    pub fn is_compiler(self) -> bool {
        self.compiler
    }

    /// Whether its kernels may use matrix units.
    #[must_use]
    pub fn may_use_matrix_units(self) -> bool {
        self.compiler || cfg!(target_arch = "wasm32")
    }
}
