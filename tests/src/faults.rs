//! Faults: each has a name, so that a run can be made again with some of them only.

use std::{cell::RefCell, collections::BTreeSet, fmt, rc::Rc, str::FromStr, sync::Arc};

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

/// Decides which faults happen.
#[derive(Debug, Clone)]
pub struct Faults {
    random: Random,
    source: Source,
    happened: Vec<Fault>,
    chances: Chances,
}

/// What decides.
#[derive(Debug, Clone)]
enum Source {
    /// Chance.
    Chance,
    /// A set.
    Only(Arc<BTreeSet<Fault>>),
    /// One byte for each chance, in order of time.
    Bytes(Arc<[u8]>),
}

/// The faults that could have happened, in order of time, whether they did or not.
#[derive(Debug, Clone, Default)]
pub struct Chances(Rc<RefCell<Vec<Fault>>>);

impl Chances {
    /// Those since this was asked last.
    pub fn take(&self) -> Vec<Fault> {
        self.0.take()
    }
}

impl Faults {
    /// Faults by chance.
    pub fn by_chance(random: Random) -> Self {
        Self {
            random,
            source: Source::Chance,
            happened: Vec::new(),
            chances: Chances::default(),
        }
    }

    /// These faults and no others, whatever their chances.
    pub fn only(random: Random, faults: Arc<BTreeSet<Fault>>) -> Self {
        Self {
            source: Source::Only(faults),
            ..Self::by_chance(random)
        }
    }

    /// Each byte decides one chance; when they are used up, nothing happens.
    pub fn by_bytes(random: Random, bytes: Arc<[u8]>) -> Self {
        Self {
            source: Source::Bytes(bytes),
            ..Self::by_chance(random)
        }
    }

    /// The chances for faults, of this and all its clones.
    pub fn chances(&self) -> Chances {
        self.chances.clone()
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
        let happens = match &self.source {
            Source::Chance => {
                let happens = self.random.chance(per_mille, kind, entity, number);
                if happens {
                    self.happened.push(fault);
                }
                return happens;
            }
            Source::Only(only) => only.contains(&fault),
            Source::Bytes(bytes) => {
                let byte = bytes.get(self.chances.0.borrow().len());
                byte.is_some_and(|byte| u32::from(*byte) * 1_000 >= (1_000 - per_mille) * 256)
            }
        };
        self.chances.0.borrow_mut().push(fault);
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
    fn bytes_decide_one_chance_each_and_then_nothing_happens() {
        let random = Random::new(1);
        let mut faults = Faults::by_bytes(random, Arc::from([255, 0, 128]));
        let mut clone = faults.clone();
        let happen: Vec<bool> = (0..5)
            .map(|number| match number {
                1 => clone.happens(Stream::Loss, 7, number, 500),
                _ => faults.happens(Stream::Loss, 7, number, 500),
            })
            .collect();
        assert_eq!(happen, [true, false, true, false, false]);
        assert_eq!(faults.chances().take().len(), 5);
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
