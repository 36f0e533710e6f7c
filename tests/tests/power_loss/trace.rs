//! What a program did to the files of one directory, and when it promised something: read from
//! the output of strace.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

/// The system calls that change a file or its name, and those that make a change durable.
const TRACED: &str = "open,openat,creat,close,dup,dup2,dup3,write,writev,pwrite64,pwritev,pwritev2,\
                      fallocate,copy_file_range,sendfile,fsync,fdatasync,sync_file_range,sync,\
                      syncfs,ftruncate,truncate,unlink,unlinkat,rename,renameat,renameat2,link,\
                      linkat";

/// A file, whatever its name is and becomes.
pub(crate) type FileId = usize;

/// One thing that was done.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A file was made.
    Create { name: String, file: FileId },
    /// Bytes were written.
    Write {
        file: FileId,
        offset: usize,
        bytes: Vec<u8>,
    },
    /// The length was set.
    Truncate { file: FileId, length: usize },
    /// The content of a file was made durable.
    Sync { file: FileId },
    /// The names in the directory were made durable.
    SyncDirectory,
    /// A file lost its name.
    Remove { name: String },
    /// The program promised that so much is durable.
    Promise { count: usize },
}

/// Runs `program` under strace, which writes to `output`, and gives what it did in `directory`. A
/// promise is a line with a number, written to the file `promises`.
pub(crate) fn record(
    program: &mut Command,
    directory: &Path,
    promises: &Path,
    output: &Path,
) -> Vec<Step> {
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-xx", "-s", "1000000", "-e"])
        .arg(format!("trace={TRACED}"))
        .arg("-e")
        .arg("signal=none")
        .arg("-o")
        .arg(output)
        .arg(program.get_program())
        .args(program.get_args());
    for (name, value) in program.get_envs() {
        strace.env(name, value.expect("nothing is taken away"));
    }
    let ended = strace.output().expect("strace starts");
    assert!(ended.status.success(), "{ended:?}");
    let text = std::fs::read_to_string(output).expect("what strace wrote");
    let mut reader = Reader {
        directory: directory.to_owned(),
        promises: promises.to_owned(),
        descriptors: BTreeMap::new(),
        names: BTreeMap::new(),
        files: 0,
        steps: Vec::new(),
    };
    for line in text.lines() {
        reader.read(line);
    }
    reader.steps
}

#[derive(Clone, Copy)]
enum Opened {
    Directory,
    File(FileId),
    Promises,
}

struct Reader {
    directory: PathBuf,
    promises: PathBuf,
    descriptors: BTreeMap<i64, Opened>,
    names: BTreeMap<String, FileId>,
    files: usize,
    steps: Vec<Step>,
}

impl Reader {
    /// One line: `<process> <call>(<arguments>) = <result>`.
    fn read(&mut self, line: &str) {
        let call = line
            .split_once(' ')
            .map_or("", |(_, call)| call.trim_start());
        if call.starts_with("+++") || call.starts_with("---") {
            return;
        }
        // Two threads that write at once would need an order that strace does not tell.
        assert!(
            !call.contains("<unfinished") && !call.contains("resumed>"),
            "{line:.200}"
        );
        let (call, result) = call.rsplit_once(" = ").expect("a result");
        let result = result.split(' ').next().and_then(|it| it.parse().ok());
        let Some(result) = result.filter(|result: &i64| *result >= 0) else {
            return;
        };
        let (call, arguments) = call.split_once('(').expect("arguments");
        let arguments = arguments.trim_end().strip_suffix(')').expect("their end");
        let arguments: Vec<&str> = arguments.split(", ").collect();
        match call {
            "open" | "creat" => self.open(result, arguments[0], arguments.get(1)),
            "openat" => self.open(result, arguments[1], arguments.get(2)),
            "unlink" => self.remove(arguments[0]),
            "unlinkat" => self.remove(arguments[1]),
            "rename" | "link" | "truncate" => self.nothing_in_the_directory(&arguments),
            "renameat" | "renameat2" | "linkat" => self.nothing_in_the_directory(&arguments),
            "sync" | "syncfs" => panic!("{line:.200}: everything would be durable"),
            _ => self.on_descriptor(call, &arguments, result),
        }
    }

    fn open(&mut self, descriptor: i64, path: &str, flags: Option<&&str>) {
        let path = PathBuf::from(text(path));
        self.descriptors.remove(&descriptor);
        let opened = if path == self.directory {
            Opened::Directory
        } else if path == self.promises {
            Opened::Promises
        } else if let Some(name) = self.name(&path) {
            let flags = flags.copied().unwrap_or("O_TRUNC");
            assert!(!flags.contains("O_TRUNC") && !flags.contains("O_APPEND"));
            // Shared memory: it is made anew after a crash.
            if name.ends_with("-shm") {
                return;
            }
            Opened::File(self.file(name))
        } else {
            return;
        };
        self.descriptors.insert(descriptor, opened);
    }

    fn name(&self, path: &Path) -> Option<String> {
        let name = path.strip_prefix(&self.directory).ok()?;
        Some(name.to_str().expect("UTF-8").to_owned())
    }

    fn file(&mut self, name: String) -> FileId {
        if let Some(file) = self.names.get(&name) {
            return *file;
        }
        let file = self.files;
        self.files += 1;
        self.names.insert(name.clone(), file);
        self.steps.push(Step::Create { name, file });
        file
    }

    fn remove(&mut self, path: &str) {
        if let Some(name) = self.name(Path::new(&text(path)))
            && self.names.remove(&name).is_some()
        {
            self.steps.push(Step::Remove { name });
        }
    }

    fn nothing_in_the_directory(&self, arguments: &[&str]) {
        for argument in arguments {
            let path = text(argument);
            assert!(self.name(Path::new(&path)).is_none(), "{path}");
        }
    }

    fn on_descriptor(&mut self, call: &str, arguments: &[&str], result: i64) {
        let number = |index: usize| -> i64 { arguments[index].parse().expect("a number") };
        let length = |index: usize| usize::try_from(number(index)).expect("a length");
        let Some(opened) = self.descriptors.get(&number(0)).copied() else {
            return;
        };
        match (call, opened) {
            ("close", _) => {
                self.descriptors.remove(&number(0));
            }
            ("write", Opened::Promises) => {
                let line = String::from_utf8(bytes(arguments[1])).expect("UTF-8");
                let count = line.trim_end().parse().expect("a number");
                self.steps.push(Step::Promise { count });
            }
            ("fsync" | "fdatasync", Opened::Directory) => self.steps.push(Step::SyncDirectory),
            ("fsync" | "fdatasync", Opened::File(file)) => self.steps.push(Step::Sync { file }),
            ("pwrite64", Opened::File(file)) => {
                let (bytes, offset) = (bytes(arguments[1]), length(3));
                assert_eq!(Ok(bytes.len()), usize::try_from(result), "written in part");
                self.steps.push(Step::Write {
                    file,
                    offset,
                    bytes,
                });
            }
            ("ftruncate", Opened::File(file)) => self.steps.push(Step::Truncate {
                file,
                length: length(1),
            }),
            _ => panic!("{call}: what this does to a file is not known here"),
        }
    }
}

fn text(argument: &str) -> String {
    String::from_utf8(bytes(argument)).expect("UTF-8")
}

/// The bytes of a string that strace has written as `"\x63\x68"`.
fn bytes(argument: &str) -> Vec<u8> {
    assert!(!argument.ends_with("..."), "cut off");
    let digits = argument.trim_matches('"').split("\\x").skip(1);
    let bytes = digits.map(|digits| u8::from_str_radix(digits, 16).expect("two digits"));
    bytes.collect()
}
