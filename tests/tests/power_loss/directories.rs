//! The directories that a program makes: their names are durable before anything is promised.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
};

use tests::{
    edges,
    process::{Process, free_port, program},
};

#[test]
fn the_directories_of_a_server_are_durable_before_it_serves() {
    if !edges::can_trace("directories after a loss of power") {
        return;
    }
    let place = Place::new();
    let port = free_port().to_string();
    let mut server = place.traced(&["server", &port, "--listen", "127.0.0.1"]);
    server.wait_for_prefix("[Server started on ");
    server.type_line("quit");
    server.wait();
    assert_eq!(
        place.promised_too_early("[Server started on "),
        BTreeSet::new()
    );
}

#[test]
fn the_directories_of_a_client_are_durable_before_it_is_registered() {
    if !edges::can_trace("directories after a loss of power") {
        return;
    }
    let place = Place::new();
    let port = free_port().to_string();
    let mut server = Process::start(["server", &port, "--listen", "127.0.0.1", "--ephemeral"]);
    server.wait_for_prefix("[Server started on ");
    let mut client = place.traced(&["client", "x", "127.0.0.1", &port]);
    client.wait_for_prefix("[Welcome");
    client.type_line("quit");
    client.wait();
    assert_eq!(place.promised_too_early("[Welcome"), BTreeSet::new());
}

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    fn output(&self) -> PathBuf {
        self.directory.path().join("strace")
    }

    /// The program under strace, with a data directory that is to be made with one above it.
    fn traced(&self, arguments: &[&str]) -> Process {
        let calls = "trace=open,openat,mkdir,mkdirat,fsync,fdatasync,close,write";
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-xx", "-e", calls, "-e", "signal=none", "-o"]);
        strace.arg(self.output()).arg(program()).args(arguments);
        strace
            .arg("--data")
            .arg(self.directory.path().join("new/data"));
        Process::spawn(&mut strace)
    }

    /// The directories whose names were not durable when this line was shown.
    fn promised_too_early(&self, line: &str) -> BTreeSet<PathBuf> {
        let text = fs::read_to_string(self.output()).expect("what strace wrote");
        let mut made = BTreeSet::new();
        let mut open = BTreeMap::new();
        let mut count = 0;
        for call in calls(&text) {
            let (call, arguments, result) = parts(&call);
            let strings: Vec<String> = arguments.iter().filter_map(|it| text_of(it)).collect();
            let descriptor = arguments[0].parse::<i64>().unwrap_or(-1);
            match call {
                "open" | "openat" if result >= 0 => {
                    open.insert(result, PathBuf::from(&strings[0]));
                }
                "mkdir" | "mkdirat" if result == 0 => {
                    let path = PathBuf::from(&strings[0]);
                    if path.starts_with(self.directory.path()) {
                        made.insert(path);
                        count += 1;
                    }
                }
                "fsync" | "fdatasync" if result == 0 => {
                    let synced = open.get(&descriptor).map(PathBuf::as_path);
                    made.retain(|path: &PathBuf| path.parent() != synced);
                }
                "close" => {
                    open.remove(&descriptor);
                }
                "write" if descriptor == 1 && strings[0].starts_with(line) => {
                    assert!(count >= 4, "new, data, the role and the name");
                    return made;
                }
                _ => {}
            }
        }
        panic!("{line:?} was not shown");
    }
}

/// The calls in the order in which they ended. Threads that are at it together cut each other's
/// lines in two.
fn calls(text: &str) -> Vec<String> {
    let mut begun = BTreeMap::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let (process, call) = line.split_once(' ').expect("a process");
        let call = call.trim_start();
        if let Some(begin) = call.strip_suffix(" <unfinished ...>") {
            begun.insert(process, begin);
        } else if let Some((_, end)) = call.split_once(" resumed>") {
            let begin = begun.remove(process).expect("its beginning");
            calls.push(format!("{begin}{end}"));
        } else if call.contains(" = ") {
            calls.push(call.to_owned());
        }
    }
    calls
}

/// The name, the arguments and the result of a call.
fn parts(call: &str) -> (&str, Vec<&str>, i64) {
    let (call, result) = call.rsplit_once(" = ").expect("a result");
    let result = result.split(' ').next().and_then(|it| it.parse().ok());
    let (name, arguments) = call.split_once('(').expect("arguments");
    let arguments = arguments.trim_end().trim_end_matches(')').split(", ");
    (name, arguments.collect(), result.unwrap_or(-1))
}

fn text_of(argument: &str) -> Option<String> {
    let digits = argument.strip_prefix('"')?.trim_end_matches(['.', '"']);
    let digits = digits.split("\\x").skip(1);
    let bytes = digits.map(|digits| u8::from_str_radix(digits, 16).ok());
    String::from_utf8(bytes.collect::<Option<_>>()?).ok()
}
