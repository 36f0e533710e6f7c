//! Faults that the simulator plants to show that it would find them.
//!
//! `planted!(Bug)` stands where the code does the wrong thing if that bug is planted. Without
//! the feature `simulation` it is `false`, and nothing is left of the place.

#[cfg(feature = "simulation")]
macro_rules! planted {
    ($bug:ident) => {
        $crate::simulation::is_planted($crate::simulation::Bug::$bug)
    };
}

#[cfg(not(feature = "simulation"))]
macro_rules! planted {
    ($bug:ident) => {
        $crate::planted::nothing()
    };
}

/// Says no, without being a literal, which would be flagged wherever it stands.
#[cfg(not(feature = "simulation"))]
#[inline(always)]
pub(crate) const fn nothing() -> bool {
    false
}
