//! The wire format as others see it: against its specification, against recorded bytes, against
//! bytes that nobody meant.

mod corpora;
mod interoperation;
mod properties;
mod samples;
mod specification;
mod strategies;
mod vectors;
