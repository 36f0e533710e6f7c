//! The wire format as others see it: against its specification, against recorded bytes, against
//! bytes that nobody meant.

mod corpora;
mod interoperation;
mod properties;
mod samples;
mod specification;
mod strategies;
#[expect(unreachable_pub, reason = "to the fuzzer it is a library")]
#[path = "../../../fuzz/src/lib.rs"]
mod targets;
mod vectors;
