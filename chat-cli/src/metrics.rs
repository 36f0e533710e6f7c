//! A server's metrics, in the text format of Prometheus.
//!
//! A thread of its own answers whoever asks; what it answers is written in the loop's thread, which
//! alone knows the server.

use std::{
    fmt::Display,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
    time::Duration,
};

use chat_core::{
    link,
    server::{Counters, Server, Size},
};
use chat_mio::{Control, SocketCounters, StoreCounters, Waker};

/// Whoever asks has so long for the request, and for reading the answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// A request is no longer than this, in bytes.
const MAX_REQUEST: u64 = 8 << 10;

/// Those who wait for an answer.
pub(crate) struct Metrics(Receiver<SyncSender<String>>);

impl Metrics {
    /// Listens on an address; `waker` wakes the loop when somebody asks.
    ///
    /// # Errors
    /// If the address cannot be bound, or the system has no thread left.
    pub(crate) fn serve(address: SocketAddr, waker: Arc<Waker>) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let (ask, asked) = mpsc::sync_channel(1);
        let serve = move || {
            for stream in listener.incoming() {
                let answered = stream.and_then(|stream| answer(stream, &ask, &waker));
                if let Err(error) = answered {
                    tracing::debug!(%error, "a request for metrics was not answered");
                }
            }
        };
        thread::Builder::new().name("metrics".into()).spawn(serve)?;
        Ok(Self(asked))
    }

    /// Answers whoever has asked.
    pub(crate) fn turn(&self, control: &Control<'_, Server>) {
        while let Ok(reply) = self.0.try_recv() {
            // Nobody waits for it any more if it has taken too long.
            let _ = reply.try_send(render(control));
        }
    }
}

/// Answers one request and closes the connection.
fn answer(
    mut stream: TcpStream,
    ask: &SyncSender<SyncSender<String>>,
    waker: &Waker,
) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let path = requested_path(&stream)?;
    let (status, body) = if path.as_deref() == Some("/metrics") {
        let (reply, replied) = mpsc::sync_channel(1);
        let gone = |_| io::Error::from(io::ErrorKind::TimedOut);
        ask.send(reply).map_err(|_| io::ErrorKind::BrokenPipe)?;
        waker.wake()?;
        ("200 OK", replied.recv_timeout(PATIENCE).map_err(gone)?)
    } else {
        ("404 Not Found", "The metrics are at /metrics.\n".to_owned())
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// What a GET request asks for; it is read to the empty line at its end.
fn requested_path(stream: &TcpStream) -> io::Result<Option<String>> {
    let mut lines = BufReader::new(stream.take(MAX_REQUEST)).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let mut words = first.split(' ');
    let path = (words.next() == Some("GET")).then(|| words.next().map(str::to_owned));
    Ok(path.flatten())
}

/// The name of a metric, what it is, and its value.
type Metric<T = u64> = (&'static str, &'static str, T);

/// Everything that is counted.
fn render(control: &Control<'_, Server>) -> String {
    let server = &control.machine;
    let mut text = String::new();
    let gauges = sizes(server.size());
    write_all(&mut text, "gauge", "", gauges);
    for counters in [
        of_link(server.counters()),
        of_server(server.server_counters()),
        of_socket(control.socket),
    ] {
        write_all(&mut text, "counter", "_total", counters);
    }
    write_all(&mut text, "counter", "_total", of_store(control.store));
    text
}

fn write_all(text: &mut String, kind: &str, suffix: &str, metrics: Vec<Metric<impl Display>>) {
    for (name, help, value) in metrics {
        let name = format!("chat_{name}{suffix}");
        let lines = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        text.push_str(&lines);
    }
}

fn sizes(size: Size) -> Vec<Metric> {
    let pending = size.pending as u64;
    vec![
        ("users", "Registered names.", size.names as u64),
        ("sessions", "Clients online.", size.sessions as u64),
        ("groups", "Groups.", size.groups as u64),
        (
            "store_pending",
            "Operations of the store under way.",
            pending,
        ),
    ]
}

#[rustfmt::skip]
fn of_link(link: link::Counters) -> Vec<Metric> {
    vec![
        ("datagrams_received", "Datagrams handed to the link.", link.datagrams_received),
        ("datagrams_sent", "Datagrams encoded by the link.", link.datagrams_sent),
        ("datagrams_malformed", "Dropped: no datagram of this protocol.", link.malformed),
        ("datagrams_unknown_session", "Dropped: for no known session.", link.unknown_session),
        ("datagrams_unauthenticated", "Dropped: not authentic.", link.unauthenticated),
        ("datagrams_replayed", "Dropped: arrived before, or too old.", link.replayed),
        ("datagrams_over_limit", "Dropped: a limit was reached.", link.over_limit),
        ("link_frames_unknown", "Frames of the link with unknown tags.", link.unknown_frames),
        ("packets_retransmitted", "Packets sent again.", link.retransmitted),
        ("handshakes", "Handshakes completed.", link.handshakes),
    ]
}

#[rustfmt::skip]
fn of_server(server: Counters) -> Vec<Metric> {
    vec![
        ("messages_stored", "Messages made durable.", server.messages_stored),
        ("datagrams_while_loading", "Dropped: not loaded yet.", server.dropped_while_loading),
        ("messages_malformed", "Messages that were no frames.", server.malformed_messages),
        ("frames_unknown", "Frames with unknown tags.", server.unknown_frames),
        ("frames_unexpected", "Frames that a server does not expect.", server.unexpected_frames),
        ("clients_cut_off", "Clients that asked too much or read too slowly.", server.cut_off),
        ("interests_over_limit", "Watched names over the limit.", server.interests_over_limit),
        ("receipts_dropped", "Receipts that found a mailbox full.", server.dropped_receipts),
        ("events_dropped", "Events that were not shown.", server.dropped_events),
    ]
}

#[rustfmt::skip]
fn of_socket(socket: SocketCounters) -> Vec<Metric> {
    vec![
        ("socket_received", "Datagrams that the socket received.", socket.received),
        ("socket_sent", "Datagrams that the kernel took.", socket.sent),
        ("socket_refused", "Datagrams that the kernel refused.", socket.refused),
    ]
}

#[rustfmt::skip]
fn of_store(store: StoreCounters) -> Vec<Metric<f64>> {
    vec![
        ("store_batches", "Batches that the store has made durable.", store.batches as f64),
        ("store_busy_seconds", "The time that these took, together.", store.busy.as_secs_f64()),
    ]
}
