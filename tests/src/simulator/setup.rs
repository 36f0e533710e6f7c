//! What a run is like: how bad network, disks and clocks are, and how small the limits.

use std::{fmt, time::Duration};

use chat_core::config::{ClientConfig, ServerConfig};

use crate::{
    disk,
    net::{
        Link,
        nat::{Dependence, Kind},
    },
};

/// Defines the knobs with their names and what they are when nobody has turned them.
macro_rules! knobs {
    ($( $(#[$meta:meta])* $knob:ident = $default:literal, )*) => {
        /// The knobs of a run, all numbers.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Setup { $( $(#[$meta])* pub $knob: u64, )* }

        impl Default for Setup {
            /// A good world.
            fn default() -> Self {
                Self { $( $knob: $default, )* }
            }
        }

        impl Setup {
            /// How many knobs there are.
            pub const COUNT: usize = [$( stringify!($knob), )*].len();

            /// Turns the knob of this name. Gives whether there is one.
            pub fn turn(&mut self, name: &str, value: u64) -> bool {
                match name {
                    $( stringify!($knob) => self.$knob = value, )*
                    _ => return false,
                }
                true
            }

            /// Turns the knob of this number back. Gives whether that changes anything.
            pub fn turn_back(&mut self, number: usize) -> bool {
                let (before, default) = (self.clone(), Self::default());
                let mut at = 0;
                $(
                    if at == number {
                        self.$knob = default.$knob;
                    }
                    at += 1;
                )*
                debug_assert_eq!(at, Self::COUNT);
                *self != before
            }
        }

        impl fmt::Display for Setup {
            /// The knobs that have been turned: `loss=100 jitter=20000`.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let default = Self::default();
                let mut space = "";
                $(
                    if self.$knob != default.$knob {
                        write!(f, "{space}{}={}", stringify!($knob), self.$knob)?;
                        space = " ";
                    }
                )*
                Ok(())
            }
        }
    };
}

knobs! {
    /// Per mille of datagrams that are lost.
    loss = 0,
    /// Per mille of runs of datagrams that are lost.
    burst = 0,
    /// Per mille of datagrams that arrive twice.
    duplication = 0,
    /// Per mille of datagrams that others overtake.
    reordering = 0,
    /// Per mille of datagrams that are damaged.
    corruption = 0,
    /// Microseconds that a datagram takes at least.
    delay = 500,
    /// Microseconds at most that are added.
    jitter = 0,
    /// Bytes a second in each direction; zero: as many as there are.
    bandwidth = 0,
    /// The longest datagram in bytes.
    largest = 65_507,
    /// Per mille of datagrams that are lost also after the faults have stopped.
    lasting_loss = 0,
    /// The NAT of the first client: 0 none, else 1 + 6 mapping + 2 filtering + keeps its port.
    nat_1 = 0,
    /// That of the second client.
    nat_2 = 0,
    /// That of the third client.
    nat_3 = 0,
    /// That of the fourth client.
    nat_4 = 0,
    /// Seconds until a NAT forgets a mapping that is not used.
    nat_expiry = 120,
    /// Microseconds that an operation of a disk takes.
    disk_delay = 250,
    /// Microseconds at most that are added.
    disk_jitter = 0,
    /// Per mille of completions that are late.
    late = 0,
    /// Per mille of completions that are repeated.
    repeated = 0,
    /// Per mille of completions that are lost.
    lost = 0,
    /// Per mille of operations that fail.
    failed = 0,
    /// Per mille of operations of a disk at which the power fails.
    power_cuts = 0,
    /// Per mille of inputs after which a driver is lazy.
    lazy = 0,
    /// Parts per million by which clocks differ.
    drift = 0,
    /// Seconds after which sessions are renewed.
    rekey = 3_600,
    /// Messages that a client owes at most.
    outbox = 10_000,
    /// Entries in a mailbox at most.
    mailbox = 10_000,
    /// Entries in the log of a group at most.
    group_log = 100_000,
    /// Entries that are delivered and not accepted, at most.
    unaccepted = 128,
    /// Names above which a client gets only the entries that it asks for.
    whole_table = 10_000,
    /// Handshakes a second above which cookies are asked for.
    cookies = 200,
}

impl Setup {
    /// How every direction of the network behaves.
    pub fn link(&self) -> Link {
        Link {
            delay: Duration::from_micros(self.delay),
            jitter: Duration::from_micros(self.jitter),
            bandwidth: self.bandwidth,
            largest: self.largest as usize,
            loss: self.loss as u32,
            burst: self.burst as u32,
            duplication: self.duplication as u32,
            reordering: self.reordering as u32,
            corruption: self.corruption as u32,
        }
    }

    /// How it behaves after the faults have stopped.
    pub fn lasting_link(&self) -> Link {
        Link {
            loss: self.lasting_loss as u32,
            burst: 0,
            duplication: 0,
            reordering: 0,
            corruption: 0,
            ..self.link()
        }
    }

    /// How the disks behave.
    pub fn disk(&self) -> disk::Behaviour {
        disk::Behaviour {
            delay: Duration::from_micros(self.disk_delay),
            jitter: Duration::from_micros(self.disk_jitter),
            late: self.late as u32,
            repeated: self.repeated as u32,
            lost: self.lost as u32,
            failed: self.failed as u32,
        }
    }

    /// The NAT that a client is behind, if it is.
    pub fn nat(&self, client: usize) -> Option<Kind> {
        let code = match client {
            1 => self.nat_1,
            2 => self.nat_2,
            3 => self.nat_3,
            _ => self.nat_4,
        };
        let code = code.checked_sub(1)?;
        let dependence = |code| match code % 3 {
            0 => Dependence::Endpoint,
            1 => Dependence::Address,
            _ => Dependence::Port,
        };
        Some(Kind {
            mapping: dependence(code / 6),
            filtering: dependence(code / 2),
            keeps_port: code % 2 == 1,
            expiry: Duration::from_secs(self.nat_expiry),
        })
    }

    /// How much faster the clocks of a node run, in parts per million.
    pub fn rate(&self, node: usize) -> i32 {
        let drift = self.drift as i32;
        [0, drift, -drift][node % 3]
    }

    /// The limits of the server.
    pub fn server(&self) -> ServerConfig {
        let mut config = ServerConfig::default();
        config.link.rekey_after = Duration::from_secs(self.rekey);
        config.link.handshakes_before_cookies = self.cookies as u32;
        config.max_mailbox = self.mailbox;
        config.max_group_log = self.group_log;
        config.max_unaccepted = self.unaccepted as usize;
        config.push_whole_table_below = self.whole_table as usize;
        config
    }

    /// The limits of a client.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::default();
        config.link.rekey_after = Duration::from_secs(self.rekey);
        config.link.handshakes_before_cookies = self.cookies as u32;
        config.max_outbox = self.outbox as usize;
        config
    }
}
