//! Servers and clients run by their loops, over loopback, with their files.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::channel,
    },
    thread::JoinHandle,
};

use chat_core::{
    client::{Client, Command, Ended, Event},
    server::{self, Server},
};
use chat_mio::{
    ClientLoop, ClientSetup, Control, DirectoryError, Frontend, Machine, ServerLoop, ServerSetup,
    SetupError, Waker,
};

/// A server in a thread, which stops when this is dropped.
struct Running {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn server(data: &Path, port: u16) -> Self {
        let mut setup = ServerSetup::new(port);
        setup.data = Some(data.to_owned());
        setup.listen = Some([127, 0, 0, 1].into());
        let (sender, started) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let mut frontend = UntilStopped(Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut server = ServerLoop::new(setup).expect("a free port");
            let address = server.event_loop().local_address();
            let waker = server.event_loop().waker();
            sender.send((address, waker)).expect("somebody waits");
            server.run(&mut frontend).expect("a store that works");
        });
        let (address, waker) = started.recv().expect("a server");
        Self {
            address,
            stop,
            waker,
            thread: Some(thread),
        }
    }

    fn setup(&self, name: &str, data: &Path) -> ClientSetup {
        let mut setup = ClientSetup::new(name.parse().expect("a name"), self.address);
        setup.server_as_typed = "here".into();
        setup.data = Some(data.to_owned());
        setup
    }

    fn client(&self, name: &str, data: &Path) -> ClientLoop {
        ClientLoop::new(self.setup(name, data)).expect("files that can be used")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.waker.wake().expect("a loop to be woken");
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(matches!(ended, Some(Ok(()))) || std::thread::panicking());
    }
}

struct UntilStopped(Arc<AtomicBool>);

impl Frontend<Server> for UntilStopped {
    fn event(&mut self, _control: &mut Control<'_, Server>, _event: server::Event) {}

    fn turn(&mut self, control: &mut Control<'_, Server>) {
        if self.0.swap(false, Ordering::SeqCst) {
            control.machine.leave(control.now);
        }
    }
}

type Answer<'a> = Box<dyn FnMut(&Event) -> Option<Command> + 'a>;

/// Notes the events and answers them with commands.
struct Script<'a> {
    events: Vec<Event>,
    answer: Answer<'a>,
}

impl<'a> Script<'a> {
    fn new(answer: impl FnMut(&Event) -> Option<Command> + 'a) -> Self {
        Self {
            events: Vec::new(),
            answer: Box::new(answer),
        }
    }

    /// Quits as soon as the client is registered.
    fn visit() -> Self {
        Self::new(|event| {
            matches!(event, Event::Registered { .. } | Event::Offline).then_some(Command::Quit)
        })
    }

    fn has(&self, is_it: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(is_it)
    }
}

impl Frontend<Client> for Script<'_> {
    fn event(&mut self, control: &mut Control<'_, Client>, event: Event) {
        if let Some(command) = (self.answer)(&event) {
            let taken = control.machine.handle_command(control.now, command);
            assert!(taken.is_ok() || matches!(event, Event::Offline));
        }
        self.events.push(event);
    }
}

fn send(to: &str, text: &str) -> Command {
    Command::Send {
        to: to.parse().expect("a name"),
        text: text.into(),
    }
}

/// The texts of the messages that were shown.
fn texts(events: &[Event]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Message { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

fn run(client: &mut ClientLoop, script: &mut Script<'_>) -> Ended {
    client.run(script).expect("files that can be used")
}

#[test]
fn direct_messages_are_shown_to_one_and_acknowledged_to_the_other() {
    let data = directory();
    let server = Running::server(data.path(), 0);
    let setup = server.setup("bob", data.path());
    let (is_there, ready) = channel();
    let bob = std::thread::spawn(move || {
        let mut bob = ClientLoop::new(setup).expect("files that can be used");
        let mut script = Script::new(|event| match event {
            Event::Registered { .. } => {
                is_there.send(()).expect("alice waits");
                None
            }
            Event::Message { .. } => Some(send("alice", "and back")),
            Event::Received { .. } => Some(Command::Quit),
            _ => None,
        });
        assert_eq!(run(&mut bob, &mut script), Ended::Normally);
        script.events
    });
    ready.recv().expect("bob");
    let (mut received, mut shown) = (false, false);
    let mut script = Script::new(|event| {
        received |= matches!(event, Event::Received { .. });
        shown |= matches!(event, Event::Message { .. });
        match event {
            Event::Registered { .. } => Some(send("bob", "there")),
            Event::Received { .. } | Event::Message { .. } if received && shown => {
                Some(Command::Finish)
            }
            _ => None,
        }
    });
    let ended = run(&mut server.client("alice", data.path()), &mut script);
    assert_eq!(ended, Ended::Normally);
    assert_eq!(texts(&script.events), ["and back"]);
    assert_eq!(texts(&bob.join().expect("bob")), ["there"]);
}

#[test]
fn a_server_is_trusted_once_and_known_from_then_on() {
    let data = directory();
    let server = Running::server(data.path(), 0);
    let trusted = |event: &Event| matches!(event, Event::ServerTrusted { .. });
    let mut first = Script::visit();
    run(&mut server.client("x", data.path()), &mut first);
    assert!(first.has(trusted));
    let known = data.path().join("client/x/known_servers");
    let known = std::fs::read_to_string(known).expect("a file");
    assert!(known.lines().any(|line| line.starts_with("here ")));

    let mut second = Script::visit();
    run(&mut server.client("x", data.path()), &mut second);
    assert!(!second.has(trusted));
    assert!(second.has(|event| matches!(
        event,
        Event::Registered {
            returning: true,
            ..
        }
    )));
}

#[test]
fn what_is_saved_survives_a_restart_of_the_server() {
    let data = directory();
    let server = Running::server(data.path(), 0);
    let port = server.address.port();
    run(&mut server.client("bob", data.path()), &mut Script::visit());
    let mut alice = Script::new(|event| match event {
        Event::Registered { .. } => Some(send("bob", "kept")),
        Event::Saved { .. } => Some(Command::Quit),
        _ => None,
    });
    run(&mut server.client("alice", data.path()), &mut alice);
    drop(server);

    let server = Running::server(data.path(), port);
    let mut bob = Script::new(|event| match event {
        Event::Message { .. } => Some(Command::Quit),
        _ => None,
    });
    run(&mut server.client("bob", data.path()), &mut bob);
    assert!(bob.has(
        |event| matches!(event, Event::Message { text, stored: Some(_), .. } if text.as_str() == "kept")
    ));
}

#[test]
fn a_client_becomes_another_user_and_leaves_the_first_ones_files() {
    let data = directory();
    let server = Running::server(data.path(), 0);
    let mut client = server.client("x", data.path());
    let mut script = Script::new(|event| match event {
        Event::Registered { .. } => Some(Command::Deregister { name: None }),
        Event::Offline => Some(Command::Register {
            name: Some("y".parse().expect("a name")),
        }),
        _ => None,
    });
    assert_eq!(run(&mut client, &mut script), Ended::SwitchUser);
    client.switch_user().expect("files that can be used");
    assert_eq!(client.name().as_str(), "y");
    let mut other = Script::visit();
    assert_eq!(run(&mut client, &mut other), Ended::Normally);
    assert!(
        other.has(|event| matches!(event, Event::Registered { name, .. } if name.as_str() == "y"))
    );

    let x = ClientLoop::new(server.setup("x", data.path()));
    assert!(x.is_ok());
    let Err(error) = ClientLoop::new(server.setup("y", data.path())) else {
        panic!("y runs");
    };
    assert!(matches!(
        error,
        SetupError::Directory(DirectoryError::InUse { .. })
    ));
}
