//! Faults by chance: each has a name, so that a run can be made again with some of them only.

use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

use crate::random::{Random, Stream};

/// One fault: what kind, where, and at which of the chances for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fault {
    /// What kind.
    pub kind: Stream,
    /// Where: a direction of the network, a disk, a driver.
    pub entity: u64,
    /// The number of the chance, counted per entity.
    pub number: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:x} {}", self.kind.name(), self.entity, self.number)
    }
}

/// The text names no fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoFault;

impl FromStr for Fault {
    type Err = NoFault;

    fn from_str(text: &str) -> Result<Self, NoFault> {
        let [kind, entity, number] = text
            .split_whitespace()
            .collect::<Vec<_>>()
            .try_into()
            .map_err(|_| NoFault)?;
        Ok(Self {
            kind: Stream::named(kind).ok_or(NoFault)?,
            entity: u64::from_str_radix(entity, 16).map_err(|_| NoFault)?,
            number: number.parse().map_err(|_| NoFault)?,
        })
    }
}

/// Decides which faults happen: by chance, or those of a given set only.
#[derive(Debug, Clone)]
pub struct Faults {
    random: Random,
    only: Option<Arc<BTreeSet<Fault>>>,
    happened: Vec<Fault>,
}

impl Faults {
    /// Faults by chance.
    pub fn by_chance(random: Random) -> Self {
        Self {
            random,
            only: None,
            happened: Vec::new(),
        }
    }

    /// These faults and no others, whatever their chances.
    pub fn only(random: Random, faults: Arc<BTreeSet<Fault>>) -> Self {
        Self {
            only: Some(faults),
            ..Self::by_chance(random)
        }
    }

    /// Whether this fault happens; `per_mille` is its chance.
    pub fn happens(&mut self, kind: Stream, entity: u64, number: u64, per_mille: u32) -> bool {
        if per_mille == 0 {
            return false;
        }
        let fault = Fault {
            kind,
            entity,
            number,
        };
        let happens = match &self.only {
            Some(only) => only.contains(&fault),
            None => self.random.chance(per_mille, kind, entity, number),
        };
        if happens {
            self.happened.push(fault);
        }
        happens
    }

    /// The faults that have happened since this was asked last.
    pub fn take_happened(&mut self) -> impl Iterator<Item = Fault> + '_ {
        self.happened.drain(..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_with_the_faults_that_happened_has_the_same_faults() {
        let random = Random::new(1);
        let mut faults = Faults::by_chance(random);
        for number in 0..100 {
            faults.happens(Stream::Loss, 7, number, 300);
        }
        let happened: BTreeSet<Fault> = faults.take_happened().collect();
        assert!((10..60).contains(&happened.len()), "{happened:?}");
        let mut again = Faults::only(random, Arc::new(happened.clone()));
        for number in 0..100 {
            again.happens(Stream::Loss, 7, number, 300);
        }
        assert_eq!(again.take_happened().collect::<BTreeSet<_>>(), happened);
    }

    #[test]
    fn a_fault_is_read_as_it_is_written() {
        let fault = Fault {
            kind: Stream::LateCompletion,
            entity: 0xabc,
            number: 5,
        };
        assert_eq!(fault.to_string().parse(), Ok(fault));
        assert_eq!("loss 1".parse::<Fault>(), Err(NoFault));
        assert_eq!("bad-luck 1 2".parse::<Fault>(), Err(NoFault));
    }
}
