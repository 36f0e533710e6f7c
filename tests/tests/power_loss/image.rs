//! What a disk may hold after a loss of power.

use std::{collections::BTreeMap, fs, path::Path};

use tests::random::{Random, Stream};

use crate::trace::{FileId, Step};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// What becomes of the changes that were not made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Survival {
    /// All are lost.
    Nothing,
    /// None is.
    Everything,
    /// Any of them, each as a whole.
    SomeWrites,
    /// Any sectors of any of them.
    SomeSectors,
}

impl Survival {
    pub(crate) const ALL: [Self; 4] = [
        Self::Nothing,
        Self::Everything,
        Self::SomeWrites,
        Self::SomeSectors,
    ];
}

/// A disk between two steps: what is durable, and what was done since.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    files: Vec<Content>,
    names: BTreeMap<String, FileId>,
    /// In order; a file system keeps their order.
    changed_names: Vec<(String, Option<FileId>)>,
}

#[derive(Debug, Default)]
struct Content {
    durable: Vec<u8>,
    changes: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { length: usize },
}

impl Disk {
    /// Does one step.
    pub(crate) fn apply(&mut self, step: &Step) {
        match step {
            Step::Create { name, file } => {
                assert_eq!(*file, self.files.len());
                self.files.push(Content::default());
                self.changed_names.push((name.clone(), Some(*file)));
            }
            Step::Remove { name } => self.changed_names.push((name.clone(), None)),
            Step::SyncDirectory => {
                let changes = std::mem::take(&mut self.changed_names);
                change_names(&mut self.names, &changes);
            }
            Step::Write {
                file,
                offset,
                bytes,
            } => self.files[*file].changes.push(Change::Write {
                offset: *offset,
                bytes: bytes.clone(),
            }),
            Step::Truncate { file, length } => self.files[*file]
                .changes
                .push(Change::Truncate { length: *length }),
            Step::Sync { file } => {
                let file = &mut self.files[*file];
                for change in file.changes.drain(..) {
                    change.apply(&mut file.durable, |_| true);
                }
            }
            Step::Promise { .. } => {}
        }
    }

    /// Writes what is left into `directory`.
    pub(crate) fn write(&self, directory: &Path, survival: Survival, seed: u64) {
        let mut draws = Draws { seed, counter: 0 };
        let mut names = self.names.clone();
        let kept = match survival {
            Survival::Nothing => 0,
            Survival::Everything => self.changed_names.len(),
            _ => draws.below(self.changed_names.len() + 1),
        };
        change_names(&mut names, &self.changed_names[..kept]);
        for (name, file) in names {
            let content = self.files[file].after_loss(survival, &mut draws);
            fs::write(directory.join(name), content).expect("a writable directory");
        }
    }
}

fn change_names(names: &mut BTreeMap<String, FileId>, changes: &[(String, Option<FileId>)]) {
    for (name, file) in changes {
        match file {
            Some(file) => names.insert(name.clone(), *file),
            None => names.remove(name),
        };
    }
}

impl Content {
    fn after_loss(&self, survival: Survival, draws: &mut Draws) -> Vec<u8> {
        let mut content = self.durable.clone();
        for change in &self.changes {
            let whole = match survival {
                Survival::Nothing => false,
                Survival::Everything => true,
                _ => draws.below(2) == 0,
            };
            let torn = !whole && survival == Survival::SomeSectors;
            change.apply(&mut content, |_sector| whole || torn && draws.below(2) == 0);
        }
        content
    }
}

impl Change {
    /// Does what survives; each sector that is touched is asked for.
    fn apply(&self, content: &mut Vec<u8>, mut survives: impl FnMut(usize) -> bool) {
        match self {
            Self::Truncate { length } => {
                if survives(0) {
                    content.resize(*length, 0);
                }
            }
            Self::Write { offset, bytes } => {
                let mut at = *offset;
                let end = at + bytes.len();
                while at < end {
                    let next = end.min((at / SECTOR + 1) * SECTOR);
                    if survives(at / SECTOR) {
                        if content.len() < next {
                            content.resize(next, 0);
                        }
                        content[at..next].copy_from_slice(&bytes[at - offset..next - offset]);
                    }
                    at = next;
                }
            }
        }
    }
}

struct Draws {
    seed: u64,
    counter: u64,
}

impl Draws {
    fn below(&mut self, limit: usize) -> usize {
        self.counter += 1;
        let draw = Random::new(self.seed).below(limit as u64, Stream::Crash, 0, self.counter);
        usize::try_from(draw).expect("it is below")
    }
}
