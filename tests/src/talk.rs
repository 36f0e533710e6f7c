//! Real clients that talk with each other, and what they said and were shown.

use std::{collections::BTreeMap, thread, time::Duration};

use crate::{
    correspondence::{Correspondence, Kind, Left},
    process::{PATIENCE, Process},
};

/// Between two looks at what has been shown.
const PAUSE: Duration = Duration::from_millis(5);

/// The running clients, by name.
#[derive(Default)]
pub struct Talk {
    clients: BTreeMap<String, Process>,
    /// What was said and shown.
    pub correspondence: Correspondence,
}

impl Talk {
    /// A client has been started; `left` is what its last run has left.
    pub fn starts(&mut self, name: &str, client: Process, left: Left) {
        self.correspondence.starts(name, left);
        self.clients.insert(name.to_owned(), client);
    }

    /// Whether `name` has been started and not been ended.
    pub fn is_there(&self, name: &str) -> bool {
        self.clients.contains_key(name)
    }

    /// Ends a client without warning.
    ///
    /// # Panics
    /// If it is not there.
    pub fn kill(&mut self, name: &str) {
        let mut client = self.clients.remove(name).expect("it has been started");
        client.kill();
        let (lines, _) = client.wait();
        for line in lines {
            self.correspondence.shown(name, line);
        }
    }

    /// Types a line.
    ///
    /// # Panics
    /// If `name` is not there.
    pub fn type_line(&mut self, name: &str, line: &str) {
        let client = self.clients.get_mut(name).expect("it has been started");
        client.type_line(line);
    }

    /// Types a direct message.
    pub fn send(&mut self, by: &str, to: &str) {
        let text = self.correspondence.say(by, Kind::Direct, &[to]);
        self.type_line(by, &format!("send {to} {text}"));
    }

    /// Types a direct message of so many bytes.
    pub fn send_long(&mut self, by: &str, to: &str, bytes: usize) {
        let text = self.correspondence.say_long(by, Kind::Direct, &[to], bytes);
        self.type_line(by, &format!("send {to} {text}"));
    }

    /// Types a message to everyone, who are `to`.
    pub fn send_all(&mut self, by: &str, to: &[&str]) {
        let text = self.correspondence.say(by, Kind::Channel, to);
        self.type_line(by, &format!("send_all {text}"));
    }

    /// Types a message to the group, whose other members are `to`.
    pub fn send_group(&mut self, by: &str, to: &[&str]) {
        let text = self.correspondence.say(by, Kind::Group, to);
        self.type_line(by, &format!("send_group {text}"));
    }

    /// Types a line whose answer makes certain what was said before.
    pub fn fence(&mut self, by: &str) {
        let fence = self.correspondence.fence();
        self.type_line(by, &fence);
    }

    /// Takes what has been shown.
    pub fn listen(&mut self) {
        for (name, client) in &mut self.clients {
            while let Some(line) = client.next_line_that_waits() {
                self.correspondence.shown(name, line);
            }
        }
    }

    /// Listens until `done` holds.
    ///
    /// # Panics
    /// If it does not in time.
    pub fn listen_until(&mut self, what: &str, done: impl Fn(&Correspondence) -> bool) {
        for _ in 0..PATIENCE.as_micros() / PAUSE.as_micros() {
            self.listen();
            if done(&self.correspondence) {
                return;
            }
            thread::sleep(PAUSE);
        }
        let missing = self.correspondence.missing();
        panic!("{what} has not come; missing: {missing:?}");
    }

    /// Listens until `name` has been shown one more line that begins so than when this began.
    pub fn wait_for(&mut self, name: &str, prefix: &str) {
        let before = self.correspondence.count(name, prefix);
        self.listen_until(prefix, |it| it.count(name, prefix) > before);
    }

    /// Listens until everything that was said by those who are there has its answer.
    pub fn wait_for_answers(&mut self) {
        let names: Vec<String> = self.clients.keys().cloned().collect();
        for name in &names {
            self.fence(name);
        }
        self.listen_until("an answer to everything", |it| !it.is_unanswered(&names));
    }

    /// Listens until everything has its answer and has been shown to everyone it was for.
    pub fn settle(&mut self) {
        self.wait_for_answers();
        self.listen_until("everything", |it| it.missing().is_empty());
    }

    /// Everyone leaves, after the answers to everything.
    ///
    /// # Panics
    /// If a client does not end well.
    pub fn quit(&mut self) {
        let names: Vec<String> = self.clients.keys().cloned().collect();
        for name in names {
            self.quit_one(&name);
        }
    }

    /// This one leaves, after the answers to everything that it has said.
    ///
    /// # Panics
    /// If it is not there, or does not end well.
    pub fn quit_one(&mut self, name: &str) {
        self.fence(name);
        self.type_line(name, "quit");
        let mut client = self.clients.remove(name).expect("it has been started");
        let (lines, status) = client.wait();
        for line in lines {
            self.correspondence.shown(name, line);
        }
        assert_eq!(status.code(), Some(0), "{name}: {:?}", client.errors());
    }
}
