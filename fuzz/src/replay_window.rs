//! The window that tells packets which have arrived before.

use std::collections::BTreeSet;

use chat_core::fuzzing::Window;

use crate::input::Input;

/// So far below the highest packet one that is new is always taken.
const ALWAYS_TAKEN: u64 = 900;

/// No counter is taken twice, and a new one is refused only if it is too old.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (mut window, mut taken) = (Window::default(), BTreeSet::new());
    let mut counter = 0_u64;
    while !input.is_empty() {
        let choice = input.byte();
        counter = match choice {
            0..=127 => counter.saturating_add(choice.into()),
            128..=191 => counter.saturating_sub((choice - 128).into()),
            192..=223 => counter.saturating_add(u64::from(choice - 192) * 64),
            224..=239 => counter.saturating_sub(u64::from(choice - 224) * 64),
            _ => input.number(),
        };
        let highest = taken.last().copied().unwrap_or(0);
        if window.take(counter) {
            assert!(taken.insert(counter), "{counter} was taken twice");
        } else {
            let is_old = counter.saturating_add(ALWAYS_TAKEN) < highest;
            let is_known = taken.contains(&counter);
            assert!(is_known || is_old || counter == u64::MAX, "{counter}");
        }
    }
}
