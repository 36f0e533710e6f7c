//! The simulator's source of choices: a plan, and what goes wrong in its run.

use tests::simulator::{exhaustive::Phase, generate, run::run_with_choices};

/// The first byte chooses the plan, each of the others decides one chance for a fault. The oracle
/// says what does not hold.
pub fn target(bytes: &[u8]) {
    let Some((first, choices)) = bytes.split_first() else {
        return;
    };
    crate::do_without_ciphers();
    let plan = match Phase::ALL.get(usize::from(*first)) {
        Some(phase) => phase.plan(),
        None => generate::plan(u64::from(*first)),
    };
    let failure = run_with_choices(&plan, choices).failure;
    assert!(failure.is_none(), "{failure:?} in the run of\n{plan}");
}
