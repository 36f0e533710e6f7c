//! Acknowledgements: what is noted is what is named, and what arrives makes sense or is refused.

use std::collections::BTreeSet;

use chat_core::{
    fuzzing::{Arrivals, acknowledged},
    time::Instant,
    wire::{AckRange, LinkFrame, decode, encode},
};

use crate::input::Input;

/// An acknowledgement names this many ranges at most.
const MAX_RANGES: usize = 32;

/// Packets arrive, some of them are acknowledged; then an acknowledgement of the fuzzer's choice
/// is read.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let packets = input.byte();
    arrive(&mut input, packets);
    let largest = input.number();
    let mut ranges = Vec::new();
    while !input.is_empty() && ranges.len() < MAX_RANGES {
        let (arrived, missing) = (input.number(), input.number());
        ranges.push(AckRange { arrived, missing });
    }
    let mut above = None;
    for range in acknowledged(largest, &ranges).into_iter().flatten() {
        assert!(range.start() <= range.end());
        assert!(*range.end() <= above.unwrap_or(largest));
        above = range.start().checked_sub(1);
        assert!(above.is_some() || *range.start() == 0);
    }
}

/// The counters that are named are those that arrived, as far as there is room to name them.
fn arrive(input: &mut Input<'_>, packets: u8) {
    let mut arrivals = Arrivals::default();
    let mut model = BTreeSet::new();
    let (mut counter, mut complete, mut micros) = (0_u64, true, 0_u64);
    // Past the limit the lowest range is forgotten.
    let mut remembered = true;
    for _ in 0..packets.min(48) {
        let choice = input.byte();
        counter = match choice {
            0..=199 => counter.wrapping_add(u64::from(choice % 8)),
            200..=229 => counter.saturating_sub(u64::from(choice - 200)),
            230..=254 => input.number(),
            255 => {
                arrivals.forget_up_to(counter);
                model.retain(|known| *known > counter);
                // The highest one is kept: a peer is never told nothing.
                complete = false;
                continue;
            }
        }
        .min(u64::MAX - 1);
        micros += u64::from(choice);
        arrivals.insert(Instant::from_micros(micros), counter);
        model.insert(counter);
        remembered &= model.len() <= MAX_RANGES || gaps(&model) < MAX_RANGES;
    }
    let space = 16 + usize::from(input.byte()) * 4;
    let Some(frame) = arrivals.frame(Instant::from_micros(micros), space) else {
        return;
    };
    let mut encoded = Vec::new();
    encode(&frame, &mut encoded);
    assert!(encoded.len() <= space);
    let Ok(LinkFrame::Ack {
        largest, ranges, ..
    }) = decode(&encoded)
    else {
        panic!("{frame:?} does not come back");
    };
    let named = acknowledged(largest, &ranges).expect("it makes sense to the other side");
    let all = remembered && complete && space == 16 + 255 * 4;
    let mut count = 0;
    for range in &named {
        if complete {
            let arrived = model.range(range.clone()).count() as u64;
            assert_eq!(arrived, range.end() - range.start() + 1, "{range:?} of {model:?}");
        }
        count += range.end() - range.start() + 1;
    }
    assert!(!all || count == model.len() as u64, "{named:?} for {model:?}");
}

/// Between how many neighbours something is missing.
fn gaps(model: &BTreeSet<u64>) -> usize {
    let pairs = model.iter().zip(model.iter().skip(1));
    pairs.filter(|(below, above)| *above - *below > 1).count()
}
