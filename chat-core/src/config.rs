//! Every limit and default. What happens at a limit is said beside it.

use core::time::Duration;

/// The longest name, in characters after normalisation.
pub const MAX_NAME_CHARS: usize = 32;
/// The longest message text, in bytes of UTF-8; a longer one is refused before it is sent.
pub const MAX_TEXT_BYTES: usize = 65_536;
/// The longest message that the link carries: a text, sealed, with its frame around it.
pub const MAX_MESSAGE_BYTES: usize = MAX_TEXT_BYTES + 1_024;
/// The longest datagram that is sent: every path that carries QUIC carries it (RFC 9000 §14). What
/// more a path would carry is not looked for.
pub const MAX_DATAGRAM_BYTES: usize = 1_200;
/// The longest record (key and value) or log entry that a store takes; a longer one is refused.
pub const MAX_STORED_BYTES: usize = 1 << 20;
/// Ids of trimmed entries that the store in memory keeps; past it the oldest are forgotten, and an
/// entry with such an id would be appended again.
pub const MAX_REMEMBERED_IDS: usize = 1 << 18;
/// The port numbers that a server or client may use.
pub const PORTS: core::ops::RangeInclusive<u16> = 1_024..=65_535;

/// Limits and times of the link.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LinkConfig {
    /// Peers with state at once. At the limit a handshake from an unknown key is dropped, counted.
    pub max_peers: usize,
    /// Messages queued to one peer and not yet acknowledged by its link; at the limit `send` fails.
    pub max_queued_messages: usize,
    /// Bytes queued to one peer; at the limit `send` fails.
    pub max_queued_bytes: usize,
    /// Bytes in flight to one peer at most, whatever congestion control allows.
    pub max_bytes_in_flight: usize,
    /// Bytes of incomplete or early messages held for one peer; a packet past it is not
    /// acknowledged, so that it comes again. What a stream waits for has room in any case.
    pub max_reassembly_bytes: usize,
    /// Events that wait to be polled; at the limit datagrams are dropped, and come again.
    pub max_events: usize,
    /// The first retransmission timeout, before a round trip has been measured.
    pub initial_timeout: Duration,
    /// The shortest retransmission timeout.
    pub min_timeout: Duration,
    /// The longest retransmission timeout.
    pub max_timeout: Duration,
    /// A probe asks a peer for a sign of life so many times.
    pub probes: u32,
    /// The shortest time between two probes; a longer smoothed round trip stretches it.
    pub probe_interval: Duration,
    /// A session is renewed at this age.
    pub rekey_after: Duration,
    /// A replaced session's keys are accepted so much longer.
    pub old_keys_for: Duration,
    /// A session with nothing owed is dropped after so long without a packet from the peer.
    pub idle_timeout: Duration,
    /// Handshakes a second above which unvalidated addresses must echo a cookie.
    pub handshakes_before_cookies: u32,
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            max_peers: 1 << 20,
            max_queued_messages: 4_096,
            max_queued_bytes: 8 << 20,
            max_bytes_in_flight: 256 << 10,
            max_reassembly_bytes: 1 << 20,
            max_events: 1 << 16,
            initial_timeout: Duration::from_millis(100),
            min_timeout: Duration::from_millis(20),
            max_timeout: Duration::from_secs(5),
            probes: 20,
            probe_interval: Duration::from_millis(25),
            rekey_after: Duration::from_secs(3_600),
            old_keys_for: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(180),
            handshakes_before_cookies: 200,
        }
    }
}

/// Limits and times of the client.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClientConfig {
    /// Limits and times of the link beneath.
    pub link: LinkConfig,
    /// Commands waiting for their turn; at the limit `handle_command` answers `Busy`.
    pub max_commands: usize,
    /// Messages owed to others; at the limit `send` is refused. As many again are remembered until
    /// it is known that they were received, the last one of each conversation, and up to 1,024 while
    /// nothing can be written.
    pub max_outbox: usize,
    /// Messages that have arrived and were not shown; at the limit no more are accepted: who sent
    /// them keeps them.
    pub max_inbox: u64,
    /// Names in the local table; entries past it are dropped, counted.
    pub max_peers: usize,
    /// A direct message without an ack goes to the server after this time.
    pub ack_timeout: Duration,
    /// A request to the server without a sign of life counts an attempt after this time.
    pub attempt_timeout: Duration,
    /// Attempts before the server counts as not responding.
    pub attempts: u32,
    /// How long an idle client waits before it asks the server for a sign of life.
    pub keepalive: Duration,
    /// The time between two attempts in the background to reach a silent server; spread by half.
    pub reconnect_interval: Duration,
    /// Changes of the table are shown once in this time.
    pub table_notice_interval: Duration,
    /// How long a leave by signal waits for the server.
    pub leave_timeout: Duration,
    /// An outbox entry that could not be delivered expires after this time.
    pub outbox_expiry: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            link: LinkConfig {
                max_peers: 4_096,
                ..LinkConfig::default()
            },
            max_commands: 1_024,
            max_outbox: 10_000,
            max_inbox: 100_000,
            max_peers: 1_000_000,
            ack_timeout: Duration::from_millis(500),
            attempt_timeout: Duration::from_millis(500),
            attempts: 5,
            keepalive: Duration::from_secs(8),
            reconnect_interval: Duration::from_secs(1),
            table_notice_interval: Duration::from_millis(100),
            leave_timeout: Duration::from_millis(500),
            outbox_expiry: Duration::from_secs(30 * 24 * 3_600),
        }
    }
}

/// Limits and times of the server.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Limits and times of the link beneath.
    pub link: LinkConfig,
    /// Names that can be registered; past it a new name is refused.
    pub max_names: usize,
    /// Groups; past it `create_group` is refused.
    pub max_groups: usize,
    /// Entries in one mailbox; at the limit the sender is told that it is full. Receipts are taken
    /// up to twice as many, then dropped, counted.
    pub max_mailbox: u64,
    /// Entries in the log of a group or the channel; the oldest are trimmed.
    pub max_group_log: u64,
    /// Entries older than this are trimmed; a sender of mail is told.
    pub expiry: Duration,
    /// Changes of the table are collected for this time before they are sent.
    pub table_interval: Duration,
    /// Above so many names a client is sent only the entries that it asked for.
    pub push_whole_table_below: usize,
    /// A member that has not accepted a live message after this time is checked.
    pub accept_timeout: Duration,
    /// A client that has been silent for this time is checked.
    pub liveness_interval: Duration,
    /// After a start, presence is unknown for this time.
    pub presence_grace: Duration,
    /// Cursors of online readers are written in this interval.
    pub cursor_interval: Duration,
    /// Entries that are delivered to one client and not yet accepted, at most.
    pub max_unaccepted: usize,
    /// An ephemeral name that was marked offline is freed after this time.
    pub ephemeral_grace: Duration,
    /// Requests a second that one client may make; the rest waits, and slows only that client.
    pub requests_per_second: u32,
    /// A message to a group or the channel counts as one more request for every so many of its
    /// members who are online: what it costs is their number, not that of the messages.
    pub members_per_request: usize,
    /// Requests of one client that wait for their turn; at the limit the client is cut off, and
    /// sends again what was not answered when it has come back. A client may have 256 messages
    /// under way at once, of 65,536 bytes each: with less room than that it may never get through.
    pub max_waiting_requests: usize,
    /// Bytes of these requests; likewise.
    pub max_waiting_bytes: usize,
    /// Requests of one client that wait for the store; the next ones wait for their turn.
    pub max_requests_in_flight: usize,
    /// Names whose changes one client is told of when the table is too large to be sent whole;
    /// past it a look-up is answered, but later changes are not told.
    pub max_interests: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            link: LinkConfig::default(),
            max_names: 1_000_000,
            max_groups: 100_000,
            max_mailbox: 10_000,
            max_group_log: 100_000,
            expiry: Duration::from_secs(30 * 24 * 3_600),
            table_interval: Duration::from_millis(50),
            push_whole_table_below: 10_000,
            accept_timeout: Duration::from_millis(500),
            liveness_interval: Duration::from_secs(20),
            presence_grace: Duration::from_secs(30),
            cursor_interval: Duration::from_secs(10),
            max_unaccepted: 128,
            ephemeral_grace: Duration::from_secs(600),
            requests_per_second: 1_000,
            members_per_request: 16,
            max_waiting_requests: 16_384,
            max_waiting_bytes: 32 << 20,
            max_requests_in_flight: 1_024,
            max_interests: 1_024,
        }
    }
}
