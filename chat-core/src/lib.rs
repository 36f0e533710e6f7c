//! The protocol of a chat that keeps working when the server, or the internet, does not.
//!
//! A server registers users, keeps the table of who is where, holds mail for the absent and runs
//! groups. Clients talk to each other directly, authenticated and encrypted, also when the server
//! is down. This crate is all of that except the world: [`Client`](client::Client) and
//! [`Server`](server::Server) are state machines that do no IO. They never read a clock, open a
//! socket, touch a file or draw randomness from outside; `no_std` and `forbid(unsafe_code)` make
//! that true by construction.
//!
//! # How to drive a machine
//!
//! `handle_*` takes input, `poll_*` gives output until `None`. There is no contract beyond that:
//! any number of inputs between drains, any drain order, and a completion of the store may come
//! late, twice or out of order. A panic is a bug.
//!
//! ```no_run
//! use std::{io, net::UdpSocket, time::Duration};
//! use chat_core::{action::Action, client::Client, id::Path, store::MemoryStore, time::Now};
//!
//! fn drive(
//!     mut client: Client,
//!     mut store: MemoryStore,
//!     socket: UdpSocket,
//!     now: impl Fn() -> Now,
//! ) -> io::Result<()> {
//!     let mut buffer = Vec::new();
//!     let mut datagram = [0; 2_048];
//!     loop {
//!         // 1. Do what it wants done, and tell it what came of it.
//!         while let Some(action) = client.poll_action(now(), &mut buffer) {
//!             match action {
//!                 Action::Send(path) => drop(socket.send_to(&buffer, path.remote)?),
//!                 Action::Display(event) => println!("{event:?}"),
//!                 Action::Persist(id, operation) => store.handle(id, operation),
//!             }
//!             while let Some(event) = store.poll_event() {
//!                 client.handle_stored(now(), event);
//!             }
//!         }
//!         // 2. Wait for a datagram, at most until something is due.
//!         let wait = client.poll_timeout().map(|at| at.saturating_since(now().instant));
//!         let wait = wait.unwrap_or(Duration::from_secs(1)).max(Duration::from_millis(1));
//!         socket.set_read_timeout(Some(wait))?;
//!         if let Ok((length, from)) = socket.recv_from(&mut datagram) {
//!             client.handle_datagram(now(), Path::to(from), &mut datagram[..length]);
//!         }
//!         client.handle_timeout(now());
//!     }
//! }
//! ```
//!
//! `examples/two_clients.rs` runs two clients and a server in memory, `examples/udp_client.rs` is a
//! whole driver on sockets of the standard library. The crate `chat-mio` is the
//! ready-made driver with batched sockets, signals and a durable store.
//!
//! # The model
//!
//! * **Client and server have the same methods**, which [`Machine`](machine::Machine) is: one driver
//!   serves both.
//! * **Time** is an argument: [`Now`](time::Now) holds a monotonic [`Instant`](time::Instant) for
//!   timers and a [`WallTime`](time::WallTime) for stamps. A clock that goes back is clamped.
//! * **Randomness** follows from the seed that a machine is made with. Never use a seed twice.
//! * **Bytes from the network are never an error**: what is not understood or not authentic is
//!   dropped and counted.
//! * **Durability is two-phase**: [`Action::Persist`](action::Action::Persist) goes out, and what
//!   depends on it (an acknowledgement, a "saved", a receipt) is sent when the completion has come
//!   in. After a restart, a machine is restored from its [`store`].
//! * **A message has one acknowledgement**: the receiver has made it durable. Every message has a
//!   [128-bit id](id::MessageId), the same on every path, by which duplicates are dropped.
//! * **Every collection has a limit**, in [`config`], with what happens there.
//!
//! # The layers
//!
//! A datagram goes through [`wire`] (bytes and frames) and [`link`] (authenticated, encrypted,
//! reliable messages between two keys, which can be used alone) to [`client`] or [`server`].
//! [`text`] writes the English line of an event; a program can use the events instead.
//!
//! # Features
//!
//! * `ring`: ChaCha20-Poly1305 in assembly (needs a C compiler and std). Without it everything is
//!   pure Rust.
//! * `simulation`: plants bugs and can switch encryption off. For the simulator of this project
//!   only: a build without debug assertions refuses it.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "simulation")]
extern crate std;

#[cfg(all(feature = "simulation", not(debug_assertions)))]
compile_error!("the feature `simulation` is for tests: build with `--profile simulation`");

#[macro_use]
mod planted;

pub mod action;
pub mod client;
pub mod config;
pub mod conversation;
pub mod crypto;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod id;
pub mod link;
pub mod machine;
pub mod name;
pub mod server;
#[cfg(feature = "simulation")]
pub mod simulation;
pub mod store;
mod streams;
pub mod text;
pub mod time;
mod timers;
mod unknown_tags;
pub mod wire;
